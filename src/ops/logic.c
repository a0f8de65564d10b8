/* Logic and tests for numbers that are not finite; results are bool and have no gradient. In logic every number but 0
 * is true, a NaN too. All run the kernel of comparisons, which is given a single operand twice. */
#include "ops/operation.h"

typedef struct logic {
    cnn__op op;
    cnn__compare kernel;
} logic;

static bool logic_infer(cnn__call *call, void *attributes)
{
    (void)attributes;
    return cnn__call_same_dtype(call, 2) && cnn__call_out_broadcast(call, CNN_BOOL);
}

static bool not_infer(cnn__call *call, void *attributes)
{
    (void)attributes;
    cnn__out_shaped(call, 0, 0, CNN_BOOL);
    return true;
}

static bool real_infer(cnn__call *call, void *attributes)
{
    return cnn__call_real(call, 0) && not_infer(call, attributes);
}

static bool logic_forward(cnn__call *call, void *attributes)
{
    const logic *f = (const logic *)(const void *)call->op; /* the descriptor is its first member */
    (void)attributes;
    return cnn__run_elementwise(call->tape, call->op->name, CNN_KERNEL_COMPARE, (int)f->kernel, NULL, 3,
                                (const cnn_tensor *const[]){ call->out[0], call->x[0], call->x[call->count - 1] });
}

static cnn_tensor *of_two(const logic *f, cnn_tensor *a, cnn_tensor *b)
{
    return cnn__apply(&f->op, (cnn_tensor *const[]){ a, b }, 2, NULL);
}

static const logic and_op = { { .name = "logical_and", .infer = logic_infer, .forward = logic_forward },
                              CNN_COMPARE_AND };
static const logic or_op = { { .name = "logical_or", .infer = logic_infer, .forward = logic_forward }, CNN_COMPARE_OR };
static const logic xor_op = { { .name = "logical_xor", .infer = logic_infer, .forward = logic_forward },
                              CNN_COMPARE_XOR };
static const logic not_op = { { .name = "logical_not", .infer = not_infer, .forward = logic_forward },
                              CNN_COMPARE_NOT };
static const logic isnan_op = { { .name = "isnan", .infer = real_infer, .forward = logic_forward }, CNN_COMPARE_ISNAN };
static const logic isinf_op = { { .name = "isinf", .infer = real_infer, .forward = logic_forward }, CNN_COMPARE_ISINF };
static const logic isfinite_op = { { .name = "isfinite", .infer = real_infer, .forward = logic_forward },
                                   CNN_COMPARE_ISFINITE };

cnn_tensor *cnn_logical_and(cnn_tensor *a, cnn_tensor *b)
{
    return of_two(&and_op, a, b);
}

cnn_tensor *cnn_logical_or(cnn_tensor *a, cnn_tensor *b)
{
    return of_two(&or_op, a, b);
}

cnn_tensor *cnn_logical_xor(cnn_tensor *a, cnn_tensor *b)
{
    return of_two(&xor_op, a, b);
}

cnn_tensor *cnn_logical_not(cnn_tensor *x)
{
    return cnn__apply(&not_op.op, &x, 1, NULL);
}

cnn_tensor *cnn_isnan(cnn_tensor *x)
{
    return cnn__apply(&isnan_op.op, &x, 1, NULL);
}

cnn_tensor *cnn_isinf(cnn_tensor *x)
{
    return cnn__apply(&isinf_op.op, &x, 1, NULL);
}

cnn_tensor *cnn_isfinite(cnn_tensor *x)
{
    return cnn__apply(&isfinite_op.op, &x, 1, NULL);
}
