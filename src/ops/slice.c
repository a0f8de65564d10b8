/* x[start:end:step] along one dimension, as a view. The gradient is zero but for the elements of the slice. */
#include "ops/operation.h"

typedef struct range {
    int dim;
    int64_t start, end, step;
} range;

static const cnn__attribute range_attributes[] = { CNN__ATTRIBUTE(CNN__INT, range, dim),
                                                   CNN__ATTRIBUTE(CNN__INT64, range, start),
                                                   CNN__ATTRIBUTE(CNN__INT64, range, end),
                                                   CNN__ATTRIBUTE(CNN__INT64, range, step),
                                                   { .name = NULL } };

/* The slice of t as a tensor without a handle. */
static cnn_tensor slice_part_of(const cnn_tensor *t, const range *r, int64_t size)
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
    cnn_tensor part = slice_part_of(dx, r, dy->shape[r->dim]);
    if (cnn__run_fill(node->tape, node->op->name, dx, 0) && cnn__run_copy(node->tape, node->op->name, &part, dy)) {
        cnn__grad_add(node, 0, dx);
    }
}

/* A position as Python counts them, clipped to [0, size]. */
static int64_t clip(int64_t position, int64_t size)
{
    if (position < 0) {
        position = position < -size ? 0 : position + size;
    }
    return position > size ? size : position;
}

static bool slice_infer(cnn__call *call, void *attributes)
{
    range *r = attributes;
    const cnn_tensor *x = call->in[0];
    if ((r->dim = cnn__call_dim(call, r->dim, x->ndim)) < 0) {
        return false;
    }
    if (r->step < 1) {
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "step is %lld, expected 1 or more", (long long)r->step);
        return false;
    }
    int64_t size = x->shape[r->dim];
    int64_t first = clip(r->start, size), past = clip(r->end, size);
    int64_t count = past > first ? (past - first - 1) / r->step + 1 : 0;
    r->start = count ? first : 0;
    r->step = count > 1 ? r->step : 1; /* a step past the end must not overflow the stride */
    r->end = count ? r->start + (count - 1) * r->step + 1 : 0;
    cnn_tensor part = slice_part_of(x, r, count);
    cnn__spec *y = cnn__out_view(call, 0, 0);
    y->offset = part.offset;
    y->shape[r->dim] = count;
    y->stride[r->dim] = part.stride[r->dim];
    return true;
}

static const cnn__op slice_op = { .name = "slice",
                                  .size = sizeof(range),
                                  .attributes = range_attributes,
                                  .infer = slice_infer,
                                  .backward = slice_backward };

cnn_tensor *cnn_slice(cnn_tensor *x, int dim, int64_t start, int64_t end, int64_t step)
{
    return cnn__apply(&slice_op, &x, 1, &(range){ dim, start, end, step });
}
