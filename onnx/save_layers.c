/* Convolutions, pooling, resizing, products and tables as operators of ONNX. */
#include "save.h"

#include <cnn/ops.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- windows ---- */

/* An attribute of windows along `axes` dimensions; what has one dimension may be listed as images of height 1. */
static void window_ints(cnn__export *s, const cnn_trace_node *node, const char *name, int axes, int64_t *values)
{
    const int skipped = cnn__export_count_at(s, node, name) - axes;
    for (int i = 0; i < axes; i++) {
        values[i] = cnn__export_int_at(s, node, name, skipped + i);
    }
}

static int axes_of(cnn__export *s, const cnn_trace_node *node)
{
    return cnn__export_ndim(s, node->inputs[0]) - 2;
}

/* The padding at the end of an axis, which no attribute says: it is what the results' windows reach beyond the operand,
 * and may be up to a stride less one more. Of pictures of any size it is what fits all that were traced. */
typedef struct ending {
    int64_t stride, reach, before; /* reach: of a window */
    int64_t least, most;
} ending;

static void see_sizes(int64_t in, int64_t out, void *user)
{
    ending *e = user;
    const int64_t beyond = (out - 1) * e->stride + e->reach - in - e->before;
    e->least = beyond > e->least ? beyond : e->least;
    e->most = beyond + e->stride - 1 < e->most ? beyond + e->stride - 1 : e->most;
}

static int64_t end_padding(cnn__export *s, const cnn_trace_node *node, int d, ending e)
{
    const int x = node->inputs[0], y = node->outputs[0];
    e.least = 0;
    e.most = INT64_MAX;
    if (cnn__export_shape_of(s, x).dim[d].times != CNN__EXPORT_FREE) {
        see_sizes(cnn__export_size(s, x, d), cnn__export_size(s, y, d), &e);
        return e.least;
    }
    cnn__export_each_size(s, x, y, d, see_sizes, &e);
    if (e.least > e.most) {
        cnn__export_needs_size(s);
    }
    return e.before >= e.least && e.before <= e.most ? e.before : e.least;
}

/* Kernel, stride, dilation, and the padding on both sides of each axis. */
static void put_window(cnn__export *s, cnn__export_buffer *op, const cnn_trace_node *node)
{
    int64_t kernel[3], stride[3], dilation[3], pads[6];
    const int axes = axes_of(s, node);
    window_ints(s, node, "kernel", axes, kernel);
    window_ints(s, node, "stride", axes, stride);
    window_ints(s, node, "dilation", axes, dilation);
    window_ints(s, node, "padding", axes, pads);
    for (int i = 0; i < axes; i++) {
        const ending e = { .stride = stride[i], .reach = dilation[i] * (kernel[i] - 1) + 1, .before = pads[i] };
        pads[axes + i] = end_padding(s, node, 2 + i, e);
    }
    cnn__export_ints(op, "kernel_shape", axes, kernel);
    cnn__export_ints(op, "strides", axes, stride);
    cnn__export_ints(op, "dilations", axes, dilation);
    cnn__export_ints(op, "pads", 2 * axes, pads);
}

/* ---- batch normalisation that becomes part of the weights ---- */

/* A stored operand of the normalisation; NULL: it was left out, or there is no memory. */
static float *norm_values(cnn__export *s, const cnn_trace_node *norm, int i)
{
    int64_t count;
    return cnn__export_has(norm, i) ? cnn__export_floats(s, norm->inputs[i], &count) : NULL;
}

/* (x · w + b − mean) · scale + shift = x · (w · scale) + (b − mean) · scale + shift, per output channel. */
static void fold(cnn__export *s, const cnn_trace_node *norm, float *w, float *b, int64_t channels, int64_t row)
{
    float *v[5] = { NULL };
    const double eps = cnn__export_real_at(s, norm, "eps");
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
static void folded_operands(cnn__export *s, cnn__export_buffer *op, const cnn_trace_node *node)
{
    const cnn_trace_node *norm = cnn_trace_get_node(s->trace, s->folded[s->now]);
    const cnn_trace_value *weight = cnn__export_value(s, node->inputs[1]);
    const bool biased = cnn__export_has(node, 2);
    const int64_t channels = weight->shape[0];
    int64_t count, biases;
    float *w = cnn__export_floats(s, node->inputs[1], &count);
    float *b = biased ? cnn__export_floats(s, node->inputs[2], &biases) : calloc((size_t)channels + 1, sizeof *b);
    fold(s, norm, w, b, channels, channels ? count / channels : 0);
    const char *weight_name = *weight->name ? weight->name : cnn__export_between(s);
    const char *bias_name = biased ? cnn__export_value(s, node->inputs[2])->name : "";
    bias_name = *bias_name ? bias_name : cnn__export_between(s);
    cnn__export_add_constant(s, weight_name, CNN_F32, weight->ndim, weight->shape, w);
    cnn__export_add_constant(s, bias_name, CNN_F32, 1, &channels, b);
    cnn__export_operand(op, cnn__export_in(s, node, 0));
    cnn__export_operand(op, weight_name);
    cnn__export_operand(op, bias_name);
}

/* Weight and bias, with the normalisation behind them where it is folded; and the result, which is then its result. */
static void weighted(cnn__export *s, cnn__export_buffer *op, const cnn_trace_node *node)
{
    if (s->folding[s->now] == 1) {
        folded_operands(s, op, node);
        cnn__export_result(op, cnn__export_out(s, cnn_trace_get_node(s->trace, s->folded[s->now])));
    } else {
        cnn__export_operands(s, op, node, 3);
        cnn__export_result(op, cnn__export_out(s, node));
    }
}

/* ---- convolutions ---- */

void cnn__export_write_conv(cnn__export *s, const cnn_trace_node *node)
{
    cnn__export_buffer op = { 0 };
    weighted(s, &op, node);
    put_window(s, &op, node);
    cnn__export_int(&op, "group", cnn__export_int_at(s, node, "groups", 0));
    cnn__export_end(s, &op, "Conv");
}

/* Its padding is taken off the result, at both ends alike. */
void cnn__export_write_conv_transpose(cnn__export *s, const cnn_trace_node *node)
{
    static const char *const from[4] = { "stride", "dilation", "output_padding", "padding" };
    static const char *const to[4] = { "strides", "dilations", "output_padding", "pads" };
    cnn__export_buffer op = { 0 };
    const int axes = axes_of(s, node);
    for (int k = 0; k < 4; k++) {
        int64_t numbers[6];
        window_ints(s, node, from[k], axes, numbers);
        memcpy(numbers + axes, numbers, (size_t)axes * sizeof *numbers);
        cnn__export_ints(&op, to[k], k == 3 ? 2 * axes : axes, numbers);
    }
    cnn__export_int(&op, "group", cnn__export_int_at(s, node, "groups", 0));
    cnn__export_finish(s, &op, node, 3, "ConvTranspose");
}

/* ---- pooling ---- */

void cnn__export_write_maxpool(cnn__export *s, const cnn_trace_node *node)
{
    cnn__export_buffer op = { 0 };
    put_window(s, &op, node);
    cnn__export_finish(s, &op, node, 1, "MaxPool");
}

/* ONNX knows no divisor of the caller's, and its rule for the last window of ceil_mode differs from PyTorch's. */
void cnn__export_write_avg_pool(cnn__export *s, const cnn_trace_node *node)
{
    cnn__export_buffer op = { 0 };
    int64_t kernel[2], stride[2], pads[4];
    const int axes = axes_of(s, node);
    if (cnn__export_int_at(s, node, "ceil_mode", 0) || cnn__export_int_at(s, node, "divisor_override", 0)) {
        cnn__export_refuse(s, "ONNX has neither its ceil_mode nor a divisor of the caller's");
        return;
    }
    window_ints(s, node, "kernel", axes, kernel);
    window_ints(s, node, "stride", axes, stride);
    window_ints(s, node, "padding", axes, pads);
    memcpy(pads + axes, pads, (size_t)axes * sizeof *pads);
    cnn__export_ints(&op, "kernel_shape", axes, kernel);
    cnn__export_ints(&op, "strides", axes, stride);
    cnn__export_ints(&op, "pads", 2 * axes, pads);
    cnn__export_int(&op, "count_include_pad", !cnn__export_int_at(s, node, "exclude_padding", 0));
    cnn__export_finish(s, &op, node, 1, "AveragePool");
}

/* The mean of each window as a product with a matrix [windows, size], whose rows are 1 / n within their window.
 * PyTorch's windows go from floor(i · size / windows) to ceil((i + 1) · size / windows). */
static const char *averaging(cnn__export *s, int64_t windows, int64_t size, bool transposed)
{
    const int64_t shape[2] = { transposed ? size : windows, transposed ? windows : size };
    float *all = calloc((size_t)(windows * size) + 1, sizeof *all);
    const char *name = cnn__export_between(s);
    for (int64_t i = 0; all && i < windows; i++) {
        const int64_t from = i * size / windows, to = ((i + 1) * size + windows - 1) / windows;
        for (int64_t k = from; k < to; k++) {
            all[transposed ? k * windows + i : i * size + k] = 1 / (float)(to - from);
        }
    }
    cnn__export_add_constant(s, name, CNN_F32, 2, shape, all);
    return name;
}

/* Windows of several sizes, along the last dimension and then along the one before it. */
static void write_uneven_average(cnn__export *s, const cnn_trace_node *node)
{
    const int x = node->inputs[0], y = node->outputs[0];
    const bool plane = axes_of(s, node) == 2;
    const char *columns = averaging(s, cnn__export_size(s, y, -1), cnn__export_size(s, x, -1), true);
    const char *to = plane ? cnn__export_between(s) : cnn__export_out(s, node);
    const char *narrow = cnn__export_emit(s, "MatMul", to, cnn__export_in(s, node, 0), columns);
    if (plane) {
        const char *rows = averaging(s, cnn__export_size(s, y, -2), cnn__export_size(s, x, -2), false);
        cnn__export_emit(s, "MatMul", cnn__export_out(s, node), rows, narrow);
    }
}

/* Windows of one size; one window alone has an operator of its own. */
void cnn__export_write_adaptive(cnn__export *s, const cnn_trace_node *node)
{
    cnn__export_buffer op = { 0 };
    const bool max = strstr(node->op, "max") != NULL;
    const int axes = axes_of(s, node);
    int64_t kernel[3] = { 0 };
    bool global = true, uneven = false;
    for (int i = 0; i < axes; i++) {
        const cnn__export_dim out = cnn__export_shape_of(s, node->outputs[0]).dim[2 + i];
        global &= out.size == 1 && !out.times;
    }
    for (int i = 0; i < axes && !global; i++) {
        const int64_t in = cnn__export_size(s, node->inputs[0], 2 + i),
                      out = cnn__export_size(s, node->outputs[0], 2 + i);
        kernel[i] = out ? in / out : 0;
        uneven |= !kernel[i] || kernel[i] * out != in;
    }
    if (uneven && !max && axes <= 2 && cnn__export_dtype(s, node->inputs[0]) == CNN_F32) {
        write_uneven_average(s, node);
        return;
    }
    if (uneven) {
        cnn__export_refuse(s, "ONNX has no maxima of windows of several sizes");
        return;
    }
    if (!global) {
        cnn__export_ints(&op, "kernel_shape", axes, kernel);
        cnn__export_ints(&op, "strides", axes, kernel);
    }
    if (max && node->output_count > 1 && node->outputs[1] >= 0 && s->uses[node->outputs[1]]) {
        cnn__export_refuse(s, "ONNX counts the places of maxima in another way");
    }
    cnn__export_finish(s, &op, node, 1,
                       global ? (max ? "GlobalMaxPool" : "GlobalAveragePool")
                       : max  ? "MaxPool"
                              : "AveragePool");
}

/* ---- resizing ---- */

typedef struct scaling {
    int64_t times; /* 0: not known yet, -1: no whole number */
} scaling;

static void see_scale(int64_t in, int64_t out, void *user)
{
    scaling *found = user;
    const int64_t times = in > 0 && out > 0 && out % in == 0 ? out / in : -1;
    found->times = !found->times || found->times == times ? times : -1;
}

/* Where sizes are symbolic the operator is told how many times as large the result is, which must be a whole number. */
static const char *scales(cnn__export *s, const cnn_trace_node *node)
{
    const cnn__export_shape y = cnn__export_shape_of(s, node->outputs[0]);
    const int64_t ndim = y.ndim;
    float times[CNN_MAX_DIMS];
    for (int d = 0; d < y.ndim; d++) {
        scaling found = { 0 };
        cnn__export_each_size(s, node->inputs[0], node->outputs[0], d, see_scale, &found);
        times[d] = (float)found.times;
        if (found.times < 0) {
            cnn__export_needs_size(s);
        }
    }
    return cnn__export_constant(s, CNN_F32, 1, &ndim, times);
}

/* Modes are cnn_interpolate_mode's. */
void cnn__export_write_interpolate(cnn__export *s, const cnn_trace_node *node)
{
    const int64_t mode = cnn__export_int_at(s, node, "mode", 0);
    const bool floor = mode == CNN_INTERPOLATE_NEAREST, nearest = floor || mode == CNN_INTERPOLATE_NEAREST_EXACT;
    const bool corners = cnn__export_int_at(s, node, "align_corners", 0);
    cnn__export_shape y = cnn__export_shape_of(s, node->outputs[0]);
    cnn__export_buffer op = { 0 };
    if (mode == CNN_INTERPOLATE_AREA) {
        cnn__export_write_adaptive(s, node);
        return;
    }
    cnn__export_text(&op, "mode", nearest ? "nearest" : mode == CNN_INTERPOLATE_BICUBIC ? "cubic" : "linear");
    cnn__export_text(&op, "coordinate_transformation_mode",
                     corners ? "align_corners"
                     : floor ? "asymmetric"
                             : "half_pixel");
    cnn__export_text(&op, "nearest_mode", floor ? "floor" : "round_prefer_ceil");
    cnn__export_float(&op, "cubic_coeff_a", -0.75);
    cnn__export_operands(s, &op, node, 1);
    bool symbolic = false;
    for (int d = 0; d < y.ndim; d++) {
        symbolic |= y.dim[d].times == CNN__EXPORT_FREE;
    }
    cnn__export_operand(&op, "");
    cnn__export_operand(&op, symbolic ? scales(s, node) : "");
    if (!symbolic) {
        cnn__export_operand(&op, cnn__export_shape_operand(s, &y, false));
    }
    cnn__export_result(&op, cnn__export_out(s, node));
    cnn__export_end(s, &op, "Resize");
}

/* ---- products and tables ---- */

/* Rows of any number of dimensions, as a matrix. onnxruntime's CPU provider has no Gemm for bfloat16, so the file says
 * what libcnn computes: the product of the same numbers in f32, rounded once. */
static void write_rows(cnn__export *s, const cnn_trace_node *node)
{
    cnn__export_buffer op = { 0 };
    cnn__export_shape y = cnn__export_shape_of(s, node->outputs[0]);
    const bool narrow = cnn__export_dtype(s, node->outputs[0]) == CNN_BF16, matrix = y.ndim == 2;
    const int64_t sizes[2] = { -1, cnn__export_size(s, node->inputs[1], 1) };
    const cnn__export_shape rows = cnn__export_fixed(2, sizes);
    for (int i = 0; i < (cnn__export_has(node, 2) ? 3 : 2); i++) {
        const char *from = cnn__export_in(s, node, i);
        from = narrow ? cnn__export_cast(s, cnn__export_between(s), from, CNN_F32) : from;
        cnn__export_operand(&op, i || matrix ? from : cnn__export_reshape(s, cnn__export_between(s), from, &rows));
    }
    const char *product = matrix && !narrow ? cnn__export_out(s, node) : cnn__export_between(s);
    cnn__export_result(&op, product);
    cnn__export_int(&op, "transB", 1);
    cnn__export_end(s, &op, "Gemm");
    if (!matrix) {
        product = cnn__export_reshape(s, narrow ? cnn__export_between(s) : cnn__export_out(s, node), product, &y);
    }
    if (narrow) {
        cnn__export_cast(s, cnn__export_out(s, node), product, CNN_BF16);
    }
}

void cnn__export_write_linear(cnn__export *s, const cnn_trace_node *node)
{
    cnn__export_buffer op = { 0 };
    if (s->folding[s->now] != 1) {
        write_rows(s, node);
        return;
    }
    weighted(s, &op, node);
    cnn__export_int(&op, "transB", 1);
    cnn__export_end(s, &op, "Gemm");
}

/* Rows of a table by their numbers. */
void cnn__export_write_embedding(cnn__export *s, const cnn_trace_node *node)
{
    cnn__export_buffer op = { 0 };
    cnn__export_operands(s, &op, node, 2);
    cnn__export_result(&op, cnn__export_out(s, node));
    cnn__export_int(&op, "axis", 0);
    cnn__export_end(s, &op, "Gather");
}
