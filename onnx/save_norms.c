/* Normalisations as operators of ONNX. */
#include "save.h"

#include <string.h>

static const double DEFAULT_MOMENTUM = 0.1; /* left out of files: ONNX has 0.9, the part of the old statistics */

/* Operand i, or as many numbers as there are channels. */
static const char *weight_or(cnn__export *s, const cnn_trace_node *node, int i, int64_t count, double value)
{
    return cnn__export_has(node, i) ? cnn__export_in(s, node, i)
                                    : cnn__export_filled(s, cnn__export_dtype(s, node->inputs[0]), count, value);
}

static const char *number(cnn__export *s, const cnn_trace_node *node, double value)
{
    return cnn__export_number(s, cnn__export_dtype(s, node->inputs[0]), value);
}

/* The running statistics are operands of the operator; those of the batch are for training. */
void cnn__export_write_batch_norm(cnn__export *s, const cnn_trace_node *node)
{
    cnn__export_buffer op = { 0 };
    const int64_t channels = cnn__export_size(s, node->inputs[0], 1);
    if (!cnn__export_has(node, 3) || !cnn__export_has(node, 4) || cnn__export_int_at(s, node, "training", 0)) {
        cnn__export_refuse(s, "ONNX has no normalisation by a batch's own statistics");
        return;
    }
    cnn__export_operands(s, &op, node, 1);
    cnn__export_operand(&op, weight_or(s, node, 1, channels, 1));
    cnn__export_operand(&op, weight_or(s, node, 2, channels, 0));
    cnn__export_operand(&op, cnn__export_in(s, node, 3));
    cnn__export_operand(&op, cnn__export_in(s, node, 4));
    cnn__export_result(&op, cnn__export_out(s, node));
    cnn__export_float(&op, "epsilon", cnn__export_real_at(s, node, "eps"));
    const double momentum = cnn__export_real_at(s, node, "momentum");
    if (momentum < DEFAULT_MOMENTUM || momentum > DEFAULT_MOMENTUM) {
        cnn__export_float(&op, "momentum", 1 - momentum);
    }
    cnn__export_end(s, &op, "BatchNormalization");
}

/* An operator with a weight and a bias per channel. */
static void write_per_channel(cnn__export *s, const cnn_trace_node *node, const char *type, int64_t groups)
{
    cnn__export_buffer op = { 0 };
    const int64_t channels = cnn__export_size(s, node->inputs[0], 1);
    cnn__export_operands(s, &op, node, 1);
    cnn__export_operand(&op, weight_or(s, node, 1, channels, 1));
    cnn__export_operand(&op, weight_or(s, node, 2, channels, 0));
    cnn__export_result(&op, cnn__export_out(s, node));
    cnn__export_float(&op, "epsilon", cnn__export_real_at(s, node, "eps"));
    if (groups) {
        cnn__export_int(&op, "num_groups", groups);
    }
    cnn__export_end(s, &op, type);
}

/* A weight or bias [C] as [C,1,…], to be broadcast over [N,C,…]. */
static const char *along_channels(cnn__export *s, const cnn_trace_node *node, int i)
{
    const int ndim = cnn__export_ndim(s, node->inputs[0]);
    int64_t sizes[CNN_MAX_DIMS] = { cnn__export_size(s, node->inputs[0], 1) };
    for (int d = 1; d < ndim - 1; d++) {
        sizes[d] = 1;
    }
    const cnn__export_shape shape = cnn__export_fixed(ndim - 1, sizes);
    return cnn__export_reshape(s, cnn__export_between(s), cnn__export_in(s, node, i), &shape);
}

/* Groups as channels [N,G,the rest] of an instance normalisation; before opset 21 ONNX has no weight per channel. */
static void write_groups(cnn__export *s, const cnn_trace_node *node, int64_t groups)
{
    cnn__export_buffer op = { 0 };
    const cnn_dtype dtype = cnn__export_dtype(s, node->inputs[0]);
    cnn__export_shape shape = cnn__export_shape_of(s, node->inputs[0]);
    const int64_t joined[3] = { 0, groups, -1 }; /* 0: as in the operand */
    const bool weighted = cnn__export_has(node, 1), biased = cnn__export_has(node, 2);
    const char *rows = cnn__export_emit(s, "Reshape", cnn__export_between(s), cnn__export_in(s, node, 0),
                                        cnn__export_integers(s, 3, joined));
    const char *normal = cnn__export_between(s), *out = cnn__export_out(s, node);
    cnn__export_operand(&op, rows);
    cnn__export_operand(&op, cnn__export_filled(s, dtype, groups, 1));
    cnn__export_operand(&op, cnn__export_filled(s, dtype, groups, 0));
    cnn__export_result(&op, normal);
    cnn__export_float(&op, "epsilon", cnn__export_real_at(s, node, "eps"));
    cnn__export_end(s, &op, "InstanceNormalization");
    const char *y = cnn__export_reshape(s, weighted || biased ? cnn__export_between(s) : out, normal, &shape);
    if (weighted) {
        y = cnn__export_emit(s, "Mul", biased ? cnn__export_between(s) : out, y, along_channels(s, node, 1));
    }
    if (biased) {
        cnn__export_emit(s, "Add", out, y, along_channels(s, node, 2));
    }
}

/* Channels, each alone or in groups. */
void cnn__export_write_channel_norm(cnn__export *s, const cnn_trace_node *node)
{
    const int64_t groups = node->op[0] == 'g' ? cnn__export_int_at(s, node, "groups", 0) : 0;
    if (groups && s->options.opset < 21) {
        write_groups(s, node, groups);
    } else if (!groups && (cnn__export_has(node, 3) || cnn__export_has(node, 4))) {
        cnn__export_write_batch_norm(s, node); /* with running statistics it is the same */
    } else {
        write_per_channel(s, node, groups ? "GroupNormalization" : "InstanceNormalization", groups);
    }
}

/* x / √(mean of x² + eps) · weight; an operator since opset 23. */
static void write_rms_norm(cnn__export *s, const cnn_trace_node *node, int64_t count)
{
    int64_t dims[CNN_MAX_DIMS];
    for (int64_t i = 0; i < count; i++) {
        dims[i] = i - count;
    }
    const char *x = cnn__export_in(s, node, 0), *out = cnn__export_out(s, node);
    const char *square = cnn__export_emit(s, "Mul", cnn__export_between(s), x, x);
    const char *mean = cnn__export_reduce(s, "ReduceMean", cnn__export_between(s), square, (int)count, dims, true);
    const char *sum =
        cnn__export_emit(s, "Add", cnn__export_between(s), mean, number(s, node, cnn__export_real_at(s, node, "eps")));
    const char *root = cnn__export_emit(s, "Sqrt", cnn__export_between(s), sum, NULL);
    const bool weighted = cnn__export_has(node, 1);
    const char *y = cnn__export_emit(s, "Div", weighted ? cnn__export_between(s) : out, x, root);
    if (weighted) {
        cnn__export_emit(s, "Mul", out, y, cnn__export_in(s, node, 1));
    }
}

/* The last dimensions: with a mean, or by the squares alone. */
void cnn__export_write_row_norm(cnn__export *s, const cnn_trace_node *node)
{
    cnn__export_buffer op = { 0 };
    const int64_t count = cnn__export_int_at(s, node, "dims", 0);
    const int ndim = cnn__export_ndim(s, node->inputs[0]);
    int64_t sizes[CNN_MAX_DIMS], numel = 1;
    if (node->op[0] == 'r') {
        write_rms_norm(s, node, count);
        return;
    }
    for (int64_t i = 0; i < count; i++) {
        sizes[i] = cnn__export_size(s, node->inputs[0], (int)(ndim - count + i));
        numel *= sizes[i];
    }
    const char *weight = cnn__export_in(s, node, 1);
    if (!*weight) {
        const cnn__export_shape shape = cnn__export_fixed((int)count, sizes);
        weight = cnn__export_filled(s, cnn__export_dtype(s, node->inputs[0]), numel, 1);
        weight = count > 1 ? cnn__export_reshape(s, cnn__export_between(s), weight, &shape) : weight;
    }
    cnn__export_operands(s, &op, node, 1);
    cnn__export_operand(&op, weight);
    if (cnn__export_has(node, 2)) {
        cnn__export_operand(&op, cnn__export_in(s, node, 2));
    }
    cnn__export_result(&op, cnn__export_out(s, node));
    cnn__export_int(&op, "axis", -count);
    cnn__export_float(&op, "epsilon", cnn__export_real_at(s, node, "eps"));
    cnn__export_end(s, &op, "LayerNormalization");
}

/* onnxruntime takes images alone, so that others become images of width 1. */
void cnn__export_write_local_response_norm(cnn__export *s, const cnn_trace_node *node)
{
    cnn__export_buffer op = { 0 };
    cnn__export_shape shape = cnn__export_shape_of(s, node->inputs[0]);
    const bool image = shape.ndim == 4;
    const int64_t sizes[4] = { 0, 0, -1, 1 }; /* 0: as in the operand */
    const char *x = cnn__export_in(s, node, 0), *to = image ? cnn__export_out(s, node) : cnn__export_between(s);
    cnn__export_operand(
        &op, image ? x : cnn__export_emit(s, "Reshape", cnn__export_between(s), x, cnn__export_integers(s, 4, sizes)));
    cnn__export_result(&op, to);
    cnn__export_float(&op, "alpha", cnn__export_real_at(s, node, "alpha"));
    cnn__export_float(&op, "beta", cnn__export_real_at(s, node, "beta"));
    cnn__export_float(&op, "bias", cnn__export_real_at(s, node, "k"));
    cnn__export_int(&op, "size", cnn__export_int_at(s, node, "size", 0));
    cnn__export_end(s, &op, "LRN");
    if (!image) {
        cnn__export_reshape(s, cnn__export_out(s, node), to, &shape);
    }
}
