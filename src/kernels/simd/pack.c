/* How the operands of the register tile are packed (tile.h). */
#include "kernels/simd/tile.h"

void pack_transposed(const float *from, int64_t ld, int64_t count, int64_t fill, int64_t k, float *to, int64_t stride)
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

void pack_straight(const float *from, int64_t ld, int64_t count, int64_t fill, int64_t k, float *to, int64_t stride)
{
    for (int64_t at = 0; at < k; at++, from += ld, to += stride) {
        memcpy(to, from, (size_t)count * sizeof(float));
        for (int64_t i = count; i < fill; i++) {
            to[i] = 0;
        }
    }
}

void pack_rows(const float *from, int64_t ld, int64_t count, int64_t k, float *to)
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
