/* The operation behind the losses that are a function of each element (element_loss.h): a prediction x, a target t,
 * perhaps a third operand c, and a weight without a gradient. The loss and its reduction are one launch, and so are all
 * of its gradients. */
#include "ops/element_loss.h"

#include <math.h>

const cnn__attribute cnn__element_loss_attributes[] = {
    { .name = "function", .type = CNN__INT, .offset = offsetof(cnn__element_loss, function) },
    { .name = "reduction", .type = CNN__INT, .offset = offsetof(cnn__element_loss, reduction) },
    { .name = "value", .type = CNN__FLOAT, .offset = offsetof(cnn__element_loss, value), .count = 2 },
    { .name = NULL }
};

/* ---- checks ---- */

bool cnn__loss_check_options(cnn__call *call, cnn_status status, int reduction, bool batch_mean)
{
    int most = (int)(batch_mean ? CNN_REDUCE_BATCH_MEAN : CNN_REDUCE_NONE);
    if (status != CNN_OK) {
        cnn__call_fail_newest(call);
        return false;
    }
    if (reduction < (int)CNN_REDUCE_MEAN || reduction > most) {
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "reduction is %d, expected %d to %d", reduction,
                       (int)CNN_REDUCE_MEAN, most);
        return false;
    }
    return true;
}

bool cnn__loss_refuses_gradient(cnn__call *call, int i, const char *name)
{
    bool refuses = call->in[i] && call->in[i]->requires_grad && cnn__tape_recording(call->tape);
    if (refuses) {
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT,
                       "%s requires a gradient, which this loss does not give; detach it", name);
    }
    return refuses;
}

static bool check_value(cnn__call *call, const cnn__element_loss *l)
{
    static const char *const expected[] = { "a finite number", "a finite number of at least 0",
                                            "a finite number above 0" };
    double v = l->value[0];
    bool good = !l->name || (isfinite(v) &&
                             (l->range == CNN__LOSS_NUMBER || v > 0 || (v == 0 && l->range == CNN__LOSS_NOT_NEGATIVE)));
    if (!good) {
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "%s is %s, expected %s", l->name, CNN__G(v),
                       expected[l->range]);
    }
    return good;
}

/* The common shape of x and t. */
static bool common_shape(cnn__call *call, cnn__element_loss *l)
{
    const cnn_tensor *x = call->in[CNN__LOSS_X], *t = call->in[CNN__LOSS_T];
    char text[2][CNN__SHAPE_TEXT];
    if (l->same_shape && !cnn__same_shape(x, t)) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "the target is %s, expected %s like the input",
                       cnn__shape_text(text[0], t->ndim, t->shape), cnn__shape_text(text[1], x->ndim, x->shape));
        return false;
    }
    return cnn__call_broadcast(call, CNN__LOSS_X, CNN__LOSS_T, &l->ndim, l->shape);
}

/* Operand i, which either widens the common shape or has to fit it. */
static bool join_shape(cnn__call *call, cnn__element_loss *l, int i)
{
    const cnn_tensor *c = call->in[i];
    const char *name = l->constants[i - CNN__LOSS_C];
    char text[2][CNN__SHAPE_TEXT];
    int ndim;
    int64_t shape[CNN_MAX_DIMS];
    if (!c) {
        return true;
    }
    bool fits = cnn__broadcast(l->ndim, l->shape, c->ndim, c->shape, &ndim, shape);
    for (int d = 0; fits && name && d < ndim; d++) {
        fits = ndim == l->ndim && shape[d] == l->shape[d];
    }
    if (!fits) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "%s %s does not broadcast to %s", name ? name : "the third operand",
                       cnn__shape_text(text[0], c->ndim, c->shape), cnn__shape_text(text[1], l->ndim, l->shape));
        return false;
    }
    l->ndim = ndim;
    for (int d = 0; d < ndim; d++) {
        l->shape[d] = shape[d];
    }
    return !name || !cnn__loss_refuses_gradient(call, i, name);
}

static bool find_divisor(cnn__call *call, cnn__element_loss *l)
{
    const cnn_tensor *x = call->in[CNN__LOSS_X];
    l->divisor = 1;
    if (l->reduction == (int)CNN_REDUCE_BATCH_MEAN && !x->ndim) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "the input is [], expected a batch to take the mean over");
        return false;
    }
    for (int d = 0; l->reduction == (int)CNN_REDUCE_MEAN && d < l->ndim; d++) {
        l->divisor *= (double)l->shape[d];
    }
    if (l->reduction == (int)CNN_REDUCE_BATCH_MEAN) {
        l->divisor = (double)x->shape[0];
    }
    return true;
}

/* Whether all three operands have one rank, where the loss asks for that. */
static bool check_ranks(cnn__call *call, const cnn__element_loss *l)
{
    const cnn_tensor *x = call->in[CNN__LOSS_X], *t = call->in[CNN__LOSS_T], *c = call->in[CNN__LOSS_C];
    bool good = !l->same_rank || (x->ndim == t->ndim && x->ndim == c->ndim);
    if (!good) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "the operands have %d, %d and %d dimensions, expected one rank", x->ndim,
                       t->ndim, c->ndim);
    }
    return good;
}

bool cnn__element_loss_infer(cnn__call *call, void *attributes)
{
    cnn__element_loss *l = attributes;
    bool each = l->reduction == (int)CNN_REDUCE_NONE;
    bool good = cnn__call_real(call, CNN__LOSS_X) && cnn__call_same_dtype(call, CNN__LOSS_INPUTS) &&
                cnn__loss_check_options(call, l->status, l->reduction, l->batch_mean) && check_value(call, l) &&
                check_ranks(call, l) && common_shape(call, l) && join_shape(call, l, CNN__LOSS_C) &&
                join_shape(call, l, CNN__LOSS_WEIGHT) && find_divisor(call, l);
    if (good) {
        cnn__out(call, 0, call->in[CNN__LOSS_X]->dtype, each ? l->ndim : 0, l->shape);
    }
    return good;
}

/* ---- launches ---- */

static cnn_element_loss_parameters element_loss_parameters(const cnn__element_loss *l, cnn_tensor *const *x)
{
    const cnn_tensor *operands[CNN__LOSS_INPUTS];
    cnn_element_loss_parameters p = {
        .function = l->function, .reduction = l->reduction, .divisor = l->divisor, .value = { l->value[0], l->value[1] }
    };
    for (int i = 0; i < CNN__LOSS_INPUTS; i++) {
        operands[i] = x[i] ? x[i] : x[CNN__LOSS_X];
    }
    cnn__nest_make(&p.nest, l->ndim, l->shape, CNN__LOSS_INPUTS, operands);
    return p;
}

bool cnn__element_loss_forward(cnn__call *call, void *attributes)
{
    cnn_tensor *const *x = call->x;
    const cnn_element_loss_parameters p = element_loss_parameters(attributes, x);
    cnn_launch launch =
        CNN__LAUNCH(ELEMENT_LOSS, x[0]->dtype, CNN__PARAMETERS(p),
                    .in = { cnn__data(x[0]), cnn__data(x[1]), cnn__data_or_null(x[2]), cnn__data_or_null(x[3]) },
                    .out = { cnn__data(call->out[0]) });
    return cnn__run(call->tape, call->op->name, &launch);
}

/* The gradient of operand i in the shape of all losses, which cnn__grad_add() sums to that of the operand. */
static cnn_tensor *element_loss_gradient(cnn__node *node, int i, const cnn__element_loss *l)
{
    const cnn_tensor *x = node->in[i];
    bool same = x->ndim == l->ndim;
    for (int d = 0; same && d < l->ndim; d++) {
        same = x->shape[d] == l->shape[d];
    }
    if (same) {
        return cnn__grad_empty(node, i);
    }
    cnn__call call = { .op = node->op, .tape = node->tape, .ctx = x->ctx, .nil = cnn__tape_nil(node->tape) };
    return cnn__result(&call, x->dtype, l->ndim, l->shape);
}

void cnn__element_loss_backward(cnn__node *node, cnn_tensor *dy)
{
    const cnn__element_loss *l = node->attributes;
    cnn_tensor *const *x = node->saved;
    const cnn_element_loss_parameters p = element_loss_parameters(l, x);
    cnn_tensor *dx[CNN__LOSS_WEIGHT] = { NULL };
    for (int i = 0; i < CNN__LOSS_WEIGHT; i++) {
        if (cnn__wants(node, i) && !(dx[i] = element_loss_gradient(node, i, l))) {
            return;
        }
    }
    cnn_launch launch = CNN__LAUNCH(
        ELEMENT_LOSS_BACKWARD, dy->dtype, CNN__PARAMETERS(p),
        .in = { cnn__data(x[0]), cnn__data(x[1]), cnn__data_or_null(x[2]), cnn__data_or_null(x[3]), cnn__data(dy) },
        .out = { cnn__data_or_null(dx[0]), cnn__data_or_null(dx[1]), cnn__data_or_null(dx[2]) });
    if (!cnn__run(node->tape, node->op->name, &launch)) {
        return;
    }
    for (int i = 0; i < CNN__LOSS_WEIGHT; i++) {
        if (dx[i]) {
            cnn__grad_add(node, i, dx[i]);
        }
    }
}

cnn_tensor *cnn__element_loss_apply(const cnn__op *op, cnn__element_loss *loss, cnn_tensor *x, cnn_tensor *t,
                                    cnn_tensor *c, cnn_tensor *weight)
{
    return cnn__apply(op, (cnn_tensor *const[]){ x, t, c, weight }, CNN__LOSS_INPUTS, loss);
}
