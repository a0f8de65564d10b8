/* Protocol buffers, as far as a writer of ONNX files needs them (https://protobuf.dev/programming-guides/encoding/): varints,
 * floats, and fields of bytes, in a buffer that grows. */
#ifndef CNN_TESTS_SUPPORT_PROTOBUF_H
#define CNN_TESTS_SUPPORT_PROTOBUF_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct buffer {
    unsigned char *bytes;
    size_t size, capacity;
} buffer;

static inline void put(buffer *b, const void *bytes, size_t size)
{
    if (b->size + size > b->capacity) {
        b->capacity = 2 * (b->size + size);
        b->bytes = realloc(b->bytes, b->capacity);
        if (!b->bytes) {
            perror("realloc");
            exit(1);
        }
    }
    if (size) {
        memcpy(b->bytes + b->size, bytes, size);
        b->size += size;
    }
}

static inline void put_varint(buffer *b, uint64_t value)
{
    unsigned char byte;
    do {
        byte = (unsigned char)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        put(b, &byte, 1);
        value >>= 7;
    } while (value);
}

static inline void put_int(buffer *b, int field, int64_t value)
{
    put_varint(b, (uint64_t)field << 3);
    put_varint(b, (uint64_t)value);
}

static inline void put_float(buffer *b, int field, float value)
{
    put_varint(b, (uint64_t)field << 3 | 5);
    put(b, &value, sizeof value);
}

static inline void put_bytes(buffer *b, int field, const void *bytes, size_t size)
{
    put_varint(b, (uint64_t)field << 3 | 2);
    put_varint(b, size);
    put(b, bytes, size);
}

static inline void put_text(buffer *b, int field, const char *text)
{
    put_bytes(b, field, text, strlen(text));
}

/* Takes `message` over. */
static inline void put_message(buffer *b, int field, buffer *message)
{
    put_bytes(b, field, message->bytes, message->size);
    free(message->bytes);
    *message = (buffer){ 0 };
}

/* AttributeProto of one string in a list of strings. */
static inline void put_words_attribute(buffer *node, const char *name, const char *word)
{
    buffer a = { 0 };
    put_text(&a, 1, name);
    put_text(&a, 9, word);
    put_int(&a, 20, 8);
    put_message(node, 5, &a);
}

#endif
