/* The files of the C library for a libcnn that was built without any, so that its tests can read their fixtures. */
#ifndef CNN_TESTS_CROSS_STDIO_SOURCE_H
#define CNN_TESTS_CROSS_STDIO_SOURCE_H

#include "platform/none/sources.h"

#include <stdio.h>

enum { STDIO_FILES = 8 };

static FILE *stdio_files[STDIO_FILES];

static inline int stdio_open(const char *path, uint64_t *size)
{
    for (int i = 0; i < STDIO_FILES; i++) {
        if (!stdio_files[i]) {
            FILE *file = fopen(path, "rb");
            long length = file && fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
            if (length < 0) {
                return -1;
            }
            rewind(file);
            *size = (uint64_t)length;
            stdio_files[i] = file;
            return i;
        }
    }
    return -1;
}

static inline bool stdio_seek(int file, uint64_t at)
{
    return fseek(stdio_files[file], (long)at, SEEK_SET) == 0;
}

static inline size_t stdio_read(int file, void *buffer, size_t size)
{
    return fread(buffer, 1, size, stdio_files[file]);
}

static inline void stdio_close(int file)
{
    fclose(stdio_files[file]);
    stdio_files[file] = NULL;
}

static const cnn__file_source stdio_source = { stdio_open, stdio_seek, stdio_read, stdio_close };

#endif
