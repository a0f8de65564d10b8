/* ReLU and its gradient on stretches of floats, for the elementwise kernels and for convolutions that finish sums of
 * their own (elementwise/elementwise.c). The stretch that is written may be the one that is read. */
#ifndef CNN_KERNELS_SIMD_ELEMENTWISE_RELU_H
#define CNN_KERNELS_SIMD_ELEMENTWISE_RELU_H

#include "kernels/normalise.h"
#include "kernels/simd/vector/lanes.h"

/* dx = 0 where y ≤ 0, else dy: a NaN lets its gradient through. */
void CNN__SIMD(relu_mask_floats)(const float *y, const float *dy, float *dx, int64_t count);
/* Does what `f` says to `rows` stretches of `count` floats, `step` floats apart: the first of them is at y, and stands
 * for what is at `place` in the result. Several rows are those of consecutive planes. */
void CNN__SIMD(finish_rows)(const cnn__finish *f, float *y, int64_t place, int64_t rows, int64_t count, int64_t step);
#define finish_rows CNN__SIMD(finish_rows)
#define relu_mask_floats CNN__SIMD(relu_mask_floats)

#endif
