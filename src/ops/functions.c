/* Elementary functions of one operand and rounding. Each is a descriptor, its gradient and its function, in that order;
 * a gradient says what dy is multiplied by. */
#include "ops/unary.h"

#include <math.h>

/* A function of f32, f64 and bf16 whose kernel needs no values. */
#define FUNCTION(function, gradient, SAVES, KERNEL) \
    { \
        CNN__UNARY_OP(function, gradient, CNN__SAVES_##SAVES), CNN_UNARY_##KERNEL, false \
    }

static cnn_tensor *apply(const cnn__unary_op *op, cnn_tensor *x)
{
    return cnn__unary_apply(op, x, 0, 0);
}

static void add_product(cnn__node *node, cnn_tensor *dy, cnn_tensor *slope)
{
    cnn__unary_add_with(node, dy, CNN_BINARY_MUL, slope);
}

/* ---- floor, ceil, round, trunc, sign: 0, also where they jump ---- */

static void step_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn__grad_add(node, 0, cnn_expand(cnn__constant(node, dy->dtype, 0), dy->ndim, dy->shape));
}

static const cnn__unary_op floor_op = FUNCTION(floor, step_backward, NOTHING, FLOOR);
static const cnn__unary_op ceil_op = FUNCTION(ceil, step_backward, NOTHING, CEIL);
static const cnn__unary_op round_op = FUNCTION(round, step_backward, NOTHING, ROUND);
static const cnn__unary_op trunc_op = FUNCTION(trunc, step_backward, NOTHING, TRUNC);
static const cnn__unary_op sign_op = { CNN__UNARY_OP(sign, step_backward, CNN__SAVES_NOTHING), CNN_UNARY_SIGN, true };

cnn_tensor *cnn_floor(cnn_tensor *x)
{
    return apply(&floor_op, x);
}

cnn_tensor *cnn_ceil(cnn_tensor *x)
{
    return apply(&ceil_op, x);
}

cnn_tensor *cnn_round(cnn_tensor *x)
{
    return apply(&round_op, x);
}

cnn_tensor *cnn_trunc(cnn_tensor *x)
{
    return apply(&trunc_op, x);
}

cnn_tensor *cnn_sign(cnn_tensor *x)
{
    return apply(&sign_op, x);
}

/* ---- reciprocal, rsqrt, square: powers ---- */

/* −y² */
static void reciprocal_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn_tensor *y = cnn__saved_output(node, 0);
    add_product(node, dy, cnn_neg(cnn_mul(y, y)));
}

static const cnn__unary_op reciprocal_op = FUNCTION(reciprocal, reciprocal_backward, OUTPUT, POW);

cnn_tensor *cnn_reciprocal(cnn_tensor *x)
{
    return cnn__unary_apply(&reciprocal_op, x, -1, 0);
}

/* −y³ / 2 */
static void rsqrt_backward(cnn__node *node, cnn_tensor *dy)
{
    add_product(node, dy, cnn_mul_scalar(cnn_pow_scalar(cnn__saved_output(node, 0), 3), -0.5));
}

static const cnn__unary_op rsqrt_op = FUNCTION(rsqrt, rsqrt_backward, OUTPUT, POW);

cnn_tensor *cnn_rsqrt(cnn_tensor *x)
{
    return cnn__unary_apply(&rsqrt_op, x, -0.5, 0);
}

/* 2·x */
static void square_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn__unary_add_slope(node, dy, CNN_UNARY_MUL, (const double[]){ 2, 0 }, node->saved[0]);
}

static const cnn__unary_op square_op = FUNCTION(square, square_backward, INPUT, POW);

cnn_tensor *cnn_square(cnn_tensor *x)
{
    return cnn__unary_apply(&square_op, x, 2, 0);
}

/* ---- exp2, expm1: y · log(2), y + 1 ---- */

static void exp2_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn__unary_add_slope(node, dy, CNN_UNARY_MUL, (const double[]){ 0.69314718055994530942, 0 },
                         cnn__saved_output(node, 0));
}

static const cnn__unary_op exp2_op = FUNCTION(exp2, exp2_backward, OUTPUT, EXP2);

cnn_tensor *cnn_exp2(cnn_tensor *x)
{
    return apply(&exp2_op, x);
}

static void expm1_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn__unary_add_slope(node, dy, CNN_UNARY_ADD, (const double[]){ 1, 0 }, cnn__saved_output(node, 0));
}

static const cnn__unary_op expm1_op = FUNCTION(expm1, expm1_backward, OUTPUT, EXPM1);

cnn_tensor *cnn_expm1(cnn_tensor *x)
{
    return apply(&expm1_op, x);
}

/* ---- log2, log10, log1p: 1 / (x · log(2)), 1 / (x · log(10)), 1 / (x + 1) ---- */

static void log2_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn__unary_add_with(node, dy, CNN_BINARY_DIV, cnn_mul_scalar(node->saved[0], 0.69314718055994530942));
}

static const cnn__unary_op log2_op = FUNCTION(log2, log2_backward, INPUT, LOG2);

cnn_tensor *cnn_log2(cnn_tensor *x)
{
    return apply(&log2_op, x);
}

static void log10_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn__unary_add_with(node, dy, CNN_BINARY_DIV, cnn_mul_scalar(node->saved[0], 2.3025850929940456840));
}

static const cnn__unary_op log10_op = FUNCTION(log10, log10_backward, INPUT, LOG10);

cnn_tensor *cnn_log10(cnn_tensor *x)
{
    return apply(&log10_op, x);
}

static void log1p_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn__unary_add_with(node, dy, CNN_BINARY_DIV, cnn_add_scalar(node->saved[0], 1));
}

static const cnn__unary_op log1p_op = FUNCTION(log1p, log1p_backward, INPUT, LOG1P);

cnn_tensor *cnn_log1p(cnn_tensor *x)
{
    return apply(&log1p_op, x);
}

/* ---- erf: 2/√π · exp(−x²) ---- */

static void erf_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn__unary_add_slope(node, dy, CNN_UNARY_ERF_SLOPE, NULL, node->saved[0]);
}

static const cnn__unary_op erf_op = FUNCTION(erf, erf_backward, INPUT, ERF);

cnn_tensor *cnn_erf(cnn_tensor *x)
{
    return apply(&erf_op, x);
}

/* ---- erfc: −2/√π · exp(−x²) ---- */

static void erfc_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn__unary_add_slope(node, cnn_neg(dy), CNN_UNARY_ERF_SLOPE, NULL, node->saved[0]);
}

static const cnn__unary_op erfc_op = FUNCTION(erfc, erfc_backward, INPUT, ERFC);

cnn_tensor *cnn_erfc(cnn_tensor *x)
{
    return apply(&erfc_op, x);
}
