/* Reductions of one tile: `width` neighbouring columns, reduced over a stretch of a nest into accumulators.
 *
 * Reals are accumulated in double and integers in int64_t, so that there are two kinds of accumulators; both have 8
 * bytes. */
#ifndef CNN_KERNELS_ARRAY_REDUCE_H
#define CNN_KERNELS_ARRAY_REDUCE_H

#include "kernels/array/nest.h"

/* Reduces the `count` elements of the nest (operand 1) from position `first` on, for each of the columns x, x + 1, … */
typedef void (*cnn__reduce_fn)(const void *x, const cnn__nest *nest, int64_t first, int64_t count, int64_t width,
                               void *accumulators);

/* By operation and dtype. Those of CNN_F64 and CNN_I64 also combine accumulators. */
extern const cnn__reduce_fn cnn__reduce_tile[CNN_REDUCE_OF_COUNT][CNN_BOOL + 1];

/* The smallest f32 by AVX2, which AVX-512 shares. */
void cnn__tile_min_avx2(const void *x, const cnn__nest *nest, int64_t first, int64_t count, int64_t width,
                        void *accumulators);

/* What tiles of elements of `size` bytes share. part() joins a run to an accumulator; rows() joins a run of rows to
 * `width` accumulators. */
void cnn__reduce_walk(size_t size, void (*part)(const void *x, int64_t n, int64_t stride, void *accumulator),
                      void (*rows)(const void *x, int64_t n, int64_t stride, int64_t width,
                                   void *restrict accumulators),
                      const char *x, const cnn__nest *nest, int64_t first, int64_t count, int64_t width,
                      void *accumulators);

/* Sums of rows of n floats, `step` from one to the next, where a call for each would take longer than its sum; with the
 * bits of reduce_impl.h. */
enum { CNN__SHORT_ROW = 24 }; /* less elements than it sums in more lanes than 8 */
void cnn__short_sums(int64_t rows, int64_t step, int64_t n, const float *x, double *sums);

/* Products of f32, for all instruction sets. */
void cnn__tile_product_f32(const void *x, const cnn__nest *nest, int64_t first, int64_t count, int64_t width,
                           void *accumulators);

#endif
