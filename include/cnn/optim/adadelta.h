/** @file
 * Adadelta. What optim/group.h says about every optimizer holds here. */
#ifndef CNN_OPTIM_ADADELTA_H
#define CNN_OPTIM_ADADELTA_H

#include <cnn/optim/group.h>

CNN_BEGIN_DECLS

/** Options of Adadelta and of its parameter groups; zero means the default, CNN_ZERO means 0. */
typedef struct cnn_adadelta_options {
    size_t struct_size;        /**< sizeof(cnn_adadelta_options) */
    double lr;                 /**< factor of the step, at least 0; default 1 */
    double rho;                /**< decay of both averages of squares, at least 0 and below 1; default 0.9 */
    double eps;                /**< added below the roots, at least 0; default 1e-6 */
    double weight_decay;       /**< L2 penalty, at least 0; default 0 */
    bool maximize;             /**< ascend instead of descend */
    unsigned char reserved[7]; /**< zero: room for later options */
} cnn_adadelta_options;

/** torch.optim.Adadelta (Zeiler 2012, "ADADELTA: An Adaptive Learning Rate Method"). @since 0.2 */
CNN_API cnn_optimizer *cnn_adadelta_create(cnn_module *module, const cnn_adadelta_options *options);
/** Makes one over tensors. @since 0.2 */
CNN_API cnn_optimizer *cnn_adadelta_create_for(cnn_context *ctx, cnn_tensor *const *parameters, int count,
                                               const cnn_adadelta_options *options);
/** Adds a group of tensors. @since 0.2 */
CNN_API cnn_status cnn_adadelta_add_group(cnn_optimizer *optimizer, cnn_tensor *const *parameters, int count,
                                          const cnn_adadelta_options *options);
/** Adds a group of parameters of a module. @since 0.2 */
CNN_API cnn_status cnn_adadelta_add_group_where(cnn_optimizer *optimizer, const cnn_module *module,
                                                cnn_belongs_fn belongs, void *user,
                                                const cnn_adadelta_options *options);
#ifndef __cplusplus
/** `cnn_adadelta_new(model, .rho = 0.95)` */
#define cnn_adadelta_new(...) CNN__ADADELTA_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_adadelta_options))
#define CNN__ADADELTA_NEW(module, ...) \
    cnn_adadelta_create((module), &(cnn_adadelta_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
#endif

CNN_END_DECLS

#endif
