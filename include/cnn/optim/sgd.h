/** @file
 * Stochastic gradient descent. What optim/group.h says about every optimizer holds here. */
#ifndef CNN_OPTIM_SGD_H
#define CNN_OPTIM_SGD_H

#include <cnn/optim/group.h>

CNN_BEGIN_DECLS

/** Options of SGD and of its parameter groups; zero means the default. */
typedef struct cnn_sgd_options {
    size_t struct_size;  /**< sizeof(cnn_sgd_options) */
    double lr;           /**< learning rate, at least 0; required, as in PyTorch 1.13 */
    double momentum;     /**< at least 0; default 0 */
    double dampening;    /**< the part of the gradient that is left out of the momentum; any finite number; default 0 */
    double weight_decay; /**< L2 penalty, at least 0; default 0 */
    bool nesterov;       /**< needs momentum > 0 and dampening 0 */
    bool maximize;       /**< ascend instead of descend */
    unsigned char reserved[6]; /**< zero: room for later options */
} cnn_sgd_options;

/** torch.optim.SGD, with momentum as in Sutskever et al. 2013 ("On the importance of initialization and momentum in
 * deep learning"). `options` must give `lr`. @since 0.1 */
CNN_API cnn_optimizer *cnn_sgd_create(cnn_module *module, const cnn_sgd_options *options);
/** Makes one over tensors. @since 0.2 */
CNN_API cnn_optimizer *cnn_sgd_create_for(cnn_context *ctx, cnn_tensor *const *parameters, int count,
                                          const cnn_sgd_options *options);
/** Adds a group of tensors. @since 0.2 */
CNN_API cnn_status cnn_sgd_add_group(cnn_optimizer *optimizer, cnn_tensor *const *parameters, int count,
                                     const cnn_sgd_options *options);
/** Adds a group of parameters of a module. @since 0.2 */
CNN_API cnn_status cnn_sgd_add_group_where(cnn_optimizer *optimizer, const cnn_module *module, cnn_belongs_fn belongs,
                                           void *user, const cnn_sgd_options *options);
#ifndef __cplusplus
/** `cnn_sgd_new(model, .lr = 0.1, .momentum = 0.9)` */
#define cnn_sgd_new(...) CNN__SGD_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_sgd_options))
#define CNN__SGD_NEW(module, ...) cnn_sgd_create((module), &(cnn_sgd_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
#endif

CNN_END_DECLS

#endif
