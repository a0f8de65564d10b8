/* One layer of an LSTM, a GRU or Elman's network in one direction, with the formulas of kernels/array/rnn.c. The inputs
 * of all steps are multiplied by their weights at once; a step multiplies what the one before it gave by the recurrent
 * weights. Any of the results may be without a gradient. */
#include "ops/rnn.h"
#include "tensor/kept.h"

#include <stdio.h>

enum {
    RNN_SET = 1024, /* elements: rows that are a multiple of so many long share a set of the first cache in f32 */
    RNN_GAP = 16,   /* a cache line */
    RNN_ALL = (1 << CNN__RNN_INPUTS) - 1,
    RNN_BIASES = 1 << CNN__RNN_B_IH | 1 << CNN__RNN_B_HH,
    RNN_OPTIONAL = RNN_BIASES | 1 << CNN__RNN_H0 | 1 << CNN__RNN_C0 | 1 << CNN__RNN_LENGTHS
};

static const cnn__attribute rnn_attributes[] = { CNN__ATTRIBUTE(CNN__INT64, cnn__rnn, hidden),
                                                 CNN__ATTRIBUTE(CNN__BOOL, cnn__rnn, reverse),
                                                 CNN__ATTRIBUTE(CNN__INT, cnn__rnn, cell),
                                                 { .name = NULL } };

/* ---- shapes ---- */

static bool rnn_check_shape(cnn__call *call, int i, const char *name, int ndim, int64_t rows, int64_t columns)
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

static bool rnn_check_shapes(cnn__call *call, cnn__rnn *r)
{
    const cnn_tensor *x = call->in[CNN__RNN_X], *weight = call->in[CNN__RNN_W_HH],
                     *lengths = call->in[CNN__RNN_LENGTHS];
    const int64_t parts = r->cell == CNN_RNN_LSTM ? 4 : r->cell == CNN_RNN_GRU ? 3 : 1;
    char text[CNN__SHAPE_TEXT], gates[16] = "H";
    if (x->ndim != 3 || x->shape[0] < 1) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "input is %s, expected [T,N,I] with at least one step",
                       cnn__shape_text(text, x->ndim, x->shape));
        return false;
    }
    if (parts > 1) {
        snprintf(gates, sizeof gates, "%d*H", (int)parts);
    }
    if (weight->ndim != 2 || weight->shape[0] < parts) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "weight_hh is %s, expected [%s,H] with H of at least 1",
                       cnn__shape_text(text, weight->ndim, weight->shape), gates);
        return false;
    }
    r->steps = x->shape[0];
    r->batch = x->shape[1];
    r->in = x->shape[2];
    r->hidden = weight->shape[0] / parts;
    r->width = parts * r->hidden;
    /* Rows that share a set of the cache are slow to read side by side, as products do. */
    r->stride = r->width + (call->ctx->device || r->width % RNN_SET ? 0 : RNN_GAP);
    if (lengths && lengths->dtype != CNN_I64) {
        cnn__call_fail(call, CNN_ERROR_DTYPE, "lengths is %s, expected int64", cnn_dtype_name(lengths->dtype));
        return false;
    }
    return rnn_check_shape(call, CNN__RNN_W_HH, "weight_hh", 2, r->width, r->hidden) &&
           rnn_check_shape(call, CNN__RNN_W_IH, "weight_ih", 2, r->width, r->in) &&
           rnn_check_shape(call, CNN__RNN_B_IH, "bias_ih", 1, r->width, 0) &&
           rnn_check_shape(call, CNN__RNN_B_HH, "bias_hh", 1, r->width, 0) &&
           rnn_check_shape(call, CNN__RNN_H0, "h0", 2, r->batch, r->hidden) &&
           rnn_check_shape(call, CNN__RNN_C0, "c0", 2, r->batch, r->hidden) &&
           rnn_check_shape(call, CNN__RNN_LENGTHS, "lengths", 1, r->batch, 0);
}

static bool rnn_infer(cnn__call *call, void *attributes)
{
    cnn__rnn *r = attributes;
    cnn_rnn_options o;
    if (CNN__OPTIONS_READ(call->ctx, call->op->name, &o, r->given) != CNN_OK) {
        cnn__call_fail_newest(call);
        return false;
    }
    r->cell = o.relu && r->cell == CNN_RNN_TANH ? CNN_RNN_RELU : r->cell;
    r->reverse = o.reverse;
    if (!cnn__call_real(call, CNN__RNN_X) || !cnn__call_same_dtype(call, CNN__RNN_LENGTHS) ||
        !rnn_check_shapes(call, r)) {
        return false;
    }
    cnn_dtype dtype = call->in[CNN__RNN_X]->dtype;
    const int64_t y[3] = { r->steps, r->batch, r->hidden }, gates[3] = { r->steps, r->batch, r->stride };
    for (int j = CNN__RNN_Y; j < CNN__RNN_OUTPUTS; j++) {
        bool last = j == CNN__RNN_H_N || j == CNN__RNN_C_N;
        cnn__out(call, j, dtype, last ? 2 : 3, last ? y + 1 : j == CNN__RNN_GATES ? gates : y);
    }
    if (r->cell != CNN_RNN_LSTM) {
        cnn__out_none(call, CNN__RNN_C_N);
    }
    if (r->cell >= CNN_RNN_TANH) {
        cnn__out_none(call, CNN__RNN_KEPT);
    }
    if (!call->in[CNN__RNN_LENGTHS]) {
        cnn__out_none(call, CNN__RNN_STATES);
    }
    return true;
}

/* ---- steps ---- */

bool cnn__rnn_multiply(cnn_tape *tape, const char *call, cnn_dtype dtype, const cnn__gemm *g, const void *a,
                       const void *b, const void *bias, void *c, const cnn_tensor *weight)
{
    cnn_launch rnn_product = CNN__LAUNCH(GEMM, dtype, CNN__PARAMETERS(*g), .in = { a, b, bias }, .out = { c });
    return cnn__run_weighted(tape, call, &rnn_product, weight);
}

bool cnn__rnn_multiply_step(cnn_tape *tape, const char *call, const cnn__gemm *g, const void *a,
                            const cnn_tensor *weight, void *c, const cnn_tensor *memory, bool first)
{
    cnn_launch product =
        CNN__LAUNCH(GEMM, weight->dtype, CNN__PARAMETERS(*g), .in = { a, cnn__data(weight) }, .out = { c });
    return memory ? cnn__run_packed(tape, call, &product, memory, first)
                  : cnn__run_weighted(tape, call, &product, weight);
}

/* Checks each length, which is at most the number of steps. */
static bool rnn_check_lengths(cnn__call *call, const cnn__rnn *r)
{
    const cnn_tensor *lengths = call->x[CNN__RNN_LENGTHS];
    cnn_backend_failure failure;
    if (!lengths) {
        return true;
    }
    const cnn_lookup_parameters p = { .index_dtype = CNN_I64, .n = r->steps + 1, .width = 1, .count = r->batch };
    cnn_launch check = CNN__LAUNCH(INDEX_CHECK, CNN_I64, CNN__PARAMETERS(p), .in = { cnn__data(lengths) });
    bool good = cnn__run_checked(call->tape, call->op->name, &check, &failure);
    if (!good && failure.status != CNN_OK) {
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "length %lld is %lld, expected 0 to %lld",
                       (long long)failure.position, (long long)failure.value, (long long)r->steps);
    }
    return good;
}

/* `product` has a GRU's recurrent products of one step. */
static bool rnn_steps(cnn__call *call, const cnn__rnn *r, const cnn_tensor *product)
{
    const cnn_tensor *y = call->out[CNN__RNN_Y], *gates = call->out[CNN__RNN_GATES], *kept = call->out[CNN__RNN_KEPT],
                     *lengths = call->x[CNN__RNN_LENGTHS], *states = lengths ? call->out[CNN__RNN_STATES] : y;
    const int64_t n = r->hidden;
    cnn__gemm recurrent = { .trans_b = true,
                            .accumulate = !product,
                            .repeated = true,
                            .m = r->batch,
                            .n = r->width,
                            .k = n,
                            .lda = n,
                            .ldb = n,
                            .ldc = r->stride };
    const cnn_tensor *weight = call->x[CNN__RNN_W_HH];
    /* A kernel fills its last vectors up. */
    const int64_t room[2] = { r->width + CNN__RNN_FILLING, n };
    bool trained = weight->requires_grad && cnn__tape_recording(call->tape), first = true;
    bool lasting = !trained && (cnn__tape_tracing(call->tape) || cnn__kept_fits(weight));
    cnn_tensor *packed = lasting ? NULL : cnn__result(call, weight->dtype, 2, room);
    bool going = lasting || packed;
    for (int64_t k = 0; going && k < r->steps; k++) {
        const int64_t row = cnn__rnn_time(r, k) * r->batch;
        const cnn_rnn_parameters p = { r->cell, r->batch, n, cnn__rnn_time(r, k), r->stride - r->width };
        const void *h = cnn__rnn_before(r, k, call->x[CNN__RNN_H0], states),
                   *c = cnn__rnn_before(r, k, call->x[CNN__RNN_C0], r->cell == CNN_RNN_LSTM ? kept : NULL);
        void *now = cnn__rnn_rows(gates, row, r->stride), *to = product ? cnn__data(product) : now;
        cnn_launch step = CNN__LAUNCH(
            RNN_FORWARD, y->dtype, CNN__PARAMETERS(p),
            .in = { cnn__data_or_null(call->x[CNN__RNN_B_HH]), product && h ? to : c, h, cnn__data_or_null(lengths) },
            .out = { now, cnn__rnn_rows(kept, row, n), cnn__rnn_rows(states, row, n),
                     lengths ? cnn__rnn_rows(y, row, n) : NULL });
        recurrent.reversed = k % 2;
        going = !h || cnn__rnn_multiply_step(call->tape, call->op->name, &recurrent, h, weight, to, packed, first);
        first = first && !h;
        going = going && cnn__run(call->tape, call->op->name, &step);
    }
    if (packed) {
        cnn__tape_drop(packed);
    }
    return going;
}

/* The last rows of all states are results of their own. The copy belongs to the step, like its launches. */
static bool rnn_copy_last(cnn__call *call, const cnn__rnn *r, const cnn_tensor *to, const cnn_tensor *states)
{
    if (!to || cnn__tape_tracing(call->tape)) {
        return true;
    }
    cnn__step *owner = cnn__step_of(call->tape);
    const void *from = cnn__rnn_rows(states, cnn__rnn_time(r, r->steps - 1) * r->batch, r->hidden);
    size_t bytes = (size_t)to->numel * cnn_dtype_size(to->dtype);
    bool done = cnn__device_copy(call->ctx, call->op->name, cnn__data(to), from, bytes) == CNN_OK;
    owner->launched = cnn__device_number(call->ctx);
    if (!done) {
        cnn__tape_fail(call->tape, cnn__failure_status(), "%s", cnn__failure_message());
    }
    return done;
}

static bool rnn_forward(cnn__call *call, void *attributes)
{
    const cnn__rnn *r = attributes;
    const cnn_tensor *y = call->out[CNN__RNN_Y], *states = call->out[CNN__RNN_STATES];
    const int64_t product_shape[2] = { r->batch, r->stride };
    cnn__gemm input = { .trans_b = true, .m = r->steps * r->batch, .n = r->width, .k = r->in };
    input.lda = input.ldb = r->in;
    input.ldc = r->stride;
    if (!y->numel) {
        return true;
    }
    cnn_tensor *product = NULL;
    if (r->cell == CNN_RNN_GRU && !(product = cnn__result(call, y->dtype, 2, product_shape))) {
        return false;
    }
    bool done = rnn_check_lengths(call, r) &&
                cnn__rnn_multiply(call->tape, call->op->name, y->dtype, &input, cnn__data(call->x[CNN__RNN_X]),
                                  cnn__data(call->x[CNN__RNN_W_IH]), cnn__data_or_null(call->x[CNN__RNN_B_IH]),
                                  cnn__data(call->out[CNN__RNN_GATES]), call->x[CNN__RNN_W_IH]) &&
                rnn_steps(call, r, product) && rnn_copy_last(call, r, call->out[CNN__RNN_H_N], states ? states : y) &&
                rnn_copy_last(call, r, call->out[CNN__RNN_C_N], call->out[CNN__RNN_KEPT]);
    if (product) {
        cnn__tape_drop(product);
    }
    return done;
}

static const cnn__reads rnn_reads[CNN__RNN_INPUTS + CNN__RNN_OUTPUTS] = {
    [CNN__RNN_X] = { "the input", 1u << CNN__RNN_W_IH },
    [CNN__RNN_H0] = { "h0", RNN_ALL },
    [CNN__RNN_C0] = { "c0", RNN_ALL },
    [CNN__RNN_W_IH] = { "weight_ih", 1u << CNN__RNN_X },
    [CNN__RNN_W_HH] = { "weight_hh", RNN_ALL },
    [CNN__RNN_LENGTHS] = { "lengths", RNN_ALL },
    [CNN__RNN_INPUTS + CNN__RNN_Y] = { "the output", RNN_ALL },
    [CNN__RNN_INPUTS + CNN__RNN_GATES] = { "gates", RNN_ALL },
    [CNN__RNN_INPUTS + CNN__RNN_KEPT] = { "cells", RNN_ALL },
    [CNN__RNN_INPUTS + CNN__RNN_STATES] = { "states", RNN_ALL },
};

#define RNN_OP(operation, backward_fn) \
    { \
        .name = #operation, .outputs = CNN__RNN_RESULTS, .extras = CNN__RNN_OUTPUTS - CNN__RNN_RESULTS, \
        .optional = RNN_OPTIONAL, .dense = RNN_ALL, \
        .saves = (RNN_ALL & ~RNN_BIASES) | CNN__OUTPUT(CNN__RNN_Y) | CNN__OUTPUT(CNN__RNN_GATES) | \
                 CNN__OUTPUT(CNN__RNN_KEPT) | CNN__OUTPUT(CNN__RNN_STATES), \
        .size = sizeof(cnn__rnn), .attributes = rnn_attributes, .infer = rnn_infer, .forward = rnn_forward, \
        .backward = backward_fn, .reads = rnn_reads, \
    }
static const cnn__op lstm_op = RNN_OP(lstm, cnn__rnn_backward);
static const cnn__op gru_op = RNN_OP(gru, cnn__rnn_backward);
static const cnn__op rnn_op = RNN_OP(rnn, cnn__rnn_backward);

static cnn_tensor *rnn_apply(const cnn__op *op, int cell, cnn_tensor *const inputs[CNN__RNN_INPUTS],
                             const cnn_rnn_options *options, cnn_tensor **h_n, cnn_tensor **c_n)
{
    cnn__rnn r = { .cell = cell, .given = options };
    cnn_tensor *results[CNN__RNN_RESULTS];
    cnn__apply_all(op, inputs, CNN__RNN_INPUTS, &r, results);
    if (h_n) {
        *h_n = results[CNN__RNN_H_N];
    }
    if (c_n) {
        *c_n = results[CNN__RNN_C_N];
    }
    return results[CNN__RNN_Y];
}

cnn_tensor *cnn_lstm(cnn_tensor *x, cnn_tensor *h0, cnn_tensor *c0, cnn_tensor *weight_ih, cnn_tensor *weight_hh,
                     cnn_tensor *bias_ih, cnn_tensor *bias_hh, cnn_tensor *lengths, const cnn_lstm_options *options,
                     cnn_tensor **h_n, cnn_tensor **c_n)
{
    cnn_tensor *const inputs[] = { x, h0, c0, weight_ih, weight_hh, bias_ih, bias_hh, lengths };
    return rnn_apply(&lstm_op, CNN_RNN_LSTM, inputs, options, h_n, c_n);
}

cnn_tensor *cnn_gru(cnn_tensor *x, cnn_tensor *h0, cnn_tensor *weight_ih, cnn_tensor *weight_hh, cnn_tensor *bias_ih,
                    cnn_tensor *bias_hh, cnn_tensor *lengths, const cnn_gru_options *options, cnn_tensor **h_n)
{
    cnn_tensor *const inputs[] = { x, h0, NULL, weight_ih, weight_hh, bias_ih, bias_hh, lengths };
    return rnn_apply(&gru_op, CNN_RNN_GRU, inputs, options, h_n, NULL);
}

cnn_tensor *cnn_rnn(cnn_tensor *x, cnn_tensor *h0, cnn_tensor *weight_ih, cnn_tensor *weight_hh, cnn_tensor *bias_ih,
                    cnn_tensor *bias_hh, cnn_tensor *lengths, const cnn_rnn_options *options, cnn_tensor **h_n)
{
    cnn_tensor *const inputs[] = { x, h0, NULL, weight_ih, weight_hh, bias_ih, bias_hh, lengths };
    return rnn_apply(&rnn_op, CNN_RNN_TANH, inputs, options, h_n, NULL);
}
