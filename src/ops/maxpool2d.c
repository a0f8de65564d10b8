/* 2-D max pooling: x [N,C,H,W] or [C,H,W]. Forward keeps where each maximum was, backward sends the gradient there. */
#include "ops/geometry.h"

static void maxpool2d_backward(cnn__node *node, cnn_tensor *dy);
static const cnn__op maxpool2d_op = { .name = "maxpool2d", .backward = maxpool2d_backward };

static bool window(cnn__call *call, const cnn_maxpool2d_options *options, cnn__window *w, int64_t out[2])
{
    cnn_maxpool2d_options o;
    cnn__problem problem;
    const cnn_tensor *x = call->in[0];
    if (CNN__OPTIONS_READ(call->ctx, "maxpool2d", &o, options) != CNN_OK) {
        cnn__call_fail_newest(call);
        return false;
    }
    if (!cnn__image_check(x, &problem) || !cnn__window_maxpool2d(w, &o, &problem)) {
        cnn__call_fail(call, problem.status, "%s", problem.text);
        return false;
    }
    const int64_t *image = x->shape + x->ndim - 2;
    if (!cnn__window_output(w, image, out, &problem) || !cnn__window_touches(w, image, out, &problem)) {
        cnn__call_fail(call, problem.status, "%s", problem.text);
        return false;
    }
    if (image[0] * image[1] > INT32_MAX) { /* positions are int32 */
        cnn__call_fail(call, CNN_ERROR_SHAPE, "an image of %lld x %lld pixels is too large, expected at most %d in all",
                       (long long)image[0], (long long)image[1], INT32_MAX);
        return false;
    }
    return true;
}

static bool geometry(cnn__call *call, const cnn_maxpool2d_options *options, cnn__maxpool *g)
{
    cnn__window w;
    int64_t out[2];
    if (!cnn__call_real(call, 0) || !window(call, options, &w, out)) {
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

cnn_tensor *cnn_maxpool2d(cnn_tensor *x, const cnn_maxpool2d_options *options)
{
    cnn__call call;
    cnn__maxpool g;
    if (!cnn__call_begin(&call, &maxpool2d_op, 1, (cnn_tensor *const[]){ x }) || !geometry(&call, options, &g)) {
        return call.nil;
    }
    int64_t shape[4];
    int ndim = call.in[0]->ndim;
    for (int i = 0; i < ndim - 2; i++) {
        shape[i] = call.in[0]->shape[i];
    }
    shape[ndim - 2] = g.out_h;
    shape[ndim - 1] = g.out_w;
    cnn_tensor *y = cnn__result(&call, call.in[0]->dtype, ndim, shape);
    cnn_tensor *index = y ? cnn__result(&call, CNN_I32, ndim, shape) : NULL;
    cnn_tensor *cx = index ? cnn__call_contiguous(&call, 0) : NULL;
    if (!cx) {
        return call.nil;
    }
    if (g.planes) {
        cnn__real(y)->maxpool_forward(&g, cnn__data(cx), cnn__data(y), cnn__data(index), call.ctx->pool);
    }
    y = cnn__record(&call, y, &g, sizeof g, 1, (cnn_tensor *const[]){ index });
    cnn__tape_drop(index);
    return y;
}

static void maxpool2d_backward(cnn__node *node, cnn_tensor *dy)
{
    const cnn__maxpool *g = node->attributes;
    cnn_tensor *dx = cnn__grad_empty(node, 0);
    if (!dx) {
        return;
    }
    if (g->planes) {
        cnn__real(dy)->maxpool_backward(g, cnn__data(dy), cnn__data(node->saved[0]), cnn__data(dx), dy->ctx->pool);
    }
    cnn__grad_add(node, 0, dx);
}
