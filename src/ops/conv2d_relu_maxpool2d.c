/* Convolution, ReLU and 2 × 2 max pooling as one operation (kernels/conv_relu_pool.h), where the geometry allows; else
 * the chain.
 *
 * Forward keeps for each pooled value which position of its window won, a byte each, instead of the activations;
 * backward goes to those positions alone. Failures read as those of the chain's parts. */
#include "kernels/conv_relu_pool.h"
#include "ops/geometry.h"

enum { FUSED_INDEX = 1 }; /* the extra: which position of each window won */

/* Names of the chain's parts, for messages. */
static const cnn__op conv_part = { .name = "conv2d" };
static const cnn__op pool_part = { .name = "maxpool2d" };

/* Is the pooling the kernels' own? false with *failed: the options are bad, which is reported. */
static bool plain_pool(cnn__call *call, const cnn_maxpool2d_options *pool, const cnn__conv *g, bool *failed)
{
    cnn_maxpool2d_options o;
    cnn__window w;
    cnn__problem problem;
    call->op = &pool_part;
    *failed = true;
    if (!CNN__CALL_OPTIONS(call, &o, pool)) {
        return false;
    }
    cnn__window_given given = cnn__maxpool2d_given(&o);
    if (!cnn__window_pool(&w, &given, &problem)) {
        return cnn__call_problem(call, &problem);
    }
    *failed = false;
    bool pairs = !w.ceil_mode || (g->out_h % 2 == 0 && g->out_w % 2 == 0);
    for (int i = 0; i < 2; i++) {
        pairs = pairs && w.kernel[i] == 2 && w.stride[i] == 2 && w.dilation[i] == 1 && !w.before[i] && !w.after[i];
    }
    return pairs && g->out_h > 1 && g->out_w > 1;
}

/* Where the geometry does not allow it, the operation becomes relu(conv2d(…)), which has the same inputs and
 * attributes. */
static bool fused_infer(cnn__call *call, void *attributes)
{
    cnn__conv_attributes *a = attributes;
    const cnn__op *fused = call->op;
    bool failed;
    call->op = &conv_part;
    if (!cnn__conv2d_geometry(call, a->conv, &a->g)) {
        return false;
    }
    a->pooled = plain_pool(call, a->pool, &a->g, &failed) && a->g.batch > 0 && cnn__conv_relu_pool_fits(&a->g);
    if (failed) {
        return false;
    }
    if (!a->pooled) {
        call->op = &cnn__conv2d_relu_op;
        return call->op->infer(call, attributes);
    }
    call->op = fused;
    int ndim = call->in[0]->ndim;
    const int64_t shape[4] = { a->g.batch, a->g.out_channels, a->g.out_h / 2, a->g.out_w / 2 };
    cnn__out(call, 0, call->in[0]->dtype, ndim, shape + 4 - ndim);
    cnn__out(call, FUSED_INDEX, CNN_U8, ndim, shape + 4 - ndim);
    if (!call->record) {
        cnn__out_none(call, FUSED_INDEX);
    }
    return true;
}

static bool fused_forward(cnn__call *call, void *attributes)
{
    const cnn__conv *g = &((const cnn__conv_attributes *)attributes)->g;
    cnn_tensor *const *in = call->x, *y = call->out[0];
    cnn_launch l = CNN__LAUNCH(CONV_RELU_POOL_FORWARD, y->dtype, CNN__PARAMETERS(*g),
                               .in = { cnn__data(in[0]), cnn__data(in[1]), cnn__data_or_null(in[2]) },
                               .out = { cnn__data(y), cnn__data_or_null(call->out[FUSED_INDEX]) });
    return cnn__run_weighted(call->tape, call->op->name, &l, in[1]);
}

/* ---- backward ---- */

static void fused_backward_data(cnn__node *node, const cnn__conv *g, const cnn_tensor *dy)
{
    cnn_tensor *dx = cnn__grad_empty(node, 0);
    if (dx) {
        cnn_launch l = CNN__LAUNCH(
            CONV_RELU_POOL_BACKWARD_DATA, dy->dtype, CNN__PARAMETERS(*g),
            .in = { cnn__data(dy), cnn__data(cnn__saved_output(node, FUSED_INDEX)), cnn__data(node->saved[1]) },
            .out = { cnn__data(dx) });
        cnn__grad_add(node, 0, cnn__run(node->tape, node->op->name, &l) ? dx : NULL);
    }
}

/* dweight and dbias come together; where the weight wants no gradient, its own goes to a tensor that nobody reads. */
static void fused_backward_weight(cnn__node *node, const cnn__conv *g, const cnn_tensor *dy)
{
    bool wants[2] = { cnn__wants(node, 1), cnn__wants(node, 2) };
    cnn_tensor *dweight = wants[0] ? cnn__grad_empty(node, 1) : cnn__grad_like(node, node->saved[1]);
    cnn_tensor *dbias = dweight && wants[1] ? cnn__grad_empty(node, 2) : NULL;
    if (!dweight || (wants[1] && !dbias)) {
        return;
    }
    cnn_launch l =
        CNN__LAUNCH(CONV_RELU_POOL_BACKWARD_WEIGHT, dy->dtype, CNN__PARAMETERS(*g),
                    .in = { cnn__data(node->saved[0]), cnn__data(dy), cnn__data(cnn__saved_output(node, FUSED_INDEX)) },
                    .out = { cnn__data(dweight), cnn__data_or_null(dbias) });
    if (cnn__run(node->tape, node->op->name, &l)) {
        cnn__grad_add(node, 1, wants[0] ? dweight : NULL);
        cnn__grad_add(node, 2, dbias);
    }
}

static void conv2d_relu_maxpool2d_backward(cnn__node *node, cnn_tensor *dy)
{
    const cnn__conv *g = node->attributes;
    if (cnn__wants(node, 0)) {
        fused_backward_data(node, g, dy);
    }
    if (cnn__wants(node, 1) || cnn__wants(node, 2)) {
        fused_backward_weight(node, g, dy);
    }
}

static const cnn__reads fused_reads[] = {
    { "the input", 1u << 1 }, { "weight", 1u << 0 }, { NULL, 0 }, { NULL, 0 }, { "the result", 7 }
};
static const cnn__op conv2d_relu_maxpool2d_op = {
    .name = "conv2d_relu_maxpool2d",
    .extras = 1,
    .optional = 1u << 2,
    .dense = 7,
    .saves = 3 | CNN__OUTPUT(FUSED_INDEX),
    .size = sizeof(cnn__conv_attributes),
    .attributes = cnn__conv2d_attributes,
    .infer = fused_infer,
    .forward = fused_forward,
    .backward = conv2d_relu_maxpool2d_backward,
    .reads = fused_reads,
};

cnn_tensor *cnn__conv2d_relu_with_pool(cnn_tensor *x, cnn_tensor *weight, cnn_tensor *bias,
                                       const cnn_conv2d_options *conv, const cnn_maxpool2d_options *pool, bool *pooled)
{
    cnn__conv_attributes a = { .conv = conv, .pool = pool };
    cnn_tensor *y = cnn__apply(&conv2d_relu_maxpool2d_op, (cnn_tensor *const[]){ x, weight, bias }, 3, &a);
    *pooled = a.pooled || y->kind == CNN__TENSOR_NIL;
    return y;
}

cnn_tensor *cnn_conv2d_relu_maxpool2d(cnn_tensor *x, cnn_tensor *weight, cnn_tensor *bias,
                                      const cnn_conv2d_options *conv, const cnn_maxpool2d_options *pool)
{
    bool pooled;
    cnn_tensor *y = cnn__conv2d_relu_with_pool(x, weight, bias, conv, pool, &pooled);
    return pooled ? y : cnn_maxpool2d(y, pool);
}
