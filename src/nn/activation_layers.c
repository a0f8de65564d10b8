/* Activations as layers without parameters, each a row over its operation. */
#include "nn/plain.h"

/* ---- layers without options: rows that name their function ---- */

typedef struct function_layer {
    cnn__plain_layer row; /* first: a module's class is its row */
    cnn_tensor *(*function)(cnn_tensor *x);
} function_layer;

static cnn_tensor *function_forward(cnn_module *self, cnn_tensor *x)
{
    return ((const function_layer *)(const void *)self->class)->function(x);
}

static cnn_status read_nothing(const cnn_context *ctx, const char *call, const void *options, void *attributes)
{
    cnn_activation_options o;
    (void)attributes;
    return CNN__OPTIONS_READ(ctx, call, &o, options);
}

#define FUNCTION_LAYER(name, type, fn) \
    { \
        { .class = CNN__PLAIN_CLASS(type, function_forward), .call = #name "_create", .read = read_nothing }, (fn) \
    }

static cnn_tensor *identity(cnn_tensor *x)
{
    return x;
}

static const function_layer selu_layer = FUNCTION_LAYER(selu, "SELU", cnn_selu);
static const function_layer silu_layer = FUNCTION_LAYER(silu, "SiLU", cnn_silu);
static const function_layer mish_layer = FUNCTION_LAYER(mish, "Mish", cnn_mish);
static const function_layer sigmoid_layer = FUNCTION_LAYER(sigmoid, "Sigmoid", cnn_sigmoid);
static const function_layer tanh_layer = FUNCTION_LAYER(tanh, "Tanh", cnn_tanh);
static const function_layer logsigmoid_layer = FUNCTION_LAYER(logsigmoid, "LogSigmoid", cnn_logsigmoid);
static const function_layer softsign_layer = FUNCTION_LAYER(softsign, "Softsign", cnn_softsign);
static const function_layer hardswish_layer = FUNCTION_LAYER(hardswish, "Hardswish", cnn_hardswish);
static const function_layer hardsigmoid_layer = FUNCTION_LAYER(hardsigmoid, "Hardsigmoid", cnn_hardsigmoid);
static const function_layer relu6_layer = FUNCTION_LAYER(relu6, "ReLU6", cnn_relu6);
static const function_layer identity_layer = FUNCTION_LAYER(identity, "Identity", identity);

cnn_module *cnn_selu_create(cnn_context *ctx, const cnn_selu_options *options)
{
    return cnn__plain_new(ctx, &selu_layer.row, options, NULL);
}

cnn_module *cnn_silu_create(cnn_context *ctx, const cnn_silu_options *options)
{
    return cnn__plain_new(ctx, &silu_layer.row, options, NULL);
}

cnn_module *cnn_mish_create(cnn_context *ctx, const cnn_mish_options *options)
{
    return cnn__plain_new(ctx, &mish_layer.row, options, NULL);
}

cnn_module *cnn_sigmoid_create(cnn_context *ctx, const cnn_sigmoid_options *options)
{
    return cnn__plain_new(ctx, &sigmoid_layer.row, options, NULL);
}

cnn_module *cnn_tanh_create(cnn_context *ctx, const cnn_tanh_options *options)
{
    return cnn__plain_new(ctx, &tanh_layer.row, options, NULL);
}

cnn_module *cnn_logsigmoid_create(cnn_context *ctx, const cnn_logsigmoid_options *options)
{
    return cnn__plain_new(ctx, &logsigmoid_layer.row, options, NULL);
}

cnn_module *cnn_softsign_create(cnn_context *ctx, const cnn_softsign_options *options)
{
    return cnn__plain_new(ctx, &softsign_layer.row, options, NULL);
}

cnn_module *cnn_hardswish_create(cnn_context *ctx, const cnn_hardswish_options *options)
{
    return cnn__plain_new(ctx, &hardswish_layer.row, options, NULL);
}

cnn_module *cnn_hardsigmoid_create(cnn_context *ctx, const cnn_hardsigmoid_options *options)
{
    return cnn__plain_new(ctx, &hardsigmoid_layer.row, options, NULL);
}

cnn_module *cnn_relu6_create(cnn_context *ctx, const cnn_relu6_options *options)
{
    return cnn__plain_new(ctx, &relu6_layer.row, options, NULL);
}

cnn_module *cnn_identity_create(cnn_context *ctx, const cnn_identity_options *options)
{
    return cnn__plain_new(ctx, &identity_layer.row, options, NULL);
}

/* ---- layers along a dimension ---- */

typedef struct along {
    int dim;
} along;

static cnn_tensor *softmax_layer_forward(cnn_module *self, cnn_tensor *x)
{
    return cnn_softmax(x, ((const along *)self->attributes)->dim);
}

static cnn_tensor *log_softmax_layer_forward(cnn_module *self, cnn_tensor *x)
{
    return cnn_log_softmax(x, ((const along *)self->attributes)->dim);
}

static cnn_status read_along(const cnn_context *ctx, const char *call, const void *options, void *attributes)
{
    int dim = ((const along *)attributes)->dim;
    cnn_status status = read_nothing(ctx, call, options, NULL);
    if (status == CNN_OK && (dim < -CNN_MAX_DIMS || dim >= CNN_MAX_DIMS)) {
        status = cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: dim is %d, expected %d to %d", call, dim,
                           -CNN_MAX_DIMS, CNN_MAX_DIMS - 1);
    }
    return status;
}

static const cnn__print along_prints[] = { CNN__PRINT(CNN__PRINT_INT, "dim", along, dim), { .name = "" } };
static const cnn__plain_layer softmax_layer = { .class = CNN__PLAIN_CLASS("Softmax", softmax_layer_forward),
                                                .call = "softmax_create",
                                                .size = sizeof(along),
                                                .read = read_along,
                                                .prints = along_prints };
static const cnn__plain_layer log_softmax_layer = { .class = CNN__PLAIN_CLASS("LogSoftmax", log_softmax_layer_forward),
                                                    .call = "log_softmax_create",
                                                    .size = sizeof(along),
                                                    .read = read_along,
                                                    .prints = along_prints };

cnn_module *cnn_softmax_create(cnn_context *ctx, int dim, const cnn_softmax_options *options)
{
    return cnn__plain_new(ctx, &softmax_layer, options, &(along){ dim });
}

cnn_module *cnn_log_softmax_create(cnn_context *ctx, int dim, const cnn_log_softmax_options *options)
{
    return cnn__plain_new(ctx, &log_softmax_layer, options, &(along){ dim });
}
