/* transpose and permute: dimensions in another order, as a view. The gradient takes the way back. */
#include "ops/operation.h"

/* Dimension i of the result is dimension from[i] of x. */
typedef struct order {
    int from[CNN_MAX_DIMS];
} order;

static void permute_backward(cnn__node *node, cnn_tensor *dy)
{
    const order *o = node->attributes;
    int back[CNN_MAX_DIMS];
    for (int i = 0; i < dy->ndim; i++) {
        back[o->from[i]] = i;
    }
    cnn__grad_add(node, 0, cnn_permute(dy, dy->ndim, back));
}

static const cnn__op transpose_op = { .name = "transpose", .backward = permute_backward };
static const cnn__op permute_op = { .name = "permute", .backward = permute_backward };

static cnn_tensor *arrange(cnn__call *call, const order *o)
{
    const cnn_tensor *x = call->in[0];
    cnn_tensor *y = cnn__result_view(call, 0);
    if (!y) {
        return call->nil;
    }
    for (int i = 0; i < x->ndim; i++) {
        y->shape[i] = x->shape[o->from[i]];
        y->stride[i] = x->stride[o->from[i]];
    }
    return cnn__record(call, y, o, sizeof *o, 0, NULL);
}

cnn_tensor *cnn_transpose(cnn_tensor *x, int dim0, int dim1)
{
    cnn__call call;
    if (!cnn__call_begin(&call, &transpose_op, 1, (cnn_tensor *const[]){ x })) {
        return call.nil;
    }
    int ndim = call.in[0]->ndim;
    int d0 = cnn__call_dim(&call, dim0, ndim);
    int d1 = d0 < 0 ? -1 : cnn__call_dim(&call, dim1, ndim);
    if (d1 < 0) {
        return call.nil;
    }
    order o = { { 0 } };
    for (int i = 0; i < ndim; i++) {
        o.from[i] = i == d0 ? d1 : i == d1 ? d0 : i;
    }
    return arrange(&call, &o);
}

cnn_tensor *cnn_permute(cnn_tensor *x, int count, const int *dims)
{
    cnn__call call;
    if (!cnn__call_begin(&call, &permute_op, 1, (cnn_tensor *const[]){ x })) {
        return call.nil;
    }
    int ndim = call.in[0]->ndim;
    if (count != ndim || (count && !dims)) {
        return cnn__call_fail(&call, CNN_ERROR_INVALID_ARGUMENT, "%d dimensions%s for a tensor of rank %d", count,
                              count && !dims ? " at NULL" : "", ndim);
    }
    order o = { { 0 } };
    bool used[CNN_MAX_DIMS] = { false };
    for (int i = 0; i < ndim; i++) {
        o.from[i] = cnn__call_dim(&call, dims[i], ndim);
        if (o.from[i] < 0) {
            return call.nil;
        }
        if (used[o.from[i]]) {
            return cnn__call_fail(&call, CNN_ERROR_INVALID_ARGUMENT, "dimension %d is given twice", dims[i]);
        }
        used[o.from[i]] = true;
    }
    return arrange(&call, &o);
}
