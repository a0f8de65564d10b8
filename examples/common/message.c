/* The wire format: a field is a tag, which is its number and how its value is written, and the value
 * (protobuf.dev/programming-guides/encoding). */
#include "message.h"

#include <stdlib.h>
#include <string.h>

enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

void message_bytes(message *m, const void *data, size_t size)
{
    if (!m->failed && size > m->capacity - m->size) {
        size_t capacity = 2 * m->capacity > m->size + size ? 2 * m->capacity : m->size + size + 64;
        unsigned char *more = realloc(m->data, capacity);
        m->failed = !more;
        m->data = more ? more : m->data;
        m->capacity = more ? capacity : m->capacity;
    }
    if (!m->failed && size) {
        memcpy(m->data + m->size, data, size);
        m->size += size;
    }
}

static void varint(message *m, uint64_t value)
{
    unsigned char bytes[10];
    size_t size = 0;
    do {
        bytes[size++] = (unsigned char)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        value >>= 7;
    } while (value);
    message_bytes(m, bytes, size);
}

static void tag(message *m, int field, int wire)
{
    varint(m, (uint64_t)field << 3 | (uint64_t)wire);
}

/* The bits of a number, the lowest byte first. */
static void fixed(message *m, uint64_t bits, size_t size)
{
    unsigned char bytes[8];
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (unsigned char)(bits >> (8 * i));
    }
    message_bytes(m, bytes, size);
}

static void fixed_double(message *m, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    fixed(m, bits, 8);
}

void message_int(message *m, int field, uint64_t value)
{
    tag(m, field, WIRE_VARINT);
    varint(m, value);
}

void message_double(message *m, int field, double value)
{
    tag(m, field, WIRE_64);
    fixed_double(m, value);
}

void message_float(message *m, int field, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    tag(m, field, WIRE_32);
    fixed(m, bits, 4);
}

void message_data(message *m, int field, const void *data, size_t size)
{
    tag(m, field, WIRE_BYTES);
    varint(m, size);
    message_bytes(m, data, size);
}

void message_text(message *m, int field, const char *text)
{
    message_data(m, field, text, strlen(text));
}

void message_doubles(message *m, int field, const double *values, int count)
{
    tag(m, field, WIRE_BYTES);
    varint(m, 8 * (uint64_t)count);
    for (int i = 0; i < count; i++) {
        fixed_double(m, values[i]);
    }
}

void message_message(message *m, int field, message *inner)
{
    message_data(m, field, inner->data, inner->size);
    m->failed |= inner->failed;
    message_free(inner);
}

void message_free(message *m)
{
    free(m->data);
    *m = (message){ 0 };
}
