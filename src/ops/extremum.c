/* max, min and argmax over any dimensions. A NaN wins. Equal extrema share the gradient evenly, as torch.amax does
 * it. */
#include "ops/operation.h"

enum { SAVED_X, SAVED_Y };

/* dy / (how many equal the extremum) there, 0 elsewhere. */
static void extremum_backward(cnn__node *node, cnn_tensor *dy)
{
    const cnn__axes *axes = node->attributes;
    cnn_tensor *x = node->saved[SAVED_X];
    int dims[CNN_MAX_DIMS], count = 0;
    for (int d = 0; d < x->ndim; d++) {
        if (axes->reduced[d]) {
            dims[count++] = d;
        }
    }
    cnn_tensor *here = cnn_cast(cnn_eq(x, cnn_reshape(node->saved[SAVED_Y], x->ndim, axes->keep)), x->dtype);
    cnn_tensor *shares = cnn_div(cnn_reshape(dy, x->ndim, axes->keep), cnn_sum(here, count, dims, true));
    cnn__grad_add(node, 0, cnn_mul(here, shares));
}

static const cnn__op max_op = { .name = "max", .backward = extremum_backward };
static const cnn__op min_op = { .name = "min", .backward = extremum_backward };
static const cnn__op argmax_op = { .name = "argmax" };

/* Results without an element to come from. */
static bool check_elements(cnn__call *call, const cnn__axes *axes)
{
    const cnn_tensor *x = call->in[0];
    char text[CNN__SHAPE_TEXT];
    if (axes->elements == 0) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "shape %s has no elements along the dimensions to reduce",
                       cnn__shape_text(text, x->ndim, x->shape));
    }
    return axes->elements != 0;
}

static cnn_tensor *extremum(const cnn__op *op, cnn__reduce kernel, cnn_tensor *x, int count, const int *dims,
                            bool keepdim)
{
    cnn__call call;
    cnn__axes axes;
    if (!cnn__call_begin(&call, op, 1, (cnn_tensor *const[]){ x }) ||
        !cnn__call_axes(&call, count, dims, keepdim, &axes) || !check_elements(&call, &axes)) {
        return call.nil;
    }
    x = call.in[0];
    cnn_tensor *y = cnn__result(&call, x->dtype, axes.ndim, axes.shape);
    if (!y) {
        return call.nil;
    }
    if (y->numel) {
        cnn__nest outer, inner;
        cnn__axes_nests(&axes, x, &outer, &inner);
        call.ctx->kernels->array->reduce(kernel, &outer, &inner, x->dtype, cnn__data(y), cnn__data(x), call.ctx->pool);
    }
    return cnn__record(&call, y, &axes, sizeof axes, 2, (cnn_tensor *const[]){ [SAVED_X] = x, [SAVED_Y] = y });
}

cnn_tensor *cnn_max(cnn_tensor *x, int count, const int *dims, bool keepdim)
{
    return extremum(&max_op, CNN__MAX, x, count, dims, keepdim);
}

cnn_tensor *cnn_min(cnn_tensor *x, int count, const int *dims, bool keepdim)
{
    return extremum(&min_op, CNN__MIN, x, count, dims, keepdim);
}

cnn_tensor *cnn_argmax(cnn_tensor *x, int count, const int *dims, bool keepdim)
{
    cnn__call call;
    cnn__axes axes;
    if (!cnn__call_begin(&call, &argmax_op, 1, (cnn_tensor *const[]){ x }) ||
        !cnn__call_axes(&call, count, dims, keepdim, &axes) || !check_elements(&call, &axes)) {
        return call.nil;
    }
    x = call.in[0];
    cnn_tensor *y = cnn__result(&call, CNN_I64, axes.ndim, axes.shape);
    if (!y) {
        return call.nil;
    }
    if (y->numel) {
        cnn__nest outer, inner;
        cnn__axes_nests(&axes, x, &outer, &inner);
        call.ctx->kernels->array->argmax(&outer, &inner, x->dtype, cnn__data(y), cnn__data(x), call.ctx->pool);
    }
    return y;
}
