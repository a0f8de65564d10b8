/* LSTM, GRU and RNN. What libcnn's own recurrent operations compute they do; peepholes, other activations and GRUs that
 * reset before the product are unrolled. */
#include "ops.h"

#include <stdio.h>

enum { LSTM, GRU, RNN, MOST_ACTIVATIONS = 6, NODES_OF_STEP = 16 };

typedef struct recurrent {
    int kind, gates, directions;
    bool layout; /* batches first */
    bool plain, reset_after, relu;
    int64_t hidden;
    cnn_tensor *x, *w, *r, *b, *h0, *c0, *lengths, *peepholes;
    cnn__onnx_activation activations[MOST_ACTIVATIONS]; /* the first direction's, then the second's */
    double clip;
} recurrent;

/* How many activations a direction has, and which by default. */
static const int activation_counts[3] = { 3, 2, 1 };
static const int activation_defaults[3][3] = { { CNN__SIGMOID, CNN__TANH, CNN__TANH },
                                               { CNN__SIGMOID, CNN__TANH, 0 },
                                               { CNN__TANH, 0, 0 } };

/* The gates in libcnn's order, of what has those of ONNX along dimension 0. */
static cnn_tensor *reordered(const recurrent *n, cnn_tensor *x, int64_t at)
{
    static const int orders[3][4] = { { 0, 2, 3, 1 }, { 1, 0, 2, 0 }, { 0, 0, 0, 0 } };
    cnn_tensor *parts[4];
    for (int g = 0; g < n->gates; g++) {
        int64_t from = (at * n->gates + orders[n->kind][g]) * n->hidden;
        parts[g] = cnn_slice(x, 0, from, from + n->hidden, 1);
    }
    return n->gates == 1 ? parts[0] : cnn_concat(parts, n->gates, 0);
}

/* What direction d has of [directions,…]. */
static cnn_tensor *of_direction(cnn_tensor *x, int d)
{
    return x ? cnn_squeeze(cnn_slice(x, 0, d, d + 1, 1), 0) : NULL;
}

/* Activation number i of a direction. */
static cnn_tensor *activated(cnn__onnx_run *run, const recurrent *n, int d, int i, cnn_tensor *x)
{
    x = n->clip > 0 ? cnn_clamp(x, -n->clip, n->clip) : x;
    return cnn__onnx_activated(run, &n->activations[d * activation_counts[n->kind] + i], x);
}

/* One direction by libcnn's operation. */
static cnn_tensor *run_plain(cnn__onnx_run *run, const recurrent *n, int d, bool reverse, cnn_tensor **h,
                             cnn_tensor **c)
{
    *h = *c = NULL;
    if (!cnn__onnx_count_rounds(run, cnn_tensor_size(n->x, 0))) { /* it takes time for each, also in a trace */
        return NULL;
    }
    cnn_tensor *w = reordered(n, of_direction(n->w, d), 0), *r = reordered(n, of_direction(n->r, d), 0);
    cnn_tensor *b = of_direction(n->b, d), *wb = b ? reordered(n, b, 0) : NULL, *rb = b ? reordered(n, b, 1) : NULL;
    cnn_tensor *h0 = of_direction(n->h0, d), *c0 = of_direction(n->c0, d);
    cnn_rnn_options options = { .struct_size = sizeof options, .reverse = reverse, .relu = n->relu };
    return n->kind == LSTM  ? cnn_lstm(n->x, h0, c0, w, r, wb, rb, n->lengths, &options, h, c)
           : n->kind == GRU ? cnn_gru(n->x, h0, w, r, wb, rb, n->lengths, &options, h)
                            : cnn_rnn(n->x, h0, w, r, wb, rb, n->lengths, &options, h);
}

/* ---- unrolled ---- */

typedef struct cell {
    cnn_tensor *r, *rb, *peepholes, *h, *c;
    int d;
} cell;

static cnn_tensor *gate(const recurrent *n, cnn_tensor *x, int g)
{
    return cnn_slice(x, -1, g * n->hidden, (g + 1) * n->hidden, 1);
}

static cnn_tensor *peep(const recurrent *n, const cell *at, cnn_tensor *x, int p, cnn_tensor *c)
{
    return at->peepholes ? cnn_add(x, cnn_mul(c, gate(n, at->peepholes, p))) : x;
}

static void lstm_step(cnn__onnx_run *run, const recurrent *n, cell *at, cnn_tensor *x)
{
    cnn_tensor *all = cnn_add(x, cnn_linear(at->h, at->r, at->rb));
    cnn_tensor *i = activated(run, n, at->d, 0, peep(n, at, gate(n, all, 0), 0, at->c));
    cnn_tensor *f = activated(run, n, at->d, 0, peep(n, at, gate(n, all, 2), 2, at->c));
    f = cnn__onnx_int(run, "input_forget", 0) ? cnn_add_scalar(cnn_neg(i), 1) : f;
    cnn_tensor *g = activated(run, n, at->d, 1, gate(n, all, 3));
    cnn_tensor *c = cnn_add(cnn_mul(f, at->c), cnn_mul(i, g));
    cnn_tensor *o = activated(run, n, at->d, 0, peep(n, at, gate(n, all, 1), 1, c));
    at->c = c;
    at->h = cnn_mul(o, activated(run, n, at->d, 2, c));
}

static void gru_step(cnn__onnx_run *run, const recurrent *n, cell *at, cnn_tensor *x)
{
    int64_t h = n->hidden;
    cnn_tensor *r_zr = cnn_slice(at->r, 0, 0, 2 * h, 1), *r_h = cnn_slice(at->r, 0, 2 * h, 3 * h, 1);
    cnn_tensor *b_zr = at->rb ? cnn_slice(at->rb, 0, 0, 2 * h, 1) : NULL,
               *b_h = at->rb ? cnn_slice(at->rb, 0, 2 * h, 3 * h, 1) : NULL;
    cnn_tensor *zr = activated(run, n, at->d, 0, cnn_add(cnn_slice(x, -1, 0, 2 * h, 1), cnn_linear(at->h, r_zr, b_zr)));
    cnn_tensor *z = gate(n, zr, 0), *r = gate(n, zr, 1);
    cnn_tensor *inner =
        n->reset_after ? cnn_mul(r, cnn_linear(at->h, r_h, b_h)) : cnn_linear(cnn_mul(r, at->h), r_h, b_h);
    cnn_tensor *m = activated(run, n, at->d, 1, cnn_add(gate(n, x, 2), inner));
    at->h = cnn_add(cnn_mul(cnn_add_scalar(cnn_neg(z), 1), m), cnn_mul(z, at->h));
}

static void rnn_step(cnn__onnx_run *run, const recurrent *n, cell *at, cnn_tensor *x)
{
    at->h = activated(run, n, at->d, 0, cnn_add(x, cnn_linear(at->h, at->r, at->rb)));
}

/* After a sample's last step its states stay. */
static void mask_step(cnn__onnx_run *run, const recurrent *n, int64_t t, cell *at, const cell *before)
{
    cnn_tensor *lengths = cnn__onnx_to(n->lengths, CNN_I64);
    cnn_tensor *goes_on = cnn_unsqueeze(cnn_gt(lengths, cnn__onnx_scalar(run, lengths, (double)t)), 1);
    at->h = cnn_where(goes_on, at->h, before->h);
    at->c = at->c ? cnn_where(goes_on, at->c, before->c) : NULL;
}

static cnn_tensor *run_unrolled(cnn__onnx_run *run, const recurrent *n, int d, bool reverse, cnn_tensor **h,
                                cnn_tensor **c)
{
    static void (*const steps[])(cnn__onnx_run *, const recurrent *, cell *, cnn_tensor *) = { lstm_step, gru_step,
                                                                                               rnn_step };
    int64_t count = cnn_tensor_size(n->x, 0), batch = cnn_tensor_size(n->x, 1), rows = n->gates * n->hidden;
    cnn_tensor *b = of_direction(n->b, d), *wb = b ? cnn_slice(b, 0, 0, rows, 1) : NULL;
    cnn_tensor **outputs = cnn__onnx_count_rounds(run, count > INT32_MAX ? INT32_MAX : count * NODES_OF_STEP)
                               ? cnn__onnx_arena_get(run->arena, (size_t)count, sizeof *outputs)
                               : NULL;
    cnn_tensor *all = cnn_linear(n->x, of_direction(n->w, d), wb);
    cnn_tensor *zeros = cnn__onnx_full(run, cnn_tensor_dtype(n->x), 2, (int64_t[]){ batch, n->hidden }, 0);
    cell at = { .r = of_direction(n->r, d),
                .rb = b ? cnn_slice(b, 0, rows, 2 * rows, 1) : NULL,
                .peepholes = of_direction(n->peepholes, d),
                .h = n->h0 ? of_direction(n->h0, d) : zeros,
                .c = n->kind != LSTM ? NULL
                     : n->c0         ? of_direction(n->c0, d)
                                     : zeros,
                .d = d };
    for (int64_t i = 0; outputs && i < count && run->status == CNN_OK; i++) {
        int64_t t = reverse ? count - 1 - i : i;
        cell before = at;
        steps[n->kind](run, n, &at, cnn_squeeze(cnn_slice(all, 0, t, t + 1, 1), 0));
        if (n->lengths) {
            mask_step(run, n, t, &at, &before);
        }
        outputs[t] = at.h;
    }
    *h = at.h;
    *c = at.c;
    if (!outputs || run->status != CNN_OK) {
        return NULL;
    }
    cnn_tensor *y = cnn_stack(outputs, (int)count, 0);
    return y;
}

/* ---- all directions ---- */

static bool read_inputs(cnn__onnx_run *run, recurrent *n)
{
    cnn__onnx_text direction = cnn__onnx_string(run, "direction", "forward");
    n->x = cnn__onnx_in(run, 0);
    n->w = n->w ? n->w : cnn__onnx_in(run, 1);
    n->r = n->r ? n->r : cnn__onnx_in(run, 2);
    n->b = cnn__onnx_has(run, 3) ? cnn__onnx_in(run, 3) : NULL;
    n->h0 = cnn__onnx_has(run, 5) ? cnn__onnx_in(run, 5) : NULL;
    n->c0 = n->kind == LSTM && cnn__onnx_has(run, 6) ? cnn__onnx_in(run, 6) : NULL;
    n->peepholes = n->kind == LSTM && cnn__onnx_has(run, 7) ? cnn__onnx_in(run, 7) : NULL;
    n->layout = cnn__onnx_int(run, "layout", 0) != 0;
    n->directions = cnn__onnx_text_is(direction, "bidirectional") ? 2 : 1;
    n->clip = cnn__onnx_float(run, "clip", 0);
    n->reset_after = cnn__onnx_int(run, "linear_before_reset", 0) != 0;
    if (!n->x || !n->w || !n->r || cnn_tensor_ndim(n->x) != 3 || cnn_tensor_ndim(n->w) != 3 ||
        cnn_tensor_ndim(n->r) != 3 || cnn_tensor_size(n->w, 0) != n->directions ||
        cnn_tensor_size(n->r, 0) != n->directions) {
        return cnn__onnx_step_fail(run, CNN_ERROR_SHAPE,
                                   "an input of rank %d and weights of rank %d, expected 3, for %d directions",
                                   n->x ? cnn_tensor_ndim(n->x) : 0, n->w ? cnn_tensor_ndim(n->w) : 0, n->directions);
    }
    n->hidden = cnn_tensor_size(n->r, 2);
    if (n->layout) {
        n->x = cnn_transpose(n->x, 0, 1);
        n->h0 = n->h0 ? cnn_transpose(n->h0, 0, 1) : NULL;
        n->c0 = n->c0 ? cnn_transpose(n->c0, 0, 1) : NULL;
    }
    return true;
}

/* Sequences that are all as long as x have no lengths. */
static bool read_lengths(cnn__onnx_run *run, recurrent *n)
{
    if (!cnn__onnx_has(run, 4)) {
        return true;
    }
    const cnn__onnx_host *known = cnn__onnx_known(run, 4);
    bool whole = known && known->i;
    for (int64_t i = 0; whole && i < known->numel; i++) {
        whole = known->i[i] >= cnn_tensor_size(n->x, 0);
    }
    n->lengths = whole ? NULL : cnn__onnx_to(cnn__onnx_in(run, 4), CNN_I64);
    return true;
}

static bool read_activations(cnn__onnx_run *run, recurrent *n)
{
    cnn__onnx_text unknown;
    return cnn__onnx_activations_read(run->step, activation_defaults[n->kind], activation_counts[n->kind],
                                      n->directions, n->activations, &unknown) ||
           cnn__onnx_step_fail(run, CNN_ERROR_UNSUPPORTED, "the activation %.*s", CNN__TEXT(unknown));
}

bool cnn__onnx_check_recurrent(const cnn__onnx_step *step, char *why, size_t size)
{
    cnn__onnx_activation activations[MOST_ACTIVATIONS];
    cnn__onnx_text unknown = { 0 };
    const cnn__onnx_attribute *a = cnn__onnx_attribute_of(step, "direction");
    int kind = step->op->code, directions = a && cnn__onnx_text_is(a->s, "bidirectional") ? 2 : 1;
    bool good = cnn__onnx_activations_read(step, activation_defaults[kind], activation_counts[kind], directions,
                                           activations, &unknown);
    snprintf(why, size, "%s%.*s", good ? "" : " with the activation ", CNN__NAME(unknown));
    return good;
}

/* Whether libcnn's own operations compute it. */
static bool is_plain(cnn__onnx_run *run, recurrent *n)
{
    bool plain =
        !n->peepholes && !(n->clip > 0) && !cnn__onnx_int(run, "input_forget", 0) && (n->kind != GRU || n->reset_after);
    int each = activation_counts[n->kind], relus = 0;
    for (int i = 0; i < n->directions * each; i++) {
        bool relu = n->kind == RNN && n->activations[i].kind == CNN__RELU;
        relus += relu;
        plain = plain && (relu || n->activations[i].kind == activation_defaults[n->kind][i % each]);
    }
    n->relu = relus > 0;
    return plain && (relus == 0 || relus == n->directions);
}

static bool run_all(cnn__onnx_run *run, recurrent n)
{
    cnn_tensor *y[2], *h[2], *c[2];
    int type = cnn__onnx_type(run, 0);
    bool backward = cnn__onnx_text_is(cnn__onnx_string(run, "direction", "forward"), "reverse");
    if (!read_inputs(run, &n) || !read_lengths(run, &n) || !read_activations(run, &n)) {
        return false;
    }
    bool plain = is_plain(run, &n);
    for (int d = 0; d < n.directions; d++) {
        bool reverse = backward || d == 1;
        y[d] = plain ? run_plain(run, &n, d, reverse, &h[d], &c[d]) : run_unrolled(run, &n, d, reverse, &h[d], &c[d]);
        if (!y[d]) {
            return false;
        }
    }
    cnn_tensor *all = cnn_stack(y, n.directions, 1), *last = cnn_stack(h, n.directions, 0); /* [T,D,N,H] */
    cnn_tensor *cells = n.kind == LSTM ? cnn_stack(c, n.directions, 0) : NULL;
    if (n.layout) {
        all = cnn_permute(all, 4, (int[]){ 2, 0, 1, 3 });
        last = cnn_transpose(last, 0, 1);
        cells = cells ? cnn_transpose(cells, 0, 1) : NULL;
    }
    return cnn__onnx_out(run, 0, all, type) && cnn__onnx_out(run, 1, last, type) &&
           (!cells || cnn__onnx_out(run, 2, cells, type));
}

bool cnn__onnx_op_lstm(cnn__onnx_run *run)
{
    return run_all(run, (recurrent){ .kind = LSTM, .gates = 4 });
}

bool cnn__onnx_op_gru(cnn__onnx_run *run)
{
    return run_all(run, (recurrent){ .kind = GRU, .gates = 3 });
}

bool cnn__onnx_op_rnn(cnn__onnx_run *run)
{
    return run_all(run, (recurrent){ .kind = RNN, .gates = 1 });
}

/* ---- quantised weights ---- */

/* Weights [directions,in,4·hidden] of 8 bits as real numbers [directions,4·hidden,in]: (w − zero) · scale, which there
 * is one of per direction, or one per gate's row. */
static cnn_tensor *real_weights(cnn__onnx_run *run, int weights, int scales, int zeros)
{
    cnn_tensor *w = cnn__onnx_in(run, weights), *scale = cnn__onnx_in(run, scales), *zero = cnn__onnx_in(run, zeros);
    if (!scale || !zero) {
        cnn__onnx_step_fail(run, CNN_ERROR_FORMAT, "input %d is left out", scale ? zeros : scales);
        return NULL;
    }
    if (!w || cnn_tensor_ndim(w) != 3) {
        cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "weights of rank %d, expected 3", w ? cnn_tensor_ndim(w) : 0);
        return NULL;
    }
    const int64_t to[3] = { cnn_tensor_size(w, 0), 1, -1 };
    w = cnn_sub(cnn__onnx_to(w, CNN_F32), cnn_reshape(cnn__onnx_to(zero, CNN_F32), 3, to));
    return cnn_transpose(cnn_mul(w, cnn_reshape(cnn__onnx_to(scale, CNN_F32), 3, to)), 1, 2);
}

/* onnxruntime's LSTM with weights of 8 bits (domain com.microsoft). It quantises inputs and states, too, as they come;
 * here they stay as they are, which is nearer to the network that was quantised. */
bool cnn__onnx_op_dynamic_quantize_lstm(cnn__onnx_run *run)
{
    recurrent n = { .kind = LSTM, .gates = 4 };
    n.w = real_weights(run, 1, 8, 9);
    n.r = n.w ? real_weights(run, 2, 10, 11) : NULL;
    return n.r && run_all(run, n);
}
