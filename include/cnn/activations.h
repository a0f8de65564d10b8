/** @file
 * Activations as layers. Those that are functions of one operand are in ops/activation.h, beside the functions; the
 * others are here. What module.h says about layers holds for all: a constructor returns a module owned by the caller,
 * or NULL on failure. */
#ifndef CNN_ACTIVATIONS_H
#define CNN_ACTIVATIONS_H

#include <cnn/ops.h>

CNN_BEGIN_DECLS

/** @name Options
 * Zero means the default, CNN_ZERO means 0.
 * @since 0.2
 * @{ */
typedef cnn_activation_options cnn_sigmoid_options;     /**< options of cnn_sigmoid_create() */
typedef cnn_activation_options cnn_tanh_options;        /**< options of cnn_tanh_create() */
typedef cnn_activation_options cnn_softmax_options;     /**< options of cnn_softmax_create() */
typedef cnn_activation_options cnn_log_softmax_options; /**< options of cnn_log_softmax_create() */
typedef cnn_activation_options cnn_identity_options;    /**< options of cnn_identity_create() */

/** Options of cnn_prelu_create(). */
typedef struct cnn_prelu_options {
    size_t struct_size;        /**< sizeof(cnn_prelu_options) */
    int64_t num_parameters;    /**< 1, the default, or the channels of the input, which are its dimension 1 */
    double init;               /**< the first value of every weight; default 0.25 */
    cnn_dtype dtype;           /**< the dtype of the weight; default CNN_F32 */
    unsigned char reserved[4]; /**< zero: room for later options */
} cnn_prelu_options;
/** @} */

/** @name Activations as layers
 * `options` may be NULL. An option out of its range is CNN_ERROR_INVALID_ARGUMENT. Thread-safe.
 * @since 0.2
 * @{ */
/** torch.nn.PReLU: cnn_prelu() with the parameter `weight` [num_parameters]. */
CNN_API cnn_module *cnn_prelu_create(cnn_context *ctx, const cnn_prelu_options *options);
/** torch.nn.Sigmoid: cnn_sigmoid() as a layer. */
CNN_API cnn_module *cnn_sigmoid_create(cnn_context *ctx, const cnn_sigmoid_options *options);
/** torch.nn.Tanh: cnn_tanh() as a layer. */
CNN_API cnn_module *cnn_tanh_create(cnn_context *ctx, const cnn_tanh_options *options);
/** torch.nn.Softmax: cnn_softmax() along `dim` as a layer. An input without that dimension is an error. */
CNN_API cnn_module *cnn_softmax_create(cnn_context *ctx, int dim, const cnn_softmax_options *options);
/** torch.nn.LogSoftmax: cnn_log_softmax() along `dim` as a layer. An input without that dimension is an error. */
CNN_API cnn_module *cnn_log_softmax_create(cnn_context *ctx, int dim, const cnn_log_softmax_options *options);
/** torch.nn.Identity: returns its input. */
CNN_API cnn_module *cnn_identity_create(cnn_context *ctx, const cnn_identity_options *options);
/** @} */

#ifndef __cplusplus
/** `cnn_prelu_new(ctx, .num_parameters = 16)` */
#define cnn_prelu_new(...) CNN__ACTIVATION_NEW(prelu, __VA_ARGS__, .struct_size = sizeof(cnn_prelu_options))
/** `cnn_sigmoid_new(ctx)` */
#define cnn_sigmoid_new(...) CNN__ACTIVATION_NEW(sigmoid, __VA_ARGS__, .struct_size = sizeof(cnn_sigmoid_options))
/** `cnn_tanh_new(ctx)` */
#define cnn_tanh_new(...) CNN__ACTIVATION_NEW(tanh, __VA_ARGS__, .struct_size = sizeof(cnn_tanh_options))
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
