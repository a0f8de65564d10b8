/* Copies of a tensor beside each other: torch.Tensor.repeat. Each dimension is an application of its own, so that any
 * rank will do. The gradient is the sum over the copies. */
#include "ops/operation.h"

typedef struct copies {
    int dim;
    int64_t times;
} copies;

static const cnn__attribute copies_attributes[] = { CNN__ATTRIBUTE(CNN__INT, copies, dim),
                                                    CNN__ATTRIBUTE(CNN__INT64, copies, times),
                                                    { .name = NULL } };

static bool repeat_infer(cnn__call *call, void *attributes)
{
    const copies *c = attributes;
    cnn__out_like(call, 0, 0);
    int64_t *size = &call->spec[0].shape[c->dim];
    if (__builtin_mul_overflow(*size, c->times, size)) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "%lld copies along dimension %d are more than an int64 counts",
                       (long long)c->times, c->dim);
        return false;
    }
    return true;
}

/* The result as [before, copies, one copy]. */
static void repeat_shape(const cnn_tensor *x, const copies *c, int64_t shape[3])
{
    shape[0] = 1;
    shape[1] = c->times;
    shape[2] = 1;
    for (int d = 0; d < x->ndim; d++) {
        shape[d < c->dim ? 0 : 2] *= x->shape[d];
    }
}

static bool repeat_forward(cnn__call *call, void *attributes)
{
    cnn_tensor to = *call->out[0], from = *call->x[0];
    int64_t shape[3];
    repeat_shape(call->x[0], attributes, shape);
    cnn__tensor_shape_set(&to, to.dtype, 3, shape);
    cnn__tensor_shape_set(&from, from.dtype, 3, shape);
    from.stride[0] = shape[2];
    from.stride[1] = 0;
    return cnn__run_copy(call->tape, call->op->name, &to, &from);
}

static void repeat_backward(cnn__node *node, cnn_tensor *dy)
{
    const cnn_tensor *x = node->in[0];
    int64_t shape[3];
    repeat_shape(x, node->attributes, shape);
    cnn_tensor *sum = cnn_sum(cnn_reshape(dy, 3, shape), CNN_DIMS(1), false);
    cnn__grad_add(node, 0, cnn_reshape(sum, x->ndim, x->shape));
}

static const cnn__op repeat_op = { .name = "repeat",
                                   .dense = 1,
                                   .size = sizeof(copies),
                                   .attributes = copies_attributes,
                                   .infer = repeat_infer,
                                   .forward = repeat_forward,
                                   .backward = repeat_backward };

static bool repeat_check(cnn__call *call, int ndim, const int64_t *repeats)
{
    const cnn_tensor *x = call->in[0];
    if (ndim < x->ndim || ndim > CNN_MAX_DIMS || (ndim && !repeats)) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "%d repeats%s, expected %d to %d", ndim,
                       ndim > 0 && !repeats ? " at NULL" : "", x->ndim, CNN_MAX_DIMS);
        return false;
    }
    for (int d = 0; d < ndim; d++) {
        if (repeats[d] < 0) {
            cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "repeat %d is %lld, expected 0 or more", d,
                           (long long)repeats[d]);
            return false;
        }
    }
    return true;
}

cnn_tensor *cnn_repeat(cnn_tensor *x, int ndim, const int64_t *repeats)
{
    int64_t shape[CNN_MAX_DIMS];
    cnn__call call;
    if (!cnn__call_begin(&call, &repeat_op, 1, &x) || !repeat_check(&call, ndim, repeats)) {
        return call.nil;
    }
    cnn_tensor *y = call.in[0];
    for (int d = 0, own = d - (ndim - y->ndim); d < ndim; d++, own++) {
        shape[d] = own < 0 ? 1 : y->shape[own];
    }
    y = ndim > y->ndim ? cnn_reshape(y, ndim, shape) : y;
    for (int d = 0; d < ndim; d++) {
        y = repeats[d] != 1 ? cnn__apply(&repeat_op, &y, 1, &(copies){ d, repeats[d] }) : y;
    }
    return y;
}
