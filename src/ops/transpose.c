/* transpose and permute: dimensions in another order, as a view. The gradient takes the way back. */
#include "ops/operation.h"

/* Dimension i of the result is dimension from[i] of x. */
typedef struct order {
    int ndim;
    int from[CNN_MAX_DIMS];
    int first, second; /* for infer: the dimensions that transpose exchanges */
    const int *given;  /* for infer: what permute is given */
} order;

static const cnn__attribute order_attributes[] = { { .name = "dims",
                                                     .type = CNN__INT,
                                                     .offset = offsetof(order, from),
                                                     .count = CNN_MAX_DIMS,
                                                     .counted = true,
                                                     .count_at = offsetof(order, ndim) },
                                                   { .name = NULL } };

static void permute_backward(cnn__node *node, cnn_tensor *dy)
{
    const order *o = node->attributes;
    int back[CNN_MAX_DIMS];
    for (int i = 0; i < dy->ndim; i++) {
        back[o->from[i]] = i;
    }
    cnn__grad_add(node, 0, cnn_permute(dy, dy->ndim, back));
}

static void arrange(cnn__call *call, const order *o)
{
    const cnn_tensor *x = call->in[0];
    cnn__spec *y = cnn__out_view(call, 0, 0);
    for (int i = 0; i < x->ndim; i++) {
        y->shape[i] = x->shape[o->from[i]];
        y->stride[i] = x->stride[o->from[i]];
    }
}

static bool transpose_infer(cnn__call *call, void *attributes)
{
    order *o = attributes;
    o->ndim = call->in[0]->ndim;
    int d0 = cnn__call_dim(call, o->first, o->ndim);
    int d1 = d0 < 0 ? -1 : cnn__call_dim(call, o->second, o->ndim);
    if (d1 < 0) {
        return false;
    }
    for (int i = 0; i < o->ndim; i++) {
        o->from[i] = i == d0 ? d1 : i == d1 ? d0 : i;
    }
    arrange(call, o);
    return true;
}

static bool permute_infer(cnn__call *call, void *attributes)
{
    order *o = attributes;
    int ndim = call->in[0]->ndim, count = o->ndim;
    if (count != ndim || (count && !o->given)) {
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "%d dimensions%s for a tensor of rank %d", count,
                       count && !o->given ? " at NULL" : "", ndim);
        return false;
    }
    bool used[CNN_MAX_DIMS] = { false };
    for (int i = 0; i < ndim; i++) {
        o->from[i] = cnn__call_dim(call, o->given[i], ndim);
        if (o->from[i] < 0) {
            return false;
        }
        if (used[o->from[i]]) {
            cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "dimension %d is given twice", o->given[i]);
            return false;
        }
        used[o->from[i]] = true;
    }
    arrange(call, o);
    return true;
}

static const cnn__op transpose_op = { .name = "transpose",
                                      .size = sizeof(order),
                                      .attributes = order_attributes,
                                      .infer = transpose_infer,
                                      .backward = permute_backward };
static const cnn__op permute_op = { .name = "permute",
                                    .size = sizeof(order),
                                    .attributes = order_attributes,
                                    .infer = permute_infer,
                                    .backward = permute_backward };

cnn_tensor *cnn_transpose(cnn_tensor *x, int dim0, int dim1)
{
    order o = { .first = dim0, .second = dim1 };
    return cnn__apply(&transpose_op, &x, 1, &o);
}

cnn_tensor *cnn_permute(cnn_tensor *x, int count, const int *dims)
{
    order o = { .ndim = count, .given = dims };
    return cnn__apply(&permute_op, &x, 1, &o);
}
