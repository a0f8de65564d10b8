/* What the operands of kernels measure, by families of kernels. From the first element of a strided operand to its last
 * one, everything counts. */
#include "kernels/operands.h"

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

int64_t cnn__measure_elementwise(const cnn_launch *l, char letter, bool *updates)
{
    const cnn_nest *nest = &((const cnn_elementwise_parameters *)l->parameters)->nest;
    int64_t count = count_of(nest);
    if (letter == '*') {
        return count;
    }
    int64_t span = count ? reach(nest, letter - '0') + 1 : 0;
    *updates |= letter == '0' && span != count;
    return span;
}

int64_t cnn__measure_reduced(const cnn_launch *l, char letter, bool *updates)
{
    const cnn_reduce_parameters *p = l->parameters;
    int64_t results = count_of(&p->outer);
    if (letter == '*') {
        return results * count_of(&p->inner);
    }
    if (letter == '0') {
        int64_t span = results ? reach(&p->outer, 0) + 1 : 0;
        *updates |= span != results;
        return span;
    }
    return results && count_of(&p->inner) ? reach(&p->outer, 1) + reach(&p->inner, 1) + 1 : 0;
}

/* ---- other families ---- */

int64_t cnn__measure_counted(const cnn_launch *l, char letter, bool *updates)
{
    (void)letter, (void)updates;
    return l->count;
}

/* x and y: all elements, and those that are picked. */
int64_t cnn__measure_along(const cnn_launch *l, char letter, bool *updates)
{
    const cnn_along *p = l->parameters;
    *updates |= l->kernel == CNN_KERNEL_PLACE;
    return p->before * p->after * (letter == 'x' ? p->n : 1);
}

int64_t cnn__measure_matrix(const cnn_launch *l, char letter, bool *updates)
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

int64_t cnn__measure_gemm(const cnn_launch *l, char letter, bool *updates)
{
    const cnn_gemm *g = l->parameters;
    *updates |= g->accumulate || g->ldc != g->n;
    return product(g, letter);
}

int64_t cnn__measure_matmul(const cnn_launch *l, char letter, bool *updates)
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

/* x, weight, bias, the bias of a transposed convolution, y, and the pooled y; the FLOPs of ReLU and of the pooling
 * behind a convolution (*), and of their gradients (+). */
int64_t cnn__measure_convolution(const cnn_launch *l, char letter, bool *updates)
{
    const cnn_conv *g = l->parameters;
    int64_t pooled = g->batch * g->out_channels * (g->out_h / 2) * (g->out_w / 2);
    *updates |= g->add;
    switch (letter) {
    case 'x': return g->batch * g->in_channels * g->in_h * g->in_w;
    case 'w': return g->out_channels * (g->in_channels / g->groups) * g->kernel_h * g->kernel_w;
    case 'b': return g->out_channels;
    case 'c': return g->in_channels;
    case 'p': return pooled;
    default: /* y */
        return g->batch * g->out_channels * g->out_h * g->out_w + pooled * (letter == '*' ? 4 : letter == '+');
    }
}

int64_t cnn__measure_conv3d(const cnn_launch *l, char letter, bool *updates)
{
    const cnn_conv3d_parameters *p = l->parameters;
    const cnn_launch slice = { .parameters = &p->slice };
    int64_t depth = letter == 'x' ? p->in_d : letter == 'y' ? p->out_d : letter == 'w' ? p->kernel_d : 1;
    return depth * cnn__measure_convolution(&slice, letter, updates);
}

int64_t cnn__measure_pooling(const cnn_launch *l, char letter, bool *updates)
{
    const cnn_maxpool *g = l->parameters;
    int64_t window = letter == '*' ? g->kernel_h * g->kernel_w : 1;
    (void)updates;
    return g->planes * window * (letter == 'x' ? g->in_h * g->in_w : g->out_h * g->out_w);
}

/* The table x and the rows y. */
int64_t cnn__measure_lookup(const cnn_launch *l, char letter, bool *updates)
{
    const cnn_lookup_parameters *p = l->parameters;
    (void)updates;
    return p->width * (letter == 'x' ? p->n : p->count);
}

/* Logits, the target if it is of probabilities, the classes' weights, the loss. */
int64_t cnn__measure_loss(const cnn_launch *l, char letter, bool *updates)
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
