/* 2-D average pooling: x [N,C,H,W] or [C,H,W]. */
#include "ops/geometry.h"

typedef struct avg_pool2d_averaging {
    cnn_avg_pool_parameters g; /* first: backward reads it alone */
    bool ceil_mode;
    const cnn_avg_pool2d_options *given; /* for infer */
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

static bool avg_pool2d_infer(cnn__call *call, void *attributes)
{
    avg_pool2d_averaging *p = attributes;
    cnn_avg_pool2d_options o;
    cnn__window w;
    int64_t out[2];
    if (!cnn__call_real(call, 0) || !CNN__CALL_OPTIONS(call, &o, p->given) ||
        !cnn__call_pool(call, &(cnn__window_given)CNN__WINDOW_GIVEN(&o), &w, out)) {
        return false;
    }
    const cnn_tensor *x = call->in[0];
    const int64_t *image = x->shape + x->ndim - 2;
    p->ceil_mode = o.ceil_mode;
    p->g = (cnn_avg_pool_parameters){ .planes = x->numel / (image[0] * image[1]),
                                      .in_h = image[0],
                                      .in_w = image[1],
                                      .out_h = out[0],
                                      .out_w = out[1],
                                      .kernel_h = w.kernel[0],
                                      .kernel_w = w.kernel[1],
                                      .stride_h = w.stride[0],
                                      .stride_w = w.stride[1],
                                      .pad_top = w.before[0],
                                      .pad_left = w.before[1],
                                      .divisor = o.divisor_override,
                                      .exclude_padding = o.exclude_padding };
    cnn__out_like(call, 0, 0);
    call->spec[0].shape[x->ndim - 2] = out[0];
    call->spec[0].shape[x->ndim - 1] = out[1];
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

static const cnn__op avg_pool2d_op = { .name = "avg_pool2d",
                                       .dense = 1,
                                       .size = sizeof(avg_pool2d_averaging),
                                       .attributes = averaging_attributes,
                                       .infer = avg_pool2d_infer,
                                       .forward = avg_pool2d_forward,
                                       .backward = avg_pool2d_backward };

cnn_tensor *cnn_avg_pool2d(cnn_tensor *x, const cnn_avg_pool2d_options *options)
{
    avg_pool2d_averaging p = { .given = options };
    return cnn__apply(&avg_pool2d_op, &x, 1, &p);
}
