/* One element of one dtype as another: toward zero, saturating, NaN → 0, bool by ≠ 0. Reals pass through double and
 * integers through int64_t, which hold every value of their kind. */
#ifndef CNN_KERNELS_ARRAY_CONVERT_H
#define CNN_KERNELS_ARRAY_CONVERT_H

#include <stdint.h>

static inline float cnn__f32_of_real(double x)
{
    return (float)x;
}

static inline float cnn__f32_of_integer(int64_t x)
{
    return (float)x;
}

static inline double cnn__f64_of_real(double x)
{
    return x;
}

static inline double cnn__f64_of_integer(int64_t x)
{
    return (double)x;
}

/* 2^63 is the first double past int64_t. */
static inline int64_t cnn__i64_of_real(double x)
{
    return x != x ? 0 : x >= 0x1p63 ? INT64_MAX : x < -0x1p63 ? INT64_MIN : (int64_t)x;
}

static inline int64_t cnn__i64_of_integer(int64_t x)
{
    return x;
}

static inline int32_t cnn__i32_of_integer(int64_t x)
{
    return x > INT32_MAX ? INT32_MAX : x < INT32_MIN ? INT32_MIN : (int32_t)x;
}

static inline int32_t cnn__i32_of_real(double x)
{
    return cnn__i32_of_integer(cnn__i64_of_real(x));
}

static inline uint8_t cnn__u8_of_integer(int64_t x)
{
    return x > UINT8_MAX ? UINT8_MAX : x < 0 ? 0 : (uint8_t)x;
}

static inline uint8_t cnn__u8_of_real(double x)
{
    return cnn__u8_of_integer(cnn__i64_of_real(x));
}

static inline uint8_t cnn__bool_of_integer(int64_t x)
{
    return x != 0;
}

static inline uint8_t cnn__bool_of_real(double x)
{
    return x != 0;
}

#endif
