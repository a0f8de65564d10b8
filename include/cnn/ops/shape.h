/** @file
 * Operations that rearrange, join, copy or convert elements. What ops.h says about every operation holds here. */
#ifndef CNN_OPS_SHAPE_H
#define CNN_OPS_SHAPE_H

#include <cnn/tape.h>
#include <cnn/tensor.h>

CNN_BEGIN_DECLS

/** @name Shapes
 * Any dtype. Those marked "view" never copy. The gradient takes the way back.
 * @since 0.1
 * @{ */
/** A view where the strides allow it, else a copy. One size may be −1: it is inferred. */
CNN_API cnn_tensor *cnn_reshape(cnn_tensor *x, int ndim, const int64_t *shape);
/** The same, but an error where a copy would be needed. View. */
CNN_API cnn_tensor *cnn_view(cnn_tensor *x, int ndim, const int64_t *shape);
/** Joins dimensions start to end, both included: flatten(x, 1, −1) gives [N, features]. */
CNN_API cnn_tensor *cnn_flatten(cnn_tensor *x, int start_dim, int end_dim);
/** Splits dimension `dim` into sizes whose product is its own, one of which may be −1: torch.unflatten. A view where
 * the strides allow it, else a copy. @since 0.2 */
CNN_API cnn_tensor *cnn_unflatten(cnn_tensor *x, int dim, int ndim, const int64_t *shape);
/** Swaps two dimensions. View. */
CNN_API cnn_tensor *cnn_transpose(cnn_tensor *x, int dim0, int dim1);
/** Dimension i of the result is dimension dims[i] of x; `count` is the rank. View. */
CNN_API cnn_tensor *cnn_permute(cnn_tensor *x, int count, const int *dims);
/** Elements start, start + step, … before `end` along `dim`, as Python's x[start:end:step]: negative positions count
 * from the end, positions past it are clipped; step ≥ 1. View. */
CNN_API cnn_tensor *cnn_slice(cnn_tensor *x, int dim, int64_t start, int64_t end, int64_t step);
/** Repeats dimensions of size 1 without a copy; −1 keeps a size; new leading dimensions may be added. View. */
CNN_API cnn_tensor *cnn_expand(cnn_tensor *x, int ndim, const int64_t *shape);
/** Removes dimension `dim` if its size is 1. View. */
CNN_API cnn_tensor *cnn_squeeze(cnn_tensor *x, int dim);
/** Inserts a dimension of size 1 before `dim` (−1: at the end). View. */
CNN_API cnn_tensor *cnn_unsqueeze(cnn_tensor *x, int dim);
/** x itself if it is contiguous, else a contiguous copy. */
CNN_API cnn_tensor *cnn_contiguous(cnn_tensor *x);
/** A contiguous copy. */
CNN_API cnn_tensor *cnn_clone(cnn_tensor *x);
/** Converts the elements: to an integer toward zero (saturating; NaN gives 0), to bool by ≠ 0. Differentiable between
 * f32, f64 and bf16. */
CNN_API cnn_tensor *cnn_cast(cnn_tensor *x, cnn_dtype dtype);
/** Joins `count` tensors along `dim`; the other sizes and the dtype agree. */
CNN_API cnn_tensor *cnn_concat(cnn_tensor *const *tensors, int count, int dim);
/** Joins `count` tensors of one shape along a new dimension `dim`. */
CNN_API cnn_tensor *cnn_stack(cnn_tensor *const *tensors, int count, int dim);
/** The same elements without history: gradients stop here. torch.Tensor.detach. View. */
CNN_API cnn_tensor *cnn_detach(cnn_tensor *x);
/** The elements in reversed order along `count` dimensions `dims`; `count` 0 means all of them. @since 0.2 */
CNN_API cnn_tensor *cnn_flip(cnn_tensor *x, int count, const int *dims);
/** The elements `shift` positions further along `dim`; what leaves at one end comes in at the other. For several
 * dimensions roll several times. torch.roll. @since 0.2 */
CNN_API cnn_tensor *cnn_roll(cnn_tensor *x, int64_t shift, int dim);
/** Matrices [rows,columns] behind any leading dimensions with zeros above the diagonal, which is `diagonal` columns
 * to the right of the main one. torch.tril. @since 0.2 */
CNN_API cnn_tensor *cnn_tril(cnn_tensor *x, int64_t diagonal);
/** The same with zeros below the diagonal. torch.triu. @since 0.2 */
CNN_API cnn_tensor *cnn_triu(cnn_tensor *x, int64_t diagonal);
/** Copies of x beside each other, repeats[i] along dimension i of the result; `ndim` is its rank, at least that of x.
 * torch.Tensor.repeat. cnn_expand() makes no copies. @since 0.2 */
CNN_API cnn_tensor *cnn_repeat(cnn_tensor *x, int ndim, const int64_t *repeats);
/** @} */

/** @name Parts
 * A tensor in parts along `dim`, each a view. Any dtype. The parts, tensors of the same tape, are written to an array
 * of the caller's; the rest of the array becomes NULL. These functions return how many parts there are. On failure they
 * return 0, and every element of the array is nil. An array that is too small is CNN_ERROR_INVALID_ARGUMENT.
 * @since 0.2
 * @{ */
/** torch.split: parts of size `split_size`, 1 or more, the last one smaller where it does not divide the dimension.
 * `parts` has room for `count`. */
CNN_API int cnn_split(cnn_tensor *x, int64_t split_size, int dim, cnn_tensor **parts, int count);
/** torch.split_with_sizes: `count` parts of the given sizes, which sum to that of the dimension. */
CNN_API int cnn_split_with_sizes(cnn_tensor *x, int count, const int64_t *sizes, int dim, cnn_tensor **parts);
/** torch.chunk: at most `chunks` parts of one size, the last one smaller where it does not divide the dimension.
 * `parts` has room for `chunks`. */
CNN_API int cnn_chunk(cnn_tensor *x, int chunks, int dim, cnn_tensor **parts);
/** torch.unbind: as many parts as the dimension is large, without that dimension. `parts` has room for `count`. */
CNN_API int cnn_unbind(cnn_tensor *x, int dim, cnn_tensor **parts, int count);
/** @} */

CNN_END_DECLS

#endif
