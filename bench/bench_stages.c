/* Where a training step of the tutorial's model goes: each kernel call of the step timed by itself, with its floor.
 *
 * The floor is the arithmetic at the machine's FMA peak or the bytes at its memory rate, whichever is longer; arithmetic of
 * the sparse gradients counts the winners alone. Times are medians, best of the rounds shown beside them. "step" is the whole
 * step through the public API, so what it has above the sum is the tape, the optimizer's bookkeeping and the caches.
 * -c reads the CPU time of all threads instead of the clock: what to look at on a machine that others use.
 * Usage: bench_stages [-b batch] [-t threads] [-r rounds] [-g GFLOP/s of all threads] [-m GB/s] [-j (JSON)] [-c] */
#include "nets.h"

#include "base/context.h"
#include "kernels/conv_relu_pool.h"
#include "kernels/launch.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { HIDDEN = 1000, CLASSES = 10, FLAT = 3136, MAX_ROUNDS = 1000 };

typedef struct stages {
    int64_t batch;
    const cnn__real_kernels *k;
    cnn__pool *pool;
    cnn__conv conv[2];
    float *image, *y1, *y2, *dropped, *hidden, *logits;
    float *dlogits, *dhidden, *ddropped, *dy2, *dy1;
    uint8_t *index1, *index2;
    float *weight[4], *bias[4], *dweight[4], *dbias[4], *first[4], *second[4];
    double winners[2]; /* the part of pooled outputs that are active */
    void *workspace;
    cnn_module *model;
    cnn_optimizer *adam;
    cnn_loader *loader, *plain;
    cnn_tape *tape;
} stages;

static const int64_t weights[4] = { 800, 51200, FLAT * HIDDEN, HIDDEN * CLASSES }, biases[4] = { 32, 64, HIDDEN, CLASSES };

static float *numbers(int64_t n, double scale)
{
    float *p = aligned_alloc(64, (size_t)(n * 4 + 63) / 64 * 64);
    if (!p) {
        exit(1);
    }
    for (int64_t i = 0; i < n; i++) {
        p[i] = (float)((rand() / (double)RAND_MAX - 0.5) * 2 * scale);
    }
    return p;
}

/* ---- the stages ---- */

static void load(stages *s)
{
    cnn_batch batch;
    if (!cnn_loader_next(s->plain, &batch) && !cnn_loader_next(s->plain, &batch)) {
        bench_die("loader");
    }
}

static void conv1(stages *s)
{
    s->k->conv_relu_pool_forward(&s->conv[0], s->image, s->weight[0], s->bias[0], s->y1, s->index1, s->workspace, s->pool);
}

static void conv2(stages *s)
{
    s->k->conv_relu_pool_forward(&s->conv[1], s->y1, s->weight[1], s->bias[1], s->y2, s->index2, s->workspace, s->pool);
}

static const uint64_t key[2] = { 1, 2 };

static void dropout(stages *s)
{
    s->k->dropout(s->batch * FLAT, 0.5, key, s->y2, s->dropped, s->pool);
}

static void undrop(stages *s)
{
    s->k->dropout(s->batch * FLAT, 0.5, key, s->ddropped, s->dy2, s->pool);
}

static void product(stages *s, const cnn__gemm *g, const float *a, const float *b, const float *bias, float *c)
{
    s->k->gemm(g, a, b, bias, c, s->workspace, s->pool);
}

static cnn__gemm forward_gemm(const stages *s, int64_t in, int64_t out)
{
    return (cnn__gemm){ .trans_b = true, .m = s->batch, .n = out, .k = in, .lda = in, .ldb = in, .ldc = out };
}

static cnn__gemm data_gemm(const stages *s, int64_t in, int64_t out)
{
    return (cnn__gemm){ .m = s->batch, .n = in, .k = out, .lda = out, .ldb = in, .ldc = in };
}

static cnn__gemm weight_gemm(const stages *s, int64_t in, int64_t out)
{
    return (cnn__gemm){ .trans_a = true, .m = out, .n = in, .k = s->batch, .lda = out, .ldb = in, .ldc = in };
}

static void linear1(stages *s)
{
    cnn__gemm g = forward_gemm(s, FLAT, HIDDEN);
    product(s, &g, s->dropped, s->weight[2], s->bias[2], s->hidden);
}

static void linear2(stages *s)
{
    cnn__gemm g = forward_gemm(s, HIDDEN, CLASSES);
    product(s, &g, s->hidden, s->weight[3], s->bias[3], s->logits);
}

static void linear2_backward(stages *s)
{
    cnn__gemm d = data_gemm(s, HIDDEN, CLASSES), w = weight_gemm(s, HIDDEN, CLASSES);
    product(s, &d, s->dlogits, s->weight[3], NULL, s->dhidden);
    product(s, &w, s->dlogits, s->hidden, NULL, s->dweight[3]);
    s->k->sum_rows(s->batch, CLASSES, s->dlogits, s->dbias[3], s->pool);
}

static void linear1_data(stages *s)
{
    cnn__gemm g = data_gemm(s, FLAT, HIDDEN);
    product(s, &g, s->dhidden, s->weight[2], NULL, s->ddropped);
}

static void linear1_weight(stages *s)
{
    cnn__gemm g = weight_gemm(s, FLAT, HIDDEN);
    product(s, &g, s->dhidden, s->dropped, NULL, s->dweight[2]);
    s->k->sum_rows(s->batch, HIDDEN, s->dhidden, s->dbias[2], s->pool);
}

static void conv2_data(stages *s)
{
    s->k->conv_relu_pool_backward_data(&s->conv[1], s->dy2, s->index2, s->weight[1], s->dy1, s->workspace, s->pool);
}

static void conv2_weight(stages *s)
{
    s->k->conv_relu_pool_backward_weight(&s->conv[1], s->y1, s->dy2, s->index2, s->dweight[1], s->dbias[1], s->workspace, s->pool);
}

static void conv1_weight(stages *s)
{
    s->k->conv_relu_pool_backward_weight(&s->conv[0], s->image, s->dy1, s->index1, s->dweight[0], s->dbias[0], s->workspace,
                                    s->pool);
}

static void adam_step(stages *s, int64_t n, float *param, const float *grad, float *first, float *second)
{
    const cnn_adam_parameters a = { 1e-3, 0.9, 0.999, 1e-8, 0, 0.5, 0.5, false, false };
    cnn_launch l = CNN__LAUNCH(ADAM, CNN_F32, CNN__PARAMETERS(a), .count = n, .in = { grad },
                               .out = { param, first, second });
    s->k->optimizer(&l, s->pool);
}

static void adam(stages *s)
{
    for (int i = 0; i < 4; i++) {
        adam_step(s, weights[i], s->weight[i], s->dweight[i], s->first[i], s->second[i]);
        adam_step(s, biases[i], s->bias[i], s->dbias[i], s->first[i], s->second[i]);
    }
}

static void whole(stages *s)
{
    if (net_train(s->model, s->adam, s->loader, s->tape) != CNN_OK) {
        bench_die("step");
    }
}

/* FLOP and bytes are of one image, and of the step. `winners` is the stage whose active part scales the FLOP, or −1. */
typedef struct stage {
    const char *name;
    void (*run)(stages *s);
    double flop_each, bytes_each, bytes;
    int winners;
} stage;

static const stage table[] = {
    { "load the batch", load, 0, 784 * 5, 0, -1 },
    { "conv1+relu+pool", conv1, 2 * 784 * 800, 784 * 4 + 6272 * 5, 3200, -1 },
    { "conv2+relu+pool", conv2, 2 * 49 * 36 * 2048.0 /* Winograd's; 2 · 196 · 51200 directly */, 6272 * 4 + 3136 * 5, 204800, -1 },
    { "dropout", dropout, 0, 3136 * 8, 0, -1 },
    { "linear1", linear1, 2 * FLAT * HIDDEN, 4136 * 4, 4 * FLAT * HIDDEN, -1 },
    { "linear2", linear2, 2 * HIDDEN * CLASSES, 1010 * 4, 40000, -1 },
    { "linear2 gradients", linear2_backward, 4 * HIDDEN * CLASSES, 3020 * 4, 120000, -1 },
    { "linear1 weight gradient", linear1_weight, 2 * FLAT * HIDDEN, 4136 * 4, 4 * FLAT * HIDDEN, -1 },
    { "linear1 data gradient", linear1_data, 2 * FLAT * HIDDEN, 4136 * 4, 4 * FLAT * HIDDEN, -1 },
    { "dropout gradient", undrop, 0, 3136 * 8, 0, -1 },
    { "conv2 weight gradient", conv2_weight, 2 * 49 * 51200, 6272 * 4 + 3136 * 5, 204800, 1 },
    { "conv2 data gradient", conv2_data, 2 * 49 * 51200, 6272 * 4 + 3136 * 5, 204800, 1 },
    { "conv1 weight gradient", conv1_weight, 2 * 196 * 800, 784 * 4 + 6272 * 5, 3200, 0 },
    { "Adam", adam, 0, 0, 28.0 * (FLAT * HIDDEN + 62000), -1 },
    { "step", whole, 0, 0, 0, -1 },
};

enum { STAGES = sizeof table / sizeof *table };

/* ---- setting up ---- */

static double active(const uint8_t *index, int64_t n)
{
    int64_t count = 0;
    for (int64_t i = 0; i < n; i++) {
        count += index[i] != CNN__CONV_RELU_POOL_NONE;
    }
    return (double)count / (double)n;
}

static size_t workspace_size(const stages *s)
{
    int workers = cnn__pool_size(s->pool);
    cnn__gemm gemms[3] = { forward_gemm(s, FLAT, HIDDEN), data_gemm(s, FLAT, HIDDEN), weight_gemm(s, FLAT, HIDDEN) };
    size_t most = 0, sizes[9];
    for (int i = 0; i < 3; i++) {
        sizes[i] = s->k->gemm_workspace(&gemms[i], workers);
    }
    for (int i = 0; i < 2; i++) {
        sizes[3 + 3 * i] = s->k->conv_relu_pool_forward_workspace(&s->conv[i], workers);
        sizes[4 + 3 * i] = s->k->conv_relu_pool_backward_data_workspace(&s->conv[i], workers);
        sizes[5 + 3 * i] = s->k->conv_relu_pool_backward_weight_workspace(&s->conv[i], workers);
    }
    for (int i = 0; i < 9; i++) {
        most = sizes[i] > most ? sizes[i] : most;
    }
    return (most + 63) / 64 * 64;
}

static void set_up(stages *s, cnn_context *ctx)
{
    int64_t n = s->batch;
    const net *tutorial = net_find("tutorial");
    s->k = ctx->kernels->f32;
    s->pool = ctx->pool;
    s->conv[0] = (cnn__conv){ n, 1, 28, 28, 32, 28, 28, 5, 5, 1, 1, 1, 1, 2, 2, 1, .relu = false };
    s->conv[1] = (cnn__conv){ n, 32, 14, 14, 64, 14, 14, 5, 5, 1, 1, 1, 1, 2, 2, 1, .relu = false };
    s->workspace = aligned_alloc(64, workspace_size(s));
    s->image = numbers(n * 784, 1);
    s->y1 = numbers(n * 6272, 1);
    s->y2 = numbers(n * FLAT, 1);
    s->dropped = numbers(n * FLAT, 1);
    s->hidden = numbers(n * HIDDEN, 1);
    s->logits = numbers(n * CLASSES, 1);
    s->dlogits = numbers(n * CLASSES, 1);
    s->dhidden = numbers(n * HIDDEN, 1);
    s->ddropped = numbers(n * FLAT, 1);
    s->dy2 = numbers(n * FLAT, 1);
    s->dy1 = numbers(n * 6272, 1);
    s->index1 = aligned_alloc(64, (size_t)n * 6272);
    s->index2 = aligned_alloc(64, (size_t)n * FLAT);
    for (int i = 0; i < 4; i++) {
        s->weight[i] = numbers(weights[i], 0.05);
        s->dweight[i] = numbers(weights[i], 0.05);
        s->first[i] = numbers(weights[i], 0);
        s->second[i] = numbers(weights[i], 0);
        s->bias[i] = numbers(biases[i], 0.05);
        s->dbias[i] = numbers(biases[i], 0.05);
    }
    conv1(s);
    conv2(s);
    s->winners[0] = active(s->index1, n * 6272);
    s->winners[1] = active(s->index2, n * FLAT);
    cnn_dataset *dataset = net_dataset(ctx, tutorial);
    s->model = tutorial->make(ctx);
    s->adam = s->model ? cnn_adam_new(s->model, .lr = 1e-3) : NULL;
    s->plain = dataset ? cnn_loader_new(cnn_dataset_share(dataset), n, .shuffle = true, .no_background = true) : NULL;
    s->loader = cnn_loader_new(dataset, n, .shuffle = true);
    s->tape = cnn_tape_new(ctx);
    if (!s->adam || !s->plain || !s->loader || !s->tape) {
        bench_die("setup");
    }
}

/* ---- measuring ---- */

static double cpu_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void tear_down(stages *s)
{
    cnn_loader_free(s->loader);
    cnn_loader_free(s->plain);
    cnn_tape_free(s->tape);
    cnn_optimizer_free(s->adam);
    cnn_module_free(s->model);
}

static void report(const stages *s, double (*times)[MAX_ROUNDS], int rounds, double gflops, double gbytes, bool json)
{
    double sum = 0, floors = 0;
    if (!json) {
        printf("%-24s %9s %9s %9s %9s %9s\n", "stage", "floor ms", "median", "best", "GFLOP/s", "left");
    }
    for (int i = 0; i < STAGES; i++) {
        const stage *t = &table[i];
        double flop = (double)s->batch * t->flop_each * (t->winners < 0 ? 1 : s->winners[t->winners]);
        double bytes = (double)s->batch * t->bytes_each + t->bytes;
        double floor = flop / gflops > bytes / gbytes ? flop / gflops / 1e6 : bytes / gbytes / 1e6;
        qsort(times[i], (size_t)rounds, sizeof **times, ascending);
        double median = 1e3 * times[i][rounds / 2], best = 1e3 * times[i][0];
        bool last = t->run == whole;
        floor = last ? floors : floor;
        sum += last ? 0 : median;
        floors += last ? 0 : floor;
        printf(json ? "{\"bench\": \"stages\", \"stage\": \"%s\", \"floor_ms\": %.3f, \"median_ms\": %.3f, \"best_ms\": %.3f, "
                      "\"gflops\": %.1f}\n"
                    : "%-24s %9.3f %9.3f %9.3f %9.1f",
               t->name, floor, median, best, flop / median / 1e6);
        if (!json) {
            printf(" %8.1fx\n", median / floor);
        }
    }
    if (!json) {
        printf("%-24s %9.3f %9.3f\n", "sum of the stages", floors, sum);
    }
}

int main(int argc, char **argv)
{
    static double times[STAGES][MAX_ROUNDS];
    static stages s = { .batch = 200 };
    int threads = 0, rounds = 15, option;
    double gflops = 275, gbytes = 75;
    bool json = false;
    double (*now)(void) = bench_now;
    while ((option = getopt(argc, argv, "b:t:r:g:m:jc")) != -1) {
        switch (option) {
        case 'b': s.batch = strtol(optarg, NULL, 10); break;
        case 't': threads = (int)strtol(optarg, NULL, 10); break;
        case 'r': rounds = (int)strtol(optarg, NULL, 10); break;
        case 'g': gflops = strtod(optarg, NULL); break;
        case 'm': gbytes = strtod(optarg, NULL); break;
        case 'j': json = true; break;
        case 'c': now = cpu_now; break;
        default: return 2;
        }
    }
    rounds = rounds < 1 ? 1 : rounds > MAX_ROUNDS ? MAX_ROUNDS : rounds;
    cnn_context *ctx = cnn_context_new(.seed = 1, .threads = threads);
    if (!ctx) {
        bench_die("context");
    }
    set_up(&s, ctx);
    for (int round = -2; round < rounds; round++) {
        for (int i = 0; i < STAGES; i++) {
            double start = now();
            table[i].run(&s);
            times[i][round < 0 ? 0 : round] = now() - start;
        }
    }
    report(&s, times, rounds, gflops, gbytes, json);
    tear_down(&s);
    cnn_context_free(ctx);
    return 0;
}
