/* Convolutions of one and three dimensions and transposed ones: x [N,C,…] or [C,…], weight, bias [O] or none.
 *
 * One convolution underlies each: that of the kind itself or, where it is transposed, the one whose gradient it is.
 * Transposed, forward is its gradient of the data, the gradient of x is its forward, and the gradient of the weight has
 * x and dy exchanged. The 2-D kernels compute it wherever its depth is no more than a matter of reading the shapes
 * differently (flatten_depth), as that of the kinds of one and two axes always is. */
#include "ops/convolution.h"

#include <string.h>

typedef struct convolution {
    cnn_conv3d_parameters p; /* first, and its `slice` first in it: conv2d's backward reads that alone */
    bool flat;               /* the 2-D kernels compute it from p.slice */
    cnn__conv_window w;
    const cnn__conv_kind *kind;
    const void *options;            /* for infer; and where a layer has read them already: */
    const cnn__conv_window *window; /* else NULL */
} convolution;

/* ---- infer ---- */

static bool check_shapes(cnn__call *call, const convolution *c)
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

static bool convolution_window(cnn__call *call, convolution *c)
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
static bool check_channels(cnn__call *call, const convolution *c, int64_t *out)
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
static void set_parameters(convolution *c, const int64_t *in, const int64_t *out, bool strict)
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

static bool convolution_infer(cnn__call *call, void *attributes)
{
    convolution *c = attributes;
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
    if (!cnn__conv_window_output(c->kind, &c->w, in, out, &problem)) {
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

/* ---- launches ---- */

/* A launch of a 2-D kernel as it is or, where there is a depth, of the 3-D kernel that stands in its place in the same
 * order. */
static bool run_convolution(cnn_tape *tape, const cnn__op *op, const convolution *c, cnn_launch l)
{
    l.parameters = &c->p.slice;
    l.parameters_size = sizeof c->p.slice;
    if (!c->flat) {
        l.kernel = (cnn_kernel)((int)l.kernel - (int)CNN_KERNEL_CONV_FORWARD + (int)CNN_KERNEL_CONV3D_FORWARD);
        l.parameters = &c->p;
        l.parameters_size = sizeof c->p;
    }
    return !c->p.slice.batch || cnn__run(tape, op->name, &l);
}

/* y = the convolution of x. */
static bool run_forward(cnn_tape *tape, const cnn__op *op, const convolution *c, const cnn_tensor *x,
                        const cnn_tensor *weight, const cnn_tensor *bias, const cnn_tensor *y)
{
    cnn_launch l = CNN__LAUNCH(CONV_FORWARD, y->dtype,
                               .in = { cnn__data(x), cnn__data(weight), cnn__data_or_null(bias) },
                               .out = { cnn__data(y) });
    return run_convolution(tape, op, c, l);
}

/* dx = its gradient with respect to x, plus a bias. */
static bool run_backward_data(cnn_tape *tape, const cnn__op *op, const convolution *c, const cnn_tensor *dy,
                              const cnn_tensor *weight, const cnn_tensor *bias, const cnn_tensor *dx)
{
    cnn_launch l =
        CNN__LAUNCH(CONV_BACKWARD_DATA, dx->dtype, .in = { cnn__data(dy), cnn__data(weight) }, .out = { cnn__data(dx) });
    l.in[c->flat ? 3 : 2] = cnn__data_or_null(bias);
    return run_convolution(tape, op, c, l);
}

static bool convolution_forward(cnn__call *call, void *attributes)
{
    const convolution *c = attributes;
    cnn_tensor *const *in = call->x;
    return (c->kind->transposed ? run_backward_data : run_forward)(call->tape, call->op, c, in[0], in[1], in[2],
                                                                   call->out[0]);
}

/* ---- backward ---- */

static void backward_input(cnn__node *node, const convolution *c, const cnn_tensor *dy)
{
    cnn_tensor *dx = cnn__grad_empty(node, 0);
    if (dx && (c->kind->transposed ? run_forward : run_backward_data)(node->tape, node->op, c, dy, node->saved[1], NULL,
                                                                      dx)) {
        cnn__grad_add(node, 0, dx);
    }
}

static void backward_weight(cnn__node *node, const convolution *c, const cnn_tensor *dy)
{
    cnn_tensor *dweight = cnn__grad_empty(node, 1);
    if (!dweight) {
        return;
    }
    const void *x = cnn__data(node->saved[0]), *seed = cnn__data(dy);
    const bool transposed = c->kind->transposed;
    cnn_launch l = CNN__LAUNCH(CONV_BACKWARD_WEIGHT, dy->dtype,
                               .in = { transposed ? seed : x, transposed ? x : seed }, .out = { cnn__data(dweight) });
    bool done = c->p.slice.batch ? run_convolution(node->tape, node->op, c, l)
                                 : cnn__run_fill(node->tape, node->op->name, dweight, 0);
    if (done) {
        cnn__grad_add(node, 1, dweight);
    }
}

static void convolution_backward(cnn__node *node, cnn_tensor *dy)
{
    const convolution *c = node->attributes;
    if (c->flat && !c->kind->transposed) {
        cnn__conv2d_backward(node, dy);
        return;
    }
    if (cnn__wants(node, 1)) {
        backward_weight(node, c, dy);
    }
    if (cnn__wants(node, 2)) {
        int64_t channels = node->in[2]->numel;
        cnn__conv_backward_bias(node, channels, c->p.slice.batch, dy);
    }
    if (cnn__wants(node, 0)) {
        backward_input(node, c, dy);
    }
}

/* ---- the kinds ---- */

/* Attributes of `n` axes, the last ones. */
#define LAST_AXES(member, n) offsetof(convolution, w.member) + (CNN__CONV_AXES - (n)) * sizeof(int64_t), .count = (n)
#define ATTRIBUTES(n) \
    { \
        { .name = "kernel", .type = CNN__INT64, .offset = LAST_AXES(kernel, n) }, \
            { .name = "stride", .type = CNN__INT64, .offset = LAST_AXES(stride, n) }, \
            { .name = "dilation", .type = CNN__INT64, .offset = LAST_AXES(dilation, n) }, \
            { .name = "padding", .type = CNN__INT64, .offset = LAST_AXES(before, n) }, \
            { .name = "output_padding", .type = CNN__INT64, .offset = LAST_AXES(output_padding, n) }, \
            { .name = "groups", .type = CNN__INT64, .offset = offsetof(convolution, w.groups) }, { .name = NULL } \
    }
static const cnn__attribute attributes_of_axes[CNN__CONV_AXES][7] = { ATTRIBUTES(1), ATTRIBUTES(2), ATTRIBUTES(3) };

#define FIELDS(options, ...) \
    { \
        .size = sizeof(options), .known = offsetof(options, reserved), .kernel = offsetof(options, kernel), \
        .stride = offsetof(options, stride), .dilation = offsetof(options, dilation), \
        .padding = offsetof(options, padding), .groups = offsetof(options, groups), \
        .dtype = offsetof(options, dtype), .no_bias = offsetof(options, no_bias), __VA_ARGS__ \
    }

/* The descriptor and the kind; `...` are further fields. */
#define CONVOLUTION(operation, how, number, input_shape, weight_shape, ...) \
    static const cnn__op operation##_op = { .name = #operation, \
                                            .optional = 1u << 2, \
                                            .dense = 7, \
                                            .saves = 3, \
                                            .size = sizeof(convolution), \
                                            .attributes = attributes_of_axes[(number)-1], \
                                            .infer = convolution_infer, \
                                            .forward = convolution_forward, \
                                            .backward = how, \
                                            .reads = cnn__conv2d_reads }; \
    const cnn__conv_kind cnn__##operation##_kind = { .op = &operation##_op, \
                                                     .create = #operation "_create", \
                                                     .input = input_shape, \
                                                     .weight = weight_shape, \
                                                     .axes = (number), \
                                                     __VA_ARGS__ }
#define TRANSPOSED(options) .transposed = true, .fields = FIELDS(options, .output_padding = offsetof(options, output_padding))

CONVOLUTION(conv1d, convolution_backward, 1, "[N,C,L] or [C,L]", "[O,C/groups,k]",
            .fields = FIELDS(cnn_conv1d_options, .padding_left = offsetof(cnn_conv1d_options, padding_left),
                             .padding_mode = offsetof(cnn_conv1d_options, padding_mode)));
CONVOLUTION(conv3d, convolution_backward, 3, "[N,C,D,H,W] or [C,D,H,W]", "[O,C/groups,kd,kh,kw]",
            .fields = FIELDS(cnn_conv3d_options, .padding_mode = offsetof(cnn_conv3d_options, padding_mode)));
CONVOLUTION(conv_transpose1d, convolution_backward, 1, "[N,C,L] or [C,L]", "[C,O/groups,k]",
            TRANSPOSED(cnn_conv_transpose1d_options));
CONVOLUTION(conv_transpose2d, convolution_backward, 2, "[N,C,H,W] or [C,H,W]", "[C,O/groups,kh,kw]",
            TRANSPOSED(cnn_conv_transpose2d_options));
CONVOLUTION(conv_transpose3d, convolution_backward, 3, "[N,C,D,H,W] or [C,D,H,W]",
            "[C,O/groups,kd,kh,kw]", TRANSPOSED(cnn_conv_transpose3d_options));

static cnn_tensor *convolve(const cnn__conv_kind *kind, cnn_tensor *const in[3], const void *options)
{
    convolution c = { .kind = kind, .options = options };
    return cnn__apply(kind->op, in, 3, &c);
}

cnn_tensor *cnn__convolve(const cnn__conv_kind *kind, cnn_tensor *x, cnn_tensor *weight, cnn_tensor *bias,
                          const cnn__conv_window *window)
{
    convolution c = { .kind = kind, .window = window };
    return cnn__apply(kind->op, (cnn_tensor *const[]){ x, weight, bias }, 3, &c);
}

cnn_tensor *cnn_conv1d(cnn_tensor *x, cnn_tensor *weight, cnn_tensor *bias, const cnn_conv1d_options *options)
{
    return convolve(&cnn__conv1d_kind, (cnn_tensor *const[]){ x, weight, bias }, options);
}

cnn_tensor *cnn_conv3d(cnn_tensor *x, cnn_tensor *weight, cnn_tensor *bias, const cnn_conv3d_options *options)
{
    return convolve(&cnn__conv3d_kind, (cnn_tensor *const[]){ x, weight, bias }, options);
}

cnn_tensor *cnn_conv_transpose1d(cnn_tensor *x, cnn_tensor *weight, cnn_tensor *bias,
                                 const cnn_conv_transpose1d_options *options)
{
    return convolve(&cnn__conv_transpose1d_kind, (cnn_tensor *const[]){ x, weight, bias }, options);
}

cnn_tensor *cnn_conv_transpose2d(cnn_tensor *x, cnn_tensor *weight, cnn_tensor *bias,
                                 const cnn_conv_transpose2d_options *options)
{
    return convolve(&cnn__conv_transpose2d_kind, (cnn_tensor *const[]){ x, weight, bias }, options);
}

cnn_tensor *cnn_conv_transpose3d(cnn_tensor *x, cnn_tensor *weight, cnn_tensor *bias,
                                 const cnn_conv_transpose3d_options *options)
{
    return convolve(&cnn__conv_transpose3d_kind, (cnn_tensor *const[]){ x, weight, bias }, options);
}
