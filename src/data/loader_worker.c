/* The background threads that write batches ahead of time. */
#include "data/loader.h"

#include "platform/process.h"
#include "platform/thread.h"

#include <stdio.h>
#include <string.h>

/* ---- the background threads ---- */

/* Notes the failure of sample `i` of the job. Samples are taken in order, so every sample before one that fails is
 * written or being written: the first failure by number is the same whatever the threads. */
static void note_sample_failure(cnn_loader *l, cnn_status status, int64_t i)
{
    l->end = l->next;
    if (i < l->failed) {
        l->failed = i;
        l->job_status = status;
        snprintf(l->job_message, sizeof l->job_message, "%s", cnn__failure_message());
    }
}

/* How many samples a thread takes at a time. How long a callback takes is not known; samples in memory take as long as
 * one another. */
static int64_t samples_at_once(const cnn_loader *l)
{
    return l->samples || !l->dataset->images ? 1 : l->end / (2 * l->thread_count) + 1;
}

/* The part of a job that a thread does next. The lock is held, but not while the work is done. Returns false if there
 * is nothing to do. */
static bool work_on_job(cnn_loader *l)
{
    cnn__job j = l->job;
    cnn_status status;
    int64_t first = 0;
    bool begins = l->work == CNN__WORK_WAITING, writes = l->work == CNN__WORK_RUNNING && l->next < l->end;
    if (!begins && !writes) {
        return false;
    }
    if (begins) {
        l->work = CNN__WORK_RUNNING;
        l->next = l->end = 0;
        l->failed = INT64_MAX;
        l->job_status = CNN_OK;
    } else {
        first = l->next;
        l->next = l->end - first < samples_at_once(l) ? l->end : first + samples_at_once(l);
    }
    int64_t end = l->next;
    l->busy++;
    cnn__mutex_unlock(&l->lock);
    cnn__float_mode_set(j.mode);
    status = begins ? cnn__loader_begin(l, &j) : cnn__loader_write(l, &j, &first, end);
    cnn__mutex_lock(&l->lock);
    l->busy--;
    if (status != CNN_OK) {
        note_sample_failure(l, status, first);
    } else if (begins) {
        l->end = cnn__loader_batch_size(l, j.batch);
        cnn__condition_broadcast(&l->changed);
    }
    return true;
}

/* Ends the job if all its samples are written. The thread that wrote the last of them does it. */
static void end_job(cnn_loader *l)
{
    if (l->busy > 0 || l->next < l->end) {
        return;
    }
    cnn__job j = l->job;
    cnn_status before = l->job_status;
    cnn__mutex_unlock(&l->lock);
    cnn_status status = cnn__loader_finish(l, &j, before);
    cnn__mutex_lock(&l->lock);
    if (before == CNN_OK && status != CNN_OK) {
        note_sample_failure(l, status, 0);
    }
    l->work = CNN__WORK_DONE;
    cnn__condition_broadcast(&l->changed);
}

static void *background(void *arg)
{
    cnn_loader *l = arg;
    cnn__mutex_lock(&l->lock);
    while (!atomic_load(&l->stop)) {
        if (work_on_job(l)) {
            end_job(l);
        } else {
            cnn__condition_wait(&l->changed, &l->lock);
        }
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
cnn_status cnn__loader_start(cnn_loader *l, int count)
{
    if (!CNN__THREADS) {
        return CNN_OK;
    }
    l->threads = cnn__calloc(l->ctx, (size_t)count, sizeof *l->threads);
    if (!l->threads) {
        return cnn__fail_memory(l->ctx, "loader_create", (size_t)count * sizeof *l->threads);
    }
    if (cnn__mutex_init(&l->lock) != 0) {
        return cnn__fail(l->ctx, CNN_ERROR_THREAD, "loader_create: could not create a mutex");
    }
    if (cnn__condition_init(&l->changed) != 0) {
        cnn__mutex_destroy(&l->lock);
        return cnn__fail(l->ctx, CNN_ERROR_THREAD, "loader_create: could not create a condition variable");
    }
    l->synchronised = true;
    for (int i = 0; i < count; i++) {
        int code = cnn__thread_start(&l->threads[i], background, l);
        if (code != 0) {
            return cnn__fail(l->ctx, CNN_ERROR_THREAD, "loader_create: the background thread: %s", strerror(code));
        }
        cnn__mutex_lock(&l->lock);
        l->thread_count = i + 1;
        cnn__mutex_unlock(&l->lock);
    }
    return CNN_OK;
}

/* After fork() the threads do not exist, and the lock may be held for ever. */
void cnn__loader_stop(cnn_loader *l)
{
    if (!l->synchronised || l->process != cnn__process()) {
        return;
    }
    atomic_store(&l->stop, true);
    cnn__mutex_lock(&l->lock);
    cnn__condition_broadcast(&l->changed);
    cnn__mutex_unlock(&l->lock);
    int cancel = cnn__cancel_defer();
    for (int i = 0; i < l->thread_count; i++) {
        cnn__thread_join(&l->threads[i]);
    }
    cnn__cancel_restore(cancel);
    cnn__condition_destroy(&l->changed);
    cnn__mutex_destroy(&l->lock);
}

/* ---- what the caller gets ---- */

static bool same_job(const cnn__job *a, const cnn__job *b)
{
    return a->seed == b->seed && a->epoch == b->epoch && a->batch == b->batch && a->slot == b->slot &&
           a->mode == b->mode;
}

static cnn_status write_whole(cnn_loader *l, const cnn__job *j)
{
    int64_t first = 0;
    cnn_status status = cnn__loader_begin(l, j);
    if (status == CNN_OK) {
        status = cnn__loader_write(l, j, &first, cnn__loader_batch_size(l, j->batch));
    }
    return cnn__loader_finish(l, j, status);
}

cnn_status cnn__loader_obtain(cnn_loader *l, const cnn__job *wanted)
{
    cnn__job done;
    cnn_status status;
    if (!l->thread_count) {
        return write_whole(l, wanted);
    }
    if (!loader_worker_collect(l, &done, &status) || !same_job(&done, wanted)) {
        cnn__loader_post(l, wanted);
        loader_worker_collect(l, &done, &status);
    }
    /* Only the caller posts jobs, so the message does not change meanwhile. */
    return status == CNN_OK ? CNN_OK : cnn__fail(l->ctx, status, "%s", l->job_message);
}
