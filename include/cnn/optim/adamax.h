/** @file
 * Adamax. What optim/group.h says about every optimizer holds here. */
#ifndef CNN_OPTIM_ADAMAX_H
#define CNN_OPTIM_ADAMAX_H

#include <cnn/optim/group.h>

CNN_BEGIN_DECLS

/** Options of Adamax and of its parameter groups; zero means the default, CNN_ZERO means 0. */
typedef struct cnn_adamax_options {
    size_t struct_size;        /**< sizeof(cnn_adamax_options) */
    double lr;                 /**< learning rate, at least 0; default 2e-3 */
    double beta1;              /**< decay of the first moment, at least 0 and below 1; default 0.9 */
    double beta2;              /**< decay of the infinity norm, at least 0 and below 1; default 0.999 */
    double eps;                /**< added to the size of the gradient, at least 0; default 1e-8 */
    double weight_decay;       /**< L2 penalty, at least 0; default 0 */
    bool maximize;             /**< ascend instead of descend */
    unsigned char reserved[7]; /**< zero: room for later options */
} cnn_adamax_options;

/** torch.optim.Adamax (Kingma & Ba 2015, section 7.1). @since 0.2 */
CNN_API cnn_optimizer *cnn_adamax_create(cnn_module *module, const cnn_adamax_options *options);
/** Makes one over tensors. @since 0.2 */
CNN_API cnn_optimizer *cnn_adamax_create_for(cnn_context *ctx, cnn_tensor *const *parameters, int count,
                                             const cnn_adamax_options *options);
/** Adds a group of tensors. @since 0.2 */
CNN_API cnn_status cnn_adamax_add_group(cnn_optimizer *optimizer, cnn_tensor *const *parameters, int count,
                                        const cnn_adamax_options *options);
/** Adds a group of parameters of a module. @since 0.2 */
CNN_API cnn_status cnn_adamax_add_group_where(cnn_optimizer *optimizer, const cnn_module *module,
                                              cnn_belongs_fn belongs, void *user, const cnn_adamax_options *options);
#ifndef __cplusplus
/** `cnn_adamax_new(model, .lr = 1e-3)` */
#define cnn_adamax_new(...) CNN__ADAMAX_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_adamax_options))
#define CNN__ADAMAX_NEW(module, ...) \
    cnn_adamax_create((module), &(cnn_adamax_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
#endif

CNN_END_DECLS

#endif
