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

static const cnn__run_fn FN(unary)[CNN__UNARY_COUNT] = {
    [CNN__NEG] = FN(run_neg),
    [CNN__ABS] = FN(run_abs),
    [CNN__CLAMP] = FN(run_clamp),
};
#undef Y
#undef X
#undef U
#undef PARAMETER
#undef FN
