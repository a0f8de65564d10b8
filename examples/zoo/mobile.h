/* What the nets for small machines share: MobileNet v2 and v3, ShuffleNet v2 and EfficientNet. Every function that makes
 * a module returns one that the caller owns, or NULL when a part could not be made; cnn_last_error() says why. */
#ifndef ZOO_MOBILE_H
#define ZOO_MOBILE_H

#include "blocks.h"

/* The layers of a Sequential while it is put together. */
typedef struct mobile_layers {
    cnn_module *at[24];
    int count;
} mobile_layers;

void mobile_append(mobile_layers *layers, cnn_module *layer);
/* Appends the two or three layers of zoo_conv_norm_new() themselves. */
void mobile_append_conv_norm(mobile_layers *layers, cnn_context *ctx, int64_t in, int64_t out, zoo_conv_norm options);
/* The Sequential of them all. */
cnn_module *mobile_sequential(cnn_context *ctx, const mobile_layers *layers);

/* torchvision.ops.SqueezeExcitation: the channels are scaled by what `scale` makes of their means, behind two
 * convolutions with `activation` between them. */
cnn_module *mobile_squeeze_excitation(cnn_context *ctx, int64_t channels, int64_t squeezed, zoo_activation activation,
                                      zoo_activation scale);
/* torchvision.ops.StochasticDepth(p, "row"): in training each sample becomes 0 with probability p, and the others are
 * divided by 1 - p. The draws come from the random stream of the step, which follows from the context's seed. */
cnn_module *mobile_stochastic_depth(cnn_context *ctx, double p);
/* A module of that type around `inner`, named `name`: x + inner(x) if `residual`, else inner(x). Where `drop` is above
 * 0, a residual one puts inner(x) through a stochastic depth of that probability. Takes `inner`, also on failure. */
cnn_module *mobile_block(cnn_context *ctx, const char *type, const char *name, cnn_module *inner, bool residual,
                         double drop);
/* A classifier of images: global average pooling of `features`, and `classifier`. Takes both, also on failure. */
cnn_module *mobile_classifier(cnn_context *ctx, const char *type, cnn_module *features, cnn_module *classifier);

/* torchvision's _make_divisible(): the nearest multiple of 8, but no less than nine tenths of `channels`. */
int64_t mobile_divisible(double channels);

/* Constructors of activations without options. */
cnn_module *mobile_relu6(cnn_context *ctx);
cnn_module *mobile_hardswish(cnn_context *ctx);
cnn_module *mobile_hardsigmoid(cnn_context *ctx);
cnn_module *mobile_sigmoid(cnn_context *ctx);
cnn_module *mobile_silu(cnn_context *ctx);

#endif
