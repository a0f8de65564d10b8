/* The products of the register tile: one loop for each number of rows, its sums in registers. */
#include "kernels/simd/tile.h"

/* c[rows][vectors · LANES]; `rows` and `vectors` are constants where this is inlined. */
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

void tile_product(int64_t rows, int64_t k, const float *a, const float *b, tile_start start, const float *from, float *c,
                  int64_t step, ahead *next)
{
    switch (rows) {
        CNN__TILE_CASES(2)
    }
}

void tile_narrow(int64_t rows, int64_t k, const float *a, const float *b, tile_start start, const float *from, float *c,
                 int64_t step, ahead *next)
{
    switch (rows) {
        CNN__TILE_CASES(1)
    }
}
