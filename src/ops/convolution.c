/* Convolutions of one and three dimensions and transposed ones: x [N,C,…] or [C,…], weight, bias [O] or none.
 *
 * One convolution underlies each: that of the kind itself or, where it is transposed, the one whose gradient it is.
 * Transposed, forward is its gradient of the data, the gradient of x is its forward, and the gradient of the weight has
 * x and dy exchanged. The 2-D kernels compute it wherever its depth is no more than a matter of reading the shapes
 * differently (flatten_depth), as that of the kinds of one and two axes always is. */
#include "ops/convolution.h"

/* ---- launches ---- */

/* A launch of a 2-D kernel as it is or, where there is a depth, of the 3-D kernel that stands in its place in the same
 * order. */
static bool run_convolution(cnn_tape *tape, const cnn__op *op, const cnn__convolution *c, cnn_launch l,
                            const cnn_tensor *weight)
{
    l.parameters = &c->p.slice;
    l.parameters_size = sizeof c->p.slice;
    if (!c->flat) {
        l.kernel = (cnn_kernel)((int)l.kernel - (int)CNN_KERNEL_CONV_FORWARD + (int)CNN_KERNEL_CONV3D_FORWARD);
        l.parameters = &c->p;
        l.parameters_size = sizeof c->p;
    }
    return !c->p.slice.batch || cnn__run_weighted(tape, op->name, &l, weight);
}

/* y = the convolution of x. */
static bool run_forward(cnn_tape *tape, const cnn__op *op, const cnn__convolution *c, const cnn_tensor *x,
                        const cnn_tensor *weight, const cnn_tensor *bias, const cnn_tensor *y)
{
    cnn_launch l =
        CNN__LAUNCH(CONV_FORWARD, y->dtype, .in = { cnn__data(x), cnn__data(weight), cnn__data_or_null(bias) },
                    .out = { cnn__data(y) });
    return run_convolution(tape, op, c, l, weight);
}

/* dx = its gradient with respect to x, plus a bias. */
static bool run_backward_data(cnn_tape *tape, const cnn__op *op, const cnn__convolution *c, const cnn_tensor *dy,
                              const cnn_tensor *weight, const cnn_tensor *bias, const cnn_tensor *dx)
{
    cnn_launch l = CNN__LAUNCH(CONV_BACKWARD_DATA, dx->dtype, .in = { cnn__data(dy), cnn__data(weight) },
                               .out = { cnn__data(dx) });
    l.in[c->flat ? 3 : 2] = cnn__data_or_null(bias);
    return run_convolution(tape, op, c, l, weight);
}

static bool convolution_forward(cnn__call *call, void *attributes)
{
    const cnn__convolution *c = attributes;
    cnn_tensor *const *in = call->x;
    return (c->kind->transposed ? run_backward_data : run_forward)(call->tape, call->op, c, in[0], in[1], in[2],
                                                                   call->out[0]);
}

/* ---- backward ---- */

static void backward_input(cnn__node *node, const cnn__convolution *c, const cnn_tensor *dy)
{
    cnn_tensor *dx = cnn__grad_empty(node, 0);
    if (dx && (c->kind->transposed ? run_forward : run_backward_data)(node->tape, node->op, c, dy, node->saved[1], NULL,
                                                                      dx)) {
        cnn__grad_add(node, 0, dx);
    }
}

static void backward_weight(cnn__node *node, const cnn__convolution *c, const cnn_tensor *dy)
{
    cnn_tensor *dweight = cnn__grad_empty(node, 1);
    if (!dweight) {
        return;
    }
    const void *x = cnn__data(node->saved[0]), *seed = cnn__data(dy);
    const bool transposed = c->kind->transposed;
    cnn_launch l = CNN__LAUNCH(CONV_BACKWARD_WEIGHT, dy->dtype, .in = { transposed ? seed : x, transposed ? x : seed },
                               .out = { cnn__data(dweight) });
    bool done = c->p.slice.batch ? run_convolution(node->tape, node->op, c, l, NULL)
                                 : cnn__run_fill(node->tape, node->op->name, dweight, 0);
    if (done) {
        cnn__grad_add(node, 1, dweight);
    }
}

static void convolution_backward(cnn__node *node, cnn_tensor *dy)
{
    const cnn__convolution *c = node->attributes;
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
#define LAST_AXES(member, n) \
    offsetof(cnn__convolution, w.member) + (CNN__CONV_AXES - (n)) * sizeof(int64_t), .count = (n)
#define ATTRIBUTES(n) \
    { \
        { .name = "kernel", .type = CNN__INT64, .offset = LAST_AXES(kernel, n) }, \
            { .name = "stride", .type = CNN__INT64, .offset = LAST_AXES(stride, n) }, \
            { .name = "dilation", .type = CNN__INT64, .offset = LAST_AXES(dilation, n) }, \
            { .name = "padding", .type = CNN__INT64, .offset = LAST_AXES(before, n) }, \
            { .name = "output_padding", .type = CNN__INT64, .offset = LAST_AXES(output_padding, n) }, \
            { .name = "groups", .type = CNN__INT64, .offset = offsetof(cnn__convolution, w.groups) }, \
        { \
            .name = NULL \
        } \
    }
static const cnn__attribute attributes_of_axes[CNN__CONV_AXES][7] = { ATTRIBUTES(1), ATTRIBUTES(2), ATTRIBUTES(3) };

#define FIELDS(options, ...) \
    { \
        .size = sizeof(options), .known = offsetof(options, reserved), .kernel = offsetof(options, kernel), \
        .stride = offsetof(options, stride), .dilation = offsetof(options, dilation), \
        .padding = offsetof(options, padding), .groups = offsetof(options, groups), .dtype = offsetof(options, dtype), \
        .no_bias = offsetof(options, no_bias), __VA_ARGS__ \
    }

/* The descriptor and the kind; `...` are further fields. */
#define CONVOLUTION(operation, how, number, input_shape, weight_shape, ...) \
    static const cnn__op operation##_op = { .name = #operation, \
                                            .optional = 1u << 2, \
                                            .dense = 7, \
                                            .saves = 3, \
                                            .size = sizeof(cnn__convolution), \
                                            .attributes = attributes_of_axes[(number)-1], \
                                            .infer = cnn__convolution_infer, \
                                            .forward = convolution_forward, \
                                            .backward = how, \
                                            .reads = cnn__conv2d_reads }; \
    const cnn__conv_kind cnn__##operation##_kind = { .op = &operation##_op, \
                                                     .create = #operation "_create", \
                                                     .input = input_shape, \
                                                     .weight = weight_shape, \
                                                     .axes = (number), \
                                                     __VA_ARGS__ }
#define TRANSPOSED(options) \
    .transposed = true, .fields = FIELDS(options, .output_padding = offsetof(options, output_padding), \
                                         .output_size = offsetof(options, output_size))

CONVOLUTION(conv1d, convolution_backward, 1, "[N,C,L] or [C,L]", "[O,C/groups,k]",
            .fields = FIELDS(cnn_conv1d_options, .padding_left = offsetof(cnn_conv1d_options, padding_left),
                             .padding_mode = offsetof(cnn_conv1d_options, padding_mode),
                             .pad_mode = offsetof(cnn_conv1d_options, pad_mode)));
CONVOLUTION(conv3d, convolution_backward, 3, "[N,C,D,H,W] or [C,D,H,W]", "[O,C/groups,kd,kh,kw]",
            .fields = FIELDS(cnn_conv3d_options, .padding_mode = offsetof(cnn_conv3d_options, padding_mode),
                             .pad_mode = offsetof(cnn_conv3d_options, pad_mode)));
CONVOLUTION(conv_transpose1d, convolution_backward, 1, "[N,C,L] or [C,L]", "[C,O/groups,k]",
            TRANSPOSED(cnn_conv_transpose1d_options));
CONVOLUTION(conv_transpose2d, convolution_backward, 2, "[N,C,H,W] or [C,H,W]", "[C,O/groups,kh,kw]",
            TRANSPOSED(cnn_conv_transpose2d_options));
CONVOLUTION(conv_transpose3d, convolution_backward, 3, "[N,C,D,H,W] or [C,D,H,W]", "[C,O/groups,kd,kh,kw]",
            TRANSPOSED(cnn_conv_transpose3d_options));

static cnn_tensor *convolve(const cnn__conv_kind *kind, cnn_tensor *const in[3], const void *options)
{
    cnn__convolution c = { .kind = kind, .options = options };
    return cnn__apply(kind->op, in, 3, &c);
}

cnn_tensor *cnn__convolve(const cnn__conv_kind *kind, cnn_tensor *x, cnn_tensor *weight, cnn_tensor *bias,
                          const cnn__conv_window *window)
{
    cnn__convolution c = { .kind = kind, .window = window };
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
