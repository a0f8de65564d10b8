/* One layer of an LSTM in one direction, with the formulas of kernels/array/lstm.h. The inputs of all steps are
 * multiplied by their weights at once; a step multiplies what the one before it gave by the recurrent weights.
 *
 * Backward goes through the steps from the last one and keeps the gradients of all gates, from which the gradients of
 * the weights and of the input follow in one product each. Any of the three results may be without a gradient. */
#include "ops/operation.h"

enum { LSTM_INPUT, H0, C0, WEIGHT_IH, WEIGHT_HH, BIAS_IH, BIAS_HH, LSTM_INPUTS };
enum { Y, H_N, C_N, RESULTS, GATES = RESULTS, CELLS, OUTPUTS }; /* extras: activated gates and c of all steps */
enum { ALL = (1 << LSTM_INPUTS) - 1 };

typedef struct lstm {
    int64_t steps, batch, in, hidden;
    bool reverse;
    const cnn_lstm_options *given; /* for infer */
} lstm;

static const cnn__attribute lstm_attributes[] = { CNN__ATTRIBUTE(CNN__INT64, lstm, hidden),
                                                  CNN__ATTRIBUTE(CNN__BOOL, lstm, reverse),
                                                  { .name = NULL } };

/* ---- shapes ---- */

static bool check_shape(cnn__call *call, int i, const char *name, int ndim, int64_t rows, int64_t columns)
{
    const cnn_tensor *t = call->in[i];
    const int64_t shape[2] = { rows, columns };
    char given[CNN__SHAPE_TEXT], expected[CNN__SHAPE_TEXT];
    if (!t || (t->ndim == ndim && t->shape[0] == rows && (ndim == 1 || t->shape[1] == columns))) {
        return true;
    }
    cnn__call_fail(call, CNN_ERROR_SHAPE, "%s is %s, expected %s", name, cnn__shape_text(given, t->ndim, t->shape),
                   cnn__shape_text(expected, ndim, shape));
    return false;
}

static bool check_shapes(cnn__call *call, lstm *l)
{
    const cnn_tensor *x = call->in[LSTM_INPUT], *weight = call->in[WEIGHT_HH];
    char text[CNN__SHAPE_TEXT];
    if (x->ndim != 3 || x->shape[0] < 1) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "input is %s, expected [T,N,I] with at least one step",
                       cnn__shape_text(text, x->ndim, x->shape));
        return false;
    }
    if (weight->ndim != 2 || weight->shape[0] < 4) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "weight_hh is %s, expected [4*H,H] with H of at least 1",
                       cnn__shape_text(text, weight->ndim, weight->shape));
        return false;
    }
    l->steps = x->shape[0];
    l->batch = x->shape[1];
    l->in = x->shape[2];
    l->hidden = weight->shape[0] / 4;
    int64_t gates = 4 * l->hidden;
    return check_shape(call, WEIGHT_HH, "weight_hh", 2, gates, l->hidden) &&
           check_shape(call, WEIGHT_IH, "weight_ih", 2, gates, l->in) &&
           check_shape(call, BIAS_IH, "bias_ih", 1, gates, 0) && check_shape(call, BIAS_HH, "bias_hh", 1, gates, 0) &&
           check_shape(call, H0, "h0", 2, l->batch, l->hidden) && check_shape(call, C0, "c0", 2, l->batch, l->hidden);
}

static bool lstm_infer(cnn__call *call, void *attributes)
{
    lstm *l = attributes;
    cnn_lstm_options o;
    if (!CNN__CALL_OPTIONS(call, &o, l->given)) {
        return false;
    }
    if (!cnn__call_real(call, LSTM_INPUT) || !cnn__call_same_dtype(call, LSTM_INPUTS) || !check_shapes(call, l)) {
        return false;
    }
    l->reverse = o.reverse;
    cnn_dtype dtype = call->in[LSTM_INPUT]->dtype;
    const int64_t y[3] = { l->steps, l->batch, l->hidden }, gates[3] = { l->steps, l->batch, 4 * l->hidden };
    cnn__out(call, Y, dtype, 3, y);
    cnn__out(call, H_N, dtype, 2, y + 1);
    cnn__out(call, C_N, dtype, 2, y + 1);
    cnn__out(call, GATES, dtype, 3, gates);
    cnn__out(call, CELLS, dtype, 3, y);
    return true;
}

/* ---- steps ---- */

/* The elements of t from row `row` of `width` on; NULL for NULL. */
static void *rows_from(const cnn_tensor *t, int64_t row, int64_t width)
{
    return t ? (char *)cnn__data(t) + (size_t)(row * width) * cnn_dtype_size(t->dtype) : NULL;
}

/* The time of step k. */
static int64_t time_of(const lstm *l, int64_t k)
{
    return l->reverse ? l->steps - 1 - k : k;
}

/* What step k is told of: c of the step before it, its gates and its c. */
typedef struct step {
    const void *c_before;
    void *gates, *c;
} step;

static step step_at(const lstm *l, int64_t k, const cnn_tensor *c0, const cnn_tensor *gates, const cnn_tensor *cells)
{
    int64_t row = time_of(l, k) * l->batch;
    return (step){ .c_before = k ? rows_from(cells, time_of(l, k - 1) * l->batch, l->hidden) : rows_from(c0, 0, 0),
                   .gates = rows_from(gates, row, 4 * l->hidden),
                   .c = rows_from(cells, row, l->hidden) };
}

static bool lstm_multiply(cnn_tape *tape, cnn_dtype dtype, const cnn__gemm *g, const void *a, const void *b,
                          const void *bias, void *c)
{
    cnn_launch lstm_product = CNN__LAUNCH(GEMM, dtype, CNN__PARAMETERS(*g), .in = { a, b, bias }, .out = { c });
    return cnn__run(tape, "lstm", &lstm_product);
}

static bool run_steps(cnn__call *call, const lstm *l, const cnn__gemm *recurrent)
{
    cnn_tensor *y = call->out[Y];
    const cnn_lstm_parameters p = { l->batch, l->hidden };
    bool going = true;
    for (int64_t k = 0; going && k < l->steps; k++) {
        const void *before = k ? rows_from(y, time_of(l, k - 1) * l->batch, l->hidden) : rows_from(call->x[H0], 0, 0);
        step at = step_at(l, k, call->x[C0], call->out[GATES], call->out[CELLS]);
        cnn_launch lstm_forward = CNN__LAUNCH(
            LSTM_FORWARD, y->dtype, CNN__PARAMETERS(p), .in = { rows_from(call->x[BIAS_HH], 0, 0), at.c_before },
            .out = { at.gates, at.c, rows_from(y, time_of(l, k) * l->batch, l->hidden) });
        going = !before ||
                lstm_multiply(call->tape, y->dtype, recurrent, before, cnn__data(call->x[WEIGHT_HH]), NULL, at.gates);
        going = going && cnn__run(call->tape, call->op->name, &lstm_forward);
    }
    return going;
}

/* The last rows of y and of the cells are results of their own. The copy belongs to the step, like its launches. */
static bool copy_last(cnn__call *call, cnn_tensor *to, const void *from)
{
    cnn__step *owner = cnn__step_of(call->tape);
    size_t bytes = (size_t)to->numel * cnn_dtype_size(to->dtype);
    bool done = cnn__device_copy(call->ctx, call->op->name, cnn__data(to), from, bytes) == CNN_OK;
    owner->launched = cnn__device_number(call->ctx);
    if (!done) {
        cnn__tape_fail(call->tape, cnn__failure_status(), "%s", cnn__failure_message());
    }
    return done;
}

static bool lstm_forward(cnn__call *call, void *attributes)
{
    const lstm *l = attributes;
    const int64_t gates = 4 * l->hidden, last = time_of(l, l->steps - 1) * l->batch;
    const cnn_tensor *y = call->out[Y];
    cnn__gemm input = { .trans_b = true, .m = l->steps * l->batch, .n = gates, .k = l->in };
    cnn__gemm recurrent = { .trans_b = true, .accumulate = true, .m = l->batch, .n = gates, .k = l->hidden };
    input.lda = input.ldb = l->in;
    recurrent.lda = recurrent.ldb = l->hidden;
    input.ldc = recurrent.ldc = gates;
    if (!y->numel) {
        return true;
    }
    return lstm_multiply(call->tape, y->dtype, &input, cnn__data(call->x[LSTM_INPUT]), cnn__data(call->x[WEIGHT_IH]),
                         rows_from(call->x[BIAS_IH], 0, 0), cnn__data(call->out[GATES])) &&
           run_steps(call, l, &recurrent) && copy_last(call, call->out[H_N], rows_from(y, last, l->hidden)) &&
           copy_last(call, call->out[C_N], rows_from(call->out[CELLS], last, l->hidden));
}

/* ---- backward ---- */

/* Fills dgates and hands the gradients of h0 and c0 over. */
static bool backward_steps(cnn__node *node, const lstm *l, cnn_tensor *dgates)
{
    const cnn_tensor *dy[RESULTS] = { cnn__grad_of(node, Y), cnn__grad_of(node, H_N), cnn__grad_of(node, C_N) };
    cnn_tensor *dh = cnn__grad_like(node, node->out[H_N]), *dc = cnn__grad_like(node, node->out[C_N]);
    cnn__gemm g = { .m = l->batch, .n = l->hidden, .k = 4 * l->hidden };
    g.lda = g.k;
    g.ldb = g.ldc = g.n;
    const cnn_lstm_parameters p = { l->batch, l->hidden };
    bool going = dh && dc;
    for (int64_t k = l->steps - 1; going && l->batch && k >= 0; k--) {
        bool last = k == l->steps - 1;
        step at = step_at(l, k, node->saved[C0], cnn__saved_output(node, GATES), cnn__saved_output(node, CELLS));
        int64_t row = time_of(l, k) * l->batch;
        void *dgates_now = rows_from(dgates, row, g.k);
        cnn_launch backward =
            CNN__LAUNCH(LSTM_BACKWARD, dgates->dtype, CNN__PARAMETERS(p),
                        .in = { rows_from(dy[Y], row, l->hidden), rows_from(last ? dy[H_N] : dh, 0, 0),
                                rows_from(last ? dy[C_N] : dc, 0, 0), at.gates, at.c, at.c_before },
                        .out = { dgates_now, cnn__data(dc) });
        going = cnn__run(node->tape, node->op->name, &backward);
        if (going && (k > 0 || cnn__wants(node, H0))) {
            going = lstm_multiply(node->tape, dgates->dtype, &g, dgates_now, cnn__data(node->saved[WEIGHT_HH]), NULL,
                                  cnn__data(dh));
        }
    }
    cnn__grad_add(node, H0, going ? dh : NULL);
    cnn__grad_add(node, C0, going ? dc : NULL);
    return going;
}

/* Input i's gradient: the product a · b, and `more`, if its sum is not empty, added to it. */
typedef struct lstm_product {
    cnn__gemm g;
    const void *a, *b;
} lstm_product;

static void lstm_backward_product(cnn__node *node, int i, const lstm_product *p, const lstm_product *more)
{
    cnn_tensor *gradient = cnn__grad_empty(node, i);
    bool going = gradient != NULL;
    for (; going && gradient->numel && p; p = more, more = NULL) {
        going = lstm_multiply(node->tape, gradient->dtype, &p->g, p->a, p->b, NULL, cnn__data(gradient));
    }
    cnn__grad_add(node, i, going ? gradient : NULL);
}

/* dgatesᵀ · before, where `before` has what came into each step: rows of y, and h0 for the first step. */
static void backward_recurrent(cnn__node *node, const lstm *l, const cnn_tensor *dgates)
{
    const cnn_tensor *h0 = node->saved[H0];
    const int64_t gates = 4 * l->hidden, n = l->batch, later = l->reverse ? 0 : n, first = time_of(l, 0) * n;
    lstm_product steps = { { .trans_a = true, .m = gates, .n = l->hidden, .k = (l->steps - 1) * n, .lda = gates },
                           rows_from(dgates, later, gates),
                           rows_from(cnn__saved_output(node, Y), n - later, l->hidden) };
    steps.g.ldb = steps.g.ldc = l->hidden;
    lstm_product begin = { steps.g, rows_from(dgates, first, gates), rows_from(h0, 0, 0) };
    begin.g.k = n;
    begin.g.accumulate = true;
    lstm_backward_product(node, WEIGHT_HH, &steps, h0 ? &begin : NULL);
}

static void lstm_backward_bias(cnn__node *node, int i, const lstm *l, const cnn_tensor *dgates)
{
    cnn_tensor *dbias = cnn__wants(node, i) ? cnn__grad_empty(node, i) : NULL;
    if (dbias) {
        const cnn_matrix rows = { l->steps * l->batch, 4 * l->hidden };
        cnn_launch sum = CNN__LAUNCH(SUM_ROWS, dgates->dtype, CNN__PARAMETERS(rows), .in = { cnn__data(dgates) },
                                     .out = { cnn__data(dbias) });
        cnn__grad_add(node, i, cnn__run(node->tape, node->op->name, &sum) ? dbias : NULL);
    }
}

static void lstm_backward(cnn__node *node, cnn_tensor *dy)
{
    const lstm *l = node->attributes;
    const int64_t rows = l->steps * l->batch, gates = 4 * l->hidden;
    cnn_tensor *dgates = cnn__grad_like(node, cnn__saved_output(node, GATES));
    (void)dy; /* may be NULL: backward_steps() asks for all three */
    if (!dgates || !backward_steps(node, l, dgates)) {
        return;
    }
    if (cnn__wants(node, LSTM_INPUT)) {
        cnn__gemm g = { .m = rows, .n = l->in, .k = gates, .lda = gates, .ldb = l->in, .ldc = l->in };
        lstm_backward_product(node, LSTM_INPUT,
                              &(lstm_product){ g, cnn__data(dgates), cnn__data(node->saved[WEIGHT_IH]) }, NULL);
    }
    if (cnn__wants(node, WEIGHT_IH)) {
        cnn__gemm g = { .trans_a = true, .m = gates, .n = l->in, .k = rows, .lda = gates, .ldb = l->in, .ldc = l->in };
        lstm_backward_product(node, WEIGHT_IH,
                              &(lstm_product){ g, cnn__data(dgates), cnn__data(node->saved[LSTM_INPUT]) }, NULL);
    }
    if (cnn__wants(node, WEIGHT_HH)) {
        backward_recurrent(node, l, dgates);
    }
    lstm_backward_bias(node, BIAS_IH, l, dgates);
    lstm_backward_bias(node, BIAS_HH, l, dgates);
}

static const cnn__reads lstm_reads[LSTM_INPUTS + OUTPUTS] = {
    [LSTM_INPUT] = { "the input", 1u << WEIGHT_IH },
    [H0] = { "h0", 1u << WEIGHT_HH },
    [C0] = { "c0", ALL },
    [WEIGHT_IH] = { "weight_ih", 1u << LSTM_INPUT },
    [WEIGHT_HH] = { "weight_hh", ALL },
    [LSTM_INPUTS + Y] = { "the output", 1u << WEIGHT_HH },
    [LSTM_INPUTS + GATES] = { "gates", ALL },
    [LSTM_INPUTS + CELLS] = { "cells", ALL },
};
static const cnn__op lstm_op = {
    .name = "lstm",
    .outputs = RESULTS,
    .extras = OUTPUTS - RESULTS,
    .optional = 1u << H0 | 1u << C0 | 1u << BIAS_IH | 1u << BIAS_HH,
    .dense = ALL,
    .saves = (ALL & ~(1u << BIAS_IH | 1u << BIAS_HH)) | CNN__OUTPUT(Y) | CNN__OUTPUT(GATES) | CNN__OUTPUT(CELLS),
    .size = sizeof(lstm),
    .attributes = lstm_attributes,
    .infer = lstm_infer,
    .forward = lstm_forward,
    .backward = lstm_backward,
    .reads = lstm_reads,
};

cnn_tensor *cnn_lstm(cnn_tensor *x, cnn_tensor *h0, cnn_tensor *c0, cnn_tensor *weight_ih, cnn_tensor *weight_hh,
                     cnn_tensor *bias_ih, cnn_tensor *bias_hh, const cnn_lstm_options *options, cnn_tensor **h_n,
                     cnn_tensor **c_n)
{
    lstm l = { .given = options };
    cnn_tensor *results[RESULTS];
    cnn__apply_all(&lstm_op, (cnn_tensor *const[]){ x, h0, c0, weight_ih, weight_hh, bias_ih, bias_hh }, LSTM_INPUTS,
                   &l, results);
    if (h_n) {
        *h_n = results[H_N];
    }
    if (c_n) {
        *c_n = results[C_N];
    }
    return results[Y];
}
