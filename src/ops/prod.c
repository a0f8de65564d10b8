/* The product over any dimensions, whose gradient is made of rows. Integers and bool give int64. */
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

static bool prod_forward(cnn__call *call, void *attributes)
{
    const char *name = call->op->name;
    const cnn_tensor *x = call->x[0], *y = call->out[0];
    cnn_tensor *wide = NULL;
    cnn_reduce_parameters p;
    p.function = CNN_REDUCE_OF_PRODUCT;
    if (x->dtype != y->dtype) {
        wide = cnn__result(call, y->dtype, x->ndim, x->shape);
        if (!wide || !cnn__run_copy(call->tape, name, wide, x)) {
            return false;
        }
        x = wide;
    }
    cnn__axes_nests(&((const cnn__reduction *)attributes)->axes, x, &p.outer, &p.inner);
    const bool done = !y->numel || cnn__run_on(call->tape, name, CNN_KERNEL_REDUCE, &p, sizeof p, 2,
                                               (const cnn_tensor *const[]){ y, x });
    if (wide) {
        cnn__tape_drop(wide);
    }
    return done;
}

/* Writes dx, through rows in order where those of x or dx are not. */
static bool prod_slopes(cnn__node *node, const cnn_tensor *dy, const cnn_tensor *dx)
{
    const cnn__axes *axes = node->attributes;
    const char *name = node->op->name;
    const cnn_along g = { dy->numel, axes->elements, 1 };
    cnn_tensor from = prod_rows(node->saved[0], axes), to = prod_rows(dx, axes);
    cnn_tensor *x = cnn__contiguous(&from) ? &from : cnn__grad_like(node, &from);
    cnn_tensor *slopes = cnn__contiguous(&to) ? &to : cnn__grad_like(node, &to);
    return x && slopes && (x == &from || cnn__run_copy(node->tape, name, x, &from)) &&
           cnn__run_on(node->tape, name, CNN_KERNEL_PROD_BACKWARD, &g, sizeof g, 3,
                       (const cnn_tensor *const[]){ slopes, x, dy }) &&
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
