/* Elementwise operations with one operand for integers, which have those that ops.h promises, and wrap. */
#include "kernels/array/array.h"
#include "kernels/array/nest.h"

#include "kernels/array/convert.h"

#include <math.h>

#define X int64_t
#define U uint64_t
#define PARAMETER(v) cnn__i64_of_real(v)
#define FN(name) CNN__JOIN(name, i64)
#include "kernels/array/unary_integer_impl.h"

#define X int32_t
#define U uint32_t
#define PARAMETER(v) cnn__i32_of_real(v)
#define FN(name) CNN__JOIN(name, i32)
#include "kernels/array/unary_integer_impl.h"

#define X uint8_t
#define U uint32_t
#define PARAMETER(v) cnn__u8_of_real(v)
#define FN(name) CNN__JOIN(name, u8)
#include "kernels/array/unary_integer_impl.h"

static const cnn__run_fn *const unary_tables[] = { [CNN_I64] = unary_i64, [CNN_I32] = unary_i32, [CNN_U8] = unary_u8 };

void cnn__array_unary_of_integers(cnn__unary op, const cnn__nest *nest, cnn_dtype dtype, const double values[2],
                                  void *y, const void *x, cnn__pool *pool)
{
    static const double none[2] = { 0, 0 };
    size_t size = cnn__array_size(dtype);
    cnn__walk walk = {
        .nest = nest,
        .count = 2,
        .base = { y, (void *)x },
        .size = { size, size },
        .fn = unary_tables[dtype][op],
        .parameters = values ? values : none,
        .cost = 1,
    };
    cnn__nest_walk(&walk, pool);
}
