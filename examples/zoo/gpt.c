/* A small GPT-2 (Radford et al. 2019, "Language models are unsupervised multitask learners") with the names and first
 * values of github.com/karpathy/nanoGPT: embeddings of tokens and positions, blocks that normalise before causal
 * attention and before a perceptron with GELU, and a head whose weight is the embedding of tokens, transformer.wte. */
#include "blocks.h"
#include "zoo.h"

#include <math.h>

enum { LAYERS = 4, WIDTH = 128, HEAD_SIZE = 32 };

/* A linear layer with normal weights and a bias of zeros. */
static cnn_module *linear(cnn_context *ctx, int64_t in, int64_t out, double std)
{
    cnn_module *self = cnn_linear_new(ctx, in, out);
    return zoo_whole(self, self && zoo_init_linears(self, std));
}

/* GPT-2 scales the layers that add to the residual stream by how many there are. */
static cnn_module *residual_linear(cnn_context *ctx, int64_t in, int64_t out)
{
    return linear(ctx, in, out, 0.02 / sqrt(2.0 * LAYERS));
}

/* ---- a block ---- */

enum { C_ATTN, C_PROJ };

/* [N,T,C] becomes [N,heads,T,HEAD_SIZE] */
static cnn_tensor *heads(cnn_tensor *x)
{
    return cnn_transpose(cnn_unflatten(x, 2, CNN_SHAPE(-1, HEAD_SIZE)), 1, 2);
}

static cnn_tensor *attention_forward(cnn_module *self, cnn_tensor *x, void *user)
{
    static const cnn_scaled_dot_product_attention_options causal = { .struct_size = sizeof causal, .is_causal = true };
    cnn_tensor *qkv[3];
    (void)user;
    cnn_chunk(cnn_forward(zoo_part(self, C_ATTN), x), 3, 2, qkv);
    x = cnn_scaled_dot_product_attention(heads(qkv[0]), heads(qkv[1]), heads(qkv[2]), NULL, &causal, NULL);
    return cnn_forward(zoo_part(self, C_PROJ), cnn_flatten(cnn_transpose(x, 1, 2), 2, 3));
}

static cnn_module *attention_new(cnn_context *ctx)
{
    cnn_module *self = cnn_module_new(ctx, attention_forward, .type = "CausalSelfAttention");
    bool whole = cnn_module_add(self, "c_attn", linear(ctx, WIDTH, 3 * WIDTH, 0.02)) &&
                 cnn_module_add(self, "c_proj", residual_linear(ctx, WIDTH, WIDTH));
    return zoo_whole(self, whole);
}

static cnn_module *perceptron_new(cnn_context *ctx)
{
    cnn_module *self = zoo_sequence(ctx, "MLP");
    bool whole = cnn_module_add(self, "c_fc", linear(ctx, WIDTH, 4 * WIDTH, 0.02)) &&
                 cnn_module_add(self, "gelu", cnn_gelu_new(ctx)) &&
                 cnn_module_add(self, "c_proj", residual_linear(ctx, 4 * WIDTH, WIDTH));
    return zoo_whole(self, whole);
}

enum { LN_1, ATTN, LN_2, MLP };

static cnn_tensor *block_forward(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)user;
    x = cnn_add(x, zoo_chain(x, zoo_part(self, LN_1), zoo_part(self, ATTN)));
    return cnn_add(x, zoo_chain(x, zoo_part(self, LN_2), zoo_part(self, MLP)));
}

static cnn_module *block_new(cnn_context *ctx)
{
    cnn_module *self = cnn_module_new(ctx, block_forward, .type = "Block");
    bool whole = cnn_module_add(self, "ln_1", cnn_layer_norm_new(ctx, WIDTH)) &&
                 cnn_module_add(self, "attn", attention_new(ctx)) &&
                 cnn_module_add(self, "ln_2", cnn_layer_norm_new(ctx, WIDTH)) &&
                 cnn_module_add(self, "mlp", perceptron_new(ctx));
    return zoo_whole(self, whole);
}

/* ---- the net ---- */

enum { WTE, WPE, H, LN_F };

/* A sequence may be shorter than there are positions. */
static cnn_tensor *transformer_forward(cnn_module *self, cnn_tensor *tokens, void *user)
{
    (void)user;
    cnn_tensor *positions = zoo_parameter(zoo_part(self, WPE), "weight");
    positions = cnn_slice(positions, 0, 0, cnn_tensor_size(tokens, 1), 1);
    cnn_tensor *x = cnn_add(cnn_forward(zoo_part(self, WTE), tokens), positions);
    return zoo_chain(x, zoo_part(self, H), zoo_part(self, LN_F));
}

static cnn_module *embedding(cnn_context *ctx, int64_t count)
{
    cnn_module *self = cnn_embedding_new(ctx, count, WIDTH);
    return zoo_whole(self, self && cnn_init_normal(zoo_parameter(self, "weight"), 0, 0.02) == CNN_OK);
}

static cnn_module *blocks_new(cnn_context *ctx)
{
    cnn_module *blocks[LAYERS];
    for (int i = 0; i < LAYERS; i++) {
        blocks[i] = block_new(ctx);
    }
    return cnn_sequential_create(ctx, blocks, LAYERS);
}

static cnn_module *transformer_new(cnn_context *ctx, int64_t tokens, int64_t positions)
{
    cnn_module *self = cnn_module_new(ctx, transformer_forward, .type = "Transformer");
    bool whole = cnn_module_add(self, "wte", embedding(ctx, tokens)) &&
                 cnn_module_add(self, "wpe", embedding(ctx, positions)) && cnn_module_add(self, "h", blocks_new(ctx)) &&
                 cnn_module_add(self, "ln_f", cnn_layer_norm_new(ctx, WIDTH));
    return zoo_whole(self, whole);
}

static cnn_tensor *forward(cnn_module *self, cnn_tensor *tokens, void *user)
{
    (void)user;
    cnn_module *transformer = zoo_part(self, 0);
    return cnn_linear(cnn_forward(transformer, tokens), zoo_parameter(zoo_part(transformer, WTE), "weight"), NULL);
}

cnn_module *zoo_make_gpt(cnn_context *ctx, const zoo_net *net, const int64_t input[3], int64_t classes)
{
    cnn_module *self = cnn_module_new(ctx, forward, .type = "GPT");
    (void)net;
    return zoo_whole(self, cnn_module_add(self, "transformer", transformer_new(ctx, classes, input[0])));
}
