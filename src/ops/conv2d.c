/* 2-D convolution: x [N,C,H,W] or [C,H,W], weight [O,C/groups,kh,kw], bias [O] or none; also with ReLU behind it.
 *
 * The geometry is resolved and checked once, in forward, and kept for backward; kernels see nothing unchecked. With an
 * empty batch no kernel runs. */
#include "ops/geometry.h"

const cnn__attribute cnn__conv2d_attributes[] = {
    { .name = "kernel", .type = CNN__INT64, .offset = offsetof(cnn__conv_attributes, g.kernel_h), .count = 2 },
    { .name = "stride", .type = CNN__INT64, .offset = offsetof(cnn__conv_attributes, g.stride_h), .count = 2 },
    { .name = "dilation", .type = CNN__INT64, .offset = offsetof(cnn__conv_attributes, g.dilation_h), .count = 2 },
    { .name = "padding", .type = CNN__INT64, .offset = offsetof(cnn__conv_attributes, g.pad_top), .count = 2 },
    { .name = "groups", .type = CNN__INT64, .offset = offsetof(cnn__conv_attributes, g.groups) },
    { .name = NULL }
};

static bool empty(const cnn__conv *g)
{
    return g->batch == 0;
}

static bool fill_zero(const cnn__node *node, const cnn_tensor *t)
{
    return cnn__run_fill(node->tape, node->op->name, t, 0);
}

/* ---- checks ---- */

static bool conv2d_check_channels(cnn__call *call, const cnn__window *w)
{
    const cnn_tensor *x = call->in[0], *weight = call->in[1], *bias = call->in[2];
    char text[CNN__SHAPE_TEXT];
    int64_t channels = x->shape[x->ndim - 3], expected;
    cnn__shape_text(text, weight->ndim, weight->shape);
    if (weight->numel == 0) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "weight %s has no elements", text);
        return false;
    }
    if (__builtin_mul_overflow(weight->shape[1], w->groups, &expected)) {
        expected = INT64_MAX;
    }
    if (channels != expected) {
        cnn__call_fail(call, CNN_ERROR_SHAPE,
                       w->groups == 1 ? "input has %lld channels, weight %s expects %lld"
                                      : "input has %lld channels, weight %s expects %lld in %lld groups",
                       (long long)channels, text, (long long)expected, (long long)w->groups);
        return false;
    }
    if (weight->shape[0] % w->groups) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "weight %s has %lld output channels, which %lld groups do not divide",
                       text, (long long)weight->shape[0], (long long)w->groups);
        return false;
    }
    if (bias && (bias->ndim != 1 || bias->shape[0] != weight->shape[0])) {
        char given[CNN__SHAPE_TEXT];
        cnn__shape_text(given, bias->ndim, bias->shape);
        cnn__call_fail(call, CNN_ERROR_SHAPE, "bias is %s, weight %s expects [%lld]", given, text,
                       (long long)weight->shape[0]);
        return false;
    }
    return true;
}

static bool conv2d_window(cnn__call *call, const cnn_conv2d_options *options, cnn__window *w)
{
    cnn_conv2d_options o;
    cnn__problem problem;
    const cnn_tensor *weight = call->in[1];
    char text[CNN__SHAPE_TEXT];
    if (!CNN__CALL_OPTIONS(call, &o, options)) {
        return false;
    }
    if (weight->ndim != 4) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "weight is %s, expected [O,C/groups,kh,kw]",
                       cnn__shape_text(text, weight->ndim, weight->shape));
        return false;
    }
    int64_t unit[2] = { 1, 1 }; /* an empty kernel is reported with the whole weight */
    const int64_t *kernel = weight->numel ? weight->shape + 2 : unit;
    if (!cnn__image_check(call->in[0], &problem) || !cnn__window_conv2d(w, &o, kernel, &problem)) {
        return cnn__call_problem(call, &problem);
    }
    return conv2d_check_channels(call, w);
}

bool cnn__conv2d_geometry(cnn__call *call, const cnn_conv2d_options *options, cnn__conv *g)
{
    cnn__window w;
    cnn__problem problem;
    if (!cnn__call_real(call, 0) || !cnn__call_same_dtype(call, 3) || !conv2d_window(call, options, &w)) {
        return false;
    }
    const cnn_tensor *x = call->in[0], *weight = call->in[1];
    const int64_t *image = x->shape + x->ndim - 2;
    int64_t out[2];
    if (!cnn__window_output(&w, image, out, &problem)) {
        return cnn__call_problem(call, &problem);
    }
    *g = (cnn__conv){ .batch = x->ndim == 4 ? x->shape[0] : 1,
                      .in_channels = image[-1],
                      .in_h = image[0],
                      .in_w = image[1],
                      .out_channels = weight->shape[0],
                      .out_h = out[0],
                      .out_w = out[1],
                      .kernel_h = w.kernel[0],
                      .kernel_w = w.kernel[1],
                      .stride_h = w.stride[0],
                      .stride_w = w.stride[1],
                      .dilation_h = w.dilation[0],
                      .dilation_w = w.dilation[1],
                      .pad_top = w.before[0],
                      .pad_left = w.before[1],
                      .groups = w.groups,
                      .strict = call->ctx->math == CNN_MATH_STRICT };
    return true;
}

/* ---- forward ---- */

void cnn__conv2d_out(cnn__call *call, const cnn__conv *g)
{
    int ndim = call->in[0]->ndim;
    const int64_t shape[4] = { g->batch, g->out_channels, g->out_h, g->out_w };
    cnn__out(call, 0, call->in[0]->dtype, ndim, shape + 4 - ndim);
}

static bool conv2d_infer(cnn__call *call, void *attributes)
{
    cnn__conv_attributes *a = attributes;
    if (!cnn__conv2d_geometry(call, a->conv, &a->g)) {
        return false;
    }
    a->g.relu = call->op->relu || call->op->ceiling > 0;
    a->g.ceiling = call->op->ceiling;
    cnn__conv2d_out(call, &a->g);
    return true;
}

static bool conv2d_forward(cnn__call *call, void *attributes)
{
    const cnn__conv *g = &((const cnn__conv_attributes *)attributes)->g;
    cnn_tensor *const *in = call->x, *y = call->out[0];
    cnn_launch l =
        CNN__LAUNCH(CONV_FORWARD, y->dtype, CNN__PARAMETERS(*g),
                    .in = { cnn__data(in[0]), cnn__data(in[1]), cnn__data_or_null(in[2]) }, .out = { cnn__data(y) });
    return empty(g) || cnn__run_weighted(call->tape, call->op->name, &l, in[1]);
}

/* ---- backward ---- */

/* If x has another gradient already, this one is added to it where the kernel can; if x is a ReLU's result, the
 * kernel does the ReLU's part of the way back. */
static void conv2d_backward_data(cnn__node *node, const cnn__conv *geometry, const cnn_tensor *dy)
{
    cnn__conv g = *geometry;
    cnn_tensor *dx = cnn__conv_adds(&g) ? cnn__grad_so_far(node, 0) : NULL;
    bool masked = cnn__grad_maskable(node, 0);
    g.add = dx != NULL;
    dx = dx ? dx : cnn__grad_empty(node, 0);
    if (!dx) {
        return;
    }
    cnn_launch l =
        CNN__LAUNCH(CONV_BACKWARD_DATA, dy->dtype, CNN__PARAMETERS(g),
                    .in = { cnn__data(dy), cnn__data(node->saved[1]), masked ? cnn__data(node->saved[0]) : NULL },
                    .out = { cnn__data(dx) });
    if (!empty(&g) && !cnn__run(node->tape, node->op->name, &l)) {
        return;
    }
    if (masked) {
        cnn__grad_add_masked(node, 0, dx);
    } else {
        cnn__grad_add(node, 0, dx);
    }
}

/* dweight, and with it dbias where that is wanted too. */
static void conv2d_backward_weight(cnn__node *node, const cnn__conv *g, const cnn_tensor *dy)
{
    bool bias = cnn__wants(node, 2);
    cnn_tensor *dweight = cnn__grad_empty(node, 1);
    cnn_tensor *dbias = dweight && bias ? cnn__grad_empty(node, 2) : NULL;
    if (!dweight || (bias && !dbias)) {
        return;
    }
    cnn_launch l = CNN__LAUNCH(CONV_BACKWARD_WEIGHT, dy->dtype, CNN__PARAMETERS(*g),
                               .in = { cnn__data(node->saved[0]), cnn__data(dy) },
                               .out = { cnn__data(dweight), cnn__data_or_null(dbias) });
    bool done =
        empty(g) ? fill_zero(node, dweight) && fill_zero(node, dbias) : cnn__run(node->tape, node->op->name, &l);
    if (done) {
        cnn__grad_add(node, 1, dweight);
        cnn__grad_add(node, 2, dbias);
    }
}

/* dbias alone. */
void cnn__conv_backward_bias(cnn__node *node, int64_t channels, int64_t batch, const cnn_tensor *dy)
{
    cnn_tensor *dbias = cnn__grad_empty(node, 2);
    if (!dbias) {
        return;
    }
    int64_t samples = batch ? batch : 1, pixels = dy->numel / samples / channels;
    const cnn_reduce_parameters p = {
        .function = CNN_REDUCE_OF_SUM,
        .outer = { .ndim = 1, .shape = { channels }, .stride = { { 1 }, { pixels } } },
        .inner = { .ndim = 2, .shape = { batch, pixels }, .stride = { { 0 }, { channels * pixels, 1 } } }
    };
    cnn_launch l =
        CNN__LAUNCH(REDUCE, dy->dtype, CNN__PARAMETERS(p), .in = { cnn__data(dy) }, .out = { cnn__data(dbias) });
    cnn__grad_add(node, 2, cnn__run(node->tape, node->op->name, &l) ? dbias : NULL);
}

/* Through the ReLU behind the convolution. */
static cnn_tensor *backward_relu(cnn__node *node, cnn_tensor *dy)
{
    const cnn_tensor *y = cnn__saved_output(node, 0);
    cnn_tensor *dz = cnn__grad_own(dy) ? dy : cnn__grad_like(node, dy);
    if (!dz) {
        return NULL;
    }
    cnn_launch l = CNN__LAUNCH(RELU_BACKWARD, y->dtype, .count = y->numel, .in = { cnn__data(y), cnn__data(dy) },
                               .out = { cnn__data(dz) });
    return cnn__run(node->tape, node->op->name, &l) ? dz : NULL;
}

void cnn__conv2d_backward(cnn__node *node, cnn_tensor *dy)
{
    const cnn__conv *g = node->attributes;
    if (g->relu && !dy->masked && !(dy = backward_relu(node, dy))) {
        return;
    }
    if (cnn__wants(
            node,
            1)) { /* first: it waits for x less than the ReLU's gradient does, which then finds it in the caches */
        conv2d_backward_weight(node, g, dy);
    } else if (cnn__wants(node, 2)) {
        cnn__conv_backward_bias(node, g->out_channels, g->batch, dy);
    }
    if (cnn__wants(node, 0)) {
        conv2d_backward_data(node, g, dy);
    }
}

const cnn__reads cnn__conv2d_reads[] = {
    { "the input", 1u << 1 }, { "weight", 1u << 0 }, { NULL, 0 }, { "the result", 7 }
};

/* What the two descriptors have in common; `...` are further members. */
#define CONV2D(...) \
    { \
        .name = "conv2d", .optional = 1u << 2, .dense = 7, .size = sizeof(cnn__conv_attributes), \
        .attributes = cnn__conv2d_attributes, .infer = conv2d_infer, .forward = conv2d_forward, \
        .backward = cnn__conv2d_backward, .reads = cnn__conv2d_reads, __VA_ARGS__ \
    }

static const cnn__op conv2d_op = CONV2D(.saves = 3);
const cnn__op cnn__conv2d_relu_op = CONV2D(.saves = 3 | CNN__OUTPUT(0), .relu = true);
/* In steps that record nothing: backward does not know the ceiling. */
static const cnn__op conv2d_relu6_op = CONV2D(.ceiling = 6);

static cnn_tensor *conv2d_apply(const cnn__op *op, cnn_tensor *const in[3], const cnn_conv2d_options *options)
{
    cnn__conv_attributes a = { .conv = options };
    return cnn__apply(op, in, 3, &a);
}

cnn_tensor *cnn_conv2d(cnn_tensor *x, cnn_tensor *weight, cnn_tensor *bias, const cnn_conv2d_options *options)
{
    return conv2d_apply(&conv2d_op, (cnn_tensor *const[]){ x, weight, bias }, options);
}

cnn_tensor *cnn__conv2d_relu(cnn_tensor *x, cnn_tensor *weight, cnn_tensor *bias, const cnn_conv2d_options *options)
{
    return conv2d_apply(&cnn__conv2d_relu_op, (cnn_tensor *const[]){ x, weight, bias }, options);
}

cnn_tensor *cnn__conv2d_relu6(cnn_tensor *x, cnn_tensor *weight, cnn_tensor *bias, const cnn_conv2d_options *options)
{
    return conv2d_apply(&conv2d_relu6_op, (cnn_tensor *const[]){ x, weight, bias }, options);
}
