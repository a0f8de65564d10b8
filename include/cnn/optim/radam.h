/** @file
 * RAdam. What optim/group.h says about every optimizer holds here. */
#ifndef CNN_OPTIM_RADAM_H
#define CNN_OPTIM_RADAM_H

#include <cnn/optim/group.h>

CNN_BEGIN_DECLS

/** Options of RAdam and of its parameter groups; zero means the default, CNN_ZERO means 0. */
typedef struct cnn_radam_options {
    size_t struct_size;          /**< sizeof(cnn_radam_options) */
    double lr;                   /**< learning rate, at least 0; default 1e-3 */
    double beta1;                /**< decay of the first moment, at least 0 and below 1; default 0.9 */
    double beta2;                /**< decay of the second moment, at least 0 and below 1; default 0.999 */
    double eps;                  /**< added to the root, at least 0; default 1e-8 */
    double weight_decay;         /**< at least 0; default 0 */
    bool decoupled_weight_decay; /**< decay weights as AdamW does instead of by an L2 penalty */
    bool maximize;               /**< ascend instead of descend */
    unsigned char reserved[6];   /**< zero: room for later options */
} cnn_radam_options;

/** torch.optim.RAdam (Liu et al. 2020, "On the Variance of the Adaptive Learning Rate and Beyond"). @since 0.2 */
CNN_API cnn_optimizer *cnn_radam_create(cnn_module *module, const cnn_radam_options *options);
/** Makes one over tensors. @since 0.2 */
CNN_API cnn_optimizer *cnn_radam_create_for(cnn_context *ctx, cnn_tensor *const *parameters, int count,
                                            const cnn_radam_options *options);
/** Adds a group of tensors. @since 0.2 */
CNN_API cnn_status cnn_radam_add_group(cnn_optimizer *optimizer, cnn_tensor *const *parameters, int count,
                                       const cnn_radam_options *options);
/** Adds a group of parameters of a module. @since 0.2 */
CNN_API cnn_status cnn_radam_add_group_where(cnn_optimizer *optimizer, const cnn_module *module, cnn_belongs_fn belongs,
                                             void *user, const cnn_radam_options *options);
#ifndef __cplusplus
/** `cnn_radam_new(model, .lr = 1e-3)` */
#define cnn_radam_new(...) CNN__RADAM_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_radam_options))
#define CNN__RADAM_NEW(module, ...) cnn_radam_create((module), &(cnn_radam_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
#endif

CNN_END_DECLS

#endif
