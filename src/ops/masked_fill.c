/* A number where a mask is true. There the gradient is 0. */
#include "ops/operation.h"

enum { MASKED_X, MASKED_WHERE };

typedef struct masked_value {
    double value;
} masked_value;

static const cnn__attribute masked_attributes[] = { CNN__ATTRIBUTE(CNN__FLOAT, masked_value, value), { .name = NULL } };

static bool masked_fill_infer(cnn__call *call, void *attributes)
{
    const cnn_tensor *mask = call->in[MASKED_WHERE];
    (void)attributes;
    if (mask->dtype != CNN_BOOL) {
        cnn__call_fail(call, CNN_ERROR_DTYPE, "the mask is %s, expected bool", cnn_dtype_name(mask->dtype));
        return false;
    }
    return cnn__call_out_broadcast(call, call->in[MASKED_X]->dtype);
}

static bool masked_fill_forward(cnn__call *call, void *attributes)
{
    cnn_tensor *y = call->out[0], *number = cnn__result(call, y->dtype, 0, NULL);
    return number && cnn__run_fill(call->tape, call->op->name, number, ((const masked_value *)attributes)->value) &&
           cnn__run_elementwise(call->tape, call->op->name, CNN_KERNEL_WHERE, 0, NULL, 4,
                                (const cnn_tensor *const[]){ y, call->x[MASKED_WHERE], number, call->x[MASKED_X] });
}

static void masked_fill_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn__grad_add(node, MASKED_X, cnn_masked_fill(dy, node->saved[MASKED_WHERE], 0));
}

static const cnn__reads masked_reads[] = { [MASKED_WHERE] = { "the mask", 1u << MASKED_X },
                                           [MASKED_WHERE + 1] = { NULL, 0 } };
static const cnn__op masked_fill_op = { .name = "masked_fill",
                                        .saves = 1u << MASKED_WHERE,
                                        .size = sizeof(masked_value),
                                        .attributes = masked_attributes,
                                        .infer = masked_fill_infer,
                                        .forward = masked_fill_forward,
                                        .backward = masked_fill_backward,
                                        .reads = masked_reads };

cnn_tensor *cnn_masked_fill(cnn_tensor *x, cnn_tensor *mask, double value)
{
    return cnn__apply(&masked_fill_op, (cnn_tensor *const[]){ x, mask }, 2, &(masked_value){ value });
}
