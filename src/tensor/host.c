/* Tensors in the host's memory of a context that is on a device, and copies from one context to another. */
#include "tensor/tensor.h"

#include <cnn/device.h>

#include <string.h>

cnn_tensor *cnn__tensor_on_host(const cnn_tensor *t, const char *call)
{
    if (!t->storage->on_device) {
        return cnn__tensor_retain((cnn_tensor *)(uintptr_t)t);
    }
    cnn_tensor *copy = cnn__tensor_new_on_host(t->ctx, call, t->dtype, t->ndim, t->shape);
    if (copy && cnn_tensor_read(t, cnn__data(copy), (size_t)t->numel * cnn_dtype_size(t->dtype)) != CNN_OK) {
        cnn__tensor_release(copy);
        copy = NULL;
    }
    return copy;
}

cnn_tensor *cnn__tensor_off_host(cnn_tensor *t, const char *call)
{
    if (!t || !t->ctx->device) {
        return t;
    }
    cnn_tensor *moved = cnn__tensor_new(t->ctx, call, t->dtype, t->ndim, t->shape);
    if (moved && cnn__elements_put(moved, call, cnn__data(t)) != CNN_OK) {
        cnn__tensor_release(moved);
        moved = NULL;
    }
    cnn__tensor_release(t);
    return moved;
}

void cnn__gather(void *to, const void *from, size_t item, int ndim, const int64_t *shape, const int64_t *stride)
{
    int64_t index[CNN_MAX_DIMS] = { 0 }, at = 0;
    char *out = to;
    int d = 0;
    while (d >= 0) {
        memcpy(out, (const char *)from + at * (int64_t)item, item);
        out += item;
        for (d = ndim - 1; d >= 0; d--) { /* the next index, the last dimension first */
            at += stride[d];
            if (++index[d] < shape[d]) {
                break;
            }
            at -= shape[d] * stride[d];
            index[d] = 0;
        }
    }
}

cnn_status cnn__elements_move(const cnn_tensor *to, const cnn_tensor *from, const char *call)
{
    if (to->ctx == from->ctx || (!to->ctx->device && !from->ctx->device)) {
        return cnn__tensor_copy((cnn_tensor *)(uintptr_t)to, from, call);
    }
    cnn_tensor *copy = cnn__tensor_new_on_host(from->ctx, call, from->dtype, from->ndim, from->shape);
    if (!copy) {
        return cnn__failure_status();
    }
    cnn_status status = cnn_tensor_read(from, cnn__data(copy), (size_t)from->numel * cnn_dtype_size(from->dtype));
    if (status == CNN_OK) {
        status = cnn__elements_put(to, call, cnn__data(copy));
    }
    cnn__tensor_release(copy);
    return status;
}

cnn_tensor *cnn_tensor_to(const cnn_tensor *tensor, cnn_context *ctx)
{
    const char *call = "tensor_to";
    if (cnn__tensor_check(tensor, call) != CNN_OK) {
        return NULL;
    }
    cnn_tensor *t = cnn__tensor_new(ctx, call, tensor->dtype, tensor->ndim, tensor->shape);
    if (t && cnn__elements_move(t, tensor, call) != CNN_OK) {
        cnn__tensor_release(t);
        t = NULL;
    }
    return t;
}
