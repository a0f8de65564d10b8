/* Indices, order, scans and reductions as nodes of an ONNX graph. */
#ifndef CNN_TESTS_TRACE_ONNX_INDICES_H
#define CNN_TESTS_TRACE_ONNX_INDICES_H

#include "trace/onnx_graph.h"

/* ---- indices, order and reductions ---- */

/* An operator along a dimension, with the operands as they are. */
static void write_gather(writer *w, const cnn__node *node)
{
    buffer out = { 0 };
    put_int_attribute(&out, "axis", int_at(node, "dim", 0));
    finish(w, &out, node, 2, node->op->name[0] == 'g' ? "GatherElements" : "Gather");
}

/* The source may be larger than the index, which ONNX's updates are not. */
static void write_scatter(writer *w, const cnn__node *node)
{
    buffer out = { 0 }, part = { 0 };
    const cnn_tensor *index = node->in[1];
    int64_t numbers[2][CNN_MAX_DIMS] = { { 0 } };
    for (int d = 0; d < index->ndim; d++) {
        numbers[1][d] = d;
    }
    const char *updates = between(w);
    put_text(&part, 1, in_of(w, node, 2));
    put_text(&part, 1, integers(w, index->ndim, numbers[0]));
    put_text(&part, 1, integers(w, index->ndim, index->shape));
    put_text(&part, 1, integers(w, index->ndim, numbers[1]));
    put_text(&part, 2, updates);
    end_node(w, &part, "Slice");
    put_inputs(w, &out, node, 2);
    put_text(&out, 1, updates);
    put_text(&out, 2, out_of(w, node));
    put_int_attribute(&out, "axis", int_at(node, "dim", 0));
    put_text_attribute(&out, "reduction", strcmp(node->op->name, "scatter_add") == 0 ? "add" : "none");
    end_node(w, &out, "ScatterElements");
}

/* One number at every index. */
static void write_scatter_value(writer *w, const cnn__node *node)
{
    buffer out = { 0 };
    const cnn_tensor *index = node->in[1];
    const char *value = number(w, node->in[0]->dtype, float_at(node, "value"));
    put_inputs(w, &out, node, 2);
    put_text(&out, 1, emit(w, "Expand", between(w), value, integers(w, index->ndim, index->shape)));
    put_text(&out, 2, out_of(w, node));
    put_int_attribute(&out, "axis", int_at(node, "dim", 0));
    end_node(w, &out, "ScatterElements");
}

/* Whole slices, each of whose elements has the slice's index. */
static void write_index_add(writer *w, const cnn__node *node)
{
    buffer out = { 0 };
    const cnn_tensor *source = node->in[2];
    const int64_t dim = int_at(node, "dim", 0);
    int64_t shape[CNN_MAX_DIMS];
    for (int d = 0; d < source->ndim; d++) {
        shape[d] = d == dim ? source->shape[d] : 1;
    }
    const char *index = emit_reshape(w, between(w), in_of(w, node, 1), source->ndim, shape);
    put_inputs(w, &out, node, 1);
    put_text(&out, 1, emit(w, "Expand", between(w), index, integers(w, source->ndim, source->shape)));
    put_text(&out, 1, name_of(w, source));
    put_text(&out, 2, out_of(w, node));
    put_int_attribute(&out, "axis", dim);
    put_text_attribute(&out, "reduction", "add");
    end_node(w, &out, "ScatterElements");
}

/* Sorted, the largest or smallest k, or the indices alone. */
static void write_sorted(writer *w, const cnn__node *node)
{
    buffer out = { 0 };
    const cnn_tensor *y = node->out[0];
    const int64_t dim = int_at(node, "dim", 0);
    put_inputs(w, &out, node, 1);
    put_text(&out, 1, integers(w, 1, &y->shape[dim]));
    if (strcmp(node->op->name, "argsort") == 0) {
        put_text(&out, 2, between(w));
        put_text(&out, 2, name_of(w, y));
    } else {
        put_text(&out, 2, name_of(w, y));
        put_text(&out, 2, node->out[1] ? name_of(w, node->out[1]) : "");
    }
    put_int_attribute(&out, "axis", dim);
    put_int_attribute(&out, "largest", int_at(node, "descending", 0));
    end_node(w, &out, "TopK");
}

/* Two numbers in place of the classes: behind them a dimension of as many. */
static void write_one_hot(writer *w, const cnn__node *node)
{
    buffer out = { 0 };
    const cnn_tensor *y = node->out[0];
    put_inputs(w, &out, node, 1);
    put_text(&out, 1, number(w, CNN_I64, (double)y->shape[y->ndim - 1]));
    put_text(&out, 1, integers(w, 2, (const int64_t[]){ 0, 1 }));
    put_text(&out, 2, out_of(w, node));
    end_node(w, &out, "OneHot");
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

/* ---- reductions ---- */

/* What one operator reduces `from` to: the dimensions stay as 1, or go. */
static const char *emit_reduction(writer *w, const cnn__node *node, const char *type, const char *to, const char *from, bool keep)
{
    buffer out = { 0 };
    int64_t dims[CNN_MAX_DIMS];
    const int count = count_of(node, "dims");
    for (int i = 0; i < count; i++) {
        dims[i] = int_at(node, "dims", i);
    }
    put_text(&out, 1, from);
    put_text(&out, 1, integers(w, count, dims));
    put_text(&out, 2, to);
    put_int_attribute(&out, "keepdims", keep);
    put_int_attribute(&out, "noop_with_empty_axes", 1);
    end_node(w, &out, type);
    return to;
}

static bool keeps(const cnn__node *node)
{
    return int_at(node, "keepdim", 0) != 0;
}

static void write_reduction(writer *w, const cnn__node *node)
{
    static const char *const types[][2] = { { "sum", "ReduceSum" },   { "mean", "ReduceMean" }, { "max", "ReduceMax" },
                                            { "min", "ReduceMin" },   { "prod", "ReduceProd" }, { "logsumexp", "ReduceLogSumExp" } };
    int i = 0;
    while (strcmp(types[i][0], node->op->name) != 0) {
        i++;
    }
    emit_reduction(w, node, types[i][1], out_of(w, node), in_of(w, node, 0), keeps(node));
}

/* An extremum along one dimension, and its indices. */
static void write_extremum_along(writer *w, const cnn__node *node)
{
    const bool largest = node->op->name[1] == 'a';
    buffer indices = { 0 };
    emit_reduction(w, node, largest ? "ReduceMax" : "ReduceMin", out_of(w, node), in_of(w, node, 0), keeps(node));
    if (node->out[1]) {
        put_inputs(w, &indices, node, 1);
        put_text(&indices, 2, name_of(w, node->out[1]));
        put_int_attribute(&indices, "axis", int_at(node, "dims", 0));
        put_int_attribute(&indices, "keepdims", keeps(node));
        end_node(w, &indices, largest ? "ArgMax" : "ArgMin");
    }
}

static void write_argument(writer *w, const cnn__node *node)
{
    buffer out = { 0 };
    if (count_of(node, "dims") != 1) {
        refuse(w, node);
        return;
    }
    put_int_attribute(&out, "axis", int_at(node, "dims", 0));
    put_int_attribute(&out, "keepdims", keeps(node));
    finish(w, &out, node, 1, node->op->name[4] == 'a' ? "ArgMax" : "ArgMin");
}

/* Whether any or all are true: the largest or smallest of 0 and 1. */
static void write_any_all(writer *w, const cnn__node *node)
{
    const bool bools = node->in[0]->dtype == CNN_BOOL;
    const char *x = bools ? in_of(w, node, 0) : emit_cast(w, between(w), in_of(w, node, 0), CNN_BOOL);
    const char *bits = emit_cast(w, between(w), x, CNN_I32), *found = between(w);
    emit_reduction(w, node, node->op->name[1] == 'n' ? "ReduceMax" : "ReduceMin", found, bits, keeps(node));
    emit_cast(w, out_of(w, node), found, CNN_BOOL);
}

/* (Σ |x|^p)^(1/p) */
static void write_norm(writer *w, const cnn__node *node)
{
    const double p = float_at(node, "p");
    const cnn_dtype dtype = node->in[0]->dtype;
    if (!(p > 0 && p < 1e3)) {
        refuse(w, node);
        return;
    }
    const char *size = emit(w, "Abs", between(w), in_of(w, node, 0), NULL);
    const char *powers = emit(w, "Pow", between(w), size, number(w, dtype, p));
    const char *sum = emit_reduction(w, node, "ReduceSum", between(w), powers, keeps(node));
    emit(w, "Pow", out_of(w, node), sum, number(w, dtype, 1 / p));
}

/* Σ (x − mean)² / (n − correction), and its root. */
static void write_moments(writer *w, const cnn__node *node)
{
    const cnn_tensor *x = node->in[0], *y = node->out[0];
    const bool root = node->op->name[0] == 's';
    const double n = y->numel ? (double)x->numel / (double)y->numel : 0;
    const char *mean = emit_reduction(w, node, "ReduceMean", between(w), name_of(w, x), true);
    const char *apart = emit(w, "Sub", between(w), name_of(w, x), mean);
    const char *sum = emit_reduction(w, node, "ReduceSumSquare", between(w), apart, keeps(node));
    const char *divisor = number(w, x->dtype, n - (double)int_at(node, "correction", 0));
    const char *variance = emit(w, "Div", root ? between(w) : name_of(w, y), sum, divisor);
    if (root) {
        emit(w, "Sqrt", name_of(w, y), variance, NULL);
    }
}

#endif
