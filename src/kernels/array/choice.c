/* Choice, which moves bits and looks at the size of a dtype alone, and the comparisons and logic of bytes. Masks are
 * used beside maps of f32, so these loops are worth vectors. Operands that are no rows are brought into rows, a block
 * at a time; one that is broadcast only once. */
#include "kernels/array/compare.h"
#include "kernels/array/map.h"

enum { CHOICE_BLOCK = 256 };

#define GATHERED_(name) name##_gathered
#define GATHERED(name) GATHERED_(name)

/* ---- bytes ---- */

#define X uint8_t
#define NAME bytes
#include "kernels/array/gather_impl.h"

#define COMPARE_BYTES(name, expression) \
    static void name(int64_t n, uint8_t *y, const uint8_t *first, const uint8_t *second) \
    { \
        CNN__IVDEP \
        for (int64_t i = 0; i < n; i++) { \
            const uint8_t a = first[i], b = second[i]; \
            y[i] = (expression); \
        } \
    }
COMPARE_BYTES(bytes_eq, a == b)
COMPARE_BYTES(bytes_ne, a != b)
COMPARE_BYTES(bytes_lt, a < b)
COMPARE_BYTES(bytes_le, a <= b)
/* The smaller of a number and 1 says whether it is true. */
#define LESS(a, b) ((a) < (b) ? (a) : (b))
COMPARE_BYTES(bytes_and, LESS(LESS(a, b), 1))
COMPARE_BYTES(bytes_or, LESS(a | b, 1))
COMPARE_BYTES(bytes_xor, LESS(a, 1) ^ LESS(b, 1))
COMPARE_BYTES(bytes_not, (a | b) == 0)
#undef LESS

typedef void (*bytes_fn)(int64_t n, uint8_t *y, const uint8_t *a, const uint8_t *b);

static void compare_bytes(const cnn__nest_run *run, bytes_fn fn, bool swapped)
{
    uint8_t rooms[3][CHOICE_BLOCK];
    const int64_t sy = run->stride[0];
    const bool rows = sy == 1 && run->stride[1] == 1 && run->stride[2] == 1;
    for (int64_t first = 0, n; first < run->n; first += n) {
        n = rows ? run->n : cnn__min(run->n - first, CHOICE_BLOCK);
        const uint8_t *a = bytes_gathered(run->at[1 + swapped], run->stride[1 + swapped], first, n, rooms[0]);
        const uint8_t *b = bytes_gathered(run->at[2 - swapped], run->stride[2 - swapped], first, n, rooms[1]);
        uint8_t *y = (uint8_t *)run->at[0] + first * sy;
        fn(n, sy == 1 ? y : rooms[2], a, b);
        for (int64_t i = 0; i < n && sy != 1; i++) {
            y[i * sy] = rooms[2][i];
        }
    }
}

#define BYTES_RUN(name, fn, swapped) \
    static void name(const cnn__nest_run *run) \
    { \
        compare_bytes(run, fn, swapped); \
    }
BYTES_RUN(run_bytes_eq, bytes_eq, false)
BYTES_RUN(run_bytes_ne, bytes_ne, false)
BYTES_RUN(run_bytes_lt, bytes_lt, false)
BYTES_RUN(run_bytes_le, bytes_le, false)
BYTES_RUN(run_bytes_gt, bytes_lt, true)
BYTES_RUN(run_bytes_ge, bytes_le, true)
BYTES_RUN(run_bytes_and, bytes_and, false)
BYTES_RUN(run_bytes_or, bytes_or, false)
BYTES_RUN(run_bytes_xor, bytes_xor, false)
BYTES_RUN(run_bytes_not, bytes_not, false)

const cnn__run_fn cnn__compare_bytes[CNN_COMPARE_COUNT] = {
    [CNN_COMPARE_EQ] = run_bytes_eq,   [CNN_COMPARE_NE] = run_bytes_ne, [CNN_COMPARE_LT] = run_bytes_lt,
    [CNN_COMPARE_LE] = run_bytes_le,   [CNN_COMPARE_GT] = run_bytes_gt, [CNN_COMPARE_GE] = run_bytes_ge,
    [CNN_COMPARE_AND] = run_bytes_and, [CNN_COMPARE_OR] = run_bytes_or, [CNN_COMPARE_XOR] = run_bytes_xor,
    [CNN_COMPARE_NOT] = run_bytes_not,
};

/* ---- choice ---- */

#define X cnn__bits_8
#define NAME run_where_8
#include "kernels/array/gather_impl.h"
#define X cnn__bits_8
#define NAME run_where_8
#include "kernels/array/where_impl.h"

#define X cnn__bits_4
#define NAME run_where_4
#include "kernels/array/gather_impl.h"
#define X cnn__bits_4
#define NAME run_where_4
#include "kernels/array/where_impl.h"

#define run_where_1_gathered bytes_gathered /* elements of the same type */
#define X cnn__bits_1
#define NAME run_where_1
#include "kernels/array/where_impl.h"

void cnn__array_where(const cnn__map_tables *tables, const cnn__nest *nest, cnn_dtype dtype, void *y,
                      const void *condition, const void *a, const void *b, cnn__pool *pool)
{
    size_t size = cnn__array_size(dtype);
    const cnn__map map = { .fn = tables->where_4 };
    cnn__walk walk = {
        .nest = nest,
        .count = 4,
        .base = { y, (void *)condition, (void *)a, (void *)b },
        .size = { size, 1, size, size },
        .fn = size == 8   ? run_where_8
              : size == 4 ? run_where_4
                          : run_where_1,
        .map = &map,
        .cost = 1,
    };
    cnn__nest_walk(&walk, pool);
}
