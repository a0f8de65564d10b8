/* What the tests use of POSIX and Windows has under other names. */
#ifndef CNN_TESTS_SUPPORT_SHIMS_H
#define CNN_TESTS_SUPPORT_SHIMS_H

#include "platform/target.h"

#if CNN__WIN32
#include "platform/win32/paths.h"

#include <direct.h>
#include <io.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Removes a file whose name is UTF-8. */
static inline int remove_file(const char *path)
{
    wchar_t wide[CNN__PATH_MAX];
    return cnn__fault_is(cnn__wide_path(path, wide, "remove")) ? -1 : _wremove(wide);
}

static inline void *memmem(const void *text, size_t size, const void *part, size_t length)
{
    for (size_t at = 0; at + length <= size; at++) {
        if (memcmp((const char *)text + at, part, length) == 0) {
            return (char *)(uintptr_t)text + at;
        }
    }
    return NULL;
}

static inline char *mkdtemp(char *name)
{
    return _mktemp(name) && _mkdir(name) == 0 ? name : NULL;
}

static inline char *strndup(const char *text, size_t size)
{
    size_t length = strnlen(text, size);
    char *copy = calloc(length + 1, 1);
    return copy ? memcpy(copy, text, length) : NULL;
}

static inline int setenv(const char *name, const char *value, int overwrite)
{
    (void)overwrite;
    return _putenv_s(name, value);
}

static inline int unsetenv(const char *name)
{
    return _putenv_s(name, "");
}
#else
#include <stdio.h>

static inline int remove_file(const char *path)
{
    return remove(path);
}
#endif

#endif
