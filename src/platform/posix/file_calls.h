/* Every system call on a file goes through the table below, so that tests can make any of them fail. */
#ifndef CNN_PLATFORM_POSIX_FILE_CALLS_H
#define CNN_PLATFORM_POSIX_FILE_CALLS_H

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

/* fsync(), which on Apple's systems leaves bytes in the disk's own cache; not every file system can empty that. */
static inline int cnn__sync(int fd)
{
#ifdef F_FULLFSYNC
    if (fcntl(fd, F_FULLFSYNC) == 0) {
        return 0;
    }
#endif
    return fsync(fd);
}

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

#endif
