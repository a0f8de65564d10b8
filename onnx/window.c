/* Reading windows. */
#include "window.h"

static bool numbers(cnn__onnx_run *run, const char *name, int count, int64_t least, int64_t otherwise, int64_t *to)
{
    int given;
    const int64_t *values = cnn__onnx_ints(run, name, &given);
    if (values && given != count) {
        return cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "%s has %d numbers, expected %d", name, given, count);
    }
    for (int d = 0; d < count; d++) {
        to[d] = values ? values[d] : otherwise;
        if (to[d] < least || to[d] > INT32_MAX) {
            return cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "%s has the number %lld", name, (long long)to[d]);
        }
    }
    return true;
}

bool cnn__onnx_window_read(cnn__onnx_run *run, const cnn_tensor *x, const cnn_tensor *weight, cnn__onnx_window *w)
{
    int64_t pads[2 * CNN__MOST_SPACE];
    cnn__onnx_text how = cnn__onnx_string(run, "auto_pad", "NOTSET");
    bool upper = cnn__onnx_text_is(how, "SAME_UPPER"), lower = cnn__onnx_text_is(how, "SAME_LOWER"),
         valid = cnn__onnx_text_is(how, "VALID");
    int rank = cnn_tensor_ndim(x);
    *w = (cnn__onnx_window){ .ndim = rank - 2 };
    if (rank < 3 || rank > 5 || (weight && cnn_tensor_ndim(weight) != rank)) {
        return cnn__onnx_step_fail(run, CNN_ERROR_UNSUPPORTED, "an input of rank %d, expected 3 to 5", rank);
    }
    if (!numbers(run, "kernel_shape", w->ndim, 1, weight != NULL, w->kernel) ||
        !numbers(run, "strides", w->ndim, 1, 1, w->stride) || !numbers(run, "dilations", w->ndim, 1, 1, w->dilation) ||
        !numbers(run, "pads", 2 * w->ndim, -1000000, 0, pads)) {
        return false;
    }
    for (int d = 0; d < w->ndim; d++) {
        int64_t size = cnn_tensor_size(x, d + 2);
        w->kernel[d] = weight ? cnn_tensor_size(weight, d + 2) : w->kernel[d];
        w->before[d] = valid ? 0 : pads[d];
        w->after[d] = valid ? 0 : pads[w->ndim + d];
        if (upper || lower) {
            int64_t out = (size + w->stride[d] - 1) / w->stride[d];
            int64_t all = (out - 1) * w->stride[d] + (w->kernel[d] - 1) * w->dilation[d] + 1 - size;
            all = all < 0 ? 0 : all;
            w->before[d] = lower ? all - all / 2 : all / 2;
            w->after[d] = all - w->before[d];
        }
    }
    return true;
}

cnn_tensor *cnn__onnx_window_padded(cnn__onnx_run *run, cnn_tensor *x, const cnn__onnx_window *window,
                                    const int64_t *before, const int64_t *after, double value)
{
    int64_t first[CNN_MAX_DIMS] = { 0 }, last[CNN_MAX_DIMS] = { 0 };
    bool any = false;
    for (int d = 0; d < window->ndim; d++) {
        first[d + 2] = before[d];
        last[d + 2] = after[d];
        any = any || before[d] || after[d];
    }
    return any ? cnn__onnx_padded(run, x, first, last, CNN_PAD_CONSTANT, value) : x;
}
