/* Saves a module as an ONNX file, and beside it inputs and what libcnn computes of them, as bare elements. */
#ifndef CNN_TESTS_TRACE_WRITE_H
#define CNN_TESTS_TRACE_WRITE_H

#include <cnn/cnn.h>
#include <cnn/onnx.h>

#include <stdio.h>
#include <stdlib.h>

enum { MOST_OUTPUTS = 20 };

static inline void give_up(const char *name, const char *why)
{
    fprintf(stderr, "%s: %s\n", name, why);
    exit(1);
}

/* FOLDER/NAME.PART, with the number behind it where that is not negative. */
static inline void write_elements(const char *folder, const char *name, const char *part, int i, const cnn_tensor *t)
{
    char path[512];
    snprintf(path, sizeof path, i < 0 ? "%s/%s.%s" : "%s/%s.%s%d", folder, name, part, i);
    size_t size = (size_t)cnn_tensor_numel(t) * cnn_dtype_size(cnn_tensor_dtype(t));
    void *bytes = malloc(size + 1);
    FILE *file = fopen(path, "wb");
    if (!bytes || !file || cnn_tensor_read(t, bytes, size) != CNN_OK || fwrite(bytes, 1, size, file) != size || fclose(file) != 0) {
        give_up(path, cnn_last_error(cnn_tensor_context(t)));
    }
    free(bytes);
}

/* The sizes of the input, which the file may leave open: NAME.shape. */
static inline void write_shape(const char *folder, const char *name, const cnn_tensor *x)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s.shape", folder, name);
    FILE *file = fopen(path, "w");
    for (int d = 0; file && d < cnn_tensor_ndim(x); d++) {
        fprintf(file, "%lld\n", (long long)cnn_tensor_size(x, d));
    }
    if (!file || fclose(file) != 0) {
        give_up(path, "cannot be written");
    }
}

/* What the module makes of x, under `name`. */
static inline void write_values(cnn_tape *tape, const char *folder, const char *name, cnn_module *module, cnn_tensor *x, int count)
{
    cnn_tensor *outputs[MOST_OUTPUTS];
    cnn_tape_begin(tape, CNN_EVAL);
    if (cnn_forward_many(tape, module, &x, 1, outputs, count) != CNN_OK) {
        give_up(name, cnn_tape_error(tape));
    }
    write_elements(folder, name, "input", -1, x);
    write_shape(folder, name, x);
    for (int i = 0; i < count; i++) {
        write_elements(folder, name, "output", i, outputs[i]);
    }
}

/* NAME.onnx for inputs like x, and its values. false: not written, and cnn_last_error() says why. */
static inline bool try_file(cnn_tape *tape, const char *folder, const char *name, cnn_module *module, cnn_tensor *x, int count,
                            cnn_onnx_save_options *options)
{
    char path[512];
    const cnn_trace_input in = { .shape = cnn_tensor_shape(x), .ndim = cnn_tensor_ndim(x), .dtype = cnn_tensor_dtype(x) };
    snprintf(path, sizeof path, "%s/%s.onnx", folder, name);
    options->inputs = options->inputs ? options->inputs : &in;
    options->output_count = count;
    if (cnn_onnx_save(module, path, options) != CNN_OK) {
        return false;
    }
    write_values(tape, folder, name, module, x, count);
    return true;
}

static inline void write_file(cnn_tape *tape, const char *folder, const char *name, cnn_module *module, cnn_tensor *x, int count,
                              cnn_onnx_save_options *options)
{
    if (!try_file(tape, folder, name, module, x, count, options)) {
        give_up(name, cnn_last_error(cnn_tensor_context(x)));
    }
}

/* The values of another batch, 1 larger: NAME.more.input and so on. */
static inline void write_more(cnn_tape *tape, const char *folder, const char *name, cnn_module *module, cnn_tensor *x, int count)
{
    int64_t shape[CNN_MAX_DIMS];
    char more_name[128];
    for (int d = 0; d < cnn_tensor_ndim(x); d++) {
        shape[d] = cnn_tensor_size(x, d) + (d == 0);
    }
    cnn_tensor *more = cnn_tensor_randn(cnn_tensor_context(x), CNN_F32, cnn_tensor_ndim(x), shape);
    snprintf(more_name, sizeof more_name, "%s.more", name);
    write_values(tape, folder, more_name, module, more, count);
    cnn_tensor_free(more);
}

#endif
