/* A whitening layer and three blocks of two convolutions in the style of airbench94 (K. Jordan, "94% on CIFAR-10 in
 * 3.29 Seconds on a Single GPU", 2024), narrower, with ReLU, and with all maps of even size, which Winograd's tiles
 * of 4 × 4 fill. ReLU stands before the pooling, because a convolution, ReLU and pooling run as one operation. */
#include "cifar10_net.h"

enum { WHITE = 24, BLOCKS = 3 };

static const int64_t widths[BLOCKS] = { 64, 128, 256 };
static const double logit_scale = 1.0 / 9;

/* The first `in` filters hand on their channel, the others keep their random first values. */
static void begin_as_identity(cnn_tensor *weight)
{
    int64_t in = cnn_tensor_size(weight, 1), out = cnn_tensor_size(weight, 0), taps = 9;
    float *w = cnn_tensor_data(weight);
    for (int64_t o = 0; w && o < in && o < out; o++) {
        for (int64_t i = 0; i < in * taps; i++) {
            w[o * in * taps + i] = i == o * taps + taps / 2 ? 1 : 0;
        }
    }
}

static cnn_module *conv_new(cnn_context *ctx, int64_t in, int64_t out)
{
    cnn_module *conv = cnn_conv2d_new(ctx, in, out, 3, .padding = 1, .no_bias = true);
    if (conv) {
        begin_as_identity(cnn_module_parameter(conv, 0));
    }
    return conv;
}

/* The scale of a normalisation is left at 1: the convolution behind it has one. */
static cnn_module *norm_new(cnn_context *ctx, int64_t channels)
{
    cnn_module *norm = cnn_batch_norm2d_new(ctx, channels, .momentum = 0.4);
    if (norm) {
        cnn_tensor_set_requires_grad(cnn_module_parameter(norm, 0), false);
    }
    return norm;
}

static cnn_module *block_new(cnn_context *ctx, int64_t in, int64_t out)
{
    return cnn_sequential_new(ctx, conv_new(ctx, in, out), cnn_relu_new(ctx), cnn_maxpool2d_new(ctx, 2),
                              norm_new(ctx, out), conv_new(ctx, out, out), norm_new(ctx, out), cnn_relu_new(ctx));
}

/* Scales the logits: labels that are smoothed want small ones. */
static cnn_tensor *head_forward(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)user;
    return cnn_mul_scalar(cnn_forward(cnn_module_child(self, 0, NULL), x), logit_scale);
}

static cnn_module *head_new(cnn_context *ctx, int64_t in, int64_t classes)
{
    cnn_module *head = cnn_module_new(ctx, head_forward, .type = "Head");
    if (!cnn_module_add(head, "linear", cnn_linear_new(ctx, in, classes, .no_bias = true))) {
        cnn_module_free(head);
        return NULL;
    }
    return head;
}

cnn_module *cifar10_net_new(cnn_context *ctx, int64_t classes)
{
    return cnn_sequential_new(
        ctx, cnn_conv2d_new(ctx, 3, WHITE, 2, .padding_bottom = 1, .padding_right = 1, .no_bias = true),
        cnn_relu_new(ctx), block_new(ctx, WHITE, widths[0]), block_new(ctx, widths[0], widths[1]),
        block_new(ctx, widths[1], widths[2]), cnn_maxpool2d_new(ctx, 4), cnn_flatten_new(ctx),
        head_new(ctx, widths[2], classes));
}
