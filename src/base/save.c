/* Replaces a file atomically: at any moment, also after a crash, the old file or the new one is there as a whole.
 *
 * The order of the steps guarantees this: the bytes of the new file reach the disk (fsync) before the rename does,
 * and the rename reaches the disk (fsync of the folder) before success is reported. Until the new file has its final
 * owner, only the process that writes it has access to it. */
#include "base/file.h"

#include "base/cancel.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

enum { LARGEST_CALL = 1 << 30, ATTEMPTS = 64, NAME = 32, MAX_LINKS = 40 /* as Linux has it */ };

static cnn_status fail_errno(const cnn__save *save, const char *what)
{
    char path[CNN__QUOTE];
    return cnn__fail(save->ctx, CNN_ERROR_IO, "%s: %s: %s: %s", save->call, cnn__quote(path, save->path, true), what,
                     strerror(errno));
}

static cnn_status fail_kind(const cnn__save *save)
{
    char path[CNN__QUOTE];
    return cnn__fail(save->ctx, CNN_ERROR_IO, "%s: %s: not a regular file", save->call,
                     cnn__quote(path, save->path, true));
}

/* ---- the target ---- */

static size_t folder_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
}

/* Replaces `path`, a symbolic link, by its target; a relative target is relative to the folder of the link. */
static cnn_status follow_link(const cnn__save *save, char path[PATH_MAX])
{
    char name[PATH_MAX];
    ssize_t got = cnn__file_now()->readlink(path, name, sizeof name);
    if (got < 0) {
        return fail_errno(save, "readlink");
    }
    size_t length = (size_t)got, folder = got > 0 && name[0] == '/' ? 0 : folder_length(path);
    if (length >= PATH_MAX - folder) {
        errno = ENAMETOOLONG;
        return fail_errno(save, "readlink");
    }
    memcpy(path + folder, name, length);
    path[folder + length] = '\0';
    return CNN_OK;
}

/* Follows links to their end, which is a regular file or does not exist yet. `exists` says that the system has found
 * a regular file behind the path. A link in /proc may lead to a file that no path names any more, which cannot be
 * replaced. */
static cnn_status follow(cnn__save *save, char path[PATH_MAX], bool exists)
{
    for (int links = 0; links <= MAX_LINKS; links++) {
        struct stat info;
        if (cnn__file_now()->lstat(path, &info) != 0) {
            return errno == ENOENT && !exists ? CNN_OK : fail_errno(save, "stat");
        }
        if (!S_ISLNK(info.st_mode)) {
            save->replaces = true;
            save->owner = info.st_uid;
            save->group = info.st_gid;
            save->mode = info.st_mode;
            return S_ISREG(info.st_mode) ? CNN_OK : fail_kind(save);
        }
        cnn_status status = follow_link(save, path);
        if (status != CNN_OK) {
            return status;
        }
    }
    errno = ELOOP;
    return fail_errno(save, "stat");
}

/* The system is asked first what the path leads to: it knows the pipe behind /proc/self/fd/1, detects loops, and
 * protects links in sticky folders. A rename onto a device would replace the device. */
static cnn_status find_target(cnn__save *save)
{
    char path[PATH_MAX];
    struct stat info;
    size_t length = strlen(save->path);
    bool exists = cnn__file_now()->stat(save->path, &info) == 0;
    if (!exists && (errno != ENOENT || length == 0)) {
        return fail_errno(save, "stat");
    }
    if (exists && !S_ISREG(info.st_mode)) {
        return fail_kind(save);
    }
    if (length >= sizeof path) {
        errno = ENAMETOOLONG;
        return fail_errno(save, "stat");
    }
    memcpy(path, save->path, length + 1);
    cnn_status status = follow(save, path, exists);
    if (status != CNN_OK) {
        return status;
    }
    save->target = cnn__strdup(save->ctx, path);
    return save->target ? CNN_OK : cnn__fail_memory(save->ctx, save->call, strlen(path) + 1);
}

/* A folder that may be written but not read cannot be flushed; the rename then reaches the disk at a time that the
 * system chooses. */
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
    return save->folder >= 0 || errno == EACCES ? CNN_OK : fail_errno(save, "open its folder");
}

/* ---- the temporary file ---- */

/* An unpredictable number, so that nobody can plant a file or a link under the name that is made from it. Early in
 * the system's start there may be no random numbers; then the number is only unique, and O_EXCL refuses a planted
 * file. */
static uint64_t random_number(const cnn__save *save)
{
    uint64_t number;
    if (getrandom(&number, sizeof number, GRND_NONBLOCK) != (ssize_t)sizeof number) {
        struct timespec now = { 0 };
        clock_gettime(CLOCK_REALTIME, &now);
        number = (uint64_t)now.tv_sec * 1000000007u + (uint64_t)now.tv_nsec;
        number ^= (uint64_t)getpid() << 40 ^ (uint64_t)(uintptr_t)save;
        number = (number ^ number >> 31) * 0x9e3779b97f4a7c15u;
    }
    return number;
}

/* Whether an error means that this process may not change the owner of a file, or that the file system cannot. */
static bool not_allowed(int error)
{
    return error == EPERM || error == EINVAL || error == ENOSYS || error == EOPNOTSUPP;
}

/* Gives the new file the owner and group of the old one, as far as this process may, and then its mode. If the group
 * could not be kept, the group and all others get only the rights that both had. Set-user-ID and set-group-ID bits
 * are dropped, as the system drops them from a file that is written into. */
static cnn_status take_over(cnn__save *save)
{
    const cnn__file_calls *calls = cnn__file_now();
    struct stat made;
    mode_t mode = save->mode & 01777;
    if (calls->fstat(save->fd, &made) != 0) {
        return fail_errno(save, "stat");
    }
    if (made.st_uid != save->owner || made.st_gid != save->group) {
        bool kept = calls->chown(save->fd, save->owner, save->group) == 0;
        if (!kept && not_allowed(errno)) {
            kept = made.st_gid == save->group || calls->chown(save->fd, (uid_t)-1, save->group) == 0;
        }
        if (!kept && !not_allowed(errno)) {
            return fail_errno(save, "chown");
        }
        if (!kept) {
            mode_t both = mode >> 3 & mode & 07;
            mode = (mode & ~(mode_t)077) | both << 3 | both;
        }
    }
    return calls->chmod(save->fd, mode) == 0 ? CNN_OK : fail_errno(save, "chmod");
}

/* A new file's mode is 0666 under the process's umask, or follows from the folder's default ACL. A file that
 * replaces another one is accessible only to the writer at first. */
static cnn_status create(cnn__save *save)
{
    char *name = save->temporary + folder_length(save->target);
    for (int i = 0; i < ATTEMPTS; i++) {
        snprintf(name, NAME, ".cnn-%016" PRIx64 ".tmp", random_number(save));
        save->fd = cnn__file_now()->open(save->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                                         save->replaces ? 0600 : 0666);
        if (save->fd >= 0 || errno != EEXIST) {
            break;
        }
    }
    if (save->fd < 0) {
        return fail_errno(save, "create a file beside it");
    }
    return save->replaces ? take_over(save) : CNN_OK;
}

cnn_status cnn__save_begin(cnn__save *save, cnn_context *ctx, const char *call, const char *path)
{
    *save =
        (cnn__save){ .ctx = ctx, .call = call, .path = path, .fd = -1, .folder = -1, .cancel = cnn__cancel_defer() };
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
        if (put == 0) { /* a device that accepts nothing would make this loop endless */
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

/* Some file systems cannot flush a folder and report EINVAL, which is ignored. */
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
    if (save->folder >= 0 && sync_fd(save->folder) != 0 && errno != EINVAL) {
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
    cnn__cancel_restore(save->cancel);
    return status;
}
