/* log Σ exp(x) over any dimensions: the largest x, so that nothing overflows, plus the same of what is left. */
#include "ops/reduced.h"

#include <float.h>
#include <math.h>

static bool logsumexp_infer(cnn__call *call, void *attributes)
{
    cnn__reduction *r = attributes;
    if (!cnn__call_real(call, 0) || !cnn__call_axes(call, r)) {
        return false;
    }
    cnn__out(call, 0, call->in[0]->dtype, r->axes.ndim, r->axes.shape);
    return true;
}

static bool logsumexp_forward(cnn__call *call, void *attributes)
{
    const cnn__axes *axes = &((const cnn__reduction *)attributes)->axes;
    cnn__reduced r;
    if (!call->out[0]->numel || !axes->elements) {
        return cnn__run_fill(call->tape, call->op->name, call->out[0], -INFINITY);
    }
    if (!cnn__reduced_begin(&r, call, axes)) {
        return false;
    }
    /* An infinite maximum is brought back to the largest number, so that no infinity is taken from itself. */
    const double largest = r.x->dtype == CNN_F64 ? DBL_MAX : (double)FLT_MAX;
    cnn_tensor *most = cnn__reduced_kept(&r);
    bool done = most && cnn__reduced_reduce(&r, CNN_REDUCE_OF_MAX, most) &&
                cnn__reduced_map(&r, most, CNN_UNARY_CLAMP, -largest) &&
                cnn__reduced_with(&r, r.x, CNN_BINARY_SUB, most) && cnn__reduced_map(&r, r.x, CNN_UNARY_EXP, 0) &&
                cnn__reduced_reduce(&r, CNN_REDUCE_OF_SUM, r.result) &&
                cnn__reduced_map(&r, r.result, CNN_UNARY_LOG, 0);
    if (!done) {
        return false;
    }
    cnn_tensor same = *most; /* in the result's shape */
    cnn__tensor_shape_set(&same, most->dtype, r.result->ndim, r.result->shape);
    return cnn__reduced_with(&r, r.result, CNN_BINARY_ADD, &same) && cnn__reduced_end(&r);
}

/* dy · exp(x − y) */
static void logsumexp_backward(cnn__node *node, cnn_tensor *dy)
{
    const cnn__axes *axes = node->attributes;
    cnn_tensor *x = cnn__reduced_widen(node->saved[0]);
    cnn_tensor *y = cnn__reduced_spread(node, axes, cnn__saved_output(node, 0));
    cnn__reduced_add(node, cnn_mul(cnn_exp(cnn_sub(x, y)), cnn__reduced_spread(node, axes, dy)));
}

static const cnn__op logsumexp_op = { .name = "logsumexp",
                                      .saves = 1 | CNN__OUTPUT(0),
                                      .size = sizeof(cnn__reduction),
                                      .attributes = cnn__reduction_attributes,
                                      .infer = logsumexp_infer,
                                      .forward = logsumexp_forward,
                                      .backward = logsumexp_backward };

cnn_tensor *cnn_logsumexp(cnn_tensor *x, int count, const int *dims, bool keepdim)
{
    cnn__reduction r = { .count = count, .given = dims, .keepdim = keepdim };
    return cnn__apply(&logsumexp_op, &x, 1, &r);
}
