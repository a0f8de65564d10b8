/* Floats as vectors of double, in which sums are made. */
#ifndef CNN_KERNELS_SIMD_VECTOR_DOUBLES_H
#define CNN_KERNELS_SIMD_VECTOR_DOUBLES_H

#include "kernels/simd/vector/partial.h"

/* HALF: the doubles of a vector; EIGHT: the vectors that hold eight. */
enum { HALF = LANES / 2, EIGHT = 8 / HALF };
typedef float half_of_lanes __attribute__((vector_size(CNN__VECTOR_BYTES / 2), aligned(4), may_alias));
typedef double double_lanes __attribute__((vector_size(CNN__VECTOR_BYTES)));
typedef double double_memory __attribute__((vector_size(CNN__VECTOR_BYTES), aligned(8), may_alias));

/* GCC 12 would convert the widest in halves that it puts together. */
#if CNN__VECTOR_BYTES == 64
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
    double lane[8];
    memcpy(lane, sum, sizeof lane);
    return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

#endif
