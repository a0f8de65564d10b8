/* Loops that take several rows, long rows or contiguous ones at once give what each row alone gives, or the definition. */
#include "support/elements.h"
#include "support/nn.h"

#include <math.h>
#include <string.h>

enum { ROWS = 7, COLUMNS = 37 }; /* no multiples of what is taken at once */

static cnn_tensor *drawn(cnn_dtype dtype, int ndim, const int64_t *shape)
{
    cnn_tensor *t = cnn_tensor_randn(ctx, dtype, ndim, shape);
    ck_assert_ptr_nonnull(t);
    return t;
}

static cnn_tensor *scan(cnn_tensor *x, int which)
{
    return which == 0 ? cnn_cumsum(x, 1) : which == 1 ? cnn_cumprod(x, 1) : cnn_prod(x, CNN_DIMS(1), true);
}

/* The result for all rows, and that of each row alone. */
START_TEST(scans_of_rows_are_those_of_each_row)
{
    static const cnn_dtype dtypes[] = { CNN_F32, CNN_F64, CNN_I64 };
    cnn_tensor *given = drawn(CNN_F64, CNN_SHAPE(ROWS, COLUMNS));
    cnn_tensor *x = cnn_cast(cnn_mul_scalar(cnn_input(tape, given), 3), dtypes[_i % 3]);
    double *all = as_doubles(scan(x, _i / 3));
    const int64_t width = cnn_tensor_numel(scan(x, _i / 3)) / ROWS;
    for (int64_t r = 0; r < ROWS; r++) {
        double *one = as_doubles(scan(cnn_contiguous(cnn_slice(x, 0, r, r + 1, 1)), _i / 3));
        ck_assert_mem_eq(one, all + r * width, (size_t)width * sizeof *one);
        free(one);
    }
    free(all);
    cnn_tensor_free(given);
}
END_TEST

static void gradient_of(cnn_tensor *given, int which, double *to)
{
    cnn_tape_begin(tape, CNN_TRAIN);
    ck_assert_int_eq(cnn_tensor_set_requires_grad(given, true), CNN_OK);
    ck_assert_int_eq(cnn_backward_with(scan(cnn_input(tape, given), which), NULL, true), CNN_OK);
    double *g = as_doubles(cnn_tensor_grad(given));
    memcpy(to, g, (size_t)cnn_tensor_numel(given) * sizeof *g);
    free(g);
}

START_TEST(gradients_of_products_of_rows_are_those_of_each_row)
{
    double all[ROWS * COLUMNS], one[COLUMNS], elements[ROWS * COLUMNS];
    cnn_tensor *given = drawn(_i % 2 ? CNN_F64 : CNN_F32, CNN_SHAPE(ROWS, COLUMNS));
    ck_assert_int_eq(cnn_tensor_read(given, elements, ROWS * COLUMNS * (_i % 2 ? 8 : 4)), CNN_OK);
    gradient_of(given, 1 + _i / 2, all);
    for (int64_t r = 0; r < ROWS; r++) {
        cnn_tensor *row = cnn_tensor_from_data(ctx, cnn_tensor_dtype(given), CNN_SHAPE(1, COLUMNS),
                                               (const char *)elements + r * COLUMNS * (_i % 2 ? 8 : 4));
        gradient_of(row, 1 + _i / 2, one);
        ck_assert_mem_eq(one, all + r * COLUMNS, sizeof one);
        cnn_tensor_free(row);
    }
    cnn_tensor_free(given);
}
END_TEST

/* Along the first dimension, many lines at once and a line at a time; a line of −∞ is NaN in both. */
START_TEST(softmax_of_columns_is_that_of_rows)
{
    cnn_tensor *(*const softmax)(cnn_tensor *, int) = _i % 2 ? cnn_log_softmax : cnn_softmax;
    const cnn_dtype dtype = _i / 2 ? CNN_F64 : CNN_F32;
    cnn_tensor *given = drawn(dtype, CNN_SHAPE(3, ROWS, COLUMNS));
    double infinite[ROWS * COLUMNS] = { 0 };
    for (int i = 0; i < ROWS; i++) {
        infinite[i * COLUMNS + 1] = -INFINITY;
    }
    infinite[2] = -INFINITY;
    cnn_tensor *more = cnn_tensor_from_data(ctx, CNN_F64, CNN_SHAPE(ROWS, COLUMNS), infinite);
    cnn_tensor *x = cnn_add(cnn_input(tape, given), cnn_cast(cnn_input(tape, more), dtype));
    double *down = as_doubles(softmax(x, 1));
    double *rows = as_doubles(cnn_contiguous(cnn_transpose(softmax(cnn_contiguous(cnn_transpose(x, 1, 2)), 2), 1, 2)));
    for (int i = 0; i < 3 * ROWS * COLUMNS; i++) {
        bool same = down[i] == rows[i] || (isnan(down[i]) && isnan(rows[i])) ||
                    fabs(down[i] - rows[i]) <= (_i / 2 ? 1e-15 : 5e-7) * fmax(1, fabs(rows[i]));
        ck_assert_msg(same, "element %d is %.17g, expected %.17g", i, down[i], rows[i]);
    }
    free(down);
    free(rows);
    cnn_tensor_free(given);
    cnn_tensor_free(more);
}
END_TEST

static cnn_tensor *down(cnn_tensor *const *in, int count, void *user)
{
    (void)count;
    return (user ? cnn_log_softmax : cnn_softmax)(in[0], 0);
}

START_TEST(softmax_of_columns_has_its_gradient)
{
    cnn_tensor *x = drawn(CNN_F64, CNN_SHAPE(3, COLUMNS));
    ck_assert_int_eq(cnn_tensor_set_requires_grad(x, true), CNN_OK);
    ck_assert_int_eq(cnn_gradcheck(ctx, down, _i ? ctx : NULL, &x, 1, NULL), CNN_OK);
    cnn_tensor_free(x);
}
END_TEST

/* Numbers of classes on both sides of where rows become long, and of what is taken at once. */
START_TEST(losses_of_many_classes_are_those_of_f64)
{
    static const int64_t classes[] = { 63, 64, 65, 511, 512, 513, 1300 };
    const int64_t n = classes[_i], targets[2] = { 0, n - 1 };
    cnn_tensor *logits = drawn(CNN_F32, CNN_SHAPE(2, n)), *target = cnn_tensor_from_data(ctx, CNN_I64, CNN_SHAPE(2), targets);
    cnn_tensor *x = cnn_input(tape, logits), *t = cnn_input(tape, target);
    double *loss = as_doubles(cnn_cross_entropy(x, t)), *expected = as_doubles(cnn_cross_entropy(cnn_cast(x, CNN_F64), t));
    ck_assert_double_eq_tol(*loss, *expected, 1e-6 * *expected);
    free(loss);
    free(expected);
    cnn_tensor_free(logits);
    cnn_tensor_free(target);
}
END_TEST

/* An infinity or a NaN among them must not change how the others are rounded. */
START_TEST(rows_are_rounded_to_bf16_as_each_element)
{
    enum { MANY = 600 };
    float values[MANY];
    cnn_tensor *given = drawn(CNN_F32, CNN_SHAPE(MANY));
    ck_assert_int_eq(cnn_tensor_read(given, values, sizeof values), CNN_OK);
    const uint32_t nan = 0x7fffffff; /* rounding it would carry into the sign */
    values[300] = _i == 1 ? INFINITY : values[300];
    memcpy(values + 300, _i == 2 ? (const void *)&nan : values + 300, sizeof nan);
    cnn_tensor *x = cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(MANY), values);
    double *all = as_doubles(cnn_cast(cnn_input(tape, x), CNN_BF16));
    for (int64_t i = 0; i < MANY; i++) {
        cnn_tensor *one = cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(1), values + i);
        double *expected = as_doubles(cnn_cast(cnn_input(tape, one), CNN_BF16));
        ck_assert(*expected == all[i] || (isnan(*expected) && isnan(all[i])));
        free(expected);
        cnn_tensor_free(one);
    }
    free(all);
    cnn_tensor_free(given);
    cnn_tensor_free(x);
}
END_TEST

START_TEST(elements_are_flipped)
{
    static const cnn_dtype dtypes[] = { CNN_F32, CNN_F64, CNN_BF16, CNN_I64, CNN_BOOL };
    cnn_tensor *given = drawn(CNN_F64, CNN_SHAPE(ROWS, COLUMNS));
    cnn_tensor *x = cnn_cast(cnn_mul_scalar(cnn_input(tape, given), 3), dtypes[_i]);
    double *before = as_doubles(x), *after = as_doubles(cnn_flip(x, CNN_DIMS(1)));
    for (int i = 0; i < ROWS * COLUMNS; i++) {
        ck_assert(after[i] == before[i / COLUMNS * COLUMNS + COLUMNS - 1 - i % COLUMNS]);
    }
    free(before);
    free(after);
    cnn_tensor_free(given);
}
END_TEST

/* Indices of any size are refused, wherever they stand. */
START_TEST(indices_out_of_range_are_found)
{
    static const int64_t bad[] = { -1, COLUMNS, INT64_MIN, INT64_MAX };
    int64_t index[COLUMNS] = { 0 };
    index[_i * 9] = bad[_i];
    cnn_tensor *given = drawn(CNN_F32, CNN_SHAPE(ROWS, COLUMNS)), *at = cnn_tensor_from_data(ctx, CNN_I64, CNN_SHAPE(COLUMNS), index);
    char expected[128];
    snprintf(expected, sizeof expected, on_device() ? "the index at %d is %lld" : "the index at [%d] is %lld", _i * 9,
             (long long)bad[_i]);
    cnn_index_select(cnn_input(tape, given), 1, cnn_input(tape, at));
    ck_assert_int_eq(cnn_context_synchronize(ctx), on_device() ? CNN_ERROR_INVALID_ARGUMENT : CNN_OK);
    ck_assert_int_eq(cnn_tape_status(tape), CNN_ERROR_INVALID_ARGUMENT);
    failed_with(CNN_ERROR_INVALID_ARGUMENT, expected);
    cnn_tensor_free(given);
    cnn_tensor_free(at);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rows");
    TCase *tests = suite_case(suite, "rows", setup, teardown);
    tcase_add_loop_test(tests, scans_of_rows_are_those_of_each_row, 0, 9);
    tcase_add_loop_test(tests, gradients_of_products_of_rows_are_those_of_each_row, 0, 4);
    tcase_add_loop_test(tests, softmax_of_columns_is_that_of_rows, 0, 4);
    tcase_add_loop_test(tests, softmax_of_columns_has_its_gradient, 0, 2);
    tcase_add_loop_test(tests, losses_of_many_classes_are_those_of_f64, 0, 7);
    tcase_add_loop_test(tests, rows_are_rounded_to_bf16_as_each_element, 0, 3);
    tcase_add_loop_test(tests, elements_are_flipped, 0, 5);
    tcase_add_loop_test(tests, indices_out_of_range_are_found, 0, 4);
    return suite_run(suite);
}
