/* concat and stack: tensors joined along a dimension that they have, or along a new one. Each gets its part of the
 * gradient. */
#include "ops/operation.h"

static void concat_backward(cnn__node *node, cnn_tensor *dy)
{
    int dim = *(const int *)node->attributes;
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
    int dim = *(const int *)node->attributes;
    for (int i = 0; i < node->count; i++) {
        if (cnn__wants(node, i)) {
            cnn__grad_add(node, i, cnn_squeeze(cnn_slice(dy, dim, i, i + 1, 1), dim));
        }
    }
}

static const cnn__op concat_op = { .name = "concat", .backward = concat_backward };
static const cnn__op stack_op = { .name = "stack", .backward = stack_backward };

static bool begin(cnn__call *call, const cnn__op *op, cnn_tensor *const *tensors, int count)
{
    if (count < 1 || !tensors) {
        *call = (cnn__call){ .op = op };
        call->nil = cnn__current_fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: %d tensors%s, expected 1 or more",
                                      op->name, count, tensors ? "" : " at NULL");
        return false;
    }
    return cnn__call_begin(call, op, count, tensors) && cnn__call_same_dtype(call, count);
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
static void place(cnn_tensor *y, int dim, int64_t start, int64_t size, const cnn_tensor *x)
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
    cnn__tensor_copy(&part, &from);
}

cnn_tensor *cnn_concat(cnn_tensor *const *tensors, int count, int dim)
{
    cnn__call call;
    if (!begin(&call, &concat_op, tensors, count)) {
        return call.nil;
    }
    const cnn_tensor *first = call.in[0];
    int64_t shape[CNN_MAX_DIMS], total = 0, start = 0;
    int d = cnn__call_dim(&call, dim, first->ndim);
    if (d < 0 || !check_sizes(&call, d)) {
        return call.nil;
    }
    for (int i = 0; i < count; i++) {
        if (__builtin_add_overflow(total, call.in[i]->shape[d], &total)) {
            return cnn__call_fail(&call, CNN_ERROR_SHAPE,
                                  "the sizes along dimension %d sum to more than an int64 counts", d);
        }
    }
    for (int i = 0; i < first->ndim; i++) {
        shape[i] = i == d ? total : first->shape[i];
    }
    cnn_tensor *y = cnn__result(&call, first->dtype, first->ndim, shape);
    if (!y) {
        return call.nil;
    }
    for (int i = 0; i < count; i++) {
        place(y, d, start, call.in[i]->shape[d], call.in[i]);
        start += call.in[i]->shape[d];
    }
    return cnn__record(&call, y, &d, sizeof d, 0, NULL);
}

cnn_tensor *cnn_stack(cnn_tensor *const *tensors, int count, int dim)
{
    cnn__call call;
    if (!begin(&call, &stack_op, tensors, count)) {
        return call.nil;
    }
    const cnn_tensor *first = call.in[0];
    int d = cnn__call_dim(&call, dim, first->ndim + 1);
    if (d < 0 || !check_sizes(&call, -1)) {
        return call.nil;
    }
    int64_t shape[CNN_MAX_DIMS + 1];
    for (int i = 0; i <= first->ndim; i++) {
        shape[i] = i < d ? first->shape[i] : i == d ? count : first->shape[i - 1];
    }
    cnn_tensor *y = cnn__result(&call, first->dtype, first->ndim + 1, shape);
    if (!y) {
        return call.nil;
    }
    for (int i = 0; i < count; i++) {
        place(y, d, i, 1, call.in[i]);
    }
    return cnn__record(&call, y, &d, sizeof d, 0, NULL);
}
