/* Reductions that take several kernels. */
#include "ops/reduced.h"

#include "autograd/chain.h"
#include "kernels/kernels.h"

bool cnn__reduced_begin(cnn__reduced *r, cnn__call *call, const cnn__axes *axes)
{
    const cnn_tensor *x = call->x[0];
    cnn_tensor *y = call->out[0];
    cnn_dtype dtype = cnn__dtypes[x->dtype].compute;
    *r = (cnn__reduced){ .call = call, .axes = axes };
    r->x = cnn__result(call, dtype, x->ndim, x->shape);
    r->result = y->dtype == dtype ? y : cnn__result(call, dtype, y->ndim, y->shape);
    r->given = x->dtype == dtype ? x : NULL;
    return r->x && r->result && (r->given || cnn__run_copy(call->tape, call->op->name, r->x, x));
}

const cnn_tensor *cnn__reduced_read(const cnn__reduced *r, const cnn_tensor *t)
{
    return t == r->x && r->given ? r->given : t;
}

static bool reduced_run(cnn__reduced *r, cnn_kernel kernel, int function, const double values[2], int count,
                        cnn_tensor *t, const cnn_tensor *other)
{
    const cnn_tensor *from = cnn__reduced_read(r, t);
    r->given = t == r->x ? NULL : r->given;
    return cnn__run_elementwise(r->call->tape, r->call->op->name, kernel, function, values, count,
                                (const cnn_tensor *const[]){ t, from, other });
}

cnn_tensor *cnn__reduced_kept(cnn__reduced *r)
{
    return cnn__result(r->call, r->x->dtype, r->x->ndim, r->axes->keep);
}

bool cnn__reduced_map(cnn__reduced *r, cnn_tensor *t, cnn_unary function, double value)
{
    const double values[2] = { value, function == CNN_UNARY_CLAMP ? -value : 0 };
    return reduced_run(r, CNN_KERNEL_UNARY, (int)function, values, 2, t, NULL);
}

bool cnn__reduced_with(cnn__reduced *r, cnn_tensor *t, cnn_binary function, const cnn_tensor *other)
{
    return reduced_run(r, CNN_KERNEL_BINARY, (int)function, NULL, 3, t, other);
}

bool cnn__reduced_reduce(cnn__reduced *r, cnn_reduce function, const cnn_tensor *to)
{
    cnn_reduce_parameters p;
    p.function = (int)function;
    const cnn_tensor *x = cnn__reduced_read(r, r->x);
    cnn__axes_nests(r->axes, x, &p.outer, &p.inner);
    return !to->numel || cnn__run_on(r->call->tape, r->call->op->name, CNN_KERNEL_REDUCE, &p, sizeof p, 2,
                                     (const cnn_tensor *const[]){ to, x });
}

bool cnn__reduced_end(cnn__reduced *r)
{
    cnn_tensor *y = r->call->out[0];
    cnn__tape_drop(r->x);
    return y == r->result || cnn__run_copy(r->call->tape, r->call->op->name, y, r->result);
}

bool cnn__sum_products(const cnn__step *step, const cnn__axes *axes, const cnn_tensor *a, const cnn_tensor *b,
                       const cnn_tensor *y)
{
    cnn_reduce_parameters sums;
    if (!a->numel || !cnn__may_join(step, a->dtype) || !cnn__contiguous(a) || !cnn__contiguous(b)) {
        return false;
    }
    cnn__axes_nests(axes, a, &sums.outer, &sums.inner);
    const cnn__product_gradients g = {
        .count = a->numel, .dy = cnn__data(a), .a = cnn__data(b), .db = cnn__data(y), .sums = &sums
    };
    return cnn__map_product_gradients(step->ctx->kernels->array->maps, a->dtype, &g, step->ctx->pool);
}

cnn_tensor *cnn__reduced_widen(cnn_tensor *t)
{
    return cnn_cast(t, cnn__dtypes[t->dtype].compute);
}

cnn_tensor *cnn__reduced_spread(const cnn__node *node, const cnn__axes *axes, cnn_tensor *y)
{
    return cnn__reduced_widen(cnn_reshape(y, node->in[0]->ndim, axes->keep));
}

void cnn__reduced_add(cnn__node *node, cnn_tensor *dx)
{
    cnn__grad_add(node, 0, cnn_cast(dx, node->in[0]->dtype));
}
