/* Messages, options and time: the parts of libcnn's own conventions that its public API does not offer. */
#include "internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { MESSAGE = 512, LARGEST_STRUCT = 4096 };

cnn_status cnn__mpi_fail(cnn_context *ctx, cnn_status status, const char *format, ...)
{
    char message[MESSAGE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    return cnn_context_set_error(ctx, status, message);
}

cnn_status cnn__mpi_options_read(cnn_context *ctx, const char *call, void *ours, size_t our_size, size_t known,
                                 const void *given)
{
    size_t size = 0;
    memset(ours, 0, our_size);
    memcpy(ours, &our_size, sizeof our_size);
    if (!given) {
        return CNN_OK;
    }
    memcpy(&size, given, sizeof size);
    if (size < 2 * sizeof size || size % sizeof size != 0 || size > LARGEST_STRUCT) {
        return cnn__mpi_fail(ctx, CNN_ERROR_INVALID_ARGUMENT,
                             "%s: struct_size is %zu, expected sizeof the struct, which is %zu", call, size, our_size);
    }
    size_t shared = size < known ? size : known;
    memcpy((char *)ours + sizeof size, (const char *)given + sizeof size, shared - sizeof size);
    for (size_t i = known; i < size; i++) {
        if (((const unsigned char *)given)[i]) {
            return cnn__mpi_fail(ctx, CNN_ERROR_UNSUPPORTED,
                                 "%s: byte %zu of the options is set, but this library knows only %zu bytes of them",
                                 call, i, known);
        }
    }
    return CNN_OK;
}

double cnn__mpi_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
