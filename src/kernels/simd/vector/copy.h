/* Short copies of floats that cost a few instructions instead of a call. */
#ifndef CNN_KERNELS_SIMD_VECTOR_COPY_H
#define CNN_KERNELS_SIMD_VECTOR_COPY_H

#include "kernels/simd/vector/lanes.h"

/* Copies `count` floats and writes no others: whole vectors first, then halves of them. */
CNN__INLINE void copy_floats(const float *from, float *to, int64_t count)
{
    for (; count >= LANES; count -= LANES, from += LANES, to += LANES) {
        store(to, load(from));
    }
#pragma GCC unroll 4
    for (int half = LANES / 2; half > 0; half /= 2) {
        if (count & half) {
            memcpy(to, from, (size_t)half * sizeof *to);
            from += half;
            to += half;
        }
    }
}

/* to[k] = from[k·step]; reads nothing beyond the last element. */
CNN__INLINE void copy_every(const float *from, int64_t step, float *to, int64_t count)
{
    int64_t k = 0;
#if CNN__VECTOR_BYTES == 64
    for (; step == 2 && k + LANES < count; k += LANES) {
        lanes a = load(from + 2 * k), b = load(from + 2 * k + LANES);
        store(to + k, __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30));
    }
#endif
    typedef float eight __attribute__((vector_size(32), may_alias));
    typedef float four __attribute__((vector_size(16), may_alias));
    for (; step == 2 && k + 4 < count; k += 4) {
        eight v;
        memcpy(&v, from + 2 * k, sizeof v);
        four half = __builtin_shufflevector(v, v, 0, 2, 4, 6);
        memcpy(to + k, &half, sizeof half);
    }
    for (; k < count; k++) {
        to[k] = from[k * step];
    }
}

#endif
