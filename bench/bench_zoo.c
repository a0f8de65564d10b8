/* Trains or runs a net of examples/zoo on command, so that bench/zoo.py can interleave it with its peers.
 *
 * It speaks the protocol of bench_net.c, but for the last line, which has two numbers: the peak resident size in kB, and the size
 * before the net was made. A training step is forward, loss, zero_grad, backward and a step of SGD with momentum on a batch that is
 * in memory; a step of inference is the forward pass. */
#include "zoo/zoo.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

typedef struct bench {
    cnn_module *model;
    cnn_optimizer *sgd; /* NULL in inference */
    cnn_tape *tape;
    const zoo_net *net;
    cnn_tensor *inputs, *targets;
    clockid_t clock; /* which steps are timed by */
} bench;

static double now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void die(const char *what)
{
    fprintf(stderr, "bench_zoo: %s: %s\n", what, cnn_last_error(NULL));
    exit(1);
}

static long peak(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

static void step(bench *b)
{
    cnn_tape_begin(b->tape, b->sgd ? CNN_TRAIN : CNN_EVAL);
    cnn_tensor *x = cnn_input(b->tape, b->inputs);
    if (b->sgd) {
        cnn_tensor *loss = zoo_loss(b->net, b->model, x, cnn_input(b->tape, b->targets));
        cnn_optimizer_zero_grad(b->sgd);
        cnn_backward(loss);
        cnn_optimizer_step(b->sgd);
    } else {
        cnn_forward(b->model, x);
    }
    if (cnn_tape_status(b->tape) != CNN_OK) {
        die("step");
    }
}

static void set_up(bench *b, cnn_context *ctx, const char *size, int64_t batch, bool infer)
{
    long long input[3] = { 0 };
    if (!ctx || !b->net || sscanf(size, "%lldx%lldx%lld", &input[0], &input[1], &input[2]) < 1) {
        die("options");
    }
    const int64_t shape[3] = { input[0], input[1], input[2] };
    b->model = b->net->make(ctx, b->net, shape, b->net->classes);
    b->tape = cnn_tape_new(ctx);
    b->sgd = infer || !b->model ? NULL : cnn_sgd_new(b->model, .lr = 0.01, .momentum = 0.9);
    if (!b->model || !b->tape || (!infer && !b->sgd) ||
        !zoo_draw(ctx, b->net, shape, b->net->classes, batch, &b->inputs, &b->targets)) {
        die("setup");
    }
}

static void serve(bench *b)
{
    char line[64];
    while (fgets(line, sizeof line, stdin)) {
        long steps = strtol(line, NULL, 10);
        for (long i = 0; i < steps; i++) {
            double start = now(b->clock);
            step(b);
            printf(i ? " %.7f" : "%.7f", now(b->clock) - start);
        }
        printf("\n");
        fflush(stdout);
    }
}

int main(int argc, char **argv)
{
    int threads = 0, option;
    long batch = 8;
    const char *size = "3x224x224";
    bench b = { .clock = CLOCK_MONOTONIC };
    bool infer = false;
    while ((option = getopt(argc, argv, "n:t:b:z:ic")) != -1) {
        switch (option) {
        case 'n': b.net = zoo_find(optarg); break;
        case 't': threads = (int)strtol(optarg, NULL, 10); break;
        case 'b': batch = strtol(optarg, NULL, 10); break;
        case 'z': size = optarg; break;
        case 'i': infer = true; break;
        case 'c': b.clock = CLOCK_PROCESS_CPUTIME_ID; break;
        default:
            fprintf(stderr, "usage: %s -n net [-t threads] [-b batch size] [-z CxHxW or T] [-i (inference)] [-c (CPU time)]\n", argv[0]);
            return 2;
        }
    }
    cnn_context *ctx = cnn_context_new(.seed = 1, .threads = threads);
    long before = peak();
    set_up(&b, ctx, size, batch, infer);
    for (int i = 0; i < 2; i++) {
        step(&b);
    }
    printf("ready %s; kernels %s\n", cnn_version(), cnn_context_kernels(ctx));
    fflush(stdout);
    serve(&b);
    printf("%ld %ld\n", peak(), before);
    cnn_tensor_free(b.inputs);
    cnn_tensor_free(b.targets);
    cnn_tape_free(b.tape);
    cnn_optimizer_free(b.sgd);
    cnn_module_free(b.model);
    cnn_context_free(ctx);
    return 0;
}
