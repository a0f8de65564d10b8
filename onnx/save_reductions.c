/* Reductions as operators of ONNX. */
#include "save.h"

#include <string.h>

/* What one operator reduces `from` to: the dimensions stay as 1, or go. */
static const char *reduce(cnn__export *s, const cnn_trace_node *node, const char *type, const char *to,
                          const char *from, bool keep)
{
    int64_t dims[CNN_MAX_DIMS];
    const int count = cnn__export_count_at(s, node, "dims");
    for (int i = 0; i < count; i++) {
        dims[i] = cnn__export_int_at(s, node, "dims", i);
    }
    return cnn__export_reduce(s, type, to, from, count, dims, keep);
}

static bool keeps(cnn__export *s, const cnn_trace_node *node)
{
    return cnn__export_int_at(s, node, "keepdim", 0) != 0;
}

void cnn__export_write_reduction(cnn__export *s, const cnn_trace_node *node)
{
    static const char *const types[][2] = { { "sum", "ReduceSum" },   { "mean", "ReduceMean" },
                                            { "max", "ReduceMax" },   { "min", "ReduceMin" },
                                            { "prod", "ReduceProd" }, { "logsumexp", "ReduceLogSumExp" } };
    int i = 0;
    while (strcmp(types[i][0], node->op) != 0) {
        i++;
    }
    reduce(s, node, types[i][1], cnn__export_out(s, node), cnn__export_in(s, node, 0), keeps(s, node));
}

/* An extremum along one dimension, and its indices. */
void cnn__export_write_extremum_along(cnn__export *s, const cnn_trace_node *node)
{
    const bool largest = node->op[1] == 'a';
    cnn__export_buffer op = { 0 };
    reduce(s, node, largest ? "ReduceMax" : "ReduceMin", cnn__export_out(s, node), cnn__export_in(s, node, 0),
           keeps(s, node));
    if (node->output_count > 1 && node->outputs[1] >= 0) {
        cnn__export_operands(s, &op, node, 1);
        cnn__export_result(&op, cnn__export_name(s, node->outputs[1]));
        cnn__export_int(&op, "axis", cnn__export_int_at(s, node, "dims", 0));
        cnn__export_int(&op, "keepdims", keeps(s, node));
        cnn__export_end(s, &op, largest ? "ArgMax" : "ArgMin");
    }
}

void cnn__export_write_argument(cnn__export *s, const cnn_trace_node *node)
{
    cnn__export_buffer op = { 0 };
    if (cnn__export_count_at(s, node, "dims") != 1) {
        cnn__export_refuse(s, "ONNX has the place of an extremum along one dimension alone");
        return;
    }
    cnn__export_int(&op, "axis", cnn__export_int_at(s, node, "dims", 0));
    cnn__export_int(&op, "keepdims", keeps(s, node));
    cnn__export_finish(s, &op, node, 1, node->op[4] == 'a' ? "ArgMax" : "ArgMin");
}

/* Whether any or all are true: the largest or smallest of 0 and 1. */
void cnn__export_write_any_all(cnn__export *s, const cnn_trace_node *node)
{
    const char *x = cnn__export_in(s, node, 0);
    if (cnn__export_dtype(s, node->inputs[0]) != CNN_BOOL) {
        x = cnn__export_cast(s, cnn__export_between(s), x, CNN_BOOL);
    }
    const char *bits = cnn__export_cast(s, cnn__export_between(s), x, CNN_I32);
    const char *found =
        reduce(s, node, node->op[1] == 'n' ? "ReduceMax" : "ReduceMin", cnn__export_between(s), bits, keeps(s, node));
    cnn__export_cast(s, cnn__export_out(s, node), found, CNN_BOOL);
}

/* (Σ |x|^p)^(1/p) */
void cnn__export_write_norm(cnn__export *s, const cnn_trace_node *node)
{
    const double p = cnn__export_real_at(s, node, "p");
    const cnn_dtype dtype = cnn__export_dtype(s, node->inputs[0]);
    if (!(p > 0 && p < 1e3)) {
        cnn__export_refuse(s, "only a p above 0 and below 1000 can be written");
        return;
    }
    const char *size = cnn__export_emit(s, "Abs", cnn__export_between(s), cnn__export_in(s, node, 0), NULL);
    const char *powers = cnn__export_emit(s, "Pow", cnn__export_between(s), size, cnn__export_number(s, dtype, p));
    const char *sum = reduce(s, node, "ReduceSum", cnn__export_between(s), powers, keeps(s, node));
    cnn__export_emit(s, "Pow", cnn__export_out(s, node), sum, cnn__export_number(s, dtype, 1 / p));
}

/* How many elements each result is made of, which may not depend on the batch. */
static double reduced_count(cnn__export *s, const cnn_trace_node *node)
{
    double n = 1;
    for (int i = 0; i < cnn__export_count_at(s, node, "dims"); i++) {
        n *= (double)cnn__export_size(s, node->inputs[0], (int)cnn__export_int_at(s, node, "dims", i));
    }
    return n;
}

/* Σ (x − mean)² / (n − correction), and its root. */
void cnn__export_write_moments(cnn__export *s, const cnn_trace_node *node)
{
    const bool root = node->op[0] == 's';
    const char *x = cnn__export_in(s, node, 0), *y = cnn__export_out(s, node);
    const char *mean = reduce(s, node, "ReduceMean", cnn__export_between(s), x, true);
    const char *apart = cnn__export_emit(s, "Sub", cnn__export_between(s), x, mean);
    const char *sum = reduce(s, node, "ReduceSumSquare", cnn__export_between(s), apart, keeps(s, node));
    const double n = reduced_count(s, node) - (double)cnn__export_int_at(s, node, "correction", 0);
    const char *divisor = cnn__export_number(s, cnn__export_dtype(s, node->inputs[0]), n);
    const char *variance = cnn__export_emit(s, "Div", root ? cnn__export_between(s) : y, sum, divisor);
    if (root) {
        cnn__export_emit(s, "Sqrt", y, variance, NULL);
    }
}
