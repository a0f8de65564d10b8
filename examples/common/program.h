/* Running one of the system's programs: curl, gzip, sha256sum. */
#ifndef COMMON_PROGRAM_H
#define COMMON_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum program_result {
    PROGRAM_DONE,        /* it succeeded, or printed as much as was wanted */
    PROGRAM_FAILED,      /* its exit status is not 0, or it took too long */
    PROGRAM_MISSING,     /* there is no such program */
    PROGRAM_UNWRITTEN,   /* what it printed could not be written; errno says why */
    PROGRAM_INTERRUPTED, /* a signal asked this program to end */
} program_result;

/* Runs argv[0], which is searched in PATH, with the file `in` as its standard input (-1: none), and writes the first
 * `most` bytes that it prints to the file `out`. Its messages are discarded. When nothing more is wanted, it is
 * killed together with all processes that it started. No shell reads the arguments. */
program_result program_run(const char *const argv[], int in, int out, int64_t most);

/* Writes all bytes; on failure returns false and sets errno. */
bool write_all(int fd, const void *bytes, size_t size);

#endif
