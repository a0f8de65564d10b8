/* The register tile that all dense products are made of: ROWS rows by two vectors.
 *
 * Operands are packed: per step k one broadcast for each row, a[k][ROWS], and two vectors, b[k][WIDTH]. 2 · ROWS accumulators
 * and the vectors fill the registers of the instruction set. */
#ifndef CNN_KERNELS_SIMD_TILE_H
#define CNN_KERNELS_SIMD_TILE_H

#include "kernels/simd/lanes.h"

enum {
    ROWS = CNN__VECTOR_BYTES == 64 ? 14 : 6,
    ROWS_FIT_A_VECTOR = CNN__VECTOR_BYTES > 16,
    WIDTH = 2 * LANES
};

/* c[rows][WIDTH] (row stride `step`) = start + Σ_k a[k]·b[k]; start is c itself or `first`, a vector for all rows. `rows` is a
 * constant where this is inlined. */
CNN__INLINE void tile_rows(int rows, int64_t k, const float *a, const float *b, const float *first, float *c, int64_t step)
{
    lanes acc[ROWS][2];
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) {
        acc[i][0] = load(first ? first : c + i * step);
        acc[i][1] = load(first ? first + LANES : c + i * step + LANES);
    }
    for (; k > 0; k--, a += ROWS, b += WIDTH) {
        lanes b0 = load(b), b1 = load(b + LANES);
#pragma GCC unroll 16
        for (int i = 0; i < rows; i++) {
            lanes x = splat(a[i]);
            acc[i][0] += x * b0;
            acc[i][1] += x * b1;
        }
    }
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) {
        store(c + i * step, acc[i][0]);
        store(c + i * step + LANES, acc[i][1]);
    }
}

static inline void tile_product(int64_t rows, int64_t k, const float *a, const float *b, const float *first, float *c,
                                int64_t step)
{
    switch (rows) {
#if CNN__VECTOR_BYTES == 64
    case 14: tile_rows(14, k, a, b, first, c, step); break;
    case 13: tile_rows(13, k, a, b, first, c, step); break;
    case 12: tile_rows(12, k, a, b, first, c, step); break;
    case 11: tile_rows(11, k, a, b, first, c, step); break;
    case 10: tile_rows(10, k, a, b, first, c, step); break;
    case 9: tile_rows(9, k, a, b, first, c, step); break;
    case 8: tile_rows(8, k, a, b, first, c, step); break;
    case 7: tile_rows(7, k, a, b, first, c, step); break;
#endif
    case 6: tile_rows(6, k, a, b, first, c, step); break;
    case 5: tile_rows(5, k, a, b, first, c, step); break;
    case 4: tile_rows(4, k, a, b, first, c, step); break;
    case 3: tile_rows(3, k, a, b, first, c, step); break;
    case 2: tile_rows(2, k, a, b, first, c, step); break;
    default: tile_rows(1, k, a, b, first, c, step); break;
    }
}

/* ---- packing ---- */

/* to[k][stride] ← rows of a matrix stored along k: to[k·stride + i] = from[i·ld + k] for i < count ≤ LANES, zeros up to `fill`.
 * Writes whole vectors: `to` needs LANES − 1 floats of room past its end, and what follows must be written later. */
static inline void pack_transposed(const float *from, int64_t ld, int64_t count, int64_t fill, int64_t k, float *to,
                                   int64_t stride)
{
    int64_t at = 0;
    for (; at + LANES <= k; at += LANES) {
        lanes v[LANES];
        for (int i = 0; i < LANES; i++) {
            v[i] = i < count ? load(from + i * ld + at) : (lanes){ 0 };
        }
        transpose(v);
#pragma GCC unroll 16
        for (int i = 0; i < LANES; i++) {
            store(to + (at + i) * stride, v[i]);
        }
    }
    for (; at < k; at++) {
        for (int64_t i = 0; i < fill; i++) {
            to[at * stride + i] = i < count ? from[i * ld + at] : 0;
        }
    }
}

/* to[k][stride] ← a matrix stored across: to[k·stride + i] = from[k·ld + i] for i < count, zeros up to `fill`. */
static inline void pack_straight(const float *from, int64_t ld, int64_t count, int64_t fill, int64_t k, float *to,
                                 int64_t stride)
{
    for (int64_t at = 0; at < k; at++, from += ld, to += stride) {
        memcpy(to, from, (size_t)count * sizeof(float));
        for (int64_t i = count; i < fill; i++) {
            to[i] = 0;
        }
    }
}

/* to[k][ROWS] ← `count` rows of a matrix stored along k, zeros up to ROWS; writes nothing past the panel's end. */
static inline void pack_rows(const float *from, int64_t ld, int64_t count, int64_t k, float *to)
{
    int64_t safe = ROWS_FIT_A_VECTOR && k > LANES ? (k - LANES) / LANES * LANES : 0;
    pack_transposed(from, ld, count, ROWS, safe, to, ROWS);
    for (int64_t at = safe; at < k; at++) {
        for (int64_t i = 0; i < ROWS; i++) {
            to[at * ROWS + i] = i < count ? from[i * ld + at] : 0;
        }
    }
}

#endif
