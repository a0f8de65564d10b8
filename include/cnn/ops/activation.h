/** @file
 * Activations of each element by itself, as functions and as layers. What ops.h says about every operation holds for
 * the functions, and what module.h says about layers for the others: a constructor returns a module owned by the
 * caller, or NULL on failure. cnn_relu(), cnn_sigmoid(), cnn_tanh() and cnn_gelu() are in elementwise.h, cnn_softmax()
 * and cnn_log_softmax() in norm.h; the layers of all these and of cnn_prelu() are in module.h and activations.h. */
#ifndef CNN_OPS_ACTIVATION_H
#define CNN_OPS_ACTIVATION_H

#include <cnn/tape.h>
#include <cnn/tensor.h>

CNN_BEGIN_DECLS

/** @name Activations
 * x is f32, f64 or bf16, of any shape; so is the result. Names, formulas and derivatives are those of
 * torch.nn.functional, at kinks too; a NaN stays. Errors of smooth functions do not exceed 5 units in the last place
 * of f64 and of f32.
 * @since 0.2
 * @{ */
/** x where x > 0, else negative_slope · x (Maas et al. 2013, "Rectifier Nonlinearities Improve Neural Network Acoustic
 * Models"). PyTorch's default is 0.01. The gradient at 0 is negative_slope. */
CNN_API cnn_tensor *cnn_leaky_relu(cnn_tensor *x, double negative_slope);
/** x where x > 0, else weight · x (He et al. 2015, "Delving Deep into Rectifiers"). `weight` has x's dtype and the
 * shape [1], or [C] with a weight for each channel of x [N,C,…]. The gradient at 0 is weight. */
CNN_API cnn_tensor *cnn_prelu(cnn_tensor *x, cnn_tensor *weight);
/** x where x > 0, else alpha · (exp(x) − 1) (Clevert et al. 2016, "Fast and Accurate Deep Network Learning by
 * Exponential Linear Units"). PyTorch's default is 1. The gradient at 0 is alpha. */
CNN_API cnn_tensor *cnn_elu(cnn_tensor *x, double alpha);
/** x where x > 0, else alpha · (exp(x / alpha) − 1), alpha ≠ 0 (Barron 2017, "Continuously Differentiable Exponential
 * Linear Units"). PyTorch's default is 1. */
CNN_API cnn_tensor *cnn_celu(cnn_tensor *x, double alpha);
/** s · x where x > 0, else s · α · (exp(x) − 1), with s = 1.0507009873554805 and α = 1.6732632423543772 (Klambauer et
 * al. 2017, "Self-Normalizing Neural Networks"). The gradient at 0 is s · α. */
CNN_API cnn_tensor *cnn_selu(cnn_tensor *x);
/** x · σ(x), σ being cnn_sigmoid(); also called swish (Elfwing et al. 2018, "Sigmoid-Weighted Linear Units"). */
CNN_API cnn_tensor *cnn_silu(cnn_tensor *x);
/** x · tanh(log(1 + exp(x))) (Misra 2019, "Mish: A Self Regularized Non-Monotonic Activation Function"). */
CNN_API cnn_tensor *cnn_mish(cnn_tensor *x);
/** log(1 + exp(beta · x)) / beta, and x where beta · x > threshold. PyTorch's defaults are 1 and 20. */
CNN_API cnn_tensor *cnn_softplus(cnn_tensor *x, double beta, double threshold);
/** log(σ(x)) = −log(1 + exp(−x)) */
CNN_API cnn_tensor *cnn_logsigmoid(cnn_tensor *x);
/** x / (1 + |x|), which is NaN for an infinite x, as in PyTorch. */
CNN_API cnn_tensor *cnn_softsign(cnn_tensor *x);
/** min(max(x, min_val), max_val), min_val ≤ max_val. PyTorch's defaults are −1 and 1. The gradient passes where
 * min_val < x < max_val; that of cnn_clamp() also passes at the bounds. */
CNN_API cnn_tensor *cnn_hardtanh(cnn_tensor *x, double min_val, double max_val);
/** min(max(x, 0), 6); the gradient at 0 and 6 is 0. */
CNN_API cnn_tensor *cnn_relu6(cnn_tensor *x);
/** min(max(x + 3, 0), 6) / 6; the gradient at −3 and 3 is 0. */
CNN_API cnn_tensor *cnn_hardsigmoid(cnn_tensor *x);
/** x · min(max(x + 3, 0), 6) / 6 (Howard et al. 2019, "Searching for MobileNetV3"). The gradient is 0 at −3 and 1 at 3,
 * as in PyTorch of today; its releases up to 2.6 give −1/2 and 3/2 there. */
CNN_API cnn_tensor *cnn_hardswish(cnn_tensor *x);
/** x − tanh(x); the gradient is tanh(x)². Near 0 the difference cancels, as in PyTorch: its error is that of
 * tanh(x). */
CNN_API cnn_tensor *cnn_tanhshrink(cnn_tensor *x);
/** x − lambd where x > lambd, x + lambd where x < −lambd, else 0; lambd ≥ 0. PyTorch's default is 0.5. The gradient at
 * −lambd and lambd is 0. */
CNN_API cnn_tensor *cnn_softshrink(cnn_tensor *x, double lambd);
/** 0 where |x| ≤ lambd, else x. PyTorch's default is 0.5. The gradient at −lambd and lambd is 0. */
CNN_API cnn_tensor *cnn_hardshrink(cnn_tensor *x, double lambd);
/** @} */

/** @name Options
 * Zero means the default, CNN_ZERO means 0.
 * @since 0.2
 * @{ */
/** Options of the layers that have none yet. Each has a name of its own for the type. */
typedef struct cnn_activation_options {
    size_t struct_size;        /**< sizeof(cnn_activation_options) */
    unsigned char reserved[8]; /**< zero: room for later options */
} cnn_activation_options;
typedef cnn_activation_options cnn_selu_options;        /**< options of cnn_selu_create() */
typedef cnn_activation_options cnn_silu_options;        /**< options of cnn_silu_create() */
typedef cnn_activation_options cnn_mish_options;        /**< options of cnn_mish_create() */
typedef cnn_activation_options cnn_logsigmoid_options;  /**< options of cnn_logsigmoid_create() */
typedef cnn_activation_options cnn_softsign_options;    /**< options of cnn_softsign_create() */
typedef cnn_activation_options cnn_hardswish_options;   /**< options of cnn_hardswish_create() */
typedef cnn_activation_options cnn_hardsigmoid_options; /**< options of cnn_hardsigmoid_create() */
typedef cnn_activation_options cnn_relu6_options;       /**< options of cnn_relu6_create() */
typedef cnn_activation_options cnn_tanhshrink_options;  /**< options of cnn_tanhshrink_create() */

/** Options of cnn_leaky_relu_create(). */
typedef struct cnn_leaky_relu_options {
    size_t struct_size;        /**< sizeof(cnn_leaky_relu_options) */
    double negative_slope;     /**< default 0.01 */
    unsigned char reserved[8]; /**< zero: room for later options */
} cnn_leaky_relu_options;

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

/** Options of cnn_softshrink_create(). */
typedef struct cnn_softshrink_options {
    size_t struct_size;        /**< sizeof(cnn_softshrink_options) */
    double lambd;              /**< at least 0; default 0.5 */
    unsigned char reserved[8]; /**< zero: room for later options */
} cnn_softshrink_options;

/** Options of cnn_hardshrink_create(). */
typedef struct cnn_hardshrink_options {
    size_t struct_size;        /**< sizeof(cnn_hardshrink_options) */
    double lambd;              /**< default 0.5 */
    unsigned char reserved[8]; /**< zero: room for later options */
} cnn_hardshrink_options;
/** @} */

/** @name Activations as layers
 * `options` may be NULL. An option out of its range is CNN_ERROR_INVALID_ARGUMENT. Thread-safe.
 * @since 0.2
 * @{ */
/** torch.nn.LeakyReLU: cnn_leaky_relu() as a layer. */
CNN_API cnn_module *cnn_leaky_relu_create(cnn_context *ctx, const cnn_leaky_relu_options *options);
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
/** torch.nn.Tanhshrink: cnn_tanhshrink() as a layer. */
CNN_API cnn_module *cnn_tanhshrink_create(cnn_context *ctx, const cnn_tanhshrink_options *options);
/** torch.nn.Softshrink: cnn_softshrink() as a layer. */
CNN_API cnn_module *cnn_softshrink_create(cnn_context *ctx, const cnn_softshrink_options *options);
/** torch.nn.Hardshrink: cnn_hardshrink() as a layer. */
CNN_API cnn_module *cnn_hardshrink_create(cnn_context *ctx, const cnn_hardshrink_options *options);
/** @} */

#ifndef __cplusplus
#define CNN__ACTIVATION_NEW(name, ctx, ...) \
    cnn_##name##_create((ctx), &(cnn_##name##_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_leaky_relu_new(ctx, .negative_slope = 2)` */
#define cnn_leaky_relu_new(...) \
    CNN__ACTIVATION_NEW(leaky_relu, __VA_ARGS__, .struct_size = sizeof(cnn_leaky_relu_options))
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
/** `cnn_tanhshrink_new(ctx)` */
#define cnn_tanhshrink_new(...) \
    CNN__ACTIVATION_NEW(tanhshrink, __VA_ARGS__, .struct_size = sizeof(cnn_tanhshrink_options))
/** `cnn_softshrink_new(ctx, .lambd = 2)` */
#define cnn_softshrink_new(...) \
    CNN__ACTIVATION_NEW(softshrink, __VA_ARGS__, .struct_size = sizeof(cnn_softshrink_options))
/** `cnn_hardshrink_new(ctx, .lambd = 2)` */
#define cnn_hardshrink_new(...) \
    CNN__ACTIVATION_NEW(hardshrink, __VA_ARGS__, .struct_size = sizeof(cnn_hardshrink_options))
#endif

CNN_END_DECLS

#endif
