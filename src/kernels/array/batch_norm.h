/* What becomes of a batch's statistics in batch normalisation (Ioffe & Szegedy, "Batch Normalization", 2015); the
 * normalisation itself is in kernels/normalise.h. */
#ifndef CNN_KERNELS_BATCH_NORM_H
#define CNN_KERNELS_BATCH_NORM_H

#include "base/pool.h"

#include <cnn/backend.h>

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
