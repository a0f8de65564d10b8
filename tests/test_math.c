/* Compares the library's elementary functions with those of libm in long double, and checks the special cases of C's
 * annex F. */
#include "base/math.h"
#include "base/random.h"

#include <check.h>
#include <float.h>
#include <stdbool.h>
#include <stdlib.h>

static const uint64_t key[2] = { 5, 6 };

/* The distance in units in the last place of the expected f64; small results have those of subnormals. */
static double ulps(double given, long double expected)
{
    if (isinf(given) || isinf((double)expected) || isnan(given)) {
        return given == (double)expected || (isnan(given) && isnan((double)expected)) ? 0 : INFINITY;
    }
    int exponent;
    frexp((double)expected, &exponent);
    exponent = exponent < -1021 ? -1021 : exponent;
    return (double)(fabsl((long double)given - expected) / ldexpl(1, exponent - DBL_MANT_DIG));
}

typedef struct function {
    const char *name;
    double (*own)(double);
    long double (*exact)(long double);
    double low, high; /* the range of the arguments */
} function;

static double own_exp(double x) { return cnn__exp_f64(x); }
static double own_log(double x) { return cnn__log_f64(x); }
static double own_tanh(double x) { return cnn__tanh_f64(x); }
static double own_sigmoid(double x) { return cnn__sigmoid_f64(x); }
static long double exact_sigmoid(long double x) { return 1 / (1 + expl(-x)); }
static long double exact_cos_turns(long double x) { return cosl(6.283185307179586476925286766559005768L * x); }
static long double exact_sin_turns(long double x) { return sinl(6.283185307179586476925286766559005768L * x); }

static const function functions[] = {
    { "exp", own_exp, expl, -745, 709.7 },          { "exp near 0", own_exp, expl, -1, 1 },
    { "log", own_log, logl, 0, 1e9 },               { "log near 1", own_log, logl, 0.5, 2 },
    { "log of small ones", own_log, logl, 0, 1e-307 }, { "tanh", own_tanh, tanhl, -25, 25 },
    { "tanh near 0", own_tanh, tanhl, -0.1, 0.1 },  { "sigmoid", own_sigmoid, exact_sigmoid, -700, 700 },
    { "sigmoid near 0", own_sigmoid, exact_sigmoid, -5, 5 },
};

/* Emulators of x87 arithmetic, valgrind's for one, have no long double to compare with. */
static bool long_double_is_one(void)
{
    volatile long double one = 1, tiny = LDBL_EPSILON;
    return one + tiny != one && LDBL_MANT_DIG > DBL_MANT_DIG;
}

START_TEST(functions_are_close_to_exact)
{
    const function *f = &functions[_i];
    const double most = f->own == own_tanh || f->own == own_sigmoid ? 3 : 2;
    for (uint64_t i = 0; i < 200000 && long_double_is_one(); i++) {
        double x = f->low + (f->high - f->low) * cnn__random_f64(key, i);
        double off = ulps(f->own(x), f->exact((long double)x));
        if (!(off <= most)) { /* an assertion is a system call */
            ck_abort_msg("%s(%.17g) is off by %.2f units", f->name, x, off);
        }
    }
}
END_TEST

/* What lies on the circle, at its quarters and at the smallest and largest of the uniform numbers. */
static const double turns[] = { 0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 0x1p-53, 0.25 - 0x1p-53, 0.25 + 0x1p-53,
                                0.75 - 0x1p-53, 0.75 + 0x1p-53, 1 - 0x1p-53 };
enum { TURNS = sizeof turns / sizeof *turns };

START_TEST(turns_are_close_to_exact)
{
    for (uint64_t i = 0; i < 200000 && long_double_is_one(); i++) {
        double x = i < TURNS ? turns[i] : cnn__random_f64(key, i), cosine, sine;
        cnn__turn_f64(x, &cosine, &sine);
        if (!(fabsl((long double)cosine - exact_cos_turns((long double)x)) < 0x1p-52L &&
              fabsl((long double)sine - exact_sin_turns((long double)x)) < 0x1p-52L && cosine == cnn__cos_turns(x))) {
            ck_abort_msg("turn(%.17g) is %.17g and %.17g", x, cosine, sine);
        }
    }
    ck_assert(cnn__cos_turns(0) == 1 && cnn__cos_turns(0.5) == -1 && cnn__cos_turns(0.25) == 0 && cnn__cos_turns(0.75) == 0);
}
END_TEST

/* Half of the arguments are uniform, a quarter is next to 0 and a quarter next to 1. */
START_TEST(radii_are_close_to_exact)
{
    for (uint64_t i = 0; i < 200000 && long_double_is_one(); i++) {
        double u = cnn__random_f64(key, i), few = 0x1p-53 * (1 + (double)(i / 4)), x = i % 2 ? 1 - u : i % 4 ? few : 1 - few;
        long double exact = sqrtl(-2 * logl((long double)x)), given = (long double)cnn__normal_radius_f64(x);
        if (!(fabsl(given - exact) < 0x1p-51L * exact)) {
            ck_abort_msg("radius(%a)", x);
        }
    }
    ck_assert(cnn__normal_radius_f64(1) == 0);
}
END_TEST

START_TEST(powers_are_close_to_exact)
{
    for (uint64_t i = 0; i < 200000 && long_double_is_one(); i++) {
        double x = exp(20 * cnn__random_f64(key, 3 * i) - 10), y = 140 * cnn__random_f64(key, 3 * i + 1) - 70;
        if (i % 4 == 0) {
            x = 0.5 + cnn__random_f64(key, 3 * i);
            y *= 10;
        }
        if (i % 4 == 1) { /* like the bias corrections of Adam */
            x = 1 - 0.1 * cnn__random_f64(key, 3 * i);
            y = floor(1000 * cnn__random_f64(key, 3 * i + 2));
        }
        double off = ulps(cnn__pow_f64(x, y), powl((long double)x, (long double)y));
        ck_assert_msg(off <= 2, "pow(%.17g, %.17g) is off by %.2f units", x, y, off);
        float fx = (float)x, fy = (float)y, given = cnn__pow_f32(fx, fy), expected = (float)powl((long double)fx, (long double)fy);
        ck_assert_msg(given == expected || fabsf(given - expected) <= 0x1.02p-23f * expected || expected < FLT_MIN,
                      "pow(%.9g, %.9g) is %.9g", (double)fx, (double)fy, (double)given);
    }
}
END_TEST

static const double special[] = { 0.0, -0.0, 1, -1, 2, -2, 3, -3, 0.5, -0.5, 2.5, -2.5, 1e300, -1e300, 1e-300, -1e-300, 0x1p53,
                                  -0x1p53, 0x1p52 + 1, DBL_MAX, -DBL_MAX, DBL_MIN / 8, -DBL_MIN / 8, INFINITY, -INFINITY, NAN };
enum { SPECIAL = sizeof special / sizeof *special };

static bool same(double a, double b)
{
    return isnan(a) ? isnan(b) : a == b ? signbit(a) == signbit(b) : ulps(a, (long double)b) <= 2;
}

START_TEST(special_values_are_those_of_c)
{
    for (int i = 0; i < SPECIAL; i++) {
        double x = special[i];
        ck_assert_msg(same(cnn__exp_f64(x), exp(x)), "exp(%g) is %g", x, cnn__exp_f64(x));
        ck_assert_msg(same(cnn__log_f64(x), log(x)), "log(%g) is %g", x, cnn__log_f64(x));
        ck_assert_msg(same(cnn__tanh_f64(x), tanh(x)), "tanh(%g) is %g", x, cnn__tanh_f64(x));
        for (int k = 0; k < SPECIAL; k++) {
            double y = special[k], expected = pow(x, y);
            ck_assert_msg(same(cnn__pow_f64(x, y), expected), "pow(%g, %g) is %g, expected %g", x, y, cnn__pow_f64(x, y), expected);
            float single = cnn__pow_f32((float)x, (float)y), rounded = powf((float)x, (float)y);
            ck_assert_msg(same((double)single, (double)rounded), "powf(%g, %g) is %g", x, y, (double)single);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("math");
    TCase *tests = tcase_create("math");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, functions_are_close_to_exact, 0, sizeof functions / sizeof *functions);
    tcase_add_test(tests, turns_are_close_to_exact);
    tcase_add_test(tests, radii_are_close_to_exact);
    tcase_add_test(tests, powers_are_close_to_exact);
    tcase_add_test(tests, special_values_are_those_of_c);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
