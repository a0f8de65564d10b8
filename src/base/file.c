/* The table of system calls, messages about files, and reading. Interrupted calls are repeated here, so callers
 * never see EINTR or a short read. */
#include "base/file.h"

#include "base/cancel.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LARGEST_CALL = 1 << 30 }; /* Linux transfers at most 2 GiB − 4 KiB per call */

static int system_open(const char *path, int flags, mode_t mode)
{
    return open(path, flags, mode);
}

const cnn__file_calls cnn__file_system = {
    .open = system_open,
    .fstat = fstat,
    .stat = stat,
    .lstat = lstat,
    .readlink = readlink,
    .seek = lseek,
    .read = read,
    .write = write,
    .chown = fchown,
    .chmod = fchmod,
    .sync = fsync,
    .close = close,
    .rename = rename,
    .unlink = unlink,
};

static _Atomic(const cnn__file_calls *) injected;

void cnn__file_inject(const cnn__file_calls *calls)
{
    atomic_store(&injected, calls);
}

const cnn__file_calls *cnn__file_now(void)
{
    const cnn__file_calls *calls = atomic_load(&injected);
    return calls ? calls : &cnn__file_system;
}

cnn_status cnn__file_fail(const cnn__file *file, cnn_status status, uint64_t byte, const char *format, ...)
{
    char reason[256], path[CNN__QUOTE];
    va_list arguments;
    va_start(arguments, format);
    cnn__message_list(reason, sizeof reason, format, arguments);
    va_end(arguments);
    return cnn__fail(file->ctx, status, "%s: %s: byte %" PRIu64 ": %s", file->call, cnn__quote(path, file->path, true),
                     byte, reason);
}

static cnn_status fail_errno(const cnn__file *file, cnn_status status, const char *what)
{
    char path[CNN__QUOTE];
    return cnn__fail(file->ctx, status, "%s: %s: %s: %s", file->call, cnn__quote(path, file->path, true), what,
                     strerror(errno));
}

static cnn_status fail_kind(const cnn__file *file)
{
    char path[CNN__QUOTE];
    return cnn__fail(file->ctx, CNN_ERROR_IO, "%s: %s: not a regular file", file->call,
                     cnn__quote(path, file->path, true));
}

/* Opening a FIFO or a device has effects on its other end, so the kind of the file is checked first. */
static cnn_status check_kind(const cnn__file *file)
{
    struct stat info;
    if (cnn__file_now()->stat(file->path, &info) != 0) {
        bool missing = errno == ENOENT || errno == ENOTDIR;
        return fail_errno(file, missing ? CNN_ERROR_NOT_FOUND : CNN_ERROR_IO, "open");
    }
    return S_ISREG(info.st_mode) ? CNN_OK : fail_kind(file);
}

/* The file may have been replaced since its kind was checked; O_NONBLOCK keeps a FIFO in its place from blocking. */
cnn_status cnn__file_open(cnn__file *file, const cnn_context *ctx, const char *call, const char *path)
{
    *file = (cnn__file){ .ctx = ctx, .call = call, .path = path, .fd = -1, .cancel = cnn__cancel_defer() };
    cnn_status status = check_kind(file);
    if (status != CNN_OK) {
        cnn__cancel_restore(file->cancel);
        return status;
    }
    do {
        file->fd = cnn__file_now()->open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0);
    } while (file->fd < 0 && errno == EINTR);
    if (file->fd < 0) {
        cnn__cancel_restore(file->cancel);
        bool missing = errno == ENOENT || errno == ENOTDIR;
        return fail_errno(file, missing ? CNN_ERROR_NOT_FOUND : CNN_ERROR_IO, "open");
    }
    struct stat info;
    if (cnn__file_now()->fstat(file->fd, &info) != 0) {
        status = fail_errno(file, CNN_ERROR_IO, "stat");
    } else if (!S_ISREG(info.st_mode)) {
        status = fail_kind(file);
    }
    if (status != CNN_OK) {
        cnn__file_close(file);
        return status;
    }
    file->size = (uint64_t)info.st_size;
    return CNN_OK;
}

cnn_status cnn__file_look(const cnn_context *ctx, const char *call, const char *path)
{
    const cnn__file file = { .ctx = ctx, .call = call, .path = path, .fd = -1 };
    struct stat info;
    if (cnn__file_now()->lstat(path, &info) == 0) {
        return CNN_OK;
    }
    return errno == ENOENT || errno == ENOTDIR ? CNN_ERROR_NOT_FOUND : fail_errno(&file, CNN_ERROR_IO, "stat");
}

cnn_status cnn__file_read(cnn__file *file, void *buffer, size_t size)
{
    char *to = buffer;
    while (size > 0) {
        ssize_t got = cnn__file_now()->read(file->fd, to, size < LARGEST_CALL ? size : LARGEST_CALL);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return fail_errno(file, CNN_ERROR_IO, "read");
        }
        if (got == 0) {
            return cnn__file_fail(file, CNN_ERROR_FORMAT, file->at, "the file ends here, %zu more bytes are expected",
                                  size);
        }
        to += got;
        size -= (size_t)got;
        file->at += (uint64_t)got;
    }
    return CNN_OK;
}

cnn_status cnn__file_seek(cnn__file *file, uint64_t at)
{
    if (cnn__file_now()->seek(file->fd, (off_t)at, SEEK_SET) < 0) {
        return fail_errno(file, CNN_ERROR_IO, "seek");
    }
    file->at = at;
    return CNN_OK;
}

/* A failure to close a file that was only read is ignored, because no data can be lost. */
void cnn__file_close(cnn__file *file)
{
    if (file->fd >= 0) {
        cnn__file_now()->close(file->fd);
        file->fd = -1;
        cnn__cancel_restore(file->cancel);
    }
}
