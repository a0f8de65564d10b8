/* Embeddings: what is refused, the padding row, long sums, first values. Values and gradients are compared with PyTorch's
 * in test_ops.c, text in test_nn.c. */
#include "support/elements.h"
#include "support/nn.h"

static cnn_tensor *tensor_i64(int64_t a, int64_t b, int64_t c, int64_t d)
{
    return cnn_tensor_from_data(ctx, CNN_I64, CNN_SHAPE(2, 2), (const int64_t[]){ a, b, c, d });
}

/* An embedding by a table of `rows` × 3 fails with this message. */
static void refused(int64_t rows, cnn_tensor *indices, const cnn_embedding_options *options, cnn_status status,
                    const char *message)
{
    cnn_tensor *weight = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(rows, 3));
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_embedding(cnn_input(tape, weight), indices, options);
    failed_with(status, message);
    cnn_tensor_free(weight);
    cnn_tensor_free(indices);
}

/* A device looks at indices while it computes: what is wrong is said by the call that waits, with the position in memory. */
static void refused_index(int64_t rows, cnn_tensor *indices, const char *message, const char *on_a_device)
{
    cnn_tensor *weight = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(rows, 3));
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_embedding(cnn_input(tape, weight), indices, NULL);
    ck_assert_int_eq(cnn_context_synchronize(ctx), on_device() ? CNN_ERROR_INVALID_ARGUMENT : CNN_OK);
    ck_assert_int_eq(cnn_tape_status(tape), CNN_ERROR_INVALID_ARGUMENT);
    failed_with(CNN_ERROR_INVALID_ARGUMENT, on_device() ? on_a_device : message);
    cnn_tensor_free(weight);
    cnn_tensor_free(indices);
}

#define PADDING(row) CNN_OPTIONS(cnn_embedding_options, .has_padding_idx = true, .padding_idx = row)

START_TEST(bad_indices_are_named_with_their_position)
{
    refused_index(5, tensor_i64(4, 0, 5, -1), "embedding: the index at [1,0] is 5, weight has 5 rows",
                  "index_check failed: the index at 2 is 5");
    refused_index(5, tensor_i64(4, INT64_MIN, 5, 0), "embedding: the index at [0,1] is -9223372036854775808, weight has 5 rows",
                  "index_check failed: the index at 1 is -9223372036854775808");
    refused_index(0, tensor_i64(0, 0, 0, 0), "embedding: the index at [0,0] is 0, weight has 0 rows",
                  "index_check failed: the index at 0 is 0");
    refused(5, tensor_i64(0, 0, 0, 0), PADDING(5), CNN_ERROR_INVALID_ARGUMENT,
            "embedding: padding_idx is 5, expected -5 to 4");
    refused(5, tensor_i64(0, 0, 0, 0), PADDING(-6), CNN_ERROR_INVALID_ARGUMENT,
            "embedding: padding_idx is -6, expected -5 to 4");
    refused(5, cnn_tensor_zeros(ctx, CNN_U8, CNN_SHAPE(2)), NULL, CNN_ERROR_DTYPE,
            "embedding: the indices are uint8, expected int64 or int32");
    refused(5, cnn_tensor_zeros(ctx, CNN_I64, CNN_SHAPE(1, 1, 1, 1, 1, 1, 1, 1)), NULL, CNN_ERROR_SHAPE, "embedding: ");
}
END_TEST

/* Several are looked at together. */
START_TEST(a_bad_index_is_found_wherever_it_is)
{
    for (int64_t count = 1; count < 14; count++) {
        for (int64_t bad = 0; bad < count; bad++) {
            char message[2][80];
            const int64_t value = bad % 2 ? -1 : 5;
            int64_t rows[14] = { 0 };
            rows[bad] = value;
            cnn_tensor *indices = cnn_tensor_from_data(ctx, CNN_I64, CNN_SHAPE(count), rows);
            snprintf(message[0], sizeof message[0], "embedding: the index at [%d] is %d, weight has 5 rows", (int)bad,
                     (int)value);
            snprintf(message[1], sizeof message[1], "index_check failed: the index at %d is %d", (int)bad, (int)value);
            refused_index(5, indices, message[0], message[1]);
        }
    }
}
END_TEST

START_TEST(indices_written_after_the_forward_pass_are_noticed)
{
    cnn_tensor *weight = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(5, 3)), *indices = tensor_i64(0, 1, 2, 3);
    cnn_tensor_set_requires_grad(weight, true);
    cnn_tensor *y = cnn_embedding(cnn_input(tape, weight), indices, NULL);
    cnn_tensor_fill(weight, 2); /* the gradient does not read these */
    cnn_tensor_fill(indices, 7);
    ck_assert_int_eq(cnn_backward_with(y, NULL, false), CNN_ERROR_STATE);
    failed_with(CNN_ERROR_STATE, "backward: embedding: the index tensor of shape [2,2] was written after the forward pass");
    cnn_tensor_free(weight);
    cnn_tensor_free(indices);
}
END_TEST

/* 300000 uses of one row: a sum in f32 one after the other would be off by 1e-3. */
START_TEST(the_gradient_of_a_row_used_often_is_exact)
{
    enum { USES = 300000 };
    cnn_tensor *weight = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(3, 2)), *indices = cnn_tensor_ones(ctx, CNN_I32, CNN_SHAPE(USES));
    cnn_tensor *seed = cnn_tensor_full(ctx, CNN_F32, 0.1, CNN_SHAPE(USES, 2));
    cnn_tensor_set_requires_grad(weight, true);
    cnn_tensor *y = cnn_embedding(cnn_input(tape, weight), indices, NULL);
    ck_assert_int_eq(cnn_backward_with(y, seed, false), CNN_OK);
    double *g = as_doubles(cnn_tensor_grad(weight));
    ck_assert(g[0] == 0 && g[1] == 0 && g[4] == 0 && g[5] == 0);
    ck_assert_double_eq_tol(g[2], USES * (double)0.1f, USES * 0.1 * 1e-7);
    ck_assert_double_eq(g[3], g[2]);
    free(g);
    cnn_tensor_free(weight);
    cnn_tensor_free(indices);
    cnn_tensor_free(seed);
}
END_TEST

/* The gradient is added to what is there, and the padding row stays as it is. */
START_TEST(the_padding_row_stays_zero)
{
    cnn_module *m = cnn_embedding_new(ctx, 4, 3, .has_padding_idx = true, .padding_idx = -2);
    cnn_tensor *weight = cnn_module_find(m, "weight"), *indices = tensor_i64(2, 0, 2, 3);
    cnn_optimizer *sgd = cnn_sgd_new(m, .lr = 0.5);
    for (int step = 0; step < 3; step++) {
        cnn_tape_begin(tape, CNN_TRAIN);
        cnn_tensor *y = cnn_forward(m, cnn_input(tape, indices));
        ck_assert_int_eq(cnn_backward(cnn_sum(cnn_mul(y, y), CNN_ALL_DIMS, false)), CNN_OK);
        if (step) {
            ck_assert_int_eq(cnn_optimizer_step(sgd), CNN_OK);
            cnn_optimizer_zero_grad(sgd);
        }
    }
    const float *w = host_elements(weight);
    for (int i = 0; i < 3; i++) {
        ck_assert_float_eq(w[2 * 3 + i], 0);
        ck_assert_float_ne(w[1 * 3 + i], 0);
    }
    cnn_optimizer_free(sgd);
    cnn_module_free(m);
    cnn_tensor_free(indices);
}
END_TEST

START_TEST(first_values_are_standard_normal)
{
    enum { ROWS = 400, WIDTH = 500, N = ROWS * WIDTH };
    cnn_module *m = cnn_embedding_new(ctx, ROWS, WIDTH, .dtype = _i ? CNN_F64 : CNN_F32);
    double *x = as_doubles(cnn_module_find(m, "weight")), mean = 0, square = 0, tail = 0;
    for (int i = 0; i < N; i++) {
        mean += x[i] / N;
        square += x[i] * x[i] / N;
        tail += fabs(x[i]) > 1.959964;
    }
    ck_assert_double_lt(fabs(mean), 5 / sqrt(N));
    ck_assert_double_lt(fabs(square - 1), 5 * sqrt(2.0 / N));
    ck_assert_double_lt(fabs(tail / N - 0.05), 5 * sqrt(0.05 / N));
    free(x);
    cnn_module_free(m);
}
END_TEST

START_TEST(a_clone_has_a_table_of_its_own)
{
    cnn_module *m = cnn_embedding_new(ctx, 4, 3, .has_padding_idx = true), *clone = cnn_module_clone(m);
    cnn_tensor *indices = tensor_i64(2, 0, 2, 3);
    cnn_tensor_fill(cnn_module_find(clone, "weight"), 0.5);
    cnn_tensor *x = cnn_input(tape, indices);
    ck_assert_double_eq(cnn_tensor_item(cnn_sum(cnn_forward(clone, x), CNN_ALL_DIMS, false)), 6);
    ck_assert_double_ne(cnn_tensor_item(cnn_sum(cnn_forward(m, x), CNN_ALL_DIMS, false)), 6);
    cnn_tensor_free(indices);
    cnn_module_free(m);
    cnn_module_free(clone);
}
END_TEST

START_TEST(bad_layers_are_refused)
{
    ck_assert_ptr_null(cnn_embedding_new(ctx, 0, 3));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "embedding_create: num_embeddings is 0, expected at least 1");
    ck_assert_ptr_null(cnn_embedding_new(ctx, 3, -1));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "embedding_create: embedding_dim is -1, expected at least 1");
    ck_assert_ptr_null(cnn_embedding_new(ctx, 3, 2, .dtype = CNN_I64));
    failed_with(CNN_ERROR_DTYPE, "embedding_create: dtype is int64, expected float32, float64 or bfloat16");
    ck_assert_ptr_null(cnn_embedding_new(ctx, 3, 2, .has_padding_idx = true, .padding_idx = 3));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "embedding_create: padding_idx is 3, expected -3 to 2");
    ck_assert_ptr_null(cnn_embedding_new(NULL, 3, 2));
    ck_assert_ptr_null(cnn_embedding_new(ctx, INT64_MAX, 8));
    failed_with(CNN_ERROR_SHAPE, "embedding_create: ");
}
END_TEST

START_TEST(a_failed_layer_draws_no_random_numbers)
{
    cnn_random_state before, after;
    cnn_module *m = NULL;
    cnn_context_random_state(ctx, &before);
    for (long n = 0; !m; n++) {
        ck_assert_int_lt(n, 20);
        cnn_context_random_state(ctx, &after);
        ck_assert_uint_eq(after.stream, before.stream);
        meter_reset();
        atomic_store(&meter.fail_at, n);
        m = cnn_embedding_new(ctx, 3, 4);
        meter_reset();
    }
    cnn_context_random_state(ctx, &after);
    ck_assert_uint_eq(after.stream, before.stream + 1);
    cnn_module_free(m);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("embedding");
    TCase *tests = suite_case(suite, "embedding", setup, teardown);
    tcase_add_test(tests, bad_indices_are_named_with_their_position);
    tcase_add_test(tests, a_bad_index_is_found_wherever_it_is);
    tcase_add_test(tests, indices_written_after_the_forward_pass_are_noticed);
    tcase_add_test(tests, the_gradient_of_a_row_used_often_is_exact);
    tcase_add_test(tests, the_padding_row_stays_zero);
    tcase_add_loop_test(tests, first_values_are_standard_normal, 0, 2);
    tcase_add_test(tests, a_clone_has_a_table_of_its_own);
    tcase_add_test(tests, bad_layers_are_refused);
    tcase_add_test(tests, a_failed_layer_draws_no_random_numbers);
    return suite_run(suite);
}
