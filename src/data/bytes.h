/* The bytes of a file, which are inflated while they are read if its first two bytes say that it is gzipped.
 *
 * At most one buffer is read ahead of what the caller asks for, so a caller that stops at the promised size also
 * stops a gzip bomb there. */
#ifndef CNN_DATA_BYTES_H
#define CNN_DATA_BYTES_H

#include "base/file.h"

/* Deflate encodes at most 258 bytes in 2 bits, so a gzip file expands to at most this many times its own size. */
enum { CNN__GZIP_RATIO = 1032 };

typedef struct cnn__inflater cnn__inflater;

typedef struct cnn__bytes {
    cnn_context *ctx;
    cnn__file file;
    cnn__inflater *inflater; /* NULL: a plain file */
    uint64_t at;             /* number of bytes delivered so far */
} cnn__bytes;

/* On failure there is nothing to close. */
cnn_status cnn__bytes_open(cnn__bytes *bytes, cnn_context *ctx, const char *call, const char *path);
void cnn__bytes_close(cnn__bytes *bytes);
/* Reads exactly `size` bytes; returns CNN_ERROR_FORMAT if there are fewer. */
cnn_status cnn__bytes_read(cnn__bytes *bytes, void *to, size_t size);
/* Reads up to `size` bytes, fewer only at the end of the data, and tells how many. */
cnn_status cnn__bytes_read_some(cnn__bytes *bytes, void *to, size_t size, size_t *got);
/* Verifies that no data follow what was read, and the checksums of a gzipped file. */
cnn_status cnn__bytes_end(cnn__bytes *bytes);
/* The largest number of bytes that the file can contain or expand to. */
uint64_t cnn__bytes_limit(const cnn__bytes *bytes);
/* Reports a fault at a byte of the delivered data; the message says "uncompressed" if that is not a byte of the file
 * itself. */
cnn_status cnn__bytes_fail(const cnn__bytes *bytes, uint64_t byte, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
