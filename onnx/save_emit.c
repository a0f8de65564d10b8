/* Operators of the graph: their operands, results and attributes, and those that many writers emit whole. */
#include "save.h"

#include <string.h>

/* ---- parts of an operator (NodeProto) ---- */

void cnn__onnx_operand(cnn__onnx_buffer *op, const char *name)
{
    cnn__onnx_put_text(op, 1, name);
}

void cnn__onnx_result(cnn__onnx_buffer *op, const char *name)
{
    cnn__onnx_put_text(op, 2, name);
}

void cnn__onnx_operands(cnn__onnx_save *s, cnn__onnx_buffer *op, const cnn_trace_node *node, int count)
{
    while (count > 0 && !cnn__onnx_has(node, count - 1)) { /* what was left out at the end is not named */
        count--;
    }
    for (int i = 0; i < count; i++) {
        cnn__onnx_operand(op, cnn__onnx_in(s, node, i));
    }
}

enum { ATTRIBUTE_FLOAT = 1, ATTRIBUTE_INT = 2, ATTRIBUTE_TEXT = 3, ATTRIBUTE_INTS = 7, ATTRIBUTE_TEXTS = 8 };

static cnn__onnx_buffer begin_attribute(const char *name, int type)
{
    cnn__onnx_buffer a = { 0 };
    cnn__onnx_put_text(&a, 1, name);
    cnn__onnx_put_int(&a, 20, type);
    return a;
}

void cnn__onnx_int(cnn__onnx_buffer *op, const char *name, int64_t value)
{
    cnn__onnx_buffer a = begin_attribute(name, ATTRIBUTE_INT);
    cnn__onnx_put_int(&a, 3, value);
    cnn__onnx_put_message(op, 5, &a);
}

void cnn__onnx_ints(cnn__onnx_buffer *op, const char *name, int count, const int64_t *values)
{
    cnn__onnx_buffer a = begin_attribute(name, ATTRIBUTE_INTS);
    for (int i = 0; i < count; i++) {
        cnn__onnx_put_int(&a, 8, values[i]);
    }
    cnn__onnx_put_message(op, 5, &a);
}

void cnn__onnx_float(cnn__onnx_buffer *op, const char *name, double value)
{
    cnn__onnx_buffer a = begin_attribute(name, ATTRIBUTE_FLOAT);
    cnn__onnx_put_float(&a, 2, (float)value);
    cnn__onnx_put_message(op, 5, &a);
}

void cnn__onnx_text(cnn__onnx_buffer *op, const char *name, const char *text)
{
    cnn__onnx_buffer a = begin_attribute(name, ATTRIBUTE_TEXT);
    cnn__onnx_put_text(&a, 4, text);
    cnn__onnx_put_message(op, 5, &a);
}

void cnn__onnx_texts(cnn__onnx_buffer *op, const char *name, int count, const char *const *texts)
{
    cnn__onnx_buffer a = begin_attribute(name, ATTRIBUTE_TEXTS);
    for (int i = 0; i < count; i++) {
        cnn__onnx_put_text(&a, 9, texts[i]);
    }
    cnn__onnx_put_message(op, 5, &a);
}

/* An operator is named by the module that it is in, its type and a number. */
void cnn__onnx_end(cnn__onnx_save *s, cnn__onnx_buffer *op, const char *type)
{
    const cnn_trace_node *node = cnn_trace_get_node(s->trace, s->now);
    const char *path = node ? node->path : "";
    cnn__onnx_put_text(op, 3, cnn__onnx_string(s, "%s%s%s_%d", path, *path ? "/" : "", type, s->node_names++));
    cnn__onnx_put_text(op, 4, type);
    cnn__onnx_put_message(&s->nodes, 1, op);
}

void cnn__onnx_finish(cnn__onnx_save *s, cnn__onnx_buffer *op, const cnn_trace_node *node, int count, const char *type)
{
    cnn__onnx_operands(s, op, node, count);
    cnn__onnx_result(op, cnn__onnx_out(s, node));
    cnn__onnx_end(s, op, type);
}

/* ---- whole operators ---- */

const char *cnn__onnx_emit(cnn__onnx_save *s, const char *type, const char *to, const char *a, const char *b)
{
    cnn__onnx_buffer op = { 0 };
    cnn__onnx_operand(&op, a);
    if (b) {
        cnn__onnx_operand(&op, b);
    }
    cnn__onnx_result(&op, to);
    cnn__onnx_end(s, &op, type);
    return to;
}

const char *cnn__onnx_cast(cnn__onnx_save *s, const char *to, const char *from, cnn_dtype dtype)
{
    cnn__onnx_buffer op = { 0 };
    cnn__onnx_operand(&op, from);
    cnn__onnx_result(&op, to);
    cnn__onnx_int(&op, "to", cnn__onnx_type(dtype));
    cnn__onnx_end(s, &op, "Cast");
    return to;
}

const char *cnn__onnx_reshape(cnn__onnx_save *s, const char *to, const char *from, const cnn__onnx_shape *shape)
{
    cnn__onnx_buffer op = { 0 };
    bool empty = false;
    for (int d = 0; d < shape->ndim; d++) {
        empty |= !shape->dim[d].times && shape->dim[d].size == 0;
    }
    cnn__onnx_operand(&op, from);
    cnn__onnx_operand(&op, cnn__onnx_shape_operand(s, shape, true));
    cnn__onnx_result(&op, to);
    if (empty) { /* a size of 0, not that of the operand */
        cnn__onnx_int(&op, "allowzero", 1);
    }
    cnn__onnx_end(s, &op, "Reshape");
    return to;
}

const char *cnn__onnx_permute(cnn__onnx_save *s, const char *to, const char *from, int ndim, const int64_t *dims)
{
    cnn__onnx_buffer op = { 0 };
    cnn__onnx_operand(&op, from);
    cnn__onnx_result(&op, to);
    cnn__onnx_ints(&op, "perm", ndim, dims);
    cnn__onnx_end(s, &op, "Transpose");
    return to;
}

const char *cnn__onnx_slice(cnn__onnx_save *s, const char *to, const char *from, int count, const int64_t *dims,
                            int64_t start, int64_t end, int64_t step)
{
    int64_t numbers[3][CNN_MAX_DIMS];
    cnn__onnx_buffer op = { 0 };
    for (int i = 0; i < count; i++) {
        numbers[0][i] = start;
        numbers[1][i] = end;
        numbers[2][i] = step;
    }
    cnn__onnx_operand(&op, from);
    cnn__onnx_operand(&op, cnn__onnx_integers(s, count, numbers[0]));
    cnn__onnx_operand(&op, cnn__onnx_integers(s, count, numbers[1]));
    cnn__onnx_operand(&op, cnn__onnx_integers(s, count, dims));
    cnn__onnx_operand(&op, cnn__onnx_integers(s, count, numbers[2]));
    cnn__onnx_result(&op, to);
    cnn__onnx_end(s, &op, "Slice");
    return to;
}

const char *cnn__onnx_concat(cnn__onnx_save *s, const char *to, const char *a, const char *b, int64_t dim)
{
    cnn__onnx_buffer op = { 0 };
    cnn__onnx_operand(&op, a);
    cnn__onnx_operand(&op, b);
    cnn__onnx_result(&op, to);
    cnn__onnx_int(&op, "axis", dim);
    cnn__onnx_end(s, &op, "Concat");
    return to;
}

/* Before opset 18 the dimensions are an attribute, but of ReduceSum an operand. */
const char *cnn__onnx_reduce(cnn__onnx_save *s, const char *type, const char *to, const char *from, int count,
                             const int64_t *dims, bool keep)
{
    cnn__onnx_buffer op = { 0 };
    const bool operand = s->options.opset >= 18 || strcmp(type, "ReduceSum") == 0;
    cnn__onnx_operand(&op, from);
    if (operand) {
        cnn__onnx_operand(&op, cnn__onnx_integers(s, count, dims));
        cnn__onnx_int(&op, "noop_with_empty_axes", 1);
    } else if (count) {
        cnn__onnx_ints(&op, "axes", count, dims);
    }
    cnn__onnx_result(&op, to);
    cnn__onnx_int(&op, "keepdims", keep);
    cnn__onnx_end(s, &op, type);
    return to;
}
