/* Reductions as operators of ONNX. */
#include "save.h"

#include <string.h>

/* What one operator reduces `from` to: the dimensions stay as 1, or go. */
static const char *reduce(cnn__onnx_save *s, const cnn_trace_node *node, const char *type, const char *to,
                          const char *from, bool keep)
{
    int64_t dims[CNN_MAX_DIMS];
    const int count = cnn__onnx_count_at(s, node, "dims");
    for (int i = 0; i < count; i++) {
        dims[i] = cnn__onnx_int_at(s, node, "dims", i);
    }
    return cnn__onnx_reduce(s, type, to, from, count, dims, keep);
}

static bool keeps(cnn__onnx_save *s, const cnn_trace_node *node)
{
    return cnn__onnx_int_at(s, node, "keepdim", 0) != 0;
}

void cnn__onnx_write_reduction(cnn__onnx_save *s, const cnn_trace_node *node)
{
    static const char *const types[][2] = { { "sum", "ReduceSum" },   { "mean", "ReduceMean" },
                                            { "max", "ReduceMax" },   { "min", "ReduceMin" },
                                            { "prod", "ReduceProd" }, { "logsumexp", "ReduceLogSumExp" } };
    int i = 0;
    while (strcmp(types[i][0], node->op) != 0) {
        i++;
    }
    reduce(s, node, types[i][1], cnn__onnx_out(s, node), cnn__onnx_in(s, node, 0), keeps(s, node));
}

/* An extremum along one dimension, and its indices. */
void cnn__onnx_write_extremum_along(cnn__onnx_save *s, const cnn_trace_node *node)
{
    const bool largest = node->op[1] == 'a';
    cnn__onnx_buffer op = { 0 };
    reduce(s, node, largest ? "ReduceMax" : "ReduceMin", cnn__onnx_out(s, node), cnn__onnx_in(s, node, 0),
           keeps(s, node));
    if (node->output_count > 1 && node->outputs[1] >= 0) {
        cnn__onnx_operands(s, &op, node, 1);
        cnn__onnx_result(&op, cnn__onnx_name(s, node->outputs[1]));
        cnn__onnx_int(&op, "axis", cnn__onnx_int_at(s, node, "dims", 0));
        cnn__onnx_int(&op, "keepdims", keeps(s, node));
        cnn__onnx_end(s, &op, largest ? "ArgMax" : "ArgMin");
    }
}

void cnn__onnx_write_argument(cnn__onnx_save *s, const cnn_trace_node *node)
{
    cnn__onnx_buffer op = { 0 };
    if (cnn__onnx_count_at(s, node, "dims") != 1) {
        cnn__onnx_refuse(s, "ONNX has the place of an extremum along one dimension alone");
        return;
    }
    cnn__onnx_int(&op, "axis", cnn__onnx_int_at(s, node, "dims", 0));
    cnn__onnx_int(&op, "keepdims", keeps(s, node));
    cnn__onnx_finish(s, &op, node, 1, node->op[4] == 'a' ? "ArgMax" : "ArgMin");
}

/* Whether any or all are true: the largest or smallest of 0 and 1. */
void cnn__onnx_write_any_all(cnn__onnx_save *s, const cnn_trace_node *node)
{
    const char *x = cnn__onnx_in(s, node, 0);
    if (cnn__onnx_dtype(s, node->inputs[0]) != CNN_BOOL) {
        x = cnn__onnx_cast(s, cnn__onnx_between(s), x, CNN_BOOL);
    }
    const char *bits = cnn__onnx_cast(s, cnn__onnx_between(s), x, CNN_I32);
    const char *found =
        reduce(s, node, node->op[1] == 'n' ? "ReduceMax" : "ReduceMin", cnn__onnx_between(s), bits, keeps(s, node));
    cnn__onnx_cast(s, cnn__onnx_out(s, node), found, CNN_BOOL);
}

/* (Σ |x|^p)^(1/p) */
void cnn__onnx_write_norm(cnn__onnx_save *s, const cnn_trace_node *node)
{
    const double p = cnn__onnx_real_at(s, node, "p");
    const cnn_dtype dtype = cnn__onnx_dtype(s, node->inputs[0]);
    if (!(p > 0 && p < 1e3)) {
        cnn__onnx_refuse(s, "only a p above 0 and below 1000 can be written");
        return;
    }
    const char *size = cnn__onnx_emit(s, "Abs", cnn__onnx_between(s), cnn__onnx_in(s, node, 0), NULL);
    const char *powers = cnn__onnx_emit(s, "Pow", cnn__onnx_between(s), size, cnn__onnx_number(s, dtype, p));
    const char *sum = reduce(s, node, "ReduceSum", cnn__onnx_between(s), powers, keeps(s, node));
    cnn__onnx_emit(s, "Pow", cnn__onnx_out(s, node), sum, cnn__onnx_number(s, dtype, 1 / p));
}

/* How many elements each result is made of, which may not depend on the batch. */
static double reduced_count(cnn__onnx_save *s, const cnn_trace_node *node)
{
    double n = 1;
    for (int i = 0; i < cnn__onnx_count_at(s, node, "dims"); i++) {
        n *= (double)cnn__onnx_size(s, node->inputs[0], (int)cnn__onnx_int_at(s, node, "dims", i));
    }
    return n;
}

/* Σ (x − mean)² / (n − correction), and its root. */
void cnn__onnx_write_moments(cnn__onnx_save *s, const cnn_trace_node *node)
{
    const bool root = node->op[0] == 's';
    const char *x = cnn__onnx_in(s, node, 0), *y = cnn__onnx_out(s, node);
    const char *mean = reduce(s, node, "ReduceMean", cnn__onnx_between(s), x, true);
    const char *apart = cnn__onnx_emit(s, "Sub", cnn__onnx_between(s), x, mean);
    const char *sum = reduce(s, node, "ReduceSumSquare", cnn__onnx_between(s), apart, keeps(s, node));
    const double n = reduced_count(s, node) - (double)cnn__onnx_int_at(s, node, "correction", 0);
    const char *divisor = cnn__onnx_number(s, cnn__onnx_dtype(s, node->inputs[0]), n);
    const char *variance = cnn__onnx_emit(s, "Div", root ? cnn__onnx_between(s) : y, sum, divisor);
    if (root) {
        cnn__onnx_emit(s, "Sqrt", y, variance, NULL);
    }
}
