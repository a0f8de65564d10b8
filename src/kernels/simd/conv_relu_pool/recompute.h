/* What the fused kernels do about values that are not finite, so that they give what convolution, ReLU and pooling
 * one after the other give (conv/recompute.h). */
#ifndef CNN_KERNELS_SIMD_CONV_RELU_POOL_RECOMPUTE_H
#define CNN_KERNELS_SIMD_CONV_RELU_POOL_RECOMPUTE_H

#include "kernels/conv_relu_pool.h"
#include "kernels/simd/conv/recompute.h"

/* Forward: makes the windows again that are NaN, where a product with a zero of the padding may have been. */
void CNN__SIMD(conv_relu_pool_recompute)(const cnn__conv *g, const float *x, const float *weight, const float *bias,
                                         float *y, uint8_t *index, cnn__pool *pool);
#define conv_relu_pool_recompute CNN__SIMD(conv_relu_pool_recompute)

/* The sparse gradients leave out the positions that did not win, whose gradient is 0. Where the other factor is not
 * finite, the dense gradient's product is NaN there. */
void CNN__SIMD(conv_relu_pool_recompute_data)(const cnn__conv *g, const uint8_t *index, const float *weight, float *dx,
                                              cnn__pool *pool);
#define conv_relu_pool_recompute_data CNN__SIMD(conv_relu_pool_recompute_data)

/* The same for the weights; those also are made again that are not finite otherwise. */
void CNN__SIMD(conv_relu_pool_recompute_weight)(const cnn__conv *g, const float *x, const float *dy,
                                                const uint8_t *index, float *dweight, cnn__pool *pool);
#define conv_relu_pool_recompute_weight CNN__SIMD(conv_relu_pool_recompute_weight)

#endif
