/* From the command line to a run that is ready. With --mpi whatever fails on one rank is known to all at the next ranks_agree(). */
#include "training.h"

#include "common/part.h"
#include "common/say.h"

#include <errno.h>
#include <string.h>

bool training_predicts_only(const training_options *o)
{
    return o->predict && o->resume && !o->eval_only;
}

bool training_fail_log(const training *t, const char *what)
{
    say("%s: cannot %s %s: %s", program_name, what, t->o.log, strerror(errno));
    return false;
}

/* Testing needs only the weights, which every file has; training on needs a whole checkpoint. */
static bool resume(training *t)
{
    cnn_checkpoint checkpoint = { .struct_size = sizeof checkpoint, .module = t->model, .optimizer = t->optimizer,
                                  .scheduler = t->scheduler };
    if (!t->o.resume) {
        return true;
    }
    if (t->o.eval_only || training_predicts_only(&t->o)) {
        return cnn_module_load(t->model, t->o.resume) == CNN_OK || say_error();
    }
    if (cnn_checkpoint_load(&checkpoint, t->o.resume) != CNN_OK) {
        return say_error();
    }
    t->epoch = checkpoint.epoch;
    return t->program->resumed(t);
}

/* ---- data ---- */

/* Puts a part onto the device; what is left of it is the data set of its samples' numbers. */
static bool hold(const training *t, resident *held, cnn_dataset **dataset, const resident_change *change)
{
    const resident_options how = { .channels = t->subject.channels, .mean = t->subject.mean, .deviation = t->subject.std, .change = change };
    *dataset = resident_new(held, t->ctx, *dataset, &how);
    return *dataset != NULL;
}

static bool hold_all(training *t)
{
    return !t->on_device || (hold(t, &t->train_held, &t->train_data, t->change) && hold(t, &t->test_held, &t->test_data, NULL) &&
                             (!t->validation_data || hold(t, &t->validation_held, &t->validation_data, NULL)));
}

static cnn_loader *loader_of(const training *t, cnn_dataset **dataset, bool shuffle)
{
    cnn_dataset *given = *dataset;
    *dataset = NULL;
    return given ? cnn_loader_new(given, t->o.batch_size, .shuffle = shuffle, .threads = t->loader_threads) : NULL;
}

/* Opens the loaders of this rank. */
static bool open_parts(training *t)
{
    const ranks_plan plan = { .batch_size = t->o.batch_size, .shards = t->o.shards, .loader_threads = t->loader_threads,
                              .losses = t->o.tensorboard != NULL, .sync_norm = t->sync_norm };
    cnn_dataset *train = t->train_data, *test = t->test_data;
    t->train_data = t->test_data = NULL;
    t->test = ranks_test_loader(t->ranks, test, t->o.batch_size);
    if (!ranks_agree(t->ranks, t->test || say_error())) {
        cnn_dataset_free(train);
        return false;
    }
    return ranks_train_on(t->ranks, &plan, t->model, train, t->epoch);
}

/* The loaders are opened after the checkpoint is loaded, because the order of the samples depends on its random state. */
static bool open_loaders(training *t)
{
    if (!t->program->open_data(t)) {
        return false;
    }
    bool validated = t->validation_data != NULL;
    t->train_count = cnn_dataset_size(t->train_data);
    t->test_count = cnn_dataset_size(t->test_data);
    t->test_samples = t->page ? cnn_dataset_share(t->test_data) : NULL;
    if (t->ranks) {
        return open_parts(t);
    }
    if (!hold_all(t)) {
        return say_error();
    }
    t->train = loader_of(t, &t->train_data, true);
    t->test = loader_of(t, &t->test_data, false);
    t->validation = loader_of(t, &t->validation_data, false);
    t->best = (best){ .file = t->o.best, .patience = t->o.patience, .resumed = t->o.resume, .validation = t->validation,
                      .held = &t->validation_held, .tape = t->tape, .module = t->model, .optimizer = t->optimizer,
                      .scheduler = t->scheduler };
    return (t->train && t->test && (t->validation || !validated) && cnn_loader_set_epoch(t->train, t->epoch) == CNN_OK) || say_error();
}

/* ---- files ---- */

/* Tries whether the files can be written that the run writes in its course. */
static bool open_places(training *t)
{
    if (!part_check(t->o.save) || !part_check(t->o.best) || !part_check(t->o.profile)) {
        return false;
    }
    t->page = t->o.report ? page_open(t->o.report) : NULL;
    return t->page || !t->o.report;
}

static bool open_records(training *t)
{
    int64_t steps = t->ranks ? ranks_step_count(t->ranks) : cnn_loader_batch_count(t->train);
    t->log = t->o.log ? fopen(t->o.log, t->o.resume ? "ae" : "we") : NULL;
    t->records.tensorboard = t->o.tensorboard;
    t->records.csv = t->o.csv;
    t->records.profile = t->o.profile;
    t->records.quiet = t->o.quiet;
    t->records.together = t->ranks != NULL;
    return (t->log || !t->o.log || training_fail_log(t, "open")) && records_open(&t->records, t->model, t->epoch, t->epoch * steps);
}

/* Joins the other processes. Other ranks than 0 print nothing and write no file. */
static bool join_ranks(training *t)
{
    if (t->ranks && !ranks_join(t->ranks, t->ctx)) {
        return false;
    }
    if (t->ranks && ranks_is_other()) {
        t->o.quiet = true;
        t->o.digest = false;
        t->o.save = t->o.log = t->o.csv = t->o.report = t->o.tensorboard = t->o.profile = NULL;
    }
    return true;
}

/* ---- all ---- */

static bool make_parts(training *t)
{
    if (!t->program->make(t)) {
        return false;
    }
    t->tape = cnn_tape_new(t->ctx);
    return (t->tape || say_error()) && resume(t);
}

bool training_prepare(training *t)
{
    if (!t->program->possible(t)) {
        return false;
    }
    if (!t->o.mpi && !open_places(t)) { /* with --mpi rank 0 does so once it is known which one that is */
        return false;
    }
    t->ranks = t->o.mpi ? ranks_open() : NULL;
    if (t->o.mpi && !t->ranks) {
        return false;
    }
    int threads = t->ranks && t->o.threads == 0 ? ranks_threads(t->ranks) : t->o.threads;
    t->ctx = cnn_context_new(.seed = t->o.seed, .threads = threads, .device = t->o.device, .math = t->math);
    if (!t->ctx) {
        return say_error();
    }
    return join_ranks(t) && ranks_agree(t->ranks, (!t->o.mpi || open_places(t)) && make_parts(t)) &&
           (training_predicts_only(&t->o) || (open_loaders(t) && ranks_agree(t->ranks, open_records(t))));
}

void training_free(training *t, int status)
{
    records_close(&t->records);
    if (t->program->close) {
        t->program->close(t);
    }
    cnn_dataset_free(t->train_data);
    cnn_dataset_free(t->validation_data);
    cnn_dataset_free(t->test_data);
    cnn_dataset_free(t->test_samples);
    resident_free(&t->train_held);
    resident_free(&t->validation_held);
    resident_free(&t->test_held);
    page_free(t->page);
    cnn_tape_free(t->tape);
    cnn_loader_free(t->train);
    cnn_loader_free(t->validation);
    cnn_loader_free(t->test);
    cnn_scheduler_free(t->scheduler);
    cnn_optimizer_free(t->optimizer);
    cnn_module_free(t->model);
    ranks_close(t->ranks, status);
    cnn_context_free(t->ctx);
    if (t->log) {
        fclose(t->log);
    }
}
