/* bfloat16, which is stored and not computed with: operands are brought to float32 in the workspace, the kernels of
 * float32 run, and results are rounded back, as the CPU does it. The sizes of operands follow from the parameters: from
 * the first element of a strided operand to its last one, everything counts. */
#include "planner.h"

#include <cnn/ops.h>

/* A letter for each operand, which its family knows; '-': it has another dtype or stays as it is. */
typedef struct stored_kernel {
    int64_t (*count)(const cnn_launch *l, char letter,
                     bool *updates); /* updates: results keep some of what they hold */
    char in[7], out[5];
} stored_kernel;

static int64_t product_of(const int64_t *shape, int ndim)
{
    int64_t count = 1;
    for (int d = 0; d < ndim; d++) {
        count *= shape[d];
    }
    return count;
}

static int64_t reach(const cnn_nest *nest, int operand)
{
    int64_t last = 0;
    for (int d = 0; d < nest->ndim; d++) {
        last += (nest->shape[d] - 1) * nest->stride[operand][d];
    }
    return last;
}

/* Operand 0, 1, 2, 3 of a nest. */
static int64_t spanned(const cnn_nest *nest, char letter, bool *updates)
{
    const int64_t count = product_of(nest->shape, nest->ndim), span = count ? reach(nest, letter - '0') + 1 : 0;
    *updates |= letter == '0' && span != count;
    return span;
}

static int64_t of_elements(const cnn_launch *l, char letter, bool *updates)
{
    return spanned(&((const cnn_elementwise_parameters *)l->parameters)->nest, letter, updates);
}

static int64_t of_reduction(const cnn_launch *l, char letter, bool *updates)
{
    const cnn_reduce_parameters *g = l->parameters;
    const int64_t results = product_of(g->outer.shape, g->outer.ndim);
    if (letter == '0') {
        return spanned(&g->outer, '0', updates);
    }
    return results && product_of(g->inner.shape, g->inner.ndim) ? reach(&g->outer, 1) + reach(&g->inner, 1) + 1 : 0;
}

static int64_t of_count(const cnn_launch *l, char letter, bool *updates)
{
    *updates |= letter == 'u';
    return l->count;
}

static int64_t of_matrix(const cnn_launch *l, char letter, bool *updates)
{
    const cnn_matrix *g = l->parameters;
    (void)updates;
    return g->columns * (letter == 'x' ? g->rows : 1);
}

static int64_t of_line(const cnn_launch *l, char letter, bool *updates)
{
    const cnn_along *g = l->parameters; /* which scans and sorts begin with */
    (void)updates;
    return g->before * g->after *
           (letter == 'k'   ? ((const cnn_sort_parameters *)l->parameters)->k
            : letter == 'y' ? 1
                            : g->n);
}

static int64_t of_lookup(const cnn_launch *l, char letter, bool *updates)
{
    const cnn_lookup_parameters *g = l->parameters;
    (void)updates;
    return g->width * (letter == 'x' ? g->n : g->count);
}

static int64_t of_scatter(const cnn_launch *l, char letter, bool *updates)
{
    const cnn_index_parameters *g = l->parameters;
    *updates = true;
    return !product_of(g->nest.shape, g->nest.ndim) ? 0
           : letter == 'y'                          ? reach(&g->nest, 0) + (g->n - 1) * g->step + 1
                                                    : reach(&g->nest, 1) + 1;
}

static int64_t of_element_loss(const cnn_launch *l, char letter, bool *updates)
{
    const cnn_element_loss_parameters *g = l->parameters;
    const int64_t count = product_of(g->nest.shape, g->nest.ndim);
    bool ignored = false;
    (void)updates;
    return letter == 'n' || (letter == 'y' && g->reduction == (int)CNN_REDUCE_NONE) ? count
           : letter == 'y'                                                          ? 1
                           : spanned(&g->nest, letter, &ignored);
}

/* A matrix as it is stored, with gaps between its rows. */
static int64_t stored_matrix(bool transposed, int64_t rows, int64_t columns, int64_t ld)
{
    const int64_t down = transposed ? columns : rows, across = transposed ? rows : columns;
    return down && across ? (down - 1) * ld + across : 0;
}

static int64_t factor(const cnn_gemm *g, char letter)
{
    switch (letter) {
    case 'a': return stored_matrix(g->trans_a, g->m, g->k, g->lda);
    case 'b': return stored_matrix(g->trans_b, g->k, g->n, g->ldb);
    case 'c': return stored_matrix(false, g->m, g->n, g->ldc);
    default: return g->n;
    }
}

static int64_t of_gemm(const cnn_launch *l, char letter, bool *updates)
{
    const cnn_gemm *g = l->parameters;
    *updates |= g->accumulate || g->ldc != g->n;
    return factor(g, letter);
}

static int64_t of_matmul(const cnn_launch *l, char letter, bool *updates)
{
    const cnn_matmul_parameters *g = l->parameters;
    const int64_t *stride = letter == 'a' ? g->a_stride : g->b_stride, products = product_of(g->batch, g->ndim);
    int64_t last = 0;
    (void)updates;
    for (int d = 0; d < g->ndim; d++) {
        last += (g->batch[d] - 1) * stride[d];
    }
    return !products ? 0 : letter == 'c' ? products * g->product.m * g->product.n : last + factor(&g->product, letter);
}

static int64_t image(const cnn_conv *g, char letter, bool *updates)
{
    *updates |= g->add;
    switch (letter) {
    case 'x': return g->batch * g->in_channels * g->in_h * g->in_w;
    case 'w': return g->out_channels * (g->in_channels / g->groups) * g->kernel_h * g->kernel_w;
    case 'b': return g->out_channels;
    case 'c': return g->in_channels;
    case 'y': return g->batch * g->out_channels * g->out_h * g->out_w;
    default: return g->batch * g->out_channels * (g->out_h / 2) * (g->out_w / 2);
    }
}

static int64_t of_conv(const cnn_launch *l, char letter, bool *updates)
{
    return image(l->parameters, letter, updates);
}

static int64_t of_conv3d(const cnn_launch *l, char letter, bool *updates)
{
    const cnn_conv3d_parameters *g = l->parameters;
    const int64_t depth = letter == 'x' ? g->in_d : letter == 'y' ? g->out_d : letter == 'w' ? g->kernel_d : 1;
    return depth * image(&g->slice, letter, updates);
}

static int64_t of_pooling(const cnn_launch *l, char letter, bool *updates)
{
    const cnn_maxpool *g = l->parameters;
    (void)updates;
    return g->planes * (letter == 'x'   ? g->in_h * g->in_w
                        : letter == 'y' ? g->out_h * g->out_w
                                        : g->kernel_h * g->kernel_w * g->out_h * g->out_w);
}

static int64_t of_averaging(const cnn_launch *l, char letter, bool *updates)
{
    const cnn_avg_pool_parameters *g = l->parameters;
    (void)updates;
    return g->planes * (letter == 'x' ? g->in_h * g->in_w : g->out_h * g->out_w);
}

static int64_t of_batch_norm(const cnn_launch *l, char letter, bool *updates)
{
    const cnn_batch_norm_parameters *g = l->parameters;
    *updates |= l->kernel == CNN_KERNEL_BATCH_NORM_MOVE;
    return g->channels * (letter == 'x' ? g->batch * g->inner : 1);
}

static int64_t of_group_norm(const cnn_launch *l, char letter, bool *updates)
{
    const cnn_group_norm_parameters *g = l->parameters;
    (void)updates;
    return g->groups * g->channels * (letter == 'x' ? g->batch * g->inner : 1);
}

static int64_t of_responses(const cnn_launch *l, char letter, bool *updates)
{
    const cnn_local_response_norm_parameters *g = l->parameters;
    (void)letter, (void)updates;
    return g->batch * g->channels * g->inner;
}

static int64_t of_classes(const cnn_launch *l, char letter, bool *updates)
{
    const cnn_cross_entropy_parameters *g = l->parameters;
    const int64_t samples = g->batch * g->inner;
    (void)updates;
    switch (letter) {
    case 'c': return g->classes;
    case 'y': return g->reduction == (int)CNN_REDUCE_NONE ? samples : 1;
    case 't': return g->target_dtype == CNN_BF16 ? samples * g->classes : 0;
    default: return samples * g->classes;
    }
}

static int64_t of_rnn(const cnn_launch *l, char letter, bool *updates)
{
    const cnn_rnn_parameters *g = l->parameters;
    const int64_t parts = g->cell == CNN_RNN_LSTM ? 4 : g->cell == CNN_RNN_GRU ? 3 : 1;
    *updates = true;
    switch (letter) {
    case 'b': return g->hidden * parts;
    case 'g': return g->hidden * g->rows * parts;
    case 'p': return g->hidden * g->rows * (g->cell == CNN_RNN_GRU ? 3 : 1);
    default: return g->hidden * g->rows;
    }
}

static int64_t of_resampling(const cnn_launch *l, char letter, bool *updates)
{
    const cnn_resample_parameters *g = l->parameters;
    int64_t count = g->planes;
    (void)updates;
    for (int i = 0; i < 3; i++) {
        count *= letter == 'x' ? g->axis[i].in : g->axis[i].out;
    }
    return count;
}

static int64_t attention_span(const cnn_attention_parameters *g, int operand, int64_t last)
{
    for (int d = 0; d < g->ndim; d++) {
        last += (g->batch[d] - 1) * g->stride[operand][d];
    }
    return last + 1;
}

static int64_t of_attention(const cnn_launch *l, char letter, bool *updates)
{
    const cnn_attention_parameters *g = l->parameters;
    const int64_t count = product_of(g->batch, g->ndim);
    (void)updates;
    switch (letter) {
    case 'q': return attention_span(g, 0, (g->queries - 1) * g->row[0] + g->width - 1);
    case 'k': return attention_span(g, 1, (g->keys - 1) * g->row[1] + g->width - 1);
    case 'v': return attention_span(g, 2, (g->keys - 1) * g->row[2] + g->value_width - 1);
    case 'm':
        return g->mask_is_bool ? 0
                               : attention_span(g, 3, (g->queries - 1) * g->mask_row + (g->keys - 1) * g->mask_column);
    case 'Q': return count * g->queries * g->width;
    case 'K': return count * g->keys * g->width;
    case 'V': return count * g->keys * g->value_width;
    case 'Y': return count * g->queries * g->value_width;
    default: return count * g->queries * g->keys;
    }
}

static int64_t of_ctc(const cnn_launch *l, char letter, bool *updates)
{
    const cnn_ctc_parameters *g = l->parameters;
    (void)updates;
    return letter == 'x' ? g->steps * g->batch * g->classes : g->reduction == (int)CNN_REDUCE_NONE ? g->batch : 1;
}

#define STORED(NAME, family, ...) [CNN_KERNEL_##NAME] = { family, __VA_ARGS__ },
static const stored_kernel stored[CNN_KERNEL_LIMIT] = {
    STORED(UNARY, of_elements, "1", "0") STORED(SLOPE, of_elements, "12", "0") STORED(
        BINARY, of_elements, "12", "0") STORED(COMPARE, of_elements, "12", "-") STORED(REDUCE, of_reduction, "1", "0")
        STORED(ARGMAX, of_reduction, "1", "-") STORED(SOFTMAX, of_matrix, "x", "x") STORED(
            LOG_SOFTMAX, of_matrix, "x", "x") STORED(DROPOUT, of_count, "x", "x") STORED(RELU, of_count, "x", "x")
            STORED(RELU_BACKWARD, of_count, "xx", "x") STORED(SUM_ROWS, of_matrix, "x", "y")
                STORED(LOOKUP_BACKWARD, of_lookup, "y-", "x") STORED(ELEMENT_LOSS, of_element_loss, "0123", "y") STORED(
                    ELEMENT_LOSS_BACKWARD, of_element_loss, "0123y", "nnn") STORED(DROP_BLOCKS, of_count, "x", "x")
                    STORED(SCATTER_ADD, of_scatter, "x-", "y") STORED(SCAN, of_line, "x", "x")
                        STORED(CUMPROD_BACKWARD, of_line, "xx", "x") STORED(PROD_BACKWARD, of_line, "xy",
                                                                            "x") STORED(SORT, of_line, "x", "k-")
                            STORED(GEMM, of_gemm, "abn", "c") STORED(MATMUL, of_matmul, "ab", "c") STORED(
                                CONV_FORWARD, of_conv,
                                "xwb",
                                "y") STORED(CONV_BACKWARD_DATA, of_conv, "ywxc", "x")
                                STORED(CONV_BACKWARD_WEIGHT, of_conv, "xy", "wb") STORED(
                                    CONV_RELU_POOL_FORWARD,
                                    of_conv, "xwb",
                                    "p-") STORED(CONV_RELU_POOL_BACKWARD_DATA, of_conv, "p-w",
                                                 "x") STORED(CONV_RELU_POOL_BACKWARD_WEIGHT, of_conv, "xp-",
                                                             "wb") STORED(MAXPOOL_FORWARD, of_pooling, "x", "y-")
                                    STORED(MAXPOOL_BACKWARD, of_pooling, "y-",
                                           "x") STORED(ADAPTIVE_MAXPOOL, of_pooling, "x", "y-")
                                        STORED(UNFOLD, of_pooling, "x", "f") STORED(FOLD, of_pooling, "f", "x") STORED(
                                            AVG_POOL_FORWARD, of_averaging,
                                            "x", "y") STORED(AVG_POOL_BACKWARD, of_averaging, "y", "x")
                                            STORED(BATCH_NORM_STATISTICS, of_batch_norm, "x",
                                                   "-") STORED(BATCH_NORM_MOVE, of_batch_norm, "-", "cc")
                                                STORED(BATCH_NORM_SCALE, of_batch_norm, "cc",
                                                       "-") STORED(BATCH_NORM_FORWARD, of_batch_norm, "xcc-", "x")
                                                    STORED(BATCH_NORM_BACKWARD, of_batch_norm, "xc-x", "xcc") STORED(
                                                        BATCH_NORM_FOLD, of_batch_norm, "ccccc",
                                                        "cc") STORED(GROUP_NORM_FORWARD, of_group_norm, "xcc",
                                                                     "x-") STORED(GROUP_NORM_BACKWARD,
                                                                                  of_group_norm, "xc-x", "xcc")
                                                        STORED(LOCAL_RESPONSE_NORM, of_responses, "x", "x") STORED(
                                                            LOCAL_RESPONSE_NORM_BACKWARD, of_responses, "xx",
                                                            "x") STORED(CROSS_ENTROPY, of_classes, "ltc", "y--")
                                                            STORED(CROSS_ENTROPY_BACKWARD, of_classes, "ltc--y",
                                                                   "lt") STORED(RNN_FORWARD, of_rnn, "bph-", "ghhh")
                                                                STORED(RNN_BACKWARD, of_rnn, "hghh-",
                                                                       "ghp") STORED(CONV3D_FORWARD, of_conv3d, "xwb",
                                                                                     "y") STORED(CONV3D_BACKWARD_DATA,
                                                                                                 of_conv3d, "ywc", "x")
                                                                    STORED(CONV3D_BACKWARD_WEIGHT, of_conv3d, "xy", "w")
                                                                        STORED(RESAMPLE, of_resampling, "x", "y")
                                                                            STORED(RESAMPLE_BACKWARD, of_resampling,
                                                                                   "y", "x") STORED(ATTENTION_FORWARD,
                                                                                                    of_attention,
                                                                                                    "qkvm", "Yw")
                                                                                STORED(ATTENTION_BACKWARD, of_attention,
                                                                                       "qkvmYw", "QKVw")
                                                                                    STORED(CTC_FORWARD, of_ctc, "x---",
                                                                                           "y-") STORED(CTC_BACKWARD,
                                                                                                        of_ctc,
                                                                                                        "x----y", "x")
                                                                                        STORED(NORM, of_count, "x", "-")
                                                                                            STORED(CLIP, of_count, "-",
                                                                                                   "u")
};

bool plan_is_stored(cnn_kernel kernel)
{
    return stored[kernel].count != NULL;
}

static void convert(planner *p, cnn_dtype to, void *y, cnn_dtype from, const void *x, int64_t n)
{
    const kernel_nest line = { .ndim = 1, .count = n, .shape = { n }, .stride = { { 1 }, { 1 } } };
    NESTED(p, ELEMENTS, "cast", n, plan_each, .in = { x }, .out = { y }, .size = { to, from }, .nest = line);
}

void plan_stored(planner *p, plan_fn *plan)
{
    const cnn_launch *l = p->l;
    const stored_kernel *k = &stored[l->kernel];
    cnn_launch computed = *l;
    int64_t counts[4] = { 0 };
    bool updates = false;
    computed.dtype = CNN_F32;
    for (int i = 0; k->in[i]; i++) {
        const int64_t n = k->in[i] == '-' ? 0 : k->count(l, k->in[i], &updates);
        void *room = n > 0 ? plan_take(p, n, sizeof(float)) : NULL;
        if (n > 0 && l->in[i]) {
            convert(p, CNN_F32, room, CNN_BF16, l->in[i], n);
            computed.in[i] = room;
        }
    }
    for (int i = 0; k->out[i]; i++) {
        counts[i] = k->out[i] == '-' ? 0 : k->count(l, k->out[i], &updates);
        void *room = counts[i] > 0 ? plan_take(p, counts[i], sizeof(float)) : NULL;
        counts[i] = l->out[i] ? counts[i] : 0;
        computed.out[i] = counts[i] > 0 ? room : l->out[i];
    }
    for (int i = 0; k->out[i] && updates; i++) {
        convert(p, CNN_F32, computed.out[i], CNN_BF16, l->out[i], counts[i]);
    }
    p->l = &computed;
    plan(p);
    p->l = l;
    for (int i = 0; k->out[i]; i++) {
        convert(p, CNN_BF16, l->out[i], CNN_F32, computed.out[i], counts[i]);
    }
}
