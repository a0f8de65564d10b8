/* Sliding windows over images: what the options of conv2d and of pooling mean, and how large the result is.
 *
 * Everything is checked here, products and sums for overflow too, so that a kernel may trust the numbers. Index 0 of
 * each pair is the height, 1 the width. */
#ifndef CNN_OPS_GEOMETRY_H
#define CNN_OPS_GEOMETRY_H

#include "ops/operation.h"

typedef struct cnn__window {
    int64_t kernel[2], stride[2], dilation[2];
    int64_t before[2], after[2]; /* padding: top and left, bottom and right */
    int64_t groups;
    bool ceil_mode;
    bool same;
    bool one_dimension; /* the height is 1, and only the width counts */
} cnn__window;

/* A window as options give it: for both directions, vertically, horizontally; 0 is the default. */
typedef struct cnn__window_given {
    int64_t kernel[3], stride[3], padding[3], dilation[3];
    bool ceil_mode, one_dimension;
    bool columns; /* whether it is unfold: the default of the stride is 1, and padding has no bound */
} cnn__window_given;

/* From options of pooling without dilation. */
#define CNN__WINDOW_GIVEN(o) \
    { \
        .kernel = { (o)->kernel, (o)->kernel_h, (o)->kernel_w }, \
        .stride = { (o)->stride, (o)->stride_h, (o)->stride_w }, \
        .padding = { (o)->padding, (o)->padding_h, (o)->padding_w }, .ceil_mode = (o)->ceil_mode \
    }

/* The same for one dimension. */
#define CNN__WINDOW_GIVEN_1D(o) \
    { \
        .kernel = { (o)->kernel }, .stride = { (o)->stride }, .padding = { (o)->padding }, \
        .ceil_mode = (o)->ceil_mode, .one_dimension = true \
    }

/* What is wrong, without the name of the call: layers and operations say it each in their own way. */
typedef struct cnn__problem {
    cnn_status status;
    char text[224];
} cnn__problem;

bool cnn__problem_set(cnn__problem *problem, cnn_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4))); /* returns false */
/* Reports a problem as the operation's failure; returns false. */
bool cnn__call_problem(cnn__call *call, const cnn__problem *problem);

/* The kernel's size comes from the options for a layer (kernel NULL), from the weight for the operation. */
bool cnn__window_conv2d(cnn__window *w, const cnn_conv2d_options *o, const int64_t *kernel, cnn__problem *problem);
/* The stride's default is the kernel's size, and padding is at most half of it. */
bool cnn__window_pool(cnn__window *w, const cnn__window_given *given, cnn__problem *problem);
/* The same for a layer, whose constructor is `call`; reports. */
cnn_status cnn__window_read(const cnn_context *ctx, const char *call, cnn__window_given given, cnn__window *w);
cnn__window_given cnn__unfold_given(const cnn_unfold_options *o);
cnn__window_given cnn__maxpool1d_given(const cnn_maxpool1d_options *o);
cnn__window_given cnn__maxpool2d_given(const cnn_maxpool2d_options *o);

/* How many places the window takes over an image of height in[0] and width in[1]; all numbers ≥ 1. */
bool cnn__window_output(const cnn__window *w, const int64_t in[2], int64_t out[2], cnn__problem *problem);

/* Does every window touch a pixel? With dilation one may step over a small image, from the padding on one side to
 * that on the other: its maximum would be −infinity and at no place. */
bool cnn__window_touches(const cnn__window *w, const int64_t in[2], const int64_t out[2], cnn__problem *problem);

/* The image's rank is 3 ([C,H,W]) or 4 ([N,C,H,W]) and its height and width are not 0. */
bool cnn__image_check(const cnn_tensor *x, cnn__problem *problem);

/* The height and width of images [N,C,H,W] or [C,H,W] (`directions` is 2), or 1 and the length of lines [N,C,L] or
 * [C,L] (1), none of which is 0. */
bool cnn__image_sizes(const cnn_tensor *x, int directions, int64_t in[2], cnn__problem *problem);

/* Pooling of the images of input 0: the window, their size, and how many places the window takes, each of which touches
 * a pixel; false: reported. */
bool cnn__call_pool(cnn__call *call, const cnn__window_given *options, cnn__window *w, int64_t in[2], int64_t out[2]);
/* Output j is new and like input 0 but for its dtype and the size of its images. */
void cnn__out_image(cnn__call *call, int j, cnn_dtype dtype, int directions, const int64_t out[2]);

/* The attributes of a convolution, also with ReLU and pooling behind it. */
typedef struct cnn__conv_attributes {
    cnn__conv g;                       /* first: backward reads it alone */
    const cnn_conv2d_options *conv;    /* for infer */
    const cnn_maxpool2d_options *pool; /* for infer; NULL: no pooling */
    bool pooled;                       /* infer found that one operation does the pooling too */
} cnn__conv_attributes;

extern const cnn__attribute cnn__conv2d_attributes[];
extern const cnn__reads cnn__conv2d_reads[];
/* The backward of a 2-D convolution, whose attributes begin with its cnn__conv. */
void cnn__conv2d_backward(cnn__node *node, cnn_tensor *dy);
/* The gradient of its input 2, the bias: the sum of dy [batch, channels, …] for each channel. */
void cnn__conv_backward_bias(cnn__node *node, int64_t channels, int64_t batch, const cnn_tensor *dy);

/* The geometry of a convolution whose inputs are x, weight and bias; false: reported. */
bool cnn__conv2d_geometry(cnn__call *call, const cnn_conv2d_options *options, cnn__conv *g);
/* Describes the result of a convolution. */
void cnn__conv2d_out(cnn__call *call, const cnn__conv *g);

/* relu(conv2d(…)) as one operation, which gives the same bits. */
extern const cnn__op cnn__conv2d_relu_op;
cnn_tensor *cnn__conv2d_relu(cnn_tensor *x, cnn_tensor *weight, cnn_tensor *bias, const cnn_conv2d_options *options);
/* On the CPU, in a step that records no gradients. */
cnn_tensor *cnn__conv2d_relu6(cnn_tensor *x, cnn_tensor *weight, cnn_tensor *bias, const cnn_conv2d_options *options);
/* cnn_conv2d_relu_maxpool2d() that leaves the pooling to the caller (*pooled is false) where one operation cannot do
 * both. */
cnn_tensor *cnn__conv2d_relu_with_pool(cnn_tensor *x, cnn_tensor *weight, cnn_tensor *bias,
                                       const cnn_conv2d_options *conv, const cnn_maxpool2d_options *pool, bool *pooled);

/* What a convolution and the batch normalisation of its result, with given statistics, come to as one convolution. */
enum { CNN__FOLD_WEIGHT, CNN__FOLD_BIAS, CNN__FOLD_SCALE, CNN__FOLD_SHIFT, CNN__FOLD_MEAN, CNN__FOLD_VAR, CNN__FOLDS };
/* Writes the weight and the bias of that convolution, results of the step that is running, to `folded`. The inputs are
 * the convolution's weight and bias and the normalisation's weight, bias, mean and variance, of one dtype; its bias,
 * weight and bias may be NULL. No gradient flows through. false: no memory, the tape has failed. */
bool cnn__fold_batch_norm(cnn_tensor *const inputs[CNN__FOLDS], double eps, cnn_tensor *folded[2]);

/* The same as launches, in this order, which write the weight, the bias and, on the way, the scale of each channel
 * [O,1,1,1]. */
enum { CNN__FOLDED = 3 };
typedef struct cnn__folding {
    cnn_batch_norm_parameters channels;
    cnn_elementwise_parameters product;
    cnn_launch fold, multiply;
} cnn__folding;
void cnn__folding_make(cnn__folding *l, cnn_tensor *const inputs[CNN__FOLDS], double eps,
                       cnn_tensor *const made[CNN__FOLDED]);

#endif
