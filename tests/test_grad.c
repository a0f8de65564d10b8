/* cnn_grad(): the gradients are those of backward, nothing else is touched, and only what is needed is passed. */
#include "support/elements.h"
#include "support/fixtures.h"
#include "support/metered_tape.h"

#include <math.h>

static cnn_tensor *leaf_of(int64_t rows, int64_t columns)
{
    cnn_tensor *t = cnn_tensor_randn(ctx, CNN_F64, CNN_SHAPE(rows, columns));
    ck_assert_int_eq(cnn_tensor_set_requires_grad(t, true), CNN_OK);
    return t;
}

static void failed_with(cnn_status status, const char *text)
{
    ck_assert_int_eq(cnn_tape_status(tape), status);
    ck_assert_str_eq(cnn_tape_error(tape), text);
    cnn_context_clear_error(NULL);
    cnn_context_clear_error(ctx);
}

static void agree(const cnn_tensor *given, const cnn_tensor *expected)
{
    ck_assert_ptr_nonnull(given);
    tensors_agree("grad", "gradient", given, expected, 1e-14);
}

/* loss = Σ tanh(x·w + b)² · w₂, with w used twice. */
static cnn_tensor *loss_of(cnn_tensor *x, cnn_tensor *w, cnn_tensor *b, cnn_tensor **hidden)
{
    cnn_tensor *h = cnn_tanh(cnn_add(cnn_matmul(cnn_input(tape, x), w), b));
    if (hidden) {
        *hidden = h;
    }
    return cnn_sum(cnn_mul(cnn_mul(h, h), cnn_transpose(cnn_input(tape, w), 0, 1)), CNN_ALL_DIMS, false);
}

START_TEST(gradients_are_those_of_backward)
{
    cnn_tensor *x = leaf_of(3, 3), *w = leaf_of(3, 3), *b = leaf_of(1, 3), *grads[5], *hidden;
    for (int round = 0; round < 2; round++) {
        ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
        cnn_tensor *loss = loss_of(x, w, b, &hidden);
        cnn_tensor *inputs[] = { b, hidden, w, x, w };
        ck_assert_int_eq(cnn_grad(&loss, 1, inputs, 5, grads, CNN_OPTIONS(cnn_grad_options, .retain_graph = true)),
                         CNN_OK);
        for (int i = 0; i < 5; i++) {
            ck_assert(cnn_tensor_is_contiguous(grads[i]));
            ck_assert(cnn_tensor_grad(inputs[i]) == NULL || round > 0);
        }
        double *first = as_doubles(grads[2]);
        ck_assert_int_eq(cnn_retain_grad(hidden), CNN_OK);
        ck_assert_int_eq(cnn_tensor_zero_grad(x) | cnn_tensor_zero_grad(w) | cnn_tensor_zero_grad(b), CNN_OK);
        ck_assert_int_eq(cnn_backward_with(loss, NULL, true), CNN_OK);
        for (int i = 0; i < 5; i++) {
            agree(grads[i], cnn_tensor_grad(inputs[i]));
        }
        /* Nor does a second one change what the first has handed over, or what is accumulated. */
        double *accumulated = as_doubles(cnn_tensor_grad(w)), *after, *again;
        cnn_tensor *more[5];
        ck_assert_int_eq(cnn_grad(&loss, 1, inputs, 5, more, NULL), CNN_OK);
        after = as_doubles(cnn_tensor_grad(w)), again = as_doubles(grads[2]);
        ck_assert_mem_eq(accumulated, after, 9 * sizeof *after);
        ck_assert_mem_eq(first, again, 9 * sizeof *again);
        free(first), free(accumulated), free(after), free(again);
    }
    cnn_tensor_free(x), cnn_tensor_free(w), cnn_tensor_free(b);
}
END_TEST

/* Several outputs, with gradients of their own; one of them is an input, and one a leaf. */
START_TEST(gradients_of_outputs_add_up)
{
    cnn_tensor *a = leaf_of(2, 2), *b = leaf_of(2, 2), *seed = cnn_tensor_randn(ctx, CNN_F64, CNN_SHAPE(2, 2)),
               *grads[3];
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
    cnn_tensor *on = cnn_input(tape, a), *y = cnn_mul(on, b), *z = cnn_exp(y);
    cnn_tensor *outputs[] = { y, z, on, y }, *inputs[] = { a, b, y };
    const cnn_tensor *given[] = { seed, seed, seed, seed };
    ck_assert_int_eq(cnn_grad(outputs, 4, inputs, 3, grads, CNN_OPTIONS(cnn_grad_options, .grad_outputs = given)),
                     CNN_OK);
    double *ga = as_doubles(grads[0]), *gb = as_doubles(grads[1]), *gy = as_doubles(grads[2]);
    double *va = as_doubles(a), *vb = as_doubles(b), *s = as_doubles(seed);
    for (int i = 0; i < 4; i++) {
        double dy = s[i] * (2 + exp(va[i] * vb[i]));
        ck_assert_double_eq_tol(gy[i], dy, 1e-12);
        ck_assert_double_eq_tol(ga[i], dy * vb[i] + s[i], 1e-12);
        ck_assert_double_eq_tol(gb[i], dy * va[i], 1e-12);
    }
    free(ga), free(gb), free(gy), free(va), free(vb), free(s);
    cnn_tensor_free(a), cnn_tensor_free(b), cnn_tensor_free(seed);
}
END_TEST

/* The custom operation counts its backwards: one that leads to no input is not run. */
static int backwards;

static cnn_status same_infer(const cnn_tensor *const *inputs, int count, cnn_dtype *dtype, int *ndim, int64_t *shape,
                             void *user)
{
    (void)count, (void)user;
    *dtype = cnn_tensor_dtype(inputs[0]);
    *ndim = cnn_tensor_ndim(inputs[0]);
    memcpy(shape, cnn_tensor_shape(inputs[0]), (size_t)*ndim * sizeof *shape);
    return CNN_OK;
}

static cnn_status same_forward(const cnn_tensor *const *inputs, int count, cnn_tensor *output, void *user)
{
    (void)count, (void)user;
    return cnn_tensor_copy_from(output, inputs[0]);
}

static cnn_status same_backward(const cnn_tensor *const *inputs, int count, const cnn_tensor *output,
                                const cnn_tensor *grad_output, cnn_tensor *const *grad_inputs, void *user)
{
    (void)inputs, (void)count, (void)output, (void)user;
    backwards++;
    return cnn_tensor_copy_from(grad_inputs[0], grad_output);
}

START_TEST(only_what_is_needed_is_passed)
{
    const cnn_custom_op same = { .struct_size = sizeof same,
                                 .name = "same",
                                 .infer = same_infer,
                                 .forward = same_forward,
                                 .backward = same_backward };
    cnn_tensor *x = leaf_of(2, 2), *w = leaf_of(2, 2), *grads[2];
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
    cnn_tensor *on = cnn_input(tape, w), *weight = cnn_custom(&same, &on, 1, NULL);
    cnn_tensor *y = cnn_mul(cnn_input(tape, x), weight), *loss = cnn_sum(y, CNN_ALL_DIMS, false);
    backwards = 0;
    ck_assert_int_eq(
        cnn_grad(&loss, 1, (cnn_tensor *[]){ x, y }, 2, grads, CNN_OPTIONS(cnn_grad_options, .retain_graph = true)),
        CNN_OK);
    ck_assert_int_eq(backwards, 0);
    agree(grads[0], w);
    ck_assert_int_eq(cnn_grad(&loss, 1, (cnn_tensor *[]){ y }, 1, grads, NULL),
                     CNN_OK); /* frees what lies before y alone */
    ck_assert_int_eq(backwards, 0);
    cnn_tensor_free(x), cnn_tensor_free(w);
}
END_TEST

/* An operation that only hands a gradient over reads nothing that it saved, which may have been written since. */
START_TEST(what_is_not_passed_may_be_written)
{
    cnn_tensor *w = leaf_of(2, 2), *grad;
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
    cnn_tensor *h = cnn_mul(cnn_input(tape, w), w), *loss = cnn_sum(h, CNN_ALL_DIMS, false);
    ck_assert_int_eq(cnn_tensor_fill(w, 3), CNN_OK);
    ck_assert_int_eq(cnn_grad(&loss, 1, &h, 1, &grad, NULL), CNN_OK);
    cnn_tensor *ones = cnn_tensor_ones(ctx, CNN_F64, CNN_SHAPE(2, 2));
    agree(grad, ones);
    cnn_tensor_free(ones), cnn_tensor_free(w);
}
END_TEST

/* A listener of final gradients hears nothing. */
static void never(cnn_tensor *parameter, void *user)
{
    (void)parameter, (void)user;
    ck_abort_msg("told of a gradient that cnn_grad() computed");
}

START_TEST(unused_inputs_are_errors_unless_allowed)
{
    cnn_tensor *x = leaf_of(2, 2), *unused = leaf_of(2, 3), *grads[2];
    ck_assert_int_eq(cnn_tape_on_gradient(tape, never, NULL), CNN_OK);
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
    cnn_tensor *loss = cnn_sum(cnn_input(tape, x), CNN_ALL_DIMS, false), *inputs[] = { unused, x };
    cnn_grad_options options = { .struct_size = sizeof options, .retain_graph = true, .allow_unused = true };
    ck_assert_int_eq(cnn_grad(&loss, 1, inputs, 2, grads, &options), CNN_OK);
    ck_assert_ptr_null(grads[0]);
    ck_assert_double_eq(((const double *)host_elements(grads[1]))[3], 1);
    options.allow_unused = false;
    ck_assert_int_eq(cnn_grad(&loss, 1, inputs, 2, grads, &options), CNN_ERROR_STATE);
    ck_assert(!grads[0] && !grads[1]);
    failed_with(CNN_ERROR_STATE, "grad: no output depends on inputs[0], of shape [2,3], expected allow_unused there");
    ck_assert_ptr_null(cnn_tensor_grad(x));
    cnn_tensor_free(x), cnn_tensor_free(unused);
}
END_TEST

START_TEST(wrong_calls_are_refused)
{
    cnn_tensor *x = leaf_of(2, 2), *plain = cnn_tensor_ones(ctx, CNN_F64, CNN_SHAPE(2)), *grad;
    for (int i = 0; i < 6; i++) {
        static const char *const messages[] = {
            "grad: outputs[0] has shape [2,2], expected one element or an element of grad_outputs",
            "grad: inputs[0] does not require a gradient",
            "grad: the tensor depends on none that requires a gradient, or recording is off",
            "grad: the gradient given is float64 [2], expected float64 []",
            "grad: outputs[0] is on no tape, expected a result",
            "backward: the graph behind sum was freed by an earlier backward, expected retain_graph there",
        };
        ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
        cnn_tensor *on = cnn_input(tape, x), *loss = cnn_sum(cnn_exp(on), CNN_ALL_DIMS, false), *output = loss,
                   *input = x;
        const cnn_tensor *given = NULL;
        output = i == 0 ? on : i == 2 ? cnn_sum(cnn_input(tape, plain), CNN_ALL_DIMS, false) : i == 4 ? x : output;
        input = i == 1 ? plain : input;
        given = i == 3 ? plain : NULL;
        if (i == 5) {
            ck_assert_int_eq(cnn_grad(&output, 1, &input, 1, &grad, NULL), CNN_OK);
        }
        ck_assert_int_ne(cnn_grad(&output, 1, &input, 1, &grad, CNN_OPTIONS(cnn_grad_options, .grad_outputs = &given)),
                         CNN_OK);
        ck_assert_ptr_null(grad);
        failed_with(i == 0 || i == 3 ? CNN_ERROR_SHAPE : CNN_ERROR_STATE, messages[i]);
        ck_assert_ptr_null(cnn_tensor_grad(x));
        ck_assert_int_eq(cnn_tensor_zero_grad(x), CNN_OK);
    }
    cnn_tensor_free(x), cnn_tensor_free(plain);
}
END_TEST

START_TEST(equal_steps_allocate_nothing)
{
    cnn_tensor *x = leaf_of(3, 3), *w = leaf_of(3, 3), *b = leaf_of(1, 3), *grads[3];
    for (int i = 0; i < 5; i++) {
        long before = atomic_load(&meter.calls);
        ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
        cnn_tensor *loss = loss_of(x, w, b, NULL);
        ck_assert_int_eq(cnn_grad(&loss, 1, (cnn_tensor *[]){ x, w, b }, 3, grads, NULL), CNN_OK);
        ck_assert(i < 2 || atomic_load(&meter.calls) == before);
    }
    cnn_tensor_free(x), cnn_tensor_free(w), cnn_tensor_free(b);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("grad");
    TCase *tests = suite_case(suite, "grad", setup, teardown);
    tcase_add_test(tests, gradients_are_those_of_backward);
    tcase_add_test(tests, gradients_of_outputs_add_up);
    tcase_add_test(tests, only_what_is_needed_is_passed);
    tcase_add_test(tests, what_is_not_passed_may_be_written);
    tcase_add_test(tests, unused_inputs_are_errors_unless_allowed);
    tcase_add_test(tests, wrong_calls_are_refused);
    tcase_add_test(tests, equal_steps_allocate_nothing);
    return suite_run(suite);
}
