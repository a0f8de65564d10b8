/* MobileNet v2 (Sandler et al. 2018, "Inverted residuals and linear bottlenecks"), as torchvision has it. A block
 * widens, looks at each channel alone and narrows, and adds its input where the shapes are equal. */
#include "mobile.h"
#include "zoo.h"

static cnn_module *inverted_residual(cnn_context *ctx, int64_t in, int64_t out, int64_t stride, int64_t expansion)
{
    int64_t hidden = in * expansion;
    const zoo_conv_norm widen = { .activation = mobile_relu6 };
    const zoo_conv_norm depthwise = { .kernel = 3, .stride = stride, .groups = hidden, .activation = mobile_relu6 };
    mobile_layers layers = { .count = 0 };
    if (expansion != 1) {
        mobile_append(&layers, zoo_conv_norm_new(ctx, in, hidden, &widen));
    }
    mobile_append(&layers, zoo_conv_norm_new(ctx, hidden, hidden, &depthwise));
    mobile_append_conv_norm(&layers, ctx, hidden, out, (zoo_conv_norm){ .kernel = 1 });
    return mobile_block(ctx, "InvertedResidual", "conv", mobile_sequential(ctx, &layers), stride == 1 && in == out, 0);
}

static cnn_module *features_new(cnn_context *ctx, int64_t channels)
{
    static const struct {
        int expansion, out, repeats, stride;
    } stages[] = { { 1, 16, 1, 1 }, { 6, 24, 2, 2 },  { 6, 32, 3, 2 }, { 6, 64, 4, 2 },
                   { 6, 96, 3, 1 }, { 6, 160, 3, 2 }, { 6, 320, 1, 1 } };
    const zoo_conv_norm first = { .kernel = 3, .stride = 2, .activation = mobile_relu6 };
    mobile_layers features = { .count = 0 };
    mobile_append(&features, zoo_conv_norm_new(ctx, channels, 32, &first));
    channels = 32;
    for (size_t s = 0; s < sizeof stages / sizeof *stages; s++) {
        for (int i = 0; i < stages[s].repeats; i++) {
            int64_t stride = i == 0 ? stages[s].stride : 1;
            mobile_append(&features, inverted_residual(ctx, channels, stages[s].out, stride, stages[s].expansion));
            channels = stages[s].out;
        }
    }
    mobile_append(&features, zoo_conv_norm_new(ctx, channels, 1280, &(zoo_conv_norm){ .activation = mobile_relu6 }));
    return mobile_sequential(ctx, &features);
}

cnn_module *zoo_make_mobilenet_v2(cnn_context *ctx, const zoo_net *net, const int64_t input[3], int64_t classes)
{
    cnn_module *classifier = cnn_sequential_new(ctx, cnn_dropout_new(ctx, 0.2), cnn_linear_new(ctx, 1280, classes));
    cnn_module *self = mobile_classifier(ctx, "MobileNetV2", features_new(ctx, input[0]), classifier);
    (void)net;
    return zoo_whole(self, zoo_init_convs(self, CNN_FAN_OUT) && zoo_init_linears(self, 0.01));
}
