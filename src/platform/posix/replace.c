/* Replaces a file atomically: at any moment, also after a crash, the old file or the new one is there as a whole.
 *
 * The order of the steps guarantees this: the bytes of the new file reach the disk (fsync) before the rename does,
 * and the rename reaches the disk (fsync of the folder) before success is reported. Until the new file has its final
 * owner, only the process that writes it has access to it. */
#include "platform/file.h"

#if CNN__POSIX
#include "platform/posix/file_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

enum { LARGEST_WRITE = 1 << 30, NAME_ATTEMPTS = 64, TEMPORARY_NAME = 32, MAX_LINKS = 40 /* as Linux has it */ };

/* Who owns the file that is replaced, and who may do what with it. */
typedef struct rights {
    bool replaces; /* there is such a file */
    uid_t owner;
    gid_t group;
    mode_t mode;
} rights;

static const cnn__fault no_fault = { .kind = CNN__FAULT_NONE };

static cnn__fault fault_of(const char *doing, int error)
{
    return (cnn__fault){ CNN__FAULT_SYSTEM, doing, error };
}

static cnn__fault fault_now(const char *doing)
{
    return fault_of(doing, errno);
}

static cnn__fault regular_or_not(mode_t mode)
{
    return (cnn__fault){ .kind = S_ISREG(mode) ? CNN__FAULT_NONE : CNN__FAULT_IRREGULAR };
}

/* ---- the target ---- */

static size_t folder_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
}

/* Replaces `path`, a symbolic link, by its target; a relative target is relative to the folder of the link. */
static cnn__fault follow_link(char path[CNN__PATH_MAX])
{
    char name[CNN__PATH_MAX];
    ssize_t got = cnn__file_now()->readlink(path, name, sizeof name);
    if (got < 0) {
        return fault_now("readlink");
    }
    size_t length = (size_t)got, folder = got > 0 && name[0] == '/' ? 0 : folder_part(path);
    if (length >= CNN__PATH_MAX - folder) {
        return fault_of("readlink", ENAMETOOLONG);
    }
    memcpy(path + folder, name, length);
    path[folder + length] = '\0';
    return no_fault;
}

/* Follows links to their end, which is a regular file or does not exist yet. `exists` says that the system has found
 * a regular file behind the path. A link in /proc may lead to a file that no path names any more, which cannot be
 * replaced. */
static cnn__fault follow_links(char path[CNN__PATH_MAX], bool exists, rights *of)
{
    for (int links = 0; links <= MAX_LINKS; links++) {
        struct stat info;
        if (cnn__file_now()->lstat(path, &info) != 0) {
            return errno == ENOENT && !exists ? no_fault : fault_now("stat");
        }
        if (!S_ISLNK(info.st_mode)) {
            *of = (rights){ true, info.st_uid, info.st_gid, info.st_mode };
            return regular_or_not(info.st_mode);
        }
        cnn__fault fault = follow_link(path);
        if (cnn__fault_is(fault)) {
            return fault;
        }
    }
    return fault_of("stat", ELOOP);
}

/* The system is asked first what the path leads to: it knows the pipe behind /proc/self/fd/1, detects loops, and
 * protects links in sticky folders. A rename onto a device would replace the device. */
static cnn__fault find_target(cnn__replacement *r, const char *path, rights *of)
{
    struct stat info;
    size_t length = strlen(path);
    bool exists = cnn__file_now()->stat(path, &info) == 0;
    if (!exists && (errno != ENOENT || length == 0)) {
        return fault_now("stat");
    }
    if (exists && !S_ISREG(info.st_mode)) {
        return regular_or_not(info.st_mode);
    }
    if (length >= sizeof r->target) {
        return fault_of("stat", ENAMETOOLONG);
    }
    memcpy(r->target, path, length + 1);
    return follow_links(r->target, exists, of);
}

/* A folder that may be written but not read cannot be flushed; the rename then reaches the disk at a time that the
 * system chooses. */
static cnn__fault open_folder(cnn__replacement *r)
{
    size_t length = folder_part(r->target);
    memcpy(r->temporary, r->target, length);
    memcpy(r->temporary + length, ".", sizeof ".");
    r->folder = cnn__file_now()->open(r->temporary, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    return r->folder >= 0 || errno == EACCES ? no_fault : fault_now("open its folder");
}

/* ---- the temporary file ---- */

/* An unpredictable number, so that nobody can plant a file or a link under the name that is made from it. Early in
 * the system's start there may be no random numbers; then the number is only unique, and O_EXCL refuses a planted
 * file. */
static uint64_t unpredictable_number(const void *salt)
{
    uint64_t number;
#ifdef __linux__
    bool drawn = getrandom(&number, sizeof number, GRND_NONBLOCK) == (ssize_t)sizeof number;
#else
    bool drawn = getentropy(&number, sizeof number) == 0;
#endif
    if (!drawn) {
        struct timespec now = { 0 };
        clock_gettime(CLOCK_REALTIME, &now);
        number = (uint64_t)now.tv_sec * 1000000007u + (uint64_t)now.tv_nsec;
        number ^= (uint64_t)getpid() << 40 ^ (uint64_t)(uintptr_t)salt;
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
static cnn__fault take_over(int fd, const rights *old)
{
    const cnn__file_calls *calls = cnn__file_now();
    struct stat made;
    mode_t mode = old->mode & 01777;
    if (calls->fstat(fd, &made) != 0) {
        return fault_now("stat");
    }
    if (made.st_uid != old->owner || made.st_gid != old->group) {
        bool kept = calls->chown(fd, old->owner, old->group) == 0;
        if (!kept && not_allowed(errno)) {
            kept = made.st_gid == old->group || calls->chown(fd, (uid_t)-1, old->group) == 0;
        }
        if (!kept && !not_allowed(errno)) {
            return fault_now("chown");
        }
        if (!kept) {
            mode_t both = (mode_t)(mode >> 3 & mode & 07);
            mode = (mode_t)((mode & ~(mode_t)077) | both << 3 | both);
        }
    }
    return calls->chmod(fd, mode) == 0 ? no_fault : fault_now("chmod");
}

/* A new file's mode is 0666 under the process's umask, or follows from the folder's default ACL. A file that
 * replaces another one is accessible only to the writer at first. */
static cnn__fault create_temporary(cnn__replacement *r, const rights *old)
{
    char *name = r->temporary + folder_part(r->target);
    for (int i = 0; i < NAME_ATTEMPTS; i++) {
        snprintf(name, TEMPORARY_NAME, ".cnn-%016" PRIx64 ".tmp", unpredictable_number(r));
        r->fd = cnn__file_now()->open(r->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                                      old->replaces ? 0600 : 0666);
        if (r->fd >= 0 || errno != EEXIST) {
            break;
        }
    }
    if (r->fd < 0) {
        return fault_now("create a file beside it");
    }
    return old->replaces ? take_over(r->fd, old) : no_fault;
}

cnn__fault cnn__replace_begin(cnn__replacement *r, const char *path)
{
    rights old = { .replaces = false };
    r->fd = r->folder = -1;
    cnn__fault fault = find_target(r, path, &old);
    if (!cnn__fault_is(fault)) {
        fault = open_folder(r);
    }
    if (!cnn__fault_is(fault)) {
        fault = create_temporary(r, &old);
    }
    if (cnn__fault_is(fault)) {
        cnn__replace_abandon(r);
    }
    return fault;
}

/* ---- writing, and the end ---- */

cnn__fault cnn__replace_write(cnn__replacement *r, const void *data, size_t size)
{
    const char *from = data;
    while (size > 0) {
        ssize_t put = cnn__file_now()->write(r->fd, from, size < LARGEST_WRITE ? size : LARGEST_WRITE);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) { /* a device that accepts nothing would make this loop endless */
            return fault_of("write", put < 0 ? errno : ENOSPC);
        }
        from += put;
        size -= (size_t)put;
    }
    return no_fault;
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
static cnn__fault flush_and_rename(cnn__replacement *r)
{
    const cnn__file_calls *calls = cnn__file_now();
    if (sync_fd(r->fd) != 0) {
        return fault_now("fsync");
    }
    int fd = r->fd;
    r->fd = -1;
    if (calls->close(fd) != 0) {
        cnn__fault fault = fault_now("close");
        calls->unlink(r->temporary);
        return fault;
    }
    if (calls->rename(r->temporary, r->target) != 0) {
        cnn__fault fault = fault_now("rename");
        calls->unlink(r->temporary);
        return fault;
    }
    return r->folder >= 0 && sync_fd(r->folder) != 0 && errno != EINVAL ? fault_now("fsync of its folder") : no_fault;
}

cnn__fault cnn__replace_commit(cnn__replacement *r)
{
    cnn__fault fault = flush_and_rename(r);
    cnn__replace_abandon(r);
    return fault;
}

void cnn__replace_abandon(cnn__replacement *r)
{
    if (r->fd >= 0) {
        cnn__file_now()->close(r->fd);
        cnn__file_now()->unlink(r->temporary);
    }
    if (r->folder >= 0) {
        cnn__file_now()->close(r->folder);
    }
}
#endif
