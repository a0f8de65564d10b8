/* Dropout: which elements stay is a pure function of the step's random key and the element's place, so backward draws
 * the same numbers again and no mask is stored. */
#include "ops/operation.h"

typedef cnn_draw_parameters dropout_draw;

static const cnn__attribute dropout_draw_attributes[] = { CNN__ATTRIBUTE(CNN__FLOAT, dropout_draw, p),
                                                          { .name = NULL } };

/* x with elements dropped, which backward does to the gradient in the same way. */
static bool drop(cnn_tape *tape, const dropout_draw *d, const cnn_tensor *x, cnn_tensor *y)
{
    cnn_launch l = CNN__LAUNCH(DROPOUT, y->dtype, CNN__PARAMETERS(*d), .count = y->numel, .in = { cnn__data(x) },
                               .out = { cnn__data(y) });
    return cnn__run(tape, "dropout", &l);
}

static bool dropout_infer(cnn__call *call, void *attributes)
{
    dropout_draw *d = attributes;
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

static bool ops_dropout_forward(cnn__call *call, void *attributes)
{
    dropout_draw *d = attributes;
    cnn__tape_random_key(call->tape, d->key);
    return drop(call->tape, d, call->x[0], call->out[0]);
}

static void dropout_backward(cnn__node *node, cnn_tensor *dy)
{
    const dropout_draw *d = node->attributes;
    cnn_tensor *dx = cnn__grad_empty(node, 0);
    if (dx && drop(node->tape, d, dy, dx)) {
        cnn__grad_add(node, 0, dx);
    }
}

static const cnn__op dropout_op = { .name = "dropout",
                                    .dense = 1,
                                    .size = sizeof(dropout_draw),
                                    .attributes = dropout_draw_attributes,
                                    .infer = dropout_infer,
                                    .forward = ops_dropout_forward,
                                    .backward = dropout_backward };

cnn_tensor *cnn_dropout(cnn_tensor *x, double p)
{
    dropout_draw d = { .p = p };
    return cnn__apply(&dropout_op, &x, 1, &d);
}
