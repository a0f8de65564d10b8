/* IDX files and gzip files made by hand, byte by byte, so that the tests do not depend on a writer of either. */
#ifndef CNN_TESTS_SUPPORT_IDX_H
#define CNN_TESTS_SUPPORT_IDX_H

#include <stdint.h>
#include <string.h>

static inline size_t idx_make(unsigned char *file, int type, int ndim, const uint32_t *sizes, const void *data, size_t size)
{
    memset(file, 0, 4);
    file[2] = (unsigned char)type;
    file[3] = (unsigned char)ndim;
    for (int i = 0; i < ndim; i++) {
        for (int k = 0; k < 4; k++) {
            file[4 + 4 * i + k] = (unsigned char)(sizes[i] >> (24 - 8 * k));
        }
    }
    if (size > 0) {
        memcpy(file + 4 + 4 * ndim, data, size);
    }
    return 4 + 4 * (size_t)ndim + size;
}

/* ---- gzip, made by hand from RFC 1951 and 1952 ---- */

static inline uint32_t crc32_of(const unsigned char *data, size_t size)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int k = 0; k < 8; k++) {
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
        }
    }
    return ~crc;
}

static inline size_t put_le32(unsigned char *to, uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        to[i] = (unsigned char)(value >> 8 * i);
    }
    return 4;
}

static const unsigned char gzip_head[10] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255 };

/* One member of stored blocks. */
static inline size_t gzip_make(unsigned char *to, const unsigned char *data, size_t size)
{
    unsigned char *start = to;
    memcpy(to, gzip_head, sizeof gzip_head);
    to += sizeof gzip_head;
    for (size_t at = 0, part; at < size || at == 0; at += part) {
        part = size - at < 40000 ? size - at : 40000;
        *to++ = at + part >= size;
        *to++ = (unsigned char)part;
        *to++ = (unsigned char)(part >> 8);
        *to++ = (unsigned char)~part;
        *to++ = (unsigned char)(~part >> 8);
        memcpy(to, data + at, part);
        to += part;
        if (part == 0) {
            break;
        }
    }
    to += put_le32(to, crc32_of(data, size));
    to += put_le32(to, (uint32_t)size);
    return (size_t)(to - start);
}

typedef struct bits {
    unsigned char *to;
    size_t count;
} bits;

static inline void put_bit(bits *b, unsigned bit)
{
    b->to[b->count / 8] = (unsigned char)((b->count % 8 ? b->to[b->count / 8] : 0) | bit << b->count % 8);
    b->count++;
}

/* Huffman codes go in from their highest bit. */
static inline void put_code(bits *b, unsigned code, int length)
{
    while (length-- > 0) {
        put_bit(b, code >> length & 1);
    }
}

/* A bomb: the IDX header as fixed-Huffman literals, then zeros, 258 of them in 13 bits. */
static inline size_t gzip_bomb(unsigned char *to, const unsigned char *header, size_t size, size_t runs)
{
    memcpy(to, gzip_head, sizeof gzip_head);
    bits b = { to + sizeof gzip_head, 0 };
    put_bit(&b, 1);
    put_bit(&b, 1);
    put_bit(&b, 0);
    for (size_t i = 0; i <= size; i++) {
        unsigned literal = i < size ? header[i] : 0;
        put_code(&b, literal < 144 ? 0x30 + literal : 0x190 + literal - 144, literal < 144 ? 8 : 9);
    }
    for (size_t i = 0; i < runs; i++) {
        put_code(&b, 0xc5, 8); /* length 258 */
        put_code(&b, 0, 5);    /* distance 1 */
    }
    put_code(&b, 0, 7);
    size_t used = sizeof gzip_head + (b.count + 7) / 8;
    memset(to + used, 0, 8);
    return used + 8;
}

#endif
