/* The gradient of a recurrent network: backward goes through the steps from the last one and keeps the gradients of all
 * gates, from which those of the weights and of the input follow in one product each. */
#include "ops/rnn.h"

#include <string.h>

/* A walk through the steps. */
typedef struct rnn_walk {
    cnn__node *node;
    const cnn__rnn *r;
    const cnn_tensor *states; /* h of all steps */
    cnn_tensor *dgates;       /* gradients of the gates of all steps */
    cnn_tensor *dproduct;     /* gradients of the recurrent products; dgates but for a GRU */
    cnn_tensor *dh, *dc;      /* gradients of the states behind a step; dc is an LSTM's */
    cnn_tensor *packed;       /* room for the recurrent weights as products read them */
} rnn_walk;

/* A tensor like result j, with its gradient or zeros. */
static cnn_tensor *rnn_first_gradient(cnn__node *node, int j)
{
    const cnn_tensor *given = cnn__grad_of(node, j);
    cnn_tensor *t = cnn__grad_like(node, node->out[j]);
    bool made = t && (given ? cnn__run_copy(node->tape, node->op->name, t, given)
                            : cnn__run_fill(node->tape, node->op->name, t, 0));
    return made ? t : NULL;
}

static bool rnn_begin_walk(rnn_walk *w, cnn__node *node)
{
    const cnn_tensor *gates = cnn__saved_output(node, CNN__RNN_GATES),
                     *states = cnn__saved_output(node, CNN__RNN_STATES);
    const bool lstm = ((const cnn__rnn *)node->attributes)->cell == CNN_RNN_LSTM;
    *w = (rnn_walk){ .node = node, .r = node->attributes, .dgates = cnn__grad_like(node, gates) };
    w->states = states ? states : cnn__saved_output(node, CNN__RNN_Y);
    w->dproduct = w->r->cell == CNN_RNN_GRU ? cnn__grad_like(node, gates) : w->dgates;
    w->dh = rnn_first_gradient(node, CNN__RNN_H_N);
    w->dc = lstm ? rnn_first_gradient(node, CNN__RNN_C_N) : NULL;
    w->packed = cnn__grad_matrix(node, gates->dtype, w->r->hidden + CNN__RNN_FILLING, w->r->width);
    return w->dgates && w->dproduct && w->dh && (w->dc || !lstm) && w->packed;
}

/* Fills dgates and dproduct, and hands the gradients of h0 and c0 over. */
static bool rnn_walk_steps(const rnn_walk *w)
{
    cnn__node *node = w->node;
    const cnn__rnn *r = w->r;
    const cnn_tensor *dy = cnn__grad_of(node, CNN__RNN_Y), *kept = cnn__saved_output(node, CNN__RNN_KEPT),
                     *gates = cnn__saved_output(node, CNN__RNN_GATES);
    const bool gru = r->cell == CNN_RNN_GRU;
    const cnn__gemm g = { .accumulate = true,
                          .m = r->batch,
                          .n = r->hidden,
                          .k = r->width,
                          .lda = r->stride,
                          .ldb = r->hidden,
                          .ldc = r->hidden };
    bool going = true;
    for (int64_t k = r->steps - 1; going && r->batch && k >= 0; k--) {
        const int64_t row = cnn__rnn_time(r, k) * r->batch;
        const cnn_rnn_parameters p = { r->cell, r->batch, r->hidden, cnn__rnn_time(r, k), r->stride - r->width };
        const void *before =
            cnn__rnn_before(r, k, node->saved[gru ? CNN__RNN_H0 : CNN__RNN_C0], gru ? w->states : kept);
        void *dproduct = cnn__rnn_rows(w->dproduct, row, r->stride);
        cnn_launch step = CNN__LAUNCH(RNN_BACKWARD, w->dgates->dtype, CNN__PARAMETERS(p),
                                      .in = { cnn__rnn_rows(dy, row, r->hidden), cnn__rnn_rows(gates, row, r->stride),
                                              cnn__rnn_rows(kept, row, r->hidden), before,
                                              cnn__data_or_null(node->saved[CNN__RNN_LENGTHS]) },
                                      .out = { cnn__rnn_rows(w->dgates, row, r->stride), cnn__data(w->dh),
                                               gru ? dproduct : cnn__data_or_null(w->dc) });
        going = cnn__run(node->tape, node->op->name, &step);
        if (going && (k > 0 || cnn__wants(node, CNN__RNN_H0))) {
            going = cnn__rnn_multiply_step(node->tape, node->op->name, &g, dproduct, node->saved[CNN__RNN_W_HH],
                                           cnn__data(w->dh), w->packed, k == r->steps - 1);
        }
    }
    cnn__grad_add(node, CNN__RNN_H0, going ? w->dh : NULL);
    cnn__grad_add(node, CNN__RNN_C0, going ? w->dc : NULL);
    return going;
}

/* Input i's gradient: the product a · b, and `more`, if its sum is not empty, added to it. */
typedef struct rnn_product {
    cnn__gemm g;
    const void *a, *b;
} rnn_product;

static void rnn_add_product(cnn__node *node, int i, const rnn_product *p, const rnn_product *more)
{
    cnn_tensor *gradient = cnn__wants(node, i) ? cnn__grad_empty(node, i) : NULL;
    bool going = gradient != NULL;
    for (; going && gradient->numel && p; p = more, more = NULL) {
        going = cnn__rnn_multiply(node->tape, node->op->name, gradient->dtype, &p->g, p->a, p->b, NULL,
                                  cnn__data(gradient), NULL);
    }
    cnn__grad_add(node, i, going ? gradient : NULL);
}

/* dproductᵀ · before, where `before` has what came into each step: rows of h, and h0 for the first step. */
static void rnn_add_recurrent(const rnn_walk *w)
{
    const cnn__rnn *r = w->r;
    const cnn_tensor *h0 = w->node->saved[CNN__RNN_H0];
    const int64_t n = r->batch, later = r->reverse ? 0 : n, first = cnn__rnn_time(r, 0) * n;
    rnn_product steps = { { .trans_a = true, .m = r->width, .n = r->hidden, .k = (r->steps - 1) * n, .lda = r->stride },
                          cnn__rnn_rows(w->dproduct, later, r->stride),
                          cnn__rnn_rows(w->states, n - later, r->hidden) };
    steps.g.ldb = steps.g.ldc = r->hidden;
    rnn_product begin = { steps.g, cnn__rnn_rows(w->dproduct, first, r->stride), cnn__rnn_rows(h0, 0, 0) };
    begin.g.k = n;
    begin.g.accumulate = true;
    rnn_add_product(w->node, CNN__RNN_W_HH, &steps, h0 ? &begin : NULL);
}

/* The sums of the columns of `rows`. The gaps between rows are columns as well, whose sums are left out. */
static void rnn_sum_columns(const rnn_walk *w, const cnn_tensor *rows, const cnn_tensor *sums)
{
    const cnn__rnn *r = w->r;
    const cnn_matrix shape = { r->steps * r->batch, r->stride };
    void *to = r->stride == r->width ? cnn__data(sums) : cnn__data(w->packed); /* which no product reads any more */
    cnn_launch sum =
        CNN__LAUNCH(SUM_ROWS, sums->dtype, CNN__PARAMETERS(shape), .in = { cnn__data(rows) }, .out = { to });
    if (cnn__run(w->node->tape, w->node->op->name, &sum) && to != cnn__data(sums)) {
        memcpy(cnn__data(sums), to, (size_t)r->width * cnn_dtype_size(sums->dtype));
    }
}

/* The two have the same gradient, but for a GRU's. */
static void rnn_add_biases(const rnn_walk *w)
{
    cnn__node *node = w->node;
    const cnn_tensor *const rows[2] = { w->dgates, w->dproduct };
    cnn_tensor *dbias[2];
    for (int j = 0; j < 2; j++) {
        int i = j ? CNN__RNN_B_HH : CNN__RNN_B_IH;
        dbias[j] = cnn__wants(node, i) ? cnn__grad_empty(node, i) : NULL;
        if (dbias[j] && j && dbias[0] && rows[0] == rows[1]) {
            cnn__run_copy(node->tape, node->op->name, dbias[1], dbias[0]);
        } else if (dbias[j]) {
            rnn_sum_columns(w, rows[j], dbias[j]);
        }
    }
    cnn__grad_add(node, CNN__RNN_B_IH, dbias[0]);
    cnn__grad_add(node, CNN__RNN_B_HH, dbias[1]);
}

void cnn__rnn_backward(cnn__node *node, cnn_tensor *dy)
{
    rnn_walk w;
    (void)dy; /* may be NULL: rnn_walk_steps() asks for all three */
    if (!rnn_begin_walk(&w, node) || !rnn_walk_steps(&w)) {
        return;
    }
    const int64_t rows = w.r->steps * w.r->batch, width = w.r->width, stride = w.r->stride, in = w.r->in;
    const cnn__gemm dx = { .m = rows, .n = in, .k = width, .lda = stride, .ldb = in, .ldc = in };
    const cnn__gemm dw = { .trans_a = true, .m = width, .n = in, .k = rows, .lda = stride, .ldb = in, .ldc = in };
    const void *dgates = cnn__data(w.dgates);
    rnn_add_product(node, CNN__RNN_X, &(rnn_product){ dx, dgates, cnn__data(node->saved[CNN__RNN_W_IH]) }, NULL);
    rnn_add_product(node, CNN__RNN_W_IH, &(rnn_product){ dw, dgates, cnn__data(node->saved[CNN__RNN_X]) }, NULL);
    rnn_add_recurrent(&w);
    rnn_add_biases(&w);
}
