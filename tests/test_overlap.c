/* Reads, writes and copies between operands that share memory give the same results as if they did not. */
#include "support/elements.h"
#include "support/suite.h"

#include <cnn/cnn.h>

#include <string.h>

enum { COUNT = 2000, WIDE = 4 * COUNT };

static cnn_context *ctx;
static cnn_tape *tape;

static void setup(void)
{
    ctx = cnn_context_new(.threads = 3);
    tape = cnn_tape_new(ctx);
    ck_assert_ptr_nonnull(tape);
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_EVAL), CNN_OK);
}

static void teardown(void)
{
    cnn_tape_free(tape);
    cnn_context_free(ctx);
}

static cnn_tensor *over(cnn_dtype dtype, void *data, int64_t count)
{
    cnn_tensor *t = cnn_tensor_from_borrowed(ctx, dtype, 1, &count, NULL, data, NULL, NULL);
    ck_assert_ptr_nonnull(t);
    return t;
}

/* Two stretches of one buffer, the target so many elements further on or back. */
START_TEST(shifted_tensors)
{
    static float buffer[WIDE], before[WIDE];
    const int shifts[] = { 1, -1, 7, -7, 16, -16, 500, -500, COUNT, -COUNT };
    for (size_t s = 0; s < sizeof shifts / sizeof *shifts; s++) {
        for (int i = 0; i < WIDE; i++) {
            before[i] = buffer[i] = (float)i;
        }
        float *from = buffer + COUNT + 100, *to = from + shifts[s];
        cnn_tensor *source = over(CNN_F32, from, COUNT), *target = over(CNN_F32, to, COUNT);
        ck_assert_int_eq(cnn_tensor_copy_from(target, source), CNN_OK);
        for (int i = 0; i < WIDE; i++) {
            int64_t at = i - (to - buffer);
            ck_assert(buffer[i] == (at >= 0 && at < COUNT ? before[from - buffer + at] : before[i]));
        }
        cnn_tensor_free(source);
        cnn_tensor_free(target);
    }
}
END_TEST

/* The same memory as two dtypes. */
START_TEST(conversions_in_place)
{
    static double buffer[COUNT];
    float *narrow = (float *)(void *)buffer;
    int32_t *whole = (int32_t *)(void *)buffer;
    for (int i = 0; i < COUNT; i++) {
        narrow[i] = (float)i + 0.5f;
    }
    cnn_tensor *f32 = over(CNN_F32, buffer, COUNT), *f64 = over(CNN_F64, buffer, COUNT),
               *i32 = over(CNN_I32, buffer, COUNT);
    ck_assert_int_eq(cnn_tensor_copy_from(f64, f32), CNN_OK);
    for (int i = 0; i < COUNT; i++) {
        ck_assert(buffer[i] == i + 0.5);
    }
    ck_assert_int_eq(cnn_tensor_copy_from(i32, f64), CNN_OK);
    for (int i = 0; i < COUNT; i++) {
        ck_assert_int_eq(whole[i], i);
    }
    cnn_tensor_free(f32);
    cnn_tensor_free(f64);
    cnn_tensor_free(i32);
}
END_TEST

/* A tensor and its own views, large enough to be shared out among threads. */
START_TEST(own_views)
{
    enum { SIDE = 150 };
    cnn_tensor *t = cnn_tensor_empty(ctx, CNN_F32, CNN_SHAPE(SIDE, SIDE));
    float numbers[SIDE * SIDE];
    for (int i = 0; i < SIDE * SIDE; i++) {
        numbers[i] = (float)i;
    }
    set_elements(t, numbers);
    ck_assert_int_eq(cnn_tensor_copy_from(t, t), CNN_OK);
    ck_assert_int_eq(cnn_tensor_copy_from(t, cnn_transpose(cnn_input(tape, t), 0, 1)), CNN_OK);
    const float *at = host_elements(t);
    for (int i = 0; i < SIDE * SIDE; i++) {
        ck_assert(at[i] == (float)(i % SIDE * SIDE + i / SIDE));
    }
    ck_assert_int_eq(cnn_tensor_copy_from(t, cnn_slice(cnn_input(tape, t), 0, 1, 2, 1)), CNN_OK);
    at = host_elements(t);
    for (int i = 0; i < SIDE * SIDE; i++) {
        ck_assert(at[i] == (float)(i % SIDE * SIDE + 1));
    }
    cnn_tensor_free(t);
}
END_TEST

START_TEST(writes_from_inside)
{
    float buffer[8] = { 0, 1, 2, 3, 4, 5, 6, 7 };
    cnn_tensor *t = over(CNN_F32, buffer + 1, 6);
    ck_assert_int_eq(cnn_tensor_write(t, buffer, 6 * sizeof *buffer), CNN_OK);
    ck_assert_mem_eq(buffer, ((float[]){ 0, 0, 1, 2, 3, 4, 5, 7 }), sizeof buffer);
    ck_assert_int_eq(cnn_tensor_write(t, buffer + 2, 6 * sizeof *buffer), CNN_OK);
    ck_assert_mem_eq(buffer, ((float[]){ 0, 1, 2, 3, 4, 5, 7, 7 }), sizeof buffer);
    cnn_tensor_free(t);
}
END_TEST

START_TEST(reads_into_itself)
{
    float buffer[7] = { 0, 1, 2, 3, 4, 5, 6 };
    cnn_tensor *t = cnn_tensor_from_borrowed(ctx, CNN_F32, CNN_SHAPE(2, 3), NULL, buffer, NULL, NULL);
    ck_assert_int_eq(cnn_tensor_read(t, buffer + 1, 6 * sizeof *buffer), CNN_OK);
    ck_assert_mem_eq(buffer, ((float[]){ 0, 0, 1, 2, 3, 4, 5 }), sizeof buffer);
    ck_assert_int_eq(cnn_tensor_read(cnn_transpose(cnn_input(tape, t), 0, 1), buffer, 6 * sizeof *buffer), CNN_OK);
    ck_assert_mem_eq(buffer, ((float[]){ 0, 2, 0, 3, 1, 4, 5 }), sizeof buffer);
    cnn_tensor_free(t);
}
END_TEST

/* The gradient that backward starts from may be the result, the leaf or the leaf's own gradient. */
START_TEST(seeds_that_are_operands)
{
    const float numbers[3] = { -1, 2, 3 };
    cnn_tensor *x = cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(3), numbers);
    cnn_tensor_set_requires_grad(x, true);
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tensor *y = cnn_relu(cnn_mul(cnn_input(tape, x), x));
    ck_assert_int_eq(cnn_backward_with(y, y, true), CNN_OK); /* y·2x */
    ck_assert_mem_eq(host_elements(cnn_tensor_grad(x)), ((float[]){ -2, 16, 54 }), sizeof numbers);
    ck_assert_int_eq(cnn_backward_with(y, x, true), CNN_OK); /* adds x·2x */
    ck_assert_mem_eq(host_elements(cnn_tensor_grad(x)), ((float[]){ 0, 24, 72 }), sizeof numbers);
    ck_assert_int_eq(cnn_backward_with(y, cnn_tensor_grad(x), false), CNN_OK); /* adds the gradient's 2x */
    ck_assert_mem_eq(host_elements(cnn_tensor_grad(x)), ((float[]){ 0, 120, 504 }), sizeof numbers);
    ck_assert_mem_eq(host_elements(x), numbers, sizeof numbers);
    cnn_tensor_free(x);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("overlap");
    TCase *tests = suite_case(suite, "overlap", setup, teardown);
    if (!on_device()) { /* which cannot borrow the host's memory */
        tcase_add_test(tests, shifted_tensors);
        tcase_add_test(tests, conversions_in_place);
        tcase_add_test(tests, writes_from_inside);
        tcase_add_test(tests, reads_into_itself);
    }
    tcase_add_test(tests, own_views);
    tcase_add_test(tests, seeds_that_are_operands);
    return suite_run(suite);
}
