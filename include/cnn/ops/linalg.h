/** @file
 * Matrix products. What ops.h says about every operation holds here. */
#ifndef CNN_OPS_LINALG_H
#define CNN_OPS_LINALG_H

#include <cnn/tape.h>
#include <cnn/tensor.h>

CNN_BEGIN_DECLS

/** @name Matrix products
 * Sums of products in the operands' dtype, in an order that depends on the sizes alone.
 * @since 0.1
 * @{ */
/** torch.matmul: [m,k]·[k,n] → [m,n]; leading dimensions are batches and are broadcast; a rank-1 operand is a row on
 * the left, a column on the right. f32, f64 and bf16. */
CNN_API cnn_tensor *cnn_matmul(cnn_tensor *a, cnn_tensor *b);
/** x[…,in] · weight[out,in]ᵀ + bias[out] → […,out]; `bias` may be NULL. f32, f64 and bf16. */
CNN_API cnn_tensor *cnn_linear(cnn_tensor *x, cnn_tensor *weight, cnn_tensor *bias);
/** torch.einsum of one operand, where b is NULL, or two: "bik,bkj->bij". A label is a letter, of which an operand that
 * has it twice gives its diagonal ("ii->i"); "..." stands for all dimensions that have no label, which are broadcast
 * from the last one on and summed where the result has no "...". Without "->" the result has these, then the labels
 * that stand once in the equation, in alphabetical order. A label of size 1 in one operand is broadcast. Products are
 * made by cnn_matmul(). f32, f64 and bf16.
 * @since 0.2 */
CNN_API cnn_tensor *cnn_einsum(const char *equation, cnn_tensor *a, cnn_tensor *b);
/** Σ x1·x2 / (max(‖x1‖, eps) · max(‖x2‖, eps)) along `dim` of both operands, which are broadcast; PyTorch's eps is
 * 1e-8. f32, f64 and bf16. @since 0.2 */
CNN_API cnn_tensor *cnn_cosine_similarity(cnn_tensor *x1, cnn_tensor *x2, int dim, double eps);
/** @} */

CNN_END_DECLS

#endif
