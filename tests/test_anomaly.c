/* The first NaN or infinity of a step is found where it arises, forward and backward, with the module's path. */
#include "support/elements.h"
#include "support/metered_tape.h"

#include <math.h>

static void fails_with(cnn_status status, const char *message)
{
    ck_assert_int_eq(status, CNN_ERROR_STATE);
    ck_assert_str_eq(cnn_tape_error(tape), message);
    cnn_context_clear_error(NULL);
    cnn_context_clear_error(ctx);
}

static cnn_tensor *log_forward(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)self, (void)user;
    return cnn_log(cnn_mul_scalar(x, -1));
}

static cnn_tensor *sqrt_forward(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)self, (void)user;
    return cnn_sqrt(x);
}

static cnn_module *net(cnn_tensor *(*forward)(cnn_module *, cnn_tensor *, void *))
{
    cnn_module *inner = cnn_sequential_new(ctx, cnn_relu_new(ctx), cnn_module_new(ctx, forward));
    return cnn_sequential_new(ctx, inner, cnn_flatten_new(ctx));
}

static cnn_tensor *loss_of(cnn_module *m, cnn_tensor *x, cnn_anomaly anomaly)
{
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
    ck_assert_int_eq(cnn_tape_set_anomaly(tape, anomaly), CNN_OK);
    return cnn_sum(cnn_forward(m, cnn_input(tape, x)), CNN_ALL_DIMS, false);
}

START_TEST(forward_names_the_first_result)
{
    static const cnn_dtype dtypes[] = { CNN_F32, CNN_F64, CNN_BF16 };
    for (int d = 0; d < 3; d++) {
        cnn_module *m = net(log_forward);
        cnn_tensor *x = cnn_tensor_full(ctx, dtypes[d], 2, CNN_SHAPE(2, 3)),
                   *zero = cnn_tensor_zeros(ctx, dtypes[d], CNN_SHAPE(2, 3));
        ck_assert_int_eq(cnn_tensor_status(loss_of(m, x, CNN_ANOMALY_NONE)), CNN_OK);
        cnn_tensor *loss = loss_of(m, x, CNN_ANOMALY_NAN);
        ck_assert_int_ne(cnn_tensor_status(loss), CNN_OK);
        fails_with(cnn_tape_status(tape), "0.1: log: result 0, of shape [2,3], has a NaN, and no operand has one");
        /* log(−0) is an infinity, which is an anomaly only where it is asked for. */
        ck_assert_int_eq(cnn_tensor_status(loss_of(m, zero, CNN_ANOMALY_NAN)), CNN_OK);
        ck_assert_int_ne(cnn_tensor_status(loss_of(m, zero, CNN_ANOMALY_NONFINITE)), CNN_OK);
        fails_with(cnn_tape_status(tape),
                   "0.1: log: result 0, of shape [2,3], has an infinity, and no operand has one");
        cnn_module_free(m);
        cnn_tensor_free(x), cnn_tensor_free(zero);
    }
}
END_TEST

START_TEST(forward_says_where_it_was_before)
{
    cnn_tensor *x = cnn_tensor_full(ctx, CNN_F32, NAN, CNN_SHAPE(2)), *y = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(2));
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_EVAL), CNN_OK);
    ck_assert_int_eq(cnn_tape_set_anomaly(tape, CNN_ANOMALY_NAN), CNN_OK);
    cnn_add(cnn_input(tape, y), x);
    fails_with(cnn_tape_status(tape), "add: result 0, of shape [2], has a NaN, and so has operand 1");
    cnn_tensor_free(x), cnn_tensor_free(y);
}
END_TEST

/* √0 has a finite value and an infinite slope. */
START_TEST(backward_names_the_module_of_the_forward)
{
    cnn_module *m = net(sqrt_forward);
    cnn_tensor *x = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(2, 3));
    ck_assert_int_eq(cnn_tensor_set_requires_grad(x, true), CNN_OK);
    ck_assert_int_eq(cnn_backward(loss_of(m, x, CNN_ANOMALY_NONE)), CNN_OK);
    ck_assert_int_eq(cnn_tensor_zero_grad(x), CNN_OK);
    fails_with(cnn_backward(loss_of(m, x, CNN_ANOMALY_NONFINITE)),
               "backward: 0.1: sqrt: the gradient of operand 0, of shape [2,3], has an infinity");
    /* With a seed of 0 it is 0 · ∞. */
    cnn_tensor *loss = loss_of(m, x, CNN_ANOMALY_NAN), *zero = cnn_tensor_zeros(ctx, CNN_F32, 0, NULL);
    fails_with(cnn_backward_with(loss, zero, false),
               "backward: 0.1: sqrt: the gradient of operand 0, of shape [2,3], has a NaN");
    ck_assert_int_eq(cnn_tensor_zero_grad(x), CNN_OK);
    cnn_tensor_free(zero);
    cnn_module_free(m);
    cnn_tensor_free(x);
}
END_TEST

START_TEST(what_is_no_anomaly_is_refused)
{
    ck_assert_int_eq(cnn_tape_set_anomaly(tape, (cnn_anomaly)3), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_int_eq(cnn_tape_set_anomaly(NULL, CNN_ANOMALY_NAN), CNN_ERROR_INVALID_ARGUMENT);
    cnn_context_clear_error(NULL);
    cnn_context_clear_error(ctx);
}
END_TEST

START_TEST(equal_steps_allocate_nothing)
{
    cnn_module *m = net(sqrt_forward);
    cnn_tensor *x = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(2, 3));
    ck_assert_int_eq(cnn_tensor_set_requires_grad(x, true), CNN_OK);
    for (int i = 0; i < 5; i++) {
        long before = atomic_load(&meter.calls);
        ck_assert_int_eq(cnn_backward(loss_of(m, x, CNN_ANOMALY_NONFINITE)), CNN_OK);
        ck_assert(i < 2 || atomic_load(&meter.calls) == before);
    }
    cnn_module_free(m);
    cnn_tensor_free(x);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("anomaly");
    TCase *tests = suite_case(suite, "anomaly", setup, teardown);
    tcase_add_test(tests, forward_names_the_first_result);
    tcase_add_test(tests, forward_says_where_it_was_before);
    tcase_add_test(tests, backward_names_the_module_of_the_forward);
    tcase_add_test(tests, what_is_no_anomaly_is_refused);
    tcase_add_test(tests, equal_steps_allocate_nothing);
    return suite_run(suite);
}
