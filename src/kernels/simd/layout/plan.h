/* One form for every dense pass over a convolution: forward, and the gradient of the data for each residue of the
 * stride.
 *
 * out[o][q] = Σ_c Σ_ij weight(o, c, i, j) · in[c][q·stride + first + (i, j)·step]   for grid positions q = (row,
 * column), where positions outside of the input count as zero. Forward has the output as its grid, first = -padding
 * and step = dilation. The gradient of a convolution of stride s falls apart into s × s such grids, one for each
 * residue of the place in dx modulo s, each reached by its own taps (an arithmetic progression of them) with stride
 * 1. */
#ifndef CNN_KERNELS_SIMD_LAYOUT_PLAN_H
#define CNN_KERNELS_SIMD_LAYOUT_PLAN_H

#include "kernels/kernels.h"
#include "kernels/simd/vector/lanes.h"

/* What holds along the height or the width. */
typedef struct conv_axis {
    int64_t in, out;             /* sizes of the planes */
    int64_t grid;                /* positions */
    int64_t stride, first, step; /* position q reads in[q·stride + first + tap·step] */
    int64_t out_first, out_step; /* position q is out[out_first + q·out_step] */
    int64_t taps;
    int64_t weight_first, weight_step; /* the row or column of the kernel that a tap is */
} conv_axis;

typedef struct conv_plan {
    conv_axis h, w;
    int64_t batch, groups;
    int64_t in_channels, out_channels; /* the channels of a group */
    int64_t weight_out, weight_in;     /* floats from one output or input channel's weights to the next */
    int64_t weight_group, weight_row;  /* the distances between groups and between rows */
    bool relu, add, strict;            /* as in cnn__conv */
    const cnn__finish *finish;         /* all that is done to sums, ReLU too; NULL: nothing */
    const float *relu_mask;
    float *packed; /* as in cnn__conv */
    bool packs;
} conv_plan;

static inline conv_axis axis_forward(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t dilation,
                                     int64_t pad)
{
    return (conv_axis){ .in = in,
                        .out = out,
                        .grid = out,
                        .stride = stride,
                        .first = -pad,
                        .step = dilation,
                        .out_step = 1,
                        .taps = kernel,
                        .weight_step = 1 };
}

static inline conv_plan plan_forward(const cnn__conv *g)
{
    int64_t kernel = g->kernel_h * g->kernel_w, in = g->in_channels / g->groups, out = g->out_channels / g->groups;
    return (conv_plan){
        .h = axis_forward(g->in_h, g->out_h, g->kernel_h, g->stride_h, g->dilation_h, g->pad_top),
        .w = axis_forward(g->in_w, g->out_w, g->kernel_w, g->stride_w, g->dilation_w, g->pad_left),
        .batch = g->batch,
        .groups = g->groups,
        .in_channels = in,
        .out_channels = out,
        .weight_out = in * kernel,
        .weight_in = kernel,
        .weight_group = out * in * kernel,
        .weight_row = g->kernel_w,
        .relu = g->relu,
        .strict = g->strict,
        .packed = g->packed,
        .packs = g->packs,
    };
}

static inline int64_t common_divisor(int64_t a, int64_t b)
{
    while (b) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* Place h = s·q + residue of dx gets dy[y]·weight[i] where y·s - pad + i·d = h, so taps i with i·d ≡ residue + pad
 * (mod s), at y = q + (residue + pad - i·d) / s. They are taken from the last to the first, which makes the step
 * positive. */
static inline conv_axis axis_backward(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t dilation,
                                      int64_t pad, int64_t residue)
{
    int64_t divisor = common_divisor(dilation, stride), apart = stride / divisor, tap = 0;
    conv_axis a = { .in = out,
                    .out = in,
                    .grid = (in - residue + stride - 1) / stride,
                    .stride = 1,
                    .step = dilation / divisor,
                    .out_first = residue,
                    .out_step = stride,
                    .weight_step = -apart };
    while (tap < kernel && tap < apart && (residue + pad - tap * dilation) % stride) {
        tap++;
    }
    if (tap < kernel && tap < apart) {
        a.taps = (kernel - 1 - tap) / apart + 1;
        a.weight_first = tap + (a.taps - 1) * apart;
        a.first = (residue + pad - a.weight_first * dilation) / stride;
    }
    return a;
}

static inline conv_plan plan_backward(const cnn__conv *g, int64_t residue_h, int64_t residue_w)
{
    int64_t kernel = g->kernel_h * g->kernel_w, in = g->in_channels / g->groups, out = g->out_channels / g->groups;
    return (conv_plan){
        .h = axis_backward(g->in_h, g->out_h, g->kernel_h, g->stride_h, g->dilation_h, g->pad_top, residue_h),
        .w = axis_backward(g->in_w, g->out_w, g->kernel_w, g->stride_w, g->dilation_w, g->pad_left, residue_w),
        .batch = g->batch,
        .groups = g->groups,
        .in_channels = out,
        .out_channels = in,
        .weight_out = kernel,
        .weight_in = in * kernel,
        .weight_group = out * in * kernel,
        .weight_row = g->kernel_w,
        .add = g->add,
        .strict = g->strict,
        .relu_mask = g->relu_mask,
    };
}

/* A 1 × 1 convolution that touches each place once may join lines: as many as divide the height and are short
 * together. */
static inline void plan_join_lines(conv_plan *p, int64_t longest)
{
    const conv_axis *h = &p->h, *w = &p->w;
    bool plain = h->taps == 1 && w->taps == 1 && h->stride == 1 && w->stride == 1 && h->first == 0 && w->first == 0 &&
                 h->out_step == 1 && w->out_step == 1 && h->in == h->out && w->in == w->out;
    int64_t joined = plain && w->in < longest ? longest / w->in : 1;
    joined = joined < h->in ? joined : h->in;
    while (h->in % joined) {
        joined--;
    }
    if (plain) {
        p->w.in = p->w.out = p->w.grid = w->in * joined;
        p->h.in = p->h.out = p->h.grid = h->in / joined;
    }
}

static inline int64_t plan_taps(const conv_plan *p)
{
    return p->h.taps * p->w.taps;
}

static inline int64_t plan_weight(const conv_plan *p, int64_t o, int64_t c, int64_t i, int64_t j)
{
    return o * p->weight_out + c * p->weight_in + (p->h.weight_first + i * p->h.weight_step) * p->weight_row +
           p->w.weight_first + j * p->w.weight_step;
}

static inline double plan_work(const conv_plan *p)
{
    double positions = (double)p->batch * (double)(p->h.grid * p->w.grid) + 3; /* weights are read as well */
    return positions * (double)(plan_taps(p) * p->in_channels + 1) * (double)(p->out_channels * p->groups) / LANES;
}

#endif
