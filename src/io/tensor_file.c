/* An open safetensors file: asked what it holds, and read tensor by tensor. It is the reader of every load that stays
 * open (io/safetensors.h); a thread's cancelability is its own again between two calls. */
#include "io/safetensors.h"

#include "platform/thread.h"

#include <cnn/file.h>

struct cnn_file {
    cnn_context *ctx; /* held */
    char *path;
    cnn__safetensors st;
};

/* ---- life ---- */

/* Frees a file that is not open, or not open any more. */
static void discard(cnn_file *file)
{
    cnn_context *ctx = file->ctx;
    cnn__free(ctx, file->path);
    cnn__free(ctx, file);
    cnn__context_release(ctx);
}

static cnn_file *tensor_file_make(cnn_context *ctx, const char *call, const char *path)
{
    cnn_file *file = cnn__calloc(ctx, 1, sizeof *file);
    char *copy = file ? cnn__strdup(ctx, path) : NULL;
    if (!copy) {
        cnn__free(ctx, file);
        cnn__fail_memory(ctx, call, sizeof *file);
        return NULL;
    }
    file->ctx = cnn__context_retain(ctx);
    file->path = copy;
    return file;
}

cnn_file *cnn_file_open(cnn_context *ctx, const char *path)
{
    const char *call = "file_open";
    if (!ctx || !path) {
        cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: %s is NULL", call, ctx ? "path" : "ctx");
        return NULL;
    }
    cnn_file *file = tensor_file_make(ctx, call, path);
    if (!file) {
        return NULL;
    }
    if (cnn__safetensors_open(&file->st, ctx, call, file->path) != CNN_OK) {
        discard(file);
        return NULL;
    }
    cnn__cancel_restore(file->st.file.cancel);
    return file;
}

void cnn_file_free(cnn_file *file)
{
    if (!file) {
        return;
    }
    file->st.file.cancel = cnn__cancel_defer(); /* closing gives it back */
    cnn__safetensors_close(&file->st);
    discard(file);
}

/* ---- numbers ---- */

static bool tensor_file_present(const cnn_file *file, const char *call)
{
    if (!file) {
        cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: file is NULL", call);
    }
    return file != NULL;
}

static bool tensor_file_check_number(const cnn_file *file, const char *call, const char *what, size_t count, int i)
{
    if (i >= 0 && (size_t)i < count) {
        return true;
    }
    char path[CNN__QUOTE];
    cnn__fail(file->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: %s: there is no %s %d, the file has %zu", call,
              cnn__quote(path, file->path, true), what, i, count);
    return false;
}

/* Entry number i; NULL, reported, if there is none. */
static const cnn__entry *entry(const cnn_file *file, const char *call, int i)
{
    return tensor_file_present(file, call) && tensor_file_check_number(file, call, "tensor", file->st.count, i)
               ? &file->st.entries[i]
               : NULL;
}

/* ---- tensors ---- */

int cnn_file_count(const cnn_file *file)
{
    return tensor_file_present(file, "file_count") ? (int)file->st.count : 0;
}

int cnn_file_find(const cnn_file *file, const char *name)
{
    const char *call = "file_find";
    if (!tensor_file_present(file, call)) {
        return -1;
    }
    if (!name) {
        cnn__fail(file->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: name is NULL", call);
        return -1;
    }
    const cnn__entry *e = cnn__safetensors_find(&file->st, name);
    if (!e) {
        char path[CNN__QUOTE];
        cnn__fail(file->ctx, CNN_ERROR_NOT_FOUND, "%s: %s: there is no tensor \"%s\" in the file", call,
                  cnn__quote(path, file->path, true), CNN__Q(name));
    }
    return e ? (int)(e - file->st.entries) : -1;
}

const char *cnn_file_name(const cnn_file *file, int i)
{
    const cnn__entry *e = entry(file, "file_name", i);
    return e ? cnn__entry_name(&file->st, e) : "";
}

const char *cnn_file_dtype_name(const cnn_file *file, int i)
{
    const cnn__entry *e = entry(file, "file_dtype_name", i);
    return e ? cnn__entry_type(&file->st, e) : "";
}

cnn_status cnn_file_dtype(const cnn_file *file, int i, cnn_dtype *dtype)
{
    const char *call = "file_dtype";
    const cnn__entry *e = entry(file, call, i);
    if (!e) {
        return CNN_ERROR_INVALID_ARGUMENT;
    }
    if (!dtype) {
        return cnn__fail(file->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: dtype is NULL", call);
    }
    if (cnn__entry_dtype(e) < 0) {
        return cnn__fail(file->ctx, CNN_ERROR_UNSUPPORTED, "%s: tensor \"%s\" is %s, which libcnn cannot read", call,
                         CNN__Q(cnn__entry_name(&file->st, e)), cnn__entry_type(&file->st, e));
    }
    *dtype = (cnn_dtype)cnn__entry_dtype(e);
    return CNN_OK;
}

int cnn_file_ndim(const cnn_file *file, int i)
{
    const cnn__entry *e = entry(file, "file_ndim", i);
    return e ? e->ndim : 0;
}

const int64_t *cnn_file_shape(const cnn_file *file, int i)
{
    const cnn__entry *e = entry(file, "file_shape", i);
    return e ? e->shape : NULL;
}

int64_t cnn_file_bytes(const cnn_file *file, int i)
{
    const cnn__entry *e = entry(file, "file_bytes", i);
    return e ? (int64_t)(e->end - e->begin) : 0;
}

cnn_tensor *cnn_file_read(cnn_file *file, int i)
{
    const char *call = "file_read";
    const cnn__entry *e = entry(file, call, i);
    if (!e) {
        return NULL;
    }
    file->st.file.call = call;
    file->st.file.cancel = cnn__cancel_defer();
    cnn_tensor *t = cnn__safetensors_tensor(&file->st, e);
    cnn__cancel_restore(file->st.file.cancel);
    return t;
}

/* ---- metadata ---- */

const char *cnn_file_metadata(const cnn_file *file, const char *key)
{
    const char *call = "file_metadata";
    if (!tensor_file_present(file, call)) {
        return NULL;
    }
    if (!key) {
        cnn__fail(file->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: key is NULL", call);
        return NULL;
    }
    const char *value = cnn__safetensors_metadata(&file->st, key);
    if (!value) {
        char path[CNN__QUOTE];
        cnn__fail(file->ctx, CNN_ERROR_NOT_FOUND, "%s: %s: there is no key \"%s\" in the file's metadata", call,
                  cnn__quote(path, file->path, true), CNN__Q(key));
    }
    return value;
}

int cnn_file_metadata_count(const cnn_file *file)
{
    return tensor_file_present(file, "file_metadata_count") ? (int)file->st.pair_count : 0;
}

static const cnn__pair *tensor_file_pair(const cnn_file *file, const char *call, int i)
{
    return tensor_file_present(file, call) && tensor_file_check_number(file, call, "key", file->st.pair_count, i)
               ? &file->st.pairs[i]
               : NULL;
}

const char *cnn_file_metadata_key(const cnn_file *file, int i)
{
    const cnn__pair *p = tensor_file_pair(file, "file_metadata_key", i);
    return p ? file->st.header + p->key : "";
}

const char *cnn_file_metadata_value(const cnn_file *file, int i)
{
    const cnn__pair *p = tensor_file_pair(file, "file_metadata_value", i);
    return p ? file->st.header + p->value : "";
}
