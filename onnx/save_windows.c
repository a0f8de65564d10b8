/* What operators of windows share: their sizes, and a batch for an operand that has none. */
#include "save_windows.h"

#include <string.h>

void cnn__export_window_ints(cnn__export *s, const cnn_trace_node *node, const char *name, int axes, int64_t *values)
{
    const int skipped = cnn__export_count_at(s, node, name) - axes;
    for (int i = 0; i < axes; i++) {
        values[i] = cnn__export_int_at(s, node, name, skipped + i);
    }
}

int cnn__export_axes(const cnn_trace_node *node)
{
    return strstr(node->op, "1d") ? 1 : strstr(node->op, "2d") ? 2 : 3;
}

int cnn__export_first_axis(cnn__export *s, const cnn_trace_node *node)
{
    return cnn__export_ndim(s, node->inputs[0]) - cnn__export_axes(node);
}

const char *cnn__export_operand_with_batch(cnn__export *s, const cnn_trace_node *node, bool lacks)
{
    const int64_t front = 0;
    const char *x = cnn__export_in(s, node, 0);
    return lacks ? cnn__export_emit(s, "Unsqueeze", cnn__export_between(s), x, cnn__export_integers(s, 1, &front)) : x;
}

const char *cnn__export_result_with_batch(cnn__export *s, int value, bool lacks)
{
    return lacks ? cnn__export_between(s) : cnn__export_name(s, value);
}

void cnn__export_without_batch(cnn__export *s, int value, const char *name, bool lacks)
{
    const int64_t front = 0;
    if (lacks) {
        cnn__export_emit(s, "Squeeze", cnn__export_name(s, value), name, cnn__export_integers(s, 1, &front));
    }
}

void cnn__export_finish_windows(cnn__export *s, cnn__export_buffer *op, const cnn_trace_node *node, const char *type)
{
    const bool lacks = cnn__export_first_axis(s, node) == 1;
    const char *y = cnn__export_result_with_batch(s, node->outputs[0], lacks);
    cnn__export_operand(op, cnn__export_operand_with_batch(s, node, lacks));
    cnn__export_result(op, y);
    cnn__export_end(s, op, type);
    cnn__export_without_batch(s, node->outputs[0], y, lacks);
}

static void see_sizes(int64_t in, int64_t out, void *user)
{
    cnn__export_ending *e = user;
    const int64_t beyond = (out - 1) * e->stride + e->reach - in - e->before;
    e->least = beyond > e->least ? beyond : e->least;
    e->most = beyond + e->stride - 1 < e->most ? beyond + e->stride - 1 : e->most;
}

int64_t cnn__export_end_padding(cnn__export *s, const cnn_trace_node *node, int d, cnn__export_ending e)
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

void cnn__export_put_window(cnn__export *s, cnn__export_buffer *op, const cnn_trace_node *node)
{
    int64_t kernel[3], stride[3], dilation[3], pads[6];
    const int axes = cnn__export_axes(node);
    cnn__export_window_ints(s, node, "kernel", axes, kernel);
    cnn__export_window_ints(s, node, "stride", axes, stride);
    cnn__export_window_ints(s, node, "dilation", axes, dilation);
    cnn__export_window_ints(s, node, "padding", axes, pads);
    for (int i = 0; i < axes; i++) {
        const cnn__export_ending e = { .stride = stride[i],
                                       .reach = dilation[i] * (kernel[i] - 1) + 1,
                                       .before = pads[i] };
        pads[axes + i] = cnn__export_end_padding(s, node, cnn__export_first_axis(s, node) + i, e);
    }
    cnn__export_ints(op, "kernel_shape", axes, kernel);
    cnn__export_ints(op, "strides", axes, stride);
    cnn__export_ints(op, "dilations", axes, dilation);
    cnn__export_ints(op, "pads", 2 * axes, pads);
}
