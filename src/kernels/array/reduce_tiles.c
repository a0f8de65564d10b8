/* The reductions of a tile, one for each operation and dtype but f32 (simd/map/reduce.c). */
#include "kernels/array/reduce.h"

#include "kernels/array/reduce_steps.h"
#define SHARED_WALK

#include <math.h>

#define MAX_INTEGER(a, b) ((b) > (a) ? (b) : (a))
#define MIN_INTEGER(a, b) ((b) < (a) ? (b) : (a))

#define A double
#define STEP SUM_REAL
#define START 0
#define L A
#define X double
#define NAME(name) name##_sum_f64
#include "kernels/array/reduce_impl.h"
#undef A
#undef L
#undef STEP
#undef START

#define A int64_t
#define STEP SUM_INTEGER
#define START 0
#define L A
#define X int64_t
#define NAME(name) name##_sum_i64
#include "kernels/array/reduce_impl.h"
#define X int32_t
#define NAME(name) name##_sum_i32
#include "kernels/array/reduce_impl.h"
#define X uint8_t
#define NAME(name) name##_sum_u8
#include "kernels/array/reduce_impl.h"
#undef A
#undef L
#undef STEP
#undef START

#define A double
#define STEP MAX_REAL
#define L X
#define START -INFINITY
#define X double
#define NAME(name) name##_max_f64
#include "kernels/array/reduce_impl.h"
#undef A
#undef L
#undef STEP
#undef START

#define A int64_t
#define STEP MAX_INTEGER
#define L X
#define START INT64_MIN
#define X int64_t
#define NAME(name) name##_max_i64
#include "kernels/array/reduce_impl.h"
#undef START
#define START INT32_MIN
#define X int32_t
#define NAME(name) name##_max_i32
#include "kernels/array/reduce_impl.h"
#undef START
#define START 0
#define X uint8_t
#define NAME(name) name##_max_u8
#include "kernels/array/reduce_impl.h"
#undef START
#undef A
#undef L
#undef STEP

#define A double
#define STEP MIN_REAL
#define L X
#define START INFINITY
#define X double
#define NAME(name) name##_min_f64
#include "kernels/array/reduce_impl.h"
#undef A
#undef L
#undef STEP
#undef START

#define A int64_t
#define STEP MIN_INTEGER
#define L X
#define START INT64_MAX
#define X int64_t
#define NAME(name) name##_min_i64
#include "kernels/array/reduce_impl.h"
#undef START
#define START INT32_MAX
#define X int32_t
#define NAME(name) name##_min_i32
#include "kernels/array/reduce_impl.h"
#undef START
#define START UINT8_MAX
#define X uint8_t
#define NAME(name) name##_min_u8
#include "kernels/array/reduce_impl.h"
#undef START
#undef A
#undef L
#undef STEP

#define A double
#define STEP PRODUCT_REAL
#define START 1
#define L A
#define X double
#define NAME(name) name##_product_f64
#include "kernels/array/reduce_impl.h"
#undef A
#undef STEP

#define A int64_t
#define STEP PRODUCT_INTEGER
#define X int64_t
#define NAME(name) name##_product_i64
#include "kernels/array/reduce_impl.h"
#undef A
#undef L
#undef STEP
#undef START

const cnn__reduce_fn cnn__reduce_tile[CNN_REDUCE_OF_COUNT][CNN_BOOL + 1] = {
    [CNN_REDUCE_OF_SUM] = { [CNN_F64] = tile_sum_f64,
                            [CNN_I64] = tile_sum_i64,
                            [CNN_I32] = tile_sum_i32,
                            [CNN_U8] = tile_sum_u8,
                            [CNN_BOOL] = tile_sum_u8 },
    [CNN_REDUCE_OF_MAX] = { [CNN_F64] = tile_max_f64,
                            [CNN_I64] = tile_max_i64,
                            [CNN_I32] = tile_max_i32,
                            [CNN_U8] = tile_max_u8,
                            [CNN_BOOL] = tile_max_u8 },
    [CNN_REDUCE_OF_MIN] = { [CNN_F64] = tile_min_f64,
                            [CNN_I64] = tile_min_i64,
                            [CNN_I32] = tile_min_i32,
                            [CNN_U8] = tile_min_u8,
                            [CNN_BOOL] = tile_min_u8 },
    [CNN_REDUCE_OF_PRODUCT] = { [CNN_F64] = tile_product_f64, [CNN_I64] = tile_product_i64 },
};
