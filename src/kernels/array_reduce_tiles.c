/* The reductions of a tile, one for each operation and dtype. */
#include "kernels/array_reduce.h"

#include <math.h>

enum { MOST = 4096 }; /* elements joined before they meet the total, which keeps the error of long sums small */

static inline double sum_real(double a, double b)
{
    return a + b;
}

/* A NaN, once in, stays: it fails the first comparison as `a` and passes the second as `b`. */
static inline double max_real(double a, double b)
{
    return b > a || b != b ? b : a;
}

static inline double min_real(double a, double b)
{
    return b < a || b != b ? b : a;
}

static inline int64_t sum_integer(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

static inline int64_t max_integer(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static inline int64_t min_integer(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

#define A double
#define STEP sum_real
#define START 0
#define X float
#define NAME(name) name##_sum_f32
#include "kernels/array_reduce_impl.h"
#define X double
#define NAME(name) name##_sum_f64
#include "kernels/array_reduce_impl.h"
#undef A
#undef STEP
#undef START

#define A int64_t
#define STEP sum_integer
#define START 0
#define X int64_t
#define NAME(name) name##_sum_i64
#include "kernels/array_reduce_impl.h"
#define X int32_t
#define NAME(name) name##_sum_i32
#include "kernels/array_reduce_impl.h"
#define X uint8_t
#define NAME(name) name##_sum_u8
#include "kernels/array_reduce_impl.h"
#undef A
#undef STEP
#undef START

#define A double
#define STEP max_real
#define START -INFINITY
#define X float
#define NAME(name) name##_max_f32
#include "kernels/array_reduce_impl.h"
#define X double
#define NAME(name) name##_max_f64
#include "kernels/array_reduce_impl.h"
#undef A
#undef STEP
#undef START

#define A int64_t
#define STEP max_integer
#define START INT64_MIN
#define X int64_t
#define NAME(name) name##_max_i64
#include "kernels/array_reduce_impl.h"
#define X int32_t
#define NAME(name) name##_max_i32
#include "kernels/array_reduce_impl.h"
#define X uint8_t
#define NAME(name) name##_max_u8
#include "kernels/array_reduce_impl.h"
#undef A
#undef STEP
#undef START

#define A double
#define STEP min_real
#define START INFINITY
#define X float
#define NAME(name) name##_min_f32
#include "kernels/array_reduce_impl.h"
#define X double
#define NAME(name) name##_min_f64
#include "kernels/array_reduce_impl.h"
#undef A
#undef STEP
#undef START

#define A int64_t
#define STEP min_integer
#define START INT64_MAX
#define X int64_t
#define NAME(name) name##_min_i64
#include "kernels/array_reduce_impl.h"
#define X int32_t
#define NAME(name) name##_min_i32
#include "kernels/array_reduce_impl.h"
#define X uint8_t
#define NAME(name) name##_min_u8
#include "kernels/array_reduce_impl.h"
#undef A
#undef STEP
#undef START

const cnn__reduce_fn cnn__reduce_tile[CNN__REDUCE_COUNT][CNN_BOOL + 1] = {
    [CNN__SUM] = { [CNN_F32] = tile_sum_f32, [CNN_F64] = tile_sum_f64, [CNN_I64] = tile_sum_i64,
                    [CNN_I32] = tile_sum_i32, [CNN_U8] = tile_sum_u8, [CNN_BOOL] = tile_sum_u8 },
    [CNN__MAX] = { [CNN_F32] = tile_max_f32, [CNN_F64] = tile_max_f64, [CNN_I64] = tile_max_i64,
                    [CNN_I32] = tile_max_i32, [CNN_U8] = tile_max_u8, [CNN_BOOL] = tile_max_u8 },
    [CNN__MIN] = { [CNN_F32] = tile_min_f32, [CNN_F64] = tile_min_f64, [CNN_I64] = tile_min_i64,
                    [CNN_I32] = tile_min_i32, [CNN_U8] = tile_min_u8, [CNN_BOOL] = tile_min_u8 },
};
