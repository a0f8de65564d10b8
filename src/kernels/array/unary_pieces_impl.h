/* Activations that are made of pieces of simple functions, for a real dtype, and their slopes: the derivatives at x. At
 * a kink, the point where two pieces meet, a slope is PyTorch's. Then rounding to integers. X, MATH, FN and PARAMETER
 * are those of unary_real_impl.h.
 * No include guard: one inclusion, one dtype. */
static inline X FN(leaky_relu)(X x, const X *p)
{
    return x > 0 ? x : x * p[0];
}

static inline X FN(leaky_relu_slope)(X x, const X *p)
{
    return x > 0 ? 1 : p[0];
}

static inline X FN(softsign)(X x, const X *p)
{
    (void)p;
    return x / (1 + MATH(fabs)(x));
}

static inline X FN(softsign_slope)(X x, const X *p)
{
    (void)p;
    X r = 1 / (1 + MATH(fabs)(x));
    return r * r;
}

static inline X FN(hardtanh_slope)(X x, const X *p)
{
    return ((x <= p[0]) | (x >= p[1])) ? 0 : (X)1;
}

/* min(max(x + 3, 0), 6); a NaN stays. */
static inline X FN(relu6_of_sum)(X x)
{
    X y = x + 3;
    y = y < 0 ? 0 : y;
    return y > 6 ? 6 : y;
}

static inline X FN(hardsigmoid)(X x, const X *p)
{
    (void)p;
    return FN(relu6_of_sum)(x) / 6;
}

static inline X FN(hardsigmoid_slope)(X x, const X *p)
{
    (void)p;
    return ((x > -3) & (x < 3)) ? (X)1 / 6 : 0;
}

static inline X FN(hardswish)(X x, const X *p)
{
    (void)p;
    return x * FN(relu6_of_sum)(x) / 6;
}

static inline X FN(hardswish_slope)(X x, const X *p)
{
    (void)p;
    X y = x >= 3 ? 1 : x / 3 + (X)0.5;
    return x <= -3 ? 0 : y;
}

static inline X FN(floor)(X x, const X *p)
{
    (void)p;
    return MATH(floor)(x);
}

static inline X FN(ceil)(X x, const X *p)
{
    (void)p;
    return MATH(ceil)(x);
}

/* In the thread's rounding mode (platform/float_mode.h), which takes halves to the even one unless a program changes
 * it. */
static inline X FN(round)(X x, const X *p)
{
    (void)p;
    return MATH(rint)(x);
}

static inline X FN(trunc)(X x, const X *p)
{
    (void)p;
    return MATH(trunc)(x);
}

#define NAME FN(run_leaky_relu)
#define F FN(leaky_relu)
#include "kernels/array/loop1.h"
#define NAME FN(run_leaky_relu_slope)
#define F FN(leaky_relu_slope)
#include "kernels/array/loop1.h"
#define NAME FN(run_softsign)
#define F FN(softsign)
#include "kernels/array/loop1.h"
#define NAME FN(run_softsign_slope)
#define F FN(softsign_slope)
#include "kernels/array/loop1.h"
#define NAME FN(run_hardtanh_slope)
#define F FN(hardtanh_slope)
#include "kernels/array/loop1.h"
#define NAME FN(run_hardsigmoid)
#define F FN(hardsigmoid)
#include "kernels/array/loop1.h"
#define NAME FN(run_hardsigmoid_slope)
#define F FN(hardsigmoid_slope)
#include "kernels/array/loop1.h"
#define NAME FN(run_hardswish)
#define F FN(hardswish)
#include "kernels/array/loop1.h"
#define NAME FN(run_hardswish_slope)
#define F FN(hardswish_slope)
#include "kernels/array/loop1.h"
#define NAME FN(run_floor)
#define F FN(floor)
#include "kernels/array/loop1.h"
#define NAME FN(run_ceil)
#define F FN(ceil)
#include "kernels/array/loop1.h"
#define NAME FN(run_round)
#define F FN(round)
#include "kernels/array/loop1.h"
#define NAME FN(run_trunc)
#define F FN(trunc)
#include "kernels/array/loop1.h"
