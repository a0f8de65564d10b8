/** @file
 * Layers without parameters that pool, pad, resize and rearrange images and sequences, each a function of
 * <cnn/ops.h>. What module.h says about layers holds here: a constructor returns a module owned by the caller, or NULL
 * on failure. */
#ifndef CNN_IMAGE_LAYERS_H
#define CNN_IMAGE_LAYERS_H

#include <cnn/ops.h>

CNN_BEGIN_DECLS

/** @name Options
 * @since 0.2
 * @{ */
/** Options of the layers that have none yet. Each has a name of its own for the type. */
typedef struct cnn_image_layer_options {
    size_t struct_size;        /**< sizeof(cnn_image_layer_options) */
    unsigned char reserved[8]; /**< zero: room for later options */
} cnn_image_layer_options;
typedef cnn_image_layer_options cnn_adaptive_avg_pool1d_options; /**< options of cnn_adaptive_avg_pool1d_create() */
typedef cnn_image_layer_options cnn_adaptive_avg_pool2d_options; /**< options of cnn_adaptive_avg_pool2d_create() */
typedef cnn_image_layer_options cnn_adaptive_maxpool2d_options;  /**< options of cnn_adaptive_maxpool2d_create() */
typedef cnn_image_layer_options cnn_pixel_shuffle_options;       /**< options of cnn_pixel_shuffle_create() */
typedef cnn_image_layer_options cnn_pixel_unshuffle_options;     /**< options of cnn_pixel_unshuffle_create() */
typedef cnn_image_layer_options cnn_channel_shuffle_options;     /**< options of cnn_channel_shuffle_create() */
typedef cnn_image_layer_options cnn_unflatten_options;           /**< options of cnn_unflatten_create() */
typedef cnn_interpolate_options cnn_upsample_options;            /**< options of cnn_upsample_create() */
typedef cnn_unfold_options cnn_fold_options;                     /**< options of cnn_fold_create() */

/** Options of layers that pad images; zero means the default. Negative numbers cut off. */
typedef struct cnn_pad2d_options {
    size_t struct_size;        /**< sizeof(cnn_pad2d_options) */
    int64_t padding;           /**< on every side; default 0 */
    int64_t padding_left;      /**< on the left: if any of the four is given, they alone count */
    int64_t padding_right;     /**< on the right */
    int64_t padding_top;       /**< above */
    int64_t padding_bottom;    /**< below */
    unsigned char reserved[8]; /**< zero: room for later options */
} cnn_pad2d_options;
typedef cnn_pad2d_options cnn_zero_pad2d_options;        /**< options of cnn_zero_pad2d_create() */
typedef cnn_pad2d_options cnn_reflection_pad2d_options;  /**< options of cnn_reflection_pad2d_create() */
typedef cnn_pad2d_options cnn_replication_pad2d_options; /**< options of cnn_replication_pad2d_create() */

/** Options of cnn_constant_pad2d_create(); zero means the default. Negative numbers cut off. */
typedef struct cnn_constant_pad2d_options {
    size_t struct_size;        /**< sizeof(cnn_constant_pad2d_options) */
    int64_t padding;           /**< on every side; default 0 */
    int64_t padding_left;      /**< on the left: if any of the four is given, they alone count */
    int64_t padding_right;     /**< on the right */
    int64_t padding_top;       /**< above */
    int64_t padding_bottom;    /**< below */
    double value;              /**< the elements that are added; default 0 */
    unsigned char reserved[8]; /**< zero: room for later options */
} cnn_constant_pad2d_options;
/** @} */

/** @name Pooling
 * `options` may be NULL where none is required. An argument out of its range is CNN_ERROR_INVALID_ARGUMENT.
 * Thread-safe.
 * @since 0.2
 * @{ */
/** torch.nn.MaxPool1d: cnn_maxpool1d() as a layer. */
CNN_API cnn_module *cnn_maxpool1d_create(cnn_context *ctx, const cnn_maxpool1d_options *options);
/** torch.nn.AvgPool1d: cnn_avg_pool1d() as a layer. */
CNN_API cnn_module *cnn_avg_pool1d_create(cnn_context *ctx, const cnn_avg_pool1d_options *options);
/** torch.nn.AdaptiveAvgPool1d: cnn_adaptive_avg_pool1d() as a layer. */
CNN_API cnn_module *cnn_adaptive_avg_pool1d_create(cnn_context *ctx, int64_t output_size,
                                                   const cnn_adaptive_avg_pool1d_options *options);
/** torch.nn.AdaptiveAvgPool2d: cnn_adaptive_avg_pool2d() as a layer. With size 1 × 1 it is global average pooling. */
CNN_API cnn_module *cnn_adaptive_avg_pool2d_create(cnn_context *ctx, int64_t output_h, int64_t output_w,
                                                   const cnn_adaptive_avg_pool2d_options *options);
/** torch.nn.AdaptiveMaxPool2d: cnn_adaptive_maxpool2d() as a layer, without the positions. */
CNN_API cnn_module *cnn_adaptive_maxpool2d_create(cnn_context *ctx, int64_t output_h, int64_t output_w,
                                                  const cnn_adaptive_maxpool2d_options *options);
/** @} */

/** @name Padding
 * cnn_pad() of the last two dimensions as a layer. `options` may be NULL; what an input does not allow is an error when
 * it comes. Thread-safe.
 * @since 0.2
 * @{ */
/** torch.nn.ZeroPad2d. */
CNN_API cnn_module *cnn_zero_pad2d_create(cnn_context *ctx, const cnn_zero_pad2d_options *options);
/** torch.nn.ConstantPad2d. */
CNN_API cnn_module *cnn_constant_pad2d_create(cnn_context *ctx, const cnn_constant_pad2d_options *options);
/** torch.nn.ReflectionPad2d. */
CNN_API cnn_module *cnn_reflection_pad2d_create(cnn_context *ctx, const cnn_reflection_pad2d_options *options);
/** torch.nn.ReplicationPad2d. */
CNN_API cnn_module *cnn_replication_pad2d_create(cnn_context *ctx, const cnn_replication_pad2d_options *options);
/** @} */

/** @name Other sizes and other orders
 * `options` may be NULL where none is required. An argument out of its range is CNN_ERROR_INVALID_ARGUMENT.
 * Thread-safe.
 * @since 0.2
 * @{ */
/** torch.nn.Upsample: cnn_interpolate() as a layer. */
CNN_API cnn_module *cnn_upsample_create(cnn_context *ctx, const cnn_upsample_options *options);
/** torch.nn.PixelShuffle: cnn_pixel_shuffle() as a layer. */
CNN_API cnn_module *cnn_pixel_shuffle_create(cnn_context *ctx, int64_t upscale_factor,
                                             const cnn_pixel_shuffle_options *options);
/** torch.nn.PixelUnshuffle: cnn_pixel_unshuffle() as a layer. */
CNN_API cnn_module *cnn_pixel_unshuffle_create(cnn_context *ctx, int64_t downscale_factor,
                                               const cnn_pixel_unshuffle_options *options);
/** torch.nn.ChannelShuffle: cnn_channel_shuffle() as a layer. */
CNN_API cnn_module *cnn_channel_shuffle_create(cnn_context *ctx, int64_t groups,
                                               const cnn_channel_shuffle_options *options);
/** torch.nn.Unfold: cnn_unfold() as a layer. */
CNN_API cnn_module *cnn_unfold_create(cnn_context *ctx, const cnn_unfold_options *options);
/** torch.nn.Fold: cnn_fold() as a layer. */
CNN_API cnn_module *cnn_fold_create(cnn_context *ctx, int64_t output_h, int64_t output_w,
                                    const cnn_fold_options *options);
/** torch.nn.Unflatten: cnn_unflatten() as a layer. The sizes are copied. */
CNN_API cnn_module *cnn_unflatten_create(cnn_context *ctx, int dim, int ndim, const int64_t *shape,
                                         const cnn_unflatten_options *options);
/** @} */

#ifndef __cplusplus
/** `cnn_maxpool1d_new(ctx, kernel, .stride = 2)` */
#define cnn_maxpool1d_new(...) CNN__MAXPOOL1D_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_maxpool1d_options))
#define CNN__MAXPOOL1D_NEW(ctx, size, ...) \
    cnn_maxpool1d_create((ctx), &(cnn_maxpool1d_options){ .kernel = (size), CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_avg_pool1d_new(ctx, kernel, .stride = 2)` */
#define cnn_avg_pool1d_new(...) CNN__AVG_POOL1D_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_avg_pool1d_options))
#define CNN__AVG_POOL1D_NEW(ctx, size, ...) \
    cnn_avg_pool1d_create((ctx), &(cnn_avg_pool1d_options){ .kernel = (size), CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_adaptive_avg_pool1d_new(ctx, output_size)` */
#define cnn_adaptive_avg_pool1d_new(...) \
    CNN__ADAPTIVE_AVG_POOL1D_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_adaptive_avg_pool1d_options))
#define CNN__ADAPTIVE_AVG_POOL1D_NEW(ctx, output_size, ...) \
    cnn_adaptive_avg_pool1d_create((ctx), (output_size), \
                                   &(cnn_adaptive_avg_pool1d_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_adaptive_avg_pool2d_new(ctx, output_h, output_w)` */
#define cnn_adaptive_avg_pool2d_new(...) \
    CNN__ADAPTIVE_AVG_POOL2D_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_adaptive_avg_pool2d_options))
#define CNN__ADAPTIVE_AVG_POOL2D_NEW(ctx, output_h, output_w, ...) \
    cnn_adaptive_avg_pool2d_create((ctx), (output_h), (output_w), \
                                   &(cnn_adaptive_avg_pool2d_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_adaptive_maxpool2d_new(ctx, output_h, output_w)` */
#define cnn_adaptive_maxpool2d_new(...) \
    CNN__ADAPTIVE_MAXPOOL2D_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_adaptive_maxpool2d_options))
#define CNN__ADAPTIVE_MAXPOOL2D_NEW(ctx, output_h, output_w, ...) \
    cnn_adaptive_maxpool2d_create((ctx), (output_h), (output_w), \
                                  &(cnn_adaptive_maxpool2d_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_zero_pad2d_new(ctx, padding)`, `cnn_zero_pad2d_new(ctx, 0, .padding_left = 1)` */
#define cnn_zero_pad2d_new(...) CNN__ZERO_PAD2D_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_zero_pad2d_options))
#define CNN__ZERO_PAD2D_NEW(ctx, size, ...) \
    cnn_zero_pad2d_create((ctx), &(cnn_zero_pad2d_options){ .padding = (size), CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_constant_pad2d_new(ctx, padding, .value = 3.5)` */
#define cnn_constant_pad2d_new(...) \
    CNN__CONSTANT_PAD2D_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_constant_pad2d_options))
#define CNN__CONSTANT_PAD2D_NEW(ctx, size, ...) \
    cnn_constant_pad2d_create((ctx), \
                              &(cnn_constant_pad2d_options){ .padding = (size), CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_reflection_pad2d_new(ctx, padding)` */
#define cnn_reflection_pad2d_new(...) \
    CNN__REFLECTION_PAD2D_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_reflection_pad2d_options))
#define CNN__REFLECTION_PAD2D_NEW(ctx, size, ...) \
    cnn_reflection_pad2d_create((ctx), \
                                &(cnn_reflection_pad2d_options){ .padding = (size), CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_replication_pad2d_new(ctx, padding)` */
#define cnn_replication_pad2d_new(...) \
    CNN__REPLICATION_PAD2D_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_replication_pad2d_options))
#define CNN__REPLICATION_PAD2D_NEW(ctx, size, ...) \
    cnn_replication_pad2d_create( \
        (ctx), &(cnn_replication_pad2d_options){ .padding = (size), CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_upsample_new(ctx, .scale_factor = 2, .mode = CNN_INTERPOLATE_BILINEAR)` */
#define cnn_upsample_new(...) CNN__UPSAMPLE_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_upsample_options))
#define CNN__UPSAMPLE_NEW(ctx, ...) \
    cnn_upsample_create((ctx), &(cnn_upsample_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_pixel_shuffle_new(ctx, upscale_factor)` */
#define cnn_pixel_shuffle_new(...) CNN__PIXEL_SHUFFLE_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_pixel_shuffle_options))
#define CNN__PIXEL_SHUFFLE_NEW(ctx, upscale_factor, ...) \
    cnn_pixel_shuffle_create((ctx), (upscale_factor), &(cnn_pixel_shuffle_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_pixel_unshuffle_new(ctx, downscale_factor)` */
#define cnn_pixel_unshuffle_new(...) \
    CNN__PIXEL_UNSHUFFLE_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_pixel_unshuffle_options))
#define CNN__PIXEL_UNSHUFFLE_NEW(ctx, downscale_factor, ...) \
    cnn_pixel_unshuffle_create((ctx), (downscale_factor), \
                               &(cnn_pixel_unshuffle_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_channel_shuffle_new(ctx, groups)` */
#define cnn_channel_shuffle_new(...) \
    CNN__CHANNEL_SHUFFLE_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_channel_shuffle_options))
#define CNN__CHANNEL_SHUFFLE_NEW(ctx, groups, ...) \
    cnn_channel_shuffle_create((ctx), (groups), &(cnn_channel_shuffle_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_unfold_new(ctx, kernel, .stride = 2)` */
#define cnn_unfold_new(...) CNN__UNFOLD_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_unfold_options))
#define CNN__UNFOLD_NEW(ctx, size, ...) \
    cnn_unfold_create((ctx), &(cnn_unfold_options){ .kernel = (size), CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_fold_new(ctx, output_h, output_w, kernel, .stride = 2)` */
#define cnn_fold_new(...) CNN__FOLD_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_fold_options))
#define CNN__FOLD_NEW(ctx, output_h, output_w, size, ...) \
    cnn_fold_create((ctx), (output_h), (output_w), \
                    &(cnn_fold_options){ .kernel = (size), CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_unflatten_new(ctx, dim, CNN_SHAPE(2, 5))` */
#define cnn_unflatten_new(...) CNN__UNFLATTEN_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_unflatten_options))
#define CNN__UNFLATTEN_NEW(ctx, dim, ndim, shape, ...) \
    cnn_unflatten_create((ctx), (dim), (ndim), (shape), &(cnn_unflatten_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
#endif

CNN_END_DECLS

#endif
