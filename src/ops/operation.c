/* What several operations share. */
#include "ops/operation.h"

bool cnn__call_options(cnn__call *call, void *ours, size_t size, size_t known, const void *given)
{
    bool good = cnn__options_read(call->ctx, call->op->name, ours, size, known, given) == CNN_OK;
    if (!good) {
        cnn__call_fail_newest(call);
    }
    return good;
}

bool cnn__call_number(cnn__call *call, int i)
{
    bool number = call->in[i]->dtype != CNN_BOOL;
    if (!number) {
        cnn__call_fail(call, CNN_ERROR_DTYPE, "operand %d is bool, expected a number", i);
    }
    return number;
}

int cnn__call_dim(cnn__call *call, int dim, int ndim)
{
    int found = cnn__dim(dim, ndim);
    if (found < 0 && ndim == 0) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "dimension %d of a tensor of rank 0, expected a tensor of rank 1 or more",
                       dim);
    } else if (found < 0) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "dimension %d of a tensor of rank %d, expected %d to %d", dim, ndim,
                       -ndim, ndim - 1);
    }
    return found;
}

bool cnn__call_broadcast(cnn__call *call, int a, int b, int *ndim, int64_t *shape)
{
    const cnn_tensor *ta = call->in[a], *tb = call->in[b];
    char text_a[CNN__SHAPE_TEXT], text_b[CNN__SHAPE_TEXT];
    bool fits = cnn__broadcast(ta->ndim, ta->shape, tb->ndim, tb->shape, ndim, shape);
    if (!fits) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "shapes %s and %s do not broadcast",
                       cnn__shape_text(text_a, ta->ndim, ta->shape), cnn__shape_text(text_b, tb->ndim, tb->shape));
    }
    return fits;
}

bool cnn__call_out_broadcast(cnn__call *call, cnn_dtype dtype)
{
    const cnn_tensor *a = call->in[0];
    cnn__spec *spec = &call->spec[0];
    if (cnn__same_shape(a, call->in[1])) {
        cnn__out_shaped(call, 0, 0, dtype);
        return true;
    }
    spec->kind = CNN__OUT_NEW;
    spec->dtype = dtype;
    spec->like = NULL;
    return cnn__call_broadcast(call, 0, 1, &spec->ndim, spec->shape);
}

const char *cnn__position_text(char text[CNN__SHAPE_TEXT], const cnn_tensor *t, int64_t number)
{
    int64_t at[CNN_MAX_DIMS];
    for (int i = t->ndim - 1; i >= 0; i--) {
        at[i] = number % t->shape[i];
        number /= t->shape[i];
    }
    return cnn__shape_text(text, t->ndim, at);
}

cnn_tensor *cnn__constant(const cnn__node *node, cnn_dtype dtype, double value)
{
    const cnn_tensor *like = node->out[0];
    cnn__call call = { .op = node->op, .tape = node->tape, .ctx = like->ctx, .nil = cnn__tape_nil(node->tape) };
    cnn_tensor *t = cnn__result(&call, dtype, 0, NULL);
    if (!t) {
        return call.nil;
    }
    return cnn__run_fill(node->tape, node->op->name, t, value) ? t : call.nil;
}

static bool mark_reduced(cnn__call *call, int count, const int *dims, cnn__axes *axes)
{
    int ndim = call->in[0]->ndim;
    if (count < 0 || count > ndim || (count && !dims)) {
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT,
                       "%d dimensions%s of a tensor of rank %d, expected 0 (all) to %d", count,
                       count > 0 && !dims ? " at NULL" : "", ndim, ndim);
        return false;
    }
    for (int d = 0; d < ndim; d++) {
        axes->reduced[d] = false;
    }
    for (int i = 0; i < count; i++) {
        int d = cnn__call_dim(call, dims[i], ndim);
        if (d < 0) {
            return false;
        }
        if (axes->reduced[d]) {
            cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "dimension %d is given twice", dims[i]);
            return false;
        }
        axes->reduced[d] = true;
    }
    return true;
}

const cnn__attribute cnn__reduction_attributes[] = { { .name = "dims",
                                                       .type = CNN__INT,
                                                       .offset = offsetof(cnn__reduction, dims),
                                                       .count = CNN_MAX_DIMS,
                                                       .counted = true,
                                                       .count_at = offsetof(cnn__reduction, count) },
                                                     CNN__ATTRIBUTE(CNN__BOOL, cnn__reduction, keepdim),
                                                     { .name = NULL } };

/* All dimensions, the usual case: there is nothing to find out. */
static void reduce_all(const cnn_tensor *x, cnn__reduction *reduction)
{
    cnn__axes *axes = &reduction->axes;
    axes->ndim = reduction->keepdim ? x->ndim : 0;
    axes->elements = x->numel;
    reduction->count = x->ndim;
    for (int d = 0; d < x->ndim; d++) {
        axes->reduced[d] = true;
        axes->keep[d] = axes->shape[d] = 1;
        reduction->dims[d] = d;
    }
}

bool cnn__call_axes(cnn__call *call, cnn__reduction *reduction)
{
    const cnn_tensor *x = call->in[0];
    cnn__axes *axes = &reduction->axes;
    if (reduction->count == 0) {
        reduce_all(x, reduction);
        return true;
    }
    axes->ndim = 0;
    axes->elements = 1;
    if (!mark_reduced(call, reduction->count, reduction->given, axes)) {
        return false;
    }
    reduction->count = 0;
    for (int d = 0; d < x->ndim; d++) {
        axes->keep[d] = axes->reduced[d] ? 1 : x->shape[d];
        axes->elements *= axes->reduced[d] ? x->shape[d] : 1;
        if (reduction->keepdim || !axes->reduced[d]) {
            axes->shape[axes->ndim++] = axes->keep[d];
        }
        if (axes->reduced[d]) {
            reduction->dims[reduction->count++] = d;
        }
    }
    return true;
}

void cnn__axes_nests(const cnn__axes *axes, const cnn_tensor *x, cnn__nest *outer, cnn__nest *inner)
{
    int64_t y_stride[CNN_MAX_DIMS];
    outer->ndim = inner->ndim = 0;
    if (axes->elements == x->numel && x->numel > 1 && cnn__contiguous(x)) { /* one result: all in one loop */
        inner->ndim = 1;
        inner->shape[0] = x->numel;
        inner->stride[0][0] = 0;
        inner->stride[1][0] = 1;
        return;
    }
    cnn__strides(x->ndim, axes->keep, y_stride);
    for (int d = 0; d < x->ndim; d++) {
        cnn__nest *nest = axes->reduced[d] ? inner : outer;
        nest->shape[nest->ndim] = x->shape[d];
        nest->stride[0][nest->ndim] = axes->reduced[d] ? 0 : y_stride[d];
        nest->stride[1][nest->ndim++] = x->stride[d];
    }
}
