/* Reading and replacing files for the rooms above: platform/file.h with messages, and with cancellation deferred while
 * a file is open. Nothing above ever sees a short read. */
#include "base/file.h"

#include "platform/thread.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

cnn_status cnn__file_fail(const cnn__file *file, cnn_status status, uint64_t byte, const char *format, ...)
{
    char reason[256], path[CNN__QUOTE];
    va_list arguments;
    va_start(arguments, format);
    cnn__message_list(reason, sizeof reason, format, arguments);
    va_end(arguments);
    return cnn__fail(file->ctx, status, "%s: %s: byte %" PRIu64 ": %s", file->call, cnn__quote(path, file->path, true),
                     byte, reason);
}

/* Reports what the system said; `missing` is the status where there is no such file. */
static cnn_status report_fault(const cnn_context *ctx, const char *call, const char *path, cnn__fault fault,
                               cnn_status missing)
{
    char quoted[CNN__QUOTE];
    if (!cnn__fault_is(fault)) {
        return CNN_OK;
    }
    cnn__quote(quoted, path, true);
    if (fault.kind == CNN__FAULT_IRREGULAR) {
        return cnn__fail(ctx, CNN_ERROR_IO, "%s: %s: not a regular file", call, quoted);
    }
    if (fault.kind == CNN__FAULT_UNSUPPORTED) {
        return cnn__fail(ctx, CNN_ERROR_UNSUPPORTED, "%s: %s: this library was built without files", call, quoted);
    }
    return cnn__fail(ctx, fault.kind == CNN__FAULT_MISSING ? missing : CNN_ERROR_IO, "%s: %s: %s: %s", call, quoted,
                     fault.doing, strerror(fault.code));
}

/* ---- reading ---- */

static cnn_status report_reading(const cnn__file *file, cnn__fault fault)
{
    return report_fault(file->ctx, file->call, file->path, fault, CNN_ERROR_NOT_FOUND);
}

cnn_status cnn__file_open(cnn__file *file, const cnn_context *ctx, const char *call, const char *path)
{
    *file = (cnn__file){ .ctx = ctx, .call = call, .path = path, .fd = -1, .cancel = cnn__cancel_defer() };
    cnn__fault fault = cnn__system_open(path, &file->fd, &file->size);
    if (cnn__fault_is(fault)) {
        file->fd = -1;
        cnn__cancel_restore(file->cancel);
    }
    return report_reading(file, fault);
}

cnn_status cnn__file_look(const cnn_context *ctx, const char *call, const char *path)
{
    cnn__fault fault = cnn__system_look(path);
    return fault.kind == CNN__FAULT_MISSING ? CNN_ERROR_NOT_FOUND : report_fault(ctx, call, path, fault, CNN_ERROR_IO);
}

cnn_status cnn__file_read(cnn__file *file, void *buffer, size_t size)
{
    char *to = buffer;
    while (size > 0) {
        size_t got;
        cnn__fault fault = cnn__system_read(file->fd, to, size, &got);
        if (cnn__fault_is(fault)) {
            return report_reading(file, fault);
        }
        if (got == 0) {
            return cnn__file_fail(file, CNN_ERROR_FORMAT, file->at, "the file ends here, %zu more bytes are expected",
                                  size);
        }
        to += got;
        size -= got;
        file->at += got;
    }
    return CNN_OK;
}

cnn_status cnn__file_seek(cnn__file *file, uint64_t at)
{
    cnn__fault fault = cnn__system_seek(file->fd, at);
    if (!cnn__fault_is(fault)) {
        file->at = at;
    }
    return report_reading(file, fault);
}

void cnn__file_close(cnn__file *file)
{
    if (file->fd >= 0) {
        cnn__system_close(file->fd);
        file->fd = -1;
        cnn__cancel_restore(file->cancel);
    }
}

/* ---- saving ---- */

static cnn_status report_saving(const cnn__save *save, cnn__fault fault)
{
    return report_fault(save->ctx, save->call, save->path, fault, CNN_ERROR_IO);
}

cnn_status cnn__save_begin(cnn__save *save, cnn_context *ctx, const char *call, const char *path)
{
    save->ctx = ctx;
    save->call = call;
    save->path = path;
    save->cancel = cnn__cancel_defer();
    cnn__fault fault = cnn__replace_begin(&save->replacement, path);
    if (cnn__fault_is(fault)) {
        cnn__cancel_restore(save->cancel);
    }
    return report_saving(save, fault);
}

cnn_status cnn__save_write(cnn__save *save, const void *data, size_t size)
{
    return report_saving(save, cnn__replace_write(&save->replacement, data, size));
}

cnn_status cnn__save_end(cnn__save *save, cnn_status status)
{
    if (status == CNN_OK) {
        status = report_saving(save, cnn__replace_commit(&save->replacement));
    } else {
        cnn__replace_abandon(&save->replacement);
    }
    cnn__cancel_restore(save->cancel);
    return status;
}
