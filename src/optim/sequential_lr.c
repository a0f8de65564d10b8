/* LambdaLR, whose factor is a function of the user's, and SequentialLR, which steps the scheduler in whose part of the
 * epochs it is. The list of a SequentialLR is its milestones. */
#include "optim/scheduler.h"

/* ---- LambdaLR ---- */

static cnn_status lambda_lr_prepare(cnn_scheduler *s, const void *options)
{
    const cnn_lambda_lr_options *o = options;
    s->lambda = o->lr_lambda;
    s->user = o->user;
    return s->lambda
               ? CNN_OK
               : cnn__fail(s->optimizer->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: lr_lambda is NULL", s->class->call);
}

static double lambda_lr_rate(const cnn_scheduler *s, int g, double lr)
{
    (void)lr;
    return s->base[g] * s->lambda(s->last_epoch, g, s->user);
}

static const cnn__schedule_class lambda_lr_class = {
    .name = "LambdaLR",
    .call = "lambda_lr_create",
    .options_size = sizeof(cnn_lambda_lr_options),
    .options_known = offsetof(cnn_lambda_lr_options, reserved),
    .prepare = lambda_lr_prepare,
    .rate = lambda_lr_rate,
};

cnn_scheduler *cnn_lambda_lr_create(cnn_optimizer *optimizer, const cnn_lambda_lr_options *options)
{
    return cnn__scheduler_new(optimizer, &lambda_lr_class, options);
}

/* ---- SequentialLR ---- */

const cnn__schedule_class cnn__sequential_lr_class = {
    .name = "SequentialLR",
    .call = "sequential_lr_create",
    .list_name = "milestone",
    .list_range = CNN__RANGE_COUNT,
};

static int64_t milestones_passed(const cnn_scheduler *s)
{
    int64_t i = 0;
    while (i < s->list_count && s->list[i] <= (double)s->last_epoch) {
        i++;
    }
    return i;
}

cnn_scheduler *cnn__sequential_active(const cnn_scheduler *s)
{
    return s->children[milestones_passed(s)];
}

bool cnn__sequential_begins(const cnn_scheduler *s)
{
    int64_t i = milestones_passed(s);
    return i > 0 && s->list[i - 1] == (double)s->last_epoch;
}

/* ---- making one ---- */

/* Whether schedulers[i] is given later, too. */
static bool given_again(cnn_scheduler *const *schedulers, int count, int i)
{
    for (int k = i + 1; k < count; k++) {
        if (schedulers[k] == schedulers[i]) {
            return true;
        }
    }
    return false;
}

/* Frees those that no other SequentialLR owns, each at its last place. */
static cnn_scheduler *give_up(cnn_scheduler *const *schedulers, int count)
{
    for (int i = 0; schedulers && i < count; i++) {
        if (schedulers[i] && !given_again(schedulers, count, i) && !schedulers[i]->owner) {
            cnn__scheduler_delete(schedulers[i]);
        }
    }
    return NULL;
}

static int levels(const cnn_scheduler *s)
{
    int most = 0;
    for (int i = 0; i < s->child_count; i++) {
        int below = levels(s->children[i]);
        most = below > most ? below : most;
    }
    return most + 1;
}

static cnn_status sequential_check_child(const cnn_scheduler *s, cnn_scheduler *const *schedulers, int count, int i)
{
    const cnn_scheduler *child = schedulers[i];
    const char *call = s->class->call;
    cnn_context *ctx = s->optimizer->ctx;
    if (child->optimizer != s->optimizer) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: schedulers[%d] is of another optimizer", call, i);
    }
    if (child->owner) {
        return cnn__fail(ctx, CNN_ERROR_STATE, "%s: schedulers[%d] belongs to a SequentialLR already", call, i);
    }
    if (given_again(schedulers, count, i)) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: schedulers[%d] is given twice, expected each once", call,
                         i);
    }
    if (child->class->by_metric) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT,
                         "%s: schedulers[%d] is a %s, which needs a metric and cannot be one of them", call, i,
                         child->class->name);
    }
    if (levels(child) >= CNN__MAX_SCHEDULE_LEVELS) {
        return cnn__fail(ctx, CNN_ERROR_UNSUPPORTED,
                         "%s: schedulers[%d] has %d levels of schedulers, expected at most %d", call, i,
                         CNN__MAX_SCHEDULE_LEVELS, CNN__MAX_SCHEDULE_LEVELS - 1);
    }
    return child->group_count == s->group_count
               ? CNN_OK
               : cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: schedulers[%d] has %d groups, the optimizer has %d",
                           call, i, child->group_count, s->group_count);
}

static cnn_status take_milestones(cnn_scheduler *s, const int64_t *milestones, int count)
{
    cnn_status status = cnn__schedule_list(s, "milestones", NULL, milestones, count - 1);
    for (int i = 1; status == CNN_OK && i < count - 1; i++) {
        if (s->list[i] <= s->list[i - 1]) {
            status = cnn__fail(s->optimizer->ctx, CNN_ERROR_INVALID_ARGUMENT,
                               "%s: milestone number %d is %s after one of %s, expected them to rise", s->class->call,
                               i, CNN__G(s->list[i]), CNN__G(s->list[i - 1]));
        }
    }
    return status;
}

static void set_back(cnn_scheduler *s)
{
    s->last_epoch = -1;
    for (int i = 0; i < s->child_count; i++) {
        set_back(s->children[i]);
    }
}

/* Takes what is checked: from here on the children belong to `s`. */
static void take_children(cnn_scheduler *s, cnn_scheduler *const *schedulers, int count)
{
    for (int i = 0; i < count; i++) {
        s->children[s->child_count++] = schedulers[i];
        schedulers[i]->owner = s;
        set_back(schedulers[i]);
    }
    for (int g = 0; g < s->group_count; g++) {
        s->optimizer->groups[g].hyper[0] = s->optimizer->groups[g].initial_lr;
    }
}

static cnn_status sequential_fill(cnn_scheduler *s, cnn_scheduler *const *schedulers, const int64_t *milestones,
                                  int count)
{
    cnn_status status = take_milestones(s, milestones, count);
    for (int i = 0; status == CNN_OK && i < count; i++) {
        status = sequential_check_child(s, schedulers, count, i);
    }
    if (status != CNN_OK) {
        return status;
    }
    s->children = cnn__alloc(s->optimizer->ctx, (size_t)count * sizeof(cnn_scheduler *));
    return s->children ? CNN_OK
                       : cnn__fail_memory(s->optimizer->ctx, s->class->call, (size_t)count * sizeof(cnn_scheduler *));
}

/* The count, the array and the pointers in it. One that is NULL has failed to be made, and has said why. */
static cnn_status check_schedulers(cnn_optimizer *optimizer, cnn_scheduler *const *schedulers, int count)
{
    const char *call = cnn__sequential_lr_class.call;
    const cnn_context *ctx = optimizer ? optimizer->ctx : NULL;
    if (count < 1) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: count is %d, expected at least 1", call, count);
    }
    if (!schedulers) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: schedulers is NULL", call);
    }
    for (int i = 0; i < count; i++) {
        if (!schedulers[i]) {
            return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: schedulers[%d] is NULL", call, i);
        }
    }
    return CNN_OK;
}

cnn_scheduler *cnn_sequential_lr_create(cnn_optimizer *optimizer, cnn_scheduler *const *schedulers,
                                        const int64_t *milestones, int count)
{
    if (check_schedulers(optimizer, schedulers, count) != CNN_OK) {
        return give_up(schedulers, count);
    }
    cnn_scheduler *s = cnn__scheduler_make(optimizer, &cnn__sequential_lr_class, NULL);
    if (s && sequential_fill(s, schedulers, milestones, count) != CNN_OK) {
        cnn__scheduler_delete(s);
        s = NULL;
    }
    if (!s) {
        return give_up(schedulers, count);
    }
    take_children(s, schedulers, count);
    return cnn__scheduler_start(s);
}
