/* The wire format of protocol buffers, field by field, where the bytes lie: nothing is copied or allocated.
 *
 * A message is a series of fields, each a tag (number and wire type, a varint) and a value: a varint, 4 or 8 bytes, or
 * a length and as many bytes. Groups, which ended with proto2, are refused. Every length is checked against the end of
 * the message that the field is in, so that whatever is read lies within the file. */
#ifndef CNN_ONNX_WIRE_H
#define CNN_ONNX_WIRE_H

#include "internal.h"

#include <string.h>

enum { CNN__WIRE_VARINT = 0, CNN__WIRE_8_BYTES = 1, CNN__WIRE_LENGTH = 2, CNN__WIRE_4_BYTES = 5 };

/* Bytes of the file: a name, a message. Not ended by a NUL. */
typedef struct cnn__onnx_text {
    const char *at;
    size_t size;
} cnn__onnx_text;

static inline cnn__onnx_text cnn__onnx_text_of(const char *text)
{
    return (cnn__onnx_text){ text, strlen(text) };
}

/* A file that is being read, and the first thing that is wrong with it. */
typedef struct cnn__onnx_file_bytes {
    cnn_context *ctx;
    const char *call, *path;
    const unsigned char *bytes;
    size_t size;
    cnn_status status;
    cnn__onnx_text node, op_type; /* what messages name; empty: none */
    int64_t node_number;
} cnn__onnx_file_bytes;

/* A message, and the field in it that was read last. */
typedef struct cnn__onnx_wire {
    cnn__onnx_file_bytes *file;
    const unsigned char *at, *end;
    const unsigned char *field_at; /* the tag of the field */
    uint32_t field;
    int type;
    uint64_t value;         /* a varint, or 4 or 8 bytes */
    cnn__onnx_text content; /* what a length stands before */
} cnn__onnx_wire;

/* Reports what is wrong with the file at a byte, unless something was reported before. Returns false. */
bool cnn__onnx_wire_fail(cnn__onnx_file_bytes *file, cnn_status status, const unsigned char *at, const char *format,
                         ...) __attribute__((format(printf, 4, 5)));

cnn__onnx_wire cnn__onnx_wire_begin(cnn__onnx_file_bytes *file, cnn__onnx_text message);

/* Reads the next field. Returns false at the end, and where it is malformed, which is reported. */
bool cnn__onnx_wire_next(cnn__onnx_wire *wire);

/* Whether the field that was read has the wire type that it must have; reports. */
bool cnn__onnx_wire_expect(cnn__onnx_wire *wire, int type, const char *name);

/* How many elements a repeated field of numbers adds, packed or not; -1, reported, where it is neither. `type` is that
 * of one element. */
int64_t cnn__onnx_wire_repeated(cnn__onnx_wire *wire, int type, const char *name);

/* Reads one element from a packed field's content, moving it on. Returns false at its end. It was counted before. */
bool cnn__onnx_wire_element(cnn__onnx_text *content, int type, uint64_t *value);

/* The text cut to `limit` bytes, as printf's "%.*s" takes it. */
#define CNN__TEXT_LIMIT 100
#define CNN__TEXT(text) \
    ((int)((text).size < CNN__TEXT_LIMIT ? (text).size : CNN__TEXT_LIMIT)), ((text).at ? (text).at : "")
/* The same of a name in a list of several. */
#define CNN__NAME(text) ((int)((text).size < 40 ? (text).size : 40)), ((text).at ? (text).at : "")

bool cnn__onnx_text_is(cnn__onnx_text text, const char *other);
bool cnn__onnx_text_equal(cnn__onnx_text a, cnn__onnx_text b);

#endif
