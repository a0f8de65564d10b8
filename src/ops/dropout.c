/* Dropout: which elements stay is a pure function of the step's random key and the element's place, so backward draws
 * the same numbers again and no mask is stored. */
#include "autograd/tape.h"

#include <cnn/ops.h>

static void dropout_backward(cnn__node *node, cnn_tensor *dy);
static const cnn__op dropout_op = { .name = "dropout", .backward = dropout_backward };

typedef struct draw {
    double p;
    uint64_t key[2];
} draw;

static bool training(const cnn_tape *tape)
{
    cnn_mode mode = cnn_tape_mode(tape);
    return mode == CNN_TRAIN || mode == CNN_TRAIN_NO_GRAD;
}

cnn_tensor *cnn_dropout(cnn_tensor *x, double p)
{
    cnn__call call;
    if (!cnn__call_begin(&call, &dropout_op, 1, (cnn_tensor *const[]){ x }) || !cnn__call_real(&call, 0)) {
        return call.nil;
    }
    if (!(p >= 0 && p <= 1)) {
        return cnn__call_fail(&call, CNN_ERROR_INVALID_ARGUMENT, "p is %s, expected 0 to 1", CNN__G(p));
    }
    draw d = { .p = cnn__option(p, 0) };
    if (!training(call.tape) || d.p == 0) {
        return call.in[0];
    }
    cnn__tape_random_key(call.tape, d.key);
    cnn_tensor *y = cnn__result(&call, call.in[0]->dtype, call.in[0]->ndim, call.in[0]->shape);
    cnn_tensor *cx = y ? cnn__call_contiguous(&call, 0) : NULL;
    if (!cx) {
        return call.nil;
    }
    cnn__real(y)->dropout(y->numel, d.p, d.key, cnn__data(cx), cnn__data(y), call.ctx->pool);
    return cnn__record(&call, y, &d, sizeof d, 0, NULL);
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
