/* prelu: x where x > 0, else weight · x, with one weight for all or one for each channel, which is dimension 1. */
#include "ops/operation.h"

enum { X, WEIGHT };

/* The weight with as many dimensions of size 1 behind it as x has behind the channels, without a handle of its own. */
static cnn_tensor weight_along(const cnn_tensor *weight, const cnn_tensor *x)
{
    cnn_tensor view = *weight;
    view.ndim = x->ndim > 1 ? x->ndim - 1 : 1;
    for (int d = 1; d < view.ndim; d++) {
        view.shape[d] = 1;
        view.stride[d] = 0;
    }
    return view;
}

static bool prelu_infer(cnn__call *call, void *attributes)
{
    const cnn_tensor *x = call->in[X], *weight = call->in[WEIGHT];
    (void)attributes;
    if (!cnn__call_real(call, X) || !cnn__call_same_dtype(call, 2)) {
        return false;
    }
    int64_t channels = x->ndim > 1 ? x->shape[1] : 1;
    if (weight->ndim != 1 || (weight->shape[0] != 1 && weight->shape[0] != channels)) {
        char text[CNN__SHAPE_TEXT];
        cnn__call_fail(call, CNN_ERROR_SHAPE, "the weight has shape %s, expected [1] or [%lld], the channels of x",
                       cnn__shape_text(text, weight->ndim, weight->shape), (long long)channels);
        return false;
    }
    cnn__out_shaped(call, 0, X, x->dtype);
    return true;
}

static bool prelu_forward(cnn__call *call, void *attributes)
{
    const cnn_tensor *x = call->x[X], weight = weight_along(call->x[WEIGHT], x);
    (void)attributes;
    return cnn__run_elementwise(call->tape, call->op->name, CNN_KERNEL_BINARY, CNN_BINARY_PRELU, NULL, 3,
                                (const cnn_tensor *const[]){ call->out[0], x, &weight });
}

/* Sums t over all dimensions but that of the channels, or over all for a weight of one element. */
static cnn_tensor *sum_to_weight(cnn_tensor *t, const cnn_tensor *weight)
{
    int dims[CNN_MAX_DIMS], count = 0;
    const int64_t one = 1;
    if (weight->shape[0] == 1) {
        return cnn_reshape(cnn_sum(t, CNN_ALL_DIMS, false), 1, &one);
    }
    for (int d = 0; d < t->ndim; d++) {
        if (d != 1) {
            dims[count++] = d;
        }
    }
    return cnn_sum(t, count, dims, false);
}

/* dy where x > 0, else weight · dy; the sum of x · dy where x is not > 0. */
static void prelu_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn_tensor *x = node->saved[X], *weight = node->saved[WEIGHT];
    cnn_tensor *zero = cnn__constant(node, dy->dtype, 0), *positive = cnn_gt(x, zero);
    if (cnn__wants(node, X)) {
        const cnn_tensor view = weight_along(weight, x);
        cnn_tensor *shaped = cnn_reshape(weight, view.ndim, view.shape);
        cnn__grad_add(node, X, cnn_where(positive, dy, cnn_mul(dy, shaped)));
    }
    if (cnn__wants(node, WEIGHT)) {
        cnn__grad_add(node, WEIGHT, sum_to_weight(cnn_where(positive, zero, cnn_mul(x, dy)), weight));
    }
}

static const cnn__op prelu_op = { .name = "prelu",
                                  .saves = 1u << X | 1u << WEIGHT,
                                  .infer = prelu_infer,
                                  .forward = prelu_forward,
                                  .backward = prelu_backward };

cnn_tensor *cnn_prelu(cnn_tensor *x, cnn_tensor *weight)
{
    return cnn__apply(&prelu_op, (cnn_tensor *const[]){ x, weight }, 2, NULL);
}
