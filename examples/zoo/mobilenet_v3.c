/* MobileNet v3 (Howard et al. 2019, "Searching for MobileNetV3"), as torchvision has it: the blocks of MobileNet v2,
 * some with a squeeze and excitation behind the depthwise convolution. */
#include "mobile.h"
#include "zoo.h"

typedef struct stage {
    int kernel, expanded, out;
    bool squeeze;
    zoo_activation activation;
    int stride;
} stage;

/* torchvision's normalisation here has constants of its own. */
static cnn_module *conv_norm(cnn_context *ctx, int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t groups,
                             zoo_activation activation)
{
    const zoo_conv_norm options = { kernel, stride, groups, .eps = 0.001, .momentum = 0.01, .activation = activation };
    return zoo_conv_norm_new(ctx, in, out, &options);
}

static cnn_module *inverted_residual(cnn_context *ctx, int64_t in, const stage *s)
{
    mobile_layers layers = { .count = 0 };
    if (s->expanded != in) {
        mobile_append(&layers, conv_norm(ctx, in, s->expanded, 1, 1, 1, s->activation));
    }
    mobile_append(&layers, conv_norm(ctx, s->expanded, s->expanded, s->kernel, s->stride, s->expanded, s->activation));
    if (s->squeeze) {
        int64_t squeezed = mobile_divisible(s->expanded / 4);
        mobile_append(&layers, mobile_squeeze_excitation(ctx, s->expanded, squeezed, zoo_relu, mobile_hardsigmoid));
    }
    mobile_append(&layers, conv_norm(ctx, s->expanded, s->out, 1, 1, 1, NULL));
    bool residual = s->stride == 1 && in == s->out;
    return mobile_block(ctx, "InvertedResidual", "block", mobile_sequential(ctx, &layers), residual, 0);
}

enum { FIRST = 16, LAST = 576, CLASSIFIER = 1024 }; /* channels */

static cnn_module *features_new(cnn_context *ctx, int64_t channels)
{
    static const stage stages[] = {
        { 3, 16, 16, true, zoo_relu, 2 },          { 3, 72, 24, false, zoo_relu, 2 },
        { 3, 88, 24, false, zoo_relu, 1 },         { 5, 96, 40, true, mobile_hardswish, 2 },
        { 5, 240, 40, true, mobile_hardswish, 1 }, { 5, 240, 40, true, mobile_hardswish, 1 },
        { 5, 120, 48, true, mobile_hardswish, 1 }, { 5, 144, 48, true, mobile_hardswish, 1 },
        { 5, 288, 96, true, mobile_hardswish, 2 }, { 5, 576, 96, true, mobile_hardswish, 1 },
        { 5, 576, 96, true, mobile_hardswish, 1 },
    };
    mobile_layers features = { .count = 0 };
    mobile_append(&features, conv_norm(ctx, channels, FIRST, 3, 2, 1, mobile_hardswish));
    channels = FIRST;
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++) {
        mobile_append(&features, inverted_residual(ctx, channels, &stages[i]));
        channels = stages[i].out;
    }
    mobile_append(&features, conv_norm(ctx, channels, LAST, 1, 1, 1, mobile_hardswish));
    return mobile_sequential(ctx, &features);
}

cnn_module *zoo_make_mobilenet_v3_small(cnn_context *ctx, const zoo_net *net, const int64_t input[3], int64_t classes)
{
    cnn_module *classifier = cnn_sequential_new(ctx, cnn_linear_new(ctx, LAST, CLASSIFIER), cnn_hardswish_new(ctx),
                                                cnn_dropout_new(ctx, 0.2), cnn_linear_new(ctx, CLASSIFIER, classes));
    cnn_module *self = mobile_classifier(ctx, "MobileNetV3", features_new(ctx, input[0]), classifier);
    (void)net;
    return zoo_whole(self, zoo_init_convs(self, CNN_FAN_OUT) && zoo_init_linears(self, 0.01));
}
