/* Schedules along a cosine: CosineAnnealingLR, in its chainable form, CosineAnnealingWarmRestarts (both Loshchilov &
 * Hutter 2017, "SGDR: Stochastic Gradient Descent with Warm Restarts") and OneCycleLR (Smith & Topin 2018,
 * "Super-Convergence"). */
#include "base/math.h"
#include "optim/scheduler.h"

#define REQUIRED ((double)NAN)

/* cos(π · x) for x ≥ 0. */
static double cos_half_turns(double x)
{
    return cnn__cos_turns(fmod(x, 2) / 2);
}

/* ---- CosineAnnealingLR ---- */

enum { T_MAX, ETA_MIN };
static const cnn__schedule_number cosine_annealing_lr_numbers[] = {
    CNN__SCHEDULE_NUMBER(cnn_cosine_annealing_lr_options, T_max, INT64, COUNT, REQUIRED),
    CNN__SCHEDULE_NUMBER(cnn_cosine_annealing_lr_options, eta_min, DOUBLE, NOT_NEGATIVE, 0),
};

/* From the lowest rate, where the ratio of two epochs is 0 / 0, the rate rises by what the formula has there. */
static double cosine_annealing_lr_rate(const cnn_scheduler *s, int g, double lr)
{
    double T = s->number[T_MAX], low = s->number[ETA_MIN];
    int64_t epoch = s->last_epoch, period = (int64_t)T;
    if (epoch == 0) {
        return lr;
    }
    if (epoch > period && (epoch - 1 - period) % (2 * period) == 0) {
        return lr + (s->base[g] - low) * (1 - cos_half_turns(1 / T)) / 2;
    }
    return (1 + cos_half_turns((double)epoch / T)) / (1 + cos_half_turns((double)(epoch - 1) / T)) * (lr - low) + low;
}

static const cnn__schedule_class cosine_annealing_lr_class = {
    .name = "CosineAnnealingLR",
    .call = "cosine_annealing_lr_create",
    CNN__SCHEDULE_OPTIONS(cnn_cosine_annealing_lr_options, cosine_annealing_lr_numbers),
    .rate = cosine_annealing_lr_rate,
};

cnn_scheduler *cnn_cosine_annealing_lr_create(cnn_optimizer *optimizer, const cnn_cosine_annealing_lr_options *options)
{
    return cnn__scheduler_new(optimizer, &cosine_annealing_lr_class, options);
}

/* ---- CosineAnnealingWarmRestarts ---- */

enum { T_0, T_MULT, RESTARTS_ETA_MIN };
static const cnn__schedule_number warm_restarts_numbers[] = {
    CNN__SCHEDULE_NUMBER(cnn_cosine_annealing_warm_restarts_options, T_0, INT64, COUNT, REQUIRED),
    CNN__SCHEDULE_NUMBER(cnn_cosine_annealing_warm_restarts_options, T_mult, INT64, COUNT, 1),
    CNN__SCHEDULE_NUMBER(cnn_cosine_annealing_warm_restarts_options, eta_min, DOUBLE, NOT_NEGATIVE, 0),
};

static double warm_restarts_rate(const cnn_scheduler *s, int g, double lr)
{
    double length = s->number[T_0], since = (double)s->last_epoch, low = s->number[RESTARTS_ETA_MIN];
    (void)lr;
    if (s->number[T_MULT] == 1) {
        since = fmod(since, length);
    }
    for (; since >= length; length *= s->number[T_MULT]) {
        since -= length;
    }
    return low + (s->base[g] - low) * (1 + cos_half_turns(since / length)) / 2;
}

static const cnn__schedule_class warm_restarts_class = {
    .name = "CosineAnnealingWarmRestarts",
    .call = "cosine_annealing_warm_restarts_create",
    CNN__SCHEDULE_OPTIONS(cnn_cosine_annealing_warm_restarts_options, warm_restarts_numbers),
    .rate = warm_restarts_rate,
};

cnn_scheduler *cnn_cosine_annealing_warm_restarts_create(cnn_optimizer *optimizer,
                                                         const cnn_cosine_annealing_warm_restarts_options *options)
{
    return cnn__scheduler_new(optimizer, &warm_restarts_class, options);
}

/* ---- OneCycleLR: its list is the highest rate of each group ---- */

enum { TOTAL_STEPS, PCT_START, BASE_MOMENTUM, MAX_MOMENTUM, DIV, FINAL_DIV, STRATEGY, KEEPS_MOMENTUM, THREE_PHASE };
#define ONE_CYCLE(field, type, range, otherwise) \
    CNN__SCHEDULE_NUMBER(cnn_one_cycle_lr_options, field, type, range, otherwise)
static const cnn__schedule_number one_cycle_lr_numbers[] = {
    ONE_CYCLE(total_steps, INT64, WHOLE, 0),           ONE_CYCLE(pct_start, DOUBLE, PART, 0.3),
    ONE_CYCLE(base_momentum, DOUBLE, BELOW_ONE, 0.85), ONE_CYCLE(max_momentum, DOUBLE, BELOW_ONE, 0.95),
    ONE_CYCLE(div_factor, DOUBLE, POSITIVE, 25),       ONE_CYCLE(final_div_factor, DOUBLE, POSITIVE, 1e4),
    ONE_CYCLE(anneal_strategy, ENUM, SWITCH, 0),       ONE_CYCLE(no_cycle_momentum, BOOL, SWITCH, 0),
    ONE_CYCLE(three_phase, BOOL, SWITCH, 0),
};

/* Where a cycle is: between which two of its levels, and which part of the way it has gone. */
typedef enum one_cycle_level { AT_FIRST, AT_TOP, AT_END } one_cycle_level;
typedef struct one_cycle_phase {
    one_cycle_level from, to;
    double part;
} one_cycle_phase;

static one_cycle_phase one_cycle_at(const cnn_scheduler *s)
{
    static const one_cycle_level levels[2][4] = { { AT_FIRST, AT_TOP, AT_END },
                                                  { AT_FIRST, AT_TOP, AT_FIRST, AT_END } };
    const double total = s->number[TOTAL_STEPS], rise = s->number[PCT_START] * total;
    const int three = s->number[THREE_PHASE] != 0;
    const double ends[2][3] = { { rise - 1, total - 1 },
                                { rise - 1, 2 * s->number[PCT_START] * total - 2, total - 1 } };
    double step = fmin((double)s->last_epoch, total - 1), start = 0;
    int phase = 0;
    while (phase < 1 + three && step > ends[three][phase]) {
        start = ends[three][phase++];
    }
    double length = ends[three][phase] - start;
    return (one_cycle_phase){ levels[three][phase], levels[three][phase + 1],
                              length > 0 ? (step - start) / length : 1 };
}

static double anneal(const cnn_scheduler *s, double from, double to, double part)
{
    double value = s->number[STRATEGY] == CNN_ANNEAL_LINEAR ? (to - from) * part + from
                                                            : to + (from - to) / 2 * (cos_half_turns(part) + 1);
    return fmax(value, 0);
}

static double one_cycle_lr_rate(const cnn_scheduler *s, int g, double lr)
{
    double first = s->base[g], level[] = { first, s->list[g], first / s->number[FINAL_DIV] };
    one_cycle_phase phase = one_cycle_at(s);
    (void)lr;
    return anneal(s, level[phase.from], level[phase.to], phase.part);
}

static double one_cycle_lr_momentum(const cnn_scheduler *s)
{
    double high = s->number[MAX_MOMENTUM], level[] = { high, s->number[BASE_MOMENTUM], high };
    one_cycle_phase phase = one_cycle_at(s);
    return anneal(s, level[phase.from], level[phase.to], phase.part);
}

static cnn_status one_cycle_find_momentum(cnn_scheduler *s)
{
    const cnn_optimizer *o = s->optimizer;
    cnn_status status = CNN_OK;
    int beta1 = cnn__hyper_find(o->class, CNN_OPTION_BETA1);
    s->momentum = beta1 >= 0 ? beta1 : cnn__hyper_find(o->class, CNN_OPTION_MOMENTUM);
    if (s->momentum < 0) {
        return cnn__fail(o->ctx, CNN_ERROR_INVALID_ARGUMENT,
                         "%s: %s has neither momentum nor beta1, expected no_cycle_momentum", s->class->call,
                         o->class->name);
    }
    for (int i = 0; i < 2 * s->group_count && status == CNN_OK; i++) {
        status = cnn__group_check_number(o, s->class->call, i / 2, s->momentum,
                                         s->number[i % 2 ? MAX_MOMENTUM : BASE_MOMENTUM]);
    }
    return status;
}

static cnn_status one_cycle_find_length(cnn_scheduler *s, const cnn_one_cycle_lr_options *o)
{
    const char *call = s->class->call;
    cnn_context *ctx = s->optimizer->ctx;
    double steps = (double)o->epochs * (double)o->steps_per_epoch;
    if (s->number[TOTAL_STEPS] > 0) {
        return CNN_OK;
    }
    if (!o->epochs || !o->steps_per_epoch) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT,
                         "%s: neither total_steps nor epochs and steps_per_epoch are given", call);
    }
    if (o->epochs < 0 || o->steps_per_epoch < 0 || !cnn__schedule_in_range(steps, CNN__RANGE_COUNT)) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT,
                         "%s: epochs is %lld and steps_per_epoch is %lld, expected at least 1 each and a product of at "
                         "most 2^53",
                         call, (long long)o->epochs, (long long)o->steps_per_epoch);
    }
    s->number[TOTAL_STEPS] = steps;
    return CNN_OK;
}

static cnn_status one_cycle_lr_prepare(cnn_scheduler *s, const void *options)
{
    const cnn_one_cycle_lr_options *o = options;
    cnn_status status = one_cycle_find_length(s, o);
    if (status == CNN_OK && !o->max_lrs && !cnn__option_given(o->max_lr)) {
        return cnn__fail(s->optimizer->ctx, CNN_ERROR_INVALID_ARGUMENT,
                         "%s: max_lr is not given, OneCycleLR has no default for it", s->class->call);
    }
    if (status == CNN_OK) {
        status = cnn__schedule_list_per_group(s, "max_lrs", o->max_lrs, o->max_lr_count, cnn__option(o->max_lr, 0));
    }
    for (int g = 0; g < s->group_count && status == CNN_OK; g++) {
        s->base[g] = s->list[g] / s->number[DIV];
    }
    return status == CNN_OK && s->number[KEEPS_MOMENTUM] == 0 ? one_cycle_find_momentum(s) : status;
}

static const cnn__schedule_class one_cycle_lr_class = {
    .name = "OneCycleLR",
    .call = "one_cycle_lr_create",
    CNN__SCHEDULE_OPTIONS(cnn_one_cycle_lr_options, one_cycle_lr_numbers),
    .list_name = "max_lr",
    .list_range = CNN__RANGE_POSITIVE,
    .ends = true,
    .sets_base = true,
    .prepare = one_cycle_lr_prepare,
    .rate = one_cycle_lr_rate,
    .momentum = one_cycle_lr_momentum,
};

cnn_scheduler *cnn_one_cycle_lr_create(cnn_optimizer *optimizer, const cnn_one_cycle_lr_options *options)
{
    return cnn__scheduler_new(optimizer, &one_cycle_lr_class, options);
}
