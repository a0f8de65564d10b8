/* GELU and its slope for a block of elements, in place and in f64, whatever the dtype of the tensor: in a block the
 * loops vectorise. */
#ifndef CNN_KERNELS_ARRAY_GELU_H
#define CNN_KERNELS_ARRAY_GELU_H

enum { CNN__GELU_BLOCK = 16 };

/* x · Φ(x), and PyTorch's approximation with tanh. */
void cnn__gelu_block(double *x);
void cnn__gelu_tanh_block(double *x);
/* Their derivatives; the first is Φ(x) + x · Φ'(x). */
void cnn__gelu_slope_block(double *x);
void cnn__gelu_tanh_slope_block(double *x);

#endif
