/* Kernels that make one of many: reductions, softmax, norms, running sums and products, sorting. Sums of reals are made
 * in double, and the order of every sum follows from the sizes alone. */
#ifndef WITHOUT_F32
#define WITHOUT_F64 /* they have a module of their own */
#endif
#include "arguments.h"
#include "enumerations.h"
#include "numbers.h"

DEVICE double smaller_real(double a, double b)
{
    return a != a || a <= b ? a : b;
}

DEVICE double joined_real(int64_t function, double a, double b)
{
    return function == CNN_REDUCE_OF_SUM   ? a + b
           : function == CNN_REDUCE_OF_MAX ? larger_real(a, b)
           : function == CNN_REDUCE_OF_MIN ? smaller_real(a, b)
                                           : a * b;
}

DEVICE int64_t joined_integer(int64_t function, int64_t a, int64_t b)
{
    return function == CNN_REDUCE_OF_SUM   ? (int64_t)((uint64_t)a + (uint64_t)b)
           : function == CNN_REDUCE_OF_MAX ? (a >= b ? a : b)
           : function == CNN_REDUCE_OF_MIN ? (a <= b ? a : b)
                                           : (int64_t)((uint64_t)a * (uint64_t)b);
}

DEVICE double first_real(int64_t function)
{
    return function == CNN_REDUCE_OF_SUM   ? 0
           : function == CNN_REDUCE_OF_MAX ? (double)-INFINITY
           : function == CNN_REDUCE_OF_MIN ? (double)INFINITY
                                           : 1;
}

DEVICE int64_t first_integer(int64_t function)
{
    return function == CNN_REDUCE_OF_SUM   ? 0
           : function == CNN_REDUCE_OF_MAX ? INT64_MIN
           : function == CNN_REDUCE_OF_MIN ? INT64_MAX
                                           : 1;
}

#ifndef WITHOUT_F32
#define X float
#define A double
#define FN(name) name##_f32
#define JOIN joined_real
#define FIRST first_real
#include "reductions_any.h"
#define OWN(name) cnn__##name##_f32
#include "reductions_real.h"
#endif

#ifndef WITHOUT_F64
#define X double
#define A double
#define FN(name) name##_f64
#define JOIN joined_real
#define FIRST first_real
#include "reductions_any.h"
#define OWN(name) cnn__##name##_f64
#include "reductions_real.h"
#endif

#ifndef WITHOUT_F32
#define X int64_t
#define A int64_t
#define FN(name) name##_i64
#define JOIN joined_integer
#define FIRST first_integer
#define INTEGER
#include "reductions_any.h"
#undef X
#undef A
#undef FN
#undef JOIN
#undef FIRST

#define X int32_t
#define A int64_t
#define FN(name) name##_i32
#define JOIN joined_integer
#define FIRST first_integer
#include "reductions_any.h"
#undef X
#undef A
#undef FN
#undef JOIN
#undef FIRST

#define X uint8_t
#define A int64_t
#define FN(name) name##_u8
#define JOIN joined_integer
#define FIRST first_integer
#include "reductions_any.h"
#undef X
#undef A
#undef FN
#undef JOIN
#undef FIRST
#endif
