/* First values of tensors, uniform, normal and by rule. Uniform and normal numbers are drawn where the tensor is, in
 * the dtype that is computed in, and then scaled and shifted. What needs a loop of its own is in init_matrix.c. */
#include "nn/init.h"

#include <math.h>

cnn_status cnn__init_check(const cnn_tensor *t, const char *call, int least, int most)
{
    cnn_status status = cnn__tensor_check(t, call);
    if (status != CNN_OK) {
        return status;
    }
    if (t->kind != CNN__TENSOR_PLAIN) {
        return cnn__fail(t->ctx, CNN_ERROR_STATE, "%s: the tensor belongs to a tape, expected one of the caller's",
                         call);
    }
    if ((status = cnn__tensor_check_in_place(t, call)) != CNN_OK) {
        return status;
    }
    if (!cnn__dtype_is_real(t->dtype)) {
        return cnn__fail(t->ctx, CNN_ERROR_DTYPE, "%s: the tensor is %s, expected float32, float64 or bfloat16", call,
                         cnn_dtype_name(t->dtype));
    }
    return t->ndim >= least && t->ndim <= most
               ? CNN_OK
               : cnn__fail(t->ctx, CNN_ERROR_SHAPE, "%s: the tensor has rank %d, expected %d to %d", call, t->ndim,
                           least, most);
}

cnn_status cnn__init_number(const cnn_tensor *t, const char *call, const char *name, double value, bool good,
                            const char *expected)
{
    return good && isfinite(value) ? CNN_OK
                                   : cnn__fail(t->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: %s is %s, expected %s", call,
                                               name, CNN__G(value), expected);
}

/* ---- by rule ---- */

static cnn_status init_fill(cnn_tensor *t, const char *call, double value)
{
    cnn_status status = cnn__init_check(t, call, 0, CNN_MAX_DIMS);
    if (status == CNN_OK) {
        status = cnn__init_number(t, call, "value", value, true, "a finite number");
    }
    if (status != CNN_OK || !t->numel) {
        return status;
    }
    cnn__tensor_written(t);
    return cnn__fill(t, call, value);
}

cnn_status cnn_init_constant(cnn_tensor *tensor, double value)
{
    return init_fill(tensor, "init_constant", value);
}

cnn_status cnn_init_ones(cnn_tensor *tensor)
{
    return init_fill(tensor, "init_ones", 1);
}

cnn_status cnn_init_zeros(cnn_tensor *tensor)
{
    return init_fill(tensor, "init_zeros", 0);
}

/* ---- draws: distribution · scale + shift ---- */

static cnn_status init_elementwise(const cnn_tensor *t, const char *call, cnn_unary function, double value)
{
    cnn_elementwise_parameters p = { .function = (int)function, .value = { value } };
    cnn__nest_make(&p.nest, t->ndim, t->shape, 2, (const cnn_tensor *const[]){ t, t });
    cnn_launch l = CNN__LAUNCH(UNARY, t->dtype, CNN__PARAMETERS(p), .count = t->numel, .in = { cnn__data(t) },
                               .out = { cnn__data(t) });
    return cnn__launch(t->ctx, call, &l);
}

static cnn_status init_draw_into(cnn_tensor *t, const char *call, cnn_distribution distribution, double scale,
                                 double shift)
{
    uint64_t key[2];
    cnn__context_next_stream(t->ctx, key);
    cnn_status status = cnn__draw(t, call, key, distribution, 0);
    if (status == CNN_OK && scale != 1) {
        status = init_elementwise(t, call, CNN_UNARY_MUL, scale);
    }
    return status == CNN_OK && shift != 0 ? init_elementwise(t, call, CNN_UNARY_ADD, shift) : status;
}

static cnn_status init_draw(cnn_tensor *t, const char *call, cnn_distribution distribution, double scale, double shift)
{
    if (!t->numel) {
        return CNN_OK;
    }
    cnn__tensor_written(t);
    if (!cnn__dtype_is_stored(t->dtype)) {
        return init_draw_into(t, call, distribution, scale, shift);
    }
    cnn_tensor *drawn = cnn__tensor_new(t->ctx, call, cnn__dtypes[t->dtype].compute, t->ndim, t->shape);
    cnn_status status = drawn ? init_draw_into(drawn, call, distribution, scale, shift) : cnn__failure_status();
    if (status == CNN_OK) {
        status = cnn__tensor_copy(t, drawn, call);
    }
    cnn__tensor_release(drawn);
    return status;
}

cnn_status cnn_init_uniform(cnn_tensor *tensor, double low, double high)
{
    const char *call = "init_uniform";
    cnn_status status = cnn__init_check(tensor, call, 0, CNN_MAX_DIMS);
    if (status == CNN_OK) {
        status = cnn__init_number(tensor, call, "low", low, low <= high, "a finite number that is not above high");
    }
    if (status == CNN_OK) {
        status =
            cnn__init_number(tensor, call, "high", high, isfinite(high - low), "a finite number not too far from low");
    }
    return status == CNN_OK ? init_draw(tensor, call, CNN_DRAW_UNIFORM, high - low, low) : status;
}

cnn_status cnn_init_normal(cnn_tensor *tensor, double mean, double std)
{
    const char *call = "init_normal";
    cnn_status status = cnn__init_check(tensor, call, 0, CNN_MAX_DIMS);
    if (status == CNN_OK) {
        status = cnn__init_number(tensor, call, "mean", mean, true, "a finite number");
    }
    if (status == CNN_OK) {
        status = cnn__init_number(tensor, call, "std", std, std >= 0, "a finite number of at least 0");
    }
    return status == CNN_OK ? init_draw(tensor, call, CNN_DRAW_NORMAL, std, mean) : status;
}

/* ---- Xavier and Kaiming ---- */

typedef struct init_fans {
    double in, out;
} init_fans;

static init_fans fans_of(const cnn_tensor *t)
{
    double field = 1;
    for (int d = 2; d < t->ndim; d++) {
        field *= (double)t->shape[d];
    }
    return (init_fans){ (double)t->shape[1] * field, (double)t->shape[0] * field };
}

/* Draws with that standard deviation; a uniform distribution with it reaches to its √3-fold. A tensor without elements
 * has no fans, and needs none. */
static cnn_status init_scaled(cnn_tensor *t, const char *call, bool uniform, double gain, double fan)
{
    if (!t->numel) {
        return CNN_OK;
    }
    double std = gain / sqrt(fan), bound = sqrt(3.0) * std;
    return uniform ? init_draw(t, call, CNN_DRAW_UNIFORM, 2 * bound, -bound)
                   : init_draw(t, call, CNN_DRAW_NORMAL, std, 0);
}

static cnn_status init_xavier(cnn_tensor *t, const char *call, bool uniform, double gain)
{
    cnn_status status = cnn__init_check(t, call, 2, CNN_MAX_DIMS);
    if (status == CNN_OK) {
        status = cnn__init_number(t, call, "gain", gain, gain >= 0, "a finite number of at least 0");
    }
    if (status != CNN_OK) {
        return status;
    }
    init_fans fans = fans_of(t);
    return init_scaled(t, call, uniform, gain * sqrt(2.0), fans.in + fans.out);
}

cnn_status cnn_init_xavier_uniform(cnn_tensor *tensor, double gain)
{
    return init_xavier(tensor, "init_xavier_uniform", true, gain);
}

cnn_status cnn_init_xavier_normal(cnn_tensor *tensor, double gain)
{
    return init_xavier(tensor, "init_xavier_normal", false, gain);
}

/* NaN: no such nonlinearity. */
static double gain_of(cnn_nonlinearity nonlinearity, double slope)
{
    switch (nonlinearity) {
    case CNN_NONLINEARITY_LEAKY_RELU: return sqrt(2 / (1 + slope * slope));
    case CNN_NONLINEARITY_RELU: return sqrt(2.0);
    case CNN_NONLINEARITY_LINEAR:
    case CNN_NONLINEARITY_SIGMOID: return 1;
    case CNN_NONLINEARITY_TANH: return 5.0 / 3;
    case CNN_NONLINEARITY_SELU: return 3.0 / 4;
    default: return (double)NAN;
    }
}

/* The gain; NaN, which is reported, for what is none. */
static double check_gain(const cnn_context *ctx, const char *call, const char *name, cnn_nonlinearity nonlinearity,
                         double slope)
{
    double gain = gain_of(nonlinearity, 0);
    if (isnan(gain)) {
        cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: nonlinearity is %d, expected 0 to 5", call, (int)nonlinearity);
        return gain;
    }
    if (!isfinite(slope)) {
        cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: %s is %s, expected a finite number", call, name, CNN__G(slope));
        return (double)NAN;
    }
    return gain_of(nonlinearity, slope);
}

double cnn_init_gain(cnn_nonlinearity nonlinearity, double slope)
{
    return check_gain(NULL, "init_gain", "slope", nonlinearity, slope);
}

static cnn_status init_kaiming(cnn_tensor *t, const char *call, bool uniform, const cnn_kaiming_options *options)
{
    cnn_kaiming_options ours;
    cnn_status status = cnn__init_check(t, call, 2, CNN_MAX_DIMS);
    if (status == CNN_OK) {
        status = CNN__OPTIONS_READ(t->ctx, call, &ours, options);
    }
    if (status != CNN_OK) {
        return status;
    }
    if (ours.mode != CNN_FAN_IN && ours.mode != CNN_FAN_OUT) {
        return cnn__fail(t->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: mode is %d, expected CNN_FAN_IN or CNN_FAN_OUT", call,
                         (int)ours.mode);
    }
    double gain = check_gain(t->ctx, call, "a", ours.nonlinearity, cnn__option(ours.a, 0));
    if (isnan(gain)) {
        return CNN_ERROR_INVALID_ARGUMENT;
    }
    init_fans fans = fans_of(t);
    return init_scaled(t, call, uniform, gain, ours.mode == CNN_FAN_IN ? fans.in : fans.out);
}

cnn_status cnn_init_kaiming_uniform(cnn_tensor *tensor, const cnn_kaiming_options *options)
{
    return init_kaiming(tensor, "init_kaiming_uniform", true, options);
}

cnn_status cnn_init_kaiming_normal(cnn_tensor *tensor, const cnn_kaiming_options *options)
{
    return init_kaiming(tensor, "init_kaiming_normal", false, options);
}
