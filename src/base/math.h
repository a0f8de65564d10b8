/* exp, log, tanh, sigmoid, pow, cos and pairs of normal numbers in f64, in plain arithmetic. Loops over all but pow and
 * cos vectorise, and results are the same on every CPU; those of libm are not, because libm chooses its functions
 * according to the CPU. Errors stay below 3 units in the last place, and those of exp, log and pow below 2; what normal
 * numbers are made of says its bounds itself. */
#ifndef CNN_BASE_MATH_H
#define CNN_BASE_MATH_H

#include "platform/target.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t cnn__bits_of_f64(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline double cnn__f64_of_bits(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* 2^n for −1022 ≤ n ≤ 1023: the exponent field alone. */
static inline double cnn__power_of_2_f64(uint64_t n)
{
    return cnn__f64_of_bits((n + 1023) << 52);
}

/* ln 2 in two parts, the first with so few bits that its product with an exponent is exact. */
#define CNN__LN2_HIGH_F64 0x1.62e42fee00000p-1
#define CNN__LN2_LOW_F64 0x1.a39ef35793c76p-33

/* x + low = n·ln 2 + r with |r| ≤ ln 2 / 2: adding 1.5·2^52 rounds to an integer, which is then in the low bits.
 * Returns exp(r) − 1 by its Taylor series, whose next term is below 2^-57. */
static inline double cnn__exp_reduce_f64(double x, double low, uint64_t *n)
{
    const double round = 0x1.8p52;
    double shifted = x * 0x1.71547652b82fep+0 + round;
    double whole = shifted - round;
    double r = (x - whole * CNN__LN2_HIGH_F64) - whole * CNN__LN2_LOW_F64 + low;
    double p = 1.0 / 6227020800;
    p = p * r + 1.0 / 479001600;
    p = p * r + 1.0 / 39916800;
    p = p * r + 1.0 / 3628800;
    p = p * r + 1.0 / 362880;
    p = p * r + 1.0 / 40320;
    p = p * r + 1.0 / 5040;
    p = p * r + 1.0 / 720;
    p = p * r + 1.0 / 120;
    p = p * r + 1.0 / 24;
    p = p * r + 1.0 / 6;
    p = p * r + 0.5;
    *n = cnn__bits_of_f64(shifted) - cnn__bits_of_f64(round);
    return p * (r * r) + r;
}

/* exp(x + low), |low| far below |x|. 2^n is multiplied in two halves, so that results from the smallest subnormal to
 * infinity come out. A NaN passes. */
static inline double cnn__exp_sum_f64(double x, double low)
{
    uint64_t n;
    x = x > 710 ? 710 : x;
    x = x < -746 ? -746 : x;
    double p = cnn__exp_reduce_f64(x, low, &n) + 1;
    uint64_t half = (uint64_t)(int64_t)((int32_t)(uint32_t)n / 2);
    return p * cnn__power_of_2_f64(half) * cnn__power_of_2_f64(n - half);
}

static inline double cnn__exp_f64(double x)
{
    return cnn__exp_sum_f64(x, 0);
}

/* tanh |x| = t / (t + 2) with t = exp(2|x|) − 1 = 2^n·(exp(r) − 1) + (2^n − 1), exact near 0. */
static inline double cnn__tanh_f64(double x)
{
    uint64_t n;
    double y = fabs(x);
    y = y > 22 ? 22 : y;
    double p = cnn__exp_reduce_f64(2 * y, 0, &n), scale = cnn__power_of_2_f64(n);
    double t = scale * p + (scale - 1);
    return copysign(t / (t + 2), x);
}

/* 1 / (1 + exp(−x)), for a negative x as exp(x) / (1 + exp(x)): exp() never overflows. */
static inline double cnn__sigmoid_f64(double x)
{
    double e = cnn__exp_f64(-fabs(x));
    return (x >= 0 ? 1 : e) / (1 + e);
}

/* Positive x = 2^e·m with m in [sqrt(1/2), sqrt(2)). */
static inline double cnn__split_f64(double x, double *e)
{
    const uint64_t root_half = 0x3fe6a09e667f3bcd, mantissa = 0x000fffffffffffff, one = 0x3ff0000000000000;
    double subnormal = x < 0x1p-1022 ? 1.0 : 0.0;
    double scaled = subnormal > 0 ? x * 0x1p54 : x;
    uint64_t bits = cnn__bits_of_f64(scaled) + (one - root_half);
    *e = (double)((int32_t)(bits >> 52) - 1023) - 54 * subnormal;
    return cnn__f64_of_bits((bits & mantissa) + root_half);
}

/* e·ln 2 + log(m). With f = m − 1 and s = f / (2 + f), log(m) = 2·artanh(s) = f − f²/2 + s·(f²/2 + R(s²)), R being the
 * series of 2·artanh(s)/s − 2. */
static inline double cnn__log_sum_f64(double e, double m)
{
    double f = m - 1, s = f / (2 + f), z = s * s, half = 0.5 * f * f;
    double r = 2.0 / 21;
    r = r * z + 2.0 / 19;
    r = r * z + 2.0 / 17;
    r = r * z + 2.0 / 15;
    r = r * z + 2.0 / 13;
    r = r * z + 2.0 / 11;
    r = r * z + 2.0 / 9;
    r = r * z + 2.0 / 7;
    r = r * z + 2.0 / 5;
    r = z * (r * z + 2.0 / 3);
    return e * CNN__LN2_HIGH_F64 + (f - (half - (s * (half + r) + e * CNN__LN2_LOW_F64)));
}

static inline double cnn__log_f64(double x)
{
    double e, m = cnn__split_f64(x, &e), y = cnn__log_sum_f64(e, m);
    y = x == 0 ? -INFINITY : y;
    y = x < 0 ? (double)NAN : y;
    return x < INFINITY ? y : x; /* a NaN also takes this branch */
}

/* log(x) of a positive normal number, with the bits of cnn__log_f64(). An exponent becomes a number as the last bits of
 * 2^52. */
static inline double cnn__log_normal_f64(double x)
{
    uint64_t bits = cnn__bits_of_f64(x) + (0x3ff0000000000000 - 0x3fe6a09e667f3bcd);
    double e = cnn__f64_of_bits((bits >> 52) | 0x4330000000000000) - (0x1p52 + 1023);
    return cnn__log_sum_f64(e, cnn__f64_of_bits((bits & 0x000fffffffffffff) + 0x3fe6a09e667f3bcd));
}

/* x^y with the special cases of C's annex F. */
double cnn__pow_f64(double x, double y);
float cnn__pow_f32(float x, float y);

/* A pair of normal numbers by Box and Muller is a radius times the cosine and the sine of a turn. The polynomials of
 * these three have the least greatest error (by Remez' algorithm), which is below 2^-52 of the function.
 *
 * The radius sqrt(−2·log(x)) for 2^-53 ≤ x ≤ 1, within 2^-51 of itself. With x = 2^e·m as in cnn__log_normal_f64() and
 * s = (m − 1) / (m + 1), −2·log(x) is −2·e·ln 2 − 4·artanh(s). */
static inline double cnn__normal_radius_f64(double x)
{
    uint64_t bits = cnn__bits_of_f64(x) + (0x3ff0000000000000 - 0x3fe6a09e667f3bcd);
    double e = cnn__f64_of_bits((bits >> 52) | 0x4330000000000000) - (0x1p52 + 1023);
    double m = cnn__f64_of_bits((bits & 0x000fffffffffffff) + 0x3fe6a09e667f3bcd);
    double s = (m - 1) / (m + 1), z = s * s;
    double p = -0x1.58785440fdca6p-2;
    p = p * z - 0x1.732c14d6aa557p-2;
    p = p * z - 0x1.c72278926423ap-2;
    p = p * z - 0x1.24924176e3d94p-1;
    p = p * z - 0x1.999999a294a68p-1;
    p = p * z - 0x1.5555555553960p+0;
    p = p * z - 4;
    return sqrt(p * s - e * 0x1.62e42fefa39efp+0);
}

/* The cosine and the sine of 2π·turns for 0 ≤ turns < 1, both within 2^-52 where
 * numbers are rounded to nearest. The subtraction of the nearest quarter
 * turn, whose number is in the last bits of the sum with 1.5·2^50, is exact and leaves at most an eighth of a turn, of
 * which both are made. Odd quarters swap them, and each quarter has its signs. */
static inline void cnn__turn_f64(double turns, double *cosine, double *sine)
{
    const double round = 0x1.8p50;
    const uint64_t sign = UINT64_C(1) << 63;
    double shifted = turns + round, x = turns - (shifted - round), z = x * x;
    double s = 0x1.e3eed64f39fa7p+1, c = 0x1.f3ef42da939e3p+2;
    s = s * z - 0x1.e30063a1fae0ep+3;
    s = s * z + 0x1.50782fca3b22ap+5;
    c = c * z - 0x1.a6ca00984819bp+4;
    s = s * z - 0x1.32d2cce2d538ep+6;
    c = c * z + 0x1.e1f4fbfc06784p+5;
    s = s * z + 0x1.466bc67758700p+6;
    c = c * z - 0x1.55d3c7dcb5fbcp+6;
    s = s * z - 0x1.4abbce625be41p+5;
    c = c * z + 0x1.03c1f081b14bep+6;
    s = (s * z + 0x1.921fb54442d18p+2) * x;
    c = (c * z - 0x1.3bd3cc9be45a5p+4) * z + 1;
    uint64_t quarter = cnn__bits_of_f64(shifted);
    uint64_t sine_bits = cnn__bits_of_f64(s), cosine_bits = cnn__bits_of_f64(c);
    uint64_t swap = (sine_bits ^ cosine_bits) & (0 - (quarter & 1));
    *cosine = cnn__f64_of_bits((cosine_bits ^ swap) ^ ((quarter + 1) << 62 & sign));
    *sine = cnn__f64_of_bits((sine_bits ^ swap) ^ (quarter << 62 & sign));
}

/* The cosine alone. */
double cnn__cos_turns(double turns);

#endif
