/* Functions of a block of elements, in place and in f64, whatever the dtype of the tensor: in a block the loops
 * vectorise, and one function serves every dtype. p are the values of the launch. The Makefile lets the compiler raise
 * floating-point exceptions of branches that are not taken, without which it would not vectorise these loops; results
 * are the same. */
#ifndef CNN_KERNELS_ARRAY_BLOCKS_H
#define CNN_KERNELS_ARRAY_BLOCKS_H

enum { CNN__BLOCK = 16 };

typedef void (*cnn__block_fn)(double *x, const double *p);

#define CNN__UNARY(NAME, name, cost)
#define CNN__UNARY_BLOCK(NAME, name, cost) void cnn__##name##_block(double *x, const double *p);
#include "kernels/array/unary.def"
#undef CNN__UNARY
#undef CNN__UNARY_BLOCK

#endif
