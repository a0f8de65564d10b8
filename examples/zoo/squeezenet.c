/* SqueezeNet 1.1: Iandola et al. 2016, "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters", as torchvision
 * has it. A Fire module narrows its input by a 1 x 1 convolution and widens it by 1 x 1 and 3 x 3 ones side by side. */
#include "blocks.h"
#include "zoo.h"

enum { SQUEEZE, EXPAND1X1, EXPAND3X3 };

static cnn_tensor *fire_forward(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)user;
    x = cnn_relu(cnn_forward(zoo_part(self, SQUEEZE), x));
    cnn_tensor *expanded[] = { cnn_relu(cnn_forward(zoo_part(self, EXPAND1X1), x)),
                               cnn_relu(cnn_forward(zoo_part(self, EXPAND3X3), x)) };
    return cnn_concat(expanded, 2, 1);
}

static cnn_module *fire(cnn_context *ctx, int64_t in, int64_t squeezed, int64_t expanded)
{
    cnn_module *self = cnn_module_new(ctx, fire_forward, .type = "Fire");
    bool whole = cnn_module_add(self, "squeeze", cnn_conv2d_new(ctx, in, squeezed, 1)) &&
                 cnn_module_add(self, "expand1x1", cnn_conv2d_new(ctx, squeezed, expanded, 1)) &&
                 cnn_module_add(self, "expand3x3", cnn_conv2d_new(ctx, squeezed, expanded, 3, .padding = 1));
    return zoo_whole(self, whole);
}

static cnn_module *features(cnn_context *ctx, int64_t channels)
{
    return cnn_sequential_new(ctx, cnn_conv2d_new(ctx, channels, 64, 3, .stride = 2), cnn_relu_new(ctx),
                              cnn_maxpool2d_new(ctx, 3, .stride = 2, .ceil_mode = true), fire(ctx, 64, 16, 64),
                              fire(ctx, 128, 16, 64), cnn_maxpool2d_new(ctx, 3, .stride = 2, .ceil_mode = true),
                              fire(ctx, 128, 32, 128), fire(ctx, 256, 32, 128),
                              cnn_maxpool2d_new(ctx, 3, .stride = 2, .ceil_mode = true), fire(ctx, 256, 48, 192),
                              fire(ctx, 384, 48, 192), fire(ctx, 384, 64, 256), fire(ctx, 512, 64, 256));
}

static bool init(cnn_module *module, void *user)
{
    const cnn_kaiming_options options = { .struct_size = sizeof options, .nonlinearity = CNN_NONLINEARITY_RELU };
    (void)user;
    return !zoo_is(module, "Conv2d") ||
           (cnn_init_kaiming_uniform(zoo_parameter(module, "weight"), &options) == CNN_OK &&
            cnn_init_zeros(zoo_parameter(module, "bias")) == CNN_OK);
}

enum { FEATURES, CLASSIFIER };

static cnn_tensor *forward(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)user;
    return cnn_flatten(zoo_chain(x, zoo_part(self, FEATURES), zoo_part(self, CLASSIFIER)), 1, -1);
}

/* The last convolution, which makes the classes, starts smaller than the others. */
cnn_module *zoo_make_squeezenet1_1(cnn_context *ctx, const zoo_net *net, const int64_t input[3], int64_t classes)
{
    cnn_module *self = cnn_module_new(ctx, forward, .type = "SqueezeNet"), *last = cnn_conv2d_new(ctx, 512, classes, 1);
    (void)net;
    cnn_module *classifier = cnn_sequential_new(ctx, cnn_dropout_new(ctx, 0.5), last, cnn_relu_new(ctx),
                                                cnn_adaptive_avg_pool2d_new(ctx, 1, 1));
    bool added = cnn_module_add(self, "features", features(ctx, input[0])) != NULL;
    bool whole = cnn_module_add(self, "classifier", classifier) && added && zoo_each(self, init, NULL) &&
                 cnn_init_normal(zoo_parameter(last, "weight"), 0, 0.01) == CNN_OK;
    return zoo_whole(self, whole);
}
