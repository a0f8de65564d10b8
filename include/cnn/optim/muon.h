/** @file
 * Muon. What optim/group.h says about every optimizer holds here. */
#ifndef CNN_OPTIM_MUON_H
#define CNN_OPTIM_MUON_H

#include <cnn/optim/group.h>

CNN_BEGIN_DECLS

/** Options of Muon and of its parameter groups; zero means the default, CNN_ZERO means 0. */
typedef struct cnn_muon_options {
    size_t struct_size;        /**< sizeof(cnn_muon_options) */
    double lr;                 /**< learning rate, at least 0; default 1e-3 */
    double weight_decay;       /**< decoupled, at least 0; default 0.1 */
    double momentum;           /**< at least 0; default 0.95 */
    double ns_a;               /**< first coefficient of the iteration, any finite number; default 3.4445 */
    double ns_b;               /**< second coefficient, any finite number; default −4.775 */
    double ns_c;               /**< third coefficient, any finite number; default 2.0315 */
    double eps;                /**< the least norm that the update is divided by, at least 0; default 1e-7 */
    double ns_steps;           /**< iterations, a whole number, at least 0 and at most 99; default 5 */
    bool no_nesterov;          /**< PyTorch's nesterov=False: the update is the average itself */
    bool match_rms_adamw;      /**< multiply lr by 0.2 · √max(rows, columns) */
    bool spectral_unclamped;   /**< multiply lr by √(rows / columns); default: by that, but at least 1 */
    unsigned char reserved[5]; /**< zero: room for later options */
} cnn_muon_options;

/** torch.optim.Muon (Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks"), for matrices: the
 * momentum, made nearly orthogonal. Parameters have two dimensions or more, of which all but the first count as
 * columns, such as the filters of a convolution; others are CNN_ERROR_SHAPE. Biases, norms, embeddings and the last
 * layer are usually left to AdamW, by cnn_muon_create_for() or cnn_muon_add_group_where() with the matrices alone. It
 * computes in the dtype of the parameter, where PyTorch rounds to bfloat16. @since 0.2 */
CNN_API cnn_optimizer *cnn_muon_create(cnn_module *module, const cnn_muon_options *options);
/** Makes one over tensors. @since 0.2 */
CNN_API cnn_optimizer *cnn_muon_create_for(cnn_context *ctx, cnn_tensor *const *parameters, int count,
                                           const cnn_muon_options *options);
/** Adds a group of tensors. @since 0.2 */
CNN_API cnn_status cnn_muon_add_group(cnn_optimizer *optimizer, cnn_tensor *const *parameters, int count,
                                      const cnn_muon_options *options);
/** Adds a group of parameters of a module. @since 0.2 */
CNN_API cnn_status cnn_muon_add_group_where(cnn_optimizer *optimizer, const cnn_module *module, cnn_belongs_fn belongs,
                                            void *user, const cnn_muon_options *options);
#ifndef __cplusplus
/** `cnn_muon_new(model, .lr = 0.02, .momentum = 0.9)` */
#define cnn_muon_new(...) CNN__MUON_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_muon_options))
#define CNN__MUON_NEW(module, ...) cnn_muon_create((module), &(cnn_muon_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
#endif

CNN_END_DECLS

#endif
