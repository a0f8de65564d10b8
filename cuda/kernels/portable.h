/* The subset of C in which the kernels are written: CUDA for NVRTC and nvcc, and C11 for the host, where a call of a
 * kernel computes one block. docs/cuda-kernels.md explains it.
 *
 *   KERNEL(name, type) { … }        a kernel; `a` points to its argument, whose first member is the queue's record.
 *                                   After a failure nothing is carried out
 *   KERNEL_OF_STEPS(name, type) { … }
 *                                   the same, for what may have another argument in each step of a program: there is
 *                                   name_at, too, which has a distant_arguments with the address of the argument
 *   BLOCK                           the number of this block; grids have one dimension, and a block 256 threads
 *   EACH (i, n) { … }               each i < n once, in any order: the threads of all blocks share them out
 *   EACH_AMONG (i, n, number, count) { … }   the same, where this is block `number` of `count` that share them out
 *   THREAD (t) { … }                a phase: each thread t of the block carries it out
 *   BARRIER;                        between phases: what they have written to shared memory is there
 *   SHARED(type, name, size);       an array of the block
 *   PRIVATE(type, name, size);      an array of each thread that outlives a phase; OWN(name, t) is that of thread t
 *
 * On the host the threads of a phase take turns, so a phase may not read what another thread of the same phase has
 * written. Variables that are declared outside of phases have the same value in all threads. */
#ifndef CNN_CUDA_PORTABLE_H
#define CNN_CUDA_PORTABLE_H

#define JOINED_(a, b) a##b
#define JOINED(a, b) JOINED_(a, b)

#ifdef __CUDACC__

#ifdef __CUDACC_RTC__
typedef signed char int8_t;
typedef unsigned char uint8_t;
typedef unsigned short uint16_t;
typedef int int32_t;
typedef unsigned int uint32_t;
typedef long long int64_t;
typedef unsigned long long uint64_t;
#undef INFINITY
#undef NAN
#define INFINITY __int_as_float(0x7f800000)
#define NAN __int_as_float(0x7fffffff)
#define INT64_MAX 0x7fffffffffffffffLL
#define INT64_MIN (-0x7fffffffffffffffLL - 1)
#define INT32_MAX 0x7fffffff
#define INT32_MIN (-0x7fffffff - 1)
#define UINT8_MAX 255
#else
#include <math.h>
#include <stdint.h>
#include <string.h>
#endif

/* Headers of the library that the kernels share have functions of the host. */
#define inline __inline__ __device__
#define DEVICE static __inline__ __device__
#define DEVICE_APART static __device__ __noinline__ /* what rarely runs, or takes long to compile many times over */
#define CONSTANT static __device__ const

#define KERNEL(name, type) \
    DEVICE void JOINED(name, _body)(const type *a); \
    extern "C" __global__ void __launch_bounds__(256) name(const __grid_constant__ type given) \
    { \
        if (given.status->failed == 0) { \
            JOINED(name, _body)(&given); \
        } \
    } \
    DEVICE void JOINED(name, _body)(const type *a)

#define KERNEL_OF_STEPS(name, type) \
    DEVICE void JOINED(name, _body)(const type *a); \
    extern "C" __global__ void __launch_bounds__(256) \
        JOINED(name, _at)(const __grid_constant__ distant_arguments given) \
    { \
        if (given.status->failed == 0) { \
            JOINED(name, _body)((const type *)given.argument); \
        } \
    } \
    KERNEL(name, type)

#define BLOCK ((int64_t)blockIdx.x)
#define EACH(i, n) EACH_AMONG(i, n, BLOCK, gridDim.x)
#define EACH_AMONG(i, n, number, count) \
    for (int64_t i = (int64_t)(number)*256 + threadIdx.x, i##_end = (n); i < i##_end; i += (int64_t)(count)*256)
#define THREAD(t) for (int t = (int)threadIdx.x, t##_once = 1; t##_once; t##_once = 0)
#define BARRIER __syncthreads()
#define SHARED(type, name, size) __shared__ type name[size]
#define PRIVATE(type, name, size) type name[size]
#define OWN_OF(name, t) (name)
#define UNROLL _Pragma("unroll")
#define ROLLED _Pragma("unroll 1")
#define JOINED_PRODUCT(fused, a, b, c) fused(a, b, c)
#ifdef __CUDACC_RTC__
#pragma nv_diag_suppress 177 /* what a kernel's file does not use of the headers */
#endif

/* Atomically: the smaller one. The order in which threads come does not show. */
DEVICE void smallest(uint64_t *to, uint64_t value)
{
    atomicMin((unsigned long long *)to, (unsigned long long)value);
}

#else

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define DEVICE static inline __attribute__((unused))
#define DEVICE_APART static __attribute__((unused, noinline))
#define CONSTANT static const
#define KERNEL(name, type) \
    void name(const type *a, int64_t block, int64_t blocks); \
    void name(const type *a, int64_t block, int64_t blocks)

#define KERNEL_OF_STEPS(name, type) \
    void name(const type *a, int64_t block, int64_t blocks); \
    void JOINED(name, _at)(const distant_arguments *a, int64_t block, int64_t blocks); \
    void JOINED(name, _at)(const distant_arguments *a, int64_t block, int64_t blocks) \
    { \
        name((const type *)a->argument, block, blocks); \
    } \
    void name(const type *a, int64_t block, int64_t blocks)

#define BLOCK ((void)blocks, block)
/* The elements that the threads of this block have, each in turn. */
#define EACH(i, n) EACH_AMONG(i, n, block, blocks)
#define EACH_AMONG(i, n, number, count) \
    for (int64_t i = (int64_t)(number)*256, i##_end = (n); i < i##_end; i += (i + 1) % 256 ? 1 : 1 + ((count)-1) * 256)
#define THREAD(t) for (int t = 0; t < 256; t++)
#define BARRIER
#define SHARED(type, name, size) type name[size]
#define PRIVATE(type, name, size) type name[256][size]
#define OWN_OF(name, t) ((name)[t])
#define UNROLL
#define ROLLED
/* a · b + c, rounded once on the device; twice on the host, whose compiler may have no instruction for it. */
#define JOINED_PRODUCT(fused, a, b, c) ((a) * (b) + (c))

DEVICE void smallest(uint64_t *to, uint64_t value)
{
    *to = value < *to ? value : *to;
}

#endif

/* Elements of a block add up, in a tree of fixed form: the sum is in from[0]. */
#define TREE(from, join) \
    for (int tree_half = 128; tree_half > 0; tree_half /= 2) { \
        THREAD (tree_t) { \
            if (tree_t < tree_half) { \
                (from)[tree_t] = join((from)[tree_t], (from)[tree_t + tree_half]); \
            } \
        } \
        BARRIER; \
    }
#define SUM_OF(a, b) ((a) + (b))

/* Quotients of numbers that are not negative, which mostly fit 32 bits: a GPU divides such much faster. */
DEVICE int64_t quotient(int64_t a, int64_t b)
{
    return (uint64_t)(a | b) >> 32 ? a / b : (int64_t)((uint32_t)a / (uint32_t)b);
}

DEVICE int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

DEVICE int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

#endif
