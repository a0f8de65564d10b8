/* Batch normalisation over the channels of a contiguous [batch, channels, inner] (Ioffe & Szegedy, "Batch
 * Normalization", 2015): y = (x − mean) / √(var + eps) · weight + bias, and its gradients. Mean and variance are sums
 * in double of each channel's batch · inner elements, in an order that follows from the sizes alone. */
#ifndef CNN_KERNELS_BATCH_NORM_H
#define CNN_KERNELS_BATCH_NORM_H

#include "base/pool.h"

#include <cnn/backend.h>

typedef struct cnn__batch_norm {
    cnn_dtype dtype; /* f32 or f64, of everything but the statistics */
    int64_t batch, channels, inner;
    bool batch_statistics; /* of the gradients: mean and variance depend on x */
    const void *x;
    const void *weight, *bias; /* [channels], or NULL for ones and zeros */
    double *mean, *scale;      /* [channels] each: the mean and 1 / √(var + eps) */
} cnn__batch_norm;

/* Writes g->mean and, to `var`, the biased variance of each channel. */
void cnn__batch_norm_statistics(const cnn__batch_norm *g, double *var, cnn__pool *pool);

void cnn__batch_norm_forward(const cnn__batch_norm *g, void *y, cnn__pool *pool);

/* Writes the gradients that are not NULL. */
void cnn__batch_norm_backward(const cnn__batch_norm *g, const void *dy, void *dx, void *dweight, void *dbias,
                              cnn__pool *pool);

/* Moves the running mean and variance towards `statistics`, a batch's means and biased variances, by the momentum; the
 * variance towards the unbiased one, as in PyTorch. */
void cnn__batch_norm_move(const cnn_batch_norm_parameters *g, cnn_dtype dtype, const double *statistics, void *mean,
                          void *var);
/* Makes of `statistics` (means, variances) means and scales; of the running ones where those are given. */
void cnn__batch_norm_scale(const cnn_batch_norm_parameters *g, cnn_dtype dtype, const void *mean, const void *var,
                           double *statistics);

/* `in`: bias, weight, shift (each may be NULL), mean, variance. Writes the scale of each channel and the bias with
 * which a convolution whose weight is multiplied by it does the normalisation, too. */
void cnn__batch_norm_fold(const cnn_batch_norm_parameters *g, cnn_dtype dtype, const void *const in[5], void *scale,
                          void *bias);

#endif
