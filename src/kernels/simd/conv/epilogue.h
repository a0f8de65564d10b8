/* The epilogue of a convolution: what a task does to its sums in y as soon as they are complete, while they are
 * still cached. It is ReLU, which may have a ceiling, the mask of ReLU's gradient, or what a program puts there. */
#ifndef CNN_KERNELS_SIMD_CONV_EPILOGUE_H
#define CNN_KERNELS_SIMD_CONV_EPILOGUE_H

#include "kernels/simd/elementwise/relu.h"
#include "kernels/simd/layout/plan.h"

static inline bool plan_has_epilogue(const conv_plan *p)
{
    return p->finish || p->relu_mask;
}

/* Prefetches the part of the mask that a tile's epilogue will read. */
static inline void epilogue_prefetch(const conv_plan *p, int64_t place, int64_t rows, int64_t step)
{
    for (int64_t i = 0; p->relu_mask && i < rows; i++, place += step) {
        __builtin_prefetch(p->relu_mask + place, 0, 2);
        __builtin_prefetch(p->relu_mask + place + LANES, 0, 2);
    }
}

/* Applies the epilogue to `rows` stretches of `count` consecutive floats, `step` floats apart, the first of them at
 * y + place. */
static inline void epilogue(const conv_plan *p, float *y, int64_t place, int64_t rows, int64_t count, int64_t step)
{
    if (!p->relu_mask) {
        finish_rows(p->finish, y + place, place, rows, count, step);
        return;
    }
    for (float *end = y + place + rows * step, *row = y + place; row < end; row += step) {
        relu_mask_floats(p->relu_mask + (row - y), row, row, count);
    }
}

#endif
