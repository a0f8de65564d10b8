/* Convolutions without the taps of their filters that read nothing but padding, as 8 of the 9 taps of a 3 × 3 filter do
 * on an image of 1 × 1. The rows and columns of live taps are a smaller filter, whose weights are gathered first. */
#ifndef CNN_KERNELS_CONV_TRIM_H
#define CNN_KERNELS_CONV_TRIM_H

#include "base/pool.h"
#include "kernels/kernels.h"

/* Whether taps of g are dead; then *t is the same convolution without them, whose weights are kept apart. */
bool cnn__conv_trim(const cnn__conv *g, cnn__conv *t);
/* Two numbers that say which taps are live: two convolutions of one filter have the same smaller weights where they are
 * equal. Zeros: no tap is dead. */
void cnn__conv_trim_key(const cnn__conv *g, int64_t key[2]);
/* The bytes of the smaller weights, in whole cache lines. */
size_t cnn__conv_trim_size(const cnn__conv *t);
void cnn__conv_trim_gather(const cnn__conv *g, const float *weight, float *small, cnn__pool *pool);
/* Writes the gradients of the live taps, and zeros for the others. */
void cnn__conv_trim_scatter(const cnn__conv *g, const float *small, float *dweight, cnn__pool *pool);

#endif
