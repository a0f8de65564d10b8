/* Activations as layers with numbers among their options: LeakyReLU, ELU, CELU, Softplus, Hardtanh. Each is a row over
 * its operation, whose attributes are its options with the defaults filled in. */
#include "nn/plain.h"

/* ---- LeakyReLU ---- */

static cnn_tensor *leaky_relu_forward(cnn_module *self, cnn_tensor *x)
{
    const cnn_leaky_relu_options *o = self->attributes;
    return cnn_leaky_relu(x, o->negative_slope);
}

static cnn_status read_leaky_relu(const cnn_context *ctx, const char *call, const void *options, void *attributes)
{
    cnn_leaky_relu_options *o = attributes;
    cnn_status status = CNN__OPTIONS_READ(ctx, call, o, options);
    o->negative_slope = cnn__option(o->negative_slope, 0.01);
    return status;
}

static const cnn__print leaky_relu_prints[] = {
    CNN__PRINT(CNN__PRINT_FLOAT, "negative_slope", cnn_leaky_relu_options, negative_slope), { .name = "" }
};
static const cnn__plain_layer leaky_relu_layer = { .class = CNN__PLAIN_CLASS("LeakyReLU", leaky_relu_forward),
                                                   .call = "leaky_relu_create",
                                                   .size = sizeof(cnn_leaky_relu_options),
                                                   .read = read_leaky_relu,
                                                   .prints = leaky_relu_prints };

cnn_module *cnn_leaky_relu_create(cnn_context *ctx, const cnn_leaky_relu_options *options)
{
    cnn_leaky_relu_options o;
    return cnn__plain_new(ctx, &leaky_relu_layer, options, &o);
}

/* ---- ELU ---- */

static cnn_tensor *elu_forward(cnn_module *self, cnn_tensor *x)
{
    const cnn_elu_options *o = self->attributes;
    return cnn_elu(x, o->alpha);
}

static cnn_status read_elu(const cnn_context *ctx, const char *call, const void *options, void *attributes)
{
    cnn_elu_options *o = attributes;
    cnn_status status = CNN__OPTIONS_READ(ctx, call, o, options);
    o->alpha = cnn__option(o->alpha, 1);
    return status;
}

static const cnn__print elu_prints[] = { CNN__PRINT(CNN__PRINT_FLOAT, "alpha", cnn_elu_options, alpha),
                                         { .name = "" } };
static const cnn__plain_layer elu_layer = { .class = CNN__PLAIN_CLASS("ELU", elu_forward),
                                            .call = "elu_create",
                                            .size = sizeof(cnn_elu_options),
                                            .read = read_elu,
                                            .prints = elu_prints };

cnn_module *cnn_elu_create(cnn_context *ctx, const cnn_elu_options *options)
{
    cnn_elu_options o;
    return cnn__plain_new(ctx, &elu_layer, options, &o);
}

/* ---- CELU ---- */

static cnn_tensor *celu_forward(cnn_module *self, cnn_tensor *x)
{
    const cnn_celu_options *o = self->attributes;
    return cnn_celu(x, o->alpha);
}

static cnn_status read_celu(const cnn_context *ctx, const char *call, const void *options, void *attributes)
{
    cnn_celu_options *o = attributes;
    cnn_status status = CNN__OPTIONS_READ(ctx, call, o, options);
    o->alpha = cnn__option(o->alpha, 1);
    if (status == CNN_OK && o->alpha == 0) {
        status = cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: alpha is 0, expected another number", call);
    }
    return status;
}

static const cnn__print celu_prints[] = { CNN__PRINT(CNN__PRINT_FLOAT, "alpha", cnn_celu_options, alpha),
                                          { .name = "" } };
static const cnn__plain_layer celu_layer = { .class = CNN__PLAIN_CLASS("CELU", celu_forward),
                                             .call = "celu_create",
                                             .size = sizeof(cnn_celu_options),
                                             .read = read_celu,
                                             .prints = celu_prints };

cnn_module *cnn_celu_create(cnn_context *ctx, const cnn_celu_options *options)
{
    cnn_celu_options o;
    return cnn__plain_new(ctx, &celu_layer, options, &o);
}

/* ---- Softplus ---- */

static cnn_tensor *softplus_forward(cnn_module *self, cnn_tensor *x)
{
    const cnn_softplus_options *o = self->attributes;
    return cnn_softplus(x, o->beta, o->threshold);
}

static cnn_status read_softplus(const cnn_context *ctx, const char *call, const void *options, void *attributes)
{
    cnn_softplus_options *o = attributes;
    cnn_status status = CNN__OPTIONS_READ(ctx, call, o, options);
    o->beta = cnn__option(o->beta, 1);
    o->threshold = cnn__option(o->threshold, 20);
    return status;
}

static const cnn__print softplus_prints[] = { CNN__PRINT(CNN__PRINT_FLOAT, "beta", cnn_softplus_options, beta),
                                              CNN__PRINT(CNN__PRINT_FLOAT, "threshold", cnn_softplus_options,
                                                         threshold),
                                              { .name = "" } };
static const cnn__plain_layer softplus_layer = { .class = CNN__PLAIN_CLASS("Softplus", softplus_forward),
                                                 .call = "softplus_create",
                                                 .size = sizeof(cnn_softplus_options),
                                                 .read = read_softplus,
                                                 .prints = softplus_prints };

cnn_module *cnn_softplus_create(cnn_context *ctx, const cnn_softplus_options *options)
{
    cnn_softplus_options o;
    return cnn__plain_new(ctx, &softplus_layer, options, &o);
}

/* ---- Hardtanh ---- */

static cnn_tensor *hardtanh_forward(cnn_module *self, cnn_tensor *x)
{
    const cnn_hardtanh_options *o = self->attributes;
    return cnn_hardtanh(x, o->min_val, o->max_val);
}

static cnn_status read_hardtanh(const cnn_context *ctx, const char *call, const void *options, void *attributes)
{
    cnn_hardtanh_options *o = attributes;
    cnn_status status = CNN__OPTIONS_READ(ctx, call, o, options);
    o->min_val = cnn__option(o->min_val, -1);
    o->max_val = cnn__option(o->max_val, 1);
    if (status == CNN_OK && !(o->min_val < o->max_val)) {
        status =
            cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: min_val is %s, max_val is %s, expected min_val < max_val",
                      call, CNN__G(o->min_val), CNN__G(o->max_val));
    }
    return status;
}

static const cnn__print hardtanh_prints[] = { CNN__PRINT(CNN__PRINT_FLOAT, "min_val", cnn_hardtanh_options, min_val),
                                              CNN__PRINT(CNN__PRINT_FLOAT, "max_val", cnn_hardtanh_options, max_val),
                                              { .name = "" } };
static const cnn__plain_layer hardtanh_layer = { .class = CNN__PLAIN_CLASS("Hardtanh", hardtanh_forward),
                                                 .call = "hardtanh_create",
                                                 .size = sizeof(cnn_hardtanh_options),
                                                 .read = read_hardtanh,
                                                 .prints = hardtanh_prints };

cnn_module *cnn_hardtanh_create(cnn_context *ctx, const cnn_hardtanh_options *options)
{
    cnn_hardtanh_options o;
    return cnn__plain_new(ctx, &hardtanh_layer, options, &o);
}
