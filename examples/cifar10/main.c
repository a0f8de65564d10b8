/* cifar10: small networks on CIFAR-10 or on folders of pictures, trained by SGD with Nesterov's momentum and one cycle of the
 * learning rate.
 *
 * model.c has the fast network, data.c finds the pictures, train.c is an epoch, and this file is the run from beginning to end; what
 * other programs need too is in ../common. A run continues bit for bit from a checkpoint, which holds weights, optimizer, schedule,
 * epoch and random state. */
#include "common/best.h"
#include "common/page/page.h"
#include "common/part.h"
#include "common/ranks/ranks.h"
#include "common/records.h"
#include "common/report.h"
#include "common/say.h"
#include "common/signals.h"
#include "common/streams.h"
#include "data.h"
#include "model.h"
#include "moves.h"
#include "options.h"
#include "predict.h"
#include "train.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

const char program_name[] = "cifar10";

typedef struct run {
    options o;
    cnn_context *ctx;
    data pictures;
    cnn_module *model;
    cnn_optimizer *sgd;
    cnn_scheduler *schedule;
    cnn_loader *train, *validation, *test; /* validation: NULL without --best and --patience */
    resident train_held, validation_held, test_held; /* on a device: what the loaders' batches are numbers of */
    cnn_dataset *test_pictures; /* those of `test`, for the report; NULL without one */
    cnn_tape *tape;
    ranks *ranks; /* the processes with --mpi; NULL: this process alone */
    int64_t train_count, test_count;
    page *page; /* with --report; else NULL */
    FILE *log;
    records records;
    best best;         /* what --best and --patience need */
    int64_t epoch;     /* number of finished epochs */
    score tested;      /* after the last epoch; no images if none ran */
} run;

static bool fail(void)
{
    say("cifar10: %s", cnn_last_error(NULL));
    return false;
}

static bool fail_log(const run *r, const char *what)
{
    say("cifar10: cannot %s %s: %s", what, r->o.log, strerror(errno));
    return false;
}

/* ---- before ---- */

/* Weights decay; biases and batch normalisation, which have one dimension, do not. */
static bool decays(const char *name, const cnn_tensor *parameter, void *user)
{
    (void)name, (void)user;
    return cnn_tensor_ndim(parameter) > 1;
}

static bool stays(const char *name, const cnn_tensor *parameter, void *user)
{
    return !decays(name, parameter, user);
}

static cnn_optimizer *sgd_new(const run *r)
{
    const cnn_sgd_options weights = { .struct_size = sizeof weights, .lr = r->o.lr, .momentum = 0.9, .nesterov = true,
                                      .weight_decay = r->o.weight_decay };
    cnn_sgd_options others = weights;
    others.weight_decay = 0;
    cnn_optimizer *sgd = cnn_sgd_create_for(r->ctx, NULL, 0, &weights);
    if (sgd && (cnn_sgd_add_group_where(sgd, r->model, decays, NULL, &weights) != CNN_OK ||
                cnn_sgd_add_group_where(sgd, r->model, stays, NULL, &others) != CNN_OK)) {
        cnn_optimizer_free(sgd);
        return NULL;
    }
    return sgd;
}

static int64_t batches_of(const run *r)
{
    int64_t pictures = cnn_dataset_size(r->pictures.train);
    bool whole = r->o.sync_norm && pictures >= r->o.batch_size; /* a last batch that is not full is left out */
    return (pictures + (whole ? 0 : r->o.batch_size - 1)) / r->o.batch_size;
}

static cnn_scheduler *schedule_new(const run *r)
{
    return cnn_one_cycle_lr_new(r->sgd, .max_lr = r->o.lr, .epochs = r->o.epochs ? r->o.epochs : 1, .steps_per_epoch = batches_of(r),
                                .pct_start = 0.25, .no_cycle_momentum = true);
}

/* The pictures for validation are drawn before a checkpoint is read: by another seed they would be some that the run was trained on. */
static bool same_split(const run *r)
{
    cnn_random_state state = { .seed = r->o.seed };
    cnn_context_random_state(r->ctx, &state);
    if (!r->pictures.validation || state.seed == r->o.seed) {
        return true;
    }
    say("cifar10: --seed is %llu, expected %llu, that of %s, which draws the pictures of --best and --patience",
        (unsigned long long)r->o.seed, (unsigned long long)state.seed, r->o.resume);
    return false;
}

/* Testing needs only the weights, which every file has; training on needs a whole checkpoint. */
static bool resume(run *r)
{
    cnn_checkpoint checkpoint = { .struct_size = sizeof checkpoint, .module = r->model, .optimizer = r->sgd, .scheduler = r->schedule };
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
    if (!same_split(r)) {
        return false;
    }
    if (r->o.epochs <= r->epoch) {
        say("nothing is trained: %s is after epoch %lld, --epochs is %lld", r->o.resume, (long long)r->epoch, (long long)r->o.epochs);
    }
    return true;
}

static cnn_loader *loader_of(const run *r, cnn_dataset **dataset, bool shuffle)
{
    cnn_dataset *given = *dataset;
    *dataset = NULL;
    return given ? cnn_loader_new(given, r->o.batch_size, .shuffle = shuffle, .threads = r->o.loader_threads) : NULL;
}

/* Puts a part onto the device; what is left of it is the data set of its samples' numbers. */
static bool hold(const run *r, resident *held, cnn_dataset **dataset, const resident_change *change)
{
    const resident_options how = { .channels = 3, .mean = data_means, .deviation = data_deviations, .change = change };
    *dataset = *dataset ? resident_new(held, r->ctx, *dataset, &how) : NULL;
    return *dataset != NULL;
}

static bool hold_all(run *r)
{
    data *p = &r->pictures;
    return !data_stays(r->ctx, &r->o) ||
           (hold(r, &r->train_held, &p->train, r->o.plain ? NULL : &moves_change) && hold(r, &r->test_held, &p->test, NULL) &&
            (!p->validation || hold(r, &r->validation_held, &p->validation, NULL)));
}

/* Those of this rank. */
static bool open_parts(run *r)
{
    const ranks_plan plan = { .batch_size = r->o.batch_size, .shards = r->o.shards, .loader_threads = r->o.loader_threads,
                              .losses = r->o.tensorboard != NULL, .sync_norm = r->o.sync_norm };
    cnn_dataset *train = r->pictures.train, *test = r->pictures.test;
    r->pictures.train = r->pictures.test = NULL;
    r->test = ranks_test_loader(r->ranks, test, r->o.batch_size);
    if (!ranks_agree(r->ranks, r->test || fail())) {
        cnn_dataset_free(train);
        return false;
    }
    return ranks_train_on(r->ranks, &plan, r->model, train, r->epoch);
}

/* Opened after the checkpoint is loaded, because the order of the pictures depends on its random state. */
static bool open_loaders(run *r)
{
    bool validated = r->pictures.validation != NULL;
    r->train_count = cnn_dataset_size(r->pictures.train);
    r->test_count = cnn_dataset_size(r->pictures.test);
    r->test_pictures = r->page ? cnn_dataset_share(r->pictures.test) : NULL;
    if (r->ranks) {
        return open_parts(r);
    }
    if (!hold_all(r)) {
        return fail();
    }
    r->train = loader_of(r, &r->pictures.train, true);
    r->test = loader_of(r, &r->pictures.test, false);
    r->validation = loader_of(r, &r->pictures.validation, false);
    r->best = (best){ .file = r->o.best, .patience = r->o.patience, .resumed = r->o.resume, .validation = r->validation,
                      .held = &r->validation_held, .tape = r->tape, .module = r->model, .optimizer = r->sgd,
                      .scheduler = r->schedule };
    return (r->train && r->test && (r->validation || !validated) && cnn_loader_set_epoch(r->train, r->epoch) == CNN_OK) || fail();
}

/* Other ranks than 0 print nothing and write no file. */
static bool join_ranks(run *r)
{
    if (r->ranks && !ranks_join(r->ranks, r->ctx)) {
        return false;
    }
    if (r->ranks && ranks_is_other()) {
        r->o.quiet = true;
        r->o.digest = false;
        r->o.save = r->o.log = r->o.csv = r->o.report = r->o.tensorboard = r->o.profile = NULL;
    }
    return true;
}

/* The files that the run will write. */
static bool open_places(run *r)
{
    if (!part_check(r->o.save) || !part_check(r->o.best) || !part_check(r->o.profile)) {
        return false;
    }
    r->page = r->o.report ? page_open(r->o.report) : NULL;
    return r->page || !r->o.report;
}

static bool make_parts(run *r)
{
    if (!data_open(r->ctx, &r->o, &r->pictures)) {
        return false;
    }
    r->model = model_new(r->ctx, r->o.model, 3, r->pictures.classes);
    r->sgd = r->model ? sgd_new(r) : NULL;
    r->schedule = r->sgd ? schedule_new(r) : NULL;
    r->tape = r->schedule ? cnn_tape_new(r->ctx) : NULL;
    return (r->tape || fail()) && resume(r);
}

static int64_t steps_of(const run *r)
{
    return r->ranks ? ranks_step_count(r->ranks) : cnn_loader_batch_count(r->train);
}

static bool open_records(run *r)
{
    r->log = r->o.log ? fopen(r->o.log, r->o.resume ? "ae" : "we") : NULL;
    r->records.tensorboard = r->o.tensorboard;
    r->records.csv = r->o.csv;
    r->records.profile = r->o.profile;
    r->records.quiet = r->o.quiet;
    r->records.together = r->ranks != NULL;
    return (r->log || !r->o.log || fail_log(r, "open")) && records_open(&r->records, r->model, r->epoch, r->epoch * steps_of(r));
}

static bool prepare(run *r)
{
    if (r->o.predict && !predict_available()) {
        return false;
    }
    if (!r->o.mpi && !open_places(r)) { /* other ranks than 0 have none */
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
    return join_ranks(r) && ranks_agree(r->ranks, (!r->o.mpi || open_places(r)) && make_parts(r)) && open_loaders(r) &&
           ranks_agree(r->ranks, open_records(r));
}

/* ---- epochs ---- */

static bool save(const run *r)
{
    const cnn_checkpoint checkpoint = { .struct_size = sizeof checkpoint, .module = r->model, .optimizer = r->sgd,
                                        .scheduler = r->schedule, .epoch = r->epoch };
    return !r->o.save || cnn_checkpoint_save(&checkpoint, r->o.save) == CNN_OK || fail();
}

/* A failure of the library that nobody has told of yet; ranks.c tells of those of --mpi itself. */
static outcome told(outcome result)
{
    if (result == FAILED) {
        fail();
    }
    return result;
}

static outcome test(run *r)
{
    outcome result = score_test(r->model, r->test, &r->test_held, r->tape, CNN_EVAL, &r->tested);
    return r->ranks ? ranks_share(r->ranks, result, &r->tested) : told(result);
}

/* What follows where the ranks could not agree. */
static outcome not_agreed(const run *r)
{
    return interrupted && r->ranks ? INTERRUPTED : FAILED;
}

static outcome train_all(run *r, progress *bar, score *trained)
{
    const ranks_pace pace = { .schedule = r->schedule };
    outcome result =
        r->ranks ? ranks_train_epoch(r->ranks, &pace, r->model, r->sgd, r->tape, r->epoch, bar, &r->records, trained)
                 : told(train_epoch(r->model, r->sgd, r->schedule, r->train, &r->train_held, r->tape, bar, &r->records, trained));
    progress_end(bar);
    return result != DONE || ranks_agree(r->ranks, records_end(&r->records)) ? result : not_agreed(r);
}

/* Tells people and programs of an epoch, and saves its checkpoint. With --mpi that may fail on rank 0 alone. */
static outcome keep_epoch(run *r, const score *trained)
{
    page_epoch(r->page, r->epoch, trained, &r->tested);
    bool printed = r->o.quiet || report_epoch(r->epoch, r->o.epochs, trained, &r->tested);
    bool logged = !r->log || report_log(r->log, r->epoch, trained, &r->tested) || fail_log(r, "write");
    bool kept = logged && records_epoch(&r->records, r->epoch, trained, &r->tested, cnn_optimizer_lr(r->sgd, 0));
    return ranks_agree(r->ranks, logged && save(r) && kept && printed) ? DONE : not_agreed(r);
}

static outcome run_epoch(run *r)
{
    score trained;
    progress bar;
    if (!ranks_agree(r->ranks, records_begin(&r->records))) {
        return not_agreed(r);
    }
    progress_begin(&bar, !r->o.quiet, r->epoch + 1, r->o.epochs, steps_of(r));
    outcome result = train_all(r, &bar, &trained);
    result = result == DONE ? test(r) : result;
    result = result == DONE ? told(best_epoch(&r->best, r->epoch + 1)) : result; /* with --mpi there is none */
    if (result != DONE) {
        return result;
    }
    r->epoch++;
    return keep_epoch(r, &trained);
}

static bool report_start(const run *r)
{
    int threads = cnn_context_threads(r->ctx);
    if (r->ranks) {
        printf("%d process%s, each with ", ranks_count(r->ranks), ranks_count(r->ranks) == 1 ? "" : "es");
    }
    printf("%s: %lld parameters, %lld training and %lld test pictures of %lld classes, %d thread%s, %s kernels\n", r->o.model,
           (long long)cnn_module_parameter_numel(r->model), (long long)r->train_count, (long long)r->test_count, (long long)r->pictures.classes, threads, threads == 1 ? "" : "s",
           cnn_context_kernels(r->ctx));
    return streams_flush();
}

static const char *class_name(const void *pictures, int64_t i)
{
    return data_class_name(pictures, i);
}

/* How the weights came about. A checkpoint's seed went before that of the command line. */
static void report_training(const run *r)
{
    cnn_random_state random = { .seed = r->o.seed };
    if (r->o.eval_only) {
        page_fact(r->page, "weights", "%s", r->o.resume);
        return;
    }
    cnn_context_random_state(r->ctx, &random);
    page_fact(r->page, "epochs", "%lld", (long long)r->epoch);
    if (r->ranks) {
        page_fact(r->page, "processes", "%d", ranks_count(r->ranks));
    }
    page_fact(r->page, "training pictures", "%lld%s", (long long)r->train_count, r->o.plain ? "" : ", augmented");
    page_fact(r->page, "highest learning rate", "%g", r->o.lr);
    page_fact(r->page, "seed", "%llu", (unsigned long long)random.seed);
}

static outcome write_report(run *r)
{
    const page_subject subject = { .noun = "picture", .nouns = "pictures", .model = r->model, .tape = r->tape,
                                   .test = r->test_pictures, .classes = r->pictures.classes, .batch_size = r->o.batch_size,
                                   .channels = 3, .class_name = class_name, .user = &r->pictures, .mean = data_means, .std = data_deviations };
    page_facts(r->page, &subject, &r->tested);
    page_fact(r->page, "network", "%s", r->o.model);
    report_training(r);
    outcome result = page_write(r->page, &subject);
    if (result == DONE && !r->o.quiet) {
        printf("the report is %s/report.html\n", r->o.report);
    }
    return result;
}

static int predict(run *r)
{
    bool good = predict_files(r->model, r->tape, &r->pictures, r->o.pictures, r->o.picture_count);
    return interrupted ? signals_status() : good ? 0 : 1;
}

static int finish(run *r)
{
    outcome result = r->tested.images ? DONE : test(r);
    if (result == DONE && r->page) {
        result = write_report(r);
    }
    if (!ranks_agree(r->ranks, result == DONE)) { /* the others wait while rank 0 writes */
        result = FAILED;
    }
    if (result != DONE) {
        return interrupted ? signals_status() : 1;
    }
    if (!r->ranks || !ranks_is_other()) {
        if (r->ranks && !r->o.quiet) {
            report_traffic(ranks_traffic(r->ranks));
        }
        report_test(&r->tested);
    }
    FILE *log = r->log;
    r->log = NULL; /* closing writes the rest and may fail because the disk is full */
    bool good = (!r->o.digest || report_digest(r->model)) && (!log || fclose(log) == 0 || fail_log(r, "write")) && records_close(&r->records);
    return !good ? 1 : r->o.predict ? predict(r) : 0;
}

static int train(run *r)
{
    if (!ranks_agree(r->ranks, (r->o.quiet || report_start(r)) && (r->o.eval_only || save(r)))) {
        return interrupted && r->ranks ? signals_status() : 1;
    }
    outcome begun = r->o.eval_only ? DONE : told(best_begin(&r->best, r->epoch));
    if (begun != DONE) {
        return begun == INTERRUPTED ? report_interrupted(r->o.save, r->epoch) : 1;
    }
    while (!r->o.eval_only && r->epoch < r->o.epochs && best_goes_on(&r->best, r->epoch, r->o.quiet)) {
        outcome result = run_epoch(r);
        if (result != DONE) {
            return result == INTERRUPTED ? report_interrupted(r->o.save, r->epoch) : 1;
        }
    }
    return finish(r);
}

static void release(run *r, int status)
{
    records_close(&r->records);
    data_close(&r->pictures);
    cnn_dataset_free(r->test_pictures);
    resident_free(&r->train_held);
    resident_free(&r->validation_held);
    resident_free(&r->test_held);
    page_free(r->page);
    cnn_tape_free(r->tape);
    cnn_loader_free(r->train);
    cnn_loader_free(r->validation);
    cnn_loader_free(r->test);
    cnn_scheduler_free(r->schedule);
    cnn_optimizer_free(r->sgd);
    cnn_module_free(r->model);
    ranks_close(r->ranks, status);
    cnn_context_free(r->ctx);
    if (r->log) {
        fclose(r->log);
    }
}

static int run_program(const options *o)
{
    run r = { .o = *o };
    signals_catch();
    int status = prepare(&r) ? (options_predict_only(o) ? predict(&r) : train(&r)) : interrupted ? signals_status() : 1;
    release(&r, status);
    return status;
}

int main(int argc, char **argv)
{
    options o;
    if (!streams_open()) {
        return 1;
    }
    for (int i = 1; i < argc; i++) { /* all processes have the same command line */
        if (ranks_is_other() && (strcmp(argv[i], "--mpi") == 0 || strcmp(argv[i], "-M") == 0)) {
            say_keep();
        }
    }
    setlocale(LC_CTYPE, "");
    options_result read = options_read(&o, argc, argv);
    int status = read == OPTIONS_RUN ? run_program(&o) : read == OPTIONS_DONE ? 0 : 2;
    return streams_close() || status ? status : 1;
}
