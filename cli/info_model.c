/* cnn info of an ONNX model: its inputs and outputs, its operators and its initializers. What is in the file is
 * printed whether libcnn-onnx can run it or not; of a model that runs, also the FLOPs, and which initializers are
 * parameters. */
#include "command.h"
#include "info_graph.h"
#include "model.h"

#include "common/say.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The parameters and buffers of the module, in the order of their names. */
typedef struct state {
    char *name;
    bool is_parameter;
} state;

typedef struct states {
    state *all;
    int count;
    bool failed;
} states;

static bool add_state(const char *name, cnn_tensor *tensor, bool is_parameter, void *user)
{
    states *s = user;
    (void)tensor;
    char *copy = strdup(name);
    s->failed = !copy;
    if (copy) {
        s->all[s->count++] = (state){ .name = copy, .is_parameter = is_parameter };
    }
    return copy != NULL;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const state *)a)->name, ((const state *)b)->name);
}

static bool states_of(states *s, const cnn_module *module)
{
    *s = (states){ .all = calloc((size_t)cnn_module_state_count(module) + 1, sizeof *s->all) };
    if (s->all) {
        cnn_module_visit((cnn_module *)module, add_state, s);
    }
    if (!s->all || s->failed) {
        say("cnn info: no memory");
        return false;
    }
    if (s->count) {
        qsort(s->all, (size_t)s->count, sizeof *s->all, by_name);
    }
    return true;
}

static void states_free(states *s)
{
    for (int i = 0; i < s->count; i++) {
        free(s->all[i].name);
    }
    free(s->all);
}

/* "parameter", "buffer" or "constant" */
static const char *kind_of(const states *s, const char *name)
{
    const state wanted = { .name = (char *)name };
    const state *found = s->count ? bsearch(&wanted, s->all, (size_t)s->count, sizeof wanted, by_name) : NULL;
    return !found ? "constant" : found->is_parameter ? "parameter" : "buffer";
}

/* `kind` NULL: nobody knows, since the model cannot be run. */
static void print_tensor(const graph_tensor *t, const char *kind, bool json)
{
    if (json) {
        fputs("{\"name\": ", stdout);
        json_string(t->value.name);
        printf(", \"dtype\": \"%s\", \"kind\": ", graph_type_name(t->value.type));
        printf(kind ? "\"%s\"" : "null", kind ? kind : "");
        fputs(", \"shape\": ", stdout);
        print_value_shape(&t->value, true);
        putchar('}');
        return;
    }
    fputs("  ", stdout);
    print_text(t->value.name);
    printf("  %s  ", graph_type_name(t->value.type));
    print_value_shape(&t->value, false);
    printf("  %" PRId64 "%s%s\n", t->elements, kind && strcmp(kind, "parameter") != 0 ? "  " : "",
           kind && strcmp(kind, "parameter") != 0 ? kind : "");
}

static bool print_tensors(const graph *g, const model *m, bool json)
{
    states s = { 0 };
    bool good = !m->module || states_of(&s, m->module);
    fputs(json ? ", \"tensors\": [" : "", stdout);
    for (int i = 0; good && i < g->tensor_count; i++) {
        fputs(json && i ? ", " : "", stdout);
        print_tensor(&g->tensors[i], m->module ? kind_of(&s, g->tensors[i].value.name) : NULL, json);
    }
    fputs(json ? "]" : "", stdout);
    states_free(&s);
    return good;
}

static void print_port(const graph_value *v, bool json, const char *before)
{
    if (json) {
        fputs("{\"name\": ", stdout);
        json_string(v->name);
        printf(", \"dtype\": \"%s\", \"shape\": ", graph_type_name(v->type));
        print_value_shape(v, true);
        putchar('}');
        return;
    }
    printf("  %s ", before);
    print_text(v->name);
    printf("  %s  ", graph_type_name(v->type));
    print_value_shape(v, false);
    putchar('\n');
}

static void print_ports(const graph *g, bool json)
{
    int shown = 0;
    fputs(json ? ", \"inputs\": [" : "", stdout);
    for (int i = 0; i < g->input_count; i++) {
        if (!graph_initializer(g, g->inputs[i].name)) { /* older files have them among the inputs */
            fputs(json && shown++ ? ", " : "", stdout);
            print_port(&g->inputs[i], json, "input");
        }
    }
    fputs(json ? "], \"outputs\": [" : "", stdout);
    for (int i = 0; i < g->output_count; i++) {
        fputs(json && i ? ", " : "", stdout);
        print_port(&g->outputs[i], json, "output");
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
    double flops = m->module ? flops_of(m) : -1;
    if (json) {
        printf(flops < 0 ? ", \"flops\": null" : ", \"flops\": %.0f", flops);
        fputs(", \"cannot_be_run\": ", stdout);
        if (m->module) {
            fputs("null", stdout);
        } else {
            json_string(cnn_last_error(m->ctx));
        }
    } else if (!m->module) {
        fputs("  cannot be run: ", stdout);
        puts(cnn_last_error(m->ctx));
    } else if (flops < 0) {
        puts("  FLOPs are known for given shapes alone");
    } else {
        printf("  %.3f MFLOP per run, with a batch of 1 where the file leaves it open\n", 1e-6 * flops);
    }
}

static void print_head(const graph *g, const model *m, bool json)
{
    const int64_t parameters = m->module ? cnn_module_parameter_numel(m->module) : 0;
    if (!json) {
        print_text(g->path);
        printf(": onnx, %" PRId64 " %s\n", m->module ? parameters : g->tensor_count,
               m->module ? "parameters" : "initializers");
        return;
    }
    fputs("{\"file\": ", stdout);
    json_string(g->path);
    fputs(", \"format\": \"onnx\", \"parameters\": ", stdout);
    printf(m->module ? "%" PRId64 : "null", parameters);
}

bool is_model(const char *path)
{
    size_t length = strlen(path);
    return length > 5 && strcmp(path + length - 5, ".onnx") == 0;
}

int info_model(const char *path, bool json, bool nodes)
{
    model m;
    graph g;
    if (!model_open_unless(&m, "info", path, 1, CNN_ERROR_UNSUPPORTED)) {
        return STATUS_FAILED;
    }
    bool good = graph_open(&g, "cnn info", path);
    if (good) {
        print_head(&g, &m, json);
        print_flops(&m, json);
        print_graph_head(&g, json);
        print_ports(&g, json);
        print_operators(&g, json);
        if (nodes) {
            print_nodes(&g, json);
        }
        good = print_tensors(&g, &m, json);
        fputs(json ? "}\n" : "", stdout);
        graph_close(&g);
    }
    model_close(&m);
    return good ? command_flush() : STATUS_FAILED;
}
