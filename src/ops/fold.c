/* unfold and fold (im2col and col2im): the windows of images as columns, and the sums of such columns. Each is the
 * other's gradient. */
#include "ops/geometry.h"

typedef struct column_window {
    cnn__maxpool g;                  /* first: backward reads it alone */
    const cnn_unfold_options *given; /* for infer */
} column_window;

static const cnn__attribute folding_attributes[] = {
    { .name = "kernel", .type = CNN__INT64, .offset = offsetof(column_window, g.kernel_h), .count = 2 },
    { .name = "stride", .type = CNN__INT64, .offset = offsetof(column_window, g.stride_h), .count = 2 },
    { .name = "dilation", .type = CNN__INT64, .offset = offsetof(column_window, g.dilation_h), .count = 2 },
    { .name = "padding", .type = CNN__INT64, .offset = offsetof(column_window, g.pad_top), .count = 2 },
    { .name = "image", .type = CNN__INT64, .offset = offsetof(column_window, g.in_h), .count = 2 },
    { .name = NULL }
};

/* The window over images of size g->in_h × g->in_w, and how many elements a column has. */
static bool folding_window(cnn__call *call, column_window *p, int64_t *elements)
{
    cnn__maxpool *g = &p->g;
    cnn_unfold_options o;
    cnn__window w;
    cnn__problem problem;
    int64_t out[2];
    if (!CNN__CALL_OPTIONS(call, &o, p->given)) {
        return false;
    }
    cnn__window_given given = cnn__unfold_given(&o);
    if (!cnn__window_pool(&w, &given, &problem) ||
        !cnn__window_output(&w, (const int64_t[2]){ g->in_h, g->in_w }, out, &problem)) {
        return cnn__call_problem(call, &problem);
    }
    *g = (cnn__maxpool){ .in_h = g->in_h,
                         .in_w = g->in_w,
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
    int64_t columns;
    if (__builtin_mul_overflow(w.kernel[0], w.kernel[1], elements) ||
        __builtin_mul_overflow(out[0], out[1], &columns)) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "a kernel of %lld x %lld overflows over an image of %lld x %lld",
                       (long long)w.kernel[0], (long long)w.kernel[1], (long long)g->in_h, (long long)g->in_w);
        return false;
    }
    return true;
}

static bool unfold_infer(cnn__call *call, void *attributes)
{
    column_window *p = attributes;
    const cnn_tensor *x = call->in[0];
    cnn__problem problem;
    int64_t in[2], elements;
    if (!cnn__call_real(call, 0)) {
        return false;
    }
    if (!cnn__image_sizes(x, 2, in, &problem)) {
        return cnn__call_problem(call, &problem);
    }
    p->g.in_h = in[0];
    p->g.in_w = in[1];
    if (!folding_window(call, p, &elements)) {
        return false;
    }
    int64_t shape[3] = { x->shape[0], x->shape[x->ndim - 3], p->g.out_h * p->g.out_w };
    if (__builtin_mul_overflow(shape[1], elements, &shape[1])) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "%lld channels of %lld elements overflow",
                       (long long)x->shape[x->ndim - 3], (long long)elements);
        return false;
    }
    p->g.planes = x->numel / (in[0] * in[1]);
    cnn__out(call, 0, x->dtype, x->ndim - 1, shape + 4 - x->ndim);
    return true;
}

static bool fold_infer(cnn__call *call, void *attributes)
{
    column_window *p = attributes;
    const cnn_tensor *x = call->in[0];
    char text[CNN__SHAPE_TEXT];
    int64_t elements;
    if (!cnn__call_real(call, 0)) {
        return false;
    }
    if (p->g.in_h < 1 || p->g.in_w < 1) {
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "output_%c is %lld, expected at least 1",
                       p->g.in_h < 1 ? 'h' : 'w', (long long)(p->g.in_h < 1 ? p->g.in_h : p->g.in_w));
        return false;
    }
    if (!folding_window(call, p, &elements)) {
        return false;
    }
    int64_t columns = p->g.out_h * p->g.out_w;
    cnn__shape_text(text, x->ndim, x->shape);
    if ((x->ndim != 2 && x->ndim != 3) || x->shape[x->ndim - 1] != columns || x->shape[x->ndim - 2] % elements) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "input is %s, expected [N,C*%lld,%lld] or [C*%lld,%lld]", text,
                       (long long)elements, (long long)columns, (long long)elements, (long long)columns);
        return false;
    }
    const int64_t shape[4] = { x->shape[0], x->shape[x->ndim - 2] / elements, p->g.in_h, p->g.in_w };
    p->g.planes = x->numel / columns / elements;
    cnn__out(call, 0, x->dtype, x->ndim + 1, shape + 3 - x->ndim);
    return true;
}

static bool folding_run(cnn_tape *tape, const char *call, const cnn__maxpool *g, bool folds, const cnn_tensor *from,
                        const cnn_tensor *to)
{
    cnn_launch l =
        CNN__LAUNCH(FOLD, to->dtype, CNN__PARAMETERS(*g), .in = { cnn__data(from) }, .out = { cnn__data(to) });
    l.kernel = folds ? CNN_KERNEL_FOLD : CNN_KERNEL_UNFOLD;
    return !g->planes || cnn__run(tape, call, &l);
}

static bool unfold_forward(cnn__call *call, void *attributes)
{
    return folding_run(call->tape, call->op->name, attributes, false, call->x[0], call->out[0]);
}

static bool fold_forward(cnn__call *call, void *attributes)
{
    return folding_run(call->tape, call->op->name, attributes, true, call->x[0], call->out[0]);
}

static void folding_gradient(cnn__node *node, const cnn_tensor *dy, bool folds)
{
    cnn_tensor *dx = cnn__grad_empty(node, 0);
    if (dx && folding_run(node->tape, node->op->name, node->attributes, folds, dy, dx)) {
        cnn__grad_add(node, 0, dx);
    }
}

static void unfold_backward(cnn__node *node, cnn_tensor *dy)
{
    folding_gradient(node, dy, true);
}

static void fold_backward(cnn__node *node, cnn_tensor *dy)
{
    folding_gradient(node, dy, false);
}

/* What the descriptors have in common. */
#define FOLDING(function, rule, compute, gradient) \
    { \
        .name = #function, .dense = 1, .size = sizeof(column_window), .attributes = folding_attributes, \
        .infer = (rule), .forward = (compute), .backward = (gradient) \
    }

static const cnn__op unfold_op = FOLDING(unfold, unfold_infer, unfold_forward, unfold_backward);
static const cnn__op fold_columns_op = FOLDING(fold, fold_infer, fold_forward, fold_backward);

cnn_tensor *cnn_unfold(cnn_tensor *x, const cnn_unfold_options *options)
{
    column_window p = { .given = options };
    return cnn__apply(&unfold_op, &x, 1, &p);
}

cnn_tensor *cnn_fold(cnn_tensor *x, int64_t output_h, int64_t output_w, const cnn_unfold_options *options)
{
    column_window p = { .g = { .in_h = output_h, .in_w = output_w }, .given = options };
    return cnn__apply(&fold_columns_op, &x, 1, &p);
}
