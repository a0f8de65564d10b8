/* A trace (<cnn/trace.h>) as nodes: one for each value that no operation makes, and one for each operation. The parts of a
 * node's name that slashes separate are the boxes that TensorBoard draws it in, as the dots of a path are of modules.
 * Numbers of fields are those of graph.proto, node_def.proto, attr_value.proto and tensor_shape.proto. */
#include "graph.h"

#include <stdio.h>
#include <string.h>

enum { GRAPH_NODE = 1, GRAPH_VERSIONS = 4, VERSIONS_PRODUCER = 1 };
enum { NODE_NAME = 1, NODE_OP = 2, NODE_INPUT = 3, NODE_ATTR = 5, ATTR_KEY = 1, ATTR_VALUE = 2 };
enum { VALUE_LIST = 1, LIST_SHAPE = 7, SHAPE_DIM = 2, DIM_SIZE = 1 };
enum { NAME = 512 };

/* The name of the node that makes a value, with ":N" for its results but the first. */
static void name_of(const cnn_trace *trace, int value, char name[NAME])
{
    const cnn_trace_value *v = cnn_trace_get_value(trace, value);
    if (v->node < 0 && *v->name) {
        snprintf(name, NAME, "%s", v->name);
    } else if (v->node < 0) {
        snprintf(name, NAME, v->kind == CNN_VALUE_INPUT ? "input_%d" : "constant_%d", value);
    } else {
        const cnn_trace_node *node = cnn_trace_get_node(trace, v->node);
        int result = 0;
        while (result < node->output_count && node->outputs[result] != value) {
            result++;
        }
        int length = snprintf(name, NAME, "%s%s%s_%d", node->path, *node->path ? "/" : "", node->op, v->node);
        if (result > 0 && length < NAME) {
            snprintf(name + length, (size_t)(NAME - length), ":%d", result);
        }
    }
    for (char *at = name; *at; at++) {
        *at = *at == '.' ? '/' : *at;
    }
}

/* The attribute "_output_shapes", a list of one shape. */
static void add_shape(message *node, const cnn_trace_value *v)
{
    message shape = { 0 }, list = { 0 }, value = { 0 }, entry = { 0 };
    for (int d = 0; d < v->ndim; d++) {
        message dim = { 0 };
        message_int(&dim, DIM_SIZE, (uint64_t)v->shape[d]);
        message_message(&shape, SHAPE_DIM, &dim);
    }
    message_message(&list, LIST_SHAPE, &shape);
    message_message(&value, VALUE_LIST, &list);
    message_text(&entry, ATTR_KEY, "_output_shapes");
    message_message(&entry, ATTR_VALUE, &value);
    message_message(node, NODE_ATTR, &entry);
}

static void add_value_node(message *to, const cnn_trace *trace, int i)
{
    static const char *const kinds[] = { [CNN_VALUE_INPUT] = "Placeholder",
                                         [CNN_VALUE_PARAMETER] = "Parameter",
                                         [CNN_VALUE_BUFFER] = "Buffer",
                                         [CNN_VALUE_CONSTANT] = "Const" };
    const cnn_trace_value *v = cnn_trace_get_value(trace, i);
    char name[NAME];
    message node = { 0 };
    name_of(trace, i, name);
    message_text(&node, NODE_NAME, name);
    message_text(&node, NODE_OP, kinds[v->kind]);
    add_shape(&node, v);
    message_message(to, GRAPH_NODE, &node);
}

static void add_operation(message *to, const cnn_trace *trace, const cnn_trace_node *operation)
{
    char name[NAME];
    message node = { 0 };
    int first = 0;
    while (first < operation->output_count - 1 && operation->outputs[first] < 0) {
        first++;
    }
    name_of(trace, operation->outputs[first], name);
    char *colon = strchr(name, ':');
    if (colon) {
        *colon = '\0';
    }
    message_text(&node, NODE_NAME, name);
    message_text(&node, NODE_OP, operation->op);
    for (int i = 0; i < operation->input_count; i++) {
        if (operation->inputs[i] >= 0) {
            name_of(trace, operation->inputs[i], name);
            message_text(&node, NODE_INPUT, name);
        }
    }
    add_shape(&node, cnn_trace_get_value(trace, operation->outputs[first]));
    message_message(to, GRAPH_NODE, &node);
}

bool graph_append(message *to, cnn_module *module, const cnn_tensor *batch)
{
    const cnn_trace_input input = { .shape = cnn_tensor_shape(batch), .ndim = cnn_tensor_ndim(batch),
                                    .dtype = cnn_tensor_dtype(batch) };
    cnn_trace *trace = cnn_trace_create(module, &input, 1, NULL);
    if (!trace) {
        return false;
    }
    const cnn_trace_value *v;
    const cnn_trace_node *node;
    for (int i = 0; (v = cnn_trace_get_value(trace, i)) != NULL; i++) {
        if (v->kind != CNN_VALUE_RESULT) {
            add_value_node(to, trace, i);
        }
    }
    for (int i = 0; (node = cnn_trace_get_node(trace, i)) != NULL; i++) {
        if (node->output_count > 0) {
            add_operation(to, trace, node);
        }
    }
    message versions = { 0 };
    message_int(&versions, VERSIONS_PRODUCER, 22);
    message_message(to, GRAPH_VERSIONS, &versions);
    cnn_trace_free(trace);
    return !to->failed;
}
