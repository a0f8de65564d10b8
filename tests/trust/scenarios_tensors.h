/* Scenarios of tensors: creation, use, built-in and user-defined operations, gradient checks. */
#ifndef CNN_TESTS_TRUST_SCENARIOS_TENSORS_H
#define CNN_TESTS_TRUST_SCENARIOS_TENSORS_H

#include "trust/world.h"

/* ---- tensors ---- */

static cnn_status make_tensors(world *w)
{
    const float data[] = { 1, 2, 3 };
    TRY(got(w, keep(w, cnn_tensor_empty(w->ctx, CNN_F32, CNN_SHAPE(2, 3)))));
    TRY(got(w, keep(w, cnn_tensor_zeros(w->ctx, CNN_F64, CNN_SHAPE(2, 3)))));
    TRY(got(w, keep(w, cnn_tensor_ones(w->ctx, CNN_BOOL, CNN_SHAPE(0, 3)))));
    TRY(got(w, keep(w, cnn_tensor_full(w->ctx, CNN_I32, 7, CNN_SCALAR))));
    TRY(got(w, keep(w, cnn_tensor_arange(w->ctx, CNN_I64, 0, 10, 3))));
    TRY(got(w, keep(w, cnn_tensor_from_data(w->ctx, CNN_F32, CNN_SHAPE(3), data))));
    TRY(got(w, keep(w, cnn_tensor_rand(w->ctx, CNN_F32, CNN_SHAPE(50)))));
    return got(w, keep(w, cnn_tensor_randn(w->ctx, CNN_F64, CNN_SHAPE(50))));
}

static int deleted;

static void delete_data(void *data, void *user)
{
    (void)user;
    deleted++;
    free(data);
}

/* The memory is taken on failure too: the deleter runs exactly once. */
static cnn_status borrow_memory(world *w)
{
    deleted = 0;
    cnn_tensor *t = cnn_tensor_from_borrowed(w->ctx, CNN_U8, CNN_SHAPE(4), NULL, calloc(4, 1), delete_data, NULL);
    cnn_status status = got(w, t);
    ck_assert_int_eq(deleted, t ? 0 : 1);
    cnn_tensor_free(t);
    ck_assert_int_eq(deleted, 1);
    return status;
}

/* Copies between operands that share memory need memory of their own; without it they change nothing. */
static cnn_status share_memory(world *w)
{
    float buffer[5] = { 0, 1, 2, 3, 4 };
    cnn_tensor *from = keep(w, cnn_tensor_from_borrowed(w->ctx, CNN_F32, CNN_SHAPE(4), NULL, buffer, NULL, NULL));
    TRY(got(w, from));
    cnn_tensor *to = keep(w, cnn_tensor_from_borrowed(w->ctx, CNN_F32, CNN_SHAPE(4), NULL, buffer + 1, NULL, NULL));
    TRY(got(w, to));
    cnn_status copied = cnn_tensor_copy_from(to, from);
    ck_assert(buffer[1] == (copied == CNN_OK ? 0 : 1) && buffer[4] == (copied == CNN_OK ? 3 : 4));
    TRY(copied);
    return cnn_tensor_read(from, buffer + 1, 4 * sizeof *buffer);
}

static cnn_status use_tensors(world *w)
{
    char text[4096];
    cnn_tensor *a = keep(w, cnn_tensor_rand(w->ctx, CNN_F32, CNN_SHAPE(4, 5)));
    TRY(got(w, a));
    cnn_tensor *b = keep(w, cnn_tensor_detach(a));
    TRY(got(w, b));
    TRY(cnn_tensor_copy_from(b, a));
    TRY(cnn_tensor_fill(b, 3));
    TRY(cnn_tensor_set_requires_grad(b, true));
    TRY(cnn_tensor_zero_grad(b));
    cnn_context_clear_error(w->ctx);
    cnn_tensor_format(a, text, sizeof text);
    cnn_module_format(w->model, text, sizeof text);
    return cnn_context_status(w->ctx);
}

static cnn_status copy_module(world *w)
{
    w->made[0] = world_model(w->ctx);
    TRY(got(w, w->made[0]));
    TRY(cnn_module_copy_from(w->made[0], w->model));
    return cnn_module_zero_grad(w->made[0]);
}

static cnn_status clone_module(world *w)
{
    w->made[0] = cnn_module_clone(w->model);
    return got(w, w->made[0]);
}

/* First values, a conversion, and a step whose kernels compute in the workspace. */
static cnn_status use_bfloat16(world *w)
{
    w->made[0] = cnn_module_to_dtype(w->model, CNN_BF16);
    TRY(got(w, w->made[0]));
    w->made[1] = cnn_linear_new(w->ctx, 4, 3, .dtype = CNN_BF16);
    TRY(got(w, w->made[1]));
    cnn_tensor *x = keep(w, cnn_tensor_full(w->ctx, CNN_BF16, 0.5, CNN_SHAPE(2, 4)));
    TRY(got(w, x));
    w->tape = cnn_tape_new(w->ctx);
    TRY(got(w, w->tape));
    TRY(cnn_tape_begin(w->tape, CNN_TRAIN));
    return cnn_backward(cnn_mean(cnn_forward(w->made[1], cnn_input(w->tape, x)), CNN_ALL_DIMS, false));
}

static cnn_status draw_on_tape(world *w)
{
    w->tape = cnn_tape_new(w->ctx);
    TRY(got(w, w->tape));
    TRY(cnn_tape_begin(w->tape, CNN_EVAL));
    cnn_tape_rand(w->tape, CNN_F32, CNN_SHAPE(3, 1000));
    cnn_tape_randn(w->tape, CNN_F64, CNN_SHAPE(3, 1000));
    cnn_tape_bernoulli(w->tape, CNN_BOOL, 0.5, CNN_SHAPE(3, 1000));
    return cnn_tape_status(w->tape);
}

/* ---- functions of the user's ---- */

static cnn_tensor *checked(cnn_tensor *const *in, int count, void *user)
{
    (void)count;
    (void)user;
    return cnn_sum(cnn_mul(cnn_tanh(in[0]), in[1]), CNN_ALL_DIMS, false);
}

static cnn_status check_gradients(world *w)
{
    cnn_tensor *in[2];
    for (int i = 0; i < 2; i++) {
        in[i] = keep(w, cnn_tensor_rand(w->ctx, CNN_F64, CNN_SHAPE(2, 2)));
        TRY(got(w, in[i]));
        TRY(cnn_tensor_set_requires_grad(in[i], true));
    }
    return cnn_gradcheck(w->ctx, checked, NULL, in, 2, NULL);
}

static cnn_status square_infer(const cnn_tensor *const *in, int count, cnn_dtype *dtype, int *ndim, int64_t *shape, void *user)
{
    (void)count;
    (void)user;
    *dtype = cnn_tensor_dtype(in[0]);
    *ndim = cnn_tensor_ndim(in[0]);
    for (int i = 0; i < *ndim; i++) {
        shape[i] = cnn_tensor_size(in[0], i);
    }
    return CNN_OK;
}

static cnn_status square_forward(const cnn_tensor *const *in, int count, cnn_tensor *out, void *user)
{
    (void)count;
    (void)user;
    const float *x = cnn_tensor_data(in[0]);
    float *y = cnn_tensor_data(out);
    for (int64_t i = 0; i < cnn_tensor_numel(out); i++) {
        y[i] = x[i] * x[i];
    }
    return CNN_OK;
}

static cnn_status square_backward(const cnn_tensor *const *in, int count, const cnn_tensor *out, const cnn_tensor *grad,
                                  cnn_tensor *const *grad_in, void *user)
{
    (void)count;
    (void)user;
    const float *x = cnn_tensor_data(in[0]), *g = cnn_tensor_data(grad);
    float *to = cnn_tensor_data(grad_in[0]);
    for (int64_t i = 0; i < cnn_tensor_numel(out); i++) {
        to[i] = 2 * x[i] * g[i];
    }
    return CNN_OK;
}

static cnn_status custom_operation(world *w)
{
    static const cnn_custom_op op = { .struct_size = sizeof op, .name = "square", .infer = square_infer,
                                      .forward = square_forward, .backward = square_backward };
    cnn_tensor *x = keep(w, cnn_tensor_rand(w->ctx, CNN_F32, CNN_SHAPE(3, 4)));
    TRY(got(w, x));
    TRY(cnn_tensor_set_requires_grad(x, true));
    TRY(make_tape(w));
    cnn_tensor *turned = cnn_transpose(cnn_input(w->tape, x), 0, 1); /* made contiguous for the callbacks */
    cnn_tensor *y = cnn_custom(&op, &turned, 1, NULL);
    cnn_retain_grad(y);
    cnn_backward_with(y, NULL, true);
    cnn_backward_with(y, NULL, false);
    return cnn_tape_status(w->tape);
}

static cnn_status halves_infer(const cnn_tensor *const *in, int count, cnn_custom_output *out, int results, void *user)
{
    (void)count, (void)user;
    for (int j = 0; j < results; j++) {
        out[j].ndim = 1;
        out[j].shape[0] = cnn_tensor_numel(in[0]) / results;
    }
    return CNN_OK;
}

static cnn_status halves_forward(const cnn_tensor *const *in, int count, cnn_tensor *const *out, int results, void *user)
{
    (void)count, (void)user;
    const float *x = cnn_tensor_data(in[0]);
    for (int j = 0; j < results; j++) {
        size_t n = (size_t)cnn_tensor_numel(out[j]);
        memcpy(cnn_tensor_data(out[j]), x + (size_t)j * n, n * sizeof *x);
    }
    return CNN_OK;
}

static cnn_status halves_backward(const cnn_tensor *const *in, int count, const cnn_tensor *const *out,
                                  const cnn_tensor *const *grad, int results, cnn_tensor *const *grad_in, void *user)
{
    (void)in, (void)count, (void)user;
    float *to = cnn_tensor_data(grad_in[0]);
    for (int j = 0; j < results; j++) {
        size_t n = (size_t)cnn_tensor_numel(out[j]);
        memset(to + (size_t)j * n, 0, n * sizeof *to);
        if (grad[j]) {
            memcpy(to + (size_t)j * n, cnn_tensor_data(grad[j]), n * sizeof *to);
        }
    }
    return CNN_OK;
}

static cnn_status custom_operation_of_several_results(world *w)
{
    static const cnn_custom_op op = { .struct_size = sizeof op, .name = "halves", .infer_many = halves_infer,
                                      .forward_many = halves_forward, .backward_many = halves_backward };
    cnn_tensor *x = keep(w, cnn_tensor_rand(w->ctx, CNN_F32, CNN_SHAPE(3, 4))), *halves[2];
    TRY(got(w, x));
    TRY(cnn_tensor_set_requires_grad(x, true));
    TRY(make_tape(w));
    cnn_tensor *turned = cnn_transpose(cnn_input(w->tape, x), 0, 1); /* made contiguous for the callbacks */
    TRY(cnn_custom_many(&op, &turned, 1, halves, 2, NULL));
    cnn_backward_with(halves[1], NULL, true);
    cnn_backward_with(cnn_mul(halves[0], halves[1]), NULL, false);
    return cnn_tape_status(w->tape);
}

/* ---- operations: the operands are in the world ---- */

static cnn_status operation(world *w)
{
    cnn_tensor *x[MAX_OPERANDS] = { NULL };
    w->tape = cnn_tape_new(w->ctx);
    TRY(got(w, w->tape));
    TRY(cnn_tape_begin(w->tape, CNN_TRAIN));
    for (int i = 0; i < operand_count(w->op); i++) {
        x[i] = cnn_input(w->tape, w->in[i]);
    }
    cnn_tensor *y = w->op->call(x, operand_count(w->op), NULL);
    if (cnn_tape_status(w->tape) == CNN_OK && cnn_tensor_requires_grad(y)) {
        cnn_backward_with(y, NULL, false);
    }
    return cnn_tape_status(w->tape);
}

#endif
