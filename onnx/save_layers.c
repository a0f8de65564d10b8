/* Convolutions, resizing, products and tables as operators of ONNX. */
#include "save_windows.h"

#include <cnn/ops.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

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
static void folded_operands(cnn__export *s, cnn__export_buffer *op, const cnn_trace_node *node, bool lacks)
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
    cnn__export_operand(op, cnn__export_operand_with_batch(s, node, lacks));
    cnn__export_operand(op, weight_name);
    cnn__export_operand(op, bias_name);
}

/* The operand, weight and bias, with the normalisation behind them where it is folded. Returns the value that the
 * result is: that normalisation's then. */
static int weighted(cnn__export *s, cnn__export_buffer *op, const cnn_trace_node *node, bool lacks)
{
    if (s->folding[s->now] == 1) {
        folded_operands(s, op, node, lacks);
        return cnn_trace_get_node(s->trace, s->folded[s->now])->outputs[0];
    }
    cnn__export_operand(op, cnn__export_operand_with_batch(s, node, lacks));
    for (int i = 1; i < 3 && cnn__export_has(node, i); i++) {
        cnn__export_operand(op, cnn__export_in(s, node, i));
    }
    return node->outputs[0];
}

static void end_weighted(cnn__export *s, cnn__export_buffer *op, int value, bool lacks, const char *type)
{
    const char *y = cnn__export_result_with_batch(s, value, lacks);
    cnn__export_result(op, y);
    cnn__export_end(s, op, type);
    cnn__export_without_batch(s, value, y, lacks);
}

/* ---- convolutions ---- */

void cnn__export_write_conv(cnn__export *s, const cnn_trace_node *node)
{
    cnn__export_buffer op = { 0 };
    const bool lacks = cnn__export_first_axis(s, node) == 1;
    const int value = weighted(s, &op, node, lacks);
    cnn__export_put_window(s, &op, node);
    cnn__export_int(&op, "group", cnn__export_int_at(s, node, "groups", 0));
    end_weighted(s, &op, value, lacks, "Conv");
}

/* Its padding is taken off the result, at both ends alike. */
void cnn__export_write_conv_transpose(cnn__export *s, const cnn_trace_node *node)
{
    static const char *const from[4] = { "stride", "dilation", "output_padding", "padding" };
    static const char *const to[4] = { "strides", "dilations", "output_padding", "pads" };
    cnn__export_buffer op = { 0 };
    const int axes = cnn__export_axes(node);
    for (int k = 0; k < 4; k++) {
        int64_t numbers[6];
        cnn__export_window_ints(s, node, from[k], axes, numbers);
        memcpy(numbers + axes, numbers, (size_t)axes * sizeof *numbers);
        cnn__export_ints(&op, to[k], k == 3 ? 2 * axes : axes, numbers);
    }
    cnn__export_int(&op, "group", cnn__export_int_at(s, node, "groups", 0));
    const bool lacks = cnn__export_first_axis(s, node) == 1;
    end_weighted(s, &op, weighted(s, &op, node, lacks), lacks, "ConvTranspose");
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
    const int value = weighted(s, &op, node, false);
    cnn__export_int(&op, "transB", 1);
    end_weighted(s, &op, value, false, "Gemm");
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
