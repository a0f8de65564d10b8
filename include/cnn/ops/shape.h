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
/** @} */

CNN_END_DECLS

#endif
