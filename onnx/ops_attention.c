/* Attention and rotary embeddings, operators since opset 23, as products, masks and a softmax. */
#include "ops.h"

#include <math.h>
#include <stdlib.h>

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
    const cnn__onnx_host *lengths; /* of each sample's keys; NULL: all are there */
} sight;

static bool is_hidden(const sight *s, int64_t sample, int64_t query, int64_t key)
{
    int64_t length = s->lengths ? s->lengths->i[sample] : s->keys;
    int64_t at = query + (s->lengths && s->past < 0 ? length - s->queries : s->past < 0 ? 0 : s->past);
    return key >= length || (s->causal && key > at) || (s->left >= 0 && at - key > s->left) ||
           (s->right >= 0 && key - at > s->right);
}

/* [1 or N,1,queries,keys] of bool; NULL where all may be seen, and on failure, which is reported. */
static cnn_tensor *hidden(cnn__onnx_run *run, const sight *s)
{
    if (!s->causal && s->left < 0 && s->right < 0 && !s->lengths) {
        return NULL;
    }
    const int64_t shape[4] = { s->lengths ? s->lengths->numel : 1, 1, s->queries, s->keys };
    int64_t count = shape[0] * s->queries * s->keys;
    unsigned char *all = malloc((size_t)count + 1);
    if (!all) {
        cnn__onnx_step_fail(run, CNN_ERROR_NO_MEMORY, "no memory for a mask of %lld elements", (long long)count);
        return NULL;
    }
    for (int64_t i = 0; i < count; i++) {
        all[i] = is_hidden(s, i / (s->queries * s->keys), i / s->keys % s->queries, i % s->keys);
    }
    cnn_tensor *made = cnn__onnx_made(run, CNN_BOOL, 4, shape, all);
    free(all);
    return made;
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

static bool see(cnn__onnx_run *run, const cnn_tensor *q, const cnn_tensor *k, cnn_tensor **mask)
{
    bool padded = cnn__onnx_has(run, LENGTHS);
    sight s = { .queries = cnn_tensor_size(q, 2),
                .keys = cnn_tensor_size(k, 2),
                .past = -1,
                .left = cnn__onnx_int(run, "left_window_size", -1),
                .right = cnn__onnx_int(run, "right_window_size", -1),
                .causal = cnn__onnx_int(run, "is_causal", 0),
                .lengths = padded ? cnn__onnx_in_host(run, LENGTHS) : NULL };
    if (padded && (!s.lengths || !s.lengths->i || s.lengths->numel != cnn_tensor_size(q, 0))) {
        return cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "nonpad_kv_seqlen has no integer per sample");
    }
    for (int64_t i = 0; padded && i < s.lengths->numel; i++) {
        if (s.lengths->i[i] < 0 || s.lengths->i[i] > s.keys) {
            return cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "nonpad_kv_seqlen of %lld, expected 0 to %lld",
                                       (long long)s.lengths->i[i], (long long)s.keys);
        }
    }
    if (cnn__onnx_has(run, PAST_KEY)) {
        cnn_tensor *past = cnn__onnx_in(run, PAST_KEY);
        s.past = past ? cnn_tensor_size(past, 2) : 0;
    }
    *mask = hidden(run, &s);
    return run->status == CNN_OK;
}

static bool attend(cnn__onnx_run *run, cnn_tensor *q, cnn_tensor *k, cnn_tensor *v, bool joined)
{
    cnn_tensor *mask = NULL;
    int64_t shape[CNN_MAX_DIMS];
    cnn__onnx_shape_of(q, shape);
    int64_t groups = cnn_tensor_size(k, 1), times = groups > 0 ? shape[1] / groups : 0;
    if (times < 1 || shape[1] % groups) {
        return cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "%lld heads of queries and %lld of keys", (long long)shape[1],
                                   (long long)groups);
    }
    double scale = sqrt(cnn__onnx_float(run, "scale", 1 / sqrt((double)shape[3]))),
           cap = cnn__onnx_float(run, "softcap", 0);
    if (!see(run, q, k, &mask)) {
        return false;
    }
    cnn_tensor *scores =
        cnn_matmul(cnn_mul_scalar(q, scale), cnn_transpose(repeated(cnn_mul_scalar(k, scale), times), 2, 3));
    bool good = give_scores(run, 0, scores);
    scores = cap > 0 ? cnn_mul_scalar(cnn_tanh(cnn_mul_scalar(scores, 1 / cap)), cap) : scores;
    good = good && give_scores(run, 1, scores);
    if (cnn__onnx_has(run, MASK)) {
        scores = cnn_add(scores, additive(run, cnn__onnx_in(run, MASK), scores, cnn_tensor_size(k, 2)));
    }
    scores = mask ? cnn_masked_fill(scores, mask, -INFINITY) : scores;
    good = good && give_scores(run, 2, scores);
    scores = probabilities(run, scores);
    good = good && give_scores(run, 3, scores);
    cnn_tensor *y = cnn_matmul(scores, repeated(v, times));
    if (joined) {
        y = cnn_reshape(cnn_transpose(y, 1, 2), 3, (int64_t[]){ shape[0], shape[2], shape[1] * cnn_tensor_size(v, 3) });
    }
    return good && cnn__onnx_out(run, 0, y, cnn__onnx_type(run, Q));
}

bool cnn__onnx_op_attention(cnn__onnx_run *run)
{
    int64_t heads = cnn__onnx_int(run, "q_num_heads", 0), groups = cnn__onnx_int(run, "kv_num_heads", 0);
    cnn_tensor *q = cnn__onnx_in(run, Q), *k = cnn__onnx_in(run, K), *v = cnn__onnx_in(run, V);
    if (!q || !k || !v) {
        return false;
    }
    bool joined = cnn_tensor_ndim(q) == 3;
    q = heads_of(run, q, heads);
    k = heads_of(run, k, groups);
    v = heads_of(run, v, groups);
    k = k ? present(run, k, PAST_KEY, 1) : NULL;
    v = v ? present(run, v, PAST_VALUE, 2) : NULL;
    return q && k && v && attend(run, q, k, v, joined);
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
