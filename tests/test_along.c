/* max and min along a dimension as operations with two results: what becomes of the second one. Values, indices and
 * gradients are compared with PyTorch's in test_ops.c. */
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

int main(void)
{
    Suite *suite = suite_create("along a dimension");
    TCase *tests = suite_case(suite, "results", setup, teardown);
    tcase_add_test(tests, indices_are_i64_without_a_gradient);
    tcase_add_test(tests, a_gradient_of_the_indices_is_an_error);
    tcase_add_test(tests, failure_makes_both_results_nil);
    tcase_add_test(tests, a_dimension_of_size_0_and_a_scalar_are_refused);
    tcase_add_test(tests, both_results_may_be_used);
    return suite_run(suite);
}
