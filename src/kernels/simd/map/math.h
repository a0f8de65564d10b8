/* exp, log, tanh and sigmoid in f32, in plain arithmetic as those of base/math.h in f64: loops over them vectorise, and
 * results are the same on every CPU that runs the same table, and in AVX2's and AVX-512's tables; those of libm are
 * not. Errors stay below 3 units in the last place. */
#ifndef CNN_KERNELS_SIMD_MAP_MATH_H
#define CNN_KERNELS_SIMD_MAP_MATH_H

#include "base/math.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* A loop that calls a function is not vectorised; SSE2's, which few processors run, are kept small. */
#if MAPS_JOIN
#define MATH_INLINE inline __attribute__((always_inline))
#else
#define MATH_INLINE inline
#endif

/* The functions that OWN(f) of map_impl.h names, by any file's name for an instruction set's own. */
#define exp_f32 CNN__SIMD(exp_f32)
#define expm1_f32 CNN__SIMD(expm1_f32)
#define log_f32 CNN__SIMD(log_f32)
#define log1p_f32 CNN__SIMD(log1p_f32)
#define sigmoid_f32 CNN__SIMD(sigmoid_f32)
#define tanh_f32 CNN__SIMD(tanh_f32)

static MATH_INLINE uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static MATH_INLINE float float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* a · b + c, rounded once with AVX2 and AVX-512: a polynomial takes half of the instructions, and is no less exact.
 * MAPS_JOIN is vector/lanes.h's, or the CUDA back end's. */
static MATH_INLINE float fused_add(float a, float b, float c)
{
    return MAPS_JOIN ? fmaf(a, b, c) : a * b + c;
}

/* 2^n for −126 ≤ n ≤ 127: the exponent field alone. */
static MATH_INLINE float power_of_2(uint32_t n)
{
    return float_of((n + 127) << 23);
}

/* ln 2 in two parts, the first with so few bits that its product with an exponent is exact. */
#define CNN__LN2_HIGH 0x1.62e4p-1f
#define CNN__LN2_LOW 0x1.7f7d1cp-20f

/* exp(r) − 1 for |r| ≤ ln 2 / 2 by its Taylor series, whose next term is below 2^-27. */
static MATH_INLINE float exp_series(float r)
{
    float p = 1.0f / 5040;
    p = fused_add(p, r, 1.0f / 720);
    p = fused_add(p, r, 1.0f / 120);
    p = fused_add(p, r, 1.0f / 24);
    p = fused_add(p, r, 1.0f / 6);
    p = fused_add(p, r, 0.5f);
    return fused_add(p, r * r, r);
}

/* x = n·ln 2 + r with |r| ≤ ln 2 / 2: adding 1.5·2^23, and with it an even `more`, rounds to an integer, which is
 * then in the low bits of `shifted`. Returns r. */
static MATH_INLINE float exp_split_shifted(float x, float more, float *shifted)
{
    const float round = 0x1.8p23f + more, sum = fused_add(x, 0x1.715476p+0f, round);
    const float whole = sum - round;
    *shifted = sum;
    return fused_add(whole, -CNN__LN2_LOW, fused_add(whole, -CNN__LN2_HIGH, x));
}

static MATH_INLINE float exp_split(float x, uint32_t *n)
{
    float shifted, r = exp_split_shifted(x, 0, &shifted);
    *n = bits_of(shifted) - bits_of(0x1.8p23f);
    return r;
}

static MATH_INLINE float exp_reduce(float x, uint32_t *n)
{
    return exp_series(exp_split(x, n));
}

/* exp(x) for −105 ≤ x ≤ 89 and a NaN. 2^n is multiplied in two halves, so that results from the smallest subnormal to
 * infinity come out. */
static MATH_INLINE float exp_bounded(float x)
{
    uint32_t n;
    float p = exp_reduce(x, &n) + 1;
    uint32_t both = n + 2 * 127, half = both >> 1; /* as exponent fields */
    return p * float_of(half << 23) * float_of((both - half) << 23);
}

/* The same for −105 ≤ x ≤ 0, by 2^(n + 63), whose exponent field is in the low bits, and 2^-63. */
static MATH_INLINE float exp_down(float x)
{
    float shifted, p = exp_series(exp_split_shifted(x, 63 + 127, &shifted)) + 1;
    return p * float_of(bits_of(shifted) << 23) * 0x1p-63f;
}

static MATH_INLINE float exp_f32(float x)
{
    x = x > 89 ? 89 : x;
    x = x < -104 ? -104 : x;
    return exp_bounded(x);
}

/* exp(−|x|) */
static MATH_INLINE float exp_decay(float x)
{
    float a = fabsf(x);
    return exp_down(-(a > 104 ? 104 : a));
}

/* tanh |x| = t / (t + 2) with t = exp(2|x|) − 1 = 2^n·(exp(r) − 1) + (2^n − 1), exact near 0. */
static MATH_INLINE float tanh_f32(float x)
{
    uint32_t n;
    float y = fabsf(x);
    y = y > 10 ? 10 : y;
    float p = exp_reduce(2 * y, &n), scale = power_of_2(n);
    float t = fused_add(scale, p, scale - 1);
    return copysignf(t / (t + 2), x);
}

/* exp(x) − 1 for x ≤ 0, exact near 0: 2^n·(exp(r) − 1) + (2^n − 1). Below −60 the result is −1. */
static MATH_INLINE float expm1_f32(float x)
{
    uint32_t n;
    float y = x < -60 ? -60 : x;
    float p = exp_reduce(y, &n), scale = power_of_2(n);
    return copysignf(fused_add(scale, p, scale - 1), x);
}

/* 1 / (1 + exp(−x)), for a negative x as exp(x) / (1 + exp(x)): exp() never overflows. */
static MATH_INLINE float sigmoid_f32(float x)
{
    float e = exp_decay(x);
    return (x >= 0 ? 1 : e) / (1 + e);
}

/* Positive normal x = 2^e·m with m in [sqrt(1/2), sqrt(2)). */
static MATH_INLINE float split_float(float x, float *e)
{
    const uint32_t root_half = 0x3f3504f3, mantissa = 0x007fffff, one = 0x3f800000;
    uint32_t bits = bits_of(x) + (one - root_half);
    *e = (float)((int32_t)(bits >> 23) - 127);
    return float_of((bits & mantissa) + root_half);
}

/* log(1 + f) + low for 1 + f in [sqrt(1/2), sqrt(2)), where log(1 + f) = f − f²/2 + f³·p(f), p of least relative error,
 * 2^-30 of the whole: even powers and odd ones, which wait for each other less. Compilers drop a term of −0, but none
 * of +0. */
static MATH_INLINE float log_near(float f, float low)
{
    float z = f * f, even = 0.067472420633f, odd = -0.11675912886f;
    even = fused_add(even, z, 0.1188803986f);
    odd = fused_add(odd, z, -0.12405538559f);
    even = fused_add(even, z, 0.14219561219f);
    odd = fused_add(odd, z, -0.16667999327f);
    even = fused_add(even, z, 0.20002117753f);
    odd = fused_add(odd, z, -0.25000008941f);
    even = fused_add(even, z, 0.33333313465f);
    return f - fused_add(0.5f, z, -fused_add(z * f, fused_add(odd, f, even), low));
}

/* e·ln 2 + log(1 + f) + low */
static MATH_INLINE float log_sum(float e, float f, float low)
{
    return fused_add(e, CNN__LN2_HIGH, log_near(f, fused_add(e, CNN__LN2_LOW, low)));
}

/* log(x), which is `y` for positive finite numbers. */
static MATH_INLINE float log_of_any(float x, float y)
{
    y = x == 0 ? -INFINITY : y;
    y = x < 0 ? NAN : y;
    return x < INFINITY ? y : x; /* also a NaN */
}

static MATH_INLINE float log_f32(float x)
{
    float e, subnormal = x < 0x1p-126f ? 1.0f : 0.0f;
    float m = split_float(subnormal > 0 ? x * 0x1p23f : x, &e);
    return log_of_any(x, log_sum(e - 23 * subnormal, m - 1, -0.0f));
}

/* log(1 + x) for −1 < x < ∞: what rounding 1 + x loses is made up for to first order. */
static MATH_INLINE float log1p_finite(float x)
{
    float e, sum = 1 + x, m = split_float(sum, &e);
    return log_sum(e, m - 1, (x - (sum - 1)) / sum);
}

static MATH_INLINE float log1p_f32(float x)
{
    return copysignf(log_of_any(1 + x, log1p_finite(x)), x);
}

#endif
