/* Filling and copying. Within one dtype only the size of an element counts, and transposed operands are copied in
 * tiles that stay in the first cache. */
#include "kernels/array/array.h"
#include "kernels/array/nest.h"

#include "kernels/array/convert.h"
#include "kernels/stored.h"

#include <math.h>
#include <string.h>

#define X float
#define Y int64_t
#define NAME any_f32_to_i64
#define F cnn__i64_of_real
#define ATTRIBUTE
#include "kernels/array/copy_loop.h"

enum { PLAIN_BLOCK = 512 };

/* Rows a block at a time, without a look at each element where all are below 2^63. */
static void CNN__JOIN(to_i64, f32)(const cnn__nest_run *run)
{
    cnn__nest_run part = *run;
    if (run->stride[0] != 1 || run->stride[1] != 1) {
        any_f32_to_i64(run);
        return;
    }
    for (int64_t first = 0; first < run->n; first += PLAIN_BLOCK) {
        const float *x = (const float *)run->at[1] + first;
        int64_t *y = (int64_t *)run->at[0] + first;
        int beyond = 0;
        part.n = cnn__min(PLAIN_BLOCK, run->n - first);
        for (int64_t i = 0; i < part.n; i++) {
            beyond |= !(fabsf(x[i]) < 0x1p63f);
        }
        if (beyond) {
            part.at[0] = y;
            part.at[1] = (void *)(uintptr_t)x;
            any_f32_to_i64(&part);
            continue;
        }
        for (int64_t i = 0; i < part.n; i++) {
            y[i] = (int64_t)x[i];
        }
    }
}

#define OWN_I64
#define X float
#define TO_INTEGERS
#define OF(to) cnn__##to##_of_real
#define FN(name) CNN__JOIN(name, f32)
#include "kernels/array/copy_impl.h"

#define X double
#define TO_INTEGERS __attribute__((cold)) /* few do that: kept small */
#define OF(to) cnn__##to##_of_real
#define FN(name) CNN__JOIN(name, f64)
#include "kernels/array/copy_impl.h"

#define X int64_t
#define TO_INTEGERS
#define OF(to) cnn__##to##_of_integer
#define FN(name) CNN__JOIN(name, i64)
#include "kernels/array/copy_impl.h"

#define X int32_t
#define TO_INTEGERS
#define OF(to) cnn__##to##_of_integer
#define FN(name) CNN__JOIN(name, i32)
#include "kernels/array/copy_impl.h"

#define X uint8_t
#define TO_INTEGERS
#define OF(to) cnn__##to##_of_integer
#define FN(name) CNN__JOIN(name, u8)
#include "kernels/array/copy_impl.h"

/* ---- rows of bytes ---- */

enum { LONG_ROW = 256 }; /* bytes of a row that are worth a call of memmove() */

/* Rows in pieces of a constant size, of which the last one overlaps the one before it where a row ends within it. */
static inline __attribute__((always_inline)) void move_pieces(const cnn__nest_run *run, int64_t size, int64_t piece)
{
    const int64_t last = run->n * size - piece, y_step = run->step[0] * size, x_step = run->step[1] * size;
    char *y = run->at[0];
    const char *x = run->at[1];
    for (int64_t row = 0; row < run->rows; row++, y += y_step, x += x_step) {
        for (int64_t i = 0; i < last; i += piece) {
            memcpy(y + i, x + i, (size_t)piece);
        }
        memcpy(y + last, x + last, (size_t)piece);
    }
}

static void move_rows(const cnn__nest_run *run)
{
    const int64_t size = (int64_t)cnn__array_size(run->dtype[0]), bytes = run->n * size;
    if (bytes >= LONG_ROW) {
        for (int64_t row = 0; row < run->rows; row++) {
            memmove((char *)run->at[0] + row * run->step[0] * size, (char *)run->at[1] + row * run->step[1] * size,
                    (size_t)bytes);
        }
    } else if (bytes >= 32) {
        move_pieces(run, size, 32);
    } else if (bytes >= 16) {
        move_pieces(run, size, 16);
    } else if (bytes >= 8) {
        move_pieces(run, size, 8);
    } else if (bytes >= 4) {
        move_pieces(run, size, 4);
    } else if (bytes >= 2) {
        move_pieces(run, size, 2);
    } else {
        move_pieces(run, size, 1);
    }
}

#define X cnn__bits_8
#define SIZED(name) name##_8
#include "kernels/array/transpose_impl.h"

#define X cnn__bits_4
#define SIZED(name) name##_4
#include "kernels/array/transpose_impl.h"

#define X cnn__bits_2
#define SIZED(name) name##_2
#include "kernels/array/transpose_impl.h"

#define X cnn__bits_1
#define SIZED(name) name##_1
#include "kernels/array/transpose_impl.h"

static const cnn__run_fn *const convert[] = {
    [CNN_F32] = copy_f32, [CNN_F64] = copy_f64, [CNN_I64] = copy_i64,
    [CNN_I32] = copy_i32, [CNN_U8] = copy_u8,   [CNN_BOOL] = copy_u8,
};

typedef void (*tile_fn)(int64_t rows, int64_t columns, void *y, int64_t y_row, const void *x, int64_t x_column);

static const cnn__run_fn move[] = { [1] = move_1, [2] = move_2, [4] = move_4, [8] = move_8 };
static const tile_fn copy_tile[] = {
    [1] = transposed_tile_1, [2] = transposed_tile_2, [4] = transposed_tile_4, [8] = transposed_tile_8
};

/* ---- dtypes that are stored in another type than the one to compute in ---- */

enum { STORED_BLOCK = 512 };

static cnn__nest_run run_of(int64_t n, void *y, int64_t y_step, void *x, int64_t x_step)
{
    return (cnn__nest_run){ .n = n, .at = { y, x }, .stride = { y_step, x_step } };
}

/* Contiguous elements from a type that is stored to the one it is computed in, or back; false: something else. */
static bool convert_rows(const cnn__nest_run *run)
{
    const cnn_dtype to = run->dtype[0], from = run->dtype[1];
    bool rows = run->stride[0] == 1 && run->stride[1] == 1;
    if (rows && cnn__dtypes[from].compute == to) {
        cnn__stored_load(from, run->n, run->at[1], run->at[0]);
    } else if (rows && cnn__dtypes[to].compute == from) {
        cnn__stored_store(to, run->n, run->at[1], run->at[0]);
    } else {
        return false;
    }
    return true;
}

/* Block by block: x gathered and loaded, converted in the types to compute in, stored and scattered. What it calls is
 * fast; itself it is kept small. */
static __attribute__((cold)) void convert_stored(const cnn__nest_run *run)
{
    const cnn_dtype *dtype = run->dtype;
    const cnn__dtype *to = &cnn__dtypes[dtype[0]], *from = &cnn__dtypes[dtype[1]];
    cnn__bits_8 dense[STORED_BLOCK], loaded[STORED_BLOCK], converted[STORED_BLOCK];
    if (convert_rows(run)) {
        return;
    }
    for (int64_t i = 0; i < run->n; i += STORED_BLOCK) {
        int64_t n = cnn__min(STORED_BLOCK, run->n - i);
        char *y = (char *)run->at[0] + i * run->stride[0] * (int64_t)to->size;
        char *x = (char *)run->at[1] + i * run->stride[1] * (int64_t)from->size;
        cnn__nest_run part = run_of(n, y, run->stride[0], x, run->stride[1]);
        if (cnn__dtype_is_stored(dtype[1])) {
            part = run_of(n, dense, 1, x, run->stride[1]);
            move[from->size](&part);
            cnn__stored_load(dtype[1], n, dense, loaded);
            part = run_of(n, y, run->stride[0], loaded, 1);
        }
        if (!cnn__dtype_is_stored(dtype[0])) {
            convert[from->compute][dtype[0]](&part);
            continue;
        }
        part.at[0] = converted;
        part.stride[0] = 1;
        convert[from->compute][to->compute](&part);
        cnn__stored_store(dtype[0], n, converted, dense);
        part = run_of(n, y, run->stride[0], dense, 1);
        move[to->size](&part);
    }
}

/* ---- transposed operands ---- */

/* A copy of which y is contiguous along the last dimension and x along dimension `row`. */
typedef struct transposition {
    cnn__nest rest; /* the other dimensions */
    int64_t rows, columns;
    int64_t y_row, x_column;
    int64_t tiles_down, tiles;
    size_t size;
    char *y;
    const char *x;
} transposition;

enum { COPY_ROWS = 32, COPY_COLUMNS = 64, TILES_A_TASK = 8, TILED_FROM = 8 };

static bool find_transposition(const cnn__nest *nest, int *row)
{
    int last = nest->ndim - 1;
    if (last < 1 || nest->stride[0][last] != 1 || nest->stride[1][last] < 2 || nest->shape[last] < TILED_FROM) {
        return false;
    }
    for (int d = 0; d < last; d++) {
        if (nest->stride[1][d] == 1 && nest->shape[d] >= TILED_FROM) {
            *row = d;
            return true;
        }
    }
    return false;
}

static void transpose_task(void *arg, int64_t task, int worker)
{
    (void)worker;
    const transposition *t = arg;
    int64_t across = cnn__ceil_div(t->columns, COPY_COLUMNS);
    int64_t end = cnn__min(t->tiles, (task + 1) * TILES_A_TASK);
    for (int64_t i = task * TILES_A_TASK; i < end; i++) {
        cnn__cursor cursor;
        cnn__cursor_seek(&cursor, &t->rest, i / (t->tiles_down * across));
        int64_t row = i / across % t->tiles_down * COPY_ROWS, column = i % across * COPY_COLUMNS;
        int64_t y = cursor.offset[0] + row * t->y_row + column;
        int64_t x = cursor.offset[1] + row + column * t->x_column;
        copy_tile[t->size](cnn__min(COPY_ROWS, t->rows - row), cnn__min(COPY_COLUMNS, t->columns - column),
                           t->y + y * (int64_t)t->size, t->y_row, t->x + x * (int64_t)t->size, t->x_column);
    }
}

static void copy_transposed(const cnn__nest *nest, int row, size_t size, void *y, const void *x, cnn__pool *pool)
{
    int last = nest->ndim - 1;
    transposition t = { .rows = nest->shape[row],
                        .columns = nest->shape[last],
                        .y_row = nest->stride[0][row],
                        .x_column = nest->stride[1][last],
                        .size = size,
                        .y = y,
                        .x = x };
    for (int d = 0; d < last; d++) {
        if (d != row) {
            t.rest.shape[t.rest.ndim] = nest->shape[d];
            t.rest.stride[0][t.rest.ndim] = nest->stride[0][d];
            t.rest.stride[1][t.rest.ndim++] = nest->stride[1][d];
        }
    }
    t.tiles_down = cnn__ceil_div(t.rows, COPY_ROWS);
    t.tiles = cnn__nest_count(&t.rest) * t.tiles_down * cnn__ceil_div(t.columns, COPY_COLUMNS);
    cnn__pool_run(pool, cnn__ceil_div(t.tiles, TILES_A_TASK), (double)cnn__nest_count(nest), transpose_task, &t);
}

void cnn__array_copy(const cnn__nest *nest, cnn_dtype to, void *y, cnn_dtype from, const void *x, cnn__pool *pool)
{
    const size_t size = cnn__array_size(from);
    const bool rows = to == from && cnn__last_stride(nest, 0) == 1 && cnn__last_stride(nest, 1) == 1;
    int row;
    if (to == from && find_transposition(nest, &row)) {
        copy_transposed(nest, row, size, y, x, pool);
        return;
    }
    cnn__walk walk = {
        .nest = nest,
        .count = 2,
        .base = { y, (void *)x },
        .size = { cnn__array_size(to), size },
        .dtype = { to, from },
        .fn = rows                                                     ? move_rows
              : to == from                                             ? move[size]
              : cnn__dtype_is_stored(to) || cnn__dtype_is_stored(from) ? convert_stored
                                                                       : convert[from][to],
        .takes_rows = rows,
        .cost = 1,
    };
    cnn__nest_walk(&walk, pool);
}

static void zero_bytes(const cnn__nest_run *run)
{
    memset(run->at[0], 0, (size_t)run->n);
}

/* A fill is a copy of one element to all, and of zero bytes where the value is +0. */
void cnn__array_fill(cnn_dtype dtype, int64_t n, double value, void *y, cnn__pool *pool)
{
    cnn__nest nest = { .ndim = 1, .shape = { n }, .stride = { { 1 }, { 0 } } };
    if (value != 0 || signbit(value)) {
        cnn__array_copy(&nest, dtype, y, CNN_F64, &value, pool);
        return;
    }
    nest.shape[0] = n * (int64_t)cnn__array_size(dtype);
    cnn__walk walk = { .nest = &nest, .count = 1, .base = { y }, .size = { 1 }, .fn = zero_bytes, .cost = 0.25 };
    cnn__nest_walk(&walk, pool);
}
