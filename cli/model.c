/* Opening a model, and the names of its inputs. */
#include "model.h"

#include "common/say.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool model_open_unless(model *m, const char *command, const char *path, int threads, cnn_status status)
{
    *m = (model){ .command = command, .path = path };
    m->ctx = cnn_context_new(.threads = threads, .device = "cpu");
    m->module = m->ctx ? cnn_onnx_load(m->ctx, path, NULL) : NULL;
    if (!m->module) {
        if (m->ctx && status != CNN_OK && cnn_context_status(m->ctx) == status) {
            return true;
        }
        say("cnn %s: %s", command, cnn_last_error(NULL));
        model_close(m);
        return false;
    }
    m->input_count = cnn_onnx_input_count(m->module);
    m->output_count = cnn_onnx_output_count(m->module);
    m->inputs = calloc((size_t)m->input_count + 1, sizeof(cnn_tensor *));
    if (!m->inputs) {
        say("cnn %s: no memory", command);
        model_close(m);
        return false;
    }
    return true;
}

bool model_open(model *m, const char *command, const char *path, int threads)
{
    return model_open_unless(m, command, path, threads, CNN_OK);
}

void model_close(model *m)
{
    for (int i = 0; m->inputs && i < m->input_count; i++) {
        cnn_tensor_free(m->inputs[i]);
    }
    free(m->inputs);
    cnn_module_free(m->module);
    cnn_context_free(m->ctx);
    *m = (model){ .command = m->command };
}

cnn_onnx_value model_input(const model *m, int i)
{
    cnn_onnx_value v = { .struct_size = sizeof v };
    cnn_onnx_input(m->module, i, &v);
    return v;
}

cnn_onnx_value model_output(const model *m, int i)
{
    cnn_onnx_value v = { .struct_size = sizeof v };
    cnn_onnx_output(m->module, i, &v);
    return v;
}

int model_given(const model *m, const char *text, const char **rest)
{
    for (int i = 0; i < m->input_count; i++) {
        const char *name = model_input(m, i).name;
        size_t length = strlen(name);
        if (strncmp(text, name, length) == 0 && text[length] == '=') {
            *rest = text + length + 1;
            return i;
        }
    }
    if (m->input_count == 1 && !strchr(text, '=')) {
        *rest = text;
        return 0;
    }
    fprintf(stderr, "cnn %s: \"%s\" names no input of %s, expected NAME=… with one of", m->command, text, m->path);
    for (int i = 0; i < m->input_count; i++) {
        char name[256];
        cnn_name_escape(model_input(m, i).name, name, sizeof name);
        fprintf(stderr, "%s %s", i ? "," : "", name);
    }
    fputc('\n', stderr);
    return -1;
}

void model_shape_text(const cnn_onnx_value *v, char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, v->ndim < 0 ? "any shape" : "[");
    for (int d = 0; d < v->ndim && used < size; d++) {
        const char *comma = d ? "," : "";
        if (v->shape[d] >= 0) {
            used += (size_t)snprintf(text + used, size - used, "%s%" PRId64, comma, v->shape[d]);
        } else {
            char symbol[64];
            cnn_name_escape(*v->symbols[d] ? v->symbols[d] : "?", symbol, sizeof symbol);
            used += (size_t)snprintf(text + used, size - used, "%s%s", comma, symbol);
        }
    }
    if (v->ndim >= 0 && used < size) {
        snprintf(text + used, size - used, "]");
    }
}
