/* max, min and argmax over any dimensions. A NaN wins. Equal extrema share the gradient evenly, as torch.amax does
 * it. */
#include "ops/operation.h"

/* dy / (how many equal the extremum) there, 0 elsewhere. */
static void extremum_backward(cnn__node *node, cnn_tensor *dy)
{
    const cnn__reduction *r = node->attributes;
    const int64_t *keep = r->axes.keep;
    cnn_tensor *x = node->saved[0], *y = cnn__saved_output(node, 0);
    cnn_tensor *here = cnn_cast(cnn_eq(x, cnn_reshape(y, x->ndim, keep)), x->dtype);
    cnn_tensor *shares = cnn_div(cnn_reshape(dy, x->ndim, keep), cnn_sum(here, r->count, r->dims, true));
    cnn__grad_add(node, 0, cnn_mul(here, shares));
}

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

static bool infer_as(cnn__call *call, cnn__reduction *r, cnn_dtype dtype)
{
    if (!cnn__call_axes(call, r) || !check_elements(call, &r->axes)) {
        return false;
    }
    cnn__out(call, 0, dtype, r->axes.ndim, r->axes.shape);
    return true;
}

static bool infer(cnn__call *call, void *attributes)
{
    return infer_as(call, attributes, call->in[0]->dtype);
}

static bool argmax_infer(cnn__call *call, void *attributes)
{
    return infer_as(call, attributes, CNN_I64);
}

static bool reduce(cnn__call *call, const cnn__reduction *r, cnn__reduce kernel)
{
    const cnn_tensor *x = call->x[0], *y = call->out[0];
    if (y->numel) {
        cnn__nest outer, inner;
        cnn__axes_nests(&r->axes, x, &outer, &inner);
        call->ctx->kernels->array->reduce(kernel, &outer, &inner, x->dtype, cnn__data(y), cnn__data(x),
                                          call->ctx->pool);
    }
    return true;
}

static bool max_forward(cnn__call *call, void *attributes)
{
    return reduce(call, attributes, CNN__MAX);
}

static bool min_forward(cnn__call *call, void *attributes)
{
    return reduce(call, attributes, CNN__MIN);
}

static bool argmax_forward(cnn__call *call, void *attributes)
{
    const cnn__reduction *r = attributes;
    const cnn_tensor *x = call->x[0], *y = call->out[0];
    if (y->numel) {
        cnn__nest outer, inner;
        cnn__axes_nests(&r->axes, x, &outer, &inner);
        call->ctx->kernels->array->argmax(&outer, &inner, x->dtype, cnn__data(y), cnn__data(x), call->ctx->pool);
    }
    return true;
}

static const cnn__op max_op = { .name = "max",
                                .saves = 1 | CNN__OUTPUT(0),
                                .size = sizeof(cnn__reduction),
                                .attributes = cnn__reduction_attributes,
                                .infer = infer,
                                .forward = max_forward,
                                .backward = extremum_backward };
static const cnn__op min_op = { .name = "min",
                                .saves = 1 | CNN__OUTPUT(0),
                                .size = sizeof(cnn__reduction),
                                .attributes = cnn__reduction_attributes,
                                .infer = infer,
                                .forward = min_forward,
                                .backward = extremum_backward };
static const cnn__op argmax_op = { .name = "argmax",
                                   .size = sizeof(cnn__reduction),
                                   .attributes = cnn__reduction_attributes,
                                   .infer = argmax_infer,
                                   .forward = argmax_forward };

static cnn_tensor *apply(const cnn__op *op, cnn_tensor *x, int count, const int *dims, bool keepdim)
{
    cnn__reduction r = { .count = count, .given = dims, .keepdim = keepdim };
    return cnn__apply(op, &x, 1, &r);
}

cnn_tensor *cnn_max(cnn_tensor *x, int count, const int *dims, bool keepdim)
{
    return apply(&max_op, x, count, dims, keepdim);
}

cnn_tensor *cnn_min(cnn_tensor *x, int count, const int *dims, bool keepdim)
{
    return apply(&min_op, x, count, dims, keepdim);
}

cnn_tensor *cnn_argmax(cnn_tensor *x, int count, const int *dims, bool keepdim)
{
    return apply(&argmax_op, x, count, dims, keepdim);
}
