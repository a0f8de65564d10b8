/** @file
 * Reductions: sums, means, extrema and their positions. What ops.h says about every operation holds here. */
#ifndef CNN_OPS_REDUCE_H
#define CNN_OPS_REDUCE_H

#include <cnn/tape.h>
#include <cnn/tensor.h>

CNN_BEGIN_DECLS

/** @name Reductions
 * Over `count` dimensions `dims`; `count` 0 means all of them (CNN_ALL_DIMS). `keepdim` leaves them with size 1. A
 * dimension that is given twice, or that there is not, is an error.
 * @since 0.1
 * @{ */
/** The sum; integers and bool give i64. */
CNN_API cnn_tensor *cnn_sum(cnn_tensor *x, int count, const int *dims, bool keepdim);
/** The mean; f32, f64 and bf16. Over no elements: NaN. */
CNN_API cnn_tensor *cnn_mean(cnn_tensor *x, int count, const int *dims, bool keepdim);
/** The largest element; NaN wins. Equal ones share the gradient evenly (torch.amax). Over no elements: an error. */
CNN_API cnn_tensor *cnn_max(cnn_tensor *x, int count, const int *dims, bool keepdim);
/** The smallest element, in the same manner (torch.amin). */
CNN_API cnn_tensor *cnn_min(cnn_tensor *x, int count, const int *dims, bool keepdim);
/** The row-major position of the first largest element among the reduced dimensions, i64. Not differentiable. */
CNN_API cnn_tensor *cnn_argmax(cnn_tensor *x, int count, const int *dims, bool keepdim);
/** The same of the first smallest element; a NaN wins here, too. @since 0.2 */
CNN_API cnn_tensor *cnn_argmin(cnn_tensor *x, int count, const int *dims, bool keepdim);
/** The largest elements along one dimension and where they are: torch.max(x, dim). Any dtype; a NaN wins, and so does
 * the first of equal elements, which gets the whole gradient. A dimension of size 0: an error.
 * @param indices  receives the positions along `dim`, i64, in the result's shape and without a gradient; a tensor of
 *                 the same tape, nil on failure. May be NULL.
 * @since 0.2 */
CNN_API cnn_tensor *cnn_max_along(cnn_tensor *x, int dim, bool keepdim, cnn_tensor **indices);
/** The smallest elements along one dimension, in the same manner: torch.min(x, dim). @since 0.2 */
CNN_API cnn_tensor *cnn_min_along(cnn_tensor *x, int dim, bool keepdim, cnn_tensor **indices);
/** The product; integers and bool give i64. Over no elements: 1. The gradient is right also where elements are 0.
 * @since 0.2 */
CNN_API cnn_tensor *cnn_prod(cnn_tensor *x, int count, const int *dims, bool keepdim);
/** torch.norm: (Σ |x|^p)^(1/p); the largest |x| for p = INFINITY, the smallest for −INFINITY, the number of elements
 * that are not 0 for p = 0. f32, f64 and bf16. The gradient is 0 where the norm is. Over no elements: 0, and an
 * error where p is infinite or negative. @since 0.2 */
CNN_API cnn_tensor *cnn_norm(cnn_tensor *x, double p, int count, const int *dims, bool keepdim);
/** torch.var: Σ (x − mean)² / max(0, n − correction), in two passes; 1 is Bessel's correction. f32, f64 and bf16.
 * @since 0.2 */
CNN_API cnn_tensor *cnn_var(cnn_tensor *x, int correction, int count, const int *dims, bool keepdim);
/** torch.std: the root of that. Where it is 0, so is the gradient. @since 0.2 */
CNN_API cnn_tensor *cnn_std(cnn_tensor *x, int correction, int count, const int *dims, bool keepdim);
/** log Σ exp(x), without overflow. f32, f64 and bf16. Over no elements: −∞. @since 0.2 */
CNN_API cnn_tensor *cnn_logsumexp(cnn_tensor *x, int count, const int *dims, bool keepdim);
/** Whether any element is another number than 0, as a NaN is; bool. Any dtype. Over no elements: false. Not
 * differentiable. @since 0.2 */
CNN_API cnn_tensor *cnn_any(cnn_tensor *x, int count, const int *dims, bool keepdim);
/** Whether all are; over no elements: true. @since 0.2 */
CNN_API cnn_tensor *cnn_all(cnn_tensor *x, int count, const int *dims, bool keepdim);
/** Sums of x along `dim` up to each element. Any dtype; integers and bool give i64. Each is made in double, whatever
 * the number of threads. @since 0.2 */
CNN_API cnn_tensor *cnn_cumsum(cnn_tensor *x, int dim);
/** Products in the same manner. The gradient is right also where elements are 0. @since 0.2 */
CNN_API cnn_tensor *cnn_cumprod(cnn_tensor *x, int dim);
/** @} */

CNN_END_DECLS

#endif
