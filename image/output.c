/* Where encoded bytes go: a temporary file beside the one that is asked for, which it replaces when it is complete. */
#include "picture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SUFFIX = 48, ATTEMPTS = 100 };

/* No other process has this one's number, no other thread the counter's; what a dead process left is stepped over. */
bool cnn__output_open(cnn__output *output, const char *path)
{
    static atomic_ulong counter;
    size_t size = strlen(path) + SUFFIX;
    output->failure = (cnn__image_failure){ .status = CNN_OK };
    output->used = 0;
    output->path = path;
    output->temporary = malloc(size);
    if (!output->temporary) {
        return cnn__image_note_memory(&output->failure, size);
    }
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        snprintf(output->temporary, size, "%s.%ld-%lu.tmp", path, (long)getpid(), atomic_fetch_add(&counter, 1));
        output->fd = open(output->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (output->fd >= 0 || errno != EEXIST) {
            break;
        }
    }
    if (output->fd >= 0) {
        return true;
    }
    cnn__image_note_errno(&output->failure, "a file beside it cannot be made");
    free(output->temporary);
    return false;
}

static bool flush(cnn__output *output)
{
    size_t done = 0;
    while (done < output->used) {
        ssize_t n = write(output->fd, output->buffer + done, output->used - done);
        if (n < 0 && errno != EINTR) {
            return cnn__image_note_errno(&output->failure, "cannot be written");
        }
        done += n > 0 ? (size_t)n : 0;
    }
    output->used = 0;
    return true;
}

bool cnn__output_write(cnn__output *output, const unsigned char *bytes, size_t size)
{
    while (size > 0) {
        size_t room = sizeof output->buffer - output->used, n = size < room ? size : room;
        memcpy(output->buffer + output->used, bytes, n);
        output->used += n;
        bytes += n;
        size -= n;
        if (output->used == sizeof output->buffer && !flush(output)) {
            return false;
        }
    }
    return true;
}

bool cnn__output_close(cnn__output *output, bool complete)
{
    bool good = complete && flush(output);
    if (close(output->fd) != 0 && good) {
        good = cnn__image_note_errno(&output->failure, "cannot be written");
    }
    if (good && rename(output->temporary, output->path) != 0) {
        good = cnn__image_note_errno(&output->failure, "cannot be replaced");
    }
    if (!good) {
        unlink(output->temporary);
    }
    free(output->temporary);
    return good;
}
