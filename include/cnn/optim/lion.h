/** @file
 * Lion. What optim/group.h says about every optimizer holds here. */
#ifndef CNN_OPTIM_LION_H
#define CNN_OPTIM_LION_H

#include <cnn/optim/group.h>

CNN_BEGIN_DECLS

/** Options of Lion and of its parameter groups; zero means the default, CNN_ZERO means 0. */
typedef struct cnn_lion_options {
    size_t struct_size;        /**< sizeof(cnn_lion_options) */
    double lr;                 /**< learning rate, at least 0; default 1e-4 */
    double beta1;              /**< the decay of the average whose sign is taken, at least 0 and below 1; default 0.9 */
    double beta2;              /**< decay of the average that is kept, at least 0 and below 1; default 0.99 */
    double weight_decay;       /**< decoupled, at least 0; default 0 */
    bool maximize;             /**< ascend instead of descend */
    unsigned char reserved[7]; /**< zero: room for later options */
} cnn_lion_options;

/** Lion (Chen et al. 2023, "Symbolic Discovery of Optimization Algorithms", algorithm 2): each element moves by lr in
 * the direction of the sign of an average of its gradients. Its learning rate is usually a third to a tenth of
 * AdamW's. @since 0.2 */
CNN_API cnn_optimizer *cnn_lion_create(cnn_module *module, const cnn_lion_options *options);
/** Makes one over tensors. @since 0.2 */
CNN_API cnn_optimizer *cnn_lion_create_for(cnn_context *ctx, cnn_tensor *const *parameters, int count,
                                           const cnn_lion_options *options);
/** Adds a group of tensors. @since 0.2 */
CNN_API cnn_status cnn_lion_add_group(cnn_optimizer *optimizer, cnn_tensor *const *parameters, int count,
                                      const cnn_lion_options *options);
/** Adds a group of parameters of a module. @since 0.2 */
CNN_API cnn_status cnn_lion_add_group_where(cnn_optimizer *optimizer, const cnn_module *module, cnn_belongs_fn belongs,
                                            void *user, const cnn_lion_options *options);
#ifndef __cplusplus
/** `cnn_lion_new(model, .lr = 3e-4, .weight_decay = 0.1)` */
#define cnn_lion_new(...) CNN__LION_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_lion_options))
#define CNN__LION_NEW(module, ...) cnn_lion_create((module), &(cnn_lion_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
#endif

CNN_END_DECLS

#endif
