/* Matching tensors with a file's entries, staging the elements, and the copy at the end; see restore.h. */
#include "io/restore.h"

#include <string.h>

cnn_status cnn__restore_begin(cnn__restore *restore, cnn_context *ctx, const char *call, const char *path)
{
    *restore = (cnn__restore){ .count = 0 };
    cnn_status status = cnn__safetensors_open(&restore->st, ctx, call, path);
    if (status != CNN_OK) {
        return status;
    }
    /* An entry is matched once at most. */
    size_t bytes = restore->st.count * sizeof *restore->matches;
    restore->matches = cnn__alloc(ctx, bytes);
    if (!restore->matches) {
        cnn__restore_end(restore);
        return cnn__fail_memory(ctx, call, bytes);
    }
    return CNN_OK;
}

static cnn_status fail_missing(const cnn__restore *restore, const char *name)
{
    const cnn__file *file = &restore->st.file;
    char path[CNN__QUOTE], quoted[CNN__QUOTE];
    return cnn__fail(file->ctx, CNN_ERROR_MISMATCH, "%s: %s: there is no tensor \"%s\" in the file, expected one",
                     file->call, cnn__quote(path, file->path, true), cnn__quote(quoted, name, false));
}

cnn_status cnn__restore_tensor(cnn__restore *restore, const char *name, cnn_tensor *to)
{
    cnn__safetensors *st = &restore->st;
    char quoted[CNN__QUOTE], theirs[CNN__SHAPE_TEXT], ours[CNN__SHAPE_TEXT];
    cnn__entry *entry = cnn__safetensors_find(st, name);
    if (!entry || entry->used) {
        return fail_missing(restore, name);
    }
    cnn__quote(quoted, name, false);
    if (!cnn__entry_is(entry, to->dtype)) {
        return cnn__file_fail(&st->file, CNN_ERROR_MISMATCH, cnn__entry_byte(entry), "tensor \"%s\" is %s, expected %s",
                              quoted, cnn__entry_type(entry), cnn_dtype_name(to->dtype));
    }
    if (entry->ndim != to->ndim || memcmp(entry->shape, to->shape, (size_t)to->ndim * sizeof to->shape[0]) != 0) {
        return cnn__file_fail(&st->file, CNN_ERROR_MISMATCH, cnn__entry_byte(entry),
                              "tensor \"%s\" has shape %s, expected %s", quoted,
                              cnn__shape_text(theirs, entry->ndim, entry->shape),
                              cnn__shape_text(ours, to->ndim, to->shape));
    }
    entry->used = true;
    restore->matches[restore->count++] = (cnn__match){ to, entry };
    return CNN_OK;
}

size_t cnn__longest_name(const cnn_module *module)
{
    size_t longest = 0;
    for (cnn__state s = cnn__state_begin(module); cnn__state_next(&s);) {
        char none[1];
        size_t length = cnn__state_name(&s, none, sizeof none);
        longest = length > longest ? length : longest;
    }
    return longest;
}

cnn_status cnn__restore_module(cnn__restore *restore, const cnn_module *module)
{
    cnn_context *ctx = restore->st.ctx;
    size_t size = cnn__longest_name(module) + 1;
    char *name = cnn__alloc(ctx, size);
    if (!name) {
        return cnn__fail_memory(ctx, restore->st.file.call, size);
    }
    cnn_status status = CNN_OK;
    for (cnn__state s = cnn__state_begin(module); status == CNN_OK && cnn__state_next(&s);) {
        cnn__state_name(&s, name, size);
        status = cnn__restore_tensor(restore, name, s.tensor);
    }
    cnn__free(ctx, name);
    return status;
}

cnn_status cnn__restore_complete(const cnn__restore *restore, const char *except)
{
    const cnn__safetensors *st = &restore->st;
    for (size_t i = 0; i < st->count; i++) {
        const cnn__entry *entry = &st->entries[i];
        const char *name = cnn__entry_name(st, entry);
        if (!entry->used && !(except && strncmp(name, except, strlen(except)) == 0)) {
            char quoted[CNN__QUOTE];
            return cnn__file_fail(&st->file, CNN_ERROR_MISMATCH, cnn__entry_byte(entry),
                                  "tensor \"%s\" is not expected: there is nothing of that name to load it into",
                                  cnn__quote(quoted, name, false));
        }
    }
    return CNN_OK;
}

static size_t match_bytes(const cnn__match *match)
{
    return (size_t)(match->entry->end - match->entry->begin);
}

cnn_status cnn__restore_read(cnn__restore *restore)
{
    cnn__safetensors *st = &restore->st;
    size_t bytes = 0;
    for (size_t i = 0; i < restore->count; i++) {
        bytes += match_bytes(&restore->matches[i]);
    }
    char *to = restore->data = cnn__alloc(st->ctx, bytes);
    if (!to) {
        return cnn__fail_memory(st->ctx, st->file.call, bytes);
    }
    cnn_status status = CNN_OK;
    for (size_t i = 0; status == CNN_OK && i < restore->count; i++) {
        status = cnn__safetensors_read(st, restore->matches[i].entry, to);
        to += match_bytes(&restore->matches[i]);
    }
    return status;
}

void cnn__restore_commit(cnn__restore *restore)
{
    const char *from = restore->data;
    for (size_t i = 0; i < restore->count; i++) {
        size_t bytes = match_bytes(&restore->matches[i]);
        if (bytes > 0) {
            cnn__tensor_written(restore->matches[i].to);
            memcpy(cnn__data(restore->matches[i].to), from, bytes);
        }
        from += bytes;
    }
}

void cnn__restore_end(cnn__restore *restore)
{
    cnn__free(restore->st.ctx, restore->data);
    cnn__free(restore->st.ctx, restore->matches);
    cnn__safetensors_close(&restore->st);
}

bool cnn__restore_is_checkpoint(const cnn__restore *restore)
{
    const char *format = cnn__safetensors_metadata(&restore->st, "format");
    return format && strcmp(format, CNN__CHECKPOINT_FORMAT) == 0;
}
