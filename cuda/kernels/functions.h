/* The functions of elements, by number: cnn_unary, cnn_binary, cnn_compare of <cnn/kernels/elements.h>. Formulas that
 * are one expression are those of the CPU (kernels/array/unary.def) and give its bits. No include guard: one inclusion,
 * one dtype. X is its type, FN(name) its name, MATH(f) its function of <math.h>, OWN(f) that of base/math.h. */

/* A NaN fails both comparisons and stays. */
DEVICE X FN(within)(X x, X low, X high)
{
    X y = x < low ? low : x;
    return y > high ? high : y;
}

/* y, but p where x is a NaN. */
DEVICE X FN(unless_nan)(X x, X y, X p)
{
    return x == x ? y : p;
}

/* log(1 + exp(x)): exp() never overflows. */
DEVICE X FN(log1p_exp)(X x)
{
    return (x > 0 ? x : 0) + MATH(log1p)(OWN(exp)(-MATH(fabs)(x)));
}

/* The standard normal distribution function. */
DEVICE X FN(normal)(X x)
{
    return MATH(erfc)(x * (X)-0.70710678118654752440) / 2;
}

DEVICE X FN(gelu_tanh)(X x)
{
    return OWN(tanh)((X)0.79788456080286535588 * (x + (X)0.044715 * x * x * x));
}

DEVICE X FN(gelu)(X x, X p)
{
    return p != 0 ? x * ((1 + FN(gelu_tanh)(x)) / 2) : x * FN(normal)(x);
}

DEVICE X FN(gelu_slope)(X x, X p)
{
    if (p != 0) {
        X t = FN(gelu_tanh)(x);
        return (1 + t) / 2 + x / 2 * (1 - t * t) * (X)0.79788456080286535588 * (1 + (X)0.134145 * x * x);
    }
    return FN(normal)(x) + x * (X)0.39894228040143267794 * OWN(exp)(-x * x / 2);
}

/* ELU and its relatives: scale · x, and high · (exp(b·x) − 1) where x ≤ 0. */
DEVICE X FN(elu)(X x, X scale, X high, X b)
{
    return x <= 0 ? high * MATH(expm1)(b * x) : scale * x;
}

DEVICE X FN(elu_slope)(X x, X scale, X high, X b)
{
    return x <= 0 ? high * b * OWN(exp)(b * x) : scale;
}

/* σ(x) · (1 + x · (1 − σ(x))), where 1 − σ(x) = σ(−x). */
DEVICE X FN(silu_slope)(X x)
{
    X e = OWN(exp)(-MATH(fabs)(x)), sum = 1 + e;
    return (x >= 0 ? 1 : e) / sum * (1 + x * ((x >= 0 ? e : 1) / sum));
}

/* tanh(log(1 + e)) = n / (n + 2) with n = e·(e + 2); from x = 20 on it is 1. */
DEVICE X FN(mish_tanh)(X x)
{
    X e = OWN(exp)(x > 20 ? 20 : x), n = e * (e + 2);
    return n / (n + 2);
}

DEVICE X FN(mish_slope)(X x)
{
    X t = FN(mish_tanh)(x);
    return t + x * OWN(sigmoid)(x) * (1 - t * t);
}

/* Exponents that the CPU has formulas for; the others are made in double. */
DEVICE X FN(power)(X x, X p)
{
    if (p == 0) {
        return 1;
    }
    if (p == 1) {
        return x;
    }
    if (p == 2) {
        return x * x;
    }
    if (p == 3 && sizeof(X) < sizeof(double)) {
        return (X)((double)x * (double)x * (double)x);
    }
    if (p == -1) {
        return 1 / x;
    }
    if (p == (X)0.5) {
        return MATH(sqrt)(x);
    }
    if (p == (X)-0.5) {
        return 1 / MATH(sqrt)(x);
    }
    return FN(pow_of)(x, p);
}

#define SELU_SCALE ((X)1.0507009873554804934193349852946)
#define SELU_HIGH ((X)(1.0507009873554804934193349852946 * 1.6732632423543772848170429916717))

/* The functions without a formula in unary.def are written out. */
DEVICE X FN(unary_of)(int64_t function, X x, X p, X q)
{
    switch (function) {
/* clang-format off */
#define CNN__UNARY(NAME, name, cost, formula) \
    case CNN_UNARY_##NAME: return (X)(formula);
#include "kernels/array/unary.def"
        /* clang-format on */
    case CNN_UNARY_EXP: return OWN(exp)(x);
    case CNN_UNARY_LOG: return OWN(log)(x);
    case CNN_UNARY_SQRT: return MATH(sqrt)(x);
    case CNN_UNARY_POW: return FN(power)(x, p);
    case CNN_UNARY_GELU: return FN(gelu)(x, p);
    case CNN_UNARY_GELU_SLOPE: return FN(gelu_slope)(x, p);
    case CNN_UNARY_ELU: return FN(elu)(x, 1, p, q);
    case CNN_UNARY_ELU_SLOPE: return FN(elu_slope)(x, 1, p, q);
    case CNN_UNARY_SELU: return FN(elu)(x, SELU_SCALE, SELU_HIGH, 1);
    case CNN_UNARY_SELU_SLOPE: return FN(elu_slope)(x, SELU_SCALE, SELU_HIGH, 1);
    case CNN_UNARY_SILU: return x * OWN(sigmoid)(x);
    case CNN_UNARY_SILU_SLOPE: return FN(silu_slope)(x);
    case CNN_UNARY_MISH: return x * FN(mish_tanh)(x);
    case CNN_UNARY_MISH_SLOPE: return FN(mish_slope)(x);
    case CNN_UNARY_SOFTPLUS: return p * x > q ? x : FN(log1p_exp)(p * x) / p;
    case CNN_UNARY_SOFTPLUS_SLOPE: return p * x > q ? 1 : OWN(sigmoid)(p * x);
    case CNN_UNARY_LOGSIGMOID: return -FN(log1p_exp)(-x);
    case CNN_UNARY_LOGSIGMOID_SLOPE: return OWN(sigmoid)(-x);
    case CNN_UNARY_ERF: return MATH(erf)(x);
    case CNN_UNARY_ERFC: return MATH(erfc)(x);
    case CNN_UNARY_ERF_SLOPE: return (X)(1.1283791670955125739 * cnn__exp_f64(-(double)x * (double)x));
    case CNN_UNARY_SIN: return MATH(sin)(x);
    case CNN_UNARY_COS: return MATH(cos)(x);
    case CNN_UNARY_TAN: return MATH(tan)(x);
    case CNN_UNARY_ASIN: return MATH(asin)(x);
    case CNN_UNARY_ACOS: return MATH(acos)(x);
    case CNN_UNARY_ATAN: return MATH(atan)(x);
    case CNN_UNARY_LOG2: return MATH(log2)(x);
    case CNN_UNARY_LOG10: return MATH(log10)(x);
    case CNN_UNARY_LOG1P: return MATH(log1p)(x);
    case CNN_UNARY_EXP2: return MATH(exp2)(x);
    case CNN_UNARY_EXPM1: return MATH(expm1)(x);
    default: return x;
    }
}
#undef SELU_SCALE
#undef SELU_HIGH

/* The chosen one, but a NaN of the first. */
DEVICE X FN(chosen)(X a, X y)
{
    return a != a ? a : y;
}

DEVICE X FN(binary_of)(int64_t function, X x, X b)
{
    switch (function) {
    case CNN_BINARY_ADD: return x + b;
    case CNN_BINARY_SUB: return x - b;
    case CNN_BINARY_MUL: return x * b;
    case CNN_BINARY_DIV: return x / b;
    case CNN_BINARY_POW: return FN(pow_of)(x, b);
    case CNN_BINARY_MINIMUM: return FN(chosen)(x, x < b ? x : b);
    case CNN_BINARY_MAXIMUM: return FN(chosen)(x, x > b ? x : b);
    default: return x > 0 ? x : x * b; /* PReLU */
    }
}

DEVICE uint8_t FN(compare_of)(int64_t function, X x, X b)
{
    switch (function) {
    case CNN_COMPARE_EQ: return x == b;
    case CNN_COMPARE_NE: return x != b;
    case CNN_COMPARE_LT: return x < b;
    case CNN_COMPARE_LE: return x <= b;
    case CNN_COMPARE_GT: return x > b;
    case CNN_COMPARE_GE: return x >= b;
    case CNN_COMPARE_AND: return (x != 0) & (b != 0);
    case CNN_COMPARE_OR: return (x != 0) | (b != 0);
    case CNN_COMPARE_XOR: return (x != 0) ^ (b != 0);
    case CNN_COMPARE_NOT: return x == 0;
    case CNN_COMPARE_ISNAN: return x != x;
    case CNN_COMPARE_ISINF: return (x == x) & (x - x != 0);
    default: return x - x == 0; /* finite */
    }
}
