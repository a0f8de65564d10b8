/* Sums of 10⁸ terms of one sign keep a relative error of 1e-4 on every kernel table (support/long_sums.h). Operands
 * take up to 1 GB. With CNN_TEST_SHAPES below 10, which says that the program runs under a slow instrument, there
 * are 10⁶ terms. */
#include "support/long_sums.h"
#include "support/suite.h"

static int64_t side, n; /* the number of terms, and its square root */

static void products(const cnn__kernels *k)
{
    for (int trans = 0; trans < 4; trans++) {
        check_product(k, trans & 1, trans & 2, 1, 1, n);
        check_product(k, trans & 1, trans & 2, 2, 2, n);
    }
    check_rows(k, n, 1);
}

static void convolutions(const cnn__kernels *k)
{
    check_conv(
        k, FORWARD,
        (cnn__conv){
            .batch = 1, .in_channels = n, .in_h = 1, .in_w = 1, .out_channels = 2, .kernel_h = 1, .kernel_w = 1 },
        0);
    check_conv(
        k, FORWARD,
        (cnn__conv){
            .batch = 1, .in_channels = n / 9, .in_h = 3, .in_w = 3, .out_channels = 1, .kernel_h = 3, .kernel_w = 3 },
        0);
    check_conv(
        k, DATA,
        (cnn__conv){
            .batch = 1, .in_channels = 2, .in_h = 1, .in_w = 1, .out_channels = n, .kernel_h = 1, .kernel_w = 1 },
        0);
    check_conv(
        k, DATA,
        (cnn__conv){
            .batch = 1, .in_channels = 2, .in_h = 3, .in_w = 3, .out_channels = n / 9, .kernel_h = 3, .kernel_w = 3 },
        1);
    check_conv(
        k, WEIGHT,
        (cnn__conv){
            .batch = 1, .in_channels = 1, .in_h = side, .in_w = side, .out_channels = 2, .kernel_h = 1, .kernel_w = 1 },
        0);
    check_conv(k, WEIGHT,
               (cnn__conv){ .batch = n / 100,
                            .in_channels = 1,
                            .in_h = 10,
                            .in_w = 10,
                            .out_channels = 2,
                            .kernel_h = 3,
                            .kernel_w = 3 },
               1);
    check_conv(
        k, WEIGHT,
        (cnn__conv){
            .batch = 1, .in_channels = 1, .in_h = side, .in_w = side, .out_channels = 2, .kernel_h = 9, .kernel_w = 9 },
        4);
    check_conv(
        k, WEIGHT,
        (cnn__conv){
            .batch = 1, .in_channels = 1, .in_h = side, .in_w = side, .out_channels = 1, .kernel_h = 3, .kernel_w = 3 },
        1);
    check_conv(k, WEIGHT,
               (cnn__conv){ .batch = n / 100,
                            .in_channels = 1,
                            .in_h = 10,
                            .in_w = 10,
                            .out_channels = 1,
                            .kernel_h = 5,
                            .kernel_w = 5 },
               2);
    check_conv_relu_pool(k, WEIGHT,
                   (cnn__conv){ .batch = n / 25,
                                .in_channels = 1,
                                .in_h = 11,
                                .in_w = 11,
                                .out_channels = 1,
                                .kernel_h = 2,
                                .kernel_w = 2 });
}

START_TEST(sums_of_very_many_terms)
{
    side = shapes_wanted(10) < 10 ? 1000 : 10000;
    n = side * side;
    const cnn__kernels *tables[8];
    int count = tables_wanted(tables);
    for (int i = 1; i < count; i++) {
        products(tables[i]);
        convolutions(tables[i]);
    }
    printf("long sums: %lld terms on %d tables, errors of at most 1e-4\n", (long long)n, count - 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("long sums");
    TCase *tests = suite_case(suite, "very many terms", pools_make, long_sums_end);
    tcase_set_timeout(tests, 3600);
    tcase_add_test(tests, sums_of_very_many_terms);
    return suite_run(suite);
}
