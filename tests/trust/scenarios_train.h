/* Scenarios of training: contexts, tapes, every layer, steps, epochs, every optimizer. */
#ifndef CNN_TESTS_TRUST_SCENARIOS_TRAIN_H
#define CNN_TESTS_TRUST_SCENARIOS_TRAIN_H

#include "trust/world.h"

/* ---- contexts, tapes, layers ---- */

static cnn_status make_context(world *w)
{
    w->other = cnn_context_new(.threads = 3, .allocate = meter_allocate, .deallocate = meter_deallocate);
    return w->other ? CNN_OK : cnn_context_status(NULL);
}

#define LAYER(name, expression)                 \
    static cnn_status make_##name(world *w)     \
    {                                           \
        cnn_context *ctx = w->ctx;              \
        return got(w, w->made[0] = expression); \
    }

#define CNN_LAYER(name, options, needs, create, sample, ...) LAYER(name, sample)
#include "ops/ops.def"
LAYER(conv2d_f64, cnn_conv2d_new(ctx, 2, 4, 3, .no_bias = true, .dtype = CNN_F64))
LAYER(linear_f64, cnn_linear_new(ctx, 5, 3, .no_bias = true, .dtype = CNN_F64))
LAYER(sequential, world_model(ctx))

static cnn_tensor *forward_first(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)user;
    return cnn_mul(cnn_forward(cnn_module_child(self, 0, NULL), x), cnn_module_find(self, "scale"));
}

/* A module of the user's with a child, a parameter and a buffer; `user` is freed exactly once, whatever fails. */
static cnn_status make_user_module(world *w)
{
    users_freed = 0;
    cnn_module *m = w->made[0] = cnn_module_new(w->ctx, forward_first, .type = "Mine", .user = &users_freed,
                                                .free_user = free_user);
    cnn_status status = got(w, m);
    if (status != CNN_OK) {
        ck_assert_int_eq(users_freed, 1);
        return status;
    }
    TRY(got(w, cnn_module_add(m, "layer", cnn_linear_new(w->ctx, 3, 3))));
    TRY(got(w, cnn_module_add_parameter(m, "scale", cnn_tensor_ones(w->ctx, CNN_F32, CNN_SHAPE(3)))));
    TRY(got(w, cnn_module_add_buffer(m, "seen", cnn_tensor_zeros(w->ctx, CNN_I64, CNN_SCALAR))));
    cnn_tensor *x = keep(w, cnn_tensor_ones(w->ctx, CNN_F32, CNN_SHAPE(2, 3)));
    TRY(got(w, x));
    TRY(make_tape(w));
    cnn_forward(m, cnn_input(w->tape, x));
    return cnn_tape_status(w->tape);
}

/* The tutorial's structure, narrower. */
static cnn_tensor *tutorial_forward(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)user;
    for (int i = 0; i < 2; i++) {
        x = cnn_forward(cnn_module_child(self, i, NULL), x);
    }
    x = cnn_flatten(x, 1, -1);
    for (int i = 2; i < 5; i++) {
        x = cnn_forward(cnn_module_child(self, i, NULL), x);
    }
    return x;
}

static cnn_status make_tutorial(world *w)
{
    cnn_context *ctx = w->ctx;
    cnn_module *self = w->made[0] = cnn_module_new(ctx, tutorial_forward, .type = "ConvNet");
    TRY(got(w, self));
    TRY(got(w, cnn_module_add(self, "l1", cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 1, 8, 5, .padding = 2),
                                                           cnn_relu_new(ctx), cnn_maxpool2d_new(ctx, 2)))));
    TRY(got(w, cnn_module_add(self, "l2", cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 8, 16, 5, .padding = 2),
                                                           cnn_relu_new(ctx), cnn_maxpool2d_new(ctx, 2)))));
    TRY(got(w, cnn_module_add(self, "drop_out", cnn_dropout_new(ctx, 0.5))));
    TRY(got(w, cnn_module_add(self, "fc1", cnn_linear_new(ctx, 2 * 2 * 16, 40))));
    return got(w, cnn_module_add(self, "fc2", cnn_linear_new(ctx, 40, 10)));
}

/* ---- steps ---- */

/* Sizes that leave idle blocks behind, which the tape gives back where there is no memory. */
static cnn_status vary_sizes(world *w)
{
    TRY(make_tape(w));
    for (int i = 0; i < 8; i++) {
        int64_t side = 40 + 24 * (i * 5 % 8);
        cnn_tensor *x = cnn_tensor_ones(w->ctx, CNN_F32, CNN_SHAPE(side, side));
        TRY(got(w, x));
        cnn_tape_begin(w->tape, i % 3 ? CNN_TRAIN : CNN_EVAL);
        cnn_tensor *y = cnn_tanh(cnn_matmul(cnn_input(w->tape, x), cnn_input(w->tape, x)));
        cnn_mean(cnn_mul(y, cnn_add_scalar(y, 1)), CNN_DIMS(0), false);
        cnn_tensor_free(x);
        TRY(cnn_tape_status(w->tape));
    }
    return CNN_OK;
}

static cnn_status step(world *w, cnn_module *model, cnn_optimizer *optimizer, cnn_tensor *images, cnn_tensor *labels)
{
    TRY(cnn_tape_begin(w->tape, CNN_TRAIN));
    cnn_tensor *loss = cnn_cross_entropy(cnn_forward(model, cnn_input(w->tape, images)), labels);
    TRY(cnn_optimizer_zero_grad(optimizer));
    cnn_status status = cnn_backward(loss), stepped = cnn_optimizer_step(optimizer);
    if (status != CNN_OK) { /* then the optimizer refuses too */
        ck_assert_int_eq(stepped, status);
    }
    TRY(stepped);
    remember(w);
    return CNN_OK;
}

static cnn_status train_step(world *w)
{
    w->tape = cnn_tape_new(w->ctx);
    TRY(got(w, w->tape));
    TRY(step(w, w->model, w->adam, w->images, w->labels));
    return step(w, w->model, w->adam, w->images, w->labels);
}

static cnn_status train_tutorial(world *w)
{
    TRY(make_tutorial(w));
    w->optimizer = cnn_sgd_new(w->made[0], .lr = 0.1, .momentum = 0.9, .nesterov = true);
    TRY(got(w, w->optimizer));
    w->tape = cnn_tape_new(w->ctx);
    TRY(got(w, w->tape));
    return step(w, w->made[0], w->optimizer, w->images, w->labels);
}

static cnn_status train_epochs(world *w, bool no_background)
{
    cnn_batch batch;
    cnn_dataset *dataset = no_background ? cnn_dataset_from_tensors(w->images, w->labels) : world_dataset(w);
    w->loader = cnn_loader_new(dataset, 4, .shuffle = true, .no_background = no_background);
    TRY(got(w, w->loader));
    w->tape = cnn_tape_new(w->ctx);
    TRY(got(w, w->tape));
    for (int epoch = 0; epoch < 2; epoch++) {
        while (cnn_loader_next(w->loader, &batch)) {
            TRY(step(w, w->model, w->adam, batch.images, batch.labels));
        }
        TRY(cnn_loader_status(w->loader));
    }
    return CNN_OK;
}

static cnn_status train_background(world *w)
{
    return train_epochs(w, false);
}

static cnn_status train_foreground(world *w)
{
    return train_epochs(w, true);
}

static cnn_status infer(world *w)
{
    char text[256];
    w->tape = cnn_tape_new(w->ctx);
    TRY(got(w, w->tape));
    TRY(cnn_tape_begin(w->tape, CNN_EVAL));
    cnn_tensor *y = cnn_argmax(cnn_softmax(cnn_forward(w->model, cnn_input(w->tape, w->images)), 1), CNN_DIMS(1), false);
    TRY(cnn_tape_status(w->tape));
    cnn_tensor_format(y, text, sizeof text);
    return got(w, keep(w, cnn_tensor_detach(y)));
}

/* ---- optimizers ---- */

static bool is_matrix(const char *name, const cnn_tensor *parameter, void *user)
{
    (void)name, (void)user;
    return cnn_tensor_ndim(parameter) >= 2;
}

/* Over the whole model, or over its matrices where the optimizer takes no others. */
static cnn_status make_optimizer(world *w, int number, const void *options)
{
    const optimizer_kind *kind = &optimizer_kinds[number];
    if (w->min_ndim[number] == 0) {
        w->optimizer = kind->create(w->model, options);
        return got(w, w->optimizer);
    }
    w->optimizer = kind->create_for(w->ctx, NULL, 0, options);
    TRY(got(w, w->optimizer));
    return kind->add_group_where(w->optimizer, w->model, is_matrix, NULL, options);
}

static cnn_status optimize(world *w, const char *name, bool all)
{
    int kind = 0;
    while (strcmp(optimizer_kinds[kind].name, name) != 0) {
        kind++;
    }
    TRY(make_optimizer(w, kind, all ? (const void *)&w->all_options[kind] : optimizer_kinds[kind].plain));
    w->tape = cnn_tape_new(w->ctx);
    TRY(got(w, w->tape));
    return step(w, w->model, w->optimizer, w->images, w->labels);
}

/* Each with a learning rate alone, and with all options that go together, so that it has all its moments. */
#define CNN_OPTIMIZER(name, type, needs)               \
    static cnn_status optimize_##name(world *w)        \
    {                                                  \
        return optimize(w, #name, false);              \
    }                                                  \
    static cnn_status optimize_all_##name(world *w)    \
    {                                                  \
        return optimize(w, #name, true);               \
    }
#include "optimizers.def"

static cnn_status optimize_groups(world *w)
{
    w->made[0] = cnn_linear_new(w->ctx, 4, 4);
    w->made[1] = cnn_linear_new(w->ctx, 3, 3);
    TRY(got(w, w->made[0]));
    TRY(got(w, w->made[1]));
    w->optimizer = cnn_adam_new(w->made[0]);
    TRY(got(w, w->optimizer));
    cnn_tensor *more[] = { cnn_module_find(w->made[1], "weight"), cnn_module_find(w->made[1], "bias") };
    cnn_status status = cnn_adam_add_group(w->optimizer, more, 2, CNN_OPTIONS(cnn_adam_options, .amsgrad = true));
    ck_assert_int_eq(cnn_optimizer_group_count(w->optimizer), status == CNN_OK ? 2 : 1);
    return status;
}

#endif
