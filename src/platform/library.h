/* Shared objects that are loaded while the program runs, and the folders in which they are looked for. Where a system
 * has none of it nothing is found, and opening fails. */
#ifndef CNN_PLATFORM_LIBRARY_H
#define CNN_PLATFORM_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

/* Opens a shared object for good. NULL: `why` says it in one line. */
void *cnn__library_open(const char *path, char *why, size_t why_size);
/* The function of that name; NULL: there is none. */
void (*cnn__library_function(void *library, const char *name))(void);
/* Writes the folder that holds this library itself; false: unknown, as in a program that has it linked in. */
bool cnn__library_folder(char *path, size_t size);
/* Visits the names in a folder, in the order of their bytes, that begin and end like that. */
void cnn__folder_visit(const char *folder, const char *begin, const char *end,
                       void (*visit)(const char *path, void *user), void *user);
/* What separates folders in an environment variable. */
#if defined(_WIN32)
#define CNN__FOLDER_SEPARATOR ';'
#else
#define CNN__FOLDER_SEPARATOR ':'
#endif
/* How names of back ends begin and end. */
#if defined(_WIN32)
#define CNN__BACKEND_BEGIN "cnn-"
#define CNN__BACKEND_END ".dll"
#else
#define CNN__BACKEND_BEGIN "libcnn-"
#define CNN__BACKEND_END ".so"
#endif

#endif
