/* Reading protocol buffers: a message is a series of fields, each a tag (number and type) and a value. Lengths are
 * checked against the end of the message that a field is in. */
#include "wire.h"

#include "common/say.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

bool wire_varint(part *p, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; p->at < p->end && shift < 64; shift += 7) {
        unsigned char byte = *p->at++;
        *value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            return true;
        }
    }
    return false;
}

bool wire_next(part *p, field *f)
{
    static const uint64_t sizes[] = { [WIRE_EIGHT] = 8, [WIRE_FOUR] = 4 };
    part at = *p;
    uint64_t tag, length;
    if (p->at == p->end || !wire_varint(&at, &tag)) {
        return false;
    }
    f->number = tag >> 3;
    f->type = (int)(tag & 7);
    if (f->type == WIRE_VARINT) {
        if (!wire_varint(&at, &f->value)) {
            return false;
        }
    } else {
        bool known = f->type == WIRE_EIGHT || f->type == WIRE_FOUR;
        length = known ? sizes[f->type] : 0;
        if ((!known && (f->type != WIRE_LENGTH || !wire_varint(&at, &length))) || length > (uint64_t)(at.end - at.at)) {
            return false;
        }
        f->bytes = (part){ at.at, at.at + length };
        at.at += length;
    }
    p->at = at.at;
    return true;
}

size_t wire_size(part p)
{
    return (size_t)(p.end - p.at);
}

unsigned char *wire_read_file(const char *command, const char *path, size_t *size)
{
    struct stat about;
    FILE *file = fopen(path, "rb");
    unsigned char *bytes = NULL;
    if (!file || fstat(fileno(file), &about) != 0) {
        say("%s: cannot open %s: %s", command, path, strerror(errno));
    } else if (!S_ISREG(about.st_mode)) {
        say("%s: %s: not a regular file", command, path);
    } else if (!(bytes = malloc((size_t)about.st_size + 1))) {
        say("%s: %s: no memory for %lld bytes", command, path, (long long)about.st_size);
    } else {
        *size = (size_t)about.st_size;
        errno = 0;
        if (fread(bytes, 1, *size, file) != *size) {
            say("%s: cannot read %s: %s", command, path, errno ? strerror(errno) : "the file has become shorter");
            free(bytes);
            bytes = NULL;
        }
    }
    if (file) {
        fclose(file);
    }
    return bytes;
}

/* ---- memory ---- */

typedef struct pool_block {
    struct pool_block *next;
    size_t used, room;
    _Alignas(16) unsigned char bytes[];
} pool_block;

enum { LEAST_BLOCK = 1 << 14 };

void *pool_get(pool *p, size_t size, size_t step)
{
    pool_block *b = p->blocks;
    size_t at = b ? (b->used + step - 1) / step * step : 0;
    if (!b || size > b->room || at > b->room - size) {
        size_t room = size > LEAST_BLOCK ? size : LEAST_BLOCK;
        b = room <= SIZE_MAX - sizeof *b ? calloc(1, sizeof *b + room) : NULL;
        if (!b) {
            return NULL;
        }
        *b = (pool_block){ .next = p->blocks, .room = room };
        p->blocks = b;
        at = 0;
    }
    b->used = at + size;
    return b->bytes + at;
}

void pool_free(pool *p)
{
    for (pool_block *b = p->blocks, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    p->blocks = NULL;
}
