/* DenseNet-121: Huang et al. 2016, "Densely connected convolutional networks", as torchvision has it. Each layer of a
 * block reads the results of all layers before it, joined along the channels, and adds `GROWTH` channels. */
#include "blocks.h"
#include "zoo.h"

#include <stdio.h>

enum { GROWTH = 32, NARROWED = 4 * GROWTH, FIRST = 64, BLOCKS = 4 };

static const int layers_of_121[BLOCKS] = { 6, 12, 24, 16 };

static cnn_module *dense_layer(cnn_context *ctx, int64_t in)
{
    cnn_module *self = zoo_sequence(ctx, "_DenseLayer");
    bool whole = cnn_module_add(self, "norm1", cnn_batch_norm2d_new(ctx, in)) &&
                 cnn_module_add(self, "relu1", cnn_relu_new(ctx)) &&
                 cnn_module_add(self, "conv1", cnn_conv2d_new(ctx, in, NARROWED, 1, .no_bias = true)) &&
                 cnn_module_add(self, "norm2", cnn_batch_norm2d_new(ctx, NARROWED)) &&
                 cnn_module_add(self, "relu2", cnn_relu_new(ctx)) &&
                 cnn_module_add(self, "conv2", cnn_conv2d_new(ctx, NARROWED, GROWTH, 3, .padding = 1, .no_bias = true));
    return zoo_whole(self, whole);
}

static cnn_tensor *block_forward(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)user;
    for (int i = 0; i < cnn_module_child_count(self); i++) {
        x = cnn_concat((cnn_tensor *[]){ x, cnn_forward(zoo_part(self, i), x) }, 2, 1);
    }
    return x;
}

static cnn_module *dense_block(cnn_context *ctx, int layers, int64_t in)
{
    cnn_module *self = cnn_module_new(ctx, block_forward, .type = "_DenseBlock");
    bool whole = self != NULL;
    for (int i = 0; whole && i < layers; i++) {
        char name[24];
        snprintf(name, sizeof name, "denselayer%d", i + 1);
        whole = cnn_module_add(self, name, dense_layer(ctx, in + i * GROWTH)) != NULL;
    }
    return zoo_whole(self, whole);
}

/* Half the channels and half the size. */
static cnn_module *transition(cnn_context *ctx, int64_t in)
{
    cnn_module *self = zoo_sequence(ctx, "_Transition");
    bool whole = cnn_module_add(self, "norm", cnn_batch_norm2d_new(ctx, in)) &&
                 cnn_module_add(self, "relu", cnn_relu_new(ctx)) &&
                 cnn_module_add(self, "conv", cnn_conv2d_new(ctx, in, in / 2, 1, .no_bias = true)) &&
                 cnn_module_add(self, "pool", cnn_avg_pool2d_new(ctx, 2));
    return zoo_whole(self, whole);
}

/* Adds block number `i` and what follows it; `*channels` are those before and behind. */
static bool add_block(cnn_module *features, cnn_context *ctx, const int *layers, int i, int64_t *channels)
{
    char name[24];
    snprintf(name, sizeof name, "denseblock%d", i + 1);
    if (!cnn_module_add(features, name, dense_block(ctx, layers[i], *channels))) {
        return false;
    }
    *channels += layers[i] * GROWTH;
    if (i == BLOCKS - 1) {
        return cnn_module_add(features, "norm5", cnn_batch_norm2d_new(ctx, *channels)) != NULL;
    }
    snprintf(name, sizeof name, "transition%d", i + 1);
    bool added = cnn_module_add(features, name, transition(ctx, *channels)) != NULL;
    *channels /= 2;
    return added;
}

static cnn_module *features(cnn_context *ctx, const int *layers, int64_t in, int64_t *channels)
{
    cnn_module *self = zoo_sequence(ctx, "Sequential");
    bool whole =
        cnn_module_add(self, "conv0", cnn_conv2d_new(ctx, in, FIRST, 7, .stride = 2, .padding = 3, .no_bias = true)) &&
        cnn_module_add(self, "norm0", cnn_batch_norm2d_new(ctx, FIRST)) &&
        cnn_module_add(self, "relu0", cnn_relu_new(ctx)) &&
        cnn_module_add(self, "pool0", cnn_maxpool2d_new(ctx, 3, .stride = 2, .padding = 1));
    *channels = FIRST;
    for (int i = 0; whole && i < BLOCKS; i++) {
        whole = add_block(self, ctx, layers, i, channels);
    }
    return zoo_whole(self, whole);
}

enum { FEATURES, CLASSIFIER };

static cnn_tensor *forward(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)user;
    x = cnn_adaptive_avg_pool2d(cnn_relu(cnn_forward(zoo_part(self, FEATURES), x)), 1, 1);
    return cnn_forward(zoo_part(self, CLASSIFIER), cnn_flatten(x, 1, -1));
}

cnn_module *zoo_make_densenet121(cnn_context *ctx, const zoo_net *net, const int64_t input[3], int64_t classes)
{
    cnn_module *self = cnn_module_new(ctx, forward, .type = "DenseNet");
    int64_t channels = 0;
    (void)net;
    bool whole = cnn_module_add(self, "features", features(ctx, layers_of_121, input[0], &channels)) &&
                 cnn_module_add(self, "classifier", cnn_linear_new(ctx, channels, classes)) &&
                 zoo_init_convs(self, CNN_FAN_IN) && cnn_init_zeros(cnn_module_find(self, "classifier.bias")) == CNN_OK;
    return zoo_whole(self, whole);
}
