/* Models in the format of ONNX, made byte by byte for the tests of libcnn-onnx. */
#ifndef CNN_TESTS_SUPPORT_ONNX_MODELS_H
#define CNN_TESTS_SUPPORT_ONNX_MODELS_H

#include "support/protobuf.h"

#include "support/files.h"
#include "support/suite.h"

#include <cnn/cnn.h>
#include <cnn/onnx.h>

enum { FLOAT = 1, INT64 = 7 };

/* A TensorProto with raw bytes. */
static inline buffer tensor_message(const char *name, int type, int ndim, const int64_t *shape, const void *data, size_t size)
{
    buffer t = { 0 };
    for (int d = 0; d < ndim; d++) {
        put_int(&t, 1, shape[d]);
    }
    put_int(&t, 2, type);
    put_text(&t, 8, name);
    put_bytes(&t, 9, data, size);
    return t;
}

/* A TensorProto whose elements are in another file. */
static inline buffer external_message(const char *name, int ndim, const int64_t *shape, const char *location, const char *offset, const char *length)
{
    buffer t = { 0 };
    const char *entries[3][2] = { { "location", location }, { "offset", offset }, { "length", length } };
    for (int d = 0; d < ndim; d++) {
        put_int(&t, 1, shape[d]);
    }
    put_int(&t, 2, FLOAT);
    put_text(&t, 8, name);
    for (int i = 0; i < 3; i++) {
        buffer e = { 0 };
        if (entries[i][1]) {
            put_text(&e, 1, entries[i][0]);
            put_text(&e, 2, entries[i][1]);
            put_message(&t, 13, &e);
        }
    }
    put_int(&t, 14, 1);
    return t;
}

/* A ValueInfoProto; a size of −1 is called "batch". */
static inline buffer value_message(const char *name, int type, int ndim, const int64_t *shape)
{
    buffer value = { 0 }, kind = { 0 }, tensor = { 0 }, sizes = { 0 };
    for (int d = 0; d < ndim; d++) {
        buffer size = { 0 };
        if (shape[d] < 0) {
            put_text(&size, 2, "batch");
        } else {
            put_int(&size, 1, shape[d]);
        }
        put_message(&sizes, 1, &size);
    }
    put_int(&tensor, 1, type);
    put_message(&tensor, 2, &sizes);
    put_message(&kind, 1, &tensor);
    put_text(&value, 1, name);
    put_message(&value, 2, &kind);
    return value;
}

/* A NodeProto; inputs and outputs are separated by spaces. */
static inline buffer node_message(const char *op, const char *inputs, const char *outputs)
{
    buffer node = { 0 };
    char names[2][200];
    snprintf(names[0], sizeof names[0], "%s", inputs);
    snprintf(names[1], sizeof names[1], "%s", outputs);
    for (int k = 0; k < 2; k++) {
        char *rest;
        for (char *name = strtok_r(names[k], " ", &rest); name; name = strtok_r(NULL, " ", &rest)) {
            put_text(&node, k + 1, name);
        }
    }
    put_text(&node, 4, op);
    return node;
}

static inline void put_int_attribute(buffer *node, const char *name, int64_t value)
{
    buffer a = { 0 };
    put_text(&a, 1, name);
    put_int(&a, 3, value);
    put_int(&a, 20, 2);
    put_message(node, 5, &a);
}

/* Adds a node to a graph (field 1) or to a function (field 7); a domain of NULL is ONNX's own. */
static inline void put_node(buffer *to, int field, const char *op, const char *domain, const char *inputs, const char *outputs)
{
    buffer node = node_message(op, inputs, outputs);
    if (domain) {
        put_text(&node, 7, domain);
    }
    put_message(to, field, &node);
}

/* Adds an input (field 11) or an output (field 12) to a graph. */
static inline void put_value(buffer *graph, int field, const char *name, int type, int ndim, const int64_t *shape)
{
    buffer part = value_message(name, type, ndim, shape);
    put_message(graph, field, &part);
}

/* Adds an input x of `in` floats and an output y of `out` floats to a graph; a size of −1 is called "batch". */
static inline void put_x_and_y(buffer *graph, int64_t in, int64_t out)
{
    put_value(graph, 11, "x", FLOAT, 1, &in);
    put_value(graph, 12, "y", FLOAT, 1, &out);
}

/* Adds an initializer with raw bytes to a graph. */
static inline void put_tensor(buffer *graph, const char *name, int type, int ndim, const int64_t *shape, const void *data, size_t size)
{
    buffer part = tensor_message(name, type, ndim, shape, data, size);
    put_message(graph, 5, &part);
}

/* Gives a node a graph as an attribute. Takes the graph over. */
static inline void put_graph_attribute(buffer *node, const char *name, buffer *graph)
{
    buffer a = { 0 };
    put_text(&a, 1, name);
    put_message(&a, 6, graph);
    put_int(&a, 20, 5);
    put_message(node, 5, &a);
}

/* Takes the graph over. */
static inline buffer model_message(buffer *graph, int64_t opset)
{
    buffer model = { 0 }, set = { 0 };
    put_int(&model, 1, 8);
    put_message(&model, 7, graph);
    put_int(&set, 2, opset);
    put_message(&model, 8, &set);
    return model;
}

/* Writes a model to the tests' folder. Takes it over. */
static inline const char *model_file(const char *name, buffer *model)
{
    file_put(in_folder(name), model->bytes, model->size);
    free(model->bytes);
    *model = (buffer){ 0 };
    return in_folder(name);
}

/* y = x · fc.weightᵀ + fc.bias, x [batch,3], y [batch,2]; the weights are 0, 1, 2, … over 8. */
static inline buffer linear_graph(void)
{
    static const float weight[6] = { 0, 0.125f, 0.25f, 0.375f, 0.5f, 0.625f }, bias[2] = { 1, -1 };
    buffer g = { 0 }, part = node_message("Gemm", "x fc.weight fc.bias", "y");
    put_int_attribute(&part, "transB", 1);
    put_message(&g, 1, &part);
    put_text(&g, 2, "linear");
    put_tensor(&g, "fc.weight", FLOAT, 2, (int64_t[]){ 2, 3 }, weight, sizeof weight);
    put_tensor(&g, "fc.bias", FLOAT, 1, (int64_t[]){ 2 }, bias, sizeof bias);
    put_value(&g, 11, "x", FLOAT, 2, (int64_t[]){ -1, 3 });
    put_value(&g, 12, "y", FLOAT, 2, (int64_t[]){ -1, 2 });
    return g;
}

#endif
