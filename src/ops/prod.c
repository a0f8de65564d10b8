/* The product over any dimensions. They are brought to the end, so that each product is the last of those that a scan
 * along a row makes, and the scan's gradient is that of the product, right also where elements are 0. Integers and bool
 * give int64. */
#include "ops/operation.h"

static bool prod_infer(cnn__call *call, void *attributes)
{
    cnn__reduction *r = attributes;
    const cnn_dtype dtype = call->in[0]->dtype;
    if (!cnn__call_axes(call, r)) {
        return false;
    }
    cnn__out(call, 0, cnn__dtype_is_real(dtype) ? dtype : CNN_I64, r->axes.ndim, r->axes.shape);
    return true;
}

/* t with the reduced dimensions behind the others, without a handle of its own. */
static cnn_tensor prod_rows(const cnn_tensor *t, const cnn__axes *axes)
{
    cnn_tensor rows = *t;
    rows.ndim = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int d = 0; d < t->ndim; d++) {
            if (axes->reduced[d] == pass) {
                rows.shape[rows.ndim] = t->shape[d];
                rows.stride[rows.ndim++] = t->stride[d];
            }
        }
    }
    return rows;
}

/* The last element of each row of `rows`, contiguous with n in a row, in the shape of one dimension. */
static cnn_tensor prod_ends(const cnn_tensor *rows, int64_t n)
{
    cnn_tensor ends = *rows;
    ends.ndim = 1;
    ends.shape[0] = ends.numel = rows->numel / n;
    ends.stride[0] = n;
    ends.offset += n - 1;
    return ends;
}

static cnn_tensor prod_flat(const cnn_tensor *t)
{
    cnn_tensor flat = *t;
    cnn__tensor_shape_set(&flat, t->dtype, 1, &t->numel);
    return flat;
}

static bool prod_forward(cnn__call *call, void *attributes)
{
    const cnn__axes *axes = &((const cnn__reduction *)attributes)->axes;
    const char *name = call->op->name;
    const cnn_tensor *y = call->out[0], from = prod_rows(call->x[0], axes);
    if (!y->numel || !axes->elements) {
        return cnn__run_fill(call->tape, name, y, 1);
    }
    const bool in_order = cnn__contiguous(&from) && from.dtype == y->dtype;
    cnn_tensor *rows = cnn__result(call, y->dtype, from.ndim, from.shape);
    cnn_scan_parameters p = { .along = { y->numel, axes->elements, 1 }, .product = true };
    if (!rows || (!in_order && !cnn__run_copy(call->tape, name, rows, &from)) ||
        !cnn__run_on(call->tape, name, CNN_KERNEL_SCAN, &p, sizeof p, 2,
                     (const cnn_tensor *const[]){ rows, in_order ? &from : rows })) {
        return false;
    }
    cnn_tensor to = prod_flat(y), ends = prod_ends(rows, axes->elements);
    bool done = cnn__run_copy(call->tape, name, &to, &ends);
    cnn__tape_drop(rows);
    return done;
}

/* Writes dx, through rows in order where those of x or dx are not. */
static bool prod_slopes(cnn__node *node, const cnn_tensor *dy, const cnn_tensor *dx)
{
    const cnn__axes *axes = node->attributes;
    const char *name = node->op->name;
    const cnn_along g = { dy->numel, axes->elements, 1 };
    cnn_tensor from = prod_rows(node->saved[0], axes), to = prod_rows(dx, axes), flat = prod_flat(dy);
    cnn_tensor *x = cnn__contiguous(&from) ? &from : cnn__grad_like(node, &from);
    cnn_tensor *slopes = cnn__contiguous(&to) ? &to : cnn__grad_like(node, &to);
    cnn_tensor *of_products = cnn__grad_like(node, &to);
    if (!x || !slopes || !of_products || (x != &from && !cnn__run_copy(node->tape, name, x, &from))) {
        return false;
    }
    cnn_tensor ends = prod_ends(of_products, g.n);
    return cnn__run_fill(node->tape, name, of_products, 0) && cnn__run_copy(node->tape, name, &ends, &flat) &&
           cnn__run_on(node->tape, name, CNN_KERNEL_CUMPROD_BACKWARD, &g, sizeof g, 3,
                       (const cnn_tensor *const[]){ slopes, x, of_products }) &&
           (slopes == &to || cnn__run_copy(node->tape, name, &to, slopes));
}

static void prod_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn_tensor *dx = cnn__grad_empty(node, 0);
    if (dx && (!dx->numel || prod_slopes(node, dy, dx))) {
        cnn__grad_add(node, 0, dx);
    }
}

static const cnn__op prod_op = { .name = "prod",
                                 .saves = 1,
                                 .size = sizeof(cnn__reduction),
                                 .attributes = cnn__reduction_attributes,
                                 .infer = prod_infer,
                                 .forward = prod_forward,
                                 .backward = prod_backward };

cnn_tensor *cnn_prod(cnn_tensor *x, int count, const int *dims, bool keepdim)
{
    cnn__reduction r = { .count = count, .given = dims, .keepdim = keepdim };
    return cnn__apply(&prod_op, &x, 1, &r);
}
