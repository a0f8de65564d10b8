/* Functions of a block of elements, in place and in f64, whatever the dtype of the tensor: in a block the loops
 * vectorise, and one function serves every dtype. The values are those of the launch. The Makefile lets the compiler
 * raise floating-point exceptions of branches that are not taken, without which it would not vectorise these loops, and
 * forbids it to join a product and a sum: results are the same on every CPU. */
#ifndef CNN_KERNELS_SIMD_MAP_BLOCKS_H
#define CNN_KERNELS_SIMD_MAP_BLOCKS_H

#include "kernels/array/map.h"
#include "kernels/simd/vector/lanes.h"

#define CNN__UNARY_BLOCK(NAME, name, cost) void CNN__SIMD(name##_block)(double *x, const double *values);
#include "kernels/array/unary.def"

#endif
