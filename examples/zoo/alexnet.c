/* AlexNet: Krizhevsky 2014, "One weird trick for parallelizing convolutional neural networks", as torchvision has it.
 * */
#include "blocks.h"
#include "zoo.h"

enum { FEATURES, AVGPOOL, CLASSIFIER };

static cnn_tensor *forward(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)user;
    x = zoo_chain(x, zoo_part(self, FEATURES), zoo_part(self, AVGPOOL));
    return cnn_forward(zoo_part(self, CLASSIFIER), cnn_flatten(x, 1, -1));
}

static cnn_module *features(cnn_context *ctx, int64_t channels)
{
    return cnn_sequential_new(
        ctx, cnn_conv2d_new(ctx, channels, 64, 11, .stride = 4, .padding = 2), cnn_relu_new(ctx),
        cnn_maxpool2d_new(ctx, 3, .stride = 2), cnn_conv2d_new(ctx, 64, 192, 5, .padding = 2), cnn_relu_new(ctx),
        cnn_maxpool2d_new(ctx, 3, .stride = 2), cnn_conv2d_new(ctx, 192, 384, 3, .padding = 1), cnn_relu_new(ctx),
        cnn_conv2d_new(ctx, 384, 256, 3, .padding = 1), cnn_relu_new(ctx),
        cnn_conv2d_new(ctx, 256, 256, 3, .padding = 1), cnn_relu_new(ctx), cnn_maxpool2d_new(ctx, 3, .stride = 2));
}

cnn_module *zoo_make_alexnet(cnn_context *ctx, const zoo_net *net, const int64_t input[3], int64_t classes)
{
    cnn_module *self = cnn_module_new(ctx, forward, .type = "AlexNet");
    (void)net;
    bool whole =
        cnn_module_add(self, "features", features(ctx, input[0])) &&
        cnn_module_add(self, "avgpool", cnn_adaptive_avg_pool2d_new(ctx, 6, 6)) &&
        cnn_module_add(self, "classifier",
                       cnn_sequential_new(ctx, cnn_dropout_new(ctx, 0.5), cnn_linear_new(ctx, 256 * 6 * 6, 4096),
                                          cnn_relu_new(ctx), cnn_dropout_new(ctx, 0.5), cnn_linear_new(ctx, 4096, 4096),
                                          cnn_relu_new(ctx), cnn_linear_new(ctx, 4096, classes)));
    return zoo_whole(self, whole);
}
