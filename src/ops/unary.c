/* Elementwise operations with one operand: neg, exp, log, sqrt, abs, tanh, sigmoid, and those with a scalar, clamp,
 * pow_scalar, add_scalar, mul_scalar. Each is a descriptor, its gradient and its function, in that order. */
#include "ops/operation.h"

#include <math.h>

typedef struct unary {
    cnn__op op;
    cnn__unary kernel;
    bool integers; /* is it defined for them? */
    enum { SAVES_NOTHING, SAVES_INPUT, SAVES_OUTPUT } saves;
} unary;

static bool check_dtype(cnn__call *call, const unary *u)
{
    return u->integers ? cnn__call_number(call, 0) : cnn__call_real(call, 0);
}

static cnn_tensor *compute(cnn__call *call, const unary *u, double first, double second)
{
    const double parameters[2] = { first, second };
    cnn_tensor *x = call->in[0];
    cnn_tensor *y = cnn__result(call, x->dtype, x->ndim, x->shape);
    if (!y) {
        return call->nil;
    }
    if (y->numel) {
        cnn__nest nest;
        cnn__nest_make(&nest, y->ndim, y->shape, 2, (const cnn_tensor *const[]){ y, x });
        call->ctx->kernels->array->unary(u->kernel, &nest, x->dtype, parameters, cnn__data(y), cnn__data(x),
                                         call->ctx->pool);
    }
    cnn_tensor *saved[] = { [SAVES_NOTHING] = NULL, [SAVES_INPUT] = x, [SAVES_OUTPUT] = y };
    return cnn__record(call, y, parameters, sizeof parameters, 1, &saved[u->saves]);
}

static cnn_tensor *apply(const unary *u, cnn_tensor *x, double parameter)
{
    cnn__call call;
    if (!cnn__call_begin(&call, &u->op, 1, (cnn_tensor *const[]){ x }) || !check_dtype(&call, u)) {
        return call.nil;
    }
    return compute(&call, u, parameter, 0);
}

static double parameter_of(const cnn__node *node)
{
    return *(const double *)node->attributes;
}

/* ---- neg: −dy ---- */

static void neg_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn__grad_add(node, 0, cnn_neg(dy));
}

static const unary neg_op = { { .name = "neg", .backward = neg_backward }, CNN__NEG, true, SAVES_NOTHING };

cnn_tensor *cnn_neg(cnn_tensor *x)
{
    return apply(&neg_op, x, 0);
}

/* ---- exp: dy · y ---- */

static void exp_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn__grad_add(node, 0, cnn_mul(dy, node->saved[0]));
}

static const unary exp_op = { { .name = "exp", .backward = exp_backward }, CNN__EXP, false, SAVES_OUTPUT };

cnn_tensor *cnn_exp(cnn_tensor *x)
{
    return apply(&exp_op, x, 0);
}

/* ---- log: dy / x ---- */

static void log_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn__grad_add(node, 0, cnn_div(dy, node->saved[0]));
}

static const unary log_op = { { .name = "log", .backward = log_backward }, CNN__LOG, false, SAVES_INPUT };

cnn_tensor *cnn_log(cnn_tensor *x)
{
    return apply(&log_op, x, 0);
}

/* ---- sqrt: dy / (2·y) ---- */

static void sqrt_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn__grad_add(node, 0, cnn_div(dy, cnn_mul_scalar(node->saved[0], 2)));
}

static const unary sqrt_op = { { .name = "sqrt", .backward = sqrt_backward }, CNN__SQRT, false, SAVES_OUTPUT };

cnn_tensor *cnn_sqrt(cnn_tensor *x)
{
    return apply(&sqrt_op, x, 0);
}

/* ---- abs: dy · sign(x) ---- */

/* Only the gradient of abs needs it. */
static const unary sign_op = { { .name = "sign" }, CNN__SIGN, false, SAVES_NOTHING };

static void abs_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn__grad_add(node, 0, cnn_mul(dy, apply(&sign_op, node->saved[0], 0)));
}

static const unary abs_op = { { .name = "abs", .backward = abs_backward }, CNN__ABS, true, SAVES_INPUT };

cnn_tensor *cnn_abs(cnn_tensor *x)
{
    return apply(&abs_op, x, 0);
}

/* ---- tanh: dy · (1 − y²) ---- */

static void tanh_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn_tensor *y = node->saved[0];
    cnn__grad_add(node, 0, cnn_mul(dy, cnn_add_scalar(cnn_neg(cnn_mul(y, y)), 1)));
}

static const unary tanh_op = { { .name = "tanh", .backward = tanh_backward }, CNN__TANH, false, SAVES_OUTPUT };

cnn_tensor *cnn_tanh(cnn_tensor *x)
{
    return apply(&tanh_op, x, 0);
}

/* ---- sigmoid: dy · (1 − y) · y ---- */

static void sigmoid_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn_tensor *y = node->saved[0];
    cnn__grad_add(node, 0, cnn_mul(cnn_mul(dy, cnn_add_scalar(cnn_neg(y), 1)), y));
}

static const unary sigmoid_op = {
    { .name = "sigmoid", .backward = sigmoid_backward }, CNN__SIGMOID, false, SAVES_OUTPUT
};

cnn_tensor *cnn_sigmoid(cnn_tensor *x)
{
    return apply(&sigmoid_op, x, 0);
}

/* ---- clamp: dy where low ≤ x ≤ high, else 0 ---- */

static void clamp_backward(cnn__node *node, cnn_tensor *dy)
{
    const double *bounds = node->attributes;
    cnn_tensor *x = node->saved[0];
    cnn_tensor *zero = cnn__constant(node, x->dtype, 0);
    cnn_tensor *above = cnn_ge(x, cnn__constant(node, x->dtype, bounds[0]));
    cnn_tensor *below = cnn_le(x, cnn__constant(node, x->dtype, bounds[1]));
    cnn__grad_add(node, 0, cnn_where(above, cnn_where(below, dy, zero), zero));
}

static const unary clamp_op = { { .name = "clamp", .backward = clamp_backward }, CNN__CLAMP, true, SAVES_INPUT };

cnn_tensor *cnn_clamp(cnn_tensor *x, double low, double high)
{
    cnn__call call;
    if (!cnn__call_begin(&call, &clamp_op.op, 1, (cnn_tensor *const[]){ x }) || !check_dtype(&call, &clamp_op)) {
        return call.nil;
    }
    if (isnan(low) || isnan(high)) {
        return cnn__call_fail(&call, CNN_ERROR_INVALID_ARGUMENT, "low is %s, high is %s, expected numbers", CNN__G(low),
                              CNN__G(high));
    }
    return compute(&call, &clamp_op, low, high);
}

/* ---- pow_scalar: dy · e · x^(e − 1), and 0 where e = 0 ---- */

static void pow_scalar_backward(cnn__node *node, cnn_tensor *dy)
{
    double e = parameter_of(node);
    cnn_tensor *x = node->saved[0];
    if (e == 0) {
        cnn__grad_add(node, 0, cnn_expand(cnn__constant(node, dy->dtype, 0), dy->ndim, dy->shape));
    } else if (e == 1) {
        cnn__grad_add(node, 0, dy);
    } else {
        cnn__grad_add(node, 0, cnn_mul(dy, cnn_mul_scalar(e == 2 ? x : cnn_pow_scalar(x, e - 1), e)));
    }
}

static const unary pow_scalar_op = {
    { .name = "pow_scalar", .backward = pow_scalar_backward }, CNN__POW_SCALAR, false, SAVES_INPUT
};

cnn_tensor *cnn_pow_scalar(cnn_tensor *x, double exponent)
{
    return apply(&pow_scalar_op, x, exponent);
}

/* ---- add_scalar: dy ---- */

static void add_scalar_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn__grad_add(node, 0, dy);
}

static const unary add_scalar_op = {
    { .name = "add_scalar", .backward = add_scalar_backward }, CNN__ADD_SCALAR, false, SAVES_NOTHING
};

cnn_tensor *cnn_add_scalar(cnn_tensor *x, double value)
{
    return apply(&add_scalar_op, x, value);
}

/* ---- mul_scalar: dy · value ---- */

static void mul_scalar_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn__grad_add(node, 0, cnn_mul_scalar(dy, parameter_of(node)));
}

static const unary mul_scalar_op = {
    { .name = "mul_scalar", .backward = mul_scalar_backward }, CNN__MUL_SCALAR, false, SAVES_NOTHING
};

cnn_tensor *cnn_mul_scalar(cnn_tensor *x, double value)
{
    return apply(&mul_scalar_op, x, value);
}
