/* Logic and tests for numbers that are not finite; results are bool and have no gradient. In logic every number but 0
 * is true, a NaN too. All run the kernel of comparisons, which is given a single operand twice. The tests for one of
 * the infinities are compositions, and so is nan_to_num, which replaces what they find, where it chooses numbers for
 * infinities. */
#include "ops/unary.h"

#include <float.h>

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

/* ---- one of the infinities: what lies beyond all finite numbers ---- */

static double largest_of(cnn_dtype dtype)
{
    return dtype == CNN_F64 ? DBL_MAX : dtype == CNN_F32 ? (double)FLT_MAX : 0x1.fep127;
}

/* x is compared with itself, limited to finite numbers; no integer or bool needs the limit. */
static cnn_tensor *outside_finite(const cnn__op *op, cnn_tensor *x,
                                  cnn_tensor *(*compare)(cnn_tensor *a, cnn_tensor *b))
{
    cnn__call call;
    if (!cnn__call_begin(&call, op, 1, &x)) {
        return call.nil;
    }
    x = cnn_detach(call.in[0]);
    const double most = largest_of(x->dtype);
    return compare(x, cnn__dtype_is_real(x->dtype) ? cnn_clamp(x, -most, most) : x);
}

cnn_tensor *cnn_isposinf(cnn_tensor *x)
{
    static const cnn__op op = CNN__COMPOSITION(isposinf, .optional = 0);
    return outside_finite(&op, x, cnn_gt);
}

cnn_tensor *cnn_isneginf(cnn_tensor *x)
{
    static const cnn__op op = CNN__COMPOSITION(isneginf, .optional = 0);
    return outside_finite(&op, x, cnn_lt);
}

/* ---- nan_to_num: dy where x is finite, else dy · 0 ---- */

static void nan_to_num_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn__unary_add_slope(node, dy, CNN_UNARY_FINITE_SLOPE, NULL, node->saved[0]);
}

static const cnn__attribute nan_to_num_attributes[] = {
    { .name = "nan", .type = CNN__FLOAT },
    { .name = "limit", .type = CNN__FLOAT, .offset = sizeof(double) },
    { .name = NULL }
};
static const cnn__unary_op nan_to_num_op = { CNN__UNARY_OP(nan_to_num, nan_to_num_backward, CNN__SAVES_INPUT,
                                                           .chains = true, .attributes = nan_to_num_attributes),
                                             CNN_UNARY_NAN_TO_NUM, false };

cnn_tensor *cnn_nan_to_num(cnn_tensor *x, const cnn_nan_to_num_options *options)
{
    cnn__call call;
    cnn_nan_to_num_options o;
    if (!cnn__call_begin(&call, &nan_to_num_op.op, 1, &x) || !CNN__CALL_OPTIONS(&call, &o, options)) {
        return call.nil;
    }
    x = call.in[0];
    if (!cnn__dtype_is_real(x->dtype)) {
        return x;
    }
    const double most = largest_of(x->dtype);
    const double nan = cnn__option(o.nan, 0);
    if (o.posinf == 0 && o.neginf == 0) {
        return cnn__unary_apply(&nan_to_num_op, x, nan, most);
    }
    cnn_tensor *y = cnn_masked_fill(x, cnn_isnan(x), nan);
    y = cnn_masked_fill(y, cnn_isposinf(x), cnn__option(o.posinf, most));
    return cnn_masked_fill(y, cnn_isneginf(x), cnn__option(o.neginf, -most));
}
