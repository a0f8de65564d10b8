/* Floats as vectors of double, in which sums are made. */
#ifndef CNN_KERNELS_SIMD_VECTOR_DOUBLES_H
#define CNN_KERNELS_SIMD_VECTOR_DOUBLES_H

#include "kernels/simd/vector/intrinsics.h"
#include "kernels/simd/vector/partial.h"

/* HALF: the doubles of a vector; EIGHT: the vectors that hold eight. */
enum { HALF = LANES / 2, EIGHT = 8 / HALF };
typedef float half_of_lanes __attribute__((vector_size(CNN__VECTOR_BYTES / 2), aligned(4), may_alias));
typedef double double_lanes __attribute__((vector_size(CNN__VECTOR_BYTES)));
typedef double double_memory __attribute__((vector_size(CNN__VECTOR_BYTES), aligned(8), may_alias));

/* GCC 12 would convert them in halves that it puts together. */
#if CNN__VECTOR_BYTES > 16
#define HALF_AS_DOUBLES(wide, half) __asm__("vcvtps2pd %1, %0" : "=v"(wide) : "vm"(half))
#else
#define HALF_AS_DOUBLES(wide, half) (wide) = __builtin_convertvector(half, double_lanes)
#endif

/* HALF floats */
CNN__INLINE double_lanes as_doubles(const float *p)
{
    double_lanes wide;
    HALF_AS_DOUBLES(wide, *(const half_of_lanes *)(const void *)p);
    return wide;
}

/* a + b. With AVX2 as a product with 1, which rounds as the sum does: processors of AMD convert floats where they add,
 * and multiply elsewhere. */
#if CNN__VECTOR_BYTES == 32
#define ADDED(a, b) \
    ((double_lanes)X86(__builtin_ia32_vfmaddpd256(b, one, a), \
                       _mm256_fmadd_pd((__m256d)(b), (__m256d)one, (__m256d)(a))))
#define DEFINE_ONE \
    double_lanes one = { 1, 1, 1, 1 }; \
    __asm__("" : "+x"(one)) /* else compilers make sums of the products */
#else
#define ADDED(a, b) ((a) + (b))
#define DEFINE_ONE \
    const double_lanes one = { 0 }; \
    (void)one
#endif

#if CNN__VECTOR_BYTES > 16

/* sum[0] and sum[1] += the halves of a vector. */
CNN__INLINE void add_as_doubles(double_lanes *sum, lanes v)
{
    double_lanes lower, upper;
#if CNN__VECTOR_BYTES == 64
    HALF_AS_DOUBLES(lower, (__builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7)));
    HALF_AS_DOUBLES(upper, (__builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15)));
#else
    HALF_AS_DOUBLES(lower, (__builtin_shufflevector(v, v, 0, 1, 2, 3)));
    HALF_AS_DOUBLES(upper, (__builtin_shufflevector(v, v, 4, 5, 6, 7)));
#endif
    sum[0] += lower;
    sum[1] += upper;
}

#endif

/* The sum of eight lanes, those four apart first, then those two apart. */
CNN__INLINE double sum_of_eight(const double_lanes sum[EIGHT])
{
#if CNN__VECTOR_BYTES == 32
    typedef double pair __attribute__((vector_size(16)));
    double_lanes four = sum[0] + sum[1];
    pair two = __builtin_shufflevector(four, four, 0, 1) + __builtin_shufflevector(four, four, 2, 3);
    return two[0] + two[1];
#else
    double lane[8];
    memcpy(lane, sum, sizeof lane);
    return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
#endif
}

#endif
