/* What the passes of unusual depthwise convolutions share: planes of LANES channels, turned so that a vector holds one
 * place of each.
 *
 * Then every tap is an aligned vector whatever stride, dilation and width are, and no lane is idle in planes of 7 ×
 * 7. Work goes strip by strip of lines, so that the turned planes stay in L2. A block of fewer channels repeats its
 * last. */
#ifndef CNN_KERNELS_SIMD_LAYOUT_CHANNELS_LAST_H
#define CNN_KERNELS_SIMD_LAYOUT_CHANNELS_LAST_H

#include "kernels/simd/layout/plan.h"
#include "kernels/simd/vector/prefetch.h"

/* Lines and columns that the plans of a pass reach in the input, padding included. */
typedef struct channels_last {
    int64_t first_h, first_w; /* may be negative */
    int64_t pitch;            /* columns */
    int64_t strip, strips;    /* lines of the grid at a time */
    int64_t rows;             /* of the slab for a strip */
} channels_last;

/* For all plans of a pass, of which the first has the sizes. */
channels_last CNN__SIMD(channels_last_make)(const conv_plan *plans, int64_t count);

/* Floats of the turned strip. */
static inline int64_t channels_last_size(const channels_last *s)
{
    return s->rows * s->pitch * LANES;
}

/* `count` places of planes that are `step` apart, to vectors in order. */
void CNN__SIMD(channels_last_pack)(const float *plane, int64_t step, int64_t channels, int64_t count, float *to);

/* And back; `streamed` if past the caches. */
void CNN__SIMD(channels_last_unpack)(const float *from, int64_t count, int64_t step, int64_t channels, bool streamed,
                                     float *to);

/* Fills the slab for lines of the grid from `line` on; `plane` is the block's first channel. */
void CNN__SIMD(channels_last_fill)(const channels_last *s, const conv_axis *h, const conv_axis *w, int64_t line,
                                   const float *plane, int64_t channels, float *slab);

/* What channels_last_fill will read there, in `calls` calls. */
prefetch CNN__SIMD(channels_last_prefetch)(const channels_last *s, const conv_axis *h, const conv_axis *w, int64_t line,
                                           const float *plane, int64_t channels, int64_t calls);

#endif
