/* softmax and log_softmax along one dimension. The kernels take contiguous rows, so another dimension than the last is
 * brought there and back. */
#include "ops/operation.h"

static void softmax_backward(cnn__node *node, cnn_tensor *dy);
static void log_softmax_backward(cnn__node *node, cnn_tensor *dy);

static const cnn__op softmax_op = { .name = "softmax", .backward = softmax_backward };
static const cnn__op log_softmax_op = { .name = "log_softmax", .backward = log_softmax_backward };

/* y · (dy − Σ dy·y) */
static void softmax_backward(cnn__node *node, cnn_tensor *dy)
{
    const int *dim = node->attributes;
    cnn_tensor *y = node->saved[0];
    cnn_tensor *total = cnn_sum(cnn_mul(dy, y), 1, dim, true);
    cnn__grad_add(node, 0, cnn_mul(y, cnn_sub(dy, total)));
}

/* dy − exp(y) · Σ dy */
static void log_softmax_backward(cnn__node *node, cnn_tensor *dy)
{
    const int *dim = node->attributes;
    cnn_tensor *total = cnn_sum(dy, 1, dim, true);
    cnn__grad_add(node, 0, cnn_sub(dy, cnn_mul(cnn_exp(node->saved[0]), total)));
}

typedef void (*rows_fn)(cnn_dtype dtype, int64_t rows, int64_t n, const void *x, void *y, cnn__pool *pool);

static void run(rows_fn rows, int64_t n, const cnn_tensor *x, cnn_tensor *y)
{
    if (y->numel) {
        rows(y->dtype, y->numel / n, n, cnn__data(x), cnn__data(y), y->ctx->pool);
    }
}

/* t with dimension `dim` and the last exchanged, without a handle of its own. */
static cnn_tensor exchanged(const cnn_tensor *t, int dim)
{
    cnn_tensor view = *t;
    int last = t->ndim - 1;
    view.shape[dim] = t->shape[last];
    view.shape[last] = t->shape[dim];
    view.stride[dim] = t->stride[last];
    view.stride[last] = t->stride[dim];
    return view;
}

/* Along another dimension than the last. */
static bool run_across(cnn__call *call, rows_fn rows, int dim, const cnn_tensor *x, cnn_tensor *y)
{
    cnn_tensor from = exchanged(x, dim), to = exchanged(y, dim);
    cnn_tensor *dense = cnn__result(call, x->dtype, x->ndim, from.shape);
    if (!dense) {
        return false;
    }
    cnn__tensor_copy(dense, &from);
    run(rows, x->shape[dim], dense, dense);
    cnn__tensor_copy(&to, dense);
    return true;
}

static cnn_tensor *apply(const cnn__op *op, cnn_tensor *x, int dim)
{
    cnn__call call;
    if (!cnn__call_begin(&call, op, 1, (cnn_tensor *const[]){ x }) || !cnn__call_real(&call, 0)) {
        return call.nil;
    }
    x = call.in[0];
    const cnn__array_kernels *kernels = call.ctx->kernels->array;
    rows_fn rows = op == &softmax_op ? kernels->softmax : kernels->log_softmax;
    int d = cnn__call_dim(&call, dim, x->ndim);
    cnn_tensor *y = d < 0 ? NULL : cnn__result(&call, x->dtype, x->ndim, x->shape);
    if (!y) {
        return call.nil;
    }
    if (d < x->ndim - 1) {
        if (!run_across(&call, rows, d, x, y)) {
            return call.nil;
        }
    } else {
        cnn_tensor *dense = cnn__call_contiguous(&call, 0);
        if (!dense) {
            return call.nil;
        }
        run(rows, x->shape[d], dense, y);
    }
    return cnn__record(&call, y, &d, sizeof d, 1, (cnn_tensor *const[]){ y });
}

cnn_tensor *cnn_softmax(cnn_tensor *x, int dim)
{
    return apply(&softmax_op, x, dim);
}

cnn_tensor *cnn_log_softmax(cnn_tensor *x, int dim)
{
    return apply(&log_softmax_op, x, dim);
}
