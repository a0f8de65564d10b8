/* Reading a TensorProto: what it is, and where its elements are. */
#include "model.h"

#include <string.h>

bool cnn__onnx_dtype(int type, cnn_dtype *dtype)
{
    static const signed char dtypes[] = {
        [CNN__ONNX_FLOAT] = 1 + CNN_F32,     [CNN__ONNX_UINT8] = 1 + CNN_U8,   [CNN__ONNX_INT8] = 1 + CNN_I32,
        [CNN__ONNX_UINT16] = 1 + CNN_I32,    [CNN__ONNX_INT16] = 1 + CNN_I32,  [CNN__ONNX_INT32] = 1 + CNN_I32,
        [CNN__ONNX_INT64] = 1 + CNN_I64,     [CNN__ONNX_BOOL] = 1 + CNN_BOOL,  [CNN__ONNX_FLOAT16] = 1 + CNN_F32,
        [CNN__ONNX_DOUBLE] = 1 + CNN_F64,    [CNN__ONNX_UINT32] = 1 + CNN_I64, [CNN__ONNX_UINT64] = 1 + CNN_I64,
        [CNN__ONNX_BFLOAT16] = 1 + CNN_BF16, [CNN__ONNX_UINT4] = 1 + CNN_I32,  [CNN__ONNX_INT4] = 1 + CNN_I32
    };
    if (type < 0 || type >= (int)sizeof dtypes || !dtypes[type]) {
        return false;
    }
    *dtype = (cnn_dtype)(dtypes[type] - 1);
    return true;
}

const char *cnn__onnx_type_name(int type)
{
    static const char *const names[] = { "undefined",      "float",    "uint8",        "int8",           "uint16",
                                         "int16",          "int32",    "int64",        "string",         "bool",
                                         "float16",        "double",   "uint32",       "uint64",         "complex64",
                                         "complex128",     "bfloat16", "float8e4m3fn", "float8e4m3fnuz", "float8e5m2",
                                         "float8e5m2fnuz", "uint4",    "int4",         "float4e2m1" };
    return type < 0 || type >= (int)(sizeof names / sizeof *names) ? "unknown" : names[type];
}

bool cnn__onnx_is_float(int type)
{
    return type == CNN__ONNX_FLOAT || type == CNN__ONNX_DOUBLE || type == CNN__ONNX_FLOAT16 ||
           type == CNN__ONNX_BFLOAT16;
}

int64_t cnn__onnx_tensor_def_bytes(const cnn__onnx_tensor_def *tensor)
{
    static const signed char sizes[] = { 0, 4, 1, 1, 2, 2, 4, 8, 0, 1, 2, 8, 4, 8, 8, 16, 2 };
    if (tensor->type == CNN__ONNX_UINT4 || tensor->type == CNN__ONNX_INT4) {
        return (tensor->numel + 1) / 2;
    }
    int64_t size = tensor->type > 0 && tensor->type < (int)sizeof sizes ? sizes[tensor->type] : 0, bytes;
    return size == 0 || __builtin_mul_overflow(tensor->numel, size, &bytes) ? -1 : bytes;
}

static bool add_dimension(cnn__onnx_wire *wire, cnn__onnx_tensor_def *tensor, uint64_t size)
{
    if (tensor->ndim == CNN_MAX_DIMS) {
        return cnn__onnx_wire_fail(wire->file, CNN_ERROR_UNSUPPORTED, wire->field_at,
                                   "a tensor has more than %d dimensions", CNN_MAX_DIMS);
    }
    if (size > INT64_MAX) {
        return cnn__onnx_wire_fail(wire->file, CNN_ERROR_FORMAT, wire->field_at, "a tensor has the size %lld",
                                   (long long)size);
    }
    tensor->shape[tensor->ndim++] = (int64_t)size;
    return true;
}

static bool read_dims(cnn__onnx_wire *wire, cnn__onnx_tensor_def *tensor)
{
    cnn__onnx_text content = wire->content;
    if (cnn__onnx_wire_repeated(wire, CNN__WIRE_VARINT, "dims") < 0) {
        return false;
    }
    if (wire->type == CNN__WIRE_VARINT) {
        return add_dimension(wire, tensor, wire->value);
    }
    for (uint64_t size; cnn__onnx_wire_element(&content, CNN__WIRE_VARINT, &size);) {
        if (!add_dimension(wire, tensor, size)) {
            return false;
        }
    }
    return true;
}

static bool read_decimal(cnn__onnx_wire *wire, cnn__onnx_text text, int64_t *number)
{
    int64_t value = 0;
    bool good = text.size > 0;
    for (size_t i = 0; good && i < text.size; i++) {
        good = text.at[i] >= '0' && text.at[i] <= '9' && !__builtin_mul_overflow(value, 10, &value) &&
               !__builtin_add_overflow(value, text.at[i] - '0', &value);
    }
    *number = value;
    return good || cnn__onnx_wire_fail(wire->file, CNN_ERROR_FORMAT, wire->field_at,
                                       "external data has \"%.*s\" where a number is expected", CNN__TEXT(text));
}

/* StringStringEntryProto of external_data. */
static bool read_external(cnn__onnx_wire *wire, cnn__onnx_tensor_def *tensor)
{
    cnn__onnx_text key = { 0 }, value = { 0 };
    if (!cnn__onnx_wire_expect(wire, CNN__WIRE_LENGTH, "external_data")) {
        return false;
    }
    for (cnn__onnx_wire entry = cnn__onnx_wire_begin(wire->file, wire->content); cnn__onnx_wire_next(&entry);) {
        if (entry.field <= 2 && !cnn__onnx_wire_expect(&entry, CNN__WIRE_LENGTH, "external_data")) {
            return false;
        }
        key = entry.field == 1 ? entry.content : key;
        value = entry.field == 2 ? entry.content : value;
    }
    if (cnn__onnx_text_is(key, "location")) {
        tensor->location = value;
    } else if (cnn__onnx_text_is(key, "offset")) {
        return read_decimal(wire, value, &tensor->offset);
    } else if (cnn__onnx_text_is(key, "length")) {
        return read_decimal(wire, value, &tensor->length);
    }
    return wire->file->status == CNN_OK;
}

static bool read_tensor_field(cnn__onnx_wire *wire, cnn__onnx_tensor_def *tensor)
{
    switch (wire->field) {
    case 1: return read_dims(wire, tensor);
    case 2:
        tensor->type = wire->value > 1000 ? 1000 : (int)wire->value;
        return cnn__onnx_wire_expect(wire, CNN__WIRE_VARINT, "data_type");
    case 3: return cnn__onnx_wire_fail(wire->file, CNN_ERROR_UNSUPPORTED, wire->field_at, "a tensor in segments");
    case 8: tensor->name = wire->content; return cnn__onnx_wire_expect(wire, CNN__WIRE_LENGTH, "the name of a tensor");
    case 9:
        tensor->raw = wire->content;
        tensor->has_raw = true;
        return cnn__onnx_wire_expect(wire, CNN__WIRE_LENGTH, "raw_data");
    case 13: return read_external(wire, tensor);
    case 14:
        tensor->is_external = wire->value == 1;
        return cnn__onnx_wire_expect(wire, CNN__WIRE_VARINT, "data_location");
    default: return true;
    }
}

bool cnn__onnx_tensor_def_read(cnn__onnx_reading *reading, cnn__onnx_text message, cnn__onnx_tensor_def *tensor)
{
    *tensor =
        (cnn__onnx_tensor_def){ .message = message, .at = (const unsigned char *)message.at, .length = -1, .numel = 1 };
    cnn__onnx_wire wire = cnn__onnx_wire_begin(reading->file, message);
    while (cnn__onnx_wire_next(&wire)) {
        if (!read_tensor_field(&wire, tensor)) {
            return false;
        }
    }
    bool empty = false;
    for (int d = 0; d < tensor->ndim; d++) {
        empty = empty || tensor->shape[d] == 0;
    }
    tensor->numel = !empty;
    for (int d = 0; d < tensor->ndim; d++) {
        if (__builtin_mul_overflow(tensor->numel, tensor->shape[d], &tensor->numel) || tensor->numel > INT64_MAX / 16) {
            return cnn__onnx_wire_fail(reading->file, CNN_ERROR_FORMAT, tensor->at,
                                       "tensor \"%.*s\" has more elements than memory addresses",
                                       CNN__TEXT(tensor->name));
        }
    }
    return reading->file->status == CNN_OK;
}
