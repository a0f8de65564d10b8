/** @file
 * Layers of attention. What module.h says about layers holds here: a constructor returns a module owned by the caller,
 * or NULL on failure. `options` may be NULL for the defaults. Thread-safe. */
#ifndef CNN_ATTENTION_H
#define CNN_ATTENTION_H

#include <cnn/module.h>

CNN_BEGIN_DECLS

/** Options of cnn_multihead_attention_create(); zero means the default.
 * @since 0.2 */
typedef struct cnn_multihead_attention_options {
    size_t struct_size;        /**< sizeof(cnn_multihead_attention_options) */
    int64_t kdim;              /**< features of the key; default embed_dim */
    int64_t vdim;              /**< features of the value; default embed_dim */
    double dropout;            /**< in [0, 1], of the weights, in training; default 0 */
    cnn_dtype dtype;           /**< the dtype of the parameters; default CNN_F32 */
    bool no_bias;              /**< no bias of the projections */
    bool add_bias_kv;          /**< adds one more key and value, `bias_k` and `bias_v`, to each sequence */
    bool add_zero_attn;        /**< adds one more key and value of zeros */
    bool batch_first;          /**< tensors are [N,L,E] instead of [L,N,E] */
    bool is_causal;            /**< query i sees keys 0 … i alone, whatever the masks say */
    unsigned char reserved[7]; /**< zero: room for later options */
} cnn_multihead_attention_options;

/**
 * torch.nn.MultiheadAttention: `in_proj_weight` [3·E,E], or where kdim or vdim differ from E `q_proj_weight` [E,E],
 * `k_proj_weight` [E,kdim] and `v_proj_weight` [E,vdim], all from Xavier's uniform distribution; `in_proj_bias` [3·E]
 * of zeros, `bias_k` and `bias_v` [1,1,E]; and the linear layer `out_proj`, whose bias is 0.
 *
 * cnn_forward() attends to x itself. cnn_forward_many() takes query, key, value, key_padding_mask and attn_mask, of
 * which the last ones may be missing: without a key it is the query, and without a value the key. It gives the result,
 * the weights averaged over the heads and the weights of each head, as far as they are asked for.
 * cnn_multihead_attention_forward() says what shapes they have.
 *
 * @param embed_dim  E, the features of the query and the result; a multiple of num_heads.
 * @since 0.2
 */
CNN_API cnn_module *cnn_multihead_attention_create(cnn_context *ctx, int64_t embed_dim, int64_t num_heads,
                                                   const cnn_multihead_attention_options *options);

/**
 * Runs a MultiheadAttention: y, weights = attention(query, key, value, key_padding_mask, attn_mask=attn_mask). In a
 * bool mask true forbids to look, as in PyTorch; a mask of real numbers is added to the products. A query that sees no
 * key has weights of 0, as in scaled_dot_product_attention, where PyTorch's layer has NaN.
 *
 * @param module            made by cnn_multihead_attention_create(); another type is CNN_ERROR_INVALID_ARGUMENT.
 * @param query             [L,N,E], or [N,L,E] with batch_first, or [L,E]; on a tape, as for cnn_forward().
 * @param key, value        [S,N,kdim] and [S,N,vdim] and so on; NULL: the query, and the key.
 * @param key_padding_mask  [N,S], or [S]: keys that nobody looks at; bool or of the query's dtype. NULL: none.
 * @param attn_mask         [L,S] or [N·num_heads,L,S]; bool or of the query's dtype. NULL: none.
 * @param weights           receives [N,L,S], or [L,S]: the weights averaged over the heads. Where PyTorch's
 *                          need_weights is false: NULL, which is faster.
 * @param head_weights      receives [N,num_heads,L,S], or [num_heads,L,S], as PyTorch's average_attn_weights=False
 *                          does. May be NULL. S counts what the options add.
 * @return the result, of the query's shape: a tensor of that tape; nil on failure, as for cnn_forward(). Threads as for
 *         cnn_forward(). @since 0.2
 */
CNN_API cnn_tensor *cnn_multihead_attention_forward(cnn_module *module, cnn_tensor *query, cnn_tensor *key,
                                                    cnn_tensor *value, cnn_tensor *key_padding_mask,
                                                    cnn_tensor *attn_mask, cnn_tensor **weights,
                                                    cnn_tensor **head_weights);

/** Options of cnn_transformer_encoder_layer_create(); zero means the default.
 * @since 0.2 */
typedef struct cnn_transformer_encoder_layer_options {
    size_t struct_size;        /**< sizeof(cnn_transformer_encoder_layer_options) */
    int64_t dim_feedforward;   /**< features between the two linear layers; default 2048 */
    double dropout;            /**< in [0, 1], in training; default 0.1 */
    double layer_norm_eps;     /**< added to variances in the normalisations; default 1e-5 */
    cnn_dtype dtype;           /**< the dtype of the parameters; default CNN_F32 */
    bool gelu;                 /**< the activation is GELU instead of ReLU */
    bool batch_first;          /**< tensors are [N,L,E] instead of [L,N,E] */
    bool norm_first;           /**< normalises before attention and linear layers instead of behind their sums */
    bool no_bias;              /**< no bias anywhere */
    bool is_causal;            /**< position i sees 0 … i alone, whatever the masks say */
    unsigned char reserved[7]; /**< zero: room for later options */
} cnn_transformer_encoder_layer_options;

/**
 * torch.nn.TransformerEncoderLayer: `self_attn`, `linear1`, `linear2`, `norm1` and `norm2`. cnn_forward() takes x
 * [L,N,E], or [N,L,E] with batch_first, or [L,E]. cnn_forward_many() takes x, a mask of attention and a mask of
 * padding, which cnn_multihead_attention_forward() describes and of which the last ones may be missing, and gives one
 * tensor.
 *
 * @param d_model  E, a multiple of nhead.
 * @since 0.2
 */
CNN_API cnn_module *cnn_transformer_encoder_layer_create(cnn_context *ctx, int64_t d_model, int64_t nhead,
                                                         const cnn_transformer_encoder_layer_options *options);

/**
 * torch.nn.TransformerEncoder: layers one after the other, `layers.0`, `layers.1`, …, and a normalisation behind them,
 * `norm`. Takes what its layers take.
 *
 * @param layer       the first layer, made by cnn_transformer_encoder_layer_create(); the others are its clones. Takes
 *                    ownership, also on failure; one that has a parent is refused and stays there. NULL fails and
 *                    keeps the message of its failed call.
 * @param num_layers  1 to 1000.
 * @param norm        a module of one tensor, such as a LayerNorm; takes ownership likewise. NULL: none.
 * @since 0.2
 */
CNN_API cnn_module *cnn_transformer_encoder_create(cnn_context *ctx, cnn_module *layer, int64_t num_layers,
                                                   cnn_module *norm);

#ifndef __cplusplus
/** `cnn_multihead_attention_new(ctx, embed_dim, num_heads, .batch_first = true)` */
#define cnn_multihead_attention_new(...) \
    CNN__MULTIHEAD_ATTENTION_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_multihead_attention_options))
#define CNN__MULTIHEAD_ATTENTION_NEW(ctx, embed_dim, num_heads, ...) \
    cnn_multihead_attention_create((ctx), (embed_dim), (num_heads), \
                                   &(cnn_multihead_attention_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_transformer_encoder_layer_new(ctx, d_model, nhead, .norm_first = true)` */
#define cnn_transformer_encoder_layer_new(...) \
    CNN__TRANSFORMER_ENCODER_LAYER_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_transformer_encoder_layer_options))
#define CNN__TRANSFORMER_ENCODER_LAYER_NEW(ctx, d_model, nhead, ...) \
    cnn_transformer_encoder_layer_create((ctx), (d_model), (nhead), \
                                         &(cnn_transformer_encoder_layer_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
#endif

CNN_END_DECLS

#endif
