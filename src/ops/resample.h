/* Operations that make each axis of the last few by a rule of its own: adaptive average pooling, padding,
 * interpolation. One kernel computes them all. */
#ifndef CNN_OPS_RESAMPLE_H
#define CNN_OPS_RESAMPLE_H

#include "ops/geometry.h"

enum { CNN__RESAMPLE_AXES = 3 };

/* Splits the shape of input 0 before its last `axes` dimensions; every axis stays as it is. A kernel has always three.
 * Returns the first of those of x. */
cnn_resample_axis *cnn__resample_axes(const cnn_tensor *x, int axes, cnn_resample_parameters *g);
/* Output 0 is new: input 0 with those axes. */
void cnn__out_resampled(cnn__call *call, int axes, const cnn_resample_parameters *g);

/* Forward and backward of an operation whose attributes begin with cnn_resample_parameters. */
bool cnn__resample_forward(cnn__call *call, void *attributes);
void cnn__resample_backward(cnn__node *node, cnn_tensor *dy);

/* Pooling of the images of input 0 to a size `out`, in which −1 becomes the input's; false: reported. */
bool cnn__call_adaptive(cnn__call *call, int directions, int64_t in[2], int64_t out[2]);

/* A mode of interpolation. */
typedef struct cnn__interpolation {
    char name[16]; /* PyTorch's */
    cnn_resample rule;
    int rank;    /* the rank of its input; 0: 3 to 5 */
    bool aligns; /* it can align corners */
} cnn__interpolation;

const cnn__interpolation *cnn__interpolation_of(int mode);
/* What can be checked without an input. */
bool cnn__interpolate_check(const cnn_interpolate_options *o, cnn__problem *problem);
/* Sizes and scale factors: in depth, vertically, horizontally, in all directions. */
void cnn__interpolate_given(const cnn_interpolate_options *o, int64_t size[4], double scale[4]);

#endif
