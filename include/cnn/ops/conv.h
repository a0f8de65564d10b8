/** @file
 * Convolution. What ops.h says about every operation holds here. */
#ifndef CNN_OPS_CONV_H
#define CNN_OPS_CONV_H

#include <cnn/tape.h>
#include <cnn/ops/resize.h>
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
    size_t struct_size;     /**< sizeof(cnn_conv2d_options) */
    int64_t kernel;         /**< size of the kernel; cnn_conv2d() takes it from the weight */
    int64_t kernel_h;       /**< vertically */
    int64_t kernel_w;       /**< horizontally */
    int64_t stride;         /**< default 1 */
    int64_t stride_h;       /**< vertically */
    int64_t stride_w;       /**< horizontally */
    int64_t dilation;       /**< default 1 */
    int64_t dilation_h;     /**< vertically */
    int64_t dilation_w;     /**< horizontally */
    int64_t padding;        /**< zeros around the image; default 0 */
    int64_t padding_h;      /**< vertically */
    int64_t padding_w;      /**< horizontally */
    int64_t padding_top;    /**< zeros above: if any of the four is given, they alone count */
    int64_t padding_bottom; /**< zeros below */
    int64_t padding_left;   /**< zeros on the left */
    int64_t padding_right;  /**< zeros on the right */
    /** The groups of channels, each convolved by itself: as many as there are input channels make a depthwise
     * convolution; default 1 */
    int64_t groups;
    cnn_padding_mode padding_mode; /**< default CNN_PADDING_EXPLICIT */
    cnn_dtype dtype;               /**< layers only: of the parameters; default CNN_F32 */
    cnn_pad_mode pad_mode;         /**< layers only: what the padding is made of, as of cnn_pad(); default zeros */
    bool no_bias;                  /**< layers only: no bias parameter */
    unsigned char reserved[3];     /**< zero: room for later options */
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

/** Options of a 1-D convolution; zero means the default. */
typedef struct cnn_conv1d_options {
    size_t struct_size;            /**< sizeof(cnn_conv1d_options) */
    int64_t kernel;                /**< size of the kernel; cnn_conv1d() takes it from the weight */
    int64_t stride;                /**< default 1 */
    int64_t dilation;              /**< default 1 */
    int64_t padding;               /**< zeros at both ends; default 0 */
    int64_t padding_left;          /**< zeros before the first element: if one of the two is given, they alone count */
    int64_t padding_right;         /**< zeros behind the last */
    int64_t groups;                /**< the groups of channels, each convolved by itself; default 1 */
    cnn_padding_mode padding_mode; /**< default CNN_PADDING_EXPLICIT */
    cnn_dtype dtype;               /**< layers only: of the parameters; default CNN_F32 */
    cnn_pad_mode pad_mode;         /**< layers only: what the padding is made of, as of cnn_pad(); default zeros */
    bool no_bias;                  /**< layers only: no bias parameter */
    unsigned char reserved[3];     /**< zero: room for later options */
} cnn_conv1d_options;

/** Options of a 3-D convolution; zero means the default. A field for all directions gives way to `_d`, `_h` and `_w`.
 */
typedef struct cnn_conv3d_options {
    size_t struct_size;            /**< sizeof(cnn_conv3d_options) */
    int64_t kernel;                /**< size of the kernel; cnn_conv3d() takes it from the weight */
    int64_t kernel_d;              /**< in depth */
    int64_t kernel_h;              /**< vertically */
    int64_t kernel_w;              /**< horizontally */
    int64_t stride;                /**< default 1 */
    int64_t stride_d;              /**< in depth */
    int64_t stride_h;              /**< vertically */
    int64_t stride_w;              /**< horizontally */
    int64_t dilation;              /**< default 1 */
    int64_t dilation_d;            /**< in depth */
    int64_t dilation_h;            /**< vertically */
    int64_t dilation_w;            /**< horizontally */
    int64_t padding;               /**< zeros around the volume; default 0 */
    int64_t padding_d;             /**< in depth */
    int64_t padding_h;             /**< vertically */
    int64_t padding_w;             /**< horizontally */
    int64_t groups;                /**< the groups of channels, each convolved by itself; default 1 */
    cnn_padding_mode padding_mode; /**< default CNN_PADDING_EXPLICIT */
    cnn_dtype dtype;               /**< layers only: of the parameters; default CNN_F32 */
    cnn_pad_mode pad_mode;         /**< layers only: what the padding is made of, as of cnn_pad(); default zeros */
    bool no_bias;                  /**< layers only: no bias parameter */
    unsigned char reserved[3];     /**< zero: room for later options */
} cnn_conv3d_options;

/** Options of a transposed 1-D convolution; zero means the default. */
typedef struct cnn_conv_transpose1d_options {
    size_t struct_size;        /**< sizeof(cnn_conv_transpose1d_options) */
    int64_t kernel;            /**< size of the kernel; cnn_conv_transpose1d() takes it from the weight */
    int64_t stride;            /**< elements of the result from one element of x to the next; default 1 */
    int64_t dilation;          /**< default 1 */
    int64_t padding;           /**< elements that the result lacks at both ends; default 0 */
    int64_t output_padding;    /**< elements that it has more at its end, less than stride or dilation; default 0 */
    int64_t output_size;       /**< the size of the result in place of output_padding, which then follows from it: fewer
                                 than `stride` elements more than without; default none */
    int64_t groups;            /**< the groups of channels, each convolved by itself; default 1 */
    cnn_dtype dtype;           /**< layers only: of the parameters; default CNN_F32 */
    bool no_bias;              /**< layers only: no bias parameter */
    unsigned char reserved[3]; /**< zero: room for later options */
} cnn_conv_transpose1d_options;

/** Options of a transposed 2-D convolution; zero means the default. A field for both directions gives way to `_h` and
 * `_w`. */
typedef struct cnn_conv_transpose2d_options {
    size_t struct_size;       /**< sizeof(cnn_conv_transpose2d_options) */
    int64_t kernel;           /**< size of the kernel; cnn_conv_transpose2d() takes it from the weight */
    int64_t kernel_h;         /**< vertically */
    int64_t kernel_w;         /**< horizontally */
    int64_t stride;           /**< pixels of the result from one pixel of x to the next; default 1 */
    int64_t stride_h;         /**< vertically */
    int64_t stride_w;         /**< horizontally */
    int64_t dilation;         /**< default 1 */
    int64_t dilation_h;       /**< vertically */
    int64_t dilation_w;       /**< horizontally */
    int64_t padding;          /**< rows and columns that the result lacks on each side; default 0 */
    int64_t padding_h;        /**< vertically */
    int64_t padding_w;        /**< horizontally */
    int64_t output_padding;   /**< rows and columns that it has more at the bottom and on the right, less than stride or
                                 dilation; default 0 */
    int64_t output_padding_h; /**< at the bottom */
    int64_t output_padding_w; /**< on the right */
    int64_t output_size;      /**< height and width of the result in place of output_padding, which then follows from
                                 them: fewer than `stride` pixels more than without; default none */
    int64_t output_size_h;    /**< the height */
    int64_t output_size_w;    /**< the width */
    int64_t groups;           /**< the groups of channels, each convolved by itself; default 1 */
    cnn_dtype dtype;          /**< layers only: of the parameters; default CNN_F32 */
    bool no_bias;             /**< layers only: no bias parameter */
    unsigned char reserved[3]; /**< zero: room for later options */
} cnn_conv_transpose2d_options;

/** Options of a transposed 3-D convolution; zero means the default. A field for all directions gives way to `_d`, `_h`
 * and `_w`. */
typedef struct cnn_conv_transpose3d_options {
    size_t struct_size;        /**< sizeof(cnn_conv_transpose3d_options) */
    int64_t kernel;            /**< size of the kernel; cnn_conv_transpose3d() takes it from the weight */
    int64_t kernel_d;          /**< in depth */
    int64_t kernel_h;          /**< vertically */
    int64_t kernel_w;          /**< horizontally */
    int64_t stride;            /**< voxels of the result from one voxel of x to the next; default 1 */
    int64_t stride_d;          /**< in depth */
    int64_t stride_h;          /**< vertically */
    int64_t stride_w;          /**< horizontally */
    int64_t dilation;          /**< default 1 */
    int64_t dilation_d;        /**< in depth */
    int64_t dilation_h;        /**< vertically */
    int64_t dilation_w;        /**< horizontally */
    int64_t padding;           /**< slices, rows and columns that the result lacks on each side; default 0 */
    int64_t padding_d;         /**< in depth */
    int64_t padding_h;         /**< vertically */
    int64_t padding_w;         /**< horizontally */
    int64_t output_padding;    /**< slices, rows and columns that it has more at the end, less than stride or dilation;
                                 default 0 */
    int64_t output_padding_d;  /**< slices */
    int64_t output_padding_h;  /**< rows */
    int64_t output_padding_w;  /**< columns */
    int64_t output_size;       /**< sizes of the result in place of output_padding, which then follows from them: fewer
                                 than `stride` voxels more than without; default none */
    int64_t output_size_d;     /**< the depth */
    int64_t output_size_h;     /**< the height */
    int64_t output_size_w;     /**< the width */
    int64_t groups;            /**< the groups of channels, each convolved by itself; default 1 */
    cnn_dtype dtype;           /**< layers only: of the parameters; default CNN_F32 */
    bool no_bias;              /**< layers only: no bias parameter */
    unsigned char reserved[3]; /**< zero: room for later options */
} cnn_conv_transpose3d_options;

/**
 * 1-D convolution (torch.nn.functional.conv1d): x [N,C,L], weight [O,C/groups,k], bias [O] or NULL → [N,O,L'] with
 * L' = floor((L + left + right − dilation·(k − 1) − 1) / stride) + 1. x may also be [C,L]. A causal convolution is
 * `.padding_left = dilation · (k − 1)`.
 * @since 0.2
 */
CNN_API cnn_tensor *cnn_conv1d(cnn_tensor *x, cnn_tensor *weight, cnn_tensor *bias, const cnn_conv1d_options *options);

/**
 * 3-D convolution (torch.nn.functional.conv3d): x [N,C,D,H,W], weight [O,C/groups,kd,kh,kw], bias [O] or NULL →
 * [N,O,D',H',W'], each size by the formula of cnn_conv2d(). x may also be [C,D,H,W].
 * @since 0.2
 */
CNN_API cnn_tensor *cnn_conv3d(cnn_tensor *x, cnn_tensor *weight, cnn_tensor *bias, const cnn_conv3d_options *options);

/**
 * Transposed 1-D convolution (torch.nn.functional.conv_transpose1d), the gradient of cnn_conv1d() with respect to its
 * input: x [N,C,L], weight [C,O/groups,k], bias [O] or NULL → [N,O,L'] with
 * L' = (L − 1) · stride − 2 · padding + dilation · (k − 1) + output_padding + 1. x may also be [C,L].
 * @since 0.2
 */
CNN_API cnn_tensor *cnn_conv_transpose1d(cnn_tensor *x, cnn_tensor *weight, cnn_tensor *bias,
                                         const cnn_conv_transpose1d_options *options);

/**
 * Transposed 2-D convolution (torch.nn.functional.conv_transpose2d): x [N,C,H,W], weight [C,O/groups,kh,kw], bias [O]
 * or NULL → [N,O,H',W'], each size by the formula of cnn_conv_transpose1d(). x may also be [C,H,W].
 * @since 0.2
 */
CNN_API cnn_tensor *cnn_conv_transpose2d(cnn_tensor *x, cnn_tensor *weight, cnn_tensor *bias,
                                         const cnn_conv_transpose2d_options *options);

/**
 * Transposed 3-D convolution (torch.nn.functional.conv_transpose3d): x [N,C,D,H,W], weight [C,O/groups,kd,kh,kw], bias
 * [O] or NULL → [N,O,D',H',W'], each size by the formula of cnn_conv_transpose1d(). x may also be [C,D,H,W].
 * @since 0.2
 */
CNN_API cnn_tensor *cnn_conv_transpose3d(cnn_tensor *x, cnn_tensor *weight, cnn_tensor *bias,
                                         const cnn_conv_transpose3d_options *options);
/** @} */

CNN_END_DECLS

#endif
