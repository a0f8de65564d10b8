/* sin, cos, tan and their inverses, by blocks of f64. Errors stay below 3 units in the last place, those of tan below
 * 5, for every argument. */
#include "kernels/simd/map/blocks.h"

#include "base/math.h"

#include <stdbool.h>

#ifdef CNN__OWN_BLOCKS

/* ---- reduction: x = n · π/2 + r with |r| ≤ π/4, and n modulo 4 in the low bits of `quarter` ---- */

typedef struct turns {
    double r[CNN__MAP_STEP];
    uint64_t quarter[CNN__MAP_STEP];
} turns;

/* 64 bits of 2/π from bit `at` behind the point on; before it they are 0. */
static uint64_t bits_of_two_over_pi(int at)
{
    static const uint64_t bits[] = { 0xa2f9836e4e441529, 0xfc2757d1f534ddc0, 0xdb6295993c439041, 0xfe5163abdebbc561,
                                     0xb7246e3a424dd2e0, 0x06492eea09d1921c, 0xfe1deb1cb129a73e, 0xe88235f52ebb4484,
                                     0xe99c7026b45f7e41, 0x3991d639835339f4, 0x9c845f8bbdf9283b, 0x1ff897ffde05980f,
                                     0xef2f118b5a0a6d1f, 0x6d367ecf27cb09b7, 0x4f463f669e5fea2d, 0x7527bac7ebe5f17b,
                                     0x3d0739f78a5292ea, 0x6bfb5fb11f8d5d08, 0x56033046fc7b6bab, 0xf0cfbc209af4361d };
    if (at < 0) {
        return at <= -64 ? 0 : bits[0] >> -at;
    }
    int word = at / 64, shift = at % 64;
    return shift ? bits[word] << shift | bits[word + 1] >> (64 - shift) : bits[word];
}

/* The high half of a product. */
static uint64_t high_product(uint64_t a, uint64_t b)
{
    uint64_t al = (uint32_t)a, ah = a >> 32, bl = (uint32_t)b, bh = b >> 32;
    uint64_t middle = ah * bl + (al * bl >> 32), other = al * bh + (uint32_t)middle;
    return ah * bh + (middle >> 32) + (other >> 32);
}

/* Large numbers (Payne and Hanek 1983): x = m · 2^e with a whole m of 53 bits, and of m · 2^e · 2/π only the two bits
 * before the point and 126 behind it are computed, from 192 bits of 2/π. */
static double reduce_far(double x, uint64_t *quarter)
{
    uint64_t bits = cnn__bits_of_f64(fabs(x)), m = (bits & 0xfffffffffffff) | 0x10000000000000;
    int at = (int)(bits >> 52) - 1075 - 2; /* bits before this one count for whole turns */
    uint64_t a = bits_of_two_over_pi(at), b = bits_of_two_over_pi(at + 64), c = bits_of_two_over_pi(at + 128);
    uint64_t low = m * b + high_product(m, c), high = m * a + high_product(m, b) + (low < high_product(m, c));
    uint64_t n = (high >> 62) + (high >> 61 & 1); /* rounded to the nearest */
    high <<= 2;
    high |= low >> 62;
    low <<= 2;
    bool negative = high >> 63 != 0;
    if (negative) { /* what is left is below 0: its absolute value */
        low = ~low + 1;
        high = ~high + (low == 0);
    }
    /* Both parts as numbers: what cancels at the front of `high` is made up for by `low`. */
    double fraction = ((double)(high >> 32) * 0x1p-32 + (double)(uint32_t)high * 0x1p-64) + (double)low * 0x1p-128;
    double r = fraction * 1.5707963267948966192;
    *quarter = x < 0 ? -n : n;
    return negative != (x < 0) ? -r : r;
}

/* π/2 in three parts, the first two of 33 bits: their products with n are exact for x below 2^19 · π/2. */
static void reduce_block(const double *x, turns *t)
{
    const double round = 0x1.8p52, limit = 823549;
    for (int i = 0; i < CNN__MAP_STEP; i++) {
        double shifted = x[i] * 0x1.45f306dc9c883p-1 + round, n = shifted - round;
        t->quarter[i] = cnn__bits_of_f64(shifted);
        t->r[i] = ((x[i] - n * 0x1.921fb544p+0) - n * 0x1.0b4611a6p-34) - n * 0x1.3198a2e037073p-69;
    }
    unsigned far = 0;
    for (int i = 0; i < CNN__MAP_STEP; i++) {
        far |= fabs(x[i]) > limit;
    }
    for (int i = 0; far && i < CNN__MAP_STEP; i++) {
        if (fabs(x[i]) > limit) { /* an infinity or a NaN gives a NaN */
            t->r[i] = fabs(x[i]) < INFINITY ? reduce_far(x[i], &t->quarter[i]) : x[i] - x[i];
        }
    }
}

/* Taylor series, whose next terms are below 2^-58. */
static inline double sin_of(double x)
{
    double z = x * x, p = -1.0 / 1307674368000;
    p = p * z + 1.0 / 6227020800;
    p = p * z - 1.0 / 39916800;
    p = p * z + 1.0 / 362880;
    p = p * z - 1.0 / 5040;
    p = p * z + 1.0 / 120;
    p = p * z - 1.0 / 6;
    return copysign(x + x * (z * p), x); /* copysign keeps −0 */
}

static inline double cos_of(double x)
{
    double z = x * x, p = 1.0 / 20922789888000;
    p = p * z - 1.0 / 87178291200;
    p = p * z + 1.0 / 479001600;
    p = p * z - 1.0 / 3628800;
    p = p * z + 1.0 / 40320;
    p = p * z - 1.0 / 720;
    p = p * z + 1.0 / 24;
    return 1 - (z / 2 - z * z * p);
}

/* sin(x + quarters · π/2) */
static void sin_block(double *x, uint64_t quarters)
{
    turns t;
    reduce_block(x, &t);
    for (int i = 0; i < CNN__MAP_STEP; i++) {
        uint64_t n = t.quarter[i] + quarters;
        double y = n & 1 ? cos_of(t.r[i]) : sin_of(t.r[i]);
        x[i] = n & 2 ? -y : y;
    }
}

void CNN__BLOCK(sin)(double *x, const double *p)
{
    (void)p;
    sin_block(x, 0);
}

void CNN__BLOCK(cos)(double *x, const double *p)
{
    (void)p;
    sin_block(x, 1);
}

void CNN__BLOCK(tan)(double *x, const double *p)
{
    turns t;
    (void)p;
    reduce_block(x, &t);
    for (int i = 0; i < CNN__MAP_STEP; i++) {
        double s = sin_of(t.r[i]), c = cos_of(t.r[i]);
        x[i] = t.quarter[i] & 1 ? -c / s : s / c;
    }
}

/* ---- inverses ---- */

/* atan |x| = base + atan(t): t = x to tan(π/8), (x − 1)/(x + 1) to tan(3π/8), −1/x from there on. The polynomial in
 * z = t² for (atan(t) − t) / t³ interpolates at Chebyshev nodes: its error is below 2^-53 of itself, which is below a
 * sixteenth of the whole. */
static inline double atan_of(double x)
{
    double a = fabs(x), top = a, bottom = 1, base = 0, low = 0;
    bool middle = a > 0.41421356237309503, far = a > 2.4142135623730949;
    top = middle ? a - 1 : top;
    bottom = middle ? a + 1 : bottom;
    base = middle ? 0x1.921fb54442d18p-1 : base;
    low = middle ? 0x1.1a62633145c07p-55 : low;
    top = far ? -1 : top;
    bottom = far ? a : bottom;
    base = far ? 0x1.921fb54442d18p+0 : base;
    low = far ? 0x1.1a62633145c07p-54 : low;
    double t = top / bottom, z = t * t, p = 0.016284375050043393;
    p = p * z - 0.03456931506332609;
    p = p * z + 0.045515447340221615;
    p = p * z - 0.05230443640686948;
    p = p * z + 0.05878927554473807;
    p = p * z - 0.0666642476020052;
    p = p * z + 0.07692296368042296;
    p = p * z - 0.09090908753259112;
    p = p * z + 0.11111111105150588;
    p = p * z - 0.14285714285659779;
    p = p * z + 0.19999999999999804;
    p = p * z - 0.3333333333333333;
    return copysign(base + (t + (t * (z * p) + low)), x);
}

void CNN__BLOCK(atan)(double *x, const double *p)
{
    (void)p;
    for (int i = 0; i < CNN__MAP_STEP; i++) {
        x[i] = atan_of(x[i]);
    }
}

/* asin(x) = atan(x / √((1 − x)(1 + x))) */
void CNN__BLOCK(asin)(double *x, const double *p)
{
    (void)p;
    for (int i = 0; i < CNN__MAP_STEP; i++) {
        x[i] = atan_of(x[i] / sqrt((1 - x[i]) * (1 + x[i])));
    }
}

/* acos(x) = 2 · atan(√((1 − x) / (1 + x))) */
void CNN__BLOCK(acos)(double *x, const double *p)
{
    (void)p;
    for (int i = 0; i < CNN__MAP_STEP; i++) {
        x[i] = 2 * atan_of(sqrt((1 - x[i]) / (1 + x[i])));
    }
}

#endif
