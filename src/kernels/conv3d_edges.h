/* What the zeros that pad the depth of a 3-D convolution do to numbers that are not finite: their products are NaN,
 * though padding is no term of a sum. Those sums are made again, term by term in double. */
#ifndef CNN_KERNELS_CONV3D_EDGES_H
#define CNN_KERNELS_CONV3D_EDGES_H

#include <cnn/backend.h>

/* The results whose windows hold padding of the depth. `size` is that of an element: of float or double. */
void cnn__conv3d_mend_output(const cnn_conv3d_parameters *p, size_t size, const void *x, const void *weight,
                             const void *bias, void *y);
/* The weights' gradients. */
void cnn__conv3d_mend_weight(const cnn_conv3d_parameters *p, size_t size, const void *x, const void *dy, void *dweight);

#endif
