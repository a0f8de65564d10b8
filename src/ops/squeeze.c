/* squeeze and unsqueeze: a dimension of size 1 taken out or put in, as a view. */
#include "ops/operation.h"

typedef struct squeeze_place {
    int dim;
} squeeze_place;

static const cnn__attribute place_attributes[] = { CNN__ATTRIBUTE(CNN__INT, squeeze_place, dim), { .name = NULL } };

static void squeeze_backward(cnn__node *node, cnn_tensor *dy)
{
    const cnn_tensor *x = node->in[0];
    cnn__grad_add(node, 0, cnn_reshape(dy, x->ndim, x->shape));
}

static bool squeeze_infer(cnn__call *call, void *attributes)
{
    squeeze_place *p = attributes;
    int d = cnn__call_dim(call, p->dim, call->in[0]->ndim);
    if (d < 0) {
        return false;
    }
    p->dim = d;
    cnn__spec *y = cnn__out_view(call, 0, 0);
    if (y->shape[d] == 1) {
        y->ndim--;
        for (int i = d; i < y->ndim; i++) {
            y->shape[i] = y->shape[i + 1];
            y->stride[i] = y->stride[i + 1];
        }
    }
    return true;
}

static bool unsqueeze_infer(cnn__call *call, void *attributes)
{
    squeeze_place *p = attributes;
    int ndim = call->in[0]->ndim;
    if (ndim == CNN_MAX_DIMS) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "the tensor has %d dimensions, the most there are", ndim);
        return false;
    }
    int d = cnn__call_dim(call, p->dim, ndim + 1);
    if (d < 0) {
        return false;
    }
    p->dim = d;
    cnn__spec *y = cnn__out_view(call, 0, 0);
    for (int i = ndim; i > d; i--) {
        y->shape[i] = y->shape[i - 1];
        y->stride[i] = y->stride[i - 1];
    }
    y->stride[d] = d < ndim ? y->shape[d] * y->stride[d] : 1;
    y->shape[d] = 1;
    y->ndim++;
    return true;
}

static const cnn__op squeeze_op = { .name = "squeeze",
                                    .size = sizeof(squeeze_place),
                                    .attributes = place_attributes,
                                    .infer = squeeze_infer,
                                    .backward = squeeze_backward };
static const cnn__op unsqueeze_op = { .name = "unsqueeze",
                                      .size = sizeof(squeeze_place),
                                      .attributes = place_attributes,
                                      .infer = unsqueeze_infer,
                                      .backward = squeeze_backward };

cnn_tensor *cnn_squeeze(cnn_tensor *x, int dim)
{
    return cnn__apply(&squeeze_op, &x, 1, &(squeeze_place){ dim });
}

cnn_tensor *cnn_unsqueeze(cnn_tensor *x, int dim)
{
    return cnn__apply(&unsqueeze_op, &x, 1, &(squeeze_place){ dim });
}
