/* MNIST's four files: their properties and where they are fetched from. */
#ifndef MNIST_CNN_FETCH_H
#define MNIST_CNN_FETCH_H

#include <cnn/cnn.h>

enum { MNIST_FILES = 4 };

typedef struct mnist_file {
    const char *name;
    cnn_mnist_split split;
    cnn_mnist_part part;
    int64_t packed, size; /* sizes in bytes, gzipped and unpacked */
    const char *sha256;   /* digest of the unpacked file */
} mnist_file;

extern const mnist_file mnist_files[MNIST_FILES];

typedef enum fetch_result {
    FETCHED,
    UNAVAILABLE, /* no mirror has it; lines on stderr say why */
    UNSAVED,     /* a local failure; one line on stderr says which */
    STOPPED,     /* a signal asked the program to end */
} fetch_result;

/* Fetches a file into a folder, which is created if necessary. Nothing is left behind unless the file is complete
 * and has its SHA-256. */
fetch_result fetch(const char *folder, const mnist_file *file);

#endif
