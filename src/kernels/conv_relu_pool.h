/* Convolution, bias, ReLU and 2 × 2 max pooling as one kernel, forward and backward.
 *
 * The activations before pooling are never stored. Backward knows from `index` which of the four positions of a
 * window won (its number in scan order) or that ReLU cut the window off (CNN__CONVPOOL_NONE), so it does at most a
 * quarter of the work of the dense gradients. Results agree with conv_forward → relu → maxpool_forward to rounding. */
#ifndef CNN_KERNELS_CONV_RELU_POOL_H
#define CNN_KERNELS_CONV_RELU_POOL_H

#include "base/pool.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cnn__conv;

enum {
    CNN__CONVPOOL_NONE = 255,
    CNN__CONVPOOL_EXPANDED = 8 /* of fewer input channels kernels may lay out a whole patch for each output */
};

/* The geometry is that of the convolution, which has stride 1, dilation 1 and one group; y, dy and index are
 * [batch, out_channels, out_h / 2, out_w / 2]. */
typedef struct cnn__convpool_kernels {
    size_t (*forward_workspace)(const struct cnn__conv *g, int workers);
    /* index may be NULL. */
    void (*forward)(const struct cnn__conv *g, const void *x, const void *weight, const void *bias, void *y,
                    uint8_t *index, void *workspace, cnn__pool *pool);
    size_t (*backward_data_workspace)(const struct cnn__conv *g, int workers);
    void (*backward_data)(const struct cnn__conv *g, const void *dy, const uint8_t *index, const void *weight, void *dx,
                          void *workspace, cnn__pool *pool);
    size_t (*backward_weight_workspace)(const struct cnn__conv *g, int workers);
    /* dbias may be NULL. */
    void (*backward_weight)(const struct cnn__conv *g, const void *x, const void *dy, const uint8_t *index,
                            void *dweight, void *dbias, void *workspace, cnn__pool *pool);
} cnn__convpool_kernels;

/* Can these kernels do this convolution? */
bool cnn__convpool_fits(const struct cnn__conv *g);

#endif
