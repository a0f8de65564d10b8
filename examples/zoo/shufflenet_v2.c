/* ShuffleNet v2 (Ma et al. 2018, "Practical guidelines for efficient CNN architecture design"), as torchvision has it.
 * A block computes on half of the channels, and mixes both halves. */
#include "mobile.h"
#include "zoo.h"

enum { BRANCH1, BRANCH2 };

/* One half of the channels passes by; both halves are shuffled. */
static cnn_tensor *keep_forward(cnn_module *self, cnn_tensor *x, void *user)
{
    cnn_tensor *half[2];
    (void)user;
    cnn_chunk(x, 2, 1, half);
    half[1] = cnn_forward(zoo_part(self, BRANCH2), half[1]);
    return cnn_channel_shuffle(cnn_concat(half, 2, 1), 2);
}

/* Both branches see all channels and halve the size. */
static cnn_tensor *halve_forward(cnn_module *self, cnn_tensor *x, void *user)
{
    cnn_tensor *half[] = { cnn_forward(zoo_part(self, BRANCH1), x), cnn_forward(zoo_part(self, BRANCH2), x) };
    (void)user;
    return cnn_channel_shuffle(cnn_concat(half, 2, 1), 2);
}

static cnn_module *inverted_residual(cnn_context *ctx, int64_t in, int64_t out, int64_t stride)
{
    int64_t half = out / 2, seen = stride > 1 ? in : half;
    const zoo_conv_norm pointwise = { .activation = zoo_relu };
    const zoo_conv_norm depthwise = { .kernel = 3, .stride = stride, .groups = half };
    mobile_layers branch1 = { .count = 0 }, branch2 = { .count = 0 };
    if (stride > 1) {
        mobile_append_conv_norm(&branch1, ctx, in, in, (zoo_conv_norm){ .kernel = 3, .stride = stride, .groups = in });
        mobile_append_conv_norm(&branch1, ctx, in, half, pointwise);
    }
    mobile_append_conv_norm(&branch2, ctx, seen, half, pointwise);
    mobile_append_conv_norm(&branch2, ctx, half, half, depthwise);
    mobile_append_conv_norm(&branch2, ctx, half, half, pointwise);
    cnn_module *self = cnn_module_new(ctx, stride > 1 ? halve_forward : keep_forward, .type = "InvertedResidual");
    bool whole = cnn_module_add(self, "branch1", mobile_sequential(ctx, &branch1));
    whole = cnn_module_add(self, "branch2", mobile_sequential(ctx, &branch2)) && whole;
    return zoo_whole(self, whole);
}

static cnn_module *stage(cnn_context *ctx, int64_t in, int64_t out, int repeats)
{
    mobile_layers layers = { .count = 0 };
    for (int i = 0; i < repeats; i++) {
        mobile_append(&layers, inverted_residual(ctx, i == 0 ? in : out, out, i == 0 ? 2 : 1));
    }
    return mobile_sequential(ctx, &layers);
}

static cnn_tensor *forward(cnn_module *self, cnn_tensor *x, void *user)
{
    enum { CONV5 = 5, FC };
    (void)user;
    x = zoo_run(self, 0, CONV5 + 1, x);
    return cnn_forward(zoo_part(self, FC), cnn_mean(x, CNN_DIMS(2, 3), false));
}

cnn_module *zoo_make_shufflenet_v2_x1_0(cnn_context *ctx, const zoo_net *net, const int64_t input[3], int64_t classes)
{
    const zoo_conv_norm first = { .kernel = 3, .stride = 2, .activation = zoo_relu }, last = { .activation = zoo_relu };
    cnn_module *self = cnn_module_new(ctx, forward, .type = "ShuffleNetV2");
    (void)net;
    bool whole = cnn_module_add(self, "conv1", zoo_conv_norm_new(ctx, input[0], 24, &first)) &&
                 cnn_module_add(self, "maxpool", cnn_maxpool2d_new(ctx, 3, .stride = 2, .padding = 1)) &&
                 cnn_module_add(self, "stage2", stage(ctx, 24, 116, 4)) &&
                 cnn_module_add(self, "stage3", stage(ctx, 116, 232, 8)) &&
                 cnn_module_add(self, "stage4", stage(ctx, 232, 464, 4)) &&
                 cnn_module_add(self, "conv5", zoo_conv_norm_new(ctx, 464, 1024, &last)) &&
                 cnn_module_add(self, "fc", cnn_linear_new(ctx, 1024, classes));
    return zoo_whole(self, whole);
}
