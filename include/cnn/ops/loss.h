/** @file
 * Losses. What ops.h says about every operation holds here. */
#ifndef CNN_OPS_LOSS_H
#define CNN_OPS_LOSS_H

#include <cnn/tape.h>
#include <cnn/tensor.h>

CNN_BEGIN_DECLS

/** @name Losses
 * f32, f64 and bf16; floating operands of one call share the dtype, which is the result's.
 * @since 0.1
 * @{ */
/** What a loss does with the losses of the samples. */
typedef enum cnn_reduction {
    CNN_REDUCE_MEAN = 0, /**< the mean; of losses of classes the weighted mean over the samples that count */
    CNN_REDUCE_SUM = 1,  /**< the sum */
    CNN_REDUCE_NONE = 2, /**< one loss per sample, or per element */
    /** The sum divided by the first size of the input, which is the batch (@since 0.2): of cnn_kl_div() alone. */
    CNN_REDUCE_BATCH_MEAN = 3
} cnn_reduction;

/** Options of the cross-entropy loss; zero means the default. */
typedef struct cnn_cross_entropy_options {
    size_t struct_size;        /**< sizeof(cnn_cross_entropy_options) */
    cnn_tensor *weight;        /**< [C], the dtype of the logits: a factor for each class; default none */
    int64_t ignore_index;      /**< neither counts nor gets a gradient, whatever the logits; default −100 */
    double label_smoothing;    /**< in [0, 1]; default 0 */
    cnn_reduction reduction;   /**< default CNN_REDUCE_MEAN */
    bool has_ignore_index;     /**< set it to ignore another index than −100 */
    unsigned char reserved[3]; /**< zero: room for later options */
} cnn_cross_entropy_options;

/**
 * log-softmax and negative log-likelihood in one (torch.nn.functional.cross_entropy).
 *
 * @param logits  [C], [N,C] or [N,C,d1,…], unnormalised.
 * @param target  class indices, i64, i32 or u8, shaped like the logits without C; or class probabilities of the logits'
 *                shape and dtype.
 * @return a scalar, or for CNN_REDUCE_NONE the losses in the shape of the logits without C. An index that is neither in
 *         [0, C) nor ignored is CNN_ERROR_INVALID_ARGUMENT and names its position.
 */
CNN_API cnn_tensor *cnn_cross_entropy_with(cnn_tensor *logits, cnn_tensor *target,
                                           const cnn_cross_entropy_options *options);

/** cnn_cross_entropy_with() the defaults: the mean. */
CNN_API cnn_tensor *cnn_cross_entropy(cnn_tensor *logits, cnn_tensor *target);

/** Options of cnn_nll_loss(); zero means the default. @since 0.2 */
typedef struct cnn_nll_loss_options {
    size_t struct_size;        /**< sizeof(cnn_nll_loss_options) */
    cnn_tensor *weight;        /**< [C], the dtype of the input: a factor for each class; default none */
    int64_t ignore_index;      /**< neither counts nor gets a gradient; default −100 */
    cnn_reduction reduction;   /**< default CNN_REDUCE_MEAN, which divides by the sum of the weights that count */
    bool has_ignore_index;     /**< set it to ignore another index than −100 */
    unsigned char reserved[3]; /**< zero: room for later options */
} cnn_nll_loss_options;

/**
 * −weight[target] · input[target], for an input of logarithms of probabilities.
 *
 * @param input   [C], [N,C] or [N,C,d1,…].
 * @param target  class indices, i64, i32 or u8, shaped like the input without C.
 * @param options  NULL for the defaults.
 * @return as for cnn_cross_entropy_with().
 * @since 0.2
 */
CNN_API cnn_tensor *cnn_nll_loss(cnn_tensor *input, cnn_tensor *target, const cnn_nll_loss_options *options);

/** Options of cnn_multi_margin_loss(); zero means the default. @since 0.2 */
typedef struct cnn_multi_margin_loss_options {
    size_t struct_size;        /**< sizeof(cnn_multi_margin_loss_options) */
    cnn_tensor *weight;        /**< [C], the dtype of the input: a factor for each target's loss; default none */
    double margin;             /**< default 1 */
    int p;                     /**< 1 or 2; default 1 */
    cnn_reduction reduction;   /**< default CNN_REDUCE_MEAN, which divides by the number of samples */
    unsigned char reserved[8]; /**< zero: room for later options */
} cnn_multi_margin_loss_options;

/**
 * weight[target] / C · Σ max(0, margin − input[target] + input[c])^p over the classes c but the target.
 *
 * @param input   [C] or [N,C].
 * @param target  class indices, i64, i32 or u8: [] or [N].
 * @param options  NULL for the defaults.
 * @return a scalar, or for CNN_REDUCE_NONE the target's shape. An index outside of [0, C) is CNN_ERROR_INVALID_ARGUMENT
 *         and names its position.
 * @since 0.2
 */
CNN_API cnn_tensor *cnn_multi_margin_loss(cnn_tensor *input, cnn_tensor *target,
                                          const cnn_multi_margin_loss_options *options);

/** Options of cnn_ctc_loss(); zero means the default. @since 0.2 */
typedef struct cnn_ctc_loss_options {
    size_t struct_size;        /**< sizeof(cnn_ctc_loss_options) */
    int64_t blank;             /**< the class that stands for no label; default 0 */
    cnn_reduction reduction;   /**< default CNN_REDUCE_MEAN: each loss is divided by its target length, or by 1 if that
                                    is 0, then their mean is taken */
    bool zero_infinity;        /**< a sequence that is too short for its labels has the loss 0 and no gradient */
    unsigned char reserved[3]; /**< zero: room for later options */
} cnn_ctc_loss_options;

/**
 * The connectionist temporal classification loss: −log of the probability that the classes of all steps, each run of
 * equal ones taken once and blanks left out, are the labels (torch.nn.functional.ctc_loss). It is infinite where a
 * sequence is too short for its labels. The gradient is that of PyTorch, which takes the logarithms for those that
 * cnn_log_softmax() gives: exp(log_probs) − the probability of the class at the step, and 0 behind the input length.
 *
 * @param log_probs       [T,N,C] or [T,C], logarithms of probabilities.
 * @param targets         labels, i64, i32 or u8: [N,S], padded with anything, or those of all sequences one after
 *                        another in one dimension; of [T,C] the one sequence's. A label that is the blank is not looked
 *                        for.
 * @param input_lengths   [N] or, of [T,C], [] or [1]; i64, each in [0, T].
 * @param target_lengths  like the input lengths, each in [0, S]; of concatenated targets their sum is that of the
 *                        labels.
 * @param options         NULL for the defaults.
 * @return a scalar, or for CNN_REDUCE_NONE [N] or []. A length or a label that is out of its bounds is
 *         CNN_ERROR_INVALID_ARGUMENT and names its position.
 * @since 0.2
 */
CNN_API cnn_tensor *cnn_ctc_loss(cnn_tensor *log_probs, cnn_tensor *targets, cnn_tensor *input_lengths,
                                 cnn_tensor *target_lengths, const cnn_ctc_loss_options *options);
/** @} */

/** @name Losses of each element
 * Functions of an input and a target of one dtype (f32, f64, bf16), with the names, formulas and defaults of
 * torch.nn.functional. Options may be NULL for the defaults; zero means the default, CNN_ZERO means 0. Input and target
 * broadcast as in cnn_add(), unless a function says that they must have one shape. Where no mean or sum is taken
 * (CNN_REDUCE_NONE) the result has the broadcast shape, else it is a scalar. Sums are made in f64, in an order that
 * does not depend on the number of threads. The mean over nothing is NaN. Both the input and the target get gradients;
 * weights get none, and one that asks for it is CNN_ERROR_INVALID_ARGUMENT. Results belong to the tape; errors fail the
 * step, as ops.h says.
 * @{ */
/** Options of the losses that have no others. @since 0.2 */
typedef struct cnn_loss_options {
    size_t struct_size;        /**< sizeof(cnn_loss_options) */
    cnn_reduction reduction;   /**< default CNN_REDUCE_MEAN */
    unsigned char reserved[4]; /**< zero: room for later options */
} cnn_loss_options;

/** (input − target)². @since 0.2 */
CNN_API cnn_tensor *cnn_mse_loss(cnn_tensor *input, cnn_tensor *target, const cnn_loss_options *options);

/** |input − target|, whose slope is 0 where they are equal. @since 0.2 */
CNN_API cnn_tensor *cnn_l1_loss(cnn_tensor *input, cnn_tensor *target, const cnn_loss_options *options);

/** Options of cnn_smooth_l1_loss(). @since 0.2 */
typedef struct cnn_smooth_l1_loss_options {
    size_t struct_size;        /**< sizeof(cnn_smooth_l1_loss_options) */
    double beta;               /**< at least 0; CNN_ZERO: cnn_l1_loss(); default 1 */
    cnn_reduction reduction;   /**< default CNN_REDUCE_MEAN */
    unsigned char reserved[4]; /**< zero: room for later options */
} cnn_smooth_l1_loss_options;

/** With d = |input − target|: d² / (2·beta) where d < beta, else d − beta / 2. @since 0.2 */
CNN_API cnn_tensor *cnn_smooth_l1_loss(cnn_tensor *input, cnn_tensor *target,
                                       const cnn_smooth_l1_loss_options *options);

/** Options of cnn_huber_loss(). @since 0.2 */
typedef struct cnn_huber_loss_options {
    size_t struct_size;        /**< sizeof(cnn_huber_loss_options) */
    double delta;              /**< above 0; default 1 */
    cnn_reduction reduction;   /**< default CNN_REDUCE_MEAN */
    unsigned char reserved[4]; /**< zero: room for later options */
} cnn_huber_loss_options;

/** With d = |input − target|: d² / 2 where d ≤ delta, else delta · (d − delta / 2). @since 0.2 */
CNN_API cnn_tensor *cnn_huber_loss(cnn_tensor *input, cnn_tensor *target, const cnn_huber_loss_options *options);

/** Options of cnn_binary_cross_entropy(). @since 0.2 */
typedef struct cnn_bce_options {
    size_t struct_size;        /**< sizeof(cnn_bce_options) */
    cnn_tensor *weight;        /**< a factor of each loss, broadcast to the input; default none */
    cnn_reduction reduction;   /**< default CNN_REDUCE_MEAN, which divides by the number of elements */
    unsigned char reserved[4]; /**< zero: room for later options */
} cnn_bce_options;

/**
 * −target · log input − (1 − target) · log(1 − input), where a logarithm is at least −100. The slope of the input is
 * (input − target) / max(input · (1 − input), 1e-12); that of the target has no bound at inputs of 0 and 1, as in
 * PyTorch. Input and target have one shape. An input outside of [0, 1] makes the loss NaN, where PyTorch raises an
 * error.
 * @since 0.2
 */
CNN_API cnn_tensor *cnn_binary_cross_entropy(cnn_tensor *input, cnn_tensor *target, const cnn_bce_options *options);

/** Options of cnn_binary_cross_entropy_with_logits(). @since 0.2 */
typedef struct cnn_bce_with_logits_options {
    size_t struct_size;        /**< sizeof(cnn_bce_with_logits_options) */
    cnn_tensor *weight;        /**< a factor of each loss, broadcast to the input; default none */
    cnn_tensor *pos_weight;    /**< a factor of the first term alone, broadcast to the input; default none */
    cnn_reduction reduction;   /**< default CNN_REDUCE_MEAN, which divides by the number of elements */
    unsigned char reserved[4]; /**< zero: room for later options */
} cnn_bce_with_logits_options;

/**
 * −pos_weight · target · log σ(input) − (1 − target) · log(1 − σ(input)) with the sigmoid σ, computed without overflow.
 * Input and target have one shape.
 * @since 0.2
 */
CNN_API cnn_tensor *cnn_binary_cross_entropy_with_logits(cnn_tensor *input, cnn_tensor *target,
                                                         const cnn_bce_with_logits_options *options);

/** Options of cnn_kl_div(). @since 0.2 */
typedef struct cnn_kl_div_options {
    size_t struct_size;        /**< sizeof(cnn_kl_div_options) */
    cnn_reduction reduction;   /**< default CNN_REDUCE_MEAN over all elements, as in PyTorch; the divergence of
                                    distributions is CNN_REDUCE_BATCH_MEAN */
    bool log_target;           /**< the target is of logarithms, too */
    unsigned char reserved[3]; /**< zero: room for later options */
} cnn_kl_div_options;

/**
 * target · (log target − input), 0 · log 0 being 0; with `log_target` exp(target) · (target − input). The input is of
 * logarithms of probabilities. As in PyTorch, the gradient of a target is NaN where it is 0.
 * @since 0.2
 */
CNN_API cnn_tensor *cnn_kl_div(cnn_tensor *input, cnn_tensor *target, const cnn_kl_div_options *options);

/** log(1 + exp(−target · input)), computed without overflow; targets are 1 and −1. @since 0.2 */
CNN_API cnn_tensor *cnn_soft_margin_loss(cnn_tensor *input, cnn_tensor *target, const cnn_loss_options *options);

/** Options of cnn_poisson_nll_loss(). @since 0.2 */
typedef struct cnn_poisson_nll_loss_options {
    size_t struct_size;        /**< sizeof(cnn_poisson_nll_loss_options) */
    double eps;                /**< added to the rate in its logarithm, at least 0; default 1e-8 */
    cnn_reduction reduction;   /**< default CNN_REDUCE_MEAN */
    bool no_log_input;         /**< the input is the rate itself (PyTorch's log_input=False) */
    bool full;                 /**< add Stirling's approximation of log(target!) where the target is above 1 */
    unsigned char reserved[2]; /**< zero: room for later options */
} cnn_poisson_nll_loss_options;

/**
 * exp(input) − target · input; with `no_log_input` input − target · log(input + eps). Stirling's approximation is
 * target · log target − target + log(2π · target) / 2.
 * @since 0.2
 */
CNN_API cnn_tensor *cnn_poisson_nll_loss(cnn_tensor *input, cnn_tensor *target,
                                         const cnn_poisson_nll_loss_options *options);

/** Options of cnn_gaussian_nll_loss(). @since 0.2 */
typedef struct cnn_gaussian_nll_loss_options {
    size_t struct_size;        /**< sizeof(cnn_gaussian_nll_loss_options) */
    double eps;                /**< the variance counts as at least this, above 0; default 1e-6 */
    cnn_reduction reduction;   /**< default CNN_REDUCE_MEAN */
    bool full;                 /**< add the constant log(2π) / 2 */
    unsigned char reserved[3]; /**< zero: room for later options */
} cnn_gaussian_nll_loss_options;

/**
 * With v = max(variance, eps): (log v + (input − target)² / v) / 2. The gradient of the variance is that of v, as in
 * PyTorch. A negative variance counts as eps, where PyTorch raises an error.
 *
 * @param variance  the input's shape, or that with 1 for its last size, or without that.
 * @since 0.2
 */
CNN_API cnn_tensor *cnn_gaussian_nll_loss(cnn_tensor *input, cnn_tensor *target, cnn_tensor *variance,
                                          const cnn_gaussian_nll_loss_options *options);
/** @} */

/** @name Losses with a margin
 * What is said of the losses of each element holds here.
 * @{ */
/** Options of the losses with a margin between two things. @since 0.2 */
typedef struct cnn_margin_loss_options {
    size_t struct_size;        /**< sizeof(cnn_margin_loss_options) */
    double margin;             /**< default 1 of cnn_hinge_embedding_loss(), else 0 */
    cnn_reduction reduction;   /**< default CNN_REDUCE_MEAN */
    unsigned char reserved[4]; /**< zero: room for later options */
} cnn_margin_loss_options;

/** max(0, margin − target · (input1 − input2)); targets are 1 and −1. All three have one rank and broadcast.
 * @since 0.2 */
CNN_API cnn_tensor *cnn_margin_ranking_loss(cnn_tensor *input1, cnn_tensor *input2, cnn_tensor *target,
                                            const cnn_margin_loss_options *options);

/** The input where the target is 1, max(0, margin − input) where it is −1. The target gets a gradient of zeros.
 * @since 0.2 */
CNN_API cnn_tensor *cnn_hinge_embedding_loss(cnn_tensor *input, cnn_tensor *target,
                                             const cnn_margin_loss_options *options);

/**
 * With the cosine Σ a·b / √((Σ a² + 1e-12) · (Σ b² + 1e-12)) of each row: 1 − cosine where the target is 1, and
 * max(0, cosine − margin) where it is −1. The target gets a gradient of zeros.
 *
 * @param input1  [N,D] or [D], and so is input2.
 * @param target  [N] or [], of the inputs' dtype.
 * @return a scalar, or for CNN_REDUCE_NONE the target's shape.
 * @since 0.2
 */
CNN_API cnn_tensor *cnn_cosine_embedding_loss(cnn_tensor *input1, cnn_tensor *input2, cnn_tensor *target,
                                              const cnn_margin_loss_options *options);

/** Options of cnn_triplet_margin_loss(). @since 0.2 */
typedef struct cnn_triplet_margin_loss_options {
    size_t struct_size;        /**< sizeof(cnn_triplet_margin_loss_options) */
    double margin;             /**< default 1 */
    double p;                  /**< the exponent of the norm, above 0, or INFINITY; default 2 */
    double eps;                /**< added to each difference, at least 0; default 1e-6 */
    cnn_reduction reduction;   /**< default CNN_REDUCE_MEAN */
    bool swap;                 /**< the distance of positive and negative counts if it is the smaller one */
    unsigned char reserved[3]; /**< zero: room for later options */
} cnn_triplet_margin_loss_options;

/**
 * max(0, margin + d(anchor, positive) − d(anchor, negative)) of each row. The distance d(a, b) is the p-norm of
 * a − b + eps, whose gradient is 0 where it is 0.
 *
 * @param anchor  [N,D] or [D], and so are the others; any more dimensions may stand in front.
 * @return a scalar, or for CNN_REDUCE_NONE the shape without D.
 * @since 0.2
 */
CNN_API cnn_tensor *cnn_triplet_margin_loss(cnn_tensor *anchor, cnn_tensor *positive, cnn_tensor *negative,
                                            const cnn_triplet_margin_loss_options *options);
/** @} */

CNN_END_DECLS

#endif
