/* Operators of the graph: their operands, results and attributes, and those that many writers emit whole. */
#include "save.h"

#include <string.h>

/* ---- parts of an operator (NodeProto) ---- */

void cnn__export_operand(cnn__export_buffer *op, const char *name)
{
    cnn__export_put_text(op, 1, name);
}

void cnn__export_result(cnn__export_buffer *op, const char *name)
{
    cnn__export_put_text(op, 2, name);
}

void cnn__export_operands(cnn__export *s, cnn__export_buffer *op, const cnn_trace_node *node, int count)
{
    while (count > 0 && !cnn__export_has(node, count - 1)) { /* what was left out at the end is not named */
        count--;
    }
    for (int i = 0; i < count; i++) {
        cnn__export_operand(op, cnn__export_in(s, node, i));
    }
}

enum { ATTRIBUTE_FLOAT = 1, ATTRIBUTE_INT = 2, ATTRIBUTE_TEXT = 3, ATTRIBUTE_INTS = 7, ATTRIBUTE_TEXTS = 8 };

static cnn__export_buffer begin_attribute(const char *name, int type)
{
    cnn__export_buffer a = { 0 };
    cnn__export_put_text(&a, 1, name);
    cnn__export_put_int(&a, 20, type);
    return a;
}

void cnn__export_int(cnn__export_buffer *op, const char *name, int64_t value)
{
    cnn__export_buffer a = begin_attribute(name, ATTRIBUTE_INT);
    cnn__export_put_int(&a, 3, value);
    cnn__export_put_message(op, 5, &a);
}

void cnn__export_ints(cnn__export_buffer *op, const char *name, int count, const int64_t *values)
{
    cnn__export_buffer a = begin_attribute(name, ATTRIBUTE_INTS);
    for (int i = 0; i < count; i++) {
        cnn__export_put_int(&a, 8, values[i]);
    }
    cnn__export_put_message(op, 5, &a);
}

void cnn__export_float(cnn__export_buffer *op, const char *name, double value)
{
    cnn__export_buffer a = begin_attribute(name, ATTRIBUTE_FLOAT);
    cnn__export_put_float(&a, 2, (float)value);
    cnn__export_put_message(op, 5, &a);
}

void cnn__export_text(cnn__export_buffer *op, const char *name, const char *text)
{
    cnn__export_buffer a = begin_attribute(name, ATTRIBUTE_TEXT);
    cnn__export_put_text(&a, 4, text);
    cnn__export_put_message(op, 5, &a);
}

void cnn__export_texts(cnn__export_buffer *op, const char *name, int count, const char *const *texts)
{
    cnn__export_buffer a = begin_attribute(name, ATTRIBUTE_TEXTS);
    for (int i = 0; i < count; i++) {
        cnn__export_put_text(&a, 9, texts[i]);
    }
    cnn__export_put_message(op, 5, &a);
}

/* An operator is named by the module that it is in, its type and a number. */
void cnn__export_end(cnn__export *s, cnn__export_buffer *op, const char *type)
{
    const cnn_trace_node *node = cnn_trace_get_node(s->trace, s->now);
    const char *path = node ? node->path : "";
    cnn__export_put_text(op, 3, cnn__export_string(s, "%s%s%s_%d", path, *path ? "/" : "", type, s->node_names++));
    cnn__export_put_text(op, 4, type);
    cnn__export_put_message(&s->nodes, 1, op);
}

void cnn__export_finish(cnn__export *s, cnn__export_buffer *op, const cnn_trace_node *node, int count, const char *type)
{
    cnn__export_operands(s, op, node, count);
    cnn__export_result(op, cnn__export_out(s, node));
    cnn__export_end(s, op, type);
}

/* ---- whole operators ---- */

const char *cnn__export_emit(cnn__export *s, const char *type, const char *to, const char *a, const char *b)
{
    cnn__export_buffer op = { 0 };
    cnn__export_operand(&op, a);
    if (b) {
        cnn__export_operand(&op, b);
    }
    cnn__export_result(&op, to);
    cnn__export_end(s, &op, type);
    return to;
}

const char *cnn__export_cast(cnn__export *s, const char *to, const char *from, cnn_dtype dtype)
{
    cnn__export_buffer op = { 0 };
    cnn__export_operand(&op, from);
    cnn__export_result(&op, to);
    cnn__export_int(&op, "to", cnn__export_type(dtype));
    cnn__export_end(s, &op, "Cast");
    return to;
}

const char *cnn__export_reshape(cnn__export *s, const char *to, const char *from, const cnn__export_shape *shape)
{
    cnn__export_buffer op = { 0 };
    bool empty = false;
    for (int d = 0; d < shape->ndim; d++) {
        empty |= !shape->dim[d].times && shape->dim[d].size == 0;
    }
    cnn__export_operand(&op, from);
    cnn__export_operand(&op, cnn__export_shape_operand(s, shape, true));
    cnn__export_result(&op, to);
    if (empty) { /* a size of 0, not that of the operand */
        cnn__export_int(&op, "allowzero", 1);
    }
    cnn__export_end(s, &op, "Reshape");
    return to;
}

const char *cnn__export_permute(cnn__export *s, const char *to, const char *from, int ndim, const int64_t *dims)
{
    cnn__export_buffer op = { 0 };
    cnn__export_operand(&op, from);
    cnn__export_result(&op, to);
    cnn__export_ints(&op, "perm", ndim, dims);
    cnn__export_end(s, &op, "Transpose");
    return to;
}

const char *cnn__export_slice(cnn__export *s, const char *to, const char *from, int count, const int64_t *dims,
                              int64_t start, int64_t end, int64_t step)
{
    int64_t numbers[3][CNN_MAX_DIMS];
    cnn__export_buffer op = { 0 };
    for (int i = 0; i < count; i++) {
        numbers[0][i] = start;
        numbers[1][i] = end;
        numbers[2][i] = step;
    }
    cnn__export_operand(&op, from);
    cnn__export_operand(&op, cnn__export_integers(s, count, numbers[0]));
    cnn__export_operand(&op, cnn__export_integers(s, count, numbers[1]));
    cnn__export_operand(&op, cnn__export_integers(s, count, dims));
    cnn__export_operand(&op, cnn__export_integers(s, count, numbers[2]));
    cnn__export_result(&op, to);
    cnn__export_end(s, &op, "Slice");
    return to;
}

const char *cnn__export_concat(cnn__export *s, const char *to, const char *a, const char *b, int64_t dim)
{
    cnn__export_buffer op = { 0 };
    cnn__export_operand(&op, a);
    cnn__export_operand(&op, b);
    cnn__export_result(&op, to);
    cnn__export_int(&op, "axis", dim);
    cnn__export_end(s, &op, "Concat");
    return to;
}

/* Before opset 18 the dimensions are an attribute, but of ReduceSum an operand. */
const char *cnn__export_reduce(cnn__export *s, const char *type, const char *to, const char *from, int count,
                               const int64_t *dims, bool keep)
{
    cnn__export_buffer op = { 0 };
    const bool operand = s->options.opset >= 18 || strcmp(type, "ReduceSum") == 0;
    cnn__export_operand(&op, from);
    if (operand) {
        cnn__export_operand(&op, cnn__export_integers(s, count, dims));
        cnn__export_int(&op, "noop_with_empty_axes", 1);
    } else if (count) {
        cnn__export_ints(&op, "axes", count, dims);
    }
    cnn__export_result(&op, to);
    cnn__export_int(&op, "keepdims", keep);
    cnn__export_end(s, &op, type);
    return to;
}
