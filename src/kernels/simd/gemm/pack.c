/* Packing of the operands of the register tile (gemm/tile.h). */
#include "kernels/simd/gemm/tile.h"
#include "kernels/simd/vector/machine.h"

/* Loads and transposes a square of `count` rows, with zeros below them. */
CNN__INLINE void load_square(const float *from, int64_t ld, int64_t count, lanes v[LANES])
{
    static const float zeros[LANES];
#pragma GCC unroll 16
    for (int i = 0; i < LANES; i++) {
        const float *row = i < count ? from + i * ld : zeros;
        v[i] = load(row);
    }
    transpose(v);
}

void pack_transposed(const float *from, int64_t ld, int64_t count, int64_t fill, int64_t k, float *to, int64_t stride)
{
    int64_t at = 0;
    for (; at + LANES <= k; at += LANES) {
        lanes v[LANES];
        load_square(from + at, ld, count, v);
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

void pack_straight(const float *from, int64_t ld, int64_t count, int64_t fill, int64_t k, float *to, int64_t stride)
{
    for (int64_t at = 0; at < k; at++, from += ld, to += stride) {
        copy_floats(from, to, count);
        for (int64_t i = count; i < fill; i++) {
            to[i] = 0;
        }
    }
}

/* A few panels at a time: enough to make good use of each row's page, and no more than a set of L1 holds. */
void pack_across(const float *from, int64_t ld, int64_t panels, int64_t k, float *to)
{
    enum { WIDE = 8, PACK_FETCH_ROWS = 8 };
    for (int64_t some; panels > 0; panels -= some, from += some * TILE_WIDTH, to += some * k * TILE_WIDTH) {
        const float *row = from;
        some = min64(WIDE, panels);
        for (int64_t at = 0; at < k; at++, row += ld) {
            float *panel = to + at * TILE_WIDTH;
            for (int64_t j = 0; j < some; j++, panel += k * TILE_WIDTH) {
#pragma GCC unroll 2
                for (int q = 0; q < TILE_WIDTH; q += LINE_FLOATS) {
                    __builtin_prefetch(row + PACK_FETCH_ROWS * ld + j * TILE_WIDTH + q, 0, 3);
                }
                store(panel, load(row + j * TILE_WIDTH));
                store(panel + LANES, load(row + j * TILE_WIDTH + LANES));
            }
        }
    }
}

void pack_down(const float *from, int64_t ld, int64_t panels, int64_t k, float *to, int64_t step)
{
    enum { DOWN_FETCH_ROWS = 8 };
    for (int64_t at = 0; at < k; at++, from += ld, to += TILE_ROWS) {
        for (int64_t j = 0; j < panels; j++) {
            __builtin_prefetch(from + DOWN_FETCH_ROWS * ld + j * TILE_ROWS, 0, 3);
            memcpy(to + j * step, from + j * TILE_ROWS, TILE_ROWS * sizeof *to);
        }
    }
}

/* A square whose rows are short is transposed from `edge`, and the last square is written by way of it. */
void pack_rows(const float *from, int64_t ld, int64_t count, int64_t k, float *to)
{
    float edge[LANES][LANES] = { { 0 } };
    for (int64_t at = 0; at < k && ROWS_FIT_A_VECTOR; at += LANES, to += LANES * TILE_ROWS) {
        int64_t some = min64(LANES, k - at);
        bool whole = some == LANES;
        lanes v[LANES];
        for (int64_t i = 0; i < min64(count, LANES) && !whole; i++) {
            copy_floats(from + i * ld + at, edge[i], some);
        }
        load_square(whole ? from + at : edge[0], whole ? ld : LANES, count, v);
        if (at + LANES < k) {
#pragma GCC unroll 16
            for (int i = 0; i < LANES; i++) {
                store(to + i * TILE_ROWS, v[i]);
            }
            continue;
        }
        memcpy(edge, v, sizeof edge);
        for (int64_t i = 0; i < some; i++) {
            memcpy(to + i * TILE_ROWS, edge[i], TILE_ROWS * sizeof *to);
        }
    }
    for (int64_t at = 0; at < k && !ROWS_FIT_A_VECTOR; at++) {
        for (int64_t i = 0; i < TILE_ROWS; i++) {
            to[at * TILE_ROWS + i] = i < count ? from[i * ld + at] : 0;
        }
    }
}
