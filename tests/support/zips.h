/* Zip archives of .npy members by the formats' descriptions, for what must be refused: each part can be changed. */
#ifndef CNN_TESTS_SUPPORT_ZIPS_H
#define CNN_TESTS_SUPPORT_ZIPS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* A .npy file of version 1.0 with this header and `size` bytes of elements, all 0. Returns its size. */
static inline size_t npy_make(unsigned char *to, const char *header, size_t size)
{
    size_t length = strlen(header);
    memcpy(to, "\x93NUMPY\1", 8);
    to[8] = (unsigned char)length;
    to[9] = (unsigned char)(length >> 8);
    memcpy(to + 10, header, length);
    memset(to + 10 + length, 0, size);
    return 10 + length + size;
}

static inline uint32_t zip_crc(const unsigned char *data, size_t size)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
        }
    }
    return ~crc;
}

static inline size_t zip_number(unsigned char *to, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++, value = i < 8 ? value >> 8 : 0) {
        to[i] = (unsigned char)value;
    }
    return bytes;
}

/* From the version that is needed to the length of the name. */
static inline size_t zip_common(unsigned char *to, uint32_t crc, size_t size, size_t name)
{
    size_t at = zip_number(to, 20, 2);
    at += zip_number(to + at, 0, 4); /* flags, method: stored */
    at += zip_number(to + at, 0x210000, 4);
    at += zip_number(to + at, crc, 4);
    at += zip_number(to + at, size, 4);
    at += zip_number(to + at, size, 4);
    return at + zip_number(to + at, name, 2);
}

/* Where the parts of an archive are. */
typedef struct zip_places {
    size_t local[2], record[2], end, size;
} zip_places;

/* An archive of `count` (to 2) stored members with the same bytes. */
static inline zip_places zip_make(unsigned char *to, const char *const *names, int count, const unsigned char *data,
                                  size_t size)
{
    zip_places p = { 0 };
    size_t at = 0;
    uint32_t crc = zip_crc(data, size);
    for (int i = 0; i < count; i++) {
        p.local[i] = at;
        at += zip_number(to + at, 0x04034b50, 4);
        at += zip_common(to + at, crc, size, strlen(names[i]));
        at += zip_number(to + at, 0, 2);
        memcpy(to + at, names[i], strlen(names[i]));
        at += strlen(names[i]);
        memcpy(to + at, data, size);
        at += size;
    }
    size_t directory = at;
    for (int i = 0; i < count; i++) {
        p.record[i] = at;
        at += zip_number(to + at, 0x02014b50, 4);
        at += zip_number(to + at, 20, 2);
        at += zip_common(to + at, crc, size, strlen(names[i]));
        at += zip_number(to + at, 0, 12);
        at += zip_number(to + at, p.local[i], 4);
        memcpy(to + at, names[i], strlen(names[i]));
        at += strlen(names[i]);
    }
    p.end = at;
    at += zip_number(to + at, 0x06054b50, 4);
    at += zip_number(to + at, 0, 4);
    at += zip_number(to + at, (uint64_t)count, 2);
    at += zip_number(to + at, (uint64_t)count, 2);
    at += zip_number(to + at, p.end - directory, 4);
    at += zip_number(to + at, directory, 4);
    p.size = at + zip_number(to + at, 0, 2);
    return p;
}

#endif
