/* Tests for finite floats. Any sum, difference or product with a NaN or an infinity is again NaN or infinite, so
 * looking at a sum once tells whether all of its terms are finite. */
#ifndef CNN_KERNELS_SIMD_VECTOR_FINITE_H
#define CNN_KERNELS_SIMD_VECTOR_FINITE_H

#include "base/pool.h"
#include "kernels/simd/vector/partial.h"

/* All ones in the lanes that are not finite. */
CNN__INLINE lanes_i32 not_finite(lanes v)
{
    return v - v != 0;
}

/* Whether any lane of a mask is all ones. */
CNN__INLINE bool any_lane(lanes_i32 mask)
{
#if CNN__VECTOR_BYTES == 64 && defined __AVX512DQ__
    return X86(__builtin_ia32_cvtd2mask512(mask), _mm512_movepi32_mask((__m512i)mask)) != 0;
#elif CNN__VECTOR_BYTES == 32 && defined __AVX__
    return X86(__builtin_ia32_movmskps256((lanes)mask), _mm256_movemask_ps((__m256)mask)) != 0;
#elif CNN__VECTOR_BYTES == 16 && defined __x86_64__
    return X86(__builtin_ia32_movmskps((lanes)mask), _mm_movemask_ps((__m128)mask)) != 0;
#else
    int32_t any = 0;
    for (int i = 0; i < LANES; i++) {
        any |= mask[i];
    }
    return any != 0;
#endif
}

CNN__INLINE bool lanes_finite(lanes v)
{
    return !any_lane(not_finite(v));
}

/* Whether all of `count` floats are. */
CNN__INLINE bool floats_finite(const float *p, int64_t count)
{
    lanes odd = { 0 }, even = { 0 };
    int64_t k = 0;
    for (; k + 2 * LANES <= count; k += 2 * LANES) {
        lanes a = load(p + k), b = load(p + k + LANES);
        even += a - a;
        odd += b - b;
    }
    for (; k < count; k += LANES) {
        lanes a = load_partial(p + k, count - k < LANES ? count - k : LANES);
        even += a - a;
    }
    return lanes_finite(even + odd);
}

/* The same, shared out among the threads of the pool if there are many. */
bool CNN__SIMD(all_finite)(const float *p, int64_t count, cnn__pool *pool);
#define all_finite CNN__SIMD(all_finite)

#endif
