/** @file
 * Averages of a module's parameters over the steps of training, as torch.optim.swa_utils.AveragedModel: an exponential
 * moving average (EMA), or one with equal weights (stochastic weight averaging, SWA).
 *
 * An average has a module of its own, a copy of the one that is trained: evaluate it, save it, or copy it to the
 * other by cnn_module_copy_from(). Buffers, such as running statistics, are those of the trained module at the last
 * update unless they are averaged, too. Statistics that belong to the averaged parameters are made by
 * cnn_module_reset_running_stats() and a round over the data (torch.optim.swa_utils.update_bn). An average belongs to
 * the caller and keeps nothing of the trained module. It is used by one thread at a time. */
#ifndef CNN_EMA_H
#define CNN_EMA_H

#include <cnn/module.h>

CNN_BEGIN_DECLS

/** An average of a module's parameters. */
typedef struct cnn_ema cnn_ema;

/** Options of cnn_ema_create(); zeros are the defaults. */
typedef struct cnn_ema_options {
    size_t struct_size;        /**< sizeof(cnn_ema_options) */
    double decay;              /**< weight of the old average at each update, 0 to 1; default 0.999 */
    int64_t count;             /**< updates that `module` stands for already, to resume: 0 to 2^53; default 0 */
    bool equal_weights;        /**< the mean of all updates (SWA); `decay` is not looked at */
    bool use_buffers;          /**< buffers of f32 and f64 are averaged as parameters are; others, such as counts, are
                                    copied, where PyTorch averages integers and drops what is behind the point */
    unsigned char reserved[6]; /**< zero: room for later options */
} cnn_ema_options;

/**
 * Makes an average whose module is a copy of `module` (cnn_module_clone()), whose parameters are f32 or f64. The first
 * update copies the parameters; each that follows makes them decay · average + (1 − decay) · parameter, or with equal
 * weights average + (parameter − average) / (count + 1).
 * @param options  NULL for the defaults.
 * @return an average owned by the caller; NULL on failure: a NULL, an option out of its range
 *         (CNN_ERROR_INVALID_ARGUMENT), bf16 (CNN_ERROR_DTYPE), as cnn_module_clone(), no memory. @since 0.2
 */
CNN_API cnn_ema *cnn_ema_create(const cnn_module *module, const cnn_ema_options *options);
/** `cnn_ema_new(model, .decay = 0.99)` */
#ifndef __cplusplus
#define cnn_ema_new(...) CNN__EMA_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_ema_options))
#define CNN__EMA_NEW(module, ...) cnn_ema_create((module), &(cnn_ema_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
#endif

/** Takes the parameters of `module` into the average; call it after the optimizer's step. Allocates nothing. `module`
 * has the structure of the one that the average was made of, in the same context; else CNN_ERROR_MISMATCH, and
 * nothing is changed. @return CNN_OK; CNN_ERROR_INVALID_ARGUMENT for a NULL. @since 0.2 */
CNN_API cnn_status cnn_ema_update(cnn_ema *ema, const cnn_module *module);
/** The module with the averages, borrowed: it goes with the average. NULL for NULL. @since 0.2 */
CNN_API cnn_module *cnn_ema_module(const cnn_ema *ema);
/** How many updates there were; 0 for NULL. @since 0.2 */
CNN_API int64_t cnn_ema_count(const cnn_ema *ema);
/** Frees an average with its module; NULL is fine. @since 0.2 */
CNN_API void cnn_ema_free(cnn_ema *ema);

CNN_END_DECLS

#endif
