/* The reductions of a tile in f32; sums are made in double. */
#include "kernels/array/reduce.h"

#include "kernels/array/reduce_steps.h"
#include "kernels/simd/map/tables.h"

#include <math.h>
#include <string.h>

/* Of contiguous runs, 32 elements at a time in as many lanes, which are joined to the eight of reduce_impl.h; returns
 * how many elements that were. */
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

/* A NaN, once in, stays. */
#define WHOLE(name, than) \
    static int64_t CNN__SIMD(whole_##name)(const float *x, int64_t n, float lane[8]) \
    { \
        lanes best[LONG_RUN_LANES / LANES], one; \
        float best_lanes[LONG_RUN_LANES]; \
        int64_t i = LONG_RUN_LANES; \
        memcpy(best, x, sizeof best); \
        for (; i + LONG_RUN_LANES <= n; i += LONG_RUN_LANES) { \
            _Pragma(UNROLL_LANES) for (int k = 0; k < LONG_RUN_LANES / LANES; k++) \
            { \
                one = load(x + i + k * LANES); \
                best[k] = blend((one than best[k]) | (one != one), one, best[k]); \
            } \
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
WHOLE(max, >)
WHOLE(min, <)

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
