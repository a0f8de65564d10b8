/** @file
 * Activations as layers, each a function of <cnn/ops.h> without parameters, except PReLU's. What module.h says about
 * layers holds here: a constructor returns a module owned by the caller, or NULL on failure. */
#ifndef CNN_ACTIVATIONS_H
#define CNN_ACTIVATIONS_H

#include <cnn/ops.h>

CNN_BEGIN_DECLS

/** @name Options
 * Zero means the default, CNN_ZERO means 0.
 * @since 0.2
 * @{ */
/** Options of the layers that have none yet. Each has a name of its own for the type. */
typedef struct cnn_activation_options {
    size_t struct_size;        /**< sizeof(cnn_activation_options) */
    unsigned char reserved[8]; /**< zero: room for later options */
} cnn_activation_options;
typedef cnn_activation_options cnn_selu_options;        /**< of cnn_selu_create() */
typedef cnn_activation_options cnn_silu_options;        /**< of cnn_silu_create() */
typedef cnn_activation_options cnn_mish_options;        /**< of cnn_mish_create() */
typedef cnn_activation_options cnn_sigmoid_options;     /**< of cnn_sigmoid_create() */
typedef cnn_activation_options cnn_tanh_options;        /**< of cnn_tanh_create() */
typedef cnn_activation_options cnn_logsigmoid_options;  /**< of cnn_logsigmoid_create() */
typedef cnn_activation_options cnn_softsign_options;    /**< of cnn_softsign_create() */
typedef cnn_activation_options cnn_hardswish_options;   /**< of cnn_hardswish_create() */
typedef cnn_activation_options cnn_hardsigmoid_options; /**< of cnn_hardsigmoid_create() */
typedef cnn_activation_options cnn_relu6_options;       /**< of cnn_relu6_create() */
typedef cnn_activation_options cnn_softmax_options;     /**< of cnn_softmax_create() */
typedef cnn_activation_options cnn_log_softmax_options; /**< of cnn_log_softmax_create() */
typedef cnn_activation_options cnn_identity_options;    /**< of cnn_identity_create() */

/** Options of cnn_leaky_relu_create(). */
typedef struct cnn_leaky_relu_options {
    size_t struct_size;        /**< sizeof(cnn_leaky_relu_options) */
    double negative_slope;     /**< default 0.01 */
    unsigned char reserved[8]; /**< zero: room for later options */
} cnn_leaky_relu_options;

/** Options of cnn_prelu_create(). */
typedef struct cnn_prelu_options {
    size_t struct_size;        /**< sizeof(cnn_prelu_options) */
    int64_t num_parameters;    /**< 1, the default, or the channels of the input, which are its dimension 1 */
    double init;               /**< the first value of every weight; default 0.25 */
    cnn_dtype dtype;           /**< of the weight; default CNN_F32 */
    unsigned char reserved[4]; /**< zero: room for later options */
} cnn_prelu_options;

/** Options of cnn_elu_create(). */
typedef struct cnn_elu_options {
    size_t struct_size;        /**< sizeof(cnn_elu_options) */
    double alpha;              /**< default 1 */
    unsigned char reserved[8]; /**< zero: room for later options */
} cnn_elu_options;

/** Options of cnn_celu_create(). */
typedef struct cnn_celu_options {
    size_t struct_size;        /**< sizeof(cnn_celu_options) */
    double alpha;              /**< not CNN_ZERO; default 1 */
    unsigned char reserved[8]; /**< zero: room for later options */
} cnn_celu_options;

/** Options of cnn_softplus_create(). */
typedef struct cnn_softplus_options {
    size_t struct_size;        /**< sizeof(cnn_softplus_options) */
    double beta;               /**< default 1 */
    double threshold;          /**< default 20 */
    unsigned char reserved[8]; /**< zero: room for later options */
} cnn_softplus_options;

/** Options of cnn_hardtanh_create(). */
typedef struct cnn_hardtanh_options {
    size_t struct_size;        /**< sizeof(cnn_hardtanh_options) */
    double min_val;            /**< default −1 */
    double max_val;            /**< above min_val; default 1 */
    unsigned char reserved[8]; /**< zero: room for later options */
} cnn_hardtanh_options;
/** @} */

/** @name Activations as layers
 * `options` may be NULL. An option out of its range is CNN_ERROR_INVALID_ARGUMENT. Thread-safe.
 * @since 0.2
 * @{ */
/** torch.nn.LeakyReLU: cnn_leaky_relu() as a layer. */
CNN_API cnn_module *cnn_leaky_relu_create(cnn_context *ctx, const cnn_leaky_relu_options *options);
/** torch.nn.PReLU: cnn_prelu() with the parameter `weight` [num_parameters]. */
CNN_API cnn_module *cnn_prelu_create(cnn_context *ctx, const cnn_prelu_options *options);
/** torch.nn.ELU: cnn_elu() as a layer. */
CNN_API cnn_module *cnn_elu_create(cnn_context *ctx, const cnn_elu_options *options);
/** torch.nn.CELU: cnn_celu() as a layer. */
CNN_API cnn_module *cnn_celu_create(cnn_context *ctx, const cnn_celu_options *options);
/** torch.nn.Softplus: cnn_softplus() as a layer. */
CNN_API cnn_module *cnn_softplus_create(cnn_context *ctx, const cnn_softplus_options *options);
/** torch.nn.Hardtanh: cnn_hardtanh() as a layer. */
CNN_API cnn_module *cnn_hardtanh_create(cnn_context *ctx, const cnn_hardtanh_options *options);
/** torch.nn.SELU: cnn_selu() as a layer. */
CNN_API cnn_module *cnn_selu_create(cnn_context *ctx, const cnn_selu_options *options);
/** torch.nn.SiLU: cnn_silu() as a layer. */
CNN_API cnn_module *cnn_silu_create(cnn_context *ctx, const cnn_silu_options *options);
/** torch.nn.Mish: cnn_mish() as a layer. */
CNN_API cnn_module *cnn_mish_create(cnn_context *ctx, const cnn_mish_options *options);
/** torch.nn.Sigmoid: cnn_sigmoid() as a layer. */
CNN_API cnn_module *cnn_sigmoid_create(cnn_context *ctx, const cnn_sigmoid_options *options);
/** torch.nn.Tanh: cnn_tanh() as a layer. */
CNN_API cnn_module *cnn_tanh_create(cnn_context *ctx, const cnn_tanh_options *options);
/** torch.nn.LogSigmoid: cnn_logsigmoid() as a layer. */
CNN_API cnn_module *cnn_logsigmoid_create(cnn_context *ctx, const cnn_logsigmoid_options *options);
/** torch.nn.Softsign: cnn_softsign() as a layer. */
CNN_API cnn_module *cnn_softsign_create(cnn_context *ctx, const cnn_softsign_options *options);
/** torch.nn.Hardswish: cnn_hardswish() as a layer. */
CNN_API cnn_module *cnn_hardswish_create(cnn_context *ctx, const cnn_hardswish_options *options);
/** torch.nn.Hardsigmoid: cnn_hardsigmoid() as a layer. */
CNN_API cnn_module *cnn_hardsigmoid_create(cnn_context *ctx, const cnn_hardsigmoid_options *options);
/** torch.nn.ReLU6: cnn_relu6() as a layer. */
CNN_API cnn_module *cnn_relu6_create(cnn_context *ctx, const cnn_relu6_options *options);
/** torch.nn.Softmax: cnn_softmax() along `dim` as a layer. A dimension that an input has not is an error when it
 * comes. */
CNN_API cnn_module *cnn_softmax_create(cnn_context *ctx, int dim, const cnn_softmax_options *options);
/** torch.nn.LogSoftmax: cnn_log_softmax() along `dim` as a layer. A dimension that an input has not is an error when it
 * comes. */
CNN_API cnn_module *cnn_log_softmax_create(cnn_context *ctx, int dim, const cnn_log_softmax_options *options);
/** torch.nn.Identity: returns its input. */
CNN_API cnn_module *cnn_identity_create(cnn_context *ctx, const cnn_identity_options *options);
/** @} */

#ifndef __cplusplus
#define CNN__ACTIVATION_NEW(name, ctx, ...) \
    cnn_##name##_create((ctx), &(cnn_##name##_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_leaky_relu_new(ctx, .negative_slope = 2)` */
#define cnn_leaky_relu_new(...) \
    CNN__ACTIVATION_NEW(leaky_relu, __VA_ARGS__, .struct_size = sizeof(cnn_leaky_relu_options))
/** `cnn_prelu_new(ctx, .num_parameters = 16)` */
#define cnn_prelu_new(...) CNN__ACTIVATION_NEW(prelu, __VA_ARGS__, .struct_size = sizeof(cnn_prelu_options))
/** `cnn_elu_new(ctx, .alpha = 2)` */
#define cnn_elu_new(...) CNN__ACTIVATION_NEW(elu, __VA_ARGS__, .struct_size = sizeof(cnn_elu_options))
/** `cnn_celu_new(ctx, .alpha = 2)` */
#define cnn_celu_new(...) CNN__ACTIVATION_NEW(celu, __VA_ARGS__, .struct_size = sizeof(cnn_celu_options))
/** `cnn_softplus_new(ctx, .beta = 2)` */
#define cnn_softplus_new(...) CNN__ACTIVATION_NEW(softplus, __VA_ARGS__, .struct_size = sizeof(cnn_softplus_options))
/** `cnn_hardtanh_new(ctx, .max_val = 2)` */
#define cnn_hardtanh_new(...) CNN__ACTIVATION_NEW(hardtanh, __VA_ARGS__, .struct_size = sizeof(cnn_hardtanh_options))
/** `cnn_selu_new(ctx)` */
#define cnn_selu_new(...) CNN__ACTIVATION_NEW(selu, __VA_ARGS__, .struct_size = sizeof(cnn_selu_options))
/** `cnn_silu_new(ctx)` */
#define cnn_silu_new(...) CNN__ACTIVATION_NEW(silu, __VA_ARGS__, .struct_size = sizeof(cnn_silu_options))
/** `cnn_mish_new(ctx)` */
#define cnn_mish_new(...) CNN__ACTIVATION_NEW(mish, __VA_ARGS__, .struct_size = sizeof(cnn_mish_options))
/** `cnn_sigmoid_new(ctx)` */
#define cnn_sigmoid_new(...) CNN__ACTIVATION_NEW(sigmoid, __VA_ARGS__, .struct_size = sizeof(cnn_sigmoid_options))
/** `cnn_tanh_new(ctx)` */
#define cnn_tanh_new(...) CNN__ACTIVATION_NEW(tanh, __VA_ARGS__, .struct_size = sizeof(cnn_tanh_options))
/** `cnn_logsigmoid_new(ctx)` */
#define cnn_logsigmoid_new(...) \
    CNN__ACTIVATION_NEW(logsigmoid, __VA_ARGS__, .struct_size = sizeof(cnn_logsigmoid_options))
/** `cnn_softsign_new(ctx)` */
#define cnn_softsign_new(...) CNN__ACTIVATION_NEW(softsign, __VA_ARGS__, .struct_size = sizeof(cnn_softsign_options))
/** `cnn_hardswish_new(ctx)` */
#define cnn_hardswish_new(...) CNN__ACTIVATION_NEW(hardswish, __VA_ARGS__, .struct_size = sizeof(cnn_hardswish_options))
/** `cnn_hardsigmoid_new(ctx)` */
#define cnn_hardsigmoid_new(...) \
    CNN__ACTIVATION_NEW(hardsigmoid, __VA_ARGS__, .struct_size = sizeof(cnn_hardsigmoid_options))
/** `cnn_relu6_new(ctx)` */
#define cnn_relu6_new(...) CNN__ACTIVATION_NEW(relu6, __VA_ARGS__, .struct_size = sizeof(cnn_relu6_options))
/** `cnn_identity_new(ctx)` */
#define cnn_identity_new(...) CNN__ACTIVATION_NEW(identity, __VA_ARGS__, .struct_size = sizeof(cnn_identity_options))
/** `cnn_softmax_new(ctx, dim)` */
#define cnn_softmax_new(...) CNN__SOFTMAX_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_softmax_options))
#define CNN__SOFTMAX_NEW(ctx, dim, ...) \
    cnn_softmax_create((ctx), (dim), &(cnn_softmax_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_log_softmax_new(ctx, dim)` */
#define cnn_log_softmax_new(...) CNN__LOG_SOFTMAX_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_log_softmax_options))
#define CNN__LOG_SOFTMAX_NEW(ctx, dim, ...) \
    cnn_log_softmax_create((ctx), (dim), &(cnn_log_softmax_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
#endif

CNN_END_DECLS

#endif
