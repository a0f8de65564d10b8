/* Failures: records of the thread, like errno, so that threads never overwrite each other's message and reading one needs no
 * lock. Every failure of the library passes cnn__fail_text: set a breakpoint there.
 *
 * A failure that belongs to no context (an object that is NULL) leaves the last one of a context in place: it is the call that
 * should have made the object that says what is wrong. */
#include "base/error.h"

#include <stdio.h>
#include <string.h>

typedef struct record {
    const cnn_context *ctx;
    cnn_status status;
    char message[CNN__MESSAGE_SIZE];
} record;

static _Thread_local record newest, of_context;
static _Thread_local unsigned long failures;

/* Long messages are cut, and a newline in a name given by the user must not break the one line. */
cnn_status cnn__fail_text(const cnn_context *ctx, cnn_status status, const char *message)
{
    newest.ctx = ctx;
    newest.status = status;
    failures++;
    size_t length = strnlen(message, sizeof newest.message - 1);
    memmove(newest.message, message, length);
    newest.message[length] = '\0';
    for (char *c = newest.message; *c; c++) {
        if (*c == '\n' || *c == '\r') {
            *c = ' ';
        }
    }
    if (ctx) {
        of_context = newest;
    }
    return status;
}

cnn_status cnn__fail(const cnn_context *ctx, cnn_status status, const char *format, ...)
{
    char message[CNN__MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    return cnn__fail_text(ctx, status, message);
}

cnn_status cnn__fail_memory(const cnn_context *ctx, const char *call, size_t bytes)
{
    return cnn__fail(ctx, CNN_ERROR_NO_MEMORY, "%s: no memory for %zu bytes", call, bytes);
}

const char *cnn__failure_message(void)
{
    return newest.message;
}

unsigned long cnn__failure_number(void)
{
    return failures;
}

cnn_status cnn__failure_status(void)
{
    return newest.status;
}

const char *cnn_last_error(const cnn_context *ctx)
{
    return !ctx ? newest.message : ctx == of_context.ctx ? of_context.message : "";
}

cnn_status cnn_context_status(const cnn_context *ctx)
{
    return !ctx ? newest.status : ctx == of_context.ctx ? of_context.status : CNN_OK;
}

static void clear(record *r, const cnn_context *ctx)
{
    if (!ctx || ctx == r->ctx) {
        r->status = CNN_OK;
        r->message[0] = '\0';
    }
}

void cnn_context_clear_error(cnn_context *ctx)
{
    clear(&newest, ctx);
    clear(&of_context, ctx);
}
