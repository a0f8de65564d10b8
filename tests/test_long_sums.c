/* Sums of 10⁴ to 10⁷ terms of one sign keep a relative error of 1e-4, whichever kernel computes them
 * (support/long_sums.h); sums of 10⁸ terms are in tests/trust. Shapes are chosen so that every algorithm of the
 * kernels is used. */
#include "support/long_sums.h"
#include "support/suite.h"

#include <cnn/ops.h>

static const int64_t lengths[] = { 10000, 100000, 1000000 };
enum { LENGTHS = sizeof lengths / sizeof *lengths, FEW = 10 };

/* A slow instrument, which asks for few shapes, sees sums a tenth as long at most. */
static bool slow(void)
{
    return shapes_wanted(FEW) < FEW;
}

static int lengths_wanted(void)
{
    return slow() ? LENGTHS - 1 : LENGTHS;
}

static int64_t longest(void)
{
    return slow() ? 1000000 : 10000000;
}

/* The reference goes first, in tables[0], where its plain loops are not too slow. */
#define FOR_ALL_TABLES(k, reference_too) \
    const cnn__kernels *tables_[8]; \
    int table_count_ = tables_wanted(tables_); \
    for (int k##_i = !(reference_too); k##_i < table_count_; k##_i++) \
        for (const cnn__kernels *k = tables_[k##_i]; k; k = NULL)

START_TEST(products)
{
    int64_t n = lengths[_i];
    FOR_ALL_TABLES(k, n <= 100000)
    {
        for (int trans = 0; trans < 4; trans++) {
            check_product(k, trans & 1, trans & 2, 1, 1, n);
            check_product(k, trans & 1, trans & 2, 3, 5, n);
            check_product(k, trans & 1, trans & 2, 5, 1, n);
            check_product(k, trans & 1, trans & 2, 9, 33, n);
        }
        check_rows(k, n, 3);
    }
}
END_TEST

START_TEST(dots_of_ten_million)
{
    FOR_ALL_TABLES(k, true)
    {
        for (int trans = 0; trans < 4; trans++) {
            check_product(k, trans & 1, trans & 2, 1, 1, longest());
        }
        check_rows(k, longest(), 1);
    }
}
END_TEST

/* Sums over input channels and taps. */
START_TEST(outputs)
{
    int64_t n = lengths[_i];
    FOR_ALL_TABLES(k, n <= 100000)
    {
        check_conv(
            k, FORWARD,
            (cnn__conv){
                .batch = 2, .in_channels = n, .in_h = 2, .in_w = 3, .out_channels = 2, .kernel_h = 1, .kernel_w = 1 },
            0);
        check_conv(k, FORWARD,
                   (cnn__conv){ .batch = 1,
                                .in_channels = n,
                                .in_h = 3,
                                .in_w = 3,
                                .out_channels = 2,
                                .kernel_h = 1,
                                .kernel_w = 1,
                                .stride_h = 2 },
                   0);
        check_conv(k, FORWARD,
                   (cnn__conv){ .batch = 1,
                                .in_channels = n / 9,
                                .in_h = 5,
                                .in_w = 4,
                                .out_channels = 3,
                                .kernel_h = 3,
                                .kernel_w = 3 },
                   1);
        check_conv(k, FORWARD,
                   (cnn__conv){ .batch = 2,
                                .in_channels = 2 * (n / 9),
                                .in_h = 4,
                                .in_w = 4,
                                .out_channels = 2,
                                .kernel_h = 3,
                                .kernel_w = 3,
                                .groups = 2 },
                   1);
        check_conv(k, FORWARD,
                   (cnn__conv){ .batch = 1,
                                .in_channels = 2 * (n / 9),
                                .in_h = 4,
                                .in_w = 4,
                                .out_channels = 2,
                                .kernel_h = 3,
                                .kernel_w = 3,
                                .groups = 2,
                                .stride_h = 2 },
                   1);
    }
}
END_TEST

/* The same where positions are many, so that units are lines of an image, and where kernels are large. */
START_TEST(outputs_of_large_images)
{
    FOR_ALL_TABLES(k, false)
    {
        check_conv(k, FORWARD,
                   (cnn__conv){ .batch = 1,
                                .in_channels = 1500,
                                .in_h = 34,
                                .in_w = 34,
                                .out_channels = 2,
                                .kernel_h = 3,
                                .kernel_w = 3 },
                   0);
        check_conv(k, FORWARD | DATA,
                   (cnn__conv){ .batch = 1,
                                .in_channels = 4000,
                                .in_h = 32,
                                .in_w = 33,
                                .out_channels = 2,
                                .kernel_h = 1,
                                .kernel_w = 1 },
                   0);
        check_conv(k, FORWARD,
                   (cnn__conv){ .batch = 1,
                                .in_channels = 2500,
                                .in_h = 6,
                                .in_w = 6,
                                .out_channels = 16,
                                .kernel_h = 3,
                                .kernel_w = 3 },
                   0);
        check_conv(k, ALL_PASSES,
                   (cnn__conv){ .batch = 1,
                                .in_channels = 1,
                                .in_h = 102,
                                .in_w = 101,
                                .out_channels = 1,
                                .kernel_h = 100,
                                .kernel_w = 100 },
                   0);
        check_conv(k, ALL_PASSES,
                   (cnn__conv){ .batch = 1,
                                .in_channels = 2,
                                .in_h = 103,
                                .in_w = 103,
                                .out_channels = 2,
                                .kernel_h = 100,
                                .kernel_w = 100,
                                .groups = 2 },
                   2);
        check_conv(k, ALL_PASSES,
                   (cnn__conv){ .batch = 1,
                                .in_channels = 2,
                                .in_h = 130,
                                .in_w = 131,
                                .out_channels = 2,
                                .kernel_h = 129,
                                .kernel_w = 128,
                                .stride_h = 2 },
                   60);
        check_conv(k, FORWARD | DATA,
                   (cnn__conv){ .batch = 1,
                                .in_channels = 1,
                                .in_h = 1,
                                .in_w = 20003,
                                .out_channels = 2,
                                .kernel_h = 1,
                                .kernel_w = 20000 },
                   0);
        check_conv_relu_pool(k, FORWARD,
                       (cnn__conv){ .batch = 1,
                                    .in_channels = 4000,
                                    .in_h = 6,
                                    .in_w = 7,
                                    .out_channels = 3,
                                    .kernel_h = 3,
                                    .kernel_w = 3 });
    }
}
END_TEST

/* Sums over output channels and taps. */
START_TEST(gradients_of_the_data)
{
    int64_t n = lengths[_i];
    FOR_ALL_TABLES(k, n <= 100000)
    {
        check_conv(
            k, DATA,
            (cnn__conv){
                .batch = 2, .in_channels = 2, .in_h = 2, .in_w = 3, .out_channels = n, .kernel_h = 1, .kernel_w = 1 },
            0);
        check_conv(k, DATA,
                   (cnn__conv){ .batch = 1,
                                .in_channels = 2,
                                .in_h = 3,
                                .in_w = 3,
                                .out_channels = n,
                                .kernel_h = 1,
                                .kernel_w = 1,
                                .stride_h = 2 },
                   0);
        check_conv(k, DATA,
                   (cnn__conv){ .batch = 1,
                                .in_channels = 3,
                                .in_h = 5,
                                .in_w = 4,
                                .out_channels = n / 9,
                                .kernel_h = 3,
                                .kernel_w = 3 },
                   1);
        check_conv(k, DATA,
                   (cnn__conv){ .batch = 1,
                                .in_channels = 3,
                                .in_h = 5,
                                .in_w = 4,
                                .out_channels = n / 4,
                                .kernel_h = 3,
                                .kernel_w = 3,
                                .stride_h = 2 },
                   1);
        check_conv(k, DATA,
                   (cnn__conv){ .batch = 2,
                                .in_channels = 2,
                                .in_h = 4,
                                .in_w = 4,
                                .out_channels = 2 * (n / 9),
                                .kernel_h = 3,
                                .kernel_w = 3,
                                .groups = 2 },
                   1);
    }
}
END_TEST

/* Sums over images and positions, in many small images. */
START_TEST(gradients_of_the_weights)
{
    int64_t n = lengths[_i];
    FOR_ALL_TABLES(k, n <= 100000)
    {
        check_conv(k, WEIGHT,
                   (cnn__conv){ .batch = n / 16,
                                .in_channels = 2,
                                .in_h = 4,
                                .in_w = 4,
                                .out_channels = 3,
                                .kernel_h = 1,
                                .kernel_w = 1 },
                   0);
        check_conv(k, WEIGHT,
                   (cnn__conv){ .batch = n / 4,
                                .in_channels = 2,
                                .in_h = 3,
                                .in_w = 3,
                                .out_channels = 3,
                                .kernel_h = 1,
                                .kernel_w = 1,
                                .stride_h = 2 },
                   0);
        check_conv(k, WEIGHT,
                   (cnn__conv){ .batch = n / 64,
                                .in_channels = 1,
                                .in_h = 8,
                                .in_w = 8,
                                .out_channels = 4,
                                .kernel_h = 3,
                                .kernel_w = 3 },
                   1);
        check_conv(k, WEIGHT,
                   (cnn__conv){ .batch = n / 49,
                                .in_channels = 5,
                                .in_h = 7,
                                .in_w = 7,
                                .out_channels = 3,
                                .kernel_h = 3,
                                .kernel_w = 3 },
                   1);
        check_conv(k, WEIGHT,
                   (cnn__conv){ .batch = n / 16,
                                .in_channels = 5,
                                .in_h = 8,
                                .in_w = 8,
                                .out_channels = 2,
                                .kernel_h = 3,
                                .kernel_w = 3,
                                .stride_h = 2 },
                   1);
        check_conv(k, WEIGHT,
                   (cnn__conv){ .batch = n / 49,
                                .in_channels = 3,
                                .in_h = 7,
                                .in_w = 7,
                                .out_channels = 3,
                                .kernel_h = 3,
                                .kernel_w = 3,
                                .groups = 3 },
                   1);
        check_conv(k, WEIGHT,
                   (cnn__conv){ .batch = n / 16,
                                .in_channels = 3,
                                .in_h = 8,
                                .in_w = 8,
                                .out_channels = 3,
                                .kernel_h = 3,
                                .kernel_w = 3,
                                .groups = 3,
                                .stride_h = 2 },
                   1);
        check_conv(k, WEIGHT,
                   (cnn__conv){ .batch = n / 36,
                                .in_channels = 3,
                                .in_h = 6,
                                .in_w = 6,
                                .out_channels = 3,
                                .kernel_h = 5,
                                .kernel_w = 5,
                                .groups = 3 },
                   2);
        check_conv_relu_pool(k, WEIGHT,
                       (cnn__conv){ .batch = n / 4,
                                    .in_channels = 1,
                                    .in_h = 6,
                                    .in_w = 6,
                                    .out_channels = 2,
                                    .kernel_h = 3,
                                    .kernel_w = 3 });
        check_conv_relu_pool(k, WEIGHT,
                       (cnn__conv){ .batch = n / 4,
                                    .in_channels = 9,
                                    .in_h = 5,
                                    .in_w = 5,
                                    .out_channels = 2,
                                    .kernel_h = 2,
                                    .kernel_w = 2 });
    }
}
END_TEST

/* The sums are as long in one large image as in many small ones. */
START_TEST(gradients_of_the_weights_in_large_images)
{
    FOR_ALL_TABLES(k, false)
    {
        for (int64_t side = 300; side <= 1000; side += 700) {
            check_conv(k, WEIGHT,
                       (cnn__conv){ .batch = 1,
                                    .in_channels = 2,
                                    .in_h = side,
                                    .in_w = side,
                                    .out_channels = 2,
                                    .kernel_h = 1,
                                    .kernel_w = 1 },
                       0);
            check_conv(k, WEIGHT,
                       (cnn__conv){ .batch = 1,
                                    .in_channels = 1,
                                    .in_h = side,
                                    .in_w = side,
                                    .out_channels = 2,
                                    .kernel_h = 3,
                                    .kernel_w = 3 },
                       1);
            check_conv(k, WEIGHT,
                       (cnn__conv){ .batch = 1,
                                    .in_channels = 5,
                                    .in_h = side,
                                    .in_w = side,
                                    .out_channels = 2,
                                    .kernel_h = 3,
                                    .kernel_w = 3 },
                       1);
            check_conv(k, WEIGHT,
                       (cnn__conv){ .batch = 1,
                                    .in_channels = 2,
                                    .in_h = side,
                                    .in_w = side,
                                    .out_channels = 2,
                                    .kernel_h = 3,
                                    .kernel_w = 3,
                                    .groups = 2 },
                       1);
            check_conv(k, WEIGHT,
                       (cnn__conv){ .batch = 1,
                                    .in_channels = 2,
                                    .in_h = side,
                                    .in_w = side,
                                    .out_channels = 2,
                                    .kernel_h = 5,
                                    .kernel_w = 5,
                                    .groups = 2 },
                       2);
            check_conv_relu_pool(k, WEIGHT,
                           (cnn__conv){ .batch = 1,
                                        .in_channels = 1,
                                        .in_h = 2 * side,
                                        .in_w = side,
                                        .out_channels = 2,
                                        .kernel_h = 3,
                                        .kernel_w = 3 });
        }
        check_conv(k, WEIGHT,
                   (cnn__conv){ .batch = 1,
                                .in_channels = 16,
                                .in_h = 400,
                                .in_w = 400,
                                .out_channels = 16,
                                .kernel_h = 3,
                                .kernel_w = 3 },
                   1);
        check_conv(k, WEIGHT,
                   (cnn__conv){ .batch = 1,
                                .in_channels = 1,
                                .in_h = 8000,
                                .in_w = 20,
                                .out_channels = 1,
                                .kernel_h = 3,
                                .kernel_w = 3 },
                   1);
        check_conv(k, WEIGHT,
                   (cnn__conv){ .batch = 1,
                                .in_channels = 1,
                                .in_h = 2,
                                .in_w = 60000,
                                .out_channels = 2,
                                .kernel_h = 3,
                                .kernel_w = 3 },
                   1);
    }
}
END_TEST

/* Sums and means over elements, and a broadcast operand's gradient. */
START_TEST(elements)
{
    const int64_t n = longest();
    FOR_ALL_TABLES(k, true)
    {
        cnn_context *ctx = cnn_context_new(.threads = 1, .kernels = k->name);
        cnn_tape *tape = cnn_tape_new(ctx);
        cnn_tensor *x = cnn_tensor_full(ctx, CNN_F32, (double)TERM, 1, &n),
                   *one = cnn_tensor_full(ctx, CNN_F32, 1, CNN_SHAPE(1));
        cnn_tensor_set_requires_grad(one, true);
        cnn_tape_begin(tape, CNN_TRAIN);
        expect_sum(k, "sum", "", cnn_tensor_item(cnn_sum(cnn_input(tape, x), CNN_ALL_DIMS, false)),
                   (double)TERM * (double)n);
        expect_sum(k, "mean", "", cnn_tensor_item(cnn_mean(cnn_input(tape, x), CNN_ALL_DIMS, false)), (double)TERM);
        ck_assert_int_eq(cnn_backward_with(cnn_add(cnn_input(tape, x), one), x, false), CNN_OK);
        expect_sum(k, "broadcast gradient", "", cnn_tensor_item(cnn_tensor_grad(one)), (double)TERM * (double)n);
        cnn_tensor_free(x);
        cnn_tensor_free(one);
        cnn_tape_free(tape);
        cnn_context_free(ctx);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("long sums");
    TCase *tests = suite_case(suite, "sums", pools_make, long_sums_end);
    tcase_add_loop_test(tests, products, 0, lengths_wanted());
    tcase_add_test(tests, dots_of_ten_million);
    tcase_add_loop_test(tests, outputs, 0, lengths_wanted());
    tcase_add_test(tests, outputs_of_large_images);
    tcase_add_loop_test(tests, gradients_of_the_data, 0, lengths_wanted());
    tcase_add_loop_test(tests, gradients_of_the_weights, 0, lengths_wanted());
    tcase_add_test(tests, gradients_of_the_weights_in_large_images);
    tcase_add_test(tests, elements);
    return suite_run(suite);
}
