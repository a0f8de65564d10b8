/* Loads and stores of partial vectors, as at the ends of rows, and lists of the lanes that pass a test. Instruction
 * sets with masks use them; the results are the same without. Nothing outside of the counted lanes is read or
 * written, except by compress_lanes. */
#ifndef CNN_KERNELS_SIMD_VECTOR_PARTIAL_H
#define CNN_KERNELS_SIMD_VECTOR_PARTIAL_H

#include "kernels/simd/vector/intrinsics.h"
#include "kernels/simd/vector/lanes.h"

typedef uint8_t lanes_u8 __attribute__((vector_size(LANES)));
typedef char lanes_chars __attribute__((vector_size(CNN__VECTOR_BYTES), may_alias));

/* The C library's sqrtf may set errno, which keeps compilers from using the vector instruction for it. */
CNN__INLINE lanes square_root(lanes v)
{
#if CNN__VECTOR_BYTES == 64 && defined __AVX512F__
    return (lanes)X86(__builtin_ia32_sqrtps512_mask(v, v, X86_ALL, X86_ROUNDING), _mm512_sqrt_ps((__m512)v));
#elif CNN__VECTOR_BYTES == 32 && defined __AVX__
    return (lanes)X86(__builtin_ia32_sqrtps256(v), _mm256_sqrt_ps((__m256)v));
#elif CNN__VECTOR_BYTES == 16 && defined __x86_64__
    return (lanes)X86(__builtin_ia32_sqrtps(v), _mm_sqrt_ps((__m128)v));
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
    typedef float quad __attribute__((vector_size(16)));
    quad part = __builtin_shufflevector(v, v, 0, 1, 2, 3);
    if (count & 4) {
        memcpy(p, &part, sizeof part);
        part = __builtin_shufflevector(v, v, 4, 5, 6, 7);
        p += 4;
    }
    if (count & 2) {
        memcpy(p, &part, sizeof part / 2);
        part = __builtin_shufflevector(part, part, 2, 3, 2, 3);
        p += 2;
    }
    if (count & 1) {
        *p = part[0];
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
/* v, or the floor where v is below it; a NaN stays. */
CNN__INLINE lanes at_least(lanes floor, lanes v)
{
#if CNN__VECTOR_BYTES == 64
    return (lanes)X86(__builtin_ia32_maxps512_mask(floor, v, v, X86_ALL, X86_ROUNDING),
                      _mm512_max_ps((__m512)floor, (__m512)v));
#elif CNN__VECTOR_BYTES == 32
    return (lanes)X86(__builtin_ia32_maxps256(floor, v), _mm256_max_ps((__m256)floor, (__m256)v));
#else
    return blend(v < floor, floor, v);
#endif
}

/* v, or the ceiling where v is above it; a NaN stays, and a ceiling that is one is none. */
CNN__INLINE lanes at_most(lanes ceiling, lanes v)
{
#if CNN__VECTOR_BYTES == 64
    return (lanes)X86(__builtin_ia32_minps512_mask(ceiling, v, v, X86_ALL, X86_ROUNDING),
                      _mm512_min_ps((__m512)ceiling, (__m512)v));
#elif CNN__VECTOR_BYTES == 32
    return (lanes)X86(__builtin_ia32_minps256(ceiling, v), _mm256_min_ps((__m256)ceiling, (__m256)v));
#else
    return blend(v > ceiling, ceiling, v);
#endif
}

CNN__INLINE lanes load_partial(const float *p, int64_t count)
{
#if CNN__VECTOR_BYTES == 64 && defined __AVX512F__
    const uint16_t mask = (uint16_t)((1u << count) - 1);
    return (lanes)X86(__builtin_ia32_loadups512_mask(p, (lanes){ 0 }, mask), _mm512_maskz_loadu_ps(mask, p));
#elif CNN__VECTOR_BYTES == 32 && defined __AVX2__
    const lanes_i32 mask = count_up() < (int32_t)count;
    return count >= LANES ? load(p)
                          : (lanes)X86(__builtin_ia32_maskloadps256((const lanes *)(const void *)p, mask),
                                       _mm256_maskload_ps(p, (__m256i)mask));
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
    __asm__("vmovups %1, %t0%{%2%}%{z%}" : "=v"(v) : "m"(*(const float(*)[8])p), "Yk"((uint8_t)((1u << count) - 1)));
    return v;
#else
    return load_partial(p, count);
#endif
}

/* Stores the first `count` ≤ LANES lanes. */
CNN__INLINE void store_partial(float *p, lanes v, int64_t count)
{
#if CNN__VECTOR_BYTES == 64 && defined __AVX512F__
    const uint16_t mask = (uint16_t)((1u << count) - 1);
    X86(__builtin_ia32_storeups512_mask(p, v, mask), _mm512_mask_storeu_ps(p, mask, (__m512)v));
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
    typedef char chars __attribute__((vector_size(16)));
    const uint16_t mask = (uint16_t)((1u << count) - 1);
    chars bytes = (chars)X86(__builtin_ia32_pmovdb512_mask(v, (chars){ 0 }, 0xffff), _mm512_cvtepi32_epi8((__m512i)v));
    X86(__builtin_ia32_storedquqi128_mask((char *)p, bytes, mask), _mm_mask_storeu_epi8(p, mask, (__m128i)bytes));
#elif CNN__VECTOR_BYTES == 32 && defined __AVX2__
    const lanes_i32 low = (lanes_i32){ 0 } + 0x0c080400; /* the bytes of each 128 bits */
    lanes_i32 quads = (lanes_i32)X86(__builtin_ia32_pshufb256((lanes_chars)v, (lanes_chars)low),
                                     _mm256_shuffle_epi8((__m256i)v, (__m256i)low));
    uint64_t all = (uint32_t)quads[0] | (uint64_t)(uint32_t)quads[4] << 32;
    if (count == LANES) {
        memcpy(p, &all, sizeof all);
        return;
    }
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
#if CNN__VECTOR_BYTES == 32 && defined __AVX2__
    typedef char chars __attribute__((vector_size(16)));
    typedef long long pair __attribute__((vector_size(16)));
    long long all;
    memcpy(&all, p, sizeof all);
    const chars bytes = (chars)(pair){ all, 0 };
    return (lanes_i32)X86(__builtin_ia32_pmovzxbd256(bytes), _mm256_cvtepu8_epi32((__m128i)bytes));
#else
    lanes_u8 bytes;
    memcpy(&bytes, p, sizeof bytes);
    return __builtin_convertvector(bytes, lanes_i32);
#endif
}

/* Lane k is lane index[k] of a followed by b. */
CNN__INLINE lanes permute_lanes(lanes a, lanes b, lanes_i32 index)
{
#if CNN__VECTOR_BYTES == 64 && defined __AVX512F__
    return (lanes)X86(__builtin_ia32_vpermt2varps512_mask(index, a, b, 0xffff),
                      _mm512_permutex2var_ps((__m512)a, (__m512i)index, (__m512)b));
#else
    lanes v;
    for (int i = 0; i < LANES; i++) {
        v[i] = index[i] < LANES ? a[index[i]] : b[index[i] - LANES];
    }
    return v;
#endif
}

#if CNN__VECTOR_BYTES == 32 && defined __AVX2__

typedef char lanes_quad __attribute__((vector_size(16), may_alias)); /* any four bytes */

CNN__INLINE lanes_quad shuffle_bytes(lanes_quad v, lanes_quad order)
{
    return (lanes_quad)X86(__builtin_ia32_pshufb128(v, order), _mm_shuffle_epi8((__m128i)v, (__m128i)order));
}

/* Appends the lanes whose bits are set, of four, to two lists. */
CNN__INLINE int64_t compress_quad(int bits, const void *a, const void *b, int32_t *to_a, float *to_b)
{
    enum { L0 = 0x03020100, L1 = 0x07060504, L2 = 0x0b0a0908, L3 = 0x0f0e0d0c }; /* a lane's bytes */
    static const uint32_t orders[16][4] = {
        { 0 },  { L0 },     { L1 },     { L0, L1 },     { L2 },     { L0, L2 },     { L1, L2 },     { L0, L1, L2 },
        { L3 }, { L0, L3 }, { L1, L3 }, { L0, L1, L3 }, { L2, L3 }, { L0, L2, L3 }, { L1, L2, L3 }, { L0, L1, L2, L3 },
    };
    lanes_quad order, from_a, from_b;
    memcpy(&order, orders[bits], sizeof order);
    memcpy(&from_a, a, sizeof from_a);
    memcpy(&from_b, b, sizeof from_b);
    from_a = shuffle_bytes(from_a, order);
    from_b = shuffle_bytes(from_b, order);
    memcpy(to_a, &from_a, sizeof from_a);
    memcpy(to_b, &from_b, sizeof from_b);
    return __builtin_popcount((unsigned)bits);
}

#endif

/* Appends the lanes of a and of b whose mask is all ones to two lists, in order, and returns their number. Each list
 * must have capacity for LANES more elements. */
CNN__INLINE int64_t compress_lanes(lanes_i32 mask, lanes_i32 a, lanes b, int32_t *to_a, float *to_b)
{
#if CNN__VECTOR_BYTES == 64 && defined __AVX512DQ__
    const uint16_t keep = (uint16_t)X86(__builtin_ia32_cvtd2mask512(mask), _mm512_movepi32_mask((__m512i)mask));
    const lanes_i32 first = (lanes_i32)X86(__builtin_ia32_compresssi512_mask(a, (lanes_i32){ 0 }, keep),
                                           _mm512_maskz_compress_epi32(keep, (__m512i)a));
    const lanes second =
        (lanes)X86(__builtin_ia32_compresssf512_mask(b, (lanes){ 0 }, keep), _mm512_maskz_compress_ps(keep, (__m512)b));
    memcpy(to_a, &first, sizeof first);
    memcpy(to_b, &second, sizeof second);
    return __builtin_popcount(keep);
#elif CNN__VECTOR_BYTES == 32 && defined __AVX2__
    int bits = X86(__builtin_ia32_movmskps256((lanes)mask), _mm256_movemask_ps((__m256)mask));
    int64_t low = compress_quad(bits & 15, &a, &b, to_a, to_b);
    return low + compress_quad(bits >> 4, (const char *)&a + 16, (const char *)&b + 16, to_a + low, to_b + low);
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
