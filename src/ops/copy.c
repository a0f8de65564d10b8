/* contiguous, clone, cast and detach: the same elements in other memory, another dtype, or without history. */
#include "ops/operation.h"

static void copy_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn__grad_add(node, 0, dy);
}

static void cast_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn__grad_add(node, 0, cnn_cast(dy, node->in[0]->dtype));
}

typedef struct copy_conversion {
    int dtype;
} copy_conversion;

static const cnn__attribute conversion_attributes[] = { CNN__ATTRIBUTE(CNN__DTYPE, copy_conversion, dtype),
                                                        { .name = NULL } };

static bool contiguous_infer(cnn__call *call, void *attributes)
{
    (void)attributes;
    if (cnn__contiguous(call->in[0])) {
        cnn__out_same(call, 0, 0);
    } else {
        cnn__out_like(call, 0, 0);
    }
    return true;
}

static bool clone_infer(cnn__call *call, void *attributes)
{
    (void)attributes;
    cnn__out_like(call, 0, 0);
    return true;
}

static bool cast_infer(cnn__call *call, void *attributes)
{
    const copy_conversion *c = attributes;
    const cnn_tensor *x = call->in[0];
    if (!cnn__dtype_valid((cnn_dtype)c->dtype)) {
        cnn__call_fail(call, CNN_ERROR_DTYPE, "%d is no dtype", c->dtype);
        return false;
    }
    if ((int)x->dtype == c->dtype) {
        cnn__out_same(call, 0, 0);
    } else {
        cnn__out(call, 0, (cnn_dtype)c->dtype, x->ndim, x->shape);
    }
    return true;
}

static bool detach_infer(cnn__call *call, void *attributes)
{
    (void)attributes;
    cnn__out_view(call, 0, 0);
    return true;
}

static bool copy_forward(cnn__call *call, void *attributes)
{
    (void)attributes;
    return cnn__run_copy(call->tape, call->op->name, call->out[0], call->x[0]);
}

static const cnn__op contiguous_op = {
    .name = "contiguous", .infer = contiguous_infer, .forward = copy_forward, .backward = copy_backward
};
static const cnn__op clone_op = {
    .name = "clone", .infer = clone_infer, .forward = copy_forward, .backward = copy_backward
};
static const cnn__op cast_op = { .name = "cast",
                                 .size = sizeof(copy_conversion),
                                 .attributes = conversion_attributes,
                                 .infer = cast_infer,
                                 .forward = copy_forward,
                                 .backward = cast_backward };
static const cnn__op detach_op = { .name = "detach", .infer = detach_infer };

cnn_tensor *cnn_contiguous(cnn_tensor *x)
{
    return cnn__apply(&contiguous_op, &x, 1, NULL);
}

cnn_tensor *cnn_clone(cnn_tensor *x)
{
    return cnn__apply(&clone_op, &x, 1, NULL);
}

cnn_tensor *cnn_cast(cnn_tensor *x, cnn_dtype dtype)
{
    return cnn__apply(&cast_op, &x, 1, &(copy_conversion){ (int)dtype });
}

cnn_tensor *cnn_detach(cnn_tensor *x)
{
    return cnn__apply(&detach_op, &x, 1, NULL);
}
