/* Powers, which need a logarithm with about ten bits more precision than f64, and cosines of turns. */
#include "base/math.h"

#include <stdbool.h>

/* A number as the sum of two, the second below a rounding error of the first. */
typedef struct math_pair {
    double high, low;
} math_pair;

/* Exact, for |a| ≥ |b| or a = 0. */
static math_pair sum_of(double a, double b)
{
    double high = a + b;
    return (math_pair){ high, b - (high - a) };
}

/* Exact (Dekker 1971), as long as nothing overflows. */
static math_pair product_of(double a, double b)
{
    const double splitter = 0x1p27 + 1;
    double ca = splitter * a, cb = splitter * b, a1 = ca - (ca - a), b1 = cb - (cb - b), a2 = a - a1, b2 = b - b1;
    double high = a * b;
    return (math_pair){ high, ((a1 * b1 - high) + a1 * b2 + a2 * b1) + a2 * b2 };
}

static math_pair math_multiply(math_pair a, math_pair b)
{
    math_pair p = product_of(a.high, b.high);
    return sum_of(p.high, p.low + (a.high * b.low + a.low * b.high));
}

static math_pair math_add(math_pair a, math_pair b)
{
    double high = a.high + b.high, part = high - a.high;
    double low = (a.high - (high - part)) + (b.high - part);
    return sum_of(high, low + a.low + b.low);
}

/* log(m) = 2s + 2/3·s³ + s⁵·(2/5 + …) with s = (m − 1) / (m + 1): the first two terms are computed as pairs; the
 * rest is below 2^-13 of the whole. */
static math_pair log_of(double x)
{
    double e, m = cnn__split_f64(x, &e), f = m - 1;
    math_pair d = m >= 1 ? sum_of(m, 1) : sum_of(1, m), s;
    s.high = f / d.high;
    math_pair p = product_of(s.high, d.high);
    s.low = ((f - p.high) - p.low - s.high * d.low) / d.high;
    math_pair z = math_multiply(s, s),
              cube = math_multiply(math_multiply(s, z), (math_pair){ 0x1.5555555555555p-1, 0x1.5555555555555p-55 });
    double q = z.high, r = 2.0 / 21;
    r = r * q + 2.0 / 19;
    r = r * q + 2.0 / 17;
    r = r * q + 2.0 / 15;
    r = r * q + 2.0 / 13;
    r = r * q + 2.0 / 11;
    r = r * q + 2.0 / 9;
    r = r * q + 2.0 / 7;
    r = r * q + 2.0 / 5;
    cube.low += r * q * q * s.high;
    math_pair whole = math_add((math_pair){ 2 * s.high, 2 * s.low }, cube);
    return math_add(math_add((math_pair){ e * CNN__LN2_HIGH_F64, 0 }, (math_pair){ e * CNN__LN2_LOW_F64, 0 }), whole);
}

static double positive_power(double x, double y)
{
    math_pair l = log_of(x);
    double estimate = y * l.high;
    if (!(estimate < 800 && estimate > -800)) {
        return estimate > 0 ? (double)INFINITY : 0;
    }
    math_pair p = product_of(y, l.high);
    p = sum_of(p.high, p.low + y * l.low);
    return cnn__exp_sum_f64(p.high, p.low);
}

static bool is_integer(double x)
{
    return floor(x) == x;
}

double cnn__pow_f64(double x, double y)
{
    if (y == 0 || x == 1) {
        return 1;
    }
    if (isnan(x) || isnan(y)) {
        return x + y;
    }
    bool odd = fabs(y) < 0x1p53 && is_integer(y) && !is_integer(y / 2);
    double a = fabs(x), sign = signbit(x) && odd ? -1 : 1;
    if (a == 0 || isinf(a)) {
        return sign * ((a == 0) == (y < 0) ? (double)INFINITY : 0);
    }
    if (isinf(y)) {
        return a == 1 ? 1 : (a > 1) == (y > 0) ? (double)INFINITY : 0;
    }
    if (x < 0 && !is_integer(y)) {
        return (double)NAN;
    }
    return a == 1 ? sign : sign * positive_power(a, y);
}

/* Before it is rounded to f32, the result has a relative error below 2^-44. */
float cnn__pow_f32(float x, float y)
{
    double a = fabs((double)x);
    if (x > 0 && x != 1 && isfinite(x) && isfinite(y)) {
        return (float)cnn__exp_f64((double)y * cnn__log_f64(a));
    }
    return (float)cnn__pow_f64((double)x, (double)y);
}

double cnn__cos_turns(double turns)
{
    double cosine, sine;
    cnn__turn_f64(turns, &cosine, &sine);
    return cosine;
}
