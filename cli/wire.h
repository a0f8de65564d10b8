/* Protocol buffers, field by field, where the bytes lie; and memory that is freed at once. */
#ifndef CLI_WIRE_H
#define CLI_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WIRE_VARINT = 0, WIRE_EIGHT = 1, WIRE_LENGTH = 2, WIRE_FOUR = 5 };

/* Bytes of a file. */
typedef struct part {
    unsigned char *at, *end;
} part;

typedef struct field {
    uint64_t number, value; /* the value of a varint */
    int type;
    part bytes; /* the content of any other type */
} field;

bool wire_varint(part *p, uint64_t *value);
/* Reads the next field; false at the end, and where it is malformed, which leaves `p` before its end. */
bool wire_next(part *p, field *f);
size_t wire_size(part p);

/* Reads a regular file whole, into memory of malloc(); NULL, said on behalf of `command`. */
unsigned char *wire_read_file(const char *command, const char *path, size_t *size);

typedef struct pool {
    struct pool_block *blocks;
} pool;

/* Memory that lasts until pool_free(), zeroed, at a multiple of `step`, at most 16; NULL: there is none. */
void *pool_get(pool *p, size_t size, size_t step);
void pool_free(pool *p);

#endif
