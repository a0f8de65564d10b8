/* Parameter groups: optimizers over tensors, groups chosen by a predicate over a module, options changed on the way; what
 * they do to parameters against plain formulas, and that they resume from a checkpoint to the bit. */
#include "support/elements.h"
#include "support/io.h"

#include <math.h>

static cnn_tape *tape;

static void groups_setup(void)
{
    setup();
    tape = cnn_tape_new(ctx);
}

static void groups_teardown(void)
{
    cnn_tape_free(tape);
    teardown();
}

static void failed_with(cnn_status status, const char *text)
{
    ck_assert_int_eq(cnn_context_status(NULL), status);
    ck_assert_msg(strstr(cnn_last_error(NULL), text), "\"%s\" does not say \"%s\"", cnn_last_error(NULL), text);
    cnn_context_clear_error(NULL);
    cnn_context_clear_error(ctx);
}

/* Adds `value` to the gradient of every element of the module's trained parameters. */
static void add_gradients(cnn_module *module, double value)
{
    for (int i = 0; i < cnn_module_parameter_count(module); i++) {
        cnn_tensor *p = cnn_module_parameter(module, i);
        if (!cnn_tensor_requires_grad(p)) {
            continue;
        }
        cnn_tape_begin(tape, CNN_TRAIN);
        cnn_tensor *grad = cnn_tensor_full(ctx, cnn_tensor_dtype(p), value, cnn_tensor_ndim(p), cnn_tensor_shape(p));
        ck_assert_int_eq(cnn_backward_with(cnn_input(tape, p), grad, false), CNN_OK);
        cnn_tensor_free(grad);
    }
}

/* The predicates of the usual split: what decays are the weights. */
static bool ends_with(const char *name, const char *end)
{
    size_t length = strlen(name), size = strlen(end);
    return length >= size && strcmp(name + length - size, end) == 0;
}

static bool is_weight(const char *name, const cnn_tensor *parameter, void *user)
{
    (void)parameter, (void)user;
    return ends_with(name, "weight");
}

static bool is_bias(const char *name, const cnn_tensor *parameter, void *user)
{
    (void)parameter, (void)user;
    return ends_with(name, "bias");
}

static bool is_any(const char *name, const cnn_tensor *parameter, void *user)
{
    (void)name, (void)parameter, (void)user;
    return true;
}

static cnn_module *linear_f64(void)
{
    cnn_module *m = cnn_linear_new(ctx, 2, 2, .dtype = CNN_F64);
    cnn_tensor_fill(cnn_module_find(m, "weight"), 3);
    cnn_tensor_fill(cnn_module_find(m, "bias"), 3);
    return m;
}

static double first(const cnn_module *module, const char *name)
{
    return *(const double *)host_elements(cnn_module_find(module, name));
}

/* ---- groups by a predicate ---- */

START_TEST(weights_decay_and_biases_do_not)
{
    cnn_module *m = linear_f64();
    cnn_optimizer *sgd = cnn_sgd_create_for(ctx, NULL, 0, CNN_OPTIONS(cnn_sgd_options, .lr = 0.5));
    ck_assert_int_eq(cnn_optimizer_group_count(sgd), 0);
    ck_assert_int_eq(cnn_sgd_add_group_where(sgd, m, is_weight, NULL,
                                             CNN_OPTIONS(cnn_sgd_options, .lr = 0.25, .weight_decay = 0.5)),
                     CNN_OK);
    ck_assert_int_eq(cnn_sgd_add_group_where(sgd, m, is_bias, NULL, CNN_OPTIONS(cnn_sgd_options, .lr = 0.5)), CNN_OK);
    ck_assert_int_eq(cnn_optimizer_group_count(sgd), 2);
    add_gradients(m, 2);
    ck_assert_int_eq(cnn_optimizer_step(sgd), CNN_OK);
    ck_assert_double_eq(first(m, "weight"), 3 - 0.25 * (2 + 0.5 * 3));
    ck_assert_double_eq(first(m, "bias"), 3 - 0.5 * 2);
    cnn_optimizer_free(sgd);
    cnn_module_free(m);
}
END_TEST

/* AdamW's first step moves by lr · sign(g), and decays by lr · weight_decay beforehand. */
START_TEST(each_kind_takes_groups_by_a_predicate)
{
    cnn_module *a = linear_f64(), *w = linear_f64();
    cnn_optimizer *adam = cnn_adam_create_for(ctx, NULL, 0, CNN_OPTIONS(cnn_adam_options, .lr = 0.5, .eps = CNN_ZERO));
    cnn_optimizer *adamw = cnn_adamw_create_for(ctx, NULL, 0, CNN_OPTIONS(cnn_adam_options, .lr = 0.5, .eps = CNN_ZERO));
    ck_assert_int_eq(cnn_adam_add_group_where(adam, a, is_any, NULL, NULL), CNN_OK); /* the options it was made with */
    ck_assert_int_eq(cnn_adamw_add_group_where(adamw, w, is_weight, NULL,
                                               CNN_OPTIONS(cnn_adam_options, .lr = 0.5, .eps = CNN_ZERO,
                                                           .weight_decay = 0.5)),
                     CNN_OK);
    ck_assert_int_eq(cnn_adamw_add_group_where(adamw, w, is_bias, NULL,
                                               CNN_OPTIONS(cnn_adam_options, .lr = 0.25, .eps = CNN_ZERO,
                                                           .weight_decay = CNN_ZERO)),
                     CNN_OK);
    add_gradients(a, 2);
    add_gradients(w, 2);
    ck_assert(cnn_optimizer_step(adam) == CNN_OK && cnn_optimizer_step(adamw) == CNN_OK);
    ck_assert_double_eq_tol(first(a, "weight"), 2.5, 1e-12);
    ck_assert_double_eq_tol(first(w, "weight"), 3 * (1 - 0.5 * 0.5) - 0.5, 1e-12);
    ck_assert_double_eq_tol(first(w, "bias"), 2.75, 1e-12);
    cnn_optimizer_free(adam);
    cnn_optimizer_free(adamw);
    cnn_module_free(a);
    cnn_module_free(w);
}
END_TEST

/* Every trained parameter is asked about once, under its whole name and in order; frozen ones are not. */
static bool note_name(const char *name, const cnn_tensor *parameter, void *user)
{
    char *names = user;
    ck_assert(cnn_tensor_requires_grad(parameter));
    strcat(strcat(names, name), " ");
    return true;
}

START_TEST(the_predicate_sees_whole_names_in_order)
{
    cnn_module *inner = cnn_sequential_new(ctx, cnn_linear_new(ctx, 2, 2), cnn_linear_new(ctx, 2, 2, .no_bias = true));
    cnn_module *m = cnn_sequential_new(ctx, cnn_linear_new(ctx, 2, 2), inner);
    char names[256] = "";
    cnn_tensor_set_requires_grad(cnn_module_find(m, "0.bias"), false);
    cnn_optimizer *sgd = cnn_sgd_create_for(ctx, NULL, 0, CNN_OPTIONS(cnn_sgd_options, .lr = 1));
    ck_assert_int_eq(cnn_sgd_add_group_where(sgd, m, note_name, names, NULL), CNN_OK);
    ck_assert_str_eq(names, "0.weight 1.0.weight 1.0.bias 1.1.weight ");
    cnn_optimizer_free(sgd);
    cnn_module_free(m);
}
END_TEST

START_TEST(nothing_is_moved_twice)
{
    cnn_module *m = linear_f64();
    cnn_tensor *weight = cnn_module_find(m, "weight"), *bias = cnn_module_find(m, "bias");
    cnn_tensor *twice[] = { bias, weight, bias };
    cnn_optimizer *sgd = cnn_sgd_create_for(ctx, &weight, 1, CNN_OPTIONS(cnn_sgd_options, .lr = 0.5));
    ck_assert_int_eq(cnn_sgd_add_group_where(sgd, m, is_any, NULL, NULL), CNN_ERROR_INVALID_ARGUMENT);
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "sgd_add_group_where: \"weight\", of shape [2,2], is in group 0 already, "
                                            "expected it in one group only");
    ck_assert_int_eq(cnn_sgd_add_group(sgd, twice + 1, 1, NULL), CNN_ERROR_INVALID_ARGUMENT);
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "sgd_add_group: parameters[0], of shape [2,2], is in group 0 already, "
                                            "expected it in one group only");
    cnn_optimizer *none = cnn_sgd_create_for(ctx, twice, 3, CNN_OPTIONS(cnn_sgd_options, .lr = 0.5));
    ck_assert_ptr_null(none);
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "sgd_create_for: parameters[2], of shape [2], is parameters[0] too, expected "
                                            "each once");
    ck_assert_int_eq(cnn_optimizer_group_count(sgd), 1);
    ck_assert_int_eq(cnn_sgd_add_group_where(sgd, m, is_bias, NULL, NULL), CNN_OK);
    add_gradients(m, 2);
    ck_assert_int_eq(cnn_optimizer_step(sgd), CNN_OK);
    ck_assert(first(m, "weight") == 2 && first(m, "bias") == 2);
    cnn_optimizer_free(sgd);
    cnn_module_free(m);
}
END_TEST

static bool is_none(const char *name, const cnn_tensor *parameter, void *user)
{
    (void)name, (void)parameter, (void)user;
    return false;
}

START_TEST(bad_groups_are_refused)
{
    const cnn_sgd_options options = { .struct_size = sizeof options, .lr = 0.5 };
    cnn_module *m = linear_f64(), *empty = cnn_relu_new(ctx);
    cnn_context *other = cnn_context_new(.threads = 1);
    cnn_module *foreign = cnn_linear_new(other, 2, 2);
    cnn_tensor *weight = cnn_module_find(m, "weight"), *none = NULL;
    cnn_optimizer *sgd = cnn_sgd_create_for(ctx, NULL, 0, &options), *adam = cnn_adam_new(m);
    ck_assert_ptr_null(cnn_sgd_create_for(NULL, &weight, 1, &options));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "sgd_create_for: ctx is NULL");
    ck_assert_ptr_null(cnn_sgd_create_for(ctx, &weight, -1, &options));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "sgd_create_for: count is -1, expected at least 0");
    ck_assert_ptr_null(cnn_sgd_create_for(ctx, NULL, 1, &options));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "sgd_create_for: parameters is NULL");
    ck_assert_ptr_null(cnn_sgd_create_for(ctx, &none, 1, &options));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "sgd_create_for: the tensor is NULL");
    ck_assert_ptr_null(cnn_sgd_create_for(ctx, &weight, 1, NULL));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "sgd_create_for: lr is not given");
    ck_assert_int_eq(cnn_sgd_add_group_where(sgd, m, is_none, NULL, NULL), CNN_ERROR_INVALID_ARGUMENT);
    failed_with(CNN_ERROR_INVALID_ARGUMENT,
                "sgd_add_group_where: none of the module's 2 parameters that require a gradient belongs to the group");
    ck_assert_int_eq(cnn_sgd_add_group_where(sgd, empty, is_any, NULL, NULL), CNN_ERROR_INVALID_ARGUMENT);
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "sgd_add_group_where: the module has no parameters");
    ck_assert_int_eq(cnn_sgd_add_group_where(sgd, foreign, is_any, NULL, NULL), CNN_ERROR_STATE);
    ck_assert_int_eq(cnn_sgd_add_group_where(sgd, NULL, is_any, NULL, NULL), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_int_eq(cnn_sgd_add_group_where(sgd, m, NULL, NULL, NULL), CNN_ERROR_INVALID_ARGUMENT);
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "sgd_add_group_where: belongs is NULL");
    ck_assert_int_eq(cnn_sgd_add_group_where(adam, m, is_any, NULL, NULL), CNN_ERROR_INVALID_ARGUMENT);
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "sgd_add_group_where: the optimizer is Adam, expected SGD");
    ck_assert_int_eq(cnn_optimizer_set_lr(sgd, -1, 1), CNN_ERROR_INVALID_ARGUMENT);
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "optimizer_set_lr: the optimizer has no group yet");
    ck_assert_int_eq(cnn_optimizer_group_count(sgd), 0);
    ck_assert_int_eq(cnn_optimizer_step(sgd), CNN_OK);
    cnn_optimizer_free(sgd);
    cnn_optimizer_free(adam);
    cnn_module_free(m);
    cnn_module_free(empty);
    cnn_module_free(foreign);
    cnn_context_free(other);
}
END_TEST

/* ---- optimizers over tensors ---- */

/* Over the same parameters in the same order it is the optimizer over the module, to the bit. */
START_TEST(tensors_are_trained_as_a_module_is)
{
    for (int k = 0; k < KINDS; k++) {
        cnn_module *a = make_model(4), *b = make_model(4);
        ck_assert_int_eq(cnn_module_copy_from(b, a), CNN_OK);
        cnn_tensor *all[16];
        int count = cnn_module_parameters(b, all, 16);
        cnn_optimizer *one = make_optimizer((kind)k, a);
        cnn_optimizer *other =
            k == ADAM    ? cnn_adam_create_for(ctx, all, count, CNN_OPTIONS(cnn_adam_options, .lr = 1e-2, .amsgrad = true))
            : k == ADAMW ? cnn_adamw_create_for(ctx, all, count, CNN_OPTIONS(cnn_adam_options, .lr = 1e-2))
                         : cnn_sgd_create_for(ctx, all, count, CNN_OPTIONS(cnn_sgd_options, .lr = 1e-2, .momentum = 0.9));
        cnn_random_state random;
        cnn_context_random_state(ctx, &random);
        train(a, one, 3);
        cnn_context_set_random_state(ctx, &random);
        train(b, other, 3);
        size_t size;
        unsigned char *state = state_of(a, &size);
        assert_state(b, state, size);
        free(state);
        cnn_optimizer_free(one);
        cnn_optimizer_free(other);
        cnn_module_free(a);
        cnn_module_free(b);
    }
}
END_TEST

/* ---- checkpoints ---- */

static cnn_optimizer *split_optimizer(const cnn_module *model)
{
    cnn_optimizer *adamw = cnn_adamw_create_for(ctx, NULL, 0, NULL);
    ck_assert_int_eq(cnn_adamw_add_group_where(adamw, model, is_weight, NULL,
                                               CNN_OPTIONS(cnn_adam_options, .lr = 1e-2, .weight_decay = 0.1)),
                     CNN_OK);
    ck_assert_int_eq(cnn_adamw_add_group_where(adamw, model, is_bias, NULL,
                                               CNN_OPTIONS(cnn_adam_options, .lr = 2e-2, .weight_decay = CNN_ZERO)),
                     CNN_OK);
    return adamw;
}

START_TEST(split_groups_resume_to_the_bit)
{
    cnn_module *model = make_model(4);
    cnn_optimizer *optimizer = split_optimizer(model);
    train(model, optimizer, 3);
    ck_assert_int_eq(cnn_optimizer_set(optimizer, 0, CNN_OPTION_WEIGHT_DECAY, 0.3), CNN_OK);
    ck_assert_int_eq(cnn_optimizer_set(optimizer, -1, CNN_OPTION_BETA2, 0.97), CNN_OK);
    ck_assert_int_eq(save_checkpoint(model, optimizer, 1, in_folder("c")), CNN_OK);
    train(model, optimizer, 3);
    size_t size;
    unsigned char *state = state_of(model, &size);
    cnn_module *again = make_model(4);
    cnn_optimizer *resumed = split_optimizer(again);
    ck_assert_msg(load_checkpoint(again, resumed, NULL, in_folder("c")) == CNN_OK, "%s", cnn_last_error(ctx));
    ck_assert_double_eq(cnn_optimizer_get(resumed, 0, CNN_OPTION_WEIGHT_DECAY), 0.3);
    ck_assert_double_eq(cnn_optimizer_get(resumed, 1, CNN_OPTION_WEIGHT_DECAY), 0);
    ck_assert_double_eq(cnn_optimizer_get(resumed, 1, CNN_OPTION_BETA2), 0.97);
    train(again, resumed, 3);
    assert_state(again, state, size);
    free(state);
    cnn_optimizer_free(optimizer);
    cnn_optimizer_free(resumed);
    cnn_module_free(model);
    cnn_module_free(again);
}
END_TEST

/* One that has no group yet is saved and loaded too, as one that has made no step. */
START_TEST(an_optimizer_without_groups_is_saved)
{
    cnn_module *model = make_model(4);
    cnn_optimizer *none = cnn_adamw_create_for(ctx, NULL, 0, NULL), *split = split_optimizer(model);
    ck_assert_int_eq(save_checkpoint(model, none, 1, in_folder("c")), CNN_OK);
    ck_assert_msg(load_checkpoint(model, none, NULL, in_folder("c")) == CNN_OK, "%s", cnn_last_error(ctx));
    ck_assert_int_eq(load_checkpoint(model, split, NULL, in_folder("c")), CNN_ERROR_MISMATCH);
    cnn_optimizer_free(none);
    cnn_optimizer_free(split);
    cnn_module_free(model);
}
END_TEST

/* ---- options on the way ---- */

/* Adam's formula in double, with other numbers from the second step on. */
START_TEST(options_count_from_the_next_step_on)
{
    const double g = 2, lr[] = { 0.1, 0.2 }, b1[] = { 0.9, 0.5 }, b2[] = { 0.99, 0.75 }, eps[] = { 0.5, 0.25 };
    const double decay[] = { 0.125, 0.5 }, sign[] = { 1, -1 };
    cnn_module *m = linear_f64();
    cnn_optimizer *adam = cnn_adam_new(m, .lr = lr[0], .beta1 = b1[0], .beta2 = b2[0], .eps = eps[0],
                                       .weight_decay = decay[0]);
    double p = 3, first_moment = 0, second_moment = 0;
    for (int i = 0; i < 4; i++) {
        int set = i > 0;
        if (i == 1) {
            ck_assert_int_eq(cnn_optimizer_set(adam, 0, CNN_OPTION_LR, lr[1]), CNN_OK);
            ck_assert_int_eq(cnn_optimizer_set(adam, -1, CNN_OPTION_BETA1, b1[1]), CNN_OK);
            ck_assert_int_eq(cnn_optimizer_set(adam, 0, CNN_OPTION_BETA2, b2[1]), CNN_OK);
            ck_assert_int_eq(cnn_optimizer_set(adam, 0, CNN_OPTION_EPS, eps[1]), CNN_OK);
            ck_assert_int_eq(cnn_optimizer_set(adam, 0, CNN_OPTION_WEIGHT_DECAY, decay[1]), CNN_OK);
            ck_assert_int_eq(cnn_optimizer_set(adam, 0, CNN_OPTION_MAXIMIZE, 1), CNN_OK);
        }
        cnn_optimizer_zero_grad(adam);
        add_gradients(m, g);
        ck_assert_int_eq(cnn_optimizer_step(adam), CNN_OK);
        double d = sign[set] * g + decay[set] * p;
        first_moment = b1[set] * first_moment + (1 - b1[set]) * d;
        second_moment = b2[set] * second_moment + (1 - b2[set]) * d * d;
        double bias1 = 1 - pow(b1[set], i + 1), bias2 = 1 - pow(b2[set], i + 1);
        p -= lr[set] / bias1 * first_moment / (sqrt(second_moment / bias2) + eps[set]);
        ck_assert_double_eq_tol(first(m, "weight"), p, 1e-12);
    }
    cnn_optimizer_free(adam);
    cnn_module_free(m);
}
END_TEST

START_TEST(sgd_has_its_own_options)
{
    cnn_module *m = linear_f64();
    cnn_optimizer *sgd = cnn_sgd_new(m, .lr = 0.5, .momentum = 0.5);
    ck_assert_int_eq(cnn_optimizer_set(sgd, 0, CNN_OPTION_MOMENTUM, 0.25), CNN_OK);
    ck_assert_int_eq(cnn_optimizer_set(sgd, 0, CNN_OPTION_NESTEROV, 1), CNN_OK);
    add_gradients(m, 2);
    ck_assert_int_eq(cnn_optimizer_step(sgd), CNN_OK); /* the first buffer is the gradient: 2 + 0.25 · 2 */
    ck_assert_double_eq(first(m, "bias"), 3 - 0.5 * 2.5);
    ck_assert_int_eq(cnn_optimizer_set(sgd, 0, CNN_OPTION_DAMPENING, 0.5), CNN_ERROR_INVALID_ARGUMENT);
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "optimizer_set: nesterov needs momentum > 0 and dampening 0");
    ck_assert_int_eq(cnn_optimizer_set(sgd, 0, CNN_OPTION_NESTEROV, 0), CNN_OK);
    ck_assert_int_eq(cnn_optimizer_set(sgd, 0, CNN_OPTION_DAMPENING, 0.5), CNN_OK);
    ck_assert_int_eq(cnn_optimizer_step(sgd), CNN_OK); /* 0.25 · 2 + 0.5 · 2 */
    ck_assert_double_eq(first(m, "bias"), 1.75 - 0.5 * 1.5);
    ck_assert_double_eq(cnn_optimizer_get(sgd, 0, CNN_OPTION_DAMPENING), 0.5);
    ck_assert_double_eq(cnn_optimizer_get(sgd, 0, CNN_OPTION_NESTEROV), 0);
    cnn_optimizer_free(sgd);
    cnn_module_free(m);
}
END_TEST

START_TEST(bad_options_change_nothing)
{
    cnn_module *m = linear_f64(), *other = linear_f64();
    cnn_optimizer *adam = cnn_adam_new(m), *sgd = cnn_sgd_new(m, .lr = 1);
    static const struct {
        cnn_optimizer_option option;
        double value;
        const char *message;
    } rules[] = { { CNN_OPTION_LR, -1, "optimizer_set: lr is -1, expected a finite number of at least 0" },
                  { CNN_OPTION_BETA1, 1, "optimizer_set: beta1 is 1, expected at least 0 and below 1" },
                  { CNN_OPTION_BETA2, -0.5, "optimizer_set: beta2 is -0.5, expected at least 0 and below 1" },
                  { CNN_OPTION_EPS, NAN, "optimizer_set: eps is nan" },
                  { CNN_OPTION_WEIGHT_DECAY, INFINITY, "optimizer_set: weight_decay is inf" },
                  { CNN_OPTION_MAXIMIZE, 2, "optimizer_set: maximize is 2, expected 0 or 1" },
                  { CNN_OPTION_MOMENTUM, 0.9, "optimizer_set: option is 7, expected one of those of Adam: lr, beta1, beta2, eps, weight_decay, amsgrad, maximize" },
                  { (cnn_optimizer_option)10, 0, "optimizer_set: option is 10, expected one of those of Adam: " } };
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        double before = cnn_optimizer_get(adam, 0, rules[i].option);
        ck_assert_int_eq(cnn_optimizer_set(adam, 0, rules[i].option, rules[i].value), CNN_ERROR_INVALID_ARGUMENT);
        failed_with(CNN_ERROR_INVALID_ARGUMENT, rules[i].message);
        double after = cnn_optimizer_get(adam, 0, rules[i].option);
        ck_assert(after == before || (isnan(after) && isnan(before)));
        cnn_context_clear_error(NULL);
    }
    ck_assert_int_eq(cnn_optimizer_set(adam, 0, CNN_OPTION_AMSGRAD, 1), CNN_ERROR_STATE);
    failed_with(CNN_ERROR_STATE, "optimizer_set: group 0 was made without \"max_exp_avg_sq\", which amsgrad of 1 needs");
    ck_assert_int_eq(cnn_optimizer_set(sgd, -1, CNN_OPTION_MOMENTUM, 0.9), CNN_ERROR_STATE);
    failed_with(CNN_ERROR_STATE, "optimizer_set: group 0 was made without \"momentum_buffer\", which momentum of 0.9 needs");
    ck_assert_int_eq(cnn_optimizer_set(NULL, 0, CNN_OPTION_LR, 1), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_int_eq(cnn_optimizer_set(adam, 1, CNN_OPTION_LR, 1), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_int_eq(cnn_optimizer_set(adam, -2, CNN_OPTION_LR, 1), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert(isnan(cnn_optimizer_get(NULL, 0, CNN_OPTION_LR)) && isnan(cnn_optimizer_get(adam, -1, CNN_OPTION_LR)));
    /* An option is set in all groups or in none: the second group has a momentum, which the first cannot have. */
    ck_assert_int_eq(cnn_sgd_add_group_where(sgd, other, is_any, NULL, CNN_OPTIONS(cnn_sgd_options, .lr = 1, .momentum = 0.5)),
                     CNN_OK);
    ck_assert_int_eq(cnn_optimizer_set(sgd, -1, CNN_OPTION_MOMENTUM, 0.25), CNN_ERROR_STATE);
    ck_assert_double_eq(cnn_optimizer_get(sgd, 1, CNN_OPTION_MOMENTUM), 0.5);
    cnn_optimizer_free(adam);
    cnn_optimizer_free(sgd);
    cnn_module_free(m);
    cnn_module_free(other);
}
END_TEST

START_TEST(failed_allocations_add_nothing)
{
    cnn_module *m = make_model(4);
    cnn_optimizer *adam = cnn_adam_create_for(ctx, NULL, 0, NULL);
    size_t before = atomic_load(&meter.now);
    cnn_status status = CNN_ERROR_NO_MEMORY;
    for (long n = 0; status != CNN_OK; n++) {
        ck_assert(status == CNN_ERROR_NO_MEMORY && atomic_load(&meter.now) == before);
        ck_assert_int_eq(cnn_optimizer_group_count(adam), 0);
        ck_assert_int_lt(n, 60);
        meter_reset();
        atomic_store(&meter.fail_at, n);
        status = cnn_adam_add_group_where(adam, m, is_any, NULL, NULL);
        meter_reset();
        ck_assert(status == CNN_OK || strncmp(cnn_last_error(ctx), "adam_add_group_where: ", 22) == 0);
    }
    cnn_optimizer_free(adam);
    cnn_module_free(m);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("groups");
    TCase *where = suite_case(suite, "where", groups_setup, groups_teardown);
    tcase_add_test(where, weights_decay_and_biases_do_not);
    tcase_add_test(where, each_kind_takes_groups_by_a_predicate);
    tcase_add_test(where, the_predicate_sees_whole_names_in_order);
    tcase_add_test(where, nothing_is_moved_twice);
    tcase_add_test(where, bad_groups_are_refused);
    tcase_add_test(where, failed_allocations_add_nothing);
    TCase *tensors = suite_case(suite, "tensors", groups_setup, groups_teardown);
    tcase_add_test(tensors, tensors_are_trained_as_a_module_is);
    TCase *checkpoints = suite_case(suite, "checkpoints", groups_setup, groups_teardown);
    tcase_add_test(checkpoints, split_groups_resume_to_the_bit);
    tcase_add_test(checkpoints, an_optimizer_without_groups_is_saved);
    TCase *options = suite_case(suite, "options", groups_setup, groups_teardown);
    tcase_add_test(options, options_count_from_the_next_step_on);
    tcase_add_test(options, sgd_has_its_own_options);
    tcase_add_test(options, bad_options_change_nothing);
    return suite_run(suite);
}
