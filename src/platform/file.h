/* Files, as far as the library uses them: regular files that are read, and files that are replaced atomically.
 *
 * A path is what the user gave: bytes on POSIX, UTF-8 on Windows. Nothing here allocates, reports or is a cancellation
 * point on its own: base/file.c makes the messages and defers cancellation. Calls that a signal interrupts are
 * repeated, so that nobody above sees EINTR. */
#ifndef CNN_PLATFORM_FILE_H
#define CNN_PLATFORM_FILE_H

#include "platform/target.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum cnn__fault_kind {
    CNN__FAULT_NONE,
    CNN__FAULT_MISSING,    /* there is nothing of that name */
    CNN__FAULT_IRREGULAR,  /* there is a folder, a device, a FIFO or the like, which was not opened */
    CNN__FAULT_SYSTEM,     /* the system refused, and `code` says why */
    CNN__FAULT_UNSUPPORTED /* this platform has no files */
} cnn__fault_kind;

/* How a call ended. */
typedef struct cnn__fault {
    cnn__fault_kind kind;
    const char *doing; /* the step of it that failed, such as "rename" */
    int code;          /* an error number for strerror() */
} cnn__fault;

static inline bool cnn__fault_is(cnn__fault fault)
{
    return fault.kind != CNN__FAULT_NONE;
}

/* ---- reading ---- */

/* Opens a regular file and asks for its size. */
cnn__fault cnn__system_open(const char *path, int *fd, uint64_t *size);
/* CNN__FAULT_MISSING if there is nothing of that name; a link that leads nowhere is something. */
cnn__fault cnn__system_look(const char *path);
/* Reads some of the next `size` bytes; *got is 0 at the end of the file. */
cnn__fault cnn__system_read(int fd, void *buffer, size_t size, size_t *got);
cnn__fault cnn__system_seek(int fd, uint64_t at);
void cnn__system_close(int fd);

/* ---- replacing ---- */

enum { CNN__PATH_MAX = 4096 };

/* A file on its way: its bytes go to a new file in the target's folder, which takes the target's place at the end. */
typedef struct cnn__replacement {
    char target[CNN__PATH_MAX]; /* the file that the path leads to through symbolic links; it need not exist */
    char temporary[CNN__PATH_MAX + 32];
    int fd;
    int folder; /* open, to be flushed after the rename; −1: it cannot be */
} cnn__replacement;

/* On failure nothing is left behind and there is nothing to end. */
cnn__fault cnn__replace_begin(cnn__replacement *replacement, const char *path);
cnn__fault cnn__replace_write(cnn__replacement *replacement, const void *data, size_t size);
/* One of these ends it. Commit gives success when the new file is on the disk under the target's name; on failure the
 * new file is removed, unless only the folder could not be flushed. */
cnn__fault cnn__replace_commit(cnn__replacement *replacement);
void cnn__replace_abandon(cnn__replacement *replacement);

#endif
