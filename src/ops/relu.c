/* relu(x) = max(x, 0). The gradient is stopped where the result is 0, so the result is what is saved. */
#include "ops/operation.h"

static bool relu_infer(cnn__call *call, void *attributes)
{
    (void)attributes;
    cnn__out_shaped(call, 0, 0, call->in[0]->dtype);
    return cnn__call_real(call, 0);
}

static bool ops_relu_forward(cnn__call *call, void *attributes)
{
    (void)attributes;
    return cnn__run_on(call->tape, call->op->name, CNN_KERNEL_RELU, NULL, 0, 2,
                       (const cnn_tensor *const[]){ call->out[0], call->x[0] });
}

static void relu_backward(cnn__node *node, cnn_tensor *dy)
{
    const cnn_tensor *y = cnn__saved_output(node, 0);
    bool in_place = !node->in[0]->leaf && cnn__grad_own(dy);
    cnn_tensor *dx = in_place || dy->masked ? dy : cnn__grad_empty(node, 0);
    if (dx && !dy->masked) {
        bool run = cnn__run_on(node->tape, node->op->name, CNN_KERNEL_RELU_BACKWARD, NULL, 0, 3,
                               (const cnn_tensor *const[]){ dx, y, dy });
        dx = run ? dx : NULL;
    }
    cnn__grad_add(node, 0, dx);
}

static const cnn__op relu_op = {
    .name = "relu",
    .dense = 1,
    .saves = CNN__OUTPUT(0),
    .infer = relu_infer,
    .forward = ops_relu_forward,
    .backward = relu_backward,
    .relu = true,
};

cnn_tensor *cnn_relu(cnn_tensor *x)
{
    return cnn__apply(&relu_op, &x, 1, NULL);
}
