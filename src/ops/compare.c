/* Comparisons of two operands, broadcast: eq, ne, lt, le, gt, ge. The result is bool and has no gradient. As IEEE
 * says, a NaN equals nothing and is neither less nor greater. */
#include "ops/operation.h"

typedef struct comparison {
    cnn__op op;
    cnn__compare kernel;
} comparison;

static cnn_tensor *compare(const comparison *f, cnn_tensor *a, cnn_tensor *b)
{
    cnn__call call;
    int ndim;
    int64_t shape[CNN_MAX_DIMS];
    if (!cnn__call_begin(&call, &f->op, 2, (cnn_tensor *const[]){ a, b }) || !cnn__call_same_dtype(&call, 2) ||
        !cnn__call_broadcast(&call, 0, 1, &ndim, shape)) {
        return call.nil;
    }
    a = call.in[0];
    b = call.in[1];
    cnn_tensor *y = cnn__result(&call, CNN_BOOL, ndim, shape);
    if (!y) {
        return call.nil;
    }
    if (y->numel) {
        cnn__nest nest;
        cnn__nest_make(&nest, ndim, shape, 3, (const cnn_tensor *const[]){ y, a, b });
        call.ctx->kernels->array->compare(f->kernel, &nest, a->dtype, cnn__data(y), cnn__data(a), cnn__data(b),
                                          call.ctx->pool);
    }
    return y;
}

static const comparison eq_op = { { .name = "eq" }, CNN__EQ };
static const comparison ne_op = { { .name = "ne" }, CNN__NE };
static const comparison lt_op = { { .name = "lt" }, CNN__LT };
static const comparison le_op = { { .name = "le" }, CNN__LE };
static const comparison gt_op = { { .name = "gt" }, CNN__GT };
static const comparison ge_op = { { .name = "ge" }, CNN__GE };

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
