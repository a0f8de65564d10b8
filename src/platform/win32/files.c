/* Reading: platform/file.h on Windows, by the C library's calls of wide names, which leave error numbers. */
#include "platform/file.h"

#if CNN__WIN32
#include "platform/win32/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <io.h>
#include <sys/stat.h>
#include <windows.h>

enum { LARGEST_READ = 1 << 30 };

static const cnn__fault no_file_fault = { .kind = CNN__FAULT_NONE };

/* ---- paths and errors ---- */

cnn__fault cnn__wide_path(const char *path, wchar_t wide[CNN__PATH_MAX], const char *doing)
{
    if (MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, wide, CNN__PATH_MAX) > 0) {
        return no_file_fault;
    }
    bool longer = GetLastError() == ERROR_INSUFFICIENT_BUFFER;
    return (cnn__fault){ CNN__FAULT_SYSTEM, doing, longer ? ENAMETOOLONG : EILSEQ };
}

cnn__fault cnn__errno_fault(const char *doing, bool naming)
{
    bool missing = naming && (errno == ENOENT || errno == ENOTDIR);
    return (cnn__fault){ missing ? CNN__FAULT_MISSING : CNN__FAULT_SYSTEM, doing, errno };
}

cnn__fault cnn__last_error_fault(const char *doing)
{
    static const struct {
        DWORD error;
        int number;
    } known[] = {
        { ERROR_FILE_NOT_FOUND, ENOENT },
        { ERROR_PATH_NOT_FOUND, ENOENT },
        { ERROR_INVALID_NAME, ENOENT },
        { ERROR_BAD_NETPATH, ENOENT },
        { ERROR_ACCESS_DENIED, EACCES },
        { ERROR_SHARING_VIOLATION, EACCES },
        { ERROR_LOCK_VIOLATION, EACCES },
        { ERROR_WRITE_PROTECT, EROFS },
        { ERROR_DISK_FULL, ENOSPC },
        { ERROR_ALREADY_EXISTS, EEXIST },
        { ERROR_FILENAME_EXCED_RANGE, ENAMETOOLONG },
    };
    DWORD error = GetLastError();
    int number = EIO;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        number = known[i].error == error ? known[i].number : number;
    }
    return (cnn__fault){ number == ENOENT ? CNN__FAULT_MISSING : CNN__FAULT_SYSTEM, doing, number };
}

/* ---- reading ---- */

/* A name of a device, such as "CON", names it in every folder. */
static bool is_regular(int fd, const struct _stat64 *info)
{
    return (info->st_mode & _S_IFMT) == _S_IFREG && GetFileType((HANDLE)_get_osfhandle(fd)) == FILE_TYPE_DISK;
}

cnn__fault cnn__system_open(const char *path, int *fd, uint64_t *size)
{
    wchar_t wide[CNN__PATH_MAX];
    struct _stat64 info;
    cnn__fault fault = cnn__wide_path(path, wide, "open");
    if (cnn__fault_is(fault)) {
        return fault;
    }
    if (_wstat64(wide, &info) != 0) {
        return cnn__errno_fault("open", true);
    }
    if ((info.st_mode & _S_IFMT) != _S_IFREG) {
        return (cnn__fault){ .kind = CNN__FAULT_IRREGULAR };
    }
    *fd = _wopen(wide, _O_RDONLY | _O_BINARY | _O_NOINHERIT);
    if (*fd < 0) {
        return cnn__errno_fault("open", true);
    }
    fault = _fstat64(*fd, &info) != 0
                ? cnn__errno_fault("stat", false)
                : (cnn__fault){ is_regular(*fd, &info) ? CNN__FAULT_NONE : CNN__FAULT_IRREGULAR, NULL, 0 };
    if (cnn__fault_is(fault)) {
        _close(*fd);
        return fault;
    }
    *size = (uint64_t)info.st_size;
    return fault;
}

cnn__fault cnn__system_look(const char *path)
{
    wchar_t wide[CNN__PATH_MAX];
    cnn__fault fault = cnn__wide_path(path, wide, "stat");
    if (!cnn__fault_is(fault) && GetFileAttributesW(wide) == INVALID_FILE_ATTRIBUTES) {
        fault = cnn__last_error_fault("stat");
    }
    return fault;
}

cnn__fault cnn__system_read(int fd, void *buffer, size_t size, size_t *got)
{
    int count = _read(fd, buffer, size < LARGEST_READ ? (unsigned)size : LARGEST_READ);
    *got = count < 0 ? 0 : (size_t)count;
    return count < 0 ? cnn__errno_fault("read", false) : no_file_fault;
}

cnn__fault cnn__system_seek(int fd, uint64_t at)
{
    return _lseeki64(fd, (int64_t)at, SEEK_SET) < 0 ? cnn__errno_fault("seek", false) : no_file_fault;
}

void cnn__system_close(int fd)
{
    _close(fd);
}
#endif
