/* Compares the functions of blocks (kernels/array/blocks.h) with libm in long double, and with its f64 functions where
 * arguments are special. */
#include "base/random.h"
#include "kernels/array/blocks.h"

#include <check.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef long double real;

static const uint64_t key[2] = { 7, 8 };

/* The distance in units in the last place of the expected f64; small results have those of subnormals. */
static double ulps(double given, real expected)
{
    if (isinf(given) || isinf((double)expected) || isnan(given)) {
        return given == (double)expected || (isnan(given) && isnan((double)expected)) ? 0 : INFINITY;
    }
    int exponent;
    frexp((double)expected, &exponent);
    exponent = exponent < -1021 ? -1021 : exponent;
    return (double)(fabsl(given - expected) / ldexpl(1, exponent - DBL_MANT_DIG));
}

static double block_of(cnn__block_fn fn, double x, const double *p)
{
    double block[CNN__BLOCK] = { 0 };
    block[3] = x;
    fn(block, p);
    return block[3];
}

static real sigmoid(real x) { return 1 / (1 + expl(-x)); }
static real silu(real x) { return x * sigmoid(x); }
static real mish(real x) { return x * tanhl(log1pl(expl(x))); }
static real softplus(real x) { return x > 0 ? x + log1pl(expl(-x)) : log1pl(expl(x)); }
static real logsigmoid(real x) { return -softplus(-x); }
static real sigmoid_of_negative(real x) { return sigmoid(-x); }
static real erf_slope(real x) { return 1.12837916709551257389615890312154517L * expl(-x * x); }
static real elu(real x) { return x > 0 ? x : 2 * expm1l(x / 2); }
static real selu(real x)
{
    return 1.0507009873554804934193349852946L * (x > 0 ? x : 1.6732632423543772848170429916717L * expm1l(x));
}

typedef struct function {
    const char *name;
    cnn__block_fn fn;
    real (*exact)(real);
    double low, high; /* of the arguments */
    double most;      /* units that it may be off by, as the headers say */
    double p[2];
} function;

#define NO_P { 0, 0 }
static const function functions[] = {
    { "erf", cnn__erf_block, erfl, -6, 6, 3, NO_P },
    { "erf near 0", cnn__erf_block, erfl, -0.1, 0.1, 3, NO_P },
    { "slope of erf", cnn__erf_slope_block, erf_slope, -26, 26, 3, NO_P },
    { "sin", cnn__sin_block, sinl, -4, 4, 3, NO_P },
    { "sin of more", cnn__sin_block, sinl, -8e5, 8e5, 3, NO_P },
    { "sin at the border", cnn__sin_block, sinl, 8.2e5, 8.3e5, 3, NO_P },
    { "sin of large ones", cnn__sin_block, sinl, -1e15, 1e15, 3, NO_P },
    { "cos", cnn__cos_block, cosl, -4, 4, 3, NO_P },
    { "cos of more", cnn__cos_block, cosl, -8e5, 8e5, 3, NO_P },
    { "cos of large ones", cnn__cos_block, cosl, -1e15, 1e15, 3, NO_P },
    { "tan", cnn__tan_block, tanl, -4, 4, 5, NO_P },
    { "tan of more", cnn__tan_block, tanl, -8e5, 8e5, 5, NO_P },
    { "tan of large ones", cnn__tan_block, tanl, -1e12, 1e12, 5, NO_P },
    { "asin", cnn__asin_block, asinl, -1, 1, 3, NO_P },
    { "asin near 0", cnn__asin_block, asinl, -1e-3, 1e-3, 3, NO_P },
    { "acos", cnn__acos_block, acosl, -1, 1, 3, NO_P },
    { "acos near 1", cnn__acos_block, acosl, 0.99, 1, 3, NO_P },
    { "atan", cnn__atan_block, atanl, -1, 1, 3, NO_P },
    { "atan of more", cnn__atan_block, atanl, -1e4, 1e4, 3, NO_P },
    { "log2", cnn__log2_block, log2l, 0, 1e9, 3, NO_P },
    { "log2 near 1", cnn__log2_block, log2l, 0.5, 2, 3, NO_P },
    { "log2 of small ones", cnn__log2_block, log2l, 0, 1e-307, 3, NO_P },
    { "log10", cnn__log10_block, log10l, 0, 1e9, 3, NO_P },
    { "log10 near 1", cnn__log10_block, log10l, 0.5, 2, 3, NO_P },
    { "log1p", cnn__log1p_block, log1pl, -1, 1, 3, NO_P },
    { "log1p near 0", cnn__log1p_block, log1pl, -1e-3, 1e-3, 3, NO_P },
    { "log1p of large ones", cnn__log1p_block, log1pl, 0, 1e17, 3, NO_P },
    { "exp2", cnn__exp2_block, exp2l, -1074, 1024, 3, NO_P },
    { "exp2 near 0", cnn__exp2_block, exp2l, -1, 1, 3, NO_P },
    { "expm1", cnn__expm1_block, expm1l, -70, 709.7, 3, NO_P },
    { "expm1 near 0", cnn__expm1_block, expm1l, -1, 1, 3, NO_P },
    { "elu", cnn__elu_block, elu, -50, 50, 5, { 2, 0.5 } },
    { "selu", cnn__selu_block, selu, -50, 50, 5, NO_P },
    { "silu", cnn__silu_block, silu, -700, 700, 5, NO_P },
    { "silu near 0", cnn__silu_block, silu, -5, 5, 5, NO_P },
    { "mish", cnn__mish_block, mish, -700, 700, 5, NO_P },
    { "mish near 0", cnn__mish_block, mish, -5, 5, 5, NO_P },
    { "softplus", cnn__softplus_block, softplus, -700, 700, 5, { 1, 1e9 } },
    { "softplus near 0", cnn__softplus_block, softplus, -5, 5, 5, { 1, 1e9 } },
    { "slope of softplus", cnn__softplus_slope_block, sigmoid, -700, 700, 5, { 1, 1e9 } },
    { "logsigmoid", cnn__logsigmoid_block, logsigmoid, -700, 700, 5, NO_P },
    { "slope of logsigmoid", cnn__logsigmoid_slope_block, sigmoid_of_negative, -700, 700, 5, NO_P },
};

/* Emulators of x87 arithmetic, valgrind's for one, have no long double to compare with. */
static bool long_double_is_one(void)
{
    volatile real one = 1, tiny = LDBL_EPSILON;
    return one + tiny != one && LDBL_MANT_DIG > DBL_MANT_DIG;
}

START_TEST(functions_are_close_to_exact)
{
    const function *f = &functions[_i];
    for (uint64_t i = 0; i < 6000 && long_double_is_one(); i++) {
        double x[CNN__BLOCK], y[CNN__BLOCK];
        for (uint64_t k = 0; k < CNN__BLOCK; k++) {
            x[k] = y[k] = f->low + (f->high - f->low) * cnn__random_f64(key, CNN__BLOCK * i + k);
        }
        f->fn(y, f->p);
        for (int k = 0; k < CNN__BLOCK; k++) {
            double off = ulps(y[k], f->exact((real)x[k]));
            if (!(off <= f->most)) { /* an assertion is a system call */
                ck_abort_msg("%s(%.17g) is off by %.2f units", f->name, x[k], off);
            }
        }
    }
}
END_TEST

START_TEST(special_values_are_those_of_c)
{
    static const struct {
        const char *name;
        cnn__block_fn fn;
        double (*expected)(double);
    } pairs[] = { { "sin", cnn__sin_block, sin },       { "cos", cnn__cos_block, cos },
                  { "tan", cnn__tan_block, tan },       { "asin", cnn__asin_block, asin },
                  { "acos", cnn__acos_block, acos },    { "atan", cnn__atan_block, atan },
                  { "log2", cnn__log2_block, log2 },    { "log10", cnn__log10_block, log10 },
                  { "log1p", cnn__log1p_block, log1p }, { "exp2", cnn__exp2_block, exp2 },
                  { "expm1", cnn__expm1_block, expm1 }, { "erf", cnn__erf_block, erf } };
    static const double special[] = { 0.0, -0.0, 1, -1, 2, -2, 0.5, -0.5, 1000, -1000, 0x1p22, -0x1p22, 0x1p60, 1e22, -1e22,
                                      DBL_MAX, -DBL_MAX, DBL_MIN / 8, -DBL_MIN / 8, INFINITY, -INFINITY, NAN };
    for (size_t k = 0; k < sizeof pairs / sizeof *pairs; k++) {
        for (size_t i = 0; i < sizeof special / sizeof *special; i++) {
            double given = block_of(pairs[k].fn, special[i], functions[0].p), expected = pairs[k].expected(special[i]);
            bool same = isnan(expected) ? isnan(given) : signbit(given) == signbit(expected) && ulps(given, expected) <= 5;
            ck_assert_msg(same, "%s(%g) is %.17g, expected %.17g", pairs[k].name, special[i], given, expected);
        }
    }
}
END_TEST

/* The f64 that comes closest to a multiple of π/2 (Kahan): its cosine is 4.6871659242546276e-19 in size. */
START_TEST(hardest_argument_is_reduced)
{
    double x = ldexp(6381956970095103, 797), y = block_of(cnn__cos_block, x, functions[0].p);
    ck_assert_msg(ulps(y, -4.68716592425462761112e-19L) <= 3, "cos(%g) is %.17g", x, y);
    y = block_of(cnn__sin_block, x, functions[0].p);
    ck_assert_msg(y == 1, "sin(%g) is %.17g", x, y);
}
END_TEST

START_TEST(powers_are_exact)
{
    for (int i = -1074; i < 1024; i++) {
        double power = ldexp(1, i);
        ck_assert_msg(block_of(cnn__log2_block, power, functions[0].p) == i, "log2(2^%d)", i);
        ck_assert_msg(block_of(cnn__exp2_block, i, functions[0].p) == power, "exp2(%d)", i);
    }
    for (int i = 0; i <= 22; i++) {
        double power = 1;
        for (int k = 0; k < i; k++) {
            power *= 10; /* exact */
        }
        ck_assert_msg(block_of(cnn__log10_block, power, functions[0].p) == i, "log10(10^%d)", i);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("elementary functions");
    TCase *tests = tcase_create("elementary functions");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, functions_are_close_to_exact, 0, sizeof functions / sizeof *functions);
    tcase_add_test(tests, special_values_are_those_of_c);
    tcase_add_test(tests, hardest_argument_is_reduced);
    tcase_add_test(tests, powers_are_exact);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
