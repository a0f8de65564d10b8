/* A program written for the first release. check-abi compiles it with the headers of that release and runs it with
 * today's library: every options struct in its old size, user-defined modules and operations, data, files, errors.
 * It uses nothing that came later and is not changed. While a version that breaks the ABI is not released, it is
 * compiled with that version's headers instead, and edited only where docs/moving-to-VERSION.md names the break. */
#include <cnn/cnn.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEED(condition)                                                                                  \
    ((condition) ? (void)0                                                                               \
                 : (fprintf(stderr, "baseline_client: line %d: %s: %s\n", __LINE__, #condition, cnn_last_error(NULL)), exit(1)))

/* ---- callbacks of each kind ---- */

static long allocations, messages;

static void *allocate(size_t size, size_t alignment, void *user)
{
    void *memory = NULL;
    *(long *)user += 1;
    return posix_memalign(&memory, alignment, size) == 0 ? memory : NULL;
}

static void deallocate(void *memory, size_t size, void *user)
{
    (void)size, (void)user;
    free(memory);
}

static void log_message(cnn_log_level level, const char *message, void *user)
{
    (void)message;
    *(long *)user += level >= CNN_LOG_DEBUG;
}

static cnn_status sample(int64_t index, void *image, void *label, void *user)
{
    float *pixels = image;
    int64_t *class_index = label;
    (void)user;
    for (int i = 0; i < 64; i++) {
        pixels[i] = (float)((i * (index % 4 + 1)) % 7) / 7;
    }
    *class_index = index % 4;
    return CNN_OK;
}

static cnn_tensor *run_children(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)user;
    return cnn_forward(cnn_module_child(self, 1, NULL), cnn_forward(cnn_module_child(self, 0, NULL), x));
}

static cnn_status twice_shape(const cnn_tensor *const *inputs, int count, cnn_dtype *dtype, int *ndim, int64_t *shape,
                              void *user)
{
    (void)count, (void)user;
    *dtype = cnn_tensor_dtype(inputs[0]);
    *ndim = cnn_tensor_ndim(inputs[0]);
    memcpy(shape, cnn_tensor_shape(inputs[0]), (size_t)*ndim * sizeof *shape);
    return CNN_OK;
}

static cnn_status twice(const cnn_tensor *const *inputs, int count, cnn_tensor *output, void *user)
{
    const double *x = cnn_tensor_data(inputs[0]);
    double *y = cnn_tensor_data(output);
    (void)count, (void)user;
    for (int64_t i = 0; i < cnn_tensor_numel(output); i++) {
        y[i] = 2 * x[i];
    }
    return CNN_OK;
}

static cnn_status twice_backward(const cnn_tensor *const *inputs, int count, const cnn_tensor *output,
                                 const cnn_tensor *grad_output, cnn_tensor *const *grad_inputs, void *user)
{
    (void)inputs, (void)output;
    return grad_inputs[0] ? twice(&grad_output, count, grad_inputs[0], user) : CNN_OK;
}

static const cnn_custom_op twice_op = { .struct_size = sizeof(cnn_custom_op), .name = "twice", .infer = twice_shape,
                                        .forward = twice, .backward = twice_backward };

static cnn_tensor *call_twice(cnn_tensor *const *inputs, int count, void *user)
{
    return cnn_custom(&twice_op, inputs, count, user);
}

/* ---- what a program does ---- */

static cnn_module *network(cnn_context *ctx)
{
    cnn_module *model = cnn_module_new(ctx, run_children, .type = "Net");
    NEED(cnn_module_add(model, "features", cnn_sequential_new(ctx,
        cnn_conv2d_new(ctx, 1, 4, 3, .padding = 1, .groups = 1), cnn_relu_new(ctx), cnn_maxpool2d_new(ctx, 2, .stride = 2),
        cnn_conv2d_new(ctx, 4, 6, 3, .padding_mode = CNN_PADDING_SAME, .no_bias = true), cnn_flatten_new(ctx))));
    NEED(cnn_module_add(model, "head", cnn_sequential_new(ctx, cnn_dropout_new(ctx, 0.1),
        cnn_linear_new(ctx, 96, 4, .dtype = CNN_F32))));
    return model;
}

static cnn_loader *batches(cnn_context *ctx)
{
    const int64_t image[] = { 1, 8, 8 };
    const cnn_dataset_callbacks callbacks = { .struct_size = sizeof callbacks, .size = 40, .image_ndim = 3,
        .image_shape = image, .image_dtype = CNN_F32, .label_dtype = CNN_I64, .get = sample };
    return cnn_loader_new(cnn_dataset_from_callbacks(ctx, &callbacks), 10, .shuffle = true, .drop_last = true, .seed = 4);
}

/* The mean loss of an epoch. */
static double epoch(cnn_module *model, cnn_optimizer *optimizer, cnn_loader *loader, cnn_tape *tape)
{
    const cnn_cross_entropy_options smooth = { .struct_size = sizeof smooth, .label_smoothing = 0.05 };
    cnn_batch batch;
    double sum = 0;
    while (cnn_loader_next(loader, &batch)) {
        cnn_tape_begin(tape, CNN_TRAIN);
        cnn_tensor *loss = cnn_cross_entropy_with(cnn_forward(model, cnn_input(tape, batch.images)), batch.labels, &smooth);
        NEED(cnn_optimizer_zero_grad(optimizer) == CNN_OK);
        NEED(cnn_backward(loss) == CNN_OK);
        NEED(cnn_optimizer_step(optimizer) == CNN_OK);
        sum += cnn_tensor_item(loss) / (double)cnn_loader_batch_count(loader);
    }
    NEED(cnn_loader_status(loader) == CNN_OK);
    return sum;
}

static void train(cnn_context *ctx, cnn_module *model, cnn_optimizer *optimizer, const char *name)
{
    cnn_loader *loader = batches(ctx);
    cnn_tape *tape = cnn_tape_new(ctx);
    NEED(loader && tape && optimizer);
    double first = epoch(model, optimizer, loader, tape), last = 0;
    for (int i = 0; i < 20; i++) {
        last = epoch(model, optimizer, loader, tape);
    }
    NEED(last < first);
    printf("baseline_client: %s, loss %.3f to %.3f\n", name, first, last);
    cnn_tape_free(tape);
    cnn_loader_free(loader);
}

static void resume(cnn_context *ctx, cnn_module *model, cnn_optimizer *adam, const char *path)
{
    cnn_module *copy = network(ctx);
    cnn_optimizer *other = cnn_adam_new(copy, .lr = 0.5, .amsgrad = true);
    const cnn_checkpoint saved = { .struct_size = sizeof saved, .module = model, .optimizer = adam, .epoch = 21 };
    cnn_checkpoint loaded = { .struct_size = sizeof loaded, .module = copy, .optimizer = other };
    cnn_random_state before, after;
    NEED(cnn_context_random_state(ctx, &before) == CNN_OK);
    NEED(cnn_checkpoint_save(&saved, path) == CNN_OK && cnn_checkpoint_load(&loaded, path) == CNN_OK);
    NEED(cnn_context_random_state(ctx, &after) == CNN_OK && after.stream == before.stream && after.seed == before.seed);
    NEED(loaded.epoch == 21 && cnn_optimizer_step_count(other) == cnn_optimizer_step_count(adam));
    NEED(cnn_optimizer_lr(other, 0) == cnn_optimizer_lr(adam, 0));
    cnn_optimizer_free(other);
    cnn_module_free(copy);
}

static void differentiate(cnn_context *ctx)
{
    const cnn_gradcheck_options options = { .struct_size = sizeof options, .eps = 1e-6, .atol = 1e-5, .rtol = 1e-3 };
    cnn_tensor *x = cnn_tensor_randn(ctx, CNN_F64, CNN_SHAPE(3, 2));
    NEED(cnn_tensor_set_requires_grad(x, true) == CNN_OK);
    NEED(cnn_gradcheck(ctx, call_twice, NULL, &x, 1, &options) == CNN_OK);
    cnn_tensor_free(x);
}

static void fail_politely(cnn_context *ctx)
{
    const cnn_conv2d_options odd = { .struct_size = 3 };
    NEED(!cnn_conv2d_create(ctx, 1, 1, &odd) && cnn_context_status(ctx) == CNN_ERROR_INVALID_ARGUMENT);
    NEED(*cnn_last_error(ctx) && strcmp(cnn_status_name(CNN_OK), "") != 0);
    cnn_context_clear_error(ctx);
    NEED(cnn_context_status(ctx) == CNN_OK);
}

int main(int argc, char **argv)
{
    cnn_context *ctx = cnn_context_new(.seed = 7, .threads = 2, .allocate = allocate, .deallocate = deallocate,
                                       .allocator_user = &allocations, .log = log_message, .log_user = &messages,
                                       .kernels = "generic");
    NEED(argc == 2 && ctx);
    cnn_module *model = network(ctx), *second = network(ctx), *third = network(ctx);
    cnn_optimizer *adam = cnn_adam_new(model, .lr = 0.01, .amsgrad = true);
    cnn_optimizer *adamw = cnn_adamw_new(second, .lr = 0.01, .weight_decay = CNN_ZERO);
    cnn_optimizer *sgd = cnn_sgd_new(third, .lr = 0.1, .momentum = 0.9, .nesterov = true);
    train(ctx, model, adam, "Adam");
    train(ctx, second, adamw, "AdamW");
    train(ctx, third, sgd, "SGD");
    resume(ctx, model, adam, argv[1]);
    differentiate(ctx);
    fail_politely(ctx);
    NEED(allocations > 0 && cnn_version_number() >= CNN_VERSION_MAJOR * 10000 + CNN_VERSION_MINOR * 100);
    cnn_optimizer_free(sgd);
    cnn_optimizer_free(adamw);
    cnn_optimizer_free(adam);
    cnn_module_free(third);
    cnn_module_free(second);
    cnn_module_free(model);
    cnn_context_free(ctx);
    printf("baseline_client: written for %s, run by %s\n", CNN_VERSION_STRING, cnn_version());
    return 0;
}
