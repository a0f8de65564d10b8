/* Replaces a file: writes a temporary one beside it, flushes that to the disk and renames it. */
#include "save_output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SUFFIX = 48, ATTEMPTS = 100 };

bool cnn__export_output_note(cnn__export_output *out, cnn_status status, const char *text)
{
    if (out->status == CNN_OK) {
        snprintf(out->text, sizeof out->text, "%s", text);
        out->status = status;
    }
    return false;
}

static bool note_errno(cnn__export_output *out, const char *what)
{
    char text[160];
    int error = errno;
    snprintf(text, sizeof text, "%s: %s", what, strerror(error));
    cnn_status status = error == ENOENT || error == ENOTDIR ? CNN_ERROR_NOT_FOUND
                        : error == ENOMEM                   ? CNN_ERROR_NO_MEMORY
                                                            : CNN_ERROR_IO;
    return cnn__export_output_note(out, status, text);
}

/* The file that the path leads to, through links; that must be a regular one, if it exists. */
static bool find_target(cnn__export_output *out)
{
    struct stat info;
    bool exists = stat(out->path, &info) == 0;
    if (exists && !S_ISREG(info.st_mode)) {
        return cnn__export_output_note(out, CNN_ERROR_IO, "not a regular file");
    }
    out->target = exists ? realpath(out->path, NULL) : strdup(out->path);
    return out->target != NULL || note_errno(out, "cannot be found");
}

/* No other process has this one's number, no other thread the counter's; what a dead process left is stepped over. A
 * file that replaces another one gets its mode. */
static bool create(cnn__export_output *out)
{
    static atomic_ulong counter;
    struct stat old;
    size_t size = strlen(out->target) + SUFFIX;
    out->temporary = malloc(size);
    if (!out->temporary) {
        return cnn__export_output_note(out, CNN_ERROR_NO_MEMORY, "no memory for a path");
    }
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        snprintf(out->temporary, size, "%s.%ld-%lu.tmp", out->target, (long)getpid(), atomic_fetch_add(&counter, 1));
        out->fd = open(out->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (out->fd >= 0 || errno != EEXIST) {
            break;
        }
    }
    if (out->fd < 0) {
        return note_errno(out, "a file beside it cannot be made");
    }
    if (stat(out->target, &old) == 0 && fchmod(out->fd, old.st_mode & 0777) != 0) {
        note_errno(out, "a file beside it cannot get its mode");
        close(out->fd);
        unlink(out->temporary);
        return false;
    }
    return true;
}

static void release(cnn__export_output *out)
{
    free(out->temporary);
    free(out->target);
}

bool cnn__export_output_open(cnn__export_output *out, const char *path)
{
    out->path = path;
    out->target = out->temporary = NULL;
    out->status = CNN_OK;
    out->used = 0;
    bool good = find_target(out) && create(out);
    if (!good) {
        release(out);
    }
    return good;
}

static bool write_through(cnn__export_output *out, const unsigned char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = write(out->fd, bytes, size < (1u << 30) ? size : 1u << 30);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) { /* a device that accepts nothing would make this loop endless */
            errno = n < 0 ? errno : ENOSPC;
            return note_errno(out, "cannot be written");
        }
        bytes += n;
        size -= (size_t)n;
    }
    return true;
}

bool cnn__export_output_write(cnn__export_output *out, const void *bytes, size_t size)
{
    if (size > sizeof out->buffer - out->used) {
        bool flushed = write_through(out, out->buffer, out->used);
        out->used = 0;
        if (!flushed) {
            return false;
        }
    }
    if (size > sizeof out->buffer) {
        return write_through(out, bytes, size);
    }
    if (size) {
        memcpy(out->buffer + out->used, bytes, size);
    }
    out->used += size;
    return true;
}

static bool flush_to_disk(cnn__export_output *out)
{
    int result;
    do {
        result = fsync(out->fd);
    } while (result != 0 && errno == EINTR);
    return result == 0 || note_errno(out, "cannot be written");
}

/* The rename reaches the disk before success is reported, where the folder can be opened. */
static void flush_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : NULL;
    int fd = slash && !folder ? -1 : open(folder ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
    free(folder);
}

bool cnn__export_output_close(cnn__export_output *out, bool complete)
{
    bool good = complete && write_through(out, out->buffer, out->used) && flush_to_disk(out);
    if (close(out->fd) != 0 && good) {
        good = note_errno(out, "cannot be written");
    }
    if (good && rename(out->temporary, out->target) != 0) {
        good = note_errno(out, "cannot be replaced");
    }
    if (good) {
        flush_folder(out->target);
    } else {
        unlink(out->temporary);
    }
    release(out);
    return good;
}
