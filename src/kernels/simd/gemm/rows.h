/* Products of few rows of A with a B that is stored by rows: a few rows of B at a time are added to all rows of C. B is
 * read once, unpacked, in long stretches that the hardware prefetcher follows, and a block of C stays in L1. Every sum
 * runs along k in the same order as a tile's and has the same bits. */
#ifndef CNN_KERNELS_SIMD_GEMM_ROWS_H
#define CNN_KERNELS_SIMD_GEMM_ROWS_H

#include "kernels/kernels.h"
#include "kernels/simd/vector/long_sum.h"
#include "kernels/simd/vector/machine.h"
#include "kernels/simd/vector/partial.h"

enum {
    FEW_ROWS = 8,
    ROWS_AT_ONCE = 4,                                   /* rows of C */
    DEEP = CNN__VECTOR_BYTES == 64 ? 4 : 2,             /* rows of B at once: their factors stay in registers */
    ROW_COLUMNS = CNN__VECTOR_BYTES == 64 ? 1024 : 512, /* columns per block, at most */
    ROWS_FETCH_ROWS = 8,
    ROW_BLOCKS = 8,          /* at least, where there are columns enough */
    GEMM_PART = PART_SUM / 3 /* terms of a part of a long sum: here shorter ones cost little */
};

static inline int64_t row_columns(const cnn__gemm *g)
{
    return min64(ROW_COLUMNS, round_up(divide_up(g->n, ROW_BLOCKS), LANES));
}

/* The bytes of a task's wide sums. */
static inline size_t rows_wide_size(const cnn__gemm *g)
{
    return (size_t)(g->m * row_columns(g)) * sizeof(double);
}

/* A vector of each row of C, `count` lanes of it. */
CNN__INLINE void rows_add_vectors(int rows, int deep, lanes x[ROWS_AT_ONCE][DEEP], const float *b, int64_t ldb,
                                  float *c, int64_t ldc, int64_t count)
{
    lanes y[DEEP];
#pragma GCC unroll 4
    for (int u = 0; u < deep; u++) {
        y[u] = count == LANES ? load(b + u * ldb) : load_partial(b + u * ldb, count);
    }
#pragma GCC unroll 4
    for (int i = 0; i < rows; i++, c += ldc) {
        lanes sum = count == LANES ? load(c) : load_partial(c, count);
#pragma GCC unroll 4
        for (int u = 0; u < deep; u++) {
            sum += x[i][u] * y[u];
        }
        if (count == LANES) {
            store(c, sum);
        } else {
            store_partial(c, sum, count);
        }
    }
}

/* c[rows][count] += a[rows][deep] · b[deep][count]; rows and deep are constants where this is inlined, and b's rows
 * are ldb floats apart. The first reader of the rows also prefetches rows further down, because the hardware
 * prefetcher follows only the rest of a row. */
CNN__INLINE void add_rows(int rows, int deep, bool fetch, const cnn__gemm *g, const float *a, const float *b, float *c,
                          int64_t count)
{
    int64_t across = g->trans_a ? 1 : g->lda, along = g->trans_a ? g->lda : 1, j = 0;
    lanes x[ROWS_AT_ONCE][DEEP];
#pragma GCC unroll 4
    for (int i = 0; i < rows; i++) {
#pragma GCC unroll 4
        for (int u = 0; u < deep; u++) {
            x[i][u] = splat(a[i * across + u * along]);
        }
    }
    for (; j + LANES <= count; j += LANES) {
        if (fetch && j % LINE_FLOATS == 0) {
#pragma GCC unroll 4
            for (int u = 0; u < deep; u++) {
                __builtin_prefetch(b + (ROWS_FETCH_ROWS + u) * g->ldb + j, 0, 2);
            }
        }
        rows_add_vectors(rows, deep, x, b + j, g->ldb, c + j, g->ldc, LANES);
    }
    if (j < count) {
        rows_add_vectors(rows, deep, x, b + j, g->ldb, c + j, g->ldc, count - j);
    }
}

/* Adds the products with rows [k, end) of B. */
static void add_all_rows(const cnn__gemm *g, const float *a, const float *b, float *c, int64_t count, int64_t k,
                         int64_t end)
{
    int64_t across = g->trans_a ? 1 : g->lda, along = g->trans_a ? g->lda : 1;
    for (; k + DEEP <= end; k += DEEP) {
        int64_t i = 0;
        for (; i + ROWS_AT_ONCE <= g->m; i += ROWS_AT_ONCE) {
            add_rows(ROWS_AT_ONCE, DEEP, i == 0, g, a + i * across + k * along, b + k * g->ldb, c + i * g->ldc, count);
        }
        for (; i < g->m; i++) {
            add_rows(1, DEEP, i == 0, g, a + i * across + k * along, b + k * g->ldb, c + i * g->ldc, count);
        }
    }
    for (; k < end; k++) {
        for (int64_t i = 0; i < g->m; i++) {
            add_rows(1, 1, false, g, a + i * across + k * along, b + k * g->ldb, c + i * g->ldc, count);
        }
    }
}

/* Columns [begin, begin + count) of C; `wide` has the capacity for their long sums. */
static void multiply_rows(const cnn__gemm *g, const float *a, const float *b, const float *bias, float *c,
                          int64_t begin, int64_t count, double *wide)
{
    int64_t part = long_sum(g->k) ? GEMM_PART : g->k, k = 0;
    c += begin;
    b += begin;
    for (int64_t i = 0; i < g->m; i++) {
        for (int64_t j = 0; j < count; j++) {
            c[i * g->ldc + j] = (g->accumulate ? c[i * g->ldc + j] : 0) + (bias ? bias[begin + j] : 0);
        }
    }
    for (; k + part < g->k; k += part) {
        add_all_rows(g, a, b, c, count, k, k + part);
        wide_add(wide, k == 0, c, g->m, count, g->ldc);
        for (int64_t i = 0; i < g->m; i++) {
            memset(c + i * g->ldc, 0, (size_t)count * sizeof *c);
        }
    }
    add_all_rows(g, a, b, c, count, k, g->k);
    if (k > 0) {
        wide_finish(wide, c, g->m, count, g->ldc);
    }
}

#endif
