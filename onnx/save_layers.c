/* Convolutions, pooling, resizing, products and tables as operators of ONNX. */
#include "save.h"

#include <cnn/ops.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- windows ---- */

/* An attribute of windows along `axes` dimensions; what has one dimension may be listed as images of height 1. */
static void window_ints(cnn__onnx_save *s, const cnn_trace_node *node, const char *name, int axes, int64_t *values)
{
    const int skipped = cnn__onnx_count_at(s, node, name) - axes;
    for (int i = 0; i < axes; i++) {
        values[i] = cnn__onnx_int_at(s, node, name, skipped + i);
    }
}

static int axes_of(cnn__onnx_save *s, const cnn_trace_node *node)
{
    return cnn__onnx_ndim(s, node->inputs[0]) - 2;
}

/* Kernel, stride, dilation, and the padding on both sides of each axis, of which the end follows from the sizes. */
static void put_window(cnn__onnx_save *s, cnn__onnx_buffer *op, const cnn_trace_node *node)
{
    int64_t kernel[3], stride[3], dilation[3], pads[6];
    const int axes = axes_of(s, node);
    window_ints(s, node, "kernel", axes, kernel);
    window_ints(s, node, "stride", axes, stride);
    window_ints(s, node, "dilation", axes, dilation);
    window_ints(s, node, "padding", axes, pads);
    for (int i = 0; i < axes; i++) {
        int64_t reach =
            (cnn__onnx_size(s, node->outputs[0], 2 + i) - 1) * stride[i] + dilation[i] * (kernel[i] - 1) + 1;
        int64_t end = reach - cnn__onnx_size(s, node->inputs[0], 2 + i) - pads[i];
        pads[axes + i] = end > 0 ? end : 0;
    }
    cnn__onnx_ints(op, "kernel_shape", axes, kernel);
    cnn__onnx_ints(op, "strides", axes, stride);
    cnn__onnx_ints(op, "dilations", axes, dilation);
    cnn__onnx_ints(op, "pads", 2 * axes, pads);
}

/* ---- batch normalisation that becomes part of the weights ---- */

/* A stored operand of the normalisation; NULL: it was left out, or there is no memory. */
static float *norm_values(cnn__onnx_save *s, const cnn_trace_node *norm, int i)
{
    int64_t count;
    return cnn__onnx_has(norm, i) ? cnn__onnx_floats(s, norm->inputs[i], &count) : NULL;
}

/* (x · w + b − mean) · scale + shift = x · (w · scale) + (b − mean) · scale + shift, per output channel. */
static void fold(cnn__onnx_save *s, const cnn_trace_node *norm, float *w, float *b, int64_t channels, int64_t row)
{
    float *v[5] = { NULL };
    const double eps = cnn__onnx_real_at(s, norm, "eps");
    for (int i = 1; i < 5; i++) {
        v[i] = norm_values(s, norm, i);
    }
    for (int64_t c = 0; w && b && v[3] && v[4] && c < channels; c++) {
        const double scale = (v[1] ? (double)v[1][c] : 1) / sqrt((double)v[4][c] + eps);
        for (int64_t k = c * row; k < (c + 1) * row; k++) {
            w[k] = (float)((double)w[k] * scale);
        }
        b[c] = (float)(((double)b[c] - (double)v[3][c]) * scale + (v[2] ? (double)v[2][c] : 0));
    }
    for (int i = 1; i < 5; i++) {
        free(v[i]);
    }
}

/* The operands with the normalisation behind them in them, under the names of the operands themselves. */
static void folded_operands(cnn__onnx_save *s, cnn__onnx_buffer *op, const cnn_trace_node *node)
{
    const cnn_trace_node *norm = cnn_trace_get_node(s->trace, s->folded[s->now]);
    const cnn_trace_value *weight = cnn__onnx_value(s, node->inputs[1]);
    const bool biased = cnn__onnx_has(node, 2);
    const int64_t channels = weight->shape[0];
    int64_t count, biases;
    float *w = cnn__onnx_floats(s, node->inputs[1], &count);
    float *b = biased ? cnn__onnx_floats(s, node->inputs[2], &biases) : calloc((size_t)channels + 1, sizeof *b);
    fold(s, norm, w, b, channels, channels ? count / channels : 0);
    const char *weight_name = *weight->name ? weight->name : cnn__onnx_between(s);
    const char *bias_name = biased ? cnn__onnx_value(s, node->inputs[2])->name : "";
    bias_name = *bias_name ? bias_name : cnn__onnx_between(s);
    cnn__onnx_add_constant(s, weight_name, CNN_F32, weight->ndim, weight->shape, w);
    cnn__onnx_add_constant(s, bias_name, CNN_F32, 1, &channels, b);
    cnn__onnx_operand(op, cnn__onnx_in(s, node, 0));
    cnn__onnx_operand(op, weight_name);
    cnn__onnx_operand(op, bias_name);
}

/* Weight and bias, with the normalisation behind them where it is folded; and the result, which is then its result. */
static void weighted(cnn__onnx_save *s, cnn__onnx_buffer *op, const cnn_trace_node *node)
{
    if (s->folding[s->now] == 1) {
        folded_operands(s, op, node);
        cnn__onnx_result(op, cnn__onnx_out(s, cnn_trace_get_node(s->trace, s->folded[s->now])));
    } else {
        cnn__onnx_operands(s, op, node, 3);
        cnn__onnx_result(op, cnn__onnx_out(s, node));
    }
}

/* ---- convolutions ---- */

void cnn__onnx_write_conv(cnn__onnx_save *s, const cnn_trace_node *node)
{
    cnn__onnx_buffer op = { 0 };
    weighted(s, &op, node);
    put_window(s, &op, node);
    cnn__onnx_int(&op, "group", cnn__onnx_int_at(s, node, "groups", 0));
    cnn__onnx_end(s, &op, "Conv");
}

/* Its padding is taken off the result, at both ends alike. */
void cnn__onnx_write_conv_transpose(cnn__onnx_save *s, const cnn_trace_node *node)
{
    static const char *const from[4] = { "stride", "dilation", "output_padding", "padding" };
    static const char *const to[4] = { "strides", "dilations", "output_padding", "pads" };
    cnn__onnx_buffer op = { 0 };
    const int axes = axes_of(s, node);
    for (int k = 0; k < 4; k++) {
        int64_t numbers[6];
        window_ints(s, node, from[k], axes, numbers);
        memcpy(numbers + axes, numbers, (size_t)axes * sizeof *numbers);
        cnn__onnx_ints(&op, to[k], k == 3 ? 2 * axes : axes, numbers);
    }
    cnn__onnx_int(&op, "group", cnn__onnx_int_at(s, node, "groups", 0));
    cnn__onnx_finish(s, &op, node, 3, "ConvTranspose");
}

/* ---- pooling ---- */

void cnn__onnx_write_maxpool(cnn__onnx_save *s, const cnn_trace_node *node)
{
    cnn__onnx_buffer op = { 0 };
    put_window(s, &op, node);
    cnn__onnx_finish(s, &op, node, 1, "MaxPool");
}

/* ONNX knows no divisor of the caller's, and its rule for the last window of ceil_mode differs from PyTorch's. */
void cnn__onnx_write_avg_pool(cnn__onnx_save *s, const cnn_trace_node *node)
{
    cnn__onnx_buffer op = { 0 };
    int64_t kernel[2], stride[2], pads[4];
    const int axes = axes_of(s, node);
    if (cnn__onnx_int_at(s, node, "ceil_mode", 0) || cnn__onnx_int_at(s, node, "divisor_override", 0)) {
        cnn__onnx_refuse(s, "ONNX has neither its ceil_mode nor a divisor of the caller's");
        return;
    }
    window_ints(s, node, "kernel", axes, kernel);
    window_ints(s, node, "stride", axes, stride);
    window_ints(s, node, "padding", axes, pads);
    memcpy(pads + axes, pads, (size_t)axes * sizeof *pads);
    cnn__onnx_ints(&op, "kernel_shape", axes, kernel);
    cnn__onnx_ints(&op, "strides", axes, stride);
    cnn__onnx_ints(&op, "pads", 2 * axes, pads);
    cnn__onnx_int(&op, "count_include_pad", !cnn__onnx_int_at(s, node, "exclude_padding", 0));
    cnn__onnx_finish(s, &op, node, 1, "AveragePool");
}

/* The mean of each window as a product with a matrix [windows, size], whose rows are 1 / n within their window.
 * PyTorch's windows go from floor(i · size / windows) to ceil((i + 1) · size / windows). */
static const char *averaging(cnn__onnx_save *s, int64_t windows, int64_t size, bool transposed)
{
    const int64_t shape[2] = { transposed ? size : windows, transposed ? windows : size };
    float *all = calloc((size_t)(windows * size) + 1, sizeof *all);
    const char *name = cnn__onnx_between(s);
    for (int64_t i = 0; all && i < windows; i++) {
        const int64_t from = i * size / windows, to = ((i + 1) * size + windows - 1) / windows;
        for (int64_t k = from; k < to; k++) {
            all[transposed ? k * windows + i : i * size + k] = 1 / (float)(to - from);
        }
    }
    cnn__onnx_add_constant(s, name, CNN_F32, 2, shape, all);
    return name;
}

/* Windows of several sizes, along the last dimension and then along the one before it. */
static void write_uneven_average(cnn__onnx_save *s, const cnn_trace_node *node)
{
    const int x = node->inputs[0], y = node->outputs[0];
    const bool plane = axes_of(s, node) == 2;
    const char *columns = averaging(s, cnn__onnx_size(s, y, -1), cnn__onnx_size(s, x, -1), true);
    const char *to = plane ? cnn__onnx_between(s) : cnn__onnx_out(s, node);
    const char *narrow = cnn__onnx_emit(s, "MatMul", to, cnn__onnx_in(s, node, 0), columns);
    if (plane) {
        const char *rows = averaging(s, cnn__onnx_size(s, y, -2), cnn__onnx_size(s, x, -2), false);
        cnn__onnx_emit(s, "MatMul", cnn__onnx_out(s, node), rows, narrow);
    }
}

/* Windows of one size; one window alone has an operator of its own. */
void cnn__onnx_write_adaptive(cnn__onnx_save *s, const cnn_trace_node *node)
{
    cnn__onnx_buffer op = { 0 };
    const bool max = strstr(node->op, "max") != NULL;
    const int axes = axes_of(s, node);
    int64_t kernel[3] = { 0 };
    bool global = true, uneven = false;
    for (int i = 0; i < axes; i++) {
        const int64_t in = cnn__onnx_size(s, node->inputs[0], 2 + i), out = cnn__onnx_size(s, node->outputs[0], 2 + i);
        kernel[i] = out ? in / out : 0;
        global &= out == 1;
        uneven |= !kernel[i] || kernel[i] * out != in;
    }
    if (uneven && !max && axes <= 2 && cnn__onnx_dtype(s, node->inputs[0]) == CNN_F32) {
        write_uneven_average(s, node);
        return;
    }
    if (uneven) {
        cnn__onnx_refuse(s, "ONNX has no maxima of windows of several sizes");
        return;
    }
    if (!global) {
        cnn__onnx_ints(&op, "kernel_shape", axes, kernel);
        cnn__onnx_ints(&op, "strides", axes, kernel);
    }
    if (max && node->output_count > 1 && node->outputs[1] >= 0 && s->uses[node->outputs[1]]) {
        cnn__onnx_refuse(s, "ONNX counts the places of maxima in another way");
    }
    cnn__onnx_finish(s, &op, node, 1,
                     global ? (max ? "GlobalMaxPool" : "GlobalAveragePool")
                     : max  ? "MaxPool"
                            : "AveragePool");
}

/* ---- resizing ---- */

/* Modes are cnn_interpolate_mode's. */
void cnn__onnx_write_interpolate(cnn__onnx_save *s, const cnn_trace_node *node)
{
    const int64_t mode = cnn__onnx_int_at(s, node, "mode", 0);
    const bool floor = mode == CNN_INTERPOLATE_NEAREST, nearest = floor || mode == CNN_INTERPOLATE_NEAREST_EXACT;
    const bool corners = cnn__onnx_int_at(s, node, "align_corners", 0);
    cnn__onnx_shape y = cnn__onnx_shape_of(s, node->outputs[0]);
    cnn__onnx_buffer op = { 0 };
    if (mode == CNN_INTERPOLATE_AREA) {
        cnn__onnx_write_adaptive(s, node);
        return;
    }
    cnn__onnx_text(&op, "mode", nearest ? "nearest" : mode == CNN_INTERPOLATE_BICUBIC ? "cubic" : "linear");
    cnn__onnx_text(&op, "coordinate_transformation_mode",
                   corners ? "align_corners"
                   : floor ? "asymmetric"
                           : "half_pixel");
    cnn__onnx_text(&op, "nearest_mode", floor ? "floor" : "round_prefer_ceil");
    cnn__onnx_float(&op, "cubic_coeff_a", -0.75);
    cnn__onnx_operands(s, &op, node, 1);
    cnn__onnx_operand(&op, "");
    cnn__onnx_operand(&op, "");
    cnn__onnx_operand(&op, cnn__onnx_shape_operand(s, &y, false));
    cnn__onnx_result(&op, cnn__onnx_out(s, node));
    cnn__onnx_end(s, &op, "Resize");
}

/* ---- products and tables ---- */

/* Rows of any number of dimensions, as a matrix. onnxruntime's CPU provider has no Gemm for bfloat16, so the file says
 * what libcnn computes: the product of the same numbers in f32, rounded once. */
static void write_rows(cnn__onnx_save *s, const cnn_trace_node *node)
{
    cnn__onnx_buffer op = { 0 };
    cnn__onnx_shape y = cnn__onnx_shape_of(s, node->outputs[0]);
    const bool narrow = cnn__onnx_dtype(s, node->outputs[0]) == CNN_BF16, matrix = y.ndim == 2;
    const int64_t sizes[2] = { -1, cnn__onnx_size(s, node->inputs[1], 1) };
    const cnn__onnx_shape rows = cnn__onnx_fixed(2, sizes);
    for (int i = 0; i < (cnn__onnx_has(node, 2) ? 3 : 2); i++) {
        const char *from = cnn__onnx_in(s, node, i);
        from = narrow ? cnn__onnx_cast(s, cnn__onnx_between(s), from, CNN_F32) : from;
        cnn__onnx_operand(&op, i || matrix ? from : cnn__onnx_reshape(s, cnn__onnx_between(s), from, &rows));
    }
    const char *product = matrix && !narrow ? cnn__onnx_out(s, node) : cnn__onnx_between(s);
    cnn__onnx_result(&op, product);
    cnn__onnx_int(&op, "transB", 1);
    cnn__onnx_end(s, &op, "Gemm");
    if (!matrix) {
        product = cnn__onnx_reshape(s, narrow ? cnn__onnx_between(s) : cnn__onnx_out(s, node), product, &y);
    }
    if (narrow) {
        cnn__onnx_cast(s, cnn__onnx_out(s, node), product, CNN_BF16);
    }
}

void cnn__onnx_write_linear(cnn__onnx_save *s, const cnn_trace_node *node)
{
    cnn__onnx_buffer op = { 0 };
    if (s->folding[s->now] != 1) {
        write_rows(s, node);
        return;
    }
    weighted(s, &op, node);
    cnn__onnx_int(&op, "transB", 1);
    cnn__onnx_end(s, &op, "Gemm");
}

/* Rows of a table by their numbers. */
void cnn__onnx_write_embedding(cnn__onnx_save *s, const cnn_trace_node *node)
{
    cnn__onnx_buffer op = { 0 };
    cnn__onnx_operands(s, &op, node, 2);
    cnn__onnx_result(&op, cnn__onnx_out(s, node));
    cnn__onnx_int(&op, "axis", 0);
    cnn__onnx_end(s, &op, "Gather");
}
