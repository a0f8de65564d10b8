/** @file
 * Pooling. What ops.h says about every operation holds here. */
#ifndef CNN_OPS_POOL_H
#define CNN_OPS_POOL_H

#include <cnn/tape.h>
#include <cnn/tensor.h>

CNN_BEGIN_DECLS

/** @name Pooling
 * f32, f64 and bf16; floating operands of one call share the dtype, which is the result's.
 * @since 0.1
 * @{ */
/** Options of 2-D max pooling; zero means the default. A field for both directions gives way to `_h` and `_w`. */
typedef struct cnn_maxpool2d_options {
    size_t struct_size;        /**< sizeof(cnn_maxpool2d_options) */
    int64_t kernel;            /**< size of the window; required */
    int64_t kernel_h;          /**< vertically */
    int64_t kernel_w;          /**< horizontally */
    int64_t stride;            /**< default: the window's size */
    int64_t stride_h;          /**< vertically */
    int64_t stride_w;          /**< horizontally */
    int64_t padding;           /**< rows and columns of −infinity, at most half the window; default 0 */
    int64_t padding_h;         /**< vertically */
    int64_t padding_w;         /**< horizontally */
    int64_t dilation;          /**< default 1 */
    int64_t dilation_h;        /**< vertically */
    int64_t dilation_w;        /**< horizontally */
    bool ceil_mode;            /**< round the output's size up, as PyTorch does */
    unsigned char reserved[7]; /**< zero: room for later options */
} cnn_maxpool2d_options;

/** The largest element of each window: x [N,C,H,W] or [C,H,W]. The first of equal ones gets the gradient; NaN wins. */
CNN_API cnn_tensor *cnn_maxpool2d(cnn_tensor *x, const cnn_maxpool2d_options *options);

/** Options of 2-D average pooling; zero means the default. A field for both directions gives way to `_h` and `_w`. */
typedef struct cnn_avg_pool2d_options {
    size_t struct_size;        /**< sizeof(cnn_avg_pool2d_options) */
    int64_t kernel;            /**< size of the window; required */
    int64_t kernel_h;          /**< vertically */
    int64_t kernel_w;          /**< horizontally */
    int64_t stride;            /**< default: the window's size */
    int64_t stride_h;          /**< vertically */
    int64_t stride_w;          /**< horizontally */
    int64_t padding;           /**< rows and columns of zeros, at most half the window; default 0 */
    int64_t padding_h;         /**< vertically */
    int64_t padding_w;         /**< horizontally */
    int64_t divisor_override;  /**< what sums are divided by; default: the number of elements in the window */
    bool ceil_mode;            /**< round the output's size up, as PyTorch does */
    bool exclude_padding;      /**< elements of the padding are not counted: PyTorch's count_include_pad=False */
    unsigned char reserved[6]; /**< zero: room for later options */
} cnn_avg_pool2d_options;

/** The mean of each window, as torch.nn.functional.avg_pool2d: x [N,C,H,W] or [C,H,W]. Sums are made in double.
 * @since 0.2 */
CNN_API cnn_tensor *cnn_avg_pool2d(cnn_tensor *x, const cnn_avg_pool2d_options *options);

/** cnn_maxpool2d() with a second result of the same shape, i64: the position of each maximum in its plane of x, row · W
 * + column, as torch.nn.functional.max_pool2d with return_indices gives it. `indices` receives it, a tensor of the same
 * tape, nil on failure; it may be NULL. @since 0.2 */
CNN_API cnn_tensor *cnn_maxpool2d_with_indices(cnn_tensor *x, const cnn_maxpool2d_options *options,
                                               cnn_tensor **indices);

/** Options of 1-D max pooling; zero means the default. @since 0.2 */
typedef struct cnn_maxpool1d_options {
    size_t struct_size;        /**< sizeof(cnn_maxpool1d_options) */
    int64_t kernel;            /**< size of the window; required */
    int64_t stride;            /**< default: the window's size */
    int64_t padding;           /**< rows and columns of −infinity, at most half the window; default 0 */
    int64_t dilation;          /**< default 1 */
    bool ceil_mode;            /**< round the output's size up, as PyTorch does */
    unsigned char reserved[7]; /**< zero: room for later options */
} cnn_maxpool1d_options;

/** The largest element of each window: x [N,C,L] or [C,L]. As cnn_maxpool2d() on images of height 1. @since 0.2 */
CNN_API cnn_tensor *cnn_maxpool1d(cnn_tensor *x, const cnn_maxpool1d_options *options);

/** Options of 1-D average pooling; zero means the default. @since 0.2 */
typedef struct cnn_avg_pool1d_options {
    size_t struct_size;        /**< sizeof(cnn_avg_pool1d_options) */
    int64_t kernel;            /**< size of the window; required */
    int64_t stride;            /**< default: the window's size */
    int64_t padding;           /**< rows and columns of zeros, at most half the window; default 0 */
    bool ceil_mode;            /**< round the output's size up, as PyTorch does */
    bool exclude_padding;      /**< elements of the padding are not counted: PyTorch's count_include_pad=False */
    unsigned char reserved[6]; /**< zero: room for later options */
} cnn_avg_pool1d_options;

/** The mean of each window: x [N,C,L] or [C,L]. Sums are made in double. @since 0.2 */
CNN_API cnn_tensor *cnn_avg_pool1d(cnn_tensor *x, const cnn_avg_pool1d_options *options);
/** @} */

/** @name Pooling to a given size
 * f32, f64 and bf16. Element o of a direction comes from the elements floor(o · in / out) to ceil((o + 1) · in / out)
 * − 1 of x, as in PyTorch. A size of −1 keeps the input's, as None does there; size 1 pools everything that a plane
 * has: cnn_adaptive_avg_pool2d(x, 1, 1) is global average pooling.
 * @since 0.2
 * @{ */
/** The means: x [N,C,L] or [C,L] → [N,C,output_size] or [C,output_size], summed in double. */
CNN_API cnn_tensor *cnn_adaptive_avg_pool1d(cnn_tensor *x, int64_t output_size);
/** The means: x [N,C,H,W] or [C,H,W] → [N,C,output_h,output_w] or [C,output_h,output_w], summed in double. */
CNN_API cnn_tensor *cnn_adaptive_avg_pool2d(cnn_tensor *x, int64_t output_h, int64_t output_w);
/** The maxima, with their positions row · W + column as a second result, i64; `indices` may be NULL. The first of equal
 * ones gets the gradient; NaN wins. */
CNN_API cnn_tensor *cnn_adaptive_maxpool2d(cnn_tensor *x, int64_t output_h, int64_t output_w, cnn_tensor **indices);
/** @} */

CNN_END_DECLS

#endif
