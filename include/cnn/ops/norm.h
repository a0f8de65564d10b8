/** @file
 * Normalisation: of batches, rows, groups of channels and neighbouring channels, and softmax. What ops.h says about
 * every operation holds here. */
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
    bool cumulative;           /**< layers only: the running statistics are the plain mean of all batches', see
                                    cnn_module_set_cumulative() */
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

/** @name Normalisation of samples
 * f32, f64 and bf16; floating operands of one call share the dtype, which is the result's. Each computes (x − mean) /
 * √(var + eps) · weight + bias, in training and in evaluation alike, with the mean and the biased variance of parts of
 * x; weight and bias may be NULL. Sums are made in double.
 * @since 0.2
 * @{ */
/** Options of layer, group and RMS normalisation; zero means the default. */
typedef struct cnn_norm_options {
    size_t struct_size;        /**< sizeof(cnn_norm_options) */
    double eps;                /**< added to the variance, at least 0; default 1e-5, of RMS normalisation the epsilon of
                                    the dtype that it is computed in: 2^-52 for f64, else 2^-23 */
    cnn_dtype dtype;           /**< layers only: of the parameters; default CNN_F32 */
    bool no_affine;            /**< layers only: no weight and no bias */
    bool no_bias;              /**< layers only: a weight alone; RMS normalisation has no bias anyway */
    unsigned char reserved[2]; /**< zero: room for later options */
} cnn_norm_options;

/** Layer normalisation (Ba et al., 2016; torch.nn.functional.layer_norm): the parts are the last `ndim` dimensions of
 * x, which are `shape`, as those of weight and bias are. The shape is only read. @since 0.2 */
CNN_API cnn_tensor *cnn_layer_norm(cnn_tensor *x, int ndim, const int64_t *shape, cnn_tensor *weight, cnn_tensor *bias,
                                   const cnn_norm_options *options);
/** RMS normalisation (Zhang & Sennrich, 2019; torch.nn.functional.rms_norm): x / √(mean(x²) + eps) · weight over the
 * last `ndim` dimensions of x, which are `shape`. @since 0.2 */
CNN_API cnn_tensor *cnn_rms_norm(cnn_tensor *x, int ndim, const int64_t *shape, cnn_tensor *weight,
                                 const cnn_norm_options *options);
/** Group normalisation (Wu & He, 2018; torch.nn.functional.group_norm) of x [N,C] or [N,C,d1,…]: a part is one of the
 * `groups` groups of C / groups neighbouring channels of one sample. Weight and bias are [C]. There must be more than
 * one value in a batch's group. @since 0.2 */
CNN_API cnn_tensor *cnn_group_norm(cnn_tensor *x, int64_t groups, cnn_tensor *weight, cnn_tensor *bias,
                                   const cnn_norm_options *options);
/** Instance normalisation (Ulyanov et al., 2016; torch.nn.functional.instance_norm) of x [N,C,d1,…]: a part is a
 * channel of one sample, of two or more values. Weight and bias are [C].
 *
 * Running statistics, NULL or tensors [C], are written and read as cnn_batch_norm() says: in training they move towards
 * the mean of all samples' statistics, which are used; in evaluation they are used themselves. @since 0.2 */
CNN_API cnn_tensor *cnn_instance_norm(cnn_tensor *x, cnn_tensor *weight, cnn_tensor *bias, cnn_tensor *running_mean,
                                      cnn_tensor *running_var, const cnn_batch_norm_options *options);

/** Options of local response normalisation; zero means the default, CNN_ZERO means 0. */
typedef struct cnn_local_response_norm_options {
    size_t struct_size;        /**< sizeof(cnn_local_response_norm_options) */
    double alpha;              /**< factor of the mean square; default 1e-4 */
    double beta;               /**< exponent; default 0.75 */
    double k;                  /**< added to the mean square; default 1 */
    unsigned char reserved[8]; /**< zero: room for later options */
} cnn_local_response_norm_options;

/** Local response normalisation (Krizhevsky et al., 2012; torch.nn.functional.local_response_norm) of x [N,C,d1,…]:
 * x / (k + alpha · Σ x² / size)^beta, where the sum is over the `size` channels around each, those that there are.
 * @since 0.2 */
CNN_API cnn_tensor *cnn_local_response_norm(cnn_tensor *x, int64_t size,
                                            const cnn_local_response_norm_options *options);
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
