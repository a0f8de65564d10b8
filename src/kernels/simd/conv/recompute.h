/* Recomputation of the sums of a convolution where a kernel's result is not finite.
 *
 * A kernel may multiply the zeros of padding, which adds NaN where the other factor is not finite. Winograd's
 * transforms (winograd/transforms.h) spread a NaN or an infinity over a whole tile, and may overflow before the sum
 * itself does. In each case the result is not finite. A kernel therefore looks at its results and has such sums
 * recomputed, term by term, in double and without padding, so that a result depends on the terms of its own sum
 * alone. Which sums are recomputed depends on the operands alone. */
#ifndef CNN_KERNELS_SIMD_CONV_RECOMPUTE_H
#define CNN_KERNELS_SIMD_CONV_RECOMPUTE_H

#include "kernels/simd/layout/plan.h"
#include "kernels/simd/vector/finite.h"

/* A plan's sum for output channel o at position (row, column) of the grid; x and weight begin at the group's first
 * channel. */
double CNN__SIMD(plan_sum)(const conv_plan *p, const float *x, const float *weight, int64_t o, int64_t row,
                           int64_t column);
#define plan_sum CNN__SIMD(plan_sum)

/* Recomputes the sums of y at the plan's positions that are not finite. The epilogue comes later. */
void CNN__SIMD(plan_recompute)(const conv_plan *p, const float *x, const float *weight, const float *bias, float *y,
                               cnn__pool *pool);
#define plan_recompute CNN__SIMD(plan_recompute)

/* The gradient of tap (i, j) of the weight from input channel c to output channel o; x and dy begin at the group's
 * first channel in the first image. */
double CNN__SIMD(weight_sum)(const conv_plan *p, const float *x, const float *dy, int64_t o, int64_t c, int64_t i,
                             int64_t j);
#define weight_sum CNN__SIMD(weight_sum)

/* Recomputes the gradients that are not finite. */
void CNN__SIMD(weight_recompute)(const conv_plan *p, const float *x, const float *dy, float *dweight, cnn__pool *pool);
#define weight_recompute CNN__SIMD(weight_recompute)

/* Whether a tap of some position lies outside of the input. */
static inline bool axis_pads(const conv_axis *a)
{
    return a->first < 0 || (a->grid - 1) * a->stride + a->first + (a->taps - 1) * a->step >= a->in;
}

static inline bool plan_pads(const conv_plan *p)
{
    return axis_pads(&p->h) || axis_pads(&p->w);
}

#endif
