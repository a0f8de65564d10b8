/* Max pooling: x [N,C,H,W] or [C,H,W], in one dimension [N,C,L] or [C,L], as images of height 1; also to a given size,
 * and with the positions of the maxima as a second result. Forward keeps where each maximum was, backward sends the
 * gradient there. */
#include "ops/resample.h"

typedef struct pooling {
    cnn__maxpool g;                   /* first: backward reads it alone */
    const cnn_maxpool1d_options *one; /* for infer: the options of any */
    const cnn_maxpool2d_options *two;
} pooling;

/* The results are the maxima and, if there are two, their positions. An extra behind them has the positions as the
 * kernels write them. */
enum { MAXPOOL2D_INDICES = 1 };

static const cnn__attribute pooling_attributes[] = {
    { .name = "kernel", .type = CNN__INT64, .offset = offsetof(pooling, g.kernel_h), .count = 2 },
    { .name = "stride", .type = CNN__INT64, .offset = offsetof(pooling, g.stride_h), .count = 2 },
    { .name = "dilation", .type = CNN__INT64, .offset = offsetof(pooling, g.dilation_h), .count = 2 },
    { .name = "padding", .type = CNN__INT64, .offset = offsetof(pooling, g.pad_top), .count = 2 },
    { .name = NULL }
};
static const cnn__attribute adaptive_pooling_attributes[] = {
    { .name = "output_size", .type = CNN__INT64, .offset = offsetof(pooling, g.out_h), .count = 2 }, { .name = NULL }
};

/* ---- infer ---- */

static bool maxpool2d_describe(cnn__call *call, const int64_t in[2], const int64_t out[2], int directions)
{
    if (in[0] * in[1] > INT32_MAX) { /* positions are int32 */
        cnn__call_fail(call, CNN_ERROR_SHAPE, "an image of %lld x %lld pixels is too large, expected at most %d in all",
                       (long long)in[0], (long long)in[1], INT32_MAX);
        return false;
    }
    cnn__out_image(call, 0, call->in[0]->dtype, directions, out);
    if (call->results > 1) {
        cnn__out_image(call, MAXPOOL2D_INDICES, CNN_I64, directions, out);
    }
    cnn__out_image(call, call->results, CNN_I32, directions, out);
    if (!call->record && call->results == 1) {
        cnn__out_none(call, call->results);
    }
    return true;
}

static bool pooling_infer(cnn__call *call, const cnn__window_given given, cnn__maxpool *g)
{
    cnn__window w;
    int64_t in[2], out[2];
    if (!cnn__call_pool(call, &given, &w, in, out)) {
        return false;
    }
    *g = (cnn__maxpool){ .planes = call->in[0]->numel / (in[0] * in[1]),
                         .in_h = in[0],
                         .in_w = in[1],
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
    return maxpool2d_describe(call, in, out, w.one_dimension ? 1 : 2);
}

static bool maxpool1d_infer(cnn__call *call, void *attributes)
{
    pooling *p = attributes;
    cnn_maxpool1d_options o;
    return cnn__call_real(call, 0) && CNN__CALL_OPTIONS(call, &o, p->one) &&
           pooling_infer(call, cnn__maxpool1d_given(&o), &p->g);
}

static bool maxpool2d_infer(cnn__call *call, void *attributes)
{
    pooling *p = attributes;
    cnn_maxpool2d_options o;
    return cnn__call_real(call, 0) && CNN__CALL_OPTIONS(call, &o, p->two) &&
           pooling_infer(call, cnn__maxpool2d_given(&o), &p->g);
}

static bool adaptive_maxpool2d_infer(cnn__call *call, void *attributes)
{
    pooling *p = attributes;
    int64_t in[2], out[2] = { p->g.out_h, p->g.out_w };
    if (!cnn__call_real(call, 0) || !cnn__call_adaptive(call, 2, in, out)) {
        return false;
    }
    p->g = (cnn__maxpool){
        .planes = call->in[0]->numel / (in[0] * in[1]), .in_h = in[0], .in_w = in[1], .out_h = out[0], .out_w = out[1]
    };
    return maxpool2d_describe(call, in, out, 2);
}

/* ---- forward and backward ---- */

static bool maxpool2d_compute(cnn__call *call, const pooling *p, cnn_kernel kernel)
{
    cnn_tensor *y = call->out[0], *index = call->out[call->results];
    cnn_launch l = CNN__LAUNCH(MAXPOOL_FORWARD, y->dtype, CNN__PARAMETERS(p->g), .in = { cnn__data(call->x[0]) },
                               .out = { cnn__data(y), cnn__data_or_null(index) });
    l.kernel = kernel;
    return !p->g.planes ||
           (cnn__run(call->tape, call->op->name, &l) &&
            (call->results == 1 || cnn__run_copy(call->tape, call->op->name, call->out[MAXPOOL2D_INDICES], index)));
}

static bool maxpool2d_forward(cnn__call *call, void *attributes)
{
    return maxpool2d_compute(call, attributes, CNN_KERNEL_MAXPOOL_FORWARD);
}

static bool adaptive_maxpool2d_forward(cnn__call *call, void *attributes)
{
    return maxpool2d_compute(call, attributes, CNN_KERNEL_ADAPTIVE_MAXPOOL);
}

static void maxpool2d_backward(cnn__node *node, cnn_tensor *dy)
{
    const cnn__maxpool *g = node->attributes;
    cnn_tensor *dx = cnn__grad_empty(node, 0);
    if (!dx) {
        return;
    }
    cnn_launch l = CNN__LAUNCH(MAXPOOL_BACKWARD, dy->dtype, CNN__PARAMETERS(*g),
                               .in = { cnn__data(dy), cnn__data(cnn__saved_output(node, node->outputs)) },
                               .out = { cnn__data(dx) });
    if (!g->planes || cnn__run(node->tape, node->op->name, &l)) {
        cnn__grad_add(node, 0, dx);
    }
}

/* What the descriptors have in common. */
#define MAXPOOL(function, results, rule, gradient, compute, list) \
    { \
        .name = #function, .outputs = (results), .extras = 1, .dense = 1, .saves = CNN__OUTPUT(results), \
        .size = sizeof(pooling), .attributes = (list), .infer = (rule), .forward = (compute), .backward = (gradient) \
    }
#define WINDOWED(function, results, rule, gradient) \
    MAXPOOL(function, results, rule, gradient, maxpool2d_forward, pooling_attributes)
#define ADAPTIVE(function, results, rule, gradient) \
    MAXPOOL(function, results, rule, gradient, adaptive_maxpool2d_forward, adaptive_pooling_attributes)

static const cnn__op maxpool1d_op = WINDOWED(maxpool1d, 1, maxpool1d_infer, maxpool2d_backward);
static const cnn__op maxpool2d_op = WINDOWED(maxpool2d, 1, maxpool2d_infer, maxpool2d_backward);
static const cnn__op maxpool2d_with_indices_op =
    WINDOWED(maxpool2d_with_indices, 2, maxpool2d_infer, maxpool2d_backward);
static const cnn__op adaptive_maxpool2d_op[2] = {
    ADAPTIVE(adaptive_maxpool2d, 1, adaptive_maxpool2d_infer, maxpool2d_backward),
    ADAPTIVE(adaptive_maxpool2d, 2, adaptive_maxpool2d_infer, maxpool2d_backward)
};

/* ---- calls ---- */

cnn_tensor *cnn_maxpool1d(cnn_tensor *x, const cnn_maxpool1d_options *options)
{
    pooling p = { .one = options };
    return cnn__apply(&maxpool1d_op, &x, 1, &p);
}

cnn_tensor *cnn_maxpool2d(cnn_tensor *x, const cnn_maxpool2d_options *options)
{
    pooling p = { .two = options };
    return cnn__apply(&maxpool2d_op, &x, 1, &p);
}

/* Two results; the second is handed out. */
static cnn_tensor *maxpool2d_apply_all(const cnn__op *op, cnn_tensor *x, pooling *p, cnn_tensor **indices)
{
    cnn_tensor *results[2];
    cnn__apply_all(op, &x, 1, p, results);
    if (indices) {
        *indices = results[MAXPOOL2D_INDICES];
    }
    return results[0];
}

cnn_tensor *cnn_maxpool2d_with_indices(cnn_tensor *x, const cnn_maxpool2d_options *options, cnn_tensor **indices)
{
    pooling p = { .two = options };
    return maxpool2d_apply_all(&maxpool2d_with_indices_op, x, &p, indices);
}

cnn_tensor *cnn_adaptive_maxpool2d(cnn_tensor *x, int64_t output_h, int64_t output_w, cnn_tensor **indices)
{
    pooling p = { .g = { .out_h = output_h, .out_w = output_w } };
    return indices ? maxpool2d_apply_all(&adaptive_maxpool2d_op[1], x, &p, indices)
                   : cnn__apply(&adaptive_maxpool2d_op[0], &x, 1, &p);
}
