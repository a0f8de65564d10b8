/* any and all over any dimensions: whether elements are other numbers than 0, as a NaN is. The results are bool and
 * have no gradient. */
#include "ops/operation.h"

static bool truth_infer(cnn__call *call, void *attributes)
{
    cnn__reduction *r = attributes;
    if (!cnn__call_axes(call, r)) {
        return false;
    }
    cnn__out(call, 0, CNN_BOOL, r->axes.ndim, r->axes.shape);
    return true;
}

static bool truth_reduce(cnn__call *call, const cnn__reduction *r, cnn_reduce function)
{
    const cnn_tensor *x = call->x[0], *y = call->out[0];
    const char *name = call->op->name;
    if (!y->numel || !r->axes.elements) {
        return cnn__run_fill(call->tape, name, y, function == CNN_REDUCE_OF_MIN);
    }
    cnn_tensor *truth = cnn__result(call, CNN_BOOL, x->ndim, x->shape);
    cnn_reduce_parameters p = { .function = (int)function };
    if (!truth || !cnn__run_elementwise(call->tape, name, CNN_KERNEL_COMPARE, CNN_COMPARE_OR, NULL, 3,
                                        (const cnn_tensor *const[]){ truth, x, x })) {
        return false;
    }
    cnn__axes_nests(&r->axes, truth, &p.outer, &p.inner);
    bool done =
        cnn__run_on(call->tape, name, CNN_KERNEL_REDUCE, &p, sizeof p, 2, (const cnn_tensor *const[]){ y, truth });
    cnn__tape_drop(truth);
    return done;
}

static bool any_forward(cnn__call *call, void *attributes)
{
    return truth_reduce(call, attributes, CNN_REDUCE_OF_MAX);
}

static bool all_forward(cnn__call *call, void *attributes)
{
    return truth_reduce(call, attributes, CNN_REDUCE_OF_MIN);
}

/* What the descriptors have in common. */
#define TRUTH(function, compute) \
    { \
        .name = #function, .size = sizeof(cnn__reduction), .attributes = cnn__reduction_attributes, \
        .infer = truth_infer, .forward = (compute) \
    }

static const cnn__op any_op = TRUTH(any, any_forward);
static const cnn__op all_op = TRUTH(all, all_forward);

static cnn_tensor *truth_apply(const cnn__op *op, cnn_tensor *x, int count, const int *dims, bool keepdim)
{
    cnn__reduction r = { .count = count, .given = dims, .keepdim = keepdim };
    return cnn__apply(op, &x, 1, &r);
}

cnn_tensor *cnn_any(cnn_tensor *x, int count, const int *dims, bool keepdim)
{
    return truth_apply(&any_op, x, count, dims, keepdim);
}

cnn_tensor *cnn_all(cnn_tensor *x, int count, const int *dims, bool keepdim)
{
    return truth_apply(&all_op, x, count, dims, keepdim);
}
