/* condition ? a : b. The gradient goes where the element came from. */
#include "ops/operation.h"

enum { CONDITION, A, B, WHERE_INPUTS };

static void where_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn_tensor *condition = node->saved[0];
    cnn_tensor *zero = cnn__constant(node, dy->dtype, 0);
    if (cnn__wants(node, A)) {
        cnn__grad_add(node, A, cnn_where(condition, dy, zero));
    }
    if (cnn__wants(node, B)) {
        cnn__grad_add(node, B, cnn_where(condition, zero, dy));
    }
}

static bool where_infer(cnn__call *call, void *attributes)
{
    (void)attributes;
    const cnn_tensor *condition = call->in[CONDITION], *a = call->in[A], *b = call->in[B];
    char text[3][CNN__SHAPE_TEXT];
    if (condition->dtype != CNN_BOOL) {
        cnn__call_fail(call, CNN_ERROR_DTYPE, "the condition is %s, expected bool", cnn_dtype_name(condition->dtype));
        return false;
    }
    if (a->dtype != b->dtype) {
        cnn__call_fail(call, CNN_ERROR_DTYPE, "the operands are %s and %s, expected one dtype",
                       cnn_dtype_name(a->dtype), cnn_dtype_name(b->dtype));
        return false;
    }
    int ndim;
    int64_t both[CNN_MAX_DIMS], shape[CNN_MAX_DIMS];
    if (!cnn__broadcast(a->ndim, a->shape, b->ndim, b->shape, &ndim, both) ||
        !cnn__broadcast(ndim, both, condition->ndim, condition->shape, &ndim, shape)) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "shapes %s, %s and %s do not broadcast",
                       cnn__shape_text(text[CONDITION], condition->ndim, condition->shape),
                       cnn__shape_text(text[A], a->ndim, a->shape), cnn__shape_text(text[B], b->ndim, b->shape));
        return false;
    }
    cnn__out(call, 0, a->dtype, ndim, shape);
    return true;
}

static bool where_forward(cnn__call *call, void *attributes)
{
    cnn_tensor *const *x = call->x;
    (void)attributes;
    return cnn__run_elementwise(call->tape, call->op->name, CNN_KERNEL_WHERE, 0, NULL, 4,
                                (const cnn_tensor *const[]){ call->out[0], x[CONDITION], x[A], x[B] });
}

static const cnn__op where_op = { .name = "where",
                                  .saves = 1u << CONDITION,
                                  .infer = where_infer,
                                  .forward = where_forward,
                                  .backward = where_backward };

cnn_tensor *cnn_where(cnn_tensor *condition, cnn_tensor *a, cnn_tensor *b)
{
    return cnn__apply(&where_op, (cnn_tensor *const[]){ condition, a, b }, WHERE_INPUTS, NULL);
}
