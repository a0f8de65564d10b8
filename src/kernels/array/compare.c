/* Comparisons of integers, whose results are bool. */
#include "kernels/array/compare.h"

/* a > b is b < a: fewer loops in the library. */
static cnn__nest_run swapped_operands(const cnn__nest_run *run)
{
    cnn__nest_run other = *run;
    other.at[1] = run->at[2];
    other.at[2] = run->at[1];
    other.stride[1] = run->stride[2];
    other.stride[2] = run->stride[1];
    return other;
}

/* Inverts the results of a run, which are still in the cache: a != b is !(a == b), and a <= b is !(b < a). */
static void negate(const cnn__nest_run *run)
{
    uint8_t *y = run->at[0];
    int64_t n = run->n, stride = run->stride[0];
    if (stride == 1) {
        for (int64_t i = 0; i < n; i++) {
            y[i] ^= 1;
        }
    } else {
        for (int64_t i = 0; i < n; i++) {
            y[i * stride] ^= 1;
        }
    }
}

#define X int64_t
#define FN(name) CNN__JOIN(name, i64)
#include "kernels/array/compare_impl.h"

#define X int32_t
#define FN(name) CNN__JOIN(name, i32)
#include "kernels/array/compare_impl.h"

static const cnn__run_fn *const compare_tables[] = {
    [CNN_I64] = compare_i64,
    [CNN_I32] = compare_i32,
    [CNN_U8] = cnn__compare_bytes,
    [CNN_BOOL] = cnn__compare_bytes,
};

void cnn__array_compare_integers(cnn__compare op, const cnn__nest *nest, cnn_dtype dtype, void *y, const void *a,
                                 const void *b, cnn__pool *pool)
{
    size_t size = cnn__array_size(dtype);
    cnn__walk walk = {
        .nest = nest,
        .count = 3,
        .base = { y, (void *)a, (void *)b },
        .size = { 1, size, size },
        .fn = compare_tables[dtype][op],
        .cost = 1,
    };
    cnn__nest_walk(&walk, pool);
}
