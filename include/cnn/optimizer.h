/** @file
 * Optimizers: Adam, AdamW, SGD and RMSprop with PyTorch's formulas, options and defaults.
 *
 * An optimizer belongs to the caller. It keeps the tensors that it updates alive, so it may be freed before or after
 * the module, and before or after its schedulers (scheduler.h). It updates parameters that require a gradient and
 * have one, and skips the others: a frozen parameter (cnn_tensor_set_requires_grad()) stays as it is, and so does
 * what the optimizer remembers of it. An optimizer, and the parameters that it updates, are used by one thread at a
 * time. Rates and factors are finite numbers in the ranges given; everything else is CNN_ERROR_INVALID_ARGUMENT. */
#ifndef CNN_OPTIMIZER_H
#define CNN_OPTIMIZER_H

#include <cnn/module.h>

CNN_BEGIN_DECLS

/** Options of Adam and AdamW and of their parameter groups; zero means the default, CNN_ZERO means 0. */
typedef struct cnn_adam_options {
    size_t struct_size;        /**< sizeof(cnn_adam_options) */
    double lr;                 /**< learning rate, at least 0; default 1e-3 */
    double beta1;              /**< decay of the first moment, at least 0 and below 1; default 0.9 */
    double beta2;              /**< decay of the second moment, at least 0 and below 1; default 0.999 */
    double eps;                /**< added to the root, at least 0; default 1e-8 */
    double weight_decay;       /**< at least 0. Adam: L2 penalty, default 0. AdamW: decoupled, default 1e-2 */
    bool amsgrad;              /**< use the largest second moment so far */
    bool maximize;             /**< ascend instead of descend */
    unsigned char reserved[6]; /**< zero: room for later options */
} cnn_adam_options;

/** Options of SGD and of its parameter groups; zero means the default. */
typedef struct cnn_sgd_options {
    size_t struct_size;        /**< sizeof(cnn_sgd_options) */
    double lr;                 /**< learning rate, at least 0; required, as in PyTorch 1.13 */
    double momentum;           /**< at least 0; default 0 */
    double dampening;          /**< of the momentum; any finite number; default 0 */
    double weight_decay;       /**< L2 penalty, at least 0; default 0 */
    bool nesterov;             /**< needs momentum > 0 and dampening 0 */
    bool maximize;             /**< ascend instead of descend */
    unsigned char reserved[6]; /**< zero: room for later options */
} cnn_sgd_options;

/** Options of RMSprop and of its parameter groups; zero means the default, CNN_ZERO means 0. */
typedef struct cnn_rmsprop_options {
    size_t struct_size;        /**< sizeof(cnn_rmsprop_options) */
    double lr;                 /**< learning rate, at least 0; default 1e-2 */
    double alpha;              /**< decay of the mean square, at least 0 and below 1; default 0.99 */
    double eps;                /**< added to the root, at least 0; default 1e-8 */
    double weight_decay;       /**< L2 penalty, at least 0; default 0 */
    double momentum;           /**< at least 0; default 0 */
    bool centered;             /**< divide by the root of the variance instead of the mean square */
    bool maximize;             /**< ascend instead of descend */
    unsigned char reserved[6]; /**< zero: room for later options */
} cnn_rmsprop_options;

/** torch.optim.Adam over the parameters of `module` that require a gradient (Kingma & Ba 2015, "Adam: A Method for
 * Stochastic Optimization"). Frozen ones have no state in it; cnn_adam_add_group() adds one that is to be trained
 * later.
 * @param options  NULL for the defaults.
 * @return an optimizer owned by the caller; NULL on failure (no such parameter, an option out of its range, no memory).
 * @since 0.1 */
CNN_API cnn_optimizer *cnn_adam_create(cnn_module *module, const cnn_adam_options *options);
/** torch.optim.AdamW over the same parameters of `module` (Loshchilov & Hutter 2019, "Decoupled Weight Decay
 * Regularization"); otherwise as cnn_adam_create(). @since 0.1 */
CNN_API cnn_optimizer *cnn_adamw_create(cnn_module *module, const cnn_adam_options *options);
/** torch.optim.SGD over the same parameters of `module`, with momentum as in Sutskever et al. 2013 ("On the importance
 * of initialization and momentum in deep learning"). `options` must give `lr`. @return as cnn_adam_create().
 * @since 0.1 */
CNN_API cnn_optimizer *cnn_sgd_create(cnn_module *module, const cnn_sgd_options *options);
/** torch.optim.RMSprop over the same parameters of `module` (Hinton 2012, "Neural Networks for Machine Learning",
 * lecture 6e; centered: Graves 2013, "Generating Sequences With Recurrent Neural Networks"). @return as
 * cnn_adam_create(). @since 0.2 */
CNN_API cnn_optimizer *cnn_rmsprop_create(cnn_module *module, const cnn_rmsprop_options *options);

#ifndef __cplusplus
/** `cnn_adam_new(model, .lr = 1e-3)` */
#define cnn_adam_new(...) CNN__ADAM_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_adam_options))
#define CNN__ADAM_NEW(module, ...) cnn_adam_create((module), &(cnn_adam_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_adamw_new(model, .lr = 1e-3)` */
#define cnn_adamw_new(...) CNN__ADAMW_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_adam_options))
#define CNN__ADAMW_NEW(module, ...) cnn_adamw_create((module), &(cnn_adam_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_sgd_new(model, .lr = 0.1, .momentum = 0.9)` */
#define cnn_sgd_new(...) CNN__SGD_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_sgd_options))
#define CNN__SGD_NEW(module, ...) cnn_sgd_create((module), &(cnn_sgd_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_rmsprop_new(model, .lr = 1e-3, .centered = true)` */
#define cnn_rmsprop_new(...) CNN__RMSPROP_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_rmsprop_options))
#define CNN__RMSPROP_NEW(module, ...) \
    cnn_rmsprop_create((module), &(cnn_rmsprop_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
#endif

/** @name Optimizers over tensors
 * Over `count` tensors of the caller's or modules' parameters, f32 or f64 and of `ctx`, each given once; they need not
 * be of one module. `count` may be 0, and then `parameters` NULL: an optimizer without a group yet, whose `options` are
 * those of groups that are added without options of their own.
 * @param options  as in the create call.
 * @return an optimizer owned by the caller; NULL on failure (CNN_ERROR_INVALID_ARGUMENT, CNN_ERROR_DTYPE,
 *         CNN_ERROR_STATE, CNN_ERROR_NO_MEMORY).
 * @{ */
/** torch.optim.Adam. @since 0.2 */
CNN_API cnn_optimizer *cnn_adam_create_for(cnn_context *ctx, cnn_tensor *const *parameters, int count,
                                           const cnn_adam_options *options);
/** torch.optim.AdamW. @since 0.2 */
CNN_API cnn_optimizer *cnn_adamw_create_for(cnn_context *ctx, cnn_tensor *const *parameters, int count,
                                            const cnn_adam_options *options);
/** torch.optim.SGD; `options` must give `lr`. @since 0.2 */
CNN_API cnn_optimizer *cnn_sgd_create_for(cnn_context *ctx, cnn_tensor *const *parameters, int count,
                                          const cnn_sgd_options *options);
/** torch.optim.RMSprop. @since 0.2 */
CNN_API cnn_optimizer *cnn_rmsprop_create_for(cnn_context *ctx, cnn_tensor *const *parameters, int count,
                                              const cnn_rmsprop_options *options);
/** @} */

/** @name Parameter groups
 * Each adds parameters with options of their own to an optimizer of its kind. A parameter may be in one group only.
 * `options` are as in the create call; NULL takes those of the first group, or where there is none those that the
 * optimizer was made with.
 * @return CNN_OK; on failure nothing is added: CNN_ERROR_INVALID_ARGUMENT (a NULL, an optimizer of another kind, a
 *         count below 1, no parameter that belongs, a parameter given twice or in a group already, which the message
 *         names, an option out of its range), CNN_ERROR_DTYPE, CNN_ERROR_STATE, CNN_ERROR_NO_MEMORY.
 * @{ */
/** To an optimizer of Adam's. @since 0.2 */
CNN_API cnn_status cnn_adam_add_group(cnn_optimizer *optimizer, cnn_tensor *const *parameters, int count,
                                      const cnn_adam_options *options);
/** To an optimizer of AdamW's. @since 0.2 */
CNN_API cnn_status cnn_adamw_add_group(cnn_optimizer *optimizer, cnn_tensor *const *parameters, int count,
                                       const cnn_adam_options *options);
/** To an optimizer of SGD's. @since 0.2 */
CNN_API cnn_status cnn_sgd_add_group(cnn_optimizer *optimizer, cnn_tensor *const *parameters, int count,
                                     const cnn_sgd_options *options);
/** To an optimizer of RMSprop's. @since 0.2 */
CNN_API cnn_status cnn_rmsprop_add_group(cnn_optimizer *optimizer, cnn_tensor *const *parameters, int count,
                                         const cnn_rmsprop_options *options);

/** Says whether a parameter belongs to the group that is being added; `name` is its whole name, such as "l1.0.weight",
 * valid during the call. Must return normally, and may not change the module. */
typedef bool (*cnn_belongs_fn)(const char *name, const cnn_tensor *parameter, void *user);

/** The parameters of `module` for which `belongs` returns true; it is asked once for each parameter that requires a
 * gradient, in the order of cnn_module_parameter(). To an optimizer of Adam's. @since 0.2 */
CNN_API cnn_status cnn_adam_add_group_where(cnn_optimizer *optimizer, const cnn_module *module, cnn_belongs_fn belongs,
                                            void *user, const cnn_adam_options *options);
/** The same, to an optimizer of AdamW's. @since 0.2 */
CNN_API cnn_status cnn_adamw_add_group_where(cnn_optimizer *optimizer, const cnn_module *module, cnn_belongs_fn belongs,
                                             void *user, const cnn_adam_options *options);
/** The same, to an optimizer of SGD's. @since 0.2 */
CNN_API cnn_status cnn_sgd_add_group_where(cnn_optimizer *optimizer, const cnn_module *module, cnn_belongs_fn belongs,
                                           void *user, const cnn_sgd_options *options);
/** The same, to an optimizer of RMSprop's. @since 0.2 */
CNN_API cnn_status cnn_rmsprop_add_group_where(cnn_optimizer *optimizer, const cnn_module *module,
                                               cnn_belongs_fn belongs, void *user, const cnn_rmsprop_options *options);
/** @} */

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
    CNN_OPTION_MAXIMIZE = 2,     /**< all; 0 or 1 */
    CNN_OPTION_BETA1 = 3,        /**< Adam, AdamW */
    CNN_OPTION_BETA2 = 4,        /**< Adam, AdamW */
    CNN_OPTION_EPS = 5,          /**< Adam, AdamW, RMSprop */
    CNN_OPTION_AMSGRAD = 6,      /**< Adam, AdamW; 0 or 1; fixed when the group is added */
    CNN_OPTION_MOMENTUM = 7,     /**< SGD, RMSprop; whether it is 0 is fixed when the group is added */
    CNN_OPTION_DAMPENING = 8,    /**< SGD */
    CNN_OPTION_NESTEROV = 9,     /**< SGD; 0 or 1 */
    CNN_OPTION_ALPHA = 10,       /**< RMSprop */
    CNN_OPTION_CENTERED = 11     /**< RMSprop; 0 or 1; fixed when the group is added */
} cnn_optimizer_option;

/** An option of a group as it is now; switches are 0 or 1. @return NaN on error: a NULL, no such group, an option that
 * this kind of optimizer has not (CNN_ERROR_INVALID_ARGUMENT). @since 0.2 */
CNN_API double cnn_optimizer_get(const cnn_optimizer *optimizer, int group, cnn_optimizer_option option);
/**
 * Sets an option of a group from the next step on; −1: of all groups. Checkpoints carry it.
 * @param value  in the range that the create call has for it; 0 is 0 here.
 * @return CNN_OK; on failure nothing is changed: CNN_ERROR_INVALID_ARGUMENT (as above, or a value out of its range);
 *         CNN_ERROR_STATE where the group would need another state than it has (AMSGrad or `centered` switched,
 * momentum
 *         from or to 0).
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
