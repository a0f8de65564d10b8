/* The parameters and buffers of an ONNX model, by libcnn-onnx. */
#include "common/say.h"
#include "onnx.h"

#include <cnn/onnx.h>

#include <stdlib.h>

/* It does not see that a row of the table holds the copy of its name. */
#if defined(CNN__LINT) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

typedef struct onnx_file {
    cnn_module *module;
    cnn_tensor **tensors; /* in the order in which they were added to the table, borrowed */
    tensors *table;
    bool good;
} onnx_file;

static bool add(const char *name, cnn_tensor *tensor, bool is_parameter, void *user)
{
    onnx_file *f = user;
    cnn_dtype dtype = cnn_tensor_dtype(tensor);
    (void)is_parameter;
    f->tensors[f->table->count] = tensor;
    f->good = tensors_add(f->table, name, cnn_dtype_name(dtype), cnn_tensor_ndim(tensor), cnn_tensor_shape(tensor),
                          cnn_tensor_numel(tensor) * (int64_t)cnn_dtype_size(dtype));
    return f->good;
}

bool onnx_open(tensors *t)
{
    onnx_file *f = t->own = calloc(1, sizeof *f);
    if (!f) {
        say("cnn: %s: no memory", t->path);
        return false;
    }
    *f = (onnx_file){ .table = t, .good = true, .module = cnn_onnx_load(t->ctx, t->path, NULL) };
    if (!f->module) {
        say("cnn: %s", cnn_last_error(t->ctx));
        return false;
    }
    f->tensors = calloc((size_t)cnn_module_state_count(f->module) + 1, sizeof(cnn_tensor *));
    if (!f->tensors) {
        say("cnn: %s: no memory", t->path);
        return false;
    }
    cnn_module_visit(f->module, add, f);
    return f->good && tensors_sort(t);
}

cnn_tensor *onnx_read(tensors *t, int i)
{
    const onnx_file *f = t->own;
    cnn_tensor *shared = cnn_tensor_share(f->tensors[t->info[i].added]);
    if (!shared) {
        say("cnn: %s", cnn_last_error(t->ctx));
    }
    return shared;
}

void onnx_close(tensors *t)
{
    onnx_file *f = t->own;
    if (f) {
        cnn_module_free(f->module);
        free(f->tensors);
        free(f);
        t->own = NULL;
    }
}
