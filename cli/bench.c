/* cnn bench: how long a model takes, frozen for the shapes of its inputs. */
#include "frozen.h"
#include "inputs.h"
#include "operations.h"

#include "common/say.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WARM_UP = 3, PROFILED = 25 }; /* runs; of the second at most as many as are measured */

typedef struct bench_options {
    input_options inputs;
    const char *sizes[MOST_GIVEN];
    int count, threads, batch, steps;
    bool batch_given, json;
} bench_options;

typedef struct bench {
    model m;
    frozen frozen;
    double *seconds;
    operations operations; /* the operations of separate runs, because recording them slows a run down a little */
} bench;

static bool take(void *options, int letter, const char *value)
{
    bench_options *o = options;
    if (inputs_know(letter)) {
        return inputs_take("bench", &o->inputs, letter, value);
    }
    switch (letter) {
    case 's':
        if (o->count == MOST_GIVEN) {
            say("cnn bench: more than %d sizes are given", MOST_GIVEN);
            return false;
        }
        o->sizes[o->count++] = value;
        return true;
    case 'T': return command_number("bench", "threads", value, 0, 8192, &o->threads);
    case 'b': o->batch_given = true; return command_number("bench", "batch", value, 1, 1 << 20, &o->batch);
    case 'n': return command_number("bench", "steps", value, 1, 1000000, &o->steps);
    default: o->json = true; return true;
    }
}

/* "1,3,224,224" */
static bool read_sizes(const char *text, const char *name, int *ndim, int64_t shape[CNN_MAX_DIMS])
{
    const char *at = text;
    for (*ndim = 0; *ndim < CNN_MAX_DIMS; at++) {
        char *end;
        long long size = strtoll(at, &end, 10);
        if (end == at || size < 0 || (*end && *end != ',')) {
            break;
        }
        shape[(*ndim)++] = size;
        at = end;
        if (!*end) {
            return true;
        }
    }
    say("cnn bench: the sizes of input %s are \"%s\", expected numbers such as 1,3,224,224", name, text);
    return false;
}

/* The first size that is open is the batch, and so are those of its name. */
static bool shape_of(const bench_options *o, const bench *b, int i, int *ndim, int64_t shape[CNN_MAX_DIMS])
{
    cnn_onnx_value v = model_input(&b->m, i);
    for (int k = 0; k < o->count; k++) {
        const char *rest;
        int given = model_given(&b->m, o->sizes[k], &rest);
        if (given < 0) {
            return false;
        }
        if (given == i) {
            return read_sizes(rest, v.name, ndim, shape);
        }
    }
    *ndim = v.ndim;
    for (int d = 0; d < v.ndim; d++) {
        shape[d] = v.shape[d] >= 0 ? v.shape[d] : o->batch;
    }
    if (o->batch_given && v.ndim > 0 && v.shape[0] >= 0 && v.shape[0] != o->batch) {
        say("cnn bench: --batch is %d, but input %s has a first size of %" PRId64 " in the file", o->batch, v.name,
            v.shape[0]);
        return false;
    }
    bool known = v.ndim >= 0;
    for (int d = 1; d < v.ndim && known; d++) {
        known = v.shape[d] >= 0;
    }
    if (!known) {
        char text[256];
        model_shape_text(&v, text, sizeof text);
        say("cnn bench: input %s is %s, expected --size %s=N,… for what is open beside the batch", v.name, text,
            v.name);
    }
    return known;
}

/* Draws real numbers for an input without a file; indices are 0, which every table has. */
static bool make_inputs(const bench_options *o, bench *b)
{
    if (!inputs_read(&o->inputs, &b->m)) {
        return false;
    }
    for (int i = 0; i < b->m.input_count; i++) {
        if (b->m.inputs[i]) {
            continue;
        }
        int ndim;
        int64_t shape[CNN_MAX_DIMS];
        cnn_dtype dtype = model_input(&b->m, i).dtype;
        if (!shape_of(o, b, i, &ndim, shape)) {
            return false;
        }
        bool real = dtype == CNN_F32 || dtype == CNN_F64;
        b->m.inputs[i] =
            real ? cnn_tensor_randn(b->m.ctx, dtype, ndim, shape) : cnn_tensor_zeros(b->m.ctx, dtype, ndim, shape);
        if (!b->m.inputs[i]) {
            say("cnn bench: %s", cnn_last_error(b->m.ctx));
            return false;
        }
    }
    return true;
}

static bool prepare(const bench_options *o, bench *b)
{
    b->seconds = calloc((size_t)o->steps, sizeof *b->seconds);
    if (!b->seconds) {
        say("cnn bench: no memory");
    }
    return b->seconds && frozen_make(&b->frozen, &b->m);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static bool measure(const bench_options *o, bench *b)
{
    for (int i = -WARM_UP; i < o->steps; i++) {
        double start = now();
        if (frozen_run(&b->frozen) != CNN_OK) {
            say("cnn bench: %s: %s", b->m.path, cnn_last_error(b->m.ctx));
            return false;
        }
        if (i >= 0) {
            b->seconds[i] = now() - start;
        }
    }
    qsort(b->seconds, (size_t)o->steps, sizeof *b->seconds, compare);
    return true;
}

static bool profile_runs(const bench_options *o, bench *b)
{
    operations *all = &b->operations;
    bool good = true;
    all->runs = o->steps < PROFILED ? o->steps : PROFILED;
    for (int i = 0; i < all->runs && good; i++) {
        cnn_profile *profile = cnn_profile_begin(b->m.ctx, NULL);
        good = profile && frozen_run(&b->frozen) == CNN_OK && cnn_profile_end(profile) == CNN_OK;
        if (good) {
            operations_add(all, profile, i);
        } else {
            say("cnn bench: %s: %s", b->m.path, cnn_last_error(b->m.ctx));
        }
        cnn_profile_free(profile);
    }
    if (all->failed) {
        say("cnn bench: no memory");
    }
    operations_sort(all);
    return good && !all->failed;
}

/* What ran: "x [1,3,224,224]", or in JSON {"x": [1, 3, 224, 224]}. */
static void print_inputs(const bench_options *o, const bench *b)
{
    for (int i = 0; i < b->m.input_count; i++) {
        const cnn_tensor *x = b->m.inputs[i];
        const char *name = model_input(&b->m, i).name;
        fputs(i ? ", " : "", stdout);
        if (o->json) {
            json_string(name);
            fputs(": [", stdout);
        } else {
            char shown[256];
            cnn_name_escape(name, shown, sizeof shown);
            printf("%s [", shown);
        }
        for (int d = 0; d < cnn_tensor_ndim(x); d++) {
            printf("%s%" PRId64, d ? "," : "", cnn_tensor_shape(x)[d]);
        }
        putchar(']');
    }
}

static void report(const bench_options *o, const bench *b)
{
    const double *s = b->seconds;
    int last = o->steps - 1, p99 = (int)(0.99 * last + 0.5);
    double median = 1e3 * (s[last / 2] + s[o->steps / 2]) / 2;
    const bool is_frozen = b->frozen.predictor != NULL;
    size_t memory = frozen_memory(&b->frozen);
    if (o->json) {
        fputs("{\"model\": ", stdout);
        json_string(b->m.path);
        fputs(", \"inputs\": {", stdout);
        print_inputs(o, b);
        printf("}, \"threads\": %d, \"kernels\": \"%s\", \"parameters\": %" PRId64 ", \"frozen\": %s, \"steps\": %d, "
               "\"ms_median\": %.4f, \"ms_p99\": %.4f, \"ms_least\": %.4f, \"memory_bytes\": %zu, \"operations\": [",
               cnn_context_threads(b->m.ctx), cnn_context_kernels(b->m.ctx), cnn_module_parameter_numel(b->m.module),
               is_frozen ? "true" : "false", o->steps, median, 1e3 * s[p99], 1e3 * s[0], memory);
        operations_print(&b->operations, true);
        puts("]}");
        return;
    }
    int threads = cnn_context_threads(b->m.ctx);
    printf("%s: ", b->m.path);
    print_inputs(o, b);
    printf("; %" PRId64 " parameters, %d thread%s, %s kernels\n", cnn_module_parameter_numel(b->m.module), threads,
           threads == 1 ? "" : "s", cnn_context_kernels(b->m.ctx));
    if (!is_frozen) {
        printf("it runs in steps: %s\n", b->frozen.why);
    }
    printf("median %.3f ms, 99 of 100 within %.3f ms, least %.3f ms (%d steps)\n", median, 1e3 * s[p99], 1e3 * s[0],
           o->steps);
    printf("memory of the %s: %.1f MB\n", is_frozen ? "predictor" : "tape", (double)memory / 1e6);
    operations_print(&b->operations, false);
}

static void bench_free(bench *b)
{
    operations_free(&b->operations);
    frozen_free(&b->frozen);
    free(b->seconds);
    model_close(&b->m);
}

int run_bench(const command *self, int argc, char **argv)
{
    static const struct option table[] = { INPUT_TABLE,
                                           { "batch", required_argument, NULL, 'b' },
                                           { "size", required_argument, NULL, 's' },
                                           { "threads", required_argument, NULL, 'T' },
                                           { "steps", required_argument, NULL, 'n' },
                                           { "json", no_argument, NULL, 'j' },
                                           { "help", no_argument, NULL, 'h' },
                                           { NULL, 0, NULL, 0 } };
    bench_options o = { .batch = 1, .steps = 50 };
    bench b = { 0 };
    char *path;
    int status = command_read(self, argc, argv, "+:" INPUT_LETTERS "b:s:T:n:jh", table, take, &o, &path, 1);
    if (status >= 0) {
        return status;
    }
    if (!model_open(&b.m, "bench", path, o.threads)) {
        return STATUS_FAILED;
    }
    bool good = make_inputs(&o, &b) && prepare(&o, &b) && measure(&o, &b) && profile_runs(&o, &b);
    if (good) {
        report(&o, &b);
    }
    bench_free(&b);
    return good ? command_flush() : STATUS_FAILED;
}
