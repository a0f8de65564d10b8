/* Schedules that multiply the rate by a factor: StepLR, MultiStepLR, ConstantLR, LinearLR, ExponentialLR, PolynomialLR.
 * Formulas are the chainable ones of torch.optim.lr_scheduler, which begin from the rate that a group has. */
#include "base/math.h"
#include "optim/scheduler.h"

#define REQUIRED ((double)NAN)

/* ---- StepLR and MultiStepLR ---- */

enum { STEP_SIZE, STEP_GAMMA };
static const cnn__schedule_number step_lr_numbers[] = {
    CNN__SCHEDULE_NUMBER(cnn_step_lr_options, step_size, INT64, COUNT, REQUIRED),
    CNN__SCHEDULE_NUMBER(cnn_step_lr_options, gamma, DOUBLE, NOT_NEGATIVE, 0.1),
};

static double step_lr_rate(const cnn_scheduler *s, int g, double lr)
{
    (void)g;
    bool decays = s->last_epoch && s->last_epoch % (int64_t)s->number[STEP_SIZE] == 0;
    return decays ? lr * s->number[STEP_GAMMA] : lr;
}

static const cnn__schedule_class step_lr_class = { .name = "StepLR",
                                                   .call = "step_lr_create",
                                                   CNN__SCHEDULE_OPTIONS(cnn_step_lr_options, step_lr_numbers),
                                                   .rate = step_lr_rate };

cnn_scheduler *cnn_step_lr_create(cnn_optimizer *optimizer, const cnn_step_lr_options *options)
{
    return cnn__scheduler_new(optimizer, &step_lr_class, options);
}

static const cnn__schedule_number multi_step_lr_numbers[] = {
    CNN__SCHEDULE_NUMBER(cnn_multi_step_lr_options, gamma, DOUBLE, NOT_NEGATIVE, 0.1),
};

static cnn_status multi_step_lr_prepare(cnn_scheduler *s, const void *options)
{
    const cnn_multi_step_lr_options *o = options;
    return cnn__schedule_list(s, "milestones", NULL, o->milestones, o->milestone_count);
}

static double multi_step_lr_rate(const cnn_scheduler *s, int g, double lr)
{
    int64_t here = 0;
    (void)g;
    for (int64_t i = 0; i < s->list_count; i++) {
        here += s->list[i] == (double)s->last_epoch;
    }
    return here ? lr * cnn__pow_f64(s->number[0], (double)here) : lr;
}

static const cnn__schedule_class multi_step_lr_class = {
    .name = "MultiStepLR",
    .call = "multi_step_lr_create",
    CNN__SCHEDULE_OPTIONS(cnn_multi_step_lr_options, multi_step_lr_numbers),
    .list_name = "milestone",
    .list_range = CNN__RANGE_WHOLE,
    .prepare = multi_step_lr_prepare,
    .rate = multi_step_lr_rate,
};

cnn_scheduler *cnn_multi_step_lr_create(cnn_optimizer *optimizer, const cnn_multi_step_lr_options *options)
{
    return cnn__scheduler_new(optimizer, &multi_step_lr_class, options);
}

/* ---- ConstantLR and LinearLR ---- */

enum { CONSTANT_FACTOR, CONSTANT_ITERS };
static const cnn__schedule_number constant_lr_numbers[] = {
    CNN__SCHEDULE_NUMBER(cnn_constant_lr_options, factor, DOUBLE, PART, 1.0 / 3),
    CNN__SCHEDULE_NUMBER(cnn_constant_lr_options, total_iters, INT64, COUNT, 5),
};

static double constant_lr_rate(const cnn_scheduler *s, int g, double lr)
{
    double factor = s->number[CONSTANT_FACTOR];
    if (s->last_epoch == 0) {
        return lr * factor;
    }
    if (s->last_epoch != (int64_t)s->number[CONSTANT_ITERS]) {
        return lr;
    }
    return factor > 0 ? lr * (1.0 / factor) : s->base[g];
}

static const cnn__schedule_class constant_lr_class = { .name = "ConstantLR",
                                                       .call = "constant_lr_create",
                                                       CNN__SCHEDULE_OPTIONS(cnn_constant_lr_options,
                                                                             constant_lr_numbers),
                                                       .rate = constant_lr_rate };

cnn_scheduler *cnn_constant_lr_create(cnn_optimizer *optimizer, const cnn_constant_lr_options *options)
{
    return cnn__scheduler_new(optimizer, &constant_lr_class, options);
}

enum { START_FACTOR, END_FACTOR, LINEAR_ITERS };
static const cnn__schedule_number linear_lr_numbers[] = {
    CNN__SCHEDULE_NUMBER(cnn_linear_lr_options, start_factor, DOUBLE, FACTOR, 1.0 / 3),
    CNN__SCHEDULE_NUMBER(cnn_linear_lr_options, end_factor, DOUBLE, PART, 1),
    CNN__SCHEDULE_NUMBER(cnn_linear_lr_options, total_iters, INT64, COUNT, 5),
};

/* The factor of this epoch over that of the epoch before. */
static double linear_lr_rate(const cnn_scheduler *s, int g, double lr)
{
    double start = s->number[START_FACTOR], rise = s->number[END_FACTOR] - start, n = s->number[LINEAR_ITERS];
    double epoch = (double)s->last_epoch;
    (void)g;
    if (s->last_epoch == 0) {
        return lr * start;
    }
    return epoch > n ? lr : lr * (1 + rise / (n * start + (epoch - 1) * rise));
}

static const cnn__schedule_class linear_lr_class = { .name = "LinearLR",
                                                     .call = "linear_lr_create",
                                                     CNN__SCHEDULE_OPTIONS(cnn_linear_lr_options, linear_lr_numbers),
                                                     .rate = linear_lr_rate };

cnn_scheduler *cnn_linear_lr_create(cnn_optimizer *optimizer, const cnn_linear_lr_options *options)
{
    return cnn__scheduler_new(optimizer, &linear_lr_class, options);
}

/* ---- ExponentialLR and PolynomialLR ---- */

static const cnn__schedule_number exponential_lr_numbers[] = {
    CNN__SCHEDULE_NUMBER(cnn_exponential_lr_options, gamma, DOUBLE, NOT_NEGATIVE, REQUIRED),
};

static double exponential_lr_rate(const cnn_scheduler *s, int g, double lr)
{
    (void)g;
    return s->last_epoch ? lr * s->number[0] : lr;
}

static const cnn__schedule_class exponential_lr_class = { .name = "ExponentialLR",
                                                          .call = "exponential_lr_create",
                                                          CNN__SCHEDULE_OPTIONS(cnn_exponential_lr_options,
                                                                                exponential_lr_numbers),
                                                          .rate = exponential_lr_rate };

cnn_scheduler *cnn_exponential_lr_create(cnn_optimizer *optimizer, const cnn_exponential_lr_options *options)
{
    return cnn__scheduler_new(optimizer, &exponential_lr_class, options);
}

enum { POLYNOMIAL_ITERS, POWER };
static const cnn__schedule_number polynomial_lr_numbers[] = {
    CNN__SCHEDULE_NUMBER(cnn_polynomial_lr_options, total_iters, INT64, COUNT, 5),
    CNN__SCHEDULE_NUMBER(cnn_polynomial_lr_options, power, DOUBLE, NOT_NEGATIVE, 1),
};

static double polynomial_lr_rate(const cnn_scheduler *s, int g, double lr)
{
    double n = s->number[POLYNOMIAL_ITERS], epoch = (double)s->last_epoch;
    (void)g;
    if (s->last_epoch == 0 || epoch > n) {
        return lr;
    }
    return lr * cnn__pow_f64((1 - epoch / n) / (1 - (epoch - 1) / n), s->number[POWER]);
}

static const cnn__schedule_class polynomial_lr_class = { .name = "PolynomialLR",
                                                         .call = "polynomial_lr_create",
                                                         CNN__SCHEDULE_OPTIONS(cnn_polynomial_lr_options,
                                                                               polynomial_lr_numbers),
                                                         .rate = polynomial_lr_rate };

cnn_scheduler *cnn_polynomial_lr_create(cnn_optimizer *optimizer, const cnn_polynomial_lr_options *options)
{
    return cnn__scheduler_new(optimizer, &polynomial_lr_class, options);
}
