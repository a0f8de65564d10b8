/* erf, erfc, GELU, which is x · Φ(x), and PyTorch's approximation with tanh, by blocks. */
#include "kernels/array/map.h"

#include "kernels/array/elementary.h"

/* The standard normal distribution function: erfc(y) / 2 for y = |x| / √2, from the other side for a positive x. The
 * polynomial in t = (y − 3.75) / (y + 3.75), of which all y ≥ 0 make −1 ≤ t < 1 (Schonfelder 1978, "Chebyshev
 * Expansions for the Error and Related Functions"), interpolates exp(y²) · erfc(y) at Chebyshev nodes: its error is
 * below 5e-15. The sums of a block take their terms together, because a single one would wait for itself. */
static void normal_block(const double *x, double *normal)
{
    static const double terms[] = { -1.0523945093154906e-09, 7.962808012962341e-10,  6.726477295160293e-09,
                                    -5.197944119572639e-09,  -2.103508450090885e-08, 1.9238214008510112e-08,
                                    5.6063727242872113e-08,  -8.734867151360959e-08, -2.0701412722701207e-07,
                                    6.729357119183988e-07,   7.634139728907029e-07,  -6.19146431745321e-06,
                                    3.5775388028014274e-06,  4.79019145905113e-05,   -0.0001524610018873318,
                                    -2.5536115786053408e-05, 0.0018029621386995132,  -0.008220621033806238,
                                    0.024143223999254317,    -0.05480232670534253,   0.10260431203087034,
                                    -0.16357189552349596,    0.22600806691664982,    -0.2734219314954322,
                                    0.14558972127503828 };
    const double root_half = 0.70710678118654752440;
    double y[CNN__MAP_STEP], t[CNN__MAP_STEP], sum[CNN__MAP_STEP] = { 0 };
    for (int i = 0; i < CNN__MAP_STEP; i++) {
        double d = fabs(x[i]) * root_half;
        d = d > 30 ? 30 : d;
        y[i] = d;
        t[i] = (d - 3.75) / (d + 3.75);
    }
    for (size_t k = 0; k < sizeof terms / sizeof terms[0]; k++) {
        for (int i = 0; i < CNN__MAP_STEP; i++) {
            sum[i] = sum[i] * t[i] + terms[k];
        }
    }
    for (int i = 0; i < CNN__MAP_STEP; i++) {
        double side = cnn__exp_f64(-y[i] * y[i]) * sum[i] / 2;
        normal[i] = x[i] > 0 ? 1 - side : side;
    }
}

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
    double normal[CNN__MAP_STEP];
    (void)p;
    for (int i = 0; i < CNN__MAP_STEP; i++) {
        normal[i] = -fabs(x[i]) * 1.4142135623730950488;
    }
    normal_block(normal, normal); /* erfc(|x|) / 2, with an error that is far below a unit of erf(x) from 2 on */
    for (int i = 0; i < CNN__MAP_STEP; i++) {
        double far = copysign(1 - 2 * normal[i], x[i]);
        x[i] = fabs(x[i]) <= 2 ? erf_near(x[i]) : far;
    }
}

/* ---- erfc ---- */

/* From 0.477 on, where erf(x) is 1/2, (1 + 2·y) · exp(y²) · erfc(y) for y = |x| is a polynomial in t = (y − 3.75) /
 * (y + 3.75), with values from 1 to 1.3. It interpolates at the Chebyshev nodes of 0 ≤ y ≤ 27.3, with an error of
 * 2^-56; beyond, the result is 0. With h, which has half of the bits of y, h² and w = 1 + 2·h are exact, and so is
 * the product of w and a ratio of f32. What these lack, and what the last sum of the polynomial loses, goes into the
 * exponent as its logarithm, so that errors stay below 3 units in the last place. */
void cnn__erfc_block(double *x, const double *p)
{
    static const double terms[] = { -2.360522062505669e-09, -7.28355201689257e-10,  3.2853865855032794e-08,
                                    1.5617908096635943e-08, -2.52849205577804e-07,  -4.77698299208642e-08,
                                    1.7484869076103767e-06, -9.803704925289925e-07, -1.1443262512802912e-05,
                                    2.2387313512838182e-05, 5.1649028841359415e-05, -0.0002901549694589009,
                                    0.00029371363655085193, 0.0017556260158339083,  -0.009746579548789899,
                                    0.028362277400827144,   -0.058693398590725296,  0.0923043211614956,
                                    -0.10880393014169336,   0.08227673849011337,    0.0035854154854634396,
                                    -0.1402405985855467 };
    const double last = 1.2375126308378275;
    double y[CNN__MAP_STEP], t[CNN__MAP_STEP], sum[CNN__MAP_STEP] = { 0 };
    (void)p;
    for (int i = 0; i < CNN__MAP_STEP; i++) {
        double d = fabs(x[i]);
        d = d > 28 ? 28 : d;
        y[i] = d;
        t[i] = (d - 3.75) / (d + 3.75);
    }
    for (size_t k = 0; k < sizeof terms / sizeof terms[0]; k++) {
        for (int i = 0; i < CNN__MAP_STEP; i++) {
            sum[i] = sum[i] * t[i] + terms[k];
        }
    }
    for (int i = 0; i < CNN__MAP_STEP; i++) {
        double h = cnn__f64_of_bits((cnn__bits_of_f64(y[i]) + 0x4000000) & 0xfffffffff8000000), w = 1 + 2 * h;
        double most = last + sum[i] * t[i], lost = sum[i] * t[i] - (most - last);
        double short_ratio = (double)(float)(most / w), rest = (most - short_ratio * w + lost) / most;
        double low = rest + rest * rest / 2 - (y[i] - h) * (y[i] + h + 2 / w);
        double side = cnn__exp_sum_f64(-h * h, low) * short_ratio, far = x[i] < 0 ? 2 - side : side;
        x[i] = y[i] < 0.477 ? 1 - erf_near(x[i]) : far;
    }
}

/* ---- GELU ---- */

/* tanh of GELU's approximation. */
static inline __attribute__((always_inline)) double gelu_tanh(double x)
{
    return cnn__tanh_f64(0.79788456080286535588 * (x + 0.044715 * x * x * x));
}

static void gelu_tanh_block(double *x)
{
    for (int i = 0; i < CNN__MAP_STEP; i++) {
        x[i] *= (1 + gelu_tanh(x[i])) / 2;
    }
}

static void gelu_tanh_slope_block(double *x)
{
    for (int i = 0; i < CNN__MAP_STEP; i++) {
        double t = gelu_tanh(x[i]);
        x[i] = (1 + t) / 2 + x[i] / 2 * (1 - t * t) * 0.79788456080286535588 * (1 + 0.134145 * x[i] * x[i]);
    }
}

void cnn__gelu_block(double *x, const double *p)
{
    double normal[CNN__MAP_STEP];
    if (p[0] != 0) {
        gelu_tanh_block(x);
        return;
    }
    normal_block(x, normal);
    for (int i = 0; i < CNN__MAP_STEP; i++) {
        x[i] *= normal[i];
    }
}

/* Φ(x) + x · Φ'(x). */
void cnn__gelu_slope_block(double *x, const double *p)
{
    double normal[CNN__MAP_STEP];
    if (p[0] != 0) {
        gelu_tanh_slope_block(x);
        return;
    }
    normal_block(x, normal);
    for (int i = 0; i < CNN__MAP_STEP; i++) {
        x[i] = normal[i] + x[i] * 0.39894228040143267794 * cnn__exp_f64(-x[i] * x[i] / 2);
    }
}
