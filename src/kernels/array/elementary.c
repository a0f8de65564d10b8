/* erf, logarithms of other bases, exp2, expm1 and log1p, by blocks. Errors stay below 3 units in the last place of f64,
 * and below 1 of f32, which is rounded once. */
#include "kernels/array/elementary.h"

#include "kernels/array/blocks.h"

/* ---- erf ---- */

/* erf(x) / x for |x| ≤ 2 as a polynomial in s = x²/2 − 1, which interpolates at Chebyshev nodes: its error is below
 * 2^-54. */
static double erf_near(double x)
{
    static const double terms[] = { 1.8432390307610604e-15,  -1.9548761899498147e-14, 1.8801900746786954e-13,
                                    -1.7994469644496973e-12, 1.6350999585758883e-11,  -1.4032035153678243e-10,
                                    1.1348018486771143e-09,  -8.617498359204784e-09,  6.11956935218281e-08,
                                    -4.045095930296255e-07,  2.4758020424904474e-06,  -1.3946273693566707e-05,
                                    7.180100844042663e-05,   -0.00033514353353593406, 0.001405091423651731,
                                    -0.005234875836157382,   0.017128344571816678,    -0.04866277744915512,
                                    0.11947913860985186,     -0.2611118609312454,     0.674933236039655 };
    double s = x * x / 2 - 1, sum = 0;
    for (size_t k = 0; k < sizeof terms / sizeof terms[0]; k++) {
        sum = sum * s + terms[k];
    }
    return x * sum;
}

void cnn__erf_block(double *x, const double *p)
{
    double normal[CNN__BLOCK];
    (void)p;
    for (int i = 0; i < CNN__BLOCK; i++) {
        normal[i] = -fabs(x[i]) * 1.4142135623730950488;
    }
    cnn__normal_block(normal, normal); /* erfc(|x|) / 2, with an error that is far below a unit of erf(x) from 2 on */
    for (int i = 0; i < CNN__BLOCK; i++) {
        double far = copysign(1 - 2 * normal[i], x[i]);
        x[i] = fabs(x[i]) <= 2 ? erf_near(x[i]) : far;
    }
}

/* 2/√π · exp(−x²), x² being the sum of h² and (x − h)·(x + h), where h has half of the bits of x. */
void cnn__erf_slope_block(double *x, const double *p)
{
    (void)p;
    for (int i = 0; i < CNN__BLOCK; i++) {
        double y = fabs(x[i]) > 30 ? 30 : x[i], h = cnn__f64_of_bits(cnn__bits_of_f64(y) & 0xfffffffff8000000);
        x[i] = 1.1283791670955125739 * cnn__exp_sum_f64(-h * h, -(y - h) * (y + h));
    }
}

/* ---- logarithms ---- */

/* x = 2^e · m: e · (high + low) + scale · log(m), where the product of e and `high` is exact. Thus logarithms of powers
 * of 2, and of 10 for base 10, are exact. */
static inline double log_of_base(double x, double high, double low, double scale)
{
    double e, m = cnn__split_f64(x, &e);
    double y = e * high + (scale * cnn__log_f64(m) + e * low);
    y = x == 0 ? -(double)INFINITY : y;
    y = x < 0 ? (double)NAN : y;
    return x < (double)INFINITY ? y : x; /* a NaN also takes this branch */
}

void cnn__log2_block(double *x, const double *p)
{
    (void)p;
    for (int i = 0; i < CNN__BLOCK; i++) {
        x[i] = log_of_base(x[i], 1, 0, 0x1.71547652b82fep+0);
    }
}

void cnn__log10_block(double *x, const double *p)
{
    (void)p;
    for (int i = 0; i < CNN__BLOCK; i++) {
        x[i] = log_of_base(x[i], 0x1.34413509f7800p-2, 0x1.fef311f12b358p-46, 0x1.bcb7b1526e50ep-2);
    }
}

void cnn__log1p_block(double *x, const double *p)
{
    (void)p;
    for (int i = 0; i < CNN__BLOCK; i++) {
        x[i] = cnn__log1p_f64(x[i]);
    }
}

/* ---- exponentials ---- */

/* 2^x = 2^n · exp((x − n) · ln 2) with n the integer nearest to x, so that powers of 2 are exact. */
static inline double exp2_of(double x)
{
    const double round = 0x1.8p52;
    x = x > 1025 ? 1025 : x;
    x = x < -1080 ? -1080 : x;
    double shifted = x + round;
    uint64_t more, n = cnn__bits_of_f64(shifted) - cnn__bits_of_f64(round);
    double p = cnn__exp_reduce_f64((x - (shifted - round)) * 0x1.62e42fefa39efp-1, 0, &more) + 1;
    n += more;
    uint64_t half = (uint64_t)(int64_t)((int32_t)(uint32_t)n / 2);
    return p * cnn__power_of_2_f64(half) * cnn__power_of_2_f64(n - half);
}

void cnn__exp2_block(double *x, const double *p)
{
    (void)p;
    for (int i = 0; i < CNN__BLOCK; i++) {
        x[i] = exp2_of(x[i]);
    }
}

void cnn__expm1_block(double *x, const double *p)
{
    (void)p;
    for (int i = 0; i < CNN__BLOCK; i++) {
        x[i] = cnn__expm1_f64(x[i]);
    }
}
