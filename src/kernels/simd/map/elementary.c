/* The slope of erf, logarithms of other bases, exp2, expm1 and log1p, by blocks of f64. Errors stay below 3 units in
 * the last place. */
#include "kernels/array/elementary.h"

#include "kernels/simd/map/blocks.h"

#ifdef CNN__OWN_BLOCKS

/* 2/√π · exp(−x²), x² being the sum of h² and (x − h)·(x + h), where h has half of the bits of x. */
void CNN__BLOCK(erf_slope)(double *x, const double *p)
{
    (void)p;
    for (int i = 0; i < CNN__MAP_STEP; i++) {
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

void CNN__BLOCK(log2)(double *x, const double *p)
{
    (void)p;
    for (int i = 0; i < CNN__MAP_STEP; i++) {
        x[i] = log_of_base(x[i], 1, 0, 0x1.71547652b82fep+0);
    }
}

void CNN__BLOCK(log10)(double *x, const double *p)
{
    (void)p;
    for (int i = 0; i < CNN__MAP_STEP; i++) {
        x[i] = log_of_base(x[i], 0x1.34413509f7800p-2, 0x1.fef311f12b358p-46, 0x1.bcb7b1526e50ep-2);
    }
}

void CNN__BLOCK(log1p)(double *x, const double *p)
{
    (void)p;
    for (int i = 0; i < CNN__MAP_STEP; i++) {
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

void CNN__BLOCK(exp2)(double *x, const double *p)
{
    (void)p;
    for (int i = 0; i < CNN__MAP_STEP; i++) {
        x[i] = exp2_of(x[i]);
    }
}

void CNN__BLOCK(expm1)(double *x, const double *p)
{
    (void)p;
    for (int i = 0; i < CNN__MAP_STEP; i++) {
        x[i] = cnn__expm1_f64(x[i]);
    }
}

#endif
