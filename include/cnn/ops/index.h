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

/** @name Elements by their indices
 * Any dtype unless stated otherwise. Indices are i64 or i32 and lie within 0 and the size of `dim` minus 1: any other
 * is CNN_ERROR_INVALID_ARGUMENT and is named with its position, on a device by the call that waits. No operation
 * writes to its operands: cnn_scatter() is torch.scatter, and there is no scatter_. Where an index repeats, the last
 * value is written, and sums are made in the order of the index and in the dtype, whatever the number of threads.
 * @since 0.2
 * @{ */
/** torch.gather: y[i,j,k] = x[i,index[i,j,k],k] for dim = 1. The index has the rank of x, and its sizes are no larger
 * than those of x, except along `dim`. */
CNN_API cnn_tensor *cnn_gather(cnn_tensor *x, int dim, cnn_tensor *index);
/** torch.index_select: the elements of x along `dim` that a list of indices, [n] or [], names, for all other
 * positions. */
CNN_API cnn_tensor *cnn_index_select(cnn_tensor *x, int dim, cnn_tensor *index);
/** torch.scatter: a copy of x in which y[i,index[i,j,k],k] = src[i,j,k], for dim = 1, for all positions of the index.
 * Its sizes are no larger than those of src and, except along `dim`, of x. As in PyTorch every element of src that is
 * read gets a gradient, even one that a later element overwrites. */
CNN_API cnn_tensor *cnn_scatter(cnn_tensor *x, int dim, cnn_tensor *index, cnn_tensor *src);
/** torch.scatter with a number in place of src, converted as cnn_tensor_fill() says. */
CNN_API cnn_tensor *cnn_scatter_value(cnn_tensor *x, int dim, cnn_tensor *index, double value);
/** torch.scatter_add: the same with +=. Any dtype but bool; integers wrap. */
CNN_API cnn_tensor *cnn_scatter_add(cnn_tensor *x, int dim, cnn_tensor *index, cnn_tensor *src);
/** torch.index_add: adds `source`, which has the shape of x but for n along `dim`, where the list of n indices says.
 * For PyTorch's alpha, multiply the source first. Any dtype but bool. */
CNN_API cnn_tensor *cnn_index_add(cnn_tensor *x, int dim, cnn_tensor *index, cnn_tensor *source);
/** torch.masked_fill: `value`, converted as cnn_tensor_fill() says, where the mask, which is bool, is true; else x.
 * Both are broadcast. */
CNN_API cnn_tensor *cnn_masked_fill(cnn_tensor *x, cnn_tensor *mask, double value);
/** torch.nn.functional.one_hot: [indices' shape…,num_classes], i64, 1 where the index says. The number of classes is
 * not found in the elements: it is 1 or more. */
CNN_API cnn_tensor *cnn_one_hot(cnn_tensor *index, int64_t num_classes);
/** @} */

/** @name Order
 * Any dtype. Sorting is stable: equal elements stay in their order, also from the largest down. A NaN is the largest
 * number, and 0 equals −0. Indices are positions along `dim`, i64 and without a gradient.
 * @since 0.2
 * @{ */
/** torch.sort: the elements along `dim` in their order. `indices` receives their positions in x, a tensor of
 * the same tape, nil on failure; it may be NULL. */
CNN_API cnn_tensor *cnn_sort(cnn_tensor *x, int dim, bool descending, cnn_tensor **indices);
/** torch.argsort: the indices alone. */
CNN_API cnn_tensor *cnn_argsort(cnn_tensor *x, int dim, bool descending);
/** torch.topk: the first `k` of cnn_sort(), from the largest down or, where `largest` is false, from the smallest
 * up; k is 0 to the size of `dim`. Of equal elements the first ones are taken. */
CNN_API cnn_tensor *cnn_topk(cnn_tensor *x, int64_t k, int dim, bool largest, cnn_tensor **indices);
/** @} */

CNN_END_DECLS

#endif
