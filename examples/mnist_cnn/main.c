/* mnist_cnn: the convolutional network of a well-known PyTorch tutorial, trained with libcnn.
 *
 * model.c is the network, train.c the two loops, data.c where the digits come from, and this file the run from beginning to
 * end. It continues bit for bit from a checkpoint: weights, optimizer, epoch and random state are in it. */
#include "data.h"
#include "model.h"
#include "options.h"
#include "report.h"
#include "train.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

typedef struct run {
    options o;
    cnn_context *ctx;
    cnn_module *model;
    cnn_optimizer *adam;
    cnn_loader *train, *test;
    cnn_tape *tape;
    FILE *log;
    int64_t epoch; /* finished */
    score tested;  /* after the last epoch; no images if none ran */
} run;

static void on_interrupt(int signal)
{
    (void)signal;
    interrupted = 1;
}

static bool fail(void)
{
    fprintf(stderr, "mnist_cnn: %s\n", cnn_last_error(NULL));
    return false;
}

static bool save(const run *r)
{
    const cnn_checkpoint checkpoint = { .struct_size = sizeof checkpoint, .module = r->model, .optimizer = r->adam,
                                        .epoch = r->epoch };
    return !r->o.save || cnn_checkpoint_save(&checkpoint, r->o.save) == CNN_OK || fail();
}

static bool resume(run *r)
{
    cnn_checkpoint checkpoint = { .struct_size = sizeof checkpoint, .module = r->model, .optimizer = r->adam };
    if (!r->o.resume) {
        return true;
    }
    if (cnn_checkpoint_load(&checkpoint, r->o.resume) != CNN_OK) {
        return fail();
    }
    r->epoch = checkpoint.epoch;
    return true;
}

/* The loaders come after the checkpoint: the order of the images follows from the random state in it. */
static bool open_loaders(run *r)
{
    cnn_dataset *train, *test;
    if (!data_open(r->ctx, &r->o, &train, &test)) {
        return false;
    }
    r->train = cnn_loader_new(train, r->o.batch_size, .shuffle = true);
    r->test = cnn_loader_new(test, r->o.batch_size);
    return (r->train && r->test && cnn_loader_set_epoch(r->train, r->epoch) == CNN_OK) || fail();
}

static bool open_log(run *r)
{
    if (r->o.log && !(r->log = fopen(r->o.log, r->o.resume ? "a" : "w"))) {
        fprintf(stderr, "mnist_cnn: cannot open %s: %s\n", r->o.log, strerror(errno));
        return false;
    }
    return true;
}

static bool prepare(run *r)
{
    r->ctx = cnn_context_new(.seed = r->o.seed, .threads = r->o.threads,
                             .device = r->o.cpu ? CNN_DEVICE_CPU : CNN_DEVICE_AUTO);
    r->model = r->ctx ? model_new(r->ctx) : NULL;
    r->adam = r->model ? cnn_adam_new(r->model, .lr = r->o.lr) : NULL;
    r->tape = r->adam ? cnn_tape_new(r->ctx) : NULL;
    return (r->tape || fail()) && resume(r) && open_loaders(r) && open_log(r);
}

static outcome run_epoch(run *r)
{
    score trained;
    progress bar;
    progress_begin(&bar, !r->o.quiet, r->epoch + 1, r->o.epochs, cnn_loader_batch_count(r->train));
    outcome result = train_epoch(r->model, r->adam, r->train, r->tape, &bar, &trained);
    progress_end(&bar);
    if (result == DONE) {
        result = test(r->model, r->test, r->tape, CNN_EVAL, &r->tested);
    }
    if (result != DONE) {
        return result == FAILED && !fail() ? FAILED : result;
    }
    r->epoch++;
    if (!r->o.quiet) {
        report_epoch(r->epoch, r->o.epochs, &trained, &r->tested);
    }
    if (r->log && !report_log(r->log, r->epoch, &trained, &r->tested)) {
        fprintf(stderr, "mnist_cnn: cannot write %s: %s\n", r->o.log, strerror(errno));
        return FAILED;
    }
    return save(r) ? DONE : FAILED;
}

/* The article's last number: dropout on, over the images that it was trained on. */
static bool report_article(run *r)
{
    score s;
    if (test(r->model, r->train, r->tape, CNN_TRAIN_NO_GRAD, &s) != DONE) {
        return interrupted || fail();
    }
    printf("as the article measures it, with dropout on and over the training set: accuracy %.2f %%\n", s.accuracy);
    return true;
}

static int finish(run *r)
{
    outcome result = r->tested.images ? DONE : test(r->model, r->test, r->tape, CNN_EVAL, &r->tested);
    if (result == DONE && r->o.tutorial && !report_article(r)) {
        return 1;
    }
    if (result == FAILED) {
        fail();
        return 1;
    }
    if (result == DONE) {
        report_test(&r->tested);
    }
    return result == INTERRUPTED ? 130 : r->o.digest && !report_digest(r->model) ? 1 : 0;
}

static int interrupted_at(const run *r)
{
    if (r->o.save) {
        fprintf(stderr, "interrupted in epoch %lld: %s holds the state after epoch %lld; --resume %s continues\n",
                (long long)r->epoch + 1, r->o.save, (long long)r->epoch, r->o.save);
    } else {
        fprintf(stderr, "interrupted in epoch %lld; without --save nothing is kept\n", (long long)r->epoch + 1);
    }
    return 130;
}

static int train(run *r)
{
    if (!r->o.quiet) {
        printf("%lld parameters, %lld training and %lld test images, %d thread%s, %s kernels\n",
               (long long)cnn_module_parameter_numel(r->model), (long long)cnn_loader_sample_count(r->train),
               (long long)cnn_loader_sample_count(r->test), cnn_context_threads(r->ctx),
               cnn_context_threads(r->ctx) == 1 ? "" : "s", cnn_context_kernels(r->ctx));
        fflush(stdout);
    }
    if (!r->o.eval_only && !save(r)) {
        return 1;
    }
    while (!r->o.eval_only && r->epoch < r->o.epochs) {
        outcome result = run_epoch(r);
        if (result != DONE) {
            return result == INTERRUPTED ? interrupted_at(r) : 1;
        }
    }
    return finish(r);
}

static void release(run *r)
{
    cnn_tape_free(r->tape);
    cnn_loader_free(r->train);
    cnn_loader_free(r->test);
    cnn_optimizer_free(r->adam);
    cnn_module_free(r->model);
    cnn_context_free(r->ctx);
    if (r->log) {
        fclose(r->log);
    }
}

int main(int argc, char **argv)
{
    run r = { 0 };
    const struct sigaction action = { .sa_handler = on_interrupt };
    setlocale(LC_CTYPE, "");
    options_result read = options_read(&r.o, argc, argv);
    if (read != OPTIONS_RUN) {
        return read == OPTIONS_DONE ? 0 : 2;
    }
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    int status = prepare(&r) ? train(&r) : interrupted ? 130 : 1;
    release(&r);
    return status;
}
