/* The end of the fused forward kernels: ReLU and the winner of a window, and how both are written to the planes of
 * the output. */
#ifndef CNN_KERNELS_SIMD_CONV_RELU_POOL_POOL_H
#define CNN_KERNELS_SIMD_CONV_RELU_POOL_POOL_H

#include "kernels/simd/vector/partial.h"

/* The maximum, where NaN wins, and which of the two it was. */
CNN__INLINE void pool_step(lanes v, int number, lanes *best, lanes_i32 *which)
{
    lanes_i32 wins = (v > *best) | (v != v);
    *best = blend(wins, v, *best);
    *which = (wins & number) | (~wins & *which);
}

/* One window of LANES channels, with its values in scan order: the winner's value after ReLU, and its number. */
CNN__INLINE lanes pool_window(lanes v0, lanes v1, lanes v2, lanes v3, lanes_i32 *winner)
{
    lanes top = v0;
    lanes_i32 number = { 0 };
    pool_step(v1, 1, &top, &number);
    pool_step(v2, 2, &top, &number);
    pool_step(v3, 3, &top, &number);
    *winner = (top <= 0) | number; /* ReLU cuts it off: no gradient */
    return blend(top < 0, (lanes){ 0 }, top);
}

/* Writes `some` ≤ LANES windows of `count` ≤ LANES channels, one vector a window, into planes `plane` elements
 * apart. `index` may be NULL. Overwrites the vectors. */
CNN__INLINE void pool_write(lanes best[LANES], lanes which[LANES], int64_t some, int64_t count, int64_t plane, float *y,
                            uint8_t *index)
{
    transpose(best);
    for (int64_t k = 0; k < count; k++) {
        store_partial(y + k * plane, best[k], some);
    }
    if (index) {
        transpose(which);
        for (int64_t k = 0; k < count; k++) {
            store_partial_bytes(index + k * plane, (lanes_i32)which[k], some);
        }
    }
}

#endif
