/* The reference of normalisation, compiled for f32 and for f64. */
#include "kernels/reference/reference.h"

#include <math.h>

static double normalise_scale(const cnn__normalise *g, const double *statistics, int64_t set)
{
    return statistics[(g->makes_statistics ? 2 : 1) * g->sets + set];
}

#define REAL float
#define NAME(name) cnn__##name##_f32
#include "kernels/reference/normalise_impl.h"
#undef REAL
#undef NAME

#define REAL double
#define NAME(name) cnn__##name##_f64
#include "kernels/reference/normalise_impl.h"
