/* The p-norm over any dimensions: (Σ |x|^p)^(1/p), the largest or smallest |x| for p = ±∞, the number of elements
 * that are not 0 for p = 0. Its gradient is 0 where the norm is, as PyTorch has it. */
#include "ops/reduced.h"

#include <math.h>

typedef struct vector_norm_attributes {
    cnn__reduction reduction; /* first: gradients read its axes */
    double p;
} vector_norm_attributes;

static const cnn__attribute vector_norm_attribute_list[] = {
    { .name = "dims",
      .type = CNN__INT,
      .offset = offsetof(vector_norm_attributes, reduction.dims),
      .count = CNN_MAX_DIMS,
      .counted = true,
      .count_at = offsetof(vector_norm_attributes, reduction.count) },
    { .name = "keepdim", .type = CNN__BOOL, .offset = offsetof(vector_norm_attributes, reduction.keepdim) },
    CNN__ATTRIBUTE(CNN__FLOAT, vector_norm_attributes, p),
    { .name = NULL }
};

static bool norm_infer(cnn__call *call, void *attributes)
{
    vector_norm_attributes *a = attributes;
    const cnn__axes *axes = &a->reduction.axes;
    const cnn_tensor *x = call->in[0];
    char text[CNN__SHAPE_TEXT];
    if (!cnn__call_real(call, 0) || !cnn__call_axes(call, &a->reduction)) {
        return false;
    }
    if (isnan(a->p)) {
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "p is nan, expected a number");
        return false;
    }
    if (axes->elements == 0 && (a->p < 0 || a->p == INFINITY)) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "shape %s has no elements along the dimensions to reduce",
                       cnn__shape_text(text, x->ndim, x->shape));
        return false;
    }
    cnn__out(call, 0, x->dtype, axes->ndim, axes->shape);
    return true;
}

/* |x|^p in place of x. */
static bool norm_powers(cnn__reduced *r, double p)
{
    const cnn_tensor *x = cnn__reduced_read(r, r->x);
    if (p == 0) { /* whether it is another number than 0, as a NaN is */
        cnn_tensor *truth = cnn__result(r->call, CNN_BOOL, x->ndim, x->shape);
        r->given = NULL;
        return truth &&
               cnn__run_elementwise(r->call->tape, r->call->op->name, CNN_KERNEL_COMPARE, CNN_COMPARE_OR, NULL, 3,
                                    (const cnn_tensor *const[]){ truth, x, x }) &&
               cnn__run_copy(r->call->tape, r->call->op->name, r->x, truth);
    }
    return (p == 2 || cnn__reduced_map(r, r->x, CNN_UNARY_ABS, 0)) &&
           (p == 1 || isinf(p) || cnn__reduced_map(r, r->x, CNN_UNARY_POW, p));
}

static bool norm_root(cnn__reduced *r, double p)
{
    return p == 0 || p == 1 || isinf(p) ||
           (p == 2 ? cnn__reduced_map(r, r->result, CNN_UNARY_SQRT, 0)
                   : cnn__reduced_map(r, r->result, CNN_UNARY_POW, 1 / p));
}

static bool norm_forward(cnn__call *call, void *attributes)
{
    const vector_norm_attributes *a = attributes;
    const cnn_reduce function = a->p == INFINITY    ? CNN_REDUCE_OF_MAX
                                : a->p == -INFINITY ? CNN_REDUCE_OF_MIN
                                                    : CNN_REDUCE_OF_SUM;
    cnn_tensor *y = call->out[0];
    cnn__reduced r;
    if (a->p == 2 && y->numel &&
        cnn__sum_products(cnn__step_of(call->tape), &a->reduction.axes, call->x[0], call->x[0], y)) {
        return cnn__run_elementwise(call->tape, call->op->name, CNN_KERNEL_UNARY, CNN_UNARY_SQRT, NULL, 2,
                                    (const cnn_tensor *const[]){ y, y });
    }
    return !y->numel || (cnn__reduced_begin(&r, call, &a->reduction.axes) && norm_powers(&r, a->p) &&
                         cnn__reduced_reduce(&r, function, r.result) && norm_root(&r, a->p) && cnn__reduced_end(&r));
}

/* dy / (how many there are) at the extremum, with the sign of x. */
static cnn_tensor *norm_extremum_slope(cnn__node *node, cnn_tensor *x, cnn_tensor *y, cnn_tensor *dy)
{
    const cnn__reduction *r = node->attributes;
    cnn_tensor *here = cnn_cast(cnn_eq(cnn_abs(x), y), x->dtype);
    cnn_tensor *shares = cnn_div(dy, cnn_sum(here, r->count, r->dims, true));
    return cnn_mul(cnn_mul(cnn_sign(x), here), shares);
}

/* sign(x) · |x|^(p − 1) · dy / y^(p − 1) */
static cnn_tensor *norm_power_slope(cnn__node *node, double p, cnn_tensor *x, cnn_tensor *y, cnn_tensor *dy)
{
    cnn_tensor *zero = cnn__constant(node, x->dtype, 0);
    cnn_tensor *slope = p == 2 ? x : cnn_mul(cnn_sign(x), cnn_pow_scalar(cnn_abs(x), p - 1));
    cnn_tensor *factor = p == 2 ? cnn_div(dy, y) : cnn_mul(dy, cnn_pow_scalar(y, 1 - p));
    slope = p < 1 ? cnn_where(cnn_eq(x, zero), zero, slope) : slope;
    return cnn_mul(slope, cnn_where(cnn_eq(y, zero), zero, factor));
}

static void norm_backward(cnn__node *node, cnn_tensor *dy)
{
    const vector_norm_attributes *a = node->attributes;
    cnn_tensor *x = cnn__reduced_widen(node->saved[0]);
    cnn_tensor *y = cnn__reduced_spread(node, &a->reduction.axes, cnn__saved_output(node, 0));
    dy = cnn__reduced_spread(node, &a->reduction.axes, dy);
    cnn__reduced_add(node, a->p == 0     ? cnn_expand(cnn__constant(node, x->dtype, 0), x->ndim, x->shape)
                           : a->p == 1   ? cnn_mul(dy, cnn_sign(x))
                           : isinf(a->p) ? norm_extremum_slope(node, x, y, dy)
                                         : norm_power_slope(node, a->p, x, y, dy));
}

static const cnn__op norm_op = { .name = "norm",
                                 .saves = 1 | CNN__OUTPUT(0),
                                 .size = sizeof(vector_norm_attributes),
                                 .attributes = vector_norm_attribute_list,
                                 .infer = norm_infer,
                                 .forward = norm_forward,
                                 .backward = norm_backward };

cnn_tensor *cnn_norm(cnn_tensor *x, double p, int count, const int *dims, bool keepdim)
{
    vector_norm_attributes a = { .reduction = { .count = count, .given = dims, .keepdim = keepdim }, .p = p };
    return cnn__apply(&norm_op, &x, 1, &a);
}
