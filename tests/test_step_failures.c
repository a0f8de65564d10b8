/* The effect of a failed step on an optimizer: whatever failed, and on whichever tape, its parameters do not move
 * until their gradients are zeroed, and other optimizers are not affected. */
#include "support/elements.h"
#include "support/nn.h"

#include <pthread.h>

/* A net [2,4] → [2,3] with its optimizer, and labels that fit or do not. */
typedef struct rig {
    cnn_module *net;
    cnn_optimizer *optimizer;
    cnn_tensor *x, *labels, *bad_labels;
} rig;

static rig rig_make(void)
{
    const float values[8] = { 1, 2, 3, 4, -5, 6, -7, 8 };
    const int64_t labels[2] = { 0, 2 }, bad[2] = { 0, 99 };
    rig r = { .net = cnn_sequential_new(ctx, cnn_linear_new(ctx, 4, 5), cnn_relu_new(ctx), cnn_linear_new(ctx, 5, 3)),
              .x = cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(2, 4), values),
              .labels = cnn_tensor_from_data(ctx, CNN_I64, CNN_SHAPE(2), labels),
              .bad_labels = cnn_tensor_from_data(ctx, CNN_I64, CNN_SHAPE(2), bad) };
    r.optimizer = cnn_adam_new(r.net, .lr = 0.01, .weight_decay = 0.1);
    ck_assert(r.optimizer && r.x && r.labels && r.bad_labels);
    return r;
}

static void rig_free(rig *r)
{
    cnn_optimizer_free(r->optimizer);
    cnn_module_free(r->net);
    cnn_tensor_free(r->x);
    cnn_tensor_free(r->labels);
    cnn_tensor_free(r->bad_labels);
}

/* All parameters, one after the other. */
static void read_parameters(const cnn_module *net, float out[64])
{
    for (int i = 0; i < cnn_module_parameter_count(net); i++) {
        cnn_tensor *p = cnn_module_parameter(net, i);
        ck_assert_int_eq(cnn_tensor_read(p, out, (size_t)cnn_tensor_numel(p) * sizeof *out), CNN_OK);
        out += cnn_tensor_numel(p);
    }
}

/* The optimizer refuses with this error, and nothing has moved since `before` was read. */
static void refused(rig *r, const float before[64], cnn_status status, const char *message)
{
    float after[64] = { 0 };
    ck_assert_int_eq(cnn_optimizer_step(r->optimizer), status);
    ck_assert_str_eq(cnn_last_error(ctx), message);
    read_parameters(r->net, after);
    ck_assert_mem_eq(before, after, sizeof after);
}

static cnn_status good_step(rig *r)
{
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tensor *loss = cnn_cross_entropy(cnn_forward(r->net, cnn_input(tape, r->x)), r->labels);
    cnn_optimizer_zero_grad(r->optimizer);
    cnn_backward(loss);
    return cnn_optimizer_step(r->optimizer);
}

/* ---- operations on no tape ---- */

static cnn_tensor *forget_input(rig *r)
{
    return cnn_cross_entropy(cnn_forward(r->net, r->x), r->labels);
}

static cnn_tensor *penalty_on_no_tape(rig *r)
{
    cnn_tensor *w = cnn_module_parameter(r->net, 0);
    cnn_tensor *loss = cnn_cross_entropy(cnn_forward(r->net, cnn_input(tape, r->x)), r->labels);
    return cnn_add(loss, cnn_sum(cnn_mul(w, w), CNN_ALL_DIMS, false));
}

static cnn_tensor *dropped_before(rig *r)
{
    cnn_exp(r->x);
    return cnn_cross_entropy(cnn_forward(r->net, cnn_input(tape, r->x)), r->labels);
}

static cnn_tensor *dropped_after(rig *r)
{
    cnn_tensor *loss = cnn_cross_entropy(cnn_forward(r->net, cnn_input(tape, r->x)), r->labels);
    cnn_exp(r->x);
    return loss;
}

static cnn_tensor *missing_parameter(rig *r)
{
    cnn_tensor *loss = cnn_cross_entropy(cnn_forward(r->net, cnn_input(tape, r->x)), r->labels);
    cnn_abs(cnn_module_find(r->net, "0.scale"));
    return loss;
}

static cnn_tensor *nothing_to_join(rig *r)
{
    cnn_concat(NULL, 0, 0);
    return cnn_cross_entropy(cnn_forward(r->net, cnn_input(tape, r->x)), r->labels);
}

static cnn_tensor *input_of_no_tape(rig *r)
{
    return cnn_cross_entropy(cnn_forward(r->net, cnn_input(NULL, r->x)), r->labels);
}

static cnn_tensor *no_loss(rig *r)
{
    cnn_forward(r->net, cnn_input(tape, r->x));
    return NULL;
}

static const struct {
    cnn_tensor *(*loss)(rig *r);
    cnn_status status;
    const char *message;
} mistakes[] = {
    { forget_input, CNN_ERROR_STATE, "forward: the input of Sequential is on no tape, expected one from cnn_input()" },
    { penalty_on_no_tape, CNN_ERROR_STATE, "mul: no operand is on a tape, expected one from cnn_input()" },
    { dropped_before, CNN_ERROR_STATE, "exp: no operand is on a tape, expected one from cnn_input()" },
    { dropped_after, CNN_ERROR_STATE, "exp: no operand is on a tape, expected one from cnn_input()" },
    { missing_parameter, CNN_ERROR_INVALID_ARGUMENT, "abs: operand 0 is NULL" },
    { nothing_to_join, CNN_ERROR_INVALID_ARGUMENT, "concat: 0 tensors at NULL, expected 1 or more" },
    { input_of_no_tape, CNN_ERROR_INVALID_ARGUMENT, "input: tape is NULL" },
    { no_loss, CNN_ERROR_INVALID_ARGUMENT, "backward: the tensor is NULL" },
};

START_TEST(a_failure_on_no_tape_fails_the_step)
{
    rig r = rig_make();
    float before[64] = { 0 };
    ck_assert_int_eq(good_step(&r), CNN_OK); /* there are gradients and moments that could move the weights */
    read_parameters(r.net, before);
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tensor *loss = mistakes[_i].loss(&r);
    cnn_optimizer_zero_grad(r.optimizer);
    ck_assert_int_eq(cnn_backward(loss), mistakes[_i].status);
    refused(&r, before, mistakes[_i].status, mistakes[_i].message);
    ck_assert_int_eq(cnn_tape_status(tape), mistakes[_i].status);
    ck_assert_str_eq(cnn_tape_error(tape), mistakes[_i].message);
    ck_assert_int_eq(cnn_optimizer_step_count(r.optimizer), 1);
    ck_assert_int_eq(good_step(&r), CNN_OK);
    rig_free(&r);
}
END_TEST

START_TEST(queries_fail_no_step)
{
    rig r = rig_make();
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tensor *out = cnn_forward(r.net, cnn_input(tape, r.x));
    ck_assert_ptr_null(cnn_module_find(r.net, "fc.weight"));
    ck_assert_int_eq(cnn_tensor_size(out, 7), 0);
    ck_assert_int_eq(cnn_tensor_numel(NULL), 0);
    ck_assert_ptr_null(cnn_module_parameter(r.net, -1));
    ck_assert_ptr_null(cnn_tensor_tape(NULL));
    ck_assert_int_eq(cnn_backward(cnn_cross_entropy(out, r.labels)), CNN_OK);
    ck_assert_int_eq(cnn_optimizer_step(r.optimizer), CNN_OK);
    rig_free(&r);
}
END_TEST

START_TEST(a_failure_of_another_context_counts_for_no_step)
{
    rig r = rig_make();
    cnn_context *other = cnn_context_new(.threads = 1);
    cnn_tensor *foreign = cnn_tensor_ones(other, CNN_F32, CNN_SHAPE(2));
    cnn_tape_begin(tape, CNN_TRAIN);
    ck_assert_int_ne(cnn_tensor_status(cnn_exp(foreign)), CNN_OK);
    ck_assert_str_eq(cnn_last_error(other), "exp: no operand is on a tape, expected one from cnn_input()");
    ck_assert_int_eq(cnn_tape_status(tape), CNN_OK);
    cnn_tensor_free(foreign);
    cnn_context_free(other);
    rig_free(&r);
}
END_TEST

/* The step that was begun last may be gone: its tape freed, or in the middle of another thread's step. */
static void *begin_elsewhere(void *other)
{
    return (void *)(intptr_t)cnn_tape_begin(other, CNN_TRAIN);
}

START_TEST(a_step_that_is_gone_takes_no_failures)
{
    rig r = rig_make();
    cnn_tape *other = cnn_tape_new(ctx);
    cnn_tape_begin(other, CNN_TRAIN);
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, begin_elsewhere, other), 0);
    pthread_join(thread, NULL);
    ck_assert_int_eq(cnn_tensor_status(cnn_exp(r.x)), CNN_ERROR_STATE);
    ck_assert_int_eq(cnn_tape_status(other), CNN_OK);
    cnn_tape_begin(other, CNN_TRAIN);
    cnn_tape_free(other);
    ck_assert_int_eq(cnn_tensor_status(cnn_exp(r.x)), CNN_ERROR_STATE);
    ck_assert_int_eq(cnn_tape_status(tape), CNN_OK); /* it was begun before the other one */
    rig_free(&r);
}
END_TEST

/* ---- two tapes ---- */

/* A device looks at labels while it computes: waiting makes it say at once, as the CPU does, what is wrong with them. */
static cnn_tensor *loss_of(cnn_tape *t, rig *r, cnn_tensor *x, cnn_tensor *labels)
{
    cnn_tensor *loss = cnn_cross_entropy(cnn_forward(r->net, cnn_input(t, x)), labels);
    cnn_context_synchronize(ctx);
    return loss;
}

static cnn_status step_on(cnn_tape *t, rig *r, cnn_tensor *labels)
{
    cnn_tape_begin(t, CNN_TRAIN);
    return cnn_backward(loss_of(t, r, r->x, labels));
}

static const char *bad_label(void)
{
    static char text[128];
    snprintf(text, sizeof text, "context_synchronize: on the device %s index_check failed: the index at 1 is 99", cnn_context_device(ctx));
    return on_device() ? text : "cross_entropy: target at [1] is 99, expected 0 to 2 or ignore_index -100";
}

START_TEST(a_failure_belongs_to_its_tape)
{
    rig a = rig_make(), b = rig_make();
    cnn_tape *other = cnn_tape_new(ctx);
    float before[64] = { 0 };
    ck_assert_int_eq(step_on(tape, &a, a.labels), CNN_OK);
    read_parameters(a.net, before);
    ck_assert_int_eq(step_on(tape, &a, a.bad_labels), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_int_eq(step_on(other, &b, b.bad_labels), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_int_eq(step_on(other, &b, b.labels), CNN_OK); /* gradients of a failed step are in it */
    ck_assert_int_eq(cnn_optimizer_step(b.optimizer), CNN_ERROR_INVALID_ARGUMENT);
    refused(&a, before, CNN_ERROR_INVALID_ARGUMENT, bad_label());
    cnn_optimizer_zero_grad(a.optimizer);
    ck_assert_int_eq(step_on(tape, &a, a.labels), CNN_OK);
    ck_assert_int_eq(step_on(other, &b, b.bad_labels), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_int_eq(cnn_optimizer_step(a.optimizer), CNN_OK);
    read_parameters(a.net, before);
    ck_assert_int_eq(step_on(tape, &a, a.bad_labels), CNN_ERROR_INVALID_ARGUMENT);
    cnn_tape_free(tape);
    tape = other;
    refused(&a, before, CNN_ERROR_INVALID_ARGUMENT, bad_label());
    ck_assert_int_eq(good_step(&a), CNN_OK);
    rig_free(&a);
    rig_free(&b);
}
END_TEST

START_TEST(an_operation_on_two_tapes_fails_both_steps)
{
    rig a = rig_make(), b = rig_make();
    cnn_tape *other = cnn_tape_new(ctx);
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tape_begin(other, CNN_TRAIN);
    cnn_tensor *here = cnn_forward(a.net, cnn_input(tape, a.x)), *there = cnn_forward(b.net, cnn_input(other, b.x));
    cnn_tensor *nil = cnn_add(here, there);
    ck_assert_int_eq(cnn_tape_status(tape), CNN_ERROR_STATE);
    ck_assert_str_eq(cnn_tape_error(other), "add: operand 1 is a result on another tape");
    ck_assert_int_eq(cnn_optimizer_step(b.optimizer), CNN_ERROR_STATE);
    cnn_tape_begin(other, CNN_TRAIN);
    cnn_mul(cnn_input(other, b.x), nil);
    ck_assert_str_eq(cnn_tape_error(other), "mul: operand 1 is the result of a failed operation");
    cnn_tape_free(other);
    rig_free(&a);
    rig_free(&b);
}
END_TEST

/* ---- loops ---- */

typedef enum zeroing { BEFORE_BEGIN, AFTER_BEGIN, AFTER_FORWARD, AT_THE_END } zeroing;

/* Steps of which number `failing` fails in its forward or in its loss; `backward` may be left out where it fails. */
static void loop(rig *r, int steps, int failing, zeroing when, bool in_forward, bool backward)
{
    for (int i = 0; i < steps; i++) {
        cnn_tensor *x = i == failing && in_forward ? r->labels : r->x;
        if (when == BEFORE_BEGIN) {
            cnn_optimizer_zero_grad(r->optimizer);
        }
        cnn_tape_begin(tape, CNN_TRAIN);
        if (when == AFTER_BEGIN) {
            cnn_optimizer_zero_grad(r->optimizer);
        }
        cnn_tensor *loss = loss_of(tape, r, x, i == failing && !in_forward ? r->bad_labels : r->labels);
        if (when == AFTER_FORWARD) {
            cnn_optimizer_zero_grad(r->optimizer);
        }
        if (i != failing || backward) {
            ck_assert_int_eq(cnn_backward(loss) == CNN_OK, i != failing);
        }
        ck_assert_int_eq(cnn_optimizer_step(r->optimizer) == CNN_OK, i != failing);
        if (when == AT_THE_END) {
            cnn_optimizer_zero_grad(r->optimizer);
        }
    }
}

/* A program that goes on after a failed step trains as if that step had not been. */
START_TEST(a_loop_goes_on_after_a_failed_step)
{
    zeroing when = (zeroing)(_i / 4);
    float expected[64] = { 0 }, found[64] = { 0 };
    cnn_random_state random;
    cnn_context_random_state(ctx, &random);
    rig r = rig_make();
    loop(&r, 5, -1, when, false, true);
    read_parameters(r.net, expected);
    rig_free(&r);
    cnn_context_set_random_state(ctx, &random);
    r = rig_make();
    loop(&r, 6, 2, when, _i % 2, _i / 2 % 2);
    read_parameters(r.net, found);
    ck_assert_mem_eq(expected, found, sizeof found);
    ck_assert_int_eq(cnn_optimizer_step_count(r.optimizer), 5);
    rig_free(&r);
}
END_TEST

START_TEST(accumulated_gradients_of_a_failed_step_are_refused)
{
    for (int failing = 0; failing < 3; failing++) {
        rig r = rig_make();
        float before[64] = { 0 };
        ck_assert_int_eq(good_step(&r), CNN_OK);
        read_parameters(r.net, before);
        cnn_optimizer_zero_grad(r.optimizer);
        for (int i = 0; i < 3; i++) {
            step_on(tape, &r, i == failing ? r.bad_labels : r.labels);
        }
        refused(&r, before, CNN_ERROR_INVALID_ARGUMENT, bad_label());
        ck_assert_int_eq(good_step(&r), CNN_OK);
        rig_free(&r);
    }
}
END_TEST

/* A program that has asked for the status may not go on with the step either. */
START_TEST(a_step_that_goes_on_after_its_error_is_refused)
{
    rig r = rig_make();
    float before[64] = { 0 };
    ck_assert_int_eq(good_step(&r), CNN_OK);
    read_parameters(r.net, before);
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tensor *loss = cnn_cross_entropy(cnn_forward(r.net, cnn_input(tape, r.labels)), r.labels);
    ck_assert_int_eq(cnn_tape_status(tape), CNN_ERROR_DTYPE);
    cnn_optimizer_zero_grad(r.optimizer);
    ck_assert_int_eq(cnn_backward(loss), CNN_ERROR_DTYPE);
    refused(&r, before, CNN_ERROR_DTYPE, "0: linear: operand 0 is int64, expected float32, float64 or bfloat16");
    rig_free(&r);
}
END_TEST

/* ---- which parameters ---- */

/* The failure is in a part without a parameter that the optimizer has; its own part is never reached. */
START_TEST(parameters_that_were_not_reached_belong_to_the_step)
{
    rig r = rig_make();
    cnn_module *head = cnn_linear_new(ctx, 3, 2);
    cnn_optimizer *sgd = cnn_sgd_new(head, .lr = 1, .momentum = 0.9);
    cnn_module *whole = cnn_sequential_new(ctx, r.net, head);
    for (int i = 0; i < 4; i++) {
        cnn_tensor_set_requires_grad(cnn_module_parameter(r.net, i), false);
    }
    cnn_tensor *y = cnn_tensor_zeros(ctx, CNN_I64, CNN_SHAPE(2));
    for (int fails = 0; fails < 2; fails++) {
        cnn_tape_begin(tape, CNN_TRAIN);
        cnn_tensor *loss = cnn_cross_entropy(cnn_forward(whole, cnn_input(tape, fails ? y : r.x)), y);
        ck_assert_int_eq(cnn_module_zero_grad(whole), CNN_OK);
        ck_assert_int_eq(cnn_backward(loss) != CNN_OK, fails);
        ck_assert_int_eq(cnn_optimizer_step(sgd), fails ? CNN_ERROR_DTYPE : CNN_OK);
    }
    r.net = whole;
    cnn_tensor_free(y);
    cnn_optimizer_free(sgd);
    rig_free(&r);
}
END_TEST

START_TEST(evaluation_and_unrecorded_parts_mark_nothing)
{
    static const cnn_mode modes[] = { CNN_EVAL, CNN_TRAIN_NO_GRAD, CNN_TRAIN };
    for (int i = 0; i < 3; i++) {
        rig r = rig_make();
        cnn_tape *other = cnn_tape_new(ctx);
        ck_assert_int_eq(step_on(tape, &r, r.labels), CNN_OK);
        cnn_tape_begin(other, modes[i]);
        cnn_tape_set_recording(other, false);
        loss_of(other, &r, r.x, r.bad_labels);
        ck_assert_int_eq(cnn_tape_status(other), CNN_ERROR_INVALID_ARGUMENT);
        ck_assert_int_eq(cnn_optimizer_step(r.optimizer), CNN_OK);
        cnn_tape_free(other);
        rig_free(&r);
    }
}
END_TEST

START_TEST(marks_outlive_nothing)
{
    rig r = rig_make();
    cnn_tape *other = cnn_tape_new(ctx);
    step_on(other, &r, r.bad_labels);
    cnn_module_free(r.net); /* the optimizer and the tape still have its parameters */
    r.net = NULL;
    ck_assert_int_eq(cnn_optimizer_step(r.optimizer), CNN_ERROR_INVALID_ARGUMENT);
    cnn_tape_free(other);
    ck_assert_int_eq(cnn_optimizer_step(r.optimizer), CNN_ERROR_INVALID_ARGUMENT);
    rig_free(&r);
}
END_TEST

/* A failed step whose parameters are still marked leaves its record to them; without memory for another it goes on. */
START_TEST(without_memory_a_failed_step_goes_on)
{
    rig r = rig_make();
    float before[64] = { 0 };
    ck_assert_int_eq(good_step(&r), CNN_OK);
    read_parameters(r.net, before);
    step_on(tape, &r, r.bad_labels);
    meter_reset();
    atomic_store(&meter.fail_at, 0);
    atomic_store(&meter.fail_on, true); /* what idle blocks give back is not enough either */
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_ERROR_NO_MEMORY);
    ck_assert_int_eq(cnn_tape_status(tape), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_int_eq(cnn_backward(cnn_forward(r.net, cnn_input(tape, r.x))), CNN_ERROR_INVALID_ARGUMENT);
    refused(&r, before, CNN_ERROR_INVALID_ARGUMENT, bad_label());
    meter_reset();
    ck_assert_int_eq(good_step(&r), CNN_OK);
    rig_free(&r);
}
END_TEST

/* ---- threads ---- */

typedef struct worker {
    rig *r;
    int fails;
    cnn_status statuses[50];
} worker;

static void *evaluate(void *arg)
{
    worker *w = arg;
    cnn_tape *own = cnn_tape_new(ctx);
    for (int i = 0; i < 50; i++) {
        cnn_tape_begin(own, CNN_EVAL_GRAD);
        cnn_forward(w->r->net, cnn_input(own, w->r->x));
        if (w->fails) {
            cnn_exp(w->r->x);
            cnn_add(w->r->x, NULL);
        }
        w->statuses[i] = cnn_tape_status(own);
    }
    cnn_tape_free(own);
    return NULL;
}

START_TEST(threads_fail_steps_of_their_own)
{
    rig r = rig_make();
    worker workers[4];
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        workers[i] = (worker){ &r, i % 2, { CNN_OK } };
        ck_assert_int_eq(pthread_create(&threads[i], NULL, evaluate, &workers[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        for (int k = 0; k < 50; k++) {
            ck_assert_int_eq(workers[i].statuses[k], i % 2 ? CNN_ERROR_STATE : CNN_OK);
        }
    }
    ck_assert_int_eq(cnn_optimizer_step(r.optimizer), CNN_ERROR_STATE);
    ck_assert_int_eq(good_step(&r), CNN_OK);
    rig_free(&r);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("step_failures");
    TCase *none = suite_case(suite, "on no tape", setup, teardown);
    tcase_add_loop_test(none, a_failure_on_no_tape_fails_the_step, 0, sizeof mistakes / sizeof mistakes[0]);
    tcase_add_test(none, queries_fail_no_step);
    tcase_add_test(none, a_failure_of_another_context_counts_for_no_step);
    tcase_add_test(none, a_step_that_is_gone_takes_no_failures);
    TCase *tapes = suite_case(suite, "two tapes", setup, teardown);
    tcase_add_test(tapes, a_failure_belongs_to_its_tape);
    tcase_add_test(tapes, an_operation_on_two_tapes_fails_both_steps);
    TCase *loops = suite_case(suite, "loops", setup, teardown);
    tcase_add_loop_test(loops, a_loop_goes_on_after_a_failed_step, 0, 16);
    tcase_add_test(loops, accumulated_gradients_of_a_failed_step_are_refused);
    tcase_add_test(loops, a_step_that_goes_on_after_its_error_is_refused);
    TCase *which = suite_case(suite, "parameters", setup, teardown);
    tcase_add_test(which, parameters_that_were_not_reached_belong_to_the_step);
    tcase_add_test(which, evaluation_and_unrecorded_parts_mark_nothing);
    tcase_add_test(which, marks_outlive_nothing);
    tcase_add_test(which, without_memory_a_failed_step_goes_on);
    tcase_add_test(which, threads_fail_steps_of_their_own);
    return suite_run(suite);
}
