/* Batch normalisation over the channels of a contiguous [batch, channels, inner] (Ioffe & Szegedy, "Batch
 * Normalization", 2015): y = (x − mean) / √(var + eps) · weight + bias, and its gradients. Mean and variance are sums
 * in double of each channel's batch · inner elements, in an order that follows from the sizes alone. */
#ifndef CNN_KERNELS_BATCH_NORM_H
#define CNN_KERNELS_BATCH_NORM_H

#include "base/pool.h"

#include <cnn/tensor.h>

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

#endif
