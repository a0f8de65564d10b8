/** @file
 * Adam and AdamW. What optim/group.h says about every optimizer holds here. */
#ifndef CNN_OPTIM_ADAM_H
#define CNN_OPTIM_ADAM_H

#include <cnn/optim/group.h>

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

/** torch.optim.Adam (Kingma & Ba 2015, "Adam: A Method for Stochastic Optimization"). @since 0.1 */
CNN_API cnn_optimizer *cnn_adam_create(cnn_module *module, const cnn_adam_options *options);
/** Makes one over tensors. @since 0.2 */
CNN_API cnn_optimizer *cnn_adam_create_for(cnn_context *ctx, cnn_tensor *const *parameters, int count,
                                           const cnn_adam_options *options);
/** Adds a group of tensors. @since 0.2 */
CNN_API cnn_status cnn_adam_add_group(cnn_optimizer *optimizer, cnn_tensor *const *parameters, int count,
                                      const cnn_adam_options *options);
/** Adds a group of parameters of a module. @since 0.2 */
CNN_API cnn_status cnn_adam_add_group_where(cnn_optimizer *optimizer, const cnn_module *module, cnn_belongs_fn belongs,
                                            void *user, const cnn_adam_options *options);
#ifndef __cplusplus
/** `cnn_adam_new(model, .lr = 1e-3)` */
#define cnn_adam_new(...) CNN__ADAM_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_adam_options))
#define CNN__ADAM_NEW(module, ...) cnn_adam_create((module), &(cnn_adam_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
#endif

/** torch.optim.AdamW (Loshchilov & Hutter 2019, "Decoupled Weight Decay Regularization"). @since 0.1 */
CNN_API cnn_optimizer *cnn_adamw_create(cnn_module *module, const cnn_adam_options *options);
/** Makes one over tensors. @since 0.2 */
CNN_API cnn_optimizer *cnn_adamw_create_for(cnn_context *ctx, cnn_tensor *const *parameters, int count,
                                            const cnn_adam_options *options);
/** Adds a group of tensors. @since 0.2 */
CNN_API cnn_status cnn_adamw_add_group(cnn_optimizer *optimizer, cnn_tensor *const *parameters, int count,
                                       const cnn_adam_options *options);
/** Adds a group of parameters of a module. @since 0.2 */
CNN_API cnn_status cnn_adamw_add_group_where(cnn_optimizer *optimizer, const cnn_module *module, cnn_belongs_fn belongs,
                                             void *user, const cnn_adam_options *options);
#ifndef __cplusplus
/** `cnn_adamw_new(model, .lr = 1e-3)` */
#define cnn_adamw_new(...) CNN__ADAMW_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_adam_options))
#define CNN__ADAMW_NEW(module, ...) cnn_adamw_create((module), &(cnn_adam_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
#endif

CNN_END_DECLS

#endif
