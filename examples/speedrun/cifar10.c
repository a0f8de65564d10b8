/* The best accuracy on CIFAR-10 in ten minutes. The learning rate is a function of the time that has passed, so that
 * the run ends in time on any machine, and time for the test is kept back as the steps so far say. The recipe is
 * airbench94's (cifar10_net.c): SGD with Nesterov's momentum, much higher rates for biases, smoothed labels,
 * alternating flips, and shifts by up to two pixels. */
#include "cifar10_net.h"
#include "common/say.h"
#include "common/signals.h"
#include "common/streams.h"
#include "pictures.h"
#include "record.h"
#include "whiten.h"

#include <stdio.h>

enum { BATCH = 256, TEST_BATCH = 250, CLASSES = 10, SHIFT = 2, PATCH_IMAGES = 2000, VIEWS = 6 };

static const double momentum = 0.85;
static const double peak = 0.4;       /* learning rate of weights for a batch of 256 */
static const double bias_factor = 64; /* the learning rate of biases is so many times as high */
static const double decay = 0.0005;   /* the part of a parameter that a step at the peak takes away */
static const double smoothing = 0.2;  /* label smoothing */
static const double whitening_eps = 0.0005;
static const double rising = 0.23;            /* the part of the time in which the rate rises */
static const double first = 0.2, last = 0.02; /* rates at both ends, of the peak */
static const double forward_part = 0.5;       /* upper bound of what a forward pass takes of a step */

typedef struct run {
    const options *o;
    double start;
    cnn_context *ctx;
    pictures pictures;
    cnn_loader *train, *test;
    cnn_module *net;
    cnn_optimizer *sgd;
    cnn_tape *tape;
    double step_seconds; /* mean so far */
    int64_t steps;
    int64_t right, right_views;
} run;

/* ---- before ---- */

static bool is_weight(const char *name, const cnn_tensor *parameter, void *user)
{
    (void)name, (void)user;
    return cnn_tensor_ndim(parameter) > 1;
}

static bool is_bias(const char *name, const cnn_tensor *parameter, void *user)
{
    return !is_weight(name, parameter, user);
}

/* SGD's weight decay is multiplied by the rate, so it is divided by it here. */
static cnn_optimizer *sgd_new(const run *r)
{
    const cnn_sgd_options weights = {
        .struct_size = sizeof weights, .lr = peak, .momentum = momentum, .nesterov = true, .weight_decay = decay / peak
    };
    cnn_sgd_options biases = weights;
    biases.lr = peak * bias_factor;
    biases.weight_decay = decay / biases.lr;
    cnn_optimizer *sgd = cnn_sgd_create_for(r->ctx, NULL, 0, &weights);
    if (sgd && (cnn_sgd_add_group_where(sgd, r->net, is_weight, NULL, &weights) != CNN_OK ||
                cnn_sgd_add_group_where(sgd, r->net, is_bias, NULL, &biases) != CNN_OK)) {
        cnn_optimizer_free(sgd);
        return NULL;
    }
    return sgd;
}

static bool open_loaders(run *r)
{
    cnn_augmentation *shift = cnn_augmentation_new(r->ctx);
    cnn_augment_random_shift(shift, SHIFT, CNN_PAD_REFLECT);
    cnn_sampler *order = pictures_sampler(r->ctx, &r->pictures);
    if (order) {
        r->train = cnn_loader_new(cnn_dataset_augment(cnn_dataset_share(r->pictures.train), shift), BATCH,
                                  .sampler = order, .drop_last = r->pictures.count >= BATCH);
    }
    r->test = cnn_loader_new(cnn_dataset_share(r->pictures.test), TEST_BATCH);
    cnn_augmentation_free(shift);
    return r->train && r->test;
}

static bool prepare(run *r)
{
    r->ctx = cnn_context_new(.seed = r->o->seed, .threads = r->o->threads);
    if (!r->ctx) {
        return say_error();
    }
    if (!pictures_open(r->ctx, r->o, &r->pictures)) {
        return false;
    }
    r->net = cifar10_net_new(r->ctx, CLASSES);
    r->tape = cnn_tape_new(r->ctx);
    if (!r->net || !r->tape || !open_loaders(r) ||
        !whiten(r->tape, cnn_module_parameter(r->net, 0), r->pictures.train, PATCH_IMAGES, whitening_eps)) {
        return say_error();
    }
    r->sgd = sgd_new(r);
    return r->sgd || say_error();
}

/* ---- training ---- */

/* The part of the training that has passed, in time or in steps: 0 to 1. */
static double passed(const run *r, double now)
{
    if (r->o->epochs) {
        return (double)r->steps / (double)(r->o->epochs * cnn_loader_batch_count(r->train));
    }
    double batches = (double)(VIEWS * cnn_dataset_size(r->pictures.test)) / BATCH;
    double training = 60 * r->o->minutes - batches * forward_part * r->step_seconds;
    double spent = now - r->start;
    return spent < training ? spent / training : 1;
}

static double factor(double part)
{
    return part < rising ? first + (1 - first) * part / rising : last + (1 - last) * (1 - part) / (1 - rising);
}

static bool train_step(run *r, const cnn_batch *batch, double part)
{
    const cnn_cross_entropy_options smooth = { .struct_size = sizeof smooth, .label_smoothing = smoothing };
    cnn_tape_begin(r->tape, CNN_TRAIN);
    cnn_tensor *outputs = cnn_forward(r->net, cnn_input(r->tape, batch->images));
    cnn_tensor *loss = cnn_cross_entropy_with(outputs, batch->labels, &smooth);
    cnn_optimizer_zero_grad(r->sgd);
    cnn_backward(loss);
    cnn_optimizer_set_lr(r->sgd, 0, factor(part) * peak);
    cnn_optimizer_set_lr(r->sgd, 1, factor(part) * peak * bias_factor);
    r->right += count_right(outputs, batch->labels);
    return cnn_optimizer_step(r->sgd) == CNN_OK;
}

/* An epoch so far: the last one may be a part. */
typedef struct epoch {
    int64_t number, images;
    double begun;
} epoch;

static bool report_epoch(run *r, const epoch *e, double now)
{
    double accuracy = 100 * (double)r->right / (double)e->images;
    r->right = 0;
    printf(r->o->json ? "{\"epoch\": %lld, \"seconds\": %.1f, \"train_accuracy\": %.2f, \"images_per_second\": %.0f}\n"
                      : "epoch %lld: %.1f s, training accuracy %.2f %%, %.0f images/s\n",
           (long long)e->number, now - r->start, accuracy, (double)e->images / (now - e->begun));
    return streams_flush();
}

/* Trains until the time is over; returns false after a signal, or after one line on stderr. */
static bool train(run *r)
{
    double begun = clock_now(r->o), now = begun;
    epoch e = { .number = 1, .begun = begun };
    cnn_batch batch;
    while (!interrupted && passed(r, now) < 1) {
        if (!cnn_loader_next(r->train, &batch)) {
            if (cnn_loader_status(r->train) != CNN_OK) {
                return say_error();
            }
            if (!report_epoch(r, &e, now)) {
                return false;
            }
            e = (epoch){ .number = e.number + 1, .begun = now };
            continue;
        }
        if (!train_step(r, &batch, passed(r, now))) {
            return say_error();
        }
        e.images += batch.size;
        now = clock_now(r->o);
        r->step_seconds = (now - begun) / (double)++r->steps;
    }
    return !interrupted && (e.images == 0 || report_epoch(r, &e, now));
}

/* ---- testing ---- */

/* The pictures moved by one pixel: those that enter are a reflection of the edge. */
static cnn_tensor *moved(cnn_tensor *x, bool down)
{
    const cnn_pad_options reflect = { .struct_size = sizeof reflect, .mode = CNN_PAD_REFLECT };
    cnn_tensor *wide = cnn_pad(x, CNN_SHAPE(1, 1, 1, 1), &reflect);
    return down ? cnn_pad(wide, CNN_SHAPE(0, -2, 0, -2), NULL) : cnn_pad(wide, CNN_SHAPE(-2, 0, -2, 0), NULL);
}

static cnn_tensor *logits(run *r, cnn_tensor *x, bool mirrored)
{
    return cnn_forward(r->net, mirrored ? cnn_flip(x, CNN_DIMS(3)) : x);
}

/* Both ways round; the pictures as they are count half, those moved by a pixel up and left, or down and right, a
 * quarter. */
static cnn_tensor *logits_of_views(run *r, cnn_tensor *x, cnn_tensor *plain)
{
    cnn_tensor *sum = cnn_mul_scalar(cnn_add(plain, logits(r, x, true)), 2);
    for (int down = 0; down < 2; down++) {
        cnn_tensor *y = moved(x, down);
        sum = cnn_add(sum, cnn_add(logits(r, y, false), logits(r, y, true)));
    }
    return sum;
}

static bool test(run *r)
{
    cnn_batch batch;
    r->right = r->right_views = 0;
    while (!interrupted && cnn_loader_next(r->test, &batch)) {
        cnn_tape_begin(r->tape, CNN_EVAL);
        cnn_tensor *x = cnn_input(r->tape, batch.images), *plain = logits(r, x, false);
        r->right += count_right(plain, batch.labels);
        r->right_views += count_right(logits_of_views(r, x, plain), batch.labels);
        if (cnn_tape_status(r->tape) != CNN_OK) {
            return say_error();
        }
    }
    return !interrupted && (cnn_loader_status(r->test) == CNN_OK || say_error());
}

static bool report_test(const run *r)
{
    double images = (double)cnn_loader_sample_count(r->test);
    double epochs = (double)(r->steps * BATCH) / (double)r->pictures.count;
    printf(r->o->json ? "{\"seconds\": %.1f, \"epochs\": %.2f, \"accuracy\": %.2f, \"accuracy_of_views\": %.2f}\n"
                      : "%.1f s, %.2f epochs: test accuracy %.2f %%, with flips and shifts %.2f %%\n",
           clock_now(r->o) - r->start, epochs, 100 * (double)r->right / images, 100 * (double)r->right_views / images);
    return streams_flush();
}

static void release(run *r)
{
    cnn_tape_free(r->tape);
    cnn_loader_free(r->train);
    cnn_loader_free(r->test);
    cnn_optimizer_free(r->sgd);
    cnn_module_free(r->net);
    pictures_close(&r->pictures);
    cnn_context_free(r->ctx);
}

int cifar10(const options *o)
{
    run r = { .o = o, .start = clock_now(o) };
    bool good = prepare(&r) && train(&r) && test(&r) && report_test(&r);
    release(&r);
    return good ? 0 : failed();
}
