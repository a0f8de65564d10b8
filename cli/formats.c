/* The table of formats. A format that libcnn reads by itself goes through cnn_file_open(); another one brings a reader
 * of its own. */
#include "common/say.h"
#include "onnx.h"
#include "pytorch.h"
#include "tensors.h"

#include <stdio.h>
#include <string.h>

/* ---- what the library reads ---- */

static bool library_open(tensors *t)
{
    t->file = cnn_file_open(t->ctx, t->path);
    if (!t->file) {
        say("cnn: %s", cnn_last_error(t->ctx));
        return false;
    }
    for (int i = 0; i < cnn_file_count(t->file); i++) {
        if (!tensors_add(t, cnn_file_name(t->file, i), cnn_file_dtype_name(t->file, i), cnn_file_ndim(t->file, i),
                         cnn_file_shape(t->file, i), cnn_file_bytes(t->file, i))) {
            return false;
        }
    }
    for (int i = 0; i < cnn_file_metadata_count(t->file); i++) {
        bool checkpoint = strcmp(cnn_file_metadata_value(t->file, i), "libcnn.checkpoint") == 0;
        t->kind = checkpoint ? "checkpoint" : t->kind;
    }
    return true;
}

static cnn_tensor *library_read(tensors *t, int i)
{
    cnn_tensor *tensor = cnn_file_read(t->file, i);
    if (!tensor) {
        say("cnn: %s", cnn_last_error(t->ctx));
    }
    return tensor;
}

static void library_close(tensors *t)
{
    cnn_file_free(t->file);
    t->file = NULL;
}

/* ---- how each is told and written ---- */

/* Eight bytes of length, then JSON. */
static bool is_safetensors(const unsigned char *head, size_t size)
{
    return size > 8 && head[8] == '{' && head[5] == 0 && head[6] == 0 && head[7] == 0;
}

static bool is_npy(const unsigned char *head, size_t size)
{
    return size >= 6 && memcmp(head, "\x93NUMPY", 6) == 0;
}

/* Also PyTorch's files are zip archives, whose line in the table comes first. */
static bool is_npz(const unsigned char *head, size_t size)
{
    return size >= 4 && (memcmp(head, "PK\3\4", 4) == 0 || memcmp(head, "PK\5\6", 4) == 0 ||
                         memcmp(head, "PK\6\6", 4) == 0); /* the last two: without members */
}

static cnn_status save_safetensors(const char *const *names, cnn_tensor *const *all, int count, const char *path,
                                   bool compress)
{
    (void)compress;
    return cnn_tensors_save(names, all, count, path);
}

static cnn_status save_npz(const char *const *names, cnn_tensor *const *all, int count, const char *path, bool compress)
{
    return compress ? cnn_npz_save_compressed(names, all, count, path) : cnn_npz_save(names, all, count, path);
}

static cnn_status save_npy(const char *const *names, cnn_tensor *const *all, int count, const char *path, bool compress)
{
    (void)names;
    (void)count; /* convert.c has seen to it that it is 1 */
    (void)compress;
    return cnn_npy_save(all[0], path);
}

/* Its first bytes are those of any message; tensors.c knows it by its name. */
static bool is_onnx(const unsigned char *head, size_t size)
{
    (void)head, (void)size;
    return false;
}

/* Told apart from the top: the first line that knows a file's first bytes. */
const format formats[] = {
    { "npy", ".npy", is_npy, library_open, library_read, library_close, save_npy },
    { "pytorch", "", pytorch_is, pytorch_open, pytorch_read, pytorch_close, NULL },
    { "pytorch", "", pytorch_is_old, pytorch_open_old, pytorch_read, pytorch_close, NULL },
    { "npz", ".npz", is_npz, library_open, library_read, library_close, save_npz },
    { "safetensors", ".safetensors", is_safetensors, library_open, library_read, library_close, save_safetensors },
    { "onnx", ".onnx", is_onnx, onnx_open, onnx_read, onnx_close, NULL },
};
const int format_count = sizeof formats / sizeof *formats;

const format *format_of_path(const char *path)
{
    size_t length = strlen(path);
    for (int i = 0; i < format_count; i++) {
        size_t end = strlen(formats[i].extension);
        if (end > 0 && length > end && strcmp(path + length - end, formats[i].extension) == 0) {
            return &formats[i];
        }
    }
    say("cnn: %s ends with no format that is written here, expected .safetensors, .npz, .npy or .onnx", path);
    return NULL;
}
