/* A file that is being written: it appears under its own name only when it is complete. */
#ifndef COMMON_PART_H
#define COMMON_PART_H

#include <stdbool.h>

enum { PATH_SIZE = 4096 };

typedef struct part_file {
    const char *folder; /* borrowed */
    char path[PATH_SIZE];
    int fd;
} part_file;

/* Creates the folder and its parents, and in it a new file with an unpredictable name. All of these functions return
 * false after one line on stderr. */
bool part_begin(part_file *p, const char *folder);

/* Renames the file to its own name and replaces an existing file. After a failure the new file is removed. */
bool part_end(part_file *p, const char *name);

/* Whether a file can be written in the place of `path`, as the library does it: a new one that is renamed. Tried before a
 * long run, by a file that is removed at once. NULL is fine. */
bool part_check(const char *path);

/* Removes the file. */
void part_drop(part_file *p);

#endif
