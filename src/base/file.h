/* The library's own input and output: regular files read whole or in parts, and files that are replaced atomically.
 *
 * Every system call on a file goes through the table below, so that tests can make any of them fail. Messages name the
 * call, the file and the byte; they include errno's text if the system refused. */
#ifndef CNN_BASE_FILE_H
#define CNN_BASE_FILE_H

#include "base/context.h"
#include "base/message.h"

#include <sys/stat.h>
#include <sys/types.h>

/* The system calls. On failure each returns −1 and sets errno, as the system's own does. */
typedef struct cnn__file_calls {
    int (*open)(const char *path, int flags, mode_t mode);
    int (*fstat)(int fd, struct stat *info);
    int (*stat)(const char *path, struct stat *info);
    int (*lstat)(const char *path, struct stat *info);
    ssize_t (*readlink)(const char *path, char *target, size_t size);
    off_t (*seek)(int fd, off_t at, int whence);
    ssize_t (*read)(int fd, void *buffer, size_t size);
    ssize_t (*write)(int fd, const void *data, size_t size);
    int (*chown)(int fd, uid_t owner, gid_t group);
    int (*chmod)(int fd, mode_t mode);
    int (*sync)(int fd);
    int (*close)(int fd);
    int (*rename)(const char *from, const char *to);
    int (*unlink)(const char *path);
} cnn__file_calls;

extern const cnn__file_calls cnn__file_system;

/* For tests: every later call in the process uses `calls`, or the system's calls if it is NULL. */
void cnn__file_inject(const cnn__file_calls *calls);
const cnn__file_calls *cnn__file_now(void);

/* ---- reading ---- */
typedef struct cnn__file {
    const cnn_context *ctx;
    const char *call; /* for messages */
    const char *path; /* borrowed */
    int fd;           /* −1: not open */
    uint64_t size;
    uint64_t at; /* where the next read begins */
    int cancel;  /* the thread's cancelability before the file was opened; it is off while it is open */
} cnn__file;

/* Opens a regular file; CNN_ERROR_NOT_FOUND if there is none. Anything else of that name (a folder, a device, a
 * FIFO) is refused without being opened. On failure there is nothing to close. */
cnn_status cnn__file_open(cnn__file *file, const cnn_context *ctx, const char *call, const char *path);
/* Tells whether anything of that name exists: CNN_OK; CNN_ERROR_NOT_FOUND, without a report; or CNN_ERROR_IO if the
 * system does not say. */
cnn_status cnn__file_look(const cnn_context *ctx, const char *call, const char *path);
/* Reads exactly `size` bytes or fails; returns CNN_ERROR_FORMAT if the file ends before that. */
cnn_status cnn__file_read(cnn__file *file, void *buffer, size_t size);
cnn_status cnn__file_seek(cnn__file *file, uint64_t at);
void cnn__file_close(cnn__file *file);
/* Reports "call: path: byte N: …" and returns `status`. */
cnn_status cnn__file_fail(const cnn__file *file, cnn_status status, uint64_t byte, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* ---- saving ---- */
/* A save in progress: the bytes go to a new file in the target's folder, which replaces the target at the end. */
typedef struct cnn__save {
    cnn_context *ctx;
    const char *call;
    const char *path; /* as given, for messages */
    char *target;     /* the file that `path` leads to through symbolic links; it need not exist */
    char *temporary;
    int fd;
    int folder;    /* open, to be flushed after the rename; −1: it may not be read */
    bool replaces; /* the target exists, and its owner, group and mode are these */
    uid_t owner;
    gid_t group;
    mode_t mode;
    int cancel; /* as in cnn__file */
} cnn__save;

/* On failure nothing is left behind and there is nothing to end. */
cnn_status cnn__save_begin(cnn__save *save, cnn_context *ctx, const char *call, const char *path);
cnn_status cnn__save_write(cnn__save *save, const void *data, size_t size);
/* Ends the save. Depending on the status of the writing, flushes and renames the new file, or removes it. Returns
 * the first error. */
cnn_status cnn__save_end(cnn__save *save, cnn_status status);

#endif
