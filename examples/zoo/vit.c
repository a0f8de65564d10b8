/* A small vision transformer (Dosovitskiy et al. 2021, "An image is worth 16x16 words"): torchvision's
 * VisionTransformer with patches of 4 x 4, 6 layers, 3 heads, 192 features and perceptrons of 768. */
#include "blocks.h"
#include "zoo.h"

#include <math.h>
#include <stdio.h>

enum { PATCH = 4, LAYERS = 6, HEADS = 3, HIDDEN = 192, PERCEPTRON = 768 };

/* ---- a layer ---- */

enum { LN_1, SELF_ATTENTION, LN_2, MLP };

static cnn_tensor *layer_forward(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)user;
    x = cnn_add(zoo_chain(x, zoo_part(self, LN_1), zoo_part(self, SELF_ATTENTION)), x);
    return cnn_add(x, zoo_chain(x, zoo_part(self, LN_2), zoo_part(self, MLP)));
}

static cnn_module *layer_norm(cnn_context *ctx)
{
    return cnn_layer_norm_new(ctx, HIDDEN, .eps = 1e-6);
}

static cnn_module *perceptron_linear(cnn_context *ctx, int64_t in, int64_t out)
{
    cnn_module *self = cnn_linear_new(ctx, in, out);
    bool whole = self && cnn_init_xavier_uniform(zoo_parameter(self, "weight"), 1) == CNN_OK &&
                 cnn_init_normal(zoo_parameter(self, "bias"), 0, 1e-6) == CNN_OK;
    return zoo_whole(self, whole);
}

static cnn_module *perceptron(cnn_context *ctx)
{
    return cnn_sequential_new(ctx, perceptron_linear(ctx, HIDDEN, PERCEPTRON), cnn_gelu_new(ctx),
                              cnn_dropout_new(ctx, 0), perceptron_linear(ctx, PERCEPTRON, HIDDEN),
                              cnn_dropout_new(ctx, 0));
}

static cnn_module *layer_new(cnn_context *ctx)
{
    cnn_module *self = cnn_module_new(ctx, layer_forward, .type = "EncoderBlock");
    bool whole =
        cnn_module_add(self, "ln_1", layer_norm(ctx)) &&
        cnn_module_add(self, "self_attention", cnn_multihead_attention_new(ctx, HIDDEN, HEADS, .batch_first = true)) &&
        cnn_module_add(self, "ln_2", layer_norm(ctx)) && cnn_module_add(self, "mlp", perceptron(ctx));
    return zoo_whole(self, whole);
}

/* ---- the encoder ---- */

enum { LAYERS_OF_ENCODER, LN };

/* The first parameter of a module is its own. */
static cnn_tensor *encoder_forward(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)user;
    x = cnn_add(x, cnn_module_parameter(self, 0));
    return zoo_chain(x, zoo_part(self, LAYERS_OF_ENCODER), zoo_part(self, LN));
}

static cnn_module *layers_new(cnn_context *ctx)
{
    cnn_module *self = zoo_sequence(ctx, "Sequential");
    bool whole = self;
    for (int i = 0; whole && i < LAYERS; i++) {
        char name[32];
        snprintf(name, sizeof name, "encoder_layer_%d", i);
        whole = cnn_module_add(self, name, layer_new(ctx));
    }
    return zoo_whole(self, whole);
}

static cnn_module *encoder_new(cnn_context *ctx, int64_t tokens)
{
    cnn_module *self = cnn_module_new(ctx, encoder_forward, .type = "Encoder");
    cnn_tensor *positions = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(1, tokens, HIDDEN));
    positions = cnn_module_add_parameter(self, "pos_embedding", positions);
    bool whole = positions && cnn_init_normal(positions, 0, 0.02) == CNN_OK &&
                 cnn_module_add(self, "layers", layers_new(ctx)) && cnn_module_add(self, "ln", layer_norm(ctx));
    return zoo_whole(self, whole);
}

/* ---- the net: patches are tokens, and the head sees one more, which comes before them ---- */

enum { CONV_PROJ, ENCODER, HEADS_OF_NET };

static cnn_tensor *forward(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)user;
    cnn_tensor *class_token = cnn_expand(cnn_module_parameter(self, 0), CNN_SHAPE(cnn_tensor_size(x, 0), -1, -1));
    cnn_tensor *patches = cnn_transpose(cnn_flatten(cnn_forward(zoo_part(self, CONV_PROJ), x), 2, -1), 1, 2);
    x = cnn_concat((cnn_tensor *[]){ class_token, patches }, 2, 1);
    x = cnn_slice(cnn_forward(zoo_part(self, ENCODER), x), 1, 0, 1, 1);
    return cnn_forward(zoo_part(self, HEADS_OF_NET), cnn_squeeze(x, 1));
}

static cnn_module *patches_new(cnn_context *ctx, int64_t channels)
{
    cnn_module *self = cnn_conv2d_new(ctx, channels, HIDDEN, PATCH, .stride = PATCH);
    double std = sqrt(1.0 / (double)(channels * PATCH * PATCH));
    bool whole = self && cnn_init_trunc_normal(zoo_parameter(self, "weight"), 0, std, -2, 2) == CNN_OK &&
                 cnn_init_zeros(zoo_parameter(self, "bias")) == CNN_OK;
    return zoo_whole(self, whole);
}

static cnn_module *heads_new(cnn_context *ctx, int64_t classes)
{
    cnn_module *self = zoo_sequence(ctx, "Sequential");
    bool whole = cnn_module_add(self, "head", cnn_linear_new(ctx, HIDDEN, classes)) && zoo_init_linears(self, 0);
    return zoo_whole(self, whole);
}

cnn_module *zoo_make_vit(cnn_context *ctx, const zoo_net *net, const int64_t input[3], int64_t classes)
{
    int64_t tokens = (input[1] / PATCH) * (input[2] / PATCH) + 1;
    cnn_module *self = cnn_module_new(ctx, forward, .type = "VisionTransformer");
    (void)net;
    cnn_tensor *token = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(1, 1, HIDDEN));
    bool whole = cnn_module_add_parameter(self, "class_token", token) &&
                 cnn_module_add(self, "conv_proj", patches_new(ctx, input[0])) &&
                 cnn_module_add(self, "encoder", encoder_new(ctx, tokens)) &&
                 cnn_module_add(self, "heads", heads_new(ctx, classes));
    return zoo_whole(self, whole);
}
