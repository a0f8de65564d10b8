/* Reading files. Names in a model come from strangers: they cannot lead out of its folder, and nothing but a regular
 * file is opened. */
#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LONGEST_NAME = 4096 };

static bool fail_errno(cnn__onnx_file_bytes *file, const char *what)
{
    int error = errno;
    const char *said = strerror(error);
    cnn_status status = error == ENOENT || error == ENOTDIR ? CNN_ERROR_NOT_FOUND
                        : error == ENOMEM                   ? CNN_ERROR_NO_MEMORY
                                                            : CNN_ERROR_IO;
    return cnn__onnx_wire_fail(file, status, NULL, "%s: %s", what, said);
}

/* The size of an open file, which must be a regular one; -1, reported. */
static int64_t size_of(cnn__onnx_file_bytes *file, int fd, const char *what)
{
    struct stat info;
    if (fstat(fd, &info) != 0) {
        fail_errno(file, what);
        return -1;
    }
    if (!S_ISREG(info.st_mode)) {
        cnn__onnx_wire_fail(file, CNN_ERROR_IO, NULL, "%s: no regular file, expected one", what);
        return -1;
    }
    return info.st_size;
}

static bool read_all(cnn__onnx_file_bytes *file, int fd, const char *what, int64_t offset, int64_t size, void *to)
{
    for (int64_t done = 0; done < size;) {
        ssize_t n = pread(fd, (char *)to + done, (size_t)(size - done), (off_t)(offset + done));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return fail_errno(file, what);
        }
        if (n == 0) {
            return cnn__onnx_wire_fail(file, CNN_ERROR_FORMAT, NULL,
                                       "%s: the file ends after %lld bytes, expected %lld", what,
                                       (long long)(offset + done), (long long)(offset + size));
        }
        done += n;
    }
    return true;
}

/* Files that are taken for models by mistake; an ONNX file has no first bytes of its own. */
static bool check_kind(cnn__onnx_file_bytes *file, const unsigned char *bytes, int64_t size)
{
    const char *kind = size >= 4 && memcmp(bytes, "PK\3\4", 4) == 0      ? "a zip archive, such as torch.save() writes"
                       : size >= 6 && memcmp(bytes, "\x93NUMPY", 6) == 0 ? "an array of NumPy's"
                       : size >= 9 && bytes[7] == 0 && bytes[8] == '{'   ? "a safetensors file"
                                                                         : NULL;
    return !kind || cnn__onnx_wire_fail(file, CNN_ERROR_FORMAT, NULL, "it is %s, expected an ONNX model", kind);
}

/* ---- memory ---- */

static cnn__onnx_memory *memory_new(size_t size, size_t before, int fd, int64_t offset)
{
    cnn__onnx_memory *memory = malloc(sizeof *memory);
    size_t all = before + (size ? size : 1);
    void *pages =
        memory ? mmap(NULL, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | (fd < 0 ? MAP_ANONYMOUS : 0), fd, (off_t)offset)
               : MAP_FAILED;
    if (pages == MAP_FAILED) {
        free(memory);
        return NULL;
    }
    *memory =
        (cnn__onnx_memory){ .at = (unsigned char *)pages + before, .size = size, .pages = pages, .page_bytes = all };
    atomic_init(&memory->users, 1);
    return memory;
}

void cnn__onnx_memory_release(cnn__onnx_memory *memory)
{
    if (memory && atomic_fetch_sub(&memory->users, 1) == 1) {
        munmap(memory->pages, memory->page_bytes);
        free(memory);
    }
}

void cnn__onnx_memory_drop(const void *from, const void *to)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), first = ((uintptr_t)from + page - 1) & ~(page - 1),
              end = (uintptr_t)to & ~(page - 1);
    if (end > first) {
        madvise((void *)first, end - first, MADV_DONTNEED);
    }
}

/* ---- the model ---- */

/* Reads or maps a file that is open. An empty one cannot be mapped. */
static cnn__onnx_memory *read_open(cnn__onnx_file_bytes *file, int fd, bool map)
{
    int64_t size = size_of(file, fd, "cannot be read");
    if (size < 0) {
        return NULL;
    }
    map = map && size > 0;
    cnn__onnx_memory *memory = (uint64_t)size < SIZE_MAX ? memory_new((size_t)size, 0, map ? fd : -1, 0) : NULL;
    if (!memory) {
        cnn__onnx_wire_fail(file, CNN_ERROR_NO_MEMORY, NULL, "no memory for %lld bytes", (long long)size);
    } else if ((!map && !read_all(file, fd, "cannot be read", 0, size, memory->at)) ||
               !check_kind(file, memory->at, size)) {
        cnn__onnx_memory_release(memory);
        memory = NULL;
    }
    return memory;
}

cnn__onnx_memory *cnn__onnx_source_read(cnn__onnx_file_bytes *file, bool map)
{
    int fd =
        open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* opening a pipe without a writer would wait for one */
    if (fd < 0) {
        fail_errno(file, "cannot be opened");
        return NULL;
    }
    cnn__onnx_memory *memory = read_open(file, fd, map);
    close(fd);
    if (memory) {
        file->bytes = memory->at;
        file->size = memory->size;
    }
    return memory;
}

/* ---- files beside it ---- */

/* Opens the model's folder, then each part of the name within the one before it, no link among them. */
static int open_beside(cnn__onnx_file_bytes *file, char *name)
{
    char folder[LONGEST_NAME];
    const char *slash = strrchr(file->path, '/');
    size_t length = slash ? (size_t)(slash - file->path) + 1 : 0;
    if (length >= sizeof folder) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(folder, file->path, length);
    memcpy(folder + length, ".", 2);
    int at = open(folder, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
    for (char *part = name, *next; at >= 0 && part; part = next) {
        next = strchr(part, '/');
        if (next) {
            *next++ = '\0';
        }
        int below = openat(at, part, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | (next ? O_DIRECTORY : O_NONBLOCK));
        int error = errno;
        close(at);
        errno = error;
        at = below;
    }
    return at;
}

static bool check_name(cnn__onnx_file_bytes *file, cnn__onnx_text location, char *name)
{
    bool good = location.size > 0 && location.size < LONGEST_NAME && !memchr(location.at, '\0', location.size) &&
                location.at[0] != '/';
    if (good) {
        memcpy(name, location.at, location.size);
        name[location.size] = '\0';
        while (name[0] == '.' && name[1] == '/') {
            memmove(name, name + 2, strlen(name + 2) + 1);
        }
    }
    for (const char *part = good ? name : NULL; part; part = strchr(part, '/')) {
        part += *part == '/';
        size_t length = strcspn(part, "/");
        good = good && length > 0 && !(length == 2 && memcmp(part, "..", 2) == 0);
    }
    return good || cnn__onnx_wire_fail(file, CNN_ERROR_FORMAT, NULL,
                                       "external data is in \"%.*s\", expected a file in the folder of the model",
                                       CNN__TEXT(location));
}

bool cnn__onnx_beside_open(cnn__onnx_file_bytes *file, cnn__onnx_text location, int64_t offset, int64_t size,
                           cnn__onnx_beside *part)
{
    char name[LONGEST_NAME];
    *part = (cnn__onnx_beside){ .file = file, .fd = -1, .offset = offset, .size = size };
    if (!check_name(file, location, name)) {
        return false;
    }
    snprintf(part->what, sizeof part->what, "external data \"%.*s\"", CNN__TEXT(location));
    part->fd = open_beside(file, name);
    if (part->fd < 0) {
        return errno == ELOOP ? cnn__onnx_wire_fail(file, CNN_ERROR_FORMAT, NULL,
                                                    "%s: a symbolic link, expected a file", part->what)
                              : fail_errno(file, part->what);
    }
    int64_t bytes = size_of(file, part->fd, part->what);
    bool good = bytes >= 0;
    if (good && (offset > bytes || size > bytes - offset)) {
        good = cnn__onnx_wire_fail(file, CNN_ERROR_FORMAT, NULL, "%s has %lld bytes, expected %lld from byte %lld on",
                                   part->what, (long long)bytes, (long long)size, (long long)offset);
    }
    if (!good) {
        cnn__onnx_beside_close(part);
    }
    return good;
}

bool cnn__onnx_beside_read(const cnn__onnx_beside *part, int64_t at, int64_t size, void *to)
{
    return read_all(part->file, part->fd, part->what, part->offset + at, size, to);
}

cnn__onnx_memory *cnn__onnx_beside_map(const cnn__onnx_beside *part)
{
    int64_t before = part->offset % sysconf(_SC_PAGESIZE);
    return memory_new((size_t)part->size, (size_t)before, part->fd, part->offset - before);
}

void cnn__onnx_beside_close(const cnn__onnx_beside *part)
{
    close(part->fd);
}
