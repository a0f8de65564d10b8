/* The graph of a trace as a whole: the names of inputs and outputs, every operation in turn, and descriptions of what
 * goes in and comes out. */
#include "save.h"

#include <string.h>

static void count_uses(cnn__export *s)
{
    for (int i = 0; i < s->node_count; i++) {
        const cnn_trace_node *node = cnn_trace_get_node(s->trace, i);
        for (int k = 0; k < node->input_count; k++) {
            s->uses[node->inputs[k] < 0 ? s->value_count : node->inputs[k]]++;
        }
    }
    for (int i = 0; i < s->options.output_count; i++) {
        s->uses[cnn_trace_get_output(s->trace, i)]++;
    }
}

static bool begins_as_made(const cnn__export *s, const char *name)
{
    size_t length = strlen(s->prefix);
    return strncmp(name, s->prefix, length) == 0 && name[length] >= '0' && name[length] <= '9';
}

/* Makes names of values that no given name equals. */
static void choose_prefix(cnn__export *s)
{
    const cnn_onnx_save_options *o = &s->options;
    bool taken = true;
    for (size_t length = 1; taken && length < sizeof s->prefix; length++) {
        memset(s->prefix, '_', length);
        memcpy(s->prefix, "t", 1);
        s->prefix[length] = '\0';
        taken = false;
        for (int i = 0; i < s->value_count; i++) {
            taken |= begins_as_made(s, s->stored[i]);
        }
        for (int i = 0; o->input_names && i < o->input_count; i++) {
            taken |= begins_as_made(s, o->input_names[i]);
        }
        for (int i = 0; o->output_names && i < o->output_count; i++) {
            taken |= begins_as_made(s, o->output_names[i]);
        }
    }
}

/* The name of input or output number i of `count`: the caller's, that of a loaded model, "input", or "input0" and so
 * on. */
static const char *port_name(cnn__export *s, bool output, int i)
{
    const cnn_onnx_save_options *o = &s->options;
    const char *const *names = output ? o->output_names : o->input_names;
    const char *loaded = names ? NULL : cnn__onnx_port_name(s->module, output, i);
    const char *what = output ? "output" : "input";
    int count = output ? o->output_count : o->input_count;
    return names ? names[i] : loaded ? loaded : count == 1 ? what : cnn__export_string(s, "%s%d", what, i);
}

static cnn_status check_names(cnn__export *s, const char **ports, int count)
{
    for (int i = 0; i < count; i++) {
        bool bad = ports[i] && !*ports[i];
        for (int k = 0; ports[i] && !bad && k < i; k++) {
            bad = ports[k] && strcmp(ports[i], ports[k]) == 0;
        }
        for (int v = 0; ports[i] && !bad && v < s->value_count; v++) {
            bad = strcmp(ports[i], s->stored[v]) == 0;
        }
        if (bad) {
            return cnn__onnx_fail(s->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: \"%.60s\" names %s", s->call, ports[i],
                                  *ports[i] ? "two tensors of the graph" : "an input or output");
        }
    }
    return CNN_OK;
}

/* A value's name, dtype and shape (ValueInfoProto); the batch is a parameter of the shape, and so are
 * symbolic sizes. One that follows from those of the inputs has no name. */
static void describe(cnn__export *s, int field, const char *name, int value)
{
    cnn__export_buffer sizes = { 0 }, tensor = { 0 }, type = { 0 }, info = { 0 };
    cnn__export_shape shape = cnn__export_shape_of(s, value);
    for (int d = 0; d < shape.ndim; d++) {
        cnn__export_buffer size = { 0 };
        const int64_t times = shape.dim[d].times;
        if (times == CNN__EXPORT_FREE) {
            const char *symbol = cnn__export_symbol(s, value, d);
            if (symbol) {
                cnn__export_put_text(&size, 2, symbol);
            }
        } else if (times) {
            cnn__export_put_text(&size, 2,
                                 times == 1 ? "batch" : cnn__export_string(s, "%lld*batch", (long long)times));
        } else {
            cnn__export_put_int(&size, 1, shape.dim[d].size);
        }
        cnn__export_put_message(&sizes, 1, &size);
    }
    cnn__export_put_int(&tensor, 1, cnn__export_type(cnn__export_dtype(s, value)));
    cnn__export_put_message(&tensor, 2, &sizes);
    cnn__export_put_message(&type, 1, &tensor);
    cnn__export_put_text(&info, 1, name);
    cnn__export_put_message(&info, 2, &type);
    cnn__export_put_message(&s->values, field, &info);
}

/* Names the inputs, and those results that are outputs; what is an output twice, or no result, is copied at the end. */
static void name_ports(cnn__export *s, const char **ports)
{
    const cnn_onnx_save_options *o = &s->options;
    for (int i = 0; i < o->input_count; i++) {
        s->names[i] = ports[i] ? ports[i] : "";
        if (ports[i]) {
            describe(s, 11, ports[i], i);
        }
    }
    for (int i = 0; i < o->output_count; i++) {
        int value = cnn_trace_get_output(s->trace, i);
        if (cnn__export_value(s, value)->node >= 0 && !s->names[value]) {
            s->names[value] = ports[o->input_count + i];
        }
    }
}

static void write_outputs(cnn__export *s, const char **ports)
{
    s->now = s->node_count;
    for (int i = 0; i < s->options.output_count; i++) {
        const char *name = ports[s->options.input_count + i];
        int value = cnn_trace_get_output(s->trace, i);
        const char *from = cnn__export_name(s, value);
        if (from != name) {
            cnn__export_emit(s, "Identity", name, from, NULL);
        }
        describe(s, 12, name, value);
    }
}

cnn_status cnn__export_write_graph(cnn__export *s, const char **ports)
{
    const cnn_onnx_save_options *o = &s->options;
    choose_prefix(s);
    for (int i = 0; i < o->input_count; i++) {
        ports[i] = o->inputs[i].left_out ? NULL : port_name(s, false, i);
    }
    for (int i = 0; i < o->output_count; i++) {
        ports[o->input_count + i] = port_name(s, true, i);
    }
    cnn_status status = s->no_memory ? CNN_OK : check_names(s, ports, o->input_count + o->output_count);
    if (status != CNN_OK) {
        return status;
    }
    count_uses(s);
    if (o->fold_batch_norm) {
        cnn__export_plan_folding(s);
    }
    name_ports(s, ports);
    for (s->now = 0; s->now < s->node_count && !s->no_memory; s->now++) {
        if (s->folding[s->now] != -1) {
            cnn__export_write(s, cnn_trace_get_node(s->trace, s->now));
        }
    }
    write_outputs(s, ports);
    return CNN_OK;
}
