/* Elementwise operations with one operand for a real dtype: X is its type, MATH(f) its function of <math.h>, OWN(f)
 * that of array/math.h, FN(name) its name. p are the parameters. No include guard: one inclusion, one dtype. */
static inline X FN(neg)(X x, const X *p)
{
    (void)p;
    return -x;
}

static inline X FN(exp)(X x, const X *p)
{
    (void)p;
    return OWN(exp)(x);
}

static inline X FN(log)(X x, const X *p)
{
    (void)p;
    return OWN(log)(x);
}

static inline X FN(sqrt)(X x, const X *p)
{
    (void)p;
    return MATH(sqrt)(x);
}

static inline X FN(abs)(X x, const X *p)
{
    (void)p;
    return MATH(fabs)(x);
}

static inline X FN(tanh)(X x, const X *p)
{
    (void)p;
    return OWN(tanh)(x);
}

static inline X FN(sigmoid)(X x, const X *p)
{
    (void)p;
    return OWN(sigmoid)(x);
}

/* A NaN fails both comparisons and stays. */
static inline X FN(clamp)(X x, const X *p)
{
    X y = x < p[0] ? p[0] : x;
    return y > p[1] ? p[1] : y;
}

static inline X FN(pow_scalar)(X x, const X *p)
{
    return OWN(pow)(x, p[0]);
}

static inline X FN(one)(X x, const X *p)
{
    (void)x;
    (void)p;
    return 1;
}

static inline X FN(same)(X x, const X *p)
{
    (void)p;
    return x;
}

static inline X FN(square)(X x, const X *p)
{
    (void)p;
    return x * x;
}

/* In f64, where x·x of an f32 is exact, so that the result is rounded like that of pow(). */
static inline X FN(cube)(X x, const X *p)
{
    (void)p;
    return (X)((double)x * (double)x * (double)x);
}

static inline X FN(inverse)(X x, const X *p)
{
    (void)p;
    return 1 / x;
}

static inline X FN(inverse_sqrt)(X x, const X *p)
{
    (void)p;
    return 1 / MATH(sqrt)(x);
}

static inline X FN(add_scalar)(X x, const X *p)
{
    return x + p[0];
}

static inline X FN(mul_scalar)(X x, const X *p)
{
    return x * p[0];
}

static inline X FN(div_scalar)(X x, const X *p)
{
    return x / p[0];
}

static inline X FN(sign)(X x, const X *p)
{
    (void)p;
    return (X)(x > 0) - (X)(x < 0);
}

#define Y X
#define PARAMETER(v) ((X)(v))
#define NAME FN(run_neg)
#define F FN(neg)
#include "kernels/array/loop1.h"
#define NAME FN(run_exp)
#define F FN(exp)
#include "kernels/array/loop1.h"
#define NAME FN(run_log)
#define F FN(log)
#include "kernels/array/loop1.h"
#define NAME FN(run_sqrt)
#define F FN(sqrt)
#include "kernels/array/loop1.h"
#define NAME FN(run_abs)
#define F FN(abs)
#include "kernels/array/loop1.h"
#define NAME FN(run_tanh)
#define F FN(tanh)
#include "kernels/array/loop1.h"
#define NAME FN(run_sigmoid)
#define F FN(sigmoid)
#include "kernels/array/loop1.h"
#define NAME FN(run_clamp)
#define F FN(clamp)
#include "kernels/array/loop1.h"
#define NAME FN(run_pow_scalar)
#define F FN(pow_scalar)
#include "kernels/array/loop1.h"
#define NAME FN(run_one)
#define F FN(one)
#include "kernels/array/loop1.h"
#define NAME FN(run_same)
#define F FN(same)
#include "kernels/array/loop1.h"
#define NAME FN(run_square)
#define F FN(square)
#include "kernels/array/loop1.h"
#define NAME FN(run_cube)
#define F FN(cube)
#include "kernels/array/loop1.h"
#define NAME FN(run_inverse)
#define F FN(inverse)
#include "kernels/array/loop1.h"
#define NAME FN(run_inverse_sqrt)
#define F FN(inverse_sqrt)
#include "kernels/array/loop1.h"
#define NAME FN(run_add_scalar)
#define F FN(add_scalar)
#include "kernels/array/loop1.h"
#define NAME FN(run_mul_scalar)
#define F FN(mul_scalar)
#include "kernels/array/loop1.h"
#define NAME FN(run_div_scalar)
#define F FN(div_scalar)
#include "kernels/array/loop1.h"
#define NAME FN(run_sign)
#define F FN(sign)
#include "kernels/array/loop1.h"

#include "kernels/array/unary_pieces_impl.h"

/* Each element of a run through the function of blocks of its operation. */
static void FN(run_blocks)(const cnn__nest_run *run)
{
    X *y = run->at[0];
    const X *x = run->at[1];
    const double p[2] = { (double)PARAMETER(run->parameters[0]), (double)PARAMETER(run->parameters[1]) };
    double block[CNN__BLOCK] = { 0 };
    for (int64_t first = 0; first < run->n; first += CNN__BLOCK) {
        int64_t n = cnn__min(run->n - first, CNN__BLOCK);
        for (int64_t i = 0; i < n; i++) {
            block[i] = (double)x[(first + i) * run->stride[1]];
        }
        run->block(block, p);
        for (int64_t i = 0; i < n; i++) {
            y[(first + i) * run->stride[0]] = (X)block[i];
        }
    }
}

/* The common exponents need no pow(). For 0.5 and −0.5 they are PyTorch's, which differs from pow() for −inf and −0.
 * Cubes of f64 would be rounded twice, so they are not among them. */
static cnn__run_fn FN(power)(double exponent)
{
    static const struct {
        X exponent;
        cnn__run_fn run;
    } common[] = { { 0, FN(run_one) },
                   { 1, FN(run_same) },
                   { 2, FN(run_square) },
                   { -1, FN(run_inverse) },
                   { (X)0.5, FN(run_sqrt) },
                   { (X)-0.5, FN(run_inverse_sqrt) },
                   { 3, sizeof(X) < sizeof(double) ? FN(run_cube) : FN(run_pow_scalar) } };
    for (size_t i = 0; i < sizeof common / sizeof common[0]; i++) {
        if ((X)exponent == common[i].exponent) {
            return common[i].run;
        }
    }
    return FN(run_pow_scalar);
}

static const cnn__run_fn FN(unary)[CNN_UNARY_COUNT] = {
#define CNN__UNARY(NAME, name, cost) [CNN_UNARY_##NAME] = FN(run_##name),
#define CNN__UNARY_BLOCK(NAME, name, cost) [CNN_UNARY_##NAME] = FN(run_blocks),
#include "kernels/array/unary.def"
#undef CNN__UNARY
#undef CNN__UNARY_BLOCK
};
#undef Y
#undef X
#undef PARAMETER
#undef MATH
#undef OWN
#undef FN
