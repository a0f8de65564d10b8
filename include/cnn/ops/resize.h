/** @file
 * Padding and interpolation. What ops.h says about every operation holds here. */
#ifndef CNN_OPS_RESIZE_H
#define CNN_OPS_RESIZE_H

#include <cnn/tape.h>
#include <cnn/tensor.h>

CNN_BEGIN_DECLS

/** @name Padding
 * @since 0.2
 * @{ */
/** What stands beyond the edges. */
typedef enum cnn_pad_mode {
    CNN_PAD_CONSTANT = 0,  /**< one number; any dtype and rank */
    CNN_PAD_REFLECT = 1,   /**< the elements mirrored at the edge, which is not repeated: less padding than elements */
    CNN_PAD_REPLICATE = 2, /**< the element at the edge */
    CNN_PAD_CIRCULAR = 3   /**< the elements from the other end: 0 to as much padding as elements */
} cnn_pad_mode;

/** Options of padding; zero means the default. */
typedef struct cnn_pad_options {
    size_t struct_size; /**< sizeof(cnn_pad_options) */
    double value;       /**< the elements that CNN_PAD_CONSTANT adds, converted as cnn_tensor_fill() says; default 0 */
    cnn_pad_mode mode;  /**< default CNN_PAD_CONSTANT */
    unsigned char reserved[4]; /**< zero: room for later options */
} cnn_pad_options;

/**
 * Adds elements before and after those of the last dimensions, as torch.nn.functional.pad: `pads` has two numbers per
 * dimension, those of the last dimension first. cnn_pad(x, CNN_SHAPE(1, 2, 3, 4), NULL) adds one column on the left and
 * two on the right, three rows above and four below. A negative number cuts elements off. Modes other than
 * CNN_PAD_CONSTANT take f32, f64 and bf16 and pad up to three dimensions. `options` may be NULL. Dimension d of the
 * result has size before + size of x + after. CNN_ERROR_SHAPE where that is negative, or where a mode does not allow so
 * much padding.
 *
 * @param count  how many numbers: even, at most twice the rank.
 */
CNN_API cnn_tensor *cnn_pad(cnn_tensor *x, int count, const int64_t *pads, const cnn_pad_options *options);
/** @} */

/** @name Interpolation
 * f32, f64 and bf16.
 * @since 0.2
 * @{ */
/** How an element of the result comes from elements of x. */
typedef enum cnn_interpolate_mode {
    CNN_INTERPOLATE_NEAREST = 0,       /**< element floor(o · scale), as OpenCV has it */
    CNN_INTERPOLATE_NEAREST_EXACT = 1, /**< the element whose centre is nearest, as Pillow has it */
    CNN_INTERPOLATE_LINEAR = 2,        /**< takes x [N,C,L] */
    CNN_INTERPOLATE_BILINEAR = 3,      /**< takes x [N,C,H,W] */
    CNN_INTERPOLATE_TRILINEAR = 4,     /**< takes x [N,C,D,H,W] */
    CNN_INTERPOLATE_BICUBIC = 5,       /**< takes x [N,C,H,W], with a = −0.75 */
    CNN_INTERPOLATE_AREA = 6           /**< the mean of what an element covers: adaptive average pooling */
} cnn_interpolate_mode;

/** Options of interpolation; zero means the default. A field for all directions gives way to `_d`, `_h` and `_w`. */
typedef struct cnn_interpolate_options {
    size_t struct_size;          /**< sizeof(cnn_interpolate_options) */
    int64_t size;                /**< the size of the result; required, or else a scale factor */
    int64_t size_d;              /**< its depth, of x [N,C,D,H,W] */
    int64_t size_h;              /**< its height, of images */
    int64_t size_w;              /**< its width or length */
    double scale_factor;         /**< the size is floor(size of x · scale_factor); sizes or scale factors are given */
    double scale_factor_d;       /**< in depth, of x [N,C,D,H,W] */
    double scale_factor_h;       /**< vertically, of images */
    double scale_factor_w;       /**< horizontally */
    cnn_interpolate_mode mode;   /**< default CNN_INTERPOLATE_NEAREST */
    bool align_corners;          /**< the first and the last elements of x and of the result coincide, instead of their
                                      outer edges; of the linear modes and CNN_INTERPOLATE_BICUBIC */
    bool recompute_scale_factor; /**< positions follow from the sizes, not from the scale factors given */
    unsigned char reserved[2];   /**< zero: room for later options */
} cnn_interpolate_options;

/** torch.nn.functional.interpolate without antialias: x [N,C,L], [N,C,H,W] or [N,C,D,H,W] with every dimension from the
 * third on resized. Sums are made in double. */
CNN_API cnn_tensor *cnn_interpolate(cnn_tensor *x, const cnn_interpolate_options *options);
/** @} */

CNN_END_DECLS

#endif
