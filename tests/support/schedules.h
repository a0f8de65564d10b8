/* The cases of tools/fixtures/schedules.py: each makes the scheduler of that name. */
#ifndef CNN_TESTS_SUPPORT_SCHEDULES_H
#define CNN_TESTS_SUPPORT_SCHEDULES_H

#include <cnn/cnn.h>

#include <math.h>
#include <string.h>

static inline cnn_tensor *pass_on(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)self, (void)user;
    return x;
}

/* A module with two parameters of one number. */
static inline cnn_module *two_parameters(cnn_context *c)
{
    cnn_module *m = cnn_module_new(c, pass_on);
    cnn_module_add_parameter(m, "a", cnn_tensor_zeros(c, CNN_F64, CNN_SHAPE(1)));
    cnn_module_add_parameter(m, "b", cnn_tensor_zeros(c, CNN_F64, CNN_SHAPE(1)));
    return m;
}

/* An optimizer with a group for each, whose rates are those of the fixtures. */
static inline cnn_optimizer *two_groups(cnn_module *m, bool adam)
{
    cnn_context *c = cnn_module_context(m);
    cnn_optimizer *o = adam ? cnn_adam_create_for(c, NULL, 0, NULL)
                            : cnn_sgd_create_for(c, NULL, 0, CNN_OPTIONS(cnn_sgd_options, .lr = 1));
    for (int g = 0; g < 2 && o; g++) {
        cnn_tensor *p = cnn_module_parameter(m, g);
        const double lr = g ? 0.03 : 0.1;
        if (adam) {
            cnn_adam_add_group(o, &p, 1, CNN_OPTIONS(cnn_adam_options, .lr = lr));
        } else {
            cnn_sgd_add_group(o, &p, 1, CNN_OPTIONS(cnn_sgd_options, .lr = lr, .momentum = 0.9));
        }
    }
    return o;
}

enum { EPOCHS = 41 };

static inline double decay(int64_t epoch, int group, void *user)
{
    (void)user;
    return group == 0 ? pow(0.95, (double)epoch) : 1 / (1 + (double)epoch);
}

static inline cnn_scheduler *in_turn(cnn_optimizer *o, int count, cnn_scheduler *a, cnn_scheduler *b, cnn_scheduler *c,
                                     const int64_t *milestones)
{
    cnn_scheduler *all[] = { a, b, c };
    return cnn_sequential_lr_create(o, all, milestones, count);
}

#define MILESTONES(...) \
    .milestones = (const int64_t[]){ __VA_ARGS__ }, \
    .milestone_count = (int64_t)(sizeof((int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t))
#define CASES(X) \
    X(step, cnn_step_lr_new(o, .step_size = 7)) \
    X(step_gamma, cnn_step_lr_new(o, .step_size = 3, .gamma = 0.8)) \
    X(multi_step, cnn_multi_step_lr_new(o, MILESTONES(5, 12, 12, 30))) \
    X(multi_step_gamma, cnn_multi_step_lr_new(o, MILESTONES(9, 0), .gamma = 0.3)) \
    X(constant, cnn_constant_lr_new(o)) \
    X(constant_factor, cnn_constant_lr_new(o, .factor = 0.7, .total_iters = 11)) \
    X(linear, cnn_linear_lr_new(o)) \
    X(linear_down, cnn_linear_lr_new(o, .start_factor = 1, .end_factor = 0.05, .total_iters = 33)) \
    X(exponential, cnn_exponential_lr_new(o, .gamma = 0.9)) \
    X(polynomial, cnn_polynomial_lr_new(o)) \
    X(polynomial_power, cnn_polynomial_lr_new(o, .total_iters = 35, .power = 2.5)) \
    X(cosine, cnn_cosine_annealing_lr_new(o, .T_max = 13)) \
    X(cosine_low, cnn_cosine_annealing_lr_new(o, .T_max = 40, .eta_min = 0.001)) \
    X(cosine_short, cnn_cosine_annealing_lr_new(o, .T_max = 1, .eta_min = 0.01)) \
    X(restarts, cnn_cosine_annealing_warm_restarts_new(o, .T_0 = 6)) \
    X(restarts_longer, cnn_cosine_annealing_warm_restarts_new(o, .T_0 = 5, .T_mult = 2, .eta_min = 0.002)) \
    X(one_cycle, cnn_one_cycle_lr_new(o, .max_lr = 0.5, .total_steps = EPOCHS)) \
    X(one_cycle_options, \
      cnn_one_cycle_lr_new(o, .max_lrs = (const double[]){ 0.5, 0.2 }, .max_lr_count = 2, .epochs = 4, \
                           .steps_per_epoch = 10, .pct_start = 0.45, .anneal_strategy = CNN_ANNEAL_LINEAR, \
                           .base_momentum = 0.6, .max_momentum = 0.8, .div_factor = 10, .final_div_factor = 100)) \
    X(one_cycle_three_phase, \
      cnn_one_cycle_lr_new(o, .max_lr = 0.5, .total_steps = EPOCHS, .pct_start = 0.4, .three_phase = true)) \
    X(one_cycle_no_momentum, cnn_one_cycle_lr_new(o, .max_lr = 0.5, .total_steps = EPOCHS, .no_cycle_momentum = true)) \
    X(one_cycle_adam, cnn_one_cycle_lr_new(o, .max_lr = 0.5, .total_steps = EPOCHS)) \
    X(lambda, cnn_lambda_lr_new(o, decay)) \
    X(sequential, in_turn(o, 2, cnn_constant_lr_new(o, .factor = 0.1, .total_iters = 2), \
                          cnn_exponential_lr_new(o, .gamma = 0.9), NULL, (const int64_t[]){ 4 })) \
    X(warm_up, in_turn(o, 3, cnn_linear_lr_new(o, .start_factor = 0.01, .total_iters = 10), \
                       cnn_cosine_annealing_lr_new(o, .T_max = 20, .eta_min = 1e-4), \
                       cnn_step_lr_new(o, .step_size = 4, .gamma = 0.5), (const int64_t[]){ 10, 30 })) \
    X(warm_restarts_later, in_turn(o, 3, cnn_polynomial_lr_new(o, .total_iters = 10, .power = 2), \
                                   cnn_cosine_annealing_warm_restarts_new(o, .T_0 = 4, .T_mult = 2), \
                                   cnn_multi_step_lr_new(o, MILESTONES(2, 5), .gamma = 0.5), \
                                   (const int64_t[]){ 8, 25 })) \
    X(one_cycle_later, in_turn(o, 2, cnn_linear_lr_new(o), cnn_one_cycle_lr_new(o, .max_lr = 0.5, .total_steps = 36), NULL, \
                               (const int64_t[]){ 5 })) \
    X(plateau, cnn_reduce_lr_on_plateau_new(o)) \
    X(plateau_options, \
      cnn_reduce_lr_on_plateau_new(o, .factor = 0.5, .patience = 2, .threshold = 1e-3, \
                                   .threshold_mode = CNN_THRESHOLD_ABS, .cooldown = 3, \
                                   .min_lrs = (const double[]){ 0.002, 0.01 }, .min_lr_count = 2, .eps = 1e-4)) \
    X(plateau_no_patience, cnn_reduce_lr_on_plateau_new(o, .factor = 0.7, .no_patience = true, .threshold = 0.05, \
                                                        .cooldown = 1, .min_lr = 0.001)) \
    X(plateau_max, cnn_reduce_lr_on_plateau_new(o, .mode = CNN_PLATEAU_MAX, .factor = 0.5, .patience = 3)) \
    X(plateau_max_abs, \
      cnn_reduce_lr_on_plateau_new(o, .mode = CNN_PLATEAU_MAX, .factor = 0.5, .patience = 3, .threshold = 0.1, \
                                   .threshold_mode = CNN_THRESHOLD_ABS))

#define SCHEDULE(name, create) \
    static cnn_scheduler *make_##name(cnn_optimizer *o) \
    { \
        return create; \
    }
CASES(SCHEDULE)
#undef SCHEDULE

typedef struct schedule_case {
    const char *name;
    cnn_scheduler *(*make)(cnn_optimizer *o);
} schedule_case;

#define SCHEDULE(name, create) { #name, make_##name },
static const schedule_case schedule_cases[] = { CASES(SCHEDULE) };
#undef SCHEDULE
enum { SCHEDULE_CASES = sizeof schedule_cases / sizeof schedule_cases[0] };

static inline bool case_has(const schedule_case *c, const char *part)
{
    return strstr(c->name, part) != NULL;
}

/* A step with the metric of an epoch, for those that take one. */
static inline cnn_status case_step(const schedule_case *c, cnn_scheduler *s, double metric)
{
    return !case_has(c, "plateau") ? cnn_scheduler_step(s)
                                   : cnn_scheduler_step_metric(s, case_has(c, "max") ? -metric : metric);
}

#endif
