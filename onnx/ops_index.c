/* Operators that find elements by their indices. A negative index counts from the end. */
#include "ops.h"

#include <string.h>

/* The indices of input i, all of them from 0 on. */
static cnn_tensor *indices(cnn__onnx_run *run, int i, int64_t size)
{
    const cnn__onnx_host *known = cnn__onnx_known(run, i);
    bool negative = !known;
    for (int64_t k = 0; known && known->i && k < known->numel; k++) {
        negative = negative || known->i[k] < 0;
    }
    cnn_tensor *index = cnn__onnx_in(run, i);
    if (!negative || !index) {
        return index;
    }
    index = cnn__onnx_to(index, CNN_I64);
    return cnn_where(cnn_lt(index, cnn__onnx_scalar(run, index, 0)),
                     cnn_add(index, cnn__onnx_scalar(run, index, (double)size)), index);
}

bool cnn__onnx_op_gather(cnn__onnx_run *run)
{
    int rank = cnn__onnx_rank(run, 0), axis = cnn__onnx_axis(run, cnn__onnx_int(run, "axis", 0), rank), count = 0;
    int64_t shape[CNN_MAX_DIMS], sizes[CNN_MAX_DIMS], all = -1;
    cnn_tensor *x = cnn__onnx_in(run, 0);
    if (axis < 0 || !x) {
        return false;
    }
    cnn_tensor *index = indices(run, 1, cnn_tensor_size(x, axis));
    int more = index ? cnn__onnx_shape_of(index, sizes) : 0;
    if (!index || rank - 1 + more > CNN_MAX_DIMS) {
        return cnn__onnx_step_fail(run, CNN_ERROR_UNSUPPORTED, "a result of rank %d", rank - 1 + more);
    }
    for (int d = 0; d < rank; d++) {
        if (d == axis) {
            memcpy(shape + count, sizes, (size_t)more * sizeof *shape);
            count += more;
        } else {
            shape[count++] = cnn_tensor_size(x, d);
        }
    }
    if (axis == 0 && rank > 1 && cnn__onnx_is_float(cnn__onnx_type(run, 0))) {
        return cnn__onnx_out(run, 0, cnn_embedding(x, index, NULL), cnn__onnx_type(run, 0));
    }
    cnn_tensor *y = cnn_index_select(x, axis, cnn_reshape(index, 1, &all));
    return cnn__onnx_out(run, 0, cnn_reshape(y, count, shape), cnn__onnx_type(run, 0));
}

bool cnn__onnx_op_gather_elements(cnn__onnx_run *run)
{
    int axis = cnn__onnx_axis(run, cnn__onnx_int(run, "axis", 0), cnn__onnx_rank(run, 0));
    cnn_tensor *x = cnn__onnx_in(run, 0);
    return axis >= 0 && cnn__onnx_out(run, 0, cnn_gather(x, axis, indices(run, 1, cnn_tensor_size(x, axis))),
                                      cnn__onnx_type(run, 0));
}

/* ---- by tuples of indices ---- */

/* The rows of x that tuples [..., k] of indices into its dimensions from `batch` on name: their number in x as
 * [rows, rest]. */
static cnn_tensor *rows_of(cnn__onnx_run *run, const cnn_tensor *x, cnn_tensor *tuples, int batch, int64_t *rows,
                           int64_t *rest)
{
    int rank = cnn_tensor_ndim(x), depth = cnn_tensor_ndim(tuples);
    int64_t k = cnn_tensor_size(tuples, -1), before = 1, all = -1;
    cnn_tensor *row = NULL;
    *rows = *rest = 1;
    if (depth < 1 || batch > rank || k > rank - batch || depth <= batch) {
        cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "%lld indices into a tensor of rank %d", (long long)k, rank);
        return NULL;
    }
    for (int d = 0; d < rank; d++) {
        before *= d < batch ? cnn_tensor_size(x, d) : 1;
        *rows *= d < batch + k ? cnn_tensor_size(x, d) : 1;
        *rest *= d < batch + k ? 1 : cnn_tensor_size(x, d);
    }
    tuples = cnn__onnx_to(tuples, CNN_I64);
    for (int64_t i = 0; i < k; i++) {
        int64_t size = cnn_tensor_size(x, batch + (int)i);
        cnn_tensor *at = cnn_squeeze(cnn_slice(tuples, depth - 1, i, i + 1, 1), depth - 1);
        cnn_tensor *scale = cnn__onnx_scalar(run, at, (double)size);
        at = cnn_where(cnn_lt(at, cnn__onnx_scalar(run, at, 0)), cnn_add(at, scale), at);
        row = row ? cnn_add(cnn_mul(row, scale), at) : at;
    }
    if (!row) {
        return NULL;
    }
    row = cnn_reshape(row, 1, &all);
    if (batch > 0) {
        int64_t each = before ? cnn_tensor_numel(row) / before : 0, step = *rows / (before ? before : 1);
        cnn_tensor *start = cnn__onnx_numbers(run, before);
        start = cnn_mul(start, cnn__onnx_scalar(run, start, (double)step));
        start = cnn_expand(cnn_unsqueeze(start, 1), 2, (int64_t[]){ before, each });
        row = cnn_add(row, cnn_reshape(start, 1, &all));
    }
    return row;
}

bool cnn__onnx_op_gather_nd(cnn__onnx_run *run)
{
    int64_t shape[CNN_MAX_DIMS], rows, rest;
    int batch = (int)cnn__onnx_int(run, "batch_dims", 0);
    cnn_tensor *x = cnn__onnx_in(run, 0), *tuples = cnn__onnx_in(run, 1);
    if (!x || !tuples || batch < 0) {
        return false;
    }
    cnn_tensor *row = rows_of(run, x, tuples, batch, &rows, &rest);
    if (!row) {
        return false;
    }
    int count = cnn__onnx_shape_of(tuples, shape) - 1, k = (int)cnn_tensor_size(tuples, -1);
    for (int d = batch + k; d < cnn_tensor_ndim(x) && count < CNN_MAX_DIMS; d++) {
        shape[count++] = cnn_tensor_size(x, d);
    }
    cnn_tensor *y = cnn_index_select(cnn_reshape(x, 2, (int64_t[]){ rows, rest }), 0, row);
    return cnn__onnx_out(run, 0, cnn_reshape(y, count, shape), cnn__onnx_type(run, 0));
}

enum { NONE, ADD, MUL, MAX, MIN };

static int reduction(const cnn__onnx_run *run)
{
    static const char *const names[] = { "none", "add", "mul", "max", "min" };
    cnn__onnx_text text = cnn__onnx_string(run, "reduction", "none");
    for (int i = 0; i < 5; i++) {
        if (cnn__onnx_text_is(text, names[i])) {
            return i;
        }
    }
    return NONE;
}

/* Puts elements into x one position of the index along `axis` after another, so that no two of a step meet. */
static cnn_tensor *scatter(cnn_tensor *x, int axis, cnn_tensor *index, cnn_tensor *src, int how)
{
    if (how == NONE) {
        return cnn_scatter(x, axis, index, src);
    }
    if (how == ADD) {
        return cnn_scatter_add(x, axis, index, src);
    }
    for (int64_t i = 0, count = cnn_tensor_size(index, axis); x && i < count; i++) {
        cnn_tensor *at = cnn_slice(index, axis, i, i + 1, 1), *value = cnn_slice(src, axis, i, i + 1, 1);
        cnn_tensor *old = cnn_gather(x, axis, at);
        value = how == MUL ? cnn_mul(old, value) : how == MAX ? cnn_maximum(old, value) : cnn_minimum(old, value);
        x = cnn_scatter(x, axis, at, value);
    }
    return x;
}

bool cnn__onnx_op_scatter_elements(cnn__onnx_run *run)
{
    int axis = cnn__onnx_axis(run, cnn__onnx_int(run, "axis", 0), cnn__onnx_rank(run, 0));
    cnn_tensor *x = cnn__onnx_in(run, 0);
    if (axis < 0) {
        return false;
    }
    return cnn__onnx_out(
        run, 0, scatter(x, axis, indices(run, 1, cnn_tensor_size(x, axis)), cnn__onnx_in(run, 2), reduction(run)),
        cnn__onnx_type(run, 0));
}

bool cnn__onnx_op_scatter_nd(cnn__onnx_run *run)
{
    int64_t shape[CNN_MAX_DIMS], rows, rest;
    cnn_tensor *x = cnn__onnx_in(run, 0), *tuples = cnn__onnx_in(run, 1), *src = cnn__onnx_in(run, 2);
    if (!x || !tuples || !src) {
        return false;
    }
    int rank = cnn__onnx_shape_of(x, shape);
    cnn_tensor *row = rows_of(run, x, tuples, 0, &rows, &rest);
    if (!row) {
        return false;
    }
    int64_t count = cnn_tensor_numel(row), wide[2] = { count, rest };
    cnn_tensor *index = cnn_contiguous(cnn_expand(cnn_unsqueeze(row, 1), 2, wide));
    cnn_tensor *y =
        scatter(cnn_reshape(x, 2, (int64_t[]){ rows, rest }), 0, index, cnn_reshape(src, 2, wide), reduction(run));
    return cnn__onnx_out(run, 0, cnn_reshape(y, rank, shape), cnn__onnx_type(run, 0));
}

/* ---- order and choice ---- */

bool cnn__onnx_op_topk(cnn__onnx_run *run)
{
    int axis = cnn__onnx_axis(run, cnn__onnx_int(run, "axis", -1), cnn__onnx_rank(run, 0));
    int64_t k = run->step->version < 10 ? cnn__onnx_int(run, "k", 0) : cnn__onnx_in_int(run, 1, 0);
    cnn_tensor *index;
    if (axis < 0) {
        return false;
    }
    cnn_tensor *y = cnn_topk(cnn__onnx_in(run, 0), k, axis, cnn__onnx_int(run, "largest", 1) != 0, &index);
    return cnn__onnx_out(run, 0, y, cnn__onnx_type(run, 0)) && cnn__onnx_out(run, 1, index, CNN__ONNX_INT64);
}

/* `values` [off, on]; an index that names no class has off everywhere. */
bool cnn__onnx_op_one_hot(cnn__onnx_run *run)
{
    int rank = cnn__onnx_rank(run, 0), axis = cnn__onnx_axis(run, cnn__onnx_int(run, "axis", -1), rank + 1);
    int64_t depth = cnn__onnx_in_int(run, 1, 0);
    cnn_tensor *index = cnn__onnx_to(cnn__onnx_in(run, 0), CNN_I64), *values = cnn__onnx_in(run, 2);
    if (axis < 0 || depth < 1 || rank >= CNN_MAX_DIMS || !values) {
        return cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "%lld classes", (long long)depth);
    }
    index = cnn_where(cnn_lt(index, cnn__onnx_scalar(run, index, 0)),
                      cnn_add(index, cnn__onnx_scalar(run, index, (double)depth)), index);
    cnn_tensor *classes = cnn__onnx_numbers(run, depth);
    cnn_tensor *hot = cnn_eq(cnn_unsqueeze(index, axis), cnn__onnx_with_rank(classes, rank + 1 - axis, -1));
    cnn_tensor *off = cnn_reshape(cnn_slice(values, 0, 0, 1, 1), CNN_SCALAR),
               *on = cnn_reshape(cnn_slice(values, 0, 1, 2, 1), CNN_SCALAR);
    return cnn__onnx_out(run, 0, cnn_where(hot, on, off), cnn__onnx_type(run, 2));
}

/* The host looks: the size of the result follows from the elements. */
bool cnn__onnx_op_nonzero(cnn__onnx_run *run)
{
    const cnn__onnx_host *x = cnn__onnx_in_host(run, 0);
    int64_t count = 0;
    if (!x) {
        return false;
    }
    for (int64_t k = 0; k < x->numel; k++) {
        count += x->f ? x->f[k] < 0 || x->f[k] > 0 || x->f[k] != x->f[k] : x->i[k] != 0;
    }
    cnn__onnx_host *y = cnn__onnx_run_host(run, CNN__ONNX_INT64, 2, (int64_t[]){ x->ndim, count });
    int64_t at = 0;
    for (int64_t k = 0; y && k < x->numel; k++) {
        if (x->f ? x->f[k] < 0 || x->f[k] > 0 || x->f[k] != x->f[k] : x->i[k] != 0) {
            int64_t rest = k;
            for (int d = x->ndim - 1; d >= 0; d--) {
                y->i[d * count + at] = rest % x->shape[d];
                rest /= x->shape[d];
            }
            at++;
        }
    }
    return cnn__onnx_out_host(run, 0, y);
}
