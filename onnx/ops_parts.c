/* Operators that join tensors and take parts of them. */
#include "ops.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_PARTS = 4096, MOST_PADDING = 1 << 30 };

bool cnn__onnx_op_concat(cnn__onnx_run *run)
{
    int count = run->step->in_count, axis = cnn__onnx_axis(run, cnn__onnx_int(run, "axis", 0), cnn__onnx_rank(run, 0));
    cnn_tensor **tensors = cnn__onnx_arena_get(run->arena, (size_t)count, sizeof *tensors);
    if (!tensors) {
        return cnn__onnx_step_fail(run, CNN_ERROR_NO_MEMORY, "no memory");
    }
    for (int i = 0; i < count; i++) {
        tensors[i] = cnn__onnx_in(run, i);
    }
    return axis >= 0 && cnn__onnx_out(run, 0, cnn_concat(tensors, count, axis), cnn__onnx_type(run, 0));
}

/* The sizes are an attribute, an input, or as equal as can be. */
bool cnn__onnx_op_split(cnn__onnx_run *run)
{
    int count = run->step->out_count, named = 0,
        axis = cnn__onnx_axis(run, cnn__onnx_int(run, "axis", 0), cnn__onnx_rank(run, 0));
    cnn_tensor *x = cnn__onnx_in(run, 0);
    const int64_t *sizes = cnn__onnx_ints(run, "split", &named);
    if (axis < 0 || !x) {
        return false;
    }
    if (cnn__onnx_has(run, 1)) {
        const cnn__onnx_host *host = cnn__onnx_in_host(run, 1);
        sizes = host ? host->i : NULL;
        named = host ? (int)host->numel : 0;
    }
    int64_t size = cnn_tensor_size(x, axis), parts = cnn__onnx_int(run, "num_outputs", count), at = 0;
    if (sizes && named != count) {
        return cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "%d sizes for %d outputs", named, count);
    }
    for (int i = 0; i < count; i++) {
        int64_t part = sizes ? sizes[i] : (size + parts - 1) / (parts < 1 ? 1 : parts);
        int64_t end = part > size - at ? size : at + part;
        if (part < 0 || (sizes && part > size - at)) {
            return cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "part %d has size %lld of %lld", i, (long long)part,
                                       (long long)size);
        }
        if (!cnn__onnx_out(run, i, cnn_slice(x, axis, at, end, 1), cnn__onnx_type(run, 0))) {
            return false;
        }
        at = end;
    }
    return true;
}

bool cnn__onnx_slice_bounds(int64_t size, int64_t step, int64_t *start, int64_t *end)
{
    int64_t first = step > 0 ? 0 : -1, last = step > 0 ? size : size - 1;
    *start = *start < 0 ? (*start < -size ? 0 : *start + size) : *start; /* in ONNX a start is never before the first */
    *end = *end < 0 ? (*end < -size ? first : *end + size) : *end;
    *start = *start > last ? last : *start;
    *end = *end < first ? first : *end > last ? last : *end;
    return step != 0;
}

/* A step below 0 takes the elements from the end: those of the reversed tensor. */
static cnn_tensor *slice(cnn__onnx_run *run, cnn_tensor *x, int dim, int64_t start, int64_t end, int64_t step)
{
    int64_t size = cnn_tensor_size(x, dim);
    if (!cnn__onnx_slice_bounds(size, step, &start, &end) || step == INT64_MIN) {
        cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "a slice with step 0");
        return NULL;
    }
    if (step < 0) {
        return cnn_slice(cnn_flip(x, 1, &dim), dim, size - 1 - start, size - 1 - end, -step);
    }
    return start == 0 && end >= size && step == 1 ? x : cnn_slice(x, dim, start, end, step);
}

/* The parameters of Slice: inputs since opset 10, attributes before. */
bool cnn__onnx_slice_of(cnn__onnx_run *run, int rank, cnn__onnx_slice slices[CNN_MAX_DIMS])
{
    static const char *const names[] = { "starts", "ends", "axes" };
    const int64_t *numbers[4] = { NULL };
    int counts[4] = { 0 };
    for (int i = 0; i < 4; i++) {
        if (run->step->version < 10) {
            numbers[i] = i < 3 ? cnn__onnx_ints(run, names[i], &counts[i]) : NULL;
        } else if (cnn__onnx_has(run, i + 1)) {
            const cnn__onnx_host *host = cnn__onnx_in_host(run, i + 1);
            if (host && !host->i) {
                return cnn__onnx_step_fail(run, CNN_ERROR_DTYPE, "input %d is of real numbers, expected integers",
                                           i + 1);
            }
            numbers[i] = host ? host->i : NULL;
            counts[i] = host && host->numel < MOST_PARTS ? (int)host->numel : MOST_PARTS;
        }
    }
    for (int i = 1; i < 4; i++) {
        if (run->status != CNN_OK || ((numbers[i] || i == 1) && counts[i] != counts[0])) {
            return cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "a slice of %d and %d numbers", counts[0], counts[i]);
        }
    }
    for (int i = 0; i < counts[0]; i++) {
        int axis = cnn__onnx_axis(run, numbers[2] ? numbers[2][i] : i, rank);
        if (axis < 0) {
            return false;
        }
        slices[axis] = (cnn__onnx_slice){ true, numbers[0][i], numbers[1][i], numbers[3] ? numbers[3][i] : 1 };
    }
    return true;
}

bool cnn__onnx_op_slice(cnn__onnx_run *run)
{
    cnn__onnx_slice slices[CNN_MAX_DIMS] = { { 0 } };
    cnn_tensor *x = cnn__onnx_in(run, 0);
    int rank = cnn__onnx_rank(run, 0);
    if (!cnn__onnx_slice_of(run, rank, slices)) {
        return false;
    }
    for (int d = 0; d < rank; d++) {
        x = slices[d].is_there ? slice(run, x, d, slices[d].start, slices[d].end, slices[d].step) : x;
    }
    return cnn__onnx_out(run, 0, x, cnn__onnx_type(run, 0));
}

/* ---- padding ---- */

/* By an index per element of a dimension: reflected as often as it takes, replicated, or from the other end. */
static cnn_tensor *pad_by_index(cnn__onnx_run *run, cnn_tensor *x, int dim, int64_t before, int64_t after, int mode)
{
    int64_t size = cnn_tensor_size(x, dim), count = before + size + after, period = 2 * size - 2;
    if (count < 0 || (size == 0 && count > 0)) {
        cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "%lld elements become %lld", (long long)size, (long long)count);
        return NULL;
    }
    int64_t *index = cnn__onnx_table(run, count, sizeof *index);
    for (int64_t i = 0; index && i < count; i++) {
        int64_t at = i - before;
        if (mode == CNN_PAD_REPLICATE) {
            at = at < 0 ? 0 : at >= size ? size - 1 : at;
        } else if (mode == CNN_PAD_CIRCULAR) {
            at = (at % size + size) % size;
        } else {
            at = period > 0 ? (at % period + period) % period : 0;
            at = at >= size ? period - at : at;
        }
        index[i] = at;
    }
    return !index ? NULL : cnn_index_select(x, dim, cnn__onnx_made(run, CNN_I64, 1, &count, index));
}

/* By number of elements before and after each dimension. */
cnn_tensor *cnn__onnx_padded(cnn__onnx_run *run, cnn_tensor *x, const int64_t *before, const int64_t *after, int mode,
                             double value)
{
    int64_t pads[2 * CNN_MAX_DIMS];
    int rank = cnn_tensor_ndim(x);
    if (mode == CNN_PAD_CONSTANT) {
        for (int d = 0; d < rank; d++) {
            pads[2 * (rank - 1 - d)] = before[d];
            pads[2 * (rank - 1 - d) + 1] = after[d];
        }
        return cnn_pad(x, 2 * rank, pads, &(cnn_pad_options){ .struct_size = sizeof(cnn_pad_options), .value = value });
    }
    for (int d = 0; x && d < rank; d++) {
        x = before[d] || after[d] ? pad_by_index(run, x, d, before[d], after[d], mode) : x;
    }
    return x;
}

bool cnn__onnx_op_pad(cnn__onnx_run *run)
{
    int64_t before[CNN_MAX_DIMS] = { 0 }, after[CNN_MAX_DIMS] = { 0 };
    int rank = cnn__onnx_rank(run, 0), count = 0, dims = rank;
    cnn_tensor *x = cnn__onnx_in(run, 0);
    cnn__onnx_text mode = cnn__onnx_string(run, "mode", "constant");
    const int64_t *pads = cnn__onnx_ints(run, "pads", &count), *axes = NULL;
    double value = cnn__onnx_float(run, "value", 0);
    if (run->step->version >= 11) {
        const cnn__onnx_host *host = cnn__onnx_in_host(run, 1),
                             *named = cnn__onnx_has(run, 3) ? cnn__onnx_in_host(run, 3) : NULL;
        pads = host ? host->i : NULL;
        count = host && host->numel < MOST_PARTS ? (int)host->numel : 0;
        value = cnn__onnx_in_number(run, 2, 0);
        axes = named ? named->i : NULL;
        dims = named && named->numel < MOST_PARTS ? (int)named->numel : rank;
    }
    if (!x || !pads || count != 2 * dims) {
        return cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "%d pads for %d dimensions", count, dims);
    }
    for (int i = 0; i < dims; i++) {
        int axis = cnn__onnx_axis(run, axes ? axes[i] : i, rank);
        if (axis < 0 || llabs(pads[i] / 2) > MOST_PADDING || llabs(pads[dims + i] / 2) > MOST_PADDING) {
            return cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "%lld elements before and %lld after dimension %d",
                                       (long long)pads[i], (long long)pads[dims + i], axis);
        }
        before[axis] = pads[i];
        after[axis] = pads[dims + i];
    }
    int how = cnn__onnx_text_is(mode, "reflect") ? CNN_PAD_REFLECT
              : cnn__onnx_text_is(mode, "edge")  ? CNN_PAD_REPLICATE
              : cnn__onnx_text_is(mode, "wrap")  ? CNN_PAD_CIRCULAR
                                                 : CNN_PAD_CONSTANT;
    return cnn__onnx_out(run, 0, cnn__onnx_padded(run, x, before, after, how, value), cnn__onnx_type(run, 0));
}

bool cnn__onnx_op_center_crop_pad(cnn__onnx_run *run)
{
    int64_t before[CNN_MAX_DIMS] = { 0 }, after[CNN_MAX_DIMS] = { 0 };
    int rank = cnn__onnx_rank(run, 0), named;
    const int64_t *axes = cnn__onnx_ints(run, "axes", &named);
    const cnn__onnx_host *sizes = cnn__onnx_in_host(run, 1);
    cnn_tensor *x = cnn__onnx_in(run, 0);
    if (!x || !sizes || !sizes->i || sizes->numel != (axes ? named : rank)) {
        return cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "no size for each axis");
    }
    for (int64_t i = 0; i < sizes->numel; i++) {
        int d = cnn__onnx_axis(run, axes ? axes[i] : i, rank);
        if (d < 0 || sizes->i[i] < 0) {
            return cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "size %lld", (long long)sizes->i[i]);
        }
        int64_t more = sizes->i[i] - cnn_tensor_size(x, d);
        before[d] = more < 0 ? -(-more / 2) : more / 2;
        after[d] = more - before[d];
    }
    return cnn__onnx_out(run, 0, cnn__onnx_padded(run, x, before, after, CNN_PAD_CONSTANT, 0), cnn__onnx_type(run, 0));
}

/* ---- by lists of positions ---- */

/* The first `lengths[n]` steps of each sample from the last to the first. */
bool cnn__onnx_op_reverse_sequence(cnn__onnx_run *run)
{
    int time = (int)cnn__onnx_int(run, "time_axis", 0), batch = (int)cnn__onnx_int(run, "batch_axis", 1),
        rank = cnn__onnx_rank(run, 0);
    cnn_tensor *x = cnn__onnx_in(run, 0), *length = cnn__onnx_in(run, 1);
    if (!x || !length || time < 0 || time > 1 || batch != 1 - time || rank < 2 || cnn_tensor_ndim(length) != 1 ||
        cnn_tensor_size(length, 0) != cnn_tensor_size(x, batch)) {
        return cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "axes %d and %d of a tensor of rank %d", time, batch, rank);
    }
    int64_t shape[CNN_MAX_DIMS];
    cnn_tensor *step = cnn_unsqueeze(cnn__onnx_numbers(run, cnn_tensor_size(x, time)), batch);
    length = cnn_unsqueeze(cnn__onnx_to(length, CNN_I64), time);
    cnn_tensor *mirrored = cnn_sub(cnn_sub(length, cnn__onnx_scalar(run, length, 1)), step);
    cnn_tensor *places = cnn_where(cnn_lt(step, length), mirrored, step);
    places = cnn_expand(cnn__onnx_with_rank(places, rank, -1), cnn__onnx_shape_of(x, shape), shape);
    return cnn__onnx_out(run, 0, cnn_gather(x, time, cnn_contiguous(places)), cnn__onnx_type(run, 0));
}

/* The elements, along an axis or of all, at which a condition is true; the host must know it. */
bool cnn__onnx_op_compress(cnn__onnx_run *run)
{
    const cnn__onnx_host *condition = cnn__onnx_in_host(run, 1);
    cnn_tensor *x = cnn__onnx_in(run, 0);
    const cnn__onnx_attribute *named = cnn__onnx_attribute_of(run->step, "axis");
    int axis = named ? cnn__onnx_axis(run, named->i, cnn__onnx_rank(run, 0)) : 0;
    int64_t count = 0, all = -1;
    if (!x || !condition || !condition->i || axis < 0) {
        return false;
    }
    x = named ? x : cnn_reshape(x, 1, &all);
    int64_t *index = cnn__onnx_arena_get(run->arena, (size_t)condition->numel, sizeof *index);
    for (int64_t i = 0; index && i < condition->numel && i < cnn_tensor_size(x, axis); i++) {
        if (condition->i[i]) {
            index[count++] = i;
        }
    }
    return index && cnn__onnx_out(run, 0, cnn_index_select(x, axis, cnn__onnx_made(run, CNN_I64, 1, &count, index)),
                                  cnn__onnx_type(run, 0));
}
