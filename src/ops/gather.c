/* Elements that indices name along a dimension: gather, with an index for each element, and index_select, with one list
 * for all. The gradient of an element is the sum over its uses, in the order of the indices. */
#include "ops/indexing.h"

enum { GATHER_X, GATHER_INDEX };

static bool gather_infer(cnn__call *call, void *attributes)
{
    cnn__indexing *g = attributes;
    const cnn_tensor *x = call->in[GATHER_X], *index = call->in[GATHER_INDEX];
    if (!cnn__call_indices(call, GATHER_INDEX) || (g->dim = cnn__call_dim(call, g->dim, x->ndim)) < 0 ||
        !cnn__call_index_fits(call, GATHER_X, g->dim)) {
        return false;
    }
    cnn__out(call, 0, x->dtype, index->ndim, index->shape);
    return true;
}

static bool index_select_infer(cnn__call *call, void *attributes)
{
    cnn__indexing *g = attributes;
    const cnn_tensor *x = call->in[GATHER_X], *index = call->in[GATHER_INDEX];
    char text[CNN__SHAPE_TEXT];
    if (!cnn__call_indices(call, GATHER_INDEX) || (g->dim = cnn__call_dim(call, g->dim, x->ndim)) < 0) {
        return false;
    }
    if (index->ndim > 1) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "the index is %s, expected [n] or []",
                       cnn__shape_text(text, index->ndim, index->shape));
        return false;
    }
    cnn__out_like(call, 0, GATHER_X);
    call->spec[0].shape[g->dim] = index->numel;
    return true;
}

static bool gather_forward(cnn__call *call, void *attributes)
{
    const int dim = ((const cnn__indexing *)attributes)->dim;
    const cnn_tensor *x = call->x[GATHER_X];
    return cnn__indices_check(call, GATHER_INDEX, dim, x->shape[dim]) &&
           cnn__run_gather(call->tape, call->op->name, call->out[0], x, call->x[GATHER_INDEX], dim);
}

static void gather_backward(cnn__node *node, cnn_tensor *dy)
{
    const int dim = ((const cnn__indexing *)node->attributes)->dim;
    cnn_tensor *dx = cnn__grad_empty(node, GATHER_X);
    if (dx && cnn__run_fill(node->tape, node->op->name, dx, 0) &&
        cnn__run_scatter(node->tape, node->op->name, CNN_KERNEL_SCATTER_ADD, dx, dy, node->saved[GATHER_INDEX], dim)) {
        cnn__grad_add(node, GATHER_X, dx);
    }
}

static const cnn__reads gather_reads[] = { [GATHER_INDEX] = { "the index tensor", 1u << GATHER_X },
                                           [GATHER_INDEX + 1] = { NULL, 0 } };

/* What the descriptors have in common. */
#define GATHER(function, rule, gradient) \
    { \
        .name = #function, .dense = 1u << GATHER_INDEX, .saves = 1u << GATHER_INDEX, .size = sizeof(cnn__indexing), \
        .attributes = cnn__indexing_attributes, .infer = (rule), .forward = gather_forward, .backward = (gradient), \
        .reads = gather_reads \
    }

static const cnn__op gather_op = GATHER(gather, gather_infer, gather_backward);
static const cnn__op index_select_op = GATHER(index_select, index_select_infer, gather_backward);

cnn_tensor *cnn_gather(cnn_tensor *x, int dim, cnn_tensor *index)
{
    return cnn__apply(&gather_op, (cnn_tensor *const[]){ x, index }, 2, &(cnn__indexing){ .dim = dim });
}

cnn_tensor *cnn_index_select(cnn_tensor *x, int dim, cnn_tensor *index)
{
    return cnn__apply(&index_select_op, (cnn_tensor *const[]){ x, index }, 2, &(cnn__indexing){ .dim = dim });
}
