/** @file
 * Convolution. What ops.h says about every operation holds here. */
#ifndef CNN_OPS_CONV_H
#define CNN_OPS_CONV_H

#include <cnn/tape.h>
#include <cnn/tensor.h>

CNN_BEGIN_DECLS

/** @name Convolution
 * f32, f64 and bf16; floating operands of one call share the dtype, which is the result's.
 * @since 0.1
 * @{ */
/** How the border is padded. */
typedef enum cnn_padding_mode {
    CNN_PADDING_EXPLICIT = 0, /**< by the numbers given */
    CNN_PADDING_SAME = 1 /**< so that the output has the input's size; needs stride 1; an odd row or column goes to the
                                   bottom or right, as in PyTorch */
} cnn_padding_mode;

/** Options of a 2-D convolution; zero means the default. A field for both directions gives way to `_h` and `_w`. */
typedef struct cnn_conv2d_options {
    size_t struct_size;            /**< sizeof(cnn_conv2d_options) */
    int64_t kernel;                /**< size of the kernel; cnn_conv2d() takes it from the weight */
    int64_t kernel_h;              /**< vertically */
    int64_t kernel_w;              /**< horizontally */
    int64_t stride;                /**< default 1 */
    int64_t stride_h;              /**< vertically */
    int64_t stride_w;              /**< horizontally */
    int64_t dilation;              /**< default 1 */
    int64_t dilation_h;            /**< vertically */
    int64_t dilation_w;            /**< horizontally */
    int64_t padding;               /**< zeros around the image; default 0 */
    int64_t padding_h;             /**< vertically */
    int64_t padding_w;             /**< horizontally */
    int64_t padding_top;           /**< zeros above: if any of the four is given, they alone count */
    int64_t padding_bottom;        /**< zeros below */
    int64_t padding_left;          /**< zeros on the left */
    int64_t padding_right;         /**< zeros on the right */
    int64_t groups;                /**< default 1 */
    cnn_padding_mode padding_mode; /**< default CNN_PADDING_EXPLICIT */
    cnn_dtype dtype;               /**< layers only: of the parameters; default CNN_F32 */
    bool no_bias;                  /**< layers only: no bias parameter */
    unsigned char reserved[7];     /**< zero: room for later options */
} cnn_conv2d_options;

/**
 * 2-D convolution (cross-correlation, torch.nn.functional.conv2d): x [N,C,H,W], weight [O,C/groups,kh,kw], bias [O] or
 * NULL → [N,O,H',W'] with H' = floor((H + top + bottom − dilation_h·(kh − 1) − 1) / stride_h) + 1. x may also be
 * [C,H,W].
 *
 * In f32, where the CPU has a fused multiply-add, 3 × 3 and 5 × 5 kernels of stride 1 between at least 16 channels and
 * their gradients are computed by Winograd's minimal filtering, F(4 × 4, 3 × 3) and F(2 × 2, 5 × 5) (Lavin & Gray,
 * 2016). An output is then computed from a tile, 6 × 6 inputs of each channel, of which its own window is a part, and
 * its rounding error is relative to the largest element of the tile: up to about 2⁻²² times that element times the sum
 * of the sizes of the output channel's weights. Where the elements of a tile are of one magnitude, that is up to three
 * times the error of a plain sum; beside an element that is a million times as large as its neighbours, their outputs
 * keep no digit. A context with `math` CNN_MATH_STRICT computes plain sums only, whose error is relative to their own
 * terms.
 *
 * Whatever computes it, an output or a gradient is NaN or infinite exactly where the sum of its own terms is: a NaN or
 * an infinity reaches the outputs whose window holds it, and no others; padding is no term.
 */
CNN_API cnn_tensor *cnn_conv2d(cnn_tensor *x, cnn_tensor *weight, cnn_tensor *bias, const cnn_conv2d_options *options);
/** @} */

CNN_END_DECLS

#endif
