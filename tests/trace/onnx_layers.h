/* Convolutions, pooling, resizing, normalisations, products and tables as nodes of an ONNX graph. */
#ifndef CNN_TESTS_TRACE_ONNX_LAYERS_H
#define CNN_TESTS_TRACE_ONNX_LAYERS_H

#include "trace/onnx_graph.h"

#include <cnn/ops.h>

/* ---- windows ---- */

/* Windows: kernel, stride, dilation, and the padding on both sides of each axis, of which the end follows from the sizes. */
static void put_window(buffer *out, const cnn__node *node)
{
    int64_t kernel[3], stride[3], dilation[3], pads[6];
    const cnn_tensor *x = node->in[0], *y = node->out[0];
    int axes = x->ndim - 2, skipped = count_of(node, "kernel") - axes; /* of one dimension as of images of height 1 */
    for (int i = 0; i < axes; i++) {
        kernel[i] = int_at(node, "kernel", skipped + i);
        stride[i] = int_at(node, "stride", skipped + i);
        dilation[i] = int_at(node, "dilation", skipped + i);
        pads[i] = int_at(node, "padding", skipped + i);
        int64_t reach = (y->shape[y->ndim - axes + i] - 1) * stride[i] + dilation[i] * (kernel[i] - 1) + 1;
        int64_t end = reach - x->shape[x->ndim - axes + i] - pads[i];
        pads[axes + i] = end > 0 ? end : 0;
    }
    put_ints_attribute(out, "kernel_shape", kernel, axes);
    put_ints_attribute(out, "strides", stride, axes);
    put_ints_attribute(out, "dilations", dilation, axes);
    put_ints_attribute(out, "pads", pads, 2 * axes);
}

static void write_conv(writer *w, const cnn__node *node)
{
    buffer out = { 0 };
    put_inputs(w, &out, node, node->in[2] ? 3 : 2);
    put_text(&out, 2, name_of(w, node->out[0]));
    put_window(&out, node);
    put_int_attribute(&out, "group", int_at(node, "groups", 0));
    end_node(w, &out, "Conv");
}

/* Its padding is taken off the result, at both ends alike. */
static void write_conv_transpose(writer *w, const cnn__node *node)
{
    buffer out = { 0 };
    int64_t numbers[4][6];
    static const char *const from[4] = { "stride", "dilation", "output_padding", "padding" },
                             *const to[4] = { "strides", "dilations", "output_padding", "pads" };
    int axes = node->in[0]->ndim - 2, skipped = count_of(node, "kernel") - axes;
    put_inputs(w, &out, node, node->in[2] ? 3 : 2);
    put_text(&out, 2, name_of(w, node->out[0]));
    for (int k = 0; k < 4; k++) {
        for (int i = 0; i < axes; i++) {
            numbers[k][i] = numbers[k][axes + i] = int_at(node, from[k], skipped + i);
        }
        put_ints_attribute(&out, to[k], numbers[k], k == 3 ? 2 * axes : axes);
    }
    put_int_attribute(&out, "group", int_at(node, "groups", 0));
    end_node(w, &out, "ConvTranspose");
}

static void write_maxpool(writer *w, const cnn__node *node)
{
    buffer out = { 0 };
    put_inputs(w, &out, node, 1);
    put_text(&out, 2, name_of(w, node->out[0]));
    put_window(&out, node);
    end_node(w, &out, "MaxPool");
}

/* ONNX knows no divisor of the caller's, and its rule for the last window of ceil_mode differs from PyTorch's. */
static void write_avg_pool(writer *w, const cnn__node *node)
{
    buffer out = { 0 };
    int64_t kernel[2], stride[2], pads[4];
    const int axes = node->in[0]->ndim - 2, skipped = count_of(node, "kernel") - axes;
    if (int_at(node, "ceil_mode", 0) || int_at(node, "divisor_override", 0)) {
        refuse(w, node);
        return;
    }
    for (int i = 0; i < axes; i++) {
        kernel[i] = int_at(node, "kernel", skipped + i);
        stride[i] = int_at(node, "stride", skipped + i);
        pads[i] = pads[axes + i] = int_at(node, "padding", skipped + i);
    }
    put_ints_attribute(&out, "kernel_shape", kernel, axes);
    put_ints_attribute(&out, "strides", stride, axes);
    put_ints_attribute(&out, "pads", pads, 2 * axes);
    put_int_attribute(&out, "count_include_pad", !int_at(node, "exclude_padding", 0));
    finish(w, &out, node, 1, "AveragePool");
}

/* Windows of one size alone: the mean where all are alike, ONNX's maximum where there is one. */
static void write_adaptive(writer *w, const cnn__node *node)
{
    buffer out = { 0 };
    const cnn_tensor *x = node->in[0], *y = node->out[0];
    int64_t kernel[3];
    for (int i = 2; i < x->ndim; i++) {
        kernel[i - 2] = y->shape[i] ? x->shape[i] / y->shape[i] : 0;
        if (!kernel[i - 2] || kernel[i - 2] * y->shape[i] != x->shape[i]) {
            refuse(w, node);
            return;
        }
    }
    put_ints_attribute(&out, "kernel_shape", kernel, x->ndim - 2);
    put_ints_attribute(&out, "strides", kernel, x->ndim - 2);
    finish(w, &out, node, 1, strstr(node->op->name, "max") ? "MaxPool" : "AveragePool");
}

/* Modes are cnn_interpolate_mode's. */
static void write_interpolate(writer *w, const cnn__node *node)
{
    const int64_t mode = int_at(node, "mode", 0);
    const bool nearest = mode <= CNN_INTERPOLATE_NEAREST_EXACT, cubic = mode == CNN_INTERPOLATE_BICUBIC;
    const cnn_tensor *y = node->out[0];
    buffer out = { 0 };
    if (mode == CNN_INTERPOLATE_AREA) {
        write_adaptive(w, node);
        return;
    }
    put_text_attribute(&out, "mode", nearest ? "nearest" : cubic ? "cubic" : "linear");
    put_text_attribute(&out, "coordinate_transformation_mode",
                       int_at(node, "align_corners", 0)       ? "align_corners"
                       : mode == CNN_INTERPOLATE_NEAREST ? "asymmetric"
                                                         : "half_pixel");
    put_text_attribute(&out, "nearest_mode", mode == CNN_INTERPOLATE_NEAREST ? "floor" : "round_prefer_ceil");
    put_float_attribute(&out, "cubic_coeff_a", -0.75);
    put_inputs(w, &out, node, 1);
    put_text(&out, 1, "");
    put_text(&out, 1, "");
    put_text(&out, 1, integers(w, y->ndim, y->shape));
    put_text(&out, 2, out_of(w, node));
    end_node(w, &out, "Resize");
}

/* ---- normalisations ---- */

/* Weight i, or as many ones or zeros as the operation's channels. */
static const char *weight_or(writer *w, const cnn__node *node, int i, int64_t count, float value)
{
    float all[256];
    if (i < node->count && node->in[i]) {
        return in_of(w, node, i);
    }
    if (count > (int64_t)(sizeof all / sizeof *all) || node->in[0]->dtype != CNN_F32) {
        refuse(w, node);
        return "";
    }
    for (int64_t k = 0; k < count; k++) {
        all[k] = value;
    }
    return new_constant(w, CNN_F32, 1, &count, all);
}

/* With running statistics alone: those of the batch are of training. */
static void write_batch_norm(writer *w, const cnn__node *node)
{
    buffer out = { 0 };
    const int64_t channels = node->in[0]->shape[1];
    if (!node->in[3] || !node->in[4]) {
        refuse(w, node);
        return;
    }
    put_inputs(w, &out, node, 1);
    put_text(&out, 1, weight_or(w, node, 1, channels, 1));
    put_text(&out, 1, weight_or(w, node, 2, channels, 0));
    put_text(&out, 1, in_of(w, node, 3));
    put_text(&out, 1, in_of(w, node, 4));
    put_text(&out, 2, out_of(w, node));
    put_float_attribute(&out, "epsilon", float_at(node, "eps"));
    end_node(w, &out, "BatchNormalization");
}

/* Of channels: of each alone, or of groups. */
static void write_channel_norm(writer *w, const cnn__node *node)
{
    buffer out = { 0 };
    const bool groups = strcmp(node->op->name, "group_norm") == 0;
    const int64_t channels = node->in[0]->shape[1];
    put_inputs(w, &out, node, 1);
    put_text(&out, 1, weight_or(w, node, 1, channels, 1));
    put_text(&out, 1, weight_or(w, node, 2, channels, 0));
    put_text(&out, 2, out_of(w, node));
    put_float_attribute(&out, "epsilon", float_at(node, "eps"));
    if (groups) {
        put_int_attribute(&out, "num_groups", int_at(node, "groups", 0));
    }
    end_node(w, &out, groups ? "GroupNormalization" : "InstanceNormalization");
}

/* Of the last dimensions: with a mean, or of squares alone. */
static void write_row_norm(writer *w, const cnn__node *node)
{
    buffer out = { 0 };
    const bool squares = strcmp(node->op->name, "rms_norm") == 0;
    const int64_t dims = int_at(node, "dims", 0);
    const cnn_tensor *x = node->in[0];
    put_inputs(w, &out, node, 1);
    put_text(&out, 1, weight_or(w, node, 1, dims == 1 ? x->shape[x->ndim - 1] : INT64_MAX, 1));
    if (!squares && node->in[2]) {
        put_text(&out, 1, in_of(w, node, 2));
    }
    put_text(&out, 2, out_of(w, node));
    put_int_attribute(&out, "axis", -dims);
    put_float_attribute(&out, "epsilon", float_at(node, "eps"));
    end_node(w, &out, squares ? "RMSNormalization" : "LayerNormalization");
}

/* ONNX centres a window of an even size at its other half. onnxruntime takes images alone. */
static void write_local_response_norm(writer *w, const cnn__node *node)
{
    buffer out = { 0 };
    const cnn_tensor *x = node->in[0];
    const int64_t image[4] = { x->shape[0], x->shape[1], -1, 1 };
    const bool is_image = x->ndim == 4;
    const char *to = is_image ? out_of(w, node) : between(w);
    put_text(&out, 1, is_image ? name_of(w, x) : emit_reshape(w, between(w), name_of(w, x), 4, image));
    put_text(&out, 2, to);
    put_float_attribute(&out, "alpha", float_at(node, "alpha"));
    put_float_attribute(&out, "beta", float_at(node, "beta"));
    put_float_attribute(&out, "bias", float_at(node, "k"));
    put_int_attribute(&out, "size", int_at(node, "size", 0));
    end_node(w, &out, "LRN");
    if (!is_image) {
        emit_reshape(w, out_of(w, node), to, x->ndim, x->shape);
    }
}

/* ---- products and tables ---- */

/* Rows of any number of dimensions as a matrix. onnxruntime's CPU provider has no Gemm for bfloat16, so the file says what libcnn
 * computes: the product of the same numbers in f32, rounded once. */
static void write_linear(writer *w, const cnn__node *node)
{
    buffer out = { 0 };
    const cnn_tensor *x = node->in[0], *weight = node->in[1], *y = node->out[0];
    const bool narrow = y->dtype == CNN_BF16, matrix = x->ndim == 2;
    for (int i = 0; i < (node->in[2] ? 3 : 2); i++) {
        const char *from = narrow ? emit_cast(w, between(w), in_of(w, node, i), CNN_F32) : in_of(w, node, i);
        const int64_t rows[2] = { -1, weight->shape[1] };
        put_text(&out, 1, i || matrix ? from : emit_reshape(w, between(w), from, 2, rows));
    }
    const char *product = matrix && !narrow ? name_of(w, y) : between(w);
    put_text(&out, 2, product);
    put_int_attribute(&out, "transB", 1);
    end_node(w, &out, "Gemm");
    if (!matrix) {
        product = emit_reshape(w, narrow ? between(w) : name_of(w, y), product, y->ndim, y->shape);
    }
    if (narrow) {
        emit_cast(w, name_of(w, y), product, CNN_BF16);
    }
}

/* Rows of a table by their numbers. */
static void write_embedding(writer *w, const cnn__node *node)
{
    buffer out = { 0 };
    put_inputs(w, &out, node, 2);
    put_text(&out, 2, name_of(w, node->out[0]));
    put_int_attribute(&out, "axis", 0);
    end_node(w, &out, "Gather");
}

#endif
