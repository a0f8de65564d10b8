/* Hooks on gradients of results: what they see, what they replace, and what they may not return. */
#include "support/elements.h"
#include "support/fixtures.h"
#include "support/metered_tape.h"

static int calls;
static double seen;

static cnn_tensor *leaf_of(double value)
{
    cnn_tensor *t = cnn_tensor_full(ctx, CNN_F64, value, CNN_SHAPE(2));
    ck_assert_int_eq(cnn_tensor_set_requires_grad(t, true), CNN_OK);
    return t;
}

static double first_of(const cnn_tensor *t)
{
    ck_assert_ptr_nonnull(t);
    return *(const double *)host_elements((cnn_tensor *)(uintptr_t)t);
}

static cnn_tensor *look(cnn_tensor *grad, void *user)
{
    ck_assert_ptr_null(user);
    calls++;
    seen = first_of(grad);
    return NULL;
}

static cnn_tensor *scale(cnn_tensor *grad, void *user)
{
    calls++;
    return cnn_mul_scalar(grad, *(const double *)user);
}

/* y is used twice: its hooks get 3·z + z = 4·z once, in their order, and x gets what they return. ReLU's shortcut is off. */
START_TEST(hooks_see_and_replace_complete_gradients)
{
    double factor = 10;
    cnn_tensor *x = leaf_of(2), *z = leaf_of(5), *grad;
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
    cnn_tensor *y = cnn_relu(cnn_mul_scalar(cnn_input(tape, x), 7));
    cnn_tensor *loss = cnn_sum(cnn_add(cnn_mul(cnn_mul_scalar(y, 3), z), cnn_mul(y, z)), CNN_ALL_DIMS, false);
    calls = 0;
    ck_assert_int_eq(cnn_retain_grad(y), CNN_OK);
    ck_assert_int_eq(cnn_register_hook(y, look, NULL), CNN_OK);
    ck_assert_int_eq(cnn_register_hook(y, scale, &factor), CNN_OK);
    ck_assert_int_eq(cnn_backward_with(loss, NULL, true), CNN_OK);
    ck_assert_int_eq(calls, 2);
    ck_assert_double_eq(seen, 20);
    ck_assert_double_eq(first_of(cnn_tensor_grad(y)), 200);
    ck_assert_double_eq(first_of(cnn_tensor_grad(x)), 1400);
    ck_assert_double_eq(first_of(cnn_tensor_grad(z)), 56);
    ck_assert_int_eq(cnn_grad(&loss, 1, &x, 1, &grad, NULL), CNN_OK); /* passes the hooks, too */
    ck_assert_int_eq(calls, 4);
    ck_assert_double_eq(first_of(grad), 1400);
    /* They end with the step. */
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
    ck_assert_int_eq(cnn_backward(cnn_sum(cnn_exp(cnn_input(tape, x)), CNN_ALL_DIMS, false)), CNN_OK);
    ck_assert_int_eq(calls, 4);
    cnn_tensor_free(x), cnn_tensor_free(z);
}
END_TEST

static cnn_tensor *return_plain(cnn_tensor *grad, void *user)
{
    (void)grad;
    return user;
}

static cnn_tensor *return_other_shape(cnn_tensor *grad, void *user)
{
    (void)user;
    return cnn_sum(grad, CNN_ALL_DIMS, false);
}

static cnn_tensor *go_back(cnn_tensor *grad, void *user)
{
    (void)grad;
    ck_assert_int_eq(cnn_backward_with(user, NULL, true), CNN_ERROR_STATE);
    return NULL;
}

START_TEST(what_cannot_replace_a_gradient_is_refused)
{
    static const struct {
        cnn_hook_fn hook;
        cnn_status status;
        const char *message;
    } cases[] = {
        { return_plain, CNN_ERROR_STATE, "backward: the hook of a result of exp returned no tensor of this step" },
        { return_other_shape, CNN_ERROR_SHAPE,
          "backward: the hook of a result of exp returned float64 [], expected float64 [2]" },
        { go_back, CNN_ERROR_STATE, "backward: called inside the hook of exp, which works on this tape" },
    };
    cnn_tensor *x = leaf_of(2);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
        cnn_tensor *y = cnn_exp(cnn_input(tape, x)), *loss = cnn_sum(y, CNN_ALL_DIMS, false);
        ck_assert_int_eq(cnn_register_hook(y, cases[i].hook, i == 2 ? loss : x), CNN_OK);
        ck_assert_int_eq(cnn_backward(loss), cases[i].status);
        ck_assert_str_eq(cnn_tape_error(tape), cases[i].message);
        ck_assert_int_eq(cnn_tensor_zero_grad(x), CNN_OK);
        cnn_context_clear_error(ctx);
    }
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
    ck_assert_int_eq(cnn_register_hook(x, look, NULL), CNN_ERROR_STATE);
    ck_assert_int_eq(cnn_register_hook(cnn_input(tape, x), look, NULL), CNN_ERROR_STATE);
    ck_assert_str_eq(
        cnn_last_error(ctx),
        "register_hook: the tensor is no result, expected the result of an operation that requires a gradient");
    ck_assert_int_eq(cnn_register_hook(cnn_exp(cnn_input(tape, x)), NULL, NULL), CNN_ERROR_INVALID_ARGUMENT);
    cnn_context_clear_error(ctx);
    cnn_context_clear_error(NULL);
    cnn_tensor_free(x);
}
END_TEST

START_TEST(equal_steps_allocate_nothing)
{
    double factor = 2;
    cnn_tensor *x = leaf_of(2);
    for (int i = 0; i < 5; i++) {
        long before = atomic_load(&meter.calls);
        ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
        cnn_tensor *y = cnn_exp(cnn_input(tape, x));
        ck_assert_int_eq(cnn_register_hook(y, scale, &factor), CNN_OK);
        ck_assert_int_eq(cnn_backward(cnn_sum(y, CNN_ALL_DIMS, false)), CNN_OK);
        ck_assert(i < 2 || atomic_load(&meter.calls) == before);
    }
    cnn_tensor_free(x);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hooks");
    TCase *tests = suite_case(suite, "hooks", setup, teardown);
    tcase_add_test(tests, hooks_see_and_replace_complete_gradients);
    tcase_add_test(tests, what_cannot_replace_a_gradient_is_refused);
    tcase_add_test(tests, equal_steps_allocate_nothing);
    return suite_run(suite);
}
