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
/** @} */

CNN_END_DECLS

#endif
