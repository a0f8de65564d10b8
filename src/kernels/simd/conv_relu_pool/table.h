/* The fused kernels of one instruction set, to be named in its table. */
#ifndef CNN_KERNELS_SIMD_CONV_RELU_POOL_TABLE_H
#define CNN_KERNELS_SIMD_CONV_RELU_POOL_TABLE_H

#include "kernels/conv_relu_pool.h"
#include "kernels/kernels.h"
#include "kernels/simd/vector/lanes.h"

size_t CNN__SIMD(convpool_forward_workspace)(const cnn__conv *g, int workers);
void CNN__SIMD(convpool_forward)(const cnn__conv *g, const void *x, const void *weight, const void *bias, void *y,
                                 uint8_t *index, void *workspace, cnn__pool *pool);
/* What forward does with 5 × 5 kernels between many channels. */
bool CNN__SIMD(convpool_winograd_fits)(const cnn__conv *g);
size_t CNN__SIMD(convpool_winograd_workspace)(const cnn__conv *g, int workers);
void CNN__SIMD(convpool_winograd)(const cnn__conv *g, const float *x, const float *weight, const float *bias, float *y,
                                  uint8_t *index, void *workspace, cnn__pool *pool);
size_t CNN__SIMD(convpool_backward_data_workspace)(const cnn__conv *g, int workers);
void CNN__SIMD(convpool_backward_data)(const cnn__conv *g, const void *dy, const uint8_t *index, const void *weight,
                                       void *dx, void *workspace, cnn__pool *pool);
size_t CNN__SIMD(convpool_backward_weight_workspace)(const cnn__conv *g, int workers);
void CNN__SIMD(convpool_backward_weight)(const cnn__conv *g, const void *x, const void *dy, const uint8_t *index,
                                         void *dweight, void *dbias, void *workspace, cnn__pool *pool);
extern const cnn__convpool_kernels CNN__SIMD(convpool_kernels);

#endif
