/* Convolution, bias, ReLU and 2 × 2 max pooling as one kernel, forward and backward.
 *
 * The activations before pooling are never stored. Backward knows from `index` which of the four positions of a window
 * won (its number in scan order) or that ReLU cut the window off (CNN__CONV_RELU_POOL_NONE), so it does at most a
 * quarter of the work of the dense gradients. Results agree with conv_forward → relu → maxpool_forward to rounding. */
#ifndef CNN_KERNELS_CONV_RELU_POOL_H
#define CNN_KERNELS_CONV_RELU_POOL_H

#include "kernels/kernels.h"

enum {
    CNN__CONV_RELU_POOL_NONE = 255,
    CNN__CONV_RELU_POOL_EXPANDED = 8 /* with fewer input channels kernels may lay out a whole patch for each output */
};

/* Whether the kernels can do this convolution, which has stride 1, dilation 1 and one group; y, dy and index are
 * [batch, out_channels, out_h / 2, out_w / 2]. */
bool cnn__conv_relu_pool_fits(const cnn__conv *g);

#endif
