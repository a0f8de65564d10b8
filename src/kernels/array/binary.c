/* Elementwise operations with two operands for integers, which wrap; dividing them truncates, and by zero gives 0. */
#include "kernels/array/map.h"
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

/* Whole steps of rows by a loop of words, and the rest, and what are no rows, by the dtype's own, whose number is
 * map->values[0]. */
static void run_words(const cnn__nest_run *run)
{
    const int64_t size = (int64_t)cnn__array_size(run->dtype[0]);
    cnn__nest_run rest = *run;
    if (run->stride[0] == 1 && run->stride[1] == 1 && run->stride[2] == 1) {
        const int64_t words = run->n * size / 8 & -(int64_t)CNN__WORDS_STEP, n = words * 8 / size;
        run->map->fn(words, run->at[0], (const void *const *)&run->at[1], run->map);
        rest.n -= n;
        for (int k = 0; k < 3; k++) {
            rest.at[k] = (char *)run->at[k] + n * size;
        }
    }
    binary_tables[run->dtype[0]][(int)run->map->values[0]](&rest);
}

void cnn__array_binary_of_integers(const cnn__map_tables *tables, cnn__binary op, const cnn__nest *nest,
                                   cnn_dtype dtype, void *y, const void *a, const void *b, cnn__pool *pool)
{
    size_t size = cnn__array_size(dtype);
    const bool bits = op >= CNN_BINARY_BIT_AND && op <= CNN_BINARY_BIT_XOR, sum = op == CNN_BINARY_ADD && size == 8;
    const cnn__map map = { .fn = tables->words[sum    ? (int)CNN__WORDS_ADD
                                               : bits ? (int)op - CNN_BINARY_BIT_AND
                                                      : 0],
                           .values = { (double)op } };
    cnn__walk walk = {
        .nest = nest,
        .count = 3,
        .base = { y, (void *)a, (void *)b },
        .size = { size, size, size },
        .fn = bits || sum ? run_words : binary_tables[dtype][op],
        .map = &map,
        .dtype = { dtype },
        .cost = 1,
    };
    cnn__nest_walk(&walk, pool);
}
