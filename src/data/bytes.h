/* The bytes of a file, inflated on the way if it is gzipped, which its first two bytes tell.
 *
 * Nothing is read ahead of what the caller asks for beyond one buffer, so whoever stops at a promised size stops a gzip
 * bomb there too. */
#ifndef CNN_DATA_BYTES_H
#define CNN_DATA_BYTES_H

#include "base/file.h"

/* deflate turns at most 258 bytes into 2 bits: no gzip file holds more than this many bytes a byte of its own. */
enum { CNN__GZIP_RATIO = 1032 };

typedef struct cnn__inflater cnn__inflater;

typedef struct cnn__bytes {
    cnn_context *ctx;
    cnn__file file;
    cnn__inflater *inflater; /* NULL: a plain file */
    uint64_t at;             /* bytes given out */
} cnn__bytes;

/* On failure there is nothing to close. */
cnn_status cnn__bytes_open(cnn__bytes *bytes, cnn_context *ctx, const char *call, const char *path);
void cnn__bytes_close(cnn__bytes *bytes);
/* Reads exactly `size` bytes; CNN_ERROR_FORMAT where there are fewer. */
cnn_status cnn__bytes_read(cnn__bytes *bytes, void *to, size_t size);
/* Makes sure that nothing comes after what was read. For a gzipped file this checks its check sums too. */
cnn_status cnn__bytes_end(cnn__bytes *bytes);
/* The most bytes that can come out of the file. */
uint64_t cnn__bytes_limit(const cnn__bytes *bytes);
/* Reports a fault at a byte of what comes out, and says "uncompressed" where that is not a byte of the file. */
cnn_status cnn__bytes_fail(const cnn__bytes *bytes, uint64_t byte, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
