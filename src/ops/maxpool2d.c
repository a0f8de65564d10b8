/* 2-D max pooling: x [N,C,H,W] or [C,H,W]. Forward keeps where each maximum was, backward sends the gradient there. */
#include "ops/geometry.h"

typedef struct pooling {
    cnn__maxpool g;                     /* first: backward reads it alone */
    const cnn_maxpool2d_options *given; /* for infer */
} pooling;

enum { MAXPOOL2D_INDEX = 1 }; /* the extra: where each maximum was */

static const cnn__attribute pooling_attributes[] = {
    { .name = "kernel", .type = CNN__INT64, .offset = offsetof(pooling, g.kernel_h), .count = 2 },
    { .name = "stride", .type = CNN__INT64, .offset = offsetof(pooling, g.stride_h), .count = 2 },
    { .name = "dilation", .type = CNN__INT64, .offset = offsetof(pooling, g.dilation_h), .count = 2 },
    { .name = "padding", .type = CNN__INT64, .offset = offsetof(pooling, g.pad_top), .count = 2 },
    { .name = NULL }
};

/* Positions are int32. */
static bool maxpool2d_image_fits(cnn__call *call)
{
    const int64_t *image = call->in[0]->shape + call->in[0]->ndim - 2;
    if (image[0] * image[1] <= INT32_MAX) {
        return true;
    }
    cnn__call_fail(call, CNN_ERROR_SHAPE, "an image of %lld x %lld pixels is too large, expected at most %d in all",
                   (long long)image[0], (long long)image[1], INT32_MAX);
    return false;
}

static bool geometry(cnn__call *call, const cnn_maxpool2d_options *options, cnn__maxpool *g)
{
    cnn_maxpool2d_options o;
    cnn__window w;
    int64_t out[2];
    if (!cnn__call_real(call, 0) || !CNN__CALL_OPTIONS(call, &o, options)) {
        return false;
    }
    cnn__window_given given = cnn__maxpool2d_given(&o);
    if (!cnn__call_pool(call, &given, &w, out) || !maxpool2d_image_fits(call)) {
        return false;
    }
    const cnn_tensor *x = call->in[0];
    const int64_t *image = x->shape + x->ndim - 2;
    *g = (cnn__maxpool){ .planes = x->numel / (image[0] * image[1]),
                         .in_h = image[0],
                         .in_w = image[1],
                         .out_h = out[0],
                         .out_w = out[1],
                         .kernel_h = w.kernel[0],
                         .kernel_w = w.kernel[1],
                         .stride_h = w.stride[0],
                         .stride_w = w.stride[1],
                         .dilation_h = w.dilation[0],
                         .dilation_w = w.dilation[1],
                         .pad_top = w.before[0],
                         .pad_left = w.before[1] };
    return true;
}

static bool maxpool2d_infer(cnn__call *call, void *attributes)
{
    pooling *p = attributes;
    if (!geometry(call, p->given, &p->g)) {
        return false;
    }
    int ndim = call->in[0]->ndim;
    cnn__out_like(call, 0, 0);
    call->spec[0].shape[ndim - 2] = p->g.out_h;
    call->spec[0].shape[ndim - 1] = p->g.out_w;
    cnn__out(call, MAXPOOL2D_INDEX, CNN_I32, ndim, call->spec[0].shape);
    if (!call->record) {
        cnn__out_none(call, MAXPOOL2D_INDEX);
    }
    return true;
}

static bool maxpool2d_forward(cnn__call *call, void *attributes)
{
    const pooling *p = attributes;
    const cnn_tensor *x = call->x[0], *y = call->out[0], *index = call->out[MAXPOOL2D_INDEX];
    cnn_launch l = CNN__LAUNCH(MAXPOOL_FORWARD, y->dtype, CNN__PARAMETERS(p->g), .in = { cnn__data(x) },
                               .out = { cnn__data(y), cnn__data_or_null(index) });
    return !p->g.planes || cnn__run(call->tape, call->op->name, &l);
}

static void maxpool2d_backward(cnn__node *node, cnn_tensor *dy)
{
    const cnn__maxpool *g = node->attributes;
    cnn_tensor *dx = cnn__grad_empty(node, 0);
    if (!dx) {
        return;
    }
    cnn_launch l = CNN__LAUNCH(MAXPOOL_BACKWARD, dy->dtype, CNN__PARAMETERS(*g),
                               .in = { cnn__data(dy), cnn__data(cnn__saved_output(node, MAXPOOL2D_INDEX)) },
                               .out = { cnn__data(dx) });
    if (!g->planes || cnn__run(node->tape, node->op->name, &l)) {
        cnn__grad_add(node, 0, dx);
    }
}

static const cnn__op maxpool2d_op = { .name = "maxpool2d",
                                      .extras = 1,
                                      .dense = 1,
                                      .saves = CNN__OUTPUT(MAXPOOL2D_INDEX),
                                      .size = sizeof(pooling),
                                      .attributes = pooling_attributes,
                                      .infer = maxpool2d_infer,
                                      .forward = maxpool2d_forward,
                                      .backward = maxpool2d_backward };

cnn_tensor *cnn_maxpool2d(cnn_tensor *x, const cnn_maxpool2d_options *options)
{
    pooling p = { .given = options };
    return cnn__apply(&maxpool2d_op, &x, 1, &p);
}
