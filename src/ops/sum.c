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

static bool sum_infer(cnn__call *call, void *attributes)
{
    cnn__reduction *r = attributes;
    cnn_dtype dtype = call->in[0]->dtype;
    if (!cnn__call_axes(call, r)) {
        return false;
    }
    cnn__out(call, 0, cnn__dtype_is_real(dtype) ? dtype : CNN_I64, r->axes.ndim, r->axes.shape);
    return true;
}

static bool mean_infer(cnn__call *call, void *attributes)
{
    return cnn__call_real(call, 0) && sum_infer(call, attributes);
}

static bool sum_forward(cnn__call *call, void *attributes)
{
    const cnn__reduction *r = attributes;
    const cnn_tensor *x = call->x[0], *y = call->out[0];
    cnn_reduce_parameters p;
    p.function = CNN_REDUCE_OF_SUM;
    cnn__axes_nests(&r->axes, x, &p.outer, &p.inner);
    return !y->numel || cnn__run_on(call->tape, call->op->name, CNN_KERNEL_REDUCE, &p, sizeof p, 2,
                                    (const cnn_tensor *const[]){ y, x });
}

static bool mean_forward(cnn__call *call, void *attributes)
{
    const cnn__reduction *r = attributes;
    const cnn_tensor *y = call->out[0];
    cnn_elementwise_parameters p = { .function = CNN_UNARY_DIV,
                                     .nest = { .ndim = 1, .shape = { y->numel }, .stride = { { 1 }, { 1 } } },
                                     .value = { (double)r->axes.elements } };
    cnn_launch l = CNN__LAUNCH(UNARY, y->dtype, CNN__PARAMETERS(p), .in = { cnn__data(y) }, .out = { cnn__data(y) });
    return sum_forward(call, attributes) && (!y->numel || cnn__run(call->tape, call->op->name, &l));
}

static const cnn__op sum_op = { .name = "sum",
                                .size = sizeof(cnn__reduction),
                                .attributes = cnn__reduction_attributes,
                                .infer = sum_infer,
                                .forward = sum_forward,
                                .backward = sum_backward };
static const cnn__op mean_op = { .name = "mean",
                                 .size = sizeof(cnn__reduction),
                                 .attributes = cnn__reduction_attributes,
                                 .infer = mean_infer,
                                 .forward = mean_forward,
                                 .backward = mean_backward };

static cnn_tensor *sum_reduce(const cnn__op *op, cnn_tensor *x, int count, const int *dims, bool keepdim)
{
    cnn__reduction r; /* infer writes the rest */
    r.count = count;
    r.given = dims;
    r.keepdim = keepdim;
    return cnn__apply(op, &x, 1, &r);
}

cnn_tensor *cnn_sum(cnn_tensor *x, int count, const int *dims, bool keepdim)
{
    return sum_reduce(&sum_op, x, count, dims, keepdim);
}

cnn_tensor *cnn_mean(cnn_tensor *x, int count, const int *dims, bool keepdim)
{
    return sum_reduce(&mean_op, x, count, dims, keepdim);
}
