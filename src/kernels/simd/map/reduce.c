/* The reductions of a tile in f32; sums are made in double. */
#include "kernels/array/reduce.h"

#include "kernels/array/reduce_steps.h"
#include "kernels/simd/map/tables.h"

#include <math.h>
#include <string.h>

/* Of contiguous runs, 32 elements at a time in as many lanes, which are joined to the eight of reduce_impl.h; returns
 * how many elements that were. Vectors of a length that no register has are several. */
#define LONG_RUN_LANES 32

typedef float eight __attribute__((vector_size(32), aligned(4), may_alias));
typedef double eight_wide __attribute__((vector_size(64)));

static int64_t whole_sum(const float *x, int64_t n, double lane[8])
{
    eight_wide sum[4] = { { 0 } };
    int64_t i = 0;
    for (; i + LONG_RUN_LANES <= n; i += LONG_RUN_LANES) {
#pragma GCC unroll 4
        for (int k = 0; k < 4; k++) {
            sum[k] += __builtin_convertvector(*(const eight *)(x + i + 8 * k), eight_wide);
        }
    }
    eight_wide all = (sum[0] + sum[2]) + (sum[1] + sum[3]);
    for (; i + 8 <= n; i += 8) {
        all += __builtin_convertvector(*(const eight *)(x + i), eight_wide);
    }
    memcpy(lane, &all, sizeof all);
    return i;
}

/* A NaN, once in, stays. */
#define WHOLE(name, than) \
    static int64_t name(const float *x, int64_t n, float lane[8]) \
    { \
        lanes best[LONG_RUN_LANES / LANES], one; \
        float best_lanes[LONG_RUN_LANES]; \
        int64_t i = LONG_RUN_LANES; \
        memcpy(best, x, sizeof best); \
        for (; i + LONG_RUN_LANES <= n; i += LONG_RUN_LANES) { \
            _Pragma("GCC unroll 8") for (int k = 0; k < LONG_RUN_LANES / LANES; k++) \
            { \
                one = load(x + i + k * LANES); \
                best[k] = blend((one than best[k]) | (one != one), one, best[k]); \
            } \
        } \
        memcpy(best_lanes, best, sizeof best); \
        for (int k = 0; k < LONG_RUN_LANES; k++) { \
            float b = best_lanes[k], a = k < 8 ? b : lane[k % 8]; \
            lane[k % 8] = ((b than a) | (b != b)) ? b : a; \
        } \
        return i; \
    }
WHOLE(whole_max, >)
WHOLE(whole_min, <)

#define A double
#define X float
#define STEP SUM_REAL
#define START 0
#define L A
#define NAME(name) name##_sum
#include "kernels/array/reduce_impl.h"
#undef STEP
#undef START
#undef L

#define X float
#define STEP MAX_REAL
#define START -INFINITY
#define L X
#define NAME(name) name##_max
#include "kernels/array/reduce_impl.h"
#undef STEP
#undef START

#define X float
#define STEP MIN_REAL
#define START INFINITY
#define NAME(name) name##_min
#include "kernels/array/reduce_impl.h"

const cnn__reduce_fn CNN__SIMD(reduce_f32)[CNN_REDUCE_OF_COUNT] = {
    [CNN_REDUCE_OF_SUM] = tile_sum,
    [CNN_REDUCE_OF_MAX] = tile_max,
    [CNN_REDUCE_OF_MIN] = tile_min,
};
