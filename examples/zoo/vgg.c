/* VGG: Simonyan & Zisserman 2014, "Very deep convolutional networks for large-scale image recognition", configurations
 * A (11 layers) and D (16), as torchvision has them, plain and with batch normalisation. */
#include "blocks.h"
#include "zoo.h"

enum { POOL = 0, MOST_LAYERS = 64 };

/* Numbers are channels of a 3 x 3 convolution; POOL halves the size. */
static const int configuration_a[] = { 64, POOL, 128, POOL, 256, 256, POOL, 512, 512, POOL, 512, 512, POOL };
static const int configuration_d[] = { 64,   64,  POOL, 128, 128,  POOL, 256, 256, 256,
                                       POOL, 512, 512,  512, POOL, 512,  512, 512, POOL };
#define LENGTH(array) ((int)(sizeof(array) / sizeof *(array)))

static cnn_module *features(cnn_context *ctx, const int *configuration, int length, bool norm, int64_t channels)
{
    cnn_module *layers[MOST_LAYERS];
    int count = 0;
    for (int i = 0; i < length; i++) {
        int out = configuration[i];
        if (out == POOL) {
            layers[count++] = cnn_maxpool2d_new(ctx, 2);
            continue;
        }
        layers[count++] = cnn_conv2d_new(ctx, channels, out, 3, .padding = 1);
        if (norm) {
            layers[count++] = cnn_batch_norm2d_new(ctx, out);
        }
        layers[count++] = cnn_relu_new(ctx);
        channels = out;
    }
    return cnn_sequential_create(ctx, layers, count);
}

enum { FEATURES, AVGPOOL, CLASSIFIER };

static cnn_tensor *forward(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)user;
    x = zoo_chain(x, zoo_part(self, FEATURES), zoo_part(self, AVGPOOL));
    return cnn_forward(zoo_part(self, CLASSIFIER), cnn_flatten(x, 1, -1));
}

static cnn_module *vgg(cnn_context *ctx, const int *configuration, int length, bool norm, const int64_t input[3],
                       int64_t classes)
{
    cnn_module *self = cnn_module_new(ctx, forward, .type = "VGG");
    bool whole =
        cnn_module_add(self, "features", features(ctx, configuration, length, norm, input[0])) &&
        cnn_module_add(self, "avgpool", cnn_adaptive_avg_pool2d_new(ctx, 7, 7)) &&
        cnn_module_add(self, "classifier",
                       cnn_sequential_new(ctx, cnn_linear_new(ctx, 512 * 7 * 7, 4096), cnn_relu_new(ctx),
                                          cnn_dropout_new(ctx, 0.5), cnn_linear_new(ctx, 4096, 4096), cnn_relu_new(ctx),
                                          cnn_dropout_new(ctx, 0.5), cnn_linear_new(ctx, 4096, classes))) &&
        zoo_init_convs(self, CNN_FAN_OUT) && zoo_init_linears(self, 0.01);
    return zoo_whole(self, whole);
}

cnn_module *zoo_make_vgg11(cnn_context *ctx, const zoo_net *net, const int64_t input[3], int64_t classes)
{
    (void)net;
    return vgg(ctx, configuration_a, LENGTH(configuration_a), false, input, classes);
}

cnn_module *zoo_make_vgg11_bn(cnn_context *ctx, const zoo_net *net, const int64_t input[3], int64_t classes)
{
    (void)net;
    return vgg(ctx, configuration_a, LENGTH(configuration_a), true, input, classes);
}

cnn_module *zoo_make_vgg16(cnn_context *ctx, const zoo_net *net, const int64_t input[3], int64_t classes)
{
    (void)net;
    return vgg(ctx, configuration_d, LENGTH(configuration_d), false, input, classes);
}

cnn_module *zoo_make_vgg16_bn(cnn_context *ctx, const zoo_net *net, const int64_t input[3], int64_t classes)
{
    (void)net;
    return vgg(ctx, configuration_d, LENGTH(configuration_d), true, input, classes);
}
