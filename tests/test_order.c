/* Sorting, scans, reductions and parts: long lines of every dtype against their definition, any number of threads, results
 * beside the first, what is refused. Small values and gradients are compared with PyTorch's in test_ops.c. */
#include "support/elements.h"
#include "support/nn.h"

/* ---- sorting ---- */

enum { LONGEST = 1000, BESIDE = 3 };

/* Whether a goes before b: NaN is the largest number. */
static bool before(double a, double b, bool descending)
{
    bool less = isnan(b) ? !isnan(a) : a < b, greater = isnan(a) ? !isnan(b) : a > b;
    return descending ? greater : less;
}

static cnn_tensor *random_numbers(cnn_context *own, cnn_dtype dtype, int64_t n)
{
    double values[LONGEST * BESIDE];
    const double unit = n % 2 && (dtype == CNN_F64 || dtype == CNN_I64) ? 0x1p40 / 3 : 1; /* so that all bytes differ */
    uint64_t state = (uint64_t)n + 5;
    for (int64_t i = 0; i < n * BESIDE; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        /* Many are equal once they are rounded to integers. */
        values[i] = ((double)(int64_t)(state >> 40) / 131072 - 64) * unit;
        values[i] = state >> 60 == 3 ? NAN : state >> 60 == 4 ? -INFINITY : state >> 60 == 5 ? -0.0 : values[i];
        if (dtype != CNN_F32 && dtype != CNN_F64 && dtype != CNN_BF16) {
            values[i] = isfinite(values[i]) ? floor(values[i] / (dtype == CNN_U8 ? 1 : 0.25)) : 9;
            values[i] = dtype == CNN_U8 || dtype == CNN_BOOL ? fabs(values[i]) : values[i];
            values[i] = dtype == CNN_BOOL ? (int)values[i] % 2 : values[i];
        }
    }
    cnn_tensor *wide = cnn_tensor_from_data(own, CNN_F64, CNN_SHAPE(n, BESIDE), values);
    cnn_tensor *t = cnn_tensor_empty(own, dtype, CNN_SHAPE(n, BESIDE));
    ck_assert_int_eq(cnn_tensor_copy_from(t, wide), CNN_OK);
    cnn_tensor_free(wide);
    return t;
}

/* Each line is in order, equal elements as they were, and every position is there once. */
static void check_sorted(const double *x, const int64_t *index, int64_t n, int64_t k, bool descending)
{
    bool seen[LONGEST] = { false };
    for (int64_t i = 0; i < k; i++) {
        ck_assert(index[i * BESIDE] >= 0 && index[i * BESIDE] < n && !seen[index[i * BESIDE]]);
        seen[index[i * BESIDE]] = true;
        double now = x[index[i * BESIDE] * BESIDE], last = i ? x[index[(i - 1) * BESIDE] * BESIDE] : now;
        ck_assert(!before(now, last, descending));
        ck_assert(!i || before(last, now, descending) || index[(i - 1) * BESIDE] < index[i * BESIDE]);
    }
    for (int64_t i = 0; k && i < n; i++) { /* what is not there comes after the last one */
        double last = x[index[(k - 1) * BESIDE] * BESIDE];
        ck_assert(seen[i] || !before(x[i * BESIDE], last, descending));
    }
}

static void sort_lines(cnn_dtype dtype, int64_t n, int64_t k, bool descending)
{
    cnn_tensor *t = random_numbers(ctx, dtype, n), *index, *places;
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_tensor *x = cnn_input(tape, t), *y = cnn_topk(x, k, 0, descending, &index);
    ck_assert_msg(cnn_tape_status(tape) == CNN_OK, "%s", cnn_tape_error(tape));
    double *numbers = as_doubles(t), *values = as_doubles(y);
    const int64_t *at = host_elements(index);
    for (int64_t line = 0; line < BESIDE; line++) {
        check_sorted(numbers + line, at + line, n, k, descending);
        for (int64_t i = 0; i < k; i++) {
            double expected = numbers[at[i * BESIDE + line] * BESIDE + line], value = values[i * BESIDE + line];
            ck_assert(isnan(expected) ? isnan(value) : value == expected && signbit(value) == signbit(expected));
        }
    }
    /* Elements of a line that lie one after the other are looked at in another way. */
    cnn_tensor *row_values = cnn_topk(cnn_contiguous(cnn_transpose(x, 0, 1)), k, 1, descending, &places);
    ck_assert(same_elements(cnn_contiguous(cnn_transpose(row_values, 0, 1)), y));
    ck_assert(same_elements(cnn_contiguous(cnn_transpose(places, 0, 1)), index));
    if (k == n) {
        ck_assert(same_elements(cnn_sort(x, 0, descending, &places), y) && same_elements(places, index));
        ck_assert(same_elements(cnn_argsort(x, 0, descending), index));
    }
    free(numbers);
    free(values);
    cnn_tensor_free(t);
}

START_TEST(lines_of_every_length_are_sorted)
{
    static const int64_t lengths[] = { 1,  2,  15, 16, 17, 31,  32,  33,          47,
                                       48, 49, 50, 64, 65, 100, 101, LONGEST - 1, LONGEST };
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        for (int descending = 0; descending < 2; descending++) {
            sort_lines((cnn_dtype)_i, lengths[i], lengths[i], descending);
            sort_lines((cnn_dtype)_i, lengths[i], lengths[i] / 2, descending);
            sort_lines((cnn_dtype)_i, lengths[i], 1, descending);
        }
    }
}
END_TEST

/* ---- threads ---- */

/* All of it in one: bits of f32 that are read as i32. */
static cnn_tensor *everything(cnn_tensor *x)
{
    cnn_tensor *index, *parts[3];
    cnn_tensor *sorted = cnn_sort(x, 1, false, &index);
    cnn_chunk(cnn_concat((cnn_tensor *const[]){ cnn_cumsum(sorted, 0), cnn_cumprod(x, 1), cnn_cumsum(x, 2) }, 3, 0), 3, 0, parts);
    cnn_tensor *scanned = cnn_add(parts[0], cnn_mul(parts[1], parts[2]));
    cnn_tensor *sums = cnn_add(cnn_var(x, 1, CNN_DIMS(1), true), cnn_norm(x, 3, CNN_DIMS(0, 2), true));
    return cnn_add(cnn_add(scanned, cnn_flip(cnn_triu(x, 3), CNN_DIMS(1))), cnn_mul(sums, cnn_cast(index, CNN_F32)));
}

START_TEST(results_do_not_depend_on_threads)
{
    float *bits[2] = { NULL };
    size_t size = 0;
    for (int i = 0; i < 2; i++) {
        cnn_context *own = cnn_context_new(.threads = 1 + 2 * i, .seed = 3);
        cnn_tape *step = cnn_tape_new(own);
        cnn_tensor *t = cnn_tensor_randn(own, CNN_F32, CNN_SHAPE(7, 400, 90));
        cnn_tensor_set_requires_grad(t, true);
        cnn_tape_begin(step, CNN_TRAIN);
        cnn_tensor *y = everything(cnn_input(step, t));
        ck_assert_msg(cnn_backward(cnn_sum(cnn_mul(y, y), CNN_ALL_DIMS, false)) == CNN_OK, "%s", cnn_tape_error(step));
        size = elements_size(t);
        ck_assert_ptr_nonnull(bits[i] = malloc(size));
        ck_assert_int_eq(cnn_tensor_read(cnn_tensor_grad(t), bits[i], size), CNN_OK);
        cnn_tensor_free(t);
        cnn_tape_free(step);
        cnn_context_free(own);
    }
    ck_assert_int_eq(memcmp(bits[0], bits[1], size), 0);
    free(bits[0]);
    free(bits[1]);
}
END_TEST

/* Scratch memory and what is made on the way come from the tape's cache. */
START_TEST(equal_steps_allocate_nothing)
{
    cnn_tensor *t = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(4, 50, 9));
    cnn_tensor_set_requires_grad(t, true);
    long calls = 0;
    for (int step = 0; step < 4; step++) {
        cnn_tape_begin(tape, CNN_TRAIN);
        cnn_tensor *x = cnn_input(tape, t), *y = everything(x);
        y = cnn_add(y, cnn_add(cnn_logsumexp(x, CNN_DIMS(1), true), cnn_prod(x, CNN_DIMS(0), true)));
        y = cnn_einsum("abc,abd->dc", y, cnn_std(cnn_repeat(x, CNN_SHAPE(1, 1, 2)), 1, CNN_DIMS(0), true));
        ck_assert_msg(cnn_backward(cnn_sum(y, CNN_ALL_DIMS, false)) == CNN_OK, "%s", cnn_tape_error(tape));
        ck_assert(step < 2 || atomic_load(&meter.calls) == calls);
        calls = atomic_load(&meter.calls);
    }
    cnn_tensor_free(t);
}
END_TEST

/* A sum in f32, one after the other, would be off by 1e-3. */
START_TEST(long_scans_are_exact)
{
    enum { MANY = 300000 };
    cnn_tensor *t = cnn_tensor_full(ctx, CNN_F32, 0.1, CNN_SHAPE(MANY));
    cnn_tensor *sums = cnn_cumsum(cnn_input(tape, t), 0);
    double last = cnn_tensor_item(cnn_slice(sums, 0, MANY - 1, MANY, 1));
    ck_assert_double_eq_tol(last, MANY * (double)0.1f, MANY * 0.1 * 1e-7);
    cnn_tensor_free(t);
}
END_TEST

/* ---- reductions ---- */

START_TEST(a_count_of_numbers_has_the_gradient_0)
{
    cnn_tensor *t = cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(3), (const float[]){ 0, 2, NAN });
    cnn_tensor_set_requires_grad(t, true);
    cnn_tensor *y = cnn_norm(cnn_input(tape, t), 0, CNN_ALL_DIMS, false);
    ck_assert_double_eq(cnn_tensor_item(y), 2);
    ck_assert_int_eq(cnn_backward(y), CNN_OK);
    const float *g = host_elements(cnn_tensor_grad(t));
    ck_assert(g[0] == 0 && g[1] == 0 && g[2] == 0);
    cnn_tensor_free(t);
}
END_TEST

/* A bfloat16 is rounded once: 2^-8 is far more than what is lost. */
START_TEST(a_variance_in_bfloat16_is_made_in_float32)
{
    enum { MANY = 4096 };
    cnn_tensor *t = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(MANY)), *narrow = cnn_tensor_empty(ctx, CNN_BF16, CNN_SHAPE(MANY));
    ck_assert_int_eq(cnn_tensor_copy_from(narrow, t), CNN_OK);
    ck_assert_int_eq(cnn_tensor_copy_from(t, narrow), CNN_OK);
    double a = cnn_tensor_item(cnn_var(cnn_input(tape, t), 1, CNN_ALL_DIMS, false));
    double b = cnn_tensor_item(cnn_var(cnn_input(tape, narrow), 1, CNN_ALL_DIMS, false));
    ck_assert_double_eq_tol(b, a, a * 0x1p-8);
    cnn_tensor_free(t);
    cnn_tensor_free(narrow);
}
END_TEST

/* ---- parts ---- */

START_TEST(parts_are_views)
{
    cnn_tensor *t = cnn_tensor_arange(ctx, CNN_F32, 0, 10, 1), *parts[5] = { NULL };
    cnn_tensor *x = cnn_reshape(cnn_input(tape, t), CNN_SHAPE(2, 5));
    ck_assert_int_eq(cnn_split(x, 2, 1, parts, 5), 3);
    ck_assert(cnn_tensor_size(parts[0], 1) == 2 && cnn_tensor_size(parts[2], 1) == 1 && !parts[3] && !parts[4]);
    ck_assert(cnn_tensor_strides(parts[1])[0] == 5 && cnn_tensor_item(cnn_slice(parts[2], 0, 1, 2, 1)) == 9);
    ck_assert_int_eq(cnn_chunk(x, 4, 1, parts), 3); /* as in PyTorch: parts of 2, 2 and 1 */
    ck_assert(cnn_tensor_size(parts[2], 1) == 1 && !parts[3]);
    ck_assert_int_eq(cnn_unbind(x, 0, parts, 2), 2);
    ck_assert(cnn_tensor_ndim(parts[1]) == 1 && cnn_tensor_size(parts[1], 0) == 5);
    ck_assert_int_eq(cnn_split_with_sizes(x, CNN_SHAPE(1, 0, 4), 1, parts), 3);
    ck_assert(cnn_tensor_numel(parts[1]) == 0 && cnn_tensor_size(parts[2], 1) == 4);
    ck_assert_int_eq(cnn_chunk(cnn_slice(x, 1, 0, 0, 1), 2, 1, parts), 2);
    ck_assert(cnn_tensor_numel(parts[0]) == 0 && cnn_tensor_numel(parts[1]) == 0);
    ck_assert_int_eq(cnn_tape_status(tape), CNN_OK);
    cnn_tensor_free(t);
}
END_TEST

static void no_parts(int count, cnn_tensor **parts, cnn_status status, const char *message)
{
    ck_assert_int_eq(count, 0);
    ck_assert(cnn_tensor_status(parts[0]) == status && cnn_tensor_status(parts[1]) == status);
    failed_with(status, message);
    cnn_tape_begin(tape, CNN_TRAIN);
}

START_TEST(bad_parts_are_refused)
{
    cnn_tensor *t = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(2, 5)), *parts[2] = { NULL };
    no_parts(cnn_split(cnn_input(tape, t), 2, 1, parts, 2), parts, CNN_ERROR_INVALID_ARGUMENT, "split: 3 parts, room for 2");
    no_parts(cnn_split(cnn_input(tape, t), 0, 1, parts, 2), parts, CNN_ERROR_INVALID_ARGUMENT,
             "split: split_size is 0, expected 1 or more");
    no_parts(cnn_split(cnn_input(tape, t), 1, 2, parts, 2), parts, CNN_ERROR_SHAPE,
             "split: dimension 2 of a tensor of rank 2, expected -2 to 1");
    no_parts(cnn_unbind(cnn_input(tape, t), 1, parts, 2), parts, CNN_ERROR_INVALID_ARGUMENT, "unbind: 5 parts, room for 2");
    no_parts(cnn_split_with_sizes(cnn_input(tape, t), CNN_SHAPE(1, 3), 1, parts), parts, CNN_ERROR_INVALID_ARGUMENT,
             "split_with_sizes: the sizes sum to another number, expected sizes of 0 or more that sum to 5");
    ck_assert_int_eq(cnn_chunk(cnn_input(tape, t), 0, 1, parts), 0);
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "chunk: room for 0 parts, expected 1 or more");
    cnn_tensor_free(t);
}
END_TEST

/* ---- other refusals ---- */

static cnn_tensor *x_of(int64_t rows, int64_t columns)
{
    static cnn_tensor *t;
    cnn_tensor_free(t);
    t = rows ? cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(rows, columns)) : NULL;
    cnn_tape_begin(tape, CNN_TRAIN);
    return rows ? cnn_input(tape, t) : NULL;
}

START_TEST(bad_arguments_are_refused)
{
    cnn_tensor *indices = NULL;
    cnn_topk(x_of(2, 3), 4, -1, true, &indices);
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "topk: k is 4, expected 0 to 3, the size of dimension 1");
    ck_assert_int_eq(cnn_tensor_status(indices), CNN_ERROR_INVALID_ARGUMENT);
    cnn_tril(cnn_slice(cnn_flatten(x_of(2, 3), 0, -1), 0, 0, 2, 1), 0);
    failed_with(CNN_ERROR_SHAPE, "tril: x is [2], expected rank 2 or more");
    cnn_repeat(x_of(2, 3), CNN_SHAPE(2));
    failed_with(CNN_ERROR_SHAPE, "repeat: 1 repeats, expected 2 to 8");
    cnn_repeat(x_of(2, 3), CNN_SHAPE(2, -1));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "repeat: repeat 1 is -1, expected 0 or more");
    cnn_norm(x_of(2, 3), NAN, CNN_ALL_DIMS, false);
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "norm: p is nan, expected a number");
    cnn_norm(cnn_slice(x_of(2, 3), 1, 0, 0, 1), INFINITY, CNN_DIMS(1), false);
    failed_with(CNN_ERROR_SHAPE, "norm: shape [2,0] has no elements along the dimensions to reduce");
    cnn_one_hot(cnn_cast(x_of(2, 3), CNN_I64), 0);
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "one_hot: num_classes is 0, expected 1 or more");
    cnn_masked_fill(x_of(2, 3), x_of(2, 3), 1);
    failed_with(CNN_ERROR_STATE, "masked_fill: ");
    cnn_bitwise_not(x_of(2, 3));
    failed_with(CNN_ERROR_DTYPE, "bitwise_not: operand 0 is float32, expected int64, int32, uint8 or bool");
    cnn_tensor *truth = cnn_isnan(x_of(2, 3));
    cnn_bitwise_left_shift(truth, truth);
    failed_with(CNN_ERROR_DTYPE, "bitwise_left_shift: operand 0 is bool, expected int64, int32 or uint8");
    cnn_cosine_similarity(x_of(2, 3), NULL, 1, -1);
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "cosine_similarity: operand 1 is NULL");
    x_of(0, 0);
}
END_TEST

static void refused_equation(const char *equation, bool two, cnn_status status, const char *message)
{
    cnn_tensor *x = x_of(2, 3);
    cnn_einsum(equation, x, two ? x : NULL);
    failed_with(status, message);
}

START_TEST(bad_equations_are_refused)
{
    refused_equation("i.,ij->i", true, CNN_ERROR_INVALID_ARGUMENT,
                     "einsum: equation \"i.,ij->i\": '.' is no part of an ellipsis");
    refused_equation("i1,ij->i", true, CNN_ERROR_INVALID_ARGUMENT,
                     "einsum: equation \"i1,ij->i\": '1' is no label, expected letters, a comma between operands and \"->\"");
    refused_equation("ii,ij", true, CNN_ERROR_SHAPE, "'i' is 2 and 3 in operand 0");
    refused_equation("...i...,ij", true, CNN_ERROR_INVALID_ARGUMENT, "'...' stands twice in one term");
    refused_equation("ij,ij->ii", true, CNN_ERROR_INVALID_ARGUMENT, "'i' stands twice in the result");
    refused_equation("ijk...,ij", true, CNN_ERROR_SHAPE, "has 3 labels for operand 0, which is [2,3]");
    refused_equation("ij,ij->k", true, CNN_ERROR_INVALID_ARGUMENT, "'k' is in the result and in no operand");
    refused_equation("ij,jk->ik", true, CNN_ERROR_SHAPE, "'j' is 3 in operand 0 and 2 in operand 1");
    refused_equation("ij,j->i", true, CNN_ERROR_SHAPE, "has 1 labels for operand 1, which is [2,3]");
    refused_equation("ij->i", true, CNN_ERROR_INVALID_ARGUMENT, "has 1 terms before its result, expected 2");
    refused_equation("ij,ij", false, CNN_ERROR_INVALID_ARGUMENT, "',' is no label");
    refused_equation("ij,ij->i->j", true, CNN_ERROR_INVALID_ARGUMENT, "'-' is no label");
    refused_equation("abcdefghi,ij", true, CNN_ERROR_INVALID_ARGUMENT, "'i' is one label too many, expected 8 or fewer in a term");
    refused_equation(NULL, true, CNN_ERROR_INVALID_ARGUMENT, "einsum: equation is NULL");
    x_of(0, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("order");
    TCase *tests = suite_case(suite, "order", setup, teardown);
    tcase_add_loop_test(tests, lines_of_every_length_are_sorted, CNN_F32, CNN_BF16 + 1);
    tcase_add_test(tests, results_do_not_depend_on_threads);
    tcase_add_test(tests, equal_steps_allocate_nothing);
    tcase_add_test(tests, long_scans_are_exact);
    tcase_add_test(tests, a_count_of_numbers_has_the_gradient_0);
    tcase_add_test(tests, a_variance_in_bfloat16_is_made_in_float32);
    tcase_add_test(tests, parts_are_views);
    tcase_add_test(tests, bad_parts_are_refused);
    tcase_add_test(tests, bad_arguments_are_refused);
    tcase_add_test(tests, bad_equations_are_refused);
    return suite_run(suite);
}
