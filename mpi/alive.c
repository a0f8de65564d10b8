/* Signs of life. The thread of each group gives one to the next process twice a second, also while its process
 * computes, so that a process that hangs, or whose machine or wire is gone, differs from one that is slow. Time counts
 * while this process runs itself: after all processes were stopped together, none takes another for dead. */
#include "internal.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

static const double interval = 0.5; /* seconds */
static const unsigned long given_up = ~(~0UL >> 1);

/* What passed since then, but no more than a process that runs would let pass. */
static double own_time(double since, double now)
{
    return now - since < 2 * interval ? now - since : 2 * interval;
}

void cnn__group_enter(cnn_group *group)
{
    atomic_fetch_add(&group->calls, 1);
}

void cnn__group_leave(cnn_group *group)
{
    unsigned long call = atomic_fetch_add(&group->calls, 1);
    while (call & given_up) { /* nothing that this thread knew of may still be there */
        pause();
    }
}

void cnn__group_live(cnn_group *group, bool waits)
{
    const double now = cnn__mpi_now();
    if (!group->beats || now - group->looked < interval) {
        return;
    }
    const cnn_transport *t = &group->transport;
    cnn__group_enter(group);
    if (!group->leaves) {
        t->beat(false, t->user);
    }
    cnn_pulse sign = t->pulse(t->user);
    cnn__group_leave(group);
    bool idles = group->left && !waits; /* nothing is expected of it */
    group->silent = sign == CNN_PULSE_NONE && !idles ? group->silent + own_time(group->looked, now) : 0;
    group->looked = now;
    group->heard = group->heard || sign != CNN_PULSE_NONE;
    group->left = group->left || sign == CNN_PULSE_LAST;
    pthread_mutex_lock(&group->lock);
    const double allowed = group->silence;
    pthread_mutex_unlock(&group->lock);
    if (group->heard && allowed > 0 && group->silent > allowed) {
        cnn__group_break(group, CNN_ERROR_IO,
                         group->left ? "process %d has freed its group, and this one waits for it since %g seconds"
                                     : "process %d has given no sign of life for %g seconds",
                         (t->rank + t->size - 1) % t->size, allowed);
        group->heard = false; /* it was said */
    }
}

cnn_status cnn__group_part(cnn_group *group, void *argument)
{
    const cnn_transport *t = &group->transport;
    void *request = NULL;
    (void)argument;
    cnn__group_enter(group);
    t->beat(true, t->user);
    group->leaves = true;
    cnn_status status = t->part(&request, t->user);
    cnn__group_leave(group);
    status = status == CNN_OK ? cnn__group_note(group, request)
                              : cnn__group_break(group, CNN_ERROR_IO, "the transport's part does not begin");
    return status == CNN_OK ? cnn__group_finish(group) : status;
}

void cnn__group_doze(cnn_group *group, pthread_cond_t *condition)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)(1e9 * interval);
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(condition, &group->lock, &until);
}

bool cnn__group_is_stuck(cnn_group *group)
{
    const double now = cnn__mpi_now();
    unsigned long call = atomic_load(&group->calls);
    if (group->abandoned) {
        return true;
    }
    bool unmoved = call % 2 && call == group->watched;
    group->unmoved = unmoved ? group->unmoved + own_time(group->watched_at, now) : 0;
    group->watched = call;
    group->watched_at = now;
    if (group->silence == 0 || group->unmoved <= group->silence ||
        !atomic_compare_exchange_strong(&group->calls, &call, call | given_up)) { /* it has just returned */
        return false;
    }
    if (group->broken == CNN_OK) {
        group->broken = CNN_ERROR_IO;
        snprintf(group->reason, sizeof group->reason, "a call of the transport has not returned for %g seconds",
                 group->silence);
    }
    group->abandoned = true;
    return true;
}
