/* Messages and options: the parts of libcnn's own conventions that its public API does not offer. */
#include "picture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { MESSAGE = 512, NAME = 160, LARGEST_STRUCT = 4096 };

bool cnn__image_note(cnn__image_failure *failure, cnn_status status, const char *format, ...)
{
    if (failure->status == CNN_OK) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(failure->text, sizeof failure->text, format, arguments);
        va_end(arguments);
        failure->status = status;
    }
    return false;
}

bool cnn__image_note_errno(cnn__image_failure *failure, const char *what)
{
    int error = errno;
    const char *said = strerror(error);
    cnn_status status = error == ENOENT || error == ENOTDIR ? CNN_ERROR_NOT_FOUND
                        : error == ENOMEM                   ? CNN_ERROR_NO_MEMORY
                                                            : CNN_ERROR_IO;
    return cnn__image_note(failure, status, "%s: %s", what, said);
}

bool cnn__image_note_memory(cnn__image_failure *failure, size_t bytes)
{
    return cnn__image_note(failure, CNN_ERROR_NO_MEMORY, "no memory for %zu bytes", bytes);
}

cnn_status cnn__image_fail(cnn_context *ctx, cnn_status status, const char *format, ...)
{
    char message[MESSAGE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    return cnn_context_set_error(ctx, status, message);
}

/* The end of a long path says the most. */
cnn_status cnn__image_report(cnn_context *ctx, const char *call, const char *name, const cnn__image_failure *failure)
{
    size_t length = strlen(name);
    const char *dots = length > NAME ? "..." : "";
    const char *tail = length > NAME ? name + length - NAME : name;
    while ((*tail & 0xc0) == 0x80) { /* not in the middle of a character */
        tail++;
    }
    return cnn__image_fail(ctx, failure->status, "%s: %s%s: %s", call, dots, tail, failure->text);
}

cnn_status cnn__image_options_read(cnn_context *ctx, const char *call, void *ours, size_t our_size, size_t known,
                                   const void *given)
{
    memset(ours, 0, our_size);
    memcpy(ours, &our_size, sizeof our_size);
    if (!given) {
        return CNN_OK;
    }
    size_t size;
    memcpy(&size, given, sizeof size);
    if (size < 2 * sizeof size || size % sizeof size != 0 || size > LARGEST_STRUCT) {
        return cnn__image_fail(ctx, CNN_ERROR_INVALID_ARGUMENT,
                               "%s: struct_size is %zu, expected sizeof the struct, which is %zu", call, size,
                               our_size);
    }
    size_t shared = size < known ? size : known;
    memcpy((char *)ours + sizeof size, (const char *)given + sizeof size, shared - sizeof size);
    for (size_t i = known; i < size; i++) {
        if (((const unsigned char *)given)[i]) {
            return cnn__image_fail(ctx, CNN_ERROR_UNSUPPORTED,
                                   "%s: byte %zu of the options is set, but this library knows only %zu bytes of them",
                                   call, i, known);
        }
    }
    return CNN_OK;
}
