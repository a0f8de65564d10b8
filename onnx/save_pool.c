/* Pooling as operators of ONNX. */
#include "save_windows.h"

#include <stdlib.h>
#include <string.h>

/* Places of maxima are counted within a plane, by ONNX within the whole operand. */
void cnn__export_write_maxpool(cnn__export *s, const cnn_trace_node *node)
{
    cnn__export_buffer op = { 0 };
    const bool placed = node->output_count > 1 && node->outputs[1] >= 0, lacks = cnn__export_first_axis(s, node) == 1;
    cnn__export_put_window(s, &op, node);
    if (!placed) {
        cnn__export_finish_windows(s, &op, node, "MaxPool");
        return;
    }
    const int x = node->inputs[0];
    const char *y = cnn__export_result_with_batch(s, node->outputs[0], lacks), *raw = cnn__export_between(s);
    cnn__export_operand(&op, cnn__export_operand_with_batch(s, node, lacks));
    cnn__export_result(&op, y);
    cnn__export_result(&op, raw);
    cnn__export_end(s, &op, "MaxPool");
    cnn__export_without_batch(s, node->outputs[0], y, lacks);
    const int64_t plane = cnn__export_size(s, x, -1) * cnn__export_size(s, x, -2);
    const char *places = cnn__export_result_with_batch(s, node->outputs[1], lacks);
    cnn__export_emit(s, "Mod", places, raw, cnn__export_number(s, CNN_I64, (double)plane));
    cnn__export_without_batch(s, node->outputs[1], places, lacks);
}

/* Means of windows. `pads` are those before each axis, then those behind it, in which rounding up is. */
typedef struct averages {
    int axes;
    int64_t kernel[3], stride[3], pads[6], in[3], out[3];
    bool exclude;
} averages;

static int64_t elements_in(const averages *a, int axis, int64_t window)
{
    int64_t from = window * a->stride[axis] - a->pads[axis], to = from + a->kernel[axis];
    const int64_t end = a->in[axis] + (a->exclude ? 0 : a->pads[axis]);
    from = a->exclude && from < 0 ? 0 : from;
    return (to < end ? to : end) - from;
}

/* What a mean over whole windows, zeros where nothing is, is multiplied by: whole / counting elements. */
static const char *shares(cnn__export *s, const averages *a, cnn_dtype dtype)
{
    const int64_t rows = a->axes == 2 ? a->out[0] : 1, columns = a->out[a->axes - 1], shape[2] = { rows, columns };
    float *all = malloc((size_t)(rows * columns) * sizeof *all + 1);
    const char *name = cnn__export_between(s);
    for (int64_t i = 0; all && i < rows * columns; i++) {
        double share = 1;
        for (int d = 0; d < a->axes; d++) {
            const int64_t window = d == a->axes - 1 ? i % columns : i / columns;
            share *= (double)a->kernel[d] / (double)elements_in(a, d, window);
        }
        all[i] = (float)share;
    }
    cnn__export_add_constant(s, name, CNN_F32, a->axes, a->axes == 2 ? shape : shape + 1, all);
    return dtype == CNN_F32 ? name : cnn__export_cast(s, cnn__export_between(s), name, dtype);
}

static averages read_averages(cnn__export *s, const cnn_trace_node *node, bool *beyond)
{
    averages a = { .axes = cnn__export_axes(node), .exclude = cnn__export_int_at(s, node, "exclude_padding", 0) };
    cnn__export_window_ints(s, node, "kernel", a.axes, a.kernel);
    cnn__export_window_ints(s, node, "stride", a.axes, a.stride);
    cnn__export_window_ints(s, node, "padding", a.axes, a.pads);
    *beyond = false;
    for (int i = 0; i < a.axes; i++) {
        const cnn__export_ending e = { .stride = a.stride[i], .reach = a.kernel[i], .before = a.pads[i] };
        const bool rounds_up = cnn__export_int_at(s, node, "ceil_mode", 0);
        const int64_t end = rounds_up ? cnn__export_end_padding(s, node, cnn__export_first_axis(s, node) + i, e) : 0;
        *beyond |= end > a.pads[i];
        a.pads[a.axes + i] = end > a.pads[i] ? end : a.pads[i];
    }
    for (int i = 0; i < a.axes && *beyond; i++) {
        a.in[i] = cnn__export_size(s, node->inputs[0], cnn__export_first_axis(s, node) + i);
        a.out[i] = cnn__export_size(s, node->outputs[0], cnn__export_first_axis(s, node) + i);
    }
    return a;
}

/* Zeros around an operand with a batch, at both ends of each axis. */
static const char *padded(cnn__export *s, const char *x, const averages *a)
{
    int64_t pads[2 * CNN_MAX_DIMS] = { 0 };
    for (int i = 0; i < a->axes; i++) {
        pads[2 + i] = a->pads[i];
        pads[4 + a->axes + i] = a->pads[a->axes + i];
    }
    return cnn__export_emit(s, "Pad", cnn__export_between(s), x, cnn__export_integers(s, 2 * (2 + a->axes), pads));
}

/* ONNX knows no divisor of the caller's, and runtimes differ in what a window counts that rounding up (ceil_mode) adds:
 * then the mean is over all of the window, with zeros beyond the operand, and brought to the divisor. */
void cnn__export_write_avg_pool(cnn__export *s, const cnn_trace_node *node)
{
    cnn__export_buffer op = { 0 };
    bool beyond;
    const averages a = read_averages(s, node, &beyond);
    const cnn_dtype dtype = cnn__export_dtype(s, node->inputs[0]);
    const int64_t divisor = cnn__export_int_at(s, node, "divisor_override", 0);
    const bool lacks = cnn__export_first_axis(s, node) == 1;
    double whole = 1;
    for (int i = 0; i < a.axes; i++) {
        whole *= (double)a.kernel[i];
    }
    cnn__export_ints(&op, "kernel_shape", a.axes, a.kernel);
    cnn__export_ints(&op, "strides", a.axes, a.stride);
    if (!beyond) {
        cnn__export_ints(&op, "pads", 2 * a.axes, a.pads);
    }
    cnn__export_int(&op, "count_include_pad", divisor || beyond || !a.exclude);
    if (!divisor && !beyond) {
        cnn__export_finish_windows(s, &op, node, "AveragePool");
        return;
    }
    const char *x = cnn__export_operand_with_batch(s, node, lacks), *mean = cnn__export_between(s);
    cnn__export_operand(&op, beyond ? padded(s, x, &a) : x);
    cnn__export_result(&op, mean);
    cnn__export_end(s, &op, "AveragePool");
    const char *y = cnn__export_result_with_batch(s, node->outputs[0], lacks);
    cnn__export_emit(s, "Mul", y, mean,
                     divisor ? cnn__export_number(s, dtype, whole / (double)divisor) : shares(s, &a, dtype));
    cnn__export_without_batch(s, node->outputs[0], y, lacks);
}

/* Sums of columns at their places in images: [N,C·kernel,L] as [N,C,H,W]. */
void cnn__export_write_fold(cnn__export *s, const cnn_trace_node *node)
{
    static const char *const from[3] = { "stride", "dilation", "padding" };
    static const char *const to[3] = { "strides", "dilations", "pads" };
    cnn__export_buffer op = { 0 };
    int64_t numbers[4];
    if (s->options.opset < 18) {
        cnn__export_refuse(s, "ONNX has an operator for it since opset 18 only");
        return;
    }
    const bool lacks = cnn__export_ndim(s, node->inputs[0]) == 2;
    const char *y = cnn__export_result_with_batch(s, node->outputs[0], lacks);
    cnn__export_operand(&op, cnn__export_operand_with_batch(s, node, lacks));
    cnn__export_window_ints(s, node, "image", 2, numbers);
    cnn__export_operand(&op, cnn__export_integers(s, 2, numbers));
    cnn__export_window_ints(s, node, "kernel", 2, numbers);
    cnn__export_operand(&op, cnn__export_integers(s, 2, numbers));
    for (int k = 0; k < 3; k++) {
        cnn__export_window_ints(s, node, from[k], 2, numbers);
        numbers[2] = numbers[0];
        numbers[3] = numbers[1];
        cnn__export_ints(&op, to[k], k == 2 ? 4 : 2, numbers);
    }
    cnn__export_result(&op, y);
    cnn__export_end(s, &op, "Col2Im");
    cnn__export_without_batch(s, node->outputs[0], y, lacks);
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
    const bool plane = cnn__export_axes(node) == 2;
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
    const int axes = cnn__export_axes(node);
    int64_t kernel[3] = { 0 };
    bool global = true, uneven = false;
    for (int i = 0; i < axes; i++) {
        const cnn__export_dim out = cnn__export_shape_of(s, node->outputs[0]).dim[cnn__export_first_axis(s, node) + i];
        global &= out.size == 1 && !out.times;
    }
    for (int i = 0; i < axes && !global; i++) {
        const int64_t in = cnn__export_size(s, node->inputs[0], cnn__export_first_axis(s, node) + i),
                      out = cnn__export_size(s, node->outputs[0], cnn__export_first_axis(s, node) + i);
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
    cnn__export_finish_windows(s, &op, node,
                               global ? (max ? "GlobalMaxPool" : "GlobalAveragePool")
                               : max  ? "MaxPool"
                                      : "AveragePool");
}
