/* What the nets for small machines share. */
#include "mobile.h"

/* ---- sequences of layers ---- */

void mobile_append(mobile_layers *layers, cnn_module *layer)
{
    layers->at[layers->count++] = layer;
}

void mobile_append_conv_norm(mobile_layers *layers, cnn_context *ctx, int64_t in, int64_t out, zoo_conv_norm options)
{
    int64_t kernel = options.kernel ? options.kernel : 1;
    mobile_append(layers, cnn_conv2d_new(ctx, in, out, kernel, .stride = options.stride, .padding = (kernel - 1) / 2,
                                         .groups = options.groups, .no_bias = true));
    mobile_append(layers, cnn_batch_norm2d_new(ctx, out, .momentum = options.momentum, .eps = options.eps));
    if (options.activation) {
        mobile_append(layers, options.activation(ctx));
    }
}

cnn_module *mobile_sequential(cnn_context *ctx, const mobile_layers *layers)
{
    return cnn_sequential_create(ctx, layers->at, layers->count);
}

/* ---- blocks ---- */

enum { AVGPOOL, FC1, FC2, ACTIVATION, SCALE_ACTIVATION };

static cnn_tensor *squeeze_excitation_forward(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)user;
    cnn_tensor *scale = zoo_chain(x, zoo_part(self, AVGPOOL), zoo_part(self, FC1), zoo_part(self, ACTIVATION),
                                  zoo_part(self, FC2), zoo_part(self, SCALE_ACTIVATION));
    return cnn_mul(scale, x);
}

cnn_module *mobile_squeeze_excitation(cnn_context *ctx, int64_t channels, int64_t squeezed, zoo_activation activation,
                                      zoo_activation scale)
{
    cnn_module *self = cnn_module_new(ctx, squeeze_excitation_forward, .type = "SqueezeExcitation");
    bool whole = cnn_module_add(self, "avgpool", cnn_adaptive_avg_pool2d_new(ctx, 1, 1)) &&
                 cnn_module_add(self, "fc1", cnn_conv2d_new(ctx, channels, squeezed, 1)) &&
                 cnn_module_add(self, "fc2", cnn_conv2d_new(ctx, squeezed, channels, 1)) &&
                 cnn_module_add(self, "activation", activation(ctx)) &&
                 cnn_module_add(self, "scale_activation", scale(ctx));
    return zoo_whole(self, whole);
}

/* The samples are the channels of one sample to Dropout1d, which makes one draw for each. */
static cnn_tensor *stochastic_depth_forward(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)user;
    cnn_tensor *samples = cnn_reshape(x, CNN_SHAPE(1, cnn_tensor_size(x, 0), -1));
    return cnn_reshape(cnn_forward(zoo_part(self, 0), samples), cnn_tensor_ndim(x), cnn_tensor_shape(x));
}

cnn_module *mobile_stochastic_depth(cnn_context *ctx, double p)
{
    cnn_module *self = cnn_module_new(ctx, stochastic_depth_forward, .type = "StochasticDepth");
    return zoo_whole(self, cnn_module_add(self, "samples", cnn_dropout1d_new(ctx, p)));
}

static cnn_tensor *plain_forward(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)user;
    return cnn_forward(zoo_part(self, 0), x);
}

static cnn_tensor *residual_forward(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)user;
    cnn_module *depth = zoo_part(self, 1); /* NULL where nothing is dropped */
    cnn_tensor *y = cnn_forward(zoo_part(self, 0), x);
    return cnn_add(depth ? cnn_forward(depth, y) : y, x);
}

cnn_module *mobile_block(cnn_context *ctx, const char *type, const char *name, cnn_module *inner, bool residual,
                         double drop)
{
    cnn_module *self = cnn_module_new(ctx, residual ? residual_forward : plain_forward, .type = type);
    bool whole = cnn_module_add(self, name, inner);
    if (whole && residual && drop > 0) {
        whole = cnn_module_add(self, "stochastic_depth", mobile_stochastic_depth(ctx, drop));
    }
    return zoo_whole(self, whole);
}

static cnn_tensor *classifier_forward(cnn_module *self, cnn_tensor *x, void *user)
{
    enum { FEATURES, POOL, CLASSIFIER };
    (void)user;
    x = zoo_chain(x, zoo_part(self, FEATURES), zoo_part(self, POOL));
    return cnn_forward(zoo_part(self, CLASSIFIER), cnn_flatten(x, 1, -1));
}

cnn_module *mobile_classifier(cnn_context *ctx, const char *type, cnn_module *features, cnn_module *classifier)
{
    cnn_module *self = cnn_module_new(ctx, classifier_forward, .type = type);
    bool whole = cnn_module_add(self, "features", features);
    whole = cnn_module_add(self, "avgpool", cnn_adaptive_avg_pool2d_new(ctx, 1, 1)) && whole;
    whole = cnn_module_add(self, "classifier", classifier) && whole;
    return zoo_whole(self, whole);
}

int64_t mobile_divisible(double channels)
{
    int64_t rounded = (int64_t)(channels + 4) / 8 * 8;
    rounded = rounded < 8 ? 8 : rounded;
    return (double)rounded < 0.9 * channels ? rounded + 8 : rounded;
}

/* ---- activations ---- */

cnn_module *mobile_relu6(cnn_context *ctx)
{
    return cnn_relu6_new(ctx);
}

cnn_module *mobile_hardswish(cnn_context *ctx)
{
    return cnn_hardswish_new(ctx);
}

cnn_module *mobile_hardsigmoid(cnn_context *ctx)
{
    return cnn_hardsigmoid_new(ctx);
}

cnn_module *mobile_sigmoid(cnn_context *ctx)
{
    return cnn_sigmoid_new(ctx);
}

cnn_module *mobile_silu(cnn_context *ctx)
{
    return cnn_silu_new(ctx);
}
