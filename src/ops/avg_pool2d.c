/* Average pooling: x [N,C,H,W] or [C,H,W], in one dimension [N,C,L] or [C,L], as images of height 1. */
#include "ops/geometry.h"

typedef struct avg_pool2d_averaging {
    cnn_avg_pool_parameters g; /* first: backward reads it alone */
    bool ceil_mode;
    const cnn_avg_pool1d_options *one; /* for infer: the options of either */
    const cnn_avg_pool2d_options *two;
} avg_pool2d_averaging;

static const cnn__attribute averaging_attributes[] = {
    { .name = "kernel", .type = CNN__INT64, .offset = offsetof(avg_pool2d_averaging, g.kernel_h), .count = 2 },
    { .name = "stride", .type = CNN__INT64, .offset = offsetof(avg_pool2d_averaging, g.stride_h), .count = 2 },
    { .name = "padding", .type = CNN__INT64, .offset = offsetof(avg_pool2d_averaging, g.pad_top), .count = 2 },
    { .name = "ceil_mode", .type = CNN__BOOL, .offset = offsetof(avg_pool2d_averaging, ceil_mode) },
    { .name = "exclude_padding", .type = CNN__BOOL, .offset = offsetof(avg_pool2d_averaging, g.exclude_padding) },
    { .name = "divisor_override", .type = CNN__INT64, .offset = offsetof(avg_pool2d_averaging, g.divisor) },
    { .name = NULL }
};

/* The attributes but for the two numbers that are no part of a window. */
static bool averaging_infer(cnn__call *call, const cnn__window_given *given, avg_pool2d_averaging *p)
{
    cnn__window w;
    int64_t in[2], out[2];
    if (!cnn__call_pool(call, given, &w, in, out)) {
        return false;
    }
    p->ceil_mode = w.ceil_mode;
    p->g = (cnn_avg_pool_parameters){ .planes = call->in[0]->numel / (in[0] * in[1]),
                                      .in_h = in[0],
                                      .in_w = in[1],
                                      .out_h = out[0],
                                      .out_w = out[1],
                                      .kernel_h = w.kernel[0],
                                      .kernel_w = w.kernel[1],
                                      .stride_h = w.stride[0],
                                      .stride_w = w.stride[1],
                                      .pad_top = w.before[0],
                                      .pad_left = w.before[1] };
    cnn__out_image(call, 0, call->in[0]->dtype, w.one_dimension ? 1 : 2, out);
    return true;
}

static bool avg_pool1d_infer(cnn__call *call, void *attributes)
{
    avg_pool2d_averaging *p = attributes;
    cnn_avg_pool1d_options o;
    if (!cnn__call_real(call, 0) || !CNN__CALL_OPTIONS(call, &o, p->one) ||
        !averaging_infer(call, &(cnn__window_given)CNN__WINDOW_GIVEN_1D(&o), p)) {
        return false;
    }
    p->g.exclude_padding = o.exclude_padding;
    return true;
}

static bool avg_pool2d_infer(cnn__call *call, void *attributes)
{
    avg_pool2d_averaging *p = attributes;
    cnn_avg_pool2d_options o;
    if (!cnn__call_real(call, 0) || !CNN__CALL_OPTIONS(call, &o, p->two) ||
        !averaging_infer(call, &(cnn__window_given)CNN__WINDOW_GIVEN(&o), p)) {
        return false;
    }
    p->g.exclude_padding = o.exclude_padding;
    p->g.divisor = o.divisor_override;
    return true;
}

static bool avg_pool2d_forward(cnn__call *call, void *attributes)
{
    const avg_pool2d_averaging *p = attributes;
    const cnn_tensor *y = call->out[0];
    cnn_launch l = CNN__LAUNCH(AVG_POOL_FORWARD, y->dtype, CNN__PARAMETERS(p->g), .in = { cnn__data(call->x[0]) },
                               .out = { cnn__data(y) });
    return !p->g.planes || cnn__run(call->tape, call->op->name, &l);
}

static void avg_pool2d_backward(cnn__node *node, cnn_tensor *dy)
{
    const cnn_avg_pool_parameters *g = node->attributes;
    cnn_tensor *dx = cnn__grad_empty(node, 0);
    if (!dx) {
        return;
    }
    cnn_launch l = CNN__LAUNCH(AVG_POOL_BACKWARD, dy->dtype, CNN__PARAMETERS(*g), .in = { cnn__data(dy) },
                               .out = { cnn__data(dx) });
    if (!g->planes || cnn__run(node->tape, node->op->name, &l)) {
        cnn__grad_add(node, 0, dx);
    }
}

/* What the descriptors have in common. */
#define AVG_POOL(function, rule, gradient) \
    { \
        .name = #function, .dense = 1, .size = sizeof(avg_pool2d_averaging), .attributes = averaging_attributes, \
        .infer = (rule), .forward = avg_pool2d_forward, .backward = (gradient) \
    }

static const cnn__op avg_pool1d_op = AVG_POOL(avg_pool1d, avg_pool1d_infer, avg_pool2d_backward);
static const cnn__op avg_pool2d_op = AVG_POOL(avg_pool2d, avg_pool2d_infer, avg_pool2d_backward);

cnn_tensor *cnn_avg_pool1d(cnn_tensor *x, const cnn_avg_pool1d_options *options)
{
    avg_pool2d_averaging p = { .one = options };
    return cnn__apply(&avg_pool1d_op, &x, 1, &p);
}

cnn_tensor *cnn_avg_pool2d(cnn_tensor *x, const cnn_avg_pool2d_options *options)
{
    avg_pool2d_averaging p = { .two = options };
    return cnn__apply(&avg_pool2d_op, &x, 1, &p);
}
