/* reshape, view, flatten and unflatten: the same elements in row-major order under another shape; a view where the
 * strides allow it. */
#include "ops/operation.h"

static void reshape_backward(cnn__node *node, cnn_tensor *dy)
{
    const cnn_tensor *x = node->in[0];
    cnn__grad_add(node, 0, cnn_reshape(dy, x->ndim, x->shape));
}

typedef struct target {
    int ndim;
    int64_t shape[CNN_MAX_DIMS];
    const int64_t *given; /* for infer of reshape and view: with −1 for one size that is to be found */
    int start, end;       /* for infer of flatten; unflatten splits `start` */
} target;

static const cnn__attribute target_attributes[] = { { .name = "shape",
                                                      .type = CNN__INT64,
                                                      .offset = offsetof(target, shape),
                                                      .count = CNN_MAX_DIMS,
                                                      .counted = true,
                                                      .count_at = offsetof(target, ndim) },
                                                    { .name = NULL } };

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

static void fail_fit(cnn__call *call, int ndim, const int64_t *shape)
{
    const cnn_tensor *x = call->in[0];
    char given[CNN__SHAPE_TEXT], wanted[CNN__SHAPE_TEXT];
    cnn__call_fail(call, CNN_ERROR_SHAPE, "shape %s does not fit the %lld elements of %s",
                   cnn__shape_text(wanted, ndim, shape), (long long)x->numel,
                   cnn__shape_text(given, x->ndim, x->shape));
}

/* Fills in the size that is −1 and checks the number of elements. */
static bool reshape_complete(cnn__call *call, int ndim, const int64_t *given, int64_t *shape)
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

/* The rest of infer, once the shape is known: a view where the strides allow it, else a copy where that may be. */
static bool reshape_describe(cnn__call *call, target *t, bool may_copy)
{
    const cnn_tensor *x = call->in[0];
    char from[CNN__SHAPE_TEXT], to[CNN__SHAPE_TEXT];
    int64_t stride[CNN_MAX_DIMS], numel;
    if (cnn__shape_check(call->ctx, call->op->name, x->dtype, t->ndim, t->shape, &numel) != CNN_OK) {
        cnn__call_fail_newest(call);
        return false;
    }
    cnn__strides(t->ndim, t->shape, stride);
    bool as_view = cnn__contiguous(x) || strides_under(x, t->ndim, t->shape, stride);
    if (!as_view && !may_copy) {
        cnn__call_fail(call, CNN_ERROR_SHAPE,
                       "the strides of a tensor of shape %s allow no view of shape %s, "
                       "expected cnn_reshape() or cnn_contiguous() first",
                       cnn__shape_text(from, x->ndim, x->shape), cnn__shape_text(to, t->ndim, t->shape));
        return false;
    }
    cnn__spec *y = cnn__out_view(call, 0, 0);
    y->kind = as_view ? CNN__OUT_VIEW : CNN__OUT_NEW;
    y->ndim = t->ndim;
    for (int i = 0; i < t->ndim; i++) {
        y->shape[i] = t->shape[i];
        y->stride[i] = stride[i];
    }
    return true;
}

static bool reshape_infer(cnn__call *call, void *attributes)
{
    target *t = attributes;
    return reshape_complete(call, t->ndim, t->given, t->shape) && reshape_describe(call, t, true);
}

static bool view_infer(cnn__call *call, void *attributes)
{
    target *t = attributes;
    return reshape_complete(call, t->ndim, t->given, t->shape) && reshape_describe(call, t, false);
}

static bool flatten_infer(cnn__call *call, void *attributes)
{
    target *t = attributes;
    const cnn_tensor *x = call->in[0];
    int rank = x->ndim ? x->ndim : 1; /* a scalar becomes [1] */
    int start = cnn__call_dim(call, t->start, rank);
    int end = start < 0 ? -1 : cnn__call_dim(call, t->end, rank);
    if (end < 0) {
        return false;
    }
    if (start > end) {
        cnn__call_fail(call, CNN_ERROR_SHAPE,
                       "dimensions %d to %d of a tensor of rank %d, expected the first "
                       "before the last",
                       t->start, t->end, x->ndim);
        return false;
    }
    t->ndim = 0;
    t->shape[0] = 1;
    for (int d = 0; d < x->ndim; d++) {
        if (d > start && d <= end) {
            t->shape[t->ndim - 1] *= x->shape[d];
        } else {
            t->shape[t->ndim++] = x->shape[d];
        }
    }
    t->ndim = t->ndim ? t->ndim : 1;
    return reshape_describe(call, t, true);
}

/* The sizes in place of one dimension. */
static bool unflatten_infer(cnn__call *call, void *attributes)
{
    target *t = attributes;
    const cnn_tensor *x = call->in[0];
    int64_t shape[CNN_MAX_DIMS], rest = 1;
    int d = cnn__call_dim(call, t->start, x->ndim), parts = t->ndim, unknown = -1;
    char given[CNN__SHAPE_TEXT];
    if (d < 0) {
        return false;
    }
    if (parts < 1 || parts > CNN_MAX_DIMS + 1 - x->ndim || !t->given) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "%d sizes%s for a dimension of a tensor of rank %d, expected 1 to %d",
                       parts, parts > 0 && !t->given ? " at NULL" : "", x->ndim, CNN_MAX_DIMS + 1 - x->ndim);
        return false;
    }
    bool fits = true;
    for (int i = 0; i < parts; i++) {
        bool infer = t->given[i] == -1 && unknown < 0;
        unknown = infer ? i : unknown;
        shape[i] = t->given[i];
        fits = fits && (infer || (shape[i] >= 0 && !__builtin_mul_overflow(rest, shape[i], &rest)));
    }
    if (fits && unknown >= 0) {
        shape[unknown] = rest ? x->shape[d] / rest : 0;
        rest *= shape[unknown];
    }
    if (!fits || rest != x->shape[d]) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "sizes %s do not multiply to %lld, the size of dimension %d",
                       cnn__shape_text(given, parts, t->given), (long long)x->shape[d], d);
        return false;
    }
    t->ndim = x->ndim - 1 + parts;
    for (int i = 0; i < t->ndim; i++) {
        t->shape[i] = i < d ? x->shape[i] : i < d + parts ? shape[i - d] : x->shape[i + 1 - parts];
    }
    return reshape_describe(call, t, true);
}

/* Where the result is no view: x's elements in row-major order. */
static bool reshape_forward(cnn__call *call, void *attributes)
{
    const cnn_tensor *x = call->x[0];
    cnn_tensor like_x = *call->out[0];
    (void)attributes;
    cnn__tensor_shape_set(&like_x, x->dtype, x->ndim, x->shape);
    return cnn__run_copy(call->tape, call->op->name, &like_x, x);
}

/* What the descriptors have in common. */
#define RESHAPE(function, rule, gradient) \
    { \
        .name = #function, .size = sizeof(target), .attributes = target_attributes, .infer = (rule), \
        .forward = reshape_forward, .backward = (gradient) \
    }

static const cnn__op reshape_op = RESHAPE(reshape, reshape_infer, reshape_backward);
static const cnn__op view_op = RESHAPE(view, view_infer, reshape_backward);
static const cnn__op flatten_op = RESHAPE(flatten, flatten_infer, reshape_backward);
static const cnn__op unflatten_op = RESHAPE(unflatten, unflatten_infer, reshape_backward);

cnn_tensor *cnn_reshape(cnn_tensor *x, int ndim, const int64_t *shape)
{
    target t = { .ndim = ndim, .given = shape };
    return cnn__apply(&reshape_op, &x, 1, &t);
}

cnn_tensor *cnn_view(cnn_tensor *x, int ndim, const int64_t *shape)
{
    target t = { .ndim = ndim, .given = shape };
    return cnn__apply(&view_op, &x, 1, &t);
}

cnn_tensor *cnn_flatten(cnn_tensor *x, int start_dim, int end_dim)
{
    target t = { .start = start_dim, .end = end_dim };
    return cnn__apply(&flatten_op, &x, 1, &t);
}

cnn_tensor *cnn_unflatten(cnn_tensor *x, int dim, int ndim, const int64_t *shape)
{
    target t = { .start = dim, .ndim = ndim, .given = shape };
    return cnn__apply(&unflatten_op, &x, 1, &t);
}
