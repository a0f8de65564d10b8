/* A group and its thread. Every message is sent by jobs, one after the other, in the order in which they were queued:
 * processes that queue the same jobs need no tags. The group's thread runs them, so that buckets move while the caller
 * computes; it polls, and sleeps between polls, because the CPUs belong to the kernels. A failure breaks the group for
 * good: no process could say which messages of the others are still on their way. */
#include "internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FIRST_REQUESTS = 16, EAGER_POLLS = 20, SHORTEST_SLEEP = 20000, LONGEST_SLEEP = 200000 }; /* ns */
static const double default_timeout = 600, default_silence = 6;

/* ---- the queue ---- */

/* The caller's thread may break the group while the group's own thread waits for messages. */
static cnn_status how_broken(cnn_group *group)
{
    pthread_mutex_lock(&group->lock);
    cnn_status status = group->broken;
    pthread_mutex_unlock(&group->lock);
    return status;
}

/* Only the thread that runs the jobs calls the transport; it tells when the job that has failed is over. */
static void tell_if_broken(cnn_group *group)
{
    char why[REASON];
    pthread_mutex_lock(&group->lock);
    bool tells = group->untold;
    group->untold = false;
    memcpy(why, group->reason, sizeof why);
    pthread_mutex_unlock(&group->lock);
    if (tells && group->transport.tell) {
        cnn__group_enter(group);
        group->transport.tell(why, group->transport.user);
        cnn__group_leave(group);
    }
}

static void run_job(cnn_group *group, cnn__job *job)
{
    cnn__group_live(group, false);
    cnn_status status = how_broken(group);
    status = status == CNN_OK ? job->run(group, job->argument) : status;
    tell_if_broken(group);
    pthread_mutex_lock(&group->lock);
    job->status = status;
    job->done = true;
    pthread_cond_broadcast(&group->finished);
    pthread_mutex_unlock(&group->lock);
}

static void *run_jobs(void *argument)
{
    cnn_group *group = argument;
    pthread_mutex_lock(&group->lock);
    for (;;) {
        while (!group->first && !group->ends && !group->untold && !group->beats) {
            pthread_cond_wait(&group->wake, &group->lock);
        }
        if (!group->first && !group->ends && !group->untold) {
            cnn__group_doze(group, &group->wake);
            pthread_mutex_unlock(&group->lock);
            cnn__group_live(group, false);
            pthread_mutex_lock(&group->lock);
            continue;
        }
        if (group->untold) {
            pthread_mutex_unlock(&group->lock);
            tell_if_broken(group);
            pthread_mutex_lock(&group->lock);
            continue;
        }
        cnn__job *job = group->first;
        if (!job) {
            break;
        }
        group->first = job->next;
        pthread_mutex_unlock(&group->lock);
        run_job(group, job);
        pthread_mutex_lock(&group->lock);
    }
    pthread_mutex_unlock(&group->lock);
    return NULL;
}

void cnn__group_begin_job(cnn_group *group, cnn__job *job)
{
    job->done = false;
    job->next = NULL;
    if (!group->threaded) {
        run_job(group, job);
        return;
    }
    pthread_mutex_lock(&group->lock);
    if (group->abandoned) {
        job->status = group->broken;
        job->done = true;
    } else if (group->first) {
        group->last->next = job;
    } else {
        group->first = job;
    }
    group->last = job;
    pthread_cond_signal(&group->wake);
    pthread_mutex_unlock(&group->lock);
}

cnn_status cnn__group_settle(cnn_group *group, cnn__job *job)
{
    pthread_mutex_lock(&group->lock);
    while (!job->done && !cnn__group_is_stuck(group)) {
        cnn__group_doze(group, &group->finished);
    }
    cnn_status status = job->done ? job->status : group->broken;
    pthread_mutex_unlock(&group->lock);
    return status;
}

/* The thread's own message is not this thread's. */
cnn_status cnn__group_wait(cnn_group *group, cnn__job *job, const char *call)
{
    cnn_status status = cnn__group_settle(group, job);
    return status == CNN_OK ? CNN_OK : cnn__mpi_fail(group->ctx, status, "%s: %s", call, group->reason);
}

cnn_status cnn__group_run(cnn_group *group, const char *call, cnn_status (*run)(cnn_group *, void *), void *argument)
{
    cnn__job job = { .run = run, .argument = argument };
    cnn__group_begin_job(group, &job);
    return cnn__group_wait(group, &job, call);
}

/* ---- within a job ---- */

/* Returns whether this is the first failure, with the lock held. */
static bool begin_break(cnn_group *group, cnn_status status)
{
    pthread_mutex_lock(&group->lock);
    bool first = group->broken == CNN_OK;
    group->broken = first ? status : group->broken;
    return first;
}

cnn_status cnn__group_break(cnn_group *group, cnn_status status, const char *format, ...)
{
    if (begin_break(group, status)) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(group->reason, sizeof group->reason, format, arguments);
        va_end(arguments);
        group->untold = group->transport.size > 1;
        pthread_cond_signal(&group->wake);
    }
    status = group->broken;
    pthread_mutex_unlock(&group->lock);
    if (!group->threaded) { /* no other thread calls the transport */
        tell_if_broken(group);
    }
    return status;
}

/* Breaks the group where another process has told that it is broken there. That one has told all. */
static cnn_status listen(cnn_group *group)
{
    char why[REASON] = "";
    cnn__group_enter(group);
    int other = group->transport.hear ? group->transport.hear(why, sizeof why, group->transport.user) : -1;
    cnn__group_leave(group);
    if (other < 0) {
        return CNN_OK;
    }
    if (begin_break(group, CNN_ERROR_IO)) {
        snprintf(group->reason, sizeof group->reason, "process %d has given up: %.200s", other, why);
    }
    cnn_status status = group->broken;
    pthread_mutex_unlock(&group->lock);
    return status;
}

/* Room is made before a message begins: one that nobody knows of could never be waited for. */
static cnn_status reserve(cnn_group *group)
{
    if (group->request_count < group->request_room) {
        return CNN_OK;
    }
    int room = group->request_room ? 2 * group->request_room : FIRST_REQUESTS;
    cnn__request *requests = realloc(group->requests, (size_t)room * sizeof *requests);
    if (!requests) {
        return cnn__group_break(group, CNN_ERROR_NO_MEMORY, "no memory for %d messages", room);
    }
    group->requests = requests;
    group->request_room = room;
    return CNN_OK;
}

static void add_request(cnn_group *group, void *request)
{
    group->requests[group->request_count++] = (cnn__request){ .of_transport = request, .number = group->next_number++ };
}

static void cancel(cnn_group *group, void *request)
{
    if (group->transport.cancel) {
        cnn__group_enter(group);
        group->transport.cancel(request, group->transport.user);
        cnn__group_leave(group);
    }
}

cnn_status cnn__group_note(cnn_group *group, void *request)
{
    cnn_status status = reserve(group);
    if (status == CNN_OK) {
        add_request(group, request);
    } else {
        cancel(group, request);
    }
    return status;
}

static void cancel_all(cnn_group *group)
{
    for (int i = 0; i < group->request_count; i++) {
        cancel(group, group->requests[i].of_transport);
    }
    group->request_count = 0;
}

static cnn_status message(cnn_group *group, int other, const void *out, void *in, size_t bytes)
{
    const size_t most = (size_t)1 << 30;
    for (size_t at = 0; at < bytes;) {
        size_t piece = bytes - at < most ? bytes - at : most;
        void *request = NULL;
        cnn_status status = reserve(group);
        if (status == CNN_OK) {
            cnn__group_enter(group);
            status = out ? group->transport.send(other, (const char *)out + at, piece, &request, group->transport.user)
                         : group->transport.receive(other, (char *)in + at, piece, &request, group->transport.user);
            cnn__group_leave(group);
        }
        if (status != CNN_OK) {
            cancel_all(group);
            return cnn__group_break(group, CNN_ERROR_IO, "cannot %s process %d", out ? "send to" : "receive from",
                                    other);
        }
        add_request(group, request);
        at += piece;
    }
    return CNN_OK;
}

cnn_status cnn__group_send(cnn_group *group, int to, const void *data, size_t bytes)
{
    return message(group, to, data, NULL, bytes);
}

cnn_status cnn__group_receive(cnn_group *group, int from, void *data, size_t bytes)
{
    return message(group, from, NULL, data, bytes);
}

/* Asks once for each message on its way; returns how many were done, or −1 after a failure, and then none is left. */
static int poll_once(cnn_group *group)
{
    int kept = 0, before = group->request_count;
    for (int i = 0; i < before; i++) {
        bool done = false;
        cnn__group_enter(group);
        cnn_status status = group->transport.test(&group->requests[i].of_transport, &done, group->transport.user);
        cnn__group_leave(group);
        if (status != CNN_OK) {
            int left = before - i - 1;
            memmove(group->requests + kept, group->requests + i + 1, (size_t)left * sizeof *group->requests);
            group->request_count = kept + left;
            cancel_all(group);
            return -1;
        }
        if (!done) {
            group->requests[kept++] = group->requests[i];
        }
    }
    group->request_count = kept;
    return before - kept;
}

cnn_status cnn__group_finish_until(cnn_group *group, int64_t number)
{
    double begun = 0;
    long sleep = 0;
    int polls = 0;
    while (group->request_count && group->requests[0].number < number) {
        int done = poll_once(group);
        if (done < 0) { /* one that told why, perhaps */
            cnn_status broken = listen(group);
            return broken != CNN_OK ? broken : cnn__group_break(group, CNN_ERROR_IO, "a process of the group is gone");
        }
        if (done) {
            begun = 0;
            sleep = 0;
            polls = 0;
            continue;
        }
        if (++polls < EAGER_POLLS) {
            sched_yield();
            continue;
        }
        cnn__group_live(group, !group->leaves);
        cnn_status broken = how_broken(group);
        broken = broken == CNN_OK ? listen(group) : broken;
        if (broken != CNN_OK) {
            cancel_all(group);
            return broken;
        }
        double now = cnn__mpi_now();
        begun = begun > 0 ? begun : now;
        if (group->timeout > 0 && now - begun > group->timeout) {
            cancel_all(group);
            return cnn__group_break(group, CNN_ERROR_IO, "no process of the group has answered for %g seconds",
                                    group->timeout);
        }
        sleep = sleep ? (2 * sleep < LONGEST_SLEEP ? 2 * sleep : LONGEST_SLEEP) : SHORTEST_SLEEP;
        nanosleep(&(struct timespec){ .tv_nsec = sleep }, NULL);
    }
    return CNN_OK;
}

cnn_status cnn__group_finish(cnn_group *group)
{
    return cnn__group_finish_until(group, group->next_number);
}

/* ---- making and freeing ---- */

static cnn_status check_transport(cnn_context *ctx, const cnn_transport *t)
{
    if (t->size < 1 || t->rank < 0 || t->rank >= t->size) {
        return cnn__mpi_fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "group: process %d of %d, expected 0 to size - 1",
                             t->rank, t->size);
    }
    if (!t->beat != !t->pulse || !t->beat != !t->part) {
        return cnn__mpi_fail(ctx, CNN_ERROR_INVALID_ARGUMENT,
                             "group: the transport has some of beat, pulse and part, expected all or none");
    }
    if (!t->send || !t->receive || !t->test || !t->abort) {
        return cnn__mpi_fail(ctx, CNN_ERROR_INVALID_ARGUMENT,
                             "group: the transport lacks one of send, receive, test and abort");
    }
    return CNN_OK;
}

static cnn_group *make(cnn_context *ctx, const cnn_transport *transport)
{
    cnn_group *group = calloc(1, sizeof *group);
    if (!group) {
        cnn__mpi_fail(ctx, CNN_ERROR_NO_MEMORY, "group: no memory");
        return NULL;
    }
    group->ctx = ctx;
    group->transport = *transport;
    group->timeout = default_timeout;
    group->silence = default_silence;
    pthread_condattr_t monotonic;
    pthread_mutex_init(&group->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&group->wake, &monotonic);
    pthread_cond_init(&group->finished, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (!transport->one_thread && transport->size > 1) {
        group->beats = transport->beat != NULL;
        int error = pthread_create(&group->thread, NULL, run_jobs, group);
        if (error) {
            cnn__mpi_fail(ctx, CNN_ERROR_THREAD, "group: no thread: %s", strerror(error));
            group->transport.free_user = NULL; /* the caller of make() frees it */
            cnn_group_free(group);
            return NULL;
        }
        group->threaded = true;
    }
    return group;
}

cnn_group *cnn_group_create(cnn_context *ctx, const cnn_transport *transport)
{
    cnn_transport ours;
    if (!transport) {
        cnn__mpi_fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "group: transport is NULL");
        return NULL;
    }
    cnn_status read =
        cnn__mpi_options_read(ctx, "group", &ours, sizeof ours, offsetof(cnn_transport, reserved), transport);
    cnn_group *group = NULL;
    if (read == CNN_OK && !ctx) {
        cnn__mpi_fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "group: ctx is NULL");
    } else if (read == CNN_OK && check_transport(ctx, &ours) == CNN_OK) {
        group = make(ctx, &ours);
    }
    if (!group && ours.free_user) {
        ours.free_user(ours.user);
    }
    return group;
}

void cnn_group_free(cnn_group *group)
{
    if (!group) {
        return;
    }
    if (group->beats && group->threaded) { /* a failure has told the others, and nothing else is left of it */
        cnn__job parting = { .run = cnn__group_part };
        cnn__group_begin_job(group, &parting);
        (void)cnn__group_settle(group, &parting);
    }
    if (group->abandoned) { /* its thread is within a call that does not return */
        return;
    }
    if (group->threaded) {
        pthread_mutex_lock(&group->lock);
        group->ends = true;
        pthread_cond_signal(&group->wake);
        pthread_mutex_unlock(&group->lock);
        pthread_join(group->thread, NULL);
    }
    if (group->transport.free_user) {
        group->transport.free_user(group->transport.user);
    }
    pthread_cond_destroy(&group->wake);
    pthread_cond_destroy(&group->finished);
    pthread_mutex_destroy(&group->lock);
    free(group->requests);
    free(group);
}

int cnn_group_rank(const cnn_group *group)
{
    return group ? group->transport.rank : 0;
}

int cnn_group_size(const cnn_group *group)
{
    return group ? group->transport.size : 1;
}

cnn_status cnn_group_set_timeout(cnn_group *group, double seconds)
{
    if (!group || !(seconds >= 0)) {
        return cnn__mpi_fail(group ? group->ctx : NULL, CNN_ERROR_INVALID_ARGUMENT, "group_set_timeout: %s",
                             group ? "a time below 0" : "group is NULL");
    }
    group->timeout = seconds;
    return CNN_OK;
}

cnn_status cnn_group_set_silence(cnn_group *group, double seconds)
{
    if (!group || !(seconds >= 0)) {
        return cnn__mpi_fail(group ? group->ctx : NULL, CNN_ERROR_INVALID_ARGUMENT, "group_set_silence: %s",
                             group ? "a time below 0" : "group is NULL");
    }
    pthread_mutex_lock(&group->lock);
    group->silence = seconds;
    pthread_mutex_unlock(&group->lock);
    return CNN_OK;
}

void cnn_group_abort(cnn_group *group, int status)
{
    status = status >= 1 && status <= 255 ? status : 1;
    if (group) {
        group->transport.abort(status, group->transport.user);
    }
    _Exit(status);
}
