/** @file
 * Normalisation: batch normalisation and softmax. What ops.h says about every operation holds here. */
#ifndef CNN_OPS_NORM_H
#define CNN_OPS_NORM_H

#include <cnn/tape.h>
#include <cnn/tensor.h>

CNN_BEGIN_DECLS

/** @name Batch normalisation
 * f32, f64 and bf16; floating operands of one call share the dtype, which is the result's.
 * @since 0.1
 * @{ */
/** Options of batch normalisation; zero means the default. */
typedef struct cnn_batch_norm_options {
    size_t struct_size;        /**< sizeof(cnn_batch_norm_options) */
    double momentum;           /**< share of the batch in the running statistics, in [0, 1]; default 0.1 */
    double eps;                /**< added to the variance, at least 0; default 1e-5 */
    cnn_dtype dtype;           /**< layers only: of parameters and statistics; default CNN_F32 */
    bool no_affine;            /**< layers only: no weight and no bias */
    bool no_running;           /**< layers only: no running statistics; evaluation uses the batch's, too */
    bool cumulative;           /**< layers only: the running statistics are the plain mean of all batches' */
    unsigned char reserved[1]; /**< zero: room for later options */
} cnn_batch_norm_options;

/**
 * Batch normalisation (Ioffe & Szegedy, 2015; torch.nn.functional.batch_norm): per channel c of x [N,C] or [N,C,d1,…],
 * (x − mean) / √(var + eps) · weight + bias, where weight and bias [C] may be NULL.
 *
 * In training (cnn_tape_training()), and where there are no running statistics, mean and variance are those of the
 * channel's elements in this batch (the variance biased), two or more of them, and gradients go through them. In
 * training the running statistics then become (1 − momentum) · old + momentum · the batch's (the variance unbiased):
 * they are written in place, seen by everybody at once, and put back if the step fails. In evaluation they are used and
 * not written. Both are NULL, or tensors [C] that are neither results of operations nor ask for a gradient. Sums are
 * made in double. @since 0.2
 */
CNN_API cnn_tensor *cnn_batch_norm(cnn_tensor *x, cnn_tensor *weight, cnn_tensor *bias, cnn_tensor *running_mean,
                                   cnn_tensor *running_var, const cnn_batch_norm_options *options);
/** @} */

/** @name Softmax
 * f32, f64 and bf16; floating operands of one call share the dtype, which is the result's.
 * @since 0.1
 * @{ */
/** exp(x) / Σ exp(x) along `dim`; computed from x − max(x), so that nothing overflows. */
CNN_API cnn_tensor *cnn_softmax(cnn_tensor *x, int dim);
/** log(softmax(x)) along `dim`, computed stably. */
CNN_API cnn_tensor *cnn_log_softmax(cnn_tensor *x, int dim);
/** @} */

CNN_END_DECLS

#endif
