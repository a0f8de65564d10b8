/* Functions of a block of elements, in place and in f64, whatever the dtype of the tensor: in a block the loops
 * vectorise, and one function serves every dtype. The values are those of the launch. The Makefile lets the compiler
 * raise floating-point exceptions of branches that are not taken, without which it would not vectorise these loops, and
 * forbids it to join a product and a sum: results are the same on every CPU. */
#ifndef CNN_KERNELS_SIMD_MAP_BLOCKS_H
#define CNN_KERNELS_SIMD_MAP_BLOCKS_H

#include "kernels/array/map.h"
#include "kernels/simd/vector/lanes.h"

/* Processors with AVX-512 run the functions of AVX2 (array/map.h): copies of their own would be a third faster and
 * 12 kB. */
#if CNN__VECTOR_BYTES == 64
#define CNN__BLOCK(name) cnn__##name##_block_avx2
#else
#define CNN__BLOCK(name) CNN__SIMD(name##_block)
#define CNN__OWN_BLOCKS

#define CNN__UNARY_BLOCK(NAME, name, cost) void CNN__BLOCK(name)(double *x, const double *values);
#include "kernels/array/unary.def"
#undef CNN__UNARY_BLOCK
#endif

#endif
