/* Writing batches, and the background thread that writes them ahead of time. */
#include "data/loader.h"

#include "base/random.h"
#include "platform/process.h"
#include "platform/thread.h"

#include <string.h>

/* The stream numbers of shuffles are above all those that a context uses. */
static const uint64_t shuffle_streams = (uint64_t)1 << 63;

int64_t cnn__loader_batch_size(const cnn_loader *l, int64_t batch)
{
    return l->short_size && batch == l->batch_count - 1 ? l->short_size : l->batch_size;
}

static void make_order(cnn_loader *l, const cnn__job *j)
{
    if (!l->order || (l->order_epoch == j->epoch && l->order_seed == j->seed)) {
        return;
    }
    const uint64_t key[2] = { j->seed, shuffle_streams | (uint64_t)j->epoch };
    cnn__random_permutation(key, l->dataset->size, l->order);
    l->order_epoch = j->epoch;
    l->order_seed = j->seed;
}

/* Called by one thread at a time: by the background thread if there is one. */
static cnn_status write_batch(cnn_loader *l, const cnn__job *j)
{
    const cnn__slot_tensors *s = &l->slots[j->slot];
    cnn_dataset *dataset = l->dataset;
    char *image = cnn__data(s->host[0] ? s->host[0] : s->images[0]);
    char *label = cnn__data_or_null(s->host[1] ? s->host[1] : s->labels[0]);
    int64_t first = j->batch * l->batch_size, size = cnn__loader_batch_size(l, j->batch);
    cnn__tensor_written(s->images[0]);
    if (s->labels[0]) {
        cnn__tensor_written(s->labels[0]);
    }
    make_order(l, j);
    for (int64_t i = 0; i < size && !atomic_load_explicit(&l->stop, memory_order_relaxed); i++) {
        int64_t sample = l->order ? l->order[first + i] : first + i;
        cnn_status status = cnn__dataset_write(dataset, "loader_next", sample, image, label);
        if (status != CNN_OK) {
            return status;
        }
        image += dataset->image.bytes;
        label = label ? label + dataset->label.bytes : NULL;
    }
    return CNN_OK;
}

/* ---- the background thread ---- */

static void *background(void *arg)
{
    cnn_loader *l = arg;
    cnn__mutex_lock(&l->lock);
    while (!atomic_load(&l->stop)) {
        if (l->work != CNN__WORK_WAITING) {
            cnn__condition_wait(&l->changed, &l->lock);
            continue;
        }
        cnn__job j = l->job;
        l->work = CNN__WORK_RUNNING;
        cnn__mutex_unlock(&l->lock);
        cnn__float_mode_set(j.mode);
        cnn_status status = write_batch(l, &j);
        cnn__mutex_lock(&l->lock);
        l->job_status = status;
        l->job_message[0] = '\0';
        if (status != CNN_OK) {
            strncat(l->job_message, cnn__failure_message(), sizeof l->job_message - 1);
        }
        l->work = CNN__WORK_DONE;
        cnn__condition_broadcast(&l->changed);
    }
    cnn__mutex_unlock(&l->lock);
    return NULL;
}

void cnn__loader_post(cnn_loader *l, const cnn__job *j)
{
    cnn__mutex_lock(&l->lock);
    l->job = *j;
    l->work = CNN__WORK_WAITING;
    cnn__condition_broadcast(&l->changed);
    cnn__mutex_unlock(&l->lock);
}

/* Waits for the job that was posted last. Returns false if none was posted. */
static bool loader_worker_collect(cnn_loader *l, cnn__job *j, cnn_status *status)
{
    int cancel = cnn__cancel_defer();
    cnn__mutex_lock(&l->lock);
    bool posted = l->work != CNN__WORK_NONE;
    while (posted && l->work != CNN__WORK_DONE) {
        cnn__condition_wait(&l->changed, &l->lock);
    }
    l->work = CNN__WORK_NONE;
    *j = l->job;
    *status = l->job_status;
    cnn__mutex_unlock(&l->lock);
    cnn__cancel_restore(cancel);
    return posted;
}

/* Where there are no threads, the caller writes its batches itself. */
cnn_status cnn__loader_start(cnn_loader *l)
{
    if (!CNN__THREADS) {
        return CNN_OK;
    }
    if (cnn__mutex_init(&l->lock) != 0) {
        return cnn__fail(l->ctx, CNN_ERROR_THREAD, "loader_create: could not create a mutex");
    }
    if (cnn__condition_init(&l->changed) != 0) {
        cnn__mutex_destroy(&l->lock);
        return cnn__fail(l->ctx, CNN_ERROR_THREAD, "loader_create: could not create a condition variable");
    }
    l->synchronised = true;
    int code = cnn__thread_start(&l->thread, background, l);
    if (code != 0) {
        return cnn__fail(l->ctx, CNN_ERROR_THREAD, "loader_create: the background thread: %s", strerror(code));
    }
    l->threaded = true;
    return CNN_OK;
}

/* After fork() the thread does not exist, and the lock may be held for ever. */
void cnn__loader_stop(cnn_loader *l)
{
    if (!l->synchronised || l->process != cnn__process()) {
        return;
    }
    if (l->threaded) {
        atomic_store(&l->stop, true);
        cnn__mutex_lock(&l->lock);
        cnn__condition_broadcast(&l->changed);
        cnn__mutex_unlock(&l->lock);
        int cancel = cnn__cancel_defer();
        cnn__thread_join(&l->thread);
        cnn__cancel_restore(cancel);
    }
    cnn__condition_destroy(&l->changed);
    cnn__mutex_destroy(&l->lock);
}

static bool same_job(const cnn__job *a, const cnn__job *b)
{
    return a->seed == b->seed && a->epoch == b->epoch && a->batch == b->batch && a->slot == b->slot &&
           a->mode == b->mode;
}

cnn_status cnn__loader_obtain(cnn_loader *l, const cnn__job *wanted)
{
    cnn__job done;
    cnn_status status;
    if (!l->threaded) {
        return write_batch(l, wanted);
    }
    if (!loader_worker_collect(l, &done, &status) || !same_job(&done, wanted)) {
        cnn__loader_post(l, wanted);
        loader_worker_collect(l, &done, &status);
    }
    /* Only the caller posts jobs, so the message does not change meanwhile. */
    return status == CNN_OK ? CNN_OK : cnn__fail(l->ctx, status, "%s", l->job_message);
}
