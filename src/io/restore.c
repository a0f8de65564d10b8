/* Matches tensors with the entries of a file, stages the elements, and copies them at the end; see restore.h. */
#include "io/restore.h"

#include <string.h>

cnn_status cnn__restore_begin(cnn__restore *restore, cnn_context *ctx, const char *call, const char *path,
                              const cnn__load_rules *rules)
{
    *restore = (cnn__restore){ .rules = *rules };
    cnn_status status = cnn__safetensors_open(&restore->st, ctx, call, path);
    if (status != CNN_OK) {
        return status;
    }
    /* Each entry is matched at most once. */
    size_t bytes = restore->st.count * sizeof *restore->matches;
    restore->matches = cnn__alloc(ctx, bytes);
    if (!restore->matches) {
        cnn__restore_end(restore);
        return cnn__fail_memory(ctx, call, bytes);
    }
    return CNN_OK;
}

/* ---- matching ---- */

/* `entry` may be NULL; `name` is the tensor's. */
static void match(cnn__restore *restore, cnn__entry *entry, const char *name, cnn_tensor *to)
{
    if (!entry || entry->used) {
        cnn__misfit_missing(&restore->misfits, name, to);
        return;
    }
    entry->used = true; /* even if it does not fit, because then it is not unexpected */
    if (entry->ndim != to->ndim || memcmp(entry->shape, to->shape, (size_t)to->ndim * sizeof to->shape[0]) != 0 ||
        !cnn__entry_becomes(entry, to->dtype, restore->rules.dtypes)) {
        cnn__misfit_mismatched(&restore->misfits, &restore->st, entry, name, to);
        return;
    }
    restore->matches[restore->count++] = (cnn__match){ to, entry };
}

void cnn__restore_tensor(cnn__restore *restore, const char *name, cnn_tensor *to)
{
    match(restore, cnn__safetensors_find(&restore->st, name), name, to);
}

/* Finds the entry that a tensor of the module is loaded from: under the stripped prefix if the file has such an
 * entry, otherwise without it. `composed` has room for the prefix and the name. */
static cnn__entry *find_entry(const cnn__restore *restore, const char *name, char *composed)
{
    const cnn__load_rules *rules = &restore->rules;
    size_t strip = strlen(rules->strip), add = strlen(rules->add);
    if (strncmp(name, rules->add, add) != 0) {
        return NULL;
    }
    memcpy(composed, rules->strip, strip);
    memcpy(composed + strip, name + add, strlen(name + add) + 1);
    cnn__entry *entry = cnn__safetensors_find(&restore->st, composed);
    return entry || strip == 0 ? entry : cnn__safetensors_find(&restore->st, name + add);
}

cnn_status cnn__restore_module(cnn__restore *restore, const cnn_module *module)
{
    cnn_context *ctx = restore->st.ctx;
    size_t size = cnn__longest_name(module) + 1, bytes = 2 * size + strlen(restore->rules.strip);
    char *name = cnn__alloc(ctx, bytes);
    if (!name) {
        return cnn__fail_memory(ctx, restore->st.file.call, bytes);
    }
    for (cnn__state s = cnn__state_begin(module); cnn__state_next(&s);) {
        cnn__state_name(&s, name, size);
        match(restore, find_entry(restore, name, name + size), name, s.tensor);
    }
    cnn__free(ctx, name);
    return CNN_OK;
}

void cnn__restore_rest(cnn__restore *restore, const char *except)
{
    const cnn__safetensors *st = &restore->st;
    for (size_t i = 0; i < st->count; i++) {
        const cnn__entry *entry = &st->entries[i];
        if (!entry->used && !(except && strncmp(cnn__entry_name(st, entry), except, strlen(except)) == 0)) {
            cnn__misfit_unexpected(&restore->misfits, st, entry);
        }
    }
}

cnn_status cnn__restore_verdict(const cnn__restore *restore)
{
    const cnn__misfits *misfits = &restore->misfits;
    int64_t names = misfits->count[CNN_LOAD_MISSING] + misfits->count[CNN_LOAD_UNEXPECTED];
    if (misfits->report && !cnn__load_report_whole(misfits->report)) {
        return cnn__fail(restore->st.ctx, CNN_ERROR_NO_MEMORY, "%s: no memory for the report", restore->st.file.call);
    }
    bool fits = (names == 0 || restore->rules.partial) &&
                (misfits->count[CNN_LOAD_MISMATCHED] == 0 || restore->rules.skip_mismatched);
    return fits ? CNN_OK : cnn__misfits_fail(misfits, &restore->st.file);
}

/* ---- elements ---- */

static size_t match_bytes(const cnn__match *match)
{
    return (size_t)match->to->numel * cnn_dtype_size(match->to->dtype);
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
        status = cnn__safetensors_read(st, restore->matches[i].entry, restore->matches[i].to->dtype, to);
        to += match_bytes(&restore->matches[i]);
    }
    return status;
}

cnn_status cnn__restore_commit(cnn__restore *restore)
{
    const char *from = restore->data;
    cnn_context *ctx = restore->st.ctx;
    const char *call = restore->st.file.call;
    cnn_status status = cnn__device_wait(ctx, call, cnn__device_number(ctx)); /* before anything has changed */
    for (size_t i = 0; status == CNN_OK && i < restore->count; i++) {
        size_t bytes = match_bytes(&restore->matches[i]);
        if (bytes > 0) {
            cnn__tensor_written(restore->matches[i].to);
            status = cnn__elements_put(restore->matches[i].to, call, from);
        }
        from += bytes;
    }
    return status == CNN_OK ? cnn__device_wait(ctx, call, cnn__device_number(ctx)) : status;
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
