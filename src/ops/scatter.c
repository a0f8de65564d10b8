/* Elements that are written, or added to, where indices say: scatter, scatter_value, scatter_add, index_add; and
 * one_hot. Where an index repeats, the last one wins, and sums are made in its order. As in PyTorch, all that was
 * written has a gradient, also what was overwritten. */
#include "ops/indexing.h"

enum { SCATTER_X, SCATTER_INDEX, SCATTER_SOURCE };

static bool scatter_begin(cnn__call *call, cnn__indexing *g)
{
    return cnn__call_indices(call, SCATTER_INDEX) &&
           (g->dim = cnn__call_dim(call, g->dim, call->in[SCATTER_X]->ndim)) >= 0;
}

static bool scatter_check_dtype(cnn__call *call)
{
    const cnn_tensor *x = call->in[SCATTER_X], *source = call->in[SCATTER_SOURCE];
    if (source->dtype != x->dtype) {
        cnn__call_fail(call, CNN_ERROR_DTYPE, "operand %d is %s, expected %s like operand 0", SCATTER_SOURCE,
                       cnn_dtype_name(source->dtype), cnn_dtype_name(x->dtype));
    }
    return source->dtype == x->dtype;
}

static bool scatter_value_infer(cnn__call *call, void *attributes)
{
    cnn__indexing *g = attributes;
    if (!scatter_begin(call, g) || !cnn__call_index_fits(call, SCATTER_X, g->dim)) {
        return false;
    }
    cnn__out_like(call, 0, SCATTER_X);
    return true;
}

static bool scatter_infer(cnn__call *call, void *attributes)
{
    return scatter_value_infer(call, attributes) && scatter_check_dtype(call) &&
           cnn__call_index_fits(call, SCATTER_SOURCE, CNN_MAX_DIMS);
}

static bool scatter_add_infer(cnn__call *call, void *attributes)
{
    return cnn__call_number(call, SCATTER_X) && scatter_infer(call, attributes);
}

static bool index_add_infer(cnn__call *call, void *attributes)
{
    cnn__indexing *g = attributes;
    const cnn_tensor *x = call->in[SCATTER_X], *index = call->in[SCATTER_INDEX], *source = call->in[SCATTER_SOURCE];
    char text[3][CNN__SHAPE_TEXT];
    if (!cnn__call_number(call, SCATTER_X) || !scatter_begin(call, g) || !scatter_check_dtype(call)) {
        return false;
    }
    bool fits = index->ndim <= 1 && source->ndim == x->ndim;
    for (int d = 0; fits && d < x->ndim; d++) {
        fits = source->shape[d] == (d == g->dim ? index->numel : x->shape[d]);
    }
    if (!fits) {
        cnn__call_fail(
            call, CNN_ERROR_SHAPE, "the index is %s, the source is %s, expected [n] and %s with size n in dimension %d",
            cnn__shape_text(text[0], index->ndim, index->shape), cnn__shape_text(text[1], source->ndim, source->shape),
            cnn__shape_text(text[2], x->ndim, x->shape), g->dim);
    }
    cnn__out_like(call, 0, SCATTER_X);
    return fits;
}

static bool scatter_run(cnn__call *call, const cnn__indexing *g, cnn_kernel kernel, const cnn_tensor *source)
{
    const cnn_tensor *x = call->x[SCATTER_X], *index = call->x[SCATTER_INDEX];
    cnn_tensor *y = call->out[0];
    return cnn__indices_check(call, SCATTER_INDEX, g->dim, x->shape[g->dim]) &&
           cnn__run_copy(call->tape, call->op->name, y, x) &&
           cnn__run_scatter(call->tape, call->op->name, kernel, y, source, index, g->dim);
}

static bool scatter_forward(cnn__call *call, void *attributes)
{
    return scatter_run(call, attributes, CNN_KERNEL_SCATTER, call->x[SCATTER_SOURCE]);
}

static bool scatter_add_forward(cnn__call *call, void *attributes)
{
    return scatter_run(call, attributes, CNN_KERNEL_SCATTER_ADD, call->x[SCATTER_SOURCE]);
}

/* A scalar with elements of its own. */
static cnn_tensor *scatter_scalar(cnn__call *call, cnn_dtype dtype, double value)
{
    cnn_tensor *t = cnn__result(call, dtype, 0, NULL);
    return t && cnn__run_fill(call->tape, call->op->name, t, value) ? t : NULL;
}

static bool scatter_value_forward(cnn__call *call, void *attributes)
{
    const cnn__indexing *g = attributes;
    cnn_tensor *value = scatter_scalar(call, call->out[0]->dtype, g->value);
    return value && scatter_run(call, g, CNN_KERNEL_SCATTER, value);
}

/* ---- gradients ---- */

/* What was written over has none. */
static void scatter_grad_kept(cnn__node *node, cnn_tensor *dy)
{
    const int dim = ((const cnn__indexing *)node->attributes)->dim;
    const char *name = node->op->name;
    cnn_tensor *dx = cnn__grad_empty(node, SCATTER_X), *zero = dx ? cnn__constant(node, dy->dtype, 0) : NULL;
    if (zero && zero->storage && cnn__run_copy(node->tape, name, dx, dy) &&
        cnn__run_scatter(node->tape, name, CNN_KERNEL_SCATTER, dx, zero, node->saved[SCATTER_INDEX], dim)) {
        cnn__grad_add(node, SCATTER_X, dx);
    }
}

/* What is beyond the index is 0. */
static void scatter_grad_source(cnn__node *node, cnn_tensor *dy)
{
    const int dim = ((const cnn__indexing *)node->attributes)->dim;
    const cnn_tensor *index = node->saved[SCATTER_INDEX];
    cnn_tensor *ds = cnn__grad_empty(node, SCATTER_SOURCE);
    if (ds && (ds->numel == index->numel || cnn__run_fill(node->tape, node->op->name, ds, 0)) &&
        cnn__run_gather(node->tape, node->op->name, ds, dy, index, dim)) {
        cnn__grad_add(node, SCATTER_SOURCE, ds);
    }
}

static void scatter_value_backward(cnn__node *node, cnn_tensor *dy)
{
    scatter_grad_kept(node, dy);
}

static void scatter_backward(cnn__node *node, cnn_tensor *dy)
{
    if (cnn__wants(node, SCATTER_X)) {
        scatter_grad_kept(node, dy);
    }
    if (cnn__wants(node, SCATTER_SOURCE)) {
        scatter_grad_source(node, dy);
    }
}

static void scatter_add_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn__grad_add(node, SCATTER_X, dy);
    if (cnn__wants(node, SCATTER_SOURCE)) {
        scatter_grad_source(node, dy);
    }
}

/* ---- descriptors ---- */

static const cnn__reads scatter_reads[] = {
    [SCATTER_INDEX] = { "the index tensor", 1u << SCATTER_X | 1u << SCATTER_SOURCE }, [SCATTER_SOURCE + 1] = { NULL, 0 }
};
static const cnn__reads scatter_add_reads[] = { [SCATTER_INDEX] = { "the index tensor", 1u << SCATTER_SOURCE },
                                                [SCATTER_SOURCE + 1] = { NULL, 0 } };

/* What the descriptors have in common; `...` are further members. */
#define SCATTER(function, gradient, ...) \
    { \
        .name = #function, .backward = (gradient), .dense = 1u << SCATTER_INDEX, .saves = 1u << SCATTER_INDEX, \
        .size = sizeof(cnn__indexing), .attributes = cnn__indexing_attributes, __VA_ARGS__ \
    }

static const cnn__op scatter_op =
    SCATTER(scatter, scatter_backward, .infer = scatter_infer, .forward = scatter_forward, .reads = scatter_reads);
static const cnn__op scatter_value_op = SCATTER(scatter_value, scatter_value_backward, .infer = scatter_value_infer,
                                                .forward = scatter_value_forward, .reads = scatter_reads);
static const cnn__op scatter_add_op = SCATTER(scatter_add, scatter_add_backward, .infer = scatter_add_infer,
                                              .forward = scatter_add_forward, .reads = scatter_add_reads);
static const cnn__op index_add_op = SCATTER(index_add, scatter_add_backward, .infer = index_add_infer,
                                            .forward = scatter_add_forward, .reads = scatter_add_reads);

static cnn_tensor *scatter_apply(const cnn__op *op, cnn_tensor *x, int dim, cnn_tensor *index, cnn_tensor *source)
{
    return cnn__apply(op, (cnn_tensor *const[]){ x, index, source }, 3, &(cnn__indexing){ .dim = dim });
}

cnn_tensor *cnn_scatter(cnn_tensor *x, int dim, cnn_tensor *index, cnn_tensor *src)
{
    return scatter_apply(&scatter_op, x, dim, index, src);
}

cnn_tensor *cnn_scatter_value(cnn_tensor *x, int dim, cnn_tensor *index, double value)
{
    return cnn__apply(&scatter_value_op, (cnn_tensor *const[]){ x, index }, 2, &(cnn__indexing){ dim, value });
}

cnn_tensor *cnn_scatter_add(cnn_tensor *x, int dim, cnn_tensor *index, cnn_tensor *src)
{
    return scatter_apply(&scatter_add_op, x, dim, index, src);
}

cnn_tensor *cnn_index_add(cnn_tensor *x, int dim, cnn_tensor *index, cnn_tensor *source)
{
    return scatter_apply(&index_add_op, x, dim, index, source);
}

/* ---- one_hot ---- */

typedef struct one_hot_classes {
    int64_t num_classes;
} one_hot_classes;

static const cnn__attribute one_hot_attributes[] = { CNN__ATTRIBUTE(CNN__INT64, one_hot_classes, num_classes),
                                                     { .name = NULL } };

static bool one_hot_infer(cnn__call *call, void *attributes)
{
    const int64_t classes = ((const one_hot_classes *)attributes)->num_classes;
    const cnn_tensor *index = call->in[0];
    int64_t shape[CNN_MAX_DIMS + 1];
    if (!cnn__call_indices(call, 0)) {
        return false;
    }
    if (classes < 1) {
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "num_classes is %lld, expected 1 or more", (long long)classes);
        return false;
    }
    for (int d = 0; d < index->ndim; d++) {
        shape[d] = index->shape[d];
    }
    shape[index->ndim] = classes;
    cnn__out(call, 0, CNN_I64, index->ndim + 1, shape);
    return true;
}

static bool one_hot_forward(cnn__call *call, void *attributes)
{
    const int64_t classes = ((const one_hot_classes *)attributes)->num_classes;
    cnn_tensor *y = call->out[0], *one = scatter_scalar(call, CNN_I64, 1), index = *call->x[0];
    index.shape[index.ndim] = index.stride[index.ndim] = 1;
    index.ndim++;
    return one && cnn__indices_check(call, 0, y->ndim - 1, classes) &&
           cnn__run_fill(call->tape, call->op->name, y, 0) &&
           cnn__run_scatter(call->tape, call->op->name, CNN_KERNEL_SCATTER, y, one, &index, y->ndim - 1);
}

static const cnn__op one_hot_op = { .name = "one_hot",
                                    .dense = 1,
                                    .size = sizeof(one_hot_classes),
                                    .attributes = one_hot_attributes,
                                    .infer = one_hot_infer,
                                    .forward = one_hot_forward };

cnn_tensor *cnn_one_hot(cnn_tensor *index, int64_t num_classes)
{
    return cnn__apply(&one_hot_op, &index, 1, &(one_hot_classes){ num_classes });
}
