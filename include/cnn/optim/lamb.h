/** @file
 * LAMB. What optim/group.h says about every optimizer holds here. */
#ifndef CNN_OPTIM_LAMB_H
#define CNN_OPTIM_LAMB_H

#include <cnn/optim/group.h>

CNN_BEGIN_DECLS

/** Options of LAMB and of its parameter groups; zero means the default, CNN_ZERO means 0. */
typedef struct cnn_lamb_options {
    size_t struct_size;        /**< sizeof(cnn_lamb_options) */
    double lr;                 /**< learning rate, at least 0; default 1e-3 */
    double beta1;              /**< decay of the first moment, at least 0 and below 1; default 0.9 */
    double beta2;              /**< decay of the second moment, at least 0 and below 1; default 0.999 */
    double eps;                /**< added to the root, at least 0; default 1e-6 */
    double weight_decay;       /**< decoupled, at least 0; default 1e-2 */
    bool maximize;             /**< ascend instead of descend */
    unsigned char reserved[7]; /**< zero: room for later options */
} cnn_lamb_options;

/** LAMB (You et al. 2020, "Large Batch Optimization for Deep Learning: Training BERT in 76 minutes", algorithm 2):
 * Adam's direction u with decoupled weight decay, scaled for each parameter by the ratio of norms ‖p‖ / ‖u‖, or by 1
 * where one of the norms is 0. Gradients are not clipped: cnn_clip_grad_norm() does it. @since 0.2 */
CNN_API cnn_optimizer *cnn_lamb_create(cnn_module *module, const cnn_lamb_options *options);
/** Makes one over tensors. @since 0.2 */
CNN_API cnn_optimizer *cnn_lamb_create_for(cnn_context *ctx, cnn_tensor *const *parameters, int count,
                                           const cnn_lamb_options *options);
/** Adds a group of tensors. @since 0.2 */
CNN_API cnn_status cnn_lamb_add_group(cnn_optimizer *optimizer, cnn_tensor *const *parameters, int count,
                                      const cnn_lamb_options *options);
/** Adds a group of parameters of a module. @since 0.2 */
CNN_API cnn_status cnn_lamb_add_group_where(cnn_optimizer *optimizer, const cnn_module *module, cnn_belongs_fn belongs,
                                            void *user, const cnn_lamb_options *options);
#ifndef __cplusplus
/** `cnn_lamb_new(model, .lr = 2e-3)` */
#define cnn_lamb_new(...) CNN__LAMB_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_lamb_options))
#define CNN__LAMB_NEW(module, ...) cnn_lamb_create((module), &(cnn_lamb_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
#endif

CNN_END_DECLS

#endif
