/* Indices, order and scans as operators of ONNX. */
#include "save.h"

#include <string.h>

/* An operator along a dimension, with the operands as they are. */
void cnn__export_write_gather(cnn__export *s, const cnn_trace_node *node)
{
    cnn__export_buffer op = { 0 };
    cnn__export_int(&op, "axis", cnn__export_int_at(s, node, "dim", 0));
    cnn__export_finish(s, &op, node, 2, node->op[0] == 'g' ? "GatherElements" : "Gather");
}

void cnn__export_write_softmax(cnn__export *s, const cnn_trace_node *node)
{
    cnn__export_buffer op = { 0 };
    cnn__export_int(&op, "axis", cnn__export_int_at(s, node, "dim", 0));
    cnn__export_finish(s, &op, node, 1, node->op[0] == 'l' ? "LogSoftmax" : "Softmax");
}

static const char *shape_operand(cnn__export *s, int value)
{
    cnn__export_shape shape = cnn__export_shape_of(s, value);
    return cnn__export_shape_operand(s, &shape, false);
}

/* `updates` at the indices along a dimension. */
static void write_scattered(cnn__export *s, const cnn_trace_node *node, const char *index, const char *updates,
                            bool add)
{
    cnn__export_buffer op = { 0 };
    cnn__export_operands(s, &op, node, 1);
    cnn__export_operand(&op, index);
    cnn__export_operand(&op, updates);
    cnn__export_result(&op, cnn__export_out(s, node));
    cnn__export_int(&op, "axis", cnn__export_int_at(s, node, "dim", 0));
    cnn__export_text(&op, "reduction", add ? "add" : "none");
    cnn__export_end(s, &op, "ScatterElements");
}

/* The source may be larger than the index, which ONNX's updates are not. */
void cnn__export_write_scatter(cnn__export *s, const cnn_trace_node *node)
{
    cnn__export_buffer op = { 0 };
    const int64_t zeros[CNN_MAX_DIMS] = { 0 };
    const char *updates = cnn__export_between(s);
    cnn__export_operand(&op, cnn__export_in(s, node, 2));
    cnn__export_operand(&op, cnn__export_integers(s, cnn__export_ndim(s, node->inputs[1]), zeros));
    cnn__export_operand(&op, shape_operand(s, node->inputs[1]));
    cnn__export_result(&op, updates);
    cnn__export_end(s, &op, "Slice");
    write_scattered(s, node, cnn__export_in(s, node, 1), updates, strcmp(node->op, "scatter_add") == 0);
}

/* One number at every index. */
void cnn__export_write_scatter_value(cnn__export *s, const cnn_trace_node *node)
{
    const char *value =
        cnn__export_number(s, cnn__export_dtype(s, node->inputs[0]), cnn__export_real_at(s, node, "value"));
    const char *updates =
        cnn__export_emit(s, "Expand", cnn__export_between(s), value, shape_operand(s, node->inputs[1]));
    write_scattered(s, node, cnn__export_in(s, node, 1), updates, false);
}

/* Whole slices, each of whose elements has the slice's index. */
void cnn__export_write_index_add(cnn__export *s, const cnn_trace_node *node)
{
    const int source = node->inputs[2];
    const int64_t dim = cnn__export_int_at(s, node, "dim", 0);
    cnn__export_shape shape = cnn__export_shape_of(s, source);
    for (int d = 0; d < shape.ndim; d++) {
        shape.dim[d] = d == dim ? shape.dim[d] : (cnn__export_dim){ .size = 1 };
    }
    const char *index = cnn__export_reshape(s, cnn__export_between(s), cnn__export_in(s, node, 1), &shape);
    index = cnn__export_emit(s, "Expand", cnn__export_between(s), index, shape_operand(s, source));
    write_scattered(s, node, index, cnn__export_name(s, source), true);
}

/* All sorted, the largest or smallest k, or the indices alone. */
void cnn__export_write_sorted(cnn__export *s, const cnn_trace_node *node)
{
    cnn__export_buffer op = { 0 };
    const int64_t dim = cnn__export_int_at(s, node, "dim", 0);
    cnn__export_shape y = cnn__export_shape_of(s, node->outputs[0]);
    const cnn__export_shape count = { .ndim = 1, .dim = { y.dim[dim] } };
    cnn__export_operands(s, &op, node, 1);
    cnn__export_operand(&op, cnn__export_shape_operand(s, &count, false));
    if (strcmp(node->op, "argsort") == 0) {
        cnn__export_result(&op, cnn__export_between(s));
        cnn__export_result(&op, cnn__export_out(s, node));
    } else {
        bool indices = node->output_count > 1 && node->outputs[1] >= 0;
        cnn__export_result(&op, cnn__export_out(s, node));
        cnn__export_result(&op, indices ? cnn__export_name(s, node->outputs[1]) : cnn__export_between(s));
    }
    cnn__export_int(&op, "axis", dim);
    cnn__export_int(&op, "largest", cnn__export_int_at(s, node, "descending", 0));
    cnn__export_end(s, &op, "TopK");
}

/* Two numbers in place of the classes: behind them is a dimension of as many. */
void cnn__export_write_one_hot(cnn__export *s, const cnn_trace_node *node)
{
    cnn__export_buffer op = { 0 };
    cnn__export_operands(s, &op, node, 1);
    cnn__export_operand(&op, cnn__export_number(s, CNN_I64, (double)cnn__export_size(s, node->outputs[0], -1)));
    cnn__export_operand(&op, cnn__export_integers(s, 2, (const int64_t[]){ 0, 1 }));
    cnn__export_result(&op, cnn__export_out(s, node));
    cnn__export_end(s, &op, "OneHot");
}

/* An operator whose second operand is a number: the dimension, or the diagonal. */
static void write_with_number(cnn__export *s, const cnn_trace_node *node, cnn__export_buffer *op, const char *type,
                              int64_t number)
{
    cnn__export_operands(s, op, node, 1);
    cnn__export_operand(op, cnn__export_constant(s, CNN_I64, 0, NULL, &number));
    cnn__export_result(op, cnn__export_out(s, node));
    cnn__export_end(s, op, type);
}

void cnn__export_write_cumsum(cnn__export *s, const cnn_trace_node *node)
{
    cnn__export_buffer op = { 0 };
    write_with_number(s, node, &op, "CumSum", cnn__export_int_at(s, node, "dim", 0));
}

void cnn__export_write_triangle(cnn__export *s, const cnn_trace_node *node)
{
    cnn__export_buffer op = { 0 };
    cnn__export_int(&op, "upper", strcmp(node->op, "triu") == 0);
    write_with_number(s, node, &op, "Trilu", cnn__export_int_at(s, node, "diagonal", 0));
}
