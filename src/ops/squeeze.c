/* squeeze and unsqueeze: a dimension of size 1 taken out or put in, as a view. */
#include "ops/operation.h"

static void squeeze_backward(cnn__node *node, cnn_tensor *dy)
{
    const cnn_tensor *x = node->in[0];
    cnn__grad_add(node, 0, cnn_reshape(dy, x->ndim, x->shape));
}

static const cnn__op squeeze_op = { .name = "squeeze", .backward = squeeze_backward };
static const cnn__op unsqueeze_op = { .name = "unsqueeze", .backward = squeeze_backward };

cnn_tensor *cnn_squeeze(cnn_tensor *x, int dim)
{
    cnn__call call;
    if (!cnn__call_begin(&call, &squeeze_op, 1, (cnn_tensor *const[]){ x })) {
        return call.nil;
    }
    int d = cnn__call_dim(&call, dim, call.in[0]->ndim);
    cnn_tensor *y = d < 0 ? NULL : cnn__result_view(&call, 0);
    if (!y) {
        return call.nil;
    }
    if (y->shape[d] == 1) {
        y->ndim--;
        for (int i = d; i < y->ndim; i++) {
            y->shape[i] = y->shape[i + 1];
            y->stride[i] = y->stride[i + 1];
        }
    }
    return cnn__record(&call, y, NULL, 0, 0, NULL);
}

cnn_tensor *cnn_unsqueeze(cnn_tensor *x, int dim)
{
    cnn__call call;
    if (!cnn__call_begin(&call, &unsqueeze_op, 1, (cnn_tensor *const[]){ x })) {
        return call.nil;
    }
    int ndim = call.in[0]->ndim;
    if (ndim == CNN_MAX_DIMS) {
        return cnn__call_fail(&call, CNN_ERROR_SHAPE, "the tensor has %d dimensions, the most there are", ndim);
    }
    int d = cnn__call_dim(&call, dim, ndim + 1);
    cnn_tensor *y = d < 0 ? NULL : cnn__result_view(&call, 0);
    if (!y) {
        return call.nil;
    }
    for (int i = ndim; i > d; i--) {
        y->shape[i] = y->shape[i - 1];
        y->stride[i] = y->stride[i - 1];
    }
    y->stride[d] = d < ndim ? y->shape[d] * y->stride[d] : 1;
    y->shape[d] = 1;
    y->ndim++;
    return cnn__record(&call, y, NULL, 0, 0, NULL);
}
