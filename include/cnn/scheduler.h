/** @file
 * Learning-rate schedulers with the names, formulas, options and defaults of torch.optim.lr_scheduler.
 *
 * A scheduler is made for an optimizer and sets the learning rates of its groups: at once those of epoch 0, and those
 * of the next epoch with each cnn_scheduler_step(). An "epoch" is whatever lies between two steps of the scheduler; a
 * warm-up or a cycle usually counts batches. As in PyTorch most schedules multiply the rate that a group has by a
 * factor ("chainable" in its documentation), so several of them may act on one optimizer, and a rate that was set by
 * hand stays in effect; base rates are those that the groups had when the first scheduler was made.
 *
 * A scheduler belongs to the caller. It keeps its optimizer alive, so the two may be freed in any order. Groups that
 * are added to the optimizer afterwards keep their own rates. A scheduler and its optimizer are used by one thread at a
 * time. A checkpoint carries a scheduler (cnn_checkpoint::scheduler), whose options and counters are then restored bit
 * for bit.
 *
 * Every create call returns a scheduler owned by the caller, or NULL on failure, which changes no rate: an optimizer
 * that is NULL or has no group yet, an option out of its range or a required one that is missing, a rate that would
 * be negative or not finite (CNN_ERROR_INVALID_ARGUMENT), no memory. `options` may be NULL where none is required. Zero
 * means the default, CNN_ZERO means 0; arrays
 * are copied. Counts and numbers of epochs are at most 2^53. */
#ifndef CNN_SCHEDULER_H
#define CNN_SCHEDULER_H

#include <cnn/optimizer.h>

CNN_BEGIN_DECLS

/** A schedule of learning rates over an optimizer. */
typedef struct cnn_scheduler cnn_scheduler;

/** @name Options
 * @{ */

/** Options of cnn_step_lr_create(). */
typedef struct cnn_step_lr_options {
    size_t struct_size;        /**< sizeof(cnn_step_lr_options) */
    int64_t step_size;         /**< epochs between two decays, at least 1; required */
    double gamma;              /**< factor of each decay, at least 0; default 0.1 */
    unsigned char reserved[8]; /**< zero: room for later options */
} cnn_step_lr_options;

/** Options of cnn_multi_step_lr_create(). */
typedef struct cnn_multi_step_lr_options {
    size_t struct_size;        /**< sizeof(cnn_multi_step_lr_options) */
    const int64_t *milestones; /**< epochs at which the rate decays, at least 0 each, in any order; one that is there
                                    twice counts twice. May be NULL where there are none */
    int64_t milestone_count;   /**< how many */
    double gamma;              /**< factor of each decay, at least 0; default 0.1 */
    unsigned char reserved[8]; /**< zero: room for later options */
} cnn_multi_step_lr_options;

/** Options of cnn_constant_lr_create(). */
typedef struct cnn_constant_lr_options {
    size_t struct_size;        /**< sizeof(cnn_constant_lr_options) */
    double factor;             /**< what the rate is multiplied by until epoch `total_iters`, 0 to 1; default 1/3 */
    int64_t total_iters;       /**< at least 1; default 5 */
    unsigned char reserved[8]; /**< zero: room for later options */
} cnn_constant_lr_options;

/** Options of cnn_linear_lr_create(). */
typedef struct cnn_linear_lr_options {
    size_t struct_size;        /**< sizeof(cnn_linear_lr_options) */
    double start_factor;       /**< what the rate is multiplied by at epoch 0, above 0 and at most 1; default 1/3 */
    double end_factor;         /**< what the rate is multiplied by from epoch `total_iters` on, 0 to 1; default 1 */
    int64_t total_iters;       /**< at least 1; default 5 */
    unsigned char reserved[8]; /**< zero: room for later options */
} cnn_linear_lr_options;

/** Options of cnn_exponential_lr_create(). */
typedef struct cnn_exponential_lr_options {
    size_t struct_size;        /**< sizeof(cnn_exponential_lr_options) */
    double gamma;              /**< factor per epoch, at least 0; required */
    unsigned char reserved[8]; /**< zero: room for later options */
} cnn_exponential_lr_options;

/** Options of cnn_polynomial_lr_create(). */
typedef struct cnn_polynomial_lr_options {
    size_t struct_size;        /**< sizeof(cnn_polynomial_lr_options) */
    int64_t total_iters;       /**< the epoch from which on the rate is 0, at least 1; default 5 */
    double power;              /**< at least 0; default 1 */
    unsigned char reserved[8]; /**< zero: room for later options */
} cnn_polynomial_lr_options;

/** Options of cnn_cosine_annealing_lr_create(). */
typedef struct cnn_cosine_annealing_lr_options {
    size_t struct_size;        /**< sizeof(cnn_cosine_annealing_lr_options) */
    int64_t T_max;             /**< epochs from the highest rate to the lowest, at least 1; required */
    double eta_min;            /**< the lowest rate, at least 0; default 0 */
    unsigned char reserved[8]; /**< zero: room for later options */
} cnn_cosine_annealing_lr_options;

/** Options of cnn_cosine_annealing_warm_restarts_create(). */
typedef struct cnn_cosine_annealing_warm_restarts_options {
    size_t struct_size;        /**< sizeof(cnn_cosine_annealing_warm_restarts_options) */
    int64_t T_0;               /**< epochs until the first restart, at least 1; required */
    int64_t T_mult;            /**< factor of that number after each restart, at least 1; default 1 */
    double eta_min;            /**< the lowest rate, at least 0; default 0 */
    unsigned char reserved[8]; /**< zero: room for later options */
} cnn_cosine_annealing_warm_restarts_options;

/** How cnn_one_cycle_lr_create() goes from one rate to another. */
typedef enum cnn_anneal_strategy {
    CNN_ANNEAL_COS = 0,   /**< along half a cosine; the default */
    CNN_ANNEAL_LINEAR = 1 /**< along a line */
} cnn_anneal_strategy;

/** Options of cnn_one_cycle_lr_create(). */
typedef struct cnn_one_cycle_lr_options {
    size_t struct_size;      /**< sizeof(cnn_one_cycle_lr_options) */
    double max_lr;           /**< the highest rate, above 0; required unless `max_lrs` is given */
    const double *max_lrs;   /**< one for each group, in place of `max_lr`; may be NULL */
    int64_t max_lr_count;    /**< how many: the number of groups, or 0 */
    int64_t total_steps;     /**< length of the cycle, at least 1; default `epochs` times `steps_per_epoch` */
    int64_t epochs;          /**< at least 1; required unless `total_steps` is given */
    int64_t steps_per_epoch; /**< at least 1; required unless `total_steps` is given */
    double pct_start;        /**< the part of the cycle in which the rate rises, 0 to 1; default 0.3 */
    double base_momentum;    /**< at the highest rate, at least 0 and below 1; default 0.85 */
    double max_momentum;     /**< at the lowest rate, at least 0 and below 1; default 0.95 */
    double div_factor;       /**< the first rate is max_lr / div_factor; above 0; default 25 */
    double final_div_factor; /**< the last one is the first / final_div_factor; above 0; default 1e4 */
    cnn_anneal_strategy anneal_strategy; /**< default CNN_ANNEAL_COS */
    bool no_cycle_momentum;              /**< leave the momentum alone: cycle_momentum=False */
    bool three_phase;                    /**< fall to the first rate as fast as it rose, and then to the last one */
    unsigned char reserved[2];           /**< zero: room for later options */
} cnn_one_cycle_lr_options;

/** The factor of a group's base rate at an epoch. Must return normally, and may not use the scheduler. */
typedef double (*cnn_lr_lambda_fn)(int64_t epoch, int group, void *user);

/** Options of cnn_lambda_lr_create(). */
typedef struct cnn_lambda_lr_options {
    size_t struct_size;         /**< sizeof(cnn_lambda_lr_options) */
    cnn_lr_lambda_fn lr_lambda; /**< required */
    void *user;                 /**< passed to it; borrowed until the scheduler is freed */
    unsigned char reserved[8];  /**< zero: room for later options */
} cnn_lambda_lr_options;

/** Which metrics are better. */
typedef enum cnn_plateau_mode {
    CNN_PLATEAU_MIN = 0, /**< lower ones, such as a loss; the default */
    CNN_PLATEAU_MAX = 1  /**< higher ones, such as an accuracy */
} cnn_plateau_mode;

/** What `threshold` is. */
typedef enum cnn_threshold_mode {
    CNN_THRESHOLD_REL = 0, /**< a part of the best metric so far; the default */
    CNN_THRESHOLD_ABS = 1  /**< a difference from it */
} cnn_threshold_mode;

/** Options of cnn_reduce_lr_on_plateau_create(). */
typedef struct cnn_reduce_lr_on_plateau_options {
    size_t struct_size; /**< sizeof(cnn_reduce_lr_on_plateau_options) */
    double factor;      /**< what the rate is multiplied by when it is reduced, at least 0 and below 1; default 0.1 */
    int64_t patience;   /**< epochs without improvement that are let pass, at least 0; default 10 */
    double threshold;   /**< by how much a metric must be better to count, at least 0; default 1e-4 */
    int64_t cooldown;   /**< epochs after a reduction in which none is counted, at least 0; default 0 */
    double min_lr;      /**< the lowest rate, at least 0; default 0 */
    const double *min_lrs;             /**< one for each group, in place of `min_lr`; may be NULL */
    int64_t min_lr_count;              /**< how many: the number of groups, or 0 */
    double eps;                        /**< a reduction by no more than this is left out, at least 0; default 1e-8 */
    cnn_plateau_mode mode;             /**< default CNN_PLATEAU_MIN */
    cnn_threshold_mode threshold_mode; /**< default CNN_THRESHOLD_REL */
    bool no_patience;                  /**< reduce after the first bad epoch: patience=0 */
    unsigned char reserved[7];         /**< zero: room for later options */
} cnn_reduce_lr_on_plateau_options;
/** @} */

/** @name Schedules
 * Formulas are those of PyTorch's documentation; in PyTorch's way, `lr` is a group's rate and `base` its base rate.
 * @{ */

/** StepLR: lr · gamma at every `step_size`-th epoch. @since 0.2 */
CNN_API cnn_scheduler *cnn_step_lr_create(cnn_optimizer *optimizer, const cnn_step_lr_options *options);
/** MultiStepLR: lr · gamma at each milestone. @since 0.2 */
CNN_API cnn_scheduler *cnn_multi_step_lr_create(cnn_optimizer *optimizer, const cnn_multi_step_lr_options *options);
/** ConstantLR: lr · factor until epoch `total_iters`. (With a factor of 0, where PyTorch divides by it, the base rate
 * follows.) @since 0.2 */
CNN_API cnn_scheduler *cnn_constant_lr_create(cnn_optimizer *optimizer, const cnn_constant_lr_options *options);
/** LinearLR: a factor that goes from `start_factor` to `end_factor` in `total_iters` epochs. @since 0.2 */
CNN_API cnn_scheduler *cnn_linear_lr_create(cnn_optimizer *optimizer, const cnn_linear_lr_options *options);
/** ExponentialLR: lr · gamma at every epoch. @since 0.2 */
CNN_API cnn_scheduler *cnn_exponential_lr_create(cnn_optimizer *optimizer, const cnn_exponential_lr_options *options);
/** PolynomialLR: base · (1 − epoch / total_iters) ^ power, then 0. @since 0.2 */
CNN_API cnn_scheduler *cnn_polynomial_lr_create(cnn_optimizer *optimizer, const cnn_polynomial_lr_options *options);
/** CosineAnnealingLR: eta_min + (base − eta_min) · (1 + cos(π · epoch / T_max)) / 2. @since 0.2 */
CNN_API cnn_scheduler *cnn_cosine_annealing_lr_create(cnn_optimizer *optimizer,
                                                      const cnn_cosine_annealing_lr_options *options);
/** CosineAnnealingWarmRestarts: the same with the epochs since the last restart, which comes after T_0, T_0 · T_mult, …
 * epochs more. @since 0.2 */
CNN_API cnn_scheduler *
cnn_cosine_annealing_warm_restarts_create(cnn_optimizer *optimizer,
                                          const cnn_cosine_annealing_warm_restarts_options *options);
/** OneCycleLR: the rate rises to `max_lr` and falls far below where it began, and the momentum (or beta1) falls and
 * rises. CNN_ERROR_INVALID_ARGUMENT where the optimizer has neither and `no_cycle_momentum` is not set; CNN_ERROR_STATE
 * where it was made without momentum. The last of `total_steps` rates is set by step `total_steps` − 1 after the create
 * call. One more step is allowed, so that a loop may step after every batch, and keeps the last rates, where PyTorch
 * goes beyond them; another is CNN_ERROR_STATE. @since 0.2 */
CNN_API cnn_scheduler *cnn_one_cycle_lr_create(cnn_optimizer *optimizer, const cnn_one_cycle_lr_options *options);
/** LambdaLR: base · lr_lambda(epoch). Checkpoints carry the epoch, but not what the function remembers. @since 0.2 */
CNN_API cnn_scheduler *cnn_lambda_lr_create(cnn_optimizer *optimizer, const cnn_lambda_lr_options *options);
/** ReduceLROnPlateau: lr · factor once a metric has not become better for `patience` epochs; it is stepped by
 * cnn_scheduler_step_metric(). @since 0.2 */
CNN_API cnn_scheduler *cnn_reduce_lr_on_plateau_create(cnn_optimizer *optimizer,
                                                       const cnn_reduce_lr_on_plateau_options *options);

/**
 * SequentialLR: one scheduler after the other, each beginning from its base rates at its milestone, such as a warm-up
 * and what follows it. The rates of the groups are set back to their base rates first.
 * @param schedulers  `count` schedulers of `optimizer`, each given once and none of them NULL or a ReduceLROnPlateau;
 *                    takes ownership, also on failure, of all that no SequentialLR owns yet.
 * @param milestones  `count` − 1 epochs, rising, at least 1 each: where each but the first begins. NULL where `count`
 *                    is 1.
 * @return as above; and NULL where they are nested more than 7 levels deep (CNN_ERROR_UNSUPPORTED) or one belongs to a
 *         SequentialLR already (CNN_ERROR_STATE). @since 0.2
 */
CNN_API cnn_scheduler *cnn_sequential_lr_create(cnn_optimizer *optimizer, cnn_scheduler *const *schedulers,
                                                const int64_t *milestones, int count);
/** @} */

#ifndef __cplusplus
/** `cnn_step_lr_new(optimizer, .step_size = 30)` */
#define cnn_step_lr_new(...) CNN__STEP_LR_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_step_lr_options))
#define CNN__STEP_LR_NEW(optimizer, ...) \
    cnn_step_lr_create((optimizer), &(cnn_step_lr_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_multi_step_lr_new(optimizer, .gamma = 0.5)` */
#define cnn_multi_step_lr_new(...) CNN__MULTI_STEP_LR_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_multi_step_lr_options))
#define CNN__MULTI_STEP_LR_NEW(optimizer, ...) \
    cnn_multi_step_lr_create((optimizer), &(cnn_multi_step_lr_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_constant_lr_new(optimizer, .factor = 0.5, .total_iters = 4)` */
#define cnn_constant_lr_new(...) CNN__CONSTANT_LR_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_constant_lr_options))
#define CNN__CONSTANT_LR_NEW(optimizer, ...) \
    cnn_constant_lr_create((optimizer), &(cnn_constant_lr_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_linear_lr_new(optimizer, .start_factor = 0.01, .total_iters = 500)` */
#define cnn_linear_lr_new(...) CNN__LINEAR_LR_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_linear_lr_options))
#define CNN__LINEAR_LR_NEW(optimizer, ...) \
    cnn_linear_lr_create((optimizer), &(cnn_linear_lr_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_exponential_lr_new(optimizer, .gamma = 0.9)` */
#define cnn_exponential_lr_new(...) \
    CNN__EXPONENTIAL_LR_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_exponential_lr_options))
#define CNN__EXPONENTIAL_LR_NEW(optimizer, ...) \
    cnn_exponential_lr_create((optimizer), &(cnn_exponential_lr_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_polynomial_lr_new(optimizer, .total_iters = 100, .power = 2)` */
#define cnn_polynomial_lr_new(...) CNN__POLYNOMIAL_LR_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_polynomial_lr_options))
#define CNN__POLYNOMIAL_LR_NEW(optimizer, ...) \
    cnn_polynomial_lr_create((optimizer), &(cnn_polynomial_lr_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_cosine_annealing_lr_new(optimizer, .T_max = 100)` */
#define cnn_cosine_annealing_lr_new(...) \
    CNN__COSINE_ANNEALING_LR_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_cosine_annealing_lr_options))
#define CNN__COSINE_ANNEALING_LR_NEW(optimizer, ...) \
    cnn_cosine_annealing_lr_create((optimizer), &(cnn_cosine_annealing_lr_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_cosine_annealing_warm_restarts_new(optimizer, .T_0 = 10, .T_mult = 2)` */
#define cnn_cosine_annealing_warm_restarts_new(...) \
    CNN__COSINE_ANNEALING_WARM_RESTARTS_NEW(__VA_ARGS__, \
                                            .struct_size = sizeof(cnn_cosine_annealing_warm_restarts_options))
#define CNN__COSINE_ANNEALING_WARM_RESTARTS_NEW(optimizer, ...) \
    cnn_cosine_annealing_warm_restarts_create( \
        (optimizer), &(cnn_cosine_annealing_warm_restarts_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_one_cycle_lr_new(optimizer, .max_lr = 0.01, .total_steps = 3000)` */
#define cnn_one_cycle_lr_new(...) CNN__ONE_CYCLE_LR_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_one_cycle_lr_options))
#define CNN__ONE_CYCLE_LR_NEW(optimizer, ...) \
    cnn_one_cycle_lr_create((optimizer), &(cnn_one_cycle_lr_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_lambda_lr_new(optimizer, lr_lambda, .user = &model)` */
#define cnn_lambda_lr_new(...) CNN__LAMBDA_LR_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_lambda_lr_options))
#define CNN__LAMBDA_LR_NEW(optimizer, function, ...) \
    cnn_lambda_lr_create((optimizer), \
                         &(cnn_lambda_lr_options){ .lr_lambda = (function), CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_reduce_lr_on_plateau_new(optimizer, .patience = 3)` */
#define cnn_reduce_lr_on_plateau_new(...) \
    CNN__REDUCE_LR_ON_PLATEAU_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_reduce_lr_on_plateau_options))
#define CNN__REDUCE_LR_ON_PLATEAU_NEW(optimizer, ...) \
    cnn_reduce_lr_on_plateau_create((optimizer), &(cnn_reduce_lr_on_plateau_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
#endif

/** Sets the rates of the next epoch; call it after the optimizer's steps of this one.
 * @return CNN_OK; on failure nothing is changed: CNN_ERROR_INVALID_ARGUMENT (NULL, a ReduceLROnPlateau, a rate that
 *         would be negative or not finite), CNN_ERROR_STATE (it belongs to a SequentialLR, or its cycle is over).
 *         @since 0.2 */
CNN_API cnn_status cnn_scheduler_step(cnn_scheduler *scheduler);
/** Tells a ReduceLROnPlateau the metric of an epoch. A NaN is not better than anything, as in PyTorch.
 * @return CNN_OK; CNN_ERROR_INVALID_ARGUMENT for NULL and for another scheduler. @since 0.2 */
CNN_API cnn_status cnn_scheduler_step_metric(cnn_scheduler *scheduler, double metric);
/** The rate of a group that the scheduler has set last: PyTorch's get_last_lr(). @return NaN on error: a NULL, or no
 * such group when the scheduler was made. @since 0.2 */
CNN_API double cnn_scheduler_get_lr(const cnn_scheduler *scheduler, int group);
/** The epoch whose rates are set: 0 for a new scheduler; 0 for NULL, which is reported. @since 0.2 */
CNN_API int64_t cnn_scheduler_last_epoch(const cnn_scheduler *scheduler);
/** Frees a scheduler, with those that it owns; NULL is fine. One that a SequentialLR owns is left alone, which is
 * reported (CNN_ERROR_STATE). @since 0.2 */
CNN_API void cnn_scheduler_free(cnn_scheduler *scheduler);

CNN_END_DECLS

#endif
