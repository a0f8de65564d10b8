/* x[start:end:step] along one dimension, as a view. The gradient is zero but for the elements of the slice. */
#include "ops/operation.h"

typedef struct range {
    int dim;
    int64_t start, step;
} range;

/* The slice of t as a tensor without a handle. */
static cnn_tensor part_of(const cnn_tensor *t, const range *r, int64_t size)
{
    cnn_tensor part = *t;
    part.offset += r->start * t->stride[r->dim];
    part.stride[r->dim] *= r->step;
    part.numel = size && t->shape[r->dim] ? t->numel / t->shape[r->dim] * size : 0;
    part.shape[r->dim] = size;
    return part;
}

static void slice_backward(cnn__node *node, cnn_tensor *dy)
{
    const range *r = node->attributes;
    cnn_tensor *dx = cnn__grad_empty(node, 0);
    if (!dx) {
        return;
    }
    dx->ctx->kernels->array->fill(dx->dtype, dx->numel, 0, cnn__data(dx), dx->ctx->pool);
    cnn_tensor part = part_of(dx, r, dy->shape[r->dim]);
    cnn__tensor_copy(&part, dy);
    cnn__grad_add(node, 0, dx);
}

static const cnn__op slice_op = { .name = "slice", .backward = slice_backward };

/* A position as Python counts them, clipped to [0, size]. */
static int64_t clip(int64_t position, int64_t size)
{
    if (position < 0) {
        position = position < -size ? 0 : position + size;
    }
    return position > size ? size : position;
}

cnn_tensor *cnn_slice(cnn_tensor *x, int dim, int64_t start, int64_t end, int64_t step)
{
    cnn__call call;
    if (!cnn__call_begin(&call, &slice_op, 1, (cnn_tensor *const[]){ x })) {
        return call.nil;
    }
    x = call.in[0];
    range r = { .dim = cnn__call_dim(&call, dim, x->ndim) };
    if (r.dim < 0) {
        return call.nil;
    }
    if (step < 1) {
        return cnn__call_fail(&call, CNN_ERROR_INVALID_ARGUMENT, "step is %lld, expected 1 or more", (long long)step);
    }
    int64_t size = x->shape[r.dim];
    int64_t first = clip(start, size), past = clip(end, size);
    int64_t count = past > first ? (past - first - 1) / step + 1 : 0;
    r.start = count ? first : 0;
    r.step = count > 1 ? step : 1; /* a step past the end must not overflow the stride */
    cnn_tensor *y = cnn__result_view(&call, 0);
    if (!y) {
        return call.nil;
    }
    cnn_tensor part = part_of(x, &r, count);
    y->offset = part.offset;
    y->numel = part.numel;
    y->shape[r.dim] = count;
    y->stride[r.dim] = part.stride[r.dim];
    return cnn__record(&call, y, &r, sizeof r, 0, NULL);
}
