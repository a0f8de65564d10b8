/* ReLU and its gradient on stretches of floats, for the elementwise kernels and for convolutions that finish sums of
 * their own (elementwise/elementwise.c). The stretch that is written may be the one that is read. */
#ifndef CNN_KERNELS_SIMD_ELEMENTWISE_RELU_H
#define CNN_KERNELS_SIMD_ELEMENTWISE_RELU_H

#include "kernels/simd/vector/lanes.h"

/* y = min(max(x, 0), ceiling), or max(x, 0) if the ceiling is NaN; a NaN stays one. */
void CNN__SIMD(relu_floats)(const float *x, float *y, float ceiling, int64_t count);
/* dx = 0 where y ≤ 0, else dy: a NaN lets its gradient through. */
void CNN__SIMD(relu_mask_floats)(const float *y, const float *dy, float *dx, int64_t count);
#define relu_floats CNN__SIMD(relu_floats)
#define relu_mask_floats CNN__SIMD(relu_mask_floats)

#endif
