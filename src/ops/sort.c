/* sort, argsort and topk along one dimension, stable; a NaN is the largest number. Each value gives its gradient to the
 * element that it came from. */
#include "ops/indexing.h"

enum { SORT_INDICES = 1 }; /* the second result */

typedef struct sorting {
    int dim;
    int64_t k; /* how many topk returns */
    bool descending;
} sorting;

static const cnn__attribute sorting_attributes[] = { CNN__ATTRIBUTE(CNN__INT, sorting, dim),
                                                     CNN__ATTRIBUTE(CNN__INT64, sorting, k),
                                                     CNN__ATTRIBUTE(CNN__BOOL, sorting, descending),
                                                     { .name = NULL } };

static bool argsort_infer(cnn__call *call, void *attributes)
{
    sorting *s = attributes;
    const cnn_tensor *x = call->in[0];
    if ((s->dim = cnn__call_dim(call, s->dim, x->ndim)) < 0) {
        return false;
    }
    s->k = x->shape[s->dim];
    cnn__out(call, 0, CNN_I64, x->ndim, x->shape);
    return true;
}

static bool sort_results(cnn__call *call, const sorting *s)
{
    for (int j = 0; j <= SORT_INDICES; j++) {
        cnn__out(call, j, j ? CNN_I64 : call->in[0]->dtype, call->in[0]->ndim, call->in[0]->shape);
        call->spec[j].shape[s->dim] = s->k;
    }
    return true;
}

static bool sort_infer(cnn__call *call, void *attributes)
{
    return argsort_infer(call, attributes) && sort_results(call, attributes);
}

static bool topk_infer(cnn__call *call, void *attributes)
{
    sorting *s = attributes;
    const int64_t k = s->k;
    if (!argsort_infer(call, s)) {
        return false;
    }
    if (k < 0 || k > s->k) {
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "k is %lld, expected 0 to %lld, the size of dimension %d",
                       (long long)k, (long long)s->k, s->dim);
        return false;
    }
    s->k = k;
    return sort_results(call, s);
}

static bool sort_run(cnn__call *call, const sorting *s, const cnn_tensor *values, const cnn_tensor *indices)
{
    const cnn_tensor *x = call->x[0];
    cnn_sort_parameters p = { .along = { 1, x->shape[s->dim], 1 }, .k = s->k, .descending = s->descending };
    for (int d = 0; d < x->ndim; d++) {
        *(d < s->dim ? &p.along.before : &p.along.after) *= d == s->dim ? 1 : x->shape[d];
    }
    cnn_launch l = CNN__LAUNCH(SORT, x->dtype, CNN__PARAMETERS(p), .in = { cnn__data(x) },
                               .out = { values ? cnn__data(values) : NULL, cnn__data(indices) });
    return !indices->numel || cnn__run(call->tape, call->op->name, &l);
}

static bool argsort_forward(cnn__call *call, void *attributes)
{
    return sort_run(call, attributes, NULL, call->out[0]);
}

static bool sort_forward(cnn__call *call, void *attributes)
{
    return sort_run(call, attributes, call->out[0], call->out[SORT_INDICES]);
}

static void sort_backward(cnn__node *node, cnn_tensor *dy)
{
    const sorting *s = node->attributes;
    cnn_tensor *dx = cnn__grad_empty(node, 0);
    if (dx && cnn__run_fill(node->tape, node->op->name, dx, 0) &&
        cnn__run_scatter(node->tape, node->op->name, CNN_KERNEL_SCATTER, dx, dy, cnn__saved_output(node, SORT_INDICES),
                         s->dim)) {
        cnn__grad_add(node, 0, dx);
    }
}

static const cnn__reads sort_reads[] = { { NULL, 0 }, { NULL, 0 }, { "the index tensor", 1 } };

/* What the descriptors have in common; `...` are further members. */
#define SORT(function, rule, compute, ...) \
    { \
        .name = #function, .infer = (rule), .forward = (compute), .dense = 1, .size = sizeof(sorting), \
        .attributes = sorting_attributes, __VA_ARGS__ \
    }
#define SORT_BOTH(gradient) \
    .outputs = 2, .saves = CNN__OUTPUT(SORT_INDICES), .reads = sort_reads, .backward = (gradient)

static const cnn__op sort_op = SORT(sort, sort_infer, sort_forward, SORT_BOTH(sort_backward));
static const cnn__op topk_op = SORT(topk, topk_infer, sort_forward, SORT_BOTH(sort_backward));
static const cnn__op argsort_op = SORT(argsort, argsort_infer, argsort_forward, .backward = NULL);

static cnn_tensor *sort_apply(const cnn__op *op, cnn_tensor *x, sorting s, cnn_tensor **indices)
{
    cnn_tensor *results[2];
    cnn__apply_all(op, &x, 1, &s, results);
    if (indices) {
        *indices = results[SORT_INDICES];
    }
    return results[0];
}

cnn_tensor *cnn_sort(cnn_tensor *x, int dim, bool descending, cnn_tensor **indices)
{
    return sort_apply(&sort_op, x, (sorting){ .dim = dim, .descending = descending }, indices);
}

cnn_tensor *cnn_topk(cnn_tensor *x, int64_t k, int dim, bool largest, cnn_tensor **indices)
{
    return sort_apply(&topk_op, x, (sorting){ .dim = dim, .k = k, .descending = largest }, indices);
}

cnn_tensor *cnn_argsort(cnn_tensor *x, int dim, bool descending)
{
    return cnn__apply(&argsort_op, &x, 1, &(sorting){ .dim = dim, .descending = descending });
}
