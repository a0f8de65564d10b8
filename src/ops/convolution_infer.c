/* What a convolution's inputs must be, and which kernel's parameters it comes to. */
#include "ops/convolution.h"

#include <string.h>

static bool check_shapes(cnn__call *call, const cnn__convolution *c)
{
    const cnn_tensor *x = call->in[0], *weight = call->in[1];
    char text[CNN__SHAPE_TEXT];
    int axes = c->kind->axes;
    if (weight->ndim != axes + 2) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "weight is %s, expected %s",
                       cnn__shape_text(text, weight->ndim, weight->shape), c->kind->weight);
        return false;
    }
    if (weight->numel == 0) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "weight %s has no elements",
                       cnn__shape_text(text, weight->ndim, weight->shape));
        return false;
    }
    cnn__shape_text(text, x->ndim, x->shape);
    if (x->ndim != axes + 1 && x->ndim != axes + 2) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "input is %s, expected %s", text, c->kind->input);
        return false;
    }
    for (int d = x->ndim - axes; d < x->ndim; d++) {
        if (x->shape[d] == 0) {
            cnn__call_fail(call, CNN_ERROR_SHAPE, "input %s has samples without elements", text);
            return false;
        }
    }
    return true;
}

static bool convolution_window(cnn__call *call, cnn__convolution *c)
{
    cnn__problem problem;
    if (c->window) {
        c->w = *c->window;
        return true;
    }
    if (cnn__conv_window_read(call->ctx, c->kind, call->op->name, c->options, call->in[1]->shape + 2, &c->w,
                              &problem)) {
        return true;
    }
    if (problem.status == CNN_OK) {
        cnn__call_fail_newest(call);
    } else {
        cnn__call_fail(call, problem.status, "%s", problem.text);
    }
    return false;
}

/* Finds the channels of the result. A weight is [outer, inner / groups, …]. */
static bool check_channels(cnn__call *call, const cnn__convolution *c, int64_t *out)
{
    const cnn_tensor *x = call->in[0], *weight = call->in[1], *bias = call->in[2];
    const bool transposed = c->kind->transposed;
    char text[CNN__SHAPE_TEXT], given[CNN__SHAPE_TEXT];
    int64_t channels = x->shape[x->ndim - c->kind->axes - 1], groups = c->w.groups, outer = weight->shape[0], inner;
    cnn__shape_text(text, weight->ndim, weight->shape);
    if (__builtin_mul_overflow(weight->shape[1], groups, &inner)) {
        inner = INT64_MAX;
    }
    *out = transposed ? inner : outer;
    if (channels != (transposed ? outer : inner)) {
        cnn__call_fail(call, CNN_ERROR_SHAPE,
                       groups == 1 ? "input has %lld channels, weight %s expects %lld"
                                   : "input has %lld channels, weight %s expects %lld in %lld groups",
                       (long long)channels, text, (long long)(transposed ? outer : inner), (long long)groups);
        return false;
    }
    if (outer % groups) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "weight %s has %lld %s channels, which %lld groups do not divide", text,
                       (long long)outer, transposed ? "input" : "output", (long long)groups);
        return false;
    }
    if (bias && (bias->ndim != 1 || bias->shape[0] != *out)) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "bias is %s, weight %s expects [%lld]",
                       cnn__shape_text(given, bias->ndim, bias->shape), text, (long long)*out);
        return false;
    }
    return true;
}

/* The 2-D convolution that does the same, where there is one: a filter that covers the whole depth sees its slices as
 * channels, and one of a single column sees slices as rows. */
static bool flatten_depth(cnn_conv3d_parameters *p)
{
    cnn__conv *g = &p->slice;
    if (p->out_d == 1 && p->kernel_d == p->in_d && !p->pad_front && (p->dilation_d == 1 || p->kernel_d == 1)) {
        g->in_channels *= p->kernel_d;
        return true;
    }
    if (g->kernel_h != 1 || g->kernel_w != 1 || g->stride_h != 1 || g->stride_w != 1 || g->pad_top || g->pad_left ||
        g->in_h != g->out_h || g->in_w != g->out_w) {
        return false;
    }
    g->in_w *= g->in_h;
    g->out_w *= g->out_h;
    g->in_h = p->in_d;
    g->out_h = p->out_d;
    g->kernel_h = p->kernel_d;
    g->stride_h = p->stride_d;
    g->dilation_h = p->dilation_d;
    g->pad_top = p->pad_front;
    return true;
}

/* The underlying convolution, whose input has sizes `in` and whose result `out`. */
static void set_parameters(cnn__convolution *c, const int64_t *in, const int64_t *out, bool strict)
{
    const cnn__conv_window *w = &c->w;
    c->p = (cnn_conv3d_parameters){ .slice = { .batch = c->p.slice.batch,
                                               .in_channels = c->p.slice.in_channels,
                                               .in_h = in[1],
                                               .in_w = in[2],
                                               .out_channels = c->p.slice.out_channels,
                                               .out_h = out[1],
                                               .out_w = out[2],
                                               .kernel_h = w->kernel[1],
                                               .kernel_w = w->kernel[2],
                                               .stride_h = w->stride[1],
                                               .stride_w = w->stride[2],
                                               .dilation_h = w->dilation[1],
                                               .dilation_w = w->dilation[2],
                                               .pad_top = w->before[1],
                                               .pad_left = w->before[2],
                                               .groups = w->groups,
                                               .strict = strict },
                                    .in_d = in[0],
                                    .out_d = out[0],
                                    .kernel_d = w->kernel[0],
                                    .stride_d = w->stride[0],
                                    .dilation_d = w->dilation[0],
                                    .pad_front = w->before[0] };
}

/* Whether the copies of one slice can be counted in bytes. */
static bool slices_fit(const cnn_conv3d_parameters *p)
{
    const cnn__conv *g = &p->slice;
    const double limit = 0x1p58;
    return (double)g->in_channels * (double)p->kernel_d * (double)g->in_h * (double)g->in_w < limit &&
           (double)g->out_channels * (double)g->out_h * (double)g->out_w < limit;
}

bool cnn__convolution_infer(cnn__call *call, void *attributes)
{
    cnn__convolution *c = attributes;
    int64_t in[CNN__CONV_AXES] = { 1, 1, 1 }, out[CNN__CONV_AXES], shape[CNN_MAX_DIMS], channels;
    cnn__problem problem;
    if (!cnn__call_real(call, 0) || !cnn__call_same_dtype(call, 3) || !check_shapes(call, c) ||
        !convolution_window(call, c) || !check_channels(call, c, &channels)) {
        return false;
    }
    const cnn_tensor *x = call->in[0];
    const int axes = c->kind->axes, spatial = x->ndim - axes, unused = CNN__CONV_AXES - axes;
    const bool transposed = c->kind->transposed;
    memcpy(in + unused, x->shape + spatial, (size_t)axes * sizeof *in);
    if (!cnn__conv_window_resize(c->kind, &c->w, in, &problem) ||
        !cnn__conv_window_output(c->kind, &c->w, in, out, &problem)) {
        cnn__call_fail(call, problem.status, "%s", problem.text);
        return false;
    }
    c->p.slice.batch = spatial == 2 ? x->shape[0] : 1;
    c->p.slice.in_channels = transposed ? channels : x->shape[spatial - 1];
    c->p.slice.out_channels = transposed ? x->shape[spatial - 1] : channels;
    set_parameters(c, transposed ? out : in, transposed ? in : out, call->ctx->math == CNN_MATH_STRICT);
    if (!slices_fit(&c->p)) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "%lld channels under a kernel of depth %lld overflow",
                       (long long)c->p.slice.in_channels, (long long)c->p.kernel_d);
        return false;
    }
    c->flat = flatten_depth(&c->p);
    shape[0] = c->p.slice.batch;
    shape[1] = channels;
    memcpy(shape + 2, out + unused, (size_t)axes * sizeof *out);
    cnn__out(call, 0, x->dtype, x->ndim, shape + 2 - spatial);
    return true;
}
