/* Trains or runs the tutorial's model on command, so that bench/run.py can interleave it with its peers.
 *
 * Protocol: prints "ready …" when warm; then for each line "N" on standard input runs N steps and prints their times in
 * seconds on one line. A step is what a user's is: next batch, forward, loss, zero_grad, backward, optimizer step. */
#include <cnn/cnn.h>

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

typedef struct bench {
    cnn_context *ctx;
    cnn_module *model;
    cnn_optimizer *adam;
    cnn_loader *loader;
    cnn_tape *tape;
    bool infer;
} bench;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "bench_training: %s: %s\n", what, cnn_last_error(NULL));
    exit(1);
}

/* Images and labels of MNIST's size and form; what is in them does not change the work. */
static cnn_dataset *make_dataset(cnn_context *ctx, int64_t count)
{
    cnn_tensor *images = cnn_tensor_empty(ctx, CNN_U8, CNN_SHAPE(count, 1, 28, 28));
    cnn_tensor *labels = cnn_tensor_empty(ctx, CNN_I64, CNN_SHAPE(count));
    if (!images || !labels) {
        die("dataset");
    }
    uint8_t *pixels = cnn_tensor_data(images);
    int64_t *classes = cnn_tensor_data(labels);
    uint32_t state = 1;
    for (int64_t i = 0; i < count * 784; i++) {
        state = state * 1664525 + 1013904223;
        pixels[i] = state >> 30 ? 0 : (uint8_t)(state >> 20); /* mostly dark, as digits are */
    }
    for (int64_t i = 0; i < count; i++) {
        classes[i] = i % 10;
    }
    cnn_dataset *dataset = cnn_dataset_from_tensors(images, labels);
    const double mean = 0.1307, deviation = 0.3081;
    if (!dataset || cnn_dataset_normalize(dataset, 1, &mean, &deviation) != CNN_OK) {
        die("dataset");
    }
    cnn_tensor_free(images);
    cnn_tensor_free(labels);
    return dataset;
}

static cnn_module *make_model(cnn_context *ctx)
{
    return cnn_sequential_new(ctx,
        cnn_conv2d_new(ctx, 1, 32, 5, .padding = 2), cnn_relu_new(ctx), cnn_maxpool2d_new(ctx, 2),
        cnn_conv2d_new(ctx, 32, 64, 5, .padding = 2), cnn_relu_new(ctx), cnn_maxpool2d_new(ctx, 2),
        cnn_flatten_new(ctx), cnn_dropout_new(ctx, 0.5),
        cnn_linear_new(ctx, 7 * 7 * 64, 1000), cnn_linear_new(ctx, 1000, 10));
}

static void step(bench *b)
{
    cnn_batch batch;
    while (!cnn_loader_next(b->loader, &batch)) {
        if (cnn_loader_status(b->loader) != CNN_OK) {
            die("loader");
        }
    }
    cnn_tape_begin(b->tape, b->infer ? CNN_EVAL : CNN_TRAIN);
    cnn_tensor *out = cnn_forward(b->model, cnn_input(b->tape, batch.images));
    if (b->infer) {
        if (cnn_tape_status(b->tape) != CNN_OK) {
            die("forward");
        }
        return;
    }
    cnn_tensor *loss = cnn_cross_entropy(out, batch.labels);
    cnn_optimizer_zero_grad(b->adam);
    cnn_backward(loss);
    if (cnn_optimizer_step(b->adam) != CNN_OK) {
        die("step");
    }
}

static void serve(bench *b)
{
    char line[64];
    while (fgets(line, sizeof line, stdin)) {
        long steps = strtol(line, NULL, 10);
        for (long i = 0; i < steps; i++) {
            double start = now();
            step(b);
            printf(i ? " %.6f" : "%.6f", now() - start);
        }
        printf("\n");
        fflush(stdout);
    }
}

int main(int argc, char **argv)
{
    int threads = 0, option;
    long batch_size = 200;
    bench b = { 0 };
    while ((option = getopt(argc, argv, "t:b:i")) != -1) {
        switch (option) {
        case 't': threads = (int)strtol(optarg, NULL, 10); break;
        case 'b': batch_size = strtol(optarg, NULL, 10); break;
        case 'i': b.infer = true; break;
        default: fprintf(stderr, "usage: %s [-t threads] [-b batch size] [-i (inference)]\n", argv[0]); return 2;
        }
    }
    b.ctx = cnn_context_new(.seed = 1, .threads = threads);
    b.model = b.ctx ? make_model(b.ctx) : NULL;
    b.adam = b.model ? cnn_adam_new(b.model, .lr = 1e-3) : NULL;
    b.tape = b.ctx ? cnn_tape_new(b.ctx) : NULL;
    b.loader = b.ctx ? cnn_loader_new(make_dataset(b.ctx, 60000), batch_size, .shuffle = true) : NULL;
    if (!b.model || !b.adam || !b.tape || !b.loader) {
        die("setup");
    }
    for (int i = 0; i < 3; i++) {
        step(&b);
    }
    printf("ready libcnn %s %s\n", cnn_version(), cnn_context_kernels(b.ctx));
    fflush(stdout);
    serve(&b);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    fprintf(stderr, "peak RSS %ld MB\n", usage.ru_maxrss / 1024);
    cnn_loader_free(b.loader);
    cnn_tape_free(b.tape);
    cnn_optimizer_free(b.adam);
    cnn_module_free(b.model);
    cnn_context_free(b.ctx);
    return 0;
}
