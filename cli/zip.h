/* Stored members of a zip archive, found by name. Every length is compared with the file's size before it is used. */
#ifndef CLI_ZIP_H
#define CLI_ZIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef struct zip_member {
    const char *name; /* not terminated */
    size_t name_length;
    uint64_t local, size;
    bool stored;
} zip_member;

typedef struct zip {
    const char *path; /* for messages */
    FILE *file;
    uint64_t size;
    unsigned char *directory;
    zip_member *members;
    size_t count;
} zip;

/* On failure it has been said, and there is nothing to close. */
bool zip_open(zip *z, const char *path);
void zip_close(zip *z);
/* The member of that name; NULL, not said, if there is none. */
const zip_member *zip_find(const zip *z, const char *name);
/* The only member whose name ends so; NULL, not said, if there is none or several. */
const zip_member *zip_find_end(const zip *z, const char *end);
/* Reads `size` bytes of a member from `at` on; said on failure. */
bool zip_read(const zip *z, const zip_member *m, uint64_t at, void *to, uint64_t size);

#endif
