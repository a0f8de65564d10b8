/* ResNet-20 for pictures of 32 x 32: He et al. 2015, section 4.2. Three stages of 16, 32 and 64 channels; a shortcut
 * between stages has no parameters: it takes every second row and column and adds channels of zeros (option A). */
#include "blocks.h"
#include "zoo.h"

enum { STAGES = 3, BLOCKS = 3 }; /* 6 · 3 + 2 layers */

enum { CONV1, BN1, RELU, CONV2, BN2 };

static cnn_tensor *shortcut(cnn_tensor *x, int64_t channels)
{
    int64_t added = (channels - cnn_tensor_size(x, 1)) / 2;
    if (added == 0) {
        return x;
    }
    x = cnn_slice(cnn_slice(x, 2, 0, cnn_tensor_size(x, 2), 2), 3, 0, cnn_tensor_size(x, 3), 2);
    return cnn_pad(x, CNN_SHAPE(0, 0, 0, 0, added, added), NULL);
}

static cnn_tensor *block_forward(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)user;
    cnn_module *relu = zoo_part(self, RELU);
    cnn_tensor *y =
        zoo_chain(x, zoo_part(self, CONV1), zoo_part(self, BN1), relu, zoo_part(self, CONV2), zoo_part(self, BN2));
    return cnn_forward(relu, cnn_add(y, shortcut(x, cnn_tensor_size(y, 1))));
}

static cnn_module *block(cnn_context *ctx, int64_t in, int64_t out)
{
    cnn_module *self = cnn_module_new(ctx, block_forward, .type = "BasicBlock");
    bool whole = cnn_module_add(self, "conv1",
                                cnn_conv2d_new(ctx, in, out, 3, .stride = out / in, .padding = 1, .no_bias = true)) &&
                 cnn_module_add(self, "bn1", cnn_batch_norm2d_new(ctx, out)) &&
                 cnn_module_add(self, "relu", cnn_relu_new(ctx)) &&
                 cnn_module_add(self, "conv2", cnn_conv2d_new(ctx, out, out, 3, .padding = 1, .no_bias = true)) &&
                 cnn_module_add(self, "bn2", cnn_batch_norm2d_new(ctx, out));
    return zoo_whole(self, whole);
}

static cnn_module *stage(cnn_context *ctx, int64_t in, int64_t out)
{
    cnn_module *blocks[BLOCKS];
    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = block(ctx, i ? out : in, out);
    }
    return cnn_sequential_create(ctx, blocks, BLOCKS);
}

enum { NET_CONV1, NET_BN1, NET_RELU, NET_LAYER1, NET_AVGPOOL = NET_LAYER1 + STAGES, NET_FC };

static cnn_tensor *forward(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)user;
    x = zoo_run(self, 0, NET_AVGPOOL + 1, x);
    return cnn_forward(zoo_part(self, NET_FC), cnn_flatten(x, 1, -1));
}

cnn_module *zoo_make_resnet20(cnn_context *ctx, const zoo_net *net, const int64_t input[3], int64_t classes)
{
    cnn_module *self = cnn_module_new(ctx, forward, .type = "ResNet");
    (void)net;
    bool whole =
        cnn_module_add(self, "conv1", cnn_conv2d_new(ctx, input[0], 16, 3, .padding = 1, .no_bias = true)) &&
        cnn_module_add(self, "bn1", cnn_batch_norm2d_new(ctx, 16)) && cnn_module_add(self, "relu", cnn_relu_new(ctx)) &&
        cnn_module_add(self, "layer1", stage(ctx, 16, 16)) && cnn_module_add(self, "layer2", stage(ctx, 16, 32)) &&
        cnn_module_add(self, "layer3", stage(ctx, 32, 64)) &&
        cnn_module_add(self, "avgpool", cnn_adaptive_avg_pool2d_new(ctx, 1, 1)) &&
        cnn_module_add(self, "fc", cnn_linear_new(ctx, 64, classes)) && zoo_init_convs(self, CNN_FAN_IN);
    return zoo_whole(self, whole);
}
