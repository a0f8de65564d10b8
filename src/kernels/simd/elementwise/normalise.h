/* What the two files of normalisation share: the job of a launch, and sums of lanes in double. */
#ifndef CNN_KERNELS_SIMD_ELEMENTWISE_NORMALISE_H
#define CNN_KERNELS_SIMD_ELEMENTWISE_NORMALISE_H

#include "kernels/simd/table.h"
#include "kernels/simd/vector/partial.h"

#include <math.h>

enum {
    SETS_TILE = 64, /* columns: whole cache lines */
    SETS_TILE_VECTORS = SETS_TILE / LANES,
    WEIGHT_TILE = 256
};

typedef double doubles __attribute__((vector_size(CNN__VECTOR_BYTES), may_alias));

/* The lanes of a vector as double. */
typedef struct wide_lanes {
    doubles low, high;
} wide_lanes;

typedef struct normalise_job {
    const cnn__normalise *g;
    const float *x, *weight, *bias, *dy;
    double *statistics;
    float *y, *dx, *dweight, *dbias;
    int64_t per_task;
} normalise_job;

/* Compilers make two vectors of half the width of a conversion, and join them. */
CNN__INLINE wide_lanes widen(lanes v)
{
#if CNN__VECTOR_BYTES == 64 && defined __AVX512F__
    typedef float half_lanes __attribute__((vector_size(32)));
    const half_lanes low = __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7),
                     high = __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
    return (wide_lanes){ (doubles)X86(__builtin_ia32_cvtps2pd512_mask(low, (doubles){ 0 }, X86_ALL, X86_ROUNDING),
                                      _mm512_cvtps_pd((__m256)low)),
                         (doubles)X86(__builtin_ia32_cvtps2pd512_mask(high, (doubles){ 0 }, X86_ALL, X86_ROUNDING),
                                      _mm512_cvtps_pd((__m256)high)) };
#elif CNN__VECTOR_BYTES == 32
    typedef float half_lanes __attribute__((vector_size(16)));
    const half_lanes low = __builtin_shufflevector(v, v, 0, 1, 2, 3), high = __builtin_shufflevector(v, v, 4, 5, 6, 7);
    return (wide_lanes){ (doubles)X86(__builtin_ia32_cvtps2pd256(low), _mm256_cvtps_pd((__m128)low)),
                         (doubles)X86(__builtin_ia32_cvtps2pd256(high), _mm256_cvtps_pd((__m128)high)) };
#else
    return (wide_lanes){ { (double)v[0], (double)v[1] }, { (double)v[2], (double)v[3] } };
#endif
}

/* A vector that is read by halves need not be taken apart. */
CNN__INLINE wide_lanes widen_at(const float *x)
{
#if CNN__VECTOR_BYTES == 64 && defined __AVX512F__
    typedef float half_lanes __attribute__((vector_size(32)));
    half_lanes half[2];
    memcpy(half, x, sizeof half);
    return (wide_lanes){ (doubles)X86(__builtin_ia32_cvtps2pd512_mask(half[0], (doubles){ 0 }, X86_ALL, X86_ROUNDING),
                                      _mm512_cvtps_pd((__m256)half[0])),
                         (doubles)X86(__builtin_ia32_cvtps2pd512_mask(half[1], (doubles){ 0 }, X86_ALL, X86_ROUNDING),
                                      _mm512_cvtps_pd((__m256)half[1])) };
#else
    return widen(load(x));
#endif
}

CNN__INLINE wide_lanes add_wide_lanes(wide_lanes sum, lanes v)
{
    wide_lanes w = widen(v);
    return (wide_lanes){ sum.low + w.low, sum.high + w.high };
}

CNN__INLINE wide_lanes add_squares(wide_lanes sum, wide_lanes w, wide_lanes mean)
{
    return (wide_lanes){ sum.low + (w.low - mean.low) * (w.low - mean.low),
                         sum.high + (w.high - mean.high) * (w.high - mean.high) };
}

CNN__INLINE double wide_total(wide_lanes sum)
{
    doubles lanes_of = sum.low + sum.high;
    double total = 0;
    for (int i = 0; i < LANES / 2; i++) {
        total += lanes_of[i];
    }
    return total;
}

CNN__INLINE wide_lanes splat_wide(double x)
{
    return (wide_lanes){ x - (doubles){ 0 }, x - (doubles){ 0 } };
}

static inline double set_scale(const normalise_job *job, int64_t set)
{
    return job->statistics[(job->g->makes_statistics ? 2 : 1) * job->g->sets + set];
}

/* Writes the mean and the biased variance of a set. */
static inline void write_moments(const normalise_job *job, int64_t set, double mean, double variance)
{
    const cnn__normalise *g = job->g;
    double *rows = job->statistics + set + (g->joined ? 2 * g->sets : 0);
    rows[0] = job->statistics[set] = mean;
    rows[g->sets] = variance;
    if (g->joined) {
        job->statistics[g->sets + set] = 1 / sqrt(variance + g->eps);
    }
}

/* Writes the gradients of weight number w. */
static inline void write_weight(const normalise_job *job, int64_t w, double dweight, double dbias)
{
    if (job->dweight) {
        job->dweight[w] = (float)dweight;
    }
    if (job->dbias) {
        job->dbias[w] = (float)dbias;
    }
}

/* Tasks over tiles of neighbouring sets, and over tiles of weights (normalise_tiles.c). */
void CNN__SIMD(normalise_statistics_tile)(void *arg, int64_t task, int worker);
void CNN__SIMD(normalise_forward_tile)(void *arg, int64_t task, int worker);
void CNN__SIMD(normalise_backward_tile)(void *arg, int64_t task, int worker);
void CNN__SIMD(normalise_weight_tile)(void *arg, int64_t task, int worker);

#endif
