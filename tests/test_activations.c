/* Activations where PyTorch's own kernels differ between releases or paths, dtypes that fixtures do not have, layers and
 * their messages. Values and gradients are compared with PyTorch's in test_ops.c. */
#include "support/fixtures.h"
#include "support/suite.h"

#include <cnn/cnn.h>

#include <math.h>
#include <stdio.h>

static cnn_context *ctx;
static cnn_tape *tape;

static void setup(void)
{
    ctx = cnn_context_new(.threads = 1);
    tape = cnn_tape_new(ctx);
    ck_assert_ptr_nonnull(tape);
}

static void teardown(void)
{
    cnn_tape_free(tape);
    cnn_context_free(ctx);
}

typedef cnn_tensor *(*function)(cnn_tensor *x);

static cnn_tensor *hardtanh_tenth(cnn_tensor *x) { return cnn_hardtanh(x, -0.1, 0.1); }
static cnn_tensor *softplus_far(cnn_tensor *x) { return cnn_softplus(x, 1, 1e4); }
static cnn_tensor *elu_two(cnn_tensor *x) { return cnn_elu(x, 2); }
static cnn_tensor *leaky(cnn_tensor *x) { return cnn_leaky_relu(x, 0.25); }

/* The gradient of the sum of f(x) at one point. */
static double slope(function f, cnn_dtype dtype, double at)
{
    cnn_tensor *x = cnn_tensor_full(ctx, dtype, at, CNN_SHAPE(1));
    cnn_tensor_set_requires_grad(x, true);
    cnn_tape_begin(tape, CNN_TRAIN);
    ck_assert_int_eq(cnn_backward(cnn_sum(f(cnn_input(tape, x)), CNN_ALL_DIMS, false)), CNN_OK);
    double grad = cnn_tensor_item(cnn_tensor_grad(x));
    cnn_tensor_free(x);
    return grad;
}

static double value(function f, cnn_dtype dtype, double at)
{
    cnn_tensor *x = cnn_tensor_full(ctx, dtype, at, CNN_SHAPE(1));
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_tensor *y = f(cnn_input(tape, x));
    ck_assert_msg(cnn_tape_status(tape) == CNN_OK, "%s", cnn_tape_error(tape));
    double item = cnn_tensor_item(y);
    cnn_tensor_free(x);
    return item;
}

START_TEST(slopes_at_kinks_are_pytorchs)
{
    static const cnn_dtype dtypes[] = { CNN_F32, CNN_F64, CNN_BF16 };
    for (int i = 0; i < 3; i++) {
        cnn_dtype d = dtypes[i];
        ck_assert(slope(cnn_hardswish, d, -3) == 0 && slope(cnn_hardswish, d, 3) == 1 && slope(cnn_hardswish, d, 0) == 0.5);
        ck_assert(slope(cnn_hardsigmoid, d, -3) == 0 && slope(cnn_hardsigmoid, d, 3) == 0);
        ck_assert(slope(cnn_relu6, d, 0) == 0 && slope(cnn_relu6, d, 6) == 0 && slope(cnn_relu6, d, 3) == 1);
        ck_assert(slope(leaky, d, 0) == 0.25 && slope(leaky, d, -0.0) == 0.25);
        ck_assert(slope(elu_two, d, 0) == 2 && slope(elu_two, d, 1) == 1);
        ck_assert(slope(cnn_softsign, d, 0) == 1 && slope(cnn_round, d, 0.5) == 0 && slope(cnn_sign, d, 0) == 0);
    }
}
END_TEST

/* A bound is rounded to the dtype first: at the f32 that is nearest to 0.1 the slope is 0. */
START_TEST(bounds_have_the_precision_of_the_dtype)
{
    ck_assert(slope(hardtanh_tenth, CNN_F32, (double)0.1f) == 0 && slope(hardtanh_tenth, CNN_F32, -(double)0.1f) == 0);
    ck_assert(slope(hardtanh_tenth, CNN_F64, 0.1) == 0 && slope(hardtanh_tenth, CNN_F32, 0.0999) == 1);
    ck_assert(value(hardtanh_tenth, CNN_F32, 7) == (double)0.1f);
}
END_TEST

/* Where PyTorch's formula overflows first. */
START_TEST(softplus_of_large_numbers_is_finite)
{
    ck_assert(value(softplus_far, CNN_F64, 2000) == 2000 && value(softplus_far, CNN_F32, 2000) == 2000);
    ck_assert(slope(softplus_far, CNN_F64, 2000) == 1 && slope(softplus_far, CNN_F64, -2000) == 0);
}
END_TEST

/* The rows of src/ops/activations.def: functions and layers with the defaults. */
#define CNN_ACTIVATION_1(name, type, FUNCTION, SLOPE, number, standard, shown, second, rule, expected)        \
    static cnn_tensor *default_##name(cnn_tensor *x) { return cnn_##name(x, standard); }                      \
    static cnn_module *make_##name(void) { return cnn_##name##_create(ctx, NULL); }                           \
    static bool allows_##name(double number) { return (void)number, (rule); }                                 \
    static cnn_module *make_##name##_with(double given) { return cnn_##name##_new(ctx, .number = given); }
#define CNN_ACTIVATION(name, ...)                                                                             \
    static cnn_tensor *default_##name(cnn_tensor *x) { return cnn_##name(x); }                                \
    static cnn_module *make_##name(void) { return cnn_##name##_create(ctx, NULL); }
#include "ops/ops.def"

static const struct {
    const char *name;
    function f;
    cnn_module *(*layer)(void);
} rows[] = {
#define ROW(name) { #name, default_##name, make_##name },
#define CNN_ACTIVATION(name, ...) ROW(name)
#define CNN_ACTIVATION_1(name, ...) ROW(name)
#include "ops/ops.def"
};

enum { ROWS = sizeof rows / sizeof *rows };

/* A number that the rule of a row refuses fails the operation and the layer, with a message that says what is expected. */
START_TEST(numbers_follow_their_rules)
{
    static const struct {
        const char *name, *number, *expected;
        bool (*allows)(double number);
        cnn_tensor *(*f)(cnn_tensor *x, double number);
        cnn_module *(*layer)(double number);
    } numbered[] = {
#define CNN_ACTIVATION_1(name, type, FUNCTION, SLOPE, number, standard, shown, second, rule, expected) \
    { #name, #number, expected, allows_##name, cnn_##name, make_##name##_with },
#include "ops/ops.def"
    };
    static const double numbers[] = { 2, 0, -1, INFINITY, NAN };
    int refused = 0;
    cnn_tensor *x = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(2));
    for (size_t k = 0; k < sizeof numbered / sizeof *numbered * 5; k++) {
        const double number = numbers[k % 5];
        const size_t i = k / 5;
        const bool allowed = numbered[i].allows(number);
        char text[2][128];
        snprintf(text[0], sizeof text[0], "%s: %s is %g, expected %s", numbered[i].name, numbered[i].number, number, numbered[i].expected);
        snprintf(text[1], sizeof text[1], "%s_create: %s is %g, expected %s", numbered[i].name, numbered[i].number, number,
                 numbered[i].expected);
        cnn_tape_begin(tape, CNN_EVAL);
        numbered[i].f(cnn_input(tape, x), number);
        ck_assert_str_eq(cnn_tape_error(tape), allowed ? "" : text[0]);
        cnn_module *m = numbered[i].layer(number == 0 ? CNN_ZERO : number);
        ck_assert_msg((m != NULL) == allowed, "%s", text[1]);
        if (!m) {
            ck_assert_str_eq(cnn_last_error(ctx), text[1]);
        }
        cnn_module_free(m);
        refused += !allowed;
    }
    ck_assert_int_gt(refused, 0);
    cnn_tensor_free(x);
}
END_TEST

START_TEST(a_nan_stays)
{
    const function all[] = { softplus_far, cnn_relu6, hardtanh_tenth, cnn_erf,  cnn_sin,  cnn_log2,  cnn_expm1,  cnn_exp2,
                             cnn_log1p,    cnn_log10, cnn_atan,       cnn_acos, cnn_round, cnn_square, cnn_rsqrt };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        ck_assert_msg(isnan(value(all[i], CNN_F64, NAN)) && isnan(value(all[i], CNN_F32, NAN)), "function %zu", i);
    }
    for (int i = 0; i < ROWS; i++) {
        ck_assert_msg(isnan(value(rows[i].f, CNN_F64, NAN)) && isnan(value(rows[i].f, CNN_F32, NAN)), "%s", rows[i].name);
    }
}
END_TEST

static void expect(cnn_tensor *t, cnn_dtype dtype, int n, const double *expected)
{
    ck_assert_msg(cnn_tape_status(tape) == CNN_OK, "%s", cnn_tape_error(tape));
    ck_assert(cnn_tensor_dtype(t) == dtype && cnn_tensor_numel(t) == n);
    double *x = as_doubles(t);
    for (int i = 0; i < n; i++) {
        ck_assert_msg(x[i] == expected[i], "element %d is %g, expected %g", i, x[i], expected[i]);
    }
    free(x);
}

START_TEST(integers_have_signs_extremes_and_logic)
{
    const int64_t shape[] = { 4 }, a[] = { INT64_MIN, -1, 0, INT64_MAX }, b[] = { 0, -2, 0, 3 };
    cnn_tensor *ta = cnn_tensor_from_data(ctx, CNN_I64, 1, shape, a), *tb = cnn_tensor_from_data(ctx, CNN_I64, 1, shape, b);
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_tensor *x = cnn_input(tape, ta), *y = cnn_input(tape, tb);
    expect(cnn_sign(x), CNN_I64, 4, (const double[]){ -1, -1, 0, 1 });
    expect(cnn_minimum(x, y), CNN_I64, 4, (const double[]){ -0x1p63, -2, 0, 3 });
    expect(cnn_maximum(x, y), CNN_I64, 4, (const double[]){ 0, -1, 0, 0x1p63 });
    expect(cnn_logical_and(x, y), CNN_BOOL, 4, (const double[]){ 0, 1, 0, 1 });
    expect(cnn_logical_or(x, y), CNN_BOOL, 4, (const double[]){ 1, 1, 0, 1 });
    expect(cnn_logical_xor(x, y), CNN_BOOL, 4, (const double[]){ 1, 0, 0, 0 });
    expect(cnn_logical_not(x), CNN_BOOL, 4, (const double[]){ 0, 0, 1, 0 });
    cnn_tensor *flags = cnn_lt(x, y);
    expect(cnn_logical_not(flags), CNN_BOOL, 4, (const double[]){ 0, 1, 1, 1 });
    expect(cnn_logical_xor(flags, cnn_logical_not(flags)), CNN_BOOL, 4, (const double[]){ 1, 1, 1, 1 });
    expect(cnn_sign(cnn_cast(cnn_abs(y), CNN_U8)), CNN_U8, 4, (const double[]){ 0, 1, 0, 1 });
    cnn_tensor_free(ta);
    cnn_tensor_free(tb);
}
END_TEST

START_TEST(prelu_layer_has_pytorchs_weight)
{
    cnn_module *m = cnn_prelu_new(ctx, .num_parameters = 3), *clone = cnn_module_clone(m);
    ck_assert_int_eq(cnn_module_parameter_count(m), 1);
    cnn_tensor *weight = cnn_module_find(m, "weight");
    ck_assert(weight && cnn_tensor_ndim(weight) == 1 && cnn_tensor_size(weight, 0) == 3 && cnn_tensor_requires_grad(weight));
    expect(weight, CNN_F32, 3, (const double[]){ 0.25, 0.25, 0.25 });
    cnn_tensor *x = cnn_tensor_full(ctx, CNN_F32, -2, CNN_SHAPE(2, 3));
    cnn_tape_begin(tape, CNN_TRAIN);
    ck_assert_int_eq(cnn_backward(cnn_sum(cnn_forward(m, cnn_input(tape, x)), CNN_ALL_DIMS, false)), CNN_OK);
    expect(cnn_tensor_grad(weight), CNN_F32, 3, (const double[]){ -4, -4, -4 });
    cnn_tensor_fill(weight, 1);
    cnn_tape_begin(tape, CNN_EVAL); /* the clone has weights of its own */
    expect(cnn_forward(clone, cnn_input(tape, x)), CNN_F32, 6, (const double[]){ -0.5, -0.5, -0.5, -0.5, -0.5, -0.5 });
    cnn_tensor_free(x);
    cnn_module_free(m);
    cnn_module_free(clone);
    m = cnn_prelu_new(ctx, .init = CNN_ZERO, .dtype = CNN_F64);
    expect(cnn_module_find(m, "weight"), CNN_F64, 1, (const double[]){ 0 });
    cnn_module_free(m);
}
END_TEST

START_TEST(layers_compute_their_functions)
{
    const struct {
        cnn_module *layer;
        function f;
    } pairs[] = { { cnn_leaky_relu_new(ctx, .negative_slope = 0.25), leaky },
                  { cnn_elu_new(ctx, .alpha = 2), elu_two },
                  { cnn_softplus_new(ctx, .threshold = 1e4), softplus_far },
                  { cnn_hardtanh_new(ctx, .min_val = -0.1, .max_val = 0.1), hardtanh_tenth },
                  { cnn_sigmoid_new(ctx), cnn_sigmoid },
                  { cnn_tanh_new(ctx), cnn_tanh },
                  { cnn_relu6_new(ctx), cnn_relu6 } };
    cnn_tensor *x = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(5));
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        cnn_tape_begin(tape, CNN_EVAL);
        cnn_tensor *given = cnn_input(tape, x);
        double *expected = as_doubles(pairs[i].f(given));
        expect(cnn_forward(pairs[i].layer, given), CNN_F32, 5, expected);
        free(expected);
        cnn_module_free(pairs[i].layer);
    }
    for (int i = 0; i < ROWS; i++) {
        cnn_module *layer = rows[i].layer();
        cnn_tape_begin(tape, CNN_EVAL);
        cnn_tensor *given = cnn_input(tape, x);
        double *expected = as_doubles(rows[i].f(given));
        expect(cnn_forward(layer, given), CNN_F32, 5, expected);
        free(expected);
        cnn_module_free(layer);
    }
    cnn_module *same = cnn_identity_new(ctx), *softmax = cnn_softmax_new(ctx, -1), *log_softmax = cnn_log_softmax_new(ctx, 0);
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_tensor *given = cnn_input(tape, x);
    ck_assert_ptr_eq(cnn_forward(same, given), given);
    double *expected = as_doubles(cnn_softmax(given, 0)), *logs = as_doubles(cnn_log_softmax(given, 0));
    expect(cnn_forward(softmax, given), CNN_F32, 5, expected);
    expect(cnn_forward(log_softmax, given), CNN_F32, 5, logs);
    free(expected);
    free(logs);
    cnn_module_free(same);
    cnn_module_free(softmax);
    cnn_module_free(log_softmax);
    cnn_tensor_free(x);
}
END_TEST

#define FAILS(call, text) \
    ck_assert(!(call)); \
    ck_assert_str_eq(cnn_last_error(ctx), text)

START_TEST(messages_name_what_was_given)
{
    FAILS(cnn_hardtanh_new(ctx, .min_val = 2), "hardtanh_create: min_val is 2, max_val is 1, expected min_val < max_val");
    FAILS(cnn_prelu_new(ctx, .num_parameters = -1), "prelu_create: num_parameters is -1, expected at least 1");
    FAILS(cnn_prelu_new(ctx, .dtype = CNN_I64), "prelu_create: dtype is int64, expected float32, float64 or bfloat16");
    FAILS(cnn_softmax_new(ctx, 8), "softmax_create: dim is 8, expected -8 to 7");
    cnn_tensor *x = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(2, 3)), *w = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(2));
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_prelu(cnn_input(tape, x), w);
    ck_assert_str_eq(cnn_tape_error(tape), "prelu: the weight has shape [2], expected [1] or [3], the channels of x");
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_hardtanh(cnn_input(tape, x), 1, -1);
    ck_assert_str_eq(cnn_tape_error(tape), "hardtanh: min_val is 1, max_val is -1, expected min_val <= max_val");
    cnn_tensor_free(x);
    cnn_tensor_free(w);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("activations");
    TCase *tests = suite_case(suite, "activations", setup, teardown);
    tcase_add_test(tests, slopes_at_kinks_are_pytorchs);
    tcase_add_test(tests, bounds_have_the_precision_of_the_dtype);
    tcase_add_test(tests, softplus_of_large_numbers_is_finite);
    tcase_add_test(tests, a_nan_stays);
    tcase_add_test(tests, integers_have_signs_extremes_and_logic);
    tcase_add_test(tests, prelu_layer_has_pytorchs_weight);
    tcase_add_test(tests, numbers_follow_their_rules);
    tcase_add_test(tests, layers_compute_their_functions);
    tcase_add_test(tests, messages_name_what_was_given);
    return suite_run(suite);
}
