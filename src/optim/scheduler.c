/* What all schedulers share: their life, and the step, which computes all rates before it sets one. */
#include "optim/scheduler.h"

#include <math.h>
#include <string.h>

static cnn_status scheduler_missing(const char *call)
{
    return cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: scheduler is NULL", call);
}

/* ---- life ---- */

void cnn__scheduler_delete(cnn_scheduler *s)
{
    cnn_context *ctx = s->optimizer->ctx;
    for (int i = 0; i < s->child_count; i++) {
        cnn__scheduler_delete(s->children[i]);
    }
    cnn__free(ctx, s->children);
    cnn__free(ctx, s->list);
    cnn__free(ctx, s->base);
    cnn_optimizer *optimizer = s->optimizer;
    cnn__free(ctx, s);
    cnn_optimizer_free(optimizer);
}

void cnn_scheduler_free(cnn_scheduler *scheduler)
{
    if (!scheduler) {
        return;
    }
    if (scheduler->owner) {
        cnn__fail(scheduler->optimizer->ctx, CNN_ERROR_STATE,
                  "scheduler_free: the %s belongs to a SequentialLR, which frees it", scheduler->class->name);
        return;
    }
    cnn__scheduler_delete(scheduler);
}

/* ---- a step: counters, rates, and taking both back ---- */

/* Goes to the next epoch, or to epoch 0. Returns the schedule that sets the rates there. */
static cnn_scheduler *advance(cnn_scheduler *s, bool *restart)
{
    for (;;) {
        s->before = s->last_epoch;
        s->last_epoch = *restart ? 0 : s->last_epoch + 1;
        if (!s->child_count) {
            return s;
        }
        *restart |= cnn__sequential_begins(s);
        s = cnn__sequential_active(s);
    }
}

static void take_back(cnn_scheduler *s)
{
    while (s) {
        cnn_scheduler *child = s->child_count ? cnn__sequential_active(s) : NULL;
        s->last_epoch = s->before;
        s = child;
    }
}

static cnn_status check_rate(const cnn_scheduler *s, const char *call, int g, double lr)
{
    return lr >= 0 && isfinite(lr)
               ? CNN_OK
               : cnn__fail(s->optimizer->ctx, CNN_ERROR_INVALID_ARGUMENT,
                           "%s: %s gives group %d a rate of %s at epoch %lld, expected a finite number of at least 0",
                           call, s->class->name, g, CNN__G(lr), (long long)s->last_epoch);
}

/* The rates of its last epoch are kept for one more. */
static cnn_status check_end(const cnn_scheduler *s, const char *call)
{
    return !s->class->ends || (double)s->last_epoch <= s->number[0]
               ? CNN_OK
               : cnn__fail(s->optimizer->ctx, CNN_ERROR_STATE, "%s: the %s of %s steps is over", call, s->class->name,
                           CNN__G(s->number[0]));
}

/* The rates of a schedule at its epoch, and its momentum. From `base` they begin anew. */
static cnn_status compute(cnn_scheduler *s, const char *call, bool from_base, double *momentum)
{
    const cnn_optimizer *o = s->optimizer;
    cnn_status status = check_end(s, call);
    *momentum = s->momentum >= 0 ? s->class->momentum(s) : 0;
    for (int g = 0; g < s->group_count && status == CNN_OK; g++) {
        s->next[g] = s->class->rate(s, g, from_base ? s->base[g] : o->groups[g].hyper[0]);
        status = check_rate(s, call, g, s->next[g]);
        if (status == CNN_OK && s->momentum >= 0) {
            status = cnn__group_check_number(o, call, g, s->momentum, *momentum);
        }
    }
    return status;
}

static void set_rates(const cnn_scheduler *s, double momentum)
{
    for (int g = 0; g < s->group_count; g++) {
        s->optimizer->groups[g].hyper[0] = s->next[g];
        if (s->momentum >= 0) {
            s->optimizer->groups[g].hyper[s->momentum] = momentum;
        }
    }
}

/* All schedules on the way to the one that has set the rates remember them. */
static void remember(cnn_scheduler *s, const cnn_scheduler *leaf)
{
    while (s) {
        memcpy(s->last, leaf->next, (size_t)s->group_count * sizeof *s->last);
        s = s->child_count ? cnn__sequential_active(s) : NULL;
    }
}

static cnn_status scheduler_step(cnn_scheduler *s, const char *call)
{
    bool restart = false;
    double momentum;
    cnn_scheduler *leaf = advance(s, &restart);
    cnn_status status = compute(leaf, call, restart, &momentum);
    if (status != CNN_OK) {
        take_back(s);
        return status;
    }
    set_rates(leaf, momentum);
    remember(s, leaf);
    return CNN_OK;
}

static cnn_status check_own(const cnn_scheduler *s, const char *call)
{
    if (!s) {
        return scheduler_missing(call);
    }
    return !s->owner ? CNN_OK
                     : cnn__fail(s->optimizer->ctx, CNN_ERROR_STATE,
                                 "%s: the %s belongs to a SequentialLR, which is to be stepped", call, s->class->name);
}

cnn_scheduler *cnn__scheduler_start(cnn_scheduler *s)
{
    if (scheduler_step(s, s->class->call) != CNN_OK) {
        for (int g = 0; g < s->group_count; g++) {
            s->optimizer->groups[g].hyper[0] = s->last[g];
        }
        cnn__scheduler_delete(s);
        return NULL;
    }
    for (int g = 0; g < s->group_count && !s->child_count; g++) {
        cnn__group *group = &s->optimizer->groups[g];
        if (s->class->sets_base || !group->scheduled) {
            group->initial_lr = s->base[g];
        }
        group->scheduled = true;
    }
    return s;
}

cnn_scheduler *cnn__scheduler_new(cnn_optimizer *optimizer, const cnn__schedule_class *class, const void *options)
{
    cnn_scheduler *s = cnn__scheduler_make(optimizer, class, options);
    return s ? cnn__scheduler_start(s) : NULL;
}

cnn_status cnn_scheduler_step(cnn_scheduler *scheduler)
{
    const char *call = "scheduler_step";
    cnn_status status = check_own(scheduler, call);
    if (status != CNN_OK) {
        return status;
    }
    CNN__KNOWN(scheduler != NULL);
    if (scheduler->class->by_metric) {
        return cnn__fail(scheduler->optimizer->ctx, CNN_ERROR_INVALID_ARGUMENT,
                         "%s: a %s needs a metric, expected scheduler_step_metric", call, scheduler->class->name);
    }
    return scheduler_step(scheduler, call);
}

/* ---- what it says ---- */

double cnn_scheduler_get_lr(const cnn_scheduler *scheduler, int group)
{
    if (!scheduler) {
        scheduler_missing("scheduler_get_lr");
        return (double)NAN;
    }
    if (group < 0 || group >= scheduler->group_count) {
        cnn__fail(scheduler->optimizer->ctx, CNN_ERROR_INVALID_ARGUMENT,
                  "scheduler_get_lr: there is no group %d, expected 0 to %d", group, scheduler->group_count - 1);
        return (double)NAN;
    }
    return scheduler->last[group];
}

int64_t cnn_scheduler_last_epoch(const cnn_scheduler *scheduler)
{
    if (!scheduler) {
        scheduler_missing("scheduler_last_epoch");
        return 0;
    }
    return scheduler->last_epoch;
}
