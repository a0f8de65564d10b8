/** @file
 * Normalisation and dropout as layers, except BatchNorm2d and Dropout, which are in module.h. What is said there about
 * layers holds here: a constructor returns a module owned by the caller, or NULL on failure. Dtypes and sizes are
 * checked by the constructor, shapes by forward. */
#ifndef CNN_NORMS_H
#define CNN_NORMS_H

#include <cnn/ops.h>

CNN_BEGIN_DECLS

/** @name Options
 * Zero means the default, CNN_ZERO means 0.
 * @since 0.2
 * @{ */
typedef cnn_batch_norm_options cnn_batch_norm1d_options; /**< options of cnn_batch_norm1d_create() */
typedef cnn_norm_options cnn_layer_norm_options;         /**< options of cnn_layer_norm_create() */
typedef cnn_norm_options cnn_rms_norm_options;           /**< options of cnn_rms_norm_create() */
typedef cnn_norm_options cnn_group_norm_options;         /**< options of cnn_group_norm_create() */

/** Options of cnn_instance_norm1d_create() and cnn_instance_norm2d_create(). */
typedef struct cnn_instance_norm_options {
    size_t struct_size;        /**< sizeof(cnn_instance_norm_options) */
    double momentum;           /**< share of the batch in the running statistics, in [0, 1]; default 0.1 */
    double eps;                /**< added to the variance, at least 0; default 1e-5 */
    cnn_dtype dtype;           /**< the dtype of parameters and statistics; default CNN_F32 */
    bool affine;               /**< weight and bias */
    bool track_running_stats;  /**< running statistics, which evaluation uses */
    unsigned char reserved[2]; /**< zero: room for later options */
} cnn_instance_norm_options;
typedef cnn_instance_norm_options cnn_instance_norm1d_options; /**< options of cnn_instance_norm1d_create() */
typedef cnn_instance_norm_options cnn_instance_norm2d_options; /**< options of cnn_instance_norm2d_create() */

/** Options of the dropouts, which have none yet. */
typedef struct cnn_feature_dropout_options {
    size_t struct_size;        /**< sizeof(cnn_feature_dropout_options) */
    unsigned char reserved[8]; /**< zero: room for later options */
} cnn_feature_dropout_options;
typedef cnn_feature_dropout_options cnn_dropout1d_options;     /**< options of cnn_dropout1d_create() */
typedef cnn_feature_dropout_options cnn_dropout2d_options;     /**< options of cnn_dropout2d_create() */
typedef cnn_feature_dropout_options cnn_alpha_dropout_options; /**< options of cnn_alpha_dropout_create() */
/** @} */

/** @name Layers
 * `options` may be NULL. An argument out of its range is CNN_ERROR_INVALID_ARGUMENT. Thread-safe.
 * @since 0.2
 * @{ */
/** torch.nn.BatchNorm1d over x [N,channels] or [N,channels,L]; parameters and buffers are those of
 * cnn_batch_norm2d_create(). */
CNN_API cnn_module *cnn_batch_norm1d_create(cnn_context *ctx, int64_t channels,
                                            const cnn_batch_norm1d_options *options);
/**
 * Sets the running statistics of every BatchNorm1d and BatchNorm2d within `module`, itself included, to those of a new
 * layer: mean 0, variance 1, no batches (reset_running_stats()). Instance normalisations, and the layers of
 * cnn_sync_batch_norm2d_create(), keep theirs. With cnn_module_set_cumulative() and a round over the data this is
 * torch.optim.swa_utils.update_bn(). Not while another thread runs the module.
 * @return CNN_OK; CNN_ERROR_INVALID_ARGUMENT for a NULL; the failure of a device. @since 0.2
 */
CNN_API cnn_status cnn_module_reset_running_stats(cnn_module *module);
/**
 * Has the running statistics of the same layers be the plain mean of all batches since they were reset (`momentum =
 * None`), or again what each layer's options said when it was made. Not while another thread runs the module.
 * @param cumulative  true: the plain mean; false: as the layers were made.
 * @return CNN_OK; CNN_ERROR_INVALID_ARGUMENT for a NULL. @since 0.2
 */
CNN_API cnn_status cnn_module_set_cumulative(cnn_module *module, bool cumulative);
/** torch.nn.InstanceNorm1d over x [N,channels,L] or [channels,L]: cnn_instance_norm(). With `affine` it has `weight`
 * and `bias` [channels] of ones and zeros, with `track_running_stats` the buffers of BatchNorm1d, of which
 * `num_batches_tracked` stays 0, as in PyTorch. */
CNN_API cnn_module *cnn_instance_norm1d_create(cnn_context *ctx, int64_t channels,
                                               const cnn_instance_norm1d_options *options);
/** torch.nn.InstanceNorm2d over x [N,channels,H,W] or [channels,H,W]; else as InstanceNorm1d. */
CNN_API cnn_module *cnn_instance_norm2d_create(cnn_context *ctx, int64_t channels,
                                               const cnn_instance_norm2d_options *options);
/** torch.nn.LayerNorm: cnn_layer_norm() over the last `ndim` dimensions, of sizes `shape`, which is copied; `weight` of
 * ones and `bias` of zeros have that shape. */
CNN_API cnn_module *cnn_layer_norm_create(cnn_context *ctx, int ndim, const int64_t *shape,
                                          const cnn_layer_norm_options *options);
/** torch.nn.RMSNorm: cnn_rms_norm() over the last `ndim` dimensions, of sizes `shape`, which is copied; `weight` of
 * ones has that shape. */
CNN_API cnn_module *cnn_rms_norm_create(cnn_context *ctx, int ndim, const int64_t *shape,
                                        const cnn_rms_norm_options *options);
/** torch.nn.GroupNorm: cnn_group_norm() over x [N,channels,…]; `groups` divides `channels`. `weight` and `bias`
 * [channels] are of ones and zeros. */
CNN_API cnn_module *cnn_group_norm_create(cnn_context *ctx, int64_t groups, int64_t channels,
                                          const cnn_group_norm_options *options);
/** torch.nn.LocalResponseNorm: cnn_local_response_norm() over `size` channels, at least 1. */
CNN_API cnn_module *cnn_local_response_norm_create(cnn_context *ctx, int64_t size,
                                                   const cnn_local_response_norm_options *options);
/** torch.nn.Dropout1d: cnn_dropout1d() with p in [0, 1], where 0 is 0. */
CNN_API cnn_module *cnn_dropout1d_create(cnn_context *ctx, double p, const cnn_dropout1d_options *options);
/** torch.nn.Dropout2d: cnn_dropout2d() with p in [0, 1], where 0 is 0. */
CNN_API cnn_module *cnn_dropout2d_create(cnn_context *ctx, double p, const cnn_dropout2d_options *options);
/** torch.nn.AlphaDropout: cnn_alpha_dropout() with p in [0, 1], where 0 is 0. */
CNN_API cnn_module *cnn_alpha_dropout_create(cnn_context *ctx, double p, const cnn_alpha_dropout_options *options);

#ifndef __cplusplus
/** `cnn_batch_norm1d_new(ctx, channels, .momentum = 0.01)` */
#define cnn_batch_norm1d_new(...) CNN__BATCH_NORM1D_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_batch_norm1d_options))
#define CNN__BATCH_NORM1D_NEW(ctx, channels, ...) \
    cnn_batch_norm1d_create((ctx), (channels), &(cnn_batch_norm1d_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_instance_norm1d_new(ctx, channels, .affine = true)` */
#define cnn_instance_norm1d_new(...) \
    CNN__INSTANCE_NORM1D_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_instance_norm1d_options))
#define CNN__INSTANCE_NORM1D_NEW(ctx, channels, ...) \
    cnn_instance_norm1d_create((ctx), (channels), &(cnn_instance_norm1d_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_instance_norm2d_new(ctx, channels, .affine = true)` */
#define cnn_instance_norm2d_new(...) \
    CNN__INSTANCE_NORM2D_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_instance_norm2d_options))
#define CNN__INSTANCE_NORM2D_NEW(ctx, channels, ...) \
    cnn_instance_norm2d_create((ctx), (channels), &(cnn_instance_norm2d_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** Over the last dimension: `cnn_layer_norm_new(ctx, size, .eps = 1e-6)`. */
#define cnn_layer_norm_new(...) CNN__LAYER_NORM_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_layer_norm_options))
#define CNN__LAYER_NORM_NEW(ctx, size, ...) \
    cnn_layer_norm_create((ctx), CNN_SHAPE(size), &(cnn_layer_norm_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** Over the last dimension: `cnn_rms_norm_new(ctx, size, .eps = 1e-6)`. */
#define cnn_rms_norm_new(...) CNN__RMS_NORM_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_rms_norm_options))
#define CNN__RMS_NORM_NEW(ctx, size, ...) \
    cnn_rms_norm_create((ctx), CNN_SHAPE(size), &(cnn_rms_norm_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_group_norm_new(ctx, groups, channels, .no_affine = true)` */
#define cnn_group_norm_new(...) CNN__GROUP_NORM_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_group_norm_options))
#define CNN__GROUP_NORM_NEW(ctx, groups, channels, ...) \
    cnn_group_norm_create((ctx), (groups), (channels), &(cnn_group_norm_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_local_response_norm_new(ctx, 5, .k = 2)` */
#define cnn_local_response_norm_new(...) \
    CNN__LOCAL_RESPONSE_NORM_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_local_response_norm_options))
#define CNN__LOCAL_RESPONSE_NORM_NEW(ctx, size, ...) \
    cnn_local_response_norm_create((ctx), (size), &(cnn_local_response_norm_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_dropout1d_new(ctx, p)` */
#define cnn_dropout1d_new(...) CNN__DROPOUT1D_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_dropout1d_options))
#define CNN__DROPOUT1D_NEW(ctx, p, ...) \
    cnn_dropout1d_create((ctx), (p), &(cnn_dropout1d_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_dropout2d_new(ctx, p)` */
#define cnn_dropout2d_new(...) CNN__DROPOUT2D_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_dropout2d_options))
#define CNN__DROPOUT2D_NEW(ctx, p, ...) \
    cnn_dropout2d_create((ctx), (p), &(cnn_dropout2d_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_alpha_dropout_new(ctx, p)` */
#define cnn_alpha_dropout_new(...) CNN__ALPHA_DROPOUT_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_alpha_dropout_options))
#define CNN__ALPHA_DROPOUT_NEW(ctx, p, ...) \
    cnn_alpha_dropout_create((ctx), (p), &(cnn_alpha_dropout_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
#endif
/** @} */

CNN_END_DECLS

#endif
