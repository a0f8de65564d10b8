/* Numbers: conversions between dtypes as cnn_cast() makes them, bfloat16, and Philox's random numbers. */
#ifndef CNN_CUDA_NUMBERS_H
#define CNN_CUDA_NUMBERS_H

#include "portable.h"

#include "base/math.h"
/* With the bits of the CPU's table "reference". */
#define MAPS_JOIN 0
#define CNN__SIMD(name) cnn__##name
#include "kernels/simd/map/math.h"

typedef struct bf16 {
    uint16_t bits;
} bf16;

/* A NaN wins. */
DEVICE double larger_real(double a, double b)
{
    return a != a || a >= b ? a : b;
}

DEVICE float float_of_bf16(bf16 x)
{
    return float_of((uint32_t)x.bits << 16);
}

/* Rounds to the nearest, halves to even; a NaN keeps its upper bits. */
DEVICE bf16 bf16_of_bits(uint32_t bits)
{
    const uint32_t nearest = (bits + 0x7fff + (bits >> 16 & 1)) >> 16,
                   cut = bits >> 16 | ((bits & 0x7f0000) == 0 ? 0x40 : 0);
    bf16 y;
    y.bits = (uint16_t)((bits & 0x7fffffff) > 0x7f800000 ? cut : nearest);
    return y;
}

DEVICE bf16 bf16_of_float(float x)
{
    return bf16_of_bits(bits_of(x));
}

DEVICE int64_t i64_of_real(double x)
{
    return x != x ? 0 : x >= 0x1p63 ? INT64_MAX : x < -0x1p63 ? INT64_MIN : (int64_t)x;
}

DEVICE int32_t i32_of_i64(int64_t x)
{
    return (int32_t)(x > INT32_MAX ? INT32_MAX : x < INT32_MIN ? INT32_MIN : x);
}

DEVICE uint8_t u8_of_i64(int64_t x)
{
    return (uint8_t)(x > UINT8_MAX ? UINT8_MAX : x < 0 ? 0 : x);
}

/* Numbers of cnn_dtype. */
enum { OF_F32, OF_F64, OF_I64, OF_I32, OF_U8, OF_BOOL, OF_BF16 };

/* Element i as an int64, for dtypes of integers. */
DEVICE int64_t load_integer(int64_t dtype, const void *x, int64_t i)
{
    return dtype == OF_I64   ? ((const int64_t *)x)[i]
           : dtype == OF_I32 ? ((const int32_t *)x)[i]
                             : ((const uint8_t *)x)[i];
}

DEVICE double load_real(int64_t dtype, const void *x, int64_t i)
{
    return dtype == OF_F32   ? (double)((const float *)x)[i]
           : dtype == OF_F64 ? ((const double *)x)[i]
                             : (double)float_of_bf16(((const bf16 *)x)[i]);
}

DEVICE void store_real(int64_t dtype, void *y, int64_t i, double value)
{
    switch (dtype) {
    case OF_F32: ((float *)y)[i] = (float)value; break;
    case OF_F64: ((double *)y)[i] = value; break;
    case OF_BF16: ((bf16 *)y)[i] = bf16_of_float((float)value); break;
    case OF_I64: ((int64_t *)y)[i] = i64_of_real(value); break;
    case OF_I32: ((int32_t *)y)[i] = i32_of_i64(i64_of_real(value)); break;
    case OF_U8: ((uint8_t *)y)[i] = u8_of_i64(i64_of_real(value)); break;
    default: ((uint8_t *)y)[i] = (uint8_t)(value != 0); break;
    }
}

DEVICE void store_integer(int64_t dtype, void *y, int64_t i, int64_t value)
{
    switch (dtype) {
    case OF_F32: ((float *)y)[i] = (float)value; break;
    case OF_F64: ((double *)y)[i] = (double)value; break;
    case OF_BF16: ((bf16 *)y)[i] = bf16_of_float((float)value); break;
    case OF_I64: ((int64_t *)y)[i] = value; break;
    case OF_I32: ((int32_t *)y)[i] = i32_of_i64(value); break;
    case OF_U8: ((uint8_t *)y)[i] = u8_of_i64(value); break;
    default: ((uint8_t *)y)[i] = (uint8_t)(value != 0); break;
    }
}

/* Philox4x32-10 (Salmon et al. 2011) with the keys and counters of the library: block number `block` of a stream. */
DEVICE void philox(uint64_t key0, uint64_t key1, uint64_t block, uint32_t *words)
{
    uint32_t k0 = (uint32_t)key0, k1 = (uint32_t)(key0 >> 32);
    uint32_t w0 = (uint32_t)block, w1 = (uint32_t)(block >> 32), w2 = (uint32_t)key1, w3 = (uint32_t)(key1 >> 32);
    UNROLL
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * w0, p1 = (uint64_t)0xCD9E8D57u * w2;
        w0 = (uint32_t)(p1 >> 32) ^ w1 ^ k0;
        w1 = (uint32_t)p1;
        w2 = (uint32_t)(p0 >> 32) ^ w3 ^ k1;
        w3 = (uint32_t)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    words[0] = w0;
    words[1] = w1;
    words[2] = w2;
    words[3] = w3;
}

DEVICE double uniform_of(uint32_t high, uint32_t low)
{
    return (double)(((uint64_t)high << 32 | low) >> 11) * 0x1p-53;
}

#endif
