/* cnn info of an ONNX model: its inputs and outputs, and its parameters and buffers. */
#include "command.h"
#include "model.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_port(const cnn_onnx_value *v, bool json, const char *before)
{
    if (!json) {
        char shape[512], name[512];
        model_shape_text(v, shape, sizeof shape);
        cnn_name_escape(v->name, name, sizeof name);
        printf("  %s %s  %s  %s\n", before, name, cnn_dtype_name(v->dtype), shape);
        return;
    }
    fputs("{\"name\": ", stdout);
    json_string(v->name);
    printf(", \"dtype\": \"%s\", \"shape\": %s", cnn_dtype_name(v->dtype), v->ndim < 0 ? "null" : "[");
    for (int d = 0; d < v->ndim; d++) { /* sizes that are open by their names, or null */
        fputs(d ? ", " : "", stdout);
        if (v->shape[d] >= 0) {
            printf("%" PRId64, v->shape[d]);
        } else if (*v->symbols[d]) {
            json_string(v->symbols[d]);
        } else {
            fputs("null", stdout);
        }
    }
    fputs(v->ndim < 0 ? "}" : "]}", stdout);
}

typedef struct listing {
    bool json;
    int count;
} listing;

static bool print_state(const char *name, cnn_tensor *tensor, bool is_parameter, void *user)
{
    listing *l = user;
    if (l->json) {
        fputs(l->count ? ", {\"name\": " : "{\"name\": ", stdout);
        json_string(name);
        printf(", \"dtype\": \"%s\", \"parameter\": %s, \"shape\": [", cnn_dtype_name(cnn_tensor_dtype(tensor)),
               is_parameter ? "true" : "false");
    } else {
        char shown[1024];
        cnn_name_escape(name, shown, sizeof shown);
        printf("  %s  %s  [", shown, cnn_dtype_name(cnn_tensor_dtype(tensor)));
    }
    for (int d = 0; d < cnn_tensor_ndim(tensor); d++) {
        printf("%s%" PRId64, d ? "," : "", cnn_tensor_shape(tensor)[d]);
    }
    if (l->json) {
        fputs("]}", stdout);
    } else {
        printf("]  %" PRId64 "%s\n", cnn_tensor_numel(tensor), is_parameter ? "" : "  buffer");
    }
    l->count++;
    return true;
}

static void print_ports(const model *m, bool json)
{
    fputs(json ? ", \"inputs\": [" : "", stdout);
    for (int i = 0; i < m->input_count; i++) {
        cnn_onnx_value v = model_input(m, i);
        fputs(json && i ? ", " : "", stdout);
        print_port(&v, json, "input");
    }
    fputs(json ? "], \"outputs\": [" : "", stdout);
    for (int i = 0; i < m->output_count; i++) {
        cnn_onnx_value v = model_output(m, i);
        fputs(json && i ? ", " : "", stdout);
        print_port(&v, json, "output");
    }
    fputs(json ? "]" : "", stdout);
}

/* The FLOPs of a forward on the shapes that the file says, with 1 for the batch, the first size where it is open; −1:
 * the shapes or the model do not say. */
static double flops_of(const model *m)
{
    cnn_trace_input *inputs = calloc((size_t)m->input_count + 1, sizeof *inputs);
    int64_t(*shapes)[CNN_MAX_DIMS] = calloc((size_t)m->input_count + 1, sizeof *shapes);
    bool known = inputs && shapes;
    for (int i = 0; i < m->input_count && known; i++) {
        cnn_onnx_value v = model_input(m, i);
        known = v.ndim >= 0;
        for (int d = 0; d < v.ndim; d++) {
            known &= v.shape[d] >= 0 || d == 0;
            shapes[i][d] = v.shape[d] >= 0 ? v.shape[d] : 1;
        }
        inputs[i] = (cnn_trace_input){ .shape = shapes[i], .ndim = v.ndim, .dtype = v.dtype };
    }
    const cnn_trace_options options = { .struct_size = sizeof options, .output_count = m->output_count };
    cnn_trace *trace = known ? cnn_trace_create(m->module, inputs, m->input_count, &options) : NULL;
    double flops = trace ? 0 : -1;
    const cnn_trace_node *node;
    for (int i = 0; trace && (node = cnn_trace_get_node(trace, i)) != NULL; i++) {
        flops += node->flops;
    }
    cnn_trace_free(trace);
    free(inputs);
    free(shapes);
    return flops;
}

static void print_flops(const model *m, bool json)
{
    double flops = flops_of(m);
    if (json) {
        printf(flops < 0 ? ", \"flops\": null" : ", \"flops\": %.0f", flops);
    } else if (flops < 0) {
        puts("  FLOPs are known for given shapes alone");
    } else {
        printf("  %.3f MFLOP per run, with a batch of 1 where the file leaves it open\n", 1e-6 * flops);
    }
}

bool is_model(const char *path)
{
    size_t length = strlen(path);
    return length > 5 && strcmp(path + length - 5, ".onnx") == 0;
}

int info_model(const char *path, bool json)
{
    model m;
    listing l = { .json = json };
    if (!model_open(&m, "info", path, 1)) {
        return STATUS_FAILED;
    }
    if (json) {
        fputs("{\"file\": ", stdout);
        json_string(path);
        printf(", \"format\": \"onnx\", \"parameters\": %" PRId64, cnn_module_parameter_numel(m.module));
    } else {
        printf("%s: onnx, %" PRId64 " parameters\n", path, cnn_module_parameter_numel(m.module));
    }
    print_flops(&m, json);
    print_ports(&m, json);
    fputs(json ? ", \"tensors\": [" : "", stdout);
    cnn_module_visit(m.module, print_state, &l);
    fputs(json ? "]}\n" : "", stdout);
    model_close(&m);
    return command_flush();
}
