/** @file
 * Operations that look elements up by their indices. What ops.h says about every operation holds here. */
#ifndef CNN_OPS_INDEX_H
#define CNN_OPS_INDEX_H

#include <cnn/tape.h>
#include <cnn/tensor.h>

CNN_BEGIN_DECLS

/** @name Embedding
 * f32, f64 and bf16; floating operands of one call share the dtype, which is the result's.
 * @since 0.2
 * @{ */
/** Options of an embedding; zero means the default. */
typedef struct cnn_embedding_options {
    size_t struct_size;        /**< sizeof(cnn_embedding_options) */
    int64_t padding_idx;       /**< a row that gets no gradient, counted from the end where it is negative */
    cnn_dtype dtype;           /**< layers only: of the parameters; default CNN_F32 */
    bool has_padding_idx;      /**< set it to use `padding_idx`; default: every row gets its gradient */
    unsigned char reserved[3]; /**< zero: room for later options */
} cnn_embedding_options;

/**
 * Rows of a table by their indices (torch.nn.functional.embedding): result[i…,d…] = weight[indices[i…],d…]. The
 * gradient of a row is the sum over its uses, added up in double and in their order whatever the number of threads.
 *
 * @param weight   [n,d…], f32, f64 or bf16.
 * @param indices  any shape, i64 or i32, each in [0, n): another one is CNN_ERROR_INVALID_ARGUMENT and names its
 * position. @return [indices' shape…,d…]. Of PyTorch's options max_norm, scale_grad_by_freq and sparse are missing.
 * @since 0.2
 */
CNN_API cnn_tensor *cnn_embedding(cnn_tensor *weight, cnn_tensor *indices, const cnn_embedding_options *options);
/** @} */

CNN_END_DECLS

#endif
