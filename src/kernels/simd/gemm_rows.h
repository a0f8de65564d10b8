/* Products of few rows by a B that lies along their columns: some rows of B at a time are added to all rows of C. B is read where
 * it lies, once, in long stretches that the processor foresees; a block of C stays in L1. Every sum goes along k, as a tile's
 * does, and has the same bits. */
#ifndef CNN_KERNELS_SIMD_GEMM_ROWS_H
#define CNN_KERNELS_SIMD_GEMM_ROWS_H

#include "kernels/kernels.h"
#include "kernels/simd/some.h"

enum {
    FEW_ROWS = 8,
    ROWS_AT_ONCE = 4,     /* of C and of B */
    ROW_COLUMNS = 1024,   /* of a block, at most */
    ROW_BLOCKS = 8        /* at least, where there are columns enough */
};

static inline int64_t row_columns(const cnn__gemm *g)
{
    return least(ROW_COLUMNS, round_up(divide_up(g->n, ROW_BLOCKS), LANES));
}

/* c[rows][count] += a[rows][deep] · b[deep][count]; rows and deep are constants where this is inlined, b's rows ldb floats apart. */
CNN__INLINE void add_rows(int rows, int deep, const cnn__gemm *g, const float *a, const float *b, float *c, int64_t count)
{
    int64_t across = g->trans_a ? 1 : g->lda, along = g->trans_a ? g->lda : 1;
    lanes x[ROWS_AT_ONCE][ROWS_AT_ONCE];
#pragma GCC unroll 4
    for (int i = 0; i < rows; i++) {
#pragma GCC unroll 4
        for (int u = 0; u < deep; u++) {
            x[i][u] = splat(a[i * across + u * along]);
        }
    }
    for (int64_t j = 0; j < count; j += LANES) {
        int64_t some = least(LANES, count - j);
        lanes y[ROWS_AT_ONCE];
#pragma GCC unroll 4
        for (int u = 0; u < deep; u++) {
            y[u] = load_some(b + u * g->ldb + j, some);
        }
#pragma GCC unroll 4
        for (int i = 0; i < rows; i++) {
            float *to = c + i * g->ldc + j;
            lanes sum = load_some(to, some);
#pragma GCC unroll 4
            for (int u = 0; u < deep; u++) {
                sum += x[i][u] * y[u];
            }
            store_some(to, sum, some);
        }
    }
}

/* Columns [begin, begin + count) of C. */
static void multiply_rows(const cnn__gemm *g, const float *a, const float *b, const float *bias, float *c, int64_t begin,
                          int64_t count)
{
    int64_t across = g->trans_a ? 1 : g->lda, along = g->trans_a ? g->lda : 1, k = 0;
    c += begin;
    b += begin;
    for (int64_t i = 0; i < g->m; i++) {
        for (int64_t j = 0; j < count; j++) {
            c[i * g->ldc + j] = (g->accumulate ? c[i * g->ldc + j] : 0) + (bias ? bias[begin + j] : 0);
        }
    }
    for (; k + ROWS_AT_ONCE <= g->k; k += ROWS_AT_ONCE) {
        int64_t i = 0;
        for (; i + ROWS_AT_ONCE <= g->m; i += ROWS_AT_ONCE) {
            add_rows(ROWS_AT_ONCE, ROWS_AT_ONCE, g, a + i * across + k * along, b + k * g->ldb, c + i * g->ldc, count);
        }
        for (; i < g->m; i++) {
            add_rows(1, ROWS_AT_ONCE, g, a + i * across + k * along, b + k * g->ldb, c + i * g->ldc, count);
        }
    }
    for (; k < g->k; k++) {
        for (int64_t i = 0; i < g->m; i++) {
            add_rows(1, 1, g, a + i * across + k * along, b + k * g->ldb, c + i * g->ldc, count);
        }
    }
}

#endif
