/* Dimensions of size 1 repeated without a copy, by a stride of 0. The gradient is the sum over the repetitions. */
#include "ops/operation.h"

static void expand_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn__grad_add(node, 0, dy);
}

static const cnn__op expand_op = { .name = "expand", .backward = expand_backward };

/* The sizes asked for, with −1 filled in; false where x cannot be repeated to them. */
static bool complete(const cnn_tensor *x, int ndim, const int64_t *given, int64_t *shape)
{
    for (int i = 0; i < ndim; i++) {
        int own = i - (ndim - x->ndim);
        int64_t size = own < 0 ? -1 : x->shape[own];
        shape[i] = given[i] == -1 ? size : given[i];
        if (shape[i] < 0 || (own >= 0 && size != 1 && shape[i] != size)) {
            return false;
        }
    }
    return true;
}

cnn_tensor *cnn_expand(cnn_tensor *x, int ndim, const int64_t *shape)
{
    cnn__call call;
    if (!cnn__call_begin(&call, &expand_op, 1, (cnn_tensor *const[]){ x })) {
        return call.nil;
    }
    x = call.in[0];
    char from[CNN__SHAPE_TEXT], to[CNN__SHAPE_TEXT];
    int64_t full[CNN_MAX_DIMS], numel;
    if (ndim < x->ndim || ndim > CNN_MAX_DIMS || (ndim && !shape)) {
        return cnn__call_fail(&call, CNN_ERROR_SHAPE, "%d dimensions%s, expected %d to %d", ndim,
                              ndim > 0 && !shape ? " at NULL" : "", x->ndim, CNN_MAX_DIMS);
    }
    if (!complete(x, ndim, shape, full)) {
        return cnn__call_fail(&call, CNN_ERROR_SHAPE, "shape %s cannot be repeated to %s",
                              cnn__shape_text(from, x->ndim, x->shape), cnn__shape_text(to, ndim, shape));
    }
    if (cnn__shape_check(call.ctx, "expand", x->dtype, ndim, full, &numel) != CNN_OK) {
        return cnn__call_fail_newest(&call);
    }
    cnn_tensor *y = cnn__result_view(&call, 0);
    if (!y) {
        return call.nil;
    }
    cnn__broadcast_strides(x, ndim, full, y->stride);
    y->ndim = ndim;
    y->numel = numel;
    for (int i = 0; i < ndim; i++) {
        y->shape[i] = full[i];
    }
    return cnn__record(&call, y, NULL, 0, 0, NULL);
}
