/* Opens .npy and .npz files as tables of entries; loads and saves .npy files. */
#include "io/numpy.h"

#include <cnn/numpy.h>

#include <string.h>

/* ---- reading ---- */

cnn__file_kind cnn__numpy_kind(const unsigned char prefix[CNN__PREFIX])
{
    if (memcmp(prefix, "\x93NUMPY", 6) == 0) {
        return CNN__NPY;
    }
    bool members = memcmp(prefix, "PK\3\4", 4) == 0 ||
                   memcmp(prefix, "PK\6\6", 4) == 0; /* the last is an empty archive with zip64's end */
    bool archive = (members && cnn__u32_at(prefix + 4) != 0) || memcmp(prefix, "PK\5\6\0\0\0\0", 8) == 0;
    return archive ? CNN__NPZ : CNN__SAFETENSORS;
}

/* A .npy file is the only member of no archive. */
static cnn_status npy_file(cnn__safetensors *st)
{
    st->count = 1;
    st->header_size = CNN__NPY_TYPE;
    st->members = cnn__calloc(st->ctx, 1, sizeof *st->members);
    st->header = cnn__calloc(st->ctx, 1, CNN__NPY_TYPE + sizeof CNN__NPY_NAME);
    if (!st->members || !st->header) {
        return cnn__fail_memory(st->ctx, st->file.call, sizeof *st->members);
    }
    memcpy(st->header + CNN__NPY_TYPE, CNN__NPY_NAME, sizeof CNN__NPY_NAME);
    *st->members = (cnn__member){ .packed = st->file.size, .size = st->file.size, .name = CNN__NPY_TYPE };
    return CNN_OK;
}

cnn_status cnn__numpy_parse(cnn__safetensors *st)
{
    cnn_status status = st->kind == CNN__NPY ? npy_file(st) : cnn__zip_parse(st);
    if (status != CNN_OK) {
        return status;
    }
    st->entries = cnn__calloc(st->ctx, st->count, sizeof *st->entries);
    if (!st->entries) {
        return cnn__fail_memory(st->ctx, st->file.call, st->count * sizeof *st->entries);
    }
    for (size_t i = 0; i < st->count && status == CNN_OK; i++) {
        cnn__entry *e = &st->entries[i];
        e->name = st->members[i].name;
        e->type_name = (uint32_t)(i * CNN__NPY_TYPE);
        status = cnn__npy_parse(st, &st->members[i], e, st->header + e->type_name);
    }
    return status;
}

cnn_tensor *cnn_npy_load(cnn_context *ctx, const char *path)
{
    const char *call = "npy_load";
    cnn__safetensors st;
    if (!ctx || !path) {
        cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: %s is NULL", call, ctx ? "path" : "ctx");
        return NULL;
    }
    if (cnn__safetensors_open(&st, ctx, call, path) != CNN_OK) {
        return NULL;
    }
    cnn_tensor *t = NULL;
    if (st.kind == CNN__NPY) {
        t = cnn__safetensors_tensor(&st, st.entries);
    } else {
        cnn__file_fail(&st.file, CNN_ERROR_FORMAT, 0, "no .npy file (cnn_tensor_load() takes a tensor by its name)");
    }
    cnn__safetensors_close(&st);
    return t;
}

/* ---- writing ---- */

static cnn_status npy_sink(void *save, const void *data, size_t size)
{
    return cnn__save_write(save, data, size);
}

cnn_status cnn_npy_save(const cnn_tensor *tensor, const char *path)
{
    const char *call = "npy_save";
    char header[CNN__NPY_HEADER_ROOM];
    cnn__save save;
    cnn_status status = cnn__tensor_check(tensor, call);
    if (status != CNN_OK || !path) {
        return status != CNN_OK ? status : cnn__fail(tensor->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: path is NULL", call);
    }
    const cnn_tensor *in_file = cnn__tensor_for_file(tensor, call);
    status = in_file ? cnn__save_begin(&save, tensor->ctx, call, path) : cnn__failure_status();
    if (status == CNN_OK) {
        status = cnn__save_write(&save, header, cnn__npy_header(header, tensor));
        status = status == CNN_OK ? cnn__elements_pass(in_file, npy_sink, &save) : status;
        status = cnn__save_end(&save, status);
    }
    cnn__tensor_for_file_end(tensor, in_file);
    return status;
}
