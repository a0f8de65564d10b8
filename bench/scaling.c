/* What bench/scaling.py measures: a training step of one process, gradient by gradient, and steps of several processes.
 *
 * scaling profile NET BATCH STEPS   when each parameter's gradient is final, in seconds from the step's beginning, from the last
 *                                   parameter to the first, with its bytes; and the whole step
 * scaling train NET BATCH STEPS     steps of all processes that MPI started, with BATCH images for each, one part per process
 * scaling message COUNT             a sum of one number over all processes that MPI started, COUNT times
 * NET is tutorial, or a net of examples/zoo. The numbers are medians over the steps, printed as JSON by rank 0. */
#include <cnn/cnn.h>
#include <cnn/mpi.h>

#include "zoo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_PARAMETERS = 1024, MOST_STEPS = 256, WARM = 2 };

/* A process that waits for no other one counts the time of its computing thread, which the load of the machine changes little. */
static clockid_t the_clock = CLOCK_MONOTONIC;

static double now(void)
{
    struct timespec t;
    clock_gettime(the_clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static _Noreturn void die(void)
{
    fprintf(stderr, "scaling: %s\n", cnn_last_error(NULL));
    exit(1);
}

static int compare(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static double median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, compare);
    return values[count / 2];
}

static cnn_module *tutorial(cnn_context *ctx)
{
    return cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 1, 32, 5, .padding = 2), cnn_relu_new(ctx), cnn_maxpool2d_new(ctx, 2),
                              cnn_conv2d_new(ctx, 32, 64, 5, .padding = 2), cnn_relu_new(ctx), cnn_maxpool2d_new(ctx, 2),
                              cnn_flatten_new(ctx), cnn_dropout_new(ctx, 0.5), cnn_linear_new(ctx, 7 * 7 * 64, 1000),
                              cnn_linear_new(ctx, 1000, 10));
}

typedef struct work {
    cnn_context *ctx;
    cnn_module *module;
    cnn_optimizer *optimizer;
    cnn_tape *tape;
    cnn_dataset *data; /* taken by who uses it */
} work;

static void prepare(work *w, cnn_context *ctx, const char *net, int64_t samples)
{
    const zoo_net *of_zoo = strcmp(net, "tutorial") == 0 ? NULL : zoo_find(net);
    int64_t side = of_zoo ? 224 : 28, channels = of_zoo ? 3 : 1;
    if (!of_zoo && strcmp(net, "tutorial") != 0) {
        fprintf(stderr, "scaling: there is no net %s\n", net);
        exit(2);
    }
    w->ctx = ctx;
    w->module = !ctx ? NULL : of_zoo ? of_zoo->make(ctx, of_zoo, (const int64_t[]){ channels, side, side }, 1000) : tutorial(ctx);
    w->optimizer = w->module ? cnn_sgd_new(w->module, .lr = 1e-3, .momentum = 0.9) : NULL;
    w->tape = w->optimizer ? cnn_tape_new(w->ctx) : NULL;
    cnn_tensor *images = w->tape ? cnn_tensor_randn(w->ctx, CNN_F32, CNN_SHAPE(samples, channels, side, side)) : NULL;
    cnn_tensor *labels = images ? cnn_tensor_full(w->ctx, CNN_I64, 3, CNN_SHAPE(samples)) : NULL;
    w->data = labels ? cnn_dataset_from_tensors(images, labels) : NULL;
    if (!w->data) {
        die();
    }
    cnn_tensor_free(images);
    cnn_tensor_free(labels);
}

/* ---- profile ---- */

static struct {
    cnn_tensor *parameter[MOST_PARAMETERS];
    double ready[MOST_PARAMETERS][MOST_STEPS];
    int parameters, step;
    double begun;
} events;

static void note(cnn_tensor *parameter, void *user)
{
    (void)user;
    for (int i = 0; i < events.parameters; i++) {
        if (events.parameter[i] == parameter) {
            events.ready[i][events.step] = now() - events.begun;
        }
    }
}

static void profile(const char *net, int batch_size, int steps)
{
    work w;
    cnn_batch batch;
    double whole[MOST_STEPS];
    the_clock = CLOCK_THREAD_CPUTIME_ID;
    prepare(&w, cnn_context_new(.seed = 1, .threads = 1), net, batch_size);
    events.parameters = cnn_module_parameters(w.module, events.parameter, MOST_PARAMETERS);
    cnn_loader *loader = cnn_loader_new(w.data, batch_size);
    cnn_tape_on_gradient(w.tape, note, NULL);
    for (int i = -WARM; i < steps; i++) {
        if (!cnn_loader_next(loader, &batch) && !cnn_loader_next(loader, &batch)) {
            die();
        }
        events.step = i < 0 ? 0 : i;
        events.begun = now();
        cnn_tape_begin(w.tape, CNN_TRAIN);
        cnn_optimizer_zero_grad(w.optimizer);
        cnn_backward(cnn_cross_entropy(cnn_forward(w.module, cnn_input(w.tape, batch.images)), batch.labels));
        if (cnn_optimizer_step(w.optimizer) != CNN_OK) {
            die();
        }
        whole[events.step] = now() - events.begun;
    }
    printf("{\"net\": \"%s\", \"batch\": %d, \"step\": %.6f, \"gradients\": [", net, batch_size, median(whole, steps));
    for (int i = events.parameters; i-- > 0;) {
        printf("[%lld, %.6f]%s", (long long)cnn_tensor_numel(events.parameter[i]) * 4, median(events.ready[i], steps), i ? ", " : "]}\n");
    }
    cnn_loader_free(loader);
}

/* ---- several processes ---- */

static void train(const char *net, int batch_size, int steps)
{
    work w;
    cnn_batch batch;
    double whole[MOST_STEPS], hidden[MOST_STEPS], sent[MOST_STEPS], waited[MOST_STEPS];
    if (cnn_mpi_begin() != CNN_OK) {
        die();
    }
    cnn_context *ctx = cnn_context_new(.seed = 1, .threads = 1);
    cnn_group *group = cnn_mpi_world(ctx);
    int size = cnn_group_size(group);
    int64_t samples = (int64_t)batch_size * size;
    the_clock = size == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC;
    prepare(&w, ctx, net, samples);
    cnn_data_parallel *p = cnn_data_parallel_new(group, w.module, w.data, .batch_size = samples, .shards = size);
    if (!p) {
        die();
    }
    for (int i = -WARM; i < steps; i++) {
        cnn_data_parallel_times times = { .struct_size = sizeof times };
        int at = i < 0 ? 0 : i;
        if (!cnn_data_parallel_begin(p) && !cnn_data_parallel_begin(p)) {
            die();
        }
        double begun = now();
        while (cnn_data_parallel_next(p, &batch)) {
            cnn_tape_begin(w.tape, CNN_TRAIN);
            cnn_tensor *loss = cnn_cross_entropy(cnn_forward(w.module, cnn_input(w.tape, batch.images)), batch.labels);
            cnn_data_parallel_backward(p, loss);
        }
        if (cnn_data_parallel_end(p, CNN_OK) != CNN_OK || cnn_optimizer_step(w.optimizer) != CNN_OK) {
            die();
        }
        whole[at] = now() - begun;
        cnn_data_parallel_take_times(p, &times);
        sent[at] = times.communication;
        waited[at] = times.waiting;
        hidden[at] = times.communication > 0 ? 1 - times.waiting / times.communication : 1;
    }
    if (cnn_group_rank(group) == 0) {
        printf("{\"net\": \"%s\", \"ranks\": %d, \"batch\": %d, \"step\": %.6f, \"communication\": %.6f, \"waiting\": %.6f, \"hidden\": %.3f}\n",
               net, size, batch_size, median(whole, steps), median(sent, steps), median(waited, steps), median(hidden, steps));
    }
    cnn_data_parallel_free(p);
    cnn_group_free(group);
    cnn_mpi_end();
}

/* Sums of one number are nothing but messages: each process sends to every other one twice, the second time an answer. */
static void message(int count)
{
    double *took = calloc((size_t)count, sizeof *took);
    if (!took || cnn_mpi_begin() != CNN_OK) {
        die();
    }
    cnn_context *ctx = cnn_context_new(.threads = 1);
    cnn_group *group = cnn_mpi_world(ctx);
    float one = 1;
    if (!group) {
        die();
    }
    for (int i = -WARM; i < count; i++) {
        double begun = now();
        if (cnn_group_allreduce(group, &one, 1, CNN_F32) != CNN_OK) {
            die();
        }
        took[i < 0 ? 0 : i] = now() - begun;
    }
    if (cnn_group_rank(group) == 0) {
        printf("{\"ranks\": %d, \"allreduce\": %.7f}\n", cnn_group_size(group), median(took, count));
    }
    free(took);
    cnn_group_free(group);
    cnn_mpi_end();
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "message") == 0 && atoi(argv[2]) > 0) {
        message(atoi(argv[2]));
        return 0;
    }
    int batch = argc == 5 ? atoi(argv[3]) : 0, steps = argc == 5 ? atoi(argv[4]) : 0;
    bool profiles = argc == 5 && strcmp(argv[1], "profile") == 0;
    if (batch < 1 || steps < 1 || steps > MOST_STEPS || (!profiles && strcmp(argv[1], "train") != 0)) {
        fprintf(stderr, "usage: scaling profile|train NET BATCH STEPS, or scaling message COUNT\n");
        return 2;
    }
    if (profiles) {
        profile(argv[2], batch, steps);
    } else {
        train(argv[2], batch, steps);
    }
    return 0;
}
