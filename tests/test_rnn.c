/* GRUs and RNNs, and lengths of all recurrent networks, against PyTorch's (tools/fixtures/rnn.py), the operations with parts
 * left out against finite differences, and what is refused. test_lstm.c has LSTMs of whole sequences. */
#define LAYER_FIXTURE "rnn.safetensors"
#include "support/layer_fixture.h"

enum { STEPS = 5, BATCH = 3, IN = 4, HIDDEN = 3 };

/* ---- PyTorch ---- */

#define RNN(...) cnn_rnn_new(ctx, IN, HIDDEN, .dtype = dtype, __VA_ARGS__)
#define GRU(...) cnn_gru_new(ctx, IN, HIDDEN, .dtype = dtype, __VA_ARGS__)
#define LSTM(...) cnn_lstm_new(ctx, IN, HIDDEN, .dtype = dtype, __VA_ARGS__)
#define CASES(X)                                                                                                         \
    X(tanh, RNN(.num_layers = 1))                                                                                        \
    X(tanh_plain, RNN(.no_bias = true))                                                                                  \
    X(relu, RNN(.relu = true, .num_layers = 2))                                                                          \
    X(tanh_lengths, RNN(.bidirectional = true))                                                                          \
    X(relu_everything, RNN(.relu = true, .num_layers = 2, .bidirectional = true, .batch_first = true))                   \
    X(gru, GRU(.num_layers = 1))                                                                                         \
    X(gru_plain, GRU(.num_layers = 1))                                                                                   \
    X(gru_no_bias, GRU(.no_bias = true))                                                                                 \
    X(gru_only_h_n, GRU(.num_layers = 1))                                                                                \
    X(gru_layers, GRU(.num_layers = 3))                                                                                  \
    X(gru_bidirectional, GRU(.bidirectional = true))                                                                     \
    X(gru_lengths, GRU(.num_layers = 1))                                                                                 \
    X(gru_lengths_plain, GRU(.bidirectional = true))                                                                     \
    X(gru_everything, GRU(.num_layers = 2, .bidirectional = true, .batch_first = true, .no_bias = true))                 \
    X(lstm_lengths, LSTM(.num_layers = 1))                                                                               \
    X(lstm_lengths_plain, LSTM(.bidirectional = true))                                                                   \
    X(lstm_lengths_only_c_n, LSTM(.num_layers = 1))                                                                      \
    X(lstm_everything, LSTM(.num_layers = 2, .bidirectional = true, .batch_first = true, .no_bias = true))               \
    X(tanh_single, RNN(.num_layers = 1))                                                                                 \
    X(gru_single, GRU(.num_layers = 2, .bidirectional = true))                                                           \
    X(lstm_single, LSTM(.num_layers = 2, .bidirectional = true, .batch_first = true))

#include "support/layer_cases.h"

static bool is_lstm(const cnn_module *m)
{
    return strcmp(cnn_module_type(m), "LSTM") == 0;
}

static void check_case(int i, cnn_dtype dtype, double tolerance)
{
    static const char *const names[] = { "x", "h0", "c0", "lengths" };
    const char *name = cases[i].name;
    cnn_module *m = cases[i].make(dtype);
    ck_assert_msg(m != NULL, "%s", cnn_last_error(NULL));
    fixture_load(m, name, dtype);
    cnn_tensor *leaves[4], *sum = NULL, *h_n, *c_n;
    for (int k = 0; k < 4; k++) {
        leaves[k] = fixture_leaf(name, names[k], dtype);
    }
    cnn_tensor *x = cnn_input(tape, leaves[0]);
    cnn_tensor *y = is_lstm(m) ? cnn_lstm_forward(m, x, leaves[1], leaves[2], leaves[3], &h_n, &c_n)
                               : cnn_rnn_forward(m, x, leaves[1], leaves[3], &h_n);
    ck_assert_msg(cnn_tape_status(tape) == CNN_OK, "%s: %s", name, cnn_tape_error(tape));
    fixture_result(name, "y", y, dtype, tolerance, &sum);
    fixture_result(name, "h_n", h_n, dtype, tolerance, &sum);
    if (is_lstm(m)) {
        fixture_result(name, "c_n", c_n, dtype, tolerance, &sum);
    }
    ck_assert_int_eq(cnn_backward(sum), CNN_OK);
    fixture_gradients(m, name, leaves, names, 4, tolerance);
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

START_TEST(text_and_names_are_pytorchs)
{
    static const char everything[] = "weight_ih_l0[27,5] weight_hh_l0[27,9] weight_ih_l0_reverse[27,5] weight_hh_l0_reverse[27,9] "
                                     "weight_ih_l1[27,18] weight_hh_l1[27,9] weight_ih_l1_reverse[27,18] weight_hh_l1_reverse[27,9]";
    const struct {
        const char *name;
        cnn_module *m;
        const char *state;
    } layers[] = {
        { "gru", cnn_gru_new(ctx, 5, 9), "weight_ih_l0[27,5] weight_hh_l0[27,9] bias_ih_l0[27] bias_hh_l0[27]" },
        { "gru_everything",
          cnn_gru_new(ctx, 5, 9, .num_layers = 2, .no_bias = true, .batch_first = true, .dropout = 0.25, .bidirectional = true),
          everything },
        { "rnn", cnn_rnn_new(ctx, 5, 9), "weight_ih_l0[9,5] weight_hh_l0[9,9] bias_ih_l0[9] bias_hh_l0[9]" },
        { "rnn_relu", cnn_rnn_new(ctx, 5, 9, .relu = true, .num_layers = 2),
          "weight_ih_l0[9,5] weight_hh_l0[9,9] bias_ih_l0[9] bias_hh_l0[9] "
          "weight_ih_l1[9,9] weight_hh_l1[9,9] bias_ih_l1[9] bias_hh_l1[9]" },
    };
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
        char text[256], *expected = fixture_text("rnn.txt", layers[i].name);
        cnn_module_format(layers[i].m, text, sizeof text);
        ck_assert_str_eq(text, expected);
        ck_assert_str_eq(state_text(layers[i].m), layers[i].state);
        double *w = as_doubles(cnn_module_find(layers[i].m, "weight_hh_l0")), largest = 0;
        for (int k = 0; k < 81; k++) {
            largest = fmax(largest, fabs(w[k]));
        }
        ck_assert(largest <= 1 / 3.0 + 1e-7 && largest > 0.3); /* uniform in ±1/√9 */
        free(w);
        free(expected);
        cnn_module_free(layers[i].m);
    }
}
END_TEST

/* ---- parts left out ---- */

enum { NO_H0 = 1, NO_BIAS_IH = 2, NO_BIAS_HH = 4, REVERSE = 8, LENGTHS = 16, VARIANTS = 32 };

typedef struct variant {
    int parts, cell, result; /* the parts above; 0: LSTM, 1: GRU, 2: tanh; 0: y, 1: h_n, 2: c_n */
    cnn_tensor *lengths;
} variant;

static cnn_tensor *call_variant(cnn_tensor *const *in, int count, void *user)
{
    const variant *v = user;
    cnn_tensor *results[3], *h0 = v->parts & NO_H0 ? NULL : in[5], *bias_ih = v->parts & NO_BIAS_IH ? NULL : in[3],
                            *bias_hh = v->parts & NO_BIAS_HH ? NULL : in[4], *lengths = v->parts & LENGTHS ? v->lengths : NULL;
    const cnn_rnn_options options = { .struct_size = sizeof options, .reverse = (v->parts & REVERSE) != 0 };
    (void)count;
    if (v->cell == 0) {
        results[0] = cnn_lstm(in[0], h0, v->parts & NO_BIAS_IH ? NULL : in[6], in[1], in[2], bias_ih, bias_hh, lengths, &options,
                              &results[1], &results[2]);
    } else {
        results[0] = (v->cell == 1 ? cnn_gru : cnn_rnn)(in[0], h0, in[1], in[2], bias_ih, bias_hh, lengths, &options, &results[1]);
    }
    return results[v->result];
}

/* Lengths are 0, some and all of the steps. */
START_TEST(gradients_agree_with_finite_differences)
{
    static const int64_t lengths[] = { 2, 0, 3 };
    static const int ranks[7] = { 3, 2, 2, 1, 1, 2, 2 };
    cnn_tensor *length = cnn_tensor_empty(ctx, CNN_I64, CNN_SHAPE(3));
    ck_assert_int_eq(cnn_tensor_write(length, lengths, sizeof lengths), CNN_OK);
    for (int cell = 0; cell < 3; cell++) {
        const int64_t gates = 2 * (cell == 0 ? 4 : cell == 1 ? 3 : 1);
        const int64_t shapes[7][3] = { { 3, 3, 2 }, { gates, 2 }, { gates, 2 }, { gates }, { gates }, { 3, 2 }, { 3, 2 } };
        cnn_tensor *in[7];
        for (int i = 0; i < 7; i++) {
            in[i] = cnn_tensor_randn(ctx, CNN_F64, ranks[i], shapes[i]);
            cnn_tensor_set_requires_grad(in[i], true);
        }
        for (int result = 0; result < (cell ? 2 : 3); result++) {
            variant v = { _i, cell, result, length };
            ck_assert_msg(cnn_gradcheck(ctx, call_variant, &v, in, 7, NULL) == CNN_OK, "parts %d, cell %d, result %d: %s", _i, cell,
                          result, cnn_last_error(ctx));
        }
        for (int i = 0; i < 7; i++) {
            cnn_tensor_free(in[i]);
        }
    }
    cnn_tensor_free(length);
}
END_TEST

/* ---- wide states ---- */

enum { WIDE = 19 }; /* whole vectors and a rest */

/* The gradients of in[7], as call_variant() takes them. */
static void wide_gradients(const variant *v, cnn_tensor *const *in)
{
    cnn_tensor *given[7];
    for (int i = 0; i < 7; i++) {
        given[i] = cnn_input(tape, in[i]);
    }
    cnn_tensor *y = call_variant(given, 7, (void *)(uintptr_t)v);
    ck_assert_msg(cnn_backward(cnn_sum(cnn_mul(y, y), CNN_ALL_DIMS, false)) == CNN_OK, "%s", cnn_tape_error(tape));
    cnn_tape_begin(tape, CNN_TRAIN);
}

START_TEST(wide_states_agree_in_both_dtypes)
{
    static const int ranks[7] = { 3, 2, 2, 1, 1, 2, 2 };
    const int64_t gates = WIDE * (_i == 0 ? 4 : _i == 1 ? 3 : 1);
    const int64_t shapes[7][3] = { { 3, 6, IN }, { gates, IN }, { gates, WIDE }, { gates }, { gates }, { 6, WIDE }, { 6, WIDE } };
    for (int some = 0; some < 2; some++) {
        const variant v = { .parts = some ? NO_H0 + NO_BIAS_IH : 0, .cell = _i };
        cnn_tensor *narrow[7], *wide[7];
        for (int i = 0; i < 7; i++) {
            narrow[i] = cnn_tensor_randn(ctx, CNN_F32, ranks[i], shapes[i]);
            wide[i] = cnn_tensor_empty(ctx, CNN_F64, ranks[i], shapes[i]);
            ck_assert_int_eq(cnn_tensor_copy_from(wide[i], narrow[i]), CNN_OK);
            cnn_tensor_set_requires_grad(narrow[i], true);
            cnn_tensor_set_requires_grad(wide[i], true);
        }
        wide_gradients(&v, narrow);
        wide_gradients(&v, wide);
        for (int i = 0; i < 7; i++) {
            const cnn_tensor *expected = cnn_tensor_grad(wide[i]);
            ck_assert(!expected == !cnn_tensor_grad(narrow[i]));
            if (expected) {
                tensors_agree("wide", "gradient", cnn_tensor_grad(narrow[i]), expected, 1e-5);
            }
        }
        for (int i = 0; i < 7; i++) {
            cnn_tensor_free(narrow[i]);
            cnn_tensor_free(wide[i]);
        }
    }
}
END_TEST

/* The same network of small operations. */
static cnn_tensor *composed(int cell, cnn_tensor *const *in, int steps, int64_t n)
{
    cnn_tensor *h = in[5], *c = in[6], *y[8];
    for (int t = 0; t < steps; t++) {
        cnn_tensor *a = cnn_linear(cnn_squeeze(cnn_slice(in[0], 0, t, t + 1, 1), 0), in[1], in[3]), *b = cnn_linear(h, in[2], in[4]);
        cnn_tensor *sum = cnn_add(a, b), *part[4] = { NULL };
        for (int i = 0; i < 4 && cell < 2 && i < 4 - cell; i++) {
            part[i] = cnn_slice(sum, 1, i * n, (i + 1) * n, 1);
        }
        if (cell == 0) {
            c = cnn_add(cnn_mul(cnn_sigmoid(part[1]), c), cnn_mul(cnn_sigmoid(part[0]), cnn_tanh(part[2])));
            h = cnn_mul(cnn_sigmoid(part[3]), cnn_tanh(c));
        } else if (cell == 1) {
            cnn_tensor *z = cnn_sigmoid(part[1]), *reset = cnn_mul(cnn_sigmoid(part[0]), cnn_slice(b, 1, 2 * n, 3 * n, 1)),
                       *new = cnn_tanh(cnn_add(cnn_slice(a, 1, 2 * n, 3 * n, 1), reset));
            h = cnn_add(new, cnn_mul(z, cnn_sub(h, new)));
        } else {
            h = cnn_tanh(sum);
        }
        y[t] = h;
    }
    return cnn_stack(y, steps, 0);
}

/* The gates of such states lie with gaps between their rows. */
START_TEST(rows_of_a_multiple_of_a_page_agree_with_small_operations)
{
    enum { TIMES = 3, MANY = 17 };
    const int64_t n = _i == 0 ? 256 : 1024, shapes[7][3] = { { TIMES, MANY, IN }, [5] = { MANY, n }, [6] = { MANY, n } };
    cnn_module *m = _i == 0 ? cnn_lstm_new(ctx, IN, n) : _i == 1 ? cnn_gru_new(ctx, IN, n) : cnn_rnn_new(ctx, IN, n);
    cnn_tensor *leaves[7], *gradients[2][7];
    const variant v = { .cell = _i };
    for (int i = 0; i < 7; i++) {
        bool given = i == 0 || i > 4;
        leaves[i] = given ? cnn_tensor_randn(ctx, CNN_F32, 3 - (i > 0), shapes[i]) : cnn_module_parameter(m, i - 1);
        cnn_tensor_set_requires_grad(leaves[i], true);
    }
    for (int small = 0; small < 2; small++) {
        cnn_tensor *in[7];
        for (int i = 0; i < 7; i++) {
            in[i] = cnn_input(tape, leaves[i]);
            cnn_tensor_zero_grad(leaves[i]);
        }
        cnn_tensor *y = small ? composed(_i, in, TIMES, n) : call_variant(in, 7, (void *)(uintptr_t)&v);
        ck_assert_msg(cnn_backward(cnn_sum(cnn_mul(y, y), CNN_ALL_DIMS, false)) == CNN_OK, "%s", cnn_tape_error(tape));
        for (int i = 0; i < 7; i++) {
            const cnn_tensor *gradient = cnn_tensor_grad(leaves[i]);
            gradients[small][i] = gradient ? cnn_tensor_empty(ctx, CNN_F32, cnn_tensor_ndim(gradient), cnn_tensor_shape(gradient)) : NULL;
            ck_assert(!gradient || cnn_tensor_copy_from(gradients[small][i], gradient) == CNN_OK);
        }
        cnn_tape_begin(tape, CNN_TRAIN);
    }
    for (int i = 0; i < 7; i++) {
        ck_assert(!gradients[0][i] == !gradients[1][i] && (gradients[0][i] || (_i && i == 6)));
        if (gradients[0][i]) {
            tensors_agree("small operations", "gradient", gradients[0][i], gradients[1][i], 2e-5);
        }
        cnn_tensor_free(gradients[0][i]);
        cnn_tensor_free(gradients[1][i]);
        if (i == 0 || i > 4) {
            cnn_tensor_free(leaves[i]);
        }
    }
    cnn_module_free(m);
}
END_TEST

/* The gradient of a tensor that is both biases has each of them. */
START_TEST(one_tensor_may_be_both_biases)
{
    const int64_t shapes[3][3] = { { 3, 6, IN }, { 4 * WIDE, IN }, { 4 * WIDE, WIDE } };
    cnn_tensor *leaves[6], *h_n, *c_n;
    for (int i = 0; i < 6; i++) {
        leaves[i] = i < 3 ? cnn_tensor_randn(ctx, CNN_F32, i ? 2 : 3, shapes[i])
                          : cnn_tensor_full(ctx, CNN_F32, 0.25, CNN_SHAPE(4 * WIDE));
        cnn_tensor_set_requires_grad(leaves[i], true);
    }
    for (int first = 3; first < 5; first++) { /* leaf 3 twice; leaves 4 and 5 */
        cnn_tensor *in[6];
        for (int i = 0; i < 6; i++) {
            in[i] = cnn_input(tape, leaves[i]);
        }
        cnn_tensor *y = cnn_lstm(in[0], NULL, NULL, in[1], in[2], in[first], in[first == 3 ? 3 : 5], NULL, NULL, &h_n, &c_n);
        ck_assert_msg(cnn_backward(cnn_sum(y, CNN_ALL_DIMS, false)) == CNN_OK, "%s", cnn_tape_error(tape));
        cnn_tape_begin(tape, CNN_TRAIN);
    }
    double *both = as_doubles(cnn_tensor_grad(leaves[3])), *ih = as_doubles(cnn_tensor_grad(leaves[4])),
           *hh = as_doubles(cnn_tensor_grad(leaves[5]));
    for (int k = 0; k < 4 * WIDE; k++) {
        ck_assert_double_eq(ih[k], hh[k]);
        ck_assert_double_eq(both[k], 2 * ih[k]);
        ck_assert_double_ne(ih[k], 0);
    }
    free(both);
    free(ih);
    free(hh);
    for (int i = 0; i < 6; i++) {
        cnn_tensor_free(leaves[i]);
    }
}
END_TEST

/* ---- behaviour ---- */

static cnn_tensor *sequence(void)
{
    return cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(STEPS, BATCH, IN));
}

static cnn_tensor *lengths_of(int64_t a, int64_t b, int64_t c)
{
    const int64_t lengths[] = { a, b, c };
    cnn_tensor *t = cnn_tensor_empty(ctx, CNN_I64, CNN_SHAPE(BATCH));
    ck_assert_int_eq(cnn_tensor_write(t, lengths, sizeof lengths), CNN_OK);
    return t;
}

START_TEST(whole_lengths_change_nothing)
{
    for (int cell = 0; cell < 3; cell++) {
        cnn_tensor *plain = sequence(), *whole = lengths_of(STEPS, STEPS, STEPS), *h_n[2], *y[2];
        cnn_module *m = cell == 0   ? cnn_lstm_new(ctx, IN, HIDDEN, .bidirectional = true)
                        : cell == 1 ? cnn_gru_new(ctx, IN, HIDDEN, .bidirectional = true)
                                    : cnn_rnn_new(ctx, IN, HIDDEN, .bidirectional = true);
        cnn_tensor *x = cnn_input(tape, plain);
        for (int i = 0; i < 2; i++) {
            y[i] = cell == 0 ? cnn_lstm_forward(m, x, NULL, NULL, i ? whole : NULL, &h_n[i], NULL)
                             : cnn_rnn_forward(m, x, NULL, i ? whole : NULL, &h_n[i]);
        }
        ck_assert(same_elements(y[0], y[1]) && same_elements(h_n[0], h_n[1]));
        cnn_tensor_free(plain);
        cnn_tensor_free(whole);
        cnn_module_free(m);
    }
}
END_TEST

START_TEST(a_clone_and_a_file_have_the_parameters)
{
    cnn_module *m = cnn_gru_new(ctx, IN, HIDDEN, .num_layers = 2, .bidirectional = true), *clone = cnn_module_clone(m);
    cnn_module *loaded = cnn_gru_new(ctx, IN, HIDDEN, .num_layers = 2, .bidirectional = true);
    cnn_tensor *plain = sequence(), *x = cnn_input(tape, plain), *y = cnn_forward(m, x);
    folder_make();
    ck_assert_int_eq(cnn_module_save(m, in_folder("m.safetensors")), CNN_OK);
    ck_assert_int_eq(cnn_module_load(loaded, in_folder("m.safetensors")), CNN_OK);
    folder_remove();
    ck_assert(same_elements(y, cnn_forward(clone, x)) && same_elements(y, cnn_forward(loaded, x)));
    cnn_tensor_fill(cnn_module_find(clone, "weight_hh_l1_reverse"), 0.5);
    ck_assert(!same_elements(y, cnn_forward(clone, x)));
    cnn_tensor_free(plain);
    cnn_module_free(m);
    cnn_module_free(clone);
    cnn_module_free(loaded);
}
END_TEST

START_TEST(equal_steps_allocate_nothing)
{
    cnn_module *m = cnn_gru_new(ctx, IN, HIDDEN, .num_layers = 2, .bidirectional = true, .dropout = 0.5);
    cnn_optimizer *adam = cnn_adam_new(m);
    cnn_tensor *plain = sequence(), *lengths = lengths_of(2, 5, 3);
    long calls = 0;
    for (int step = 0; step < 6; step++) {
        cnn_tensor *h_n;
        if (step == 3) {
            calls = atomic_load(&meter.calls);
        }
        cnn_tape_begin(tape, CNN_TRAIN);
        cnn_tensor *y = cnn_rnn_forward(m, cnn_input(tape, plain), NULL, lengths, &h_n);
        ck_assert_int_eq(cnn_backward(cnn_add(cnn_mean(y, CNN_ALL_DIMS, false), cnn_mean(h_n, CNN_ALL_DIMS, false))), CNN_OK);
        ck_assert_int_eq(cnn_optimizer_step(adam), CNN_OK);
        cnn_optimizer_zero_grad(adam);
    }
    ck_assert_int_eq(atomic_load(&meter.calls), calls);
    cnn_tensor_free(plain);
    cnn_tensor_free(lengths);
    cnn_optimizer_free(adam);
    cnn_module_free(m);
}
END_TEST

/* ---- what is refused ---- */

/* A device looks at lengths while it computes: what is wrong is said by the call that waits. */
START_TEST(bad_lengths_are_refused)
{
    cnn_module *m = cnn_gru_new(ctx, IN, HIDDEN);
    cnn_tensor *plain = sequence(), *bad[] = { lengths_of(1, 2, 6), lengths_of(1, -1, 3),
                                               cnn_tensor_zeros(ctx, CNN_I32, CNN_SHAPE(BATCH)),
                                               cnn_tensor_zeros(ctx, CNN_I64, CNN_SHAPE(2)) };
    static const char *const messages[][2] = {
        { "gru: length 2 is 6, expected 0 to 5", "index_check failed: the index at 2 is 6" },
        { "gru: length 1 is -1, expected 0 to 5", "index_check failed: the index at 1 is -1" },
        { "gru: lengths is int32, expected int64", "gru: lengths is int32, expected int64" },
        { "gru: lengths is [2], expected [3]", "gru: lengths is [2], expected [3]" },
    };
    for (int i = 0; i < 4; i++) {
        cnn_tensor *h_n;
        cnn_tape_begin(tape, CNN_TRAIN);
        cnn_rnn_forward(m, cnn_input(tape, plain), NULL, bad[i], &h_n);
        cnn_context_synchronize(ctx);
        const char *message = messages[i][on_device() && i < 2];
        ck_assert_msg(strstr(cnn_tape_error(tape), message), "\"%s\" does not say \"%s\"", cnn_tape_error(tape), message);
        cnn_tensor_free(bad[i]);
    }
    cnn_context_clear_error(ctx);
    cnn_tensor_free(plain);
    cnn_module_free(m);
}
END_TEST

START_TEST(bad_calls_are_refused)
{
    cnn_module *lstm = cnn_lstm_new(ctx, IN, HIDDEN), *gru = cnn_gru_new(ctx, IN, HIDDEN, .num_layers = 2);
    cnn_tensor *plain = sequence(), *state = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(1, BATCH, HIDDEN)), *h_n, *out[3];
    cnn_rnn_forward(lstm, cnn_input(tape, plain), NULL, NULL, &h_n);
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "rnn_forward: the module is of type LSTM, expected RNN or GRU");
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_rnn_forward(gru, cnn_input(tape, plain), state, NULL, &h_n);
    failed_with(CNN_ERROR_SHAPE, "rnn_forward: h0 is [1,3,3], expected [2,N,3]");
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_rnn_forward(gru, cnn_squeeze(cnn_slice(cnn_input(tape, plain), 1, 0, 1, 1), 1), state, NULL, &h_n);
    failed_with(CNN_ERROR_SHAPE, "rnn_forward: h0 is [1,3,3], expected [2,3]");
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_forward_many(tape, gru, &plain, 1, out, 3);
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "forward: GRU takes x, h0 and lengths and returns y and h_n, given 1 and asked for 3");
    ck_assert_ptr_null(cnn_gru_new(ctx, 3, 2, .relu = true));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "gru_create: relu is set, expected that of an RNN alone");
    ck_assert_ptr_null(cnn_rnn_new(ctx, 3, 0));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "rnn_create: hidden_size is 0, expected at least 1");
    cnn_tensor_free(plain);
    cnn_tensor_free(state);
    cnn_module_free(lstm);
    cnn_module_free(gru);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rnn");
    TCase *tests = suite_case(suite, "PyTorch", setup, teardown);
    tcase_add_loop_test(tests, f64_agrees_with_pytorch, 0, CASE_COUNT);
    tcase_add_loop_test(tests, f32_agrees_with_pytorch, 0, CASE_COUNT);
    tcase_add_test(tests, text_and_names_are_pytorchs);
    tests = suite_case(suite, "behaviour", setup, teardown);
    tcase_add_loop_test(tests, gradients_agree_with_finite_differences, 0, VARIANTS);
    tcase_add_loop_test(tests, wide_states_agree_in_both_dtypes, 0, 3);
    tcase_add_loop_test(tests, rows_of_a_multiple_of_a_page_agree_with_small_operations, 0, 3);
    tcase_add_test(tests, one_tensor_may_be_both_biases);
    tcase_add_test(tests, whole_lengths_change_nothing);
    tcase_add_test(tests, a_clone_and_a_file_have_the_parameters);
    tcase_add_test(tests, equal_steps_allocate_nothing);
    tests = suite_case(suite, "refused", setup, teardown);
    tcase_add_test(tests, bad_lengths_are_refused);
    tcase_add_test(tests, bad_calls_are_refused);
    return suite_run(suite);
}
