/* Tensors over elements that they did not make: borrowed memory with strides as every call sees it, and tensors that
 * share elements with others. */
#include "support/elements.h"
#include "support/nn.h"

#include <math.h>

/* [2, 3] seen in an array of 4 columns, column by column: element (i, j) is at 4 j + i. */
enum { SIZE = 12 };
static const int64_t strides[] = { 1, 4 };

static cnn_tensor *columns(float *memory)
{
    for (int i = 0; i < SIZE; i++) {
        memory[i] = (float)i;
    }
    cnn_tensor *t = cnn_tensor_from_borrowed(ctx, CNN_F32, CNN_SHAPE(2, 3), strides, memory, NULL, NULL);
    ck_assert_msg(t != NULL, "%s", cnn_last_error(ctx));
    ck_assert(!cnn_tensor_is_contiguous(t) && cnn_tensor_strides(t)[0] == 1 && cnn_tensor_strides(t)[1] == 4);
    ck_assert_ptr_eq(cnn_tensor_data(t), memory);
    return t;
}

/* Is memory what `columns` made of it, but for the elements of the tensor, which are `values` in row-major order? */
static void assert_memory(const float *memory, const float *values)
{
    for (int i = 0; i < SIZE; i++) {
        int row = i % 4, column = i / 4;
        ck_assert(memory[i] == (row < 2 ? values[3 * row + column] : (float)i));
    }
}

/* ---- strides ---- */

START_TEST(elements_are_read_and_written_by_the_strides)
{
    static const float made[] = { 0, 4, 8, 1, 5, 9 }, given[] = { 1, 2, 3, 4, 5, 6 }, sevens[] = { 7, 7, 7, 7, 7, 7 };
    float memory[SIZE], read[6];
    char text[128];
    cnn_tensor *t = columns(memory), *copy = cnn_tensor_detach(t), *row = cnn_tensor_arange(ctx, CNN_I64, 1, 4, 1);
    ck_assert_int_eq(cnn_tensor_read(t, read, sizeof read), CNN_OK);
    ck_assert_mem_eq(read, made, sizeof made);
    ck_assert(cnn_tensor_is_contiguous(copy));
    ck_assert_mem_eq(cnn_tensor_data(copy), made, sizeof made);
    cnn_tensor_format(t, text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "[[0., 4., 8.],"));

    ck_assert_int_eq(cnn_tensor_write(t, given, sizeof given), CNN_OK);
    assert_memory(memory, given);
    ck_assert_int_eq(cnn_tensor_fill(t, 7), CNN_OK);
    assert_memory(memory, sevens);
    ck_assert_int_eq(cnn_tensor_copy_from(t, row), CNN_OK);
    static const float rows[] = { 1, 2, 3, 1, 2, 3 };
    assert_memory(memory, rows);
    /* Elements of the tensor itself as data: they are read before one is written. */
    memory[2] = memory[3] = memory[6] = memory[7] = 9;
    float before[6];
    memcpy(before, memory + 1, sizeof before);
    ck_assert_int_eq(cnn_tensor_write(t, memory + 1, sizeof before), CNN_OK);
    ck_assert_int_eq(cnn_tensor_read(t, read, sizeof read), CNN_OK);
    ck_assert_mem_eq(read, before, sizeof before);
    cnn_tensor_free(t);
    cnn_tensor_free(copy);
    cnn_tensor_free(row);
}
END_TEST

START_TEST(every_dtype_is_filled_by_the_strides)
{
    for (int dtype = CNN_F32; dtype <= CNN_BF16; dtype++) {
        double memory[SIZE] = { 0 }; /* aligned for every dtype */
        cnn_tensor *t = cnn_tensor_from_borrowed(ctx, (cnn_dtype)dtype, CNN_SHAPE(2, 3), strides, memory, NULL, NULL);
        cnn_tensor *flat = cnn_tensor_full(ctx, (cnn_dtype)dtype, 2.75, CNN_SHAPE(2, 3));
        unsigned char one[48], other[48];
        size_t size = 6 * cnn_dtype_size((cnn_dtype)dtype);
        ck_assert_int_eq(cnn_tensor_fill(t, 2.75), CNN_OK);
        ck_assert(cnn_tensor_read(t, one, size) == CNN_OK && cnn_tensor_read(flat, other, size) == CNN_OK);
        ck_assert_mem_eq(one, other, size); /* converted as a contiguous one is */
        cnn_tensor_free(t);
        cnn_tensor_free(flat);
    }
}
END_TEST

START_TEST(operations_and_gradients_see_the_strides)
{
    float memory[SIZE], result[4], expected[4];
    cnn_tensor *t = columns(memory), *flat = cnn_tensor_detach(t);
    cnn_tensor *weight = cnn_tensor_arange(ctx, CNN_F32, 0, 6, 1);
    cnn_tensor_set_requires_grad(t, true);
    cnn_tensor_set_requires_grad(flat, true);
    for (int i = 0; i < 2; i++) {
        cnn_tape_begin(tape, CNN_TRAIN);
        cnn_tensor *x = cnn_input(tape, i ? flat : t);
        cnn_tensor *y = cnn_matmul(cnn_mul(x, x), cnn_reshape(cnn_input(tape, weight), CNN_SHAPE(3, 2)));
        ck_assert_int_eq(cnn_tensor_read(y, i ? expected : result, sizeof result), CNN_OK);
        ck_assert_int_eq(cnn_backward(cnn_sum(y, CNN_ALL_DIMS, false)), CNN_OK);
    }
    ck_assert_mem_eq(result, expected, sizeof result);
    ck_assert(cnn_tensor_is_contiguous(cnn_tensor_grad(t)));
    ck_assert_mem_eq(cnn_tensor_data(cnn_tensor_grad(t)), cnn_tensor_data(cnn_tensor_grad(flat)), 6 * sizeof(float));
    cnn_tensor_free(t);
    cnn_tensor_free(flat);
    cnn_tensor_free(weight);
}
END_TEST

static cnn_tensor *square(cnn_tensor *const *inputs, int count, void *user)
{
    (void)count, (void)user;
    return cnn_mul(cnn_exp(inputs[0]), inputs[0]);
}

START_TEST(gradients_are_checked_by_the_strides)
{
    double memory[SIZE];
    for (int i = 0; i < SIZE; i++) {
        memory[i] = 0.1 * i;
    }
    cnn_tensor *t = cnn_tensor_from_borrowed(ctx, CNN_F64, CNN_SHAPE(2, 3), strides, memory, NULL, NULL);
    cnn_tensor_set_requires_grad(t, true);
    ck_assert_msg(cnn_gradcheck(ctx, square, NULL, &t, 1, NULL) == CNN_OK, "%s", cnn_last_error(ctx));
    for (int i = 0; i < SIZE; i++) {
        ck_assert_double_eq(memory[i], 0.1 * i);
    }
    cnn_tensor_free(t);
}
END_TEST

static void count_call(void *data, void *user)
{
    (void)data;
    ++*(int *)user;
}

START_TEST(strides_that_overlap_are_refused)
{
    static const struct {
        int64_t shape[3], strides[3];
        bool good;
    } cases[] = { { { 2, 3, 2 }, { 6, 2, 1 }, true },  { { 2, 3, 2 }, { 1, 4, 2 }, true },
                  { { 2, 3, 2 }, { 100, 7, 3 }, true }, { { 1, 3, 1 }, { -5, 1, 0 }, true },
                  { { 0, 3, 2 }, { 0, 0, 0 }, true },   { { 2, 3, 2 }, { 5, 2, 1 }, false },
                  { { 2, 3, 2 }, { 0, 2, 1 }, false },  { { 2, 3, 2 }, { -6, 2, 1 }, false },
                  { { 2, 3, 2 }, { 1, 1, 1 }, false },  { { 2, 3, 2 }, { INT64_MAX, 2, 1 }, false },
                  { { 3, 3, 2 }, { INT64_MAX / 2, 2, 1 }, false } };
    static double memory[1000];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int calls = 0;
        cnn_tensor *t = cnn_tensor_from_borrowed(ctx, CNN_F64, 3, cases[i].shape, cases[i].strides, memory, count_call,
                                                 &calls);
        ck_assert_msg((t != NULL) == cases[i].good, "case %zu: %s", i, cnn_last_error(ctx));
        ck_assert_int_eq(calls, !cases[i].good);
        if (!t) {
            failed_with(CNN_ERROR_SHAPE, "tensor_from_borrowed: strides [");
        }
        cnn_tensor_free(t);
        ck_assert_int_eq(calls, 1);
    }
}
END_TEST

START_TEST(what_must_be_contiguous_says_so)
{
    float memory[SIZE];
    cnn_module *m = cnn_relu_new(ctx);
    cnn_tensor *t = columns(memory);
    ck_assert_ptr_null(cnn_dataset_from_tensors(t, NULL));
    failed_with(CNN_ERROR_STATE, "dataset_from_tensors: images is not contiguous, expected a tensor that is");
    ck_assert_ptr_null(cnn_sgd_create_for(ctx, &t, 1, CNN_OPTIONS(cnn_sgd_options, .lr = 1)));
    failed_with(CNN_ERROR_STATE, "sgd_create_for: the tensor is not contiguous, expected one that is");
    ck_assert_ptr_null(cnn_module_add_buffer(m, "b", t));
    failed_with(CNN_ERROR_STATE, "module_add_buffer: the tensor is not contiguous, expected one that is");
    ck_assert_ptr_null(cnn_module_add_parameter(m, "p", columns(memory)));
    failed_with(CNN_ERROR_STATE, "module_add_parameter: the tensor is not contiguous, expected one that is");
    cnn_module_free(m);
}
END_TEST

/* ---- shared elements ---- */

START_TEST(shared_elements_are_one_and_live_as_long_as_either)
{
    cnn_module *m = cnn_linear_new(ctx, 2, 2);
    cnn_tensor *weight = cnn_module_find(m, "weight"), *shared = cnn_tensor_share(weight);
    ck_assert(shared && shared != weight && (on_device() || cnn_tensor_data(shared) == cnn_tensor_data(weight)));
    ck_assert(!cnn_tensor_requires_grad(shared) && cnn_tensor_grad(shared) == NULL);
    cnn_tensor_fill(shared, 3);
    ck_assert(*(const float *)host_elements(weight) == 3);
    cnn_tensor_fill(weight, 4);
    cnn_module_free(m);
    ck_assert(((const float *)host_elements(shared))[3] == 4);
    cnn_tensor *again = cnn_tensor_share(shared);
    cnn_tensor_free(shared);
    ck_assert(((const float *)host_elements(again))[3] == 4);
    cnn_tensor_free(again);
}
END_TEST

/* Backward recognises a write through either. */
START_TEST(a_write_through_one_is_seen_by_backward)
{
    cnn_tensor *x = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(2)), *shared = cnn_tensor_share(x);
    cnn_tensor_set_requires_grad(x, true);
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tensor *in = cnn_input(tape, x), *loss = cnn_sum(cnn_mul(in, in), CNN_ALL_DIMS, false);
    cnn_tensor_fill(shared, 2);
    ck_assert_int_eq(cnn_backward(loss), CNN_ERROR_STATE);
    cnn_tensor_free(x);
    cnn_tensor_free(shared);
}
END_TEST

START_TEST(the_deleter_of_borrowed_memory_waits_for_both)
{
    float memory[4] = { 0 };
    int calls = 0;
    cnn_tensor *t = cnn_tensor_from_borrowed(ctx, CNN_F32, CNN_SHAPE(4), NULL, memory, count_call, &calls);
    cnn_tensor *shared = cnn_tensor_share(t);
    cnn_tensor_free(t);
    ck_assert_int_eq(calls, 0);
    cnn_tensor_free(shared);
    ck_assert_int_eq(calls, 1);
}
END_TEST

START_TEST(an_optimizer_takes_one_of_two_that_share)
{
    cnn_module *m = cnn_linear_new(ctx, 2, 2);
    cnn_tensor *shared = cnn_tensor_share(cnn_module_find(m, "weight"));
    cnn_optimizer *adam = cnn_adam_new(m);
    ck_assert_int_eq(cnn_adam_add_group(adam, &shared, 1, NULL), CNN_ERROR_INVALID_ARGUMENT);
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "parameters[0], of shape [2,2], is in group 0 already");
    cnn_optimizer_free(adam);
    cnn_tensor_free(shared);
    cnn_module_free(m);
}
END_TEST

START_TEST(what_cannot_be_shared_is_refused)
{
    cnn_tensor *x = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(2));
    cnn_tape_begin(tape, CNN_EVAL);
    ck_assert_ptr_null(cnn_tensor_share(cnn_relu(cnn_input(tape, x))));
    failed_with(CNN_ERROR_STATE, "tensor_share: the tensor belongs to a tape, whose next step takes its elements");
    ck_assert_ptr_null(cnn_tensor_share(NULL));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "tensor_share: the tensor is NULL");
    cnn_tensor_free(x);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("shared tensors");
    TCase *borrowed = suite_case(suite, "strides", setup, teardown);
    if (!on_device()) { /* which cannot borrow the host's memory */
        tcase_add_test(borrowed, elements_are_read_and_written_by_the_strides);
        tcase_add_test(borrowed, every_dtype_is_filled_by_the_strides);
        tcase_add_test(borrowed, operations_and_gradients_see_the_strides);
        tcase_add_test(borrowed, gradients_are_checked_by_the_strides);
        tcase_add_test(borrowed, strides_that_overlap_are_refused);
        tcase_add_test(borrowed, what_must_be_contiguous_says_so);
    }
    TCase *shared = suite_case(suite, "shared", setup, teardown);
    tcase_add_test(shared, shared_elements_are_one_and_live_as_long_as_either);
    tcase_add_test(shared, a_write_through_one_is_seen_by_backward);
    if (!on_device()) {
        tcase_add_test(shared, the_deleter_of_borrowed_memory_waits_for_both);
    }
    tcase_add_test(shared, an_optimizer_takes_one_of_two_that_share);
    tcase_add_test(shared, what_cannot_be_shared_is_refused);
    return suite_run(suite);
}
