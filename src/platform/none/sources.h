/* What stands in for files where there are none: somebody who hands out their bytes. */
#ifndef CNN_PLATFORM_NONE_SOURCES_H
#define CNN_PLATFORM_NONE_SOURCES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct cnn__file_source {
    int (*open)(const char *path, uint64_t *size); /* a number for the others to name it by; −1: there is none */
    bool (*seek)(int file, uint64_t at);
    size_t (*read)(int file, void *buffer, size_t size); /* 0: at its end */
    void (*close)(int file);
} cnn__file_source;

/* Every later call that reads a file asks `source`; NULL, as in the beginning: reading is not supported. */
void cnn__file_source_set(const cnn__file_source *source);

#endif
