/* Tensors: creation, properties, access to elements, conversions and views. */
#include "support/elements.h"
#include "support/tensor.h"

/* ---- creation ---- */

START_TEST(each_dtype_is_made_filled_and_read)
{
    cnn_dtype dtype = dtypes[_i];
    cnn_tensor *zeros = cnn_tensor_zeros(ctx, dtype, CNN_SHAPE(2, 3)), *ones = cnn_tensor_ones(ctx, dtype, CNN_SHAPE(2, 3));
    cnn_tensor *full = cnn_tensor_full(ctx, dtype, 7, CNN_SHAPE(3)), *empty = cnn_tensor_empty(ctx, dtype, CNN_SHAPE(4, 5, 6));
    ELEMENTS_ARE(zeros, 0, 0, 0, 0, 0, 0);
    ELEMENTS_ARE(ones, 1, 1, 1, 1, 1, 1);
    double seven = dtype == CNN_BOOL ? 1 : 7;
    ELEMENTS_ARE(full, seven, seven, seven);
    ck_assert_int_eq(cnn_tensor_dtype(zeros), dtype);
    ck_assert_int_eq(cnn_tensor_ndim(empty), 3);
    ck_assert_int_eq(cnn_tensor_numel(empty), 120);
    ck_assert_int_eq(cnn_tensor_size(empty, 0), 4);
    ck_assert_int_eq(cnn_tensor_size(empty, -1), 6);
    ck_assert_int_eq(cnn_tensor_strides(empty)[0], 30);
    ck_assert_int_eq(cnn_tensor_strides(empty)[1], 6);
    ck_assert_int_eq(cnn_tensor_strides(empty)[2], 1);
    ck_assert_ptr_eq(cnn_tensor_context(empty), ctx);
    ck_assert_str_eq(cnn_tensor_device(empty), on_device() ? "late:0" : "cpu");
    ck_assert(cnn_tensor_is_contiguous(empty) && !cnn_tensor_requires_grad(empty) && !cnn_tensor_grad(empty));
    ck_assert_uint_eq((uintptr_t)cnn_tensor_data(empty) % 64, 0);
    cnn_tensor *all[] = { zeros, ones, full, empty };
    for (int i = 0; i < 4; i++) {
        cnn_tensor_free(all[i]);
    }
}
END_TEST

START_TEST(dtypes_have_sizes_and_pytorch_names)
{
    static const char *const names[] = { "float32", "float64", "int64", "int32", "uint8", "bool" };
    static const size_t sizes[] = { 4, 8, 8, 4, 1, 1 };
    for (int i = 0; i < DTYPES; i++) {
        ck_assert_str_eq(cnn_dtype_name(dtypes[i]), names[i]);
        ck_assert_uint_eq(cnn_dtype_size(dtypes[i]), sizes[i]);
    }
    ck_assert_str_eq(cnn_dtype_name((cnn_dtype)7), "unknown");
    ck_assert_str_eq(cnn_dtype_name((cnn_dtype)-1), "unknown");
    ck_assert_uint_eq(cnn_dtype_size((cnn_dtype)77), 0);
}
END_TEST

START_TEST(ranks_go_from_0_to_8)
{
    const int64_t shape[9] = { 1, 2, 1, 2, 1, 2, 1, 3, 1 };
    for (int ndim = 0; ndim <= CNN_MAX_DIMS; ndim++) {
        cnn_tensor *t = cnn_tensor_ones(ctx, CNN_I32, ndim, shape);
        ck_assert_int_eq(cnn_tensor_ndim(t), ndim);
        ck_assert_int_eq(cnn_tensor_numel(t), ndim == 8 ? 24 : ndim < 2 ? 1 : ndim < 4 ? 2 : ndim < 6 ? 4 : 8);
        cnn_tensor_free(t);
    }
    ck_assert_ptr_null(cnn_tensor_ones(ctx, CNN_I32, 9, shape));
    failed_with(CNN_ERROR_SHAPE, "tensor_ones: 9 dimensions");
    ck_assert_ptr_null(cnn_tensor_ones(ctx, CNN_I32, -1, shape));
    failed_with(CNN_ERROR_SHAPE, "-1 dimensions");
    ck_assert_ptr_null(cnn_tensor_ones(ctx, CNN_I32, 2, NULL));
    failed_with(CNN_ERROR_SHAPE, "without sizes");
}
END_TEST

START_TEST(shapes_that_no_memory_holds_are_refused)
{
    const int64_t half = (int64_t)1 << 32, most = INT64_MAX;
    static const char *const refused[] = { "tensor_zeros: shape [4294967296,4294967296]", "[9223372036854775807,2]",
                                           "[2,-1]", "[4294967296,0,4294967296]", "[4611686018427387904]" };
    const int64_t shapes[5][3] = { { half, half }, { most, 2 }, { 2, -1 }, { half, 0, half }, { (int64_t)1 << 62 } };
    const int ranks[5] = { 2, 2, 2, 3, 1 };
    for (int i = 0; i < 5; i++) {
        ck_assert_ptr_null(cnn_tensor_zeros(ctx, CNN_F64, ranks[i], shapes[i]));
        failed_with(CNN_ERROR_SHAPE, refused[i]);
    }
    /* A shape that memory of 64-bit addresses could have but does not. */
    ck_assert_ptr_null(cnn_tensor_empty(ctx, CNN_U8, CNN_SHAPE((int64_t)1 << 60)));
    failed_with(sizeof(void *) < 8 ? CNN_ERROR_SHAPE : CNN_ERROR_NO_MEMORY, "tensor_empty: ");
}
END_TEST

START_TEST(sizes_of_0_are_tensors)
{
    for (int i = 0; i < DTYPES; i++) {
        cnn_tensor *t = cnn_tensor_full(ctx, dtypes[i], 3, CNN_SHAPE(2, 0, 5));
        ck_assert_int_eq(cnn_tensor_numel(t), 0);
        ck_assert_int_eq(cnn_tensor_size(t, 2), 5);
        ck_assert_ptr_null(cnn_tensor_data(t));
        ck_assert(cnn_tensor_is_contiguous(t));
        ck_assert_int_eq(cnn_tensor_read(t, NULL, 0), CNN_OK);
        ck_assert_int_eq(cnn_tensor_write(t, NULL, 0), CNN_OK);
        ck_assert_int_eq(cnn_tensor_fill(t, 1), CNN_OK);
        ck_assert(isnan(cnn_tensor_item(t)));
        failed_with(CNN_ERROR_SHAPE, "tensor_item: a tensor of shape [2,0,5] has 0 elements, expected 1");
        cnn_tensor *copy = cnn_tensor_detach(t);
        ck_assert_int_eq(cnn_tensor_copy_from(copy, t), CNN_OK);
        cnn_tensor_free(copy);
        cnn_tensor_free(t);
    }
    cnn_tensor *none = cnn_tensor_arange(ctx, CNN_F32, 3, 3, 1), *drawn = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(0));
    ck_assert_int_eq(cnn_tensor_numel(none) + cnn_tensor_numel(drawn), 0);
    cnn_tensor_free(none);
    cnn_tensor_free(drawn);
}
END_TEST

START_TEST(bad_dtypes_and_contexts_are_refused)
{
    const cnn_dtype bad[] = { (cnn_dtype)7, (cnn_dtype)-1, (cnn_dtype)1000 };
    float x = 1;
    for (int i = 0; i < 3; i++) {
        ck_assert_ptr_null(cnn_tensor_empty(ctx, bad[i], CNN_SHAPE(2)));
        ck_assert_ptr_null(cnn_tensor_full(ctx, bad[i], 1, CNN_SHAPE(2)));
        ck_assert_ptr_null(cnn_tensor_arange(ctx, bad[i], 0, 3, 1));
        ck_assert_ptr_null(cnn_tensor_from_data(ctx, bad[i], CNN_SHAPE(1), &x));
        ck_assert_ptr_null(cnn_tensor_rand(ctx, bad[i], CNN_SHAPE(1)));
        failed_with(CNN_ERROR_DTYPE, "tensor_rand: ");
    }
    ck_assert_ptr_null(cnn_tensor_rand(ctx, CNN_I64, CNN_SHAPE(1)));
    failed_with(CNN_ERROR_DTYPE, "tensor_rand: dtype is int64, expected float32 or float64");
    ck_assert_ptr_null(cnn_tensor_zeros(NULL, CNN_F32, CNN_SHAPE(1)));
    ck_assert_int_eq(cnn_context_status(NULL), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_ptr_null(cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(1), NULL));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "tensor_from_data: data is NULL, expected 1 elements");
}
END_TEST

static void *deleted;
static int deletions;

static void deleter(void *data, void *user)
{
    deleted = data;
    deletions += *(int *)user;
}

START_TEST(borrowed_memory_is_used_and_given_back_once)
{
    float memory[6] = { 1, 2, 3, 4, 5, 6 };
    int one = 1;
    deletions = 0;
    cnn_tensor *t = cnn_tensor_from_borrowed(ctx, CNN_F32, CNN_SHAPE(2, 3), NULL, memory, deleter, &one);
    ck_assert_ptr_eq(cnn_tensor_data(t), memory);
    memory[5] = 60;
    ELEMENTS_ARE(t, 1, 2, 3, 4, 5, 60);
    ck_assert_int_eq(cnn_tensor_fill(t, 9), CNN_OK);
    ck_assert(memory[0] == 9 && memory[5] == 9);
    cnn_tensor *on_tape = cnn_transpose(cnn_input(tape, t), 0, 1);
    cnn_tensor_free(t);
    ck_assert_int_eq(deletions, 0); /* the tape's view still uses it */
    memory[1] = 5;
    ELEMENTS_ARE(on_tape, 9, 9, 5, 9, 9, 9);
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_EVAL), CNN_OK);
    ck_assert_int_eq(deletions, 1);
    ck_assert_ptr_eq(deleted, memory);
    cnn_tensor_free(cnn_tensor_from_borrowed(ctx, CNN_F32, CNN_SHAPE(6), NULL, memory, NULL, NULL));
    cnn_tensor_free(cnn_tensor_from_borrowed(ctx, CNN_F32, CNN_SHAPE(0), NULL, NULL, deleter, &one));
    ck_assert_int_eq(deletions, 2);
}
END_TEST

START_TEST(borrowed_memory_is_given_back_on_failure)
{
    double memory[4] = { 0 };
    int one = 1;
    const int64_t negative[1] = { -4 };
    deletions = 0;
    ck_assert_ptr_null(cnn_tensor_from_borrowed(NULL, CNN_F64, CNN_SHAPE(4), NULL, memory, deleter, &one));
    ck_assert_ptr_null(cnn_tensor_from_borrowed(ctx, (cnn_dtype)9, CNN_SHAPE(4), NULL, memory, deleter, &one));
    ck_assert_ptr_null(cnn_tensor_from_borrowed(ctx, CNN_F64, 1, negative, NULL, memory, deleter, &one));
    ck_assert_ptr_null(cnn_tensor_from_borrowed(ctx, CNN_F64, CNN_SHAPE(4), NULL, NULL, deleter, &one));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "tensor_from_borrowed: data is NULL");
    ck_assert_ptr_null(cnn_tensor_from_borrowed(ctx, CNN_F64, CNN_SHAPE(3), NULL, (char *)memory + 4, deleter, &one));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "not aligned");
    ck_assert_int_eq(deletions, 5);
    for (long n = 0; n < 2; n++) {
        meter_reset();
        atomic_store(&meter.fail_at, n);
        ck_assert_ptr_null(cnn_tensor_from_borrowed(ctx, CNN_F64, CNN_SHAPE(4), NULL, memory, deleter, &one));
        meter_reset();
        failed_with(CNN_ERROR_NO_MEMORY, "tensor_from_borrowed");
    }
    ck_assert_int_eq(deletions, 7);
}
END_TEST

START_TEST(arange_counts_as_pytorch_does)
{
    const struct {
        cnn_dtype dtype;
        double start, end, step;
        int n;
        double expected[6];
    } cases[] = {
        { CNN_I64, 0, 5, 1, 5, { 0, 1, 2, 3, 4 } },          { CNN_I32, 5, 0, -2, 3, { 5, 3, 1 } },
        { CNN_F32, 0, 1, 0.25, 4, { 0, 0.25, 0.5, 0.75 } },  { CNN_F64, 1, 2, 0.3, 4, { 1, 1.3, 1.6, 1 + 3 * 0.3 } },
        { CNN_U8, 250, 256, 2, 3, { 250, 252, 254 } },       { CNN_F64, -1, -3, -1, 2, { -1, -2 } },
        { CNN_I64, -2, 1, 1, 3, { -2, -1, 0 } },             { CNN_I64, 0x1p53, 0x1p53 + 4, 2, 2, { 0x1p53, 0x1p53 + 2 } },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cnn_tensor *t = cnn_tensor_arange(ctx, cases[i].dtype, cases[i].start, cases[i].end, cases[i].step);
        ck_assert_msg(t != NULL, "%s", cnn_last_error(ctx));
        ck_assert_int_eq(cnn_tensor_ndim(t), 1);
        elements_are(t, cases[i].n, cases[i].expected);
        cnn_tensor_free(t);
    }
}
END_TEST

START_TEST(arange_saturates_like_a_cast)
{
    cnn_tensor *u8 = cnn_tensor_arange(ctx, CNN_U8, -1, 1, 1), *over = cnn_tensor_arange(ctx, CNN_U8, 254, 258, 1);
    cnn_tensor *i32 = cnn_tensor_arange(ctx, CNN_I32, 2147483646, 2147483650, 1);
    cnn_tensor *i64 = cnn_tensor_arange(ctx, CNN_I64, 9.2e18, 9.4e18, 1e17);
    ELEMENTS_ARE(u8, 0, 0);
    ELEMENTS_ARE(over, 254, 255, 255, 255);
    ELEMENTS_ARE(i32, 2147483646, 2147483647, 2147483647, 2147483647);
    ELEMENTS_ARE(i64, 9.2e18, 9223372036854775807.0);
    cnn_tensor *all[] = { u8, over, i32, i64 };
    for (int i = 0; i < 4; i++) {
        cnn_tensor_free(all[i]);
    }
}
END_TEST

START_TEST(arange_refuses_what_is_no_sequence)
{
    const double bad[][3] = { { 0, 5, 0 },   { 0, 5, -1 },        { 5, 0, 1 },       { NAN, 1, 1 },
                              { 0, NAN, 1 }, { 0, INFINITY, 1 },  { -INFINITY, 0, 1 }, { 0, 1, NAN },
                              { 0, 1e300, 1 }, { INFINITY, INFINITY, 1 } };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_ptr_null(cnn_tensor_arange(ctx, CNN_F32, bad[i][0], bad[i][1], bad[i][2]));
        failed_with(CNN_ERROR_INVALID_ARGUMENT, "tensor_arange: ");
    }
    ck_assert_ptr_null(cnn_tensor_arange(ctx, CNN_BOOL, 0, 2, 1));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "bool");
    ck_assert_ptr_null(cnn_tensor_arange(NULL, CNN_F32, 0, 2, 1));
}
END_TEST

/* ---- elements ---- */

START_TEST(item_reads_one_element_exactly)
{
    const int64_t exact[] = { INT64_MAX, INT64_MIN, 9007199254740993 };
    for (int i = 0; i < 3; i++) {
        cnn_tensor *t = cnn_tensor_from_data(ctx, CNN_I64, CNN_SHAPE(1, 1), &exact[i]);
        ck_assert_int_eq(cnn_tensor_item_i64(t), exact[i]);
        ck_assert_double_eq(cnn_tensor_item(t), (double)exact[i]);
        cnn_tensor_free(t);
    }
    for (int i = 0; i < DTYPES; i++) {
        cnn_tensor *t = cnn_tensor_full(ctx, dtypes[i], 1, CNN_SCALAR);
        ck_assert_double_eq(cnn_tensor_item(t), 1);
        ck_assert_int_eq(cnn_tensor_item_i64(t), 1);
        cnn_tensor_free(t);
    }
    cnn_tensor *half = cnn_tensor_full(ctx, CNN_F32, -2.75, CNN_SCALAR), *two = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(2));
    ck_assert_int_eq(cnn_tensor_item_i64(half), -2);
    ck_assert_int_eq(cnn_tensor_item_i64(two), 0);
    failed_with(CNN_ERROR_SHAPE, "tensor_item_i64: a tensor of shape [2] has 2 elements, expected 1");
    ck_assert(isnan(cnn_tensor_item(NULL)));
    cnn_tensor_free(half);
    cnn_tensor_free(two);
}
END_TEST

START_TEST(read_and_write_want_the_whole_tensor)
{
    int32_t in[6] = { 1, 2, 3, 4, 5, 6 }, out[6];
    cnn_tensor *t = cnn_tensor_zeros(ctx, CNN_I32, CNN_SHAPE(2, 3));
    ck_assert_int_eq(cnn_tensor_write(t, in, sizeof in), CNN_OK);
    ck_assert_int_eq(cnn_tensor_read(t, out, sizeof out), CNN_OK);
    ck_assert_int_eq(memcmp(in, out, sizeof in), 0);
    ck_assert_int_eq(cnn_tensor_read(cnn_transpose(cnn_input(tape, t), 0, 1), out, sizeof out), CNN_OK);
    const int32_t turned[6] = { 1, 4, 2, 5, 3, 6 };
    ck_assert_int_eq(memcmp(turned, out, sizeof out), 0);
    ck_assert_int_eq(cnn_tensor_read(t, out, sizeof out - 1), CNN_ERROR_INVALID_ARGUMENT);
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "tensor_read: memory of 23 bytes, expected 24");
    ck_assert_int_eq(cnn_tensor_write(t, in, sizeof in + 4), CNN_ERROR_INVALID_ARGUMENT);
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "tensor_write: memory of 28 bytes, expected 24");
    ck_assert_int_eq(cnn_tensor_write(t, NULL, sizeof in), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_int_eq(cnn_tensor_read(t, NULL, sizeof in), CNN_ERROR_INVALID_ARGUMENT);
    ELEMENTS_ARE(t, 1, 2, 3, 4, 5, 6);
    cnn_tensor_free(t);
}
END_TEST

START_TEST(results_of_operations_are_not_the_callers_to_write)
{
    cnn_tensor *t = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(2)), *y = cnn_add_scalar(cnn_input(tape, t), 1);
    float x[2] = { 5, 5 };
    ck_assert_int_eq(cnn_tensor_fill(y, 1), CNN_ERROR_STATE);
    ck_assert_int_eq(cnn_tensor_write(y, x, sizeof x), CNN_ERROR_STATE);
    ck_assert_int_eq(cnn_tensor_copy_from(y, t), CNN_ERROR_STATE);
    ck_assert_int_eq(cnn_tensor_set_requires_grad(y, true), CNN_ERROR_STATE);
    ck_assert_int_eq(cnn_tensor_zero_grad(y), CNN_ERROR_STATE);
    cnn_tensor_free(y);
    failed_with(CNN_ERROR_STATE, "tensor_free: the tensor belongs to a tape");
    ELEMENTS_ARE(y, 2, 2);
    ck_assert_int_eq(cnn_tape_status(tape), CNN_OK);
    cnn_tensor_free(t);
}
END_TEST

/* One value of each kind that conversions must get right, and what it is in each dtype (rows and columns as `dtypes`). */
START_TEST(conversions_truncate_saturate_and_turn_nan_to_0)
{
    const double from[] = { 2.9, -2.9, 300, -1, 3e9, -3e9, 1e30, -1e30, NAN, INFINITY, -INFINITY, 0, -0.0, 0.5 };
    const double i64[] = { 2, -2, 300, -1, 3e9, -3e9, 0x1p63, -0x1p63, 0, 0x1p63, -0x1p63, 0, 0, 0 };
    const double i32[] = { 2, -2, 300, -1, 2147483647, -2147483648.0, 2147483647, -2147483648.0, 0, 2147483647,
                           -2147483648.0, 0, 0, 0 };
    const double u8[] = { 2, 0, 255, 0, 255, 0, 255, 0, 0, 255, 0, 0, 0, 0 };
    const double truth[] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1 };
    enum { N = sizeof from / sizeof *from };
    const double *const expected[DTYPES] = { NULL, from, i64, i32, u8, truth };
    double narrow[N];
    for (int i = 0; i < N; i++) {
        narrow[i] = (double)(float)from[i];
    }
    cnn_tensor *wide = cnn_tensor_from_data(ctx, CNN_F64, CNN_SHAPE(N), from);
    cnn_tensor *single = cnn_tensor_empty(ctx, CNN_F32, CNN_SHAPE(N));
    ck_assert_int_eq(cnn_tensor_copy_from(single, wide), CNN_OK);
    for (int d = 0; d < DTYPES; d++) {
        cnn_tensor *copied = cnn_tensor_empty(ctx, dtypes[d], CNN_SHAPE(N));
        ck_assert_int_eq(cnn_tensor_copy_from(copied, wide), CNN_OK);
        elements_are(copied, N, d ? expected[d] : narrow);
        elements_are(cnn_cast(cnn_input(tape, wide), dtypes[d]), N, d ? expected[d] : narrow);
        elements_are(cnn_cast(cnn_input(tape, single), dtypes[d]), N, d > 1 ? expected[d] : narrow);
        cnn_tensor_free(copied);
    }
    cnn_tensor_free(wide);
    cnn_tensor_free(single);
}
END_TEST

START_TEST(integers_convert_to_each_other_saturating)
{
    const int64_t from[] = { INT64_MIN, -2147483649, -129, -1, 0, 1, 255, 256, 2147483648, INT64_MAX };
    const double i32[] = { -2147483648.0, -2147483648.0, -129, -1, 0, 1, 255, 256, 2147483647, 2147483647 };
    const double u8[] = { 0, 0, 0, 0, 0, 1, 255, 255, 255, 255 }, truth[] = { 1, 1, 1, 1, 0, 1, 1, 1, 1, 1 };
    cnn_tensor *t = cnn_tensor_from_data(ctx, CNN_I64, CNN_SHAPE(10), from), *x = cnn_input(tape, t);
    elements_are(cnn_cast(x, CNN_I32), 10, i32);
    elements_are(cnn_cast(x, CNN_U8), 10, u8);
    elements_are(cnn_cast(x, CNN_BOOL), 10, truth);
    cnn_tensor *back = cnn_cast(cnn_cast(x, CNN_I64), CNN_I64);
    int64_t out[10];
    ck_assert_int_eq(cnn_tensor_read(back, out, sizeof out), CNN_OK);
    ck_assert_int_eq(memcmp(out, from, sizeof out), 0);
    ELEMENTS_ARE(cnn_cast(cnn_cast(cnn_cast(x, CNN_BOOL), CNN_U8), CNN_F32), 1, 1, 1, 1, 0, 1, 1, 1, 1, 1);
    ck_assert_int_eq(cnn_tensor_status(cnn_cast(x, (cnn_dtype)8)), CNN_ERROR_DTYPE);
    cnn_tensor_free(t);
}
END_TEST

START_TEST(fill_converts_to_the_dtype)
{
    const double given[] = { 300.7, -5.5, NAN }, u8[] = { 255, 0, 0 }, i32[] = { 300, -5, 0 }, truth[] = { 1, 1, 1 };
    const struct {
        cnn_dtype dtype;
        const double *expected;
    } cases[] = { { CNN_U8, u8 }, { CNN_I32, i32 }, { CNN_I64, i32 }, { CNN_BOOL, truth }, { CNN_F64, given } };
    for (int c = 0; c < 5; c++) {
        cnn_tensor *t = cnn_tensor_empty(ctx, cases[c].dtype, CNN_SHAPE(2));
        for (int i = 0; i < 3; i++) {
            ck_assert_int_eq(cnn_tensor_fill(t, given[i]), CNN_OK);
            ELEMENTS_ARE(t, cases[c].expected[i], cases[c].expected[i]);
            cnn_tensor *full = cnn_tensor_full(ctx, cases[c].dtype, given[i], CNN_SHAPE(1));
            ELEMENTS_ARE(full, cases[c].expected[i]);
            cnn_tensor_free(full);
        }
        cnn_tensor_free(t);
    }
}
END_TEST

START_TEST(copy_from_broadcasts_and_converts)
{
    const int64_t row[3] = { 1, 2, 3 };
    cnn_tensor *t = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(2, 3));
    cnn_tensor *source = cnn_tensor_from_data(ctx, CNN_I64, CNN_SHAPE(3), row);
    ck_assert_int_eq(cnn_tensor_copy_from(t, source), CNN_OK);
    ELEMENTS_ARE(t, 1, 2, 3, 1, 2, 3);
    cnn_tensor *scalar = cnn_tensor_full(ctx, CNN_F64, 0.5, CNN_SCALAR);
    ck_assert_int_eq(cnn_tensor_copy_from(t, scalar), CNN_OK);
    ELEMENTS_ARE(t, .5, .5, .5, .5, .5, .5);
    cnn_tensor *column = cnn_slice(cnn_unsqueeze(cnn_input(tape, source), 1), 0, 0, 3, 2);
    ck_assert_int_eq(cnn_tensor_copy_from(t, column), CNN_OK); /* [2,1], strided */
    ELEMENTS_ARE(t, 1, 1, 1, 3, 3, 3);
    ck_assert_int_eq(cnn_tensor_copy_from(source, t), CNN_ERROR_SHAPE);
    failed_with(CNN_ERROR_SHAPE, "tensor_copy_from: shape [2,3] does not broadcast to [3]");
    ck_assert_int_eq(cnn_tensor_copy_from(t, NULL), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_int_eq(cnn_tensor_copy_from(NULL, t), CNN_ERROR_INVALID_ARGUMENT);
    ELEMENTS_ARE(source, 1, 2, 3);
    cnn_tensor_free(t);
    cnn_tensor_free(source);
    cnn_tensor_free(scalar);
}
END_TEST

START_TEST(detach_outlives_the_tape)
{
    cnn_tensor *t = cnn_tensor_arange(ctx, CNN_F32, 0, 6, 1);
    cnn_tensor *copy = cnn_tensor_detach(cnn_transpose(cnn_view(cnn_input(tape, t), CNN_SHAPE(2, 3)), 0, 1));
    cnn_tape_begin(tape, CNN_EVAL);
    ck_assert(cnn_tensor_is_contiguous(copy) && !cnn_tensor_requires_grad(copy));
    ELEMENTS_ARE(copy, 0, 3, 1, 4, 2, 5);
    ck_assert_int_eq(cnn_tensor_fill(t, 9), CNN_OK);
    ELEMENTS_ARE(copy, 0, 3, 1, 4, 2, 5);
    cnn_tensor_free(copy);
    cnn_tensor_free(t);
}
END_TEST

START_TEST(misuse_is_reported_and_harmless)
{
    cnn_tensor *t = cnn_tensor_ones(ctx, CNN_I64, CNN_SHAPE(2));
    ck_assert_int_eq(cnn_tensor_set_requires_grad(t, true), CNN_ERROR_DTYPE);
    failed_with(CNN_ERROR_DTYPE, "tensor_set_requires_grad: dtype is int64, expected float32, float64 or bfloat16");
    ck_assert_int_eq(cnn_tensor_size(t, 1), 0);
    failed_with(CNN_ERROR_SHAPE, "tensor_size: dimension 1 of a tensor of rank 1, expected -1 to 0");
    ck_assert_int_eq(cnn_tensor_size(t, -2), 0);
    cnn_tensor *scalar = cnn_tensor_ones(ctx, CNN_I64, CNN_SCALAR);
    ck_assert_int_eq(cnn_tensor_size(scalar, 0), 0);
    failed_with(CNN_ERROR_SHAPE, "tensor_size: dimension 0 of a tensor of rank 0, expected a tensor of rank 1 or more");
    cnn_tensor_free(scalar);
    ck_assert_int_eq(cnn_tensor_ndim(NULL), 0);
    ck_assert_ptr_null(cnn_tensor_shape(NULL));
    ck_assert_ptr_null(cnn_tensor_strides(NULL));
    ck_assert_ptr_null(cnn_tensor_context(NULL));
    ck_assert_ptr_null(cnn_tensor_data(NULL));
    ck_assert_ptr_null(cnn_tensor_detach(NULL));
    ck_assert_ptr_null(cnn_tensor_grad(NULL));
    ck_assert_int_eq(cnn_tensor_numel(NULL), 0);
    ck_assert(!cnn_tensor_is_contiguous(NULL) && !cnn_tensor_requires_grad(NULL));
    ck_assert_int_eq(cnn_tensor_status(NULL), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_int_eq(cnn_tensor_fill(NULL, 0), CNN_ERROR_INVALID_ARGUMENT);
    cnn_tensor_free(NULL);
    cnn_tensor_free(t);
}
END_TEST

START_TEST(objects_may_be_freed_in_any_order)
{
    cnn_context *own = cnn_context_new(.threads = 1, .allocate = meter_allocate, .deallocate = meter_deallocate);
    size_t before = atomic_load(&meter.now);
    cnn_tensor *t = cnn_tensor_ones(own, CNN_F32, CNN_SHAPE(3));
    cnn_context_free(own);
    ck_assert_int_eq(cnn_tensor_fill(t, 4), CNN_OK);
    ELEMENTS_ARE(t, 4, 4, 4);
    cnn_tensor_free(t);
    ck_assert_uint_lt(atomic_load(&meter.now), before);
}
END_TEST

/* ---- views ---- */

START_TEST(views_share_memory_and_say_their_strides)
{
    cnn_tensor *t = cnn_tensor_arange(ctx, CNN_F32, 0, 24, 1);
    cnn_tensor *x = cnn_view(cnn_input(tape, t), CNN_SHAPE(2, 3, 4));
    const struct {
        cnn_tensor *view;
        int64_t shape[4], stride[4], offset;
        bool contiguous;
    } cases[] = {
        { cnn_transpose(x, 0, 2), { 4, 3, 2 }, { 1, 4, 12 }, 0, false },
        { cnn_permute(x, CNN_DIMS(1, 2, 0)), { 3, 4, 2 }, { 4, 1, 12 }, 0, false },
        { cnn_slice(x, 2, 1, 4, 2), { 2, 3, 2 }, { 12, 4, 2 }, 1, false },
        { cnn_slice(x, 0, 1, 2, 1), { 1, 3, 4 }, { 12, 4, 1 }, 12, true },
        { cnn_expand(cnn_slice(x, 1, 2, 3, 1), CNN_SHAPE(2, 5, 4)), { 2, 5, 4 }, { 12, 0, 1 }, 8, false },
        { cnn_squeeze(cnn_slice(x, 0, -1, INT64_MAX, 1), 0), { 3, 4 }, { 4, 1 }, 12, true },
        { cnn_unsqueeze(x, -1), { 2, 3, 4, 1 }, { 12, 4, 1, -1 }, 0, true },
        { cnn_reshape(x, CNN_SHAPE(6, -1)), { 6, 4 }, { 4, 1 }, 0, true },
        { cnn_flatten(x, 1, -1), { 2, 12 }, { 12, 1 }, 0, true },
        { cnn_detach(x), { 2, 3, 4 }, { 12, 4, 1 }, 0, true },
    };
    const float *first = cnn_tensor_data(t);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const cnn_tensor *v = cases[i].view;
        ck_assert_msg(cnn_tensor_status(v) == CNN_OK, "%zu: %s", i, cnn_tape_error(tape));
        for (int d = 0; d < cnn_tensor_ndim(v); d++) {
            ck_assert_msg(cnn_tensor_shape(v)[d] == cases[i].shape[d], "%zu: size %d", i, d);
            ck_assert_msg(cases[i].stride[d] < 0 || cnn_tensor_strides(v)[d] == cases[i].stride[d], "%zu: stride %d", i, d);
        }
        ck_assert_msg(on_device() || (const float *)cnn_tensor_data(v) - first == cases[i].offset, "%zu: another offset", i);
        ck_assert_msg(cnn_tensor_is_contiguous(v) == cases[i].contiguous, "%zu: contiguous", i);
    }
    ELEMENTS_ARE(cnn_slice(cnn_transpose(x, 1, 2), 1, 0, 4, 3), 0, 4, 8, 3, 7, 11, 12, 16, 20, 15, 19, 23);
    cnn_tensor_free(t);
}
END_TEST

START_TEST(copies_are_made_where_views_cannot_be)
{
    cnn_tensor *t = cnn_tensor_arange(ctx, CNN_I64, 0, 6, 1);
    cnn_tensor *x = cnn_transpose(cnn_view(cnn_input(tape, t), CNN_SHAPE(2, 3)), 0, 1);
    cnn_tensor *flat = cnn_reshape(x, CNN_SHAPE(6)), *dense = cnn_contiguous(x);
    ck_assert(on_device() || (cnn_tensor_data(flat) != cnn_tensor_data(t) && cnn_tensor_data(dense) != cnn_tensor_data(t)));
    ELEMENTS_ARE(flat, 0, 3, 1, 4, 2, 5);
    ck_assert(cnn_tensor_is_contiguous(dense));
    ck_assert_ptr_eq(cnn_contiguous(dense), dense);
    ck_assert(on_device() || cnn_tensor_data(cnn_clone(dense)) != cnn_tensor_data(dense));
    ck_assert_int_eq(cnn_tensor_status(cnn_view(x, CNN_SHAPE(6))), CNN_ERROR_SHAPE);
    cnn_tensor_free(t);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tensor");
    TCase *creation = suite_case(suite, "creation", setup, teardown);
    tcase_add_loop_test(creation, each_dtype_is_made_filled_and_read, 0, DTYPES);
    tcase_add_test(creation, dtypes_have_sizes_and_pytorch_names);
    tcase_add_test(creation, ranks_go_from_0_to_8);
    tcase_add_test(creation, shapes_that_no_memory_holds_are_refused);
    tcase_add_test(creation, sizes_of_0_are_tensors);
    tcase_add_test(creation, bad_dtypes_and_contexts_are_refused);
    if (!on_device()) { /* which cannot borrow the host's memory */
        tcase_add_test(creation, borrowed_memory_is_used_and_given_back_once);
        tcase_add_test(creation, borrowed_memory_is_given_back_on_failure);
    }
    tcase_add_test(creation, arange_counts_as_pytorch_does);
    tcase_add_test(creation, arange_saturates_like_a_cast);
    tcase_add_test(creation, arange_refuses_what_is_no_sequence);
    TCase *elements = suite_case(suite, "elements", setup, teardown);
    tcase_add_test(elements, item_reads_one_element_exactly);
    tcase_add_test(elements, read_and_write_want_the_whole_tensor);
    tcase_add_test(elements, results_of_operations_are_not_the_callers_to_write);
    tcase_add_test(elements, conversions_truncate_saturate_and_turn_nan_to_0);
    tcase_add_test(elements, integers_convert_to_each_other_saturating);
    tcase_add_test(elements, fill_converts_to_the_dtype);
    tcase_add_test(elements, copy_from_broadcasts_and_converts);
    tcase_add_test(elements, detach_outlives_the_tape);
    tcase_add_test(elements, misuse_is_reported_and_harmless);
    tcase_add_test(elements, objects_may_be_freed_in_any_order);
    TCase *views = suite_case(suite, "views", setup, teardown);
    tcase_add_test(views, views_share_memory_and_say_their_strides);
    tcase_add_test(views, copies_are_made_where_views_cannot_be);
    return suite_run(suite);
}
