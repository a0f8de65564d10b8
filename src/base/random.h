/* Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
 *
 * A draw is a pure function of key and counter, so threads need no locks and any draw can be repeated. The key names a
 * stream (a context's seed, mixed with a stream number); the counter is a position in it. */
#ifndef CNN_BASE_RANDOM_H
#define CNN_BASE_RANDOM_H

#include "platform/target.h"

#include <stdint.h>

/* A context uses streams 0 to CNN__STREAMS − 1 in turn. The bits above count the draws of a step on a tape, and the
 * highest bit marks the shuffles of loaders, so that no two draws ever share a key. */
#define CNN__STREAMS (UINT64_C(1) << 40)

/* Four 32-bit draws of block number `block` in the stream `key` = { seed, stream number }: the Philox key is the two
 * halves of key[0], the counter { lo(block), hi(block), lo(key[1]), hi(key[1]) }. */
void cnn__philox(const uint64_t key[2], uint64_t block, uint32_t out[4]);

/* The multipliers of the words and the increments of the key (table 2 of the paper). */
#define CNN__PHILOX_M0 UINT32_C(0xD2511F53)
#define CNN__PHILOX_M1 UINT32_C(0xCD9E8D57)
#define CNN__PHILOX_W0 UINT32_C(0x9E3779B9)
#define CNN__PHILOX_W1 UINT32_C(0xBB67AE85)

enum { CNN__PHILOX_ROUNDS = 10, CNN__GROUP = 64, CNN__DRAWS = 4 * CNN__GROUP };

/* The draws of CNN__GROUP consecutive blocks from `block` on; draw w of block b is stored at [4·b + w]. Kernels do
 * the same with the vectors of their instruction set (kernels/simd/vector/philox.h). */
void cnn__philox_group(const uint64_t key[2], uint64_t block, uint32_t draws[CNN__DRAWS]);

/* Draws outside kernels, element by element: number i of the stream is word i mod 4 of block i / 4. */
uint32_t cnn__random_u32(const uint64_t key[2], uint64_t i);

/* A draw as a number in [0, 1) with 24 bits. */
static inline float cnn__uniform_f32(uint32_t draw)
{
    return (float)(int32_t)(draw >> 8) * 0x1p-24f;
}

/* Uniform in [0, 1) with 24 bits (f32) or 53 bits (f64: uses words 2i and 2i+1). */
float cnn__random_f32(const uint64_t key[2], uint64_t i);
double cnn__random_f64(const uint64_t key[2], uint64_t i);

/* Standard normal by Box-Muller: numbers 2j and 2j+1 are the cosine and the sine of the turn that uniform 2j+1 is,
 * times a radius of uniform 2j. */
double cnn__random_normal(const uint64_t key[2], uint64_t i);

/* Fills order[0..n-1] with a permutation of 0..n-1 (Fisher-Yates, unbiased by rejection). */
void cnn__random_permutation(const uint64_t key[2], int64_t n, int64_t *order);

/* Dropout keeps element i where cnn__random_u32(key, i) >= this threshold: floor(p · 2^32), saturated. */
uint32_t cnn__dropout_threshold(double p);

#endif
