/* Matrices turned in squares of vectors. Functions of their own: each is a few kilobytes of shuffles. */
#ifndef CNN_KERNELS_SIMD_TURN_H
#define CNN_KERNELS_SIMD_TURN_H

#include "kernels/simd/lanes.h"

/* to[column][to_step] ← a matrix of rows × columns, from[row · from_step + column]; rows are filled up to whole vectors with
 * zeros. */
void CNN__SIMD(transpose_out)(const float *from, int64_t from_step, int64_t rows, int64_t columns, float *to, int64_t to_step);

/* The way back: to[row · to_step + column] ← from[column][from_step], which is read in whole vectors of rows. */
void CNN__SIMD(transpose_in)(const float *from, int64_t from_step, int64_t rows, int64_t columns, float *to, int64_t to_step);

/* A square of places by channels, which are `step` apart; of both there may be fewer than LANES: a block of fewer channels repeats
 * its last. */
void CNN__SIMD(load_corner)(const float *plane, int64_t step, int64_t channels, int64_t places, lanes v[LANES]);

/* `count` places of planes that are `step` apart, to vectors in order. */
void CNN__SIMD(turn_line)(const float *line, int64_t step, int64_t channels, int64_t count, float *to);

/* And back; `streamed` if past the caches. */
void CNN__SIMD(turn_back)(const float *from, int64_t count, int64_t step, int64_t channels, bool streamed, float *to);

#define transpose_out CNN__SIMD(transpose_out)
#define transpose_in CNN__SIMD(transpose_in)
#define load_corner CNN__SIMD(load_corner)
#define turn_line CNN__SIMD(turn_line)
#define turn_back CNN__SIMD(turn_back)

#endif
