/* Learning-rate schedulers: their rates are PyTorch's (tools/fixtures/schedules.py), checkpoints resume them to the bit, and
 * what they refuse changes nothing. */
#include "support/schedules.h"

#include "support/fixtures.h"
#include "support/io.h"

static cnn_module *model;
static cnn_optimizer *o;

static void groups_setup(void)
{
    setup();
    model = two_parameters(ctx);
    o = two_groups(model, false);
    ck_assert_ptr_nonnull(o);
}

static void groups_teardown(void)
{
    cnn_optimizer_free(o);
    cnn_module_free(model);
    teardown();
}

static void start_anew(bool adam)
{
    cnn_optimizer_free(o);
    o = two_groups(model, adam);
}

static double momentum_of(int g, bool adam)
{
    return cnn_optimizer_get(o, g, adam ? CNN_OPTION_BETA1 : CNN_OPTION_MOMENTUM);
}

static void near(const char *name, int64_t epoch, const char *what, double given, double expected)
{
    ck_assert_msg(fabs(given - expected) <= 1e-12 * fmax(1, fabs(expected)), "%s at epoch %lld: %s %.17g, expected %.17g",
                  name, (long long)epoch, what, given, expected);
}

/* ---- PyTorch's rates ---- */

static double *metrics(void)
{
    cnn_tensor *t = fixture(ctx, "schedules.safetensors", "metrics", "values");
    double *values = as_doubles(t);
    cnn_tensor_free(t);
    return values;
}

START_TEST(rates_are_pytorchs)
{
    const schedule_case *c = &schedule_cases[_i];
    const bool adam = case_has(c, "adam");
    start_anew(adam);
    cnn_tensor *lr = fixture(ctx, "schedules.safetensors", c->name, "lr");
    cnn_tensor *momentum = fixture(ctx, "schedules.safetensors", c->name, "momentum");
    ck_assert_msg(lr && momentum, "no fixture of %s: run tools/make_fixtures.py", c->name);
    double *rates = as_doubles(lr), *momenta = as_doubles(momentum), *metric = metrics();
    int64_t epochs = cnn_tensor_size(lr, 0);
    ck_assert_int_ge(epochs, 31);
    cnn_scheduler *s = c->make(o);
    ck_assert_msg(s != NULL, "%s", cnn_last_error(ctx));
    for (int64_t e = 0; e < epochs; e++) {
        if (e) {
            ck_assert_msg(case_step(c, s, metric[e - 1]) == CNN_OK, "%s", cnn_last_error(ctx));
        }
        ck_assert_int_eq(cnn_scheduler_last_epoch(s), e);
        for (int g = 0; g < 2; g++) {
            near(c->name, e, "rate", cnn_optimizer_lr(o, g), rates[2 * e + g]);
            near(c->name, e, "momentum", momentum_of(g, adam), momenta[2 * e + g]);
            ck_assert(cnn_scheduler_get_lr(s, g) == cnn_optimizer_lr(o, g));
        }
    }
    cnn_scheduler_free(s);
    free(rates), free(momenta), free(metric);
    cnn_tensor_free(lr);
    cnn_tensor_free(momentum);
}
END_TEST

/* Two schedulers on one optimizer multiply. */
START_TEST(schedulers_are_chained)
{
    cnn_tensor *lr = fixture(ctx, "schedules.safetensors", "chained", "lr");
    double *rates = as_doubles(lr);
    cnn_scheduler *warm_up = cnn_linear_lr_new(o, .start_factor = 0.25, .total_iters = 8);
    cnn_scheduler *decays = cnn_exponential_lr_new(o, .gamma = 0.95);
    for (int64_t e = 0; e < EPOCHS; e++) {
        if (e) {
            ck_assert_int_eq(cnn_scheduler_step(warm_up), CNN_OK);
            ck_assert_int_eq(cnn_scheduler_step(decays), CNN_OK);
        }
        near("chained", e, "rate", cnn_optimizer_lr(o, 0), rates[2 * e]);
        near("chained", e, "rate", cnn_optimizer_lr(o, 1), rates[2 * e + 1]);
    }
    free(rates);
    cnn_tensor_free(lr);
    cnn_scheduler_free(warm_up);
    cnn_scheduler_free(decays);
}
END_TEST

/* ---- checkpoints ---- */

/* The rates and momenta of two groups after each of `steps` steps. */
static void follow(const schedule_case *c, cnn_scheduler *s, const double *metric, int from, int to, double *path)
{
    for (int e = from; e < to; e++) {
        ck_assert_msg(case_step(c, s, metric[e]) == CNN_OK, "%s: %s", c->name, cnn_last_error(ctx));
        for (int g = 0; g < 2; g++) {
            *path++ = cnn_optimizer_lr(o, g);
            *path++ = cnn_scheduler_get_lr(s, g);
            *path++ = momentum_of(g, case_has(c, "adam"));
        }
    }
}

static cnn_status save(cnn_scheduler *s, const char *path)
{
    cnn_checkpoint c = { .struct_size = sizeof c, .module = model, .optimizer = o, .scheduler = s, .epoch = 3 };
    return cnn_checkpoint_save(&c, path);
}

static cnn_status load(cnn_scheduler *s, const char *path)
{
    cnn_checkpoint c = { .struct_size = sizeof c, .module = model, .optimizer = o, .scheduler = s };
    return cnn_checkpoint_load(&c, path);
}

/* Saved after any number of steps, a run goes on to the bit. */
START_TEST(checkpoints_resume_schedules)
{
    enum { STEPS = EPOCHS - 2, SAVES = 4 };
    static const int saves[SAVES] = { 0, 6, 13, 31 };
    const schedule_case *c = &schedule_cases[_i];
    const bool adam = case_has(c, "adam");
    const char *path = in_folder("checkpoint");
    double *metric = metrics(), whole[6 * STEPS], rest[6 * STEPS];
    start_anew(adam);
    cnn_scheduler *s = c->make(o);
    follow(c, s, metric, 0, STEPS, whole);
    cnn_scheduler_free(s);
    for (int i = 0; i < SAVES; i++) {
        start_anew(adam);
        s = c->make(o);
        follow(c, s, metric, 0, saves[i], rest);
        ck_assert_msg(save(s, path) == CNN_OK, "%s", cnn_last_error(ctx));
        cnn_scheduler_free(s);
        start_anew(adam);
        s = c->make(o);
        follow(c, s, metric, 0, 3, rest); /* what it did before is forgotten */
        ck_assert_msg(load(s, path) == CNN_OK, "%s: %s", c->name, cnn_last_error(ctx));
        ck_assert_int_eq(cnn_scheduler_last_epoch(s), saves[i]);
        follow(c, s, metric, saves[i], STEPS, rest);
        ck_assert_msg(memcmp(rest, whole + 6 * saves[i], (size_t)(STEPS - saves[i]) * 6 * sizeof *rest) == 0,
                      "%s goes on differently after %d steps", c->name, saves[i]);
        cnn_scheduler_free(s);
    }
    free(metric);
}
END_TEST

/* Options come from the checkpoint, as those of optimizers do. */
START_TEST(checkpoints_carry_options)
{
    cnn_scheduler *s = cnn_step_lr_new(o, .step_size = 2, .gamma = 0.5);
    ck_assert_int_eq(save(s, in_folder("c")), CNN_OK);
    cnn_scheduler_free(s);
    start_anew(false);
    s = cnn_step_lr_new(o, .step_size = 100, .gamma = 0.25);
    ck_assert_int_eq(load(s, in_folder("c")), CNN_OK);
    ck_assert_int_eq(cnn_scheduler_step(s), CNN_OK);
    ck_assert_int_eq(cnn_scheduler_step(s), CNN_OK);
    ck_assert(cnn_optimizer_lr(o, 0) == 0.05);
    cnn_scheduler_free(s);
}
END_TEST

START_TEST(checkpoints_that_do_not_fit_change_nothing)
{
    cnn_scheduler *none = NULL, *step = cnn_step_lr_new(o, .step_size = 2), *linear = cnn_linear_lr_new(o, .start_factor = 1);
    cnn_scheduler *two = cnn_multi_step_lr_new(o, MILESTONES(3, 5)), *one = cnn_multi_step_lr_new(o, MILESTONES(3));
    cnn_scheduler *low = cnn_reduce_lr_on_plateau_new(o), *high = cnn_reduce_lr_on_plateau_new(o, .mode = CNN_PLATEAU_MAX);
    ck_assert_int_eq(save(none, in_folder("none")), CNN_OK);
    ck_assert_int_eq(save(step, in_folder("step")), CNN_OK);
    ck_assert_int_eq(save(two, in_folder("two")), CNN_OK);
    ck_assert_int_eq(save(low, in_folder("low")), CNN_OK);
    ck_assert_int_eq(cnn_optimizer_set_lr(o, -1, 0.75), CNN_OK);
    assert_error(load(step, in_folder("none")), CNN_ERROR_MISMATCH, "saved without a scheduler, expected StepLR");
    assert_error(load(linear, in_folder("step")), CNN_ERROR_MISMATCH, "\"scheduler\" is StepLR, expected LinearLR");
    assert_error(load(one, in_folder("two")), CNN_ERROR_MISMATCH, "\"scheduler.milestone.count\" is 2, expected 1");
    assert_error(load(high, in_folder("low")), CNN_ERROR_MISMATCH, "\"scheduler.mode\" is 0x0.");
    size_t size;
    unsigned char *file = file_get(in_folder("step"), &size);
    unsigned char *at = memmem(file, size, "scheduler.step_size\":\"0x1", 24);
    ck_assert_ptr_nonnull(at);
    at[23] = '0';
    file_put(in_folder("bad"), file, size);
    assert_error(load(step, in_folder("bad")), CNN_ERROR_FORMAT, "\"scheduler.step_size\"");
    memcpy(at, "scheduler.step_siz_", 19);
    file_put(in_folder("bad"), file, size);
    assert_error(load(step, in_folder("bad")), CNN_ERROR_FORMAT, "has no \"scheduler.step_size\"");
    free(file);
    ck_assert(cnn_optimizer_lr(o, 0) == 0.75 && cnn_scheduler_get_lr(step, 0) == 0.1);
    ck_assert_int_eq(load(none, in_folder("step")), CNN_OK); /* a scheduler may be left out */
    cnn_optimizer *other = cnn_sgd_new(model, .lr = 1);
    cnn_checkpoint c = { .struct_size = sizeof c, .module = model, .optimizer = other, .scheduler = step };
    assert_error(cnn_checkpoint_save(&c, in_folder("x")), CNN_ERROR_INVALID_ARGUMENT, "checkpoint_save: the scheduler is one of another");
    cnn_optimizer_free(other);
    cnn_scheduler *all[] = { step, linear, two, one, low, high };
    for (int i = 0; i < 6; i++) {
        cnn_scheduler_free(all[i]);
    }
}
END_TEST

/* ---- ownership ---- */

START_TEST(schedulers_keep_their_optimizer)
{
    cnn_scheduler *s = cnn_exponential_lr_new(o, .gamma = 0.5);
    cnn_optimizer_free(o);
    o = NULL;
    ck_assert_int_eq(cnn_scheduler_step(s), CNN_OK);
    ck_assert(cnn_scheduler_get_lr(s, 0) == 0.05);
    cnn_module_free(model);
    model = NULL;
    cnn_scheduler_free(s);
}
END_TEST

START_TEST(a_sequence_owns_its_schedulers)
{
    cnn_scheduler *first = cnn_constant_lr_new(o), *second = cnn_exponential_lr_new(o, .gamma = 0.5);
    cnn_scheduler *s = in_turn(o, 2, first, second, NULL, (const int64_t[]){ 4 });
    ck_assert_ptr_nonnull(s);
    assert_error(cnn_scheduler_step(first), CNN_ERROR_STATE, "scheduler_step: the ConstantLR belongs to a SequentialLR");
    cnn_scheduler_free(second);
    assert_error(cnn_context_status(ctx), CNN_ERROR_STATE, "scheduler_free: the ExponentialLR belongs to a SequentialLR");
    cnn_context_clear_error(ctx);
    assert_error(save(second, in_folder("x")), CNN_ERROR_STATE, "checkpoint_save: the scheduler belongs to a SequentialLR");
    ck_assert_ptr_null(in_turn(o, 2, cnn_linear_lr_new(o), first, NULL, (const int64_t[]){ 4 }));
    assert_error(cnn_context_status(ctx), CNN_ERROR_STATE, "sequential_lr_create: schedulers[1] belongs to a SequentialLR already");
    cnn_scheduler_free(s);
}
END_TEST

/* All that it was given is freed, each once: the teardown counts. */
START_TEST(a_sequence_that_fails_frees_its_schedulers)
{
    static const int64_t four[] = { 4, 4 }, zero[] = { 0 };
    cnn_optimizer *other = cnn_sgd_new(model, .lr = 1);
    cnn_scheduler *same = cnn_linear_lr_new(o), *twice[] = { same, same };
    double rate = cnn_optimizer_lr(o, 0);
    ck_assert_ptr_null(cnn_sequential_lr_create(o, twice, four, 2));
    assert_error(cnn_context_status(ctx), CNN_ERROR_INVALID_ARGUMENT, "schedulers[0] is given twice");
    ck_assert_ptr_null(in_turn(o, 2, cnn_constant_lr_new(o, .factor = 1), cnn_constant_lr_new(other), NULL, four));
    assert_error(cnn_context_status(ctx), CNN_ERROR_INVALID_ARGUMENT, "schedulers[1] is of another optimizer");
    ck_assert_ptr_null(in_turn(o, 2, cnn_constant_lr_new(o, .factor = 1), cnn_reduce_lr_on_plateau_new(o), NULL, four));
    assert_error(cnn_context_status(ctx), CNN_ERROR_INVALID_ARGUMENT, "schedulers[1] is a ReduceLROnPlateau");
    ck_assert_ptr_null(in_turn(o, 2, cnn_constant_lr_new(o, .factor = 1), cnn_constant_lr_new(o, .factor = 1), NULL, zero));
    assert_error(cnn_context_status(ctx), CNN_ERROR_INVALID_ARGUMENT, "milestone number 0 is 0, expected an integer from 1");
    ck_assert_ptr_null(in_turn(o, 3, cnn_constant_lr_new(o, .factor = 1), cnn_constant_lr_new(o, .factor = 1),
                               cnn_constant_lr_new(o, .factor = 1), four));
    assert_error(cnn_context_status(ctx), CNN_ERROR_INVALID_ARGUMENT, "milestone number 1 is 4 after one of 4");
    ck_assert_ptr_null(in_turn(o, 2, cnn_constant_lr_new(o, .factor = 1), cnn_constant_lr_new(o, .factor = 1), NULL, NULL));
    assert_error(cnn_context_status(ctx), CNN_ERROR_INVALID_ARGUMENT, "sequential_lr_create: milestones is NULL");
    cnn_scheduler *missing[] = { cnn_constant_lr_new(o, .factor = 1), NULL };
    ck_assert_ptr_null(cnn_sequential_lr_create(o, missing, four, 2));
    assert_error(cnn_context_status(ctx), CNN_ERROR_INVALID_ARGUMENT, "schedulers[1] is NULL");
    cnn_scheduler *nested = cnn_constant_lr_new(o, .factor = 1);
    for (int i = 0; nested && i < 9; i++) {
        nested = cnn_sequential_lr_create(o, &nested, NULL, 1);
    }
    ck_assert_ptr_null(nested);
    assert_error(cnn_context_status(ctx), CNN_ERROR_UNSUPPORTED, "schedulers[0] has 8 levels");
    ck_assert(cnn_optimizer_lr(o, 0) == 0.1 && rate < 0.1); /* as the second call's constants have left it */
    cnn_optimizer_free(other);
}
END_TEST

/* ---- what is refused ---- */

static double broken(int64_t epoch, int group, void *user)
{
    return epoch == 2 && group == 1 ? *(const double *)user : 1;
}

START_TEST(a_step_that_fails_changes_nothing)
{
    static double bad[] = { -1, NAN, INFINITY };
    for (int i = 0; i < 3; i++) {
        start_anew(false);
        cnn_scheduler *s = cnn_lambda_lr_new(o, broken, .user = &bad[i]);
        cnn_scheduler *linear = cnn_linear_lr_new(o, .start_factor = 0.5);
        s = in_turn(o, 2, s, linear, NULL, (const int64_t[]){ 3 });
        ck_assert_int_eq(cnn_scheduler_step(s), CNN_OK);
        assert_error(cnn_scheduler_step(s), CNN_ERROR_INVALID_ARGUMENT, "scheduler_step: LambdaLR gives group 1 a rate of ");
        ck_assert(cnn_optimizer_lr(o, 0) == 0.1 && cnn_optimizer_lr(o, 1) == 0.03);
        ck_assert_int_eq(cnn_scheduler_last_epoch(s), 1);
        bad[i] = 1;
        ck_assert_int_eq(cnn_scheduler_step(s), CNN_OK);
        ck_assert_int_eq(cnn_scheduler_step(s), CNN_OK);
        ck_assert(cnn_optimizer_lr(o, 0) == 0.05);
        cnn_scheduler_free(s);
    }
}
END_TEST

START_TEST(cycles_end)
{
    cnn_scheduler *s = cnn_one_cycle_lr_new(o, .max_lr = 1, .total_steps = 3);
    ck_assert_int_eq(cnn_scheduler_step(s), CNN_OK);
    ck_assert_int_eq(cnn_scheduler_step(s), CNN_OK);
    double last = cnn_optimizer_lr(o, 0), momentum = momentum_of(0, false);
    near("one_cycle", 2, "rate", last, 1 / 25.0 / 1e4);
    ck_assert_int_eq(cnn_scheduler_step(s), CNN_OK);
    ck_assert(cnn_optimizer_lr(o, 0) == last && momentum_of(0, false) == momentum);
    assert_error(cnn_scheduler_step(s), CNN_ERROR_STATE, "scheduler_step: the OneCycleLR of 3 steps is over");
    ck_assert_int_eq(cnn_scheduler_last_epoch(s), 3);
    cnn_scheduler_free(s);
    for (int steps = 1; steps < 12; steps++) { /* PyTorch divides by zero where a phase has no length */
        for (double rise = 0; rise <= 1; rise += 0.125) {
            start_anew(false);
            s = cnn_one_cycle_lr_new(o, .max_lr = 1, .total_steps = steps, .pct_start = rise > 0 ? rise : CNN_ZERO,
                                     .anneal_strategy = CNN_ANNEAL_LINEAR, .three_phase = rise > 0.3 && rise < 0.5);
            for (int e = 1; e <= steps; e++) {
                ck_assert_msg(cnn_scheduler_step(s) == CNN_OK, "%s", cnn_last_error(ctx));
                ck_assert(cnn_optimizer_lr(o, 0) >= 0 && cnn_optimizer_lr(o, 0) <= 1);
            }
            cnn_scheduler_free(s);
        }
    }
}
END_TEST

START_TEST(momentum_that_cannot_cycle_is_refused)
{
    cnn_optimizer *plain = cnn_sgd_new(model, .lr = 0.5);
    ck_assert_ptr_null(cnn_one_cycle_lr_new(plain, .max_lr = 1, .total_steps = 9));
    assert_error(cnn_context_status(ctx), CNN_ERROR_STATE, "one_cycle_lr_create: group 0 was made without \"momentum_buffer\"");
    ck_assert(cnn_optimizer_lr(plain, 0) == 0.5);
    ck_assert_ptr_null(cnn_one_cycle_lr_new(o, .max_lr = 1, .total_steps = 9, .base_momentum = CNN_ZERO));
    assert_error(cnn_context_status(ctx), CNN_ERROR_STATE, "one_cycle_lr_create: group 0 was made with \"momentum_buffer\"");
    cnn_scheduler *s = cnn_one_cycle_lr_new(plain, .max_lr = 1, .total_steps = 9, .no_cycle_momentum = true);
    ck_assert_ptr_nonnull(s);
    cnn_scheduler_free(s);
    cnn_optimizer_free(plain);
}
END_TEST

#define REFUSED(message, ...) \
    do { \
        ck_assert_ptr_null(__VA_ARGS__); \
        assert_error(cnn_context_status(NULL), CNN_ERROR_INVALID_ARGUMENT, message); \
        cnn_context_clear_error(NULL); \
    } while (0)

START_TEST(bad_options_are_refused)
{
    REFUSED("step_lr_create: step_size is not given, StepLR has no default for it", cnn_step_lr_create(o, NULL));
    REFUSED("step_lr_create: step_size is -1, expected an integer from 1 to 2^53", cnn_step_lr_new(o, .step_size = -1));
    REFUSED("step_lr_create: gamma is nan, expected a finite number", cnn_step_lr_new(o, .step_size = 1, .gamma = NAN));
    REFUSED("multi_step_lr_create: milestones is NULL", cnn_multi_step_lr_new(o, .milestone_count = 2));
    REFUSED("multi_step_lr_create: the count of milestones is -2", cnn_multi_step_lr_new(o, .milestone_count = -2));
    REFUSED("multi_step_lr_create: milestone number 1 is -3", cnn_multi_step_lr_new(o, MILESTONES(1, -3)));
    REFUSED("constant_lr_create: factor is 1.5, expected 0 to 1", cnn_constant_lr_new(o, .factor = 1.5));
    REFUSED("linear_lr_create: start_factor is 0, expected above 0", cnn_linear_lr_new(o, .start_factor = CNN_ZERO));
    REFUSED("linear_lr_create: end_factor is -1, expected 0 to 1", cnn_linear_lr_new(o, .end_factor = -1));
    REFUSED("exponential_lr_create: gamma is not given", cnn_exponential_lr_new(o));
    REFUSED("polynomial_lr_create: power is -1", cnn_polynomial_lr_new(o, .power = -1));
    REFUSED("cosine_annealing_lr_create: T_max is not given", cnn_cosine_annealing_lr_new(o));
    REFUSED("cosine_annealing_lr_create: eta_min is -1", cnn_cosine_annealing_lr_new(o, .T_max = 1, .eta_min = -1));
    REFUSED("cosine_annealing_warm_restarts_create: T_mult is -1", cnn_cosine_annealing_warm_restarts_new(o, .T_0 = 1, .T_mult = -1));
    REFUSED("one_cycle_lr_create: max_lr is not given", cnn_one_cycle_lr_new(o, .total_steps = 5));
    REFUSED("one_cycle_lr_create: neither total_steps nor epochs", cnn_one_cycle_lr_new(o, .max_lr = 1, .epochs = 5));
    REFUSED("one_cycle_lr_create: epochs is 5 and steps_per_epoch is -1",
            cnn_one_cycle_lr_new(o, .max_lr = 1, .epochs = 5, .steps_per_epoch = -1));
    REFUSED("one_cycle_lr_create: there are 1 max_lrs, expected 2, one for each group",
            cnn_one_cycle_lr_new(o, .total_steps = 5, .max_lrs = (const double[]){ 1 }, .max_lr_count = 1));
    REFUSED("one_cycle_lr_create: max_momentum is 1, expected at least 0 and below 1",
            cnn_one_cycle_lr_new(o, .total_steps = 5, .max_lr = 1, .max_momentum = 1));
    REFUSED("one_cycle_lr_create: anneal_strategy is 2", cnn_one_cycle_lr_new(o, .total_steps = 5, .max_lr = 1, .anneal_strategy = (cnn_anneal_strategy)2));
    REFUSED("lambda_lr_create: lr_lambda is NULL", cnn_lambda_lr_create(o, NULL));
    REFUSED("reduce_lr_on_plateau_create: factor is 1, expected", cnn_reduce_lr_on_plateau_new(o, .factor = 1));
    REFUSED("reduce_lr_on_plateau_create: mode is 7, expected 0 or 1", cnn_reduce_lr_on_plateau_new(o, .mode = (cnn_plateau_mode)7));
    REFUSED("reduce_lr_on_plateau_create: min_lr number 1 is -1",
            cnn_reduce_lr_on_plateau_new(o, .min_lrs = (const double[]){ 0, -1 }, .min_lr_count = 2));
    REFUSED("step_lr_create: optimizer is NULL", cnn_step_lr_new(NULL, .step_size = 1));
    cnn_optimizer *empty = cnn_adam_create_for(ctx, NULL, 0, NULL);
    REFUSED("linear_lr_create: the optimizer has no group yet", cnn_linear_lr_new(empty));
    cnn_optimizer_free(empty);
    ck_assert(cnn_optimizer_lr(o, 0) == 0.1 && cnn_optimizer_lr(o, 1) == 0.03);
}
END_TEST

START_TEST(bad_calls_are_refused)
{
    cnn_scheduler *step = cnn_step_lr_new(o, .step_size = 2), *plateau = cnn_reduce_lr_on_plateau_new(o);
    assert_error(cnn_scheduler_step(plateau), CNN_ERROR_INVALID_ARGUMENT, "scheduler_step: a ReduceLROnPlateau needs a metric");
    assert_error(cnn_scheduler_step_metric(step, 1), CNN_ERROR_INVALID_ARGUMENT, "scheduler_step_metric: a StepLR takes no metric");
    ck_assert(isnan(cnn_scheduler_get_lr(step, 2)) && isnan(cnn_scheduler_get_lr(step, -1)));
    ck_assert(isnan(cnn_scheduler_get_lr(NULL, 0)) && cnn_scheduler_last_epoch(NULL) == 0);
    assert_error(cnn_scheduler_step(NULL), CNN_ERROR_INVALID_ARGUMENT, "scheduler_step: scheduler is NULL");
    cnn_scheduler_free(NULL);
    cnn_scheduler_free(step);
    cnn_scheduler_free(plateau);
}
END_TEST

/* A group that joins later keeps its rate. */
START_TEST(later_groups_are_left_alone)
{
    cnn_scheduler *s = cnn_exponential_lr_new(o, .gamma = 0.5);
    cnn_tensor *late = cnn_tensor_zeros(ctx, CNN_F64, CNN_SHAPE(1));
    ck_assert_int_eq(cnn_sgd_add_group(o, &late, 1, CNN_OPTIONS(cnn_sgd_options, .lr = 7)), CNN_OK);
    ck_assert_int_eq(cnn_scheduler_step(s), CNN_OK);
    ck_assert(cnn_optimizer_lr(o, 0) == 0.05 && cnn_optimizer_lr(o, 2) == 7);
    cnn_scheduler_free(s);
    cnn_tensor_free(late);
}
END_TEST

/* Every allocation fails once: NULL, its message, and rates as they were. */
START_TEST(failing_allocations_change_nothing)
{
    const schedule_case *c = &schedule_cases[_i];
    start_anew(case_has(c, "adam"));
    long calls = atomic_load(&meter.calls);
    cnn_scheduler *s = c->make(o);
    long needed = atomic_load(&meter.calls) - calls;
    cnn_scheduler_free(s);
    ck_assert_int_ge(needed, 2);
    for (long i = 0; i < needed; i++) {
        start_anew(case_has(c, "adam"));
        atomic_store(&meter.fail_at, atomic_load(&meter.calls) + i);
        s = c->make(o);
        meter_reset();
        ck_assert_msg(s == NULL, "%s without allocation %ld", c->name, i);
    }
}
END_TEST

/* A load whose memory fails changes no rate and no counter. */
START_TEST(failing_loads_change_nothing)
{
    cnn_scheduler *s = cnn_exponential_lr_new(o, .gamma = 0.5);
    ck_assert_int_eq(save(s, in_folder("c")), CNN_OK);
    ck_assert_int_eq(cnn_scheduler_step(s), CNN_OK);
    for (long i = 0, failed = 1; failed; i++) {
        atomic_store(&meter.fail_at, atomic_load(&meter.calls) + i);
        cnn_status status = load(s, in_folder("c"));
        failed = atomic_load(&meter.calls) > atomic_load(&meter.fail_at);
        meter_reset();
        ck_assert_int_eq(status, failed ? CNN_ERROR_NO_MEMORY : CNN_OK);
        ck_assert(cnn_optimizer_lr(o, 0) == (failed ? 0.05 : 0.1) && cnn_scheduler_last_epoch(s) == failed);
    }
    cnn_scheduler_free(s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("schedules");
    TCase *rates = suite_case(suite, "rates", groups_setup, groups_teardown);
    tcase_add_loop_test(rates, rates_are_pytorchs, 0, SCHEDULE_CASES);
    tcase_add_test(rates, schedulers_are_chained);
    tcase_add_test(rates, later_groups_are_left_alone);
    TCase *checkpoints = suite_case(suite, "checkpoints", groups_setup, groups_teardown);
    tcase_add_loop_test(checkpoints, checkpoints_resume_schedules, 0, SCHEDULE_CASES);
    tcase_add_test(checkpoints, checkpoints_carry_options);
    tcase_add_test(checkpoints, failing_loads_change_nothing);
    tcase_add_test(checkpoints, checkpoints_that_do_not_fit_change_nothing);
    TCase *ownership = suite_case(suite, "ownership", groups_setup, groups_teardown);
    tcase_add_test(ownership, schedulers_keep_their_optimizer);
    tcase_add_test(ownership, a_sequence_owns_its_schedulers);
    tcase_add_test(ownership, a_sequence_that_fails_frees_its_schedulers);
    TCase *refused = suite_case(suite, "refused", groups_setup, groups_teardown);
    tcase_add_test(refused, a_step_that_fails_changes_nothing);
    tcase_add_test(refused, cycles_end);
    tcase_add_test(refused, momentum_that_cannot_cycle_is_refused);
    tcase_add_test(refused, bad_options_are_refused);
    tcase_add_test(refused, bad_calls_are_refused);
    tcase_add_loop_test(refused, failing_allocations_change_nothing, 0, SCHEDULE_CASES);
    return suite_run(suite);
}
