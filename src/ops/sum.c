/* sum and mean over any dimensions. Each gradient is the result's, repeated over the reduced dimensions. */
#include "ops/operation.h"

static cnn_tensor *spread(const cnn__node *node, cnn_tensor *dy)
{
    const cnn__axes *axes = node->attributes;
    const cnn_tensor *x = node->in[0];
    return cnn_expand(cnn_reshape(dy, x->ndim, axes->keep), x->ndim, x->shape);
}

static void sum_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn__grad_add(node, 0, spread(node, dy));
}

static void mean_backward(cnn__node *node, cnn_tensor *dy)
{
    const cnn__axes *axes = node->attributes;
    cnn_tensor *elements = cnn__constant(node, dy->dtype, (double)axes->elements);
    cnn__grad_add(node, 0, spread(node, cnn_div(dy, elements)));
}

static const cnn__op sum_op = { .name = "sum", .backward = sum_backward };
static const cnn__op mean_op = { .name = "mean", .backward = mean_backward };

static cnn_tensor *sum_over(cnn__call *call, const cnn__axes *axes)
{
    cnn_tensor *x = call->in[0];
    cnn_tensor *y = cnn__result(call, cnn__dtype_is_real(x->dtype) ? x->dtype : CNN_I64, axes->ndim, axes->shape);
    if (y && y->numel) {
        cnn__nest outer, inner;
        cnn__axes_nests(axes, x, &outer, &inner);
        call->ctx->kernels->array->reduce(CNN__SUM, &outer, &inner, x->dtype, cnn__data(y), cnn__data(x),
                                          call->ctx->pool);
    }
    return y;
}

cnn_tensor *cnn_sum(cnn_tensor *x, int count, const int *dims, bool keepdim)
{
    cnn__call call;
    cnn__axes axes;
    if (!cnn__call_begin(&call, &sum_op, 1, (cnn_tensor *const[]){ x }) ||
        !cnn__call_axes(&call, count, dims, keepdim, &axes)) {
        return call.nil;
    }
    cnn_tensor *y = sum_over(&call, &axes);
    return y ? cnn__record(&call, y, &axes, sizeof axes, 0, NULL) : call.nil;
}

cnn_tensor *cnn_mean(cnn_tensor *x, int count, const int *dims, bool keepdim)
{
    cnn__call call;
    cnn__axes axes;
    if (!cnn__call_begin(&call, &mean_op, 1, (cnn_tensor *const[]){ x }) || !cnn__call_real(&call, 0) ||
        !cnn__call_axes(&call, count, dims, keepdim, &axes)) {
        return call.nil;
    }
    cnn_tensor *y = sum_over(&call, &axes);
    if (!y) {
        return call.nil;
    }
    cnn__nest nest = { .ndim = 1, .shape = { y->numel }, .stride = { { 1 }, { 1 } } };
    const double elements[2] = { (double)axes.elements };
    call.ctx->kernels->array->unary(CNN__DIV_SCALAR, &nest, y->dtype, elements, cnn__data(y), cnn__data(y),
                                    call.ctx->pool);
    return cnn__record(&call, y, &axes, sizeof axes, 0, NULL);
}
