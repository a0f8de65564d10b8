/* Replacing a file so that anyone who looks, also after a crash, finds the old file or the new one, whole.
 *
 * The order is what makes it so: the new file's bytes reach the disk (fsync) before the rename does, and the rename
 * reaches it (fsync of the folder) before success is reported. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LARGEST_CALL = 1 << 30, ATTEMPTS = 64, NAME = 32 };

static cnn_status fail_errno(const cnn__save *save, const char *what)
{
    char path[CNN__QUOTE];
    return cnn__fail(save->ctx, CNN_ERROR_IO, "%s: %s: %s: %s", save->call, cnn__quote(path, save->path, true), what,
                     strerror(errno));
}

/* A link is followed, so that the file it names is replaced and not the link. Whatever is there must be a regular file:
 * renaming over a device would replace the device. */
static cnn_status find_target(cnn__save *save)
{
    char real[PATH_MAX];
    const char *target = save->path;
    struct stat info;
    bool there = cnn__file_now()->lstat(target, &info) == 0;
    if (there && S_ISLNK(info.st_mode) && realpath(target, real)) {
        target = real;
        there = cnn__file_now()->lstat(target, &info) == 0;
    }
    if (!there && errno != ENOENT) {
        return fail_errno(save, "stat");
    }
    if (there && !S_ISREG(info.st_mode) && !S_ISLNK(info.st_mode)) {
        char path[CNN__QUOTE];
        return cnn__fail(save->ctx, CNN_ERROR_IO, "%s: %s: not a regular file", save->call,
                         cnn__quote(path, save->path, true));
    }
    save->mode = there && S_ISREG(info.st_mode) ? info.st_mode & 0777 : 0;
    save->target = cnn__strdup(save->ctx, target);
    return save->target ? CNN_OK : cnn__fail_memory(save->ctx, save->call, strlen(target) + 1);
}

static size_t folder_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
}

static cnn_status open_folder(cnn__save *save)
{
    size_t length = folder_length(save->target);
    save->temporary = cnn__alloc(save->ctx, length + NAME);
    if (!save->temporary) {
        return cnn__fail_memory(save->ctx, save->call, length + NAME);
    }
    memcpy(save->temporary, save->target, length);
    snprintf(save->temporary + length, NAME, ".");
    save->folder = cnn__file_now()->open(save->temporary, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    return save->folder >= 0 ? CNN_OK : fail_errno(save, "open its folder");
}

/* A name that other processes and threads are unlikely to choose at the same moment; O_EXCL makes sure. */
static cnn_status create(cnn__save *save)
{
    char *name = save->temporary + folder_length(save->target);
    struct timespec now = { 0 };
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t mix = (uint64_t)now.tv_sec * 1000000007u + (uint64_t)now.tv_nsec;
    mix ^= (uint64_t)getpid() << 40 ^ (uint64_t)(uintptr_t)save;
    for (int i = 0; i < ATTEMPTS; i++) {
        mix = (mix ^ mix >> 31) * 0x9e3779b97f4a7c15u + 1;
        snprintf(name, NAME, ".cnn-%016" PRIx64 ".tmp", mix);
        save->fd = cnn__file_now()->open(save->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
        if (save->fd >= 0 || errno != EEXIST) {
            break;
        }
    }
    if (save->fd < 0) {
        return fail_errno(save, "create a file beside it");
    }
    if (save->mode && cnn__file_now()->chmod(save->fd, save->mode) != 0) {
        return fail_errno(save, "chmod");
    }
    return CNN_OK;
}

cnn_status cnn__save_begin(cnn__save *save, cnn_context *ctx, const char *call, const char *path)
{
    *save = (cnn__save){ .ctx = ctx, .call = call, .path = path, .fd = -1, .folder = -1 };
    cnn_status status = find_target(save);
    if (status == CNN_OK) {
        status = open_folder(save);
    }
    if (status == CNN_OK) {
        status = create(save);
    }
    return status == CNN_OK ? CNN_OK : cnn__save_end(save, status);
}

cnn_status cnn__save_write(cnn__save *save, const void *data, size_t size)
{
    const char *from = data;
    while (size > 0) {
        ssize_t put = cnn__file_now()->write(save->fd, from, size < LARGEST_CALL ? size : LARGEST_CALL);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put < 0) {
            return fail_errno(save, "write");
        }
        if (put == 0) { /* a device that takes nothing would keep us here for ever */
            errno = ENOSPC;
            return fail_errno(save, "write");
        }
        from += put;
        size -= (size_t)put;
    }
    return CNN_OK;
}

static int sync_fd(int fd)
{
    int result;
    do {
        result = cnn__file_now()->sync(fd);
    } while (result != 0 && errno == EINTR);
    return result;
}

/* Some file systems cannot flush a folder and say EINVAL; they have nothing better to offer. */
static cnn_status replace(cnn__save *save)
{
    const cnn__file_calls *calls = cnn__file_now();
    if (sync_fd(save->fd) != 0) {
        return fail_errno(save, "fsync");
    }
    int fd = save->fd;
    save->fd = -1;
    if (calls->close(fd) != 0) {
        cnn_status status = fail_errno(save, "close");
        calls->unlink(save->temporary);
        return status;
    }
    if (calls->rename(save->temporary, save->target) != 0) {
        cnn_status status = fail_errno(save, "rename");
        calls->unlink(save->temporary);
        return status;
    }
    if (sync_fd(save->folder) != 0 && errno != EINVAL) {
        return fail_errno(save, "fsync of its folder");
    }
    return CNN_OK;
}

cnn_status cnn__save_end(cnn__save *save, cnn_status status)
{
    if (status == CNN_OK) {
        status = replace(save);
    }
    if (save->fd >= 0) {
        cnn__file_now()->close(save->fd);
        cnn__file_now()->unlink(save->temporary);
    }
    if (save->folder >= 0) {
        cnn__file_now()->close(save->folder);
    }
    cnn__free(save->ctx, save->temporary);
    cnn__free(save->ctx, save->target);
    return status;
}
