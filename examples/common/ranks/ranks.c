/* Training by several processes: libcnn-mpi, opened at run time. A failure on one rank becomes known to all where they meet next,
 * at the end of a step or in ranks_agree(), and then all end. */
#define CNN_WITHOUT_MPI_H
#include "ranks.h"

#include "common/say.h"
#include "common/signals.h"

#include <cnn/mpi.h>

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What is called of libcnn-mpi. */
#define CALLS(_) \
    _(cnn_mpi_begin) _(cnn_mpi_end_within) _(cnn_mpi_threads) _(cnn_mpi_world) _(cnn_group_free) _(cnn_group_rank) _(cnn_group_size) \
    _(cnn_group_allreduce) _(cnn_group_agree) _(cnn_group_abort) _(cnn_group_sampler_create) _(cnn_data_parallel_create) \
    _(cnn_data_parallel_free) _(cnn_data_parallel_begin) _(cnn_data_parallel_next) _(cnn_data_parallel_backward) \
    _(cnn_data_parallel_end) _(cnn_data_parallel_step_count) _(cnn_data_parallel_batch_size) _(cnn_data_parallel_set_epoch) \
    _(cnn_data_parallel_take_times) _(cnn_sync_batch_norm_convert)
#define MEMBER(name) __typeof__(&name) name;
#define NAME(name) #name,
static struct { CALLS(MEMBER) } mpi;
static const char *const names[] = { CALLS(NAME) };

struct ranks {
    cnn_context *ctx;
    cnn_group *group;
    cnn_data_parallel *parallel;
    int threads;
    bool shares_losses; /* the losses of each step are added up over all ranks */
    traffic traffic;
    cnn_status pending; /* what failed on this rank since all met last */
    char message[512];
};

static int number_in(const char *name)
{
    const char *text = getenv(name);
    return text && *text ? atoi(text) : -1;
}

bool ranks_is_other(void)
{
    static const char *const variables[] = { "OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK", "SLURM_PROCID" };
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        if (number_in(variables[i]) >= 0) {
            return number_in(variables[i]) > 0;
        }
    }
    return false;
}

void ranks_hush(int argc, char **argv, const char *letter)
{
    for (int i = 1; i < argc && ranks_is_other(); i++) {
        if (strcmp(argv[i], "--mpi") == 0 || strcmp(argv[i], letter) == 0) {
            say_keep();
        }
    }
}

/* ---- the library ---- */

static void *open_flavour(const char *flavour)
{
    char name[64];
    if (CNN_VERSION_MAJOR == 0) {
        snprintf(name, sizeof name, "libcnn-mpi-%s.so.%d.%d", flavour, CNN_VERSION_MAJOR, CNN_VERSION_MINOR);
    } else {
        snprintf(name, sizeof name, "libcnn-mpi-%s.so.%d", flavour, CNN_VERSION_MAJOR);
    }
    return dlopen(name, RTLD_NOW | RTLD_GLOBAL); /* Open MPI's own plug-ins look for its names */
}

/* mpirun's variables say which MPI it is of; where there are none, any will do. */
static void *open_library(void)
{
    const char *own = getenv("OMPI_COMM_WORLD_SIZE") ? "openmpi" : getenv("PMI_SIZE") ? "mpich" : NULL;
    const char *const flavours[] = { own ? own : "openmpi", "mpi", own ? NULL : "mpich" };
    void *library = NULL;
    for (int i = 0; i < 3 && flavours[i] && !library; i++) {
        library = open_flavour(flavours[i]);
    }
    return library;
}

static bool find_calls(void *library)
{
    void **to = (void **)&mpi;
    _Static_assert(sizeof mpi == sizeof names, "a pointer for each name");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        to[i] = dlsym(library, names[i]);
        if (!to[i]) {
            say("%s: --mpi: libcnn-mpi has no %s: it is of another version", program_name, names[i]);
            return false;
        }
    }
    return true;
}

ranks *ranks_open(void)
{
    void *library = open_library();
    if (!library) {
        say("%s: --mpi needs libcnn-mpi of the MPI that started it: %s", program_name, dlerror());
        return NULL;
    }
    ranks *r = find_calls(library) ? calloc(1, sizeof *r) : NULL;
    if (!r) {
        return NULL;
    }
    if (mpi.cnn_mpi_begin() != CNN_OK) {
        say("%s: %s", program_name, cnn_last_error(NULL));
        free(r);
        return NULL;
    }
    r->threads = mpi.cnn_mpi_threads();
    return r;
}

int ranks_threads(const ranks *r)
{
    return r->threads;
}

bool ranks_join(ranks *r, cnn_context *ctx)
{
    r->ctx = ctx;
    r->group = mpi.cnn_mpi_world(ctx);
    if (!r->group) {
        say("%s: %s", program_name, cnn_last_error(NULL));
        return false;
    }
    if (mpi.cnn_group_rank(r->group) > 0) {
        say_keep();
    }
    return true;
}

int ranks_count(const ranks *r)
{
    return r && r->group ? mpi.cnn_group_size(r->group) : 1;
}

/* What all know of begins with a rank. Anything else, such as no memory for a message, has broken the group: it cannot even agree, and
 * the others wait. The rank that found it says it and ends all; one that was told of it ends by itself only where that does not reach
 * it. */
static void end_if_broken(ranks *r, const char *message)
{
    if (strncmp(message, "rank ", 5) != 0) {
        if (strstr(message, " has given up: ")) {
            sleep(1);
        } else {
            fprintf(stderr, "%s: rank %d: %s\n", program_name, mpi.cnn_group_rank(r->group), message);
        }
        mpi.cnn_group_abort(r->group, 1);
    }
}

/* After something failed somewhere: was it a signal? Then all are interrupted. */
static void share_signal(ranks *r)
{
    int64_t signals[2] = { interrupted, interrupted != 0 };
    if (mpi.cnn_group_allreduce(r->group, signals, 2, CNN_I64) == CNN_OK && signals[1]) {
        interrupted = (sig_atomic_t)(signals[0] / signals[1]);
    }
}

/* Tells of a failure that cnn_last_error() describes; `own`: this rank has told already. */
static void tell(ranks *r, bool own)
{
    char message[512];
    snprintf(message, sizeof message, "%s", cnn_last_error(r->ctx));
    end_if_broken(r, message);
    share_signal(r);
    if (!own && !interrupted && mpi.cnn_group_rank(r->group) == 0) {
        say("%s: %s", program_name, message);
    }
}

bool ranks_agree(ranks *r, bool ok)
{
    if (!r) {
        return ok;
    }
    if (!ok) {
        const char *kept = say_kept();
        const size_t length = strlen(program_name);
        const char *line = strncmp(kept, program_name, length) == 0 && strncmp(kept + length, ": ", 2) == 0 ? kept + length + 2 : kept;
        cnn_context_set_error(r->ctx, CNN_ERROR_STATE, *line ? line : "failed");
    }
    cnn_status status = mpi.cnn_group_agree(r->group, ok ? CNN_OK : CNN_ERROR_STATE);
    if (status != CNN_OK) {
        tell(r, !ok);
    }
    return status == CNN_OK;
}

/* ---- data ---- */

cnn_loader *ranks_test_loader(ranks *r, cnn_dataset *test, int64_t batch_size)
{
    const cnn_group_sampler_options cut = { .struct_size = sizeof cut, .batch_size = batch_size * ranks_count(r) };
    cnn_sampler *sampler = mpi.cnn_group_sampler_create(r->group, cnn_dataset_size(test), &cut);
    if (!sampler) {
        cnn_dataset_free(test);
        return NULL;
    }
    return cnn_loader_new(test, batch_size, .sampler = sampler);
}

bool ranks_train_on(ranks *r, const ranks_plan *plan, cnn_module *model, cnn_dataset *train, int64_t epoch)
{
    const bool sync = plan->sync_norm;
    const cnn_data_parallel_options how = { .struct_size = sizeof how, .batch_size = plan->batch_size,
                                            .shards = sync ? ranks_count(r) : (int)plan->shards, .fast = !sync && plan->shards == 0,
                                            .drop_last = sync, .loader_threads = plan->loader_threads };
    bool ready = !sync || mpi.cnn_sync_batch_norm_convert(r->group, model) == CNN_OK;
    if (!ready) {
        say("%s: %s", program_name, cnn_last_error(NULL));
    }
    if (!ranks_agree(r, ready)) {
        cnn_dataset_free(train);
        return false;
    }
    r->parallel = mpi.cnn_data_parallel_create(r->group, model, train, &how);
    if (!r->parallel) {
        tell(r, false);
        return false;
    }
    /* Rank 0 says for all, whatever their command lines: a sum over the group is everybody's. */
    int64_t wanted = mpi.cnn_group_rank(r->group) == 0 && plan->losses;
    if (mpi.cnn_group_allreduce(r->group, &wanted, 1, CNN_I64) != CNN_OK) {
        tell(r, false);
        return false;
    }
    r->shares_losses = wanted != 0;
    return mpi.cnn_data_parallel_set_epoch(r->parallel, epoch) == CNN_OK;
}

int64_t ranks_step_count(const ranks *r)
{
    return mpi.cnn_data_parallel_step_count(r->parallel);
}

/* ---- training ---- */

/* What only this rank knows waits for where all meet. */
static void hold(ranks *r, cnn_status status)
{
    if (status != CNN_OK && r->pending == CNN_OK) {
        r->pending = status;
        snprintf(r->message, sizeof r->message, "%s", cnn_last_error(r->ctx));
    }
}

static void train_parts(ranks *r, cnn_module *model, cnn_tape *tape, records *kept, score *s)
{
    cnn_batch batch;
    while (mpi.cnn_data_parallel_next(r->parallel, &batch)) {
        records_batch(kept, &batch);
        cnn_tape_begin(tape, CNN_TRAIN);
        cnn_tensor *outputs = cnn_forward(model, cnn_input(tape, batch.images));
        cnn_tensor *loss = cnn_cross_entropy(outputs, batch.labels);
        if (mpi.cnn_data_parallel_backward(r->parallel, loss) == CNN_OK && !score_add(s, outputs, loss, &batch)) {
            hold(r, cnn_context_status(r->ctx));
        }
    }
}

/* The mean loss of the step's batch over all ranks. */
static cnn_status share_loss(ranks *r, const score *before, const score *s, records *kept)
{
    double sums[2] = { s->loss - before->loss, (double)(s->images - before->images) };
    if (!r->shares_losses) {
        return CNN_OK;
    }
    cnn_status status = mpi.cnn_group_allreduce(r->group, sums, 2, CNN_F64);
    if (status == CNN_OK) {
        records_loss(kept, sums[0] / sums[1]);
    }
    return status;
}

static cnn_status train_step(ranks *r, const ranks_pace *pace, cnn_module *model, cnn_optimizer *optimizer, cnn_tape *tape,
                             records *kept, score *s)
{
    const score before = *s;
    train_parts(r, model, tape, kept, s);
    if (r->shares_losses && !score_read(s)) { /* on a device they wait there */
        hold(r, cnn_context_status(r->ctx));
    }
    if (interrupted) {
        hold(r, cnn_context_set_error(r->ctx, CNN_ERROR_STATE, "interrupted by a signal"));
    }
    if (r->pending != CNN_OK) {
        cnn_context_set_error(r->ctx, r->pending, r->message);
    }
    cnn_status status = mpi.cnn_data_parallel_end(r->parallel, r->pending);
    if (status == CNN_OK) {
        cnn_status stepped = cnn_optimizer_step(optimizer);
        hold(r, stepped == CNN_OK && pace->schedule ? cnn_scheduler_step(pace->schedule) : stepped);
    }
    return status == CNN_OK ? share_loss(r, &before, s, kept) : status;
}

/* What the steps since the last call sent, as the mean over the ranks; collective. A rank may wait longer than its sums take, for it
 * waits for its group's thread to be run, too: nothing was hidden then, in the sum of all epochs as in this one. */
static cnn_status share_traffic(ranks *r, traffic *t)
{
    cnn_data_parallel_times times = { .struct_size = sizeof times };
    cnn_status status = mpi.cnn_data_parallel_take_times(r->parallel, &times);
    double sums[3] = { times.communication, times.waiting, (double)times.bytes_sent }, count = ranks_count(r);
    status = status == CNN_OK ? mpi.cnn_group_allreduce(r->group, sums, 3, CNN_F64) : status;
    *t = (traffic){ .known = true, .seconds = sums[0] / count, .waiting = fmin(sums[1], sums[0]) / count, .bytes = sums[2] / count };
    r->traffic.known = true;
    r->traffic.seconds += t->seconds;
    r->traffic.waiting += t->waiting;
    r->traffic.bytes += t->bytes;
    return status;
}

const traffic *ranks_traffic(const ranks *r)
{
    return &r->traffic;
}

outcome ranks_train_epoch(ranks *r, const ranks_pace *pace, cnn_module *model, cnn_optimizer *optimizer, cnn_tape *tape, int64_t epoch,
                          progress *bar, records *kept, score *s)
{
    double steps = (double)ranks_step_count(r), step = (double)epoch * steps;
    *s = (score){ 0 };
    for (; mpi.cnn_data_parallel_begin(r->parallel); step++) {
        int64_t images = mpi.cnn_data_parallel_batch_size(r->parallel);
        if (pace->before_step) {
            hold(r, pace->before_step(pace->user, step, steps));
        }
        cnn_status status = train_step(r, pace, model, optimizer, tape, kept, s);
        if (status != CNN_OK) {
            tell(r, false);
            score_stop(s);
            return interrupted ? INTERRUPTED : FAILED;
        }
        if (progress_due(bar) && !score_read(s)) {
            hold(r, cnn_context_status(r->ctx));
        }
        progress_step(bar, images, score_mean(s));
    }
    if (score_end(s, bar->start, NULL) == FAILED) {
        hold(r, cnn_context_status(r->ctx));
    }
    if (r->pending != CNN_OK) {
        say("%s: %s", program_name, r->message);
    }
    outcome result = ranks_share(r, r->pending == CNN_OK ? DONE : INTERRUPTED, s);
    if (result == DONE && share_traffic(r, &s->traffic) != CNN_OK) {
        tell(r, false);
        return FAILED;
    }
    return result;
}

outcome ranks_share(ranks *r, outcome own, score *s)
{
    if (own == FAILED) {
        say("%s: %s", program_name, cnn_last_error(NULL));
    }
    if (!ranks_agree(r, own == DONE)) {
        return interrupted ? INTERRUPTED : FAILED;
    }
    double sums[3] = { s->loss * (double)s->images, (double)s->right, (double)s->images };
    cnn_status status = mpi.cnn_group_allreduce(r->group, sums, 3, CNN_F64);
    if (status != CNN_OK) {
        tell(r, false);
        return FAILED;
    }
    s->loss = sums[0] / (sums[2] > 0 ? sums[2] : 1);
    s->accuracy = 100 * sums[1] / (sums[2] > 0 ? sums[2] : 1);
    s->right = (int64_t)sums[1];
    s->images = (int64_t)sums[2];
    return DONE;
}

void ranks_close(ranks *r, int status)
{
    if (r) {
        mpi.cnn_data_parallel_free(r->parallel);
        mpi.cnn_group_free(r->group);
        mpi.cnn_mpi_end_within(10, status);
        free(r);
    }
}
