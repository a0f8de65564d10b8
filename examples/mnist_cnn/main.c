/* mnist_cnn: the convolutional network of a well-known PyTorch tutorial, trained with libcnn.
 *
 * model.c is the network, train.c has the training loop, data.c finds the data, and this file is the run from beginning
 * to end; what other programs need too is in ../common. A run continues bit for bit from a checkpoint, which holds weights, optimizer, epoch and random state. */
#include "common/page/page.h"
#include "common/records.h"
#include "common/report.h"
#include "common/say.h"
#include "common/signals.h"
#include "common/streams.h"
#include "data.h"
#include "model.h"
#include "options.h"
#include "predict.h"
#include "ranks.h"
#include "train.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

const char program_name[] = "mnist_cnn";

typedef struct run {
    options o;
    cnn_context *ctx;
    cnn_module *model;
    cnn_optimizer *adam;
    cnn_loader *train, *test;
    cnn_dataset *test_images; /* those of `test`, for the report; NULL without one */
    cnn_tape *tape;
    ranks *ranks; /* NULL: this process alone */
    int64_t train_count, test_count;
    page *page; /* of --report; else NULL */
    FILE *log;
    records records;
    int64_t epoch; /* number of finished epochs */
    score tested;  /* test score after the last epoch; no images if none ran */
} run;

static bool fail(void)
{
    say("mnist_cnn: %s", cnn_last_error(NULL));
    return false;
}

static bool save(const run *r)
{
    const cnn_checkpoint checkpoint = { .struct_size = sizeof checkpoint, .module = r->model, .optimizer = r->adam,
                                        .epoch = r->epoch };
    return !r->o.save || cnn_checkpoint_save(&checkpoint, r->o.save) == CNN_OK || fail();
}

/* Reports which options are overridden by the checkpoint. */
static void compare_options(const run *r)
{
    cnn_random_state random = { .seed = r->o.seed };
    double lr = cnn_optimizer_lr(r->adam, 0);
    cnn_context_random_state(r->ctx, &random);
    if ((r->o.lr_given || r->o.tutorial) && r->o.lr != lr) {
        say("%s %g is not used: the learning rate of %s is %g",
                r->o.lr_given ? "--lr" : "--tutorial's learning rate", r->o.lr, r->o.resume, lr);
    }
    if (r->o.seed_given && r->o.seed != random.seed) {
        say("--seed %llu is not used: the seed of %s is %llu", (unsigned long long)r->o.seed, r->o.resume,
                (unsigned long long)random.seed);
    }
    if (r->o.epochs < r->epoch) {
        say("nothing is trained: %s is after epoch %lld, --epochs is %lld", r->o.resume, (long long)r->epoch,
                (long long)r->o.epochs);
    }
}

/* Testing needs only the weights, which every file has; training on needs a whole checkpoint. */
static bool resume(run *r)
{
    cnn_checkpoint checkpoint = { .struct_size = sizeof checkpoint, .module = r->model, .optimizer = r->adam };
    if (!r->o.resume) {
        return true;
    }
    if (r->o.eval_only || options_predict_only(&r->o)) {
        return cnn_module_load(r->model, r->o.resume) == CNN_OK || fail();
    }
    if (cnn_checkpoint_load(&checkpoint, r->o.resume) != CNN_OK) {
        return fail();
    }
    r->epoch = checkpoint.epoch;
    compare_options(r);
    return true;
}

/* Rank 0 goes first and fetches what is missing; the others find it there. */
static bool open_data(run *r, cnn_dataset **train, cnn_dataset **test)
{
    bool first = !r->ranks || !ranks_is_other(), ok = true;
    if (first) {
        ok = data_open(r->ctx, &r->o, train, test);
    }
    if (!r->ranks || !ranks_agree(r->ranks, ok)) {
        return ok && !r->ranks;
    }
    return ranks_agree(r->ranks, first || data_open(r->ctx, &r->o, train, test));
}

static bool open_parts(run *r, cnn_dataset *train, cnn_dataset *test)
{
    r->test = ranks_test_loader(r->ranks, test, r->o.batch_size);
    if (!ranks_agree(r->ranks, r->test || fail())) {
        cnn_dataset_free(train);
        return false;
    }
    return ranks_train_on(r->ranks, &r->o, r->model, train, r->epoch);
}

/* The loaders are opened after the checkpoint is loaded, because the order of the images depends on its random
 * state. */
static bool open_loaders(run *r)
{
    cnn_dataset *train = NULL, *test = NULL;
    if (!open_data(r, &train, &test)) {
        cnn_dataset_free(train);
        cnn_dataset_free(test);
        return false;
    }
    r->train_count = cnn_dataset_size(train);
    r->test_count = cnn_dataset_size(test);
    if (r->ranks) {
        return open_parts(r, train, test);
    }
    r->test_images = r->page ? cnn_dataset_share(test) : NULL;
    r->train = cnn_loader_new(train, r->o.batch_size, .shuffle = true);
    r->test = cnn_loader_new(test, r->o.batch_size);
    return (r->train && r->test && cnn_loader_set_epoch(r->train, r->epoch) == CNN_OK) || fail();
}

static bool fail_log(const run *r, const char *what)
{
    say("mnist_cnn: cannot %s %s: %s", what, r->o.log, strerror(errno));
    return false;
}

static bool open_log(run *r)
{
    r->log = r->o.log ? fopen(r->o.log, r->o.resume ? "ae" : "we") : NULL;
    return r->log || !r->o.log || fail_log(r, "open");
}

/* Closing writes the rest and may fail because the disk is full. */
static bool close_log(run *r)
{
    FILE *log = r->log;
    r->log = NULL;
    return !log || fclose(log) == 0 || fail_log(r, "write");
}

static bool open_records(run *r)
{
    int64_t batches = r->ranks ? ranks_step_count(r->ranks) : cnn_loader_batch_count(r->train);
    r->records.tensorboard = r->o.tensorboard;
    r->records.csv = r->o.csv;
    r->records.profile = r->o.profile;
    return records_open(&r->records, r->model, r->epoch, r->epoch * batches);
}

static cnn_optimizer *optimizer_new(const run *r)
{
    return strcmp(r->o.optimizer, "lars") == 0   ? cnn_lars_new(r->model, .lr = r->o.lr, .weight_decay = 1e-4)
           : strcmp(r->o.optimizer, "lamb") == 0 ? cnn_lamb_new(r->model, .lr = r->o.lr)
                                                 : cnn_adam_new(r->model, .lr = r->o.lr);
}

/* Other ranks than 0 print nothing and write no file. */
static bool join_ranks(run *r)
{
    if (!r->o.mpi) {
        return true;
    }
    if (!ranks_join(r->ranks, r->ctx)) {
        return false;
    }
    if (ranks_is_other()) {
        r->o.quiet = true;
        r->o.digest = false;
        r->o.save = r->o.log = r->o.csv = NULL;
    }
    return true;
}

static bool prepare(run *r)
{
    bool only_predict = options_predict_only(&r->o);
    if (r->o.predict && !predict_available()) {
        return false;
    }
    r->page = r->o.report ? page_open(r->o.report) : NULL;
    if (r->o.report && !r->page) {
        return false;
    }
    r->ranks = r->o.mpi ? ranks_open() : NULL;
    if (r->o.mpi && !r->ranks) {
        return false;
    }
    int threads = r->ranks && r->o.threads == 0 ? ranks_threads(r->ranks) : r->o.threads;
    r->ctx = cnn_context_new(.seed = r->o.seed, .threads = threads, .device = r->o.device);
    if (!r->ctx) {
        return fail();
    }
    if (!join_ranks(r)) {
        return false;
    }
    r->model = model_new(r->ctx);
    r->adam = r->model ? optimizer_new(r) : NULL;
    r->tape = r->adam ? cnn_tape_new(r->ctx) : NULL;
    return ranks_agree(r->ranks, (r->tape || fail()) && resume(r)) &&
           (only_predict || (open_loaders(r) && ranks_agree(r->ranks, open_log(r) && open_records(r))));
}

static outcome train_and_test(run *r, progress *bar, score *trained)
{
    if (!r->ranks) {
        outcome result = train_epoch(r->model, r->adam, r->train, r->tape, bar, &r->records, trained);
        progress_end(bar);
        if (result == DONE && !records_end(&r->records)) {
            return FAILED;
        }
        return result == DONE ? score_test(r->model, r->test, r->tape, CNN_EVAL, &r->tested) : result;
    }
    outcome result = ranks_train_epoch(r->ranks, &r->o, r->model, r->adam, r->tape, r->epoch, bar, trained);
    progress_end(bar);
    return result == DONE ? ranks_share(r->ranks, score_test(r->model, r->test, r->tape, CNN_EVAL, &r->tested), &r->tested) : result;
}

static outcome run_epoch(run *r)
{
    score trained;
    progress bar;
    if (!records_begin(&r->records)) {
        return FAILED;
    }
    progress_begin(&bar, !r->o.quiet, r->epoch + 1, r->o.epochs,
                   r->ranks ? ranks_step_count(r->ranks) : cnn_loader_batch_count(r->train));
    outcome result = train_and_test(r, &bar, &trained);
    if (result != DONE) {
        return result == FAILED && !r->ranks && !fail() ? FAILED : result;
    }
    r->epoch++;
    page_epoch(r->page, r->epoch, &trained, &r->tested);
    bool told = r->o.quiet || report_epoch(r->epoch, r->o.epochs, &trained, &r->tested);
    bool logged = !r->log || report_log(r->log, r->epoch, &trained, &r->tested) || fail_log(r, "write");
    told = records_epoch(&r->records, r->epoch, &trained, &r->tested, cnn_optimizer_lr(r->adam, 0)) && told;
    return ranks_agree(r->ranks, logged && save(r) && told) ? DONE : interrupted && r->ranks ? INTERRUPTED : FAILED;
}

/* Reports the article's last number, which is measured with dropout on the training images. */
static bool report_article(run *r)
{
    score s;
    outcome result = score_test(r->model, r->train, r->tape, CNN_TRAIN_NO_GRAD, &s);
    if (result != DONE) {
        return result == FAILED && fail();
    }
    printf("as the article measures it, with dropout on and over the training set: accuracy %.2f %%\n", s.accuracy);
    return true;
}

static outcome write_report(run *r)
{
    static const double mean = 0.1307, deviation = 0.3081; /* as cnn_mnist_open() normalises */
    const page_subject subject = { .noun = "digit", .nouns = "digits", .model = r->model, .tape = r->tape, .test = r->test_images,
                                   .classes = 10, .batch_size = r->o.batch_size, .channels = 1, .mean = &mean, .std = &deviation };
    page_fact(r->page, "test accuracy", "%.2f %%", r->tested.accuracy);
    page_fact(r->page, "test loss", "%.4f nats", r->tested.loss);
    page_fact(r->page, "epochs", "%lld", (long long)r->epoch);
    page_fact(r->page, "training images", "%lld%s", (long long)cnn_loader_sample_count(r->train), r->o.augment ? ", augmented" : "");
    page_fact(r->page, "parameters", "%lld", (long long)cnn_module_parameter_numel(r->model));
    page_fact(r->page, "batch size", "%lld", (long long)r->o.batch_size);
    page_fact(r->page, "learning rate", "%g", cnn_optimizer_lr(r->adam, 0));
    page_fact(r->page, "seed", "%llu", (unsigned long long)r->o.seed);
    page_fact(r->page, "device", "%s, %d thread%s, %s kernels", cnn_context_device(r->ctx), cnn_context_threads(r->ctx),
              cnn_context_threads(r->ctx) == 1 ? "" : "s", cnn_context_kernels(r->ctx));
    outcome result = page_write(r->page, &subject);
    if (result == DONE && !r->o.quiet) {
        printf("the report is %s/report.html\n", r->o.report);
    }
    return result;
}

static int predict(run *r)
{
    bool good = predict_files(r->model, r->tape, r->o.pictures, r->o.picture_count, r->o.quiet);
    return interrupted ? signals_status() : good ? 0 : 1;
}

static int finish(run *r)
{
    bool tested = r->tested.images;
    outcome result = tested ? DONE : score_test(r->model, r->test, r->tape, CNN_EVAL, &r->tested);
    if (r->ranks && !tested) {
        result = ranks_share(r->ranks, result, &r->tested);
    }
    if (result == INTERRUPTED) {
        return signals_status();
    }
    if (result == FAILED) {
        if (!r->ranks) {
            fail();
        }
        return 1;
    }
    if ((r->o.tutorial && !report_article(r)) || (r->page && write_report(r) != DONE)) {
        return interrupted ? signals_status() : 1;
    }
    if (!r->ranks || !ranks_is_other()) {
        report_test(&r->tested);
    }
    bool good = (!r->o.digest || report_digest(r->model)) && close_log(r) && records_close(&r->records);
    return !good ? 1 : r->o.predict ? predict(r) : 0;
}

static int interrupted_at(const run *r)
{
    if (r->o.save) {
        say("interrupted in epoch %lld: %s holds the state after epoch %lld; --resume %s continues",
                (long long)r->epoch + 1, r->o.save, (long long)r->epoch, r->o.save);
    } else {
        say("interrupted in epoch %lld; without --save nothing is kept", (long long)r->epoch + 1);
    }
    return signals_status();
}

static bool report_start(const run *r)
{
    int threads = cnn_context_threads(r->ctx);
    if (r->ranks) {
        printf("%d process%s, each with ", ranks_count(r->ranks), ranks_count(r->ranks) == 1 ? "" : "es");
    }
    printf("%lld parameters, %lld training and %lld test images, %d thread%s, %s kernels\n",
           (long long)cnn_module_parameter_numel(r->model), (long long)r->train_count, (long long)r->test_count, threads,
           threads == 1 ? "" : "s", cnn_context_kernels(r->ctx));
    return streams_flush();
}

static int train(run *r)
{
    bool ready = (r->o.quiet || report_start(r)) && (r->o.eval_only || save(r));
    if (!ranks_agree(r->ranks, ready)) {
        return interrupted ? signals_status() : 1;
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
    records_close(&r->records);
    cnn_tape_free(r->tape);
    cnn_loader_free(r->train);
    cnn_loader_free(r->test);
    cnn_dataset_free(r->test_images);
    page_free(r->page);
    cnn_optimizer_free(r->adam);
    cnn_module_free(r->model);
    ranks_close(r->ranks);
    cnn_context_free(r->ctx);
    if (r->log) {
        fclose(r->log);
    }
}

static int run_program(const options *o)
{
    run r = { .o = *o };
    signals_catch();
    int status = !prepare(&r) ? (interrupted ? signals_status() : 1) : options_predict_only(o) ? predict(&r) : train(&r);
    release(&r);
    return status;
}

int main(int argc, char **argv)
{
    options o;
    if (!streams_open()) {
        return 1;
    }
    for (int i = 1; i < argc; i++) { /* all processes have the same command line */
        if (ranks_is_other() && (strcmp(argv[i], "--mpi") == 0 || strcmp(argv[i], "-m") == 0)) {
            say_keep();
        }
    }
    setlocale(LC_CTYPE, "");
    options_result read = options_read(&o, argc, argv);
    int status = read == OPTIONS_RUN ? run_program(&o) : read == OPTIONS_DONE ? 0 : 2;
    return streams_close() || status ? status : 1;
}
