/* Collects what does not fit and reports it in one line; see misfits.h. */
#include "io/misfits.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Bytes for a dtype and a shape, such as "float32 [32,1,5,5]". */
enum { FORM = CNN__SHAPE_TEXT + 40 };

static const char *entry_form(char out[FORM], const cnn__safetensors *st, const cnn__entry *entry)
{
    char shape[CNN__SHAPE_TEXT];
    snprintf(out, FORM, "%s %s", cnn__entry_type(st, entry), cnn__shape_text(shape, entry->ndim, entry->shape));
    return out;
}

static const char *tensor_form(char out[FORM], const cnn_tensor *t)
{
    char shape[CNN__SHAPE_TEXT];
    snprintf(out, FORM, "%s %s", cnn_dtype_name(t->dtype), cnn__shape_text(shape, t->ndim, t->shape));
    return out;
}

/* Adds a piece to the list if the whole piece fits; once one did not fit, no more are added. */
static void list(cnn__misfits *misfits, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void list(cnn__misfits *misfits, const char *format, ...)
{
    char piece[CNN__MISFIT_LIST];
    va_list arguments;
    if (misfits->listed < cnn__misfits_count(misfits) - 1) {
        return;
    }
    va_start(arguments, format);
    int length = vsnprintf(piece, sizeof piece, format, arguments);
    va_end(arguments);
    const char *separator = misfits->used > 0 ? "; " : "";
    size_t size = length < 0 ? sizeof piece : (size_t)length + strlen(separator);
    if (size < sizeof misfits->list - misfits->used) {
        snprintf(misfits->list + misfits->used, sizeof misfits->list - misfits->used, "%s%s", separator, piece);
        misfits->used += size;
        misfits->listed++;
    }
}

static bool is_first(const cnn__misfits *misfits)
{
    return cnn__misfits_count(misfits) == 1;
}

static void note(cnn__misfits *misfits, cnn_load_problem problem, const char *name, const char *found,
                 const char *expected)
{
    misfits->count[problem]++;
    if (misfits->report) {
        cnn__load_report_add(misfits->report, problem, name, found, expected);
    }
}

void cnn__misfit_missing(cnn__misfits *misfits, const char *name, const cnn_tensor *to)
{
    char quoted[CNN__QUOTE], ours[FORM];
    note(misfits, CNN_LOAD_MISSING, name, "", tensor_form(ours, to));
    cnn__quote(quoted, name, false);
    list(misfits, "missing \"%s\"", quoted);
    if (is_first(misfits)) {
        snprintf(misfits->first, sizeof misfits->first, "there is no tensor \"%s\" in the file, expected one", quoted);
    }
}

void cnn__misfit_unexpected(cnn__misfits *misfits, const cnn__safetensors *st, const cnn__entry *entry)
{
    char quoted[CNN__QUOTE], theirs[FORM];
    const char *name = cnn__entry_name(st, entry);
    note(misfits, CNN_LOAD_UNEXPECTED, name, entry_form(theirs, st, entry), "");
    cnn__quote(quoted, name, false);
    list(misfits, "unexpected \"%s\"", quoted);
    if (is_first(misfits)) {
        snprintf(misfits->first, sizeof misfits->first,
                 "byte %" PRIu64 ": tensor \"%s\" is not expected: there is nothing of that name to load it into",
                 cnn__entry_byte(st, entry), quoted);
    }
}

void cnn__misfit_mismatched(cnn__misfits *misfits, const cnn__safetensors *st, const cnn__entry *entry,
                            const char *name, const cnn_tensor *to)
{
    char quoted[CNN__QUOTE], theirs[FORM], ours[FORM], shape[CNN__SHAPE_TEXT];
    note(misfits, CNN_LOAD_MISMATCHED, name, entry_form(theirs, st, entry), tensor_form(ours, to));
    cnn__quote(quoted, name, false);
    list(misfits, "\"%s\" is %s, expected %s", quoted, theirs, ours);
    if (!is_first(misfits)) {
        return;
    }
    bool same_shape =
        entry->ndim == to->ndim && memcmp(entry->shape, to->shape, (size_t)to->ndim * sizeof *to->shape) == 0;
    if (same_shape) {
        snprintf(misfits->first, sizeof misfits->first, "byte %" PRIu64 ": tensor \"%s\" is %s, expected %s",
                 cnn__entry_byte(st, entry), quoted, cnn__entry_type(st, entry), cnn_dtype_name(to->dtype));
    } else {
        snprintf(misfits->first, sizeof misfits->first, "byte %" PRIu64 ": tensor \"%s\" has shape %s, expected %s",
                 cnn__entry_byte(st, entry), quoted, cnn__shape_text(shape, entry->ndim, entry->shape),
                 strchr(ours, ' ') + 1);
    }
}

int64_t cnn__misfits_count(const cnn__misfits *misfits)
{
    return misfits->count[0] + misfits->count[1] + misfits->count[2];
}

cnn_status cnn__misfits_fail(const cnn__misfits *misfits, const cnn__file *file)
{
    static const char *const words[] = { "missing", "unexpected", "mismatched" };
    char path[CNN__QUOTE], kinds[96] = "", more[48] = "";
    int64_t count = cnn__misfits_count(misfits);
    cnn__quote(path, file->path, true);
    if (count == 1) {
        return cnn__fail(file->ctx, CNN_ERROR_MISMATCH, "%s: %s: %s", file->call, path, misfits->first);
    }
    size_t used = 0;
    for (int i = 0; i < CNN__MISFIT_KINDS; i++) {
        if (misfits->count[i] > 0) {
            used += (size_t)snprintf(kinds + used, sizeof kinds - used, "%s%" PRId64 " %s", used > 0 ? ", " : "",
                                     misfits->count[i], words[i]);
        }
    }
    if (misfits->listed < count) {
        snprintf(more, sizeof more, "; and %" PRId64 " more", count - misfits->listed);
    }
    return cnn__fail(file->ctx, CNN_ERROR_MISMATCH, "%s: %s: %" PRId64 " tensors do not fit (%s): %s%s", file->call,
                     path, count, kinds, misfits->list, more);
}
