/* nan_to_num is one pass over its operand and one over its gradient: each element against the definition, in every
 * dtype, by every kernel table, for one thread and several, of rows and of a transposed operand. */
#include "kernels/kernels.h"
#include "support/elements.h"
#include "support/suite.h"

#include <math.h>

enum { MOST_TABLES = 8 };

static const struct {
    cnn_dtype dtype;
    double most;
} dtypes[] = { { CNN_F32, 0x1.fffffep127 }, { CNN_F64, 0x1.fffffffffffffp1023 }, { CNN_BF16, 0x1.fep127 } };

static const double odd[] = { 1.5, INFINITY, -0.0, NAN, -2.25, -INFINITY, 0, -NAN, 0x1p-126, 0x1p127, -0x1p127 };

/* Numbers in turn, whose count divides no length of a vector, and at the end the border of the finite ones. */
static double *operand(int64_t n, double most)
{
    double *x = malloc((size_t)n * sizeof *x);
    ck_assert_ptr_nonnull(x);
    for (int64_t i = 0; i < n; i++) {
        x[i] = odd[i % (int64_t)(sizeof odd / sizeof *odd)];
    }
    x[n - 1] = n % 2 ? most : -most;
    return x;
}

static double expected_of(double x, double nan, double most)
{
    return isnan(x) ? nan : isinf(x) ? copysign(most, x) : x;
}

static bool same(double a, double b)
{
    return isnan(b) ? isnan(a) : a == b && !signbit(a) == !signbit(b);
}

/* y and the gradient of x for the gradients dy, with x as it is or transposed. */
static void check(const char *kernels, int threads, int row, int64_t rows, int64_t columns, bool turned, double nan)
{
    const int64_t n = rows * columns;
    const double most = dtypes[row].most;
    cnn_context *ctx = cnn_context_new(.threads = threads, .kernels = kernels);
    cnn_tape *tape = cnn_tape_new(ctx);
    double *given = operand(n, most), *slopes = malloc((size_t)n * sizeof *slopes);
    ck_assert_ptr_nonnull(slopes);
    for (int64_t i = 0; i < n; i++) {
        slopes[i] = (double)(i % 7 - 3);
    }
    const int64_t shape[] = { rows, columns }, other[] = { columns, rows };
    cnn_tensor *x = tensor_of_f64(ctx, dtypes[row].dtype, 2, shape, given);
    cnn_tensor *dy = tensor_of_f64(ctx, dtypes[row].dtype, 2, turned ? other : shape, slopes);
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tensor_set_requires_grad(x, true);
    cnn_tensor *in = turned ? cnn_transpose(cnn_input(tape, x), 0, 1) : cnn_input(tape, x);
    cnn_tensor *y = cnn_nan_to_num(in, CNN_OPTIONS(cnn_nan_to_num_options, .nan = nan));
    ck_assert_int_eq(cnn_backward_with(y, dy, false), CNN_OK);
    double *values = elements_as_f64(y), *gradient = elements_as_f64(cnn_tensor_grad(x));
    for (int64_t i = 0; i < n; i++) {
        const int64_t at = turned ? i % rows * columns + i / rows : i; /* where the element of x is */
        const double want = expected_of(given[at], nan, most), slope = isfinite(given[at]) ? slopes[i] : 0;
        ck_assert_msg(same(values[i], want), "%s, dtype %d, %d elements: %g becomes %g, expected %g", kernels,
                      (int)dtypes[row].dtype, (int)n, given[at], values[i], want);
        ck_assert_msg(gradient[at] == slope, "%s, dtype %d, %d elements: the gradient at %g is %g, expected %g", kernels,
                      (int)dtypes[row].dtype, (int)n, given[at], gradient[at], slope);
    }
    free(values);
    free(gradient);
    free(given);
    free(slopes);
    cnn_tensor_free(x);
    cnn_tensor_free(dy);
    cnn_tape_free(tape);
    cnn_context_free(ctx);
}

START_TEST(each_element_is_as_defined)
{
    static const int64_t shapes[][2] = { { 1, 1 }, { 1, 15 }, { 4, 4 }, { 1, 17 }, { 37, 53 }, { 211, 203 } };
    static const double nans[] = { 0, -7, INFINITY, -0.5 };
    const cnn__kernels *tables[MOST_TABLES];
    const int count = cnn__kernels_list(tables, MOST_TABLES);
    const int most = getenv("CNN_TEST_SHAPES") ? 5 : 6; /* set under slow instruments */
    for (int t = 0; t < count; t++) {
        for (int i = 0; i < most; i++) {
            for (int turned = 0; turned < 2; turned++) {
                check(tables[t]->name, turned ? 3 : 1, _i, shapes[i][0], shapes[i][1], turned, nans[i % 4]);
                check(tables[t]->name, turned ? 1 : 3, _i, shapes[i][0], shapes[i][1], turned, nans[(i + turned) % 4]);
            }
        }
    }
}
END_TEST

/* PyTorch multiplies by 0 as well: a gradient that is not finite shows where it came from. */
START_TEST(a_gradient_that_is_not_finite_is_not_hidden)
{
    cnn_context *ctx = cnn_context_new(.threads = 1);
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_tensor *x = cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(4), (float[]){ 1, NAN, INFINITY, -INFINITY });
    cnn_tensor *dy = cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(4), (float[]){ INFINITY, INFINITY, NAN, 2 });
    cnn_tensor_set_requires_grad(x, true);
    cnn_tape_begin(tape, CNN_TRAIN);
    ck_assert_int_eq(cnn_backward_with(cnn_nan_to_num(cnn_input(tape, x), NULL), dy, false), CNN_OK);
    const float *dx = host_elements(cnn_tensor_grad(x));
    ck_assert(isinf(dx[0]) && isnan(dx[1]) && isnan(dx[2]) && dx[3] == 0);
    cnn_tensor_free(x);
    cnn_tensor_free(dy);
    cnn_tape_free(tape);
    cnn_context_free(ctx);
}
END_TEST

/* Its gradient joins a chain of gradients that is computed in one pass, from so many elements on. */
START_TEST(gradients_in_a_chain_have_the_same_bits)
{
    enum { ROWS = 200, COLUMNS = 199, N = ROWS * COLUMNS };
    cnn_context *ctx = cnn_context_new(.threads = 1);
    cnn_tape *tape = cnn_tape_new(ctx);
    double *given = operand(N, dtypes[0].most);
    cnn_tensor *x = tensor_of_f64(ctx, CNN_F32, CNN_SHAPE(ROWS, COLUMNS), given);
    cnn_tensor_set_requires_grad(x, true);
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tensor *number = cnn_nan_to_num(cnn_mul_scalar(cnn_input(tape, x), 0.5), NULL);
    cnn_tensor *tanh_of = cnn_tanh(number), *dy = cnn_tensor_full(ctx, CNN_F32, 4, CNN_SHAPE(ROWS, COLUMNS));
    ck_assert_int_eq(cnn_backward_with(tanh_of, dy, true), CNN_OK);
    const float *dx = host_elements(cnn_tensor_grad(x)), *y = host_elements(tanh_of);
    for (int i = 0; i < N; i++) {
        const float expected = isfinite(given[i]) ? 4 * (1 - y[i] * y[i]) * 0.5f : 0;
        ck_assert_msg(dx[i] == expected, "the gradient at %g is %.9g, expected %.9g", given[i], (double)dx[i], (double)expected);
    }
    free(given);
    cnn_tensor_free(x);
    cnn_tensor_free(dy);
    cnn_tape_free(tape);
    cnn_context_free(ctx);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("nan_to_num");
    TCase *tests = suite_case(suite, "nan_to_num", NULL, NULL);
    tcase_add_loop_test(tests, each_element_is_as_defined, 0, 3);
    tcase_add_test(tests, a_gradient_that_is_not_finite_is_not_hidden);
    tcase_add_test(tests, gradients_in_a_chain_have_the_same_bits);
    return suite_run(suite);
}
