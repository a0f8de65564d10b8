/* ReduceLROnPlateau. Its list is the lowest rate of each group. */
#include "optim/scheduler.h"

#include <math.h>

enum {
    FACTOR,
    PATIENCE,
    NO_PATIENCE,
    PLATEAU_THRESHOLD,
    COOLDOWN,
    MIN_LR,
    EPS,
    MODE,
    THRESHOLD_MODE,
    BEST,
    BAD,
    COOLING,
    NUMBERS
};
_Static_assert((int)NUMBERS <= (int)CNN__MAX_SCHEDULE_NUMBERS, "a scheduler has room for them");

#define PLATEAU(field, type, range, otherwise) \
    CNN__SCHEDULE_NUMBER(cnn_reduce_lr_on_plateau_options, field, type, range, otherwise)
static const cnn__schedule_number plateau_numbers[] = {
    PLATEAU(factor, DOUBLE, BELOW_ONE, 0.1),
    PLATEAU(patience, INT64, WHOLE, 10),
    PLATEAU(no_patience, BOOL, SWITCH, 0),
    PLATEAU(threshold, DOUBLE, NOT_NEGATIVE, 1e-4),
    PLATEAU(cooldown, INT64, WHOLE, 0),
    PLATEAU(min_lr, DOUBLE, NOT_NEGATIVE, 0),
    PLATEAU(eps, DOUBLE, NOT_NEGATIVE, 1e-8),
    PLATEAU(mode, ENUM, SWITCH, 0),
    PLATEAU(threshold_mode, ENUM, SWITCH, 0),
    CNN__SCHEDULE_STATE("best", ANY, 0),
    CNN__SCHEDULE_STATE("num_bad_epochs", WHOLE, 0),
    CNN__SCHEDULE_STATE("cooldown_counter", WHOLE, 0),
};

static cnn_status plateau_prepare(cnn_scheduler *s, const void *options)
{
    const cnn_reduce_lr_on_plateau_options *o = options;
    s->number[BEST] = s->number[MODE] == CNN_PLATEAU_MAX ? -(double)INFINITY : (double)INFINITY;
    return cnn__schedule_list_per_group(s, "min_lrs", o->min_lrs, o->min_lr_count, s->number[MIN_LR]);
}

/* A reduction takes place in cnn_scheduler_step_metric(); the first epoch leaves rates as they are. */
static double plateau_rate(const cnn_scheduler *s, int g, double lr)
{
    (void)s, (void)g;
    return lr;
}

static const cnn__schedule_class plateau_class = {
    .name = "ReduceLROnPlateau",
    .call = "reduce_lr_on_plateau_create",
    CNN__SCHEDULE_OPTIONS(cnn_reduce_lr_on_plateau_options, plateau_numbers),
    .list_name = "min_lr",
    .list_range = CNN__RANGE_NOT_NEGATIVE,
    .by_metric = true,
    .prepare = plateau_prepare,
    .rate = plateau_rate,
};

cnn_scheduler *cnn_reduce_lr_on_plateau_create(cnn_optimizer *optimizer,
                                               const cnn_reduce_lr_on_plateau_options *options)
{
    return cnn__scheduler_new(optimizer, &plateau_class, options);
}

/* A comparison with NaN is false, so a NaN is no improvement. */
static bool is_better(const cnn_scheduler *s, double metric)
{
    double best = s->number[BEST], threshold = s->number[PLATEAU_THRESHOLD];
    bool relative = s->number[THRESHOLD_MODE] == CNN_THRESHOLD_REL;
    return s->number[MODE] == CNN_PLATEAU_MIN ? metric < (relative ? best * (1 - threshold) : best - threshold)
                                              : metric > (relative ? best * (threshold + 1) : best + threshold);
}

static void reduce(const cnn_scheduler *s)
{
    for (int g = 0; g < s->group_count; g++) {
        double *lr = &s->optimizer->groups[g].hyper[0];
        double reduced = fmax(*lr * s->number[FACTOR], s->list[g]);
        if (*lr - reduced > s->number[EPS]) {
            *lr = reduced;
        }
    }
}

static void plateau_step(cnn_scheduler *s, double metric)
{
    double *n = s->number, patience = n[NO_PATIENCE] != 0 ? 0 : n[PATIENCE];
    s->last_epoch++;
    if (is_better(s, metric)) {
        n[BEST] = metric;
        n[BAD] = 0;
    } else {
        n[BAD]++;
    }
    if (n[COOLING] > 0) {
        n[COOLING]--;
        n[BAD] = 0;
    }
    if (n[BAD] > patience) {
        reduce(s);
        n[COOLING] = n[COOLDOWN];
        n[BAD] = 0;
    }
    for (int g = 0; g < s->group_count; g++) {
        s->last[g] = s->optimizer->groups[g].hyper[0];
    }
}

cnn_status cnn_scheduler_step_metric(cnn_scheduler *scheduler, double metric)
{
    if (!scheduler) {
        return cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "scheduler_step_metric: scheduler is NULL");
    }
    if (!scheduler->class->by_metric) {
        return cnn__fail(scheduler->optimizer->ctx, CNN_ERROR_INVALID_ARGUMENT,
                         "scheduler_step_metric: a %s takes no metric, expected scheduler_step",
                         scheduler->class->name);
    }
    plateau_step(scheduler, metric);
    return CNN_OK;
}
