/* Sums of 3-D convolutions whose operands are not finite; see conv3d_edges.h. They run where a net diverges, and then
 * most sums end at their first NaN. */
#include "kernels/conv3d_edges.h"

#include "base/dtype.h"

#include <math.h>
#include <stdbool.h>

typedef cnn_conv3d_parameters edges_shape;

static double element(size_t size, const void *p, int64_t i)
{
    return size == sizeof(double) ? ((const double *)p)[i] : (double)((const float *)p)[i];
}

static void set_edge(size_t size, void *p, int64_t i, double value)
{
    if (size == sizeof(double)) {
        ((double *)p)[i] = value;
    } else {
        ((float *)p)[i] = (float)value;
    }
}

/* Places in the volumes and in the filter. */
typedef struct place3d {
    int64_t n, o, c; /* volume, channels of y and x */
    int64_t d, h, w; /* the sizes of y */
    int64_t i, j, k; /* tap: depth, row, column */
} place3d;

/* The index in x of what a tap reads; −1: padding. */
static int64_t read_by(const edges_shape *p, const place3d *at)
{
    const cnn_conv *g = &p->slice;
    int64_t d = at->d * p->stride_d + at->i * p->dilation_d - p->pad_front;
    int64_t h = at->h * g->stride_h + at->j * g->dilation_h - g->pad_top;
    int64_t w = at->w * g->stride_w + at->k * g->dilation_w - g->pad_left;
    bool inside = d >= 0 && d < p->in_d && h >= 0 && h < g->in_h && w >= 0 && w < g->in_w;
    return inside ? (((at->n * g->in_channels + at->c) * p->in_d + d) * g->in_h + h) * g->in_w + w : -1;
}

static bool tap_pads(const edges_shape *p, int64_t slice, int64_t tap)
{
    int64_t d = slice * p->stride_d + tap * p->dilation_d - p->pad_front;
    return d < 0 || d >= p->in_d;
}

static bool slice_pads(const edges_shape *p, int64_t slice)
{
    return tap_pads(p, slice, 0) || tap_pads(p, slice, p->kernel_d - 1);
}

/* Takes number `index` apart, the last size first. */
static int64_t next_part(int64_t *index, int64_t size)
{
    int64_t part = *index % size;
    *index /= size;
    return part;
}

/* ---- results ---- */

static double sum_of_output(const edges_shape *p, size_t size, const void *x, const void *weight, place3d at)
{
    const cnn_conv *g = &p->slice;
    int64_t per_group = g->in_channels / g->groups, taps = p->kernel_d * g->kernel_h * g->kernel_w;
    int64_t first = at.o / (g->out_channels / g->groups) * per_group;
    double sum = 0;
    for (int64_t t = 0; t < per_group * taps && !isnan(sum); t++) {
        int64_t rest = t;
        at.k = next_part(&rest, g->kernel_w);
        at.j = next_part(&rest, g->kernel_h);
        at.i = next_part(&rest, p->kernel_d);
        at.c = first + rest;
        int64_t from = read_by(p, &at);
        sum += from < 0 ? 0 : element(size, x, from) * element(size, weight, at.o * per_group * taps + t);
    }
    return sum;
}

static bool is_finite(size_t size, const void *p, int64_t count)
{
    bool finite = true;
    for (int64_t i = 0; i < count && finite; i++) {
        finite = isfinite(element(size, p, i));
    }
    return finite;
}

void cnn__conv3d_mend_output(const edges_shape *p, size_t size, const void *x, const void *weight, const void *bias,
                             void *y)
{
    const cnn_conv *g = &p->slice;
    int64_t weights = g->out_channels * (g->in_channels / g->groups) * p->kernel_d * g->kernel_h * g->kernel_w;
    int64_t count = g->batch * g->out_channels * p->out_d * g->out_h * g->out_w;
    bool pads = slice_pads(p, 0) || slice_pads(p, p->out_d - 1);
    if (!pads || is_finite(size, weight, weights)) {
        return;
    }
    for (int64_t i = 0; i < count; i++) {
        int64_t rest = i;
        place3d at = { .w = next_part(&rest, g->out_w), .n = 0 };
        at.h = next_part(&rest, g->out_h);
        at.d = next_part(&rest, p->out_d);
        at.o = next_part(&rest, g->out_channels);
        at.n = rest;
        if (slice_pads(p, at.d) && !isfinite(element(size, y, i))) {
            double sum = sum_of_output(p, size, x, weight, at);
            set_edge(size, y, i, sum + (bias ? element(size, bias, at.o) : 0));
        }
    }
}

/* ---- gradients of weights ---- */

static double sum_of_weight(const edges_shape *p, size_t size, const void *x, const void *dy, place3d at)
{
    const cnn_conv *g = &p->slice;
    int64_t plane = g->out_h * g->out_w, count = g->batch * p->out_d * plane;
    double sum = 0;
    for (int64_t t = 0; t < count && !isnan(sum); t++) { /* a NaN stays */
        int64_t rest = t;
        at.w = next_part(&rest, g->out_w);
        at.h = next_part(&rest, g->out_h);
        at.d = next_part(&rest, p->out_d);
        at.n = rest;
        int64_t from = read_by(p, &at), to = ((at.n * g->out_channels + at.o) * p->out_d + at.d) * plane;
        sum += from < 0 ? 0 : element(size, x, from) * element(size, dy, to + at.h * g->out_w + at.w);
    }
    return sum;
}

void cnn__conv3d_mend_weight(const edges_shape *p, size_t size, const void *x, const void *dy, void *dweight)
{
    const cnn_conv *g = &p->slice;
    int64_t per_group = g->in_channels / g->groups;
    int64_t weights = g->out_channels * per_group * p->kernel_d * g->kernel_h * g->kernel_w;
    bool pads = slice_pads(p, 0) || slice_pads(p, p->out_d - 1);
    for (int64_t i = 0; pads && i < weights; i++) {
        if (!isfinite(element(size, dweight, i))) {
            int64_t rest = i;
            place3d at = { .k = next_part(&rest, g->kernel_w), .n = 0 };
            at.j = next_part(&rest, g->kernel_h);
            at.i = next_part(&rest, p->kernel_d);
            at.c = next_part(&rest, per_group);
            at.o = rest;
            at.c += at.o / (g->out_channels / g->groups) * per_group;
            set_edge(size, dweight, i, sum_of_weight(p, size, x, dy, at));
        }
    }
}
