/* What the passes of unusual depthwise convolutions share: planes of LANES channels, turned so that a vector holds one place of each.
 *
 * Then every tap is an aligned vector whatever stride, dilation and width are, and no lane is idle in planes of 7 × 7. Work
 * goes strip by strip of lines, so that the turned planes stay in L2. A block of fewer channels repeats its last. */
#ifndef CNN_KERNELS_SIMD_DEPTHWISE_H
#define CNN_KERNELS_SIMD_DEPTHWISE_H

#include "kernels/simd/ahead.h"
#include "kernels/simd/conv_plan.h"

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

/* `count` places of planes that are `step` apart, to vectors in order. */
void CNN__SIMD(depth_turn)(const float *plane, int64_t step, int64_t channels, int64_t count, float *to);

/* And back; `streamed` if past the caches. */
void CNN__SIMD(depth_turn_back)(const float *from, int64_t count, int64_t step, int64_t channels, bool streamed, float *to);

/* Fills the slab for lines of the grid from `line` on; `plane` is the block's first channel. */
void CNN__SIMD(depth_slab_fill)(const depth_slab *s, const conv_axis *h, const conv_axis *w, int64_t line, const float *plane,
                                int64_t channels, float *slab);

/* What depth_slab_fill will read there, in `calls` calls. */
static inline ahead depth_foresee(const depth_slab *s, const conv_axis *h, const conv_axis *w, int64_t line, const float *plane,
                                  int64_t channels, int64_t calls)
{
    int64_t top = line * h->stride + s->first_h, size = (int64_t)sizeof(float), step = h->in * w->in;
    int64_t begin = top < 0 ? 0 : top, end = top + s->rows < h->in ? top + s->rows : h->in;
    if (begin >= end) {
        return (ahead){ 0 };
    }
    return end - begin == h->in ? ahead_make(plane, channels * step * size, 1, 0, calls)
                                : ahead_make(plane + begin * w->in, (end - begin) * w->in * size, channels, step * size, calls);
}

#endif
