/* Elementwise operations with one operand: neg, exp, log, sqrt, abs, tanh, sigmoid, gelu, and those with a scalar,
 * clamp, pow_scalar, add_scalar, mul_scalar. Each is a descriptor, its gradient and its function, in that order. */
#include "ops/unary.h"

#include "autograd/chain.h"

#include <math.h>

static const cnn__attribute value_attribute[] = { { .name = "value", .type = CNN__FLOAT }, { .name = NULL } };
static const cnn__attribute exponent_attribute[] = { { .name = "exponent", .type = CNN__FLOAT }, { .name = NULL } };
static const cnn__attribute bounds_attributes[] = { { .name = "low", .type = CNN__FLOAT },
                                                    { .name = "high", .type = CNN__FLOAT, .offset = sizeof(double) },
                                                    { .name = NULL } };

/* The descriptor is the first member of its cnn__unary_op. */
static const cnn__unary_op *unary_of(const cnn__call *call)
{
    return (const cnn__unary_op *)(const void *)call->op;
}

bool cnn__unary_infer(cnn__call *call, void *attributes)
{
    (void)attributes;
    cnn__out_shaped(call, 0, 0, call->in[0]->dtype);
    return unary_of(call)->integers ? cnn__call_number(call, 0) : cnn__call_real(call, 0);
}

bool cnn__unary_forward(cnn__call *call, void *attributes)
{
    const cnn__unary_values *v = attributes;
    return cnn__run_elementwise(call->tape, call->op->name, CNN_KERNEL_UNARY, (int)unary_of(call)->kernel, v->value, 2,
                                (const cnn_tensor *const[]){ call->out[0], call->x[0] });
}

cnn_tensor *cnn__unary_apply(const cnn__unary_op *u, cnn_tensor *x, double first, double second)
{
    cnn__unary_values v = { { first, second } };
    return cnn__apply(&u->op, &x, 1, &v);
}

/* ---- gradients, which are written where they belong: `operands` follow the gradient itself ---- */

static void unary_add(cnn__node *node, cnn_kernel kernel, int function, const double value[2], int count,
                      const cnn_tensor *const operands[2])
{
    bool failed = operands[0]->kind == CNN__TENSOR_NIL || (operands[1] && operands[1]->kind == CNN__TENSOR_NIL);
    const int of = kernel == CNN_KERNEL_SLOPE ? 1 : 0; /* where dy is */
    cnn_tensor *dy = (cnn_tensor *)(uintptr_t)operands[of];
    if (!failed && cnn__chain_map(node, kernel, function, value, dy, operands[1 - of], of == 1)) {
        return;
    }
    cnn_tensor *dx = failed ? NULL : cnn__grad_empty(node, 0);
    if (dx && cnn__run_elementwise(node->tape, node->op->name, kernel, function, value, 1 + count,
                                   (const cnn_tensor *const[]){ dx, operands[0], operands[1] })) {
        cnn__grad_add(node, 0, dx);
    }
}

void cnn__unary_add_slope(cnn__node *node, const cnn_tensor *dy, cnn_unary function, const double value[2],
                          const cnn_tensor *x)
{
    unary_add(node, CNN_KERNEL_SLOPE, (int)function, value, 2, (const cnn_tensor *const[]){ x, dy });
}

void cnn__unary_add_of(cnn__node *node, const cnn_tensor *dy, cnn_unary function, double value)
{
    unary_add(node, CNN_KERNEL_UNARY, (int)function, (const double[]){ value, 0 }, 1,
              (const cnn_tensor *const[]){ dy, NULL });
}

void cnn__unary_add_with(cnn__node *node, const cnn_tensor *dy, cnn_binary function, const cnn_tensor *other)
{
    unary_add(node, CNN_KERNEL_BINARY, (int)function, NULL, 2, (const cnn_tensor *const[]){ dy, other });
}

static double parameter_of(const cnn__node *node)
{
    return ((const cnn__unary_values *)node->attributes)->value[0];
}

/* ---- neg: −dy ---- */

static void neg_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn__unary_add_of(node, dy, CNN_UNARY_NEG, 0);
}

static const cnn__unary_op neg_op = { CNN__UNARY_OP(neg, neg_backward, CNN__SAVES_NOTHING, .chains = true),
                                      CNN_UNARY_NEG, true };

cnn_tensor *cnn_neg(cnn_tensor *x)
{
    return cnn__unary_apply(&neg_op, x, 0, 0);
}

/* ---- exp: dy · y ---- */

static void exp_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn__unary_add_with(node, dy, CNN_BINARY_MUL, cnn__saved_output(node, 0));
}

static const cnn__unary_op exp_op = { CNN__UNARY_OP(exp, exp_backward, CNN__SAVES_OUTPUT, .chains = true),
                                      CNN_UNARY_EXP, false };

cnn_tensor *cnn_exp(cnn_tensor *x)
{
    return cnn__unary_apply(&exp_op, x, 0, 0);
}

/* ---- log: dy / x ---- */

static void log_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn__unary_add_with(node, dy, CNN_BINARY_DIV, node->saved[0]);
}

static const cnn__unary_op log_op = { CNN__UNARY_OP(log, log_backward, CNN__SAVES_INPUT, .chains = true), CNN_UNARY_LOG,
                                      false };

cnn_tensor *cnn_log(cnn_tensor *x)
{
    return cnn__unary_apply(&log_op, x, 0, 0);
}

/* ---- sqrt: dy / (2·y) ---- */

static void sqrt_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn__unary_add_with(node, dy, CNN_BINARY_DIV, cnn_mul_scalar(cnn__saved_output(node, 0), 2));
}

static const cnn__unary_op sqrt_op = { CNN__UNARY_OP(sqrt, sqrt_backward, CNN__SAVES_OUTPUT, .chains = true),
                                       CNN_UNARY_SQRT, false };

cnn_tensor *cnn_sqrt(cnn_tensor *x)
{
    return cnn__unary_apply(&sqrt_op, x, 0, 0);
}

/* ---- abs: dy · sign(x) ---- */

static void abs_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn__unary_add_slope(node, dy, CNN_UNARY_SIGN, NULL, node->saved[0]);
}

static const cnn__unary_op abs_op = { CNN__UNARY_OP(abs, abs_backward, CNN__SAVES_INPUT, .chains = true), CNN_UNARY_ABS,
                                      true };

cnn_tensor *cnn_abs(cnn_tensor *x)
{
    return cnn__unary_apply(&abs_op, x, 0, 0);
}

/* ---- tanh: dy · (1 − y²) ---- */

static void tanh_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn__unary_add_slope(node, dy, CNN_UNARY_TANH_SLOPE, NULL, cnn__saved_output(node, 0));
}

static const cnn__unary_op tanh_op = { CNN__UNARY_OP(tanh, tanh_backward, CNN__SAVES_OUTPUT, .chains = true),
                                       CNN_UNARY_TANH, false };

cnn_tensor *cnn_tanh(cnn_tensor *x)
{
    return cnn__unary_apply(&tanh_op, x, 0, 0);
}

/* ---- sigmoid: dy · (1 − y) · y ---- */

static void sigmoid_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn__unary_add_slope(node, dy, CNN_UNARY_SIGMOID_SLOPE, NULL, cnn__saved_output(node, 0));
}

static const cnn__unary_op sigmoid_op = { CNN__UNARY_OP(sigmoid, sigmoid_backward, CNN__SAVES_OUTPUT, .chains = true),
                                          CNN_UNARY_SIGMOID, false };

cnn_tensor *cnn_sigmoid(cnn_tensor *x)
{
    return cnn__unary_apply(&sigmoid_op, x, 0, 0);
}

/* ---- gelu: dy · its slope at x ---- */

typedef struct gelu {
    double value[2]; /* first, as in cnn__unary_values: 1 for the approximation by tanh */
    bool approximate_tanh;
    cnn_status status; /* how reading the options went */
} gelu;

static const cnn__attribute gelu_attributes[] = { CNN__ATTRIBUTE(CNN__BOOL, gelu, approximate_tanh), { .name = NULL } };

static bool gelu_infer(cnn__call *call, void *attributes)
{
    bool read = ((const gelu *)attributes)->status == CNN_OK;
    if (!read) {
        cnn__call_fail_newest(call);
    }
    return read && cnn__unary_infer(call, attributes);
}

static void gelu_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn__unary_add_slope(node, dy, CNN_UNARY_GELU_SLOPE, node->attributes, node->saved[0]);
}

static const cnn__unary_op gelu_op = { { .name = "gelu",
                                         .saves = CNN__SAVES_INPUT,
                                         .chains = true,
                                         .size = sizeof(gelu),
                                         .attributes = gelu_attributes,
                                         .infer = gelu_infer,
                                         .forward = cnn__unary_forward,
                                         .backward = gelu_backward },
                                       CNN_UNARY_GELU,
                                       false };

cnn_tensor *cnn_gelu(cnn_tensor *x, const cnn_gelu_options *options)
{
    cnn_gelu_options o;
    cnn_status status = CNN__OPTIONS_READ(NULL, "gelu", &o, options);
    gelu g = { .approximate_tanh = status == CNN_OK && o.approximate_tanh, .status = status };
    g.value[0] = g.approximate_tanh;
    return cnn__apply(&gelu_op.op, &x, 1, &g);
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

static bool clamp_infer(cnn__call *call, void *attributes)
{
    const double *bounds = attributes;
    if (!cnn__unary_infer(call, attributes)) {
        return false;
    }
    bool numbers = !isnan(bounds[0]) && !isnan(bounds[1]);
    if (!numbers) {
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "low is %s, high is %s, expected numbers", CNN__G(bounds[0]),
                       CNN__G(bounds[1]));
    }
    return numbers;
}

static const cnn__unary_op clamp_op = { { .name = "clamp",
                                          .saves = CNN__SAVES_INPUT,
                                          .size = sizeof(cnn__unary_values),
                                          .attributes = bounds_attributes,
                                          .infer = clamp_infer,
                                          .forward = cnn__unary_forward,
                                          .backward = clamp_backward },
                                        CNN_UNARY_CLAMP,
                                        true };

cnn_tensor *cnn_clamp(cnn_tensor *x, double low, double high)
{
    return cnn__unary_apply(&clamp_op, x, low, high);
}

/* ---- pow_scalar: dy · e · x^(e − 1), and 0 where e = 0 ---- */

static void pow_scalar_backward(cnn__node *node, cnn_tensor *dy)
{
    const double values[2] = { parameter_of(node), 0 }, e = values[0];
    cnn_tensor *x = node->saved[0];
    if (e == 0) {
        cnn__grad_add(node, 0, cnn_expand(cnn__constant(node, dy->dtype, 0), dy->ndim, dy->shape));
    } else if (e == 1) {
        cnn__grad_add(node, 0, dy);
    } else {
        cnn__unary_add_slope(node, dy, CNN_UNARY_MUL, values, e == 2 ? x : cnn_pow_scalar(x, e - 1));
    }
}

static const cnn__unary_op pow_scalar_op = { CNN__UNARY_OP(pow_scalar, pow_scalar_backward, CNN__SAVES_INPUT,
                                                           .attributes = exponent_attribute),
                                             CNN_UNARY_POW, false };

cnn_tensor *cnn_pow_scalar(cnn_tensor *x, double exponent)
{
    return cnn__unary_apply(&pow_scalar_op, x, exponent, 0);
}

/* ---- add_scalar: dy ---- */

static void add_scalar_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn__grad_add(node, 0, dy);
}

static const cnn__unary_op add_scalar_op = { CNN__UNARY_OP(add_scalar, add_scalar_backward, CNN__SAVES_NOTHING,
                                                           .attributes = value_attribute),
                                             CNN_UNARY_ADD, false };

cnn_tensor *cnn_add_scalar(cnn_tensor *x, double value)
{
    return cnn__unary_apply(&add_scalar_op, x, value, 0);
}

/* ---- mul_scalar: dy · value ---- */

static void mul_scalar_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn__unary_add_of(node, dy, CNN_UNARY_MUL, parameter_of(node));
}

static const cnn__unary_op mul_scalar_op = { CNN__UNARY_OP(mul_scalar, mul_scalar_backward, CNN__SAVES_NOTHING,
                                                           .chains = true, .attributes = value_attribute),
                                             CNN_UNARY_MUL, false };

cnn_tensor *cnn_mul_scalar(cnn_tensor *x, double value)
{
    return cnn__unary_apply(&mul_scalar_op, x, value, 0);
}
