/* Activations of one operand whose gradient is dy · slope(x), by a kernel for the function and one for the slope:
 * leaky_relu, elu, celu, selu, silu, mish, softplus, logsigmoid, softsign, hardtanh, relu6, hardsigmoid, hardswish. */
#include "ops/unary.h"

typedef struct activation {
    cnn__unary_op function; /* first: a node's descriptor is its activation */
    cnn_unary slope;
} activation;

static void slope_backward(cnn__node *node, cnn_tensor *dy)
{
    const activation *f = (const activation *)(const void *)node->op;
    const double *value = ((const cnn__unary_values *)node->attributes)->value;
    cnn__unary_add_slope(node, dy, f->slope, value, node->saved[0]);
}

/* The kernels are CNN_UNARY_FUNCTION and CNN_UNARY_SLOPE; `...` are further members of the descriptor. */
#define ACTIVATION(function, gradient, FUNCTION, SLOPE, ...) \
    { \
        { CNN__UNARY_OP(function, gradient, CNN__SAVES_INPUT, __VA_ARGS__), CNN_UNARY_##FUNCTION, false }, \
            CNN_UNARY_##SLOPE \
    }

static cnn_tensor *activate(const activation *f, cnn_tensor *x, double first, double second)
{
    return cnn__unary_apply(&f->function, x, first, second);
}

/* Attributes that are the first value and the second. */
#define ATTRIBUTES(first, second) \
    { \
        { .name = (first), .type = CNN__FLOAT }, { .name = (second), .type = CNN__FLOAT, .offset = sizeof(double) }, \
        { \
            .name = NULL \
        } \
    }

/* ---- leaky_relu ---- */

static const cnn__attribute leaky_relu_attributes[] = ATTRIBUTES("negative_slope", NULL);
static const activation leaky_relu =
    ACTIVATION(leaky_relu, slope_backward, LEAKY_RELU, LEAKY_RELU_SLOPE, .attributes = leaky_relu_attributes);

cnn_tensor *cnn_leaky_relu(cnn_tensor *x, double negative_slope)
{
    return activate(&leaky_relu, x, negative_slope, 0);
}

/* ---- elu, celu, selu ---- */

static const cnn__attribute alpha_attributes[] = ATTRIBUTES("alpha", NULL);
static const activation elu = ACTIVATION(elu, slope_backward, ELU, ELU_SLOPE, .attributes = alpha_attributes);

cnn_tensor *cnn_elu(cnn_tensor *x, double alpha)
{
    return activate(&elu, x, alpha, 1);
}

static bool celu_infer(cnn__call *call, void *attributes)
{
    const double alpha = ((const cnn__unary_values *)attributes)->value[0];
    if (alpha == 0) {
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "alpha is 0, expected another number");
    }
    return alpha != 0 && cnn__unary_infer(call, attributes);
}

static const activation celu = { { { .name = "celu",
                                     .saves = CNN__SAVES_INPUT,
                                     .size = sizeof(cnn__unary_values),
                                     .attributes = alpha_attributes,
                                     .infer = celu_infer,
                                     .forward = cnn__unary_forward,
                                     .backward = slope_backward },
                                   CNN_UNARY_ELU,
                                   false },
                                 CNN_UNARY_ELU_SLOPE };

cnn_tensor *cnn_celu(cnn_tensor *x, double alpha)
{
    return activate(&celu, x, alpha, 1 / alpha);
}

static const activation selu = ACTIVATION(selu, slope_backward, SELU, SELU_SLOPE, .attributes = NULL);

cnn_tensor *cnn_selu(cnn_tensor *x)
{
    return activate(&selu, x, 0, 0);
}

/* ---- silu, mish ---- */

static const activation silu = ACTIVATION(silu, slope_backward, SILU, SILU_SLOPE, .attributes = NULL);

cnn_tensor *cnn_silu(cnn_tensor *x)
{
    return activate(&silu, x, 0, 0);
}

static const activation mish = ACTIVATION(mish, slope_backward, MISH, MISH_SLOPE, .attributes = NULL);

cnn_tensor *cnn_mish(cnn_tensor *x)
{
    return activate(&mish, x, 0, 0);
}

/* ---- softplus, logsigmoid, softsign ---- */

static const cnn__attribute softplus_attributes[] = ATTRIBUTES("beta", "threshold");
static const activation softplus =
    ACTIVATION(softplus, slope_backward, SOFTPLUS, SOFTPLUS_SLOPE, .attributes = softplus_attributes);

cnn_tensor *cnn_softplus(cnn_tensor *x, double beta, double threshold)
{
    return activate(&softplus, x, beta, threshold);
}

static const activation logsigmoid =
    ACTIVATION(logsigmoid, slope_backward, LOGSIGMOID, LOGSIGMOID_SLOPE, .attributes = NULL);

cnn_tensor *cnn_logsigmoid(cnn_tensor *x)
{
    return activate(&logsigmoid, x, 0, 0);
}

static const activation softsign = ACTIVATION(softsign, slope_backward, SOFTSIGN, SOFTSIGN_SLOPE, .attributes = NULL);

cnn_tensor *cnn_softsign(cnn_tensor *x)
{
    return activate(&softsign, x, 0, 0);
}

/* ---- hardtanh, relu6: a clamp whose slope is 0 at its bounds ---- */

static bool hardtanh_infer(cnn__call *call, void *attributes)
{
    const double *bounds = ((const cnn__unary_values *)attributes)->value;
    if (!(bounds[0] <= bounds[1])) {
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "min_val is %s, max_val is %s, expected min_val <= max_val",
                       CNN__G(bounds[0]), CNN__G(bounds[1]));
        return false;
    }
    return cnn__unary_infer(call, attributes);
}

static const cnn__attribute hardtanh_attributes[] = ATTRIBUTES("min_val", "max_val");
static const activation hardtanh = { { { .name = "hardtanh",
                                         .saves = CNN__SAVES_INPUT,
                                         .size = sizeof(cnn__unary_values),
                                         .attributes = hardtanh_attributes,
                                         .infer = hardtanh_infer,
                                         .forward = cnn__unary_forward,
                                         .backward = slope_backward },
                                       CNN_UNARY_CLAMP,
                                       false },
                                     CNN_UNARY_HARDTANH_SLOPE };

cnn_tensor *cnn_hardtanh(cnn_tensor *x, double min_val, double max_val)
{
    return activate(&hardtanh, x, min_val, max_val);
}

static const activation relu6 = ACTIVATION(relu6, slope_backward, CLAMP, HARDTANH_SLOPE, .attributes = NULL);

cnn_tensor *cnn_relu6(cnn_tensor *x)
{
    return activate(&relu6, x, 0, 6);
}

/* ---- hardsigmoid, hardswish ---- */

static const activation hardsigmoid =
    ACTIVATION(hardsigmoid, slope_backward, HARDSIGMOID, HARDSIGMOID_SLOPE, .attributes = NULL);

cnn_tensor *cnn_hardsigmoid(cnn_tensor *x)
{
    return activate(&hardsigmoid, x, 0, 0);
}

static const activation hardswish =
    ACTIVATION(hardswish, slope_backward, HARDSWISH, HARDSWISH_SLOPE, .attributes = NULL);

cnn_tensor *cnn_hardswish(cnn_tensor *x)
{
    return activate(&hardswish, x, 0, 0);
}
