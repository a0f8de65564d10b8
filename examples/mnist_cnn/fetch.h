/* MNIST's four files: what they are, and where they come from. */
#ifndef MNIST_CNN_FETCH_H
#define MNIST_CNN_FETCH_H

#include <cnn/cnn.h>

enum { MNIST_FILES = 4 };

typedef struct mnist_file {
    const char *name;
    cnn_mnist_split split;
    cnn_mnist_part part;
    int64_t packed, size; /* bytes, gzipped and not */
    const char *sha256;   /* of what is not gzipped */
} mnist_file;

extern const mnist_file mnist_files[MNIST_FILES];

typedef enum fetch_result {
    FETCHED,
    UNAVAILABLE, /* no mirror has it; lines on stderr say why */
    UNSAVED,     /* something is wrong here; one line on stderr says what */
    STOPPED,     /* a signal asked the program to end */
} fetch_result;

/* Fetches a file into a folder, which is made if need be. Nothing is left behind unless it is whole and has its SHA-256. */
fetch_result fetch(const char *folder, const mnist_file *file);

#endif
