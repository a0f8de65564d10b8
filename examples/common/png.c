/* A PNG file is a signature and chunks with check sums (the PNG specification, sections 5 and 11). The pixels are a zlib
 * stream of stored blocks (RFC 1950 and 1951), each row behind a byte that says that it is not filtered. */
#include "png.h"

#include <string.h>

enum { STORED_MOST = 65535 };

static uint32_t crc32_of(const unsigned char *data, size_t size)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
        }
    }
    return ~crc;
}

static void big_endian(message *m, uint32_t value)
{
    const unsigned char bytes[] = { (unsigned char)(value >> 24), (unsigned char)(value >> 16),
                                    (unsigned char)(value >> 8), (unsigned char)value };
    message_bytes(m, bytes, sizeof bytes);
}

/* The check sum is that of the type and the data. */
static void chunk(message *to, const char *type, message *data)
{
    message whole = { 0 };
    message_bytes(&whole, type, 4);
    message_bytes(&whole, data->data, data->size);
    big_endian(to, (uint32_t)data->size);
    message_bytes(to, whole.data, whole.size);
    big_endian(to, crc32_of(whole.data, whole.size));
    to->failed |= whole.failed || data->failed;
    message_free(&whole);
    message_free(data);
}

static uint32_t adler32_of(const unsigned char *data, size_t size)
{
    uint32_t a = 1, b = 0;
    for (size_t i = 0; i < size; i++) {
        a = (a + data[i]) % 65521;
        b = (b + a) % 65521;
    }
    return b << 16 | a;
}

static void store(message *to, const message *from)
{
    message_bytes(to, "\x78\x01", 2);
    for (size_t at = 0; at < from->size; at += STORED_MOST) {
        size_t left = from->size - at, size = left < STORED_MOST ? left : STORED_MOST;
        const unsigned char head[] = { size == left, (unsigned char)size, (unsigned char)(size >> 8),
                                       (unsigned char)~size, (unsigned char)(~size >> 8) };
        message_bytes(to, head, sizeof head);
        message_bytes(to, from->data + at, size);
    }
    big_endian(to, adler32_of(from->data, from->size));
}

void png_append(message *to, int width, int height, int channels, const unsigned char *pixels)
{
    const unsigned char kind[] = { 8, channels == 3 ? 2 : 0, 0, 0, 0 };
    size_t line = (size_t)width * (size_t)channels;
    message header = { 0 }, rows = { 0 }, stream = { 0 }, nothing = { 0 };
    big_endian(&header, (uint32_t)width);
    big_endian(&header, (uint32_t)height);
    message_bytes(&header, kind, sizeof kind);
    for (int y = 0; y < height; y++) {
        message_bytes(&rows, "", 1);
        message_bytes(&rows, pixels + (size_t)y * line, line);
    }
    store(&stream, &rows);
    stream.failed |= rows.failed;
    message_free(&rows);
    message_bytes(to, "\x89PNG\r\n\x1a\n", 8);
    chunk(to, "IHDR", &header);
    chunk(to, "IDAT", &stream);
    chunk(to, "IEND", &nothing);
}
