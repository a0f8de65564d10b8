/* The table of system calls, and reading: platform/file.h on POSIX. */
#include "platform/file.h"

#if CNN__POSIX
#include "platform/posix/file_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

enum { LARGEST_READ = 1 << 30 }; /* Linux transfers at most 2 GiB − 4 KiB per call */

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
    .sync = cnn__sync,
    .close = close,
    .rename = rename,
    .unlink = unlink,
};

static _Atomic(const cnn__file_calls *) injected_calls;

void cnn__file_inject(const cnn__file_calls *calls)
{
    atomic_store(&injected_calls, calls);
}

const cnn__file_calls *cnn__file_now(void)
{
    const cnn__file_calls *calls = atomic_load(&injected_calls);
    return calls ? calls : &cnn__file_system;
}

static cnn__fault reading_fault(const char *doing)
{
    return (cnn__fault){ CNN__FAULT_SYSTEM, doing, errno };
}

/* The same, where the name may be what is wrong. */
static cnn__fault naming_fault(const char *doing)
{
    bool missing = errno == ENOENT || errno == ENOTDIR;
    return (cnn__fault){ missing ? CNN__FAULT_MISSING : CNN__FAULT_SYSTEM, doing, errno };
}

static cnn__fault irregular_unless(bool regular)
{
    return (cnn__fault){ regular ? CNN__FAULT_NONE : CNN__FAULT_IRREGULAR, "open", 0 };
}

/* Opening a FIFO or a device has effects on its other end, so the kind of the file is checked first. */
static cnn__fault check_kind(const char *path)
{
    struct stat info;
    return cnn__file_now()->stat(path, &info) != 0 ? naming_fault("open") : irregular_unless(S_ISREG(info.st_mode));
}

/* The file may have been replaced since its kind was checked; O_NONBLOCK keeps a FIFO in its place from blocking. */
cnn__fault cnn__system_open(const char *path, int *fd, uint64_t *size)
{
    cnn__fault fault = check_kind(path);
    if (cnn__fault_is(fault)) {
        return fault;
    }
    do {
        *fd = cnn__file_now()->open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0);
    } while (*fd < 0 && errno == EINTR);
    if (*fd < 0) {
        return naming_fault("open");
    }
    struct stat info;
    fault = cnn__file_now()->fstat(*fd, &info) != 0 ? reading_fault("stat") : irregular_unless(S_ISREG(info.st_mode));
    if (cnn__fault_is(fault)) {
        cnn__file_now()->close(*fd);
        return fault;
    }
    *size = (uint64_t)info.st_size;
    return fault;
}

cnn__fault cnn__system_look(const char *path)
{
    struct stat info;
    return cnn__file_now()->lstat(path, &info) != 0 ? naming_fault("stat") : (cnn__fault){ .kind = CNN__FAULT_NONE };
}

cnn__fault cnn__system_read(int fd, void *buffer, size_t size, size_t *got)
{
    ssize_t count;
    do {
        count = cnn__file_now()->read(fd, buffer, size < LARGEST_READ ? size : LARGEST_READ);
    } while (count < 0 && errno == EINTR);
    *got = count < 0 ? 0 : (size_t)count;
    return count < 0 ? reading_fault("read") : (cnn__fault){ .kind = CNN__FAULT_NONE };
}

cnn__fault cnn__system_seek(int fd, uint64_t at)
{
    return cnn__file_now()->seek(fd, (off_t)at, SEEK_SET) < 0 ? reading_fault("seek")
                                                              : (cnn__fault){ .kind = CNN__FAULT_NONE };
}

/* A failure to close a file that was only read is ignored, because no data can be lost. */
void cnn__system_close(int fd)
{
    cnn__file_now()->close(fd);
}
#endif
