/* What a model's inputs and outputs are called and how large they are, as the file has it. */
#include "net.h"
#include "save.h"

#include <string.h>

/* A text of the file with a NUL; NULL: no memory, reported. */
static const char *port_text(cnn__onnx_reading *reading, cnn__onnx_text text)
{
    char *copy = cnn__onnx_reading_get(reading, text.size + 1, 1);
    if (copy && text.size) {
        memcpy(copy, text.at, text.size);
    }
    return copy;
}

static bool port_fill(cnn__onnx_reading *reading, const cnn__onnx_value_info *info, cnn_onnx_value *port)
{
    port->struct_size = sizeof *port;
    port->ndim = info->type ? info->ndim : -1;
    port->name = port_text(reading, info->name);
    if (!cnn__onnx_dtype(info->type, &port->dtype)) {
        port->dtype = CNN_F32;
    }
    bool good = port->name != NULL;
    for (int d = 0; d < port->ndim && good; d++) {
        port->shape[d] = info->shape[d];
        port->symbols[d] = port_text(reading, info->symbols[d]);
        good = port->symbols[d] != NULL;
    }
    return good;
}

bool cnn__onnx_ports_make(cnn__onnx_reading *reading, cnn__onnx_program *program)
{
    const cnn__onnx_graph *graph = program->model.graph;
    int count = program->input_count + graph->output_count;
    program->output_count = graph->output_count;
    program->ports = cnn__onnx_reading_get(reading, (size_t)count, sizeof *program->ports);
    bool good = program->ports != NULL;
    for (int i = 0; i < count && good; i++) {
        int output = i - program->input_count;
        good = port_fill(reading, output < 0 ? program->inputs[i] : &graph->outputs[output], &program->ports[i]);
    }
    return good;
}

/* ---- asking ---- */

const char *cnn__onnx_port_name(const cnn_module *module, bool output, int i)
{
    const cnn__onnx_net *net = cnn_module_user(module, cnn__onnx_net_forward);
    const cnn__onnx_program *p = net ? net->program : NULL;
    bool there = p && i < (output ? p->output_count : p->input_count);
    const char *name = there ? p->ports[output ? p->input_count + i : i].name : NULL;
    return name && *name ? name : NULL;
}

/* The program of a model; NULL: reported. */
static const cnn__onnx_program *program_of(const cnn_module *module, const char *call)
{
    const cnn__onnx_net *net = module ? cnn_module_user(module, cnn__onnx_net_forward) : NULL;
    if (!net) {
        cnn__onnx_fail(module ? cnn_module_context(module) : NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: %s", call,
                       module ? "the module is no model that cnn_onnx_load() has made" : "module is NULL");
        return NULL;
    }
    return net->program;
}

int cnn_onnx_input_count(const cnn_module *module)
{
    const cnn__onnx_program *p = program_of(module, "onnx_input_count");
    return p ? p->input_count : 0;
}

int cnn_onnx_output_count(const cnn_module *module)
{
    const cnn__onnx_program *p = program_of(module, "onnx_output_count");
    return p ? p->output_count : 0;
}

static cnn_status port_get(const cnn_module *module, bool output, int i, cnn_onnx_value *value)
{
    const char *call = output ? "onnx_output" : "onnx_input";
    const cnn__onnx_program *p = program_of(module, call);
    if (!p) {
        return CNN_ERROR_INVALID_ARGUMENT;
    }
    cnn_context *ctx = cnn_module_context(module);
    int count = output ? p->output_count : p->input_count;
    if (!value || i < 0 || i >= count) {
        return value ? cnn__onnx_fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: there is no number %d, expected 0 to %d",
                                      call, i, count - 1)
                     : cnn__onnx_fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: value is NULL", call);
    }
    size_t given = value->struct_size;
    if (given < sizeof *value || given > 4096) {
        return cnn__onnx_fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: struct_size is %zu, expected at least %zu", call,
                              given, sizeof *value);
    }
    *value = p->ports[output ? p->input_count + i : i];
    value->struct_size = given;
    return CNN_OK;
}

cnn_status cnn_onnx_input(const cnn_module *module, int i, cnn_onnx_value *value)
{
    return port_get(module, false, i, value);
}

cnn_status cnn_onnx_output(const cnn_module *module, int i, cnn_onnx_value *value)
{
    return port_get(module, true, i, value);
}
