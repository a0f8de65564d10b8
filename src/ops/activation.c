/* Activations of one operand whose gradient is dy · slope(x), by a kernel for the function and one for the slope. Those
 * that take no number or one are rows of activations.def; softplus, hardtanh and relu6 are written out. */
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

/* The kernels are CNN_UNARY_FUNCTION and CNN_UNARY_SLOPE. */
#define ACTIVATION(activation_name, infer_fn, gradient, FUNCTION, SLOPE, list) \
    { \
        { { .name = #activation_name, \
            .saves = CNN__SAVES_INPUT, \
            .size = sizeof(cnn__unary_values), \
            .attributes = (list), \
            .infer = (infer_fn), \
            .forward = cnn__unary_forward, \
            .backward = (gradient) }, \
          CNN_UNARY_##FUNCTION, \
          false }, \
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

/* ---- rows ---- */

/* An activation that takes a number, and which numbers it allows. */
typedef struct number_activation {
    activation of; /* first, as above */
    bool (*allows)(double number);
    const char *expected;
} number_activation;

static bool number_infer(cnn__call *call, void *attributes)
{
    const number_activation *f = (const number_activation *)(const void *)call->op;
    const double number = ((const cnn__unary_values *)attributes)->value[0];
    bool allowed = f->allows(number);
    if (!allowed) {
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "%s is %s, expected %s", call->op->attributes->name,
                       CNN__G(number), f->expected);
    }
    return allowed && cnn__unary_infer(call, attributes);
}

#define CNN_ACTIVATION(name, type, FUNCTION, SLOPE) \
    static const activation name##_activation = \
        ACTIVATION(name, cnn__unary_infer, slope_backward, FUNCTION, SLOPE, NULL); \
    cnn_tensor *cnn_##name(cnn_tensor *x) \
    { \
        return activate(&name##_activation, x, 0, 0); \
    }
#define CNN_ACTIVATION_1(name, type, FUNCTION, SLOPE, number, standard, shown, second, rule, expected) \
    static bool name##_allows(double number) \
    { \
        (void)number; \
        return (rule); \
    } \
    static const cnn__attribute name##_attributes[] = ATTRIBUTES(#number, NULL); \
    static const number_activation name##_activation = { \
        ACTIVATION(name, number_infer, slope_backward, FUNCTION, SLOPE, name##_attributes), name##_allows, expected \
    }; \
    cnn_tensor *cnn_##name(cnn_tensor *x, double number) \
    { \
        return activate(&name##_activation.of, x, number, (second)); \
    }
#include "ops/ops.def"

/* ---- softplus ---- */

static const cnn__attribute softplus_attributes[] = ATTRIBUTES("beta", "threshold");
static const activation softplus =
    ACTIVATION(softplus, cnn__unary_infer, slope_backward, SOFTPLUS, SOFTPLUS_SLOPE, softplus_attributes);

cnn_tensor *cnn_softplus(cnn_tensor *x, double beta, double threshold)
{
    return activate(&softplus, x, beta, threshold);
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
static const activation hardtanh =
    ACTIVATION(hardtanh, hardtanh_infer, slope_backward, CLAMP, HARDTANH_SLOPE, hardtanh_attributes);

cnn_tensor *cnn_hardtanh(cnn_tensor *x, double min_val, double max_val)
{
    return activate(&hardtanh, x, min_val, max_val);
}

static const activation relu6 = ACTIVATION(relu6, cnn__unary_infer, slope_backward, CLAMP, HARDTANH_SLOPE, NULL);

cnn_tensor *cnn_relu6(cnn_tensor *x)
{
    return activate(&relu6, x, 0, 6);
}
