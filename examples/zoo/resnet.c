/* ResNet-18, 34 and 50: He et al. 2015, "Deep residual learning for image recognition", as torchvision has them. A
 * block adds what its convolutions compute to its input, which `downsample` brings to the same shape where it differs.
 * */
#include "blocks.h"
#include "zoo.h"

/* ---- two convolutions of 3 x 3 ---- */

enum { BASIC_CONV1, BASIC_BN1, BASIC_RELU, BASIC_CONV2, BASIC_BN2, BASIC_DOWNSAMPLE };

static cnn_tensor *basic_forward(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)user;
    cnn_module *downsample = zoo_part(self, BASIC_DOWNSAMPLE); /* NULL where the shapes are equal */
    cnn_tensor *y = zoo_chain(x, zoo_part(self, BASIC_CONV1), zoo_part(self, BASIC_BN1), zoo_part(self, BASIC_RELU),
                              zoo_part(self, BASIC_CONV2), zoo_part(self, BASIC_BN2));
    return cnn_forward(zoo_part(self, BASIC_RELU), cnn_add(y, downsample ? cnn_forward(downsample, x) : x));
}

static cnn_module *basic_block(cnn_context *ctx, int64_t in, int64_t out, int64_t stride)
{
    cnn_module *self = cnn_module_new(ctx, basic_forward, .type = "BasicBlock");
    bool whole = cnn_module_add(self, "conv1",
                                cnn_conv2d_new(ctx, in, out, 3, .stride = stride, .padding = 1, .no_bias = true)) &&
                 cnn_module_add(self, "bn1", cnn_batch_norm2d_new(ctx, out)) &&
                 cnn_module_add(self, "relu", cnn_relu_new(ctx)) &&
                 cnn_module_add(self, "conv2", cnn_conv2d_new(ctx, out, out, 3, .padding = 1, .no_bias = true)) &&
                 cnn_module_add(self, "bn2", cnn_batch_norm2d_new(ctx, out)) &&
                 (in == out || cnn_module_add(self, "downsample",
                                              zoo_conv_norm_new(ctx, in, out, &(zoo_conv_norm){ .stride = stride })));
    return zoo_whole(self, whole);
}

/* ---- 1 x 1 to fewer channels, 3 x 3, and 1 x 1 to four times as many ---- */

enum { CONV1, BN1, CONV2, BN2, CONV3, BN3, RELU, DOWNSAMPLE };

static cnn_tensor *bottleneck_forward(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)user;
    cnn_module *relu = zoo_part(self, RELU), *downsample = zoo_part(self, DOWNSAMPLE);
    cnn_tensor *y = zoo_chain(x, zoo_part(self, CONV1), zoo_part(self, BN1), relu, zoo_part(self, CONV2),
                              zoo_part(self, BN2), relu, zoo_part(self, CONV3), zoo_part(self, BN3));
    return cnn_forward(relu, cnn_add(y, downsample ? cnn_forward(downsample, x) : x));
}

static cnn_module *bottleneck(cnn_context *ctx, int64_t in, int64_t out, int64_t stride)
{
    int64_t width = out / 4;
    cnn_module *self = cnn_module_new(ctx, bottleneck_forward, .type = "Bottleneck");
    bool whole =
        cnn_module_add(self, "conv1", cnn_conv2d_new(ctx, in, width, 1, .no_bias = true)) &&
        cnn_module_add(self, "bn1", cnn_batch_norm2d_new(ctx, width)) &&
        cnn_module_add(self, "conv2",
                       cnn_conv2d_new(ctx, width, width, 3, .stride = stride, .padding = 1, .no_bias = true)) &&
        cnn_module_add(self, "bn2", cnn_batch_norm2d_new(ctx, width)) &&
        cnn_module_add(self, "conv3", cnn_conv2d_new(ctx, width, out, 1, .no_bias = true)) &&
        cnn_module_add(self, "bn3", cnn_batch_norm2d_new(ctx, out)) &&
        cnn_module_add(self, "relu", cnn_relu_new(ctx)) &&
        (in == out ||
         cnn_module_add(self, "downsample", zoo_conv_norm_new(ctx, in, out, &(zoo_conv_norm){ .stride = stride })));
    return zoo_whole(self, whole);
}

/* ---- the net ---- */

enum { MOST_BLOCKS = 6 }; /* in a stage */

typedef struct form {
    cnn_module *(*block)(cnn_context *ctx, int64_t in, int64_t out, int64_t stride);
    int64_t expansion; /* how many times as many channels a block returns */
    int blocks[4];     /* per stage */
} form;

/* The first block of a stage halves the size, except in the first stage, where max pooling has done that. */
static cnn_module *stage(cnn_context *ctx, const form *f, int number, int64_t *channels)
{
    cnn_module *blocks[MOST_BLOCKS];
    int64_t out = (64 << number) * f->expansion;
    for (int i = 0; i < f->blocks[number]; i++) {
        blocks[i] = f->block(ctx, *channels, out, i == 0 && number > 0 ? 2 : 1);
        *channels = out;
    }
    return cnn_sequential_create(ctx, blocks, f->blocks[number]);
}

enum { NET_CONV1, NET_BN1, NET_RELU, NET_MAXPOOL, NET_LAYER1, NET_AVGPOOL = NET_LAYER1 + 4, NET_FC };

static cnn_tensor *forward(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)user;
    x = zoo_run(self, 0, NET_AVGPOOL + 1, x);
    return cnn_forward(zoo_part(self, NET_FC), cnn_flatten(x, 1, -1));
}

static cnn_module *resnet(cnn_context *ctx, const form *f, const int64_t input[3], int64_t classes)
{
    static const char *const names[] = { "layer1", "layer2", "layer3", "layer4" };
    cnn_module *self = cnn_module_new(ctx, forward, .type = "ResNet");
    int64_t channels = 64;
    bool whole = cnn_module_add(self, "conv1",
                                cnn_conv2d_new(ctx, input[0], 64, 7, .stride = 2, .padding = 3, .no_bias = true)) &&
                 cnn_module_add(self, "bn1", cnn_batch_norm2d_new(ctx, 64)) &&
                 cnn_module_add(self, "relu", cnn_relu_new(ctx)) &&
                 cnn_module_add(self, "maxpool", cnn_maxpool2d_new(ctx, 3, .stride = 2, .padding = 1));
    for (int i = 0; whole && i < 4; i++) {
        whole = cnn_module_add(self, names[i], stage(ctx, f, i, &channels)) != NULL;
    }
    whole = whole && cnn_module_add(self, "avgpool", cnn_adaptive_avg_pool2d_new(ctx, 1, 1)) &&
            cnn_module_add(self, "fc", cnn_linear_new(ctx, channels, classes)) && zoo_init_convs(self, CNN_FAN_OUT);
    return zoo_whole(self, whole);
}

cnn_module *zoo_make_resnet18(cnn_context *ctx, const zoo_net *net, const int64_t input[3], int64_t classes)
{
    (void)net;
    return resnet(ctx, &(form){ basic_block, 1, { 2, 2, 2, 2 } }, input, classes);
}

cnn_module *zoo_make_resnet34(cnn_context *ctx, const zoo_net *net, const int64_t input[3], int64_t classes)
{
    (void)net;
    return resnet(ctx, &(form){ basic_block, 1, { 3, 4, 6, 3 } }, input, classes);
}

cnn_module *zoo_make_resnet50(cnn_context *ctx, const zoo_net *net, const int64_t input[3], int64_t classes)
{
    (void)net;
    return resnet(ctx, &(form){ bottleneck, 4, { 3, 4, 6, 3 } }, input, classes);
}
