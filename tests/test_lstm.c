/* LSTMs against PyTorch's (tools/fixtures/lstm.py), the operation with parts left out against finite differences, and what is
 * refused. Names and text are compared in test_nn.c. */
#define LAYER_FIXTURE "lstm.safetensors"
#include "support/layer_fixture.h"

enum { IN = 4, HIDDEN = 3 };

/* ---- PyTorch ---- */

#define LSTM(...) cnn_lstm_new(ctx, IN, HIDDEN, .dtype = dtype, __VA_ARGS__)
#define CASES(X)                                                                  \
    X(plain, LSTM(.num_layers = 1))                                               \
    X(states, LSTM(.num_layers = 1))                                              \
    X(one_step, LSTM(.num_layers = 1))                                            \
    X(no_bias, LSTM(.no_bias = true))                                             \
    X(only_h_n, LSTM(.num_layers = 1))                                            \
    X(only_c_n, LSTM(.num_layers = 1))                                            \
    X(layers, LSTM(.num_layers = 3))                                              \
    X(bidirectional, LSTM(.bidirectional = true))                                 \
    X(bidirectional_plain, LSTM(.bidirectional = true))                           \
    X(batch_first, LSTM(.batch_first = true))                                     \
    X(everything, LSTM(.num_layers = 2, .bidirectional = true, .batch_first = true, .no_bias = true))

#include "support/layer_cases.h"

static void check_case(int i, cnn_dtype dtype, double tolerance)
{
    static const char *const names[] = { "x", "h0", "c0" }, *const results[] = { "y", "h_n", "c_n" };
    const char *name = cases[i].name;
    cnn_module *m = cases[i].make(dtype);
    ck_assert_msg(m != NULL, "%s", cnn_last_error(NULL));
    fixture_load(m, name, dtype);
    cnn_tensor *leaves[3], *made[3], *sum = NULL;
    for (int k = 0; k < 3; k++) {
        leaves[k] = fixture_leaf(name, names[k], dtype);
    }
    made[0] = cnn_lstm_forward(m, cnn_input(tape, leaves[0]), leaves[1], leaves[2], NULL, &made[1], &made[2]);
    ck_assert_msg(cnn_tape_status(tape) == CNN_OK, "%s: %s", name, cnn_tape_error(tape));
    for (int k = 0; k < 3; k++) {
        fixture_result(name, results[k], made[k], dtype, tolerance, &sum);
    }
    ck_assert_int_eq(cnn_backward(sum), CNN_OK);
    fixture_gradients(m, name, leaves, names, 3, tolerance);
    cnn_module_free(m);
}

START_TEST(f64_agrees_with_pytorch)
{
    check_case(_i, CNN_F64, 1e-12);
}
END_TEST

START_TEST(f32_agrees_with_pytorch)
{
    check_case(_i, CNN_F32, 1e-5);
}
END_TEST

/* ---- parts left out ---- */

enum { NO_H0 = 1, NO_C0 = 2, NO_BIAS_IH = 4, NO_BIAS_HH = 8, REVERSE = 16, VARIANTS = 32 };

typedef struct variant {
    int without, result; /* what is left out; the result that is used: y, h_n, c_n */
} variant;

static cnn_tensor *call_variant(cnn_tensor *const *in, int count, void *user)
{
    const variant *v = user;
    cnn_tensor *results[3], *bias[2] = { in[3], in[4] };
    (void)count;
    results[0] = cnn_lstm(in[0], v->without & NO_H0 ? NULL : in[5], v->without & NO_C0 ? NULL : in[6], in[1], in[2],
                          v->without & NO_BIAS_IH ? NULL : bias[0], v->without & NO_BIAS_HH ? NULL : bias[1], NULL,
                          CNN_OPTIONS(cnn_lstm_options, .reverse = (v->without & REVERSE) != 0), &results[1], &results[2]);
    return results[v->result];
}

START_TEST(what_is_left_out_has_no_part_in_gradients)
{
    static const int64_t shapes[7][3] = { { 3, 2, 2 }, { 8, 2 }, { 8, 2 }, { 8 }, { 8 }, { 2, 2 }, { 2, 2 } };
    static const int ranks[7] = { 3, 2, 2, 1, 1, 2, 2 };
    cnn_tensor *in[7];
    for (int i = 0; i < 7; i++) {
        in[i] = cnn_tensor_randn(ctx, CNN_F64, ranks[i], shapes[i]);
        cnn_tensor_set_requires_grad(in[i], true);
    }
    for (int result = 0; result < 3; result++) {
        variant v = { _i, result };
        ck_assert_msg(cnn_gradcheck(ctx, call_variant, &v, in, 7, NULL) == CNN_OK, "without %d, result %d: %s", _i, result,
                      cnn_last_error(NULL));
    }
    for (int i = 0; i < 7; i++) {
        cnn_tensor_free(in[i]);
    }
}
END_TEST

/* ---- behaviour ---- */

static cnn_tensor *sequence(int64_t steps, int64_t batch)
{
    return cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(steps, batch, IN));
}

static bool equal(const cnn_tensor *a, const cnn_tensor *b)
{
    double *p = as_doubles(a), *q = as_doubles(b);
    bool same = cnn_tensor_numel(a) == cnn_tensor_numel(b) &&
                memcmp(p, q, (size_t)cnn_tensor_numel(a) * sizeof *p) == 0;
    free(p);
    free(q);
    return same;
}

/* A sequence in two parts, the states handed over, is the sequence in one. */
START_TEST(states_continue_a_sequence)
{
    cnn_module *m = cnn_lstm_new(ctx, IN, HIDDEN, .num_layers = 2);
    cnn_tensor *plain = sequence(6, 2), *x = cnn_input(tape, plain), *h, *c, *h_n, *c_n;
    cnn_tensor *whole = cnn_lstm_forward(m, x, NULL, NULL, NULL, &h_n, &c_n);
    cnn_tensor *first = cnn_lstm_forward(m, cnn_slice(x, 0, 0, 4, 1), NULL, NULL, NULL, &h, &c);
    cnn_tensor *second = cnn_lstm_forward(m, cnn_slice(x, 0, 4, 6, 1), h, c, NULL, &h, &c);
    tensors_agree("parts", "y", cnn_concat((cnn_tensor *const[]){ first, second }, 2, 0), whole, 1e-6);
    tensors_agree("parts", "h_n", h, h_n, 1e-6);
    tensors_agree("parts", "c_n", c, c_n, 1e-6);
    ck_assert_int_eq(cnn_backward(cnn_sum(second, CNN_ALL_DIMS, false)), CNN_OK);
    cnn_tensor_free(plain);
    cnn_module_free(m);
}
END_TEST

START_TEST(as_a_module_it_gives_y)
{
    cnn_module *net = cnn_sequential_new(ctx, cnn_lstm_new(ctx, IN, HIDDEN, .bidirectional = true), cnn_linear_new(ctx, 2 * HIDDEN, 2));
    cnn_tensor *plain = sequence(3, 2), *x = cnn_input(tape, plain);
    cnn_tensor *y = cnn_forward(cnn_module_child(net, 0, NULL), x);
    ck_assert(equal(cnn_forward(net, x), cnn_forward(cnn_module_child(net, 1, NULL), y)));
    ck_assert(equal(y, cnn_lstm_forward(cnn_module_child(net, 0, NULL), x, NULL, NULL, NULL, NULL, NULL)));
    cnn_tensor_free(plain);
    cnn_module_free(net);
}
END_TEST

START_TEST(as_a_module_of_several_tensors_it_gives_the_states)
{
    cnn_module *m = cnn_lstm_new(ctx, IN, HIDDEN, .num_layers = 2);
    cnn_tensor *plain = sequence(3, 2), *h0 = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(2, 2, HIDDEN)), *h_n, *c_n, *out[3];
    cnn_tensor *x = cnn_input(tape, plain), *y = cnn_lstm_forward(m, x, h0, NULL, NULL, &h_n, &c_n);
    ck_assert_int_eq(cnn_forward_many(tape, m, (cnn_tensor *const[]){ x, h0 }, 2, out, 3), CNN_OK);
    ck_assert(equal(out[0], y) && equal(out[1], h_n) && equal(out[2], c_n));
    ck_assert_int_eq(cnn_forward_many(tape, m, (cnn_tensor *const[]){ x, h0, NULL }, 3, out, 2), CNN_OK);
    ck_assert(equal(out[0], y) && equal(out[1], h_n));
    ck_assert_int_eq(cnn_forward_many(tape, m, (cnn_tensor *const[]){ x, h0, NULL, NULL, NULL }, 5, out, 3), CNN_ERROR_INVALID_ARGUMENT);
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "forward: LSTM takes x, h0, c0 and lengths and returns y, h_n and c_n, given 5 and asked for 3");
    cnn_tape_begin(tape, CNN_TRAIN);
    ck_assert_int_eq(cnn_forward_many(tape, m, (cnn_tensor *const[]){ NULL, h0 }, 2, out, 3), CNN_ERROR_INVALID_ARGUMENT);
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "given 2 without x and asked for 3");
    cnn_tensor_free(plain);
    cnn_tensor_free(h0);
    cnn_module_free(m);
}
END_TEST

START_TEST(a_clone_has_parameters_of_its_own)
{
    cnn_module *m = cnn_lstm_new(ctx, IN, HIDDEN, .bidirectional = true), *clone = cnn_module_clone(m);
    cnn_tensor *plain = sequence(3, 2), *x = cnn_input(tape, plain);
    ck_assert(equal(cnn_forward(m, x), cnn_forward(clone, x)));
    cnn_tensor_fill(cnn_module_find(clone, "weight_ih_l0_reverse"), 0.5);
    ck_assert(!equal(cnn_forward(m, x), cnn_forward(clone, x)));
    cnn_tensor_free(plain);
    cnn_module_free(m);
    cnn_module_free(clone);
}
END_TEST

/* With p = 1 the second layer sees zeros in training and the first layer's output in evaluation. */
START_TEST(dropout_is_between_layers_in_training)
{
    cnn_module *m = cnn_lstm_new(ctx, IN, HIDDEN, .num_layers = 2, .dropout = 1), *one = cnn_lstm_new(ctx, IN, HIDDEN, .dropout = 1);
    cnn_tensor *plain = sequence(3, 2), *y[2], *alone[2];
    for (int i = 0; i < 2; i++) {
        cnn_tape_begin(tape, i ? CNN_EVAL : CNN_TRAIN);
        cnn_tensor *x = cnn_input(tape, plain);
        y[i] = cnn_tensor_detach(cnn_sub(cnn_forward(m, x), cnn_forward(m, cnn_mul_scalar(x, 2))));
        alone[i] = cnn_tensor_detach(cnn_forward(one, x));
    }
    double *difference = as_doubles(y[0]);
    for (int i = 0; i < 3 * 2 * HIDDEN; i++) {
        ck_assert_double_eq(difference[i], 0); /* x has no part in it */
    }
    free(difference);
    ck_assert(!equal(y[0], y[1]));
    ck_assert(equal(alone[0], alone[1]));
    for (int i = 0; i < 2; i++) {
        cnn_tensor_free(y[i]);
        cnn_tensor_free(alone[i]);
    }
    cnn_tensor_free(plain);
    cnn_module_free(m);
    cnn_module_free(one);
}
END_TEST

START_TEST(equal_steps_allocate_nothing)
{
    cnn_module *m = cnn_lstm_new(ctx, IN, HIDDEN, .num_layers = 2, .bidirectional = true);
    cnn_optimizer *adam = cnn_adam_new(m);
    cnn_tensor *plain = sequence(5, 3);
    long calls = 0;
    for (int step = 0; step < 6; step++) {
        cnn_tensor *h_n, *c_n;
        if (step == 3) {
            calls = atomic_load(&meter.calls);
        }
        cnn_tape_begin(tape, CNN_TRAIN);
        cnn_tensor *y = cnn_lstm_forward(m, cnn_input(tape, plain), NULL, NULL, NULL, &h_n, &c_n);
        ck_assert_int_eq(cnn_backward(cnn_add(cnn_mean(y, CNN_ALL_DIMS, false), cnn_mean(c_n, CNN_ALL_DIMS, false))), CNN_OK);
        ck_assert_int_eq(cnn_optimizer_step(adam), CNN_OK);
        cnn_optimizer_zero_grad(adam);
    }
    ck_assert_int_eq(atomic_load(&meter.calls), calls);
    cnn_tensor_free(plain);
    cnn_optimizer_free(adam);
    cnn_module_free(m);
}
END_TEST

/* ---- what is refused ---- */

START_TEST(shapes_that_do_not_fit_are_named)
{
    static const struct {
        int operand, ndim;
        int64_t shape[3];
        const char *message;
    } bad[] = {
        { 0, 2, { 2, 4 }, "lstm: input is [2,4], expected [T,N,I] with at least one step" },
        { 0, 3, { 0, 2, 4 }, "lstm: input is [0,2,4], expected [T,N,I] with at least one step" },
        { 1, 2, { 1, 3 }, "lstm: h0 is [1,3], expected [2,3]" },
        { 2, 3, { 1, 2, 3 }, "lstm: c0 is [1,2,3], expected [2,3]" },
        { 3, 2, { 12, 5 }, "lstm: weight_ih is [12,5], expected [12,4]" },
        { 4, 2, { 13, 3 }, "lstm: weight_hh is [13,3], expected [12,3]" },
        { 4, 2, { 0, 0 }, "lstm: weight_hh is [0,0], expected [4*H,H] with H of at least 1" },
        { 5, 1, { 3 }, "lstm: bias_ih is [3], expected [12]" },
        { 6, 2, { 12, 1 }, "lstm: bias_hh is [12,1], expected [12]" },
    };
    static const int64_t good[7][3] = { { 3, 2, 4 }, { 2, 3 }, { 2, 3 }, { 12, 4 }, { 12, 3 }, { 12 }, { 12 } };
    static const int ranks[7] = { 3, 2, 2, 2, 2, 1, 1 };
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        cnn_tensor *in[7], *h_n = NULL, *c_n = NULL;
        for (int i = 0; i < 7; i++) {
            bool wrong = i == bad[k].operand;
            in[i] = cnn_tensor_ones(ctx, CNN_F32, wrong ? bad[k].ndim : ranks[i], wrong ? bad[k].shape : good[i]);
        }
        cnn_tape_begin(tape, CNN_TRAIN);
        cnn_tensor *y = cnn_lstm(cnn_input(tape, in[0]), in[1], in[2], in[3], in[4], in[5], in[6], NULL, NULL, &h_n, &c_n);
        failed_with(CNN_ERROR_SHAPE, bad[k].message);
        ck_assert(cnn_tensor_status(y) == CNN_ERROR_SHAPE && cnn_tensor_status(h_n) == CNN_ERROR_SHAPE &&
                  cnn_tensor_status(c_n) == CNN_ERROR_SHAPE);
        for (int i = 0; i < 7; i++) {
            cnn_tensor_free(in[i]);
        }
    }
    cnn_context_clear_error(ctx);
}
END_TEST

static void check_refused(cnn_module *m, cnn_tensor *x, cnn_tensor *h0, cnn_status status, const char *message)
{
    cnn_tensor *h_n = NULL, *c_n = NULL, *y = cnn_lstm_forward(m, x, h0, NULL, NULL, &h_n, &c_n);
    failed_with(status, message);
    ck_assert(y && cnn_tensor_status(y) == status && cnn_tensor_status(h_n) == status && cnn_tensor_status(c_n) == status);
    cnn_context_clear_error(ctx);
}

START_TEST(bad_calls_with_states_are_refused)
{
    cnn_module *m = cnn_lstm_new(ctx, IN, HIDDEN, .num_layers = 2), *linear = cnn_linear_new(ctx, IN, HIDDEN);
    cnn_tensor *plain = sequence(3, 2), *state = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(1, 2, HIDDEN));
    check_refused(linear, cnn_input(tape, plain), NULL, CNN_ERROR_INVALID_ARGUMENT,
                  "lstm_forward: the module is of type Linear, expected LSTM");
    cnn_tape_begin(tape, CNN_TRAIN);
    check_refused(m, cnn_input(tape, plain), state, CNN_ERROR_SHAPE, "lstm_forward: h0 is [1,2,3], expected [2,N,3]");
    cnn_tape_begin(tape, CNN_TRAIN);
    check_refused(NULL, cnn_input(tape, plain), NULL, CNN_ERROR_INVALID_ARGUMENT, "forward: module is NULL");
    cnn_tape_begin(tape, CNN_TRAIN);
    check_refused(m, plain, NULL, CNN_ERROR_STATE, "forward: the input of LSTM is on no tape");
    cnn_tensor *past = cnn_input(tape, plain);
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tensor *h_n, *c_n;
    cnn_lstm_forward(m, past, NULL, NULL, NULL, &h_n, &c_n);
    ck_assert_int_eq(cnn_tape_status(tape), CNN_ERROR_STATE);
    cnn_context_clear_error(ctx);
    cnn_tensor_free(plain);
    cnn_tensor_free(state);
    cnn_module_free(m);
    cnn_module_free(linear);
}
END_TEST

START_TEST(bad_layers_are_refused)
{
    ck_assert_ptr_null(cnn_lstm_new(ctx, 0, 3));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "lstm_create: input_size is 0, expected at least 1");
    ck_assert_ptr_null(cnn_lstm_new(ctx, 3, -2));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "lstm_create: hidden_size is -2, expected at least 1");
    ck_assert_ptr_null(cnn_lstm_new(ctx, 3, INT64_MAX));
    failed_with(CNN_ERROR_SHAPE, "lstm_create: ");
    ck_assert_ptr_null(cnn_lstm_new(ctx, 3, 2, .reverse = true));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "lstm_create: reverse is set, expected bidirectional or neither");
    ck_assert_ptr_null(cnn_lstm_new(NULL, 3, 2));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lstm");
    TCase *tests = suite_case(suite, "PyTorch", setup, teardown);
    tcase_add_loop_test(tests, f64_agrees_with_pytorch, 0, CASE_COUNT);
    tcase_add_loop_test(tests, f32_agrees_with_pytorch, 0, CASE_COUNT);
    tests = suite_case(suite, "behaviour", setup, teardown);
    tcase_add_loop_test(tests, what_is_left_out_has_no_part_in_gradients, 0, VARIANTS);
    tcase_add_test(tests, states_continue_a_sequence);
    tcase_add_test(tests, as_a_module_it_gives_y);
    tcase_add_test(tests, as_a_module_of_several_tensors_it_gives_the_states);
    tcase_add_test(tests, a_clone_has_parameters_of_its_own);
    tcase_add_test(tests, dropout_is_between_layers_in_training);
    tcase_add_test(tests, equal_steps_allocate_nothing);
    tests = suite_case(suite, "refused", setup, teardown);
    tcase_add_test(tests, shapes_that_do_not_fit_are_named);
    tcase_add_test(tests, bad_calls_with_states_are_refused);
    tcase_add_test(tests, bad_layers_are_refused);
    return suite_run(suite);
}
