/* Plain tensors over elements that they did not make: memory of the caller's, with any strides under which no two
 * elements share an address, and the elements of another tensor. */
#include "tensor/tensor.h"

#include <string.h>

/* ---- strides ---- */

/* Sorts the dimensions that have more than one element by their strides. Returns how many there are. */
static int by_stride(int ndim, const int64_t *shape, const int64_t *stride, int order[CNN_MAX_DIMS])
{
    int count = 0;
    for (int d = 0; d < ndim; d++) {
        if (shape[d] == 1) {
            continue;
        }
        int at = count++;
        for (; at > 0 && stride[order[at - 1]] > stride[d]; at--) {
            order[at] = order[at - 1];
        }
        order[at] = d;
    }
    return count;
}

/* How many elements lie between the first and the end of the last, if each dimension steps over all that those of
 * smaller strides reach; 0 if one does not, or if that is more than memory. The tensor is not empty. */
int64_t cnn__strides_extent(int ndim, const int64_t *shape, const int64_t *stride, size_t size)
{
    int order[CNN_MAX_DIMS];
    int count = by_stride(ndim, shape, stride, order);
    int64_t reach = 1, bytes;
    for (int i = 0; i < count; i++) {
        int64_t step = stride[order[i]], more;
        if (step < reach || __builtin_mul_overflow(shape[order[i]] - 1, step, &more) ||
            __builtin_add_overflow(reach, more, &reach)) {
            return 0;
        }
    }
    return __builtin_mul_overflow(reach, (int64_t)size, &bytes) || bytes > PTRDIFF_MAX / 2 ? 0 : reach;
}

static cnn_status set_strides(cnn_tensor *t, const char *call, const int64_t *strides, int64_t *extent)
{
    *extent = t->numel;
    if (!strides || t->numel == 0) {
        return CNN_OK;
    }
    *extent = cnn__strides_extent(t->ndim, t->shape, strides, cnn_dtype_size(t->dtype));
    if (*extent == 0) {
        char shape[CNN__SHAPE_TEXT], text[CNN__SHAPE_TEXT];
        return cnn__fail(t->ctx, CNN_ERROR_SHAPE,
                         "%s: strides %s of shape %s, expected positive ones under which no two elements share an "
                         "address and memory can hold all",
                         call, cnn__shape_text(text, t->ndim, strides), cnn__shape_text(shape, t->ndim, t->shape));
    }
    for (int d = 0; d < t->ndim; d++) {
        t->stride[d] = t->shape[d] == 1 ? t->stride[d] : strides[d];
    }
    return CNN_OK;
}

/* ---- borrowed memory ---- */

/* Fills in strides and storage of a tensor that has a shape; reports. */
static cnn_status lay_over(cnn_tensor *t, const char *call, const int64_t *strides, void *data, cnn_deleter_fn deleter,
                           void *user)
{
    size_t size = cnn_dtype_size(t->dtype);
    int64_t extent;
    if (t->ctx->device) {
        return cnn__fail(t->ctx, CNN_ERROR_DEVICE,
                         "%s: the context is on the device %s, which does not see memory of the host; copy it with "
                         "cnn_tensor_from_data()",
                         call, cnn_context_device(t->ctx));
    }
    if ((t->numel && !data) || (uintptr_t)data % size) {
        return cnn__fail(t->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: data is %s, expected an address aligned to %zu bytes",
                         call, data ? "not aligned" : "NULL", size);
    }
    cnn_status status = set_strides(t, call, strides, &extent);
    if (status == CNN_OK && !(t->storage = cnn__storage_borrow(t->ctx, data, (size_t)extent * size, deleter, user))) {
        status = cnn__fail_memory(t->ctx, call, sizeof *t->storage);
    }
    return status;
}

cnn_tensor *cnn__tensor_borrow(cnn_context *ctx, const char *call, cnn_dtype dtype, int ndim, const int64_t *shape,
                               const int64_t *strides, void *data, cnn_deleter_fn deleter, void *user)
{
    cnn_tensor *t = cnn__tensor_header(ctx, call, dtype, ndim, shape);
    if (t && lay_over(t, call, strides, data, deleter, user) != CNN_OK) {
        cnn__tensor_release(t);
        t = NULL;
    }
    if (!t && deleter) {
        deleter(data, user);
    }
    return t;
}

cnn_tensor *cnn_tensor_from_borrowed(cnn_context *ctx, cnn_dtype dtype, int ndim, const int64_t *shape,
                                     const int64_t *strides, void *data, cnn_deleter_fn deleter, void *user)
{
    return cnn__tensor_borrow(ctx, "tensor_from_borrowed", dtype, ndim, shape, strides, data, deleter, user);
}

/* ---- another tensor's elements ---- */

cnn_tensor *cnn__tensor_share(cnn_tensor *tensor, const char *call)
{
    if (cnn__tensor_check(tensor, call) != CNN_OK) {
        return NULL;
    }
    if (tensor->kind != CNN__TENSOR_PLAIN) {
        cnn__fail(tensor->ctx, CNN_ERROR_STATE,
                  "%s: the tensor belongs to a tape, whose next step takes its elements (cnn_tensor_detach copies it)",
                  call);
        return NULL;
    }
    cnn_tensor *t = cnn__tensor_header(tensor->ctx, call, tensor->dtype, tensor->ndim, tensor->shape);
    if (t) {
        memcpy(t->stride, tensor->stride, sizeof t->stride);
        t->offset = tensor->offset;
        t->storage = cnn__storage_retain(tensor->storage);
    }
    return t;
}

cnn_tensor *cnn_tensor_share(cnn_tensor *tensor)
{
    return cnn__tensor_share(tensor, "tensor_share");
}

/* ---- tensors that are written in place ---- */

cnn_status cnn__tensor_check_in_place(const cnn_tensor *t, const char *call)
{
    bool contiguous = cnn__contiguous(t);
    return contiguous && !t->storage->read_only
               ? CNN_OK
               : cnn__fail(t->ctx, CNN_ERROR_STATE, "%s: the tensor is %s, expected one that is%s", call,
                           contiguous ? "read-only" : "not contiguous", contiguous ? " not" : "");
}
