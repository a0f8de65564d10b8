/* Convolution, ReLU and 2 × 2 max pooling as one operation (kernels/convpool.h), where the geometry allows; else the
 * chain.
 *
 * Forward keeps for each pooled value which position of its window won, a byte each, instead of the activations;
 * backward goes to those positions alone. Failures read as those of the chain's parts. */
#include "kernels/convpool.h"
#include "ops/geometry.h"

static void conv2d_relu_maxpool2d_backward(cnn__node *node, cnn_tensor *dy);
static const cnn__reads reads[] = { { "the input", 1u << 1 }, { "weight", 1u << 0 }, { "the result", 7 } };
static const cnn__op fused_op = {
    .name = "conv2d_relu_maxpool2d", .optional = 1u << 2, .backward = conv2d_relu_maxpool2d_backward, .reads = reads
};
/* The same under the names of the chain's parts, for messages. */
static const cnn__op conv_part = { .name = "conv2d", .optional = 1u << 2, .backward = conv2d_relu_maxpool2d_backward };
static const cnn__op pool_part = { .name = "maxpool2d",
                                   .optional = 1u << 2,
                                   .backward = conv2d_relu_maxpool2d_backward };

/* Is the pooling the kernels' own? false with *failed: the options are bad, which is reported. */
static bool plain_pool(cnn__call *call, const cnn_maxpool2d_options *pool, const cnn__conv *g, bool *failed)
{
    cnn_maxpool2d_options o;
    cnn__window w;
    cnn__problem problem;
    call->op = &pool_part;
    *failed = true;
    if (CNN__OPTIONS_READ(call->ctx, "maxpool2d", &o, pool) != CNN_OK) {
        cnn__call_fail_newest(call);
        return false;
    }
    if (!cnn__window_maxpool2d(&w, &o, &problem)) {
        cnn__call_fail(call, problem.status, "%s", problem.text);
        return false;
    }
    *failed = false;
    bool pairs = !w.ceil_mode || (g->out_h % 2 == 0 && g->out_w % 2 == 0);
    for (int i = 0; i < 2; i++) {
        pairs = pairs && w.kernel[i] == 2 && w.stride[i] == 2 && w.dilation[i] == 1 && !w.before[i] && !w.after[i];
    }
    return pairs && g->out_h > 1 && g->out_w > 1;
}

static bool compute(cnn__call *call, const cnn__conv *g, cnn_tensor *const in[3], cnn_tensor *y, cnn_tensor *index)
{
    const cnn__convpool_kernels *k = cnn__real(y)->convpool;
    cnn__pool *pool = call->ctx->pool;
    void *workspace = cnn__scratch_get(call->tape, k->forward_workspace(g, cnn__pool_size(pool)));
    if (!workspace) {
        return false;
    }
    k->forward(g, cnn__data(in[0]), cnn__data(in[1]), in[2] ? cnn__data(in[2]) : NULL, cnn__data(y),
               index ? cnn__data(index) : NULL, workspace, pool);
    return true;
}

static cnn_tensor *fused(cnn__call *call, const cnn__conv *g)
{
    cnn_tensor *in[3] = { NULL };
    int ndim = call->in[0]->ndim;
    const int64_t shape[4] = { g->batch, g->out_channels, g->out_h / 2, g->out_w / 2 };
    cnn_tensor *y = cnn__result(call, call->in[0]->dtype, ndim, shape + 4 - ndim);
    cnn_tensor *index = y && call->record ? cnn__result(call, CNN_U8, ndim, shape + 4 - ndim) : NULL;
    if (!y || (call->record && !index)) {
        return call->nil;
    }
    for (int i = 0; i < 3 && call->in[i]; i++) {
        in[i] = cnn__call_contiguous(call, i);
        if (!in[i]) {
            return call->nil;
        }
    }
    if (!compute(call, g, in, y, index)) {
        return call->nil;
    }
    y = cnn__record(call, y, g, sizeof *g, 3, (cnn_tensor *const[]){ in[0], in[1], index });
    if (index) {
        cnn__tape_drop(index);
    }
    return y;
}

cnn_tensor *cnn__conv2d_relu_with_pool(cnn_tensor *x, cnn_tensor *weight, cnn_tensor *bias,
                                       const cnn_conv2d_options *conv, const cnn_maxpool2d_options *pool, bool *pooled)
{
    cnn__call call;
    cnn__conv g;
    bool failed;
    *pooled = true;
    if (!cnn__call_begin(&call, &conv_part, 3, (cnn_tensor *const[]){ x, weight, bias }) ||
        !cnn__conv2d_geometry(&call, conv, &g)) {
        return call.nil;
    }
    if (plain_pool(&call, pool, &g, &failed) && g.batch > 0 && cnn__convpool_fits(&g)) {
        call.op = &fused_op;
        return fused(&call, &g);
    }
    *pooled = failed;
    return failed ? call.nil : cnn__conv2d_relu(call.in[0], call.in[1], call.in[2], conv);
}

cnn_tensor *cnn_conv2d_relu_maxpool2d(cnn_tensor *x, cnn_tensor *weight, cnn_tensor *bias,
                                      const cnn_conv2d_options *conv, const cnn_maxpool2d_options *pool)
{
    bool pooled;
    cnn_tensor *y = cnn__conv2d_relu_with_pool(x, weight, bias, conv, pool, &pooled);
    return pooled ? y : cnn_maxpool2d(y, pool);
}

/* ---- backward ---- */

/* Workspace comes before the gradients: those may be a parameter's own, which a failure should find as they were. */

static void backward_data(cnn__node *node, const cnn__conv *g, const cnn_tensor *dy)
{
    const cnn__convpool_kernels *k = cnn__real(dy)->convpool;
    cnn__pool *pool = dy->ctx->pool;
    void *workspace = cnn__scratch_get(node->tape, k->backward_data_workspace(g, cnn__pool_size(pool)));
    cnn_tensor *dx = workspace ? cnn__grad_empty(node, 0) : NULL;
    if (dx) {
        k->backward_data(g, cnn__data(dy), cnn__data(node->saved[2]), cnn__data(node->saved[1]), cnn__data(dx),
                         workspace, pool);
    }
    cnn__grad_add(node, 0, dx);
}

/* dweight and dbias come together; where the weight wants no gradient, its own goes to scratch memory. */
static void backward_weight(cnn__node *node, const cnn__conv *g, const cnn_tensor *dy)
{
    const cnn__convpool_kernels *k = cnn__real(dy)->convpool;
    cnn__pool *pool = dy->ctx->pool;
    const cnn_tensor *weight = node->saved[1];
    bool wants[2] = { cnn__wants(node, 1), cnn__wants(node, 2) };
    size_t unwanted = wants[0] ? 0 : (size_t)weight->numel * cnn_dtype_size(weight->dtype);
    size_t size = (k->backward_weight_workspace(g, cnn__pool_size(pool)) + 63) / 64 * 64;
    char *workspace = cnn__scratch_get(node->tape, size + unwanted);
    cnn_tensor *dweight = workspace && wants[0] ? cnn__grad_empty(node, 1) : NULL;
    cnn_tensor *dbias = workspace && wants[1] ? cnn__grad_empty(node, 2) : NULL;
    if (workspace && (dweight || !wants[0]) && (dbias || !wants[1])) {
        k->backward_weight(g, cnn__data(node->saved[0]), cnn__data(dy), cnn__data(node->saved[2]),
                           dweight ? cnn__data(dweight) : workspace + size, dbias ? cnn__data(dbias) : NULL, workspace,
                           pool);
        cnn__grad_add(node, 1, dweight);
        cnn__grad_add(node, 2, dbias);
    }
}

static void conv2d_relu_maxpool2d_backward(cnn__node *node, cnn_tensor *dy)
{
    const cnn__conv *g = node->attributes;
    if (cnn__wants(node, 0)) {
        backward_data(node, g, dy);
    }
    if (cnn__wants(node, 1) || cnn__wants(node, 2)) {
        backward_weight(node, g, dy);
    }
}
