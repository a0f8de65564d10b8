/* Attention and rotary embeddings, operators since opset 23, as products, masks and a softmax. */
#include "ops.h"

#include <math.h>

/* ---- attention ---- */

enum { Q, K, V, MASK, PAST_KEY, PAST_VALUE, LENGTHS };

/* [N,L,heads·size] → [N,heads,L,size]; what has four dimensions stays. NULL: reported. */
static cnn_tensor *heads_of(cnn__onnx_run *run, cnn_tensor *x, int64_t heads)
{
    int64_t shape[CNN_MAX_DIMS];
    if (cnn__onnx_shape_of(x, shape) == 4) {
        return x;
    }
    if (cnn_tensor_ndim(x) != 3 || heads < 1 || shape[2] % heads) {
        cnn__onnx_step_fail(run, CNN_ERROR_SHAPE,
                            "an operand of rank %d with %lld heads, expected [N,heads,L,size] or [N,L,heads·size]",
                            cnn_tensor_ndim(x), (long long)heads);
        return NULL;
    }
    x = cnn_reshape(x, 4, (int64_t[]){ shape[0], shape[1], heads, shape[2] / heads });
    return cnn_transpose(x, 1, 2);
}

/* Each of the heads several times, one after the other. */
static cnn_tensor *repeated(cnn_tensor *x, int64_t times)
{
    int64_t shape[CNN_MAX_DIMS];
    if (times == 1) {
        return x;
    }
    cnn__onnx_shape_of(x, shape);
    x = cnn_expand(cnn_unsqueeze(x, 2), 5, (int64_t[]){ shape[0], shape[1], times, shape[2], shape[3] });
    return cnn_reshape(x, 4, (int64_t[]){ shape[0], shape[1] * times, shape[2], shape[3] });
}

/* A mask as numbers to be added, of as many keys as there are. */
static cnn_tensor *additive(cnn__onnx_run *run, cnn_tensor *mask, const cnn_tensor *like, int64_t keys)
{
    if (cnn_tensor_dtype(mask) == CNN_BOOL) {
        mask = cnn_where(mask, cnn__onnx_scalar(run, like, 0), cnn__onnx_scalar(run, like, -INFINITY));
    }
    mask = cnn__onnx_to(mask, cnn_tensor_dtype(like));
    int last = cnn_tensor_ndim(mask) - 1;
    int64_t more = last < 0 ? 0 : keys - cnn_tensor_size(mask, last), none[CNN_MAX_DIMS] = { 0 },
            after[CNN_MAX_DIMS] = { 0 };
    if (more <= 0 || cnn_tensor_size(mask, last) == 1) {
        return mask;
    }
    after[last] = more;
    return cnn__onnx_padded(run, mask, none, after, CNN_PAD_CONSTANT, -INFINITY);
}

/* Which keys a query may not see: later ones where attention is causal, those out of its window, and padding. */
typedef struct sight {
    int64_t queries, keys, past, left, right;
    bool causal;
    const cnn__onnx_host *lengths; /* how many keys each sample has; NULL: all are there */
} sight;

static cnn_tensor *plus(cnn__onnx_run *run, cnn_tensor *x, int64_t more)
{
    return more == 0 ? x : cnn_add(x, cnn__onnx_scalar(run, x, (double)more));
}

static cnn_tensor *either(cnn_tensor *a, cnn_tensor *b)
{
    return a ? cnn_logical_or(a, b) : b;
}

/* [1 or N,1,queries,keys] of bool, of the positions of queries and of keys: nothing of that size is made before an
 * operation runs, and so none in a trace. NULL where all may be seen. */
static cnn_tensor *hidden(cnn__onnx_run *run, const sight *s)
{
    if (!s->causal && s->left < 0 && s->right < 0 && !s->lengths) {
        return NULL;
    }
    cnn_tensor *key = cnn_reshape(cnn__onnx_numbers(run, s->keys), 4, (int64_t[]){ 1, 1, 1, s->keys }),
               *at = cnn_reshape(cnn__onnx_numbers(run, s->queries), 4, (int64_t[]){ 1, 1, s->queries, 1 }),
               *mask = NULL;
    if (s->lengths) {
        cnn_tensor *length = cnn__onnx_made(run, CNN_I64, 4, (int64_t[]){ s->lengths->numel, 1, 1, 1 }, s->lengths->i);
        mask = cnn_ge(key, length);
        at = s->past < 0 ? cnn_add(at, plus(run, length, -s->queries)) : at;
    }
    at = s->past > 0 ? plus(run, at, s->past) : at;
    mask = s->causal ? either(mask, cnn_gt(key, at)) : mask;
    mask = s->left >= 0 ? either(mask, cnn_lt(key, plus(run, at, -s->left))) : mask;
    return s->right >= 0 ? either(mask, cnn_gt(key, plus(run, at, s->right))) : mask;
}

/* softmax, but zeros for a query that may see no key. */
static cnn_tensor *probabilities(cnn__onnx_run *run, cnn_tensor *scores)
{
    const int last = -1;
    cnn_tensor *blind = cnn_eq(cnn_max(scores, 1, &last, true), cnn__onnx_scalar(run, scores, -INFINITY));
    return cnn_masked_fill(cnn_softmax(cnn_masked_fill(scores, blind, 0), 3), blind, 0);
}

/* Gives out what the product of queries and keys is at one of four points. */
static bool give_scores(cnn__onnx_run *run, int64_t mode, cnn_tensor *scores)
{
    return cnn__onnx_int(run, "qk_matmul_output_mode", 0) != mode ||
           cnn__onnx_out(run, 3, scores, cnn__onnx_type(run, Q));
}

/* Keys or values behind those of the past, which are given out as the present ones. */
static cnn_tensor *present(cnn__onnx_run *run, cnn_tensor *x, int past, int out)
{
    cnn_tensor *both[2] = { cnn__onnx_has(run, past) ? cnn__onnx_in(run, past) : NULL, x };
    x = both[0] ? cnn_concat(both, 2, 2) : x;
    return cnn__onnx_out(run, out, x, cnn__onnx_type(run, Q)) ? x : NULL;
}

static bool read_sight(cnn__onnx_run *run, const cnn_tensor *q, const cnn_tensor *k, sight *s)
{
    bool padded = cnn__onnx_has(run, LENGTHS);
    *s = (sight){ .queries = cnn_tensor_size(q, 2),
                  .keys = cnn_tensor_size(k, 2),
                  .past = -1,
                  .left = cnn__onnx_int(run, "left_window_size", -1),
                  .right = cnn__onnx_int(run, "right_window_size", -1),
                  .causal = cnn__onnx_int(run, "is_causal", 0),
                  .lengths = padded ? cnn__onnx_in_host(run, LENGTHS) : NULL };
    if (padded && (!s->lengths || !s->lengths->i || s->lengths->numel != cnn_tensor_size(q, 0))) {
        return cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "nonpad_kv_seqlen has no integer per sample");
    }
    for (int64_t i = 0; padded && i < s->lengths->numel; i++) {
        if (s->lengths->i[i] < 0 || s->lengths->i[i] > s->keys) {
            return cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "nonpad_kv_seqlen of %lld, expected 0 to %lld",
                                       (long long)s->lengths->i[i], (long long)s->keys);
        }
    }
    if (cnn__onnx_has(run, PAST_KEY)) {
        cnn_tensor *past = cnn__onnx_in(run, PAST_KEY);
        s->past = past ? cnn_tensor_size(past, 2) : 0;
    }
    s->left = s->left > s->keys + s->queries ? -1 : s->left; /* wider than all there is */
    s->right = s->right > s->keys + s->queries ? -1 : s->right;
    return true;
}

/* Operands of attention: queries and keys, values, and what is seen. */
typedef struct attention {
    cnn_tensor *q, *k, *v;
    sight sight;
    double scale;
    int64_t times; /* how many heads of queries each head of keys serves */
} attention;

/* By libcnn's own operation, which keeps no scores, where that is all that the node asks for; NULL: it is not. */
static cnn_tensor *plain(cnn__onnx_run *run, const attention *a)
{
    const sight *s = &a->sight;
    bool scores = run->step->out_count > 3 && run->step->out[3] >= 0;
    if (scores || s->lengths || s->left >= 0 || s->right >= 0 || (s->causal && s->past > 0) || !(a->scale > 0) ||
        cnn__onnx_float(run, "softcap", 0) > 0) {
        return NULL;
    }
    cnn_tensor *mask =
        cnn__onnx_has(run, MASK) ? additive(run, cnn__onnx_in(run, MASK), a->q, cnn_tensor_size(a->k, 2)) : NULL;
    return cnn_scaled_dot_product_attention(
        a->q, a->k, a->v, mask,
        &(cnn_scaled_dot_product_attention_options){ .struct_size = sizeof(cnn_scaled_dot_product_attention_options),
                                                     .scale = a->scale,
                                                     .is_causal = s->causal,
                                                     .enable_gqa = a->times > 1 },
        NULL);
}

/* The scores as a tensor, which the node may give out at one of four points. */
static cnn_tensor *by_scores(cnn__onnx_run *run, const attention *a)
{
    double cap = cnn__onnx_float(run, "softcap", 0), half = sqrt(a->scale);
    cnn_tensor *mask = hidden(run, &a->sight);
    cnn_tensor *scores =
        cnn_matmul(cnn_mul_scalar(a->q, half), cnn_transpose(repeated(cnn_mul_scalar(a->k, half), a->times), 2, 3));
    bool good = give_scores(run, 0, scores);
    scores = cap > 0 ? cnn_mul_scalar(cnn_tanh(cnn_mul_scalar(scores, 1 / cap)), cap) : scores;
    good = good && give_scores(run, 1, scores);
    if (cnn__onnx_has(run, MASK)) {
        scores = cnn_add(scores, additive(run, cnn__onnx_in(run, MASK), scores, cnn_tensor_size(a->k, 2)));
    }
    scores = mask ? cnn_masked_fill(scores, mask, -INFINITY) : scores;
    good = good && give_scores(run, 2, scores);
    scores = probabilities(run, scores);
    good = good && give_scores(run, 3, scores);
    return good ? cnn_matmul(scores, repeated(a->v, a->times)) : NULL;
}

static bool attend(cnn__onnx_run *run, attention *a, bool joined)
{
    int64_t shape[CNN_MAX_DIMS];
    if (cnn__onnx_shape_of(a->q, shape) != 4 || cnn_tensor_ndim(a->k) != 4 || cnn_tensor_ndim(a->v) != 4) {
        return cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "keys of rank %d and values of rank %d, expected 4",
                                   cnn_tensor_ndim(a->k), cnn_tensor_ndim(a->v));
    }
    int64_t groups = cnn_tensor_size(a->k, 1);
    a->times = groups > 0 ? shape[1] / groups : 0;
    if (a->times < 1 || shape[1] % groups) {
        return cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "%lld heads of queries and %lld of keys", (long long)shape[1],
                                   (long long)groups);
    }
    a->scale = cnn__onnx_float(run, "scale", 1 / sqrt((double)shape[3]));
    if (!read_sight(run, a->q, a->k, &a->sight)) {
        return false;
    }
    cnn_tensor *y = plain(run, a);
    y = y || run->status != CNN_OK ? y : by_scores(run, a);
    if (y && joined) {
        y = cnn_reshape(cnn_transpose(y, 1, 2), 3,
                        (int64_t[]){ shape[0], shape[2], shape[1] * cnn_tensor_size(a->v, 3) });
    }
    return y && cnn__onnx_out(run, 0, y, cnn__onnx_type(run, Q));
}

bool cnn__onnx_op_attention(cnn__onnx_run *run)
{
    int64_t heads = cnn__onnx_int(run, "q_num_heads", 0), groups = cnn__onnx_int(run, "kv_num_heads", 0);
    attention a = { .q = cnn__onnx_in(run, Q), .k = cnn__onnx_in(run, K), .v = cnn__onnx_in(run, V) };
    if (!a.q || !a.k || !a.v) {
        return false;
    }
    bool joined = cnn_tensor_ndim(a.q) == 3;
    a.q = heads_of(run, a.q, heads);
    a.k = heads_of(run, a.k, groups);
    a.v = heads_of(run, a.v, groups);
    a.k = a.k ? present(run, a.k, PAST_KEY, 1) : NULL;
    a.v = a.v ? present(run, a.v, PAST_VALUE, 2) : NULL;
    return a.q && a.k && a.v && attend(run, &a, joined);
}

/* ---- rotary embeddings ---- */

/* The part `which` of two of the last dimension: the first and the last half, or even and odd positions. */
static cnn_tensor *half(cnn_tensor *x, int64_t size, bool interleaved, int which)
{
    return interleaved ? cnn_slice(x, 3, which, size, 2) : cnn_slice(x, 3, which * size / 2, (which + 1) * size / 2, 1);
}

/* cos or sin [positions,size / 2] by the positions, or [N,L,size / 2] as it is, beside [N,L,heads,size / 2]. */
static cnn_tensor *angles(cnn__onnx_run *run, int i)
{
    cnn_tensor *table = cnn__onnx_in(run, i);
    if (table && cnn__onnx_has(run, 3)) {
        cnn_tensor *positions = cnn__onnx_in(run, 3);
        int64_t shape[CNN_MAX_DIMS];
        int rank = cnn__onnx_shape_of(positions, shape);
        if (rank < 0 || rank > 2) {
            cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "positions of rank %d, expected [N,L]", rank);
            return NULL;
        }
        shape[rank] = cnn_tensor_size(table, 1);
        table = cnn_index_select(table, 0, cnn_reshape(positions, 1, (int64_t[]){ -1 }));
        table = cnn_reshape(table, rank + 1, shape);
    }
    return table ? cnn_unsqueeze(table, 2) : NULL;
}

bool cnn__onnx_op_rotary(cnn__onnx_run *run)
{
    cnn_tensor *x = cnn__onnx_in(run, 0), *cosine = angles(run, 1), *sine = angles(run, 2);
    int64_t given[CNN_MAX_DIMS], shape[CNN_MAX_DIMS], heads = cnn__onnx_int(run, "num_heads", 0);
    bool interleaved = cnn__onnx_int(run, "interleaved", 0);
    if (!x || !cosine || !sine) {
        return false;
    }
    int rank = cnn__onnx_shape_of(x, given);
    if ((rank != 3 && rank != 4) || (rank == 3 && (heads < 1 || given[2] % heads))) {
        return cnn__onnx_step_fail(run, CNN_ERROR_SHAPE,
                                   "an input of rank %d with %lld heads, expected [N,heads,L,size] or [N,L,heads·size]",
                                   rank, (long long)heads);
    }
    x = rank == 4 ? cnn_transpose(x, 1, 2)
                  : cnn_reshape(x, 4, (int64_t[]){ given[0], given[1], heads, given[2] / heads });
    cnn__onnx_shape_of(x, shape);
    int64_t asked = cnn__onnx_int(run, "rotary_embedding_dim", 0), size = asked > 0 ? asked : shape[3];
    if (size > shape[3] || size % 2) {
        return cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "%lld of %lld numbers of a head are to be turned",
                                   (long long)size, (long long)shape[3]);
    }
    cnn_tensor *first = half(x, size, interleaved, 0), *second = half(x, size, interleaved, 1);
    cnn_tensor *parts[3] = { cnn_sub(cnn_mul(cosine, first), cnn_mul(sine, second)),
                             cnn_add(cnn_mul(sine, first), cnn_mul(cosine, second)),
                             cnn_slice(x, 3, size, shape[3], 1) };
    if (interleaved) {
        cnn_tensor *pairs[2] = { cnn_unsqueeze(parts[0], 4), cnn_unsqueeze(parts[1], 4) };
        parts[1] = cnn_reshape(cnn_concat(pairs, 2, 4), 4, (int64_t[]){ shape[0], shape[1], shape[2], size });
    }
    cnn_tensor *y = cnn_concat(parts + interleaved, (interleaved ? 1 : 2) + (size < shape[3]), 3);
    y = rank == 4 ? cnn_transpose(y, 1, 2) : cnn_reshape(y, 3, given);
    return cnn__onnx_out(run, 0, y, cnn__onnx_type(run, 0));
}
