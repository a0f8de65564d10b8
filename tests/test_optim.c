/* Optimizers: groups, learning rates, and the reasons for which a step is refused. What holds for every optimizer, such as
 * that its steps are PyTorch's, is in test_optimizers.c. */
#include "support/elements.h"
#include "support/files.h"
#include "support/suite.h"

static cnn_context *ctx;
static cnn_tape *tape;

static void setup(void)
{
    ctx = metered_context(1);
    tape = cnn_tape_new(ctx);
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
}

/* Every test gives back all memory. */
static void teardown(void)
{
    meter_reset();
    cnn_tape_free(tape);
    cnn_context_free(ctx);
    ck_assert_uint_eq(atomic_load(&meter.now), 0);
}

static void failed_with(cnn_status status, const char *text)
{
    ck_assert_int_eq(cnn_context_status(NULL), status);
    ck_assert_msg(strstr(cnn_last_error(NULL), text), "\"%s\" does not say \"%s\"", cnn_last_error(NULL), text);
    cnn_context_clear_error(NULL);
    cnn_context_clear_error(ctx);
}

static cnn_tensor *pass_on(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)self, (void)user;
    return x;
}

/* A module with parameters p0, p1, … of `values`. */
static cnn_module *module_of(int count, cnn_dtype dtype, const cnn_tensor *values)
{
    cnn_module *m = cnn_module_new(ctx, pass_on);
    for (int i = 0; i < count; i++) {
        char name[8];
        snprintf(name, sizeof name, "p%d", i);
        cnn_tensor *p = cnn_tensor_empty(ctx, dtype, cnn_tensor_ndim(values), cnn_tensor_shape(values));
        ck_assert_int_eq(cnn_tensor_copy_from(p, values), CNN_OK);
        ck_assert_ptr_nonnull(cnn_module_add_parameter(m, name, p));
    }
    return m;
}

/* Makes `grad` the gradient of a parameter. */
static void set_grad(cnn_tensor *parameter, cnn_tensor *grad)
{
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tensor_zero_grad(parameter);
    cnn_tensor *x = cnn_input(tape, parameter);
    ck_assert_int_eq(cnn_backward_with(x, cnn_cast(cnn_input(tape, grad), cnn_tensor_dtype(parameter)), false), CNN_OK);
}

/* ---- groups ---- */

static cnn_tensor *ones;

static cnn_module *unit_module(int count)
{
    ones = cnn_tensor_ones(ctx, CNN_F64, CNN_SHAPE(2));
    return module_of(count, CNN_F64, ones);
}

static double value_of(const cnn_module *m, int i)
{
    return ((const double *)host_elements(cnn_module_parameter(m, i)))[0];
}

START_TEST(groups_have_options_of_their_own)
{
    cnn_module *m = unit_module(1), *extra = module_of(2, CNN_F64, ones);
    cnn_optimizer *sgd = cnn_sgd_new(m, .lr = 0.5);
    cnn_tensor *p[] = { cnn_module_parameter(extra, 0), cnn_module_parameter(extra, 1) };
    ck_assert_int_eq(cnn_sgd_add_group(sgd, &p[0], 1, CNN_OPTIONS(cnn_sgd_options, .lr = 0.25, .maximize = true)), CNN_OK);
    ck_assert_int_eq(cnn_sgd_add_group(sgd, &p[1], 1, NULL), CNN_OK); /* those of the first group */
    ck_assert_int_eq(cnn_optimizer_group_count(sgd), 3);
    ck_assert(cnn_optimizer_lr(sgd, 0) == 0.5 && cnn_optimizer_lr(sgd, 1) == 0.25 && cnn_optimizer_lr(sgd, 2) == 0.5);
    set_grad(cnn_module_parameter(m, 0), ones);
    set_grad(p[0], ones);
    set_grad(p[1], ones);
    ck_assert_int_eq(cnn_optimizer_step(sgd), CNN_OK);
    ck_assert(value_of(m, 0) == 0.5 && value_of(extra, 0) == 1.25 && value_of(extra, 1) == 0.5);
    ck_assert_int_eq(cnn_optimizer_set_lr(sgd, 1, 1), CNN_OK);
    ck_assert(cnn_optimizer_lr(sgd, 0) == 0.5 && cnn_optimizer_lr(sgd, 1) == 1);
    ck_assert_int_eq(cnn_optimizer_set_lr(sgd, -1, 0), CNN_OK);
    ck_assert_int_eq(cnn_optimizer_step(sgd), CNN_OK);
    ck_assert(value_of(m, 0) == 0.5 && value_of(extra, 0) == 1.25); /* a rate of 0 moves nothing */
    ck_assert_int_eq(cnn_optimizer_zero_grad(sgd), CNN_OK);
    ck_assert(((const double *)host_elements(cnn_tensor_grad(p[1])))[1] == 0);
    cnn_optimizer_free(sgd);
    cnn_module_free(m);
    cnn_module_free(extra);
    cnn_tensor_free(ones);
}
END_TEST

START_TEST(groups_are_of_the_optimizers_kind)
{
    cnn_module *m = unit_module(1), *extra = module_of(1, CNN_F64, ones);
    cnn_optimizer *adam = cnn_adam_new(m), *adamw = cnn_adamw_new(m), *sgd = cnn_sgd_new(m, .lr = 1);
    cnn_tensor *fresh = cnn_module_parameter(extra, 0);
    ck_assert_int_eq(cnn_sgd_add_group(adam, &fresh, 1, CNN_OPTIONS(cnn_sgd_options, .lr = 1)), CNN_ERROR_INVALID_ARGUMENT);
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "sgd_add_group: the optimizer is Adam, expected SGD");
    ck_assert_int_eq(cnn_adam_add_group(sgd, &fresh, 1, CNN_OPTIONS(cnn_adam_options, .lr = 1)), CNN_ERROR_INVALID_ARGUMENT);
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "adam_add_group: the optimizer is SGD, expected Adam");
    ck_assert_int_eq(cnn_adam_add_group(adamw, &fresh, 1, NULL), CNN_ERROR_INVALID_ARGUMENT);
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "adam_add_group: the optimizer is AdamW, expected Adam");
    ck_assert_int_eq(cnn_adamw_add_group(adam, &fresh, 1, NULL), CNN_ERROR_INVALID_ARGUMENT);
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "adamw_add_group: the optimizer is Adam, expected AdamW");
    ck_assert(cnn_optimizer_group_count(adam) == 1 && cnn_optimizer_group_count(sgd) == 1);
    ck_assert_int_eq(cnn_adam_add_group(adam, &fresh, 1, NULL), CNN_OK);
    ck_assert_int_eq(cnn_adamw_add_group(adamw, &fresh, 1, NULL), CNN_OK);
    ck_assert_int_eq(cnn_sgd_add_group(sgd, &fresh, 1, NULL), CNN_OK);
    cnn_optimizer_free(adam);
    cnn_optimizer_free(adamw);
    cnn_optimizer_free(sgd);
    cnn_module_free(m);
    cnn_module_free(extra);
    cnn_tensor_free(ones);
}
END_TEST

START_TEST(bad_groups_change_nothing)
{
    cnn_module *m = unit_module(2), *extra = module_of(1, CNN_F64, ones);
    cnn_optimizer *adam = cnn_adam_new(m, .lr = 0.1);
    cnn_tensor *own = cnn_module_parameter(m, 1), *fresh = cnn_module_parameter(extra, 0);
    cnn_tensor *twice[] = { fresh, fresh }, *missing[] = { fresh, NULL };
    cnn_tensor *whole = cnn_tensor_ones(ctx, CNN_I64, CNN_SHAPE(2)), *on_tape = cnn_exp(cnn_input(tape, fresh));
    cnn_context *other = cnn_context_new(.threads = 1);
    cnn_tensor *foreign = cnn_tensor_ones(other, CNN_F64, CNN_SHAPE(2));
    ck_assert_int_eq(cnn_adam_add_group(adam, &own, 1, NULL), CNN_ERROR_INVALID_ARGUMENT);
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "adam_add_group: parameters[0], of shape [2], is in group 0 already");
    ck_assert_int_eq(cnn_adam_add_group(adam, twice, 2, NULL), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_int_eq(cnn_adam_add_group(adam, missing, 2, NULL), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_int_eq(cnn_adam_add_group(adam, &whole, 1, NULL), CNN_ERROR_DTYPE);
    failed_with(CNN_ERROR_DTYPE, "adam_add_group: the tensor is int64, expected float32 or float64");
    ck_assert_int_eq(cnn_adam_add_group(adam, &on_tape, 1, NULL), CNN_ERROR_STATE);
    ck_assert_int_eq(cnn_adam_add_group(adam, &foreign, 1, NULL), CNN_ERROR_STATE);
    ck_assert_int_eq(cnn_adam_add_group(adam, &fresh, 0, NULL), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_int_eq(cnn_adam_add_group(adam, NULL, 1, NULL), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_int_eq(cnn_adam_add_group(NULL, &fresh, 1, NULL), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_int_eq(cnn_adam_add_group(adam, &fresh, 1, CNN_OPTIONS(cnn_adam_options, .lr = -1)), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_int_eq(cnn_optimizer_group_count(adam), 1);
    ck_assert_int_eq(cnn_adam_add_group(adam, &fresh, 1, NULL), CNN_OK);
    cnn_tensor_free(foreign);
    cnn_context_free(other);
    cnn_tensor_free(whole);
    cnn_optimizer_free(adam);
    cnn_module_free(m);
    cnn_module_free(extra);
    cnn_tensor_free(ones);
}
END_TEST

START_TEST(bad_options_are_refused)
{
    cnn_module *m = unit_module(1), *none = cnn_relu_new(ctx);
    const cnn_adam_options bad[] = {
        { .lr = -0.1 },   { .lr = NAN },       { .beta1 = 1 }, { .beta1 = -0.5 },        { .beta2 = 1.5 },
        { .beta2 = NAN }, { .eps = -1e-8 },    { .eps = NAN }, { .weight_decay = -0.1 }, { .weight_decay = NAN },
    };
    static const char *const names[] = { "lr", "lr", "beta1", "beta1", "beta2", "beta2", "eps", "eps", "weight_decay", "weight_decay" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cnn_adam_options o = bad[i];
        char text[64];
        o.struct_size = sizeof o;
        ck_assert_ptr_null(cnn_adam_create(m, &o));
        snprintf(text, sizeof text, "adam_create: %s is ", names[i]);
        failed_with(CNN_ERROR_INVALID_ARGUMENT, text);
        ck_assert_ptr_null(cnn_adamw_create(m, &o));
        snprintf(text, sizeof text, "adamw_create: %s is ", names[i]);
        failed_with(CNN_ERROR_INVALID_ARGUMENT, text);
    }
    ck_assert_ptr_null(cnn_sgd_create(m, NULL));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "sgd_create: lr is not given");
    ck_assert_ptr_null(cnn_sgd_new(m, .lr = 1, .nesterov = true));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "sgd_create: nesterov needs momentum > 0 and dampening 0");
    ck_assert_ptr_null(cnn_sgd_new(m, .lr = 1, .nesterov = true, .momentum = 0.9, .dampening = 0.25));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "sgd_create: nesterov needs momentum > 0 and dampening 0");
    ck_assert_ptr_null(cnn_sgd_new(m, .lr = -1));
    ck_assert_ptr_null(cnn_sgd_new(m, .lr = 1, .momentum = -0.1));
    ck_assert_ptr_null(cnn_sgd_new(m, .lr = 1, .weight_decay = NAN));
    ck_assert_ptr_null(cnn_sgd_new(m, .lr = 1, .dampening = NAN));
    ck_assert_ptr_null(cnn_adam_create(NULL, NULL));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "adam_create: module is NULL");
    ck_assert_ptr_null(cnn_adam_create(none, NULL));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "adam_create: the module has no parameters");
    cnn_optimizer *adam = cnn_adam_create(m, NULL);
    ck_assert_double_eq(cnn_optimizer_lr(adam, 0), 1e-3);
    ck_assert(isnan(cnn_optimizer_lr(adam, 1)) && isnan(cnn_optimizer_lr(adam, -1)) && isnan(cnn_optimizer_lr(NULL, 0)));
    ck_assert_int_eq(cnn_optimizer_set_lr(adam, 1, 0.1), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_int_eq(cnn_optimizer_set_lr(adam, -2, 0.1), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_int_eq(cnn_optimizer_set_lr(adam, 0, -0.1), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_int_eq(cnn_optimizer_set_lr(adam, 0, NAN), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_int_eq(cnn_optimizer_set_lr(NULL, 0, 0.1), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_double_eq(cnn_optimizer_lr(adam, 0), 1e-3);
    ck_assert_int_eq(cnn_optimizer_step(NULL), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_int_eq(cnn_optimizer_zero_grad(NULL), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_int_eq(cnn_optimizer_group_count(NULL), 0);
    ck_assert_int_eq(cnn_optimizer_step_count(NULL), 0);
    cnn_optimizer_free(NULL);
    cnn_optimizer_free(adam);
    cnn_module_free(m);
    cnn_module_free(none);
    cnn_tensor_free(ones);
}
END_TEST

/* ---- steps ---- */

/* As in PyTorch a parameter's own count of updates, not the optimizer's, corrects the bias of its moments. */
START_TEST(parameters_without_a_gradient_are_left_alone)
{
    cnn_module *m = unit_module(2);
    cnn_optimizer *adam = cnn_adam_new(m, .lr = 0.1);
    ck_assert_int_eq(cnn_optimizer_step(adam), CNN_OK);
    ck_assert(value_of(m, 0) == 1 && value_of(m, 1) == 1);
    for (int i = 0; i < 3; i++) {
        set_grad(cnn_module_parameter(m, 0), ones);
        ck_assert_int_eq(cnn_optimizer_step(adam), CNN_OK);
    }
    ck_assert_double_eq_tol(value_of(m, 0), 1 - 3 * 0.1, 1e-7);
    ck_assert_double_eq(value_of(m, 1), 1);
    set_grad(cnn_module_parameter(m, 1), ones);
    ck_assert_int_eq(cnn_optimizer_step(adam), CNN_OK);
    ck_assert_double_eq_tol(value_of(m, 1), 0.9, 1e-7); /* its first update is a whole one */
    ck_assert_int_eq(cnn_optimizer_step_count(adam), 5);
    cnn_optimizer_free(adam);
    cnn_module_free(m);
    cnn_tensor_free(ones);
}
END_TEST

static cnn_optimizer *decaying(int kind, cnn_module *m)
{
    return kind == 0   ? cnn_adam_new(m, .lr = 0.1, .weight_decay = 0.5)
           : kind == 1 ? cnn_adamw_new(m, .lr = 0.1, .weight_decay = 0.5)
                       : cnn_sgd_new(m, .lr = 0.1, .momentum = 0.9, .weight_decay = 0.5);
}

/* Nothing of it moves: not by momentum, by weight decay or by the gradient that it had, and it goes on as if the steps between
 * had not been. As in PyTorch the gradient stays. */
START_TEST(frozen_parameters_are_left_alone)
{
    for (int kind = 0; kind < 3; kind++) {
        cnn_module *m = unit_module(2), *same = module_of(1, CNN_F64, ones);
        cnn_tensor *still = cnn_module_parameter(m, 0), *moving = cnn_module_parameter(m, 1);
        cnn_optimizer *o = decaying(kind, m), *other = decaying(kind, same);
        for (int i = 0; i < 8; i++) {
            bool frozen = i >= 2 && i < 5;
            set_grad(moving, ones);
            ck_assert_int_eq(cnn_tensor_set_requires_grad(still, !frozen), CNN_OK);
            if (!frozen) {
                set_grad(still, ones);
            }
            ck_assert_double_eq(((const double *)host_elements(cnn_tensor_grad(still)))[0], 1);
            double before = value_of(m, 0);
            ck_assert_int_eq(cnn_optimizer_step(o), CNN_OK);
            ck_assert_int_eq(value_of(m, 0) == before, frozen);
        }
        set_grad(cnn_module_parameter(same, 0), ones);
        for (int i = 0; i < 5; i++) {
            ck_assert_int_eq(cnn_optimizer_step(other), CNN_OK);
        }
        ck_assert_double_eq(value_of(m, 0), value_of(same, 0));
        cnn_optimizer_free(other);
        cnn_module_free(same);
        cnn_optimizer_free(o);
        cnn_module_free(m);
        cnn_tensor_free(ones);
    }
}
END_TEST

START_TEST(a_step_after_an_error_is_refused_whole)
{
    cnn_module *m = unit_module(2);
    cnn_optimizer *sgd = cnn_sgd_new(m, .lr = 0.5);
    set_grad(cnn_module_parameter(m, 0), ones);
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tensor *x = cnn_input(tape, cnn_module_parameter(m, 0));
    cnn_backward(cnn_sum(cnn_reshape(x, CNN_SHAPE(3)), CNN_ALL_DIMS, false));
    ck_assert_int_eq(cnn_optimizer_step(sgd), CNN_ERROR_SHAPE);
    failed_with(CNN_ERROR_SHAPE, "reshape: ");
    cnn_tape_begin(tape, CNN_TRAIN);
    ck_assert_int_eq(cnn_optimizer_step(sgd), CNN_ERROR_SHAPE); /* until the gradients are zeroed */
    ck_assert(value_of(m, 0) == 1 && cnn_optimizer_step_count(sgd) == 0);
    set_grad(cnn_module_parameter(m, 0), ones);
    ck_assert_int_eq(cnn_optimizer_step(sgd), CNN_OK);
    ck_assert(value_of(m, 0) == 0.5 && cnn_optimizer_step_count(sgd) == 1);
    /* An error in evaluation made no gradient: the optimizer does not mind. */
    cnn_tape *eval = cnn_tape_new(ctx);
    cnn_tape_begin(eval, CNN_EVAL);
    cnn_reshape(cnn_input(eval, cnn_module_parameter(m, 0)), CNN_SHAPE(3));
    ck_assert_int_eq(cnn_tape_status(eval), CNN_ERROR_SHAPE);
    ck_assert_int_eq(cnn_optimizer_step(sgd), CNN_OK);
    ck_assert_double_eq(value_of(m, 0), 0);
    cnn_tape_free(eval);
    cnn_optimizer_free(sgd);
    cnn_module_free(m);
    cnn_tensor_free(ones);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("optim");
    TCase *groups = suite_case(suite, "groups", setup, teardown);
    tcase_add_test(groups, groups_have_options_of_their_own);
    tcase_add_test(groups, bad_groups_change_nothing);
    tcase_add_test(groups, groups_are_of_the_optimizers_kind);
    tcase_add_test(groups, bad_options_are_refused);
    TCase *steps = suite_case(suite, "steps", setup, teardown);
    tcase_add_test(steps, parameters_without_a_gradient_are_left_alone);
    tcase_add_test(steps, a_step_after_an_error_is_refused_whole);
    tcase_add_test(steps, frozen_parameters_are_left_alone);
    return suite_run(suite);
}
