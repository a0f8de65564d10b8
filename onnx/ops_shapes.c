/* Operators on shapes. What follows from shapes alone is known to the host. */
#include "ops.h"

#include <math.h>
#include <string.h>

bool cnn__onnx_op_shape(cnn__onnx_run *run)
{
    int rank;
    int64_t shape[CNN_MAX_DIMS], start = cnn__onnx_int(run, "start", 0), end = cnn__onnx_int(run, "end", INT64_MAX);
    if (!cnn__onnx_in_shape(run, 0, &rank, shape)) {
        return false;
    }
    start = start < -rank ? 0 : start < 0 ? start + rank : start > rank ? rank : start;
    end = end < -rank ? 0 : end < 0 ? end + rank : end > rank ? rank : end;
    int64_t count = end > start ? end - start : 0;
    cnn__onnx_host *y = cnn__onnx_run_host(run, CNN__ONNX_INT64, 1, &count);
    for (int64_t i = 0; y && i < count; i++) {
        y->i[i] = shape[start + i];
    }
    return cnn__onnx_out_host(run, 0, y);
}

bool cnn__onnx_op_size(cnn__onnx_run *run)
{
    int rank;
    int64_t shape[CNN_MAX_DIMS];
    cnn__onnx_host *y =
        cnn__onnx_in_shape(run, 0, &rank, shape) ? cnn__onnx_run_host(run, CNN__ONNX_INT64, 0, NULL) : NULL;
    if (y) {
        y->i[0] = 1;
        for (int d = 0; d < rank; d++) {
            y->i[0] *= shape[d];
        }
    }
    return cnn__onnx_out_host(run, 0, y);
}

/* The shape that input i says. Returns its rank; -1, reported. */
int cnn__onnx_in_sizes(cnn__onnx_run *run, int i, int64_t *shape)
{
    const cnn__onnx_host *host = cnn__onnx_in_host(run, i);
    if (!host || !host->i || host->numel > CNN_MAX_DIMS) {
        cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "input %d is no shape of at most %d dimensions", i, CNN_MAX_DIMS);
        return -1;
    }
    for (int64_t d = 0; d < host->numel; d++) {
        shape[d] = host->i[d];
    }
    return (int)host->numel;
}

bool cnn__onnx_op_reshape(cnn__onnx_run *run)
{
    int64_t shape[CNN_MAX_DIMS];
    cnn_tensor *x = cnn__onnx_in(run, 0);
    int rank = cnn__onnx_in_sizes(run, 1, shape), old = x ? cnn_tensor_ndim(x) : 0;
    bool inferred = false;
    for (int d = 0; d < rank; d++) {
        if (shape[d] == 0 && !cnn__onnx_int(run, "allowzero", 0)) {
            if (d >= old) {
                return cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "size %d is that of a tensor of rank %d", d, old);
            }
            shape[d] = cnn_tensor_size(x, d);
        }
        inferred = inferred || shape[d] == -1;
    }
    if (inferred && cnn_tensor_numel(x) == 0) { /* what is left over divides nothing */
        for (int d = 0; d < rank; d++) {
            shape[d] = shape[d] == -1 ? 0 : shape[d];
        }
    }
    return rank >= 0 && cnn__onnx_out(run, 0, cnn_reshape(x, rank, shape), cnn__onnx_type(run, 0));
}

/* x as a matrix: the dimensions before an axis and those from it on. */
cnn_tensor *cnn__onnx_as_matrix(cnn_tensor *x, int axis)
{
    int64_t shape[CNN_MAX_DIMS], sizes[2] = { 1, 1 };
    int rank = cnn__onnx_shape_of(x, shape);
    for (int d = 0; d < rank; d++) {
        sizes[d >= axis] *= shape[d];
    }
    return cnn_reshape(x, 2, sizes);
}

bool cnn__onnx_op_flatten(cnn__onnx_run *run)
{
    cnn_tensor *x = cnn__onnx_in(run, 0);
    int64_t axis = cnn__onnx_int(run, "axis", 1);
    int rank = cnn__onnx_rank(run, 0);
    if (axis < -rank || axis > rank) {
        return cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "axis %lld of a tensor of rank %d", (long long)axis, rank);
    }
    return cnn__onnx_out(run, 0, cnn__onnx_as_matrix(x, (int)(axis < 0 ? axis + rank : axis)), cnn__onnx_type(run, 0));
}

bool cnn__onnx_op_transpose(cnn__onnx_run *run)
{
    int dims[CNN_MAX_DIMS], count, rank = cnn__onnx_rank(run, 0);
    const int64_t *perm = cnn__onnx_ints(run, "perm", &count);
    if (perm && count != rank) {
        return cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "perm has %d numbers for a tensor of rank %d", count, rank);
    }
    for (int d = 0; d < rank; d++) {
        dims[d] = perm ? cnn__onnx_axis(run, perm[d], rank) : rank - 1 - d;
    }
    return run->status == CNN_OK &&
           cnn__onnx_out(run, 0, cnn_permute(cnn__onnx_in(run, 0), rank, dims), cnn__onnx_type(run, 0));
}

bool cnn__onnx_op_squeeze(cnn__onnx_run *run)
{
    int dims[CNN_MAX_DIMS], rank = cnn__onnx_rank(run, 0);
    int64_t shape[CNN_MAX_DIMS];
    cnn_tensor *x = cnn__onnx_in(run, 0);
    bool named = cnn__onnx_has(run, 1) || cnn__onnx_attribute_of(run->step, "axes");
    int count = cnn__onnx_axes(run, 1, rank, dims), left = 0;
    if (!x || count < 0) {
        return false;
    }
    for (int d = 0, k = 0; d < rank; d++) {
        int64_t size = cnn_tensor_size(x, d);
        bool chosen = named ? k < count && dims[k] == d : size == 1;
        k += named && chosen;
        if (chosen && size != 1) {
            return cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "dimension %d has size %lld, expected 1", d,
                                       (long long)size);
        }
        if (!chosen) {
            shape[left++] = size;
        }
    }
    return cnn__onnx_out(run, 0, cnn_reshape(x, left, shape), cnn__onnx_type(run, 0));
}

/* How the shape of x becomes that with new dimensions of size 1. Returns the rank; -1, reported. */
int cnn__onnx_unsqueezed(cnn__onnx_run *run, int64_t *shape)
{
    int dims[CNN_MAX_DIMS], rank, named = 0;
    int64_t old[CNN_MAX_DIMS];
    cnn__onnx_ints(run, "axes", &named);
    if (cnn__onnx_has(run, 1)) {
        const cnn__onnx_host *axes = cnn__onnx_in_host(run, 1);
        named = axes && axes->numel <= CNN_MAX_DIMS ? (int)axes->numel : CNN_MAX_DIMS;
    }
    cnn__onnx_in_shape(run, 0, &rank, old);
    if (rank + named > CNN_MAX_DIMS) {
        cnn__onnx_step_fail(run, CNN_ERROR_UNSUPPORTED, "a tensor of rank %d, at most %d", rank + named, CNN_MAX_DIMS);
        return -1;
    }
    int count = cnn__onnx_axes(run, 1, rank + named, dims), k = 0, from = 0;
    if (count != named) {
        cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "an axis is named twice");
        return -1;
    }
    for (int d = 0; d < rank + named; d++) {
        bool chosen = k < count && dims[k] == d;
        k += chosen;
        shape[d] = chosen ? 1 : old[from++];
    }
    return rank + named;
}

bool cnn__onnx_op_unsqueeze(cnn__onnx_run *run)
{
    int64_t shape[CNN_MAX_DIMS];
    int rank = cnn__onnx_unsqueezed(run, shape);
    return rank >= 0 && cnn__onnx_out(run, 0, cnn_reshape(cnn__onnx_in(run, 0), rank, shape), cnn__onnx_type(run, 0));
}

/* Broadcasts both ways: a size of 1 in the shape keeps the size of x. */
bool cnn__onnx_op_expand(cnn__onnx_run *run)
{
    int64_t shape[CNN_MAX_DIMS];
    cnn_tensor *x = cnn__onnx_in(run, 0);
    int rank = cnn__onnx_in_sizes(run, 1, shape), old = x ? cnn_tensor_ndim(x) : 0;
    if (rank < 0 || !x) {
        return false;
    }
    if (old > rank) {
        memmove(shape + (old - rank), shape, (size_t)rank * sizeof *shape);
        for (int d = 0; d < old - rank; d++) {
            shape[d] = 1;
        }
        rank = old;
    }
    for (int d = rank - old; d < rank; d++) {
        shape[d] = shape[d] == 1 ? cnn_tensor_size(x, d - (rank - old)) : shape[d];
    }
    return cnn__onnx_out(run, 0, cnn_expand(x, rank, shape), cnn__onnx_type(run, 0));
}

bool cnn__onnx_op_tile(cnn__onnx_run *run)
{
    int64_t repeats[CNN_MAX_DIMS];
    int rank = cnn__onnx_in_sizes(run, 1, repeats);
    return rank >= 0 && cnn__onnx_out(run, 0, cnn_repeat(cnn__onnx_in(run, 0), rank, repeats), cnn__onnx_type(run, 0));
}

enum { LARGEST_BLOCK = 1 << 15 };

/* The size of the blocks of an image; 0: reported. */
static int64_t block_size(cnn__onnx_run *run, const cnn_tensor *x)
{
    int64_t b = cnn__onnx_int(run, "blocksize", 1);
    if (cnn_tensor_ndim(x) != 4 || b < 1 || b > LARGEST_BLOCK) {
        cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "a tensor of rank %d in blocks of %lld, expected 4 and 1 to %d",
                            cnn_tensor_ndim(x), (long long)b, LARGEST_BLOCK);
        return 0;
    }
    return b;
}

bool cnn__onnx_op_depth_to_space(cnn__onnx_run *run)
{
    cnn_tensor *x = cnn__onnx_in(run, 0);
    int64_t b = block_size(run, x), s[CNN_MAX_DIMS];
    if (b == 0) {
        return false;
    }
    if (cnn__onnx_text_is(cnn__onnx_string(run, "mode", "DCR"), "CRD")) {
        return cnn__onnx_out(run, 0, cnn_pixel_shuffle(x, b), cnn__onnx_type(run, 0));
    }
    cnn__onnx_shape_of(x, s);
    x = cnn_reshape(x, 6, (int64_t[]){ s[0], b, b, s[1] / (b * b), s[2], s[3] });
    x = cnn_permute(x, 6, (int[]){ 0, 3, 4, 1, 5, 2 });
    return cnn__onnx_out(run, 0, cnn_reshape(x, 4, (int64_t[]){ s[0], s[1] / (b * b), s[2] * b, s[3] * b }),
                         cnn__onnx_type(run, 0));
}

bool cnn__onnx_op_space_to_depth(cnn__onnx_run *run)
{
    cnn_tensor *x = cnn__onnx_in(run, 0);
    int64_t b = block_size(run, x), s[CNN_MAX_DIMS];
    if (b == 0) {
        return false;
    }
    cnn__onnx_shape_of(x, s);
    x = cnn_reshape(x, 6, (int64_t[]){ s[0], s[1], s[2] / b, b, s[3] / b, b });
    bool columns = cnn__onnx_text_is(cnn__onnx_string(run, "mode", "DCR"), "CRD");
    x = cnn_permute(x, 6, columns ? (int[]){ 0, 1, 3, 5, 2, 4 } : (int[]){ 0, 3, 5, 1, 2, 4 });
    return cnn__onnx_out(run, 0, cnn_reshape(x, 4, (int64_t[]){ s[0], s[1] * b * b, s[2] / b, s[3] / b }),
                         cnn__onnx_type(run, 0));
}

/* Few elements are known to the host, as shapes that are made of them must be. */
bool cnn__onnx_op_constant_of_shape(cnn__onnx_run *run)
{
    int64_t shape[CNN_MAX_DIMS], count = 1;
    int rank = cnn__onnx_in_sizes(run, 0, shape), type = CNN__ONNX_FLOAT;
    const cnn__onnx_attribute *value = cnn__onnx_attribute_of(run->step, "value");
    const cnn__onnx_tensor_def *def = value ? value->tensor : NULL;
    cnn_dtype dtype = CNN_F32;
    double number = 0;
    if (rank < 0) {
        return false;
    }
    for (int d = 0; d < rank; d++) {
        if (shape[d] < 0 || __builtin_mul_overflow(count, shape[d], &count)) {
            return cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "size %d is %lld", d, (long long)shape[d]);
        }
    }
    if (def && !cnn__onnx_def_number(run, def, &number)) {
        return false;
    }
    type = def ? def->type : type;
    cnn__onnx_dtype(type, &dtype);
    if (count > 64) {
        return cnn__onnx_out(run, 0, cnn__onnx_full(run, dtype, rank, shape, number), type);
    }
    cnn__onnx_host *host = cnn__onnx_run_host(run, type, rank, shape);
    for (int64_t i = 0; host && i < count; i++) {
        if (host->f) {
            host->f[i] = number;
        } else {
            host->i[i] = (int64_t)number;
        }
    }
    return cnn__onnx_out_host(run, 0, host);
}

bool cnn__onnx_op_range(cnn__onnx_run *run)
{
    int type = cnn__onnx_type(run, 0);
    double start = cnn__onnx_in_number(run, 0, 0), limit = cnn__onnx_in_number(run, 1, 0),
           delta = cnn__onnx_in_number(run, 2, 1);
    double many = ceil((limit - start) / delta);
    int64_t count = many > 0 ? (int64_t)fmin(many, 1e15) : 0;
    bool whole = fabs(start) < 0x1p53 && fabs(limit) < 0x1p53; /* what integers are computed in has no more digits */
    if (run->status != CNN_OK || !(fabs(delta) > 0) || many != many) {
        return cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "a range from %g to %g by %g", start, limit, delta);
    }
    if (count > 4096 || !whole) {
        cnn_dtype dtype;
        cnn__onnx_dtype(type, &dtype);
        cnn_tensor *y = cnn_cast(cnn__onnx_numbers(run, count), CNN_F64);
        y = cnn_add_scalar(cnn_mul_scalar(y, delta), start);
        return cnn__onnx_out(run, 0, cnn__onnx_to(y, dtype), type);
    }
    cnn__onnx_host *host = cnn__onnx_run_host(run, type, 1, &count);
    for (int64_t i = 0; host && i < count; i++) {
        if (host->f) {
            host->f[i] = start + (double)i * delta;
        } else {
            host->i[i] = (int64_t)(start + (double)i * delta);
        }
    }
    return cnn__onnx_out_host(run, 0, host);
}

/* Ones on the diagonal number `k`. */
bool cnn__onnx_op_eye_like(cnn__onnx_run *run)
{
    int64_t shape[CNN_MAX_DIMS], k = cnn__onnx_int(run, "k", 0);
    int rank, type = (int)cnn__onnx_int(run, "dtype", cnn__onnx_type(run, 0));
    cnn_dtype dtype;
    if (!cnn__onnx_in_shape(run, 0, &rank, shape) || !cnn__onnx_dtype(type, &dtype)) {
        return cnn__onnx_step_fail(run, CNN_ERROR_UNSUPPORTED, "elements of type %s", cnn__onnx_type_name(type));
    }
    cnn_tensor *ones = cnn__onnx_full(run, CNN_F32, rank, shape, 1);
    return cnn__onnx_out(run, 0, cnn__onnx_to(cnn_tril(cnn_triu(ones, k), k), dtype), type);
}

bool cnn__onnx_op_trilu(cnn__onnx_run *run)
{
    int64_t k = cnn__onnx_in_int(run, 1, 0);
    cnn_tensor *x = cnn__onnx_in(run, 0);
    return cnn__onnx_out(run, 0, cnn__onnx_int(run, "upper", 1) ? cnn_triu(x, k) : cnn_tril(x, k),
                         cnn__onnx_type(run, 0));
}
