/* The library's own input and output: regular files read whole or in parts, and files that are replaced atomically.
 *
 * Messages name the call, the file and the byte; they include the system's own text if the system refused. */
#ifndef CNN_BASE_FILE_H
#define CNN_BASE_FILE_H

#include "base/context.h"
#include "base/message.h"
#include "platform/file.h"

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
typedef struct cnn__save {
    cnn_context *ctx;
    const char *call;
    const char *path; /* as given, for messages */
    cnn__replacement replacement;
    int cancel; /* as in cnn__file */
} cnn__save;

/* On failure nothing is left behind and there is nothing to end. */
cnn_status cnn__save_begin(cnn__save *save, cnn_context *ctx, const char *call, const char *path);
cnn_status cnn__save_write(cnn__save *save, const void *data, size_t size);
/* Ends the save. Depending on the status of the writing, flushes and renames the new file, or removes it. Returns
 * the first error. */
cnn_status cnn__save_end(cnn__save *save, cnn_status status);

#endif
