/* Kernels of elements: filling, copying and casting, functions of one and two elements, comparisons, losses of each
 * element, random numbers and dropout. */
#ifndef WITHOUT_F32
#define WITHOUT_F64 /* they have a module of their own */
#endif
#include "arguments.h"
#include "enumerations.h"
#include "numbers.h"

DEVICE double pow_of_f64(double x, double y)
{
    return pow(x, y);
}

/* Computes as the CPU does: before it is rounded, the result has a relative error below 2^-44. */
DEVICE float pow_of_f32(float x, float y)
{
    if (x > 0 && x != 1 && x - x == 0 && y - y == 0) {
        return (float)cnn__exp_f64((double)y * cnn__log_f64((double)x));
    }
    return (float)pow((double)x, (double)y);
}

#ifndef WITHOUT_F32
/* ---- filling and copying ---- */

/* n elements; sizes: dtype, n; values: the number. Reals go through double, as cnn_tensor_fill() says. */
KERNEL(fill, plain_arguments)
{
    EACH (i, a->size[1]) {
        store_real(a->size[0], a->out[0], i, a->value[0]);
    }
}

/* Operands: y, x; sizes: dtype of y, dtype of x. Integers go through int64 and reals through double. */
KERNEL_OF_STEPS(cast, nested_arguments)
{
    const int64_t to = a->size[0], from = a->size[1];
    EACH (i, a->nest.count) {
        int64_t at[2];
        nest_seek(&a->nest, i, 2, at);
        if (from == OF_BF16 && to == OF_F32) { /* these two by their bits, which keeps those of a NaN */
            ((uint32_t *)a->out[0])[at[0]] = (uint32_t)((const uint16_t *)a->in[0])[at[1]] << 16;
        } else if (from == OF_F32 && to == OF_BF16) {
            ((bf16 *)a->out[0])[at[0]] = bf16_of_bits(((const uint32_t *)a->in[0])[at[1]]);
        } else if (from == OF_F32 || from == OF_F64 || from == OF_BF16) {
            store_real(to, a->out[0], at[0], load_real(from, a->in[0], at[1]));
        } else {
            store_integer(to, a->out[0], at[0], load_integer(from, a->in[0], at[1]));
        }
    }
}

/* Elements of one size move as they are, in a nest of y and x, or contiguous ones; where() chooses. */
#define MOVES(X, bytes) \
    KERNEL(JOINED(copy_, bytes), nested_arguments) \
    { \
        X *y = (X *)a->out[0]; \
        const X *x = (const X *)a->in[0]; \
        EACH (i, a->nest.count) { \
            int64_t at[2]; \
            nest_seek(&a->nest, i, 2, at); \
            y[at[0]] = x[at[1]]; \
        } \
    } \
    KERNEL_OF_STEPS(JOINED(move_, bytes), plain_arguments) \
    { \
        X *y = (X *)a->out[0]; \
        const X *x = (const X *)a->in[0]; \
        EACH (i, a->size[0]) { \
            y[i] = x[i]; \
        } \
    } \
    /* Operands: y, condition, a, b. */ \
    KERNEL(JOINED(where_, bytes), nested_arguments) \
    { \
        X *y = (X *)a->out[0]; \
        const uint8_t *condition = (const uint8_t *)a->in[0]; \
        const X *yes = (const X *)a->in[1], *no = (const X *)a->in[2]; \
        EACH (i, a->nest.count) { \
            int64_t at[4]; \
            nest_seek(&a->nest, i, 4, at); \
            y[at[0]] = condition[at[1]] ? yes[at[2]] : no[at[3]]; \
        } \
    }
MOVES(uint8_t, 1)
MOVES(uint16_t, 2)
MOVES(uint32_t, 4)
MOVES(uint64_t, 8)

typedef struct sixteen {
    uint64_t part[2];
} sixteen;

/* sizes: n pieces of 16 bytes, which are aligned to that. */
KERNEL_OF_STEPS(move_16, plain_arguments)
{
    sixteen *y = (sixteen *)a->out[0];
    const sixteen *x = (const sixteen *)a->in[0];
    EACH (i, a->size[0]) {
        y[i] = x[i];
    }
}

#endif

/* ---- reals ---- */

#ifndef WITHOUT_F32
#define X float
#define FN(name) name##_f32
#define MATH(name) name##f
#define OWN(name) cnn__##name##_f32
#include "elements_real.h"
#endif

#ifndef WITHOUT_F64
#define X double
#define FN(name) name##_f64
#define MATH(name) name
#define OWN(name) cnn__##name##_f64
#include "elements_real.h"
#endif

#ifndef WITHOUT_F32
/* ---- integers ---- */

#define X int64_t
#define U uint64_t
#define LOWEST INT64_MIN
#define FN(name) name##_i64
#define SATURATED(v) i64_of_real(v)
#include "elements_integer.h"

#define X int32_t
#define U uint32_t
#define LOWEST INT32_MIN
#define FN(name) name##_i32
#define SATURATED(v) i32_of_i64(i64_of_real(v))
#include "elements_integer.h"

#define X uint8_t
#define U uint32_t
#define LOWEST 0
#define FN(name) name##_u8
#define SATURATED(v) u8_of_i64(i64_of_real(v))
#include "elements_integer.h"
#endif
