/* Products C = A · Bᵀ with few rows or few columns, computed as dot products along k of both operands in place:
 * packing them would cost more than the product. */
#ifndef CNN_KERNELS_SIMD_GEMM_DOT_H
#define CNN_KERNELS_SIMD_GEMM_DOT_H

#include "kernels/kernels.h"
#include "kernels/simd/vector/lanes.h"
#include "kernels/simd/vector/long_sum.h"

enum {
    DOT_FEW_ROWS = 4,
    DOT_FEW_COLUMNS = 16,
    DOT_COLUMNS = 16,                /* a task */
    DOT_WIDE = 4,                    /* columns at a time */
    DOT_LONG = PART_SUM / 3 * LANES, /* terms of sums that are kept by lanes; longer ones are made in parts */
    DOT_STREAMS = CNN__VECTOR_BYTES == 64 ? 1 : DOT_WIDE /* streams per row, at the rate of memory */
};

CNN__INLINE float sum_lanes(lanes v)
{
    float part[LANES];
    store(part, v);
    for (int half = LANES / 2; half > 0; half /= 2) {
        for (int i = 0; i < half; i++) {
            part[i] += part[i + half];
        }
    }
    return part[0];
}

/* a · b + c, rounded as often as in the tiles of this instruction set: a product too short for vectors then has
 * their bits. */
CNN__INLINE float multiply_add(float a, float b, float c)
{
    return MULTIPLY_ADDS ? __builtin_fmaf(a, b, c) : a * b + c;
}

/* out[rows][columns] = rows of a by rows of b. The numbers are constants where this is inlined; `parts` vectors at a
 * time keep as many sums under way. */
CNN__INLINE void dot_block(int rows, int columns, int parts, const float *a, int64_t lda, const float *b, int64_t ldb,
                           int64_t k, float *out)
{
    lanes acc[DOT_FEW_ROWS * DOT_WIDE * 4];
    int64_t at = 0;
    for (int i = 0; i < rows * columns * parts; i++) {
        acc[i] = (lanes){ 0 };
    }
    for (; at + parts * LANES <= k; at += parts * LANES) {
#pragma GCC unroll 4
        for (int u = 0; u < parts; u++) {
            lanes y[DOT_WIDE];
#pragma GCC unroll 4
            for (int j = 0; j < columns; j++) {
                y[j] = load(b + j * ldb + at + u * LANES);
            }
#pragma GCC unroll 4
            for (int i = 0; i < rows; i++) {
                lanes x = load(a + i * lda + at + u * LANES);
#pragma GCC unroll 4
                for (int j = 0; j < columns; j++) {
                    acc[(u * rows + i) * columns + j] += x * y[j];
                }
            }
        }
    }
    for (int i = 0; i < rows; i++) {
        for (int j = 0; j < columns; j++) {
            lanes sum = acc[i * columns + j];
            float rest = 0;
            for (int u = 1; u < parts; u++) {
                sum += acc[(u * rows + i) * columns + j];
            }
            for (int64_t q = at; q < k; q++) {
                rest = multiply_add(a[i * lda + q], b[j * ldb + q], rest);
            }
            out[i * columns + j] = sum_lanes(sum) + rest;
        }
    }
}

CNN__APART void dot_part(int64_t rows, int64_t columns, const float *a, int64_t lda, const float *b, int64_t ldb,
                         int64_t k, float *out)
{
    if (rows == 1 && columns == 1) {
        dot_block(1, 1, 4, a, lda, b, ldb, k, out);
    } else if (rows == 1) {
        dot_block(1, DOT_WIDE, 2, a, lda, b, ldb, k, out);
    } else if (columns == 1) {
        dot_block(DOT_FEW_ROWS, 1, 2, a, lda, b, ldb, k, out);
    } else {
        dot_block(DOT_FEW_ROWS, DOT_WIDE, 1, a, lda, b, ldb, k, out);
    }
}

/* The same for a k that is too long for one part. */
CNN__APART void dot_parts(int64_t rows, int64_t columns, const float *a, int64_t lda, const float *b, int64_t ldb,
                          int64_t k, float *out)
{
    double wide[DOT_FEW_ROWS * DOT_WIDE];
    for (int64_t at = 0; at < k; at += DOT_LONG) {
        dot_part(rows, columns, a + at, lda, b + at, ldb, min64(DOT_LONG, k - at), out);
        wide_add(wide, at == 0, out, 1, rows * columns, 0);
    }
    memset(out, 0, (size_t)(rows * columns) * sizeof *out);
    wide_finish(wide, out, 1, rows * columns, 0);
}

/* Columns [begin, end) of C. */
static inline void dot_columns(const cnn__gemm *g, const float *a, const float *b, const float *bias, float *c,
                               int64_t begin, int64_t end)
{
    for (int64_t i = 0, rows; i < g->m; i += rows) {
        rows = g->m - i < DOT_FEW_ROWS ? 1 : DOT_FEW_ROWS;
        for (int64_t j = begin, columns; j < end; j += columns) {
            float out[DOT_FEW_ROWS * DOT_WIDE];
            const float *x = a + i * g->lda, *y = b + j * g->ldb;
            columns = end - j < DOT_WIDE || (rows == 1 && DOT_STREAMS == 1) ? 1 : DOT_WIDE;
            (g->k > DOT_LONG ? dot_parts : dot_part)(rows, columns, x, g->lda, y, g->ldb, g->k, out);
            for (int64_t r = 0; r < rows; r++) {
                for (int64_t s = 0; s < columns; s++) {
                    float *to = c + (i + r) * g->ldc + j + s;
                    *to = (bias ? bias[j + s] : 0) + (g->accumulate ? *to : 0) + out[r * columns + s];
                }
            }
        }
    }
}

#endif
