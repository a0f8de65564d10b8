/* Trains or runs a network on command, so that bench/run.py can interleave it with its peers.
 *
 * Protocol: prints "ready …" when warm; then for each line "N" on standard input runs N steps and prints their times in
 * seconds on one line; says its peak resident size in kB on a last line when its input ends. A training step is what a user's
 * is: next batch, forward, loss, zero_grad, backward, optimizer step; of a single layer it is forward, zero_grad and backward from a
 * gradient that is given. A step of inference is the forward pass of a batch that is in memory. */
#include "nets.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

enum {
    INPUTS = 8, /* batches that inference takes in turn */
    /* A net that has learnt nothing yet is more active than it will ever be, which makes gradients behind pooling dense; a tenth
     * of an epoch later little changes any more. */
    LEARNT_STEPS = 30,
    LEARNT_BATCH = 32
};

typedef struct bench {
    cnn_context *ctx;
    cnn_module *model;
    cnn_optimizer *adam;
    cnn_loader *loader;
    cnn_tape *tape;
    cnn_tensor *inputs[INPUTS];
    bool infer, layer;
    cnn_math math;
    int next;
} bench;

/* The layer's result has the shape of its input, which serves as the gradient that comes in. */
static void step_of_layer(bench *b)
{
    cnn_tensor *x = b->inputs[b->next++ % INPUTS];
    cnn_tape_begin(b->tape, CNN_TRAIN);
    cnn_tensor *y = cnn_forward(b->model, cnn_input(b->tape, x));
    cnn_module_zero_grad(b->model);
    cnn_tensor_zero_grad(x);
    if (cnn_backward_with(y, b->inputs[b->next % INPUTS], false) != CNN_OK) {
        bench_die("layer");
    }
}

static void step(bench *b)
{
    if (b->layer && !b->infer) {
        step_of_layer(b);
        return;
    }
    if (!b->infer) {
        if (net_train(b->model, b->adam, b->loader, b->tape) != CNN_OK) {
            bench_die("step");
        }
        return;
    }
    cnn_tape_begin(b->tape, CNN_EVAL);
    cnn_forward(b->model, cnn_input(b->tape, b->inputs[b->next++ % INPUTS]));
    if (cnn_tape_status(b->tape) != CNN_OK) {
        bench_die("forward");
    }
}

static void set_up_layer(bench *b, const net *n, int64_t batch_size)
{
    for (int i = 0; i < INPUTS; i++) {
        b->inputs[i] = cnn_tensor_randn(b->ctx, CNN_F32, CNN_SHAPE(batch_size, n->channels, n->height, n->width));
        if (!b->inputs[i] || cnn_tensor_set_requires_grad(b->inputs[i], !b->infer) != CNN_OK) {
            bench_die("setup");
        }
    }
}

static void set_up(bench *b, const net *n, int64_t batch_size, int threads)
{
    b->ctx = cnn_context_new(.seed = 1, .threads = threads, .math = b->math);
    b->model = b->ctx ? n->make(b->ctx) : NULL;
    b->tape = b->ctx ? cnn_tape_new(b->ctx) : NULL;
    b->layer = n->layer;
    if (b->model && b->tape && b->layer) {
        set_up_layer(b, n, batch_size);
        return;
    }
    cnn_dataset *dataset = b->ctx ? net_dataset(b->ctx, n) : NULL;
    if (!b->model || !b->tape || !dataset) {
        bench_die("setup");
    }
    if (b->infer) {
        for (int i = 0; i < INPUTS; i++) {
            b->inputs[i] = net_batch(dataset, batch_size);
            if (!b->inputs[i]) {
                bench_die("setup");
            }
        }
        cnn_dataset_free(dataset);
        return;
    }
    b->adam = cnn_adam_new(b->model, .lr = 1e-3);
    b->loader = cnn_loader_new(cnn_dataset_share(dataset), LEARNT_BATCH, .shuffle = true, .drop_last = true);
    for (int i = 0; i < LEARNT_STEPS && b->adam && b->loader; i++) {
        step(b);
    }
    cnn_loader_free(b->loader);
    b->loader = cnn_loader_new(dataset, batch_size, .shuffle = true, .drop_last = true);
    if (!b->adam || !b->loader) {
        bench_die("setup");
    }
}

static void serve(bench *b)
{
    char line[64];
    while (fgets(line, sizeof line, stdin)) {
        long steps = strtol(line, NULL, 10);
        for (long i = 0; i < steps; i++) {
            double start = bench_now();
            step(b);
            printf(i ? " %.7f" : "%.7f", bench_now() - start);
        }
        printf("\n");
        fflush(stdout);
    }
}

int main(int argc, char **argv)
{
    int threads = 0, option;
    long batch_size = 200;
    const char *name = "tutorial";
    bench b = { 0 };
    while ((option = getopt(argc, argv, "n:t:b:is")) != -1) {
        switch (option) {
        case 'n': name = optarg; break;
        case 't': threads = (int)strtol(optarg, NULL, 10); break;
        case 'b': batch_size = strtol(optarg, NULL, 10); break;
        case 'i': b.infer = true; break;
        case 's': b.math = CNN_MATH_STRICT; break;
        default:
            fprintf(stderr, "usage: %s [-n net] [-t threads] [-b batch size] [-i (inference)] [-s (strict math)]\n", argv[0]);
            return 2;
        }
    }
    set_up(&b, net_find(name), batch_size, threads);
    for (int i = 0; i < 3; i++) {
        step(&b);
    }
    printf("ready %s; kernels %s\n", cnn_version(), cnn_context_kernels(b.ctx));
    fflush(stdout);
    serve(&b);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("%ld\n", usage.ru_maxrss);
    cnn_loader_free(b.loader);
    for (int i = 0; i < INPUTS; i++) {
        cnn_tensor_free(b.inputs[i]);
    }
    cnn_tape_free(b.tape);
    cnn_optimizer_free(b.adam);
    cnn_module_free(b.model);
    cnn_context_free(b.ctx);
    return 0;
}
