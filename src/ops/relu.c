/* relu(x) = max(x, 0). The gradient is stopped where the result is 0, so the result is what is saved. */
#include "autograd/tape.h"

#include <cnn/ops.h>

static void relu_backward(cnn__node *node, cnn_tensor *dy)
{
    const cnn_tensor *y = node->saved[0];
    bool in_place = !node->in[0]->leaf && cnn__grad_own(dy);
    cnn_tensor *dx = in_place || dy->masked ? dy : cnn__grad_empty(node, 0);
    if (dx && !dy->masked) {
        cnn__real(y)->relu_backward(y->numel, cnn__data(y), cnn__data(dy), cnn__data(dx), y->ctx->pool);
    }
    cnn__grad_add(node, 0, dx);
}

static const cnn__op relu_op = { .name = "relu", .backward = relu_backward, .relu = true };

cnn_tensor *cnn_relu(cnn_tensor *x)
{
    cnn__call call;
    if (!cnn__call_begin(&call, &relu_op, 1, (cnn_tensor *const[]){ x }) || !cnn__call_real(&call, 0)) {
        return call.nil;
    }
    x = cnn__call_contiguous(&call, 0);
    cnn_tensor *y = x ? cnn__result(&call, x->dtype, x->ndim, x->shape) : NULL;
    if (!y) {
        return call.nil;
    }
    cnn__real(x)->relu(x->numel, cnn__data(x), cnn__data(y), call.ctx->pool);
    return cnn__record(&call, y, NULL, 0, 1, (cnn_tensor *const[]){ y });
}
