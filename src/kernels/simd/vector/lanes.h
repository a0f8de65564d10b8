/* Vectors of f32 as wide as the instruction set allows. The files of src/kernels/simd are compiled once for each
 * set: vector types of GCC and Clang let one source serve all of them, and CNN__SIMD(name) tells the copies' names
 * apart. */
#ifndef CNN_KERNELS_SIMD_VECTOR_LANES_H
#define CNN_KERNELS_SIMD_VECTOR_LANES_H

#include "kernels/simd/vector/machine.h"
#include "platform/target.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define CNN__SIMD_JOIN2(a, b) a##_##b
#define CNN__SIMD_JOIN(a, b) CNN__SIMD_JOIN2(a, b)
#define CNN__SIMD(name) CNN__SIMD_JOIN(cnn__##name, CNN__ISA)

#define CNN__INLINE static inline __attribute__((always_inline))
#define CNN__APART static __attribute__((noinline, unused))

typedef float lanes __attribute__((vector_size(CNN__VECTOR_BYTES), may_alias));
typedef int32_t lanes_i32 __attribute__((vector_size(CNN__VECTOR_BYTES), may_alias));

enum { LANES = CNN__VECTOR_BYTES / 4 };

/* Whether a product and a sum round once: x86-64's wider sets are compiled with FMA. */
#if CNN__VECTOR_BYTES > 16 || defined(__aarch64__)
enum { MULTIPLY_ADDS = 1 };
#else
enum { MULTIPLY_ADDS = 0 };
#endif

/* Whether those of elementwise functions do. AArch64's serve the table "reference" too, which gives the same bits on
 * every architecture. */
#define MAPS_JOIN (CNN__VECTOR_BYTES > 16)

CNN__INLINE lanes load(const float *p)
{
    lanes v;
    memcpy(&v, p, sizeof v);
    return v;
}

CNN__INLINE void store(float *p, lanes v)
{
    memcpy(p, &v, sizeof v);
}

/* A store past the caches, for results that are larger than they are. p must be aligned to a vector, and the writer
 * must call stream_end before other threads read what was stored. This is written in assembly because <immintrin.h>,
 * for which most files have no other use, takes half a second to compile. */
CNN__INLINE void store_streamed(float *p, lanes v)
{
#if defined(__SSE__) && CNN__VECTOR_BYTES > 16
    __asm__("vmovntps %1, %0" : "=m"(*(lanes *)(void *)p) : "v"(v));
#elif defined(__SSE__)
    __asm__("movntps %1, %0" : "=m"(*(lanes *)(void *)p) : "x"(v));
#else
    store(p, v);
#endif
}

CNN__INLINE void stream_end(void)
{
#if defined(__SSE__)
    __asm__ volatile("sfence" : : : "memory");
#endif
}

/* sum += x · y, at exactly this place in the code. Compilers that are free to reorder the products lose some of the
 * sixteen registers to copies. */
#if CNN__VECTOR_BYTES == 32
#define ADD_PRODUCT(sum, x, y) __asm__ volatile("vfmadd231ps %2, %1, %0" : "+x"(sum) : "x"(x), "x"(y))
#else
#define ADD_PRODUCT(sum, x, y) ((sum) += (x) * (y))
#endif

CNN__INLINE lanes splat(float x)
{
    return x - (lanes){ 0 };
}

/* a in the lanes where the mask is all ones, b in the others. */
CNN__INLINE lanes blend(lanes_i32 mask, lanes a, lanes b)
{
    return (lanes)(((lanes_i32)a & mask) | ((lanes_i32)b & ~mask));
}

/* The first and the second halves of two vectors, interleaved: a0 b0 a1 b1 … */
CNN__INLINE lanes zip_low(lanes a, lanes b)
{
#if CNN__VECTOR_BYTES == 64
    return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
#elif CNN__VECTOR_BYTES == 32
    return __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
#else
    return __builtin_shufflevector(a, b, 0, 4, 1, 5);
#endif
}

CNN__INLINE lanes zip_high(lanes a, lanes b)
{
#if CNN__VECTOR_BYTES == 64
    return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
#elif CNN__VECTOR_BYTES == 32
    return __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
#else
    return __builtin_shufflevector(a, b, 2, 6, 3, 7);
#endif
}

/* The even and the odd lanes of two vectors in a row. */
CNN__INLINE lanes evens(lanes a, lanes b)
{
#if CNN__VECTOR_BYTES == 64
    return __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
#elif CNN__VECTOR_BYTES == 32
    return __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14);
#else
    return __builtin_shufflevector(a, b, 0, 2, 4, 6);
#endif
}

CNN__INLINE lanes odds(lanes a, lanes b)
{
#if CNN__VECTOR_BYTES == 64
    return __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
#elif CNN__VECTOR_BYTES == 32
    return __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15);
#else
    return __builtin_shufflevector(a, b, 1, 3, 5, 7);
#endif
}

/* LANES lanes of a followed by b, beginning with the last lane of a. */
CNN__INLINE lanes shift_up(lanes a, lanes b)
{
#if CNN__VECTOR_BYTES == 64
    return __builtin_shufflevector(a, b, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30);
#elif CNN__VECTOR_BYTES == 32
    return __builtin_shufflevector(a, b, 7, 8, 9, 10, 11, 12, 13, 14);
#else
    return __builtin_shufflevector(a, b, 3, 4, 5, 6);
#endif
}

/* LANES lanes of a followed by b, beginning with the second lane of a. */
CNN__INLINE lanes shift_down(lanes a, lanes b)
{
#if CNN__VECTOR_BYTES == 64
    return __builtin_shufflevector(a, b, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16);
#elif CNN__VECTOR_BYTES == 32
    return __builtin_shufflevector(a, b, 1, 2, 3, 4, 5, 6, 7, 8);
#else
    return __builtin_shufflevector(a, b, 1, 2, 3, 4);
#endif
}

#if CNN__VECTOR_BYTES == 64

/* Pairs of floats, then of doubles, within each 128 bits, then 128 bits at a time: shuffles that each take one cycle
 * and, unlike those across the whole vector, no register for their order. */
CNN__INLINE void transpose_quads(lanes v[4])
{
    lanes a = __builtin_shufflevector(v[0], v[1], 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29);
    lanes b = __builtin_shufflevector(v[0], v[1], 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
    lanes c = __builtin_shufflevector(v[2], v[3], 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29);
    lanes d = __builtin_shufflevector(v[2], v[3], 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
    v[0] = __builtin_shufflevector(a, c, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
    v[1] = __builtin_shufflevector(a, c, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
    v[2] = __builtin_shufflevector(b, d, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
    v[3] = __builtin_shufflevector(b, d, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
}

CNN__INLINE lanes even_quads(lanes a, lanes b)
{
    return __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27);
}

CNN__INLINE lanes odd_quads(lanes a, lanes b)
{
    return __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
}

/* Transposes a square of vectors. */
CNN__INLINE void transpose(lanes v[LANES])
{
#pragma GCC unroll 4
    for (int i = 0; i < LANES; i += 4) {
        transpose_quads(v + i);
    }
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
        lanes a = even_quads(v[j], v[4 + j]), b = even_quads(v[8 + j], v[12 + j]);
        lanes c = odd_quads(v[j], v[4 + j]), d = odd_quads(v[8 + j], v[12 + j]);
        v[j] = even_quads(a, b);
        v[4 + j] = even_quads(c, d);
        v[8 + j] = odd_quads(a, b);
        v[12 + j] = odd_quads(c, d);
    }
}

#elif CNN__VECTOR_BYTES == 32

/* Within each 128 bits, then the halves: 24 shuffles. */
CNN__INLINE void transpose(lanes v[LANES])
{
    lanes w[LANES];
#pragma GCC unroll 4
    for (int i = 0; i < LANES; i += 4) {
        lanes a = __builtin_shufflevector(v[i], v[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
        lanes b = __builtin_shufflevector(v[i], v[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
        lanes c = __builtin_shufflevector(v[i + 2], v[i + 3], 0, 8, 1, 9, 4, 12, 5, 13);
        lanes d = __builtin_shufflevector(v[i + 2], v[i + 3], 2, 10, 3, 11, 6, 14, 7, 15);
        w[i] = __builtin_shufflevector(a, c, 0, 1, 8, 9, 4, 5, 12, 13);
        w[i + 1] = __builtin_shufflevector(a, c, 2, 3, 10, 11, 6, 7, 14, 15);
        w[i + 2] = __builtin_shufflevector(b, d, 0, 1, 8, 9, 4, 5, 12, 13);
        w[i + 3] = __builtin_shufflevector(b, d, 2, 3, 10, 11, 6, 7, 14, 15);
    }
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
        v[j] = __builtin_shufflevector(w[j], w[4 + j], 0, 1, 2, 3, 8, 9, 10, 11);
        v[4 + j] = __builtin_shufflevector(w[j], w[4 + j], 4, 5, 6, 7, 12, 13, 14, 15);
    }
}

#else

/* Transposes a square of vectors: log2(LANES) rounds of interleaving row i with row i + LANES / 2. */
CNN__INLINE void transpose(lanes v[LANES])
{
#pragma GCC unroll 4
    for (int round = 1; round < LANES; round *= 2) {
        lanes w[LANES];
#pragma GCC unroll 8
        for (int i = 0; i < LANES / 2; i++) {
            w[2 * i] = zip_low(v[i], v[i + LANES / 2]);
            w[2 * i + 1] = zip_high(v[i], v[i + LANES / 2]);
        }
#pragma GCC unroll 16
        for (int i = 0; i < LANES; i++) {
            v[i] = w[i];
        }
    }
}

#endif

/* The sums of each vector's halves, interleaved: a, b, a, b … */
CNN__INLINE lanes add_halves(lanes a, lanes b)
{
    return zip_low(a, b) + zip_high(a, b);
}

/* Adds up the lanes of `count` vectors, a constant power of two, in LANES / count places each: lane place · count +
 * k of the result is the sum of the lanes of v[k] that are congruent to place. Overwrites v. */
CNN__INLINE lanes add_tree(lanes *v, int count)
{
#pragma GCC unroll 4
    for (int half = count / 2; half; half /= 2) {
#pragma GCC unroll 8
        for (int k = 0; k < half; k++) {
            v[k] = add_halves(v[k], v[k + half]);
        }
    }
    return v[0];
}

#if CNN__VECTOR_BYTES == 32

/* The even and the odd lanes of two vectors, within each 128 bits. */
CNN__INLINE lanes evens_within(lanes a, lanes b)
{
    return __builtin_shufflevector(a, b, 0, 2, 8, 10, 4, 6, 12, 14);
}

CNN__INLINE lanes odds_within(lanes a, lanes b)
{
    return __builtin_shufflevector(a, b, 1, 3, 9, 11, 5, 7, 13, 15);
}

CNN__INLINE lanes add_neighbours(lanes a, lanes b)
{
    return evens_within(a, b) + odds_within(a, b);
}

#endif

/* Lane k is the sum of the lanes of v[k]. */
CNN__INLINE lanes sums_of_lanes(const lanes v[LANES])
{
#if CNN__VECTOR_BYTES == 32
    lanes a = add_neighbours(add_neighbours(v[0], v[1]), add_neighbours(v[2], v[3]));
    lanes b = add_neighbours(add_neighbours(v[4], v[5]), add_neighbours(v[6], v[7]));
    return __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11) +
           __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15);
#else
    lanes w[LANES];
    memcpy(w, v, sizeof w);
    return add_tree(w, LANES);
#endif
}

/* Whether a result of `count` floats at p, in stretches of `step`, is stored past the caches: it must be larger than
 * they are, and all of its vectors must be aligned. */
static inline bool streams(const float *p, int64_t count, int64_t step)
{
    return count >= STREAMED_FLOATS && step % LANES == 0 && (uintptr_t)p % sizeof(lanes) == 0;
}

CNN__INLINE int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

CNN__INLINE int64_t max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* a / b, rounded up; 0 when b is 0. */
CNN__INLINE int64_t divide_up(int64_t a, int64_t b)
{
    return b ? (a + b - 1) / b : 0;
}

CNN__INLINE int64_t round_up(int64_t n, int64_t to)
{
    return (n + to - 1) / to * to;
}

#endif
