/* Elementwise operations with two operands for integers, which wrap; dividing them truncates, and by zero gives 0. */
#include "kernels/array/compare.h"
#include "kernels/array/nest.h"

#define X int64_t
#define U uint64_t
#define LOWEST INT64_MIN
#define FN(name) CNN__JOIN(name, i64)
#include "kernels/array/binary_integer_impl.h"

#define X int32_t
#define U uint32_t
#define LOWEST INT32_MIN
#define FN(name) CNN__JOIN(name, i32)
#include "kernels/array/binary_integer_impl.h"

#define X uint8_t
#define U uint32_t
#define LOWEST 0
#define FN(name) CNN__JOIN(name, u8)
#include "kernels/array/binary_integer_impl.h"

static const cnn__run_fn *const binary_tables[] = {
    [CNN_I64] = binary_i64, [CNN_I32] = binary_i32, [CNN_U8] = binary_u8, [CNN_BOOL] = binary_u8, /* bits alone */
};

void cnn__array_binary_of_integers(cnn__binary op, const cnn__nest *nest, cnn_dtype dtype, void *y, const void *a,
                                   const void *b, cnn__pool *pool)
{
    size_t size = cnn__array_size(dtype);
    cnn__walk walk = {
        .nest = nest,
        .count = 3,
        .base = { y, (void *)a, (void *)b },
        .size = { size, size, size },
        .fn = binary_tables[dtype][op],
        .cost = 1,
    };
    cnn__nest_walk(&walk, pool);
}
