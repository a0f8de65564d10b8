/* torch.nn.MultiheadAttention: projections, attention over the heads, which are views of them, and one more projection.
 * What the tensors of a call mean is in include/cnn/attention.h. */
#include "nn/multihead_attention.h"

#include "nn/forward.h"
#include "ops/attention_heads.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MHA_QUERY, MHA_KEY, MHA_VALUE, MHA_PADDING, MHA_MASK, MHA_INPUTS };
enum { MHA_Y, MHA_MEAN_WEIGHTS, MHA_WEIGHTS, MHA_OUTPUTS };

/* One call. */
typedef struct multihead_call {
    const cnn_module *self;
    const cnn__multihead *m;
    cnn_tape *tape;
    bool batched, batch_first;
    cnn_tensor *in[MHA_INPUTS];
    int64_t n, queries, keys; /* what the options add is not among the keys */
} multihead_call;

/* ---- what comes in ---- */

static bool multihead_fail(const multihead_call *c, const char *name, const cnn_tensor *t, const char *expected)
{
    char text[CNN__SHAPE_TEXT];
    cnn__tape_fail(c->tape, CNN_ERROR_SHAPE, "multihead_attention_forward: %s is %s, expected %s", name,
                   cnn__shape_text(text, t->ndim, t->shape), expected);
    return false;
}

/* Sequences without a batch become a batch of one. */
static bool multihead_enter(multihead_call *c)
{
    static const char *const names[] = { "query", "key", "value" };
    const cnn__multihead *m = c->m;
    const int64_t widths[] = { m->width, m->options.kdim, m->options.vdim };
    c->batched = c->in[MHA_QUERY]->ndim != 2;
    c->batch_first = m->options.batch_first || !c->batched;
    for (int i = MHA_QUERY; i <= MHA_VALUE; i++) {
        cnn_tensor *t = c->in[i] ? c->in[i] : c->in[i - 1];
        if (t->ndim != (c->batched ? 3 : 2) || t->shape[t->ndim - 1] != widths[i]) {
            char text[64];
            snprintf(text, sizeof text, "%s%lld]",
                     !c->batched      ? "[L,"
                     : c->batch_first ? "[N,L,"
                                      : "[L,N,",
                     (long long)widths[i]);
            return multihead_fail(c, names[i], t, text);
        }
        bool again = i > MHA_QUERY && !c->in[i];
        c->in[i] = again ? t : t->ndim == 2 ? cnn_unsqueeze(t, 0) : t;
    }
    const int batch = c->batch_first ? 0 : 1;
    const cnn_tensor *q = c->in[MHA_QUERY], *k = c->in[MHA_KEY], *v = c->in[MHA_VALUE];
    c->n = q->shape[batch];
    c->queries = q->shape[1 - batch];
    c->keys = k->shape[1 - batch];
    if (k->shape[batch] != c->n) {
        return multihead_fail(c, "key", k, "the batch of the query");
    }
    return (v->shape[batch] == c->n && v->shape[1 - batch] == c->keys) ||
           multihead_fail(c, "value", v, "the batch and the length of the key");
}

static bool multihead_check_masks(const multihead_call *c)
{
    const cnn_tensor *padding = c->in[MHA_PADDING], *mask = c->in[MHA_MASK];
    if (padding && !(c->batched ? padding->ndim == 2 && padding->shape[0] == c->n && padding->shape[1] == c->keys
                                : padding->ndim == 1 && padding->shape[0] == c->keys)) {
        return multihead_fail(c, "key_padding_mask", padding, c->batched ? "[N,S] of the keys" : "[S] of the keys");
    }
    if (mask &&
        !(mask->ndim >= 2 && mask->shape[mask->ndim - 2] == c->queries && mask->shape[mask->ndim - 1] == c->keys &&
          (mask->ndim == 2 || (mask->ndim == 3 && mask->shape[0] == c->n * c->m->heads)))) {
        return multihead_fail(c, "attn_mask", mask, "[L,S] or [N*num_heads,L,S] of queries and keys");
    }
    for (int i = MHA_PADDING; i <= MHA_MASK; i++) {
        const cnn_tensor *t = c->in[i];
        if (t && t->dtype != CNN_BOOL && t->dtype != c->in[MHA_QUERY]->dtype) {
            cnn__tape_fail(c->tape, CNN_ERROR_DTYPE, "multihead_attention_forward: %s is %s, expected bool or %s",
                           i == MHA_MASK ? "attn_mask" : "key_padding_mask", cnn_dtype_name(t->dtype),
                           cnn_dtype_name(c->in[MHA_QUERY]->dtype));
            return false;
        }
    }
    return true;
}

/* ---- masks ---- */

/* A scalar on the tape. */
static cnn_tensor *multihead_scalar(const multihead_call *c, cnn_dtype dtype, double value)
{
    static const cnn__op op = { .name = "multihead_attention" };
    cnn__call call = { .op = &op, .tape = c->tape, .ctx = c->self->ctx, .nil = cnn__tape_nil(c->tape) };
    cnn_tensor *t = cnn__result(&call, dtype, 0, NULL);
    bool filled = t && (cnn__tape_tracing(c->tape) || cnn__run_fill(c->tape, op.name, t, value));
    return filled ? t : call.nil;
}

/* A bool mask, where true forbids, as one that is added. */
static cnn_tensor *multihead_added(const multihead_call *c, cnn_tensor *mask)
{
    cnn_dtype dtype = c->in[MHA_QUERY]->dtype;
    return mask->dtype == CNN_BOOL
               ? cnn_where(mask, multihead_scalar(c, dtype, -INFINITY), multihead_scalar(c, dtype, 0))
               : mask;
}

/* t with one more element at the end of dimension `dim`: `more`, which is broadcast over the others. */
static cnn_tensor *multihead_append(cnn_tensor *t, int dim, cnn_tensor *more)
{
    int64_t shape[CNN_MAX_DIMS];
    if (t->kind == CNN__TENSOR_NIL) {
        return t;
    }
    memcpy(shape, t->shape, sizeof shape);
    shape[dim < 0 ? dim + t->ndim : dim] = 1;
    return cnn_concat((cnn_tensor *const[]){ t, cnn_expand(more, t->ndim, shape) }, 2, dim);
}

/* Both masks as one, as scaled_dot_product_attention takes it: true lets a query see. NULL: none. */
static cnn_tensor *multihead_mask(const multihead_call *c, int added)
{
    cnn_tensor *padding = c->in[MHA_PADDING], *mask = c->in[MHA_MASK];
    if (mask && mask->ndim == 3) {
        mask = cnn_reshape(mask, 4, (const int64_t[]){ c->n, c->m->heads, c->queries, c->keys });
    }
    if (padding) {
        padding = cnn_reshape(padding, 4, (const int64_t[]){ c->n, 1, 1, c->keys });
    }
    if (mask && padding) {
        mask = mask->dtype == CNN_BOOL && padding->dtype == CNN_BOOL
                   ? cnn_logical_or(mask, padding)
                   : cnn_add(multihead_added(c, mask), multihead_added(c, padding));
    }
    mask = mask ? mask : padding;
    for (int i = 0; mask && i < added; i++) {
        mask = multihead_append(mask, -1, multihead_scalar(c, mask->dtype, 0));
    }
    return mask && mask->dtype == CNN_BOOL ? cnn_logical_not(mask) : mask;
}

/* ---- projections ---- */

static bool multihead_same(const cnn_tensor *a, const cnn_tensor *b)
{
    return a == b || (a->leaf && a->leaf == b->leaf);
}

/* Rows of in_proj_weight or in_proj_bias, from projection `first` on; NULL for NULL. */
static cnn_tensor *multihead_rows(const cnn__multihead *m, cnn_tensor *t, int first, int count)
{
    return !t || count == 3 ? t : cnn_slice(t, 0, first * m->width, (first + count) * m->width, 1);
}

/* Projections first … first + count − 1 of x, side by side. */
static cnn_tensor *multihead_project(const cnn__multihead *m, cnn_tensor *x, int first, int count)
{
    cnn_tensor *weight = m->weight[1] ? m->weight[first] : multihead_rows(m, m->weight[0], first, count);
    return cnn_linear(x, weight, multihead_rows(m, m->bias, first, count));
}

/* Heads of query, key and value, [N,heads,L,D]. */
static void multihead_heads(const multihead_call *c, cnn_tensor *heads[3])
{
    const cnn__multihead *m = c->m;
    const int batch = c->batch_first ? 0 : 1;
    for (int i = 0, count; i < 3; i += count) {
        count = 1;
        while (i + count < 3 && !m->weight[1] && !m->bias_k && multihead_same(c->in[i], c->in[i + count])) {
            count++;
        }
        cnn_tensor *projected = multihead_project(m, c->in[i], i, count), *bias = i == MHA_KEY ? m->bias_k : m->bias_v;
        if (m->bias_k && i > MHA_QUERY) {
            projected = multihead_append(projected, 1 - batch, bias);
        }
        cnn__attention_heads(projected, m->heads, count, c->batch_first, heads + i);
    }
    for (int i = MHA_KEY; m->options.add_zero_attn && i <= MHA_VALUE; i++) {
        heads[i] = multihead_append(heads[i], 2, multihead_scalar(c, heads[i]->dtype, 0));
    }
}

/* ---- forward ---- */

static void multihead_attend(const multihead_call *c, cnn_tensor **outputs, int output_count)
{
    const cnn__multihead *m = c->m;
    const int added = (int)m->options.add_bias_kv + (int)m->options.add_zero_attn;
    const cnn_scaled_dot_product_attention_options options = { .struct_size = sizeof options,
                                                               .dropout_p = m->options.dropout,
                                                               .is_causal = m->options.is_causal };
    cnn_tensor *heads[3], *weights = NULL;
    multihead_heads(c, heads);
    cnn_tensor *y = cnn_scaled_dot_product_attention(heads[0], heads[1], heads[2], multihead_mask(c, added), &options,
                                                     output_count > 1 ? &weights : NULL);
    y = cnn_permute(y, 4, c->batch_first ? (const int[]){ 0, 2, 1, 3 } : (const int[]){ 2, 0, 1, 3 });
    y = cnn_reshape(y, 3, c->in[MHA_QUERY]->shape);
    y = cnn_forward(c->self->children.items[0].module, y);
    outputs[MHA_Y] = c->batched ? y : cnn_squeeze(y, 0);
    for (int i = MHA_MEAN_WEIGHTS; i < output_count; i++) {
        cnn_tensor *t = i == MHA_WEIGHTS ? weights : cnn_mean(weights, 1, (const int[]){ 1 }, false);
        outputs[i] = c->batched ? t : cnn_squeeze(t, 0);
    }
}

static cnn_status multihead_forward_many(cnn_module *self, cnn_tensor *const *inputs, int input_count,
                                         cnn_tensor **outputs, int output_count)
{
    multihead_call c = { .self = self, .m = self->attributes };
    if (input_count < 1 || input_count > MHA_INPUTS || output_count < 1 || output_count > MHA_OUTPUTS || !inputs[0]) {
        return cnn__fail(self->ctx, CNN_ERROR_INVALID_ARGUMENT,
                         "forward: MultiheadAttention takes query, key, value, key_padding_mask and attn_mask and "
                         "returns y and two kinds of weights, given %d%s and asked for %d",
                         input_count, input_count > 0 && !inputs[0] ? " without query" : "", output_count);
    }
    memcpy(c.in, inputs, (size_t)input_count * sizeof *c.in);
    c.tape = c.in[0]->tape;
    if (!multihead_enter(&c) || !multihead_check_masks(&c)) {
        return cnn__failure_status();
    }
    multihead_attend(&c, outputs, output_count);
    return CNN_OK;
}

static cnn_tensor *multihead_forward(cnn_module *self, cnn_tensor *x)
{
    cnn_tensor *y = cnn__tape_nil(x->tape);
    multihead_forward_many(self, &x, 1, &y, 1);
    return y;
}

/* The tensors are the clone's own. */
static cnn_status multihead_clone(cnn_module *to, const cnn_module *self)
{
    cnn__multihead *m = to->attributes;
    *m = *(const cnn__multihead *)self->attributes;
    cnn_tensor **const tensors[] = { &m->weight[0], &m->weight[1], &m->weight[2], &m->bias, &m->bias_k, &m->bias_v };
    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++) {
        *tensors[i] = cnn__cloned(to, self, *tensors[i]);
    }
    return CNN_OK;
}

const cnn__module_class cnn__multihead_class = { .type = "MultiheadAttention",
                                                 .forward = multihead_forward,
                                                 .forward_many = multihead_forward_many,
                                                 .clone = multihead_clone };

cnn_tensor *cnn_multihead_attention_forward(cnn_module *module, cnn_tensor *query, cnn_tensor *key, cnn_tensor *value,
                                            cnn_tensor *key_padding_mask, cnn_tensor *attn_mask, cnn_tensor **weights,
                                            cnn_tensor **head_weights)
{
    static const cnn__module_class *const classes[] = { &cnn__multihead_class, NULL };
    cnn_tensor *results[MHA_OUTPUTS];
    const int count = head_weights ? 3 : weights ? 2 : 1;
    cnn__forward_own("multihead_attention_forward", classes, "MultiheadAttention", module,
                     (cnn_tensor *const[]){ query, key, value, key_padding_mask, attn_mask }, MHA_INPUTS, results,
                     count);
    if (weights) {
        *weights = results[MHA_MEAN_WEIGHTS];
    }
    if (head_weights) {
        *head_weights = results[MHA_WEIGHTS];
    }
    return results[MHA_Y];
}
