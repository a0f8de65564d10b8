/* exp, log, tanh and sigmoid in f32, in plain arithmetic as those of base/math.h in f64: loops over them vectorise, and
 * results are the same on every CPU, which those of libm are not. Errors stay below 3 units in the last place. */
#ifndef CNN_KERNELS_ARRAY_MATH_H
#define CNN_KERNELS_ARRAY_MATH_H

#include "base/math.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

static inline uint32_t cnn__bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float cnn__float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* 2^n for −126 ≤ n ≤ 127: the exponent field alone. */
static inline float cnn__power_of_2(uint32_t n)
{
    return cnn__float_of((n + 127) << 23);
}

/* ln 2 in two parts, the first with so few bits that its product with an exponent is exact. */
#define CNN__LN2_HIGH 0x1.62e4p-1f
#define CNN__LN2_LOW 0x1.7f7d1cp-20f

/* x = n·ln 2 + r with |r| ≤ ln 2 / 2: adding 1.5·2^23 rounds to an integer, which is then in the low bits. Returns
 * exp(r) − 1 by its Taylor series, whose next term is below 2^-27. */
static inline float cnn__exp_reduce(float x, uint32_t *n)
{
    const float round = 0x1.8p23f;
    float shifted = x * 0x1.715476p+0f + round;
    float whole = shifted - round;
    float r = (x - whole * CNN__LN2_HIGH) - whole * CNN__LN2_LOW;
    float p = 1.0f / 5040;
    p = p * r + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    *n = cnn__bits_of(shifted) - cnn__bits_of(round);
    return p * (r * r) + r;
}

/* 2^n is multiplied in two halves, so that results from the smallest subnormal to infinity come out. A NaN passes. */
static inline float cnn__exp_f32(float x)
{
    uint32_t n;
    x = x > 89 ? 89 : x;
    x = x < -104 ? -104 : x;
    float p = cnn__exp_reduce(x, &n) + 1;
    uint32_t half = (uint32_t)((int32_t)n / 2);
    return p * cnn__power_of_2(half) * cnn__power_of_2(n - half);
}

/* tanh |x| = t / (t + 2) with t = exp(2|x|) − 1 = 2^n·(exp(r) − 1) + (2^n − 1), exact near 0. */
static inline float cnn__tanh_f32(float x)
{
    uint32_t n;
    float y = fabsf(x);
    y = y > 10 ? 10 : y;
    float p = cnn__exp_reduce(2 * y, &n), scale = cnn__power_of_2(n);
    float t = scale * p + (scale - 1);
    return copysignf(t / (t + 2), x);
}

/* exp(x) − 1 for x ≤ 0, exact near 0: 2^n·(exp(r) − 1) + (2^n − 1). Below −60 the result is −1. */
static inline float cnn__expm1_f32(float x)
{
    uint32_t n;
    float y = x < -60 ? -60 : x;
    float p = cnn__exp_reduce(y, &n), scale = cnn__power_of_2(n);
    return copysignf(scale * p + (scale - 1), x);
}

/* 1 / (1 + exp(−x)), for a negative x as exp(x) / (1 + exp(x)): exp() never overflows. */
static inline float cnn__sigmoid_f32(float x)
{
    float e = cnn__exp_f32(-fabsf(x));
    return (x >= 0 ? 1 : e) / (1 + e);
}

/* x = 2^e·(1 + f) with 1 + f in [sqrt(1/2), sqrt(2)); with s = f / (2 + f), log(1 + f) = 2·artanh(s)
 * = f − f²/2 + s·(f²/2 + R(s²)), R being the series of 2·artanh(s)/s − 2. */
static inline float cnn__log_f32(float x)
{
    const uint32_t root_half = 0x3f3504f3, mantissa = 0x007fffff, one = 0x3f800000;
    float subnormal = x < 0x1p-126f ? 1.0f : 0.0f;
    float scaled = subnormal > 0 ? x * 0x1p23f : x;
    uint32_t bits = cnn__bits_of(scaled) + (one - root_half);
    float e = (float)((int32_t)(bits >> 23) - 127) - 23 * subnormal;
    float f = cnn__float_of((bits & mantissa) + root_half) - 1;
    float s = f / (2 + f), z = s * s, half = 0.5f * f * f;
    float r = z * (2.0f / 3 + z * (2.0f / 5 + z * (2.0f / 7 + z * (2.0f / 9 + z * (2.0f / 11)))));
    float y = e * CNN__LN2_HIGH + (f - (half - (s * (half + r) + e * CNN__LN2_LOW)));
    y = x == 0 ? -INFINITY : y;
    y = x < 0 ? NAN : y;
    return x < INFINITY ? y : x; /* also a NaN */
}

/* log(1 + y): what rounding 1 + y loses is made up for by the quotient (HP-15C Advanced Functions Handbook). */
static inline float cnn__log1p_f32(float y)
{
    float sum = 1 + y, step = sum - 1;
    return step == 0 ? y : cnn__log_f32(sum) * (y / step);
}

#endif
