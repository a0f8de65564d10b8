/* What the passes of depthwise convolutions share: planes of LANES channels, turned so that a vector holds one place of each.
 *
 * Then every tap is an aligned vector whatever stride, dilation and width are, and no lane is idle in planes of 7 × 7. Work
 * goes strip by strip of lines, so that the turned planes stay in L2. A block of fewer channels repeats its last. */
#ifndef CNN_KERNELS_SIMD_DEPTHWISE_H
#define CNN_KERNELS_SIMD_DEPTHWISE_H

#include "kernels/simd/ahead.h"
#include "kernels/simd/conv_plan.h"
#include "kernels/simd/copy.h"

enum { STRIP_FLOATS = 1 << 15 }; /* of turned input, unless one line of the grid needs more */

/* Lines and columns that the plans of a pass reach in the input, padding included. */
typedef struct depth_slab {
    int64_t first_h, first_w; /* may be negative */
    int64_t pitch;            /* columns */
    int64_t strip, strips;    /* lines of the grid at a time */
    int64_t rows;             /* of the slab for a strip */
} depth_slab;

static inline int64_t depth_last(const conv_axis *a, int64_t grid)
{
    return (grid - 1) * a->stride + a->first + (a->taps - 1) * a->step;
}

static inline depth_slab depth_slab_make(const conv_plan *plans, int64_t count)
{
    depth_slab s = { 0 };
    int64_t last_h = 0, last_w = 0, reach = 0, grid = 0;
    bool none = true;
    for (int64_t k = 0; k < count; k++) {
        const conv_axis *h = &plans[k].h, *w = &plans[k].w;
        grid = h->grid > grid ? h->grid : grid;
        if (plan_taps(&plans[k]) == 0) {
            continue;
        }
        s.first_h = none || h->first < s.first_h ? h->first : s.first_h;
        s.first_w = none || w->first < s.first_w ? w->first : s.first_w;
        last_h = none || depth_last(h, 1) > last_h ? depth_last(h, 1) : last_h;
        last_w = none || depth_last(w, w->grid) > last_w ? depth_last(w, w->grid) : last_w;
        none = false;
    }
    s.pitch = none ? 0 : last_w - s.first_w + 1;
    reach = none ? 0 : last_h - s.first_h + 1; /* lines for one of the grid */
    int64_t lines = s.pitch ? (STRIP_FLOATS / (s.pitch * LANES) - reach) / plans->h.stride + 1 : grid;
    s.strip = lines < 1 ? 1 : lines < grid ? lines : grid;
    s.strips = s.strip ? (grid + s.strip - 1) / s.strip : 0;
    s.rows = none ? 0 : (s.strip - 1) * plans->h.stride + reach;
    return s;
}

/* Floats of the turned strip. */
static inline int64_t depth_slab_size(const depth_slab *s)
{
    return s->rows * s->pitch * LANES;
}

/* A square of places by channels; of both there may be fewer than LANES. */
static inline void load_corner(const float *plane, int64_t step, int64_t channels, int64_t places, lanes v[LANES])
{
    for (int64_t c = 0; c < LANES; c++) {
        float edge[LANES] = { 0 };
        copy_floats(plane + (c < channels ? c : channels - 1) * step, edge, places < LANES ? places : LANES);
        v[c] = load(edge);
    }
}

/* `count` places of planes that are `step` apart, to vectors in order. The last square reaches back rather than over the end. */
static inline void turn_line(const float *line, int64_t step, int64_t channels, int64_t count, float *to)
{
    for (int64_t at = 0; at < count; at += LANES) {
        int64_t begin = at + LANES > count && count >= LANES ? count - LANES : at, some = count - begin;
        lanes v[LANES];
        if (channels < LANES || some < LANES) {
            load_corner(line + begin, step, channels, some, v);
        } else {
#pragma GCC unroll 16
            for (int c = 0; c < LANES; c++) {
                v[c] = load(line + begin + c * step);
            }
        }
        transpose(v);
        if (some >= LANES) {
#pragma GCC unroll 16
            for (int i = 0; i < LANES; i++) {
                store(to + (begin + i) * LANES, v[i]);
            }
        } else {
            memcpy(to + begin * LANES, v, (size_t)(some * LANES) * sizeof *to);
        }
    }
}

/* And back. */
static inline void turn_back(const float *from, int64_t count, int64_t step, int64_t channels, float *to)
{
    for (int64_t at = 0; at < count; at += LANES) {
        int64_t begin = at + LANES > count && count >= LANES ? count - LANES : at, some = count - begin;
        lanes v[LANES];
        if (some >= LANES) {
#pragma GCC unroll 16
            for (int i = 0; i < LANES; i++) {
                v[i] = load(from + (begin + i) * LANES);
            }
        } else {
            memcpy(v, from + begin * LANES, (size_t)(some * LANES) * sizeof *from);
        }
        transpose(v);
        if (channels == LANES && some >= LANES) {
#pragma GCC unroll 16
            for (int c = 0; c < LANES; c++) {
                store(to + c * step + begin, v[c]);
            }
            continue;
        }
        for (int64_t c = 0; c < channels; c++) {
            float edge[LANES];
            store(edge, v[c]);
            copy_floats(edge, to + c * step + begin, some < LANES ? some : LANES);
        }
    }
}

/* Fills the slab for lines of the grid from `line` on; `plane` is the block's first channel. Lines of the input that follow
 * each other are turned as one where they fill few vectors: `aside` has room for them. */
static inline void depth_slab_fill(const depth_slab *s, const conv_axis *h, const conv_axis *w, int64_t line, const float *plane,
                                   int64_t channels, float *slab, float *aside)
{
    int64_t top = line * h->stride + s->first_h, step = h->in * w->in;
    int64_t left = s->first_w < 0 ? -s->first_w : 0, skip = s->first_w > 0 ? s->first_w : 0;
    left = left < s->pitch ? left : s->pitch;
    int64_t count = w->in - skip < s->pitch - left ? w->in - skip : s->pitch - left;
    count = count < 0 ? 0 : count;
    int64_t begin = top < 0 ? 0 : top, end = top + s->rows < h->in ? top + s->rows : h->in;
    bool joined = w->in % LANES && begin < end;
    if (joined) {
        turn_line(plane + begin * w->in, step, channels, (end - begin) * w->in, aside);
    }
    for (int64_t r = 0; r < s->rows; r++, slab += s->pitch * LANES) {
        int64_t row = top + r;
        if (row < 0 || row >= h->in || count == 0) {
            memset(slab, 0, (size_t)(s->pitch * LANES) * sizeof *slab);
            continue;
        }
        memset(slab, 0, (size_t)(left * LANES) * sizeof *slab);
        if (joined) {
            memcpy(slab + left * LANES, aside + ((row - begin) * w->in + skip) * LANES, (size_t)(count * LANES) * sizeof *slab);
        } else {
            turn_line(plane + row * w->in + skip, step, channels, count, slab + left * LANES);
        }
        memset(slab + (left + count) * LANES, 0, (size_t)((s->pitch - left - count) * LANES) * sizeof *slab);
    }
}

/* Room that depth_slab_fill wants aside, in floats. */
static inline int64_t depth_aside_size(const depth_slab *s, const conv_axis *w)
{
    return w->in % LANES ? (s->rows * w->in + LANES) * LANES : 0;
}

#endif
