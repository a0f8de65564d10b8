/* Failures are recorded per thread, like errno, so that threads never overwrite each other's message and reading one
 * needs no lock. Every failure of the library goes through cnn__fail_text: set a breakpoint there.
 *
 * A thread keeps one record for each of the contexts that failed last, and one for failures that belong to no
 * context (an object that is NULL). The latter do not replace the record of a context, which says why the object
 * could not be made. Where the object is a context there is no such record, so while its failure is the newest, calls
 * on NULL leave that in place. Contexts are told apart by their serial numbers, because a new context may have the
 * address of one that was freed. */
#include "base/error.h"

#include <string.h>

enum { CONTEXTS = 8 };

typedef struct record {
    uint64_t context;    /* its serial number; 0: none */
    unsigned long order; /* the number of the failure that wrote it; 0: unused */
    cnn_status status;
    char message[CNN__MESSAGE_SIZE];
} record;

static const record error_nothing;
static _Thread_local record of_none, of_contexts[CONTEXTS];
static _Thread_local record *newest;
static _Thread_local unsigned long failures;
static _Thread_local unsigned long no_context; /* the number of the failure that left a caller without a context */

static record *error_find(const cnn_context *ctx)
{
    for (int i = 0; ctx && i < CONTEXTS; i++) {
        if (of_contexts[i].context == ctx->serial) {
            return &of_contexts[i];
        }
    }
    return NULL;
}

/* Selects the record to write: that of the context, or else that of the context whose failure is the oldest. */
static record *place_for(const cnn_context *ctx)
{
    record *found = ctx ? error_find(ctx) : &of_none;
    for (int i = 0; !found && i < CONTEXTS; i++) {
        found = of_contexts[i].order == 0 ? &of_contexts[i] : NULL;
    }
    if (found) {
        return found;
    }
    found = &of_contexts[0];
    for (int i = 1; i < CONTEXTS; i++) {
        found = of_contexts[i].order < found->order ? &of_contexts[i] : found;
    }
    return found;
}

static const record *read(const cnn_context *ctx)
{
    const record *r = ctx ? error_find(ctx) : newest;
    return r ? r : &error_nothing;
}

/* Truncates long messages and escapes what could break the line or control the terminal. `message` may point into
 * the record that is written. */
cnn_status cnn__fail_text(const cnn_context *ctx, cnn_status status, const char *message)
{
    if (!ctx && newest && newest->order == no_context && status == CNN_ERROR_INVALID_ARGUMENT) {
        return status;
    }
    char line[CNN__MESSAGE_SIZE];
    cnn__escape(line, sizeof line, message);
    record *r = place_for(ctx);
    memcpy(r->message, line, sizeof line);
    r->context = ctx ? ctx->serial : 0;
    r->status = status;
    r->order = ++failures;
    newest = r;
    return status;
}

cnn_status cnn__fail(const cnn_context *ctx, cnn_status status, const char *format, ...)
{
    char message[CNN__MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    cnn__message_list(message, sizeof message, format, arguments);
    va_end(arguments);
    return cnn__fail_text(ctx, status, message);
}

/* What a device has said of the newest allocation of this thread, if that has failed. */
static _Thread_local char reason[200];

char *cnn__memory_reason(size_t *size)
{
    *size = sizeof reason;
    reason[0] = '\0';
    return reason;
}

cnn_status cnn__fail_memory(const cnn_context *ctx, const char *call, size_t bytes)
{
    cnn__fail(ctx, CNN_ERROR_NO_MEMORY, "%s: no memory for %zu bytes%s%s", call, bytes, *reason ? ": " : "", reason);
    reason[0] = '\0';
    return CNN_ERROR_NO_MEMORY;
}

void cnn__failure_keep(bool keep)
{
    no_context = keep ? failures : 0;
}

const char *cnn__failure_message(void)
{
    return read(NULL)->message;
}

unsigned long cnn__failure_number(void)
{
    return failures;
}

cnn_status cnn__failure_status(void)
{
    return read(NULL)->status;
}

const char *cnn_last_error(const cnn_context *ctx)
{
    return read(ctx)->message;
}

cnn_status cnn_context_status(const cnn_context *ctx)
{
    return read(ctx)->status;
}

cnn_status cnn_context_set_error(cnn_context *ctx, cnn_status status, const char *message)
{
    const char *call = "context_set_error";
    if (!message || !*message) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: message is %s", call, message ? "empty" : "NULL");
    }
    if (status > CNN_ERROR_INVALID_ARGUMENT || status < CNN_ERROR_CALLBACK) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: status is %d, expected that of a failure", call,
                         (int)status);
    }
    return cnn__fail_text(ctx, status, message);
}

static void error_clear(record *r)
{
    newest = newest == r ? NULL : newest;
    *r = error_nothing;
}

void cnn_context_clear_error(cnn_context *ctx)
{
    record *own = error_find(ctx);
    if (own) {
        error_clear(own);
    }
    for (int i = 0; !ctx && i < CONTEXTS; i++) {
        error_clear(&of_contexts[i]);
    }
    if (!ctx) {
        error_clear(&of_none);
    }
}
