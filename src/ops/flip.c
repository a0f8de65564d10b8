/* flip and roll: the same elements in another order along dimensions. Both are copies, by negative strides or in two
 * parts. */
#include "ops/operation.h"

static bool flip_infer(cnn__call *call, void *attributes)
{
    if (!cnn__call_axes(call, attributes)) {
        return false;
    }
    cnn__out_like(call, 0, 0);
    return true;
}

static bool flip_forward(cnn__call *call, void *attributes)
{
    const cnn__reduction *r = attributes;
    cnn_tensor from = *call->x[0];
    for (int d = 0; d < from.ndim; d++) {
        if (r->axes.reduced[d] && from.shape[d] > 1) {
            from.offset += (from.shape[d] - 1) * from.stride[d];
            from.stride[d] = -from.stride[d];
        }
    }
    return !from.numel || cnn__run_copy(call->tape, call->op->name, call->out[0], &from);
}

static void flip_backward(cnn__node *node, cnn_tensor *dy)
{
    const cnn__reduction *r = node->attributes;
    cnn__grad_add(node, 0, r->count ? cnn_flip(dy, r->count, r->dims) : dy);
}

static const cnn__op flip_op = { .name = "flip",
                                 .size = sizeof(cnn__reduction),
                                 .attributes = cnn__reduction_attributes,
                                 .infer = flip_infer,
                                 .forward = flip_forward,
                                 .backward = flip_backward };

cnn_tensor *cnn_flip(cnn_tensor *x, int count, const int *dims)
{
    cnn__reduction r = { .count = count, .given = dims };
    return cnn__apply(&flip_op, &x, 1, &r);
}

/* ---- roll ---- */

typedef struct rolling {
    int dim;
    int64_t shift; /* from 0 to the size of the dimension */
} rolling;

static const cnn__attribute rolling_attributes[] = { CNN__ATTRIBUTE(CNN__INT, rolling, dim),
                                                     CNN__ATTRIBUTE(CNN__INT64, rolling, shift),
                                                     { .name = NULL } };

static bool roll_infer(cnn__call *call, void *attributes)
{
    rolling *r = attributes;
    if ((r->dim = cnn__call_dim(call, r->dim, call->in[0]->ndim)) < 0) {
        return false;
    }
    const int64_t size = call->in[0]->shape[r->dim], rest = size ? r->shift % size : 0;
    r->shift = rest < 0 ? rest + size : rest;
    cnn__out_like(call, 0, 0);
    return true;
}

/* `size` positions along `dim` from `start` on, as a tensor without a handle. */
static cnn_tensor roll_part(const cnn_tensor *t, int dim, int64_t start, int64_t size)
{
    cnn_tensor part = *t;
    part.offset += start * t->stride[dim];
    part.shape[dim] = size;
    part.numel = t->shape[dim] ? t->numel / t->shape[dim] * size : 0;
    return part;
}

static bool roll_forward(cnn__call *call, void *attributes)
{
    const rolling *r = attributes;
    const cnn_tensor *x = call->x[0], *y = call->out[0];
    const int64_t shift = r->shift, rest = x->shape[r->dim] - shift;
    cnn_tensor head = roll_part(y, r->dim, 0, shift), end = roll_part(x, r->dim, rest, shift);
    cnn_tensor tail = roll_part(y, r->dim, shift, rest), begin = roll_part(x, r->dim, 0, rest);
    return cnn__run_copy(call->tape, call->op->name, &head, &end) &&
           cnn__run_copy(call->tape, call->op->name, &tail, &begin);
}

static void roll_backward(cnn__node *node, cnn_tensor *dy)
{
    const rolling *r = node->attributes;
    cnn__grad_add(node, 0, cnn_roll(dy, -r->shift, r->dim));
}

static const cnn__op roll_op = { .name = "roll",
                                 .size = sizeof(rolling),
                                 .attributes = rolling_attributes,
                                 .infer = roll_infer,
                                 .forward = roll_forward,
                                 .backward = roll_backward };

cnn_tensor *cnn_roll(cnn_tensor *x, int64_t shift, int dim)
{
    return cnn__apply(&roll_op, &x, 1, &(rolling){ dim, shift });
}
