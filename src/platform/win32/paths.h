/* Paths and errors of Windows in the library's terms. */
#ifndef CNN_PLATFORM_WIN32_PATHS_H
#define CNN_PLATFORM_WIN32_PATHS_H

#include "platform/file.h"

#include <wchar.h>

/* UTF-8 to UTF-16; CNN__FAULT_SYSTEM if it is no UTF-8, or too long. */
cnn__fault cnn__wide_path(const char *path, wchar_t wide[CNN__PATH_MAX], const char *doing);
/* What errno says. `naming`: the name may be what is wrong. */
cnn__fault cnn__errno_fault(const char *doing, bool naming);
/* What GetLastError() says, as the error number that the C library would give. */
cnn__fault cnn__last_error_fault(const char *doing);

#endif
