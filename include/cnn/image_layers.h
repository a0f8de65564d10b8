/** @file
 * Layers without parameters that pool images and sequences, each a function of <cnn/ops.h>. What module.h says about
 * layers holds here: a constructor returns a module owned by the caller, or NULL on failure. */
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
typedef cnn_image_layer_options cnn_adaptive_avg_pool1d_options; /**< of cnn_adaptive_avg_pool1d_create() */
typedef cnn_image_layer_options cnn_adaptive_avg_pool2d_options; /**< of cnn_adaptive_avg_pool2d_create() */
typedef cnn_image_layer_options cnn_adaptive_maxpool2d_options;  /**< of cnn_adaptive_maxpool2d_create() */
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
#endif

CNN_END_DECLS

#endif
