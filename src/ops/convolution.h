/* Convolutions other than Conv2d: of one and three dimensions, and the transposed ones of one to three.
 *
 * They share one descriptor's functions, one layer and one reader of options. What tells them apart is a
 * cnn__conv_kind. A window always has three axes, depth, height and width; those that a kind lacks come first and have
 * kernel 1. */
#ifndef CNN_OPS_CONVOLUTION_H
#define CNN_OPS_CONVOLUTION_H

#include "ops/geometry.h"

enum { CNN__CONV_AXES = 3 };

/* Where a kind's options stand in their struct. A kind of several axes has a field for all of them, followed by one for
 * each; 0: the kind does not have this option. */
typedef struct cnn__conv_fields {
    size_t size, known; /* the size of the struct, and of its options without the reserved bytes */
    size_t kernel, stride, dilation, padding, padding_left, output_padding, output_size, groups, padding_mode, pad_mode,
        dtype, no_bias;
} cnn__conv_fields;

typedef struct cnn__conv_kind {
    const cnn__op *op;
    const char *create;         /* how messages call the layer's constructor */
    const char *input, *weight; /* shapes, for messages */
    int axes;
    bool transposed;
    cnn__conv_fields fields;
} cnn__conv_kind;

extern const cnn__conv_kind cnn__conv1d_kind, cnn__conv3d_kind, cnn__conv_transpose1d_kind, cnn__conv_transpose2d_kind,
    cnn__conv_transpose3d_kind;

typedef struct cnn__conv_window {
    int64_t kernel[CNN__CONV_AXES], stride[CNN__CONV_AXES], dilation[CNN__CONV_AXES];
    int64_t before[CNN__CONV_AXES], after[CNN__CONV_AXES];               /* padding */
    int64_t output_padding[CNN__CONV_AXES], output_size[CNN__CONV_AXES]; /* a size of 0: there is none */
    int64_t groups;
    int pad_mode;    /* how a layer pads: a cnn_pad_mode */
    cnn_dtype dtype; /* the dtype of a layer's parameters */
    bool no_bias;    /* whether a layer has no bias */
    bool same;
} cnn__conv_window;

/* Reads and checks options. The kernel's size comes from them for a layer (kernel NULL), from the weight's last
 * dimensions for an operation. false: `problem` says what is wrong, or has status CNN_OK where it is reported already.
 */
bool cnn__conv_window_read(const cnn_context *ctx, const cnn__conv_kind *kind, const char *call, const void *options,
                           const int64_t *kernel, cnn__conv_window *w, cnn__problem *problem);

/* The output padding that makes a transposed convolution's result as large as it is to be. */
bool cnn__conv_window_resize(const cnn__conv_kind *kind, cnn__conv_window *w, const int64_t in[CNN__CONV_AXES],
                             cnn__problem *problem);

/* The size of the result along each axis from that of the input; all are ≥ 1. */
bool cnn__conv_window_output(const cnn__conv_kind *kind, const cnn__conv_window *w, const int64_t in[CNN__CONV_AXES],
                             int64_t out[CNN__CONV_AXES], cnn__problem *problem);

/* The attributes. */
typedef struct cnn__convolution {
    cnn_conv3d_parameters p; /* first, and its `slice` first in it: conv2d's backward reads that alone */
    bool flat;               /* the 2-D kernels compute it from p.slice */
    cnn__conv_window w;
    const cnn__conv_kind *kind;
    const void *options;            /* for infer; and where a layer has read them already: */
    const cnn__conv_window *window; /* else NULL */
} cnn__convolution;

/* Checks the inputs x, weight and bias, and sets the parameters. */
bool cnn__convolution_infer(cnn__call *call, void *attributes);

/* The operation with a window that is checked already. */
cnn_tensor *cnn__convolve(const cnn__conv_kind *kind, cnn_tensor *x, cnn_tensor *weight, cnn_tensor *bias,
                          const cnn__conv_window *window);

#endif
