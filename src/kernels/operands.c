/* The table of what kernels read and write, as <cnn/backend.h> describes them: for each operand that has the launch's
 * dtype a letter, which the kernel's family turns into a number of elements. Operands of a fixed dtype, such as
 * indices, are '-'. From the first element of a strided operand to its last one, everything counts. */
#include "kernels/operands.h"

typedef int64_t measure_fn(const cnn_launch *l, char letter, bool *updates);

/* ---- nests: operand 0, 1, 2, 3 ---- */

static int64_t count_of(const cnn_nest *nest)
{
    int64_t count = 1;
    for (int d = 0; d < nest->ndim; d++) {
        count *= nest->shape[d];
    }
    return count;
}

/* Strides are never negative. */
static int64_t reach(const cnn_nest *nest, int k)
{
    int64_t last = 0;
    for (int d = 0; d < nest->ndim; d++) {
        last += (nest->shape[d] - 1) * nest->stride[k][d];
    }
    return last;
}

static int64_t elementwise(const cnn_launch *l, char letter, bool *updates)
{
    const cnn_nest *nest = &((const cnn_elementwise_parameters *)l->parameters)->nest;
    int64_t count = count_of(nest), span = count ? reach(nest, letter - '0') + 1 : 0;
    *updates |= letter == '0' && span != count;
    return span;
}

static int64_t reduced(const cnn_launch *l, char letter, bool *updates)
{
    const cnn_reduce_parameters *p = l->parameters;
    int64_t results = count_of(&p->outer);
    if (letter == '0') {
        int64_t span = results ? reach(&p->outer, 0) + 1 : 0;
        *updates |= span != results;
        return span;
    }
    return results && count_of(&p->inner) ? reach(&p->outer, 1) + reach(&p->inner, 1) + 1 : 0;
}

/* ---- other families ---- */

static int64_t counted(const cnn_launch *l, char letter, bool *updates)
{
    (void)letter, (void)updates;
    return l->count;
}

/* x and y: all elements, and those that are picked. */
static int64_t along(const cnn_launch *l, char letter, bool *updates)
{
    const cnn_along *p = l->parameters;
    *updates |= l->kernel == CNN_KERNEL_PLACE;
    return p->before * p->after * (letter == 'x' ? p->n : 1);
}

static int64_t matrix(const cnn_launch *l, char letter, bool *updates)
{
    const cnn_matrix *p = l->parameters;
    (void)updates;
    return p->columns * (letter == 'x' ? p->rows : 1);
}

/* A matrix as it is stored, with gaps between its rows. */
static int64_t stored_matrix(bool transposed, int64_t rows, int64_t columns, int64_t ld)
{
    int64_t down = transposed ? columns : rows, across = transposed ? rows : columns;
    return down && across ? (down - 1) * ld + across : 0;
}

static int64_t product(const cnn_gemm *g, char letter)
{
    switch (letter) {
    case 'a': return stored_matrix(g->trans_a, g->m, g->k, g->lda);
    case 'b': return stored_matrix(g->trans_b, g->k, g->n, g->ldb);
    case 'c': return stored_matrix(false, g->m, g->n, g->ldc);
    default: return g->n;
    }
}

static int64_t gemm(const cnn_launch *l, char letter, bool *updates)
{
    const cnn_gemm *g = l->parameters;
    *updates |= g->accumulate || g->ldc != g->n;
    return product(g, letter);
}

static int64_t matmul(const cnn_launch *l, char letter, bool *updates)
{
    const cnn_matmul_parameters *p = l->parameters;
    const int64_t *stride = letter == 'a' ? p->a_stride : p->b_stride;
    int64_t last = 0, products = 1;
    (void)updates;
    for (int d = 0; d < p->ndim; d++) {
        products *= p->batch[d];
        last += (p->batch[d] - 1) * stride[d];
    }
    return !products ? 0 : letter == 'c' ? products * p->product.m * p->product.n : last + product(&p->product, letter);
}

/* x, weight, bias, y, and the pooled y. */
static int64_t convolution(const cnn_launch *l, char letter, bool *updates)
{
    const cnn_conv *g = l->parameters;
    *updates |= g->add;
    switch (letter) {
    case 'x': return g->batch * g->in_channels * g->in_h * g->in_w;
    case 'w': return g->out_channels * (g->in_channels / g->groups) * g->kernel_h * g->kernel_w;
    case 'b': return g->out_channels;
    case 'y': return g->batch * g->out_channels * g->out_h * g->out_w;
    default: return g->batch * g->out_channels * (g->out_h / 2) * (g->out_w / 2);
    }
}

static int64_t pooling(const cnn_launch *l, char letter, bool *updates)
{
    const cnn_maxpool *g = l->parameters;
    (void)updates;
    return g->planes * (letter == 'x' ? g->in_h * g->in_w : g->out_h * g->out_w);
}

static int64_t averaging(const cnn_launch *l, char letter, bool *updates)
{
    const cnn_avg_pool_parameters *g = l->parameters;
    (void)updates;
    return g->planes * (letter == 'x' ? g->in_h * g->in_w : g->out_h * g->out_w);
}

/* x, and what there is one of for each channel. */
static int64_t normalisation(const cnn_launch *l, char letter, bool *updates)
{
    const cnn_batch_norm_parameters *p = l->parameters;
    *updates |= l->kernel == CNN_KERNEL_BATCH_NORM_MOVE;
    return letter == 'x' ? p->batch * p->channels * p->inner : p->channels;
}

/* The table x and the rows y. */
static int64_t lookup(const cnn_launch *l, char letter, bool *updates)
{
    const cnn_lookup_parameters *p = l->parameters;
    (void)updates;
    return p->width * (letter == 'x' ? p->n : p->count);
}

/* Logits, the target if it is of probabilities, the classes' weights, the loss. */
static int64_t loss(const cnn_launch *l, char letter, bool *updates)
{
    const cnn_cross_entropy_parameters *p = l->parameters;
    int64_t samples = p->batch * p->inner;
    (void)updates;
    switch (letter) {
    case 'c': return p->classes;
    case 'y': return p->reduction == (int)CNN_REDUCE_NONE ? samples : 1;
    case 't': return p->target_dtype == l->dtype ? samples * p->classes : 0;
    default: return samples * p->classes;
    }
}

/* The bias, the gates, h and the like. */
static int64_t recurrence(const cnn_launch *l, char letter, bool *updates)
{
    const cnn_lstm_parameters *p = l->parameters;
    *updates |= l->kernel == CNN_KERNEL_LSTM_FORWARD;
    return p->hidden * (letter == 'b' ? 4 : letter == 'g' ? 4 * p->rows : p->rows);
}

static const struct {
    measure_fn *measure;
    char in[CNN__IN + 1], out[CNN__OUT + 1];
} kernels[CNN_KERNEL_COUNT] = {
    [CNN_KERNEL_UNARY] = { elementwise, "1", "0" },
    [CNN_KERNEL_BINARY] = { elementwise, "12", "0" },
    [CNN_KERNEL_COMPARE] = { elementwise, "12", "" },
    [CNN_KERNEL_WHERE] = { elementwise, "-23", "0" },
    [CNN_KERNEL_REDUCE] = { reduced, "1", "0" },
    [CNN_KERNEL_ARGMAX] = { reduced, "1", "" },
    [CNN_KERNEL_PICK] = { along, "x", "y" },
    [CNN_KERNEL_PLACE] = { along, "y", "x" },
    [CNN_KERNEL_SOFTMAX] = { matrix, "x", "x" },
    [CNN_KERNEL_LOG_SOFTMAX] = { matrix, "x", "x" },
    [CNN_KERNEL_DROPOUT] = { counted, "x", "x" },
    [CNN_KERNEL_RELU] = { counted, "x", "x" },
    [CNN_KERNEL_RELU_BACKWARD] = { counted, "xx", "x" },
    [CNN_KERNEL_SUM_ROWS] = { matrix, "x", "y" },
    [CNN_KERNEL_GEMM] = { gemm, "abn", "c" },
    [CNN_KERNEL_MATMUL] = { matmul, "ab", "c" },
    [CNN_KERNEL_CONV_FORWARD] = { convolution, "xwb", "y" },
    [CNN_KERNEL_CONV_BACKWARD_DATA] = { convolution, "ywx", "x" },
    [CNN_KERNEL_CONV_BACKWARD_WEIGHT] = { convolution, "xy", "wb" },
    [CNN_KERNEL_CONV_RELU_POOL_FORWARD] = { convolution, "xwb", "p" },
    [CNN_KERNEL_CONV_RELU_POOL_BACKWARD_DATA] = { convolution, "p-w", "x" },
    [CNN_KERNEL_CONV_RELU_POOL_BACKWARD_WEIGHT] = { convolution, "xp", "wb" },
    [CNN_KERNEL_MAXPOOL_FORWARD] = { pooling, "x", "y" },
    [CNN_KERNEL_MAXPOOL_BACKWARD] = { pooling, "y", "x" },
    [CNN_KERNEL_BATCH_NORM_STATISTICS] = { normalisation, "x", "" },
    [CNN_KERNEL_BATCH_NORM_MOVE] = { normalisation, "", "cc" },
    [CNN_KERNEL_BATCH_NORM_SCALE] = { normalisation, "cc", "" },
    [CNN_KERNEL_BATCH_NORM_FORWARD] = { normalisation, "xcc", "x" },
    [CNN_KERNEL_BATCH_NORM_BACKWARD] = { normalisation, "xc-x", "xcc" },
    [CNN_KERNEL_BATCH_NORM_FOLD] = { normalisation, "ccccc", "cc" },
    [CNN_KERNEL_LOOKUP] = { lookup, "x", "y" },
    [CNN_KERNEL_LOOKUP_BACKWARD] = { lookup, "y", "x" },
    [CNN_KERNEL_CROSS_ENTROPY] = { loss, "ltc", "y" },
    [CNN_KERNEL_CROSS_ENTROPY_BACKWARD] = { loss, "ltc--y", "lt" },
    [CNN_KERNEL_LSTM_FORWARD] = { recurrence, "bh", "ghh" },
    [CNN_KERNEL_LSTM_BACKWARD] = { recurrence, "hhhghh", "gh" },
    [CNN_KERNEL_AVG_POOL_FORWARD] = { averaging, "x", "y" },
    [CNN_KERNEL_AVG_POOL_BACKWARD] = { averaging, "y", "x" },
};

bool cnn__operands_of(const cnn_launch *launch, cnn__operands *operands)
{
    *operands = (cnn__operands){ .updates = false };
    measure_fn *measure = kernels[launch->kernel].measure;
    const char *in = kernels[launch->kernel].in, *out = kernels[launch->kernel].out;
    for (int i = 0; measure && in[i]; i++) {
        operands->in[i] = in[i] == '-' ? 0 : measure(launch, in[i], &operands->updates);
    }
    for (int i = 0; measure && out[i]; i++) {
        operands->out[i] = measure(launch, out[i], &operands->updates);
    }
    return measure != NULL;
}
