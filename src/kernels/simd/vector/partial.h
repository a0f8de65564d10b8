/* Loads and stores of partial vectors, as at the ends of rows, and lists of the lanes that pass a test. Instruction
 * sets with masks use them; the results are the same without. Nothing outside of the counted lanes is read or
 * written, except by compress_lanes. */
#ifndef CNN_KERNELS_SIMD_VECTOR_PARTIAL_H
#define CNN_KERNELS_SIMD_VECTOR_PARTIAL_H

#include "kernels/simd/vector/lanes.h"

#if defined __AVX__
#include <immintrin.h>
#elif defined __x86_64__
#include <xmmintrin.h>
#elif defined __aarch64__
#include <arm_neon.h>
#endif

typedef uint8_t lanes_u8 __attribute__((vector_size(LANES)));

/* The C library's sqrtf may set errno, which keeps compilers from using the vector instruction for it. */
CNN__INLINE lanes square_root(lanes v)
{
#if CNN__VECTOR_BYTES == 64 && defined __AVX512F__
    return (lanes)_mm512_sqrt_ps((__m512)v);
#elif CNN__VECTOR_BYTES == 32 && defined __AVX__
    return (lanes)_mm256_sqrt_ps((__m256)v);
#elif CNN__VECTOR_BYTES == 16 && defined __x86_64__
    return (lanes)_mm_sqrt_ps((__m128)v);
#elif CNN__VECTOR_BYTES == 16 && defined __aarch64__
    return (lanes)vsqrtq_f32((float32x4_t)v);
#else
    for (int i = 0; i < LANES; i++) {
        v[i] = __builtin_sqrtf(v[i]);
    }
    return v;
#endif
}

CNN__INLINE lanes_i32 count_up(void)
{
    lanes_i32 v;
    for (int i = 0; i < LANES; i++) {
        v[i] = i;
    }
    return v;
}

/* Partial vectors lane by lane. They are rare, so these functions are not inlined: there is one copy of each. */
CNN__APART lanes load_by_lane(const float *p, int64_t count)
{
    lanes v = { 0 };
#pragma GCC unroll 16
    for (int i = 0; i < LANES - 1; i++) {
        v[i] = i < count ? p[i] : 0;
    }
    return v;
}

#if CNN__VECTOR_BYTES == 32 && defined __AVX2__

/* Inlined, because a call would cost the caller its registers, and AMD's masked stores take a dozen cycles. */
CNN__INLINE void store_by_lane(float *p, lanes v, int64_t count)
{
    __m128 part = _mm256_castps256_ps128((__m256)v);
    if (count & 4) {
        _mm_storeu_ps(p, part);
        part = _mm256_extractf128_ps((__m256)v, 1);
        p += 4;
    }
    if (count & 2) {
        _mm_storel_pi((__m64 *)(void *)p, part);
        part = _mm_movehl_ps(part, part);
        p += 2;
    }
    if (count & 1) {
        _mm_store_ss(p, part);
    }
}

#else

CNN__APART void store_by_lane(float *p, lanes v, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        p[i] = v[i];
    }
}

#endif

/* The first `count` ≤ LANES floats at p, then zeros. */
CNN__INLINE lanes load_partial(const float *p, int64_t count)
{
#if CNN__VECTOR_BYTES == 64 && defined __AVX512F__
    return (lanes)_mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), p);
#elif CNN__VECTOR_BYTES == 32 && defined __AVX2__
    return count >= LANES ? load(p) : (lanes)_mm256_maskload_ps(p, (__m256i)(count_up() < (int32_t)count));
#else
    return count >= LANES ? load(p) : load_by_lane(p, count);
#endif
}

/* v in the lanes where the mask is all ones, zeros in the others. Where a whole vector may be read, loading it and
 * masking it afterwards is cheaper than a masked load on AMD's first Zen, which takes ten cycles for one. */
CNN__INLINE lanes and_mask(lanes v, lanes_i32 mask)
{
    return (lanes)((lanes_i32)v & mask);
}

/* The first `count` ≤ LANES / 2 floats at p, then zeros. The load touches fewer cache lines than load_partial's. */
CNN__INLINE lanes load_partial_half(const float *p, int64_t count)
{
#if CNN__VECTOR_BYTES == 64 && defined __AVX512VL__
    lanes v; /* the load clears the upper half, which GCC does once more */
    __asm__("vmovups %1, %t0%{%2%}%{z%}" : "=v"(v) : "m"(*(const float(*)[8])p), "Yk"((__mmask8)((1u << count) - 1)));
    return v;
#else
    return load_partial(p, count);
#endif
}

/* Stores the first `count` ≤ LANES lanes. */
CNN__INLINE void store_partial(float *p, lanes v, int64_t count)
{
#if CNN__VECTOR_BYTES == 64 && defined __AVX512F__
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << count) - 1), (__m512)v);
#else
    if (count >= LANES) {
        store(p, v);
    } else {
        store_by_lane(p, v, count);
    }
#endif
}

/* Stores the first `count` ≤ LANES lanes as bytes. */
CNN__INLINE void store_partial_bytes(uint8_t *p, lanes_i32 v, int64_t count)
{
#if CNN__VECTOR_BYTES == 64 && defined __AVX512BW__ && defined __AVX512VL__
    _mm_mask_storeu_epi8(p, (__mmask16)((1u << count) - 1), _mm512_cvtepi32_epi8((__m512i)v));
#elif CNN__VECTOR_BYTES == 32 && defined __AVX2__
    const __m256i low = _mm256_set1_epi32(0x0c080400); /* of each 128 bits */
    __m256i quads = _mm256_shuffle_epi8((__m256i)v, low);
    __m128i bytes = _mm_unpacklo_epi32(_mm256_castsi256_si128(quads), _mm256_extracti128_si256(quads, 1));
    if (count == LANES) {
        _mm_storel_epi64((__m128i *)(void *)p, bytes);
        return;
    }
    uint64_t all = (uint64_t)_mm_cvtsi128_si64(bytes);
    for (int64_t i = 0; i < count; i++) {
        p[i] = (uint8_t)(all >> 8 * i);
    }
#else
    lanes_u8 bytes = __builtin_convertvector(v, lanes_u8);
    for (int64_t i = 0; i < count; i++) {
        p[i] = bytes[i];
    }
#endif
}

/* LANES bytes as numbers. */
CNN__INLINE lanes_i32 load_bytes(const uint8_t *p)
{
    lanes_u8 bytes;
    memcpy(&bytes, p, sizeof bytes);
    return __builtin_convertvector(bytes, lanes_i32);
}

/* Lane k is lane index[k] of a followed by b. */
CNN__INLINE lanes permute_lanes(lanes a, lanes b, lanes_i32 index)
{
#if CNN__VECTOR_BYTES == 64 && defined __AVX512F__
    return (lanes)_mm512_permutex2var_ps((__m512)a, (__m512i)index, (__m512)b);
#else
    lanes v;
    for (int i = 0; i < LANES; i++) {
        v[i] = index[i] < LANES ? a[index[i]] : b[index[i] - LANES];
    }
    return v;
#endif
}

#if CNN__VECTOR_BYTES == 32 && defined __AVX2__

/* Appends the lanes whose bits are set, of four, to two lists. */
CNN__INLINE int64_t compress_quad(int bits, __m128i a, __m128 b, int32_t *to_a, float *to_b)
{
    enum { L0 = 0x03020100, L1 = 0x07060504, L2 = 0x0b0a0908, L3 = 0x0f0e0d0c }; /* a lane's bytes */
    static const uint32_t orders[16][4] = {
        { 0 },  { L0 },     { L1 },     { L0, L1 },     { L2 },     { L0, L2 },     { L1, L2 },     { L0, L1, L2 },
        { L3 }, { L0, L3 }, { L1, L3 }, { L0, L1, L3 }, { L2, L3 }, { L0, L2, L3 }, { L1, L2, L3 }, { L0, L1, L2, L3 },
    };
    __m128i order = _mm_loadu_si128((const __m128i *)(const void *)orders[bits]);
    _mm_storeu_si128((__m128i *)(void *)to_a, _mm_shuffle_epi8(a, order));
    _mm_storeu_ps(to_b, _mm_castsi128_ps(_mm_shuffle_epi8(_mm_castps_si128(b), order)));
    return __builtin_popcount((unsigned)bits);
}

#endif

/* Appends the lanes of a and of b whose mask is all ones to two lists, in order, and returns their number. Each list
 * must have capacity for LANES more elements. */
CNN__INLINE int64_t compress_lanes(lanes_i32 mask, lanes_i32 a, lanes b, int32_t *to_a, float *to_b)
{
#if CNN__VECTOR_BYTES == 64 && defined __AVX512DQ__
    __mmask16 keep = _mm512_movepi32_mask((__m512i)mask);
    _mm512_storeu_si512(to_a, _mm512_maskz_compress_epi32(keep, (__m512i)a));
    _mm512_storeu_ps(to_b, _mm512_maskz_compress_ps(keep, (__m512)b));
    return __builtin_popcount(keep);
#elif CNN__VECTOR_BYTES == 32 && defined __AVX2__
    int bits = _mm256_movemask_ps((__m256)mask);
    int64_t low =
        compress_quad(bits & 15, _mm256_castsi256_si128((__m256i)a), _mm256_castps256_ps128((__m256)b), to_a, to_b);
    return low + compress_quad(bits >> 4, _mm256_extracti128_si256((__m256i)a, 1), _mm256_extractf128_ps((__m256)b, 1),
                               to_a + low, to_b + low);
#else
    int64_t count = 0;
    for (int i = 0; i < LANES; i++) {
        to_a[count] = a[i];
        to_b[count] = b[i];
        count += mask[i] != 0;
    }
    return count;
#endif
}

#endif
