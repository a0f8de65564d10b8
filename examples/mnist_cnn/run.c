/* From the command line to a run that is ready. With --mpi whatever fails on one rank is known to all at the next
 * ranks_agree(). */
#include "run.h"

#include "augment.h"
#include "common/part.h"
#include "common/say.h"
#include "data.h"
#include "model.h"
#include "predict.h"

#include <errno.h>
#include <string.h>

bool run_fail(void)
{
    say("mnist_cnn: %s", cnn_last_error(NULL));
    return false;
}

bool run_fail_log(const run *r, const char *what)
{
    say("mnist_cnn: cannot %s %s: %s", what, r->o.log, strerror(errno));
    return false;
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
        return cnn_module_load(r->model, r->o.resume) == CNN_OK || run_fail();
    }
    if (cnn_checkpoint_load(&checkpoint, r->o.resume) != CNN_OK) {
        return run_fail();
    }
    r->epoch = checkpoint.epoch;
    compare_options(r);
    return true;
}

/* Whether the images stay on the device. What TensorBoard is shown is of no step. */
static bool stays_on_device(const run *r)
{
    return strcmp(cnn_context_device(r->ctx), "cpu") != 0 && !r->o.copy_batches && !r->o.tensorboard && !r->ranks;
}

/* Rank 0 goes first and fetches what is missing; the others find it there. */
static bool open_data(run *r, cnn_dataset **train, cnn_dataset **validation, cnn_dataset **test)
{
    const bool augmented = r->o.augment && !stays_on_device(r);
    bool first = !r->ranks || !ranks_is_other(), ok = true;
    if (first) {
        ok = data_open(r->ctx, &r->o, augmented, train, validation, test);
    }
    if (!r->ranks || !ranks_agree(r->ranks, ok)) {
        return ok && !r->ranks;
    }
    return ranks_agree(r->ranks, first || data_open(r->ctx, &r->o, augmented, train, NULL, test));
}

static bool open_parts(run *r, cnn_dataset *train, cnn_dataset *test)
{
    r->test = ranks_test_loader(r->ranks, test, r->o.batch_size);
    if (!ranks_agree(r->ranks, r->test || run_fail())) {
        cnn_dataset_free(train);
        return false;
    }
    const ranks_plan plan = { .batch_size = r->o.batch_size, .shards = r->o.shards, .losses = r->o.tensorboard != NULL };
    return ranks_train_on(r->ranks, &plan, r->model, train, r->epoch);
}

/* Puts all parts onto the device; what is left of each is the data set of its samples' numbers. */
static bool hold(run *r, cnn_dataset **train, cnn_dataset **validation, cnn_dataset **test)
{
    static const double mean = 0.1307, deviation = 0.3081; /* as cnn_mnist_open() normalises */
    resident_options how = { .channels = 1, .mean = &mean, .deviation = &deviation };
    *test = resident_new(&r->test_held, r->ctx, *test, &how);
    if (*test && *validation) {
        *validation = resident_new(&r->validation_held, r->ctx, *validation, &how);
        if (!*validation) {
            return false;
        }
    }
    how.change = r->o.augment ? &augment_change : NULL;
    *train = *test ? resident_new(&r->train_held, r->ctx, *train, &how) : *train;
    return *train && *test;
}

/* The loaders are opened after the checkpoint is loaded, because the order of the images depends on its random
 * state. */
static bool open_loaders(run *r)
{
    cnn_dataset *train = NULL, *validation = NULL, *test = NULL;
    bool validated = r->o.best || r->o.patience;
    if (!open_data(r, &train, validated ? &validation : NULL, &test)) {
        cnn_dataset_free(train);
        cnn_dataset_free(validation);
        cnn_dataset_free(test);
        return false;
    }
    r->train_count = cnn_dataset_size(train);
    r->test_count = cnn_dataset_size(test);
    r->test_images = r->page ? cnn_dataset_share(test) : NULL;
    if (r->ranks) {
        return open_parts(r, train, test);
    }
    if (stays_on_device(r) && !hold(r, &train, &validation, &test)) {
        cnn_dataset_free(train);
        cnn_dataset_free(validation);
        cnn_dataset_free(test);
        return run_fail();
    }
    r->validation = validation ? cnn_loader_new(validation, r->o.batch_size) : NULL;
    r->best = (best){ .file = r->o.best, .patience = r->o.patience, .resumed = r->o.resume, .validation = r->validation,
                      .held = &r->validation_held, .tape = r->tape, .module = r->model, .optimizer = r->adam };
    r->train = cnn_loader_new(train, r->o.batch_size, .shuffle = true);
    r->test = cnn_loader_new(test, r->o.batch_size);
    return (r->train && r->test && (r->validation || !validated) && cnn_loader_set_epoch(r->train, r->epoch) == CNN_OK) || run_fail();
}

static bool open_log(run *r)
{
    r->log = r->o.log ? fopen(r->o.log, r->o.resume ? "ae" : "we") : NULL;
    return r->log || !r->o.log || run_fail_log(r, "open");
}

static bool open_records(run *r)
{
    int64_t batches = r->ranks ? ranks_step_count(r->ranks) : cnn_loader_batch_count(r->train);
    r->records.tensorboard = r->o.tensorboard;
    r->records.csv = r->o.csv;
    r->records.profile = r->o.profile;
    r->records.quiet = r->o.quiet;
    r->records.together = r->ranks != NULL;
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
        r->o.save = r->o.log = r->o.csv = r->o.report = r->o.tensorboard = r->o.profile = NULL;
    }
    return true;
}

static bool open_page(run *r)
{
    r->page = r->o.report ? page_open(r->o.report) : NULL;
    return r->page || !r->o.report;
}

bool run_prepare(run *r)
{
    bool only_predict = options_predict_only(&r->o);
    if (r->o.predict && !predict_available()) {
        return false;
    }
    if (!r->o.mpi && !open_page(r)) {
        return false;
    }
    r->ranks = r->o.mpi ? ranks_open() : NULL;
    if (r->o.mpi && !r->ranks) {
        return false;
    }
    int threads = r->ranks && r->o.threads == 0 ? ranks_threads(r->ranks) : r->o.threads;
    r->ctx = cnn_context_new(.seed = r->o.seed, .threads = threads, .device = r->o.device, .math = r->o.math);
    if (!r->ctx) {
        return run_fail();
    }
    if (!join_ranks(r)) {
        return false;
    }
    r->model = model_new(r->ctx);
    r->adam = r->model ? optimizer_new(r) : NULL;
    r->tape = r->adam ? cnn_tape_new(r->ctx) : NULL;
    bool places = (!r->o.mpi || open_page(r)) && part_check(r->o.save) && part_check(r->o.best) && part_check(r->o.profile);
    return ranks_agree(r->ranks, places && (r->tape || run_fail()) && resume(r)) &&
           (only_predict || (open_loaders(r) && ranks_agree(r->ranks, open_log(r) && open_records(r))));
}

void run_free(run *r, int status)
{
    records_close(&r->records);
    cnn_tape_free(r->tape);
    cnn_loader_free(r->train);
    cnn_loader_free(r->validation);
    cnn_loader_free(r->test);
    cnn_dataset_free(r->test_images);
    resident_free(&r->train_held);
    resident_free(&r->validation_held);
    resident_free(&r->test_held);
    page_free(r->page);
    cnn_optimizer_free(r->adam);
    cnn_module_free(r->model);
    ranks_close(r->ranks, status);
    cnn_context_free(r->ctx);
    if (r->log) {
        fclose(r->log);
    }
}
