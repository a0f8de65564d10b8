/* Reading the wire format of protocol buffers; wire.h says how. */
#include "wire.h"

#include <stdio.h>
#include <string.h>

/* Any file may be handed to the reader, so its first mistake is most often that it is another kind of file. */
#define MALFORMED "no ONNX model, or a damaged one: "

bool cnn__onnx_text_is(cnn__onnx_text text, const char *other)
{
    return text.size == strlen(other) && (text.size == 0 || memcmp(text.at, other, text.size) == 0);
}

bool cnn__onnx_text_equal(cnn__onnx_text a, cnn__onnx_text b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.at, b.at, a.size) == 0);
}

bool cnn__onnx_wire_fail(cnn__onnx_file_bytes *file, cnn_status status, const unsigned char *at, const char *format,
                         ...)
{
    char text[450], where[2 * CNN__TEXT_LIMIT + 40] = "";
    if (file->status != CNN_OK) {
        return false;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (file->node_number >= 0) {
        snprintf(where, sizeof where, "node %lld \"%.*s\" (%.*s): ", (long long)file->node_number,
                 CNN__TEXT(file->node), CNN__TEXT(file->op_type));
    }
    file->status = status;
    if (at) {
        cnn__onnx_fail(file->ctx, status, "%s: %s: byte %zu: %s%s", file->call, cnn__onnx_path_end(file->path),
                       (size_t)(at - file->bytes), where, text);
    } else {
        cnn__onnx_fail(file->ctx, status, "%s: %s: %s%s", file->call, cnn__onnx_path_end(file->path), where, text);
    }
    return false;
}

cnn__onnx_wire cnn__onnx_wire_begin(cnn__onnx_file_bytes *file, cnn__onnx_text message)
{
    const unsigned char *at = (const unsigned char *)message.at;
    return (cnn__onnx_wire){ .file = file, .at = at, .end = at + message.size };
}

/* At most ten bytes of seven bits each; the tenth has one bit. Returns how many, or 0. */
static size_t varint(const unsigned char *at, const unsigned char *end, uint64_t *value)
{
    *value = 0;
    for (size_t i = 0; i < 10 && at + i < end; i++) {
        *value |= (uint64_t)(at[i] & 0x7f) << (7 * i);
        if (!(at[i] & 0x80)) {
            return i == 9 && at[i] > 1 ? 0 : i + 1;
        }
    }
    return 0;
}

static uint64_t little_endian(const unsigned char *at, int bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++) {
        value |= (uint64_t)at[i] << (8 * i);
    }
    return value;
}

static bool read_varint(cnn__onnx_wire *wire, uint64_t *value, const char *what)
{
    size_t size = varint(wire->at, wire->end, value);
    wire->at += size;
    return size > 0 || cnn__onnx_wire_fail(wire->file, CNN_ERROR_FORMAT, wire->at,
                                           MALFORMED "%s is no varint, or is cut off", what);
}

static bool read_fixed(cnn__onnx_wire *wire, int bytes)
{
    if (wire->end - wire->at < bytes) {
        return cnn__onnx_wire_fail(wire->file, CNN_ERROR_FORMAT, wire->field_at,
                                   MALFORMED "field %u has %d bytes, but its message ends after %td", wire->field,
                                   bytes, wire->end - wire->at);
    }
    wire->value = little_endian(wire->at, bytes);
    wire->at += bytes;
    return true;
}

bool cnn__onnx_wire_next(cnn__onnx_wire *wire)
{
    uint64_t tag, length;
    if (wire->file->status != CNN_OK || wire->at == wire->end) {
        return false;
    }
    wire->field_at = wire->at;
    if (!read_varint(wire, &tag, "the tag of a field")) {
        return false;
    }
    if (tag >> 3 == 0 || tag >> 3 > 0x1fffffff) {
        return cnn__onnx_wire_fail(wire->file, CNN_ERROR_FORMAT, wire->field_at,
                                   MALFORMED "a field has the number %llu", (unsigned long long)(tag >> 3));
    }
    wire->field = (uint32_t)(tag >> 3);
    wire->type = (int)(tag & 7);
    switch (wire->type) {
    case CNN__WIRE_VARINT: return read_varint(wire, &wire->value, "a number");
    case CNN__WIRE_8_BYTES: return read_fixed(wire, 8);
    case CNN__WIRE_4_BYTES: return read_fixed(wire, 4);
    case CNN__WIRE_LENGTH: break;
    default:
        return cnn__onnx_wire_fail(wire->file, CNN_ERROR_FORMAT, wire->field_at,
                                   MALFORMED "field %u has the wire type %d", wire->field, wire->type);
    }
    if (!read_varint(wire, &length, "a length")) {
        return false;
    }
    if (length > (uint64_t)(wire->end - wire->at)) {
        return cnn__onnx_wire_fail(wire->file, CNN_ERROR_FORMAT, wire->field_at,
                                   MALFORMED "field %u has %llu bytes, but its message ends after %td", wire->field,
                                   (unsigned long long)length, wire->end - wire->at);
    }
    wire->content = (cnn__onnx_text){ (const char *)wire->at, (size_t)length };
    wire->at += length;
    return true;
}

bool cnn__onnx_wire_expect(cnn__onnx_wire *wire, int type, const char *name)
{
    return wire->type == type || cnn__onnx_wire_fail(wire->file, CNN_ERROR_FORMAT, wire->field_at,
                                                     "%s has the wire type %d, expected %d", name, wire->type, type);
}

bool cnn__onnx_wire_element(cnn__onnx_text *content, int type, uint64_t *value)
{
    const unsigned char *at = (const unsigned char *)content->at;
    size_t bytes = type == CNN__WIRE_4_BYTES ? 4 : type == CNN__WIRE_8_BYTES ? 8 : 0;
    if (bytes > content->size || content->size == 0) {
        return false;
    }
    if (bytes) {
        *value = little_endian(at, (int)bytes);
    } else {
        bytes = varint(at, at + content->size, value);
    }
    content->at += bytes;
    content->size -= bytes;
    return bytes > 0;
}

int64_t cnn__onnx_wire_repeated(cnn__onnx_wire *wire, int type, const char *name)
{
    if (wire->type != CNN__WIRE_LENGTH) {
        return cnn__onnx_wire_expect(wire, type, name) ? 1 : -1;
    }
    cnn__onnx_text content = wire->content;
    int64_t count = 0;
    for (uint64_t value; cnn__onnx_wire_element(&content, type, &value);) {
        count++;
    }
    if (content.size) {
        cnn__onnx_wire_fail(wire->file, CNN_ERROR_FORMAT, (const unsigned char *)content.at,
                            "%s ends within an element, or has none here", name);
        return -1;
    }
    return count;
}
