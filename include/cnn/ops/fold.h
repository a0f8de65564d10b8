/** @file
 * Windows of images as columns, and shuffles of channels and pixels. What ops.h says about every operation holds here.
 */
#ifndef CNN_OPS_FOLD_H
#define CNN_OPS_FOLD_H

#include <cnn/tape.h>
#include <cnn/tensor.h>

CNN_BEGIN_DECLS

/** @name Windows as columns
 * f32, f64 and bf16.
 * @since 0.2
 * @{ */
/** Options of unfold and fold; zero means the default. A field for both directions gives way to `_h` and `_w`. */
typedef struct cnn_unfold_options {
    size_t struct_size;        /**< sizeof(cnn_unfold_options) */
    int64_t kernel;            /**< size of the window; required */
    int64_t kernel_h;          /**< vertically */
    int64_t kernel_w;          /**< horizontally */
    int64_t stride;            /**< default 1 */
    int64_t stride_h;          /**< vertically */
    int64_t stride_w;          /**< horizontally */
    int64_t padding;           /**< zeros around the image; default 0 */
    int64_t padding_h;         /**< vertically */
    int64_t padding_w;         /**< horizontally */
    int64_t dilation;          /**< default 1 */
    int64_t dilation_h;        /**< vertically */
    int64_t dilation_w;        /**< horizontally */
    unsigned char reserved[8]; /**< zero: room for later options */
} cnn_unfold_options;

/** im2col, torch.nn.functional.unfold: x [N,C,H,W] or [C,H,W] → [N,C·kh·kw,L] or [C·kh·kw,L], one column for each of
 * the L positions of the window. */
CNN_API cnn_tensor *cnn_unfold(cnn_tensor *x, const cnn_unfold_options *options);
/** col2im, torch.nn.functional.fold: x [N,C·kh·kw,L] or [C·kh·kw,L] → [N,C,output_h,output_w] or [C,output_h,output_w],
 * where each pixel is the sum of its elements in all columns. */
CNN_API cnn_tensor *cnn_fold(cnn_tensor *x, int64_t output_h, int64_t output_w, const cnn_unfold_options *options);
/** @} */

/** @name Shuffles
 * Any dtype; one copy.
 * @since 0.2
 * @{ */
/** torch.nn.functional.pixel_shuffle: x [*,C·r²,H,W] → [*,C,H·r,W·r]. */
CNN_API cnn_tensor *cnn_pixel_shuffle(cnn_tensor *x, int64_t upscale_factor);
/** torch.nn.functional.pixel_unshuffle, its inverse: x [*,C,H·r,W·r] → [*,C·r²,H,W]. */
CNN_API cnn_tensor *cnn_pixel_unshuffle(cnn_tensor *x, int64_t downscale_factor);
/** torch.nn.functional.channel_shuffle: channel g·(C/groups) + i of x [N,C,*] becomes channel i·groups + g. */
CNN_API cnn_tensor *cnn_channel_shuffle(cnn_tensor *x, int64_t groups);
/** @} */

CNN_END_DECLS

#endif
