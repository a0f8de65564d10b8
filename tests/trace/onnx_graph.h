/* The graph of an ONNX model (https://onnx.ai/onnx/operators/) as it is written: names of tensors, constants, nodes and their
 * attributes. What is known of an operation is its descriptor: its name, its attributes by theirs, its inputs and its results. */
#ifndef CNN_TESTS_TRACE_ONNX_GRAPH_H
#define CNN_TESTS_TRACE_ONNX_GRAPH_H

#include "autograd/tape.h"
#include "trace/protobuf.h"

enum { MOST_NAMES = 512, OPSET = 23 };

typedef struct writer {
    buffer graph;
    const void *known[MOST_NAMES]; /* a tensor on the tape, or the plain one behind it */
    char name[MOST_NAMES][32];
    int names, constants, betweens;
    const cnn_tensor *input;
    const char *refused; /* the first operation that could not be written; NULL: none */
} writer;

/* ---- attributes by name ---- */

static const cnn__attribute *attribute(const cnn__node *node, const char *name)
{
    for (const cnn__attribute *a = node->op->attributes; a && a->name; a++) {
        if (strcmp(a->name, name) == 0) {
            return a;
        }
    }
    fprintf(stderr, "%s has no attribute %s\n", node->op->name, name);
    exit(1);
}

static int64_t int_at(const cnn__node *node, const char *name, int i)
{
    const cnn__attribute *a = attribute(node, name);
    const char *at = (const char *)node->attributes + a->offset;
    switch (a->type) {
    case CNN__INT64: return ((const int64_t *)(const void *)at)[i];
    case CNN__INT:
    case CNN__DTYPE: return ((const int *)(const void *)at)[i];
    case CNN__BOOL: return ((const bool *)(const void *)at)[i];
    default: return 0;
    }
}

static int count_of(const cnn__node *node, const char *name)
{
    const cnn__attribute *a = attribute(node, name);
    return a->counted ? *(const int *)(const void *)((const char *)node->attributes + a->count_at) : a->count;
}

static double float_at(const cnn__node *node, const char *name)
{
    return *(const double *)(const void *)((const char *)node->attributes + attribute(node, name)->offset);
}

/* ---- values ---- */

static int onnx_dtype(cnn_dtype dtype)
{
    static const int types[] = { [CNN_F32] = 1, [CNN_F64] = 11, [CNN_I64] = 7, [CNN_I32] = 6, [CNN_U8] = 2, [CNN_BOOL] = 9, [CNN_BF16] = 16 };
    return types[dtype];
}

static void add_constant(writer *w, const char *name, cnn_dtype dtype, int ndim, const int64_t *shape, const void *data)
{
    buffer tensor = { 0 };
    size_t size = cnn_dtype_size(dtype);
    for (int d = 0; d < ndim; d++) {
        put_int(&tensor, 1, shape[d]);
        size *= (size_t)shape[d];
    }
    put_int(&tensor, 2, onnx_dtype(dtype));
    put_text(&tensor, 8, name);
    put_bytes(&tensor, 9, data, size);
    put_message(&w->graph, 5, &tensor);
}

static const char *new_constant(writer *w, cnn_dtype dtype, int ndim, const int64_t *shape, const void *data)
{
    static char names[64][32];
    char *name = names[w->constants % 64];
    snprintf(name, 32, "c%d", w->constants++);
    add_constant(w, name, dtype, ndim, shape, data);
    return name;
}

static void describe_value(writer *w, int field, const char *name, const cnn_tensor *t)
{
    buffer shape = { 0 }, tensor = { 0 }, type = { 0 }, value = { 0 };
    for (int d = 0; d < t->ndim; d++) {
        buffer size = { 0 };
        put_int(&size, 1, t->shape[d]);
        put_message(&shape, 1, &size);
    }
    put_int(&tensor, 1, onnx_dtype(t->dtype));
    put_message(&tensor, 2, &shape);
    put_message(&type, 1, &tensor);
    put_text(&value, 1, name);
    put_message(&value, 2, &type);
    put_message(&w->graph, field, &value);
}

/* The name of a tensor; a parameter or buffer becomes a constant of the graph when it is met first. */
static const char *name_of(writer *w, const cnn_tensor *t)
{
    const void *key = t->leaf ? t->leaf : t;
    for (int i = 0; i < w->names; i++) {
        if (w->known[i] == key) {
            return w->name[i];
        }
    }
    char *name = w->name[w->names];
    w->known[w->names] = key;
    snprintf(name, sizeof w->name[0], "t%d", w->names++);
    if (t->leaf && t->leaf != w->input) {
        add_constant(w, name, t->dtype, t->ndim, t->shape, cnn__data(t->leaf));
    }
    return name;
}

/* ---- nodes ---- */

static void end_node(writer *w, buffer *node, const char *type)
{
    put_text(node, 4, type);
    put_message(&w->graph, 1, node);
}

static void put_ints_attribute(buffer *node, const char *name, const int64_t *values, int count)
{
    buffer a = { 0 };
    put_text(&a, 1, name);
    for (int i = 0; i < count; i++) {
        put_int(&a, 8, values[i]);
    }
    put_int(&a, 20, 7);
    put_message(node, 5, &a);
}

static void put_int_attribute(buffer *node, const char *name, int64_t value)
{
    buffer a = { 0 };
    put_text(&a, 1, name);
    put_int(&a, 3, value);
    put_int(&a, 20, 2);
    put_message(node, 5, &a);
}

static void put_float_attribute(buffer *node, const char *name, double value)
{
    buffer a = { 0 };
    put_text(&a, 1, name);
    put_float(&a, 2, (float)value);
    put_int(&a, 20, 1);
    put_message(node, 5, &a);
}

static void put_inputs(writer *w, buffer *out, const cnn__node *node, int count)
{
    for (int i = 0; i < count; i++) {
        put_text(out, 1, node->in[i] ? name_of(w, node->in[i]) : "");
    }
}

static void put_text_attribute(buffer *node, const char *name, const char *text)
{
    buffer a = { 0 };
    put_text(&a, 1, name);
    put_text(&a, 4, text);
    put_int(&a, 20, 3);
    put_message(node, 5, &a);
}

/* The operation, or these attributes or operands of it, have no writer. */
static void refuse(writer *w, const cnn__node *node)
{
    w->refused = w->refused ? w->refused : node->op->name;
}

/* A new name for what is between two nodes; valid for as long as a node is written. */
static const char *between(writer *w)
{
    static char names[64][32];
    char *name = names[w->betweens % 64];
    snprintf(name, sizeof names[0], "m%d", w->betweens++);
    return name;
}

/* A scalar. */
static const char *number(writer *w, cnn_dtype dtype, double value)
{
    const float f32 = (float)value;
    const int64_t i64 = (int64_t)value;
    switch (dtype) {
    case CNN_F32: return new_constant(w, dtype, 0, NULL, &f32);
    case CNN_F64: return new_constant(w, dtype, 0, NULL, &value);
    default: return new_constant(w, CNN_I64, 0, NULL, &i64);
    }
}

static const char *integers(writer *w, int64_t count, const int64_t *values)
{
    return new_constant(w, CNN_I64, 1, &count, values);
}

/* A node without attributes: `to` of one operand or two. */
static const char *emit(writer *w, const char *type, const char *to, const char *a, const char *b)
{
    buffer out = { 0 };
    put_text(&out, 1, a);
    if (b) {
        put_text(&out, 1, b);
    }
    put_text(&out, 2, to);
    end_node(w, &out, type);
    return to;
}

/* `from` as an operand of another shape. */
static const char *emit_reshape(writer *w, const char *to, const char *from, int ndim, const int64_t *shape)
{
    return emit(w, "Reshape", to, from, integers(w, ndim, shape));
}

static const char *emit_cast(writer *w, const char *to, const char *from, cnn_dtype dtype)
{
    buffer out = { 0 };
    put_text(&out, 1, from);
    put_text(&out, 2, to);
    put_int_attribute(&out, "to", onnx_dtype(dtype));
    end_node(w, &out, "Cast");
    return to;
}

/* The names of operands and of the result. */
static const char *in_of(writer *w, const cnn__node *node, int i)
{
    return name_of(w, node->in[i]);
}

static const char *out_of(writer *w, const cnn__node *node)
{
    return name_of(w, node->out[0]);
}

/* `out` has the attributes and gets the first `inputs` operands and the result. */
static void finish(writer *w, buffer *out, const cnn__node *node, int inputs, const char *type)
{
    put_inputs(w, out, node, inputs);
    put_text(out, 2, out_of(w, node));
    end_node(w, out, type);
}

static void write_plain(writer *w, const cnn__node *node, const char *type)
{
    buffer out = { 0 };
    put_inputs(w, &out, node, node->count);
    put_text(&out, 2, name_of(w, node->out[0]));
    end_node(w, &out, type);
}

#endif
