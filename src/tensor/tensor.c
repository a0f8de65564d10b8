/* Plain tensors: creation, reference counting, and queries of their properties. */
#include "tensor/tensor.h"

#include "base/references.h"
#include "tensor/failed_step.h"

#include <stdio.h>
#include <string.h>

/* ---- life ---- */

cnn_tensor *cnn__tensor_header(cnn_context *ctx, const char *call, cnn_dtype dtype, int ndim, const int64_t *shape)
{
    int64_t numel;
    if (!ctx) {
        cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: ctx is NULL", call);
        return NULL;
    }
    if (cnn__shape_check(ctx, call, dtype, ndim, shape, &numel) != CNN_OK) {
        return NULL;
    }
    cnn_tensor *t = cnn__calloc(ctx, 1, sizeof *t);
    if (!t) {
        cnn__fail_memory(ctx, call, sizeof *t);
        return NULL;
    }
    t->kind = CNN__TENSOR_PLAIN;
    t->ctx = cnn__context_retain(ctx);
    cnn__references_init(&t->references);
    CNN__ATOMIC(&t->failed_step);
    cnn__tensor_shape_set(t, dtype, ndim, shape);
    return t;
}

static cnn_tensor *new_tensor(cnn_context *ctx, const char *call, cnn_dtype dtype, int ndim, const int64_t *shape,
                              cnn__storage *(*new_storage)(cnn_context *ctx, size_t bytes))
{
    cnn_tensor *t = cnn__tensor_header(ctx, call, dtype, ndim, shape);
    if (!t) {
        return NULL;
    }
    size_t bytes = (size_t)t->numel * cnn_dtype_size(dtype);
    t->storage = new_storage(ctx, bytes);
    if (!t->storage) {
        cnn__fail_memory(ctx, call, bytes);
        cnn__tensor_release(t);
        return NULL;
    }
    return t;
}

cnn_tensor *cnn__tensor_new(cnn_context *ctx, const char *call, cnn_dtype dtype, int ndim, const int64_t *shape)
{
    return new_tensor(ctx, call, dtype, ndim, shape, cnn__storage_new);
}

cnn_tensor *cnn__tensor_new_on_host(cnn_context *ctx, const char *call, cnn_dtype dtype, int ndim, const int64_t *shape)
{
    return new_tensor(ctx, call, dtype, ndim, shape, cnn__storage_new_on_host);
}

cnn_tensor *cnn__tensor_retain(cnn_tensor *t)
{
    cnn__references_add(&t->references);
    return t;
}

void cnn__tensor_release(cnn_tensor *t)
{
    if (!t || !cnn__references_drop(&t->references)) {
        return;
    }
    cnn_context *ctx = t->ctx;
    cnn__failed_step_drop(t);
    cnn__tensor_release(t->grad);
    cnn__storage_release(t->storage);
    t->kind = 0;
    cnn__free(ctx, t);
    cnn__context_release(ctx);
}

void cnn_tensor_free(cnn_tensor *tensor)
{
    if (!tensor) {
        return;
    }
    if (tensor->kind != CNN__TENSOR_PLAIN || tensor->owned) {
        cnn__fail(tensor->ctx, CNN_ERROR_STATE, "tensor_free: the tensor belongs to %s, which frees it",
                  tensor->kind != CNN__TENSOR_PLAIN ? "a tape" : "a module, a loader or another tensor");
        return;
    }
    cnn__tensor_release(tensor);
}

/* ---- checks ---- */

cnn_status cnn__tensor_check_current(const cnn_tensor *t, const char *call)
{
    if (!t) {
        return cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: the tensor is NULL", call);
    }
    if (t->kind == CNN__TENSOR_PLAIN) {
        return CNN_OK;
    }
    const cnn__step *step = cnn__step_of(t->tape);
    if (t->kind == CNN__TENSOR_NIL) {
        return step && step->status != CNN_OK
                   ? cnn__fail(step->ctx, step->status, "%s", step->message)
                   : cnn__fail(t->ctx, CNN_ERROR_STATE, "%s: the tensor is the result of a failed operation", call);
    }
    if (t->kind != CNN__TENSOR_TAPE) {
        return cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: the tensor was freed or never was one", call);
    }
    if (t->generation != step->generation) {
        return cnn__fail(t->ctx, CNN_ERROR_STATE,
                         "%s: the tensor is a result of step %llu of its tape, which is now in step %llu", call,
                         (unsigned long long)t->generation, (unsigned long long)step->generation);
    }
    if (!t->storage) {
        return cnn__fail(t->ctx, CNN_ERROR_STATE,
                         "%s: the tensor was an intermediate result of a module's forward, which has returned", call);
    }
    return CNN_OK;
}

cnn_status cnn__tensor_check(const cnn_tensor *t, const char *call)
{
    cnn_status status = cnn__tensor_check_current(t, call);
    if (status == CNN_OK && t->traced) {
        return cnn__fail(t->ctx, CNN_ERROR_STATE,
                         "%s: the tensor is a result of a traced step, which has a shape and no elements", call);
    }
    return status;
}

cnn_status cnn_tensor_status(const cnn_tensor *tensor)
{
    return cnn__tensor_check_current(tensor, "tensor_status");
}

const cnn__real_kernels *cnn__real(const cnn_tensor *t)
{
    return cnn__dtypes[t->dtype].compute == CNN_F64 ? t->ctx->kernels->f64 : t->ctx->kernels->f32;
}

/* ---- creation ---- */

cnn_tensor *cnn_tensor_empty(cnn_context *ctx, cnn_dtype dtype, int ndim, const int64_t *shape)
{
    return cnn__tensor_new(ctx, "tensor_empty", dtype, ndim, shape);
}

static cnn_tensor *filled(cnn_context *ctx, const char *call, cnn_dtype dtype, double value, int ndim,
                          const int64_t *shape)
{
    cnn_tensor *t = cnn__tensor_new(ctx, call, dtype, ndim, shape);
    if (t) {
        if (cnn__fill(t, call, value) != CNN_OK) {
            cnn__tensor_release(t);
            t = NULL;
        }
    }
    return t;
}

cnn_tensor *cnn_tensor_zeros(cnn_context *ctx, cnn_dtype dtype, int ndim, const int64_t *shape)
{
    return filled(ctx, "tensor_zeros", dtype, 0, ndim, shape);
}

cnn_tensor *cnn_tensor_ones(cnn_context *ctx, cnn_dtype dtype, int ndim, const int64_t *shape)
{
    return filled(ctx, "tensor_ones", dtype, 1, ndim, shape);
}

cnn_tensor *cnn_tensor_full(cnn_context *ctx, cnn_dtype dtype, double value, int ndim, const int64_t *shape)
{
    return filled(ctx, "tensor_full", dtype, value, ndim, shape);
}

cnn_tensor *cnn_tensor_from_data(cnn_context *ctx, cnn_dtype dtype, int ndim, const int64_t *shape, const void *data)
{
    cnn_tensor *t = cnn__tensor_new(ctx, "tensor_from_data", dtype, ndim, shape);
    if (t && t->numel && !data) {
        cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "tensor_from_data: data is NULL, expected %lld elements",
                  (long long)t->numel);
        cnn__tensor_release(t);
        return NULL;
    }
    if (t && cnn__elements_put(t, "tensor_from_data", data) != CNN_OK) {
        cnn__tensor_release(t);
        t = NULL;
    }
    return t;
}

cnn_tensor *cnn_tensor_detach(const cnn_tensor *tensor)
{
    if (cnn__tensor_check(tensor, "tensor_detach") != CNN_OK) {
        return NULL;
    }
    cnn_tensor *t = cnn__tensor_new(tensor->ctx, "tensor_detach", tensor->dtype, tensor->ndim, tensor->shape);
    if (t && cnn__tensor_copy(t, tensor, "tensor_detach") != CNN_OK) {
        cnn__tensor_release(t);
        t = NULL;
    }
    return t;
}

/* ---- what a tensor is ---- */

cnn_context *cnn_tensor_context(const cnn_tensor *tensor)
{
    return cnn__tensor_check_current(tensor, "tensor_context") == CNN_OK ? tensor->ctx : NULL;
}

cnn_dtype cnn_tensor_dtype(const cnn_tensor *tensor)
{
    return cnn__tensor_check_current(tensor, "tensor_dtype") == CNN_OK ? tensor->dtype : CNN_F32;
}

const char *cnn_tensor_device(const cnn_tensor *tensor)
{
    return cnn__tensor_check_current(tensor, "tensor_device") == CNN_OK ? cnn_context_device(tensor->ctx) : "";
}

int cnn_tensor_ndim(const cnn_tensor *tensor)
{
    return cnn__tensor_check_current(tensor, "tensor_ndim") == CNN_OK ? tensor->ndim : 0;
}

const int64_t *cnn_tensor_shape(const cnn_tensor *tensor)
{
    return cnn__tensor_check_current(tensor, "tensor_shape") == CNN_OK ? tensor->shape : NULL;
}

const int64_t *cnn_tensor_strides(const cnn_tensor *tensor)
{
    return cnn__tensor_check_current(tensor, "tensor_strides") == CNN_OK ? tensor->stride : NULL;
}

int64_t cnn_tensor_size(const cnn_tensor *tensor, int dim)
{
    if (cnn__tensor_check_current(tensor, "tensor_size") != CNN_OK) {
        return 0;
    }
    int d = cnn__dim(dim, tensor->ndim);
    if (d < 0) {
        char range[32] = "a tensor of rank 1 or more";
        if (tensor->ndim) {
            snprintf(range, sizeof range, "%d to %d", -tensor->ndim, tensor->ndim - 1);
        }
        cnn__fail(tensor->ctx, CNN_ERROR_SHAPE, "tensor_size: dimension %d of a tensor of rank %d, expected %s", dim,
                  tensor->ndim, range);
        return 0;
    }
    return tensor->shape[d];
}

int64_t cnn_tensor_numel(const cnn_tensor *tensor)
{
    return cnn__tensor_check_current(tensor, "tensor_numel") == CNN_OK ? tensor->numel : 0;
}

bool cnn_tensor_is_contiguous(const cnn_tensor *tensor)
{
    return cnn__tensor_check_current(tensor, "tensor_is_contiguous") == CNN_OK && cnn__contiguous(tensor);
}

void *cnn_tensor_data(const cnn_tensor *tensor)
{
    if (cnn__tensor_check(tensor, "tensor_data") != CNN_OK) {
        return NULL;
    }
    if (tensor->ctx->device) {
        cnn__fail(tensor->ctx, CNN_ERROR_DEVICE,
                  "tensor_data: the elements are on the device %s, which the host cannot see; copy them with "
                  "cnn_tensor_read() or cnn_tensor_to()",
                  cnn_context_device(tensor->ctx));
        return NULL;
    }
    if (!tensor->storage->cache) { /* the caller may write, which nobody sees */
        atomic_fetch_add_explicit(&tensor->storage->handed_out, 1, memory_order_relaxed);
    }
    return tensor->numel ? cnn__data(tensor) : NULL;
}
