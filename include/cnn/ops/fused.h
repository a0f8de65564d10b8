/** @file
 * Chains of operations that run as one. What ops.h says about every operation holds here. */
#ifndef CNN_OPS_FUSED_H
#define CNN_OPS_FUSED_H

#include <cnn/ops/conv.h>
#include <cnn/ops/pool.h>
#include <cnn/tape.h>
#include <cnn/tensor.h>

CNN_BEGIN_DECLS

/** @name Fused chains
 * f32, f64 and bf16; floating operands of one call share the dtype, which is the result's.
 * @since 0.1
 * @{ */
/**
 * cnn_maxpool2d(cnn_relu(cnn_conv2d(x, weight, bias, conv)), pool) in one. With windows of 2 × 2, stride, dilation and
 * groups of 1, the activations before pooling are never stored and the gradient is computed where windows have their
 * maximum only: several times faster, equal to the three calls to rounding. Everything else runs as the three calls.
 * Sequential modules find such chains by themselves. Messages name the part that is at fault: conv2d or maxpool2d.
 * @since 0.1
 */
CNN_API cnn_tensor *cnn_conv2d_relu_maxpool2d(cnn_tensor *x, cnn_tensor *weight, cnn_tensor *bias,
                                              const cnn_conv2d_options *conv, const cnn_maxpool2d_options *pool);
/** @} */

CNN_END_DECLS

#endif
