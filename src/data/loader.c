/* Loaders as their users see them: creation, one batch after the other, freeing. All memory is allocated when a
 * loader is made; cnn_loader_next() allocates nothing. */
#include "data/loader.h"

#include "platform/annotate.h"
#include "platform/process.h"

#include <inttypes.h>
#include <string.h>

/* The largest epoch that may be set; counting up from it cannot overflow. */
static const int64_t last_epoch = (int64_t)1 << 62;

enum { SMALL_BATCH = 16384 }; /* bytes: writing them takes some µs, as long as waking a thread and waiting for it */

/* ---- life ---- */

/* Makes a tensor of shape [size, shape of a sample…], which shares the elements of `over` unless that is NULL. */
static cnn_tensor *batch_tensor(cnn_loader *l, const cnn__sample_shape *sample, int64_t size, const cnn_tensor *over)
{
    int64_t shape[CNN_MAX_DIMS] = { size }, none[CNN_MAX_DIMS] = { 0 };
    memcpy(shape + 1, sample->shape, (size_t)sample->ndim * sizeof *shape);
    cnn_tensor *t = cnn__tensor_new(l->ctx, "loader_create", sample->dtype, sample->ndim + 1, over ? none : shape);
    if (!t) {
        return NULL;
    }
    t->owned = true;
    if (over) {
        cnn__tensor_shape_set(t, sample->dtype, sample->ndim + 1, shape);
        cnn__storage_release(t->storage);
        t->storage = cnn__storage_retain(over->storage);
    } else if (cnn__fill(t, "loader_create", 0) != CNN_OK) {
        cnn__tensor_release(t);
        t = NULL;
    }
    return t;
}

/* The host's side of a batch on a device. */
static cnn_status make_host(cnn__slot_tensors *s)
{
    cnn_tensor *const parts[2] = { s->images[0], s->labels[0] };
    for (int i = 0; i < 2; i++) {
        const cnn_tensor *t = parts[i];
        if (t && t->ctx->device &&
            !(s->host[i] = cnn__tensor_new_on_host(t->ctx, "loader_create", t->dtype, t->ndim, t->shape))) {
            return cnn__failure_status();
        }
    }
    return CNN_OK;
}

static cnn_status make_slot(cnn_loader *l, cnn__slot_tensors *s)
{
    const cnn_dataset *dataset = l->dataset;
    for (int k = 0; k < (l->short_size ? 2 : 1); k++) {
        int64_t size = k ? l->short_size : l->batch_size;
        s->images[k] = batch_tensor(l, &dataset->image, size, k ? s->images[0] : NULL);
        if (!s->images[k]) {
            return cnn__failure_status();
        }
        if (dataset->has_labels && !(s->labels[k] = batch_tensor(l, &dataset->label, size, k ? s->labels[0] : NULL))) {
            return cnn__failure_status();
        }
    }
    return make_host(s);
}

static cnn_status make_memory(cnn_loader *l)
{
    if (l->options.shuffle) {
        size_t bytes;
        if (__builtin_mul_overflow((size_t)l->dataset->size, sizeof *l->order, &bytes) ||
            !(l->order = cnn__alloc(l->ctx, bytes))) {
            return cnn__fail_memory(l->ctx, "loader_create", (size_t)l->dataset->size);
        }
    }
    cnn_status status = CNN_OK;
    for (int i = 0; i < CNN__LOADER_SLOTS && status == CNN_OK; i++) {
        status = make_slot(l, &l->slots[i]);
    }
    return status;
}

static void count_batches(cnn_loader *l, int64_t batch_size)
{
    int64_t n = l->dataset->size;
    l->batch_size = batch_size < n ? batch_size : n;
    int64_t full = n / batch_size, rest = n % batch_size;
    bool last = rest > 0 && !l->options.drop_last;
    l->batch_count = full + last;
    l->short_size = last && full > 0 ? rest : 0;
}

/* Writing a small batch from memory is cheaper than waking a thread for it. How long a callback takes is not known. */
static bool worth_a_thread(const cnn_loader *l)
{
    const cnn_dataset *dataset = l->dataset;
    size_t bytes = (size_t)l->batch_size * (dataset->image.bytes + dataset->label.bytes);
    return !l->options.no_background && (!dataset->images || bytes > SMALL_BATCH);
}

static cnn_loader *loader_make(cnn_dataset *dataset, int64_t batch_size, const cnn_loader_options *options)
{
    cnn_context *ctx = dataset->ctx;
    cnn_loader *l = cnn__calloc(ctx, 1, sizeof *l);
    if (!l) {
        cnn__fail_memory(ctx, "loader_create", sizeof *l);
        cnn_dataset_free(dataset);
        return NULL;
    }
    l->ctx = cnn__context_retain(ctx);
    l->dataset = dataset;
    l->options = *options;
    l->order_epoch = -1;
    l->process = cnn__process();
    atomic_init(&l->stop, false);
    CNN__ATOMIC(&l->stop);
    atomic_fetch_add(&dataset->loaders, 1);
    count_batches(l, batch_size);
    if (make_memory(l) != CNN_OK || (worth_a_thread(l) && cnn__loader_start(l) != CNN_OK)) {
        cnn_loader_free(l);
        return NULL;
    }
    return l;
}

cnn_loader *cnn_loader_create(cnn_dataset *dataset, int64_t batch_size, const cnn_loader_options *options)
{
    const char *call = "loader_create";
    cnn_loader_options ours;
    if (!dataset) {
        if (cnn__failure_status() == CNN_OK) {
            cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: dataset is NULL", call);
        }
        return NULL;
    }
    bool good = CNN__OPTIONS_READ(dataset->ctx, call, &ours, options) == CNN_OK;
    if (good && batch_size < 1) {
        cnn__fail(dataset->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: batch_size is %" PRId64 ", expected at least 1", call,
                  batch_size);
        good = false;
    }
    if (!good) {
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
    cnn__loader_stop(loader);
    for (int i = 0; i < CNN__LOADER_SLOTS; i++) {
        for (int k = 0; k < 2; k++) {
            cnn__tensor_release(loader->slots[i].images[k]);
            cnn__tensor_release(loader->slots[i].labels[k]);
            cnn__tensor_release(loader->slots[i].host[k]);
        }
    }
    cnn__free(ctx, loader->order);
    atomic_fetch_sub(&loader->dataset->loaders, 1);
    cnn_dataset_free(loader->dataset);
    cnn__free(ctx, loader);
    cnn__context_release(ctx);
}

/* ---- batches ---- */

/* The context's seed may change when a checkpoint is loaded; an epoch keeps the seed that it began with. */
static uint64_t seed_now(const cnn_loader *l)
{
    cnn_random_state state = { .seed = l->options.seed };
    if (!state.seed) {
        cnn_context_random_state(l->ctx, &state);
    }
    return state.seed;
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
    if (l->threaded) {
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
    *batch = (cnn_batch){ .images = s->images[is_short], .labels = s->labels[is_short] };
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
    if (l->threaded && l->process != cnn__process()) {
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
    return loader_present(loader, "loader_sample_count") ? loader->dataset->size : 0;
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
    if (epoch < 0 || epoch > last_epoch) {
        return cnn__fail(loader->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: epoch is %" PRId64 ", expected 0 to 2^62", call,
                         epoch);
    }
    loader->epoch = epoch;
    loader->index = 0;
    return CNN_OK;
}
