/* EfficientNet (Tan & Le 2019, "Rethinking model scaling for convolutional neural networks"), as torchvision has it. */
#include "mobile.h"
#include "zoo.h"

#include <math.h>

typedef struct stage {
    int expansion, kernel, stride, out, repeats;
} stage;

static const stage stages[] = { { 1, 3, 1, 16, 1 },  { 6, 3, 2, 24, 2 },  { 6, 5, 2, 40, 2 }, { 6, 3, 2, 80, 3 },
                                { 6, 5, 1, 112, 3 }, { 6, 5, 2, 192, 4 }, { 6, 3, 1, 320, 1 } };
enum { STAGES = sizeof stages / sizeof *stages, BLOCKS = 16 };

static cnn_module *mbconv(cnn_context *ctx, int64_t in, const stage *s, int64_t stride, double drop)
{
    int64_t hidden = in * s->expansion;
    const zoo_conv_norm widen = { .activation = mobile_silu };
    const zoo_conv_norm depthwise = { s->kernel, stride, .groups = hidden, .activation = mobile_silu };
    mobile_layers layers = { .count = 0 };
    if (s->expansion != 1) {
        mobile_append(&layers, zoo_conv_norm_new(ctx, in, hidden, &widen));
    }
    mobile_append(&layers, zoo_conv_norm_new(ctx, hidden, hidden, &depthwise));
    mobile_append(&layers, mobile_squeeze_excitation(ctx, hidden, in / 4, mobile_silu, mobile_sigmoid));
    mobile_append(&layers, zoo_conv_norm_new(ctx, hidden, s->out, &(zoo_conv_norm){ .kernel = 1 }));
    return mobile_block(ctx, "MBConv", "block", mobile_sequential(ctx, &layers), stride == 1 && in == s->out, drop);
}

/* The deeper a block, the more often it is dropped. */
static cnn_module *features_new(cnn_context *ctx, int64_t channels)
{
    const zoo_conv_norm first = { .kernel = 3, .stride = 2, .activation = mobile_silu };
    const zoo_conv_norm last = { .activation = mobile_silu };
    mobile_layers features = { .count = 0 };
    int block = 0;
    mobile_append(&features, zoo_conv_norm_new(ctx, channels, 32, &first));
    channels = 32;
    for (int s = 0; s < STAGES; s++) {
        mobile_layers layers = { .count = 0 };
        for (int i = 0; i < stages[s].repeats; i++, block++) {
            int64_t stride = i == 0 ? stages[s].stride : 1;
            mobile_append(&layers, mbconv(ctx, channels, &stages[s], stride, 0.2 * block / BLOCKS));
            channels = stages[s].out;
        }
        mobile_append(&features, mobile_sequential(ctx, &layers));
    }
    mobile_append(&features, zoo_conv_norm_new(ctx, channels, 1280, &last));
    return mobile_sequential(ctx, &features);
}

cnn_module *zoo_make_efficientnet_b0(cnn_context *ctx, const zoo_net *net, const int64_t input[3], int64_t classes)
{
    double bound = 1 / sqrt((double)classes);
    cnn_module *linear = cnn_linear_new(ctx, 1280, classes);
    cnn_module *self = mobile_classifier(ctx, "EfficientNet", features_new(ctx, input[0]),
                                         cnn_sequential_new(ctx, cnn_dropout_new(ctx, 0.2), linear));
    (void)net;
    bool whole = zoo_init_convs(self, CNN_FAN_OUT) &&
                 cnn_init_uniform(zoo_parameter(linear, "weight"), -bound, bound) == CNN_OK &&
                 cnn_init_zeros(zoo_parameter(linear, "bias")) == CNN_OK;
    return zoo_whole(self, whole);
}
