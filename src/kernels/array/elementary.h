/* expm1 and log1p in f64, in plain arithmetic as the functions of base/math.h. Errors stay below 2 units in the last
 * place. */
#ifndef CNN_KERNELS_ARRAY_ELEMENTARY_H
#define CNN_KERNELS_ARRAY_ELEMENTARY_H

#include "base/math.h"

/* exp(x) − 1 = 2^n·(exp(r) − 1 + (1 − 2^−n)), exact near 0. Powers are multiplied in two halves, as in
 * cnn__exp_sum_f64(). Below −60 the result is −1. */
static inline double cnn__expm1_f64(double x)
{
    uint64_t n;
    double y = x > 710 ? 710 : x;
    y = y < -60 ? -60 : y;
    double p = cnn__exp_reduce_f64(y, 0, &n);
    uint64_t half = (uint64_t)(int64_t)((int32_t)(uint32_t)n / 2), rest = n - half;
    double down = cnn__power_of_2_f64(-half) * cnn__power_of_2_f64(-rest);
    double value = (p + (1 - down)) * cnn__power_of_2_f64(half) * cnn__power_of_2_f64(rest);
    return copysign(value, x);
}

/* log(1 + x): log(u) for the rounded sum u, and the rounding error of u over u, to first order. */
static inline double cnn__log1p_f64(double x)
{
    double u = 1 + x, lost = (x - (u - 1)) / u;
    double value = cnn__log_f64(u) + (((u > 0) & (u < (double)INFINITY)) ? lost : 0);
    return copysign(value, x);
}

#endif
