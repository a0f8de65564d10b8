/* contiguous, clone, cast and detach: the same elements in other memory, another dtype, or without history. */
#include "ops/operation.h"

static void copy_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn__grad_add(node, 0, dy);
}

static void cast_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn__grad_add(node, 0, cnn_cast(dy, node->in[0]->dtype));
}

static const cnn__op contiguous_op = { .name = "contiguous", .backward = copy_backward };
static const cnn__op clone_op = { .name = "clone", .backward = copy_backward };
static const cnn__op cast_op = { .name = "cast", .backward = cast_backward };
static const cnn__op detach_op = { .name = "detach" };

static cnn_tensor *copy(cnn__call *call, cnn_dtype dtype)
{
    const cnn_tensor *x = call->in[0];
    cnn_tensor *y = cnn__result(call, dtype, x->ndim, x->shape);
    if (!y) {
        return call->nil;
    }
    cnn__tensor_copy(y, x);
    return cnn__record(call, y, NULL, 0, 0, NULL);
}

cnn_tensor *cnn_contiguous(cnn_tensor *x)
{
    cnn__call call;
    if (!cnn__call_begin(&call, &contiguous_op, 1, (cnn_tensor *const[]){ x })) {
        return call.nil;
    }
    return cnn__contiguous(call.in[0]) ? call.in[0] : copy(&call, call.in[0]->dtype);
}

cnn_tensor *cnn_clone(cnn_tensor *x)
{
    cnn__call call;
    bool ready = cnn__call_begin(&call, &clone_op, 1, (cnn_tensor *const[]){ x });
    return ready ? copy(&call, call.in[0]->dtype) : call.nil;
}

cnn_tensor *cnn_cast(cnn_tensor *x, cnn_dtype dtype)
{
    cnn__call call;
    if (!cnn__call_begin(&call, &cast_op, 1, (cnn_tensor *const[]){ x })) {
        return call.nil;
    }
    if (!cnn__dtype_valid(dtype)) {
        return cnn__call_fail(&call, CNN_ERROR_DTYPE, "%d is no dtype", (int)dtype);
    }
    if (call.in[0]->dtype == dtype) {
        return call.in[0];
    }
    call.record = call.record && cnn__dtype_is_real(dtype);
    return copy(&call, dtype);
}

cnn_tensor *cnn_detach(cnn_tensor *x)
{
    cnn__call call;
    if (!cnn__call_begin(&call, &detach_op, 1, (cnn_tensor *const[]){ x })) {
        return call.nil;
    }
    cnn_tensor *y = cnn__result_view(&call, 0);
    return y ? y : call.nil;
}
