/* zoo: trains or runs a network by its name on random data or a text, and prints how fast it is and how much memory it
 * takes.
 *
 * The nets are in files of their own (zoo.def has the table), options.c reads the command line, and this file has the
 * run: two steps that are not measured, in which memory is laid out, then as many as were asked for. */
#include "options.h"
#include "text.h"

#include "common/part.h"
#include "common/records.h"
#include "common/say.h"
#include "common/streams.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

enum { WARM_UP = 2, SAMPLE = 500 }; /* steps, and bytes that a language model writes */

const char program_name[] = "zoo";

typedef struct run {
    options o;
    cnn_context *ctx;
    cnn_module *model;
    cnn_optimizer *optimizer; /* NULL in evaluation */
    cnn_tape *tape;
    cnn_predictor *predictor; /* NULL: not frozen */
    void *outputs;            /* what the predictor writes to */
    cnn_tensor *inputs, *targets;
    text text;       /* what --data names */
    double *seconds; /* per measured step */
    cnn_profile *profile;
    double first_loss, last_loss;
    bool said; /* what failed has been said */
} run;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool read_text(run *r)
{
    const char *wrong = r->o.data ? text_read(&r->text, r->o.data) : NULL;
    if (wrong) {
        say("zoo: cannot read %s: %s", r->o.data, wrong);
    }
    r->text.state = r->o.seed;
    return !wrong;
}

static bool prepare(run *r)
{
    const options *o = &r->o;
    r->ctx = cnn_context_new(.seed = o->seed, .threads = o->threads, .device = o->device, .math = o->math);
    r->model = r->ctx ? o->net->make(r->ctx, o->net, o->input, o->net->classes) : NULL;
    if (!r->model || (o->load && cnn_module_load(r->model, o->load) != CNN_OK)) {
        return false;
    }
    if (!o->infer) {
        r->optimizer =
            o->data ? cnn_adamw_new(r->model, .lr = 1e-3) : cnn_sgd_new(r->model, .lr = 0.01, .momentum = 0.9);
    }
    r->tape = cnn_tape_new(r->ctx);
    r->seconds = malloc((size_t)o->steps * sizeof *r->seconds);
    return (r->optimizer || o->infer) && r->tape && r->seconds &&
           zoo_draw(r->ctx, o->net, o->input, o->net->classes, o->batch, &r->inputs, &r->targets);
}

static bool freeze(run *r)
{
    cnn_predictor_value outputs = { .struct_size = sizeof outputs };
    r->predictor = cnn_predictor_new(r->model, cnn_tensor_dtype(r->inputs), cnn_tensor_ndim(r->inputs),
                                     cnn_tensor_shape(r->inputs));
    if (!r->predictor || cnn_predictor_output(r->predictor, 0, &outputs) != CNN_OK) {
        return false;
    }
    r->outputs = malloc(outputs.bytes ? outputs.bytes : 1);
    return r->outputs != NULL;
}

static bool train_step(run *r, double *loss)
{
    cnn_tape_begin(r->tape, CNN_TRAIN);
    cnn_tensor *l = zoo_loss(r->o.net, r->model, cnn_input(r->tape, r->inputs), cnn_input(r->tape, r->targets));
    cnn_optimizer_zero_grad(r->optimizer);
    cnn_backward(l);
    if (cnn_optimizer_step(r->optimizer) != CNN_OK) {
        return false;
    }
    *loss = cnn_tensor_item(l);
    return true;
}

static bool infer_step(run *r)
{
    if (r->predictor) {
        const void *inputs = cnn_tensor_data(r->inputs);
        return cnn_predictor_run(r->predictor, &inputs, &r->outputs) == CNN_OK;
    }
    cnn_tape_begin(r->tape, CNN_EVAL);
    cnn_forward(r->model, cnn_input(r->tape, r->inputs));
    return cnn_tape_status(r->tape) == CNN_OK && cnn_context_synchronize(r->ctx) == CNN_OK;
}

static bool run_steps(run *r)
{
    for (int64_t i = -WARM_UP; i < r->o.steps; i++) {
        double start = now(), loss = 0;
        if (i == 0 && r->o.profile && !(r->profile = cnn_profile_begin(r->ctx, NULL))) {
            return false;
        }
        if (r->o.data && text_next(&r->text, r->inputs, r->targets) != CNN_OK) {
            return false;
        }
        if (r->optimizer ? !train_step(r, &loss) : !infer_step(r)) {
            return false;
        }
        if (i >= 0) {
            r->seconds[i] = now() - start;
        }
        r->first_loss = i == -WARM_UP ? loss : r->first_loss;
        r->last_loss = loss;
    }
    return !r->profile || cnn_profile_end(r->profile) == CNN_OK;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int64_t count)
{
    qsort(values, (size_t)count, sizeof *values, compare);
    return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

static double process_peak(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss * 1024;
}

static size_t memory_of(const run *r)
{
    return r->predictor ? cnn_predictor_memory(r->predictor) : cnn_tape_memory(r->tape);
}

static void report_json(const run *r, double seconds)
{
    const options *o = &r->o;
    const char *mode = o->infer ? "infer" : "train";
    printf("{\"net\": \"%s\", \"mode\": \"%s\", \"input\": [%lld, %lld, %lld], \"batch\": %lld, \"steps\": %lld, "
           "\"threads\": %d, "
           "\"device\": \"%s\", \"kernels\": \"%s\", \"seed\": %llu, \"parameters\": %lld, \"ms_per_step\": %.4f, "
           "\"per_second\": %.3f, \"tape_bytes\": %zu, \"peak_rss_bytes\": %.0f",
           o->net->name, o->frozen ? "frozen" : mode, (long long)o->input[0], (long long)o->input[1],
           (long long)o->input[2], (long long)o->batch, (long long)o->steps, cnn_context_threads(r->ctx),
           cnn_context_device(r->ctx), cnn_context_kernels(r->ctx), (unsigned long long)o->seed,
           (long long)cnn_module_parameter_numel(r->model), 1000 * seconds, (double)o->batch / seconds, memory_of(r),
           process_peak());
    if (r->optimizer) { /* JSON has no NaN */
        printf(r->first_loss - r->first_loss == 0 ? ", \"first_loss\": %.6f" : ", \"first_loss\": null", r->first_loss);
        printf(r->last_loss - r->last_loss == 0 ? ", \"last_loss\": %.6f" : ", \"last_loss\": null", r->last_loss);
    }
    puts("}");
}

static void report_text(const run *r, double seconds)
{
    const options *o = &r->o;
    int threads = cnn_context_threads(r->ctx);
    const char *mode = o->infer ? "evaluation" : "training";
    printf("%s, %s, batch %lld: %lld parameters, %d thread%s, %s kernels\n", o->net->name,
           o->frozen ? "evaluation by a predictor" : mode, (long long)o->batch,
           (long long)cnn_module_parameter_numel(r->model), threads, threads == 1 ? "" : "s",
           cnn_context_kernels(r->ctx));
    printf("%.2f ms per step, %.1f %s per second (median of %lld step%s)\n", 1000 * seconds, (double)o->batch / seconds,
           o->net->tokens ? "sequences" : "images", (long long)o->steps, o->steps == 1 ? "" : "s");
    printf("memory: %.1f MB %s, %.1f MB in all at most\n", (double)memory_of(r) / 1e6,
           r->predictor ? "of the predictor" : "on the tape", process_peak() / 1e6);
    if (r->optimizer) {
        printf("loss: %.4f in the first step, %.4f in the last\n", r->first_loss, r->last_loss);
    }
}

static bool report(run *r)
{
    double seconds = median(r->seconds, r->o.steps);
    (r->o.json ? report_json : report_text)(r, seconds);
    if (r->profile && !profile_report(r->profile, r->o.profile, !r->o.json)) {
        r->said = true;
        return false;
    }
    if (r->o.data && !r->o.json) {
        puts("what it writes:");
        if (text_sample(r->model, r->o.input[0], SAMPLE, 0.8, r->o.seed, stdout) != CNN_OK) {
            return false;
        }
        putchar('\n');
    }
    return !r->o.save || cnn_module_save(r->model, r->o.save) == CNN_OK;
}

static void release(run *r)
{
    text_free(&r->text);
    free(r->seconds);
    free(r->outputs);
    cnn_profile_free(r->profile);
    cnn_predictor_free(r->predictor);
    cnn_tensor_free(r->inputs);
    cnn_tensor_free(r->targets);
    cnn_tape_free(r->tape);
    cnn_optimizer_free(r->optimizer);
    cnn_module_free(r->model);
    cnn_context_free(r->ctx);
}

int main(int argc, char **argv)
{
    run r = { 0 };
    if (!streams_open()) {
        return 1;
    }
    setlocale(LC_CTYPE, "");
    options_result read = options_read(&r.o, argc, argv);
    bool done = read != OPTIONS_RUN;
    if (!done && read_text(&r) && part_check(r.o.save) && part_check(r.o.profile)) { /* which say what is wrong */
        done = prepare(&r) && (!r.o.frozen || freeze(&r)) && run_steps(&r) && report(&r);
        if (!done && !r.said) {
            say("zoo: %s: %s", r.o.net->name, cnn_last_error(NULL)[0] ? cnn_last_error(NULL) : "no memory");
        }
    }
    release(&r);
    int status = read == OPTIONS_BAD ? 2 : done ? 0 : 1;
    return streams_close() || status ? status : 1;
}
