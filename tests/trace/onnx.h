/* Writes the list of a traced step as an ONNX model (opset 17; https://onnx.ai/onnx/operators/). What it knows of an operation is
 * its descriptor: its name, its attributes by theirs, its inputs and its results. It reads no operation's file. */
#ifndef CNN_TESTS_TRACE_ONNX_H
#define CNN_TESTS_TRACE_ONNX_H

#include "autograd/tape.h"
#include "trace/protobuf.h"

enum { MOST_NAMES = 256, OPSET = 17 };

typedef struct writer {
    buffer graph;
    const void *known[MOST_NAMES]; /* a tensor on the tape, or the plain one behind it */
    char name[MOST_NAMES][32];
    int names, constants;
    const cnn_tensor *input;
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
    case CNN__INT: return ((const int *)(const void *)at)[i];
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
    const void *key = t->source ? t->source : t;
    for (int i = 0; i < w->names; i++) {
        if (w->known[i] == key) {
            return w->name[i];
        }
    }
    char *name = w->name[w->names];
    w->known[w->names] = key;
    snprintf(name, sizeof w->name[0], "t%d", w->names++);
    if (t->source && t->source != w->input) {
        add_constant(w, name, t->dtype, t->ndim, t->shape, cnn__data(t->source));
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

/* Windows: kernel, stride, dilation, and the padding on both sides of each axis, of which the end follows from the sizes. */
static void put_window(buffer *out, const cnn__node *node)
{
    int64_t kernel[3], stride[3], dilation[3], pads[6];
    const cnn_tensor *x = node->in[0], *y = node->out[0];
    int axes = count_of(node, "kernel");
    for (int i = 0; i < axes; i++) {
        kernel[i] = int_at(node, "kernel", i);
        stride[i] = int_at(node, "stride", i);
        dilation[i] = int_at(node, "dilation", i);
        pads[i] = int_at(node, "padding", i);
        int64_t reach = (y->shape[y->ndim - axes + i] - 1) * stride[i] + dilation[i] * (kernel[i] - 1) + 1;
        int64_t end = reach - x->shape[x->ndim - axes + i] - pads[i];
        pads[axes + i] = end > 0 ? end : 0;
    }
    put_ints_attribute(out, "kernel_shape", kernel, axes);
    put_ints_attribute(out, "strides", stride, axes);
    put_ints_attribute(out, "dilations", dilation, axes);
    put_ints_attribute(out, "pads", pads, 2 * axes);
}

static void write_conv(writer *w, const cnn__node *node)
{
    buffer out = { 0 };
    put_inputs(w, &out, node, node->in[2] ? 3 : 2);
    put_text(&out, 2, name_of(w, node->out[0]));
    put_window(&out, node);
    put_int_attribute(&out, "group", int_at(node, "groups", 0));
    end_node(w, &out, "Conv");
}

/* Its padding is taken off the result, at both ends alike. */
static void write_conv_transpose(writer *w, const cnn__node *node)
{
    buffer out = { 0 };
    int64_t numbers[4][6];
    static const char *const from[4] = { "stride", "dilation", "output_padding", "padding" },
                             *const to[4] = { "strides", "dilations", "output_padding", "pads" };
    int axes = count_of(node, "kernel");
    put_inputs(w, &out, node, node->in[2] ? 3 : 2);
    put_text(&out, 2, name_of(w, node->out[0]));
    for (int k = 0; k < 4; k++) {
        for (int i = 0; i < axes; i++) {
            numbers[k][i] = numbers[k][axes + i] = int_at(node, from[k], i);
        }
        put_ints_attribute(&out, to[k], numbers[k], k == 3 ? 2 * axes : axes);
    }
    put_int_attribute(&out, "group", int_at(node, "groups", 0));
    end_node(w, &out, "ConvTranspose");
}

static void write_maxpool(writer *w, const cnn__node *node)
{
    buffer out = { 0 };
    put_inputs(w, &out, node, 1);
    put_text(&out, 2, name_of(w, node->out[0]));
    put_window(&out, node);
    end_node(w, &out, "MaxPool");
}

/* ONNX knows no divisor of the caller's, and its rule for the last window of ceil_mode differs from PyTorch's. */
static void write_avg_pool(writer *w, const cnn__node *node)
{
    buffer out = { 0 };
    int64_t kernel[2], stride[2], pads[4];
    if (int_at(node, "ceil_mode", 0) || int_at(node, "divisor_override", 0)) {
        fprintf(stderr, "this writer does not know %s with ceil_mode or divisor_override\n", node->op->name);
        exit(1);
    }
    for (int i = 0; i < 2; i++) {
        kernel[i] = int_at(node, "kernel", i);
        stride[i] = int_at(node, "stride", i);
        pads[i] = pads[2 + i] = int_at(node, "padding", i);
    }
    put_inputs(w, &out, node, 1);
    put_text(&out, 2, name_of(w, node->out[0]));
    put_ints_attribute(&out, "kernel_shape", kernel, 2);
    put_ints_attribute(&out, "strides", stride, 2);
    put_ints_attribute(&out, "pads", pads, 4);
    put_int_attribute(&out, "count_include_pad", !int_at(node, "exclude_padding", 0));
    end_node(w, &out, "AveragePool");
}

static void write_batch_norm(writer *w, const cnn__node *node)
{
    buffer out = { 0 };
    put_inputs(w, &out, node, 5);
    put_text(&out, 2, name_of(w, node->out[0]));
    put_float_attribute(&out, "epsilon", float_at(node, "eps"));
    end_node(w, &out, "BatchNormalization");
}

static void write_instance_norm(writer *w, const cnn__node *node)
{
    buffer out = { 0 };
    put_inputs(w, &out, node, 3);
    put_text(&out, 2, name_of(w, node->out[0]));
    put_float_attribute(&out, "epsilon", float_at(node, "eps"));
    end_node(w, &out, "InstanceNormalization");
}

static void write_layer_norm(writer *w, const cnn__node *node)
{
    buffer out = { 0 };
    put_inputs(w, &out, node, node->in[2] ? 3 : 2);
    put_text(&out, 2, name_of(w, node->out[0]));
    put_int_attribute(&out, "axis", -int_at(node, "dims", 0));
    put_float_attribute(&out, "epsilon", float_at(node, "eps"));
    end_node(w, &out, "LayerNormalization");
}

/* ONNX centres a window of an even size at its other half. */
static void write_local_response_norm(writer *w, const cnn__node *node)
{
    buffer out = { 0 };
    put_inputs(w, &out, node, 1);
    put_text(&out, 2, name_of(w, node->out[0]));
    put_float_attribute(&out, "alpha", float_at(node, "alpha"));
    put_float_attribute(&out, "beta", float_at(node, "beta"));
    put_float_attribute(&out, "bias", float_at(node, "k"));
    put_int_attribute(&out, "size", int_at(node, "size", 0));
    end_node(w, &out, "LRN");
}

static void write_reshape(writer *w, const cnn__node *node)
{
    buffer out = { 0 };
    int64_t shape[CNN_MAX_DIMS], count = count_of(node, "shape");
    for (int i = 0; i < count; i++) {
        shape[i] = int_at(node, "shape", i);
    }
    put_inputs(w, &out, node, 1);
    put_text(&out, 1, new_constant(w, CNN_I64, 1, &count, shape));
    put_text(&out, 2, name_of(w, node->out[0]));
    end_node(w, &out, "Reshape");
}

static void write_conversion(writer *w, const char *from, cnn_dtype dtype, const char *to)
{
    buffer out = { 0 };
    put_text(&out, 1, from);
    put_text(&out, 2, to);
    put_int_attribute(&out, "to", onnx_dtype(dtype));
    end_node(w, &out, "Cast");
}

static void write_cast(writer *w, const cnn__node *node)
{
    write_conversion(w, name_of(w, node->in[0]), (cnn_dtype)int_at(node, "dtype", 0), name_of(w, node->out[0]));
}

/* onnxruntime's CPU provider has no Gemm for bfloat16, so the file says what libcnn computes: the product of the same numbers in f32,
 * rounded once. */
static void write_linear(writer *w, const cnn__node *node)
{
    buffer out = { 0 };
    const char *result = name_of(w, node->out[0]);
    bool narrow = node->out[0]->dtype == CNN_BF16;
    char wide[48];
    for (int i = 0; i < (node->in[2] ? 3 : 2); i++) {
        const char *from = name_of(w, node->in[i]);
        snprintf(wide, sizeof wide, "%s_wide%d", result, i);
        if (narrow) {
            write_conversion(w, from, CNN_F32, wide);
        }
        put_text(&out, 1, narrow ? wide : from);
    }
    snprintf(wide, sizeof wide, "%s_wide", result);
    put_text(&out, 2, narrow ? wide : result);
    put_int_attribute(&out, "transB", 1);
    end_node(w, &out, "Gemm");
    if (narrow) {
        write_conversion(w, wide, CNN_BF16, result);
    }
}

static void write_embedding(writer *w, const cnn__node *node)
{
    buffer out = { 0 };
    put_inputs(w, &out, node, 2);
    put_text(&out, 2, name_of(w, node->out[0]));
    put_int_attribute(&out, "axis", 0);
    end_node(w, &out, "Gather");
}

/* Both results: the values and the indices. */
static void write_max_along(writer *w, const cnn__node *node)
{
    buffer values = { 0 }, indices = { 0 };
    int64_t dim = int_at(node, "dims", 0), keep = int_at(node, "keepdim", 0);
    put_inputs(w, &values, node, 1);
    put_text(&values, 2, name_of(w, node->out[0]));
    put_ints_attribute(&values, "axes", &dim, 1);
    put_int_attribute(&values, "keepdims", keep);
    end_node(w, &values, "ReduceMax");
    put_inputs(w, &indices, node, 1);
    put_text(&indices, 2, name_of(w, node->out[1]));
    put_int_attribute(&indices, "axis", dim);
    put_int_attribute(&indices, "keepdims", keep);
    end_node(w, &indices, "ArgMax");
}

/* PyTorch's gates i, f, g, o in ONNX's order i, o, f, g. */
static const char *gates_constant(writer *w, const cnn_tensor *weight, const cnn_tensor *more)
{
    static const int order[4] = { 0, 3, 1, 2 };
    const cnn_tensor *parts[2] = { weight, more };
    int64_t hidden = weight->shape[0] / 4, columns = weight->ndim == 2 ? weight->shape[1] : 1, rows = 0;
    float *all = malloc(8 * (size_t)(hidden * columns) * sizeof *all);
    for (int p = 0; p < 2 && parts[p]; p++) {
        const float *from = cnn__data(parts[p]->source);
        for (int g = 0; g < 4; g++, rows += hidden) {
            memcpy(all + rows * columns, from + order[g] * hidden * columns, (size_t)(hidden * columns) * sizeof *all);
        }
    }
    const int64_t shape[3] = { 1, rows, columns };
    const char *name = new_constant(w, CNN_F32, weight->ndim + 1, shape, all);
    free(all);
    return name;
}

static void write_squeeze(writer *w, const char *from, int64_t dim, const char *to)
{
    buffer out = { 0 };
    const int64_t one = 1;
    put_text(&out, 1, from);
    put_text(&out, 1, new_constant(w, CNN_I64, 1, &one, &dim));
    put_text(&out, 2, to);
    end_node(w, &out, "Squeeze");
}

/* Three results, each with a dimension for the directions that libcnn's has not. */
static void write_lstm(writer *w, const cnn__node *node)
{
    enum { X, H0, C0, W, R, BIAS, BIAS_R };
    buffer out = { 0 };
    if (node->in[H0] || node->in[C0] || int_at(node, "reverse", 0)) {
        fprintf(stderr, "lstm: this writer knows zeros as the first state, and one direction\n");
        exit(1);
    }
    char raw[3][40];
    put_inputs(w, &out, node, 1);
    put_text(&out, 1, gates_constant(w, node->in[W], NULL));
    put_text(&out, 1, gates_constant(w, node->in[R], NULL));
    put_text(&out, 1, gates_constant(w, node->in[BIAS], node->in[BIAS_R]));
    for (int j = 0; j < 3; j++) {
        snprintf(raw[j], sizeof raw[j], "%s_raw", name_of(w, node->out[j]));
        put_text(&out, 2, raw[j]);
    }
    put_int_attribute(&out, "hidden_size", int_at(node, "hidden", 0));
    end_node(w, &out, "LSTM");
    for (int j = 0; j < 3; j++) {
        write_squeeze(w, raw[j], j == 0 ? 1 : 0, name_of(w, node->out[j]));
    }
}

static void write_stack(writer *w, const cnn__node *node)
{
    buffer out = { 0 };
    int64_t dim = int_at(node, "dim", 0), one = 1;
    const char *axes = new_constant(w, CNN_I64, 1, &one, &dim);
    for (int i = 0; i < node->count; i++) {
        buffer part = { 0 };
        char name[48];
        snprintf(name, sizeof name, "%s_part%d", name_of(w, node->out[0]), i);
        put_text(&part, 1, name_of(w, node->in[i]));
        put_text(&part, 1, axes);
        put_text(&part, 2, name);
        end_node(w, &part, "Unsqueeze");
        put_text(&out, 1, name);
    }
    put_text(&out, 2, name_of(w, node->out[0]));
    put_int_attribute(&out, "axis", dim);
    end_node(w, &out, "Concat");
}

static void write_plain(writer *w, const cnn__node *node, const char *type)
{
    buffer out = { 0 };
    put_inputs(w, &out, node, node->count);
    put_text(&out, 2, name_of(w, node->out[0]));
    end_node(w, &out, type);
}

/* ---- activations ---- */

/* An operator with a number whose name is `to` there and `from` here. */
static void write_number(writer *w, const cnn__node *node, const char *type, const char *to, const char *from)
{
    buffer out = { 0 };
    put_inputs(w, &out, node, 1);
    put_text(&out, 2, name_of(w, node->out[0]));
    put_float_attribute(&out, to, float_at(node, from));
    end_node(w, &out, type);
}

static void write_leaky_relu(writer *w, const cnn__node *node)
{
    write_number(w, node, "LeakyRelu", "alpha", "negative_slope");
}

static void write_elu(writer *w, const cnn__node *node)
{
    write_number(w, node, node->op->name[0] == 'c' ? "Celu" : "Elu", "alpha", "alpha");
}

static void write_clip(writer *w, const cnn__node *node)
{
    buffer out = { 0 };
    const bool relu6 = strcmp(node->op->name, "relu6") == 0;
    const float low = relu6 ? 0 : (float)float_at(node, "min_val"), high = relu6 ? 6 : (float)float_at(node, "max_val");
    put_inputs(w, &out, node, 1);
    put_text(&out, 1, new_constant(w, CNN_F32, 0, NULL, &low));
    put_text(&out, 1, new_constant(w, CNN_F32, 0, NULL, &high));
    put_text(&out, 2, name_of(w, node->out[0]));
    end_node(w, &out, "Clip");
}

static void write_softmax(writer *w, const cnn__node *node)
{
    buffer out = { 0 };
    put_inputs(w, &out, node, 1);
    put_text(&out, 2, name_of(w, node->out[0]));
    put_int_attribute(&out, "axis", int_at(node, "dim", 0));
    end_node(w, &out, node->op->name[0] == 'l' ? "LogSoftmax" : "Softmax");
}

/* ONNX has other slopes as the default. */
static void write_hardsigmoid(writer *w, const cnn__node *node)
{
    buffer out = { 0 };
    put_inputs(w, &out, node, 1);
    put_text(&out, 2, name_of(w, node->out[0]));
    put_float_attribute(&out, "alpha", 1.0 / 6);
    end_node(w, &out, "HardSigmoid");
}

/* ---- indices, order and reductions ---- */

/* An operator along a dimension, with the operands as they are. */
static void write_along(writer *w, const cnn__node *node, const char *type, bool adds)
{
    buffer out = { 0 };
    put_inputs(w, &out, node, node->count);
    put_text(&out, 2, name_of(w, node->out[0]));
    put_int_attribute(&out, "axis", int_at(node, "dim", 0));
    if (adds) {
        buffer a = { 0 };
        put_text(&a, 1, "reduction");
        put_bytes(&a, 4, "add", 3);
        put_int(&a, 20, 3);
        put_message(&out, 5, &a);
    }
    end_node(w, &out, type);
}

static void write_gather(writer *w, const cnn__node *node)
{
    write_along(w, node, node->op->name[0] == 'g' ? "GatherElements" : "Gather", false);
}

static void write_scatter(writer *w, const cnn__node *node)
{
    write_along(w, node, "ScatterElements", strcmp(node->op->name, "scatter_add") == 0);
}

static void write_topk(writer *w, const cnn__node *node)
{
    buffer out = { 0 };
    const int64_t k = int_at(node, "k", 0), one = 1;
    put_inputs(w, &out, node, 1);
    put_text(&out, 1, new_constant(w, CNN_I64, 1, &one, &k));
    put_text(&out, 2, name_of(w, node->out[0]));
    put_text(&out, 2, name_of(w, node->out[1]));
    put_int_attribute(&out, "axis", int_at(node, "dim", 0));
    put_int_attribute(&out, "largest", int_at(node, "descending", 0));
    end_node(w, &out, "TopK");
}

/* An operator whose second input is a number: the dimension, or the diagonal. */
static void write_with_number(writer *w, const cnn__node *node, const char *type, int64_t number, int upper)
{
    buffer out = { 0 };
    put_inputs(w, &out, node, 1);
    put_text(&out, 1, new_constant(w, CNN_I64, 0, NULL, &number));
    put_text(&out, 2, name_of(w, node->out[0]));
    if (upper >= 0) {
        put_int_attribute(&out, "upper", upper);
    }
    end_node(w, &out, type);
}

static void write_cumsum(writer *w, const cnn__node *node)
{
    write_with_number(w, node, "CumSum", int_at(node, "dim", 0), -1);
}

static void write_triangle(writer *w, const cnn__node *node)
{
    write_with_number(w, node, "Trilu", int_at(node, "diagonal", 0), strcmp(node->op->name, "triu") == 0);
}

static void write_reduction(writer *w, const cnn__node *node)
{
    buffer out = { 0 };
    int64_t dims[CNN_MAX_DIMS];
    const int count = count_of(node, "dims");
    for (int i = 0; i < count; i++) {
        dims[i] = int_at(node, "dims", i);
    }
    put_inputs(w, &out, node, 1);
    put_text(&out, 2, name_of(w, node->out[0]));
    put_ints_attribute(&out, "axes", dims, count);
    put_int_attribute(&out, "keepdims", int_at(node, "keepdim", 0));
    end_node(w, &out, node->op->name[0] == 'l' ? "ReduceLogSumExp" : "ReduceProd");
}

static const struct {
    const char *name;
    void (*write)(writer *w, const cnn__node *node);
    const char *plain; /* an operator of the same inputs without attributes */
} operators[] = {
    { "leaky_relu", write_leaky_relu, NULL }, { "elu", write_elu, NULL },         { "celu", write_elu, NULL },
    { "hardtanh", write_clip, NULL },         { "relu6", write_clip, NULL },      { "softmax", write_softmax, NULL },
    { "log_softmax", write_softmax, NULL },   { "hardsigmoid", write_hardsigmoid, NULL },
    { "prelu", NULL, "PRelu" },               { "selu", NULL, "Selu" },           { "softsign", NULL, "Softsign" },
    { "hardswish", NULL, "HardSwish" },       { "sigmoid", NULL, "Sigmoid" },     { "erf", NULL, "Erf" },
    { "mul", NULL, "Mul" },                   { "sin", NULL, "Sin" },                   { "atan", NULL, "Atan" },           { "round", NULL, "Round" },
    { "conv1d", write_conv, NULL },       { "conv3d", write_conv, NULL },           { "conv_transpose1d", write_conv_transpose, NULL },
    { "conv_transpose2d", write_conv_transpose, NULL }, { "conv_transpose3d", write_conv_transpose, NULL },
    { "conv2d", write_conv, NULL },       { "maxpool2d", write_maxpool, NULL },     { "batch_norm", write_batch_norm, NULL },
    { "instance_norm", write_instance_norm, NULL }, { "layer_norm", write_layer_norm, NULL },
    { "local_response_norm", write_local_response_norm, NULL },
    { "avg_pool2d", write_avg_pool, NULL }, { "flatten", write_reshape, NULL },   { "reshape", write_reshape, NULL },
    { "linear", write_linear, NULL },     { "cast", write_cast, NULL },
    { "embedding", write_embedding, NULL }, { "max_along", write_max_along, NULL }, { "lstm", write_lstm, NULL },
    { "gather", write_gather, NULL },     { "index_select", write_gather, NULL },   { "scatter", write_scatter, NULL },
    { "scatter_add", write_scatter, NULL }, { "topk", write_topk, NULL },           { "cumsum", write_cumsum, NULL },
    { "tril", write_triangle, NULL },     { "triu", write_triangle, NULL },         { "logsumexp", write_reduction, NULL },
    { "prod", write_reduction, NULL },
    { "stack", write_stack, NULL },       { "relu", NULL, "Relu" },             { "add", NULL, "Add" },                   { "tanh", NULL, "Tanh" },
};

static void write_node(writer *w, const cnn__node *node)
{
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        if (strcmp(operators[i].name, node->op->name) == 0) {
            if (operators[i].write) {
                operators[i].write(w, node);
            } else {
                write_plain(w, node, operators[i].plain);
            }
            return;
        }
    }
    fprintf(stderr, "this writer does not know %s\n", node->op->name);
    exit(1);
}

/* The list goes from the last node to the first. */
static void write_nodes(writer *w, const cnn__node *node)
{
    if (node) {
        write_nodes(w, node->previous);
        write_node(w, node);
    }
}

/* Writes a traced step to `path`: from the plain tensor `input` to `outputs`. */
static inline void write_onnx(const char *path, const cnn_tape *tape, const cnn_tensor *input, cnn_tensor *const *outputs, int count)
{
    writer *w = calloc(1, sizeof *w);
    buffer model = { 0 }, opset = { 0 };
    w->input = input;
    w->known[w->names] = input;
    snprintf(w->name[w->names++], sizeof w->name[0], "input");
    write_nodes(w, cnn__tape_last_node(tape));
    put_text(&w->graph, 2, "traced");
    describe_value(w, 11, "input", input);
    for (int i = 0; i < count; i++) {
        describe_value(w, 12, name_of(w, outputs[i]), outputs[i]);
    }
    put_int(&opset, 2, OPSET);
    put_int(&model, 1, 8);
    put_text(&model, 2, "libcnn");
    put_message(&model, 7, &w->graph);
    put_message(&model, 8, &opset);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(model.bytes, 1, model.size, file) != model.size || fclose(file) != 0) {
        perror(path);
        exit(1);
    }
    free(model.bytes);
    free(w);
}

#endif
