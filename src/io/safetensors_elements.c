/* The elements of safetensors files: their dtypes, the order of their bytes, and the conversion of half precision. */
#include "io/safetensors.h"

#include <string.h>

enum { CHUNK = 2048 };

/* The direct ones first: whoever looks for a dtype's own type takes the first. */
const cnn__file_type cnn__file_types[CNN__FILE_TYPES] = {
    { "F32", 4, CNN_F32, true },   { "F64", 8, CNN_F64, true }, { "I64", 8, CNN_I64, true },
    { "I32", 4, CNN_I32, true },   { "U8", 1, CNN_U8, true },   { "BOOL", 1, CNN_BOOL, true },
    { "F16", 2, CNN_F32, false },  { "BF16", 2, CNN_F32, false }, { "I8", 1, -1, false },
    { "I16", 2, -1, false },       { "U16", 2, -1, false },     { "U32", 4, -1, false },
    { "U64", 8, -1, false },       { "F8_E4M3", 1, -1, false }, { "F8_E5M2", 1, -1, false },
};

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
void cnn__little_endian(void *data, size_t count, size_t size)
{
    unsigned char *bytes = data;
    for (size_t i = 0; i < count; i++, bytes += size) {
        for (size_t low = 0, high = size - 1; low < high; low++, high--) {
            unsigned char kept = bytes[low];
            bytes[low] = bytes[high];
            bytes[high] = kept;
        }
    }
}
#else
void cnn__little_endian(void *data, size_t count, size_t size)
{
    (void)data;
    (void)count;
    (void)size;
}
#endif

/* IEEE 754 binary16: sign, 5 bits of exponent biased by 15, 10 of mantissa. Every value is exact in binary32. */
static float half_to_float(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, mantissa = half & 0x3ff;
    int exponent = half >> 10 & 0x1f;
    uint32_t bits;
    if (exponent == 0) {
        float magnitude = (float)mantissa * 0x1p-24f;
        return sign ? -magnitude : magnitude;
    }
    if (exponent == 31) {
        bits = sign | 0x7f800000 | mantissa << 13;
    } else {
        bits = sign | (uint32_t)(exponent - 15 + 127) << 23 | mantissa << 13;
    }
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The upper half of a binary32. */
static float bfloat_to_float(uint16_t upper)
{
    uint32_t bits = (uint32_t)upper << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static cnn_status read_halves(cnn__safetensors *st, const cnn__entry *entry, float *to)
{
    float (*convert)(uint16_t) = strcmp(cnn__entry_type(entry), "F16") == 0 ? half_to_float : bfloat_to_float;
    uint64_t left = (entry->end - entry->begin) / 2;
    while (left > 0) {
        uint16_t chunk[CHUNK];
        size_t count = left < CHUNK ? (size_t)left : CHUNK;
        cnn_status status = cnn__file_read(&st->file, chunk, count * sizeof *chunk);
        if (status != CNN_OK) {
            return status;
        }
        cnn__little_endian(chunk, count, sizeof *chunk);
        for (size_t i = 0; i < count; i++) {
            *to++ = convert(chunk[i]);
        }
        left -= count;
    }
    return CNN_OK;
}

/* A bool that is neither 0 nor 1 is undefined behaviour wherever it is used later. */
static cnn_status check_bools(const cnn__safetensors *st, const unsigned char *data, size_t count, uint64_t start)
{
    for (size_t i = 0; i < count; i++) {
        if (data[i] > 1) {
            return cnn__file_fail(&st->file, CNN_ERROR_FORMAT, start + i, "a BOOL element is %d, expected 0 or 1",
                                  data[i]);
        }
    }
    return CNN_OK;
}

cnn_status cnn__safetensors_read(cnn__safetensors *st, const cnn__entry *entry, void *to)
{
    const cnn__file_type *type = &cnn__file_types[entry->type];
    uint64_t start = CNN__PREFIX + st->header_size + entry->begin;
    size_t bytes = (size_t)(entry->end - entry->begin);
    cnn_status status = cnn__file_seek(&st->file, start);
    if (status == CNN_OK && !type->direct) {
        return read_halves(st, entry, to);
    }
    if (status == CNN_OK) {
        status = cnn__file_read(&st->file, to, bytes);
    }
    if (status == CNN_OK && type->dtype == CNN_BOOL) {
        status = check_bools(st, to, bytes, start);
    }
    if (status == CNN_OK) {
        cnn__little_endian(to, bytes / type->size, type->size);
    }
    return status;
}
