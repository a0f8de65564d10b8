/* The elements of a TensorProto, as libcnn holds them. */
#include "model.h"

#include <string.h>

/* The upper 16 bits of an f32 that has the value of a half-precision number. */
static float from_half(uint32_t h)
{
    uint32_t sign = (h & 0x8000u) << 16, exponent = (h >> 10) & 0x1f, mantissa = h & 0x3ff, bits;
    if (exponent == 0) {
        float tiny = (float)mantissa * 0x1p-24f;
        return sign ? -tiny : tiny;
    }
    bits = exponent == 31 ? sign | 0x7f800000u | mantissa << 13 : sign | (exponent + 112) << 23 | mantissa << 13;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint64_t raw_element(const unsigned char *at, int64_t i, int64_t size)
{
    uint64_t value = 0;
    for (int64_t b = 0; b < size; b++) {
        value |= (uint64_t)at[i * size + b] << (8 * b);
    }
    return value;
}

/* Writes element number i, whose bits in the type's own width are `bits`. */
static void put(int type, void *to, int64_t i, uint64_t bits)
{
    switch (type) {
    case CNN__ONNX_FLOAT: {
        uint32_t low = (uint32_t)bits;
        memcpy((float *)to + i, &low, 4);
        break;
    }
    case CNN__ONNX_FLOAT16: ((float *)to)[i] = from_half((uint32_t)bits & 0xffff); break;
    case CNN__ONNX_DOUBLE: memcpy((double *)to + i, &bits, 8); break;
    case CNN__ONNX_BFLOAT16: ((uint16_t *)to)[i] = (uint16_t)bits; break;
    case CNN__ONNX_UINT8: ((uint8_t *)to)[i] = (uint8_t)bits; break;
    case CNN__ONNX_BOOL: ((uint8_t *)to)[i] = bits != 0; break;
    case CNN__ONNX_INT8: ((int32_t *)to)[i] = (int8_t)bits; break;
    case CNN__ONNX_UINT16: ((int32_t *)to)[i] = (uint16_t)bits; break;
    case CNN__ONNX_INT16: ((int32_t *)to)[i] = (int16_t)bits; break;
    case CNN__ONNX_INT32: ((int32_t *)to)[i] = (int32_t)bits; break;
    case CNN__ONNX_UINT4: ((int32_t *)to)[i] = (int32_t)(bits & 15); break;
    case CNN__ONNX_INT4: ((int32_t *)to)[i] = (int32_t)(bits & 15) - (bits & 8 ? 16 : 0); break;
    case CNN__ONNX_UINT32: ((int64_t *)to)[i] = (uint32_t)bits; break;
    default: ((int64_t *)to)[i] = (int64_t)bits; break;
    }
}

static void put_raw(const cnn__onnx_tensor_def *tensor, const unsigned char *bytes, void *to)
{
    bool nibbles = tensor->type == CNN__ONNX_UINT4 || tensor->type == CNN__ONNX_INT4;
    int64_t size = nibbles || tensor->numel == 0 ? 1 : cnn__onnx_tensor_def_bytes(tensor) / tensor->numel;
    for (int64_t i = 0; i < tensor->numel; i++) {
        put(tensor->type, to, i, nibbles ? (uint64_t)bytes[i / 2] >> (4 * (i % 2)) : raw_element(bytes, i, size));
    }
}

/* The field of TensorProto that a type's elements are in, and the wire type of one. */
static uint32_t field_of(int type, int *wire_type)
{
    *wire_type = type == CNN__ONNX_FLOAT    ? CNN__WIRE_4_BYTES
                 : type == CNN__ONNX_DOUBLE ? CNN__WIRE_8_BYTES
                                            : CNN__WIRE_VARINT;
    return type == CNN__ONNX_FLOAT                                ? 4
           : type == CNN__ONNX_DOUBLE                             ? 10
           : type == CNN__ONNX_INT64                              ? 7
           : type == CNN__ONNX_UINT32 || type == CNN__ONNX_UINT64 ? 11
                                                                  : 5;
}

/* Elements in repeated fields: two 4-bit numbers share a number of 8 bits. */
static bool put_fields(cnn__onnx_file_bytes *file, const cnn__onnx_tensor_def *tensor, void *to)
{
    int wire_type;
    uint32_t field = field_of(tensor->type, &wire_type);
    bool nibbles = tensor->type == CNN__ONNX_UINT4 || tensor->type == CNN__ONNX_INT4;
    int64_t count = 0;
    for (cnn__onnx_wire wire = cnn__onnx_wire_begin(file, tensor->message); cnn__onnx_wire_next(&wire);) {
        if (wire.field != field) {
            continue;
        }
        int64_t more = cnn__onnx_wire_repeated(&wire, wire_type, "the elements of a tensor");
        cnn__onnx_text content = wire.content;
        for (int64_t i = 0; i < more; i++) {
            uint64_t value = wire.value;
            if (wire.type == CNN__WIRE_LENGTH) {
                cnn__onnx_wire_element(&content, wire_type, &value);
            }
            for (int part = 0; part <= nibbles && count < tensor->numel; part++) {
                put(tensor->type, to, count++, value >> (4 * part));
            }
        }
    }
    return file->status == CNN_OK &&
           (count == tensor->numel ||
            cnn__onnx_wire_fail(file, CNN_ERROR_FORMAT, tensor->at,
                                "tensor \"%.*s\" has %lld elements in the file, its shape %lld",
                                CNN__TEXT(tensor->name), (long long)count, (long long)tensor->numel));
}

bool cnn__onnx_tensor_def_elements(cnn__onnx_file_bytes *file, const cnn__onnx_tensor_def *tensor,
                                   const unsigned char *bytes, void *to)
{
    if (bytes) {
        put_raw(tensor, bytes, to);
        return true;
    }
    if (!tensor->has_raw) {
        return put_fields(file, tensor, to);
    }
    if (cnn__onnx_tensor_def_bytes(tensor) != (int64_t)tensor->raw.size) {
        return cnn__onnx_wire_fail(file, CNN_ERROR_FORMAT, tensor->at,
                                   "tensor \"%.*s\" has %zu bytes in the file, expected %lld", CNN__TEXT(tensor->name),
                                   tensor->raw.size, (long long)cnn__onnx_tensor_def_bytes(tensor));
    }
    put_raw(tensor, (const unsigned char *)tensor->raw.at, to);
    return true;
}
