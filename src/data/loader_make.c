/* Making a loader: how many batches an epoch has, and the memory and threads that write them. */
#include "data/loader.h"

#include "platform/process.h"

#include <string.h>

enum { SMALL_BATCH = 16384 }; /* bytes: writing them takes some µs, as long as waking a thread and waiting for it */

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
    if (l->options.shuffle || l->options.sampler) {
        size_t bytes;
        if (__builtin_mul_overflow((size_t)l->size, sizeof *l->order, &bytes) ||
            !(l->order = cnn__alloc(l->ctx, bytes))) {
            return cnn__fail_memory(l->ctx, "loader_create", (size_t)l->size);
        }
    }
    if (l->options.collate) {
        l->samples = cnn__calloc(l->ctx, (size_t)l->batch_size, 2 * sizeof *l->samples);
        return l->samples ? CNN_OK
                          : cnn__fail_memory(l->ctx, "loader_create", (size_t)l->batch_size * 2 * sizeof *l->samples);
    }
    cnn_status status = CNN_OK;
    for (int i = 0; i < CNN__LOADER_SLOTS && status == CNN_OK; i++) {
        status = make_slot(l, &l->slots[i]);
    }
    return status;
}

static void count_batches(cnn_loader *l, int64_t batch_size)
{
    int64_t n = l->options.sampler ? l->options.sampler->count : l->dataset->size;
    l->size = n;
    l->batch_size = batch_size < n ? batch_size : n;
    int64_t full = n / batch_size, rest = n % batch_size;
    bool last = rest > 0 && !l->options.drop_last;
    l->batch_count = full + last;
    l->short_size = last && full > 0 ? rest : 0;
}

/* How many threads are worth while: none for a small batch from memory, which is cheaper to write than a thread is to
 * wake (how long a callback takes is not known), and one for callbacks that are called one at a time. */
static int threads_of(const cnn_loader *l)
{
    const cnn_dataset *dataset = l->dataset, *origin = cnn__dataset_origin(dataset);
    size_t bytes = (size_t)l->batch_size * (dataset->image.bytes + dataset->label.bytes);
    int64_t wanted = l->options.threads;
    if (l->options.no_background || (!wanted && dataset->images && bytes <= SMALL_BATCH && !l->samples)) {
        return 0;
    }
    if (!wanted || (!origin->images && !origin->concurrent)) {
        return 1;
    }
    return (int)(wanted < l->batch_size || l->batch_size == 0 ? wanted : l->batch_size);
}

cnn_status cnn__loader_make(cnn_loader *l, int64_t batch_size)
{
    count_batches(l, batch_size);
    cnn_status status = make_memory(l);
    int threads = threads_of(l);
    if (status == CNN_OK) {
        status = cnn__dataset_reserve(l->dataset, "loader_create", threads > 1 ? threads : 1);
    }
    return status == CNN_OK && threads ? cnn__loader_start(l, threads) : status;
}

void cnn__loader_unmake(cnn_loader *l)
{
    cnn__loader_stop(l);
    /* After fork() a thread that does not exist may have been freeing what a collate callback works on. */
    bool settled = !l->thread_count || l->process == cnn__process();
    for (int i = 0; i < CNN__LOADER_SLOTS; i++) {
        cnn__slot_tensors *s = &l->slots[i];
        for (int k = 0; k < 2; k++) {
            cnn__tensor_release(s->images[k]);
            cnn__tensor_release(s->labels[k]);
            cnn__tensor_release(s->host[k]);
        }
        if (settled) {
            cnn__loader_drop_collated(s);
        }
    }
    for (int64_t i = 0; settled && l->samples && i < 2 * l->batch_size;
         i++) { /* gives back a batch that was left unfinished */
        cnn__tensor_release(l->samples[i]);
    }
    cnn__free(l->ctx, l->samples);
    cnn__free(l->ctx, l->order);
    cnn__free(l->ctx, l->threads);
    cnn__sampler_release(l->options.sampler);
}
