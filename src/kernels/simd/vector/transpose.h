/* Transposition of matrices in squares of LANES × LANES. These are not inlined, because each is a few kilobytes of
 * shuffles. */
#ifndef CNN_KERNELS_SIMD_VECTOR_TRANSPOSE_H
#define CNN_KERNELS_SIMD_VECTOR_TRANSPOSE_H

#include "kernels/simd/vector/lanes.h"

/* to[column][to_step] ← a matrix of rows × columns, from[row · from_step + column]; rows are filled up to whole
 * vectors with zeros. */
void CNN__SIMD(transpose_out)(const float *from, int64_t from_step, int64_t rows, int64_t columns, float *to,
                              int64_t to_step);

/* The way back: to[row · to_step + column] ← from[column][from_step], which is read in whole vectors of rows. */
void CNN__SIMD(transpose_in)(const float *from, int64_t from_step, int64_t rows, int64_t columns, float *to,
                             int64_t to_step);

#define transpose_out CNN__SIMD(transpose_out)
#define transpose_in CNN__SIMD(transpose_in)

#endif
