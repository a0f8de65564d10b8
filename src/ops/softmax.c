/* softmax and log_softmax along one dimension. The kernels take contiguous rows. Along another dimension than the last,
 * many rows beside each other are reduced at once; few are brought there and back. */
#include "ops/reduced.h"
#include "ops/unary.h"

#include "autograd/chain.h"
#include "kernels/kernels.h"

enum { LEAST_BESIDE = 32 };

typedef struct axis {
    int dim;
} axis;

static const cnn__attribute axis_attributes[] = { CNN__ATTRIBUTE(CNN__INT, axis, dim), { .name = NULL } };

/* How many elements lie between two neighbours along the axis of a contiguous tensor. */
static int64_t axis_beside(const cnn_tensor *x, int dim)
{
    int64_t count = 1;
    for (int d = dim + 1; d < x->ndim; d++) {
        count *= x->shape[d];
    }
    return count;
}

/* The axis as that of a reduction. */
static cnn__axes axes_of(const cnn_tensor *x, int dim)
{
    cnn__axes axes = { .ndim = x->ndim, .elements = x->shape[dim] };
    for (int d = 0; d < x->ndim; d++) {
        axes.reduced[d] = d == dim;
        axes.keep[d] = axes.shape[d] = d == dim ? 1 : x->shape[d];
    }
    return axes;
}

/* Σ dy·y, or Σ dy, in row-major order. */
static const cnn_tensor *axis_totals(cnn__node *node, cnn_tensor *dy, int dim, bool of_log)
{
    cnn_tensor *y = cnn__saved_output(node, 0);
    const cnn__axes axes = axes_of(y, dim);
    const cnn_tensor *row = of_log ? NULL : cnn__grad_matrix(node, y->dtype, 1, y->numel / axes.elements);
    if (row && cnn__sum_products(cnn__step_of(node->tape), &axes, dy, y, row)) {
        return row;
    }
    return cnn_sum(of_log ? dy : cnn_mul(dy, y), 1, &dim, true);
}

/* The gradient in one pass over memory, after another for its totals where these are not made of whole rows; false: it
 * has to be launched. */
static bool backward_at_once(cnn__node *node, cnn_tensor *dy, bool of_log)
{
    const cnn__step *step = cnn__step_of(node->tape);
    const int dim = ((const axis *)node->attributes)->dim;
    const cnn_tensor *y = cnn__saved_output(node, 0), *totals = NULL;
    cnn__softmax_gradient g = { .of_log = of_log, .outer = 1, .n = y->shape[dim], .beside = axis_beside(y, dim) };
    if (!y->numel || !cnn__may_join(step, y->dtype) || (g.beside > 1 && g.beside < LEAST_BESIDE)) {
        return false;
    }
    g.outer = y->numel / (g.n * g.beside);
    if (g.beside > 1 || !cnn__reduces_rows(g.outer, g.n)) {
        totals = axis_totals(node, dy, dim, of_log);
    }
    cnn_tensor *dx = step->status == CNN_OK ? cnn__grad_empty(node, 0) : NULL;
    if (dx) {
        g.dy = cnn__data(dy);
        g.y = cnn__data(y);
        g.totals = totals ? cnn__data(totals) : NULL;
        g.dx = cnn__data(dx);
        cnn__map_softmax_gradient(step->ctx->kernels->array->maps, y->dtype, &g, step->ctx->pool);
        cnn__grad_add(node, 0, dx);
    }
    return true;
}

/* y · (dy − Σ dy·y) */
static void softmax_backward(cnn__node *node, cnn_tensor *dy)
{
    const axis *along = node->attributes;
    cnn_tensor *y = cnn__saved_output(node, 0);
    if (!backward_at_once(node, dy, false)) {
        cnn_tensor *total = cnn_sum(cnn_mul(dy, y), 1, &along->dim, true);
        cnn__unary_add_with(node, cnn_sub(dy, total), CNN_BINARY_MUL, y);
    }
}

/* dy − exp(y) · Σ dy */
static void log_softmax_backward(cnn__node *node, cnn_tensor *dy)
{
    const axis *along = node->attributes;
    if (!backward_at_once(node, dy, true)) {
        cnn_tensor *total = cnn_sum(dy, 1, &along->dim, true);
        cnn__unary_add_with(node, dy, CNN_BINARY_SUB, cnn_mul(cnn_exp(cnn__saved_output(node, 0)), total));
    }
}

/* Rows of n elements. */
static bool softmax_run(cnn__call *call, cnn_kernel kernel, int64_t n, const cnn_tensor *x, const cnn_tensor *y)
{
    const cnn_matrix rows = { n ? y->numel / n : 0, n };
    cnn_launch l =
        CNN__LAUNCH(SOFTMAX, y->dtype, CNN__PARAMETERS(rows), .in = { cnn__data(x) }, .out = { cnn__data(y) });
    l.kernel = kernel;
    return !y->numel || cnn__run(call->tape, call->op->name, &l);
}

/* t with dimension `dim` and the last exchanged, without a handle of its own. */
static cnn_tensor exchanged(const cnn_tensor *t, int dim)
{
    cnn_tensor view = *t;
    int last = t->ndim - 1;
    view.shape[dim] = t->shape[last];
    view.shape[last] = t->shape[dim];
    view.stride[dim] = t->stride[last];
    view.stride[last] = t->stride[dim];
    return view;
}

/* Along another dimension than the last. */
static bool run_across(cnn__call *call, cnn_kernel kernel, int dim, const cnn_tensor *x, const cnn_tensor *y)
{
    cnn_tensor from = exchanged(x, dim), to = exchanged(y, dim);
    cnn_tensor *dense = cnn__result(call, x->dtype, x->ndim, from.shape);
    if (!dense) {
        return false;
    }
    return cnn__run_copy(call->tape, call->op->name, dense, &from) &&
           softmax_run(call, kernel, x->shape[dim], dense, dense) &&
           cnn__run_copy(call->tape, call->op->name, &to, dense);
}

static bool run_function(cnn__call *call, cnn_kernel kernel, int function, double value, int count, const cnn_tensor *y,
                         const cnn_tensor *a, const cnn_tensor *b)
{
    return cnn__run_elementwise(call->tape, call->op->name, kernel, function, (const double[]){ value, 0 }, count,
                                (const cnn_tensor *const[]){ y, a, b });
}

static bool run_reduction(cnn__call *call, cnn_reduce function, const cnn__axes *axes, const cnn_tensor *x,
                          const cnn_tensor *y)
{
    cnn_reduce_parameters p;
    p.function = (int)function;
    cnn__axes_nests(axes, x, &p.outer, &p.inner);
    return cnn__run_on(call->tape, call->op->name, CNN_KERNEL_REDUCE, &p, sizeof p, 2,
                       (const cnn_tensor *const[]){ y, x });
}

/* The largest elements are subtracted; the sums are those of the exponentials, which a logarithm keeps apart. */
static bool run_down(cnn__call *call, cnn_kernel kernel, int dim, const cnn_tensor *x, const cnn_tensor *y)
{
    const bool of_log = kernel == CNN_KERNEL_LOG_SOFTMAX;
    const cnn__axes axes = axes_of(x, dim);
    const cnn_tensor *row = cnn__result(call, x->dtype, x->ndim, axes.keep);
    const cnn_tensor *exps = of_log ? cnn__result_like(call, x->dtype, x) : y;
    return row && exps && run_reduction(call, CNN_REDUCE_OF_MAX, &axes, x, row) &&
           run_function(call, CNN_KERNEL_BINARY, CNN_BINARY_SUB, 0, 3, y, x, row) &&
           run_function(call, CNN_KERNEL_UNARY, CNN_UNARY_EXP, 0, 2, exps, y, NULL) &&
           run_reduction(call, CNN_REDUCE_OF_SUM, &axes, exps, row) &&
           (of_log ? run_function(call, CNN_KERNEL_UNARY, CNN_UNARY_LOG, 0, 2, row, row, NULL)
                   : run_function(call, CNN_KERNEL_UNARY, CNN_UNARY_POW, -1, 2, row, row, NULL)) &&
           run_function(call, CNN_KERNEL_BINARY, of_log ? CNN_BINARY_SUB : CNN_BINARY_MUL, 0, 3, y, y, row);
}

/* Whether rows lie beside each other, at least a few vectors of them. Types that are only stored would be rounded
 * between two launches. */
static bool goes_down(const cnn_tensor *x, int dim)
{
    return axis_beside(x, dim) >= LEAST_BESIDE && x->numel > 0 && (x->dtype == CNN_F32 || x->dtype == CNN_F64);
}

static bool softmax_infer(cnn__call *call, void *attributes)
{
    axis *along = attributes;
    if (!cnn__call_real(call, 0) || (along->dim = cnn__call_dim(call, along->dim, call->in[0]->ndim)) < 0) {
        return false;
    }
    cnn__out_like(call, 0, 0);
    return true;
}

static bool run_along(cnn__call *call, int dim, cnn_kernel kernel)
{
    const cnn_tensor *x = call->x[0];
    if (dim < x->ndim - 1) {
        return (goes_down(x, dim) ? run_down : run_across)(call, kernel, dim, x, call->out[0]);
    }
    const cnn_tensor *dense = cnn__call_contiguous(call, 0);
    return dense && softmax_run(call, kernel, x->shape[dim], dense, call->out[0]);
}

static bool softmax_forward(cnn__call *call, void *attributes)
{
    return run_along(call, ((const axis *)attributes)->dim, CNN_KERNEL_SOFTMAX);
}

static bool log_softmax_forward(cnn__call *call, void *attributes)
{
    return run_along(call, ((const axis *)attributes)->dim, CNN_KERNEL_LOG_SOFTMAX);
}

static const cnn__op softmax_op = { .name = "softmax",
                                    .saves = CNN__OUTPUT(0),
                                    .size = sizeof(axis),
                                    .attributes = axis_attributes,
                                    .infer = softmax_infer,
                                    .forward = softmax_forward,
                                    .backward = softmax_backward };
static const cnn__op log_softmax_op = { .name = "log_softmax",
                                        .saves = CNN__OUTPUT(0),
                                        .size = sizeof(axis),
                                        .attributes = axis_attributes,
                                        .infer = softmax_infer,
                                        .forward = log_softmax_forward,
                                        .backward = log_softmax_backward };

cnn_tensor *cnn_softmax(cnn_tensor *x, int dim)
{
    return cnn__apply(&softmax_op, &x, 1, &(axis){ dim });
}

cnn_tensor *cnn_log_softmax(cnn_tensor *x, int dim)
{
    return cnn__apply(&log_softmax_op, &x, 1, &(axis){ dim });
}
