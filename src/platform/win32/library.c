/* DLLs: LoadLibraryEx() and its like, with UTF-8 for paths. */
#include "platform/library.h"

#include "platform/target.h"

#if CNN__WIN32
#include "platform/win32/paths.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

/* What GetLastError() says, without the end of the line. */
static void explain(char *why, size_t why_size)
{
    DWORD error = GetLastError();
    wchar_t wide[256];
    DWORD length = FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL, error, 0, wide,
                                  sizeof wide / sizeof *wide, NULL);
    while (length > 0 && (wide[length - 1] == L'\n' || wide[length - 1] == L'\r' || wide[length - 1] == L' ')) {
        wide[--length] = L'\0';
    }
    if (length == 0 || WideCharToMultiByte(CP_UTF8, 0, wide, -1, why, (int)why_size, NULL, NULL) <= 0) {
        snprintf(why, why_size, "error %lu of the system", (unsigned long)error);
    }
}

/* A path that is whole lets the DLL's own folder be searched for what it needs, and never the current one. */
void *cnn__library_open(const char *path, char *why, size_t why_size)
{
    wchar_t wide[CNN__PATH_MAX], whole[CNN__PATH_MAX];
    if (cnn__fault_is(cnn__wide_path(path, wide, "open"))) {
        snprintf(why, why_size, "its path is too long or no UTF-8");
        return NULL;
    }
    DWORD length = GetFullPathNameW(wide, CNN__PATH_MAX, whole, NULL);
    HMODULE library = NULL;
    if (length > 0 && length < CNN__PATH_MAX) {
        library = LoadLibraryExW(whole, NULL, LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR | LOAD_LIBRARY_SEARCH_DEFAULT_DIRS);
    }
    if (!library) {
        explain(why, why_size);
    }
    return (void *)library;
}

void (*cnn__library_function(void *library, const char *name))(void)
{
    return (void (*)(void))GetProcAddress((HMODULE)library, name);
}

/* A program that has this library linked in is no folder of the library. */
bool cnn__library_folder(char *path, size_t size)
{
    static const wchar_t here[] = L"";
    HMODULE self = NULL;
    wchar_t wide[CNN__PATH_MAX];
    DWORD flags = GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT;
    if (!GetModuleHandleExW(flags, here, &self) || self == GetModuleHandleW(NULL)) {
        return false;
    }
    DWORD length = GetModuleFileNameW(self, wide, CNN__PATH_MAX);
    wchar_t *last = length > 0 && length < CNN__PATH_MAX ? wcsrchr(wide, L'\\') : NULL;
    if (!last) {
        return false;
    }
    *last = L'\0';
    return WideCharToMultiByte(CP_UTF8, WC_ERR_INVALID_CHARS, wide, -1, path, (int)size, NULL, NULL) > 0;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names that match, in UTF-8; the system gives them in an order of its own. Returns how many. */
static size_t names_in(const char *folder, const char *begin, const char *end, char ***names)
{
    char pattern[CNN__PATH_MAX], name[CNN__PATH_MAX];
    wchar_t wide[CNN__PATH_MAX];
    WIN32_FIND_DATAW found;
    size_t count = 0;
    *names = NULL;
    if (snprintf(pattern, sizeof pattern, "%s\\%s*%s", folder, begin, end) >= (int)sizeof pattern ||
        cnn__fault_is(cnn__wide_path(pattern, wide, "open"))) {
        return 0;
    }
    HANDLE search = FindFirstFileW(wide, &found);
    for (BOOL more = search != INVALID_HANDLE_VALUE; more; more = FindNextFileW(search, &found)) {
        if (WideCharToMultiByte(CP_UTF8, WC_ERR_INVALID_CHARS, found.cFileName, -1, name, sizeof name, NULL, NULL) <=
            0) {
            continue;
        }
        char **longer = realloc(*names, (count + 1) * sizeof **names);
        char *copy = longer ? _strdup(name) : NULL;
        *names = longer ? longer : *names;
        if (!copy) {
            break;
        }
        (*names)[count++] = copy;
    }
    if (search != INVALID_HANDLE_VALUE) {
        FindClose(search);
    }
    return count;
}

void cnn__folder_visit(const char *folder, const char *begin, const char *end,
                       void (*visit)(const char *path, void *user), void *user)
{
    char **names, path[CNN__PATH_MAX];
    size_t count = names_in(folder, begin, end, &names);
    if (count > 0) {
        qsort(names, count, sizeof *names, by_bytes);
    }
    for (size_t i = 0; i < count; i++) {
        if (snprintf(path, sizeof path, "%s\\%s", folder, names[i]) < (int)sizeof path) {
            visit(path, user);
        }
        free(names[i]);
    }
    free(names);
}
#endif
