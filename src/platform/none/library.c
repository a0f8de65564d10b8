/* No back ends are loaded on this platform; one that is linked into the program can be added. */
#include "platform/library.h"

#include <stdio.h>

void *cnn__library_open(const char *path, char *why, size_t why_size)
{
    (void)path;
    snprintf(why, why_size, "this platform loads no back ends");
    return NULL;
}

void (*cnn__library_function(void *library, const char *name))(void)
{
    (void)library;
    (void)name;
    return NULL;
}

bool cnn__library_folder(char *path, size_t size)
{
    (void)path;
    (void)size;
    return false;
}

void cnn__folder_visit(const char *folder, const char *begin, const char *end,
                       void (*visit)(const char *path, void *user), void *user)
{
    (void)folder;
    (void)begin;
    (void)end;
    (void)visit;
    (void)user;
}
