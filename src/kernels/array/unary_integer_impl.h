/* Elementwise operations with one operand for an integer dtype: X is its type, U the unsigned type that it wraps in,
 * PARAMETER(v) a saturated parameter, FN(name) its name. No include guard: one inclusion, one dtype. */
static inline X FN(neg)(X x, const X *p)
{
    (void)p;
    return (X)(0 - (U)x);
}

static inline X FN(abs)(X x, const X *p)
{
    return x > 0 ? x : FN(neg)(x, p);
}

/* Bounds are truncated like any real, which commutes with clamping. */
static inline X FN(clamp)(X x, const X *p)
{
    X y = x < p[0] ? p[0] : x;
    return y > p[1] ? p[1] : y;
}

static inline X FN(sign)(X x, const X *p)
{
    (void)p;
    return x > 0 ? 1 : (X)(0 - (U)(x != 0)); /* the second is −1, which an unsigned number never comes to */
}

/* Counters stay at the largest number. Only what is at least 0 is added. */
static inline X FN(count_on)(X x, const X *p)
{
    X y;
    return __builtin_add_overflow(x, p[0], &y) ? PARAMETER(INFINITY) : y;
}

#define Y X
#define NAME FN(run_neg)
#define F FN(neg)
#include "kernels/array/loop1.h"
#define NAME FN(run_abs)
#define F FN(abs)
#include "kernels/array/loop1.h"
#define NAME FN(run_clamp)
#define F FN(clamp)
#include "kernels/array/loop1.h"
#define NAME FN(run_sign)
#define F FN(sign)
#include "kernels/array/loop1.h"
#define NAME FN(run_count_on)
#define F FN(count_on)
#include "kernels/array/loop1.h"

static const cnn__run_fn FN(unary)[CNN_UNARY_COUNT] = {
    [CNN_UNARY_NEG] = FN(run_neg),   [CNN_UNARY_ABS] = FN(run_abs),      [CNN_UNARY_CLAMP] = FN(run_clamp),
    [CNN_UNARY_SIGN] = FN(run_sign), [CNN_UNARY_ADD] = FN(run_count_on),
};
#undef Y
#undef X
#undef U
#undef PARAMETER
#undef FN
