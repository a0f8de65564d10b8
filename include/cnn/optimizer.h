/** @file
 * Optimizers: what is done with one, whatever its kind. This header includes those of the kinds, cnn/optim/….h, which
 * have PyTorch's names, formulas, options and defaults, or where PyTorch has none those of the paper.
 *
 * An optimizer belongs to the caller. It keeps the tensors that it updates alive, so it may be freed before or after
 * the module, and before or after its schedulers (scheduler.h). It updates parameters that require a gradient and
 * have one, and skips the others: a frozen parameter (cnn_tensor_set_requires_grad()) stays as it is, and so does
 * what the optimizer remembers of it. An optimizer, and the parameters that it updates, are used by one thread at a
 * time. Rates and factors are finite numbers in the ranges given; everything else is CNN_ERROR_INVALID_ARGUMENT. */
#ifndef CNN_OPTIMIZER_H
#define CNN_OPTIMIZER_H

#include <cnn/optim/adadelta.h>
#include <cnn/optim/adagrad.h>
#include <cnn/optim/adam.h>
#include <cnn/optim/adamax.h>
#include <cnn/optim/lamb.h>
#include <cnn/optim/lars.h>
#include <cnn/optim/lion.h>
#include <cnn/optim/muon.h>
#include <cnn/optim/nadam.h>
#include <cnn/optim/radam.h>
#include <cnn/optim/rmsprop.h>
#include <cnn/optim/sgd.h>

CNN_BEGIN_DECLS

/** Frees an optimizer; NULL is fine. @since 0.1 */
CNN_API void cnn_optimizer_free(cnn_optimizer *optimizer);

/** Sets the gradients of all its parameters to zero. A failed step that they took part in, and that is over or whose
 * error was reported, no longer stops cnn_optimizer_step(). @since 0.1 */
CNN_API cnn_status cnn_optimizer_zero_grad(cnn_optimizer *optimizer);

/**
 * Updates the parameters from their gradients.
 * @return CNN_OK; or, without touching a parameter, the first error of a recording step that failed and that one of
 *         them took part in since their gradients were last set to zero.
 * @since 0.1
 */
CNN_API cnn_status cnn_optimizer_step(cnn_optimizer *optimizer);

/** How many groups; 0 for NULL. @since 0.1 */
CNN_API int cnn_optimizer_group_count(const cnn_optimizer *optimizer);

/** What can be changed of a group. Which optimizers have it stands in their options. */
typedef enum cnn_optimizer_option {
    CNN_OPTION_LR = 0,           /**< all */
    CNN_OPTION_WEIGHT_DECAY = 1, /**< all */
    CNN_OPTION_MAXIMIZE = 2,     /**< all but Muon; 0 or 1 */
    CNN_OPTION_BETA1 = 3,        /**< Adam, AdamW, NAdam, RAdam, Adamax, Lion, LAMB */
    CNN_OPTION_BETA2 = 4,        /**< the same */
    CNN_OPTION_EPS = 5,          /**< those but Lion; RMSprop, Adagrad, Adadelta, Muon */
    CNN_OPTION_AMSGRAD = 6,      /**< Adam, AdamW; 0 or 1; fixed when the group is added */
    CNN_OPTION_MOMENTUM = 7,     /**< SGD, RMSprop, LARS, Muon; whether it is 0 is fixed when the group is added */
    CNN_OPTION_DAMPENING = 8,    /**< SGD */
    CNN_OPTION_NESTEROV = 9,     /**< SGD; 0 or 1 */
    CNN_OPTION_ALPHA = 10,       /**< RMSprop */
    CNN_OPTION_CENTERED = 11,    /**< RMSprop; 0 or 1; fixed when the group is added */
    CNN_OPTION_LR_DECAY = 12,    /**< Adagrad */
    CNN_OPTION_INITIAL_ACCUMULATOR_VALUE = 13, /**< Adagrad; of no effect once the group is added */
    CNN_OPTION_RHO = 14,                       /**< Adadelta */
    CNN_OPTION_MOMENTUM_DECAY = 15,            /**< NAdam */
    CNN_OPTION_DECOUPLED_WEIGHT_DECAY = 16,    /**< NAdam, RAdam; 0 or 1 */
    CNN_OPTION_TRUST_COEFFICIENT = 17,         /**< LARS */
    CNN_OPTION_NO_NESTEROV = 18,               /**< Muon; 0 or 1 */
    CNN_OPTION_NS_A = 19,                      /**< Muon */
    CNN_OPTION_NS_B = 20,                      /**< Muon */
    CNN_OPTION_NS_C = 21,                      /**< Muon */
    CNN_OPTION_NS_STEPS = 22,                  /**< Muon */
    CNN_OPTION_MATCH_RMS_ADAMW = 23,           /**< Muon; 0 or 1 */
    CNN_OPTION_SPECTRAL_UNCLAMPED = 24         /**< Muon; 0 or 1 */
} cnn_optimizer_option;

/** An option of a group as it is now; switches are 0 or 1. @return NaN on error: a NULL, no such group, an option that
 * this kind of optimizer does not have (CNN_ERROR_INVALID_ARGUMENT). @since 0.2 */
CNN_API double cnn_optimizer_get(const cnn_optimizer *optimizer, int group, cnn_optimizer_option option);
/**
 * Sets an option of a group from the next step on; −1: of all groups. Checkpoints carry it.
 * @param value  in the range that the create call has for it; 0 is 0 here.
 * @return CNN_OK; on failure nothing is changed: CNN_ERROR_INVALID_ARGUMENT (as above, or a value out of its range);
 *         CNN_ERROR_STATE where the group would need another state than it has (AMSGrad or `centered` switched,
 *         momentum from or to 0).
 * @since 0.2
 */
CNN_API cnn_status cnn_optimizer_set(cnn_optimizer *optimizer, int group, cnn_optimizer_option option, double value);
/** The learning rate of a group; NaN on error. @since 0.1 */
CNN_API double cnn_optimizer_lr(const cnn_optimizer *optimizer, int group);
/** Sets the learning rate of a group; −1: of all. `lr` is finite and at least 0. @since 0.1 */
CNN_API cnn_status cnn_optimizer_set_lr(cnn_optimizer *optimizer, int group, double lr);
/** How many steps were made; 0 for NULL. @since 0.1 */
CNN_API int64_t cnn_optimizer_step_count(const cnn_optimizer *optimizer);

CNN_END_DECLS

#endif
