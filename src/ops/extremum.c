/* max, min, argmax and argmin over any dimensions, where equal extrema share the gradient evenly, as torch.amax does
 * it; and max and min along one dimension with their indices, where the first of equal extrema gets all of it, as
 * torch.max(x, dim) does it. A NaN wins everywhere. */
#include "ops/operation.h"

/* dy / (how many equal the extremum) there, 0 elsewhere. */
static void extremum_backward(cnn__node *node, cnn_tensor *dy)
{
    const cnn__reduction *r = node->attributes;
    const int64_t *keep = r->axes.keep;
    cnn_tensor *x = node->saved[0], *y = cnn__saved_output(node, 0);
    cnn_tensor *here = cnn_cast(cnn_eq(x, cnn_reshape(y, x->ndim, keep)), x->dtype);
    cnn_tensor *shares = cnn_div(cnn_reshape(dy, x->ndim, keep), cnn_sum(here, r->count, r->dims, true));
    cnn__grad_add(node, 0, cnn_mul(here, shares));
}

/* Results without an element to come from. */
static bool check_elements(cnn__call *call, const cnn__axes *axes)
{
    const cnn_tensor *x = call->in[0];
    char text[CNN__SHAPE_TEXT];
    if (axes->elements == 0) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "shape %s has no elements along the dimensions to reduce",
                       cnn__shape_text(text, x->ndim, x->shape));
    }
    return axes->elements != 0;
}

static bool infer_as(cnn__call *call, cnn__reduction *r, cnn_dtype dtype)
{
    if (!cnn__call_axes(call, r) || !check_elements(call, &r->axes)) {
        return false;
    }
    cnn__out(call, 0, dtype, r->axes.ndim, r->axes.shape);
    return true;
}

static bool extremum_infer(cnn__call *call, void *attributes)
{
    return infer_as(call, attributes, call->in[0]->dtype);
}

static bool argmax_infer(cnn__call *call, void *attributes)
{
    return infer_as(call, attributes, CNN_I64);
}

static bool extremum_reduce(cnn__call *call, const cnn__reduction *r, cnn__reduce kernel)
{
    const cnn_tensor *x = call->x[0], *y = call->out[0];
    cnn_reduce_parameters p = { .function = (int)kernel };
    cnn__axes_nests(&r->axes, x, &p.outer, &p.inner);
    cnn_launch l = CNN__LAUNCH(REDUCE, x->dtype, CNN__PARAMETERS(p), .in = { cnn__data(x) }, .out = { cnn__data(y) });
    return !y->numel || cnn__run(call->tape, call->op->name, &l);
}

static bool max_forward(cnn__call *call, void *attributes)
{
    return extremum_reduce(call, attributes, CNN_REDUCE_OF_MAX);
}

static bool min_forward(cnn__call *call, void *attributes)
{
    return extremum_reduce(call, attributes, CNN_REDUCE_OF_MIN);
}

/* Writes the positions of the extrema to `index`. */
static bool extremum_search(cnn__call *call, const cnn__reduction *r, bool smallest, cnn_tensor *index)
{
    const cnn_tensor *x = call->x[0];
    cnn_reduce_parameters p = { .function = smallest };
    cnn__axes_nests(&r->axes, x, &p.outer, &p.inner);
    cnn_launch l =
        CNN__LAUNCH(ARGMAX, x->dtype, CNN__PARAMETERS(p), .in = { cnn__data(x) }, .out = { cnn__data(index) });
    return cnn__run(call->tape, call->op->name, &l);
}

static bool argmax_forward(cnn__call *call, void *attributes)
{
    return !call->out[0]->numel || extremum_search(call, attributes, false, call->out[0]);
}

static bool argmin_forward(cnn__call *call, void *attributes)
{
    return !call->out[0]->numel || extremum_search(call, attributes, true, call->out[0]);
}

/* What the descriptors have in common; `...` are further members. */
#define EXTREMUM(function, rule, compute, ...) \
    { \
        .name = #function, .size = sizeof(cnn__reduction), .attributes = cnn__reduction_attributes, .infer = (rule), \
        .forward = (compute), .backward = __VA_ARGS__ \
    }

static const cnn__op max_op =
    EXTREMUM(max, extremum_infer, max_forward, extremum_backward, .saves = 1 | CNN__OUTPUT(0));
static const cnn__op min_op =
    EXTREMUM(min, extremum_infer, min_forward, extremum_backward, .saves = 1 | CNN__OUTPUT(0));
static const cnn__op argmax_op = EXTREMUM(argmax, argmax_infer, argmax_forward, NULL);
static const cnn__op argmin_op = EXTREMUM(argmin, argmax_infer, argmin_forward, NULL);

/* ---- along one dimension ---- */

enum { EXTREMUM_INDICES = 1 }; /* the second result */

static bool along_infer(cnn__call *call, void *attributes)
{
    cnn__reduction *r = attributes;
    if (cnn__call_dim(call, *r->given, call->in[0]->ndim) < 0 || !infer_as(call, r, call->in[0]->dtype)) {
        return false;
    }
    cnn__out(call, EXTREMUM_INDICES, CNN_I64, r->axes.ndim, r->axes.shape);
    return true;
}

static cnn__along sizes_along(const cnn_tensor *x, int dim)
{
    cnn__along g = { 1, x->shape[dim], 1 };
    for (int d = 0; d < x->ndim; d++) {
        *(d < dim ? &g.before : &g.after) *= d == dim ? 1 : x->shape[d];
    }
    return g;
}

static bool pick(cnn__call *call, const cnn__reduction *r, bool smallest)
{
    const cnn_tensor *x = call->x[0], *y = call->out[0];
    cnn__along g = sizes_along(x, r->dims[0]);
    cnn_launch l = CNN__LAUNCH(PICK, x->dtype, CNN__PARAMETERS(g),
                               .in = { cnn__data(x), cnn__data(call->out[EXTREMUM_INDICES]) }, .out = { cnn__data(y) });
    return !y->numel || (extremum_search(call, r, smallest, call->out[EXTREMUM_INDICES]) &&
                         cnn__run(call->tape, call->op->name, &l));
}

static bool max_along_forward(cnn__call *call, void *attributes)
{
    return pick(call, attributes, false);
}

static bool min_along_forward(cnn__call *call, void *attributes)
{
    return pick(call, attributes, true);
}

static void along_backward(cnn__node *node, cnn_tensor *dy)
{
    const cnn__reduction *r = node->attributes;
    cnn_tensor *dx = cnn__grad_empty(node, 0);
    if (!dx) {
        return;
    }
    cnn__along g = sizes_along(dx, r->dims[0]);
    cnn_launch l = CNN__LAUNCH(PLACE, dx->dtype, CNN__PARAMETERS(g),
                               .in = { cnn__data(dy), cnn__data(cnn__saved_output(node, EXTREMUM_INDICES)) },
                               .out = { cnn__data(dx) });
    if (cnn__run_fill(node->tape, node->op->name, dx, 0) && cnn__run(node->tape, node->op->name, &l)) {
        cnn__grad_add(node, 0, dx);
    }
}

static const cnn__reads along_reads[] = { { NULL, 0 }, { NULL, 0 }, { "the index tensor", 1 } };
#define ALONG(function, compute, gradient) \
    EXTREMUM(function, along_infer, compute, gradient, .outputs = 2, .dense = 1, \
             .saves = CNN__OUTPUT(EXTREMUM_INDICES), .reads = along_reads)

static const cnn__op max_along_op = ALONG(max_along, max_along_forward, along_backward);
static const cnn__op min_along_op = ALONG(min_along, min_along_forward, along_backward);

static cnn_tensor *apply_along(const cnn__op *op, cnn_tensor *x, int dim, bool keepdim, cnn_tensor **indices)
{
    cnn_tensor *results[2];
    cnn__reduction r = { .count = 1, .given = &dim, .keepdim = keepdim };
    cnn__apply_all(op, &x, 1, &r, results);
    if (indices) {
        *indices = results[EXTREMUM_INDICES];
    }
    return results[0];
}

cnn_tensor *cnn_max_along(cnn_tensor *x, int dim, bool keepdim, cnn_tensor **indices)
{
    return apply_along(&max_along_op, x, dim, keepdim, indices);
}

cnn_tensor *cnn_min_along(cnn_tensor *x, int dim, bool keepdim, cnn_tensor **indices)
{
    return apply_along(&min_along_op, x, dim, keepdim, indices);
}

/* ---- over any dimensions ---- */

static cnn_tensor *extremum_apply(const cnn__op *op, cnn_tensor *x, int count, const int *dims, bool keepdim)
{
    cnn__reduction r = { .count = count, .given = dims, .keepdim = keepdim };
    return cnn__apply(op, &x, 1, &r);
}

cnn_tensor *cnn_max(cnn_tensor *x, int count, const int *dims, bool keepdim)
{
    return extremum_apply(&max_op, x, count, dims, keepdim);
}

cnn_tensor *cnn_min(cnn_tensor *x, int count, const int *dims, bool keepdim)
{
    return extremum_apply(&min_op, x, count, dims, keepdim);
}

cnn_tensor *cnn_argmax(cnn_tensor *x, int count, const int *dims, bool keepdim)
{
    return extremum_apply(&argmax_op, x, count, dims, keepdim);
}

cnn_tensor *cnn_argmin(cnn_tensor *x, int count, const int *dims, bool keepdim)
{
    return extremum_apply(&argmin_op, x, count, dims, keepdim);
}
