/* 99 % of MNIST's test images in the fewest seconds: a small network with a whitening first layer, trained on a part
 * of an epoch by Adam, whose learning rate rises and falls along two lines. The time of a run goes from before its
 * context is made and the files are read until the last test image is classified. */
#include "common/say.h"
#include "common/signals.h"
#include "common/streams.h"
#include "record.h"
#include "whiten.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    BATCH = 64,
    TEST_BATCH = 200,
    STEPS = 600,
    PATCH_IMAGES = 256,
    FILTERS = 16,
    KERNEL = 4,
    CHANNELS = 48,
    HIDDEN = 64
};

static const double peak = 0.007;         /* learning rate */
static const double rising = 0.1;         /* the part of the steps in which it rises from 0, and then falls to 0 */
static const double smoothing = 0.1;      /* label smoothing */
static const double whitening_eps = 0.03; /* added to the variance of a direction of the patches */
static const double goal = 99;            /* percent, of the mean over the seeds */

typedef struct run {
    cnn_context *ctx;
    cnn_dataset *images;
    cnn_loader *train, *test;
    cnn_module *net;
    cnn_optimizer *adam;
    cnn_tape *tape;
    double seconds, accuracy;
} run;

/* ---- one run ---- */

/* Two pixels at each edge are cut off: few digits reach them. */
static cnn_module *net_new(cnn_context *ctx)
{
    return cnn_sequential_new(
        ctx, cnn_zero_pad2d_new(ctx, -2), cnn_conv2d_new(ctx, 1, FILTERS, KERNEL, .no_bias = true), cnn_relu_new(ctx),
        cnn_maxpool2d_new(ctx, 2), cnn_conv2d_new(ctx, FILTERS, CHANNELS, 3), cnn_relu_new(ctx),
        cnn_maxpool2d_new(ctx, 2), cnn_batch_norm2d_new(ctx, CHANNELS), cnn_flatten_new(ctx),
        cnn_linear_new(ctx, CHANNELS * 4 * 4, HIDDEN), cnn_relu_new(ctx), cnn_linear_new(ctx, HIDDEN, 10));
}

static cnn_dataset *open_images(const run *r, const options *o, cnn_mnist_split split)
{
    cnn_dataset *images = cnn_mnist_open(r->ctx, o->data, split);
    return images ? first_of(images, o->limit) : NULL;
}

static bool prepare(run *r, const options *o, uint64_t seed)
{
    r->ctx = cnn_context_new(.seed = seed, .threads = o->threads);
    r->images = r->ctx ? open_images(r, o, CNN_MNIST_TRAIN) : NULL;
    r->test = r->images ? cnn_loader_new(open_images(r, o, CNN_MNIST_TEST), TEST_BATCH) : NULL;
    r->train = r->test ? cnn_loader_new(cnn_dataset_share(r->images), BATCH, .shuffle = true) : NULL;
    r->net = r->train ? net_new(r->ctx) : NULL;
    r->tape = r->net ? cnn_tape_new(r->ctx) : NULL;
    if (!r->tape || !whiten(r->tape, cnn_module_parameter(r->net, 0), r->images, PATCH_IMAGES, whitening_eps)) {
        return false;
    }
    r->adam = cnn_adam_new(r->net, .beta1 = 0.8, .beta2 = 0.95);
    return r->adam != NULL;
}

static double rate(int step)
{
    double part = (step + 1.0) / (STEPS + 1);
    return peak * (part < rising ? part / rising : (1 - part) / (1 - rising));
}

static bool train_step(run *r, int step)
{
    const cnn_cross_entropy_options smooth = { .struct_size = sizeof smooth, .label_smoothing = smoothing };
    cnn_batch batch;
    /* The loader gives false once at the end of each epoch, after which the next begins. */
    if (!cnn_loader_next(r->train, &batch) && !cnn_loader_next(r->train, &batch)) {
        return false;
    }
    cnn_tape_begin(r->tape, CNN_TRAIN);
    cnn_tensor *outputs = cnn_forward(r->net, cnn_input(r->tape, batch.images));
    cnn_tensor *loss = cnn_cross_entropy_with(outputs, batch.labels, &smooth);
    cnn_optimizer_zero_grad(r->adam);
    cnn_backward(loss);
    cnn_optimizer_set_lr(r->adam, -1, rate(step));
    return cnn_optimizer_step(r->adam) == CNN_OK;
}

static bool test(run *r)
{
    cnn_batch batch;
    int64_t right = 0;
    while (!interrupted && cnn_loader_next(r->test, &batch)) {
        cnn_tape_begin(r->tape, CNN_EVAL);
        right += count_right(cnn_forward(r->net, cnn_input(r->tape, batch.images)), batch.labels);
        if (cnn_tape_status(r->tape) != CNN_OK) {
            return false;
        }
    }
    r->accuracy = 100 * (double)right / (double)cnn_loader_sample_count(r->test);
    return !interrupted && cnn_loader_status(r->test) == CNN_OK;
}

static void release(run *r)
{
    cnn_tape_free(r->tape);
    cnn_optimizer_free(r->adam);
    cnn_module_free(r->net);
    cnn_loader_free(r->train);
    cnn_loader_free(r->test);
    cnn_dataset_free(r->images);
    cnn_context_free(r->ctx);
}

static bool run_seed(run *r, const options *o, uint64_t seed)
{
    double start = clock_now(o);
    bool good = prepare(r, o, seed);
    for (int step = 0; good && step < STEPS; step++) {
        good = !interrupted && train_step(r, step);
    }
    good = (good && test(r)) || (!interrupted && say_error());
    r->seconds = clock_now(o) - start;
    release(r);
    return good && !interrupted;
}

/* ---- all of them ---- */

static bool report_seed(const options *o, uint64_t seed, const run *r)
{
    printf(o->json ? "{\"seed\": %llu, \"seconds\": %.3f, \"accuracy\": %.2f}\n"
                   : "seed %llu: %.3f s, accuracy %.2f %%\n",
           (unsigned long long)seed, r->seconds, r->accuracy);
    return streams_flush();
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double mean(const double *x, int64_t count)
{
    double sum = 0;
    for (int64_t i = 0; i < count; i++) {
        sum += x[i];
    }
    return sum / (double)count;
}

static double deviation(const double *x, int64_t count)
{
    double m = mean(x, count), sum = 0;
    for (int64_t i = 0; i < count; i++) {
        sum += (x[i] - m) * (x[i] - m);
    }
    return count > 1 ? sqrt(sum / (double)(count - 1)) : 0;
}

static bool report(const options *o, double *seconds, const double *accuracy)
{
    int64_t n = o->seeds;
    double average = mean(accuracy, n);
    bool reached = average >= goal;
    qsort(seconds, (size_t)n, sizeof *seconds, ascending);
    double median = (seconds[(n - 1) / 2] + seconds[n / 2]) / 2;
    if (o->json) {
        printf(
            "{\"seeds\": %lld, \"accuracy\": %.3f, \"deviation\": %.3f, \"median_seconds\": %.3f, \"reached\": %s}\n",
            (long long)n, average, deviation(accuracy, n), median, reached ? "true" : "false");
    } else {
        printf(
            "%lld seed%s: mean accuracy %.3f %%, standard deviation %.3f, median time %.3f s: %.0f %% is %sreached\n",
            (long long)n, n == 1 ? "" : "s", average, deviation(accuracy, n), median, goal, reached ? "" : "not ");
    }
    return streams_flush();
}

int mnist99(const options *o)
{
    double *seconds = calloc((size_t)o->seeds, 2 * sizeof *seconds), *accuracy = seconds ? seconds + o->seeds : NULL;
    bool good = seconds != NULL || say_error();
    for (int64_t i = 0; good && i < o->seeds; i++) {
        run r = { .ctx = NULL };
        uint64_t seed = o->seed + (uint64_t)i;
        good = run_seed(&r, o, seed) && report_seed(o, seed, &r);
        seconds[i] = r.seconds;
        accuracy[i] = r.accuracy;
    }
    good = good && report(o, seconds, accuracy);
    free(seconds);
    return good ? 0 : failed();
}
