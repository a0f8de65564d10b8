/* 3-D convolutions by the 2-D kernels: each slice of the result is an image whose channels are the slices of x under
 * the filter, [channel][tap of the depth], so that the weights are used as they are stored.
 *
 * A pass takes some slices, whose copies are [slice][channel, tap][plane] and hold zeros where the depth is padded. It
 * reads all weights, so its copies are at least as large as twice the weights; else they stay in the caches. Slices are
 * numbered through all volumes: number s is slice s mod depth of volume s / depth. How they are cut follows from the
 * sizes alone. */
#include "base/dtype.h"
#include "kernels/conv3d_edges.h"
#include "kernels/conv3d_slices.h"
#include "kernels/launch.h"

enum { SLICES_BYTES = 1 << 20, ALIGNMENT = 64 };

typedef cnn_conv3d_parameters conv3d_shape;

static cnn__depth_view view_of_x(const conv3d_shape *p, size_t size, const void *x)
{
    return (cnn__depth_view){ .channels = p->slice.in_channels,
                              .depth = p->in_d,
                              .plane = p->slice.in_h * p->slice.in_w,
                              .slices = p->out_d,
                              .taps = p->kernel_d,
                              .stride = p->stride_d,
                              .dilation = p->dilation_d,
                              .pad = p->pad_front,
                              .size = size,
                              .volume = (char *)(uintptr_t)x };
}

static cnn__depth_view view_of_y(const conv3d_shape *p, size_t size, const void *y)
{
    return (cnn__depth_view){ .channels = p->slice.out_channels,
                              .depth = p->out_d,
                              .plane = p->slice.out_h * p->slice.out_w,
                              .slices = p->out_d,
                              .taps = 1,
                              .stride = 1,
                              .size = size,
                              .volume = (char *)(uintptr_t)y };
}

/* In bytes, of the copies. */
static size_t slice_size(const cnn__depth_view *v)
{
    return cnn__plane_size(v) * (size_t)(v->channels * v->taps);
}

/* ---- passes ---- */

/* A pass: its 2-D convolution, and where its operands lie in the workspace. */
typedef struct conv3d_pass {
    cnn_conv g;
    int64_t slices, per_pass;
    char *x, *y, *weight, *rest;
} conv3d_pass;

static int64_t weights_per_pass(const cnn_conv *g)
{
    return g->out_channels * (g->in_channels / g->groups) * g->kernel_h * g->kernel_w;
}

static size_t whole_lines(size_t bytes)
{
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* Lays out the workspace from `memory`; returns its size without that of the 2-D kernels. */
static size_t plan_passes(const conv3d_shape *p, size_t size, bool weight, char *memory, conv3d_pass *pass)
{
    const cnn__depth_view x = view_of_x(p, size, NULL), y = view_of_y(p, size, NULL);
    size_t slice = slice_size(&x) + slice_size(&y);
    *pass = (conv3d_pass){ .g = p->slice, .slices = p->slice.batch * p->out_d };
    pass->g.in_channels *= p->kernel_d;
    size_t weights = (size_t)weights_per_pass(&pass->g) * size;
    size_t room = 2 * weights > SLICES_BYTES ? 2 * weights : SLICES_BYTES;
    int64_t fit = slice < room ? (int64_t)(room / slice) : 1;
    pass->per_pass = fit < pass->slices || !pass->slices ? fit : pass->slices;
    bool sums = weight && pass->per_pass < pass->slices;
    size_t at[3] = { whole_lines((size_t)pass->per_pass * slice_size(&x)),
                     whole_lines((size_t)pass->per_pass * slice_size(&y)), sums ? whole_lines(weights) : 0 };
    if (memory) {
        pass->x = memory;
        pass->y = pass->x + at[0];
        pass->weight = pass->y + at[1];
        pass->rest = pass->weight + at[2];
    }
    return at[0] + at[1] + at[2];
}

/* The next slices of both; false: all are done. */
static bool next_pass(conv3d_pass *pass, cnn__depth_view *x, cnn__depth_view *y)
{
    int64_t first = x->first + x->count, left = pass->slices - first;
    x->first = y->first = first;
    x->count = y->count = pass->g.batch = left < pass->per_pass ? left : pass->per_pass;
    x->copies = pass->x;
    y->copies = pass->y;
    return left > 0;
}

typedef size_t (*conv_workspace_fn)(const cnn__conv *g, int workers);

/* The 2-D kernels need the most for a whole pass or for the last one. */
static size_t workspace_of(const cnn__cpu_call *j, bool weight, conv_workspace_fn fn)
{
    const conv3d_shape *p = j->l->parameters;
    conv3d_pass pass;
    size_t own = plan_passes(p, cnn_dtype_size(j->l->dtype), weight, NULL, &pass);
    pass.g.batch = pass.per_pass;
    size_t whole = fn(&pass.g, j->workers);
    pass.g.batch = pass.slices % pass.per_pass;
    size_t last = pass.g.batch ? fn(&pass.g, j->workers) : 0;
    return own + (whole > last ? whole : last);
}

static size_t conv3d_forward_workspace(cnn__cpu_call *j)
{
    return workspace_of(j, false, j->real->conv_forward_workspace);
}

static bool run_conv3d_forward(cnn__cpu_call *j)
{
    const conv3d_shape *p = j->l->parameters;
    size_t size = cnn_dtype_size(j->l->dtype);
    conv3d_pass pass;
    cnn__depth_view x = view_of_x(p, size, j->l->in[0]), y = view_of_y(p, size, j->l->out[0]);
    plan_passes(p, size, false, j->l->workspace, &pass);
    while (next_pass(&pass, &x, &y)) {
        cnn__slices_gather(&x, j->pool);
        j->real->conv_forward(&pass.g, x.copies, j->l->in[1], j->l->in[2], y.copies, pass.rest, j->pool);
        cnn__slices_scatter(&y, j->pool);
    }
    cnn__conv3d_mend_output(p, size, j->l->in[0], j->l->in[1], j->l->in[2], j->l->out[0]);
    return true;
}

const cnn__cpu_kernel cnn__cpu_conv3d_forward = { .run = run_conv3d_forward,
                                                  .workspace = conv3d_forward_workspace,
                                                  .measure = cnn__measure_conv3d,
                                                  .in = "xwb",
                                                  .out = "y" };

static size_t conv3d_backward_data_workspace(cnn__cpu_call *j)
{
    return workspace_of(j, false, j->real->conv_backward_data_workspace);
}

static bool run_conv3d_backward_data(cnn__cpu_call *j)
{
    const conv3d_shape *p = j->l->parameters;
    size_t size = cnn_dtype_size(j->l->dtype);
    conv3d_pass pass;
    cnn__depth_view x = view_of_x(p, size, j->l->out[0]), y = view_of_y(p, size, j->l->in[0]);
    x.bias = j->l->in[2];
    plan_passes(p, size, false, j->l->workspace, &pass);
    cnn__slices_start(&x, p->slice.batch, j->pool);
    while (next_pass(&pass, &x, &y)) {
        cnn__slices_gather(&y, j->pool);
        j->real->conv_backward_data(&pass.g, y.copies, j->l->in[1], x.copies, pass.rest, j->pool);
        cnn__slices_add(&x, j->pool);
    }
    return true;
}

const cnn__cpu_kernel cnn__cpu_conv3d_backward_data = { .run = run_conv3d_backward_data,
                                                        .workspace = conv3d_backward_data_workspace,
                                                        .measure = cnn__measure_conv3d,
                                                        .in = "ywc",
                                                        .out = "x" };

static size_t conv3d_backward_weight_workspace(cnn__cpu_call *j)
{
    return workspace_of(j, true, j->real->conv_backward_weight_workspace);
}

/* The first pass writes the sums, and each later one is added to them. */
static bool run_conv3d_backward_weight(cnn__cpu_call *j)
{
    const conv3d_shape *p = j->l->parameters;
    size_t size = cnn_dtype_size(j->l->dtype);
    conv3d_pass pass;
    cnn__depth_view x = view_of_x(p, size, j->l->in[0]), y = view_of_y(p, size, j->l->in[1]);
    plan_passes(p, size, true, j->l->workspace, &pass);
    while (next_pass(&pass, &x, &y)) {
        cnn__slices_gather(&x, j->pool);
        cnn__slices_gather(&y, j->pool);
        j->real->conv_backward_weight(&pass.g, x.copies, y.copies, x.first ? pass.weight : j->l->out[0], NULL,
                                      pass.rest, j->pool);
        if (x.first) {
            cnn__elements_add(size, weights_per_pass(&pass.g), pass.weight, j->l->out[0], j->pool);
        }
    }
    cnn__conv3d_mend_weight(p, size, j->l->in[0], j->l->in[1], j->l->out[0]);
    return true;
}

const cnn__cpu_kernel cnn__cpu_conv3d_backward_weight = { .run = run_conv3d_backward_weight,
                                                          .workspace = conv3d_backward_weight_workspace,
                                                          .measure = cnn__measure_conv3d,
                                                          .in = "xy",
                                                          .out = "w" };
