/* Dropout: which elements stay is a pure function of the step's random key and the element's place, so backward draws
 * the same numbers again and no mask is stored. */
#include "ops/operation.h"

typedef struct draw {
    double p;
    uint64_t key[2];
} draw;

static const cnn__attribute draw_attributes[] = { CNN__ATTRIBUTE(CNN__FLOAT, draw, p), { .name = NULL } };

static bool infer(cnn__call *call, void *attributes)
{
    draw *d = attributes;
    if (!cnn__call_real(call, 0)) {
        return false;
    }
    if (!(d->p >= 0 && d->p <= 1)) {
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "p is %s, expected 0 to 1", CNN__G(d->p));
        return false;
    }
    d->p = cnn__option(d->p, 0);
    if (!cnn_tape_training(call->tape) || d->p == 0) {
        cnn__out_same(call, 0, 0);
    } else {
        cnn__out_like(call, 0, 0);
    }
    return true;
}

static bool forward(cnn__call *call, void *attributes)
{
    draw *d = attributes;
    const cnn_tensor *x = call->x[0], *y = call->out[0];
    cnn__tape_random_key(call->tape, d->key);
    cnn__real(y)->dropout(y->numel, d->p, d->key, cnn__data(x), cnn__data(y), call->ctx->pool);
    return true;
}

static void dropout_backward(cnn__node *node, cnn_tensor *dy)
{
    const draw *d = node->attributes;
    cnn_tensor *dx = cnn__grad_empty(node, 0);
    if (!dx) {
        return;
    }
    cnn__real(dy)->dropout(dy->numel, d->p, d->key, cnn__data(dy), cnn__data(dx), dy->ctx->pool);
    cnn__grad_add(node, 0, dx);
}

static const cnn__op dropout_op = { .name = "dropout",
                                    .dense = 1,
                                    .size = sizeof(draw),
                                    .attributes = draw_attributes,
                                    .infer = infer,
                                    .forward = forward,
                                    .backward = dropout_backward };

cnn_tensor *cnn_dropout(cnn_tensor *x, double p)
{
    draw d = { .p = p };
    return cnn__apply(&dropout_op, &x, 1, &d);
}
