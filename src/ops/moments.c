/* var and std over any dimensions, in two passes: the squares of the differences from the mean, divided by the
 * number of elements minus a correction. */
#include "ops/reduced.h"

typedef struct moments_attributes {
    cnn__reduction reduction; /* first: gradients read its axes */
    int correction;
} moments_attributes;

static const cnn__attribute moments_attribute_list[] = {
    { .name = "dims",
      .type = CNN__INT,
      .offset = offsetof(moments_attributes, reduction.dims),
      .count = CNN_MAX_DIMS,
      .counted = true,
      .count_at = offsetof(moments_attributes, reduction.count) },
    { .name = "keepdim", .type = CNN__BOOL, .offset = offsetof(moments_attributes, reduction.keepdim) },
    CNN__ATTRIBUTE(CNN__INT, moments_attributes, correction),
    { .name = NULL }
};

static bool moments_infer(cnn__call *call, void *attributes)
{
    moments_attributes *a = attributes;
    const cnn__axes *axes = &a->reduction.axes;
    if (!cnn__call_real(call, 0) || !cnn__call_axes(call, &a->reduction)) {
        return false;
    }
    cnn__out(call, 0, call->in[0]->dtype, axes->ndim, axes->shape);
    return true;
}

/* What the sum is divided by; never negative. */
static double moments_divisor(const moments_attributes *a)
{
    double divisor = (double)a->reduction.axes.elements - a->correction;
    return divisor > 0 ? divisor : 0;
}

static bool moments_variance(cnn__reduced *r, const moments_attributes *a)
{
    cnn_tensor *mean = cnn__reduced_kept(r);
    return mean && cnn__reduced_reduce(r, CNN_REDUCE_OF_SUM, mean) &&
           cnn__reduced_map(r, mean, CNN_UNARY_DIV, (double)a->reduction.axes.elements) &&
           cnn__reduced_with(r, r->x, CNN_BINARY_SUB, mean) && cnn__reduced_map(r, r->x, CNN_UNARY_POW, 2) &&
           cnn__reduced_reduce(r, CNN_REDUCE_OF_SUM, r->result) &&
           cnn__reduced_map(r, r->result, CNN_UNARY_DIV, moments_divisor(a));
}

static bool var_forward(cnn__call *call, void *attributes)
{
    const moments_attributes *a = attributes;
    cnn__reduced r;
    return !call->out[0]->numel ||
           (cnn__reduced_begin(&r, call, &a->reduction.axes) && moments_variance(&r, a) && cnn__reduced_end(&r));
}

static bool std_forward(cnn__call *call, void *attributes)
{
    const moments_attributes *a = attributes;
    cnn__reduced r;
    return !call->out[0]->numel || (cnn__reduced_begin(&r, call, &a->reduction.axes) && moments_variance(&r, a) &&
                                    cnn__reduced_map(&r, r.result, CNN_UNARY_SQRT, 0) && cnn__reduced_end(&r));
}

/* slope · scale · (x − mean) / divisor */
static void moments_add_gradient(cnn__node *node, cnn_tensor *slope, double scale)
{
    const moments_attributes *a = node->attributes;
    cnn_tensor *x = cnn__reduced_widen(node->saved[0]);
    cnn_tensor *difference = cnn_sub(x, cnn_mean(x, a->reduction.count, a->reduction.dims, true));
    cnn__reduced_add(node, cnn_mul(difference, cnn_mul_scalar(slope, scale / moments_divisor(a))));
}

static void var_backward(cnn__node *node, cnn_tensor *dy)
{
    const moments_attributes *a = node->attributes;
    moments_add_gradient(node, cnn__reduced_spread(node, &a->reduction.axes, dy), 2);
}

/* Half of dy / std goes to the variance, 0 where that is 0. */
static void std_backward(cnn__node *node, cnn_tensor *dy)
{
    const moments_attributes *a = node->attributes;
    cnn_tensor *y = cnn__reduced_spread(node, &a->reduction.axes, cnn__saved_output(node, 0));
    cnn_tensor *zero = cnn__constant(node, y->dtype, 0);
    dy = cnn__reduced_spread(node, &a->reduction.axes, dy);
    moments_add_gradient(node, cnn_where(cnn_eq(y, zero), zero, cnn_div(dy, y)), 1);
}

/* What the descriptors have in common; `...` are further members. */
#define MOMENTS(function, gradient, ...) \
    { \
        .name = #function, .backward = (gradient), .size = sizeof(moments_attributes), \
        .attributes = moments_attribute_list, .infer = moments_infer, __VA_ARGS__ \
    }

static const cnn__op var_op = MOMENTS(var, var_backward, .forward = var_forward, .saves = 1);
static const cnn__op std_op = MOMENTS(std, std_backward, .forward = std_forward, .saves = 1 | CNN__OUTPUT(0));

static cnn_tensor *moments_apply(const cnn__op *op, cnn_tensor *x, int correction, int count, const int *dims,
                                 bool keepdim)
{
    moments_attributes a = { .reduction = { .count = count, .given = dims, .keepdim = keepdim },
                             .correction = correction };
    return cnn__apply(op, &x, 1, &a);
}

cnn_tensor *cnn_var(cnn_tensor *x, int correction, int count, const int *dims, bool keepdim)
{
    return moments_apply(&var_op, x, correction, count, dims, keepdim);
}

cnn_tensor *cnn_std(cnn_tensor *x, int correction, int count, const int *dims, bool keepdim)
{
    return moments_apply(&std_op, x, correction, count, dims, keepdim);
}
