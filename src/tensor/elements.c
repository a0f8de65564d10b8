/* Reading and writing the elements of tensors, and the gradient of a plain tensor.
 *
 * A gradient is zeroed lazily: if grad_is_zero is set, its elements count as 0 whatever its memory holds, so that
 * backward can overwrite it instead of filling it with zeros and adding. */
#include "tensor/failed_step.h"

#include <cnn/device.h>

#include <math.h>
#include <string.h>

/* y[0] ← x[1] of a nest over `shape`; the addresses are the device's. */
static cnn_status copy_nest(cnn_context *ctx, const char *call, const cnn_copy_parameters *p, cnn_dtype dtype, void *to,
                            const void *from)
{
    cnn_launch l = CNN__LAUNCH(COPY, dtype, CNN__PARAMETERS(*p), .in = { from }, .out = { to });
    return cnn__launch(ctx, call, &l);
}

cnn_status cnn__tensor_copy(cnn_tensor *to, const cnn_tensor *from, const char *call)
{
    cnn_copy_parameters p = { .from = from->dtype };
    cnn__nest_make(&p.nest, to->ndim, to->shape, 2, (const cnn_tensor *const[]){ to, from });
    return to->numel ? copy_nest(to->ctx, call, &p, to->dtype, cnn__data(to), cnn__data(from)) : CNN_OK;
}

static size_t bytes_of(const cnn_tensor *t)
{
    return (size_t)t->numel * cnn_dtype_size(t->dtype);
}

cnn_status cnn__elements_put(const cnn_tensor *t, const char *call, const void *from)
{
    return cnn__device_write(t->ctx, call, cnn__data(t), from, bytes_of(t));
}

cnn_status cnn__elements_get(const cnn_tensor *t, const char *call, void *to)
{
    return cnn__device_read(t->ctx, call, to, cnn__data(t), bytes_of(t));
}

cnn_status cnn__fill(const cnn_tensor *t, const char *call, double value)
{
    const cnn_fill_parameters p = { value };
    cnn_launch l = CNN__LAUNCH(FILL, t->dtype, CNN__PARAMETERS(p), .count = t->numel, .out = { cnn__data(t) });
    return t->numel ? cnn__launch(t->ctx, call, &l) : CNN_OK;
}

/* A tensor like `t` in shape, contiguous, over memory that is not its own. */
static cnn_tensor flat_like(const cnn_tensor *t, cnn_dtype dtype)
{
    cnn_tensor flat = { .ndim = t->ndim };
    cnn__tensor_shape_set(&flat, dtype, t->ndim, t->shape);
    return flat;
}

/* Copies the elements in row-major order to the host's memory, as `dtype`. On a device they are made contiguous
 * there. */
static cnn_status copy_out(const cnn_tensor *t, const char *call, cnn_dtype dtype, void *buffer)
{
    cnn_tensor flat = flat_like(t, dtype);
    cnn_copy_parameters p = { .from = t->dtype };
    size_t bytes = bytes_of(&flat);
    cnn__nest_make(&p.nest, t->ndim, t->shape, 2, (const cnn_tensor *const[]){ &flat, t });
    if (!t->ctx->device || (dtype == t->dtype && cnn__contiguous(t))) {
        return t->ctx->device ? cnn__elements_get(t, call, buffer)
                              : copy_nest(t->ctx, call, &p, dtype, buffer, cnn__data(t));
    }
    void *aside = cnn__device_allocate(t->ctx, bytes);
    if (!aside) {
        return cnn__fail_memory(t->ctx, call, bytes);
    }
    cnn_status status = copy_nest(t->ctx, call, &p, dtype, aside, cnn__data(t));
    if (status == CNN_OK) {
        status = cnn__device_read(t->ctx, call, buffer, aside, bytes);
    }
    cnn__device_deallocate(t->ctx, aside, bytes);
    return status;
}

/* The other way: contiguous elements of the tensor's own dtype from the host's memory. */
static cnn_status copy_in(cnn_tensor *t, const char *call, const void *data)
{
    cnn_tensor flat = flat_like(t, t->dtype);
    cnn_copy_parameters p = { .from = t->dtype };
    size_t bytes = bytes_of(&flat);
    cnn__nest_make(&p.nest, t->ndim, t->shape, 2, (const cnn_tensor *const[]){ t, &flat });
    if (!t->ctx->device) {
        return copy_nest(t->ctx, call, &p, t->dtype, cnn__data(t), data);
    }
    void *aside = cnn__device_allocate(t->ctx, bytes);
    if (!aside) {
        return cnn__fail_memory(t->ctx, call, bytes);
    }
    cnn_status status = cnn__device_write(t->ctx, call, aside, data, bytes);
    if (status == CNN_OK) {
        status = copy_nest(t->ctx, call, &p, t->dtype, cnn__data(t), aside);
    }
    cnn__device_deallocate(t->ctx, aside, bytes);
    return status;
}

/* One number in every element, whatever the strides. */
static cnn_status fill_strided(cnn_tensor *t, const char *call, double value)
{
    const int64_t n = 1;
    cnn_tensor one = { .dtype = CNN_F64, .numel = 1 };
    cnn_copy_parameters p = { .from = CNN_F64 };
    cnn__nest_make(&p.nest, t->ndim, t->shape, 2, (const cnn_tensor *const[]){ t, &one });
    if (!t->ctx->device) {
        return copy_nest(t->ctx, call, &p, t->dtype, cnn__data(t), &value);
    }
    cnn_tensor *number = cnn__tensor_new(t->ctx, call, CNN_F64, 1, &n);
    cnn_status status = number ? cnn__fill(number, call, value) : cnn__failure_status();
    if (status == CNN_OK) {
        status = copy_nest(t->ctx, call, &p, t->dtype, cnn__data(t), cnn__data(number));
    }
    cnn__tensor_release(number);
    return status;
}

/* ---- operands that share memory ---- */

/* The number of bytes from a tensor's first element in memory to the end of its last one; strides are never
 * negative. */
static size_t span_of(const cnn_tensor *t)
{
    int64_t last = 0;
    for (int d = 0; d < t->ndim; d++) {
        last += (t->shape[d] - 1) * t->stride[d];
    }
    return t->numel ? (size_t)(last + 1) * cnn_dtype_size(t->dtype) : 0;
}

static bool overlaps(const void *a, size_t a_bytes, const void *b, size_t b_bytes)
{
    uintptr_t first = (uintptr_t)a, second = (uintptr_t)b;
    return first < second + b_bytes && second < first + a_bytes;
}

/* Whether a copy would overwrite elements that it has yet to read. A copy of elements onto themselves may do so,
 * because they do not change. */
static bool copy_needs_room(const cnn_tensor *to, const cnn_tensor *from)
{
    int64_t stride[CNN_MAX_DIMS];
    cnn__broadcast_strides(from, to->ndim, to->shape, stride);
    bool same = to->dtype == from->dtype && cnn__data(to) == cnn__data(from);
    for (int d = 0; d < to->ndim; d++) {
        same = same && (stride[d] == to->stride[d] || to->shape[d] == 1);
    }
    return !same && overlaps(cnn__data(to), span_of(to), cnn__data(from), span_of(from));
}

/* Copies the elements of a tensor to new memory. Returns NULL, reported, if there is no memory. */
static cnn_tensor *set_aside(const cnn_tensor *t, const char *call)
{
    cnn_tensor *copy = cnn__tensor_new(t->ctx, call, t->dtype, t->ndim, t->shape);
    if (copy && cnn__tensor_copy(copy, t, call) != CNN_OK) {
        cnn__tensor_release(copy);
        copy = NULL;
    }
    return copy;
}

/* ---- elements ---- */

static bool one_element(const cnn_tensor *t, const char *call)
{
    char text[CNN__SHAPE_TEXT];
    if (cnn__tensor_check(t, call) != CNN_OK) {
        return false;
    }
    if (t->numel != 1) {
        cnn__fail(t->ctx, CNN_ERROR_SHAPE, "%s: a tensor of shape %s has %lld elements, expected 1", call,
                  cnn__shape_text(text, t->ndim, t->shape), (long long)t->numel);
    }
    return t->numel == 1;
}

double cnn_tensor_item(const cnn_tensor *tensor)
{
    double value = NAN;
    if (one_element(tensor, "tensor_item") && copy_out(tensor, "tensor_item", CNN_F64, &value) != CNN_OK) {
        value = NAN;
    }
    return isnan(value) ? (double)NAN : value; /* x86-64 produces negative NaNs, which printf writes as "-nan" */
}

int64_t cnn_tensor_item_i64(const cnn_tensor *tensor)
{
    int64_t value = 0;
    if (one_element(tensor, "tensor_item_i64") && copy_out(tensor, "tensor_item_i64", CNN_I64, &value) != CNN_OK) {
        value = 0;
    }
    return value;
}

static cnn_status elements_check_size(const cnn_tensor *t, const char *call, const void *memory, size_t size)
{
    if (cnn__tensor_check(t, call) != CNN_OK) {
        return cnn__failure_status();
    }
    size_t expected = (size_t)t->numel * cnn_dtype_size(t->dtype);
    if (size != expected || (size && !memory)) {
        return cnn__fail(t->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: %s of %zu bytes, expected %zu", call,
                         memory || !size ? "memory" : "NULL instead", size, expected);
    }
    return CNN_OK;
}

/* Checks that the caller may write to the tensor. Results of operations belong to the tape. */
static cnn_status check_writable(const cnn_tensor *t, const char *call)
{
    if (cnn__tensor_check(t, call) != CNN_OK) {
        return cnn__failure_status();
    }
    if (t->kind != CNN__TENSOR_PLAIN && !t->writable) {
        return cnn__fail(t->ctx, CNN_ERROR_STATE, "%s: the tensor is a result of an operation and belongs to its tape",
                         call);
    }
    return CNN_OK;
}

/* The same of elements that another library may have handed out. */
static cnn_status elements_check_written(const cnn_tensor *t, const char *call)
{
    cnn_status status = check_writable(t, call);
    return status == CNN_OK && t->kind == CNN__TENSOR_PLAIN && t->storage->read_only
               ? cnn__fail(t->ctx, CNN_ERROR_STATE, "%s: the elements are read-only", call)
               : status;
}

/* Checks that the tensor can have a gradient of its own. A result that a callback is writing cannot. */
static cnn_status check_plain(const cnn_tensor *t, const char *call)
{
    cnn_status status = check_writable(t, call);
    if (status == CNN_OK && t->kind != CNN__TENSOR_PLAIN) {
        return cnn__fail(t->ctx, CNN_ERROR_STATE, "%s: the tensor belongs to a tape", call);
    }
    return status;
}

cnn_status cnn_tensor_read(const cnn_tensor *tensor, void *buffer, size_t size)
{
    cnn_status status = elements_check_size(tensor, "tensor_read", buffer, size);
    if (status != CNN_OK || !size) {
        return status;
    }
    if (tensor->ctx->device || !overlaps(buffer, size, cnn__data(tensor), span_of(tensor))) {
        return copy_out(tensor, "tensor_read", tensor->dtype, buffer);
    }
    cnn_tensor *copy = set_aside(tensor, "tensor_read");
    if (!copy) {
        return cnn__failure_status();
    }
    memcpy(buffer, cnn__data(copy), size);
    cnn__tensor_release(copy);
    return CNN_OK;
}

/* What overlaps the elements is copied aside first. */
static cnn_status write_strided(cnn_tensor *t, const void *data, size_t size)
{
    void *aside = NULL;
    if (!t->ctx->device && overlaps(data, size, cnn__data(t), span_of(t))) {
        aside = cnn__alloc(t->ctx, size);
        if (!aside) {
            return cnn__fail_memory(t->ctx, "tensor_write", size);
        }
        data = memcpy(aside, data, size);
    }
    cnn__tensor_written(t);
    cnn_status status = copy_in(t, "tensor_write", data);
    cnn__free(t->ctx, aside);
    return status;
}

cnn_status cnn_tensor_write(cnn_tensor *tensor, const void *data, size_t size)
{
    cnn_status status = elements_check_written(tensor, "tensor_write");
    if (status == CNN_OK) {
        status = elements_check_size(tensor, "tensor_write", data, size);
    }
    if (status == CNN_OK && !cnn__contiguous(tensor)) {
        return write_strided(tensor, data, size);
    }
    if (status == CNN_OK && size) {
        cnn__tensor_written(tensor);
        status = cnn__elements_put(tensor, "tensor_write", data); /* the data may be elements of the tensor */
    }
    return status;
}

cnn_status cnn_tensor_fill(cnn_tensor *tensor, double value)
{
    cnn_status status = elements_check_written(tensor, "tensor_fill");
    if (status != CNN_OK || !tensor->numel) {
        return status;
    }
    cnn__tensor_written(tensor);
    return cnn__contiguous(tensor) ? cnn__fill(tensor, "tensor_fill", value)
                                   : fill_strided(tensor, "tensor_fill", value);
}

cnn_status cnn_tensor_copy_from(cnn_tensor *tensor, const cnn_tensor *source)
{
    cnn_status status = elements_check_written(tensor, "tensor_copy_from");
    if (status != CNN_OK || (status = cnn__tensor_check(source, "tensor_copy_from")) != CNN_OK) {
        return status;
    }
    int ndim;
    int64_t shape[CNN_MAX_DIMS];
    if (!cnn__broadcast(tensor->ndim, tensor->shape, source->ndim, source->shape, &ndim, shape) ||
        ndim != tensor->ndim || memcmp(shape, tensor->shape, (size_t)ndim * sizeof shape[0]) != 0) {
        char to[CNN__SHAPE_TEXT], from[CNN__SHAPE_TEXT];
        return cnn__fail(tensor->ctx, CNN_ERROR_SHAPE, "tensor_copy_from: shape %s does not broadcast to %s",
                         cnn__shape_text(from, source->ndim, source->shape),
                         cnn__shape_text(to, tensor->ndim, tensor->shape));
    }
    bool across = source->ctx != tensor->ctx && (source->ctx->device || tensor->ctx->device);
    bool shared = !across && copy_needs_room(tensor, source);
    cnn_tensor *copy = across   ? cnn_tensor_to(source, tensor->ctx)
                       : shared ? set_aside(source, "tensor_copy_from")
                                : NULL;
    if ((across || shared) && !copy) {
        return cnn__failure_status();
    }
    cnn__tensor_written(tensor);
    status = cnn__tensor_copy(tensor, copy ? copy : source, "tensor_copy_from");
    cnn__tensor_release(copy);
    return status;
}

cnn_status cnn_tensor_touch(cnn_tensor *tensor)
{
    cnn_status status = check_writable(tensor, "tensor_touch");
    if (status == CNN_OK) {
        cnn__tensor_written(tensor);
    }
    return status;
}

/* ---- gradients ---- */

bool cnn_tensor_requires_grad(const cnn_tensor *tensor)
{
    return cnn__tensor_check_current(tensor, "tensor_requires_grad") == CNN_OK && tensor->requires_grad;
}

cnn_status cnn_tensor_set_requires_grad(cnn_tensor *tensor, bool requires_grad)
{
    cnn_status status = check_plain(tensor, "tensor_set_requires_grad");
    if (status == CNN_OK && requires_grad && !cnn__dtype_is_real(tensor->dtype)) {
        return cnn__fail(tensor->ctx, CNN_ERROR_DTYPE,
                         "tensor_set_requires_grad: dtype is %s, expected " CNN__REAL_DTYPES,
                         cnn_dtype_name(tensor->dtype));
    }
    if (status == CNN_OK) {
        tensor->requires_grad = requires_grad;
    }
    return status;
}

cnn_tensor *cnn__tensor_grad_buffer(cnn_tensor *t)
{
    if (!t->grad) {
        t->grad = cnn__tensor_new(t->ctx, "backward", t->dtype, t->ndim, t->shape);
        if (t->grad) {
            t->grad->owned = true;
            t->grad_is_zero = true;
        }
    }
    return t->grad;
}

/* Writing the zeros that the flag stands for is no visible change; cnn__tensor_grad_clear() has counted it as a
 * write. */
cnn_tensor *cnn__tensor_grad_read(const cnn_tensor *t)
{
    if (t->grad && t->grad_is_zero) {
        cnn__tensor_written(t->grad);
        if (cnn__fill(t->grad, "tensor_grad", 0) != CNN_OK) {
            return NULL;
        }
        ((cnn_tensor *)(uintptr_t)t)->grad_is_zero = false;
    }
    return t->grad;
}

void cnn__tensor_grad_clear(cnn_tensor *t)
{
    cnn__failed_step_forgive(t);
    t->grad_is_zero = t->grad != NULL;
    if (t->grad) {
        cnn__tensor_written(t->grad);
    }
}

cnn_tensor *cnn_tensor_grad(const cnn_tensor *tensor)
{
    if (cnn__tensor_check(tensor, "tensor_grad") != CNN_OK) {
        return NULL;
    }
    if (tensor->kind == CNN__TENSOR_TAPE && !tensor->leaf) {
        return tensor->retained;
    }
    return cnn__tensor_grad_read(tensor->leaf ? tensor->leaf : tensor);
}

cnn_status cnn_tensor_zero_grad(cnn_tensor *tensor)
{
    cnn_status status = check_plain(tensor, "tensor_zero_grad");
    if (status == CNN_OK) {
        cnn__tensor_grad_clear(tensor);
    }
    return status;
}
