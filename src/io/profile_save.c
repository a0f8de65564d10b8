/* A profile as Chrome's trace viewer and Perfetto read it: complete events of "Trace Event Format", whose times are
 * microseconds. They are written as integers of nanoseconds with a point in them, because printf's point depends on the
 * locale. */
#include "device/profile.h"
#include "io/text.h"

#include "base/file.h"

enum { SAVE_PIECE = 1 << 16 };

static void add_microseconds(cnn__text *text, const char *name, double seconds)
{
    long long ns = (long long)(1e9 * seconds + 0.5);
    cnn__text_print(text, ",\"%s\":%lld.%03lld", name, ns / 1000, ns % 1000);
}

static void add_trace_event(cnn__text *text, const cnn_profile_event *e)
{
    bool launch = e->kind == CNN_PROFILE_LAUNCH;
    cnn__text_print(text, "{\"ph\":\"X\",\"pid\":1,\"tid\":%d,\"cat\":\"%s\",\"name\":", e->thread,
                    !launch       ? "module"
                    : e->backward ? "backward"
                                  : "forward");
    cnn__text_json(text, e->name);
    add_microseconds(text, "ts", e->start);
    add_microseconds(text, "dur", e->seconds);
    cnn__text_print(text, ",\"args\":{\"module\":");
    cnn__text_json(text, e->path);
    if (launch) {
        cnn__text_print(text, ",\"kernel\":\"%s\",\"flops\":%.0f,\"bytes\":%.0f%s", e->kernel, e->flops, e->bytes,
                        e->queued ? ",\"queued\":true" : "");
    }
    cnn__text_print(text, "}}");
}

static cnn_status flush(cnn__save *save, cnn__text *text)
{
    cnn_status status = text->failed ? cnn__fail_memory(text->ctx, save->call, text->capacity)
                                     : cnn__save_write(save, text->data, text->size);
    text->size = 0;
    return status;
}

cnn_status cnn_profile_save(const cnn_profile *profile, const char *path)
{
    const char *call = "profile_save";
    cnn__save save;
    if (!cnn__profile_ended(profile, call)) {
        return cnn__failure_status();
    }
    if (!path) {
        return cnn__fail(profile->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: path is NULL", call);
    }
    cnn_status status = cnn__save_begin(&save, profile->ctx, call, path);
    if (status != CNN_OK) {
        return status;
    }
    cnn__text text = { .ctx = profile->ctx };
    cnn__text_print(&text, "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[");
    for (int64_t i = 0; i < profile->count && status == CNN_OK; i++) {
        cnn__text_print(&text, i ? ",\n" : "\n");
        add_trace_event(&text, &profile->events[i]);
        if (text.size > SAVE_PIECE || text.failed) {
            status = flush(&save, &text);
        }
    }
    cnn__text_print(&text, "\n]}\n");
    status = status == CNN_OK ? flush(&save, &text) : status;
    cnn__text_free(&text);
    return cnn__save_end(&save, status);
}
