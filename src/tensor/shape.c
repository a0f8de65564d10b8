/* Shapes: checks, strides, broadcasting and loop nests. All products of sizes are checked here, once, when a tensor is
 * made; afterwards numel and strides are known to fit. */
#include "tensor/tensor.h"

#include <stdio.h>
#include <string.h>

const char *cnn__shape_text(char text[CNN__SHAPE_TEXT], int ndim, const int64_t *shape)
{
    size_t used = 0;
    text[used++] = '[';
    for (int i = 0; i < ndim && i < CNN_MAX_DIMS; i++) {
        used += (size_t)snprintf(text + used, CNN__SHAPE_TEXT - used, i ? ",%lld" : "%lld", (long long)shape[i]);
    }
    text[used] = ']';
    text[used + 1] = '\0';
    return text;
}

static cnn_status shape_report(const cnn_context *ctx, const char *call, cnn_status status, const char *fault, int ndim,
                               const int64_t *shape)
{
    char text[CNN__SHAPE_TEXT];
    if (!call) {
        return status;
    }
    return cnn__fail(ctx, status, "%s: shape %s %s", call, cnn__shape_text(text, ndim, shape), fault);
}

cnn_status cnn__shape_check(const cnn_context *ctx, const char *call, cnn_dtype dtype, int ndim, const int64_t *shape,
                            int64_t *numel)
{
    if (!cnn__dtype_valid(dtype)) {
        return call ? cnn__fail(ctx, CNN_ERROR_DTYPE, "%s: %d is no dtype", call, (int)dtype) : CNN_ERROR_DTYPE;
    }
    if (ndim < 0 || ndim > CNN_MAX_DIMS || (ndim && !shape)) {
        return !call ? CNN_ERROR_SHAPE
                     : cnn__fail(ctx, CNN_ERROR_SHAPE, "%s: %d dimensions%s, expected 0 to %d", call, ndim,
                                 shape || !ndim ? "" : " without sizes", CNN_MAX_DIMS);
    }
    /* A size of 0 must not hide an overflow of the others, because strides are products of the others. */
    int64_t product = 1, bytes;
    bool empty = false;
    for (int i = 0; i < ndim; i++) {
        if (shape[i] < 0) {
            return shape_report(ctx, call, CNN_ERROR_SHAPE, "has a negative size", ndim, shape);
        }
        empty |= shape[i] == 0;
        if (__builtin_mul_overflow(product, shape[i] ? shape[i] : 1, &product)) {
            return shape_report(ctx, call, CNN_ERROR_SHAPE, "has more elements than an int64 counts", ndim, shape);
        }
    }
    if (__builtin_mul_overflow(product, (int64_t)cnn__dtypes[dtype].size, &bytes) || bytes > PTRDIFF_MAX / 2) {
        return shape_report(ctx, call, CNN_ERROR_SHAPE, "has more bytes than memory can address", ndim, shape);
    }
    *numel = empty ? 0 : product;
    return CNN_OK;
}

void cnn__strides(int ndim, const int64_t *shape, int64_t *stride)
{
    int64_t step = 1;
    for (int i = ndim - 1; i >= 0; i--) {
        stride[i] = step;
        step *= shape[i] ? shape[i] : 1;
    }
}

void cnn__tensor_shape_set(cnn_tensor *t, cnn_dtype dtype, int ndim, const int64_t *shape)
{
    int64_t step = 1, numel = 1;
    for (int i = ndim - 1; i >= 0; i--) {
        t->shape[i] = shape[i];
        t->stride[i] = step;
        step *= shape[i] ? shape[i] : 1;
        numel *= shape[i];
    }
    t->dtype = dtype;
    t->ndim = ndim;
    t->numel = numel;
}

int cnn__dim(int dim, int ndim)
{
    int from_start = dim < 0 ? dim + ndim : dim;
    return from_start >= 0 && from_start < ndim ? from_start : -1;
}

bool cnn__broadcast(int ndim_a, const int64_t *a, int ndim_b, const int64_t *b, int *ndim, int64_t *shape)
{
    int n = ndim_a > ndim_b ? ndim_a : ndim_b;
    for (int i = 0; i < n; i++) {
        int ia = i - (n - ndim_a), ib = i - (n - ndim_b);
        int64_t sa = ia < 0 ? 1 : a[ia], sb = ib < 0 ? 1 : b[ib];
        if (sa != sb && sa != 1 && sb != 1) {
            return false;
        }
        shape[i] = sa == 1 ? sb : sa;
    }
    *ndim = n;
    return true;
}

bool cnn__same_shape(const cnn_tensor *a, const cnn_tensor *b)
{
    bool same = a->ndim == b->ndim;
    for (int i = 0; same && i < a->ndim; i++) {
        same = a->shape[i] == b->shape[i];
    }
    return same;
}

bool cnn__contiguous(const cnn_tensor *t)
{
    if (t->numel == 0) {
        return true;
    }
    int64_t step = 1;
    for (int i = t->ndim - 1; i >= 0; i--) {
        if (t->shape[i] != 1 && t->stride[i] != step) {
            return false;
        }
        step *= t->shape[i];
    }
    return true;
}

void cnn__broadcast_strides(const cnn_tensor *t, int ndim, const int64_t *shape, int64_t *stride)
{
    for (int i = 0; i < ndim; i++) {
        int own = i - (ndim - t->ndim);
        bool repeated = own < 0 || (t->shape[own] == 1 && shape[i] != 1);
        stride[i] = repeated ? 0 : t->stride[own];
    }
}

/* Whether dimension i continues dimension j = i + 1 for every operand, so that both can be joined. */
static bool joins(const cnn__nest *nest, int count, int64_t outer[4], int64_t size)
{
    int last = nest->ndim - 1;
    for (int k = 0; k < count; k++) {
        if (nest->stride[k][last] != outer[k] * size) {
            return false;
        }
    }
    return true;
}

/* The number of elements where every operand has them all in a row; −1: one of them does not. */
static int64_t all_in_a_row(int ndim, const int64_t *shape, int count, const cnn_tensor *const *operands)
{
    int64_t n = 1;
    for (int k = 0; k < count; k++) {
        const cnn_tensor *t = operands[k];
        if (t->ndim != ndim) {
            return -1;
        }
        n = 1;
        for (int i = ndim - 1; i >= 0; i--) {
            if (t->shape[i] != shape[i] || t->stride[i] != n) {
                return -1;
            }
            n *= shape[i];
        }
    }
    return n;
}

void cnn__nest_make(cnn__nest *nest, int ndim, const int64_t *shape, int count, const cnn_tensor *const *operands)
{
    int64_t n = all_in_a_row(ndim, shape, count, operands);
    if (n >= 0) {
        nest->ndim = n != 1;
        nest->shape[0] = n;
        for (int k = 0; k < count; k++) {
            nest->stride[k][0] = 1;
        }
        return;
    }
    int64_t strides[4][CNN_MAX_DIMS];
    for (int k = 0; k < count; k++) {
        cnn__broadcast_strides(operands[k], ndim, shape, strides[k]);
    }
    nest->ndim = 0;
    for (int i = 0; i < ndim; i++) {
        if (shape[i] == 1) {
            continue;
        }
        int64_t inner[4];
        for (int k = 0; k < count; k++) {
            inner[k] = strides[k][i];
        }
        int place = nest->ndim;
        if (place && joins(nest, count, inner, shape[i])) {
            place--;
            nest->shape[place] *= shape[i];
        } else {
            nest->shape[place] = shape[i];
            nest->ndim++;
        }
        for (int k = 0; k < count; k++) {
            nest->stride[k][place] = inner[k];
        }
    }
}
