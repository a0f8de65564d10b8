/** @file
 * Activation functions, each element by itself. What ops.h says about every operation holds here. cnn_relu(),
 * cnn_sigmoid(), cnn_tanh() and cnn_gelu() are in elementwise.h, cnn_softmax() and cnn_log_softmax() in norm.h. */
#ifndef CNN_OPS_ACTIVATION_H
#define CNN_OPS_ACTIVATION_H

#include <cnn/tape.h>
#include <cnn/tensor.h>

CNN_BEGIN_DECLS

/** @name Activations
 * x is f32, f64 or bf16, of any shape; so is the result. Names, formulas and derivatives are those of
 * torch.nn.functional, at kinks too; a NaN stays. Errors of smooth functions stay below 5 units in the last place of
 * f64 and below 1 of f32.
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
/** @} */

CNN_END_DECLS

#endif
