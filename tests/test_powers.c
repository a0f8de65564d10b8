/* cnn_pow_scalar() for the exponents that need no pow(): exact values, the gradient, and the cost. */
#include "support/autograd.h"
#include "support/elements.h"

#include <time.h>

enum { COUNT = 4096 };

/* Bit patterns of all magnitudes, and the values that are special. */
static cnn_tensor *bases(void)
{
    static const float special[] = { 0, -0.0f, 1, -1, INFINITY, -INFINITY, NAN, 1e-45f, -1e-45f, 3e38f, -3e38f };
    float x[COUNT];
    uint32_t bits = 1;
    for (int i = 0; i < COUNT; i++) {
        bits = bits * 1664525u + 1013904223u;
        memcpy(&x[i], &bits, sizeof bits);
    }
    memcpy(x, special, sizeof special);
    return cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(COUNT), x);
}

START_TEST(whole_powers_are_rounded_once)
{
    static const double exponents[] = { 0, 1, 2, 3, -1 };
    cnn_tensor *x = bases();
    const float *from = host_elements(x);
    for (size_t k = 0; k < sizeof exponents / sizeof exponents[0]; k++) {
        cnn_tape_begin(tape, CNN_EVAL);
        const float *y = host_elements(cnn_pow_scalar(cnn_input(tape, x), exponents[k]));
        for (int i = 0; i < COUNT; i++) {
            float expected = (float)powl(from[i], exponents[k]);
            ck_assert_msg(y[i] == expected || (isnan(y[i]) && isnan(expected)), "%.9g to the %g is %.9g, expected %.9g", from[i],
                          exponents[k], y[i], expected);
        }
    }
    cnn_tensor_free(x);
}
END_TEST

START_TEST(gradients_of_whole_powers)
{
    static const struct {
        double exponent, gradients[3]; /* at 1, 2, 3 */
    } rows[] = { { 0, { 0, 0, 0 } }, { 1, { 1, 1, 1 } }, { 2, { 2, 4, 6 } }, { 3, { 3, 12, 27 } },
                 { -1, { -1, -1. / 4, -1. / 9 } }, { 0.5, { 0.5, 0.353553390593273762, 0.288675134594812882 } } };
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        cnn_tape_begin(tape, CNN_TRAIN);
        cnn_tensor_zero_grad(leaf);
        ck_assert_int_eq(cnn_backward(all(cnn_pow_scalar(cnn_input(tape, leaf), rows[k].exponent))), CNN_OK);
        elements_are(cnn_tensor_grad(leaf), 3, rows[k].gradients);
    }
}
END_TEST

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* A step of `y = x²` or `y = x·x`, forward and back. */
static double step_time(cnn_tensor *x, bool power)
{
    double start = seconds();
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tensor *in = cnn_input(tape, x);
    ck_assert_int_eq(cnn_backward_with(power ? cnn_pow_scalar(in, 2) : cnn_mul(in, in), NULL, false), CNN_OK);
    return seconds() - start;
}

/* Once it took a hundred times as long. */
START_TEST(a_square_costs_about_what_a_product_costs)
{
    cnn_tensor *x = cnn_tensor_rand(ctx, CNN_F32, CNN_SHAPE(1 << 18));
    cnn_tensor_set_requires_grad(x, true);
    double least[2] = { INFINITY, INFINITY };
    for (int i = 0; i < 40; i++) {
        least[i % 2] = fmin(least[i % 2], step_time(x, i % 2));
    }
    ck_assert_msg(least[1] < 8 * least[0], "x to the 2 takes %g s, x times x %g s", least[1], least[0]);
    cnn_tensor_free(x);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("powers");
    TCase *powers = suite_case(suite, "powers", setup, teardown);
    tcase_add_test(powers, whole_powers_are_rounded_once);
    tcase_add_test(powers, gradients_of_whole_powers);
    tcase_add_test(powers, a_square_costs_about_what_a_product_costs);
    return suite_run(suite);
}
