/* The product of one row with a B that is kept packed, such as a step of a recurrent network: its sums run side by side
 * in lanes, each along k in the order of a tile's and with the same bits. A tile of one row would wait for each of its
 * two sums. */
#ifndef CNN_KERNELS_SIMD_GEMM_ONE_ROW_H
#define CNN_KERNELS_SIMD_GEMM_ONE_ROW_H

#include "kernels/kernels.h"
#include "kernels/simd/gemm/tile.h"
#include "kernels/simd/vector/long_sum.h"

enum { ROW_PANELS = 4 }; /* panels of B at a time: eight sums under way */

static inline bool one_row_fits(const cnn__gemm *g)
{
    return g->m == 1 && g->packed && !g->trans_a && !long_sum(g->k);
}

/* sums[panels · TILE_WIDTH] += a · b; the number is a constant where this is inlined. */
CNN__INLINE void one_row_panels(int panels, const float *a, const float *b, int64_t k, float *sums)
{
    const int64_t step = k * TILE_WIDTH;
    lanes acc[2 * ROW_PANELS];
#pragma GCC unroll 8
    for (int i = 0; i < 2 * panels; i++) {
        acc[i] = load(sums + i * LANES);
    }
    for (int64_t at = 0; at < k; at++, b += TILE_WIDTH) {
        lanes x = splat(a[at]);
#pragma GCC unroll 4
        for (int i = 0; i < panels; i++) {
            ADD_PRODUCT(acc[2 * i], x, load(b + i * step));
            ADD_PRODUCT(acc[2 * i + 1], x, load(b + i * step + LANES));
        }
    }
#pragma GCC unroll 8
    for (int i = 0; i < 2 * panels; i++) {
        store(sums + i * LANES, acc[i]);
    }
}

/* Panels [first, first + ROW_PANELS) of C, as far as there are so many. */
static inline void one_row_multiply(const cnn__gemm *g, const float *a, const float *bias, float *c, int64_t first)
{
    float sums[ROW_PANELS * TILE_WIDTH] = { 0 };
    const int64_t begin = first * TILE_WIDTH, count = min64(ROW_PANELS * TILE_WIDTH, g->n - begin);
    const float *b = (const float *)g->packed + begin * g->k;
    for (int64_t j = 0; j < count; j++) {
        sums[j] = (g->accumulate ? c[begin + j] : 0) + (bias ? bias[begin + j] : 0);
    }
    if (count > (ROW_PANELS - 1) * TILE_WIDTH) {
        one_row_panels(ROW_PANELS, a, b, g->k, sums);
    } else {
        for (int64_t j = 0; j < count; j += TILE_WIDTH) {
            one_row_panels(1, a, b + j * g->k, g->k, sums + j);
        }
    }
    memcpy(c + begin, sums, (size_t)count * sizeof *sums);
}

#endif
