/* Where the decoders' bytes come from: a file, read piece by piece, or memory. */
#include "picture.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reads until the buffer is full or the file ends. */
static bool read_more(cnn__source *source)
{
    size_t have = 0;
    while (have < sizeof source->buffer) {
        ssize_t n = read(source->fd, source->buffer + have, sizeof source->buffer - have);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return cnn__image_note_errno(&source->failure, "cannot be read");
        }
        if (n == 0) {
            break;
        }
        have += (size_t)n;
    }
    source->next = source->buffer;
    source->left = have;
    source->passed += have;
    return true;
}

bool cnn__source_fill(cnn__source *source)
{
    if (source->fd >= 0 && !read_more(source)) {
        return false;
    }
    if (source->fd < 0) {
        source->left = 0;
    }
    return source->left > 0 || cnn__image_note(&source->failure, CNN_ERROR_FORMAT,
                                               "the file is truncated: it ends after %llu bytes, within the picture",
                                               (unsigned long long)source->passed);
}

bool cnn__source_open(cnn__source *source, const char *path)
{
    struct stat info;
    source->failure = (cnn__image_failure){ .status = CNN_OK };
    source->passed = 0;
    /* Opening a pipe without a writer would wait for one. */
    source->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (source->fd < 0) {
        return cnn__image_note_errno(&source->failure, "cannot be opened");
    }
    bool good = fstat(source->fd, &info) == 0 || cnn__image_note_errno(&source->failure, "cannot be examined");
    good = good && (S_ISREG(info.st_mode) ||
                    cnn__image_note(&source->failure, CNN_ERROR_IO, "is no regular file, expected one"));
    if (good && read_more(source)) {
        return true;
    }
    cnn__source_close(source);
    return false;
}

void cnn__source_open_memory(cnn__source *source, const void *bytes, size_t size)
{
    source->failure = (cnn__image_failure){ .status = CNN_OK };
    source->fd = -1;
    source->next = bytes;
    source->left = size;
    source->passed = size;
}

void cnn__source_close(cnn__source *source)
{
    if (source->fd >= 0) {
        close(source->fd);
        source->fd = -1;
    }
}
