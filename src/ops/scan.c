/* cumsum and cumprod along one dimension, in place on a copy of x, which may be of another dtype; and prod, the last of
 * such products over dimensions that are brought to the end. Integers and bool give int64, as sums of them do. */
#include "ops/operation.h"

typedef struct scan {
    int dim;
} scan;

static const cnn__attribute scan_attributes[] = { CNN__ATTRIBUTE(CNN__INT, scan, dim), { .name = NULL } };

static cnn_dtype scan_dtype(const cnn_tensor *x)
{
    return cnn__dtype_is_real(x->dtype) ? x->dtype : CNN_I64;
}

static bool scan_infer(cnn__call *call, void *attributes)
{
    scan *s = attributes;
    const cnn_tensor *x = call->in[0];
    if ((s->dim = cnn__call_dim(call, s->dim, x->ndim)) < 0) {
        return false;
    }
    cnn__out(call, 0, scan_dtype(x), x->ndim, x->shape);
    return true;
}

static cnn_along scan_sizes(const cnn_tensor *t, int dim)
{
    cnn_along g = { 1, t->shape[dim], 1 };
    for (int d = 0; d < t->ndim; d++) {
        *(d < dim ? &g.before : &g.after) *= d == dim ? 1 : t->shape[d];
    }
    return g;
}

/* y ← the scan of x; both are contiguous, and may be one. */
static bool scan_launch(cnn_tape *tape, const char *call, cnn_scan_parameters p, const cnn_tensor *x,
                        const cnn_tensor *y)
{
    return !y->numel || cnn__run_on(tape, call, CNN_KERNEL_SCAN, &p, sizeof p, 2, (const cnn_tensor *const[]){ y, x });
}

static bool scan_forward(cnn__call *call, const scan *s, bool product)
{
    cnn_tensor *y = call->out[0];
    return cnn__run_copy(call->tape, call->op->name, y, call->x[0]) &&
           scan_launch(call->tape, call->op->name,
                       (cnn_scan_parameters){ .along = scan_sizes(y, s->dim), .product = product }, y, y);
}

static bool cumsum_forward(cnn__call *call, void *attributes)
{
    return scan_forward(call, attributes, false);
}

static bool cumprod_forward(cnn__call *call, void *attributes)
{
    return scan_forward(call, attributes, true);
}

static void cumsum_backward(cnn__node *node, cnn_tensor *dy)
{
    const scan *s = node->attributes;
    cnn_tensor *dx = cnn__grad_empty(node, 0);
    if (dx && scan_launch(node->tape, node->op->name,
                          (cnn_scan_parameters){ .along = scan_sizes(dx, s->dim), .reverse = true }, dy, dx)) {
        cnn__grad_add(node, 0, dx);
    }
}

/* dx of products along a dimension, from x and dy, which are contiguous. */
static bool cumprod_slopes(const cnn__node *node, int dim, const cnn_tensor *x, const cnn_tensor *dy,
                           const cnn_tensor *dx)
{
    const cnn_along g = scan_sizes(x, dim);
    return !x->numel || cnn__run_on(node->tape, node->op->name, CNN_KERNEL_CUMPROD_BACKWARD, &g, sizeof g, 3,
                                    (const cnn_tensor *const[]){ dx, x, dy });
}

static void cumprod_backward(cnn__node *node, cnn_tensor *dy)
{
    const scan *s = node->attributes;
    cnn_tensor *dx = cnn__grad_empty(node, 0);
    if (dx && cumprod_slopes(node, s->dim, node->saved[0], dy, dx)) {
        cnn__grad_add(node, 0, dx);
    }
}

static const cnn__op cumsum_op = { .name = "cumsum",
                                   .size = sizeof(scan),
                                   .attributes = scan_attributes,
                                   .infer = scan_infer,
                                   .forward = cumsum_forward,
                                   .backward = cumsum_backward };
static const cnn__op cumprod_op = { .name = "cumprod",
                                    .dense = 1,
                                    .saves = 1,
                                    .size = sizeof(scan),
                                    .attributes = scan_attributes,
                                    .infer = scan_infer,
                                    .forward = cumprod_forward,
                                    .backward = cumprod_backward };

cnn_tensor *cnn_cumsum(cnn_tensor *x, int dim)
{
    return cnn__apply(&cumsum_op, &x, 1, &(scan){ dim });
}

cnn_tensor *cnn_cumprod(cnn_tensor *x, int dim)
{
    return cnn__apply(&cumprod_op, &x, 1, &(scan){ dim });
}
