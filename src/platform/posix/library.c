/* dlopen() and its like; dladdr() says where this library is. */
#include "platform/library.h"

#include "platform/target.h"

#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *cnn__library_open(const char *path, char *why, size_t why_size)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        const char *reason = dlerror();
        snprintf(why, why_size, "%s", reason ? reason : "unknown reason");
    }
    return library;
}

void (*cnn__library_function(void *library, const char *name))(void)
{
    void *symbol = dlsym(library, name);
    void (*function)(void) = NULL;
    memcpy(&function, &symbol, sizeof symbol < sizeof function ? sizeof symbol : sizeof function);
    return function;
}

bool cnn__library_folder(char *path, size_t size)
{
    Dl_info info;
    void *(*self)(const char *, char *, size_t) = cnn__library_open;
    void *address;
    memcpy(&address, &self, sizeof address);
#ifdef __APPLE__
    static const char ending[] = ".dylib";
#else
    static const char ending[] = ".so";
#endif
    const char *slash = dladdr(address, &info) && info.dli_fname && strstr(info.dli_fname, ending)
                            ? strrchr(info.dli_fname, '/')
                            : NULL;
    if (!slash || (size_t)(slash - info.dli_fname) >= size) {
        return false;
    }
    memcpy(path, info.dli_fname, (size_t)(slash - info.dli_fname));
    path[slash - info.dli_fname] = '\0';
    return path[0] == '/';
}

static bool fits(const char *name, const char *begin, const char *end)
{
    size_t length = strlen(name), begins = strlen(begin), ends = strlen(end);
    return length > begins + ends && strncmp(name, begin, begins) == 0 && strcmp(name + length - ends, end) == 0;
}

void cnn__folder_visit(const char *folder, const char *begin, const char *end,
                       void (*visit)(const char *path, void *user), void *user)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        char path[4096];
        if (fits(entries[i]->d_name, begin, end) &&
            snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name) < (int)sizeof path) {
            visit(path, user);
        }
        free(entries[i]);
    }
    if (count >= 0) {
        free(entries);
    }
}
