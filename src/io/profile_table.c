/* The tables of a profile. Launches belong to the row of their operation; of modules they belong to that of the module
 * whose forward or backward they are in, and to all above it. */
#include "device/profile.h"
#include "io/text.h"

#include <string.h>

typedef struct table_row {
    const char *name; /* the name of an operation; for a module the address of its path */
    const char *type; /* the type of a module */
    bool backward;    /* an operation's backward */
    int64_t calls;
    double seconds, self, gradients; /* launches, or forwards; those without modules inside; launches of backwards */
    double flops, bytes;
} table_row;

typedef struct profile_rows {
    cnn_context *ctx;
    table_row *rows;
    int count, capacity;
    bool failed;
} profile_rows;

static table_row *row_add(profile_rows *t, table_row row)
{
    if (t->count == t->capacity) {
        int wanted = t->capacity ? 2 * t->capacity : 64;
        table_row *more = cnn__alloc(t->ctx, (size_t)wanted * sizeof *more);
        if (!more) {
            t->failed = true;
            return NULL;
        }
        if (t->count) {
            memcpy(more, t->rows, (size_t)t->count * sizeof *more);
        }
        cnn__free(t->ctx, t->rows);
        t->rows = more;
        t->capacity = wanted;
    }
    t->rows[t->count] = row;
    return &t->rows[t->count++];
}

/* ---- operations ---- */

static table_row *row_of_operation(profile_rows *t, const cnn_profile_event *e)
{
    for (int i = 0; i < t->count; i++) {
        table_row *row = &t->rows[i];
        if (row->backward == e->backward && (row->name == e->name || strcmp(row->name, e->name) == 0)) {
            return row;
        }
    }
    return row_add(t, (table_row){ .name = e->name, .backward = e->backward });
}

static void add_operation(profile_rows *t, const cnn_profile_event *e)
{
    table_row *row = e->kind == CNN_PROFILE_LAUNCH ? row_of_operation(t, e) : NULL;
    if (row) {
        row->calls++;
        row->seconds += e->seconds;
        row->flops += e->flops;
        row->bytes += e->bytes;
    }
}

static int slower_first(const void *a, const void *b, const void *user)
{
    double x = ((const table_row *)a)->seconds, y = ((const table_row *)b)->seconds;
    (void)user;
    return (x < y) - (x > y);
}

static void print_operation(cnn__text *text, const table_row *row, int width, double total)
{
    double seconds = row->seconds > 0 ? row->seconds : 1;
    char label[128];
    cnn__message(label, sizeof label, row->backward ? "%s (backward)" : "%s", row->name);
    cnn__text_print(text, "%-*s %8lld %11.3f %5.1f %% %11.4f %9.2f %8.2f\n", width, label, (long long)row->calls,
                    1e3 * row->seconds, total > 0 ? 100 * row->seconds / total : 0, 1e-9 * row->flops,
                    1e-9 * row->flops / seconds, 1e-9 * row->bytes / seconds);
}

static void print_operations(cnn__text *text, profile_rows *t, double whole)
{
    table_row all = { .name = "all launches" };
    int width = (int)strlen(all.name);
    for (int i = 0; i < t->count; i++) {
        const table_row *row = &t->rows[i];
        int length = (int)strlen(row->name) + (row->backward ? (int)strlen(" (backward)") : 0);
        width = length > width && length < 100 ? length : width;
        all.calls += row->calls;
        all.seconds += row->seconds;
        all.flops += row->flops;
        all.bytes += row->bytes;
    }
    cnn__sort(t->rows, (size_t)t->count, sizeof *t->rows, slower_first, NULL);
    cnn__text_print(text, "%-*s %8s %11s %7s %11s %9s %8s\n", width, "operation", "launches", "ms", "share", "GFLOP",
                    "GFLOP/s", "GB/s");
    for (int i = 0; i < t->count; i++) {
        print_operation(text, &t->rows[i], width, all.seconds);
    }
    print_operation(text, &all, width, all.seconds);
    cnn__text_print(text, "%.1f %% of the %.3f ms that were recorded\n", whole > 0 ? 100 * all.seconds / whole : 0,
                    1e3 * whole);
}

/* ---- modules ---- */

static table_row *row_of_module(profile_rows *t, const char *path)
{
    int i = 0;
    while (i < t->count && t->rows[i].name != path) {
        i++;
    }
    return i < t->count ? &t->rows[i] : NULL;
}

static const cnn__profiled_module *module_of(const char *path)
{
    return (const cnn__profiled_module *)(const void *)(path - offsetof(cnn__profiled_module, path));
}

static void add_module(profile_rows *t, const cnn_profile_event *e)
{
    table_row *row = row_of_module(t, e->path);
    if (row && e->kind == CNN_PROFILE_MODULE && !e->backward) {
        row->calls++;
        row->seconds += e->seconds;
        row->self += e->self_seconds;
    }
    const cnn__profiled_module *m = row && e->kind == CNN_PROFILE_LAUNCH ? module_of(e->path) : NULL;
    for (; m; m = m->parent) {
        row = row_of_module(t, m->path);
        row->gradients += e->backward ? e->seconds : 0;
        row->flops += e->flops;
        row->bytes += e->bytes;
    }
}

/* "Conv2d: l1.0" */
static int module_label(const table_row *row, char *label, size_t size)
{
    cnn__message(label, size, *row->name ? "%s: %s" : "%s%s", row->type, row->name);
    return (int)strlen(label);
}

static void print_modules(cnn__text *text, profile_rows *t, double whole)
{
    char label[128];
    int width = (int)strlen("module");
    for (int i = 0; i < t->count; i++) {
        int length = module_label(&t->rows[i], label, sizeof label);
        width = length > width ? length : width;
    }
    cnn__text_print(text, "%-*s %8s %11s %11s %11s %7s %11s %11s\n", width, "module", "calls", "forward ms", "self ms",
                    "backward ms", "share", "GFLOP", "MB");
    for (int i = 0; i < t->count; i++) {
        const table_row *row = &t->rows[i];
        module_label(row, label, sizeof label);
        cnn__text_print(text, "%-*s %8lld %11.3f %11.3f %11.3f %5.1f %% %11.4f %11.3f\n", width, label,
                        (long long)row->calls, 1e3 * row->seconds, 1e3 * row->self, 1e3 * row->gradients,
                        whole > 0 ? 100 * (row->seconds + row->gradients) / whole : 0, 1e-9 * row->flops,
                        1e-6 * row->bytes);
    }
}

/* ---- both ---- */

size_t cnn_profile_format(const cnn_profile *profile, cnn_profile_table which, char *buffer, size_t size)
{
    const char *call = "profile_format";
    bool good = cnn__profile_ended(profile, call), modules = which == CNN_PROFILE_MODULES;
    if (good && which != CNN_PROFILE_OPERATIONS && !modules) {
        cnn__fail(profile->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: table %d, expected one of cnn_profile_table", call,
                  (int)which);
        good = false;
    }
    size = buffer ? size : 0;
    if (size) {
        CNN__KNOWN(buffer != NULL);
        *buffer = '\0';
    }
    if (!good) {
        return 0;
    }
    profile_rows t = { .ctx = profile->ctx };
    for (const cnn__profiled_module *m = modules ? profile->modules : NULL; m; m = m->next) {
        row_add(&t, (table_row){ .name = m->path, .type = m->type });
    }
    for (int64_t i = 0; i < profile->count && !t.failed; i++) {
        (modules ? add_module : add_operation)(&t, &profile->events[i]);
    }
    cnn__text text = { .ctx = profile->ctx, .failed = t.failed };
    (modules ? print_modules : print_operations)(&text, &t, profile->ended - profile->began);
    cnn__free(t.ctx, t.rows);
    return cnn__text_give(&text, call, buffer, size);
}
