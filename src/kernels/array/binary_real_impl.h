/* Elementwise operations with two operands for a real dtype: X is its type, OWN(f) its function of base/math.h,
 * FN(name) its name. No include guard: one inclusion, one dtype. */
static inline X FN(add)(X a, X b)
{
    return a + b;
}

static inline X FN(sub)(X a, X b)
{
    return a - b;
}

static inline X FN(mul)(X a, X b)
{
    return a * b;
}

static inline X FN(div)(X a, X b)
{
    return a / b;
}

static inline X FN(pow)(X a, X b)
{
    return OWN(pow)(a, b);
}

static inline X FN(minimum)(X a, X b)
{
    X y = a < b ? a : b; /* b if one is NaN */
    return a != a ? a : y;
}

static inline X FN(maximum)(X a, X b)
{
    X y = a > b ? a : b;
    return a != a ? a : y;
}

static inline X FN(prelu)(X a, X b)
{
    return a > 0 ? a : a * b;
}

#define Y X
#define NAME FN(run_add)
#define F FN(add)
#include "kernels/array/loop2.h"
#define NAME FN(run_sub)
#define F FN(sub)
#include "kernels/array/loop2.h"
#define NAME FN(run_mul)
#define F FN(mul)
#include "kernels/array/loop2.h"
#define NAME FN(run_div)
#define F FN(div)
#include "kernels/array/loop2.h"
#define NAME FN(run_pow)
#define F FN(pow)
#include "kernels/array/loop2.h"
#define NAME FN(run_minimum)
#define F FN(minimum)
#include "kernels/array/loop2.h"
#define NAME FN(run_maximum)
#define F FN(maximum)
#include "kernels/array/loop2.h"
#define NAME FN(run_prelu)
#define F FN(prelu)
#include "kernels/array/loop2.h"

static const cnn__run_fn FN(binary)[CNN_BINARY_COUNT] = {
    [CNN_BINARY_ADD] = FN(run_add),         [CNN_BINARY_SUB] = FN(run_sub),     [CNN_BINARY_MUL] = FN(run_mul),
    [CNN_BINARY_DIV] = FN(run_div),         [CNN_BINARY_POW] = FN(run_pow),     [CNN_BINARY_MINIMUM] = FN(run_minimum),
    [CNN_BINARY_MAXIMUM] = FN(run_maximum), [CNN_BINARY_PRELU] = FN(run_prelu),
};
#undef Y
#undef X
#undef OWN
#undef FN
