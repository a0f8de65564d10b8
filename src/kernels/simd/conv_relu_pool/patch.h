/* The layouts of the sparse backward kernels.
 *
 * An image is kept padded and channels-last, so that the patch of inputs behind one output is `rows` runs of `run`
 * floats: [padded height][padded width][channels], a run being one row of the kernel. Images of few channels are
 * expanded instead: each output position has its whole patch, [out_h][out_w][kernel_h · kernel_w · channels], as one
 * run. Runs are padded to whole vectors with zeros. */
#ifndef CNN_KERNELS_SIMD_CONV_RELU_POOL_PATCH_H
#define CNN_KERNELS_SIMD_CONV_RELU_POOL_PATCH_H

#include "kernels/conv_relu_pool.h"
#include "kernels/kernels.h"
#include "kernels/simd/vector/lanes.h"

#include <string.h>

typedef struct patch_layout {
    bool expanded;
    int64_t channels;   /* padded to whole vectors, unless expanded */
    int64_t rows, run;  /* the rows and the run of a patch; run is a multiple of LANES */
    int64_t row_step;   /* floats from one run of a patch to the next */
    int64_t pixel_step; /* floats from a patch to that of its right neighbour */
    int64_t line_step;  /* the distance from a line to the one below */
    int64_t image;      /* floats of a whole image */
} patch_layout;

CNN__INLINE patch_layout patch_make(const cnn__conv *g)
{
    patch_layout p = { .expanded = g->in_channels < CNN__CONV_RELU_POOL_EXPANDED };
    if (p.expanded) {
        p.channels = g->in_channels;
        p.rows = 1;
        p.run = round_up(g->kernel_h * g->kernel_w * g->in_channels, LANES);
        p.row_step = 0;
        p.pixel_step = p.run;
        p.line_step = g->out_w * p.run;
        p.image = g->out_h * p.line_step;
    } else {
        p.channels = round_up(g->in_channels, LANES);
        p.rows = g->kernel_h;
        p.run = g->kernel_w * p.channels;
        p.pixel_step = p.channels;
        p.line_step = (g->out_w + g->kernel_w - 1) * p.channels;
        p.row_step = p.line_step;
        p.image = (g->out_h + g->kernel_h - 1) * p.line_step;
    }
    return p;
}

/* Where tap (channel, row, column) of a patch is within [rows][run]. */
CNN__INLINE int64_t patch_tap(const patch_layout *p, const cnn__conv *g, int64_t c, int64_t i, int64_t j)
{
    return p->expanded ? (c * g->kernel_h + i) * g->kernel_w + j : i * p->run + j * p->channels + c;
}

/* Floats from a patch of the image's first window to that of output (row, column). */
CNN__INLINE int64_t patch_offset(const patch_layout *p, int64_t row, int64_t column)
{
    return row * p->line_step + column * p->pixel_step;
}

/* Lists hold offsets in bytes, which 31 bits can hold (cnn__conv_relu_pool_fits): scaling an index would take AMD's
 * first Zen two of the twelve cycles that it needs for a row of a patch. */
enum { PLACE = sizeof(float) };

CNN__INLINE const float *patch_at(const float *from, int32_t place)
{
    return (const float *)(const void *)((const char *)from + (uint32_t)place);
}

#endif
