/* Philox4x32-10 (base/random.h) on vectors of blocks. It gives the same numbers as the scalar version. */
#ifndef CNN_KERNELS_SIMD_VECTOR_PHILOX_H
#define CNN_KERNELS_SIMD_VECTOR_PHILOX_H

#include "base/random.h"
#include "kernels/simd/vector/partial.h"

typedef uint64_t lanes_u64 __attribute__((vector_size(CNN__VECTOR_BYTES)));
typedef long long lanes_i64 __attribute__((vector_size(CNN__VECTOR_BYTES)));

/* The blocks of a vector, of a word each; and the vectors at a time, to fill the wait for products: as many as the
 * registers hold. */
enum { BLOCKS = LANES / 2, BLOCK_VECTORS = CNN__VECTOR_BYTES == 64 ? 4 : 2 };

/* The products of the lower halves. Compilers do not recognise this instruction in a multiplication of 64 bits. */
CNN__INLINE lanes_u64 multiply_words(lanes_u64 a, lanes_u64 b)
{
#if CNN__VECTOR_BYTES == 64 && defined __AVX512F__
    return (lanes_u64)X86(__builtin_ia32_pmuludq512_mask((lanes_i32)a, (lanes_i32)b, (lanes_i64){ 0 }, 0xff),
                          _mm512_mul_epu32((__m512i)a, (__m512i)b));
#elif CNN__VECTOR_BYTES == 32 && defined __AVX2__
    return (lanes_u64)X86(__builtin_ia32_pmuludq256((lanes_i32)a, (lanes_i32)b),
                          _mm256_mul_epu32((__m256i)a, (__m256i)b));
#elif CNN__VECTOR_BYTES == 16 && defined __x86_64__
    return (lanes_u64)X86(__builtin_ia32_pmuludq128((lanes_i32)a, (lanes_i32)b), _mm_mul_epu32((__m128i)a, (__m128i)b));
#elif CNN__VECTOR_BYTES == 16 && defined __aarch64__
    return (lanes_u64)vmull_u32(vmovn_u64((uint64x2_t)a), vmovn_u64((uint64x2_t)b));
#else
    return (a & UINT32_MAX) * (b & UINT32_MAX);
#endif
}

/* Pairs of 64 bits, interleaved: a0 b0 a1 b1 … */
CNN__INLINE void interleave_pairs(lanes_u64 a, lanes_u64 b, lanes_u64 out[2])
{
#if CNN__VECTOR_BYTES == 64
    out[0] = __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
    out[1] = __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
#elif CNN__VECTOR_BYTES == 32
    out[0] = __builtin_shufflevector(a, b, 0, 4, 1, 5);
    out[1] = __builtin_shufflevector(a, b, 2, 6, 3, 7);
#else
    out[0] = __builtin_shufflevector(a, b, 0, 2);
    out[1] = __builtin_shufflevector(a, b, 1, 3);
#endif
}

/* One word of each block is kept in the lower half of 64 bits. The upper half is never read, so the halves of a
 * product need no mask, and keys may carry into it. */
typedef struct philox_state {
    lanes_u64 w0, w1, w2, w3;
} philox_state;

CNN__INLINE void philox_round(philox_state *s, lanes_u64 k0, lanes_u64 k1)
{
    lanes_u64 none = { 0 };
    lanes_u64 p0 = multiply_words(s->w0, none + CNN__PHILOX_M0), p1 = multiply_words(s->w2, none + CNN__PHILOX_M1);
    *s = (philox_state){ (p1 >> 32) ^ s->w1 ^ k0, p1, (p0 >> 32) ^ s->w3 ^ k1, p0 };
}

/* BLOCK_VECTORS vectors of consecutive blocks from `block` on. */
CNN__APART void philox_blocks(const uint64_t key[2], uint64_t block, philox_state out[BLOCK_VECTORS])
{
    lanes_u64 none = { 0 }, up = none;
    philox_state s[BLOCK_VECTORS];
    lanes_u64 k0 = none + key[0], k1 = none + (key[0] >> 32);
    for (int i = 0; i < BLOCKS; i++) {
        up[i] = (uint64_t)i;
    }
#pragma GCC unroll 4
    for (int v = 0; v < BLOCK_VECTORS; v++) {
        lanes_u64 number = up + (block + (uint64_t)(v * BLOCKS));
        s[v] = (philox_state){ number, number >> 32, none + key[1], none + (key[1] >> 32) };
    }
    for (int round = 0; round < CNN__PHILOX_ROUNDS; round++) {
#pragma GCC unroll 4
        for (int v = 0; v < BLOCK_VECTORS; v++) {
            philox_round(s + v, k0, k1);
        }
        k0 += CNN__PHILOX_W0;
        k1 += CNN__PHILOX_W1;
    }
    memcpy(out, s, sizeof s);
}

/* The draws of CNN__GROUP consecutive blocks, as cnn__philox_group. */
static inline void philox_vectors(const uint64_t key[2], uint64_t block, uint32_t draws[CNN__DRAWS])
{
    for (int b = 0; b < CNN__GROUP; b += BLOCK_VECTORS * BLOCKS) {
        philox_state s[BLOCK_VECTORS];
        philox_blocks(key, block + (uint64_t)b, s);
#pragma GCC unroll 4
        for (int v = 0; v < BLOCK_VECTORS; v++) {
            lanes_u64 pairs[2];
            interleave_pairs((s[v].w0 & UINT32_MAX) | s[v].w1 << 32, (s[v].w2 & UINT32_MAX) | s[v].w3 << 32, pairs);
            memcpy(draws + 4 * (b + v * BLOCKS), pairs, sizeof pairs);
        }
    }
}

#endif
