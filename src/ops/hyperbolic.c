/* Hyperbolic functions, their inverses and the fraction: compositions of elementary functions whose error near 0 is
 * small. bfloat16 is computed in f32, so that results are rounded once. */
#include "ops/operation.h"

/* The operand as it is computed with; NULL: reported. */
static cnn_tensor *hyperbolic_begin(cnn__call *call, const cnn__op *op, cnn_tensor *x)
{
    if (!cnn__call_begin(call, op, 1, &x) || !cnn__call_real(call, 0)) {
        return NULL;
    }
    return call->in[0]->dtype == CNN_BF16 ? cnn_cast(call->in[0], CNN_F32) : call->in[0];
}

static cnn_tensor *hyperbolic_end(const cnn__call *call, cnn_tensor *y)
{
    return cnn_cast(y, call->in[0]->dtype);
}

/* expm1(x / 2) and expm1(−x / 2): their difference is 2 · sinh(x / 2), to the rounding of each, and their sum
 * 2 · cosh(x / 2) − 2. Half of the argument overflows nowhere where the result does not. */
static void hyperbolic_halves(cnn_tensor *x, cnn_tensor **up, cnn_tensor **down)
{
    *up = cnn_expm1(cnn_mul_scalar(x, 0.5));
    *down = cnn_expm1(cnn_mul_scalar(x, -0.5));
}

/* 2 · sinh(x / 2) · cosh(x / 2) */
cnn_tensor *cnn_sinh(cnn_tensor *x)
{
    static const cnn__op op = CNN__COMPOSITION(sinh, .optional = 0);
    cnn__call call;
    cnn_tensor *up, *down;
    if (!(x = hyperbolic_begin(&call, &op, x))) {
        return call.nil;
    }
    hyperbolic_halves(x, &up, &down);
    return hyperbolic_end(&call, cnn_mul(cnn_mul_scalar(cnn_sub(up, down), 0.5), cnn_add_scalar(cnn_add(up, down), 2)));
}

/* 1 + 2 · sinh(x / 2)² */
cnn_tensor *cnn_cosh(cnn_tensor *x)
{
    static const cnn__op op = CNN__COMPOSITION(cosh, .optional = 0);
    cnn__call call;
    cnn_tensor *up, *down;
    if (!(x = hyperbolic_begin(&call, &op, x))) {
        return call.nil;
    }
    hyperbolic_halves(x, &up, &down);
    cnn_tensor *s = cnn_sub(up, down);
    return hyperbolic_end(&call, cnn_add_scalar(cnn_mul(cnn_mul_scalar(s, 0.5), s), 1));
}

/* log1p(a + a · r) with a = |x| and r = a / (1 + √(a² + 1)), which is 1 from 10¹⁷ on, and the sign of x. The choice by
 * x < −x, unlike |x|, has a gradient at 0. */
cnn_tensor *cnn_asinh(cnn_tensor *x)
{
    static const cnn__op op = CNN__COMPOSITION(asinh, .optional = 0);
    cnn__call call;
    if (!(x = hyperbolic_begin(&call, &op, x))) {
        return call.nil;
    }
    cnn_tensor *other = cnn_neg(x), *negative = cnn_lt(x, other), *a = cnn_where(negative, other, x);
    cnn_tensor *most = cnn_clamp(a, 0, 1e17), *root = cnn_sqrt(cnn_add_scalar(cnn_square(most), 1));
    cnn_tensor *y = cnn_log1p(cnn_add(a, cnn_mul(a, cnn_div(most, cnn_add_scalar(root, 1)))));
    return hyperbolic_end(&call, cnn_where(negative, cnn_neg(y), y));
}

/* log1p(t + √t · √(t + 2)) with t = x − 1, which is exact near 1, where the function is steepest. */
cnn_tensor *cnn_acosh(cnn_tensor *x)
{
    static const cnn__op op = CNN__COMPOSITION(acosh, .optional = 0);
    cnn__call call;
    if (!(x = hyperbolic_begin(&call, &op, x))) {
        return call.nil;
    }
    cnn_tensor *t = cnn_add_scalar(x, -1), *root = cnn_mul(cnn_sqrt(t), cnn_sqrt(cnn_add_scalar(t, 2)));
    return hyperbolic_end(&call, cnn_log1p(cnn_add(t, root)));
}

/* (log1p(x) − log1p(−x)) / 2, of which neither cancels. */
cnn_tensor *cnn_atanh(cnn_tensor *x)
{
    static const cnn__op op = CNN__COMPOSITION(atanh, .optional = 0);
    cnn__call call;
    if (!(x = hyperbolic_begin(&call, &op, x))) {
        return call.nil;
    }
    return hyperbolic_end(&call, cnn_mul_scalar(cnn_sub(cnn_log1p(x), cnn_log1p(cnn_neg(x))), 0.5));
}

cnn_tensor *cnn_frac(cnn_tensor *x)
{
    static const cnn__op op = CNN__COMPOSITION(frac, .optional = 0);
    cnn__call call;
    if (!cnn__call_begin(&call, &op, 1, &x) || !cnn__call_real(&call, 0)) {
        return call.nil;
    }
    return cnn_sub(call.in[0], cnn_trunc(call.in[0]));
}
