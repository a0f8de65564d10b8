/** @file
 * LARS. What optim/group.h says about every optimizer holds here. */
#ifndef CNN_OPTIM_LARS_H
#define CNN_OPTIM_LARS_H

#include <cnn/optim/group.h>

CNN_BEGIN_DECLS

/** Options of LARS and of its parameter groups; zero means the default, CNN_ZERO means 0. */
typedef struct cnn_lars_options {
    size_t struct_size;        /**< sizeof(cnn_lars_options) */
    double lr;                 /**< learning rate, at least 0; required */
    double momentum;           /**< at least 0; default 0.9 */
    double weight_decay;       /**< L2 penalty, at least 0; default 0 */
    double trust_coefficient;  /**< at least 0; default 1e-3 */
    bool maximize;             /**< ascend instead of descend */
    unsigned char reserved[7]; /**< zero: room for later options */
} cnn_lars_options;

/** LARS (You, Gitman & Ginsburg 2017, "Large Batch Training of Convolutional Networks", algorithm 1): SGD with momentum
 * and a rate of its own for each parameter p with gradient g, lr · trust_coefficient · ‖p‖ / (‖g‖ + weight_decay ·
 * ‖p‖), or lr where one of the norms is 0. `options` must give `lr`. @since 0.2 */
CNN_API cnn_optimizer *cnn_lars_create(cnn_module *module, const cnn_lars_options *options);
/** Makes one over tensors. @since 0.2 */
CNN_API cnn_optimizer *cnn_lars_create_for(cnn_context *ctx, cnn_tensor *const *parameters, int count,
                                           const cnn_lars_options *options);
/** Adds a group of tensors. @since 0.2 */
CNN_API cnn_status cnn_lars_add_group(cnn_optimizer *optimizer, cnn_tensor *const *parameters, int count,
                                      const cnn_lars_options *options);
/** Adds a group of parameters of a module. @since 0.2 */
CNN_API cnn_status cnn_lars_add_group_where(cnn_optimizer *optimizer, const cnn_module *module, cnn_belongs_fn belongs,
                                            void *user, const cnn_lars_options *options);
#ifndef __cplusplus
/** `cnn_lars_new(model, .lr = 10, .weight_decay = 5e-4)` */
#define cnn_lars_new(...) CNN__LARS_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_lars_options))
#define CNN__LARS_NEW(module, ...) cnn_lars_create((module), &(cnn_lars_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
#endif

CNN_END_DECLS

#endif
