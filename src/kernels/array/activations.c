/* Smooth activations and their slopes, by blocks. Slopes are PyTorch's derivatives, from the input alone. Errors stay
 * below 5 units in the last place of f64, and below 1 of f32, which is rounded once. Differences that cancel, such as
 * the slope of SiLU near its minimum, have that error in units of what is subtracted. */
#include "kernels/array/map.h"

#include "kernels/array/elementary.h"

/* ---- ELU, CELU, SELU: scale · x, and a · (exp(b·x) − 1) where x ≤ 0 ---- */

static inline void elu_block(double *x, double scale, double a, double b)
{
    for (int i = 0; i < CNN__MAP_STEP; i++) {
        double below = a * cnn__expm1_f64(b * x[i]);
        x[i] = x[i] <= 0 ? below : scale * x[i];
    }
}

static inline void elu_slope_block(double *x, double scale, double a, double b)
{
    for (int i = 0; i < CNN__MAP_STEP; i++) {
        double below = a * b * cnn__exp_f64(b * x[i]);
        x[i] = x[i] <= 0 ? below : scale;
    }
}

void cnn__elu_block(double *x, const double *p)
{
    elu_block(x, 1, p[0], p[1]);
}

void cnn__elu_slope_block(double *x, const double *p)
{
    elu_slope_block(x, 1, p[0], p[1]);
}

void cnn__selu_block(double *x, const double *p)
{
    (void)p;
    elu_block(x, SELU_SCALE, SELU_SCALE * SELU_ALPHA, 1);
}

void cnn__selu_slope_block(double *x, const double *p)
{
    (void)p;
    elu_slope_block(x, SELU_SCALE, SELU_SCALE * SELU_ALPHA, 1);
}

/* ---- SiLU: x · σ(x) ---- */

void cnn__silu_block(double *x, const double *p)
{
    (void)p;
    for (int i = 0; i < CNN__MAP_STEP; i++) {
        x[i] *= cnn__sigmoid_f64(x[i]);
    }
}

/* σ(x) · (1 + x · (1 − σ(x))), where 1 − σ(x) = σ(−x). */
void cnn__silu_slope_block(double *x, const double *p)
{
    (void)p;
    for (int i = 0; i < CNN__MAP_STEP; i++) {
        double e = cnn__exp_f64(-fabs(x[i])), sum = 1 + e;
        double s = (x[i] >= 0 ? 1 : e) / sum, other = (x[i] >= 0 ? e : 1) / sum;
        x[i] = s * (1 + x[i] * other);
    }
}

/* ---- Mish: x · tanh(log(1 + exp(x))) ---- */

/* tanh(log(1 + e)) = n / (n + 2) with n = e·(e + 2); from x = 20 on it is 1. */
static inline double mish_tanh(double x)
{
    double e = cnn__exp_f64(x > 20 ? 20 : x), n = e * (e + 2);
    return n / (n + 2);
}

void cnn__mish_block(double *x, const double *p)
{
    (void)p;
    for (int i = 0; i < CNN__MAP_STEP; i++) {
        x[i] *= mish_tanh(x[i]);
    }
}

void cnn__mish_slope_block(double *x, const double *p)
{
    (void)p;
    for (int i = 0; i < CNN__MAP_STEP; i++) {
        double t = mish_tanh(x[i]);
        x[i] = t + x[i] * cnn__sigmoid_f64(x[i]) * (1 - t * t);
    }
}

/* ---- Softplus: log(1 + exp(beta·x)) / beta, and x where beta·x > threshold; LogSigmoid: −log(1 + exp(−x)) ---- */

/* log(1 + exp(x)): exp() never overflows. */
static inline double log1p_exp(double x)
{
    return (x > 0 ? x : 0) + cnn__log1p_f64(cnn__exp_f64(-fabs(x)));
}

void cnn__softplus_block(double *x, const double *p)
{
    for (int i = 0; i < CNN__MAP_STEP; i++) {
        double z = p[0] * x[i], curved = log1p_exp(z) / p[0];
        x[i] = z > p[1] ? x[i] : curved;
    }
}

void cnn__softplus_slope_block(double *x, const double *p)
{
    for (int i = 0; i < CNN__MAP_STEP; i++) {
        double z = p[0] * x[i], curved = cnn__sigmoid_f64(z);
        x[i] = z > p[1] ? 1 : curved;
    }
}

void cnn__logsigmoid_block(double *x, const double *p)
{
    (void)p;
    for (int i = 0; i < CNN__MAP_STEP; i++) {
        x[i] = -log1p_exp(-x[i]);
    }
}

void cnn__logsigmoid_slope_block(double *x, const double *p)
{
    (void)p;
    for (int i = 0; i < CNN__MAP_STEP; i++) {
        x[i] = cnn__sigmoid_f64(-x[i]);
    }
}
