/* Trains one epoch and prints digests of the result: `epoch THREADS fused|unfused IMAGES [FILE]` prints a digest of
 * the weights and one of every elementary function's results, and saves the weights in FILE. It uses the public API
 * alone, so that the test can link it with the static and with the shared library. */
#include <cnn/cnn.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE = 28, CLASSES = 10, BATCH = 32 };

static uint64_t mix(uint64_t hash, const cnn_tensor *t)
{
    size_t size = (size_t)cnn_tensor_numel(t) * cnn_dtype_size(cnn_tensor_dtype(t));
    unsigned char *bytes = malloc(size + 1);
    if (!bytes || cnn_tensor_read(t, bytes, size) != CNN_OK) {
        fprintf(stderr, "epoch: %s\n", cnn_last_error(NULL));
        exit(1);
    }
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ bytes[i]) * 1099511628211u;
    }
    free(bytes);
    return hash;
}

/* The children of one sequential module, run one by one: nothing is fused. */
static cnn_tensor *one_by_one(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)user;
    for (int i = 0; i < cnn_module_child_count(self); i++) {
        x = cnn_forward(cnn_module_child(self, i, NULL), x);
    }
    return x;
}

static cnn_module *make_model(cnn_context *ctx, bool fused)
{
    cnn_module *children[] = {
        cnn_conv2d_new(ctx, 1, 32, 5, .padding = 2),  cnn_relu_new(ctx), cnn_maxpool2d_new(ctx, 2),
        cnn_conv2d_new(ctx, 32, 64, 5, .padding = 2), cnn_relu_new(ctx), cnn_maxpool2d_new(ctx, 2),
        cnn_flatten_new(ctx), cnn_dropout_new(ctx, 0.5), cnn_linear_new(ctx, 7 * 7 * 64, 100), cnn_linear_new(ctx, 100, CLASSES),
    };
    enum { COUNT = sizeof children / sizeof *children };
    if (fused) {
        return cnn_sequential_create(ctx, children, COUNT);
    }
    cnn_module *self = cnn_module_new(ctx, one_by_one);
    for (int i = 0; i < COUNT; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        cnn_module_add(self, name, children[i]);
    }
    return self;
}

static cnn_dataset *make_data(cnn_context *ctx, int images)
{
    cnn_tensor *x = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(images, 1, SIZE, SIZE));
    cnn_tensor *y = cnn_tensor_zeros(ctx, CNN_I64, CNN_SHAPE(images));
    for (int i = 0; y && i < images; i++) {
        ((int64_t *)cnn_tensor_data(y))[i] = i * 7 % CLASSES;
    }
    cnn_dataset *data = cnn_dataset_from_tensors(x, y);
    cnn_tensor_free(x);
    cnn_tensor_free(y);
    return data;
}

static void train(cnn_context *ctx, cnn_module *model, int images)
{
    cnn_optimizer *adam = cnn_adam_new(model, .weight_decay = 1e-4, .amsgrad = true);
    cnn_loader *loader = cnn_loader_new(make_data(ctx, images), BATCH, .shuffle = true);
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_batch batch;
    while (adam && loader && tape && cnn_loader_next(loader, &batch)) {
        cnn_tape_begin(tape, CNN_TRAIN);
        cnn_tensor *loss = cnn_cross_entropy(cnn_forward(model, cnn_input(tape, batch.images)), batch.labels);
        cnn_optimizer_zero_grad(adam);
        cnn_backward(loss);
        if (cnn_optimizer_step(adam) != CNN_OK) {
            fprintf(stderr, "epoch: %s\n", cnn_last_error(NULL));
            exit(1);
        }
    }
    cnn_tape_free(tape);
    cnn_loader_free(loader);
    cnn_optimizer_free(adam);
}

/* What libm would compute otherwise on another CPU. */
static uint64_t functions(cnn_context *ctx, uint64_t hash, cnn_dtype dtype)
{
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_tensor *plain = cnn_tensor_randn(ctx, dtype, CNN_SHAPE(200, 500));
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_tensor *x = cnn_mul_scalar(cnn_input(tape, plain), 4), *positive = cnn_add_scalar(cnn_abs(x), 1e-3);
    cnn_tensor *results[] = { cnn_exp(x), cnn_log(positive), cnn_sqrt(positive), cnn_tanh(x), cnn_sigmoid(x),
                              cnn_pow(positive, x), cnn_pow_scalar(positive, 1.7), cnn_softmax(x, 1), cnn_log_softmax(x, 0),
                              cnn_sum(x, CNN_DIMS(0), false), cnn_mean(x, CNN_ALL_DIMS, false),
                              cnn_matmul(x, cnn_transpose(x, 0, 1)) };
    for (size_t i = 0; i < sizeof results / sizeof *results; i++) {
        hash = mix(hash, results[i]);
    }
    cnn_tape_free(tape);
    cnn_tensor_free(plain);
    return hash;
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        return 2;
    }
    cnn_context *ctx = cnn_context_new(.seed = 11, .threads = atoi(argv[1]));
    cnn_module *model = ctx ? make_model(ctx, strcmp(argv[2], "fused") == 0) : NULL;
    uint64_t weights = 14695981039346656037u, results = weights;
    if (!model) {
        fprintf(stderr, "epoch: %s\n", cnn_last_error(NULL));
        return 1;
    }
    train(ctx, model, atoi(argv[3]));
    for (int i = 0; i < cnn_module_state_count(model); i++) {
        weights = mix(weights, cnn_module_state(model, i));
    }
    results = functions(ctx, functions(ctx, results, CNN_F32), CNN_F64);
    printf("%016llx %016llx\n", (unsigned long long)weights, (unsigned long long)results);
    bool saved = argc < 5 || cnn_module_save(model, argv[4]) == CNN_OK;
    cnn_module_free(model);
    cnn_context_free(ctx);
    return saved ? 0 : 1;
}
