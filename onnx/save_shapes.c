/* Operations that move elements, or see them in another shape, as operators of ONNX. */
#include "save.h"

#include <cnn/ops.h>

#include <string.h>

/* ---- in one order ---- */

void cnn__export_write_reshape(cnn__export *s, const cnn_trace_node *node)
{
    cnn__export_shape shape = cnn__export_shape_of(s, node->outputs[0]);
    cnn__export_reshape(s, cnn__export_out(s, node), cnn__export_in(s, node, 0), &shape);
}

/* A size of 1 keeps the operand's, so that of a batch which the operand has already need not be computed. */
void cnn__export_write_expand(cnn__export *s, const cnn_trace_node *node)
{
    cnn__export_shape y = cnn__export_shape_of(s, node->outputs[0]), x = cnn__export_shape_of(s, node->inputs[0]);
    for (int d = 0; d < x.ndim; d++) {
        cnn__export_dim *to = &y.dim[y.ndim - x.ndim + d];
        if (to->times && to->times == x.dim[d].times) {
            *to = (cnn__export_dim){ .size = 1 };
        }
    }
    cnn__export_emit(s, "Expand", cnn__export_out(s, node), cnn__export_in(s, node, 0),
                     cnn__export_shape_operand(s, &y, false));
}

/* Copies along one dimension. */
void cnn__export_write_repeat(cnn__export *s, const cnn_trace_node *node)
{
    int64_t times[CNN_MAX_DIMS];
    const int ndim = cnn__export_ndim(s, node->inputs[0]);
    for (int d = 0; d < ndim; d++) {
        times[d] = d == cnn__export_int_at(s, node, "dim", 0) ? cnn__export_int_at(s, node, "times", 0) : 1;
    }
    cnn__export_emit(s, "Tile", cnn__export_out(s, node), cnn__export_in(s, node, 0),
                     cnn__export_integers(s, ndim, times));
}

/* ---- in another ---- */

void cnn__export_write_permute(cnn__export *s, const cnn_trace_node *node)
{
    int64_t dims[CNN_MAX_DIMS];
    const int ndim = cnn__export_ndim(s, node->inputs[0]);
    for (int d = 0; d < ndim; d++) {
        dims[d] = cnn__export_int_at(s, node, "dims", d);
    }
    cnn__export_permute(s, cnn__export_out(s, node), cnn__export_in(s, node, 0), ndim, dims);
}

void cnn__export_write_slice(cnn__export *s, const cnn_trace_node *node)
{
    const int64_t dim = cnn__export_int_at(s, node, "dim", 0);
    const int64_t start = cnn__export_int_at(s, node, "start", 0), step = cnn__export_int_at(s, node, "step", 0);
    bool whole = cnn__export_goes_to_end(s, node, (int)dim, start, step);
    int64_t end = whole ? INT64_MAX : cnn__export_int_at(s, node, "end", 0);
    cnn__export_slice(s, cnn__export_out(s, node), cnn__export_in(s, node, 0), 1, &dim, start, end, step);
}

void cnn__export_write_flip(cnn__export *s, const cnn_trace_node *node)
{
    int64_t dims[CNN_MAX_DIMS];
    const int count = cnn__export_count_at(s, node, "dims");
    for (int i = 0; i < count; i++) {
        dims[i] = cnn__export_int_at(s, node, "dims", i);
    }
    cnn__export_slice(s, cnn__export_out(s, node), cnn__export_in(s, node, 0), count, dims, -1, INT64_MIN + 1, -1);
}

/* The last elements first. */
void cnn__export_write_roll(cnn__export *s, const cnn_trace_node *node)
{
    const int64_t dim = cnn__export_int_at(s, node, "dim", 0), shift = cnn__export_int_at(s, node, "shift", 0);
    const int64_t size = cnn__export_size(s, node->inputs[0], (int)dim);
    const char *x = cnn__export_in(s, node, 0);
    const char *last = cnn__export_slice(s, cnn__export_between(s), x, 1, &dim, size - shift, size, 1);
    const char *first = cnn__export_slice(s, cnn__export_between(s), x, 1, &dim, 0, size - shift, 1);
    cnn__export_concat(s, cnn__export_out(s, node), last, first, dim);
}

/* x in the shape `split`, its dimensions exchanged, in the shape of the result. */
static void write_exchanged(cnn__export *s, const cnn_trace_node *node, const cnn__export_shape *split,
                            const int64_t *dims)
{
    cnn__export_shape y = cnn__export_shape_of(s, node->outputs[0]);
    const char *apart = cnn__export_reshape(s, cnn__export_between(s), cnn__export_in(s, node, 0), split);
    const char *exchanged = cnn__export_permute(s, cnn__export_between(s), apart, split->ndim, dims);
    cnn__export_reshape(s, cnn__export_out(s, node), exchanged, &y);
}

/* Images [N,C,H,W]. */
void cnn__export_write_shuffle(cnn__export *s, const cnn_trace_node *node)
{
    static const int64_t order[3][6] = { { 0, 1, 4, 2, 5, 3 }, { 0, 1, 3, 5, 2, 4 }, { 0, 2, 1, 3, 4 } };
    const int64_t f = cnn__export_int_at(s, node, "factor", 0);
    const int x = node->inputs[0];
    if (cnn__export_ndim(s, x) != 4) {
        cnn__export_refuse(s, "only images of four dimensions can be written");
        return;
    }
    const bool channels = node->op[0] == 'c';
    const int64_t c = cnn__export_size(s, x, 1), h = channels ? 1 : cnn__export_size(s, x, 2),
                  w = channels ? 1 : cnn__export_size(s, x, 3);
    const int64_t sizes[3][6] = { { 0, c / (f * f), f, f, h, w }, { 0, c, h / f, f, w / f, f }, { 0, f, c / f, h, w } };
    const int kind = channels ? 2 : strcmp(node->op, "pixel_unshuffle") == 0;
    cnn__export_shape split = cnn__export_fixed(kind == 2 ? 5 : 6, sizes[kind]);
    split.dim[0] = cnn__export_shape_of(s, x).dim[0];
    for (int d = 2; channels && d < 4; d++) {
        split.dim[d + 1] = cnn__export_shape_of(s, x).dim[d];
    }
    write_exchanged(s, node, &split, order[kind]);
}

/* ---- joined and padded ---- */

void cnn__export_write_concat(cnn__export *s, const cnn_trace_node *node)
{
    cnn__export_buffer op = { 0 };
    cnn__export_int(&op, "axis", cnn__export_int_at(s, node, "dim", 0));
    cnn__export_finish(s, &op, node, node->input_count, "Concat");
}

void cnn__export_write_stack(cnn__export *s, const cnn_trace_node *node)
{
    cnn__export_buffer op = { 0 };
    const int64_t dim = cnn__export_int_at(s, node, "dim", 0);
    const char *axes = cnn__export_integers(s, 1, &dim);
    for (int i = 0; i < node->input_count; i++) {
        const char *part = cnn__export_emit(s, "Unsqueeze", cnn__export_between(s), cnn__export_in(s, node, i), axes);
        cnn__export_operand(&op, part);
    }
    cnn__export_result(&op, cnn__export_out(s, node));
    cnn__export_int(&op, "axis", dim);
    cnn__export_end(s, &op, "Concat");
}

/* Padding that goes round, an operator's mode since opset 19: the end of a dimension in front, its beginning behind. */
static void write_circular(cnn__export *s, const cnn_trace_node *node, const int64_t *pads, int ndim)
{
    const char *x = cnn__export_in(s, node, 0);
    for (int64_t d = 0; d < ndim; d++) {
        const int64_t before = pads[d], after = pads[ndim + d];
        if (before == 0 && after == 0) {
            continue;
        }
        const int64_t size = cnn__export_size(s, node->inputs[0], (int)d);
        const char *whole = x;
        if (before > 0) {
            const char *end = cnn__export_slice(s, cnn__export_between(s), x, 1, &d, size - before, size, 1);
            whole = cnn__export_concat(s, cnn__export_between(s), end, whole, d);
        }
        if (after > 0) {
            const char *begin = cnn__export_slice(s, cnn__export_between(s), x, 1, &d, 0, after, 1);
            whole = cnn__export_concat(s, cnn__export_between(s), whole, begin, d);
        }
        x = whole;
    }
    cnn__export_emit(s, "Identity", cnn__export_out(s, node), x, NULL);
}

/* libcnn names both sides of the last dimension first. */
void cnn__export_write_pad(cnn__export *s, const cnn_trace_node *node)
{
    static const char *const modes[] = { [CNN_PAD_CONSTANT] = "constant",
                                         [CNN_PAD_REFLECT] = "reflect",
                                         [CNN_PAD_REPLICATE] = "edge",
                                         [CNN_PAD_CIRCULAR] = "wrap" };
    cnn__export_buffer op = { 0 };
    const int count = cnn__export_count_at(s, node, "pads"), ndim = cnn__export_ndim(s, node->inputs[0]);
    const int64_t mode = cnn__export_int_at(s, node, "mode", 0);
    int64_t pads[2 * CNN_MAX_DIMS] = { 0 };
    bool negative = false;
    for (int i = 0; i < count; i++) {
        const int64_t pad = cnn__export_int_at(s, node, "pads", i);
        pads[i % 2 * ndim + ndim - 1 - i / 2] = pad;
        negative |= pad < 0;
    }
    if (mode == CNN_PAD_CIRCULAR && s->options.opset < 19) {
        if (negative) {
            cnn__export_refuse(s, "circular padding that cuts has no operator before opset 19");
        }
        write_circular(s, node, pads, ndim);
        return;
    }
    cnn__export_operands(s, &op, node, 1);
    cnn__export_operand(&op, cnn__export_integers(s, 2 * ndim, pads));
    if (mode == CNN_PAD_CONSTANT) {
        cnn__export_operand(
            &op, cnn__export_number(s, cnn__export_dtype(s, node->inputs[0]), cnn__export_real_at(s, node, "value")));
    }
    cnn__export_result(&op, cnn__export_out(s, node));
    cnn__export_text(&op, "mode", modes[mode]);
    cnn__export_end(s, &op, "Pad");
}
