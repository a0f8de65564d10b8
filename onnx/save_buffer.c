/* Protocol buffers, as far as a writer needs them: varints, floats and fields of bytes, in a buffer that grows. */
#include "save.h"

#include <stdlib.h>
#include <string.h>

void cnn__export_put(cnn__export_buffer *b, const void *bytes, size_t size)
{
    if (!b->failed && size > b->capacity - b->size) {
        size_t capacity = 2 * (b->size + size);
        unsigned char *more = capacity > size ? realloc(b->bytes, capacity) : NULL;
        b->failed = !more;
        b->bytes = more ? more : b->bytes;
        b->capacity = more ? capacity : b->capacity;
    }
    if (!b->failed && size) {
        memcpy(b->bytes + b->size, bytes, size);
        b->size += size;
    }
}

static void put_varint(cnn__export_buffer *b, uint64_t value)
{
    unsigned char bytes[10];
    size_t count = 0;
    do {
        bytes[count++] = (unsigned char)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        value >>= 7;
    } while (value);
    cnn__export_put(b, bytes, count);
}

void cnn__export_put_tag(cnn__export_buffer *b, int field, uint64_t size)
{
    put_varint(b, (uint64_t)field << 3 | 2);
    put_varint(b, size);
}

void cnn__export_put_int(cnn__export_buffer *b, int field, int64_t value)
{
    put_varint(b, (uint64_t)field << 3);
    put_varint(b, (uint64_t)value);
}

void cnn__export_put_float(cnn__export_buffer *b, int field, float value)
{
    uint32_t bits;
    unsigned char bytes[4];
    memcpy(&bits, &value, sizeof bits);
    for (int i = 0; i < 4; i++) {
        bytes[i] = (unsigned char)(bits >> 8 * i & 0xff);
    }
    put_varint(b, (uint64_t)field << 3 | 5);
    cnn__export_put(b, bytes, sizeof bytes);
}

void cnn__export_put_text(cnn__export_buffer *b, int field, const char *text)
{
    size_t size = strlen(text);
    cnn__export_put_tag(b, field, size);
    cnn__export_put(b, text, size);
}

void cnn__export_put_message(cnn__export_buffer *b, int field, cnn__export_buffer *message)
{
    b->failed |= message->failed;
    cnn__export_put_tag(b, field, message->size);
    cnn__export_put(b, message->bytes, message->size);
    free(message->bytes);
    *message = (cnn__export_buffer){ 0 };
}
