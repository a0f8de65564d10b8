/* Recomputation for the fused kernels (conv/recompute.h), so that values that are not finite give the same results
 * as convolution, ReLU and pooling one after the other. */
#ifndef CNN_KERNELS_SIMD_CONV_RELU_POOL_RECOMPUTE_H
#define CNN_KERNELS_SIMD_CONV_RELU_POOL_RECOMPUTE_H

#include "kernels/conv_relu_pool.h"
#include "kernels/simd/conv/recompute.h"

/* Forward: recomputes the windows that are NaN, because a product with a zero of the padding may be the cause. */
void CNN__SIMD(conv_relu_pool_recompute)(const cnn__conv *g, const float *x, const float *weight, const float *bias,
                                         float *y, uint8_t *index, cnn__pool *pool);
#define conv_relu_pool_recompute CNN__SIMD(conv_relu_pool_recompute)

/* The gradient of the data. The sparse kernels skip the positions that did not win, whose gradient is 0; if the
 * other factor is not finite, the dense gradient has a NaN there. */
void CNN__SIMD(conv_relu_pool_recompute_data)(const cnn__conv *g, const uint8_t *index, const float *weight, float *dx,
                                              cnn__pool *pool);
#define conv_relu_pool_recompute_data CNN__SIMD(conv_relu_pool_recompute_data)

/* The same for the gradient of the weights, where results that are not finite for other reasons are recomputed as
 * well. */
void CNN__SIMD(conv_relu_pool_recompute_weight)(const cnn__conv *g, const float *x, const float *dy,
                                                const uint8_t *index, float *dweight, cnn__pool *pool);
#define conv_relu_pool_recompute_weight CNN__SIMD(conv_relu_pool_recompute_weight)

#endif
