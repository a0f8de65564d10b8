/* What happens to a convolution's sums in y right after a task made the last of them: ReLU, or its gradient. */
#ifndef CNN_KERNELS_SIMD_CONV_EPILOGUE_H
#define CNN_KERNELS_SIMD_CONV_EPILOGUE_H

#include "kernels/simd/elementwise/relu.h"
#include "kernels/simd/layout/plan.h"

static inline bool plan_finishes(const conv_plan *p)
{
    return p->relu || p->positive;
}

/* Fetches what a tile's sums will be finished with. */
static inline void finish_foresee(const conv_plan *p, int64_t place, int64_t rows, int64_t step)
{
    for (int64_t i = 0; p->positive && i < rows; i++, place += step) {
        __builtin_prefetch(p->positive + place, 0, 2);
        __builtin_prefetch(p->positive + place + LANES, 0, 2);
    }
}

/* `rows` stretches of `count` floats in a row, `step` apart, the first of them at y + place. */
static inline void finish(const conv_plan *p, float *y, int64_t place, int64_t rows, int64_t count, int64_t step)
{
    if (count == step) {
        count *= rows;
        rows = 1;
    }
    for (float *end = y + place + rows * step, *row = y + place; row < end; row += step) {
        if (p->positive) {
            relu_gradients(p->positive + (row - y), row, row, count);
        } else {
            relu_floats(row, row, count);
        }
    }
}

#endif
