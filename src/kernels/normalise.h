/* Normalisation as kernels see it, one form for all layers: y = (x − mean) · scale · weight + bias with scale = 1 /
 * √(variance + eps) over the *sets* of a contiguous x [batch, sets, channels, inner].
 *
 * Batch normalisation has a set for each channel, over all samples: channels is 1. The others have a set for each row
 * of x or each group of a sample's channels: batch is 1, sets is samples · groups, and sets whose numbers are congruent
 * modulo `groups` share their weights [groups, channels]. Sums are made in double, in an order that follows from the
 * sizes alone. */
#ifndef CNN_KERNELS_NORMALISE_H
#define CNN_KERNELS_NORMALISE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct cnn__normalise {
    int64_t batch, sets, channels, inner;
    int64_t groups;        /* sets with weights of their own */
    bool own_statistics;   /* the mean and the variance depend on x, so gradients go through them */
    bool makes_statistics; /* forward makes them: means, variances and scales; else they are means and scales */
    bool uncentred;        /* the mean counts as 0 */
    bool joined;           /* forward makes them: means, scales, means again and variances */
    bool relu;             /* y = max(y, 0); backward is given the bias, from which it knows where y is 0 */
    float ceiling;         /* with relu, y = min(y, ceiling), too, unless it is 0 */
    double eps;
} cnn__normalise;

/* What a program does to the sums of a convolution, y [batch, channels, plane], before they leave the caches: what
 * follows it there as kernels of their own, with their bits. A batch normalisation by given statistics comes first,
 * then a sum with another tensor, then ReLU. */
typedef struct cnn__finish {
    const float *terms; /* (y − mean) · slope + shift: these three of each channel; NULL: no normalisation */
    const float *other; /* what is added, which lies as y does; NULL: nothing */
    int64_t channels, plane;
    float floor, ceiling; /* the floor and ceiling of ReLU; −∞ and NaN: none */
} cnn__finish;

/* Where sample b of a set begins in x. */
static inline int64_t cnn__normalise_at(const cnn__normalise *g, int64_t b, int64_t set)
{
    return (b * g->sets + set) * g->channels * g->inner;
}

#endif
