/** @file
 * Attention. What ops.h says about every operation holds here. */
#ifndef CNN_OPS_ATTENTION_H
#define CNN_OPS_ATTENTION_H

#include <cnn/tape.h>
#include <cnn/tensor.h>

CNN_BEGIN_DECLS

/** @name Attention
 * f32, f64 and bf16; floating operands of one call share the dtype, which is the result's.
 * @since 0.2
 * @{ */
/** Options of cnn_scaled_dot_product_attention(); zero means the default. */
typedef struct cnn_scaled_dot_product_attention_options {
    size_t struct_size;        /**< sizeof(cnn_scaled_dot_product_attention_options) */
    double scale;              /**< what the products are multiplied by; default 1/√E */
    double dropout_p;          /**< in [0, 1]: the chance that a weight is dropped, in training alone; default 0 */
    bool is_causal;            /**< query i sees keys 0 … i alone */
    bool enable_gqa;           /**< a head (dimension −3) of key and value serves H / G of the query's, see there */
    unsigned char reserved[6]; /**< zero: room for later options */
} cnn_scaled_dot_product_attention_options;

/**
 * torch.nn.functional.scaled_dot_product_attention:
 *
 *     weights = dropout(softmax(scale · query · keyᵀ + attn_mask))     result = weights · value
 *
 * The weights are made block by block and not kept, unless the caller wants them. A query that sees no key has weights
 * of 0 and a result of 0, as in PyTorch since 2.5. Dropped weights are those that cnn_dropout() would drop.
 *
 * @param query      [...,L,E], f32, f64 or bf16.
 * @param key        [...,S,E], with the batch of the query. With `enable_gqa` [...,G,S,E] beside a query of
 *                   [...,H,L,E], where G divides H: each head of key and value serves H / G neighbours of the query's.
 * @param value      [...,S,F].
 * @param attn_mask  of a shape that broadcasts to [...,L,S]: bool, where true lets a query see a key, or of the query's
 *                   dtype, which is added and gets a gradient. May be NULL. Joins with `is_causal`.
 * @param weights    receives the weights, [...,L,S], behind the dropout: a tensor of the same tape, nil on failure.
 *                   May be NULL.
 * @return [...,L,F].
 * @since 0.2
 */
CNN_API cnn_tensor *cnn_scaled_dot_product_attention(cnn_tensor *query, cnn_tensor *key, cnn_tensor *value,
                                                     cnn_tensor *attn_mask,
                                                     const cnn_scaled_dot_product_attention_options *options,
                                                     cnn_tensor **weights);
/** @} */

CNN_END_DECLS

#endif
