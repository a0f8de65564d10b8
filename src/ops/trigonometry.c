/* sin, cos, tan and their inverses. Each is a descriptor, its gradient and its function, in that order; a gradient says
 * what dy is multiplied by. */
#include "ops/unary.h"

#define FUNCTION(function, gradient, SAVES, KERNEL) \
    { \
        CNN__UNARY_OP(function, gradient, CNN__SAVES_##SAVES), CNN_UNARY_##KERNEL, false \
    }

/* ---- sin: cos(x) ---- */

static void sin_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn__unary_add_slope(node, dy, CNN_UNARY_COS, NULL, node->saved[0]);
}

static const cnn__unary_op sin_op = FUNCTION(sin, sin_backward, INPUT, SIN);

cnn_tensor *cnn_sin(cnn_tensor *x)
{
    return cnn__unary_apply(&sin_op, x, 0, 0);
}

/* ---- cos: −sin(x) ---- */

static void cos_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn__unary_add_with(node, dy, CNN_BINARY_MUL, cnn_neg(cnn_sin(node->saved[0])));
}

static const cnn__unary_op cos_op = FUNCTION(cos, cos_backward, INPUT, COS);

cnn_tensor *cnn_cos(cnn_tensor *x)
{
    return cnn__unary_apply(&cos_op, x, 0, 0);
}

/* ---- tan: 1 + y² ---- */

static void tan_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn_tensor *y = cnn__saved_output(node, 0);
    cnn__unary_add_with(node, dy, CNN_BINARY_MUL, cnn_add_scalar(cnn_mul(y, y), 1));
}

static const cnn__unary_op tan_op = FUNCTION(tan, tan_backward, OUTPUT, TAN);

cnn_tensor *cnn_tan(cnn_tensor *x)
{
    return cnn__unary_apply(&tan_op, x, 0, 0);
}

/* ---- asin, acos: ±1 / √(1 − x²) ---- */

static cnn_tensor *asin_slope(const cnn__node *node)
{
    cnn_tensor *x = node->saved[0];
    return cnn_rsqrt(cnn_add_scalar(cnn_neg(cnn_mul(x, x)), 1));
}

static void asin_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn__unary_add_with(node, dy, CNN_BINARY_MUL, asin_slope(node));
}

static const cnn__unary_op asin_op = FUNCTION(asin, asin_backward, INPUT, ASIN);

cnn_tensor *cnn_asin(cnn_tensor *x)
{
    return cnn__unary_apply(&asin_op, x, 0, 0);
}

static void acos_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn__unary_add_with(node, dy, CNN_BINARY_MUL, cnn_neg(asin_slope(node)));
}

static const cnn__unary_op acos_op = FUNCTION(acos, acos_backward, INPUT, ACOS);

cnn_tensor *cnn_acos(cnn_tensor *x)
{
    return cnn__unary_apply(&acos_op, x, 0, 0);
}

/* ---- atan: 1 / (1 + x²) ---- */

static void atan_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn_tensor *x = node->saved[0];
    cnn__unary_add_with(node, dy, CNN_BINARY_DIV, cnn_add_scalar(cnn_mul(x, x), 1));
}

static const cnn__unary_op atan_op = FUNCTION(atan, atan_backward, INPUT, ATAN);

cnn_tensor *cnn_atan(cnn_tensor *x)
{
    return cnn__unary_apply(&atan_op, x, 0, 0);
}
