/* NaN, infinities, zeros, and the same tensor as several operands: values and gradients equal PyTorch's
 * (tools/fixtures/nonfinite.py) on every kernel table and in both dtypes. A case has the same name here and there. */
#include "kernels/kernels.h"
#include "ops/geometry.h"
#include "support/elements.h"
#include "support/fixtures.h"
#include "support/suite.h"

static cnn_context *ctx;
static cnn_tape *tape;

typedef struct border_case {
    const char *name;
    cnn_tensor *(*call)(cnn_tensor **in);
} border_case;

#define CONV(...) CNN_OPTIONS(cnn_conv2d_options, __VA_ARGS__)
#define POOL(...) CNN_OPTIONS(cnn_maxpool2d_options, __VA_ARGS__)
#define LOSS(...) CNN_OPTIONS(cnn_cross_entropy_options, __VA_ARGS__)
#define PAIR(a, b) ((cnn_tensor *const[]){ a, b }), 2
#define ZERO cnn_mul_scalar(cnn_sum(cnn_slice(in[0], 0, 0, 0, 1), CNN_ALL_DIMS, false), 1)
#define TURNED cnn_transpose(in[0], 0, 1)

#define ELEMENTWISE(X) \
    X(neg, cnn_neg(in[0])) \
    X(exp, cnn_exp(in[0])) \
    X(log, cnn_log(in[0])) \
    X(sqrt, cnn_sqrt(in[0])) \
    X(abs, cnn_abs(in[0])) \
    X(tanh, cnn_tanh(in[0])) \
    X(sigmoid, cnn_sigmoid(in[0])) \
    X(relu, cnn_relu(in[0])) \
    X(clamp, cnn_clamp(in[0], -1, 1)) \
    X(clamp_crossed, cnn_clamp(in[0], 1, -1)) \
    X(clamp_infinite, cnn_clamp(in[0], -INFINITY, INFINITY)) \
    X(pow_scalar_half, cnn_pow_scalar(in[0], 0.5)) \
    X(pow_scalar_two, cnn_pow_scalar(in[0], 2)) \
    X(pow_scalar_three, cnn_pow_scalar(in[0], 3)) \
    X(pow_scalar_inverse, cnn_pow_scalar(in[0], -1)) \
    X(pow_scalar_inverse_root, cnn_pow_scalar(in[0], -0.5)) \
    X(pow_scalar_zero, cnn_pow_scalar(in[0], 0)) \
    X(pow_scalar_one, cnn_pow_scalar(in[0], 1)) \
    X(add_scalar_infinite, cnn_add_scalar(in[0], INFINITY)) \
    X(mul_scalar_zero, cnn_mul_scalar(in[0], 0)) \
    X(mul_scalar_infinite, cnn_mul_scalar(in[0], INFINITY)) \
    X(dropout_all, cnn_dropout(in[0], 1)) \
    X(dropout_none, cnn_dropout(in[0], 0)) \
    X(add, cnn_add(in[0], in[1])) \
    X(add_broadcast, cnn_add(in[0], in[1])) \
    X(sub, cnn_sub(in[0], in[1])) \
    X(sub_broadcast, cnn_sub(in[0], in[1])) \
    X(mul, cnn_mul(in[0], in[1])) \
    X(mul_broadcast, cnn_mul(in[0], in[1])) \
    X(div, cnn_div(in[0], in[1])) \
    X(div_broadcast, cnn_div(in[0], in[1])) \
    X(pow, cnn_pow(in[0], in[1])) \
    X(pow_broadcast, cnn_pow(in[0], in[1])) \
    X(where, cnn_where(cnn_gt(in[0], in[1]), in[0], in[1])) \
    X(where_seeds, cnn_where(cnn_gt(in[0], ZERO), in[0], cnn_neg(in[0])))

#define REDUCTIONS(X) \
    X(sum, cnn_sum(in[0], CNN_DIMS(1), false)) \
    X(sum_seeds, cnn_sum(in[0], CNN_DIMS(1), false)) \
    X(sum_columns, cnn_sum(in[0], CNN_DIMS(0), false)) \
    X(mean, cnn_mean(in[0], CNN_DIMS(1), false)) \
    X(mean_seeds, cnn_mean(in[0], CNN_DIMS(1), false)) \
    X(mean_columns, cnn_mean(in[0], CNN_DIMS(0), false)) \
    X(max, cnn_max(in[0], CNN_DIMS(1), false)) \
    X(max_seeds, cnn_max(in[0], CNN_DIMS(1), false)) \
    X(max_columns, cnn_max(in[0], CNN_DIMS(0), false)) \
    X(min, cnn_min(in[0], CNN_DIMS(1), false)) \
    X(min_seeds, cnn_min(in[0], CNN_DIMS(1), false)) \
    X(min_columns, cnn_min(in[0], CNN_DIMS(0), false)) \
    X(argmax, cnn_argmax(in[0], CNN_DIMS(1), false)) \
    X(softmax, cnn_softmax(in[0], 1)) \
    X(softmax_first, cnn_softmax(in[0], 0)) \
    X(softmax_seeds, cnn_softmax(in[0], 1)) \
    X(log_softmax, cnn_log_softmax(in[0], 1)) \
    X(log_softmax_first, cnn_log_softmax(in[0], 0)) \
    X(log_softmax_seeds, cnn_log_softmax(in[0], 1)) \
    X(cross_entropy, cnn_cross_entropy_with(in[0], in[1], LOSS(.reduction = CNN_REDUCE_NONE))) \
    X(cross_entropy_smoothing, \
      cnn_cross_entropy_with(in[0], in[1], LOSS(.reduction = CNN_REDUCE_NONE, .label_smoothing = 0.25))) \
    X(cross_entropy_chances, cnn_cross_entropy_with(in[0], in[1], LOSS(.reduction = CNN_REDUCE_NONE))) \
    X(cross_entropy_ignored, cnn_cross_entropy_with(in[0], in[1], LOSS(.has_ignore_index = true))) \
    X(cross_entropy_none_left, cnn_cross_entropy_with(in[0], in[1], LOSS(.has_ignore_index = true))) \
    X(cross_entropy_weight_zero, cnn_cross_entropy_with(in[0], in[1], LOSS(.weight = cnn_detach(in[2])))) \
    X(cross_entropy_seeds, cnn_cross_entropy_with(in[0], in[1], LOSS(.reduction = CNN_REDUCE_NONE)))

#define PRODUCTS(X) \
    X(matmul, cnn_matmul(in[0], in[1])) \
    X(matmul_column, cnn_matmul(in[0], in[1])) \
    X(linear, cnn_linear(in[0], in[1], in[2])) \
    X(linear_seeds, cnn_linear(in[0], in[1], in[2])) \
    X(conv2d, cnn_conv2d(in[0], in[1], in[2], CONV(.padding = 1))) \
    X(conv2d_stride_past_kernel, cnn_conv2d(in[0], in[1], NULL, CONV(.stride = 4))) \
    X(conv2d_relu, cnn_relu(cnn_conv2d(in[0], in[1], NULL, NULL))) \
    X(conv2d_relu_seeds, cnn_relu(cnn_conv2d(in[0], in[1], NULL, NULL))) \
    X(conv2d_relu_maxpool2d, \
      cnn_maxpool2d(cnn_relu(cnn_conv2d(in[0], in[1], NULL, CONV(.padding = 1))), POOL(.kernel = 2))) \
    X(conv2d_relu_maxpool2d_nan_channel, \
      cnn_maxpool2d(cnn_relu(cnn_conv2d(in[0], in[1], in[2], CONV(.padding = 1))), POOL(.kernel = 2))) \
    X(relu_conv2d, cnn_conv2d(cnn_relu(in[0]), in[1], NULL, CONV(.padding = 1))) \
    X(relu_conv2d_point, cnn_conv2d(cnn_relu(in[0]), in[1], NULL, NULL)) \
    X(maxpool2d, cnn_maxpool2d(in[0], POOL(.kernel = 2))) \
    X(maxpool2d_overlap, cnn_maxpool2d(in[0], POOL(.kernel = 3, .stride = 1, .padding = 1))) \
    X(maxpool2d_seeds, cnn_maxpool2d(in[0], POOL(.kernel = 2, .stride = 1)))

#define ONE_TENSOR(X) \
    X(add_itself, cnn_add(in[0], in[0])) \
    X(add_own_transpose, cnn_add(in[0], TURNED)) \
    X(sub_itself, cnn_sub(in[0], in[0])) \
    X(sub_own_transpose, cnn_sub(in[0], TURNED)) \
    X(mul_itself, cnn_mul(in[0], in[0])) \
    X(mul_own_transpose, cnn_mul(in[0], TURNED)) \
    X(div_itself, cnn_div(in[0], in[0])) \
    X(div_own_transpose, cnn_div(in[0], TURNED)) \
    X(pow_itself, cnn_pow(in[0], in[0])) \
    X(where_itself, cnn_where(cnn_gt(in[0], ZERO), in[0], in[0])) \
    X(concat_itself, cnn_concat(PAIR(in[0], in[0]), 1)) \
    X(stack_itself, cnn_stack(PAIR(in[0], in[0]), 0)) \
    X(matmul_itself, cnn_matmul(in[0], in[0])) \
    X(matmul_own_transpose, cnn_matmul(in[0], TURNED)) \
    X(linear_itself, cnn_linear(in[0], in[0], cnn_squeeze(cnn_slice(in[0], 0, 0, 1, 1), 0))) \
    X(conv2d_itself, cnn_conv2d(in[0], in[0], NULL, NULL)) \
    X(cross_entropy_itself, cnn_cross_entropy(in[0], in[0]))

#define CASES(X) ELEMENTWISE(X) REDUCTIONS(X) PRODUCTS(X) ONE_TENSOR(X)

/* The kernels that do several operations at once have the fixtures of the chains that they stand for. */
#define JOINED(X) \
    X(conv2d_relu, cnn__conv2d_relu(in[0], in[1], NULL, NULL)) \
    X(conv2d_relu_seeds, cnn__conv2d_relu(in[0], in[1], NULL, NULL)) \
    X(conv2d_relu_maxpool2d_nan_channel, \
      cnn_conv2d_relu_maxpool2d(in[0], in[1], in[2], CONV(.padding = 1), POOL(.kernel = 2)))

#define X(name, expression) \
    static cnn_tensor *call_##name(cnn_tensor **in) \
    { \
        return expression; \
    }
CASES(X)
#undef X
#define X(name, expression) \
    static cnn_tensor *joined_##name(cnn_tensor **in) \
    { \
        return expression; \
    }
JOINED(X)
#undef X

static const border_case cases[] = {
#define X(name, expression) { #name, call_##name },
    CASES(X)
#undef X
#define X(name, expression) { #name, joined_##name },
        JOINED(X)
#undef X
};

enum { CASE_COUNT = sizeof cases / sizeof *cases, MAX_OPERANDS = 3, MAX_TABLES = 8 };

static cnn_tensor *part(const border_case *c, const char *what, int i, cnn_dtype dtype)
{
    char text[32];
    snprintf(text, sizeof text, i < 0 ? "%s" : "%s%d", what, i);
    cnn_tensor *t = fixture(ctx, "nonfinite.safetensors", c->name, text);
    if (!t || cnn_tensor_dtype(t) != CNN_F64 || dtype == CNN_F64) {
        return t;
    }
    cnn_tensor *narrow = cnn_tensor_empty(ctx, dtype, cnn_tensor_ndim(t), cnn_tensor_shape(t));
    ck_assert_int_eq(cnn_tensor_copy_from(narrow, t), CNN_OK);
    cnn_tensor_free(t);
    return narrow;
}

static void check_case(const border_case *c, cnn_dtype dtype, double tolerance)
{
    cnn_tensor *in[MAX_OPERANDS] = { NULL }, *x[MAX_OPERANDS] = { NULL }, *grads[MAX_OPERANDS] = { NULL };
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
    for (int i = 0; i < MAX_OPERANDS; i++) {
        in[i] = part(c, "in", i, dtype);
        grads[i] = part(c, "grad", i, dtype);
        if (grads[i]) {
            cnn_tensor_set_requires_grad(in[i], true);
        }
        x[i] = in[i] ? cnn_input(tape, in[i]) : NULL;
    }
    ck_assert_msg(in[0] != NULL, "there is no fixture named %s", c->name);
    cnn_tensor *y = c->call(x), *expected = part(c, "out", -1, dtype), *seed = part(c, "seed", -1, dtype);
    ck_assert_msg(cnn_tape_status(tape) == CNN_OK, "%s: %s", c->name, cnn_tape_error(tape));
    tensors_agree(c->name, "result", y, expected, tolerance);
    if (seed) {
        ck_assert_msg(cnn_backward_with(y, seed, false) == CNN_OK, "%s: %s", c->name, cnn_tape_error(tape));
    }
    for (int i = 0; i < MAX_OPERANDS; i++) {
        char what[16];
        snprintf(what, sizeof what, "gradient %d", i);
        if (grads[i]) {
            tensors_agree(c->name, what, cnn_tensor_grad(in[i]), grads[i], tolerance);
        }
        cnn_tensor_free(grads[i]);
        cnn_tensor_free(in[i]);
    }
    cnn_tensor_free(expected);
    cnn_tensor_free(seed);
}

static void on_every_table(const border_case *c, cnn_dtype dtype, double tolerance)
{
    const cnn__kernels *tables[MAX_TABLES];
    int count = cnn__kernels_list(tables, MAX_TABLES);
    for (int i = 0; i < count; i++) {
        ctx = cnn_context_new(.threads = 2, .kernels = tables[i]->name);
        tape = cnn_tape_new(ctx);
        ck_assert_ptr_nonnull(tape);
        check_case(c, dtype, tolerance);
        cnn_tape_free(tape);
        cnn_context_free(ctx);
    }
}

START_TEST(f64_is_pytorchs)
{
    on_every_table(&cases[_i], CNN_F64, 1e-12);
}
END_TEST

START_TEST(f32_is_pytorchs)
{
    on_every_table(&cases[_i], CNN_F32, 1e-5);
}
END_TEST

/* ---- what PyTorch leaves open, or does otherwise ---- */

/* Conversions out of range saturate and a NaN becomes 0; in C they are undefined. */
START_TEST(casts_are_defined)
{
    const float odd[] = { NAN, INFINITY, -INFINITY, 3e9f, -3e9f, 300, -1, 1e30f, -0.0f, 0.5f };
    const int64_t wide[] = { 0, INT64_MAX, INT64_MIN, 3000000000, -3000000000, 300, -1, INT64_MAX, 0, 0 };
    const int32_t narrow[] = { 0, INT32_MAX, INT32_MIN, INT32_MAX, INT32_MIN, 300, -1, INT32_MAX, 0, 0 };
    const uint8_t bytes[] = { 0, 255, 0, 255, 0, 255, 0, 255, 0, 0 }, truth[] = { 1, 1, 1, 1, 1, 1, 1, 1, 0, 1 };
    const struct {
        cnn_dtype dtype;
        const void *values;
        size_t size;
    } expected[] = {
        { CNN_I64, wide, sizeof wide },
        { CNN_I32, narrow, sizeof narrow },
        { CNN_U8, bytes, sizeof bytes },
        { CNN_BOOL, truth, sizeof truth },
    };
    ctx = cnn_context_new(.threads = 1);
    tape = cnn_tape_new(ctx);
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_tensor *x = cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(10), odd);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        unsigned char given[sizeof wide];
        ck_assert_int_eq(cnn_tensor_read(cnn_cast(cnn_input(tape, x), expected[i].dtype), given, expected[i].size),
                         CNN_OK);
        ck_assert_mem_eq(given, expected[i].values, expected[i].size);
    }
    cnn_tensor_free(x);
    cnn_tape_free(tape);
    cnn_context_free(ctx);
}
END_TEST

/* An ignored sample is no part of the loss: whatever its logits are, its gradient is 0. PyTorch's is 0 times them. */
START_TEST(ignored_samples_do_not_spread_nan)
{
    const float logits[] = { 1, 2, NAN, 1, INFINITY, 0 };
    ctx = cnn_context_new(.threads = 1);
    tape = cnn_tape_new(ctx);
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tensor *x = cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(3, 2), logits);
    cnn_tensor *target = cnn_tensor_from_data(ctx, CNN_I64, CNN_SHAPE(3), (int64_t[]){ 1, -100, -100 });
    cnn_tensor_set_requires_grad(x, true);
    cnn_tensor *loss = cnn_cross_entropy(cnn_input(tape, x), target);
    ck_assert_double_eq_tol(cnn_tensor_item(loss), log1p(exp(-1)), 1e-6);
    ck_assert_int_eq(cnn_backward(loss), CNN_OK);
    const float *g = host_elements(cnn_tensor_grad(x));
    ck_assert(fabsf(g[0] + g[1]) < 1e-6f && g[0] > 0.2f);
    ck_assert(g[2] == 0 && g[3] == 0 && g[4] == 0 && g[5] == 0);
    cnn_tensor_free(x);
    cnn_tensor_free(target);
    cnn_tape_free(tape);
    cnn_context_free(ctx);
}
END_TEST

/* What dropout strikes out is multiplied by 0, as PyTorch does it: a NaN or an infinity is not hidden by it. */
START_TEST(dropout_hides_no_nan)
{
    const cnn__kernels *tables[MAX_TABLES];
    int count = cnn__kernels_list(tables, MAX_TABLES);
    for (int i = 0; i < count; i++) {
        for (cnn_dtype dtype = CNN_F32; dtype <= CNN_F64; dtype++) {
            ctx = cnn_context_new(.threads = 1, .kernels = tables[i]->name);
            tape = cnn_tape_new(ctx);
            cnn_tape_begin(tape, CNN_TRAIN);
            cnn_tensor *x = cnn_tensor_full(ctx, dtype, _i ? INFINITY : NAN, CNN_SHAPE(1000));
            cnn_tensor_set_requires_grad(x, true);
            cnn_tensor *y = cnn_dropout(cnn_input(tape, x), 0.5);
            ck_assert_int_eq(cnn_backward_with(y, x, false), CNN_OK);
            double *values = as_doubles(y), *gradient = as_doubles(cnn_tensor_grad(x));
            int nans = 0;
            for (int k = 0; k < 1000; k++) {
                nans += isnan(values[k]);
                ck_assert(!isfinite(values[k]) && !isfinite(gradient[k]) && isnan(values[k]) == isnan(gradient[k]));
            }
            ck_assert(_i == 0 ? nans == 1000 : nans > 400 && nans < 600);
            free(values);
            free(gradient);
            cnn_tensor_free(x);
            cnn_tape_free(tape);
            cnn_context_free(ctx);
        }
    }
}
END_TEST

/* The largest numbers of each dtype, at which an infinity begins. */
START_TEST(infinities_are_told_apart_in_every_dtype)
{
    static const struct {
        cnn_dtype dtype;
        double most;
    } rows[] = { { CNN_F32, 0x1.fffffep127 }, { CNN_F64, 0x1.fffffffffffffp1023 }, { CNN_BF16, 0x1.fep127 } };
    const double most = rows[_i].most, numbers[] = { most, -most, INFINITY, -INFINITY, NAN, -0.0 };
    const double fixed[] = { most, -most, most, -most, 0, -0.0 }, given[] = { most, -most, INFINITY, 0, -7, -0.0 };
    ctx = cnn_context_new(.threads = 1);
    tape = cnn_tape_new(ctx);
    cnn_tensor *wide = cnn_tensor_empty(ctx, CNN_F64, CNN_SHAPE(6)), *x = cnn_tensor_empty(ctx, rows[_i].dtype, CNN_SHAPE(6));
    set_elements(wide, numbers);
    ck_assert_int_eq(cnn_tensor_copy_from(x, wide), CNN_OK);
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_tensor *in = cnn_input(tape, x);
    double *above = as_doubles(cnn_isposinf(in)), *below = as_doubles(cnn_isneginf(in));
    double *usual = as_doubles(cnn_nan_to_num(in, NULL));
    double *chosen = as_doubles(cnn_nan_to_num(
        in, CNN_OPTIONS(cnn_nan_to_num_options, .nan = -7, .posinf = INFINITY, .neginf = CNN_ZERO)));
    for (int i = 0; i < 6; i++) {
        ck_assert(above[i] == (i == 2) && below[i] == (i == 3));
        ck_assert_msg(usual[i] == fixed[i] && chosen[i] == given[i], "%g: %g and %g", numbers[i], usual[i], chosen[i]);
    }
    ck_assert(signbit(usual[5]));
    free(above);
    free(below);
    free(usual);
    free(chosen);
    cnn_tensor_free(wide);
    cnn_tensor_free(x);
    cnn_tape_free(tape);
    cnn_context_free(ctx);
}
END_TEST

START_TEST(integers_are_finite)
{
    static const cnn_dtype dtypes[] = { CNN_I64, CNN_I32, CNN_U8, CNN_BOOL };
    ctx = cnn_context_new(.threads = 1);
    tape = cnn_tape_new(ctx);
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_tensor *x = cnn_tensor_full(ctx, dtypes[_i], 1, CNN_SHAPE(3)), *in = cnn_input(tape, x);
    cnn_tensor *results[] = { cnn_isposinf(in), cnn_isneginf(in), cnn_nan_to_num(in, NULL) };
    for (int i = 0; i < 3; i++) {
        double *values = as_doubles(results[i]);
        ck_assert(cnn_tensor_dtype(results[i]) == (i < 2 ? CNN_BOOL : dtypes[_i]) && values[0] == (i == 2) && values[2] == (i == 2));
        free(values);
    }
    cnn_tensor_free(x);
    cnn_tape_free(tape);
    cnn_context_free(ctx);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("nonfinite");
    TCase *tests = suite_case(suite, "PyTorch", NULL, NULL);
    tcase_add_loop_test(tests, f64_is_pytorchs, 0, CASE_COUNT);
    tcase_add_loop_test(tests, f32_is_pytorchs, 0, CASE_COUNT);
    TCase *own = suite_case(suite, "own", NULL, NULL);
    tcase_add_test(own, casts_are_defined);
    tcase_add_test(own, ignored_samples_do_not_spread_nan);
    tcase_add_loop_test(own, dropout_hides_no_nan, 0, 2);
    tcase_add_loop_test(own, infinities_are_told_apart_in_every_dtype, 0, 3);
    tcase_add_loop_test(own, integers_are_finite, 0, 4);
    return suite_run(suite);
}
