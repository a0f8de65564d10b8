/* Elementwise operations with two operands for an integer dtype: X is its type, U the unsigned type that it wraps in,
 * LOWEST its lowest value, FN(name) its name. No include guard: one inclusion, one dtype. */
static inline X FN(add)(X a, X b)
{
    return (X)((U)a + (U)b);
}

static inline X FN(sub)(X a, X b)
{
    return (X)((U)a - (U)b);
}

static inline X FN(mul)(X a, X b)
{
    return (X)((U)a * (U)b);
}

/* The lowest value has no positive counterpart: divided by −1 it would trap, and wraps to itself. For an unsigned X the
 * same line says 0 / max = 0. */
static inline X FN(div)(X a, X b)
{
    if (b == 0) {
        return 0;
    }
    if (a == LOWEST && b == (X)-1) {
        return a;
    }
    return (X)(a / b);
}

static inline X FN(minimum)(X a, X b)
{
    return a < b ? a : b;
}

static inline X FN(maximum)(X a, X b)
{
    return a > b ? a : b;
}

static inline X FN(bit_and)(X a, X b)
{
    return a & b;
}

static inline X FN(bit_or)(X a, X b)
{
    return a | b;
}

static inline X FN(bit_xor)(X a, X b)
{
    return a ^ b;
}

static inline X FN(left_shift)(X a, X b)
{
    return (X)((U)b >= 8 * sizeof(X) ? 0 : (U)a << b);
}

/* Out of range only the sign stays, which an unsigned X has not. */
static inline X FN(right_shift)(X a, X b)
{
    if ((U)b >= 8 * sizeof(X)) {
        return LOWEST == 0 ? 0 : (X)(a >> (8 * sizeof(X) - 1));
    }
    return (X)(a >> b);
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
#define NAME FN(run_minimum)
#define F FN(minimum)
#include "kernels/array/loop2.h"
#define NAME FN(run_maximum)
#define F FN(maximum)
#include "kernels/array/loop2.h"
#define NAME FN(run_bit_and)
#define F FN(bit_and)
#include "kernels/array/loop2.h"
#define NAME FN(run_bit_or)
#define F FN(bit_or)
#include "kernels/array/loop2.h"
#define NAME FN(run_bit_xor)
#define F FN(bit_xor)
#include "kernels/array/loop2.h"
#define NAME FN(run_left_shift)
#define F FN(left_shift)
#include "kernels/array/loop2.h"
#define NAME FN(run_right_shift)
#define F FN(right_shift)
#include "kernels/array/loop2.h"

static const cnn__run_fn FN(binary)[CNN_BINARY_COUNT] = {
    [CNN_BINARY_ADD] = FN(run_add),
    [CNN_BINARY_SUB] = FN(run_sub),
    [CNN_BINARY_MUL] = FN(run_mul),
    [CNN_BINARY_DIV] = FN(run_div),
    [CNN_BINARY_MINIMUM] = FN(run_minimum),
    [CNN_BINARY_MAXIMUM] = FN(run_maximum),
    [CNN_BINARY_BIT_AND] = FN(run_bit_and),
    [CNN_BINARY_BIT_OR] = FN(run_bit_or),
    [CNN_BINARY_BIT_XOR] = FN(run_bit_xor),
    [CNN_BINARY_LEFT_SHIFT] = FN(run_left_shift),
    [CNN_BINARY_RIGHT_SHIFT] = FN(run_right_shift),
};
#undef Y
#undef X
#undef U
#undef LOWEST
#undef FN
