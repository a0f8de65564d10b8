/* Channels-last copies of the input: planes of LANES channels, transposed so that a vector holds the same position of
 * each channel. General depthwise convolutions and Winograd's tiles read them.
 *
 * In such a copy every tap is an aligned vector, whatever the stride, the dilation and the width are, and no lane is
 * idle even in planes of 7 × 7. Work proceeds by strips of lines, so that the copy stays in L2. A block of fewer
 * than LANES channels repeats its last one. */
#ifndef CNN_KERNELS_SIMD_LAYOUT_CHANNELS_LAST_H
#define CNN_KERNELS_SIMD_LAYOUT_CHANNELS_LAST_H

#include "kernels/simd/layout/plan.h"
#include "kernels/simd/vector/prefetch.h"

/* The copy of a strip: the lines and columns of the input that the plans of a pass reach, padding included. */
typedef struct channels_last {
    int64_t first_h, first_w; /* may be negative */
    int64_t pitch;            /* columns */
    int64_t strip, strips;    /* lines of the grid at a time */
    int64_t rows;             /* the rows of the slab for a strip */
} channels_last;

/* The copy for all plans of a pass; the first plan has the sizes. */
channels_last CNN__SIMD(channels_last_make)(const conv_plan *plans, int64_t count);

/* The floats of the copy of a strip. */
static inline int64_t channels_last_size(const channels_last *s)
{
    return s->rows * s->pitch * LANES;
}

/* Transposes `count` positions of planes that are `step` floats apart into consecutive vectors. */
void CNN__SIMD(channels_last_pack)(const float *plane, int64_t step, int64_t channels, int64_t count, float *to);

/* Transposes vectors back into planes, past the caches if `streamed`. */
void CNN__SIMD(channels_last_unpack)(const float *from, int64_t count, int64_t step, int64_t channels, bool streamed,
                                     float *to);

/* Fills the copy for lines of the grid from `line` on; `plane` is the block's first channel. */
void CNN__SIMD(channels_last_fill)(const channels_last *s, const conv_axis *h, const conv_axis *w, int64_t line,
                                   const float *plane, int64_t channels, float *slab);

/* The memory that channels_last_fill will read there, to be prefetched in `calls` calls. */
prefetch CNN__SIMD(channels_last_prefetch)(const channels_last *s, const conv_axis *h, const conv_axis *w, int64_t line,
                                           const float *plane, int64_t channels, int64_t calls);

#endif
