/* Replacing a file on Windows: the new file is flushed, then takes the old one's name in one step (MoveFileExW), which
 * is on the disk when the call returns (MOVEFILE_WRITE_THROUGH). The new file has the rights that its folder gives. */
#define _CRT_RAND_S
#include "platform/file.h"

#if CNN__WIN32
#include "platform/win32/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <io.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <windows.h>

enum { LARGEST_WRITE = 1 << 30, NAME_ATTEMPTS = 64, TEMPORARY_NAME = 32 };

static const cnn__fault no_fault = { .kind = CNN__FAULT_NONE };

/* ---- the target ---- */

static size_t folder_part(const char *path)
{
    size_t length = strlen(path);
    while (length > 0 && !strchr("/\\:", path[length - 1])) {
        length--;
    }
    return length;
}

/* Puts the name of what is open in the end, which no link leads on from, into the target. */
static cnn__fault name_of(HANDLE handle, cnn__replacement *r)
{
    wchar_t wide[CNN__PATH_MAX];
    DWORD length = GetFinalPathNameByHandleW(handle, wide, CNN__PATH_MAX, FILE_NAME_NORMALIZED);
    if (length == 0 || length >= CNN__PATH_MAX ||
        WideCharToMultiByte(CP_UTF8, 0, wide, -1, r->target, sizeof r->target, NULL, NULL) == 0) {
        return cnn__last_error_fault("readlink");
    }
    return no_fault;
}

/* A file that is not there yet is its own target; what is there must be a regular file, and a link is followed. */
static cnn__fault find_target(cnn__replacement *r, const char *path)
{
    wchar_t wide[CNN__PATH_MAX];
    cnn__fault fault = cnn__wide_path(path, wide, "stat");
    if (cnn__fault_is(fault)) {
        return fault;
    }
    size_t size = strlen(path) + 1;
    if (size == 1 || size > sizeof r->target) {
        return (cnn__fault){ CNN__FAULT_SYSTEM, "stat", size == 1 ? ENOENT : ENAMETOOLONG };
    }
    memcpy(r->target, path, size);
    DWORD attributes = GetFileAttributesW(wide);
    if (attributes == INVALID_FILE_ATTRIBUTES) {
        fault = cnn__last_error_fault("stat");
        return fault.kind == CNN__FAULT_MISSING ? no_fault : fault;
    }
    HANDLE handle = CreateFileW(wide, 0, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, OPEN_EXISTING,
                                FILE_FLAG_BACKUP_SEMANTICS, NULL);
    if (handle == INVALID_HANDLE_VALUE) {
        return cnn__last_error_fault("stat");
    }
    BY_HANDLE_FILE_INFORMATION info;
    bool regular = GetFileType(handle) == FILE_TYPE_DISK && GetFileInformationByHandle(handle, &info) &&
                   !(info.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY);
    if (!regular) {
        fault.kind = CNN__FAULT_IRREGULAR;
    } else if (attributes & FILE_ATTRIBUTE_REPARSE_POINT) {
        fault = name_of(handle, r);
    }
    CloseHandle(handle);
    return fault;
}

/* ---- the temporary file ---- */

static uint64_t unpredictable_number(void)
{
    unsigned high = 0, low = 0;
    rand_s(&high);
    rand_s(&low);
    return (uint64_t)high << 32 | low;
}

static cnn__fault create_temporary(cnn__replacement *r)
{
    wchar_t wide[CNN__PATH_MAX];
    size_t folder = folder_part(r->target);
    memcpy(r->temporary, r->target, folder);
    for (int i = 0; i < NAME_ATTEMPTS; i++) {
        snprintf(r->temporary + folder, TEMPORARY_NAME, ".cnn-%016" PRIx64 ".tmp", unpredictable_number());
        cnn__fault fault = cnn__wide_path(r->temporary, wide, "create a file beside it");
        if (cnn__fault_is(fault)) {
            return fault;
        }
        r->fd = _wopen(wide, _O_WRONLY | _O_CREAT | _O_EXCL | _O_BINARY | _O_NOINHERIT, _S_IREAD | _S_IWRITE);
        if (r->fd >= 0 || errno != EEXIST) {
            break;
        }
    }
    return r->fd >= 0 ? no_fault : cnn__errno_fault("create a file beside it", false);
}

static void remove_temporary(const cnn__replacement *r)
{
    wchar_t wide[CNN__PATH_MAX];
    if (!cnn__fault_is(cnn__wide_path(r->temporary, wide, "unlink"))) {
        _wunlink(wide);
    }
}

cnn__fault cnn__replace_begin(cnn__replacement *r, const char *path)
{
    r->fd = r->folder = -1;
    cnn__fault fault = find_target(r, path);
    return cnn__fault_is(fault) ? fault : create_temporary(r);
}

/* ---- writing, and the end ---- */

cnn__fault cnn__replace_write(cnn__replacement *r, const void *data, size_t size)
{
    const char *from = data;
    while (size > 0) {
        int put = _write(r->fd, from, size < LARGEST_WRITE ? (unsigned)size : LARGEST_WRITE);
        if (put <= 0) {
            return put < 0 ? cnn__errno_fault("write", false) : (cnn__fault){ CNN__FAULT_SYSTEM, "write", ENOSPC };
        }
        from += put;
        size -= (size_t)put;
    }
    return no_fault;
}

static cnn__fault move_to_target(const cnn__replacement *r)
{
    wchar_t from[CNN__PATH_MAX], to[CNN__PATH_MAX];
    cnn__fault fault = cnn__wide_path(r->temporary, from, "rename");
    if (!cnn__fault_is(fault)) {
        fault = cnn__wide_path(r->target, to, "rename");
    }
    if (!cnn__fault_is(fault) && !MoveFileExW(from, to, MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH)) {
        fault = cnn__last_error_fault("rename");
    }
    return fault;
}

cnn__fault cnn__replace_commit(cnn__replacement *r)
{
    if (_commit(r->fd) != 0) {
        cnn__fault fault = cnn__errno_fault("fsync", false);
        cnn__replace_abandon(r);
        return fault;
    }
    int fd = r->fd;
    r->fd = -1;
    cnn__fault fault = _close(fd) != 0 ? cnn__errno_fault("close", false) : move_to_target(r);
    if (cnn__fault_is(fault)) {
        remove_temporary(r);
    }
    return fault;
}

void cnn__replace_abandon(cnn__replacement *r)
{
    if (r->fd >= 0) {
        _close(r->fd);
        r->fd = -1;
        remove_temporary(r);
    }
}
#endif
