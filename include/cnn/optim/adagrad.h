/** @file
 * Adagrad. What optim/group.h says about every optimizer holds here. */
#ifndef CNN_OPTIM_ADAGRAD_H
#define CNN_OPTIM_ADAGRAD_H

#include <cnn/optim/group.h>

CNN_BEGIN_DECLS

/** Options of Adagrad and of its parameter groups; zero means the default, CNN_ZERO means 0. */
typedef struct cnn_adagrad_options {
    size_t struct_size;               /**< sizeof(cnn_adagrad_options) */
    double lr;                        /**< learning rate, at least 0; default 1e-2 */
    double lr_decay;                  /**< step t divides lr by 1 + (t − 1) · lr_decay; at least 0; default 0 */
    double weight_decay;              /**< L2 penalty, at least 0; default 0 */
    double initial_accumulator_value; /**< first value of the sum of squares, at least 0; default 0 */
    double eps;                       /**< added to the root, at least 0; default 1e-10 */
    bool maximize;                    /**< ascend instead of descend */
    unsigned char reserved[7];        /**< zero: room for later options */
} cnn_adagrad_options;

/** torch.optim.Adagrad (Duchi, Hazan & Singer 2011, "Adaptive Subgradient Methods for Online Learning and Stochastic
 * Optimization"). @since 0.2 */
CNN_API cnn_optimizer *cnn_adagrad_create(cnn_module *module, const cnn_adagrad_options *options);
/** Makes one over tensors. @since 0.2 */
CNN_API cnn_optimizer *cnn_adagrad_create_for(cnn_context *ctx, cnn_tensor *const *parameters, int count,
                                              const cnn_adagrad_options *options);
/** Adds a group of tensors. @since 0.2 */
CNN_API cnn_status cnn_adagrad_add_group(cnn_optimizer *optimizer, cnn_tensor *const *parameters, int count,
                                         const cnn_adagrad_options *options);
/** Adds a group of parameters of a module. @since 0.2 */
CNN_API cnn_status cnn_adagrad_add_group_where(cnn_optimizer *optimizer, const cnn_module *module,
                                               cnn_belongs_fn belongs, void *user, const cnn_adagrad_options *options);
#ifndef __cplusplus
/** `cnn_adagrad_new(model, .lr = 0.05)` */
#define cnn_adagrad_new(...) CNN__ADAGRAD_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_adagrad_options))
#define CNN__ADAGRAD_NEW(module, ...) \
    cnn_adagrad_create((module), &(cnn_adagrad_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
#endif

CNN_END_DECLS

#endif
