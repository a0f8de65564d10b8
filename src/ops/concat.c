/* concat and stack: tensors joined along a dimension that they have, or along a new one. Each gets its part of the
 * gradient. */
#include "ops/operation.h"

typedef struct joint {
    int dim;
} joint;

static const cnn__attribute joint_attributes[] = { CNN__ATTRIBUTE(CNN__INT, joint, dim), { .name = NULL } };

static void concat_backward(cnn__node *node, cnn_tensor *dy)
{
    int dim = ((const joint *)node->attributes)->dim;
    int64_t start = 0;
    for (int i = 0; i < node->count; i++) {
        int64_t end = start + node->in[i]->shape[dim];
        if (cnn__wants(node, i)) {
            cnn__grad_add(node, i, cnn_slice(dy, dim, start, end, 1));
        }
        start = end;
    }
}

static void stack_backward(cnn__node *node, cnn_tensor *dy)
{
    int dim = ((const joint *)node->attributes)->dim;
    for (int i = 0; i < node->count; i++) {
        if (cnn__wants(node, i)) {
            cnn__grad_add(node, i, cnn_squeeze(cnn_slice(dy, dim, i, i + 1, 1), dim));
        }
    }
}

/* Have all operands the sizes of the first, but along `free_dim`? */
static bool check_sizes(cnn__call *call, int free_dim)
{
    const cnn_tensor *first = call->in[0];
    char given[CNN__SHAPE_TEXT], expected[CNN__SHAPE_TEXT];
    for (int i = 1; i < call->count; i++) {
        const cnn_tensor *t = call->in[i];
        bool same = t->ndim == first->ndim;
        for (int d = 0; same && d < t->ndim; d++) {
            same = d == free_dim || t->shape[d] == first->shape[d];
        }
        if (!same) {
            cnn__call_fail(call, CNN_ERROR_SHAPE, "operand %d is %s, operand 0 is %s, expected the same sizes%s", i,
                           cnn__shape_text(given, t->ndim, t->shape),
                           cnn__shape_text(expected, first->ndim, first->shape),
                           free_dim < 0 ? "" : " in all other dimensions");
            return false;
        }
    }
    return true;
}

/* Copies x into y from `start` on along dimension `dim`; x may lack that dimension. */
static bool concat_place(cnn__call *call, cnn_tensor *y, int dim, int64_t start, int64_t size, const cnn_tensor *x)
{
    cnn_tensor part = *y, from = *x;
    part.offset += start * y->stride[dim];
    part.shape[dim] = size;
    part.numel = x->numel;
    from.ndim = y->ndim;
    for (int d = y->ndim - 1; d > dim && x->ndim < y->ndim; d--) {
        from.shape[d] = x->shape[d - 1];
        from.stride[d] = x->stride[d - 1];
    }
    from.shape[dim] = size;
    from.stride[dim] = x->ndim < y->ndim ? 0 : x->stride[dim];
    return cnn__run_copy(call->tape, call->op->name, &part, &from);
}

static bool concat_infer(cnn__call *call, void *attributes)
{
    joint *joined = attributes;
    const cnn_tensor *first = call->in[0];
    int64_t total = 0;
    int d = cnn__call_same_dtype(call, call->count) ? cnn__call_dim(call, joined->dim, first->ndim) : -1;
    if (d < 0 || !check_sizes(call, d)) {
        return false;
    }
    for (int i = 0; i < call->count; i++) {
        if (__builtin_add_overflow(total, call->in[i]->shape[d], &total)) {
            cnn__call_fail(call, CNN_ERROR_SHAPE, "the sizes along dimension %d sum to more than an int64 counts", d);
            return false;
        }
    }
    joined->dim = d;
    cnn__out_like(call, 0, 0);
    call->spec[0].shape[d] = total;
    return true;
}

static bool stack_infer(cnn__call *call, void *attributes)
{
    joint *joined = attributes;
    const cnn_tensor *first = call->in[0];
    int d = cnn__call_same_dtype(call, call->count) ? cnn__call_dim(call, joined->dim, first->ndim + 1) : -1;
    if (d < 0 || !check_sizes(call, -1)) {
        return false;
    }
    int64_t shape[CNN_MAX_DIMS + 1];
    for (int i = 0; i <= first->ndim; i++) {
        shape[i] = i < d ? first->shape[i] : i == d ? call->count : first->shape[i - 1];
    }
    joined->dim = d;
    cnn__out(call, 0, first->dtype, first->ndim + 1, shape);
    return true;
}

static bool concat_forward(cnn__call *call, void *attributes)
{
    int d = ((const joint *)attributes)->dim;
    int64_t start = 0;
    for (int i = 0; i < call->count; i++) {
        if (!concat_place(call, call->out[0], d, start, call->x[i]->shape[d], call->x[i])) {
            return false;
        }
        start += call->x[i]->shape[d];
    }
    return true;
}

static bool stack_forward(cnn__call *call, void *attributes)
{
    int d = ((const joint *)attributes)->dim;
    for (int i = 0; i < call->count; i++) {
        if (!concat_place(call, call->out[0], d, i, 1, call->x[i])) {
            return false;
        }
    }
    return true;
}

static const cnn__op concat_op = { .name = "concat",
                                   .size = sizeof(joint),
                                   .attributes = joint_attributes,
                                   .infer = concat_infer,
                                   .forward = concat_forward,
                                   .backward = concat_backward };
static const cnn__op stack_op = { .name = "stack",
                                  .size = sizeof(joint),
                                  .attributes = joint_attributes,
                                  .infer = stack_infer,
                                  .forward = stack_forward,
                                  .backward = stack_backward };

static cnn_tensor *join(const cnn__op *op, cnn_tensor *const *tensors, int count, int dim)
{
    if (count < 1 || !tensors) {
        return cnn__current_fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: %d tensors%s, expected 1 or more", op->name,
                                 count, tensors ? "" : " at NULL");
    }
    return cnn__apply(op, tensors, count, &(joint){ dim });
}

cnn_tensor *cnn_concat(cnn_tensor *const *tensors, int count, int dim)
{
    return join(&concat_op, tensors, count, dim);
}

cnn_tensor *cnn_stack(cnn_tensor *const *tensors, int count, int dim)
{
    return join(&stack_op, tensors, count, dim);
}
