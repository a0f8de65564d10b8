/* Hyperbolic functions against libm's in long double: errors in units of the last place, values at the edges, and gradients at 0. */
#include "support/elements.h"
#include "support/fixtures.h"
#include "support/metered_tape.h"

enum { POINTS = 20000, MOST = 8 };

static const struct function {
    const char *name;
    cnn_tensor *(*call)(cnn_tensor *x);
    long double (*exact)(long double x);
    double low, high, high_f32;
    bool large; /* points far apart in size, up to 10^high */
} functions[] = {
    { "sinh", cnn_sinh, sinhl, -710, 710, 89, false },          { "sinh", cnn_sinh, sinhl, -1e-3, 1e-3, 1e-3, false },
    { "cosh", cnn_cosh, coshl, -710, 710, 89, false },          { "cosh", cnn_cosh, coshl, -1, 1, 1, false },
    { "asinh", cnn_asinh, asinhl, -3, 3, 3, false },            { "asinh", cnn_asinh, asinhl, -30, 300, 37, true },
    { "acosh", cnn_acosh, acoshl, 1, 3, 3, false },             { "acosh", cnn_acosh, acoshl, 0, 300, 37, true },
    { "atanh", cnn_atanh, atanhl, -0.999999, 0.999999, 0.999999, false },
};
enum { FUNCTIONS = sizeof functions / sizeof *functions };

/* |given − exact| in units of the last place of a number of `digits` bits. */
static double units(double given, long double exact, int digits)
{
    int exponent;
    frexpl(exact, &exponent);
    return (double)(fabsl((long double)given - exact) / ldexpl(1, exponent - digits));
}

START_TEST(errors_are_small)
{
    const struct function *f = &functions[_i / 2];
    const cnn_dtype dtype = _i % 2 ? CNN_F32 : CNN_F64;
    double high = dtype == CNN_F32 ? f->high_f32 : f->high, low = f->low < -high ? -high : f->low, worst = 0, at = 0;
    cnn_tensor *wide = cnn_tensor_empty(ctx, CNN_F64, CNN_SHAPE(POINTS)), *x = cnn_tensor_empty(ctx, dtype, CNN_SHAPE(POINTS));
    static double points[POINTS];
    for (int i = 0; i < POINTS; i++) {
        double point = low + (high - low) * (i + 0.37) / POINTS;
        points[i] = f->large ? pow(10, point) : point;
    }
    set_elements(wide, points);
    ck_assert_int_eq(cnn_tensor_copy_from(x, wide), CNN_OK);
    cnn_tape_begin(tape, CNN_EVAL);
    double *given = as_doubles(f->call(cnn_input(tape, x))), *from = as_doubles(x);
    for (int i = 0; i < POINTS; i++) {
        double error = units(given[i], f->exact(from[i]), dtype == CNN_F32 ? 24 : 53);
        if (!(error <= worst)) {
            worst = error;
            at = from[i];
        }
    }
    ck_assert_msg(worst <= MOST, "%s of %s: %g units at %.17g", f->name, cnn_dtype_name(dtype), worst, at);
    free(given);
    free(from);
    cnn_tensor_free(wide);
    cnn_tensor_free(x);
}
END_TEST

/* What libm gives of the same number, and of its gradient what the formula gives. */
START_TEST(edges)
{
    static const struct {
        cnn_tensor *(*call)(cnn_tensor *x);
        double x, y, slope;
    } edges[] = {
        { cnn_sinh, 0, 0, 1 },         { cnn_cosh, 0, 1, 0 },  { cnn_asinh, 0, 0, 1 },         { cnn_atanh, 0, 0, 1 },
        { cnn_sinh, INFINITY, INFINITY, NAN }, { cnn_sinh, -INFINITY, -INFINITY, NAN }, { cnn_cosh, -INFINITY, INFINITY, NAN },
        { cnn_asinh, -INFINITY, -INFINITY, NAN }, { cnn_acosh, INFINITY, INFINITY, NAN }, { cnn_acosh, 1, 0, INFINITY },
        { cnn_acosh, 0.5, NAN, NAN },  { cnn_atanh, 1, INFINITY, INFINITY }, { cnn_atanh, -1, -INFINITY, INFINITY }, { cnn_atanh, 2, NAN, NAN },
        { cnn_sinh, NAN, NAN, NAN },   { cnn_frac, -2.75, -0.75, 1 }, { cnn_frac, 0, 0, 1 }, { cnn_frac, 4, 0, 1 },
    };
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
        cnn_tensor *x = cnn_tensor_full(ctx, CNN_F64, edges[i].x, CNN_SHAPE(1));
        cnn_tensor_set_requires_grad(x, true);
        cnn_tape_begin(tape, CNN_TRAIN);
        cnn_tensor *y = edges[i].call(cnn_input(tape, x));
        ck_assert_msg(cnn_backward_with(y, NULL, false) == CNN_OK, "%zu: %s", i, cnn_tape_error(tape));
        double given = *(const double *)host_elements(y), slope = *(const double *)host_elements(cnn_tensor_grad(x));
        ck_assert_msg(isnan(edges[i].y) ? isnan(given) : given == edges[i].y, "%zu: %g, expected %g", i, given, edges[i].y);
        ck_assert_msg(isnan(edges[i].slope) || slope == edges[i].slope, "%zu: slope %g, expected %g", i, slope, edges[i].slope);
        cnn_tensor_free(x);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hyperbolic");
    TCase *tests = suite_case(suite, "hyperbolic", setup, teardown);
    tcase_add_loop_test(tests, errors_are_small, 0, 2 * FUNCTIONS);
    tcase_add_test(tests, edges);
    return suite_run(suite);
}
