/* Loaders as their users see them: creation, one batch after the other, freeing. All memory is allocated when a
 * loader is made; cnn_loader_next() allocates nothing, unless a collate callback does. */
#include "data/loader.h"

#include "platform/annotate.h"
#include "platform/process.h"

#include <inttypes.h>

enum { MAX_LOADER_THREADS = 1024 };

/* ---- life ---- */

static cnn_loader *loader_make(cnn_dataset *dataset, int64_t batch_size, const cnn_loader_options *options)
{
    cnn_context *ctx = dataset->ctx;
    cnn_loader *l = cnn__calloc(ctx, 1, sizeof *l);
    if (!l) {
        cnn__fail_memory(ctx, "loader_create", sizeof *l);
        cnn__sampler_release(options->sampler);
        cnn_dataset_free(dataset);
        return NULL;
    }
    if (options->sampler) {
        options->sampler->owned = true;
    }
    l->ctx = cnn__context_retain(ctx);
    l->dataset = dataset;
    l->options = *options;
    l->order_epoch = -1;
    l->process = cnn__process();
    atomic_init(&l->stop, false);
    CNN__ATOMIC(&l->stop);
    atomic_fetch_add(&dataset->loaders, 1);
    if (cnn__loader_make(l, batch_size) != CNN_OK) {
        cnn_loader_free(l);
        return NULL;
    }
    return l;
}

static cnn_status loader_check(const cnn_dataset *dataset, int64_t batch_size, const cnn_loader_options *o)
{
    const char *call = "loader_create";
    const cnn_context *ctx = dataset->ctx;
    const cnn_sampler *sampler = o->sampler;
    if (batch_size < 1) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: batch_size is %" PRId64 ", expected at least 1", call,
                         batch_size);
    }
    if (o->threads < 0 || o->threads > MAX_LOADER_THREADS) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: threads is %d, expected 0 to %d", call, o->threads,
                         MAX_LOADER_THREADS);
    }
    if ((o->threads > 0 && o->no_background) || (sampler && o->shuffle)) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: both %s are set, expected one of them", call,
                         sampler && o->shuffle ? "sampler and shuffle" : "threads and no_background");
    }
    if (sampler && (sampler->ctx != ctx || sampler->owned)) {
        return cnn__fail(ctx, CNN_ERROR_STATE, "%s: the sampler %s", call,
                         sampler->owned ? "belongs to another loader" : "is of another context than the dataset");
    }
    if (sampler && sampler->limit > dataset->size) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT,
                         "%s: the sampler chooses among %" PRId64 " samples, but the dataset has %" PRId64, call,
                         sampler->limit, dataset->size);
    }
    if (cnn__dataset_makes(dataset) && !o->collate) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT,
                         "%s: collate is NULL, expected a callback for a dataset whose samples are made as tensors",
                         call);
    }
    return CNN_OK;
}

/* Frees the sampler in options that may not be readable otherwise, unless it is another loader's. */
static void drop_sampler(const cnn_loader_options *o)
{
    bool has = o && cnn__struct_size_is_sane(o->struct_size) &&
               o->struct_size >= offsetof(cnn_loader_options, sampler) + sizeof o->sampler;
    if (has && o->sampler && !o->sampler->owned) {
        cnn__sampler_release(o->sampler);
    }
}

cnn_loader *cnn_loader_create(cnn_dataset *dataset, int64_t batch_size, const cnn_loader_options *options)
{
    const char *call = "loader_create";
    cnn_loader_options ours;
    if (!dataset && cnn__failure_status() == CNN_OK) {
        cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: dataset is NULL", call);
    }
    if (!dataset || CNN__OPTIONS_READ(dataset->ctx, call, &ours, options) != CNN_OK ||
        loader_check(dataset, batch_size, &ours) != CNN_OK) {
        drop_sampler(options);
        cnn_dataset_free(dataset);
        return NULL;
    }
    return loader_make(dataset, batch_size, &ours);
}

void cnn_loader_free(cnn_loader *loader)
{
    if (!loader) {
        return;
    }
    cnn_context *ctx = loader->ctx;
    cnn__loader_unmake(loader);
    atomic_fetch_sub(&loader->dataset->loaders, 1);
    cnn_dataset_free(loader->dataset);
    cnn__free(ctx, loader);
    cnn__context_release(ctx);
}

/* ---- batches ---- */

/* The context's seed may change when a checkpoint is loaded; an epoch keeps the seed that it began with. */
static uint64_t seed_now(const cnn_loader *l)
{
    return cnn__order_seed(l->ctx, l->options.seed);
}

static void end_epoch(cnn_loader *l)
{
    l->epoch++;
    l->index = 0;
}

/* Lets the thread begin with the next batch, which may be the first one of the next epoch. */
static void prepare_next(cnn_loader *l)
{
    bool turn = l->index == l->batch_count;
    cnn__job next = { l->seed, l->epoch, l->index, l->next_slot, cnn__float_mode_get() };
    if (turn) {
        next = (cnn__job){ seed_now(l), l->epoch + 1, 0, l->next_slot, next.mode };
    }
    if (l->thread_count) {
        cnn__loader_post(l, &next);
    }
}

/* Copies a batch that was written in the host's memory to the device. */
static cnn_status send(const cnn__slot_tensors *s, const cnn_batch *batch)
{
    cnn_status status = CNN_OK;
    if (s->host[0]) {
        status = cnn__elements_put(batch->images, "loader_next", cnn__data(s->host[0]));
    }
    if (s->host[1] && status == CNN_OK) {
        status = cnn__elements_put(batch->labels, "loader_next", cnn__data(s->host[1]));
    }
    return status;
}

static cnn_status give(cnn_loader *l, cnn_batch *batch)
{
    const cnn__slot_tensors *s = &l->slots[l->next_slot];
    bool is_short = l->short_size && l->index == l->batch_count - 1;
    *batch = l->samples ? s->collated : (cnn_batch){ .images = s->images[is_short], .labels = s->labels[is_short] };
    batch->size = cnn__loader_batch_size(l, l->index);
    batch->index = l->index;
    l->index++;
    l->next_slot = (l->next_slot + 1) % CNN__LOADER_SLOTS;
    return send(s, batch);
}

static cnn_status fork_fault(const cnn_loader *l)
{
    return cnn__fail(l->ctx, CNN_ERROR_STATE,
                     "loader_next: the loader's thread is in the process that forked, expected a "
                     "loader made in this one or one without a thread");
}

/* Handles a loader that is NULL: if a failed call made it so, that call's message is kept. */
static cnn_status loader_missing(const char *call)
{
    if (cnn__failure_status() == CNN_OK) {
        cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: loader is NULL", call);
    }
    return cnn__failure_status();
}

static bool fail_next(cnn_loader *l, cnn_status status)
{
    l->status = status;
    return false;
}

bool cnn_loader_next(cnn_loader *loader, cnn_batch *batch)
{
    cnn_loader *l = loader;
    if (!l) {
        loader_missing("loader_next");
        return false;
    }
    if (!batch) {
        return fail_next(l, cnn__fail(l->ctx, CNN_ERROR_INVALID_ARGUMENT, "loader_next: batch is NULL"));
    }
    if (l->thread_count && l->process != cnn__process()) {
        return fail_next(l, fork_fault(l));
    }
    l->status = CNN_OK;
    if (l->index >= l->batch_count) {
        end_epoch(l);
        return false;
    }
    if (l->index == 0) {
        l->seed = seed_now(l);
    }
    cnn__job wanted = { l->seed, l->epoch, l->index, l->next_slot, cnn__float_mode_get() };
    cnn_status status = cnn__loader_obtain(l, &wanted);
    if (status != CNN_OK) {
        end_epoch(l);
        return fail_next(l, status);
    }
    status = give(l, batch);
    if (status != CNN_OK) {
        end_epoch(l);
        return fail_next(l, status);
    }
    prepare_next(l);
    return true;
}

cnn_status cnn_loader_status(const cnn_loader *loader)
{
    return loader ? loader->status : loader_missing("loader_status");
}

static bool loader_present(const cnn_loader *loader, const char *call)
{
    if (!loader) {
        loader_missing(call);
    }
    return loader != NULL;
}

int64_t cnn_loader_batch_count(const cnn_loader *loader)
{
    return loader_present(loader, "loader_batch_count") ? loader->batch_count : 0;
}

int64_t cnn_loader_sample_count(const cnn_loader *loader)
{
    return loader_present(loader, "loader_sample_count") ? loader->size : 0;
}

int64_t cnn_loader_epoch(const cnn_loader *loader)
{
    return loader_present(loader, "loader_epoch") ? loader->epoch : 0;
}

cnn_status cnn_loader_set_epoch(cnn_loader *loader, int64_t epoch)
{
    const char *call = "loader_set_epoch";
    if (!loader) {
        return cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: loader is NULL", call);
    }
    if (epoch < 0 || epoch > CNN__LAST_EPOCH) {
        return cnn__fail(loader->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: epoch is %" PRId64 ", expected 0 to 2^62", call,
                         epoch);
    }
    loader->epoch = epoch;
    loader->index = 0;
    return CNN_OK;
}
