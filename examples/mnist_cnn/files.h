/* MNIST's four files: what they are called, whether they are there, and where they come from. */
#ifndef MNIST_CNN_FILES_H
#define MNIST_CNN_FILES_H

#include <stdbool.h>

enum { MNIST_FILES = 4 };

typedef struct mnist_file {
    const char *name;
    const char *sha256; /* of the uncompressed file */
} mnist_file;

/* Train images, train labels, test images, test labels. */
extern const mnist_file mnist_files[MNIST_FILES];

/* Makes a folder with the folders above it. */
bool folder_make(const char *path);

/* Is the file in the folder, plain or with .gz? */
bool file_exists(const char *folder, const char *name);

/* Fetches what is missing. Says on stderr what it does, unless quiet, and why it failed. */
bool files_fetch(const char *folder, bool quiet);

#endif
