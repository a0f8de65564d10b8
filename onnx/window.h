/* The windows of convolutions and pooling: the attributes kernel_shape, strides, dilations, pads and auto_pad. */
#ifndef CNN_ONNX_WINDOW_H
#define CNN_ONNX_WINDOW_H

#include "ops.h"

enum { CNN__MOST_SPACE = 3 };

typedef struct cnn__onnx_window {
    int ndim; /* dimensions of space: 1 to 3 */
    int64_t kernel[CNN__MOST_SPACE], stride[CNN__MOST_SPACE], dilation[CNN__MOST_SPACE];
    int64_t before[CNN__MOST_SPACE], after[CNN__MOST_SPACE]; /* padding */
} cnn__onnx_window;

/* Reads the window that the node slides over the space of x [N,C,…]; `weight` has the kernel's sizes behind two others,
 * or is NULL. Reports. */
bool cnn__onnx_window_read(cnn__onnx_run *run, const cnn_tensor *x, const cnn_tensor *weight, cnn__onnx_window *window);
/* The sizes of space as parameters of cnn__onnx_padded(). */
cnn_tensor *cnn__onnx_window_padded(cnn__onnx_run *run, cnn_tensor *x, const cnn__onnx_window *window,
                                    const int64_t *before, const int64_t *after, double value);

#endif
