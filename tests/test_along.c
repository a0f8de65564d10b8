/* max and min along a dimension as operations with two results: what becomes of the second one. Values, indices and
 * gradients are compared with PyTorch's in test_ops.c. Products of rows of every length, with and without zeros. */
#include "support/nn.h"

static cnn_tensor *given;

static cnn_tensor *matrix(void)
{
    static const float values[] = { 1, 5, 5, 9, 2, 0 };
    given = cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(2, 3), values);
    ck_assert_int_eq(cnn_tensor_set_requires_grad(given, true), CNN_OK);
    return cnn_input(tape, given);
}

START_TEST(indices_are_i64_without_a_gradient)
{
    cnn_tensor *indices, *y = cnn_max_along(matrix(), 1, true, &indices);
    int64_t at[2];
    ck_assert_int_eq(cnn_tensor_dtype(indices), CNN_I64);
    ck_assert(cnn_tensor_requires_grad(y) && !cnn_tensor_requires_grad(indices));
    ck_assert_int_eq(cnn_tensor_ndim(indices), 2);
    ck_assert_int_eq(cnn_tensor_read(indices, at, sizeof at), CNN_OK);
    ck_assert(at[0] == 1 && at[1] == 0);
    ck_assert_ptr_eq(cnn_tensor_tape(indices), tape);
    cnn_tensor_free(given);
}
END_TEST

START_TEST(a_gradient_of_the_indices_is_an_error)
{
    cnn_tensor *indices;
    cnn_max_along(matrix(), 1, false, &indices);
    ck_assert_int_eq(cnn_backward_with(indices, NULL, false), CNN_ERROR_STATE);
    cnn_context_clear_error(ctx);
    cnn_tensor_free(given);
}
END_TEST

START_TEST(failure_makes_both_results_nil)
{
    cnn_tensor *(*const calls[])(cnn_tensor *, int, bool, cnn_tensor **) = { cnn_max_along, cnn_min_along };
    for (int i = 0; i < 2; i++) {
        cnn_tape_begin(tape, CNN_TRAIN);
        cnn_tensor *indices = NULL, *x = matrix(), *y = calls[i](x, 2, false, &indices);
        failed_with(CNN_ERROR_SHAPE, i ? "min_along: dimension 2 of a tensor of rank 2, expected -2 to 1"
                                       : "max_along: dimension 2 of a tensor of rank 2, expected -2 to 1");
        ck_assert_int_eq(cnn_tensor_status(y), CNN_ERROR_SHAPE);
        ck_assert_int_eq(cnn_tensor_status(indices), CNN_ERROR_SHAPE);
        cnn_tensor_free(given);
        indices = NULL;
        calls[i](NULL, 0, false, &indices);
        ck_assert_ptr_nonnull(indices);
        cnn_context_clear_error(ctx);
    }
}
END_TEST

START_TEST(a_dimension_of_size_0_and_a_scalar_are_refused)
{
    cnn_tensor *none = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(2, 0)), *scalar = cnn_tensor_zeros(ctx, CNN_F32, CNN_SCALAR);
    cnn_max_along(cnn_input(tape, none), 1, false, NULL);
    failed_with(CNN_ERROR_SHAPE, "max_along: shape [2,0] has no elements along the dimensions to reduce");
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_max_along(cnn_input(tape, scalar), 0, false, NULL);
    failed_with(CNN_ERROR_SHAPE, "max_along: dimension 0 of a tensor of rank 0, expected a tensor of rank 1 or more");
    cnn_tape_begin(tape, CNN_TRAIN);
    ck_assert_int_eq(cnn_tensor_numel(cnn_max_along(cnn_input(tape, none), 0, false, NULL)), 0);
    cnn_tensor_free(none);
    cnn_tensor_free(scalar);
}
END_TEST

/* The sum of both results' uses: the indices serve as class indices of a loss, the values get its gradient. */
START_TEST(both_results_may_be_used)
{
    cnn_tensor *indices, *x = matrix(), *y = cnn_max_along(x, 1, false, &indices);
    cnn_tensor *loss = cnn_add(cnn_cross_entropy_with(x, indices, CNN_OPTIONS(cnn_cross_entropy_options,
                                                                               .reduction = CNN_REDUCE_SUM)),
                               cnn_sum(y, CNN_ALL_DIMS, false));
    ck_assert_int_eq(cnn_backward(loss), CNN_OK);
    double *g = as_doubles(cnn_tensor_grad(given)), total = 0;
    for (int i = 0; i < 6; i++) {
        total += g[i];
    }
    ck_assert_double_eq_tol(total, 2, 1e-6); /* those of a loss add up to 0, those of each maximum to 1 */
    ck_assert_double_eq_tol(g[1], g[2], 1e-6); /* (p − 1) + 1 and p */
    free(g);
    cnn_tensor_free(given);
}
END_TEST

enum { ROWS = 3, LONGEST = 70, ZEROS = 3 };

static double *values_of(int64_t count)
{
    double *x = calloc((size_t)count, sizeof *x);
    for (int64_t i = 0; i < count; i++) {
        x[i] = (i % 3 == 1 ? -1 : 1) * (0.5 + (double)(i * 7919 % 1000) / 1000);
    }
    return x;
}

static cnn_tensor *tensor_of(cnn_context *in, cnn_dtype dtype, const int64_t shape[2], const double *x)
{
    const int64_t count = shape[0] * shape[1];
    float *narrow = calloc((size_t)count, sizeof *narrow);
    for (int64_t i = 0; i < count; i++) {
        narrow[i] = (float)x[i];
    }
    cnn_tensor *t = cnn_tensor_from_data(in, dtype, 2, shape, dtype == CNN_F32 ? (const void *)narrow : x);
    ck_assert_int_eq(cnn_tensor_set_requires_grad(t, true), CNN_OK);
    free(narrow);
    return t;
}

/* The product of a row of n, without element `but` of it. */
static double product_of(const double *x, int64_t step, int64_t n, int64_t but)
{
    long double all = 1;
    for (int64_t i = 0; i < n; i++) {
        all *= i == but ? 1 : x[i * step];
    }
    return (double)all;
}

static void check_products(cnn_dtype dtype, bool columns, int64_t n, int zeros)
{
    const int64_t shape[2] = { columns ? n : ROWS, columns ? ROWS : n }, step = columns ? ROWS : 1, row = columns ? 1 : n;
    const double close = dtype == CNN_F32 ? 3e-7 : 1e-14;
    double *x = values_of(ROWS * n);
    for (int z = 0; z < zeros; z++) { /* in the second row */
        x[row + (z ? n - 1 : n / 2) * step] = 0;
    }
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tensor *leaf = tensor_of(ctx, dtype, shape, x);
    double *given_values = as_doubles(leaf);
    cnn_tensor *y = cnn_prod(cnn_input(tape, leaf), CNN_DIMS(columns ? 0 : 1), false);
    ck_assert_int_eq(cnn_backward(cnn_sum(cnn_mul_scalar(y, 2), CNN_ALL_DIMS, false)), CNN_OK);
    double *all = as_doubles(y), *slopes = as_doubles(cnn_tensor_grad(leaf));
    for (int64_t r = 0; r < ROWS; r++) {
        const double expected = product_of(given_values + r * row, step, n, -1);
        ck_assert_msg(fabs(all[r] - expected) <= close * fabs(expected), "%d elements: %.17g, expected %.17g", (int)n, all[r], expected);
        for (int64_t i = 0; i < n; i++) {
            const double slope = 2 * product_of(given_values + r * row, step, n, i), got = slopes[r * row + i * step];
            ck_assert_msg(fabs(got - slope) <= close * fabs(slope), "gradient %d of %d with %d zeros: %.17g, expected %.17g",
                          (int)i, (int)n, zeros, got, slope);
        }
    }
    free(all);
    free(slopes);
    free(given_values);
    free(x);
    cnn_tensor_free(leaf);
}

START_TEST(products_of_rows_and_columns_of_every_length)
{
    for (int64_t n = 1; n <= LONGEST; n++) {
        for (int zeros = 0; zeros < ZEROS; zeros++) {
            check_products(_i % 2 ? CNN_F64 : CNN_F32, _i / 2, n, zeros);
        }
    }
}
END_TEST

/* Few long products are cut, many are shared out: the same bits with any number of threads. */
START_TEST(products_do_not_depend_on_threads)
{
    const int64_t shapes[][2] = { { 2, 70000 }, { 3000, 50 }, { 70000, 2 } };
    float results[2][6000], slopes[2][150000];
    const int64_t *shape = shapes[_i], count = shape[0] * shape[1];
    double *x = values_of(count);
    for (int64_t i = 0; i < count; i++) {
        x[i] = copysign(1 + (fabs(x[i]) - 1) / 256, x[i]); /* so that products are finite and not 0 */
    }
    for (int many = 0; many < 2; many++) {
        cnn_context *own = cnn_context_new(.threads = many ? 3 : 1);
        cnn_tape *steps = cnn_tape_new(own);
        cnn_tensor *leaf = tensor_of(own, CNN_F32, shape, x);
        cnn_tape_begin(steps, CNN_TRAIN);
        cnn_tensor *y = cnn_prod(cnn_input(steps, leaf), CNN_DIMS(_i / 2 ? 0 : 1), false);
        const size_t bytes = (size_t)cnn_tensor_numel(y) * sizeof **results;
        ck_assert_int_eq(cnn_tensor_read(y, results[many], bytes), CNN_OK);
        ck_assert_int_eq(cnn_backward(cnn_sum(y, CNN_ALL_DIMS, false)), CNN_OK);
        ck_assert_int_eq(cnn_tensor_read(cnn_tensor_grad(leaf), slopes[many], (size_t)count * sizeof **slopes), CNN_OK);
        ck_assert(isfinite(results[many][0]) && results[many][0] != 0);
        ck_assert_int_eq(memcmp(results[0], results[many], bytes), 0);
        ck_assert_int_eq(memcmp(slopes[0], slopes[many], (size_t)count * sizeof **slopes), 0);
        cnn_tensor_free(leaf);
        cnn_tape_free(steps);
        cnn_context_free(own);
    }
    free(x);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("along a dimension");
    TCase *tests = suite_case(suite, "results", setup, teardown);
    tcase_add_test(tests, indices_are_i64_without_a_gradient);
    tcase_add_test(tests, a_gradient_of_the_indices_is_an_error);
    tcase_add_test(tests, failure_makes_both_results_nil);
    tcase_add_test(tests, a_dimension_of_size_0_and_a_scalar_are_refused);
    tcase_add_test(tests, both_results_may_be_used);
    tcase_add_loop_test(tests, products_of_rows_and_columns_of_every_length, 0, 4);
    tcase_add_loop_test(tests, products_do_not_depend_on_threads, 0, 3);
    return suite_run(suite);
}
