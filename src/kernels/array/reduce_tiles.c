/* Reductions, one for each operation and dtype but f32 (simd/map/reduce.c). */
#include "kernels/array/reduce.h"

#include "kernels/array/reduce_steps.h"

#include <math.h>

#define PART static

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

#define REAL(name, first) \
    { \
        .part = part_##name##_f64, .rows = rows_##name##_f64, .start.real = (first), .size = sizeof(double) \
    }
#define INTEGER(name, type, first) \
    { \
        .part = part_##name, .rows = rows_##name, .start.integer = (first), .size = sizeof(type) \
    }

const cnn__reducer cnn__reducers[CNN_REDUCE_OF_COUNT][CNN_BOOL + 1] = {
    [CNN_REDUCE_OF_SUM] = { [CNN_F64] = REAL(sum, 0),
                            [CNN_I64] = INTEGER(sum_i64, int64_t, 0),
                            [CNN_I32] = INTEGER(sum_i32, int32_t, 0),
                            [CNN_U8] = INTEGER(sum_u8, uint8_t, 0),
                            [CNN_BOOL] = INTEGER(sum_u8, uint8_t, 0) },
    [CNN_REDUCE_OF_MAX] = { [CNN_F64] = REAL(max, -INFINITY),
                            [CNN_I64] = INTEGER(max_i64, int64_t, INT64_MIN),
                            [CNN_I32] = INTEGER(max_i32, int32_t, INT32_MIN),
                            [CNN_U8] = INTEGER(max_u8, uint8_t, 0),
                            [CNN_BOOL] = INTEGER(max_u8, uint8_t, 0) },
    [CNN_REDUCE_OF_MIN] = { [CNN_F64] = REAL(min, INFINITY),
                            [CNN_I64] = INTEGER(min_i64, int64_t, INT64_MAX),
                            [CNN_I32] = INTEGER(min_i32, int32_t, INT32_MAX),
                            [CNN_U8] = INTEGER(min_u8, uint8_t, UINT8_MAX),
                            [CNN_BOOL] = INTEGER(min_u8, uint8_t, UINT8_MAX) },
    [CNN_REDUCE_OF_PRODUCT] = { [CNN_F64] = REAL(product, 1), [CNN_I64] = INTEGER(product_i64, int64_t, 1) },
};
