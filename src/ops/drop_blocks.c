/* Dropout of whole channels, and alpha dropout, which keeps mean and variance of what SELU gives (Klambauer et al.,
 * "Self-normalizing neural networks", 2017). As in dropout.c, what stays is a pure function of the step's random key,
 * so that backward draws the same numbers again. */
#include "ops/operation.h"

#include <math.h>

typedef cnn_drop_blocks_parameters drop_blocks;

/* What alpha dropout puts in place of an element before it scales: -scale · alpha of SELU. */
#define DROPPED_VALUE (-1.7580993408473766)

static const cnn__attribute drop_blocks_attributes[] = { CNN__ATTRIBUTE(CNN__FLOAT, drop_blocks, p), { .name = NULL } };

static bool run_drop(cnn_tape *tape, const char *name, const drop_blocks *d, const cnn_tensor *x, cnn_tensor *y)
{
    cnn_launch l = CNN__LAUNCH(DROP_BLOCKS, y->dtype, CNN__PARAMETERS(*d), .count = y->numel, .in = { cnn__data(x) },
                               .out = { cnn__data(y) });
    return y->numel == 0 || cnn__run(tape, name, &l);
}

/* `dims` dimensions at the end stay or go together. */
static bool infer_drop(cnn__call *call, drop_blocks *d, int dims)
{
    const cnn_tensor *x = call->in[0];
    if (!(d->p >= 0 && d->p <= 1)) {
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "p is %s, expected 0 to 1", CNN__G(d->p));
        return false;
    }
    *d = (drop_blocks){ .p = cnn__option(d->p, 0), .inner = 1 };
    d->scale = d->p < 1 ? 1 / (1 - d->p) : 0;
    for (int i = x->ndim - dims; i < x->ndim; i++) {
        d->inner *= x->shape[i];
    }
    if (!cnn_tape_training(call->tape) || d->p == 0) {
        cnn__out_same(call, 0, 0);
    } else {
        cnn__out_like(call, 0, 0);
    }
    return true;
}

static bool dropout1d_infer(cnn__call *call, void *attributes)
{
    const cnn_tensor *x = call->in[0];
    char given[CNN__SHAPE_TEXT];
    if (!cnn__call_real(call, 0)) {
        return false;
    }
    if (x->ndim != 2 && x->ndim != 3) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "input is %s, expected [N,C,L] or [C,L]",
                       cnn__shape_text(given, x->ndim, x->shape));
        return false;
    }
    return infer_drop(call, attributes, 1);
}

static bool dropout2d_infer(cnn__call *call, void *attributes)
{
    const cnn_tensor *x = call->in[0];
    char given[CNN__SHAPE_TEXT];
    if (!cnn__call_real(call, 0)) {
        return false;
    }
    if (x->ndim != 4) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "input is %s, expected [N,C,H,W]",
                       cnn__shape_text(given, x->ndim, x->shape));
        return false;
    }
    return infer_drop(call, attributes, 2);
}

/* y = a · (x where it stays, else the value) + b, with a and b that keep mean 0 and variance 1. */
static bool alpha_dropout_infer(cnn__call *call, void *attributes)
{
    drop_blocks *d = attributes;
    if (!cnn__call_real(call, 0) || !infer_drop(call, d, 0)) {
        return false;
    }
    double a = d->p < 1 ? 1 / sqrt((1 - d->p) * (1 + d->p * DROPPED_VALUE * DROPPED_VALUE)) : 0;
    d->scale = a;
    d->kept = -a * DROPPED_VALUE * d->p;
    d->dropped = d->kept + a * DROPPED_VALUE;
    return true;
}

static bool drop_blocks_forward(cnn__call *call, void *attributes)
{
    drop_blocks *d = attributes;
    cnn__tape_random_key(call->tape, d->key);
    return run_drop(call->tape, call->op->name, d, call->x[0], call->out[0]);
}

static void drop_blocks_backward(cnn__node *node, cnn_tensor *dy)
{
    drop_blocks d = *(const drop_blocks *)node->attributes;
    d.kept = d.dropped = 0;
    cnn_tensor *dx = cnn__grad_empty(node, 0);
    if (dx && run_drop(node->tape, node->op->name, &d, dy, dx)) {
        cnn__grad_add(node, 0, dx);
    }
}

static const cnn__op dropout1d_op = { .name = "dropout1d",
                                      .dense = 1,
                                      .size = sizeof(drop_blocks),
                                      .attributes = drop_blocks_attributes,
                                      .infer = dropout1d_infer,
                                      .forward = drop_blocks_forward,
                                      .backward = drop_blocks_backward };
static const cnn__op dropout2d_op = { .name = "dropout2d",
                                      .dense = 1,
                                      .size = sizeof(drop_blocks),
                                      .attributes = drop_blocks_attributes,
                                      .infer = dropout2d_infer,
                                      .forward = drop_blocks_forward,
                                      .backward = drop_blocks_backward };
static const cnn__op alpha_dropout_op = { .name = "alpha_dropout",
                                          .dense = 1,
                                          .size = sizeof(drop_blocks),
                                          .attributes = drop_blocks_attributes,
                                          .infer = alpha_dropout_infer,
                                          .forward = drop_blocks_forward,
                                          .backward = drop_blocks_backward };

cnn_tensor *cnn_dropout1d(cnn_tensor *x, double p)
{
    drop_blocks d = { .p = p };
    return cnn__apply(&dropout1d_op, &x, 1, &d);
}

cnn_tensor *cnn_dropout2d(cnn_tensor *x, double p)
{
    drop_blocks d = { .p = p };
    return cnn__apply(&dropout2d_op, &x, 1, &d);
}

cnn_tensor *cnn_alpha_dropout(cnn_tensor *x, double p)
{
    drop_blocks d = { .p = p };
    return cnn__apply(&alpha_dropout_op, &x, 1, &d);
}
