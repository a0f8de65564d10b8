/* Convolution, transposed convolution, and convolution of integers. */
#include "window.h"

static cnn_tensor *convolve(cnn__onnx_run *run, cnn_tensor *x, cnn_tensor *weight, cnn_tensor *bias)
{
    cnn__onnx_window w;
    int64_t groups = cnn__onnx_int(run, "group", 1);
    static const int64_t none[CNN__MOST_SPACE];
    if (!cnn__onnx_window_read(run, x, weight, &w)) {
        return NULL;
    }
    bool odd = false;
    for (int d = 0; d < w.ndim; d++) {
        odd = odd || w.before[d] < 0 || w.after[d] < 0 || (w.ndim == 3 && w.before[d] != w.after[d]);
    }
    if (odd) {
        x = cnn__onnx_window_padded(run, x, &w, w.before, w.after, 0);
    }
    const int64_t *before = odd ? none : w.before, *after = odd ? none : w.after;
    if (w.ndim == 1) {
        return cnn_conv1d(x, weight, bias,
                          &(cnn_conv1d_options){ .struct_size = sizeof(cnn_conv1d_options),
                                                 .stride = w.stride[0],
                                                 .dilation = w.dilation[0],
                                                 .padding_left = before[0],
                                                 .padding_right = after[0],
                                                 .groups = groups });
    }
    if (w.ndim == 2) {
        return cnn_conv2d(x, weight, bias,
                          &(cnn_conv2d_options){ .struct_size = sizeof(cnn_conv2d_options),
                                                 .stride_h = w.stride[0],
                                                 .stride_w = w.stride[1],
                                                 .dilation_h = w.dilation[0],
                                                 .dilation_w = w.dilation[1],
                                                 .padding_top = before[0],
                                                 .padding_bottom = after[0],
                                                 .padding_left = before[1],
                                                 .padding_right = after[1],
                                                 .groups = groups });
    }
    return cnn_conv3d(x, weight, bias,
                      &(cnn_conv3d_options){ .struct_size = sizeof(cnn_conv3d_options),
                                             .stride_d = w.stride[0],
                                             .stride_h = w.stride[1],
                                             .stride_w = w.stride[2],
                                             .dilation_d = w.dilation[0],
                                             .dilation_h = w.dilation[1],
                                             .dilation_w = w.dilation[2],
                                             .padding_d = before[0],
                                             .padding_h = before[1],
                                             .padding_w = before[2],
                                             .groups = groups });
}

bool cnn__onnx_op_conv(cnn__onnx_run *run)
{
    cnn_tensor *bias = cnn__onnx_has(run, 2) ? cnn__onnx_in(run, 2) : NULL;
    return cnn__onnx_out(run, 0, convolve(run, cnn__onnx_in(run, 0), cnn__onnx_in(run, 1), bias),
                         cnn__onnx_type(run, 0));
}

/* Integers less their zero point, of which there may be one per element of `axis`: f64 holds all sums exactly. */
static cnn_tensor *centred(cnn__onnx_run *run, int i, int zero_at, int axis)
{
    cnn_tensor *x = cnn_cast(cnn__onnx_in(run, i), CNN_F64),
               *zero = cnn__onnx_has(run, zero_at) ? cnn__onnx_in(run, zero_at) : NULL;
    if (!zero) {
        return x;
    }
    zero = cnn_cast(zero, CNN_F64);
    if (cnn_tensor_ndim(zero) == 1 && cnn_tensor_numel(zero) > 1) {
        zero = cnn__onnx_with_rank(zero, cnn_tensor_ndim(x) - axis, -1);
    }
    return cnn_sub(x, zero);
}

bool cnn__onnx_op_conv_integer(cnn__onnx_run *run)
{
    cnn_tensor *y = convolve(run, centred(run, 0, 2, 0), centred(run, 1, 3, 0), NULL);
    return cnn__onnx_out(run, 0, cnn_cast(y, CNN_I32), CNN__ONNX_INT32);
}

/* x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero, bias: y = quantised(x_scale · w_scale · conv) */
bool cnn__onnx_op_qlinear_conv(cnn__onnx_run *run)
{
    int type = cnn__onnx_type(run, 7);
    cnn_tensor *bias = cnn__onnx_has(run, 8) ? cnn_cast(cnn__onnx_in(run, 8), CNN_F64) : NULL;
    cnn_tensor *y = convolve(run, centred(run, 0, 2, 0), centred(run, 3, 5, 0), bias);
    cnn_tensor *scale = cnn_mul(cnn__onnx_in(run, 1), cnn__onnx_in(run, 4));
    if (!y) {
        return false;
    }
    if (cnn_tensor_ndim(scale) == 1 && cnn_tensor_numel(scale) > 1) {
        scale = cnn__onnx_with_rank(scale, cnn_tensor_ndim(y) - 1, -1);
    }
    y = cnn_mul(cnn_cast(y, CNN_F32), scale);
    return cnn__onnx_out(run, 0, cnn__onnx_quantized(run, y, cnn__onnx_in(run, 6), cnn__onnx_in(run, 7), type), type);
}

/* ---- transposed ---- */

static cnn_tensor *transposed(cnn_tensor *x, cnn_tensor *weight, cnn_tensor *bias, const cnn__onnx_window *w,
                              const int64_t *padding, const int64_t *more, int64_t groups)
{
    if (w->ndim == 1) {
        return cnn_conv_transpose1d(
            x, weight, bias,
            &(cnn_conv_transpose1d_options){ .struct_size = sizeof(cnn_conv_transpose1d_options),
                                             .stride = w->stride[0],
                                             .dilation = w->dilation[0],
                                             .padding = padding[0],
                                             .output_padding = more[0],
                                             .groups = groups });
    }
    if (w->ndim == 2) {
        return cnn_conv_transpose2d(
            x, weight, bias,
            &(cnn_conv_transpose2d_options){ .struct_size = sizeof(cnn_conv_transpose2d_options),
                                             .stride_h = w->stride[0],
                                             .stride_w = w->stride[1],
                                             .dilation_h = w->dilation[0],
                                             .dilation_w = w->dilation[1],
                                             .padding_h = padding[0],
                                             .padding_w = padding[1],
                                             .output_padding_h = more[0],
                                             .output_padding_w = more[1],
                                             .groups = groups });
    }
    return cnn_conv_transpose3d(x, weight, bias,
                                &(cnn_conv_transpose3d_options){ .struct_size = sizeof(cnn_conv_transpose3d_options),
                                                                 .stride_d = w->stride[0],
                                                                 .stride_h = w->stride[1],
                                                                 .stride_w = w->stride[2],
                                                                 .dilation_d = w->dilation[0],
                                                                 .dilation_h = w->dilation[1],
                                                                 .dilation_w = w->dilation[2],
                                                                 .padding_d = padding[0],
                                                                 .padding_h = padding[1],
                                                                 .padding_w = padding[2],
                                                                 .output_padding_d = more[0],
                                                                 .output_padding_h = more[1],
                                                                 .output_padding_w = more[2],
                                                                 .groups = groups });
}

/* How much the result lacks before and after, from output_shape or auto_pad. */
static bool read_output(cnn__onnx_run *run, const cnn_tensor *x, cnn__onnx_window *w, int64_t *more)
{
    int sizes = 0, extra = 0;
    const int64_t *shape = cnn__onnx_ints(run, "output_shape", &sizes),
                  *padding = cnn__onnx_ints(run, "output_padding", &extra);
    cnn__onnx_text how = cnn__onnx_string(run, "auto_pad", "NOTSET");
    bool upper = cnn__onnx_text_is(how, "SAME_UPPER"), same = upper || cnn__onnx_text_is(how, "SAME_LOWER");
    if ((padding && extra != w->ndim) || (shape && sizes != w->ndim && sizes != w->ndim + 2)) {
        return cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "output_shape has %d numbers, output_padding %d", sizes,
                                   extra);
    }
    for (int d = 0; d < w->ndim; d++) {
        int64_t size = cnn_tensor_size(x, d + 2);
        more[d] = padding ? padding[d] : 0;
        if (shape || same) {
            int64_t out = shape ? shape[sizes - w->ndim + d] : size * w->stride[d];
            int64_t all = w->stride[d] * (size - 1) + more[d] + (w->kernel[d] - 1) * w->dilation[d] + 1 - out;
            w->before[d] = all < 0 ? 0 : upper ? all / 2 : all - all / 2;
            w->after[d] = all - w->before[d];
        }
    }
    return true;
}

/* Where padding differs between the sides the whole result is made and cut, and the bias comes last. */
bool cnn__onnx_op_conv_transpose(cnn__onnx_run *run)
{
    cnn__onnx_window w;
    int64_t more[CNN__MOST_SPACE], before[CNN__MOST_SPACE], after[CNN__MOST_SPACE],
        groups = cnn__onnx_int(run, "group", 1);
    static const int64_t none[CNN__MOST_SPACE];
    cnn_tensor *x = cnn__onnx_in(run, 0), *weight = cnn__onnx_in(run, 1),
               *bias = cnn__onnx_has(run, 2) ? cnn__onnx_in(run, 2) : NULL;
    bool plain = true;
    if (!cnn__onnx_window_read(run, x, weight, &w) || !read_output(run, x, &w, more)) {
        return false;
    }
    for (int d = 0; d < w.ndim; d++) {
        plain = plain && w.before[d] == w.after[d] && w.before[d] >= 0 && more[d] >= 0 &&
                (more[d] < w.stride[d] || more[d] < w.dilation[d]);
        before[d] = -w.before[d];
        after[d] = more[d] - w.after[d];
    }
    if (plain) {
        return cnn__onnx_out(run, 0, transposed(x, weight, bias, &w, w.before, more, groups), cnn__onnx_type(run, 0));
    }
    cnn_tensor *y = transposed(x, weight, NULL, &w, none, none, groups);
    y = cnn__onnx_window_padded(run, y, &w, before, after, 0);
    y = bias ? cnn_add(y, cnn__onnx_with_rank(bias, w.ndim + 1, -1)) : y;
    return cnn__onnx_out(run, 0, y, cnn__onnx_type(run, 0));
}
