/* A user-defined layer, from the arithmetic up: an operation with its gradient (cnn_custom), a module with a
 * parameter that uses it, a check of the gradient against finite differences, and a training run that needs it.
 *
 *     custom_layer
 *
 * The operation is PReLU, f(x) = x for x > 0 and a · x otherwise, with one trained slope a (He et al. 2015, "Delving
 * Deep into Rectifiers"). The training fits |x|, which a slope of −1 gives exactly. */
#include <cnn/cnn.h>

#include <stdio.h>
#include <stdlib.h>

/* ---- the operation: inputs are x, of any shape, and the slope, of one element ---- */

static cnn_status infer(const cnn_tensor *const *in, int count, cnn_dtype *dtype, int *ndim, int64_t *shape, void *user)
{
    (void)user;
    if (count != 2 || cnn_tensor_numel(in[1]) != 1 || cnn_tensor_dtype(in[0]) != CNN_F64 ||
        cnn_tensor_dtype(in[1]) != CNN_F64) {
        return CNN_ERROR_SHAPE;
    }
    *dtype = CNN_F64;
    *ndim = cnn_tensor_ndim(in[0]);
    for (int i = 0; i < *ndim; i++) {
        shape[i] = cnn_tensor_shape(in[0])[i];
    }
    return CNN_OK;
}

static cnn_status forward(const cnn_tensor *const *in, int count, cnn_tensor *out, void *user)
{
    const double *x = cnn_tensor_data(in[0]), *slope = cnn_tensor_data(in[1]);
    double *y = cnn_tensor_data(out);
    (void)count, (void)user;
    for (int64_t i = 0; i < cnn_tensor_numel(out); i++) {
        y[i] = x[i] > 0 ? x[i] : *slope * x[i];
    }
    return CNN_OK;
}

/* dx = dy · (1 or a), da = Σ dy · x over x ≤ 0. An element of grad_in is NULL if that gradient is not wanted. */
static cnn_status backward(const cnn_tensor *const *in, int count, const cnn_tensor *out, const cnn_tensor *grad_out,
                           cnn_tensor *const *grad_in, void *user)
{
    const double *x = cnn_tensor_data(in[0]), *slope = cnn_tensor_data(in[1]), *dy = cnn_tensor_data(grad_out);
    double *dx = grad_in[0] ? cnn_tensor_data(grad_in[0]) : NULL, sum = 0;
    (void)count, (void)user;
    for (int64_t i = 0; i < cnn_tensor_numel(out); i++) {
        if (dx) {
            dx[i] = x[i] > 0 ? dy[i] : *slope * dy[i];
        }
        sum += x[i] > 0 ? 0 : dy[i] * x[i];
    }
    return grad_in[1] ? cnn_tensor_fill(grad_in[1], sum) : CNN_OK;
}

static cnn_tensor *prelu(cnn_tensor *x, cnn_tensor *slope)
{
    static const cnn_custom_op op = { .struct_size = sizeof op, .name = "prelu", .infer = infer, .forward = forward,
                                      .backward = backward };
    return cnn_custom(&op, (cnn_tensor *[]){ x, slope }, 2, NULL);
}

/* ---- the layer: a module with the slope as its parameter ---- */

typedef struct layer {
    cnn_tensor *slope; /* borrowed: the module owns it */
} layer;

static cnn_tensor *layer_forward(cnn_module *self, cnn_tensor *x, void *user)
{
    const layer *l = user;
    (void)self;
    return prelu(x, l->slope);
}

static cnn_module *prelu_new(cnn_context *ctx, double slope)
{
    layer *l = calloc(1, sizeof *l);
    cnn_module *self = l ? cnn_module_new(ctx, layer_forward, .type = "PReLU", .user = l, .free_user = free) : NULL;
    if (!self) {
        return NULL;
    }
    l->slope = cnn_module_add_parameter(self, "weight", cnn_tensor_full(ctx, CNN_F64, slope, CNN_SHAPE(1)));
    if (!l->slope) {
        cnn_module_free(self);
        return NULL;
    }
    return self;
}

/* ---- is the gradient right? ---- */

static cnn_tensor *checked(cnn_tensor *const *inputs, int count, void *user)
{
    (void)count, (void)user;
    return prelu(inputs[0], inputs[1]);
}

static cnn_status check_gradient(cnn_context *ctx)
{
    const double values[] = { -2, -0.5, 0.25, 3 }; /* none at 0, where there is no derivative */
    cnn_tensor *inputs[] = { cnn_tensor_from_data(ctx, CNN_F64, CNN_SHAPE(2, 2), values),
                             cnn_tensor_full(ctx, CNN_F64, 0.3, CNN_SHAPE(1)) };
    for (int i = 0; i < 2; i++) {
        cnn_tensor_set_requires_grad(inputs[i], true);
    }
    cnn_status status = cnn_gradcheck(ctx, checked, NULL, inputs, 2, NULL);
    cnn_tensor_free(inputs[0]);
    cnn_tensor_free(inputs[1]);
    return status;
}

/* ---- training with it ---- */

static cnn_status fit(cnn_context *ctx, cnn_module *model)
{
    cnn_optimizer *sgd = cnn_sgd_new(model, .lr = 0.1);
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_tensor *x = cnn_tensor_randn(ctx, CNN_F64, CNN_SHAPE(64));
    cnn_status status = sgd && tape && x ? CNN_OK : cnn_context_status(NULL);
    for (int step = 0; step < 100 && status == CNN_OK; step++) {
        cnn_tape_begin(tape, CNN_TRAIN);
        cnn_tensor *in = cnn_input(tape, x);
        cnn_tensor *error = cnn_sub(cnn_forward(model, in), cnn_abs(in));
        cnn_tensor *loss = cnn_mean(cnn_mul(error, error), CNN_ALL_DIMS, false);
        cnn_optimizer_zero_grad(sgd);
        cnn_backward(loss);
        status = cnn_optimizer_step(sgd);
        if (step % 25 == 0 && status == CNN_OK) {
            printf("step %2d: loss %.6f, slope %.4f\n", step, cnn_tensor_item(loss),
                   cnn_tensor_item(cnn_module_find(model, "weight")));
        }
    }
    cnn_tensor_free(x);
    cnn_tape_free(tape);
    cnn_optimizer_free(sgd);
    return status;
}

int main(void)
{
    cnn_context *ctx = cnn_context_new(.seed = 1);
    cnn_module *model = prelu_new(ctx, 0.25);
    bool good = model && check_gradient(ctx) == CNN_OK;
    if (good) {
        puts("the gradient agrees with finite differences");
    }
    good = good && fit(ctx, model) == CNN_OK;
    if (good) {
        printf("the slope is %.4f, and -1 is the best there is\n", cnn_tensor_item(cnn_module_find(model, "weight")));
    } else {
        fprintf(stderr, "custom_layer: %s\n", cnn_last_error(NULL));
    }
    cnn_module_free(model);
    cnn_context_free(ctx);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
