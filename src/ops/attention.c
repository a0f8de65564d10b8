/* Scaled dot-product attention (Vaswani et al., "Attention Is All You Need", 2017) as one operation: forward keeps none
 * of the weights, and backward computes them once more (kernels/array/attention.c). Operands are read as they lie where
 * their rows are contiguous, so that heads are views of one projection. */
#include "ops/operation.h"

#include <math.h>
#include <string.h>

enum { Q, K, V, MASK, ATTENTION_INPUTS };
enum { ATTENTION_Y, ATTENTION_WEIGHTS, ATTENTION_RESULTS };
enum { QKV = 1 << Q | 1 << K | 1 << V, ATTENTION_ALL = QKV | 1 << MASK };

typedef struct attention {
    bool is_causal;
    double scale, dropout_p;
    uint64_t key[2];
    bool weights;                                          /* somebody asks for them */
    const cnn_scaled_dot_product_attention_options *given; /* for infer */
} attention;

static const cnn__attribute attention_attributes[] = { CNN__ATTRIBUTE(CNN__BOOL, attention, is_causal),
                                                       CNN__ATTRIBUTE(CNN__FLOAT, attention, scale),
                                                       CNN__ATTRIBUTE(CNN__FLOAT, attention, dropout_p),
                                                       { .name = NULL } };

/* ---- shapes ---- */

static bool attention_check_shapes(cnn__call *call)
{
    const cnn_tensor *q = call->in[Q], *k = call->in[K], *v = call->in[V];
    const int n = q->ndim;
    char text[3][CNN__SHAPE_TEXT];
    bool good = n >= 2 && k->ndim == n && v->ndim == n && q->shape[n - 1] > 0 && k->shape[n - 1] == q->shape[n - 1] &&
                v->shape[n - 2] == k->shape[n - 2] && v->shape[n - 1] > 0;
    for (int d = 0; good && d < n - 2; d++) {
        good = k->shape[d] == q->shape[d] && v->shape[d] == q->shape[d];
    }
    if (!good) {
        cnn__call_fail(
            call, CNN_ERROR_SHAPE,
            "query, key and value are %s, %s and %s, expected [...,L,E], [...,S,E] and [...,S,F] with E and F of "
            "at least 1",
            cnn__shape_text(text[0], q->ndim, q->shape), cnn__shape_text(text[1], k->ndim, k->shape),
            cnn__shape_text(text[2], v->ndim, v->shape));
    }
    return good;
}

/* The shape of the weights. */
static int attention_weights_shape(const cnn_tensor *q, const cnn_tensor *k, int64_t *shape)
{
    memcpy(shape, q->shape, sizeof q->shape);
    shape[q->ndim - 1] = k->shape[k->ndim - 2];
    return q->ndim;
}

static bool attention_check_mask(cnn__call *call)
{
    const cnn_tensor *q = call->in[Q], *mask = call->in[MASK];
    int64_t shape[CNN_MAX_DIMS], both[CNN_MAX_DIMS];
    char given[CNN__SHAPE_TEXT], expected[CNN__SHAPE_TEXT];
    int ndim = attention_weights_shape(q, call->in[K], shape), joined;
    if (!mask) {
        return true;
    }
    if (mask->dtype != CNN_BOOL && mask->dtype != q->dtype) {
        cnn__call_fail(call, CNN_ERROR_DTYPE, "attn_mask is %s, expected bool or %s like the query",
                       cnn_dtype_name(mask->dtype), cnn_dtype_name(q->dtype));
        return false;
    }
    if (!cnn__broadcast(ndim, shape, mask->ndim, mask->shape, &joined, both) || joined != ndim ||
        memcmp(shape, both, (size_t)ndim * sizeof *shape) != 0) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "attn_mask is %s, expected a shape that broadcasts to %s",
                       cnn__shape_text(given, mask->ndim, mask->shape), cnn__shape_text(expected, ndim, shape));
        return false;
    }
    return true;
}

static bool attention_read_options(cnn__call *call, attention *a)
{
    cnn_scaled_dot_product_attention_options o;
    if (CNN__OPTIONS_READ(call->ctx, call->op->name, &o, a->given) != CNN_OK) {
        cnn__call_fail_newest(call);
        return false;
    }
    if (!(o.dropout_p >= 0 && o.dropout_p <= 1) || !isfinite(o.scale)) {
        bool bad_scale = !isfinite(o.scale);
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT,
                       bad_scale ? "scale is %s, expected a finite number" : "dropout_p is %s, expected 0 to 1",
                       CNN__G(bad_scale ? o.scale : o.dropout_p));
        return false;
    }
    const cnn_tensor *q = call->in[Q];
    a->is_causal = o.is_causal;
    a->scale = cnn__option(o.scale, q->ndim ? 1 / sqrt((double)q->shape[q->ndim - 1]) : 1);
    a->dropout_p = cnn_tape_training(call->tape) ? cnn__option(o.dropout_p, 0) : 0;
    return true;
}

static bool attention_infer(cnn__call *call, void *attributes)
{
    attention *a = attributes;
    const cnn_tensor *q = call->in[Q];
    int64_t shape[CNN_MAX_DIMS];
    if (!attention_read_options(call, a) || !cnn__call_real(call, Q) || !cnn__call_same_dtype(call, MASK) ||
        !attention_check_shapes(call) || !attention_check_mask(call)) {
        return false;
    }
    int ndim = attention_weights_shape(q, call->in[K], shape);
    cnn__out(call, ATTENTION_WEIGHTS, q->dtype, ndim, shape);
    if (!a->weights) {
        cnn__out_none(call, ATTENTION_WEIGHTS);
    }
    shape[ndim - 1] = call->in[V]->shape[ndim - 1];
    cnn__out(call, ATTENTION_Y, q->dtype, ndim, shape);
    return true;
}

/* ---- launches ---- */

/* Whether the kernel reads the rows of t as they lie. */
static bool attention_reads(const cnn_tensor *t)
{
    int64_t rows = t->shape[t->ndim - 2], columns = t->shape[t->ndim - 1];
    return (t->stride[t->ndim - 1] == 1 || columns <= 1) && (t->stride[t->ndim - 2] >= columns || rows <= 1);
}

static void attention_describe(const attention *a, const cnn_tensor *const x[ATTENTION_INPUTS],
                               cnn_attention_parameters *p)
{
    const cnn_tensor *q = x[Q], *mask = x[MASK];
    const int n = q->ndim - 2;
    *p = (cnn_attention_parameters){ .ndim = n,
                                     .queries = q->shape[n],
                                     .keys = x[K]->shape[n],
                                     .width = q->shape[n + 1],
                                     .value_width = x[V]->shape[n + 1],
                                     .causal = a->is_causal,
                                     .scale = a->scale,
                                     .drop = { .p = a->dropout_p, .key = { a->key[0], a->key[1] } } };
    for (int i = Q; i <= V; i++) {
        int64_t row = x[i]->stride[n], columns = x[i]->shape[n + 1];
        p->row[i] = x[i]->shape[n] <= 1 || row < 1 ? (columns > 1 ? columns : 1) : row;
        memcpy(p->stride[i], x[i]->stride, (size_t)n * sizeof row);
    }
    memcpy(p->batch, q->shape, (size_t)n * sizeof *p->batch);
    if (mask) {
        int64_t shape[CNN_MAX_DIMS], stride[CNN_MAX_DIMS];
        int ndim = attention_weights_shape(q, x[K], shape);
        cnn__broadcast_strides(mask, ndim, shape, stride);
        memcpy(p->stride[MASK], stride, (size_t)n * sizeof *stride);
        p->mask_row = stride[n];
        p->mask_column = stride[n + 1];
        p->mask_is_bool = mask->dtype == CNN_BOOL;
    }
}

static bool attention_forward(cnn__call *call, void *attributes)
{
    attention *a = attributes;
    const cnn_tensor *x[ATTENTION_INPUTS], *y = call->out[ATTENTION_Y], *weights = call->out[ATTENTION_WEIGHTS];
    cnn_attention_parameters p;
    if (a->dropout_p > 0) {
        cnn__tape_random_key(call->tape, a->key);
    }
    if (!call->in[K]->numel || !y->numel) { /* no keys, or nothing to do */
        return cnn__run_fill(call->tape, call->op->name, y, 0) && cnn__run_fill(call->tape, call->op->name, weights, 0);
    }
    for (int i = 0; i < ATTENTION_INPUTS; i++) {
        x[i] = i == MASK || attention_reads(call->in[i]) ? call->in[i] : cnn__call_contiguous(call, i);
        if (i != MASK && !x[i]) {
            return false;
        }
    }
    attention_describe(a, x, &p);
    cnn_launch forward =
        CNN__LAUNCH(ATTENTION_FORWARD, y->dtype, CNN__PARAMETERS(p),
                    .in = { cnn__data(x[Q]), cnn__data(x[K]), cnn__data(x[V]), cnn__data_or_null(x[MASK]) },
                    .out = { cnn__data(y), cnn__data_or_null(weights) });
    return cnn__run(call->tape, call->op->name, &forward);
}

/* ---- backward ---- */

/* A tensor like the weights, for the gradient of a mask, which may be broadcast. */
static cnn_tensor *attention_dmask(const cnn__node *node, const cnn_tensor *q, const cnn_tensor *k)
{
    cnn__call call = { .op = node->op, .tape = node->tape, .ctx = q->ctx, .nil = cnn__tape_nil(node->tape) };
    int64_t shape[CNN_MAX_DIMS];
    int ndim = attention_weights_shape(q, k, shape);
    return cnn__result(&call, q->dtype, ndim, shape);
}

/* The operands as the kernel reads them, and the gradients that are wanted. */
static bool attention_begin_backward(cnn__node *node, const cnn_tensor *x[ATTENTION_INPUTS],
                                     cnn_tensor *gradient[ATTENTION_INPUTS])
{
    for (int i = 0; i < ATTENTION_INPUTS; i++) {
        cnn_tensor *t = node->saved[i];
        x[i] = i == MASK || attention_reads(t) ? t : cnn_contiguous(t);
        if (x[i] && x[i]->kind == CNN__TENSOR_NIL) {
            return false;
        }
        bool wanted = cnn__wants(node, i);
        gradient[i] = !wanted ? NULL : i == MASK ? attention_dmask(node, x[Q], x[K]) : cnn__grad_empty(node, i);
        if (wanted && !gradient[i]) {
            return false;
        }
    }
    return true;
}

static void attention_backward(cnn__node *node, cnn_tensor *dy)
{
    const cnn_tensor *x[ATTENTION_INPUTS], *dweights = cnn__grad_of(node, ATTENTION_WEIGHTS);
    cnn_tensor *gradient[ATTENTION_INPUTS];
    cnn_attention_parameters p;
    if (!attention_begin_backward(node, x, gradient)) {
        return;
    }
    attention_describe(node->attributes, x, &p);
    cnn_launch backward =
        CNN__LAUNCH(ATTENTION_BACKWARD, x[Q]->dtype, CNN__PARAMETERS(p),
                    .in = { cnn__data(x[Q]), cnn__data(x[K]), cnn__data(x[V]), cnn__data_or_null(x[MASK]),
                            cnn__data_or_null(dy), cnn__data_or_null(dweights) },
                    .out = { cnn__data_or_null(gradient[Q]), cnn__data_or_null(gradient[K]),
                             cnn__data_or_null(gradient[V]), cnn__data_or_null(gradient[MASK]) });
    bool going = true, empty = !x[Q]->numel || !x[K]->numel;
    for (int i = 0; empty && going && i < ATTENTION_INPUTS; i++) {
        going = cnn__run_fill(node->tape, node->op->name, gradient[i], 0);
    }
    going = going && (empty || cnn__run(node->tape, node->op->name, &backward));
    for (int i = 0; going && i < ATTENTION_INPUTS; i++) {
        cnn__grad_add(node, i, gradient[i]);
    }
}

static const cnn__reads attention_operands[ATTENTION_INPUTS] = {
    { "query", ATTENTION_ALL }, { "key", ATTENTION_ALL }, { "value", ATTENTION_ALL }, { "attn_mask", ATTENTION_ALL }
};
static const cnn__op attention_op = { .name = "scaled_dot_product_attention",
                                      .outputs = ATTENTION_RESULTS,
                                      .optional = 1u << MASK,
                                      .saves = ATTENTION_ALL,
                                      .size = sizeof(attention),
                                      .attributes = attention_attributes,
                                      .infer = attention_infer,
                                      .forward = attention_forward,
                                      .backward = attention_backward,
                                      .reads = attention_operands };

/* ---- heads that share keys and values ---- */

static const cnn__op attention_entry = { .name = "scaled_dot_product_attention", .optional = 1u << MASK };

/* Heads [...,H,S,E] as [...,H/group,group,S,E], of which key and value have one of a group: a view. */
static cnn_tensor *attention_group(cnn_tensor *t, int64_t group, bool shared)
{
    int64_t shape[CNN_MAX_DIMS];
    const int n = t->ndim;
    memcpy(shape, t->shape, sizeof shape);
    shape[n - 3] = shared ? t->shape[n - 3] : t->shape[n - 3] / group;
    shape[n - 2] = group;
    shape[n - 1] = t->shape[n - 2];
    shape[n] = t->shape[n - 1];
    return shared ? cnn_expand(cnn_unsqueeze(t, -3), n + 1, shape) : cnn_reshape(t, n + 1, shape);
}

/* A mask that broadcasts to [...,H,L,S], as one that does to the heads in groups. */
static cnn_tensor *attention_group_mask(cnn_tensor *mask, int64_t group)
{
    return !mask || mask->ndim < 3            ? mask
           : mask->shape[mask->ndim - 3] == 1 ? cnn_unsqueeze(mask, -3)
                                              : attention_group(mask, group, false);
}

/* How many heads of the query share one of key and value; 0: that fits nothing, reported. */
static int64_t attention_group_size(cnn__call *call)
{
    const cnn_tensor *q = call->in[Q], *k = call->in[K], *v = call->in[V], *mask = call->in[MASK];
    const int n = q->ndim, h = n - 3;
    char text[3][CNN__SHAPE_TEXT];
    bool good = n >= 3 && n < CNN_MAX_DIMS && k->ndim == n && v->ndim == n && k->shape[h] > 0 &&
                v->shape[h] == k->shape[h] && q->shape[h] % k->shape[h] == 0 && q->shape[h] > 0;
    bool masked = good && mask && mask->ndim >= 3;
    if (!good) {
        cnn__call_fail(call, CNN_ERROR_SHAPE,
                       "query, key and value are %s, %s and %s, expected [...,H,L,E], [...,G,S,E] and [...,G,S,F], of "
                       "which G divides H",
                       cnn__shape_text(text[0], n, q->shape), cnn__shape_text(text[1], k->ndim, k->shape),
                       cnn__shape_text(text[2], v->ndim, v->shape));
        return 0;
    }
    if (masked && mask->shape[mask->ndim - 3] != 1 && mask->shape[mask->ndim - 3] != q->shape[h]) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "attn_mask is %s, expected 1 or %lld heads",
                       cnn__shape_text(text[0], mask->ndim, mask->shape), (long long)q->shape[h]);
        return 0;
    }
    return q->shape[h] / k->shape[h];
}

/* A result of heads in groups as one of heads. */
static cnn_tensor *attention_ungroup(cnn_tensor *t)
{
    return t->kind == CNN__TENSOR_NIL ? t : cnn_flatten(t, -4, -3);
}

static bool attention_is_grouped(const cnn_scaled_dot_product_attention_options *o)
{
    return o && o->struct_size >= offsetof(cnn_scaled_dot_product_attention_options, reserved) && o->enable_gqa;
}

static cnn_tensor *grouped_attention(cnn_tensor *const in[ATTENTION_INPUTS],
                                     const cnn_scaled_dot_product_attention_options *options, cnn_tensor **weights)
{
    cnn_scaled_dot_product_attention_options o;
    cnn__call call;
    int64_t group =
        cnn__call_begin(&call, &attention_entry, ATTENTION_INPUTS, in) && CNN__CALL_OPTIONS(&call, &o, options)
            ? attention_group_size(&call)
            : 0;
    if (!group) {
        if (weights) {
            *weights = call.nil;
        }
        return call.nil;
    }
    o.enable_gqa = false;
    cnn_tensor *y = cnn_scaled_dot_product_attention(
        attention_group(call.in[Q], group, false), attention_group(call.in[K], group, true),
        attention_group(call.in[V], group, true), attention_group_mask(call.in[MASK], group), &o, weights);
    if (weights) {
        *weights = attention_ungroup(*weights);
    }
    return attention_ungroup(y);
}

cnn_tensor *cnn_scaled_dot_product_attention(cnn_tensor *query, cnn_tensor *key, cnn_tensor *value,
                                             cnn_tensor *attn_mask,
                                             const cnn_scaled_dot_product_attention_options *options,
                                             cnn_tensor **weights)
{
    if (attention_is_grouped(options)) {
        return grouped_attention((cnn_tensor *const[]){ query, key, value, attn_mask }, options, weights);
    }
    attention a = { .weights = weights != NULL, .given = options };
    cnn_tensor *results[ATTENTION_RESULTS];
    cnn__apply_all(&attention_op, (cnn_tensor *const[]){ query, key, value, attn_mask }, ATTENTION_INPUTS, &a, results);
    if (weights) {
        *weights = results[ATTENTION_WEIGHTS];
    }
    return results[ATTENTION_Y];
}
