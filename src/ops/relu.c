/* relu(x) = max(x, 0). The gradient is stopped where the result is 0, so the result is what is saved. */
#include "ops/operation.h"

static bool infer(cnn__call *call, void *attributes)
{
    (void)attributes;
    cnn__out_like(call, 0, 0);
    return cnn__call_real(call, 0);
}

static bool forward(cnn__call *call, void *attributes)
{
    const cnn_tensor *x = call->x[0];
    (void)attributes;
    cnn_launch l =
        CNN__LAUNCH(RELU, x->dtype, .count = x->numel, .in = { cnn__data(x) }, .out = { cnn__data(call->out[0]) });
    return cnn__run(call->tape, call->op->name, &l);
}

static void relu_backward(cnn__node *node, cnn_tensor *dy)
{
    const cnn_tensor *y = cnn__saved_output(node, 0);
    bool in_place = !node->in[0]->leaf && cnn__grad_own(dy);
    cnn_tensor *dx = in_place || dy->masked ? dy : cnn__grad_empty(node, 0);
    if (dx && !dy->masked) {
        cnn_launch l = CNN__LAUNCH(RELU_BACKWARD, y->dtype, .count = y->numel, .in = { cnn__data(y), cnn__data(dy) },
                                   .out = { cnn__data(dx) });
        dx = cnn__run(node->tape, node->op->name, &l) ? dx : NULL;
    }
    cnn__grad_add(node, 0, dx);
}

static const cnn__op relu_op = {
    .name = "relu",
    .dense = 1,
    .saves = CNN__OUTPUT(0),
    .infer = infer,
    .forward = forward,
    .backward = relu_backward,
    .relu = true,
};

cnn_tensor *cnn_relu(cnn_tensor *x)
{
    return cnn__apply(&relu_op, &x, 1, NULL);
}
