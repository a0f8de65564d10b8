/** @file
 * First values of tensors: the functions of torch.nn.init, with its formulas. PyTorch's defaults, which C must be told:
 * uniform 0, 1; normal 0, 1; trunc_normal 0, 1, −2, 2; gains 1; groups of dirac 1; std of sparse 0.01.
 *
 * Each writes all elements of a contiguous tensor of the caller's or a module's, f32, f64 or bf16, before training or
 * between steps. Random ones take the context's next random stream, so that the same seed and order of calls give the
 * same numbers, whatever the number of threads, the kernels and the device.
 *
 * The fan-in of a weight [out, in, …] is `in` times the number of elements of what follows, the fan-out `out` times
 * that.
 *
 * All return CNN_OK; on failure nothing is written: CNN_ERROR_INVALID_ARGUMENT (a NULL, a number out of its range),
 * CNN_ERROR_DTYPE, CNN_ERROR_SHAPE (a rank that the function does not take), CNN_ERROR_STATE (a result of an
 * operation, or not contiguous), CNN_ERROR_NO_MEMORY. Infinite and NaN arguments are out of range. The tensor is used
 * by one thread at a time. */
#ifndef CNN_INIT_H
#define CNN_INIT_H

#include <cnn/tensor.h>

CNN_BEGIN_DECLS

/** What follows a layer, which decides by how much its weights are scaled. */
typedef enum cnn_nonlinearity {
    CNN_NONLINEARITY_LEAKY_RELU = 0, /**< gain √(2 / (1 + slope²)) */
    CNN_NONLINEARITY_RELU = 1,       /**< gain √2 */
    CNN_NONLINEARITY_LINEAR = 2,     /**< nothing, or a convolution; gain 1 */
    CNN_NONLINEARITY_SIGMOID = 3,    /**< gain 1 */
    CNN_NONLINEARITY_TANH = 4,       /**< gain 5/3 */
    CNN_NONLINEARITY_SELU = 5        /**< gain 3/4 */
} cnn_nonlinearity;

/** Which fan Kaiming's functions keep the variance over. */
typedef enum cnn_fan_mode {
    CNN_FAN_IN = 0, /**< keeps the variance of the forward pass; the default */
    CNN_FAN_OUT = 1 /**< keeps the variance of the backward pass */
} cnn_fan_mode;

/** Options of cnn_init_kaiming_uniform() and cnn_init_kaiming_normal(); zeros are PyTorch's defaults. */
typedef struct cnn_kaiming_options {
    size_t struct_size;            /**< sizeof(cnn_kaiming_options) */
    double a;                      /**< negative slope of a leaky ReLU; default 0 */
    cnn_fan_mode mode;             /**< default CNN_FAN_IN */
    cnn_nonlinearity nonlinearity; /**< default CNN_NONLINEARITY_LEAKY_RELU */
    unsigned char reserved[8];     /**< zero: room for later options */
} cnn_kaiming_options;

/** The recommended gain. @param slope  of CNN_NONLINEARITY_LEAKY_RELU (PyTorch's default: 0.01). @return NaN, which is
 * reported, for another value of the enum and a slope that is not finite. @since 0.2 */
CNN_API double cnn_init_gain(cnn_nonlinearity nonlinearity, double slope);

/** Uniform in [low, high), rounded to the dtype; `low` is not above `high`. @since 0.2 */
CNN_API cnn_status cnn_init_uniform(cnn_tensor *tensor, double low, double high);
/** Normal with that mean and standard deviation, `std` at least 0. @since 0.2 */
CNN_API cnn_status cnn_init_normal(cnn_tensor *tensor, double mean, double std);
/** Normal, with values outside of [low, high] drawn anew; `low` is below `high`, `std` above 0. Far from the mean,
 * where that would take forever, the same distribution is drawn in another way (Robert 1995, "Simulation of truncated
 * normal variables"). @since 0.2 */
CNN_API cnn_status cnn_init_trunc_normal(cnn_tensor *tensor, double mean, double std, double low, double high);
/** All `value`. @since 0.2 */
CNN_API cnn_status cnn_init_constant(cnn_tensor *tensor, double value);
/** All 1. @since 0.2 */
CNN_API cnn_status cnn_init_ones(cnn_tensor *tensor);
/** All 0. @since 0.2 */
CNN_API cnn_status cnn_init_zeros(cnn_tensor *tensor);
/** 1 on the diagonal of a matrix, else 0. @since 0.2 */
CNN_API cnn_status cnn_init_eye(cnn_tensor *tensor);
/** Identity of as many channels as there are: 1 in the middle of kernel [i, i, …] of each of `groups` groups, else 0;
 * rank 3 to 5, and `groups` divides the output channels. @since 0.2 */
CNN_API cnn_status cnn_init_dirac(cnn_tensor *tensor, int64_t groups);
/** Uniform in ±gain · √(6 / (fan_in + fan_out)) (Glorot & Bengio 2010); rank 2 or more. @since 0.2 */
CNN_API cnn_status cnn_init_xavier_uniform(cnn_tensor *tensor, double gain);
/** Normal with standard deviation gain · √(2 / (fan_in + fan_out)). @since 0.2 */
CNN_API cnn_status cnn_init_xavier_normal(cnn_tensor *tensor, double gain);
/** Uniform in ±gain · √(3 / fan) (He et al. 2015), with the gain of the nonlinearity; rank 2 or more.
 * @param options  NULL for the defaults. @since 0.2 */
CNN_API cnn_status cnn_init_kaiming_uniform(cnn_tensor *tensor, const cnn_kaiming_options *options);
/** Normal with standard deviation gain / √fan. @param options  NULL for the defaults. @since 0.2 */
CNN_API cnn_status cnn_init_kaiming_normal(cnn_tensor *tensor, const cnn_kaiming_options *options);
/** `gain` times a matrix [size 0, product of the others] whose rows, or columns where there are fewer, are orthonormal
 * (Saxe et al. 2014): the Q of a normal matrix's QR decomposition with a positive diagonal of R. @since 0.2 */
CNN_API cnn_status cnn_init_orthogonal(cnn_tensor *tensor, double gain);
/** A matrix of normal numbers with standard deviation `std` in which ceil(sparsity · rows) of each column are 0
 * (Martens 2010); `sparsity` from 0 to 1. @since 0.2 */
CNN_API cnn_status cnn_init_sparse(cnn_tensor *tensor, double sparsity, double std);

CNN_END_DECLS

#endif
