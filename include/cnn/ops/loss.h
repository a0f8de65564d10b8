/** @file
 * Losses. What ops.h says about every operation holds here. */
#ifndef CNN_OPS_LOSS_H
#define CNN_OPS_LOSS_H

#include <cnn/tape.h>
#include <cnn/tensor.h>

CNN_BEGIN_DECLS

/** @name Losses
 * f32, f64 and bf16; floating operands of one call share the dtype, which is the result's.
 * @since 0.1
 * @{ */
/** What a loss does with the losses of the samples. */
typedef enum cnn_reduction {
    CNN_REDUCE_MEAN = 0, /**< (weighted) mean over the samples that count */
    CNN_REDUCE_SUM = 1,  /**< the sum of the samples' losses */
    CNN_REDUCE_NONE = 2  /**< one loss a sample */
} cnn_reduction;

/** Options of the cross-entropy loss; zero means the default. */
typedef struct cnn_cross_entropy_options {
    size_t struct_size;        /**< sizeof(cnn_cross_entropy_options) */
    cnn_tensor *weight;        /**< [C], the dtype of the logits: a factor for each class; default none */
    int64_t ignore_index;      /**< neither counts nor gets a gradient, whatever the logits; default −100 */
    double label_smoothing;    /**< in [0, 1]; default 0 */
    cnn_reduction reduction;   /**< default CNN_REDUCE_MEAN */
    bool has_ignore_index;     /**< set it to ignore another index than −100 */
    unsigned char reserved[3]; /**< zero: room for later options */
} cnn_cross_entropy_options;

/**
 * log-softmax and negative log-likelihood in one (torch.nn.functional.cross_entropy).
 *
 * @param logits  [C], [N,C] or [N,C,d1,…], unnormalised.
 * @param target  class indices, i64, i32 or u8, shaped like the logits without C; or class probabilities of the logits'
 *                shape and dtype.
 * @return a scalar, or for CNN_REDUCE_NONE the losses in the shape of the logits without C. An index that is neither in
 *         [0, C) nor ignored is CNN_ERROR_INVALID_ARGUMENT and names its position.
 */
CNN_API cnn_tensor *cnn_cross_entropy_with(cnn_tensor *logits, cnn_tensor *target,
                                           const cnn_cross_entropy_options *options);

/** cnn_cross_entropy_with() the defaults: the mean. */
CNN_API cnn_tensor *cnn_cross_entropy(cnn_tensor *logits, cnn_tensor *target);
/** @} */

CNN_END_DECLS

#endif
