/* Dimensions of size 1 repeated without a copy, by a stride of 0. The gradient is the sum over the repetitions. */
#include "ops/operation.h"

static void expand_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn__grad_add(node, 0, dy);
}

typedef struct repetition {
    int ndim;
    int64_t shape[CNN_MAX_DIMS]; /* the shape of the result */
    const int64_t *given;        /* for infer: with −1 for sizes that stay */
} repetition;

static const cnn__attribute expand_attributes[] = { { .name = "shape",
                                                      .type = CNN__INT64,
                                                      .offset = offsetof(repetition, shape),
                                                      .count = CNN_MAX_DIMS,
                                                      .counted = true,
                                                      .count_at = offsetof(repetition, ndim) },
                                                    { .name = NULL } };

/* The sizes asked for, with −1 filled in; false where x cannot be repeated to them. */
static bool expand_complete(const cnn_tensor *x, int ndim, const int64_t *given, int64_t *shape)
{
    for (int i = 0; i < ndim; i++) {
        int own = i - (ndim - x->ndim);
        int64_t size = own < 0 ? -1 : x->shape[own];
        shape[i] = given[i] == -1 ? size : given[i];
        if (shape[i] < 0 || (own >= 0 && size != 1 && shape[i] != size)) {
            return false;
        }
    }
    return true;
}

static bool expand_infer(cnn__call *call, void *attributes)
{
    repetition *r = attributes;
    const cnn_tensor *x = call->in[0];
    char from[CNN__SHAPE_TEXT], to[CNN__SHAPE_TEXT];
    int64_t numel;
    int ndim = r->ndim;
    if (ndim < x->ndim || ndim > CNN_MAX_DIMS || (ndim && !r->given)) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "%d dimensions%s, expected %d to %d", ndim,
                       ndim > 0 && !r->given ? " at NULL" : "", x->ndim, CNN_MAX_DIMS);
        return false;
    }
    if (!expand_complete(x, ndim, r->given, r->shape)) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "shape %s cannot be repeated to %s",
                       cnn__shape_text(from, x->ndim, x->shape), cnn__shape_text(to, ndim, r->given));
        return false;
    }
    if (cnn__shape_check(call->ctx, "expand", x->dtype, ndim, r->shape, &numel) != CNN_OK) {
        cnn__call_fail_newest(call);
        return false;
    }
    cnn__spec *y = cnn__out_view(call, 0, 0);
    cnn__broadcast_strides(x, ndim, r->shape, y->stride);
    y->ndim = ndim;
    for (int i = 0; i < ndim; i++) {
        y->shape[i] = r->shape[i];
    }
    return true;
}

static const cnn__op expand_op = { .name = "expand",
                                   .size = sizeof(repetition),
                                   .attributes = expand_attributes,
                                   .infer = expand_infer,
                                   .backward = expand_backward };

cnn_tensor *cnn_expand(cnn_tensor *x, int ndim, const int64_t *shape)
{
    repetition r = { .ndim = ndim, .given = shape };
    return cnn__apply(&expand_op, &x, 1, &r);
}
