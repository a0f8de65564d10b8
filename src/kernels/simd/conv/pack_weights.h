/* Packing of a convolution's weights into the panels of the tile, [tap][TILE_ROWS], from any order in memory. */
#ifndef CNN_KERNELS_SIMD_CONV_PACK_WEIGHTS_H
#define CNN_KERNELS_SIMD_CONV_PACK_WEIGHTS_H

#include "kernels/simd/gemm/tile.h"
#include "kernels/simd/layout/plan.h"
#include "kernels/simd/vector/machine.h"

enum {
    KERNEL_SQUARES = 4, /* kernels of at most so many times LANES taps are transposed in squares */
    MIN_TRANSPOSED = 5, /* taps: fewer are copied one by one, which costs less than transposing the whole kernel */
    /* The weights of so many channels ahead are prefetched: each channel's are a stretch too short for the hardware
     * prefetcher. */
    PREFETCH_CHANNELS = 6
};

/* Transposes the kernels of `rows` output channels for one input channel: to[place in the kernel][channel]. `capacity`
 * is the number of floats that may be read. */
static inline void transpose_kernels(const float *from, int64_t kernel, int64_t step, int64_t rows, int64_t capacity,
                                     float *to)
{
    for (int64_t at = 0; at < kernel; at += LANES) {
        lanes v[LANES];
        for (int64_t i = 0; i < LANES; i++) {
            float edge[LANES] = { 0 };
            const float *row = from + i * step + at;
            if (i < rows && i * step + at + LANES > capacity) {
                copy_floats(row, edge, kernel - at < LANES ? kernel - at : LANES);
                row = edge;
            }
            v[i] = i < rows ? load(row) : (lanes){ 0 };
        }
        transpose(v);
        memcpy(to + at * LANES, v, sizeof v);
    }
}

/* Packs a panel of output channels [first, first + rows) by input channels [channel, channel + channels): [channel,
 * tap][TILE_ROWS]. */
static inline void pack_kernels(const conv_plan *p, const float *weight, int64_t first, int64_t rows, int64_t channel,
                                int64_t channels, float *to)
{
    int64_t kernel = p->weight_in < p->weight_out ? p->weight_in : p->weight_out;
    const float *from = weight + first * p->weight_out + channel * p->weight_in;
    if (p->h.weight_step == 1 && p->weight_in == plan_taps(p)) { /* forward: along a row they lie in order */
        pack_rows(from, p->weight_out, rows, channels * plan_taps(p), to);
        return;
    }
    if (p->weight_out == 1) { /* one tap, backward: along a column they lie in order */
        for (int64_t c = 0; c < channels; c++, from += p->weight_in, to += TILE_ROWS) {
            copy_floats(from, to, rows);
        }
        return;
    }
    bool turns = ROWS_FIT_A_VECTOR && kernel <= KERNEL_SQUARES * LANES && plan_taps(p) >= MIN_TRANSPOSED;
    float transposed[KERNEL_SQUARES * LANES * LANES];
    for (int64_t c = 0; c < channels; c++, from += p->weight_in) {
        for (int64_t k = 0; k < rows * kernel && c + PREFETCH_CHANNELS < channels; k += LINE_FLOATS) {
            __builtin_prefetch(from + PREFETCH_CHANNELS * p->weight_in + k);
        }
        if (turns) {
            int64_t left =
                (p->out_channels - first - 1) * p->weight_out + (p->in_channels - channel - c - 1) * p->weight_in;
            transpose_kernels(from, kernel, p->weight_out, rows, left + kernel, transposed);
        }
        for (int64_t i = 0; i < p->h.taps; i++) {
            for (int64_t j = 0; j < p->w.taps; j++, to += TILE_ROWS) {
                int64_t tap = plan_weight(p, 0, 0, i, j);
                if (turns) {
                    memcpy(to, transposed + tap * LANES, TILE_ROWS * sizeof *to);
                }
                for (int64_t o = 0; o < rows && !turns; o++) {
                    to[o] = from[o * p->weight_out + tap];
                }
            }
        }
    }
}

#endif
