/* Comparisons of two operands, broadcast: eq, ne, lt, le, gt, ge. The result is bool and has no gradient. As IEEE
 * says, a NaN equals nothing and is neither less nor greater. */
#include "ops/operation.h"

typedef struct comparison {
    cnn__op op;
    cnn__compare kernel;
} comparison;

static bool compare_infer(cnn__call *call, void *attributes)
{
    (void)attributes;
    return cnn__call_same_dtype(call, 2) && cnn__call_out_broadcast(call, CNN_BOOL);
}

static bool compare_forward(cnn__call *call, void *attributes)
{
    const comparison *f = (const comparison *)(const void *)call->op; /* the descriptor is its first member */
    (void)attributes;
    return cnn__run_elementwise(call->tape, call->op->name, CNN_KERNEL_COMPARE, (int)f->kernel, NULL, 3,
                                (const cnn_tensor *const[]){ call->out[0], call->x[0], call->x[1] });
}

static cnn_tensor *compare(const comparison *f, cnn_tensor *a, cnn_tensor *b)
{
    return cnn__apply(&f->op, (cnn_tensor *const[]){ a, b }, 2, NULL);
}

static const comparison eq_op = { { .name = "eq", .infer = compare_infer, .forward = compare_forward },
                                  CNN_COMPARE_EQ };
static const comparison ne_op = { { .name = "ne", .infer = compare_infer, .forward = compare_forward },
                                  CNN_COMPARE_NE };
static const comparison lt_op = { { .name = "lt", .infer = compare_infer, .forward = compare_forward },
                                  CNN_COMPARE_LT };
static const comparison le_op = { { .name = "le", .infer = compare_infer, .forward = compare_forward },
                                  CNN_COMPARE_LE };
static const comparison gt_op = { { .name = "gt", .infer = compare_infer, .forward = compare_forward },
                                  CNN_COMPARE_GT };
static const comparison ge_op = { { .name = "ge", .infer = compare_infer, .forward = compare_forward },
                                  CNN_COMPARE_GE };

cnn_tensor *cnn_eq(cnn_tensor *a, cnn_tensor *b)
{
    return compare(&eq_op, a, b);
}

cnn_tensor *cnn_ne(cnn_tensor *a, cnn_tensor *b)
{
    return compare(&ne_op, a, b);
}

cnn_tensor *cnn_lt(cnn_tensor *a, cnn_tensor *b)
{
    return compare(&lt_op, a, b);
}

cnn_tensor *cnn_le(cnn_tensor *a, cnn_tensor *b)
{
    return compare(&le_op, a, b);
}

cnn_tensor *cnn_gt(cnn_tensor *a, cnn_tensor *b)
{
    return compare(&gt_op, a, b);
}

cnn_tensor *cnn_ge(cnn_tensor *a, cnn_tensor *b)
{
    return compare(&ge_op, a, b);
}
