/** @file
 * RMSprop. What optim/group.h says about every optimizer holds here. */
#ifndef CNN_OPTIM_RMSPROP_H
#define CNN_OPTIM_RMSPROP_H

#include <cnn/optim/group.h>

CNN_BEGIN_DECLS

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

/** torch.optim.RMSprop (Hinton 2012, "Neural Networks for Machine Learning", lecture 6e; centered: Graves 2013,
 * "Generating Sequences With Recurrent Neural Networks"). @since 0.2 */
CNN_API cnn_optimizer *cnn_rmsprop_create(cnn_module *module, const cnn_rmsprop_options *options);
/** Makes one over tensors. @since 0.2 */
CNN_API cnn_optimizer *cnn_rmsprop_create_for(cnn_context *ctx, cnn_tensor *const *parameters, int count,
                                              const cnn_rmsprop_options *options);
/** Adds a group of tensors. @since 0.2 */
CNN_API cnn_status cnn_rmsprop_add_group(cnn_optimizer *optimizer, cnn_tensor *const *parameters, int count,
                                         const cnn_rmsprop_options *options);
/** Adds a group of parameters of a module. @since 0.2 */
CNN_API cnn_status cnn_rmsprop_add_group_where(cnn_optimizer *optimizer, const cnn_module *module,
                                               cnn_belongs_fn belongs, void *user, const cnn_rmsprop_options *options);
#ifndef __cplusplus
/** `cnn_rmsprop_new(model, .lr = 1e-3, .centered = true)` */
#define cnn_rmsprop_new(...) CNN__RMSPROP_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_rmsprop_options))
#define CNN__RMSPROP_NEW(module, ...) \
    cnn_rmsprop_create((module), &(cnn_rmsprop_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
#endif

CNN_END_DECLS

#endif
