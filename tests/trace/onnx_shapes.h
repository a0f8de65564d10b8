/* Operations that move elements, or see them in another shape, as nodes of an ONNX graph. */
#ifndef CNN_TESTS_TRACE_ONNX_SHAPES_H
#define CNN_TESTS_TRACE_ONNX_SHAPES_H

#include "trace/onnx_graph.h"

#include <cnn/ops.h>

/* ---- in one order ---- */

static void write_reshape(writer *w, const cnn__node *node)
{
    const cnn_tensor *y = node->out[0];
    emit_reshape(w, name_of(w, y), in_of(w, node, 0), y->ndim, y->shape);
}

static void write_expand(writer *w, const cnn__node *node)
{
    const cnn_tensor *y = node->out[0];
    emit(w, "Expand", name_of(w, y), in_of(w, node, 0), integers(w, y->ndim, y->shape));
}

/* Copies along one dimension. */
static void write_repeat(writer *w, const cnn__node *node)
{
    int64_t times[CNN_MAX_DIMS];
    const cnn_tensor *x = node->in[0];
    for (int d = 0; d < x->ndim; d++) {
        times[d] = d == int_at(node, "dim", 0) ? int_at(node, "times", 0) : 1;
    }
    emit(w, "Tile", out_of(w, node), name_of(w, x), integers(w, x->ndim, times));
}

/* ---- in another ---- */

static const char *emit_permute(writer *w, const char *to, const char *from, int ndim, const int64_t *dims)
{
    buffer out = { 0 };
    put_text(&out, 1, from);
    put_text(&out, 2, to);
    put_ints_attribute(&out, "perm", dims, ndim);
    end_node(w, &out, "Transpose");
    return to;
}

static void write_permute(writer *w, const cnn__node *node)
{
    int64_t dims[CNN_MAX_DIMS];
    for (int d = 0; d < node->in[0]->ndim; d++) {
        dims[d] = int_at(node, "dims", d);
    }
    emit_permute(w, out_of(w, node), in_of(w, node, 0), node->in[0]->ndim, dims);
}

/* `dims` from `start` to `end` by `step`, which are alike for all of them. */
static const char *emit_slice(writer *w, const char *to, const char *from, int count, const int64_t *dims, int64_t start,
                              int64_t end, int64_t step)
{
    int64_t numbers[3][CNN_MAX_DIMS];
    buffer out = { 0 };
    for (int i = 0; i < count; i++) {
        numbers[0][i] = start;
        numbers[1][i] = end;
        numbers[2][i] = step;
    }
    put_text(&out, 1, from);
    put_text(&out, 1, integers(w, count, numbers[0]));
    put_text(&out, 1, integers(w, count, numbers[1]));
    put_text(&out, 1, integers(w, count, dims));
    put_text(&out, 1, integers(w, count, numbers[2]));
    put_text(&out, 2, to);
    end_node(w, &out, "Slice");
    return to;
}

static void write_slice(writer *w, const cnn__node *node)
{
    const int64_t dim = int_at(node, "dim", 0);
    emit_slice(w, out_of(w, node), in_of(w, node, 0), 1, &dim, int_at(node, "start", 0), int_at(node, "end", 0),
               int_at(node, "step", 0));
}

static void write_flip(writer *w, const cnn__node *node)
{
    int64_t dims[CNN_MAX_DIMS];
    const int count = count_of(node, "dims");
    for (int i = 0; i < count; i++) {
        dims[i] = int_at(node, "dims", i);
    }
    emit_slice(w, out_of(w, node), in_of(w, node, 0), count, dims, -1, INT64_MIN + 1, -1);
}

static const char *emit_concat(writer *w, const char *to, const char *a, const char *b, int64_t dim)
{
    buffer out = { 0 };
    put_text(&out, 1, a);
    put_text(&out, 1, b);
    put_text(&out, 2, to);
    put_int_attribute(&out, "axis", dim);
    end_node(w, &out, "Concat");
    return to;
}

/* The last elements first. */
static void write_roll(writer *w, const cnn__node *node)
{
    const int64_t dim = int_at(node, "dim", 0), size = node->in[0]->shape[dim], rest = size - int_at(node, "shift", 0);
    const char *x = in_of(w, node, 0), *last = emit_slice(w, between(w), x, 1, &dim, rest, size, 1);
    emit_concat(w, out_of(w, node), last, emit_slice(w, between(w), x, 1, &dim, 0, rest, 1), dim);
}

/* x as `split`, its dimensions exchanged, as the result. */
static void write_exchanged(writer *w, const cnn__node *node, int ndim, const int64_t *split, const int64_t *dims)
{
    const cnn_tensor *y = node->out[0];
    const char *apart = emit_reshape(w, between(w), in_of(w, node, 0), ndim, split);
    emit_reshape(w, name_of(w, y), emit_permute(w, between(w), apart, ndim, dims), y->ndim, y->shape);
}

/* Of images [N,C,H,W]. */
static void write_shuffle(writer *w, const cnn__node *node)
{
    const cnn_tensor *x = node->in[0];
    const int64_t f = int_at(node, "factor", 0), *s = x->shape;
    const char *name = node->op->name;
    if (x->ndim != 4) {
        refuse(w, node);
    } else if (strcmp(name, "pixel_shuffle") == 0) {
        write_exchanged(w, node, 6, (const int64_t[]){ s[0], s[1] / (f * f), f, f, s[2], s[3] }, (const int64_t[]){ 0, 1, 4, 2, 5, 3 });
    } else if (strcmp(name, "pixel_unshuffle") == 0) {
        write_exchanged(w, node, 6, (const int64_t[]){ s[0], s[1], s[2] / f, f, s[3] / f, f }, (const int64_t[]){ 0, 1, 3, 5, 2, 4 });
    } else {
        write_exchanged(w, node, 5, (const int64_t[]){ s[0], f, s[1] / f, s[2], s[3] }, (const int64_t[]){ 0, 2, 1, 3, 4 });
    }
}

/* ---- joined and padded ---- */

static void write_concat(writer *w, const cnn__node *node)
{
    buffer out = { 0 };
    put_int_attribute(&out, "axis", int_at(node, "dim", 0));
    finish(w, &out, node, node->count, "Concat");
}

static void write_stack(writer *w, const cnn__node *node)
{
    buffer out = { 0 };
    int64_t dim = int_at(node, "dim", 0), one = 1;
    const char *axes = new_constant(w, CNN_I64, 1, &one, &dim);
    for (int i = 0; i < node->count; i++) {
        buffer part = { 0 };
        char name[48];
        snprintf(name, sizeof name, "%s_part%d", name_of(w, node->out[0]), i);
        put_text(&part, 1, name_of(w, node->in[i]));
        put_text(&part, 1, axes);
        put_text(&part, 2, name);
        end_node(w, &part, "Unsqueeze");
        put_text(&out, 1, name);
    }
    put_text(&out, 2, name_of(w, node->out[0]));
    put_int_attribute(&out, "axis", dim);
    end_node(w, &out, "Concat");
}

/* libcnn names both sides of the last dimension first. */
static void write_pad(writer *w, const cnn__node *node)
{
    static const char *const modes[] = { [CNN_PAD_CONSTANT] = "constant",
                                         [CNN_PAD_REFLECT] = "reflect",
                                         [CNN_PAD_REPLICATE] = "edge",
                                         [CNN_PAD_CIRCULAR] = "wrap" };
    buffer out = { 0 };
    const cnn_tensor *x = node->in[0];
    const int count = count_of(node, "pads");
    int64_t pads[2 * CNN_MAX_DIMS] = { 0 };
    for (int i = 0; i < count; i++) {
        pads[i % 2 * x->ndim + x->ndim - 1 - i / 2] = int_at(node, "pads", i);
    }
    put_inputs(w, &out, node, 1);
    put_text(&out, 1, integers(w, 2 * x->ndim, pads));
    put_text(&out, 1, number(w, x->dtype, float_at(node, "value")));
    put_text(&out, 2, out_of(w, node));
    put_text_attribute(&out, "mode", modes[int_at(node, "mode", 0)]);
    end_node(w, &out, "Pad");
}

#endif
