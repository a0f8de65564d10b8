/* The elements of a TensorProto, as libcnn holds them. */
#include "model.h"
#include "source.h"

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

/* How many bytes of a tensor's are read before their pages are given back. */
enum { DROPPED_AT_ONCE = 1 << 18 };

static bool has_nibbles(const cnn__onnx_tensor_def *tensor)
{
    return tensor->type == CNN__ONNX_UINT4 || tensor->type == CNN__ONNX_INT4;
}

/* How many elements `size` bytes are, which begin with a whole one. */
static int64_t elements_of(const cnn__onnx_tensor_def *tensor, int64_t size)
{
    return has_nibbles(tensor) ? 2 * size : size / (cnn__onnx_tensor_def_bytes(tensor) / tensor->numel);
}

void cnn__onnx_tensor_def_put(const cnn__onnx_tensor_def *tensor, int64_t at, int64_t size, const unsigned char *bytes,
                              void *to)
{
    bool nibbles = has_nibbles(tensor);
    int64_t first = elements_of(tensor, at), count = elements_of(tensor, size), each = nibbles ? 1 : size / count;
    count = count < tensor->numel - first ? count : tensor->numel - first;
    for (int64_t i = 0; i < count; i++) {
        put(tensor->type, to, first + i,
            nibbles ? (uint64_t)bytes[i / 2] >> (4 * (i % 2)) : raw_element(bytes, i, each));
    }
}

/* Gives back the pages of what was read, from `from` to `to`, and the one before, part of which was read earlier. */
static void drop(const char *start, const char *from, const char *to)
{
    enum { MOST_OF_A_PAGE = 1 << 16 };
    cnn__onnx_memory_drop(from - start > MOST_OF_A_PAGE ? from - MOST_OF_A_PAGE : start, to);
}

static void put_raw(const cnn__onnx_tensor_def *tensor, void *to, bool last)
{
    int64_t size = (int64_t)tensor->raw.size;
    const char *bytes = tensor->raw.at;
    for (int64_t at = 0; at < size;) {
        int64_t part = size - at < DROPPED_AT_ONCE ? size - at : DROPPED_AT_ONCE; /* a multiple of every element */
        cnn__onnx_tensor_def_put(tensor, at, part, (const unsigned char *)bytes + at, to);
        if (last) {
            drop(bytes, bytes + at, bytes + at + part);
        }
        at += part;
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
static bool put_fields(cnn__onnx_file_bytes *file, const cnn__onnx_tensor_def *tensor, void *to, bool last)
{
    int wire_type;
    uint32_t field = field_of(tensor->type, &wire_type);
    bool nibbles = has_nibbles(tensor);
    int64_t count = 0;
    for (cnn__onnx_wire wire = cnn__onnx_wire_begin(file, tensor->message); cnn__onnx_wire_next(&wire);) {
        if (wire.field != field) {
            continue;
        }
        int64_t more = cnn__onnx_wire_repeated(&wire, wire_type, "the elements of a tensor");
        cnn__onnx_text content = wire.content;
        const char *kept = content.at;
        for (int64_t i = 0; i < more; i++) {
            uint64_t value = wire.value;
            if (wire.type == CNN__WIRE_LENGTH) {
                cnn__onnx_wire_element(&content, wire_type, &value);
            }
            for (int part = 0; part <= nibbles && count < tensor->numel; part++) {
                put(tensor->type, to, count++, value >> (4 * part));
            }
            if (last && wire.type == CNN__WIRE_LENGTH && content.at - kept >= DROPPED_AT_ONCE) {
                drop(wire.content.at, kept, content.at);
                kept = content.at;
            }
        }
        if (last && wire.type == CNN__WIRE_LENGTH) {
            drop(wire.content.at, kept, content.at);
        }
    }
    return file->status == CNN_OK &&
           (count == tensor->numel ||
            cnn__onnx_wire_fail(file, CNN_ERROR_FORMAT, tensor->at,
                                "tensor \"%.*s\" has %lld elements in the file, its shape %lld",
                                CNN__TEXT(tensor->name), (long long)count, (long long)tensor->numel));
}

bool cnn__onnx_tensor_def_elements(cnn__onnx_file_bytes *file, const cnn__onnx_tensor_def *tensor, void *to, bool last)
{
    if (!tensor->has_raw) {
        return put_fields(file, tensor, to, last);
    }
    if (cnn__onnx_tensor_def_bytes(tensor) != (int64_t)tensor->raw.size) {
        return cnn__onnx_wire_fail(file, CNN_ERROR_FORMAT, tensor->at,
                                   "tensor \"%.*s\" has %zu bytes in the file, expected %lld", CNN__TEXT(tensor->name),
                                   tensor->raw.size, (long long)cnn__onnx_tensor_def_bytes(tensor));
    }
    put_raw(tensor, to, last);
    return true;
}
