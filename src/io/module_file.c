/* Saves the weights of a module as a safetensors file, and saves and loads single tensors. */
#include "io/restore.h"

#include <cnn/checkpoint.h>

#include <string.h>

/* Collects the state of a module; `names` has room for all names. */
static void module_file_collect(const cnn_module *module, cnn__item *items, char *names, size_t room)
{
    for (cnn__state s = cnn__state_begin(module); cnn__state_next(&s); items++) {
        size_t size = cnn__state_name(&s, names, room) + 1;
        *items = (cnn__item){ names, s.tensor };
        names += size;
        room -= size;
    }
}

cnn_status cnn_module_save(const cnn_module *module, const char *path)
{
    const char *call = "module_save";
    if (!module || !path) {
        return cnn__fail(module ? module->ctx : NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: %s is NULL", call,
                         module ? "path" : "module");
    }
    cnn_context *ctx = module->ctx;
    size_t count = 0, room = 0;
    for (cnn__state s = cnn__state_begin(module); cnn__state_next(&s); count++) {
        char none[1];
        room += cnn__state_name(&s, none, sizeof none) + 1;
    }
    cnn__item *items = cnn__calloc(ctx, count, sizeof *items);
    char *names = cnn__alloc(ctx, room);
    cnn__text metadata = { .ctx = ctx };
    cnn_status status;
    if (items && names) {
        module_file_collect(module, items, names, room);
        cnn__metadata_add(&metadata, "format", "pt"); /* tells readers that the names are PyTorch's */
        status = cnn__safetensors_save(ctx, call, path, items, count, &metadata);
    } else {
        status = cnn__fail_memory(ctx, call, items ? room : count * sizeof *items);
    }
    cnn__text_free(&metadata);
    cnn__free(ctx, names);
    cnn__free(ctx, items);
    return status;
}

/* ---- tensors by name ---- */

static cnn_status module_file_check_tensors(const char *call, const char *path, const char *const *names,
                                            cnn_tensor *const *tensors, int count)
{
    if (!path || count < 0 || (count > 0 && (!names || !tensors))) {
        const char *what = !path ? "path is NULL" : count < 0 ? "count is negative" : "names or tensors is NULL";
        return cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: %s", call, what);
    }
    for (int i = 0; i < count; i++) {
        if (!names[i]) {
            return cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: names[%d] is NULL", call, i);
        }
        cnn_status status = cnn__tensor_check(tensors[i], call);
        if (status != CNN_OK) {
            return status;
        }
    }
    return CNN_OK;
}

cnn_status cnn__items_save(const char *call, const char *const *names, cnn_tensor *const *tensors, int count,
                           const char *path, cnn__items_save_fn save)
{
    cnn_status status = module_file_check_tensors(call, path, names, tensors, count);
    if (status != CNN_OK) {
        return status;
    }
    cnn_context *ctx = count > 0 ? tensors[0]->ctx : NULL;
    cnn__item *items = cnn__calloc(ctx, (size_t)count, sizeof *items);
    if (!items) {
        return cnn__fail_memory(ctx, call, (size_t)count * sizeof *items);
    }
    for (int i = 0; i < count; i++) {
        items[i] = (cnn__item){ names[i], tensors[i] };
    }
    status = save(ctx, call, path, items, (size_t)count);
    cnn__free(ctx, items);
    return status;
}

static cnn_status save_safetensors(cnn_context *ctx, const char *call, const char *path, cnn__item *items, size_t count)
{
    return cnn__safetensors_save(ctx, call, path, items, count, NULL);
}

cnn_status cnn_tensors_save(const char *const *names, cnn_tensor *const *tensors, int count, const char *path)
{
    return cnn__items_save("tensors_save", names, tensors, count, path, save_safetensors);
}

static cnn_tensor *load_entry(cnn__safetensors *st, const char *name)
{
    const cnn__file *file = &st->file;
    const cnn__entry *entry = cnn__safetensors_find(st, name);
    char path[CNN__QUOTE];
    if (!entry) {
        cnn__fail(st->ctx, CNN_ERROR_NOT_FOUND, "%s: %s: there is no tensor \"%s\" in the file", file->call,
                  cnn__quote(path, file->path, true), CNN__Q(name));
        return NULL;
    }
    return cnn__safetensors_tensor(st, entry);
}

cnn_tensor *cnn_tensor_load(cnn_context *ctx, const char *path, const char *name)
{
    const char *call = "tensor_load";
    if (!ctx || !path || !name) {
        cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: %s is NULL", call, !ctx ? "ctx" : path ? "name" : "path");
        return NULL;
    }
    cnn__safetensors st;
    if (cnn__safetensors_open(&st, ctx, call, path) != CNN_OK) {
        return NULL;
    }
    cnn_tensor *t = load_entry(&st, name);
    cnn__safetensors_close(&st);
    return t;
}
