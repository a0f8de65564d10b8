/* Compares the functions of one operand of each instruction set with libm in long double: those of f64, and of them the
 * functions of blocks (kernels/array/map.h) with libm's f64 functions where arguments are special, then the maps of f32. */
#include "base/random.h"
#include "kernels/array/map.h"
#include "kernels/kernels.h"

#include <check.h>
#include <fenv.h>
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

enum { MAX_TABLES = 8 };

static const cnn__kernels *tables[MAX_TABLES];
static int table_count;

static double block_of(const cnn__kernels *table, cnn_unary op, double x, const double *p)
{
    double block[CNN__MAP_STEP] = { 0 };
    block[3] = x;
    table->array->maps->blocks[op](block, p);
    return block[3];
}

static real sigmoid(real x) { return 1 / (1 + expl(-x)); }
static real softplus(real x) { return x > 0 ? x + log1pl(expl(-x)) : log1pl(expl(x)); }
static real erf_slope(real x) { return 1.12837916709551257389615890312154517L * expl(-x * x); }

/* The lines of src/ops/activations.def. */
#define CNN_OP_EXACT_F64(name, FUNCTION, p, q, low, high, most, formula) \
    static real name##_f64(real x) { return (formula); }
#define CNN_OP_EXACT_F32(name, FUNCTION, p, q, low, high, most, of_one, formula) \
    static real name##_f32(real x) { return (formula); }
#include "ops/ops.def"

typedef struct function {
    const char *name;
    cnn_unary op;
    real (*exact)(real);
    double low, high; /* the range of the arguments */
    double most;      /* units that it may be off by, as the headers say */
    double p[2];
} function;

#define NO_P { 0, 0 }
static const function functions[] = {
    { "erf", CNN_UNARY_ERF, erfl, -6, 6, 3, NO_P },
    { "erf near 0", CNN_UNARY_ERF, erfl, -0.1, 0.1, 3, NO_P },
    { "slope of erf", CNN_UNARY_ERF_SLOPE, erf_slope, -26, 26, 3, NO_P },
    { "erfc", CNN_UNARY_ERFC, erfcl, -6, 6, 3, NO_P },
    { "erfc near 0", CNN_UNARY_ERFC, erfcl, -0.1, 0.1, 3, NO_P },
    { "erfc in the tail", CNN_UNARY_ERFC, erfcl, 6, 27.5, 3, NO_P },
    { "sin", CNN_UNARY_SIN, sinl, -4, 4, 3, NO_P },
    { "sin of more", CNN_UNARY_SIN, sinl, -8e5, 8e5, 3, NO_P },
    { "sin at the border", CNN_UNARY_SIN, sinl, 8.2e5, 8.3e5, 3, NO_P },
    { "sin of large ones", CNN_UNARY_SIN, sinl, -1e15, 1e15, 3, NO_P },
    { "cos", CNN_UNARY_COS, cosl, -4, 4, 3, NO_P },
    { "cos of more", CNN_UNARY_COS, cosl, -8e5, 8e5, 3, NO_P },
    { "cos of large ones", CNN_UNARY_COS, cosl, -1e15, 1e15, 3, NO_P },
    { "tan", CNN_UNARY_TAN, tanl, -4, 4, 5, NO_P },
    { "tan of more", CNN_UNARY_TAN, tanl, -8e5, 8e5, 5, NO_P },
    { "tan of large ones", CNN_UNARY_TAN, tanl, -1e12, 1e12, 5, NO_P },
    { "asin", CNN_UNARY_ASIN, asinl, -1, 1, 3, NO_P },
    { "asin near 0", CNN_UNARY_ASIN, asinl, -1e-3, 1e-3, 3, NO_P },
    { "acos", CNN_UNARY_ACOS, acosl, -1, 1, 3, NO_P },
    { "acos near 1", CNN_UNARY_ACOS, acosl, 0.99, 1, 3, NO_P },
    { "atan", CNN_UNARY_ATAN, atanl, -1, 1, 3, NO_P },
    { "atan of more", CNN_UNARY_ATAN, atanl, -1e4, 1e4, 3, NO_P },
    { "log2", CNN_UNARY_LOG2, log2l, 0, 1e9, 3, NO_P },
    { "log2 near 1", CNN_UNARY_LOG2, log2l, 0.5, 2, 3, NO_P },
    { "log2 of small ones", CNN_UNARY_LOG2, log2l, 0, 1e-307, 3, NO_P },
    { "log10", CNN_UNARY_LOG10, log10l, 0, 1e9, 3, NO_P },
    { "log10 near 1", CNN_UNARY_LOG10, log10l, 0.5, 2, 3, NO_P },
    { "log1p", CNN_UNARY_LOG1P, log1pl, -1, 1, 3, NO_P },
    { "log1p near 0", CNN_UNARY_LOG1P, log1pl, -1e-3, 1e-3, 3, NO_P },
    { "log1p of large ones", CNN_UNARY_LOG1P, log1pl, 0, 1e17, 3, NO_P },
    { "exp2", CNN_UNARY_EXP2, exp2l, -1074, 1024, 3, NO_P },
    { "exp2 near 0", CNN_UNARY_EXP2, exp2l, -1, 1, 3, NO_P },
    { "expm1", CNN_UNARY_EXPM1, expm1l, -70, 709.7, 3, NO_P },
    { "expm1 near 0", CNN_UNARY_EXPM1, expm1l, -1, 1, 3, NO_P },
#define CNN_OP_EXACT_F64(name, FUNCTION, p, q, low, high, most, formula) \
    { #name, CNN_UNARY_##FUNCTION, name##_f64, low, high, most, { p, q } },
#include "ops/ops.def"
};

/* Emulators of x87 arithmetic, valgrind's for one, have no long double to compare with. */
static bool long_double_is_one(void)
{
    volatile real one = 1, tiny = LDBL_EPSILON;
    return one + tiny != one && LDBL_MANT_DIG > DBL_MANT_DIG;
}

START_TEST(functions_are_close_to_exact)
{
    const function *f = &functions[_i / table_count];
    const cnn__kernels *table = tables[_i % table_count];
    const cnn__nest nest = { .ndim = 1, .shape = { CNN__MAP_STEP }, .stride = { { 1 }, { 1 } } };
    for (uint64_t i = 0; i < 6000 && long_double_is_one(); i++) {
        double x[CNN__MAP_STEP], y[CNN__MAP_STEP];
        for (uint64_t k = 0; k < CNN__MAP_STEP; k++) {
            x[k] = f->low + (f->high - f->low) * cnn__random_f64(key, CNN__MAP_STEP * i + k);
        }
        table->array->unary(f->op, &nest, CNN_F64, f->p, y, x, NULL);
        for (int k = 0; k < CNN__MAP_STEP; k++) {
            double off = ulps(y[k], f->exact((real)x[k]));
            if (!(off <= f->most)) { /* an assertion is a system call */
                ck_abort_msg("%s(%.17g) is off by %.2f units in %s", f->name, x[k], off, table->name);
            }
        }
    }
}
END_TEST

/* ---- f32 ---- */

static real gelu(real x) { return x * erfcl(-x / sqrtl(2)) / 2; }
static real gelu_slope(real x)
{
    return erfcl(-x / sqrtl(2)) / 2 + x * expl(-x * x / 2) * 0.398942280401432677939946059934381868L;
}
static real gelu_tanh(real x) { return x * sigmoid(2 * 0.797884560802865355879892119868763737L * (x + 0.044715L * x * x * x)); }

/* Units in the last place of f32, or, where a difference cancels, of 1. An
 * exponent of size e, as GELU has, costs e / 2 units. */
static const struct {
    const char *name;
    cnn_unary op;
    real (*exact)(real);
    double low, high, most;
    double p[2];
    bool of_one;
} maps[] = {
    { "exp", CNN_UNARY_EXP, expl, -104, 88, 3, NO_P, false },
    { "log", CNN_UNARY_LOG, logl, 0, 1e9, 3, NO_P, false },
    { "tanh", CNN_UNARY_TANH, tanhl, -10, 10, 3, NO_P, false },
    { "sigmoid", CNN_UNARY_SIGMOID, sigmoid, -80, 80, 3, NO_P, false },
    { "erf", CNN_UNARY_ERF, erfl, -5, 5, 3, NO_P, false },
    { "erf near 0", CNN_UNARY_ERF, erfl, -1, 1, 3, NO_P, false },
    { "slope of erf", CNN_UNARY_ERF_SLOPE, erf_slope, -9.5, 9.5, 3, NO_P, false },
    { "erfc", CNN_UNARY_ERFC, erfcl, -4, 4, 3, NO_P, false },
    { "erfc in the tail", CNN_UNARY_ERFC, erfcl, 4, 10.2, 3, NO_P, false },
    { "sin", CNN_UNARY_SIN, sinl, -4, 4, 3, NO_P, false },
    { "sin of more", CNN_UNARY_SIN, sinl, -402, 402, 3, NO_P, false },
    { "sin of large ones", CNN_UNARY_SIN, sinl, -1e9, 1e9, 3, NO_P, false },
    { "cos", CNN_UNARY_COS, cosl, -4, 4, 3, NO_P, false },
    { "cos at the border", CNN_UNARY_COS, cosl, 390, 410, 3, NO_P, false },
    { "tan", CNN_UNARY_TAN, tanl, -4, 4, 4, NO_P, false },
    { "tan of more", CNN_UNARY_TAN, tanl, -402, 402, 4, NO_P, false },
    { "asin", CNN_UNARY_ASIN, asinl, -1, 1, 3, NO_P, false },
    { "asin near 0", CNN_UNARY_ASIN, asinl, -1e-3, 1e-3, 3, NO_P, false },
    { "acos", CNN_UNARY_ACOS, acosl, -1, 1, 3, NO_P, false },
    { "acos near 1", CNN_UNARY_ACOS, acosl, 0.99, 1, 3, NO_P, false },
    { "atan", CNN_UNARY_ATAN, atanl, -2, 2, 3, NO_P, false },
    { "atan of more", CNN_UNARY_ATAN, atanl, -1e4, 1e4, 3, NO_P, false },
    { "log near 1", CNN_UNARY_LOG, logl, 0.5, 2, 3, NO_P, false },
    { "log of small ones", CNN_UNARY_LOG, logl, 0, 1e-37, 3, NO_P, false },
    { "log2", CNN_UNARY_LOG2, log2l, 0, 1e9, 3, NO_P, false },
    { "log2 near 1", CNN_UNARY_LOG2, log2l, 0.5, 2, 3, NO_P, false },
    { "log10", CNN_UNARY_LOG10, log10l, 0, 1e9, 3, NO_P, false },
    { "log10 near 1", CNN_UNARY_LOG10, log10l, 0.5, 2, 3, NO_P, false },
    { "log1p", CNN_UNARY_LOG1P, log1pl, -1, 1, 3, NO_P, false },
    { "log1p near 0", CNN_UNARY_LOG1P, log1pl, -1e-3, 1e-3, 3, NO_P, false },
    { "log1p of large ones", CNN_UNARY_LOG1P, log1pl, 0, 1e9, 3, NO_P, false },
    { "exp2", CNN_UNARY_EXP2, exp2l, -149, 127.99, 3, NO_P, false },
    { "exp2 near 0", CNN_UNARY_EXP2, exp2l, -1, 1, 3, NO_P, false },
    { "expm1", CNN_UNARY_EXPM1, expm1l, -90, 88, 3, NO_P, false },
    { "expm1 near 0", CNN_UNARY_EXPM1, expm1l, -1, 1, 3, NO_P, false },
    { "gelu", CNN_UNARY_GELU, gelu, -4, 10, 16, NO_P, false },
    { "gelu of small results", CNN_UNARY_GELU, gelu, -12.5, -4, 160, NO_P, false },
    { "slope of gelu", CNN_UNARY_GELU_SLOPE, gelu_slope, -14, 14, 2, NO_P, true },
    { "gelu by tanh", CNN_UNARY_GELU, gelu_tanh, -4, 10, 48, { 1, 0 }, false },
#define CNN_OP_EXACT_F32(name, FUNCTION, p, q, low, high, most, of_one, formula) \
    { #name, CNN_UNARY_##FUNCTION, name##_f32, low, high, most, { p, q }, of_one },
#include "ops/ops.def"
};

static double ulps_f32(float given, real expected, bool of_one)
{
    int exponent;
    frexp((double)expected, &exponent);
    exponent = exponent < -125 ? -125 : exponent;
    exponent = of_one && exponent < 1 ? 1 : exponent;
    return (double)(fabsl(given - expected) / ldexpl(1, exponent - FLT_MANT_DIG));
}

/* 2 · CNN__MAP_STEP − 1 elements, so that one step is not whole. */
enum { SOME = 2 * CNN__MAP_STEP - 1 };

static void map_f32(const cnn__kernels *table, cnn_unary op, const double p[2], const float *x, float *y)
{
    cnn__nest nest = { .ndim = 1, .shape = { SOME }, .stride = { { 1 }, { 1 } } };
    table->array->unary(op, &nest, CNN_F32, p, y, x, NULL);
}

static float of_f32(const cnn__kernels *table, cnn_unary op, float x)
{
    float elements[SOME] = { [3] = x };
    map_f32(table, op, functions[0].p, elements, elements);
    return elements[3];
}

/* Whether products and sums of the table's maps round once. On other processors than x86-64 all tables have the same. */
static bool joins(int table)
{
    return strncmp(tables[table]->name, "avx", 3) == 0;
}

/* The first table that must give the bits of this one. */
static int first_alike(int table)
{
    int first = 0;
    while (joins(first) != joins(table)) {
        first++;
    }
    return first;
}

/* The first of tables that are alike is looked at. */
START_TEST(maps_of_f32_are_close_to_exact)
{
    for (uint64_t i = 0; i < 3000 && long_double_is_one(); i++) {
        const int table = i % 2 ? first_alike(table_count - 1) : 0;
        float x[SOME], y[SOME];
        for (uint64_t k = 0; k < SOME; k++) {
            x[k] = (float)(maps[_i].low + (maps[_i].high - maps[_i].low) * cnn__random_f64(key, SOME * i + k));
        }
        map_f32(tables[table], maps[_i].op, maps[_i].p, x, y);
        for (int k = 0; k < SOME; k++) {
            double off = ulps_f32(y[k], maps[_i].exact((real)x[k]), maps[_i].of_one);
            if (!(off <= maps[_i].most)) {
                ck_abort_msg("%s(%.9g) is %.9g in %s, off by %.2f units", maps[_i].name, (double)x[k], (double)y[k],
                             tables[table]->name, off);
            }
        }
    }
}
END_TEST

/* Arguments of every size and sign, infinities and NaN. */
static void any_arguments(uint64_t i, float x[SOME])
{
    for (uint64_t k = 0; k < SOME; k++) {
        x[k] = (float)((cnn__random_f64(key, 2 * (SOME * i + k)) - 0.5) *
                       ldexp(1, (int)(60 * cnn__random_f64(key, 2 * (SOME * i + k) + 1)) - 40));
    }
    x[0] = i % 2 ? INFINITY : -INFINITY;
    x[SOME - 1] = i % 2 ? NAN : -0.0f;
}

START_TEST(tables_give_the_same_bits)
{
    static const double p[2] = { 0.5, 2 };
    for (int op = 0; op < (int)CNN_UNARY_COUNT; op++) {
        for (uint64_t i = 0; i < 60; i++) {
            float x[SOME], expected[SOME], y[SOME];
            any_arguments(i, x);
            for (int t = 0; t < table_count; t++) {
                map_f32(tables[first_alike(t)], (cnn_unary)op, p, x, expected);
                map_f32(tables[t], (cnn_unary)op, p, x, y);
                for (int k = 0; k < SOME; k++) {
                    bool same = memcmp(&y[k], &expected[k], sizeof y[k]) == 0 || (isnan(y[k]) && isnan(expected[k]));
                    ck_assert_msg(same, "unary %d of %.9g is %.9g in %s, expected %.9g", op, (double)x[k], (double)y[k],
                                  tables[t]->name, (double)expected[k]);
                }
            }
        }
    }
}
END_TEST

/* Square roots are rounded as the processor's own are: of every mantissa with both parities of the exponent, and of
 * numbers of every size; of some in other modes of rounding. */
static void check_square_roots(const cnn__kernels *table, uint32_t step)
{
    enum { ALL = 1 << 24 };
    float x[SOME], y[SOME];
    for (uint32_t first = 0; first < ALL; first += SOME * step) {
        for (uint32_t k = 0; k < SOME; k++) {
            const uint32_t place = first + k * step, bits = k % 8 ? 0x3f800000 + place : place * 0x9e3779b1u & INT32_MAX;
            memcpy(&x[k], &bits, sizeof bits);
        }
        map_f32(table, CNN_UNARY_SQRT, functions[0].p, x, y);
        for (int k = 0; k < SOME; k++) {
            const float root = sqrtf(x[k]);
            if (memcmp(&y[k], &root, sizeof root) != 0 && !(isnan(y[k]) && isnan(root))) {
                ck_abort_msg("the root of %a is %a in %s, expected %a", (double)x[k], (double)y[k], table->name,
                             (double)root);
            }
        }
    }
}

START_TEST(square_roots_are_rounded_as_the_processors)
{
    static const int modes[] = { FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO };
    check_square_roots(tables[_i], getenv("CNN_TEST_SHAPES") ? 1021 : 1);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        ck_assert_int_eq(fesetround(modes[i]), 0);
        check_square_roots(tables[_i], 1021);
    }
    ck_assert_int_eq(fesetround(FE_TONEAREST), 0);
}
END_TEST

/* An element that a loop is not made for must not change what becomes of the others; nor may it matter whether the
 * result lies where the operand does. */
START_TEST(elements_do_not_depend_on_their_neighbours)
{
    static const double p[2] = { 0.5, 2 };
    for (int op = 0; op < (int)CNN_UNARY_COUNT; op++) {
        for (uint64_t i = 0; i < 20; i++) {
            float x[SOME], y[SOME], alone[SOME];
            any_arguments(i, x);
            map_f32(tables[_i], (cnn_unary)op, p, x, y);
            for (int k = 0; k < SOME; k++) {
                memset(alone, 0, sizeof alone);
                alone[k] = x[k];
                map_f32(tables[_i], (cnn_unary)op, p, alone, alone);
                ck_assert_msg(memcmp(&alone[k], &y[k], sizeof *y) == 0 || (isnan(y[k]) && isnan(alone[k])),
                              "unary %d of %.9g is %.9g in %s, among others %.9g", op, (double)x[k], (double)alone[k],
                              tables[_i]->name, (double)y[k]);
            }
        }
    }
}
END_TEST

/* Reductions and softmax of rows of every length up to some vectors and more. */
START_TEST(reductions_give_the_same_bits)
{
    enum { LONGEST = 300, KINDS = CNN_REDUCE_OF_COUNT + 2 };
    for (int64_t n = 1; n <= LONGEST; n += n < 80 ? 1 : 13) {
        float x[LONGEST], expected[KINDS][LONGEST] = { { 0 } }, y[LONGEST] = { 0 };
        const cnn__nest none = { 0 }, row = { .ndim = 1, .shape = { n }, .stride = { { 0 }, { 1 } } };
        for (int64_t k = 0; k < n; k++) {
            x[k] = (float)cnn__random_f64(key, (uint64_t)(LONGEST * n + k)) - 0.5f;
        }
        x[n / 2] = n % 7 == 3 ? NAN : x[n / 2];
        for (int t = 0; t < table_count; t++) {
            for (int kind = 0; kind < KINDS; kind++) {
                float *to = first_alike(t) == t ? expected[kind] : y;
                if (kind < (int)CNN_REDUCE_OF_COUNT) {
                    tables[t]->array->reduce((cnn_reduce)kind, &none, &row, CNN_F32, to, x, NULL);
                } else {
                    (kind == (int)CNN_REDUCE_OF_COUNT ? tables[t]->array->softmax : tables[t]->array->log_softmax)(CNN_F32, 1, n, x, to, NULL);
                }
                for (int64_t k = 0; k < (kind < (int)CNN_REDUCE_OF_COUNT ? 1 : n); k++) {
                    bool same = memcmp(&to[k], &expected[kind][k], sizeof *to) == 0 || (isnan(to[k]) && isnan(expected[kind][k]));
                    ck_assert_msg(same, "reduction %d of %d elements is %.9g in %s, expected %.9g", kind, (int)n,
                                  (double)to[k], tables[t]->name, (double)expected[kind][k]);
                }
            }
        }
    }
}
END_TEST

/* Many short rows are summed together, and maps go over several of them at once where an operand is broadcast or
 * transposed: what each row gives alone, in every table. */
START_TEST(short_rows_give_the_bits_of_single_ones)
{
    enum { ROWS = 37, LONGEST = 70, GAP = 3 };
    static float x[ROWS * (LONGEST + GAP)], other[ROWS * LONGEST], y[ROWS * LONGEST], spread[ROWS * LONGEST], expected[ROWS * LONGEST];
    for (int64_t k = 0; k < (int64_t)(sizeof x / sizeof *x); k++) {
        x[k] = (float)cnn__random_f64(key, (uint64_t)k) - 0.5f;
        other[k % (ROWS * LONGEST)] = (float)cnn__random_f64(key, (uint64_t)(k + 9999)) + 0.5f;
    }
    for (int64_t n = 1; n <= LONGEST; n++) {
        for (int t = 0; t < table_count; t++) {
            const cnn__array_kernels *a = tables[t]->array;
            const int64_t step = n + n % GAP;
            const cnn__nest rows = { .ndim = 1, .shape = { ROWS }, .stride = { { 1 }, { step } } }, none = { 0 };
            const cnn__nest row = { .ndim = 1, .shape = { n }, .stride = { { 0 }, { 1 } } };
            a->reduce(CNN_REDUCE_OF_SUM, &rows, &row, CNN_F32, y, x, NULL);
            for (int64_t r = 0; r < ROWS; r++) {
                a->reduce(CNN_REDUCE_OF_SUM, &none, &row, CNN_F32, &expected[r], x + r * step, NULL);
            }
            ck_assert_msg(memcmp(y, expected, ROWS * sizeof *y) == 0, "sums of rows of %d in %s", (int)n, tables[t]->name);
            const int64_t strides[][2] = { { 1, 0 }, { 0, 1 }, { 0, 0 }, { 1, ROWS } };
            for (int s = 0; s < 8; s++) { /* either operand */
                const int64_t *stride = strides[s / 2];
                cnn__nest nest = { .ndim = 2, .shape = { ROWS, n }, .stride = { { n, 1 }, { n, 1 }, { n, 1 } } }, dense = nest;
                memcpy(nest.stride[1 + s % 2], stride, 2 * sizeof *stride);
                for (int64_t i = 0; i < ROWS * n; i++) {
                    spread[i] = other[i / n * stride[0] + i % n * stride[1]];
                }
                a->binary(CNN_BINARY_SUB, &nest, CNN_F32, y, s % 2 ? x : other, s % 2 ? other : x, NULL);
                a->binary(CNN_BINARY_SUB, &dense, CNN_F32, expected, s % 2 ? x : spread, s % 2 ? spread : x, NULL);
                ck_assert_msg(memcmp(y, expected, (size_t)(ROWS * n) * sizeof *y) == 0, "difference %d of rows of %d in %s", s,
                              (int)n, tables[t]->name);
            }
        }
    }
}
END_TEST

START_TEST(special_values_are_those_of_c)
{
    static const struct {
        const char *name;
        cnn_unary op;
        double (*expected)(double);
    } pairs[] = { { "sin", CNN_UNARY_SIN, sin },       { "cos", CNN_UNARY_COS, cos },
                  { "tan", CNN_UNARY_TAN, tan },       { "asin", CNN_UNARY_ASIN, asin },
                  { "acos", CNN_UNARY_ACOS, acos },    { "atan", CNN_UNARY_ATAN, atan },
                  { "log2", CNN_UNARY_LOG2, log2 },    { "log10", CNN_UNARY_LOG10, log10 },
                  { "log1p", CNN_UNARY_LOG1P, log1p }, { "exp2", CNN_UNARY_EXP2, exp2 },
                  { "expm1", CNN_UNARY_EXPM1, expm1 }, { "erf", CNN_UNARY_ERF, erf },
                  { "erfc", CNN_UNARY_ERFC, erfc } };
    static const double special[] = { 0.0, -0.0, 1, -1, 2, -2, 0.5, -0.5, 1000, -1000, 0x1p22, -0x1p22, 0x1p60, 1e22, -1e22,
                                      DBL_MAX, -DBL_MAX, DBL_MIN / 8, -DBL_MIN / 8, INFINITY, -INFINITY, NAN };
    for (size_t k = 0; k < sizeof pairs / sizeof *pairs; k++) {
        for (size_t i = 0; i < sizeof special / sizeof *special; i++) {
            double given = block_of(tables[_i], pairs[k].op, special[i], functions[0].p), expected = pairs[k].expected(special[i]);
            bool same = isnan(expected) ? isnan(given) : signbit(given) == signbit(expected) && ulps(given, expected) <= 5;
            ck_assert_msg(same, "%s(%g) is %.17g, expected %.17g", pairs[k].name, special[i], given, expected);
            const float x = (float)special[i];
            const double y = (double)of_f32(tables[_i], pairs[k].op, x), rounded = (double)(float)pairs[k].expected((double)x);
            same = isnan(rounded)   ? isnan(y)
                   : isinf(rounded) ? y == rounded
                                    : signbit(y) == signbit(rounded) && ulps_f32((float)y, rounded, false) <= 4;
            ck_assert_msg(same, "%s(%g) is %.9g in f32, expected %.9g", pairs[k].name, (double)x, y, rounded);
        }
    }
}
END_TEST

/* The f64 that comes closest to a multiple of π/2 (Kahan): its cosine is 4.6871659242546276e-19 in size. */
START_TEST(hardest_argument_is_reduced)
{
    double x = ldexp(6381956970095103, 797), y = block_of(tables[_i], CNN_UNARY_COS, x, functions[0].p);
    ck_assert_msg(ulps(y, -4.68716592425462761112e-19L) <= 3, "cos(%g) is %.17g", x, y);
    y = block_of(tables[_i], CNN_UNARY_SIN, x, functions[0].p);
    ck_assert_msg(y == 1, "sin(%g) is %.17g", x, y);
}
END_TEST

START_TEST(powers_are_exact)
{
    for (int i = -1074; i < 1024; i++) {
        double power = ldexp(1, i);
        ck_assert_msg(block_of(tables[_i], CNN_UNARY_LOG2, power, functions[0].p) == i, "log2(2^%d)", i);
        ck_assert_msg(block_of(tables[_i], CNN_UNARY_EXP2, i, functions[0].p) == power, "exp2(%d)", i);
        if (i >= -149 && i < 128) {
            ck_assert_msg(of_f32(tables[_i], CNN_UNARY_LOG2, (float)power) == (float)i, "log2(2^%d) in f32", i);
            ck_assert_msg(of_f32(tables[_i], CNN_UNARY_EXP2, (float)i) == (float)power, "exp2(%d) in f32", i);
        }
    }
    for (int i = 0; i <= 22; i++) {
        double power = 1;
        for (int k = 0; k < i; k++) {
            power *= 10; /* exact */
        }
        ck_assert_msg(block_of(tables[_i], CNN_UNARY_LOG10, power, functions[0].p) == i, "log10(10^%d)", i);
        ck_assert_msg(i > 10 || of_f32(tables[_i], CNN_UNARY_LOG10, (float)power) == (float)i, "log10(10^%d) in f32", i);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("elementary functions");
    TCase *tests = tcase_create("elementary functions");
    tcase_set_timeout(tests, 120);
    table_count = cnn__kernels_list(tables, MAX_TABLES);
    tcase_add_loop_test(tests, functions_are_close_to_exact, 0, (int)(sizeof functions / sizeof *functions) * table_count);
    tcase_add_loop_test(tests, maps_of_f32_are_close_to_exact, 0, (int)(sizeof maps / sizeof *maps));
    tcase_add_test(tests, tables_give_the_same_bits);
    tcase_add_loop_test(tests, square_roots_are_rounded_as_the_processors, 0, table_count);
    tcase_add_loop_test(tests, elements_do_not_depend_on_their_neighbours, 0, table_count);
    tcase_add_test(tests, reductions_give_the_same_bits);
    tcase_add_test(tests, short_rows_give_the_bits_of_single_ones);
    tcase_add_loop_test(tests, special_values_are_those_of_c, 0, table_count);
    tcase_add_loop_test(tests, hardest_argument_is_reduced, 0, table_count);
    tcase_add_loop_test(tests, powers_are_exact, 0, table_count);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
