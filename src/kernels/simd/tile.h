/* The register tile that all dense products are made of: ROWS rows by two vectors.
 *
 * Operands are packed: per step k one broadcast for each row, a[k][ROWS], and two vectors, b[k][WIDTH]. 2 · ROWS accumulators
 * and the vectors fill the registers of the instruction set. */
#ifndef CNN_KERNELS_SIMD_TILE_H
#define CNN_KERNELS_SIMD_TILE_H

#include "kernels/simd/ahead.h"
#include "kernels/simd/copy.h"
#include "kernels/simd/lanes.h"

enum {
    ROWS = CNN__VECTOR_BYTES == 64 ? 14 : 6,
    ROWS_FIT_A_VECTOR = CNN__VECTOR_BYTES > 16,
    WIDTH = 2 * LANES,
    FETCH_STEPS = 8 /* between fetches of memory that is wanted soon */
};

/* What a tile's sums start from: what is in c, one vector `from` for all rows, or one number from[i] for each row; STREAMED
 * with either of the latter: where they go past the caches (see store_streamed). */
typedef enum tile_start { FROM_C, FROM_COLUMNS, FROM_ROWS, STREAMED = 4 } tile_start;

/* c[rows][vectors · LANES] (row stride `step`) = start + Σ_k a[k]·b[k]. `rows` and `vectors` are constants where this is inlined.
 * A c that is only written is fetched while the sums are made; so is, a little at each FETCH_STEPS, what `next` names. */
CNN__INLINE void tile_rows(int rows, int vectors, int64_t k, const float *a, const float *b, tile_start start,
                           const float *from, float *c, int64_t step, ahead *next)
{
    lanes acc[ROWS][2];
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) {
        if (start != FROM_C && !(start & STREAMED)) {
            __builtin_prefetch(c + i * step, 1);
            __builtin_prefetch(c + i * step + WIDTH - 1, 1);
        }
#pragma GCC unroll 2
        for (int j = 0; j < vectors; j++) {
            acc[i][j] = start == FROM_C ? load(c + i * step + j * LANES)
                      : start & FROM_ROWS ? splat(from[i]) : load(from + j * LANES);
        }
    }
    for (; k > 0; k -= FETCH_STEPS) {
        ahead_fetch(next);
        for (const float *end = b + (k < FETCH_STEPS ? k : FETCH_STEPS) * WIDTH; b < end; a += ROWS, b += WIDTH) {
            lanes b0 = load(b), b1 = vectors > 1 ? load(b + LANES) : b0;
#pragma GCC unroll 16
            for (int i = 0; i < rows; i++) {
                lanes x = splat(a[i]);
                acc[i][0] += x * b0;
                if (vectors > 1) {
                    acc[i][1] += x * b1;
                }
            }
        }
    }
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) {
#pragma GCC unroll 2
        for (int j = 0; j < vectors; j++) {
            if (start & STREAMED) {
                store_streamed(c + i * step + j * LANES, acc[i][j]);
            } else {
                store(c + i * step + j * LANES, acc[i][j]);
            }
        }
    }
}

#define CNN__TILE_CASE(n, vectors) case n: tile_rows(n, vectors, k, a, b, start, from, c, step, next); break;
#if CNN__VECTOR_BYTES == 64
#define CNN__TILE_CASES(vectors)                                                                                      \
    CNN__TILE_CASE(14, vectors) CNN__TILE_CASE(13, vectors) CNN__TILE_CASE(12, vectors) CNN__TILE_CASE(11, vectors)   \
    CNN__TILE_CASE(10, vectors) CNN__TILE_CASE(9, vectors) CNN__TILE_CASE(8, vectors) CNN__TILE_CASE(7, vectors)      \
    CNN__TILE_CASE(6, vectors) CNN__TILE_CASE(5, vectors) CNN__TILE_CASE(4, vectors) CNN__TILE_CASE(3, vectors)       \
    CNN__TILE_CASE(2, vectors) CNN__TILE_CASE(1, vectors)
#else
#define CNN__TILE_CASES(vectors)                                                                                      \
    CNN__TILE_CASE(6, vectors) CNN__TILE_CASE(5, vectors) CNN__TILE_CASE(4, vectors) CNN__TILE_CASE(3, vectors)       \
    CNN__TILE_CASE(2, vectors) CNN__TILE_CASE(1, vectors)
#endif

/* Not inlined: around a caller's variables GCC keeps a sum in memory, at half the speed. */
static __attribute__((noinline)) void tile_product(int64_t rows, int64_t k, const float *a, const float *b, tile_start start,
                                                   const float *from, float *c, int64_t step, ahead *next)
{
    switch (rows) {
        CNN__TILE_CASES(2)
    }
}

/* The tile's first vector alone, where no more than LANES columns are wanted; the second is left as it is. */
static __attribute__((noinline, unused)) void tile_narrow(int64_t rows, int64_t k, const float *a, const float *b,
                                                          tile_start start, const float *from, float *c, int64_t step,
                                                          ahead *next)
{
    switch (rows) {
        CNN__TILE_CASES(1)
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

/* to[k][ROWS] ← `count` rows of a matrix stored along k, zeros up to ROWS; writes nothing past the panel's end: only the last
 * row of all is cut to its length, the others spill into what comes next. */
static inline void pack_rows(const float *from, int64_t ld, int64_t count, int64_t k, float *to)
{
    for (int64_t at = 0; at < k && ROWS_FIT_A_VECTOR; at += LANES) {
        int64_t some = k - at < LANES ? k - at : LANES;
        float edge[LANES] = { 0 };
        lanes v[LANES];
        for (int i = 0; i < LANES; i++) {
            const float *row = from + i * ld + at;
            if (some < LANES && i < count) {
                copy_floats(row, edge, some);
                row = edge;
            }
            v[i] = i < count ? load(row) : (lanes){ 0 };
        }
        transpose(v);
        for (int64_t i = 0; i < some; i++, to += ROWS) {
            if (at + i + 1 < k) {
                store(to, v[i]);
            } else {
                float last[LANES];
                store(last, v[i]);
                memcpy(to, last, ROWS * sizeof *to);
            }
        }
    }
    for (int64_t at = 0; at < k && !ROWS_FIT_A_VECTOR; at++) {
        for (int64_t i = 0; i < ROWS; i++) {
            to[at * ROWS + i] = i < count ? from[i * ld + at] : 0;
        }
    }
}

#endif
