/* Conversion of elements between floating-point formats on their bits, and of integers to wider ones: results depend
 * neither on the rounding mode nor on whether the thread flushes subnormal numbers. */
#ifndef CNN_IO_CONVERT_H
#define CNN_IO_CONVERT_H

#include "platform/target.h"

#include <stddef.h>
#include <stdint.h>

/* Formats are given as bits: binary16, binary32 and binary64 of IEEE 754, and bfloat16. A NaN stays a NaN of the
 * same sign. */
uint32_t cnn__f32_of_f16(uint16_t half);
uint32_t cnn__f32_of_bf16(uint16_t upper);
uint64_t cnn__f64_of_f32(uint32_t single);
/* Rounds to the nearest number, ties to even, and beyond the range to infinity. */
uint32_t cnn__f32_of_f64(uint64_t wide);

/* Converts `count` elements in this machine's byte order. */
typedef void (*cnn__convert_fn)(void *to, const void *from, size_t count);
void cnn__convert_f16_f32(void *to, const void *from, size_t count);
void cnn__convert_bf16_f32(void *to, const void *from, size_t count);
void cnn__convert_f16_f64(void *to, const void *from, size_t count);
void cnn__convert_bf16_f64(void *to, const void *from, size_t count);
void cnn__convert_f32_f64(void *to, const void *from, size_t count);
void cnn__convert_f64_f32(void *to, const void *from, size_t count);
void cnn__convert_f16_bf16(void *to, const void *from, size_t count);
void cnn__convert_f32_bf16(void *to, const void *from, size_t count);
void cnn__convert_f64_bf16(void *to, const void *from, size_t count);
void cnn__convert_i8_i32(void *to, const void *from, size_t count);
void cnn__convert_i16_i32(void *to, const void *from, size_t count);
void cnn__convert_u16_i32(void *to, const void *from, size_t count);
void cnn__convert_u32_i64(void *to, const void *from, size_t count);

#endif
