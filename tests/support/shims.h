/* What the tests use of POSIX and Windows has under other names. */
#ifndef CNN_TESTS_SUPPORT_SHIMS_H
#define CNN_TESTS_SUPPORT_SHIMS_H

#include "platform/target.h"

#if CNN__WIN32
#include <direct.h>
#include <io.h>
#include <stdlib.h>
#include <string.h>

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
#endif

#endif
