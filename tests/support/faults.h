/* System calls on files that fail on demand. */
#ifndef CNN_TESTS_SUPPORT_FAULTS_H
#define CNN_TESTS_SUPPORT_FAULTS_H

#include "platform/posix/file_calls.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

static struct {
    long calls;
    long fail_at; /* −1: none */
    int error;
    bool small;   /* reads and writes move one byte, and every other one is interrupted */
    const char *failed; /* the name of the call that failed */
} faults;

static inline bool fault(const char *name)
{
    if (faults.calls++ == faults.fail_at) {
        errno = faults.error;
        faults.failed = name;
        return true;
    }
    return false;
}

static inline int fault_open(const char *path, int flags, mode_t mode)
{
    return fault("open") ? -1 : cnn__file_system.open(path, flags, mode);
}
static inline int fault_fstat(int fd, struct stat *info)
{
    return fault("fstat") ? -1 : cnn__file_system.fstat(fd, info);
}
static inline int fault_stat(const char *path, struct stat *info)
{
    return fault("stat") ? -1 : cnn__file_system.stat(path, info);
}
static inline ssize_t fault_readlink(const char *path, char *target, size_t size)
{
    return fault("readlink") ? -1 : cnn__file_system.readlink(path, target, size);
}
static inline int fault_chown(int fd, uid_t owner, gid_t group)
{
    return fault("chown") ? -1 : cnn__file_system.chown(fd, owner, group);
}
static inline int fault_lstat(const char *path, struct stat *info)
{
    return fault("lstat") ? -1 : cnn__file_system.lstat(path, info);
}
static inline off_t fault_seek(int fd, off_t at, int whence)
{
    return fault("seek") ? -1 : cnn__file_system.seek(fd, at, whence);
}
static inline bool interrupted(void)
{
    static unsigned turn;
    if (faults.small && turn++ % 2 == 0) {
        errno = EINTR;
        return true;
    }
    return false;
}
static inline ssize_t fault_read(int fd, void *buffer, size_t size)
{
    if (interrupted() || fault("read")) {
        return -1;
    }
    return cnn__file_system.read(fd, buffer, faults.small && size > 1 ? 1 : size);
}
static inline ssize_t fault_write(int fd, const void *data, size_t size)
{
    if (interrupted() || fault("write")) {
        return -1;
    }
    return cnn__file_system.write(fd, data, faults.small && size > 1 ? 1 : size);
}
static inline int fault_chmod(int fd, mode_t mode)
{
    return fault("chmod") ? -1 : cnn__file_system.chmod(fd, mode);
}
static inline int fault_sync(int fd)
{
    return fault("sync") ? -1 : cnn__file_system.sync(fd);
}
static inline int fault_close(int fd)
{
    int result = cnn__file_system.close(fd);
    return fault("close") ? -1 : result;
}
static inline int fault_rename(const char *from, const char *to)
{
    return fault("rename") ? -1 : cnn__file_system.rename(from, to);
}
static inline int fault_unlink(const char *path)
{
    return cnn__file_system.unlink(path);
}

/* From now on call number `at` fails with `error`; −1: none does. */
static inline void faults_begin(long at, int error, bool small)
{
    static const cnn__file_calls calls = { .open = fault_open,
                                           .fstat = fault_fstat,
                                           .stat = fault_stat,
                                           .lstat = fault_lstat,
                                           .readlink = fault_readlink,
                                           .seek = fault_seek,
                                           .read = fault_read,
                                           .write = fault_write,
                                           .chown = fault_chown,
                                           .chmod = fault_chmod,
                                           .sync = fault_sync,
                                           .close = fault_close,
                                           .rename = fault_rename,
                                           .unlink = fault_unlink };
    faults.calls = 0;
    faults.fail_at = at;
    faults.error = error;
    faults.small = small;
    faults.failed = NULL;
    cnn__file_inject(&calls);
}

static inline void faults_end(void)
{
    cnn__file_inject(NULL);
}

#endif
