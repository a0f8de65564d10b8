/* Conversion between floating-point formats on their bits; see convert.h. A subnormal number is its mantissa times a
 * power of two; it becomes a normal number of the wider format when the leading bit of the mantissa is shifted to
 * the implicit position. */
#include "io/convert.h"

#include "base/dtype.h"

/* Stored exponents: all ones stand for infinities and NaNs. */
enum { F16_ONES = 0x1f, F32_ONES = 0xff, F64_ONES = 0x7ff, F16_BIAS = 15, F32_BIAS = 127, F64_BIAS = 1023 };
enum { F16_MANTISSA = 10, F32_MANTISSA = 23, F64_MANTISSA = 52 };

uint32_t cnn__f32_of_f16(uint16_t half)
{
    uint32_t sign = (uint32_t)(half >> 15) << 31, exponent = half >> F16_MANTISSA & F16_ONES, mantissa = half & 0x3ff;
    if (exponent == F16_ONES) {
        return sign | (uint32_t)F32_ONES << F32_MANTISSA | mantissa << (F32_MANTISSA - F16_MANTISSA);
    }
    if (exponent == 0 && mantissa == 0) {
        return sign;
    }
    exponent += F32_BIAS - F16_BIAS;
    if ((half >> F16_MANTISSA & F16_ONES) == 0) {
        exponent++;
        for (; !(mantissa >> F16_MANTISSA); mantissa <<= 1) {
            exponent--;
        }
        mantissa &= 0x3ff;
    }
    return sign | exponent << F32_MANTISSA | mantissa << (F32_MANTISSA - F16_MANTISSA);
}

/* A bfloat16 is the upper half of a binary32. */
uint32_t cnn__f32_of_bf16(uint16_t upper)
{
    return (uint32_t)upper << 16;
}

uint64_t cnn__f64_of_f32(uint32_t single)
{
    uint64_t sign = (uint64_t)(single >> 31) << 63, exponent = single >> F32_MANTISSA & F32_ONES;
    uint64_t mantissa = single & 0x7fffff;
    if (exponent == F32_ONES) {
        return sign | (uint64_t)F64_ONES << F64_MANTISSA | mantissa << (F64_MANTISSA - F32_MANTISSA);
    }
    if (exponent == 0 && mantissa == 0) {
        return sign;
    }
    if (exponent == 0) {
        exponent = 1;
        for (; !(mantissa >> F32_MANTISSA); mantissa <<= 1) {
            exponent--; /* may wrap: the bias below brings it back */
        }
        mantissa &= 0x7fffff;
    }
    exponent += F64_BIAS - F32_BIAS;
    return sign | exponent << F64_MANTISSA | mantissa << (F64_MANTISSA - F32_MANTISSA);
}

/* Drops the last `bits` bits (1 to 63) and rounds to the nearest, ties to even. */
static uint64_t round_off(uint64_t value, int bits)
{
    uint64_t kept = value >> bits, rest = value & (((uint64_t)1 << bits) - 1), half = (uint64_t)1 << (bits - 1);
    return kept + (rest > half || (rest == half && kept & 1));
}

/* If rounding carries out of the mantissa, the mantissa becomes 0 and the exponent is raised, which is what adding
 * the two fields does. In this way the largest numbers become infinity, and the largest subnormal numbers become the
 * smallest normal one. */
uint32_t cnn__f32_of_f64(uint64_t wide)
{
    uint32_t sign = (uint32_t)(wide >> 63) << 31, infinity = (uint32_t)F32_ONES << F32_MANTISSA;
    int exponent = (int)(wide >> F64_MANTISSA & F64_ONES);
    uint64_t mantissa = wide & (((uint64_t)1 << F64_MANTISSA) - 1);
    if (exponent == F64_ONES) {
        uint32_t upper = (uint32_t)(mantissa >> (F64_MANTISSA - F32_MANTISSA));
        return sign | infinity | (mantissa ? upper | 0x400000 : 0);
    }
    exponent -= F64_BIAS - F32_BIAS;
    if (exponent >= F32_ONES) {
        return sign | infinity;
    }
    if (exponent > 0) {
        return sign |
               (uint32_t)(((uint64_t)exponent << F32_MANTISSA) + round_off(mantissa, F64_MANTISSA - F32_MANTISSA));
    }
    if (exponent < -F32_MANTISSA - 1) { /* below half of the smallest subnormal number */
        return sign;
    }
    return sign |
           (uint32_t)round_off(mantissa | (uint64_t)1 << F64_MANTISSA, F64_MANTISSA - F32_MANTISSA + 1 - exponent);
}

void cnn__convert_f16_f32(void *to, const void *from, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ((uint32_t *)to)[i] = cnn__f32_of_f16(((const uint16_t *)from)[i]);
    }
}

void cnn__convert_bf16_f32(void *to, const void *from, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ((uint32_t *)to)[i] = cnn__f32_of_bf16(((const uint16_t *)from)[i]);
    }
}

void cnn__convert_f16_f64(void *to, const void *from, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ((uint64_t *)to)[i] = cnn__f64_of_f32(cnn__f32_of_f16(((const uint16_t *)from)[i]));
    }
}

void cnn__convert_bf16_f64(void *to, const void *from, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ((uint64_t *)to)[i] = cnn__f64_of_f32(cnn__f32_of_bf16(((const uint16_t *)from)[i]));
    }
}

void cnn__convert_f32_f64(void *to, const void *from, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ((uint64_t *)to)[i] = cnn__f64_of_f32(((const uint32_t *)from)[i]);
    }
}

void cnn__convert_f64_f32(void *to, const void *from, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ((uint32_t *)to)[i] = cnn__f32_of_f64(((const uint64_t *)from)[i]);
    }
}

void cnn__convert_f16_bf16(void *to, const void *from, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ((uint16_t *)to)[i] = cnn__bf16_of_bits(cnn__f32_of_f16(((const uint16_t *)from)[i]));
    }
}

void cnn__convert_f32_bf16(void *to, const void *from, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ((uint16_t *)to)[i] = cnn__bf16_of_bits(((const uint32_t *)from)[i]);
    }
}

/* Rounded to f32 first, as a cast does, and PyTorch's. */
void cnn__convert_f64_bf16(void *to, const void *from, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ((uint16_t *)to)[i] = cnn__bf16_of_bits(cnn__f32_of_f64(((const uint64_t *)from)[i]));
    }
}

void cnn__convert_i8_i32(void *to, const void *from, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ((int32_t *)to)[i] = ((const int8_t *)from)[i];
    }
}

void cnn__convert_i16_i32(void *to, const void *from, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ((int32_t *)to)[i] = ((const int16_t *)from)[i];
    }
}

void cnn__convert_u16_i32(void *to, const void *from, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ((int32_t *)to)[i] = ((const uint16_t *)from)[i];
    }
}

void cnn__convert_u32_i64(void *to, const void *from, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ((int64_t *)to)[i] = ((const uint32_t *)from)[i];
    }
}
