/* A file on its way: it appears under its own name only when it is whole. */
#ifndef MNIST_CNN_PART_H
#define MNIST_CNN_PART_H

#include <stdbool.h>

enum { PATH_SIZE = 4096 };

typedef struct part_file {
    const char *folder; /* borrowed */
    char path[PATH_SIZE];
    int fd;
} part_file;

/* Makes the folder, with those above it, and in it a new file under a name that nobody can guess. All of these functions return
 * false after one line on stderr. */
bool part_begin(part_file *p, const char *folder);

/* Gives it its name, which replaces a file of that name. After a failure the part is gone. */
bool part_end(part_file *p, const char *name);

/* Removes it. */
void part_drop(part_file *p);

#endif
