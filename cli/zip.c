/* A reader of zip archives by their directory, with zip64, of stored members. PKWARE's APPNOTE 6.3.10. */
#include "zip.h"

#include "common/say.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LOCAL = 30, RECORD = 46, END = 22, LOCATOR = 20, END64 = 56, TAIL = LOCATOR + END };
static const uint64_t most_records = 1 << 24;

static uint64_t number(const unsigned char *bytes, int count)
{
    uint64_t n = 0;
    while (count-- > 0) {
        n = n << 8 | bytes[count];
    }
    return n;
}

static bool broken(const zip *z, uint64_t at, const char *what)
{
    say("cnn: %s: byte %llu: %s", z->path, (unsigned long long)at, what);
    return false;
}

static bool read_at(const zip *z, uint64_t at, void *to, uint64_t size)
{
    if (at > z->size || size > z->size - at) {
        return broken(z, at, "the archive points past its end");
    }
    errno = 0;
    if (fseeko(z->file, (off_t)at, SEEK_SET) != 0 || fread(to, 1, (size_t)size, z->file) != size) {
        say("cnn: cannot read %s: %s", z->path, errno ? strerror(errno) : "the file has become shorter");
        return false;
    }
    return true;
}

/* Where the directory is, by the end record or zip64's. */
static bool find_directory(const zip *z, uint64_t *at, uint64_t *size, uint64_t *count)
{
    unsigned char tail[TAIL] = { 0 }, end64[END64];
    const unsigned char *end = tail + LOCATOR;
    uint64_t room = z->size < TAIL ? z->size : TAIL;
    if (room < END || !read_at(z, z->size - room, tail + TAIL - room, room)) {
        return room < END && broken(z, z->size, "the file ends here, a zip archive has a directory at its end");
    }
    if (memcmp(end, "PK\5\6", 4) != 0 || number(end + 20, 2) != 0) {
        return broken(z, z->size - END, "expected the end record of a zip archive, without a comment");
    }
    *count = number(end + 10, 2);
    *size = number(end + 12, 4);
    *at = number(end + 16, 4);
    if (memcmp(tail, "PK\6\7", 4) == 0) {
        uint64_t record = number(tail + 8, 8);
        if (!read_at(z, record, end64, END64)) {
            return false;
        }
        if (memcmp(end64, "PK\6\6", 4) != 0) {
            return broken(z, record, "expected zip64's end record");
        }
        *count = number(end64 + 32, 8);
        *size = number(end64 + 40, 8);
        *at = number(end64 + 48, 8);
    }
    return (*at <= z->size && *size <= z->size - *at && *count <= *size / RECORD && *count <= most_records) ||
           broken(z, z->size - END, "the directory does not fit into the file");
}

/* zip64's extra field has those numbers for which the record has all ones, in this order. */
static bool read_extra(const unsigned char *extra, size_t size, uint64_t *const fields[3])
{
    while (size >= 4) {
        size_t length = (size_t)number(extra + 2, 2), at = 0;
        if (length > size - 4) {
            return false;
        }
        for (int i = 0; number(extra, 2) == 1 && i < 3; i++) {
            if (*fields[i] == UINT32_MAX && length - at >= 8) {
                *fields[i] = number(extra + 4 + at, 8);
                at += 8;
            }
        }
        extra += 4 + length;
        size -= 4 + length;
    }
    return true;
}

static int by_name(const void *a, const void *b)
{
    const zip_member *x = a, *y = b;
    size_t shorter = x->name_length < y->name_length ? x->name_length : y->name_length;
    int order = memcmp(x->name, y->name, shorter);
    return order ? order : (x->name_length > y->name_length) - (x->name_length < y->name_length);
}

static bool read_records(zip *z, uint64_t directory, size_t size)
{
    size_t at = 0;
    for (size_t i = 0; i < z->count; i++) {
        const unsigned char *r = z->directory + at;
        if (size - at < RECORD || memcmp(r, "PK\1\2", 4) != 0) {
            return broken(z, directory + at, "expected a record of the archive's directory");
        }
        size_t name = (size_t)number(r + 28, 2), extra = (size_t)number(r + 30, 2),
               whole = RECORD + name + extra + (size_t)number(r + 32, 2);
        uint64_t packed = number(r + 20, 4), unpacked = number(r + 24, 4), local = number(r + 42, 4);
        if (whole > size - at ||
            !read_extra(r + RECORD + name, extra, (uint64_t *const[]){ &unpacked, &packed, &local })) {
            return broken(z, directory + at, "a broken record of the archive's directory");
        }
        z->members[i] = (zip_member){ (const char *)r + RECORD, name, local, unpacked,
                                      number(r + 10, 2) == 0 && packed == unpacked && (number(r + 8, 2) & 1) == 0 };
        at += whole;
    }
    qsort(z->members, z->count, sizeof *z->members, by_name);
    return true;
}

bool zip_open(zip *z, const char *path)
{
    uint64_t at, size, count;
    *z = (zip){ .path = path, .file = fopen(path, "rb") };
    if (!z->file || fseeko(z->file, 0, SEEK_END) != 0) {
        say("cnn: cannot open %s: %s", path, strerror(errno));
        zip_close(z);
        return false;
    }
    z->size = (uint64_t)ftello(z->file);
    bool open = find_directory(z, &at, &size, &count);
    if (open) {
        z->count = (size_t)count;
        z->directory = malloc((size_t)size + 1);
        z->members = calloc(z->count + 1, sizeof *z->members);
        if (!z->directory || !z->members) {
            say("cnn: %s: no memory for a directory of %zu members", path, z->count);
            open = false;
        }
    }
    open = open && read_at(z, at, z->directory, size) && read_records(z, at, (size_t)size);
    if (!open) {
        zip_close(z);
    }
    return open;
}

void zip_close(zip *z)
{
    if (z->file) {
        fclose(z->file);
    }
    free(z->directory);
    free(z->members);
    *z = (zip){ 0 };
}

const zip_member *zip_find(const zip *z, const char *name)
{
    const zip_member wanted = { .name = name, .name_length = strlen(name) };
    return bsearch(&wanted, z->members, z->count, sizeof *z->members, by_name);
}

const zip_member *zip_find_end(const zip *z, const char *end)
{
    size_t length = strlen(end);
    const zip_member *found = NULL;
    for (size_t i = 0; i < z->count; i++) {
        const zip_member *m = &z->members[i];
        if (m->name_length >= length && memcmp(m->name + m->name_length - length, end, length) == 0) {
            if (found) {
                return NULL;
            }
            found = m;
        }
    }
    return found;
}

bool zip_read(const zip *z, const zip_member *m, uint64_t at, void *to, uint64_t size)
{
    unsigned char local[LOCAL];
    if (!m->stored || at > m->size || size > m->size - at) {
        return broken(z, m->local,
                      m->stored ? "a member is shorter than what is to be in it"
                                : "a member is compressed or encrypted, expected a stored one");
    }
    if (!read_at(z, m->local, local, LOCAL)) {
        return false;
    }
    if (memcmp(local, "PK\3\4", 4) != 0) {
        return broken(z, m->local, "expected a local header of the archive");
    }
    return read_at(z, m->local + LOCAL + number(local + 26, 2) + number(local + 28, 2) + at, to, size);
}
