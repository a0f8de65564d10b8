/** @file
 * The kernels that take the steps of optimizers and clip gradients, for back ends, and their parameters.
 * <cnn/backend.h> says what a launch is. */
#ifndef CNN_KERNELS_OPTIMIZERS_H
#define CNN_KERNELS_OPTIMIZERS_H

#include <cnn/tensor.h>

CNN_BEGIN_DECLS

/** One Adam or AdamW step over n elements, PyTorch's formula (docs of torch.optim.Adam):
 *   g = maximize ? -grad : grad;  decoupled ? p *= 1 - lr·wd : g += wd·p
 *   m += (g - m)·(1 - beta1), from beta1 = 0.5 down as g - (g - m)·beta1, which keeps a g far smaller than m, as
 *   torch.lerp does;
 *   v = beta2·v + (1 - beta2)·g²
 *   denom = sqrt(amsgrad ? vmax = max(vmax, v) : v) / sqrt(bias2) + eps;  p -= lr / bias1 · m / denom */
typedef struct cnn_adam_parameters {
    double lr;           /**< learning rate */
    double beta1;        /**< the decay of the mean of gradients */
    double beta2;        /**< the decay of the mean of their squares */
    double eps;          /**< added to the denominator */
    double weight_decay; /**< "wd" in the formula */
    double bias1;        /**< 1 - beta1^t */
    double bias2;        /**< 1 - beta2^t */
    bool decoupled;      /**< AdamW: weight decay is no part of the gradient */
    bool maximize;       /**< climb instead of descending */
} cnn_adam_parameters;

/** One SGD step, PyTorch's formula: g += wd·p; first ? buf = g : buf = momentum·buf + (1 - dampening)·g;
 * g = nesterov ? g + momentum·buf : buf; p -= lr·g. buf is NULL when momentum is 0. */
typedef struct cnn_sgd_parameters {
    double lr;           /**< learning rate */
    double momentum;     /**< 0: without a buffer */
    double dampening;    /**< the part of the gradient that is left out of the buffer */
    double weight_decay; /**< "wd" in the formula */
    bool nesterov;       /**< Nesterov's momentum */
    bool maximize;       /**< climb instead of descending */
    bool first;          /**< the parameter's first step: the buffer holds nothing yet */
} cnn_sgd_parameters;

/** One RMSprop step over n elements, PyTorch's formula: g = (maximize ? -grad : grad) + wd·p;
 * square = alpha·square + (1 - alpha)·g²; centered: mean = alpha·mean + (1 - alpha)·g, variance = square - mean²;
 * g /= sqrt(centered ? variance : square) + eps; with a buffer: g = buf = momentum·buf + g; p -= lr·g. */
typedef struct cnn_rmsprop_parameters {
    double lr;           /**< learning rate */
    double alpha;        /**< decay of the square and the mean */
    double eps;          /**< added to the root */
    double weight_decay; /**< wd */
    double momentum;     /**< the decay of the buffer */
    bool maximize;       /**< ascend */
} cnn_rmsprop_parameters;

/** One Adagrad step, PyTorch's formula: g = (maximize ? -grad : grad) + wd·p; sum += g²; p -= lr·g / (√sum + eps). */
typedef struct cnn_adagrad_parameters {
    double lr;           /**< learning rate of this step, decayed already */
    double eps;          /**< added to the root */
    double weight_decay; /**< wd */
    bool maximize;       /**< ascend */
} cnn_adagrad_parameters;

/** One Adadelta step, PyTorch's formula: g as for Adagrad; square = rho·square + (1 - rho)·g²;
 * d = √(delta + eps) / √(square + eps) · g; delta = rho·delta + (1 - rho)·d²; p -= lr·d. */
typedef struct cnn_adadelta_parameters {
    double lr;           /**< learning rate */
    double rho;          /**< decay of both averages */
    double eps;          /**< below both roots */
    double weight_decay; /**< wd */
    bool maximize;       /**< ascend */
} cnn_adadelta_parameters;

/** One NAdam step, PyTorch's formula: g, m and v as in Adam's; product *= mu;
 * p -= lr·((1 - mu) / (1 - product)·g + mu_next / (1 - product·mu_next)·m) / (√(v / bias2) + eps). The product of all
 * mu so far is a double behind the moments. */
typedef struct cnn_nadam_parameters {
    double lr;           /**< learning rate */
    double beta1;        /**< decay of m */
    double beta2;        /**< decay of v */
    double eps;          /**< added to the root */
    double weight_decay; /**< wd */
    double mu;           /**< the momentum of this step */
    double mu_next;      /**< the momentum of the step after it */
    double bias2;        /**< 1 - beta2^t */
    bool decoupled;      /**< weight decay is no part of the gradient */
    bool maximize;       /**< ascend */
} cnn_nadam_parameters;

/** One RAdam step, PyTorch's formula: g, m and v as in Adam's; p -= lr·m / bias1, where `rectification` is not 0 times
 * rectification·√bias2 / (√v + eps). */
typedef struct cnn_radam_parameters {
    double lr;            /**< learning rate */
    double beta1;         /**< decay of m */
    double beta2;         /**< decay of v */
    double eps;           /**< added to the root */
    double weight_decay;  /**< wd */
    double bias1;         /**< 1 - beta1^t */
    double bias2;         /**< 1 - beta2^t */
    double rectification; /**< 0: v is not used yet */
    bool decoupled;       /**< weight decay is no part of the gradient */
    bool maximize;        /**< ascend */
} cnn_radam_parameters;

/** One Adamax step, PyTorch's formula: g and m as in Adam's; norm = max(beta2·norm, |g| + eps), in which a NaN wins;
 * p -= lr / bias1·m / norm. */
typedef struct cnn_adamax_parameters {
    double lr;           /**< learning rate */
    double beta1;        /**< decay of m */
    double beta2;        /**< decay of the norm */
    double eps;          /**< added to the gradient's size */
    double weight_decay; /**< wd */
    double bias1;        /**< 1 - beta1^t */
    bool maximize;       /**< ascend */
} cnn_adamax_parameters;

/** One Lion step: g = maximize ? -grad : grad; p = (1 - lr·wd)·p - lr·sign(beta1·m + (1 - beta1)·g);
 * m = beta2·m + (1 - beta2)·g. */
typedef struct cnn_lion_parameters {
    double lr;           /**< learning rate */
    double beta1;        /**< the decay of the average whose sign is taken */
    double beta2;        /**< decay of the average that is kept */
    double weight_decay; /**< wd */
    bool maximize;       /**< ascend */
} cnn_lion_parameters;

/** LAMB's direction: g = maximize ? -grad : grad; m = beta1·m + (1 - beta1)·g; v = beta2·v + (1 - beta2)·g²;
 * u = m / bias1 / (√(v / bias2) + eps) + wd·p. The parameter stays; CNN_KERNEL_LARS makes the step. */
typedef struct cnn_lamb_parameters {
    double beta1;        /**< decay of m */
    double beta2;        /**< decay of v */
    double eps;          /**< added to the root */
    double weight_decay; /**< wd */
    double bias1;        /**< 1 - beta1^t */
    double bias2;        /**< 1 - beta2^t */
    bool maximize;       /**< ascend */
} cnn_lamb_parameters;

/** One LARS step. The totals are Σp² and Σgrad²; trust = trust_coefficient·√Σp² / (√Σgrad² + wd·√Σp²), or 1 where
 * one of the totals is 0; step = lr·trust·((maximize ? -grad : grad) + wd·p); with a buffer:
 * step = buf = momentum·buf + step; p -= step. */
typedef struct cnn_lars_parameters {
    double lr;                /**< learning rate */
    double momentum;          /**< the decay of the buffer */
    double weight_decay;      /**< wd */
    double trust_coefficient; /**< the paper's η */
    bool maximize;            /**< ascend */
} cnn_lars_parameters;

/** The beginning of a Muon step: buf = momentum·buf + (1 - momentum)·grad;
 * update = nesterov ? momentum·buf + (1 - momentum)·grad : buf. */
typedef struct cnn_muon_parameters {
    double momentum; /**< the decay of the buffer */
    bool nesterov;   /**< Nesterov's momentum */
} cnn_muon_parameters;

/** y = alpha·x / norm + beta·y; where beta is 0, y is not read. The norm is √total, at least eps; without a total 1. */
typedef struct cnn_combine_parameters {
    double alpha; /**< the factor of x */
    double beta;  /**< the factor of y */
    double eps;   /**< at most 1 where there is no total */
} cnn_combine_parameters;

/** Parameters of CNN_KERNEL_NORM: the total is a double that several launches add to. */
typedef struct cnn_norm_parameters {
    double p;   /**< total += Σ |x|^p; infinity: total = max(total, |x|), in which a NaN wins */
    bool first; /**< the total is 0 before this launch */
} cnn_norm_parameters;

/** Parameters of CNN_KERNEL_CLIP: x is multiplied by max_norm / (total^(1/p) + eps), or the total alone where p is
 * infinite, unless that is at least 1. Where it is NaN, x becomes NaN. */
typedef struct cnn_clip_parameters {
    double p;        /**< the exponent of the norm */
    double max_norm; /**< the largest one */
    double eps;      /**< added to the norm */
} cnn_clip_parameters;

/** The kernels of optimizers; CNN_KERNELS in <cnn/backend.h> says how to read this list. */
/* clang-format off */
#define CNN_OPTIMIZER_KERNELS(X) \
    X(ADAM, adam) /**< cnn_adam_parameters, n: gradient → parameter, m, v, (vmax) */ \
    X(SGD, sgd) /**< cnn_sgd_parameters, n: gradient → parameter, (momentum buffer) */ \
    X(RMSPROP, rmsprop) /**< cnn_rmsprop_parameters, n: gradient → parameter, square, (momentum buffer), (mean) */ \
    X(NORM, norm) /**< cnn_norm_parameters, n: x → total (double, in place) */ \
    X(CLIP, clip) /**< cnn_clip_parameters, n: total (double) → x (in place) */ \
    X(ADAGRAD, adagrad) /**< cnn_adagrad_parameters, n: gradient → parameter, sum */ \
    X(ADADELTA, adadelta) /**< cnn_adadelta_parameters, n: gradient → parameter, square, delta */ \
    X(NADAM, nadam) /**< cnn_nadam_parameters, n: gradient → parameter, m, v, product (double) */ \
    X(RADAM, radam) /**< cnn_radam_parameters, n: gradient → parameter, m, v */ \
    X(ADAMAX, adamax) /**< cnn_adamax_parameters, n: gradient → parameter, m, norm */ \
    X(LION, lion) /**< cnn_lion_parameters, n: gradient → parameter, m */ \
    X(LAMB, lamb) /**< cnn_lamb_parameters, n: gradient → parameter (stays), m, v, direction */ \
    X(LARS, lars) /**< cnn_lars_parameters, n: gradient, totals (double [2]) → parameter, (momentum buffer) */ \
    X(MUON, muon) /**< cnn_muon_parameters, n: gradient → update, momentum buffer */ \
    X(COMBINE, combine) /**< cnn_combine_parameters, n: x, (total (double)) → y (in place) */
/* clang-format on */

CNN_END_DECLS

#endif
