/* reshape, view and flatten: the same elements in row-major order under another shape; a view where the strides
 * allow it. */
#include "ops/operation.h"

static void reshape_backward(cnn__node *node, cnn_tensor *dy)
{
    const cnn_tensor *x = node->in[0];
    cnn__grad_add(node, 0, cnn_reshape(dy, x->ndim, x->shape));
}

static const cnn__op reshape_op = { .name = "reshape", .backward = reshape_backward };
static const cnn__op view_op = { .name = "view", .backward = reshape_backward };
static const cnn__op flatten_op = { .name = "flatten", .backward = reshape_backward };

/* Strides of x's elements under another shape of as many: dimensions of x that continue each other are taken together,
 * and each such stretch must be a product of neighbouring new dimensions. Sizes are not 0. */
static bool strides_under(const cnn_tensor *x, int ndim, const int64_t *shape, int64_t *stride)
{
    int d = x->ndim - 1, i = ndim - 1;
    while (d >= 0) {
        int64_t step = x->stride[d], elements = x->shape[d];
        while (d > 0 && (x->shape[d - 1] == 1 || elements == 1 || x->stride[d - 1] == step * elements)) {
            d--;
            step = elements == 1 ? x->stride[d] : step;
            elements *= x->shape[d];
        }
        d--;
        for (; i >= 0 && elements % shape[i] == 0 && (elements > 1 || shape[i] == 1); i--) {
            stride[i] = step;
            step *= shape[i];
            elements /= shape[i];
        }
        if (elements != 1) {
            return false;
        }
    }
    for (; i >= 0; i--) {
        stride[i] = 1;
    }
    return true;
}

static cnn_tensor *fail_fit(cnn__call *call, int ndim, const int64_t *shape)
{
    const cnn_tensor *x = call->in[0];
    char given[CNN__SHAPE_TEXT], wanted[CNN__SHAPE_TEXT];
    return cnn__call_fail(call, CNN_ERROR_SHAPE, "shape %s does not fit the %lld elements of %s",
                          cnn__shape_text(wanted, ndim, shape), (long long)x->numel,
                          cnn__shape_text(given, x->ndim, x->shape));
}

/* Fills in the size that is −1 and checks the number of elements. */
static bool complete(cnn__call *call, int ndim, const int64_t *given, int64_t *shape)
{
    const cnn_tensor *x = call->in[0];
    int unknown = -1;
    if (ndim < 0 || ndim > CNN_MAX_DIMS || (ndim && !given)) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "%d dimensions%s, expected 0 to %d", ndim,
                       ndim > 0 && !given ? " at NULL" : "", CNN_MAX_DIMS);
        return false;
    }
    int64_t known = 1;
    for (int i = 0; i < ndim; i++) {
        shape[i] = given[i];
        bool infer = given[i] == -1 && unknown < 0;
        if (infer) {
            unknown = i;
        } else if (given[i] < 0 || __builtin_mul_overflow(known, given[i], &known)) {
            fail_fit(call, ndim, given);
            return false;
        }
    }
    if (unknown >= 0 && known > 0) {
        shape[unknown] = x->numel / known;
        known *= shape[unknown];
    }
    bool fits = known == x->numel && (unknown < 0 || shape[unknown] >= 0);
    if (!fits) {
        fail_fit(call, ndim, given);
    }
    return fits;
}

/* x's elements in row-major order, in new memory under the new shape. */
static cnn_tensor *copied(cnn__call *call, int ndim, const int64_t *shape)
{
    const cnn_tensor *x = call->in[0];
    cnn_tensor *y = cnn__result(call, x->dtype, ndim, shape);
    if (y) {
        cnn_tensor like_x = *y;
        cnn__tensor_shape_set(&like_x, x->dtype, x->ndim, x->shape);
        cnn__tensor_copy(&like_x, x);
    }
    return y;
}

static cnn_tensor *viewed(cnn__call *call, int ndim, const int64_t *shape, const int64_t *stride)
{
    cnn_tensor *y = cnn__result_view(call, 0);
    for (int i = 0; y && i < ndim; i++) {
        y->shape[i] = shape[i];
        y->stride[i] = stride[i];
    }
    if (y) {
        y->ndim = ndim;
    }
    return y;
}

static cnn_tensor *reshape(cnn__call *call, int ndim, const int64_t *given, bool may_copy)
{
    const cnn_tensor *x = call->in[0];
    char from[CNN__SHAPE_TEXT], to[CNN__SHAPE_TEXT];
    int64_t shape[CNN_MAX_DIMS] = { 0 }, stride[CNN_MAX_DIMS], numel;
    if (!complete(call, ndim, given, shape)) {
        return call->nil;
    }
    if (cnn__shape_check(call->ctx, call->op->name, x->dtype, ndim, shape, &numel) != CNN_OK) {
        return cnn__call_fail_newest(call);
    }
    cnn__strides(ndim, shape, stride);
    bool as_view = cnn__contiguous(x) || strides_under(x, ndim, shape, stride);
    if (!as_view && !may_copy) {
        return cnn__call_fail(call, CNN_ERROR_SHAPE,
                              "the strides of a tensor of shape %s allow no view of shape %s, "
                              "expected cnn_reshape() or cnn_contiguous() first",
                              cnn__shape_text(from, x->ndim, x->shape), cnn__shape_text(to, ndim, shape));
    }
    cnn_tensor *y = as_view ? viewed(call, ndim, shape, stride) : copied(call, ndim, shape);
    return y ? cnn__record(call, y, NULL, 0, 0, NULL) : call->nil;
}

cnn_tensor *cnn_reshape(cnn_tensor *x, int ndim, const int64_t *shape)
{
    cnn__call call;
    bool ready = cnn__call_begin(&call, &reshape_op, 1, (cnn_tensor *const[]){ x });
    return ready ? reshape(&call, ndim, shape, true) : call.nil;
}

cnn_tensor *cnn_view(cnn_tensor *x, int ndim, const int64_t *shape)
{
    cnn__call call;
    bool ready = cnn__call_begin(&call, &view_op, 1, (cnn_tensor *const[]){ x });
    return ready ? reshape(&call, ndim, shape, false) : call.nil;
}

cnn_tensor *cnn_flatten(cnn_tensor *x, int start_dim, int end_dim)
{
    cnn__call call;
    if (!cnn__call_begin(&call, &flatten_op, 1, (cnn_tensor *const[]){ x })) {
        return call.nil;
    }
    x = call.in[0];
    int rank = x->ndim ? x->ndim : 1; /* a scalar becomes [1] */
    int start = cnn__call_dim(&call, start_dim, rank);
    int end = start < 0 ? -1 : cnn__call_dim(&call, end_dim, rank);
    if (end < 0) {
        return call.nil;
    }
    if (start > end) {
        return cnn__call_fail(&call, CNN_ERROR_SHAPE,
                              "dimensions %d to %d of a tensor of rank %d, expected the first "
                              "before the last",
                              start_dim, end_dim, x->ndim);
    }
    int64_t shape[CNN_MAX_DIMS] = { 1 };
    int ndim = 0;
    for (int d = 0; d < x->ndim; d++) {
        if (d > start && d <= end) {
            shape[ndim - 1] *= x->shape[d];
        } else {
            shape[ndim++] = x->shape[d];
        }
    }
    return reshape(&call, ndim ? ndim : 1, shape, true);
}
