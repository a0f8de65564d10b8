/* Files: a model read whole, and parts of the files beside it. */
#ifndef CNN_ONNX_SOURCE_H
#define CNN_ONNX_SOURCE_H

#include "wire.h"

#include <stdatomic.h>

/* The bytes of a file in pages of their own, which any number of users share. They are read from the file, so that it
 * may change or end earlier afterwards; or they are the file's own pages, copied where they are written to. */
typedef struct cnn__onnx_memory {
    atomic_int users;
    unsigned char *at;
    size_t size; /* the file's size */
    void *pages;
    size_t page_bytes;
} cnn__onnx_memory;

/* Reads a regular file, or maps it; NULL on failure, which is reported. */
cnn__onnx_memory *cnn__onnx_source_read(cnn__onnx_file_bytes *file, bool map);
void cnn__onnx_memory_release(cnn__onnx_memory *memory);
/* Gives the system back the whole pages between two addresses, whose bytes nobody reads any more. */
void cnn__onnx_memory_drop(const void *from, const void *to);

/* A part of a file in the model's folder, or in one below it. */
typedef struct cnn__onnx_beside {
    cnn__onnx_file_bytes *file;
    int fd;
    int64_t offset, size;
    char what[2 * CNN__TEXT_LIMIT];
} cnn__onnx_beside;

/* Opens it, if it is there. The name is checked: it is relative, no part of it is "..", and no part is a symbolic link.
 * Reports. */
bool cnn__onnx_beside_open(cnn__onnx_file_bytes *file, cnn__onnx_text location, int64_t offset, int64_t size,
                           cnn__onnx_beside *part);
/* Reads `size` bytes from byte `at` of the part on; reports. */
bool cnn__onnx_beside_read(const cnn__onnx_beside *part, int64_t at, int64_t size, void *to);
/* Maps the part; NULL, with nothing reported, where that cannot be. */
cnn__onnx_memory *cnn__onnx_beside_map(const cnn__onnx_beside *part);
void cnn__onnx_beside_close(const cnn__onnx_beside *part);

#endif
