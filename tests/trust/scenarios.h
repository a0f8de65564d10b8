/* The scenarios: everything that a program does with libcnn, each as a function that returns the first status that is not
 * CNN_OK. Those about operations are made from src/ops/ops.def by the driver. */
#ifndef CNN_TESTS_TRUST_SCENARIOS_H
#define CNN_TESTS_TRUST_SCENARIOS_H

#include "trust/world.h"

typedef struct scenario {
    const char *name;
    cnn_status (*run)(world *w);
    bool loads; /* success changes the model */
} scenario;

/* ---- contexts, tapes, layers ---- */

static cnn_status make_context(world *w)
{
    w->other = cnn_context_new(.threads = 3, .allocate = meter_allocate, .deallocate = meter_deallocate);
    return w->other ? CNN_OK : cnn_context_status(NULL);
}

static cnn_status make_tape(world *w)
{
    w->tape = cnn_tape_new(w->ctx);
    TRY(got(w, w->tape));
    return cnn_tape_begin(w->tape, CNN_TRAIN);
}

#define LAYER(name, expression)                 \
    static cnn_status make_##name(world *w)     \
    {                                           \
        return got(w, w->made[0] = expression); \
    }

LAYER(conv2d, cnn_conv2d_new(w->ctx, 2, 4, 3, .padding = 1, .groups = 2))
LAYER(conv2d_f64, cnn_conv2d_new(w->ctx, 2, 4, 3, .no_bias = true, .dtype = CNN_F64))
LAYER(relu, cnn_relu_new(w->ctx))
LAYER(maxpool2d, cnn_maxpool2d_new(w->ctx, 2))
LAYER(dropout, cnn_dropout_new(w->ctx, 0.5))
LAYER(flatten, cnn_flatten_new(w->ctx))
LAYER(linear, cnn_linear_new(w->ctx, 5, 3))
LAYER(linear_f64, cnn_linear_new(w->ctx, 5, 3, .no_bias = true, .dtype = CNN_F64))
LAYER(sequential, world_model(w->ctx))

static int users_freed;

static void free_user(void *user)
{
    (void)user;
    users_freed++;
}

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
    w->loader = cnn_loader_new(cnn_dataset_from_tensors(w->images, w->labels), 4, .shuffle = true,
                               .no_background = no_background);
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

#define OPTIMIZER(name, expression)                                       \
    static cnn_status optimize_##name(world *w)                           \
    {                                                                     \
        w->optimizer = expression;                                        \
        TRY(got(w, w->optimizer));                                        \
        w->tape = cnn_tape_new(w->ctx);                                   \
        TRY(got(w, w->tape));                                             \
        return step(w, w->model, w->optimizer, w->images, w->labels);     \
    }

OPTIMIZER(adam, cnn_adam_new(w->model, .lr = 1e-2, .weight_decay = 0.1))
OPTIMIZER(amsgrad, cnn_adam_new(w->model, .amsgrad = true, .maximize = true))
OPTIMIZER(adamw, cnn_adamw_new(w->model, .amsgrad = true))
OPTIMIZER(sgd, cnn_sgd_new(w->model, .lr = 0.1))
OPTIMIZER(momentum, cnn_sgd_new(w->model, .lr = 0.1, .momentum = 0.9, .dampening = 0.1, .weight_decay = 0.1))

static cnn_status optimize_groups(world *w)
{
    w->made[0] = cnn_linear_new(w->ctx, 4, 4);
    w->made[1] = cnn_linear_new(w->ctx, 3, 3);
    TRY(got(w, w->made[0]));
    TRY(got(w, w->made[1]));
    w->optimizer = cnn_adam_new(w->made[0]);
    TRY(got(w, w->optimizer));
    cnn_tensor *more[] = { cnn_module_find(w->made[1], "weight"), cnn_module_find(w->made[1], "bias") };
    cnn_status status = cnn_optimizer_add_group(w->optimizer, more, 2, CNN_OPTIONS(cnn_adam_options, .amsgrad = true));
    ck_assert_int_eq(cnn_optimizer_group_count(w->optimizer), status == CNN_OK ? 2 : 1);
    return status;
}

/* ---- data ---- */

static cnn_status visit(world *w)
{
    cnn_tensor *image = NULL, *label = NULL;
    cnn_status status = cnn_dataset_get(w->dataset[0], 1, &image, &label);
    keep(w, image);
    keep(w, label);
    TRY(status);
    cnn_batch batch;
    w->loader = cnn_loader_new(cnn_dataset_share(w->dataset[0]), 3, .shuffle = true);
    TRY(got(w, w->loader));
    while (cnn_loader_next(w->loader, &batch)) {
    }
    return cnn_loader_status(w->loader);
}

static cnn_status data_of(world *w, cnn_dtype images, cnn_dtype labels)
{
    const double half = 0.5;
    cnn_tensor *x = keep(w, cnn_tensor_ones(w->ctx, images, CNN_SHAPE(7, 1, 4, 4)));
    TRY(got(w, x));
    cnn_tensor *y = keep(w, cnn_tensor_ones(w->ctx, labels, CNN_SHAPE(7)));
    TRY(got(w, y));
    w->dataset[0] = cnn_dataset_from_tensors(x, y);
    TRY(got(w, w->dataset[0]));
    TRY(cnn_dataset_normalize(w->dataset[0], 1, &half, &half));
    return visit(w);
}

static cnn_status data_bytes(world *w)
{
    return data_of(w, CNN_U8, CNN_U8);
}

static cnn_status data_floats(world *w)
{
    return data_of(w, CNN_F32, CNN_I32);
}

static cnn_status data_doubles(world *w)
{
    return data_of(w, CNN_F64, CNN_F64);
}

static cnn_status give(int64_t index, void *image, void *label, void *user)
{
    (void)user;
    *(float *)image = (float)index;
    *(int64_t *)label = index;
    return CNN_OK;
}

static cnn_status data_callbacks(world *w)
{
    const int64_t shape[] = { 1 };
    const cnn_dataset_callbacks callbacks = { .struct_size = sizeof callbacks, .size = 7, .image_ndim = 1,
                                              .image_shape = shape, .label_dtype = CNN_I64, .get = give,
                                              .free_user = free_user };
    users_freed = 0;
    w->dataset[0] = cnn_dataset_from_callbacks(w->ctx, &callbacks);
    ck_assert_int_eq(users_freed, w->dataset[0] ? 0 : 1);
    TRY(got(w, w->dataset[0]));
    return visit(w);
}

static cnn_status data_mnist(world *w)
{
    w->dataset[0] = cnn_mnist_open(w->ctx, test_folder, CNN_MNIST_TRAIN);
    TRY(got(w, w->dataset[0]));
    return visit(w);
}

static cnn_status idx_plain(world *w)
{
    TRY(got(w, keep(w, cnn_idx_read(w->ctx, in_folder("train-images-idx3-ubyte")))));
    return got(w, keep(w, cnn_idx_read(w->ctx, in_folder("doubles"))));
}

#ifdef CNN_HAVE_ZLIB
static cnn_status data_mnist_gzip(world *w)
{
    w->dataset[0] = cnn_mnist_open(w->ctx, test_folder, CNN_MNIST_TEST);
    TRY(got(w, w->dataset[0]));
    return visit(w);
}

static cnn_status idx_gzip(world *w)
{
    TRY(got(w, keep(w, cnn_idx_read(w->ctx, in_folder("t10k-images-idx3-ubyte.gz")))));
    return got(w, keep(w, cnn_idx_read(w->ctx, in_folder("doubles-zipped"))));
}
#endif

/* ---- files ---- */

static cnn_status save_module(world *w)
{
    return cnn_module_save(w->model, in_folder("target"));
}

static cnn_status save_module_new(world *w)
{
    return cnn_module_save(w->model, in_folder("new"));
}

static cnn_status load_module(world *w)
{
    return cnn_module_load(w->model, in_folder("module"));
}

static cnn_status save_checkpoint(world *w)
{
    const cnn_checkpoint c = { .struct_size = sizeof c, .module = w->model, .optimizer = w->adam, .epoch = 5 };
    return cnn_checkpoint_save(&c, in_folder("target"));
}

/* On failure the random state and the optimizer stay too. */
static cnn_status load_checkpoint(world *w)
{
    cnn_checkpoint c = { .struct_size = sizeof c, .module = w->model, .optimizer = w->adam, .epoch = -7 };
    cnn_random_state before, after;
    cnn_context_random_state(w->ctx, &before);
    int64_t steps = cnn_optimizer_step_count(w->adam);
    cnn_status status = cnn_checkpoint_load(&c, in_folder("checkpoint"));
    cnn_context_random_state(w->ctx, &after);
    if (status == CNN_OK) {
        ck_assert_int_eq(c.epoch, 3);
    } else {
        ck_assert_int_eq(c.epoch, -7);
        ck_assert(before.seed == after.seed && before.stream == after.stream);
        ck_assert_int_eq(cnn_optimizer_step_count(w->adam), steps);
    }
    return status;
}

static cnn_status save_tensors(world *w)
{
    w->tape = cnn_tape_new(w->ctx);
    TRY(got(w, w->tape));
    TRY(cnn_tape_begin(w->tape, CNN_EVAL));
    cnn_tensor *turned = cnn_transpose(cnn_input(w->tape, w->images), 2, 3); /* a copy is made of it */
    TRY(cnn_tape_status(w->tape));
    const char *const names[] = { "images", "labels", "turned" };
    cnn_tensor *const tensors[] = { w->images, w->labels, turned };
    return cnn_tensors_save(in_folder("target"), names, tensors, 3);
}

static cnn_status load_tensor(world *w)
{
    return got(w, keep(w, cnn_tensor_load(w->ctx, in_folder("module"), "0.weight")));
}

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
    cnn_tensor *t = cnn_tensor_from_borrowed(w->ctx, CNN_U8, CNN_SHAPE(4), calloc(4, 1), delete_data, NULL);
    cnn_status status = got(w, t);
    ck_assert_int_eq(deleted, t ? 0 : 1);
    cnn_tensor_free(t);
    ck_assert_int_eq(deleted, 1);
    return status;
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

static const scenario scenarios[] = {
    { "context", make_context, false },
    { "tape", make_tape, false },
    { "layer Conv2d", make_conv2d, false },
    { "layer Conv2d f64", make_conv2d_f64, false },
    { "layer ReLU", make_relu, false },
    { "layer MaxPool2d", make_maxpool2d, false },
    { "layer Dropout", make_dropout, false },
    { "layer Flatten", make_flatten, false },
    { "layer Linear", make_linear, false },
    { "layer Linear f64", make_linear_f64, false },
    { "layer Sequential", make_sequential, false },
    { "module of the user's", make_user_module, false },
    { "tutorial's model", make_tutorial, false },
    { "two training steps", train_step, false },
    { "tutorial's model, a step", train_tutorial, false },
    { "two epochs, background thread", train_background, false },
    { "two epochs, no thread", train_foreground, false },
    { "inference", infer, false },
    { "Adam", optimize_adam, false },
    { "Adam, amsgrad", optimize_amsgrad, false },
    { "AdamW", optimize_adamw, false },
    { "SGD", optimize_sgd, false },
    { "SGD, momentum", optimize_momentum, false },
    { "parameter groups", optimize_groups, false },
    { "dataset of bytes", data_bytes, false },
    { "dataset of floats", data_floats, false },
    { "dataset of doubles", data_doubles, false },
    { "dataset of callbacks", data_callbacks, false },
    { "MNIST", data_mnist, false },
    { "IDX", idx_plain, false },
#ifdef CNN_HAVE_ZLIB
    { "MNIST, gzipped", data_mnist_gzip, false },
    { "IDX, gzipped", idx_gzip, false },
#endif
    { "module_save", save_module, false },
    { "module_save, new file", save_module_new, false },
    { "module_load", load_module, true },
    { "checkpoint_save", save_checkpoint, false },
    { "checkpoint_load", load_checkpoint, true },
    { "tensors_save", save_tensors, false },
    { "tensor_load", load_tensor, false },
    { "tensors", make_tensors, false },
    { "borrowed memory", borrow_memory, false },
    { "tensors in use", use_tensors, false },
    { "module_copy_from", copy_module, false },
    { "gradcheck", check_gradients, false },
    { "custom operation", custom_operation, false },
};

enum { SCENARIOS = sizeof scenarios / sizeof *scenarios };

#endif
