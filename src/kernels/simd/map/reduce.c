/* The reductions of a tile in f32; sums are made in double. */
#include "kernels/array/reduce.h"

#include "kernels/array/reduce_steps.h"
#include "kernels/simd/map/tables.h"
#include "kernels/simd/vector/finite.h"
#include "kernels/simd/vector/intrinsics.h"

#include <math.h>
#include <string.h>

/* Reduces contiguous runs, 32 elements at a time in as many lanes, which are joined to the eight of reduce_impl.h;
 * returns how many elements that were. */
#define LONG_RUN_LANES 32

/* Half a vector of floats as a vector of doubles. GCC 12 would convert the widest in halves that it puts together. */
typedef float half_of_lanes __attribute__((vector_size(CNN__VECTOR_BYTES / 2), aligned(4), may_alias));
typedef double double_lanes __attribute__((vector_size(CNN__VECTOR_BYTES)));

CNN__INLINE double_lanes as_doubles(const float *p)
{
#if CNN__VECTOR_BYTES == 64
    double_lanes wide;
    __asm__("vcvtps2pd %1, %0" : "=v"(wide) : "m"(*(const half_of_lanes *)(const void *)p));
    return wide;
#else
    return __builtin_convertvector(*(const half_of_lanes *)(const void *)p, double_lanes);
#endif
}

static int64_t CNN__SIMD(whole_sum)(const float *x, int64_t n, double lane[8])
{
    double_lanes sum[2 * LONG_RUN_LANES / LANES] = { { 0 } };
    double sums[LONG_RUN_LANES];
    int64_t i = 0;
    for (; i + LONG_RUN_LANES <= n; i += LONG_RUN_LANES) {
#pragma GCC unroll 16
        for (int k = 0; k < 2 * LONG_RUN_LANES / LANES; k++) {
            sum[k] += as_doubles(x + i + k * (LANES / 2));
        }
    }
    memcpy(sums, sum, sizeof sums);
    for (int k = 0; k < 8; k++) {
        lane[k] = (sums[k] + sums[k + 16]) + (sums[k + 8] + sums[k + 24]);
    }
    return i;
}

/* all[k] becomes b[k] where that is larger (smaller) or a NaN, for eight floats; loops where no register holds eight,
 * for which gcc would compare vectors element by element. */
#if CNN__VECTOR_BYTES > 16
typedef float eight __attribute__((vector_size(32), aligned(4), may_alias));
typedef int32_t eight_i32 __attribute__((vector_size(32)));
#define PICK_EIGHT(than, all, b) \
    do { \
        const eight left = *(const eight *)(all), right = *(const eight *)(b); \
        const eight_i32 mask = (right than left) | (right != right); \
        *(eight *)(all) = (eight)(((eight_i32)right & mask) | ((eight_i32)left & ~mask)); \
    } while (0)
#else
#define PICK_EIGHT(than, all, b) \
    for (int j = 0; j < 8; j++) { \
        const float left = (all)[j], right = (b)[j]; \
        (all)[j] = ((right than left) | (right != right)) ? right : left; \
    }
#endif

/* SSE2 is kept small. */
#if CNN__VECTOR_BYTES == 16 && defined __x86_64__
#define UNROLL_LANES "GCC unroll 1"
#else
#define UNROLL_LANES "GCC unroll 8"
#endif

/* one in the lanes where that is larger (smaller), else best, also where one of them is a NaN: the instructions for
 * both are not what compilers make of comparisons. */
#if CNN__VECTOR_BYTES == 64
#define LARGER(one, best) \
    ((lanes)X86(__builtin_ia32_maxps512_mask(one, best, best, X86_ALL, X86_ROUNDING), \
                _mm512_max_ps((__m512)(one), (__m512)(best))))
#define SMALLER(one, best) \
    ((lanes)X86(__builtin_ia32_minps512_mask(one, best, best, X86_ALL, X86_ROUNDING), \
                _mm512_min_ps((__m512)(one), (__m512)(best))))
/* Compilers turn such a mask into a vector, and back. */
typedef uint16_t nan_mask;
#define NANS(one) \
    ((uint16_t)X86(__builtin_ia32_cmpps512_mask(one, one, 3, 0xffff, X86_ROUNDING), \
                   _mm512_cmp_ps_mask((__m512)(one), (__m512)(one), 3)))
#define ANY_NAN(nans) ((nans) != 0)
#elif CNN__VECTOR_BYTES == 32
#define LARGER(one, best) ((lanes)X86(__builtin_ia32_maxps256(one, best), _mm256_max_ps((__m256)(one), (__m256)(best))))
#define SMALLER(one, best) \
    ((lanes)X86(__builtin_ia32_minps256(one, best), _mm256_min_ps((__m256)(one), (__m256)(best))))
#else
#define LARGER(one, best) blend((one) > (best), one, best)
#define SMALLER(one, best) blend((one) < (best), one, best)
#endif
#if CNN__VECTOR_BYTES < 64
typedef lanes_i32 nan_mask;
#define NANS(one) ((one) != (one))
#define ANY_NAN(nans) any_lane(nans)
#endif

/* Does nothing if any element is a NaN, which must stay once it is in. */
#define WHOLE(name, than, pick) \
    static int64_t CNN__SIMD(whole_##name)(const float *x, int64_t n, float lane[8]) \
    { \
        lanes best[LONG_RUN_LANES / LANES], one; \
        nan_mask nans = NANS((lanes){ 0 }); \
        float best_lanes[LONG_RUN_LANES]; \
        int64_t i = 0; \
        memcpy(best, x, sizeof best); \
        for (; i + LONG_RUN_LANES <= n; i += LONG_RUN_LANES) { \
            _Pragma(UNROLL_LANES) for (int k = 0; k < LONG_RUN_LANES / LANES; k++) \
            { \
                one = load(x + i + k * LANES); \
                nans |= NANS(one); \
                best[k] = pick(one, best[k]); \
            } \
        } \
        if (ANY_NAN(nans)) { \
            return 0; \
        } \
        memcpy(best_lanes, best, sizeof best); \
        for (int k = 8; k < LONG_RUN_LANES; k += 8) { \
            PICK_EIGHT(than, best_lanes, best_lanes + k); \
        } \
        for (; i + 8 <= n; i += 8) { \
            PICK_EIGHT(than, best_lanes, x + i); \
        } \
        memcpy(lane, best_lanes, 8 * sizeof *lane); \
        return i; \
    }
WHOLE(max, >, LARGER)
WHOLE(min, <, SMALLER)

#define A double
#define X float
#define STEP SUM_REAL
#define START 0
#define L A
#define NAME(name) CNN__SIMD(name##_sum)
#include "kernels/array/reduce_impl.h"
#undef STEP
#undef START
#undef L

#define X float
#define STEP MAX_REAL
#define START -INFINITY
#define L X
#define NAME(name) CNN__SIMD(name##_max)
#include "kernels/array/reduce_impl.h"
#undef STEP
#undef START

#define X float
#define STEP MIN_REAL
#define START INFINITY
#define NAME(name) CNN__SIMD(name##_min)
#include "kernels/array/reduce_impl.h"

const cnn__reduce_fn CNN__SIMD(reduce_f32)[CNN_REDUCE_OF_COUNT] = {
    [CNN_REDUCE_OF_SUM] = CNN__SIMD(tile_sum),
    [CNN_REDUCE_OF_MAX] = CNN__SIMD(tile_max),
    [CNN_REDUCE_OF_MIN] = CNN__SIMD(tile_min),
};
