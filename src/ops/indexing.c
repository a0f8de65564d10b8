/* What operations with index tensors share. */
#include "ops/indexing.h"

const cnn__attribute cnn__indexing_attributes[] = { CNN__ATTRIBUTE(CNN__INT, cnn__indexing, dim),
                                                    CNN__ATTRIBUTE(CNN__FLOAT, cnn__indexing, value),
                                                    { .name = NULL } };

bool cnn__call_indices(cnn__call *call, int i)
{
    cnn_dtype dtype = call->in[i]->dtype;
    bool good = dtype == CNN_I64 || dtype == CNN_I32;
    if (!good) {
        cnn__call_fail(call, CNN_ERROR_DTYPE, "the index is %s, expected int64 or int32", cnn_dtype_name(dtype));
    }
    return good;
}

bool cnn__call_index_fits(cnn__call *call, int i, int dim)
{
    const cnn_tensor *index = call->in[1], *t = call->in[i];
    char given[CNN__SHAPE_TEXT], limit[CNN__SHAPE_TEXT];
    bool fits = index->ndim == t->ndim;
    for (int d = 0; fits && d < t->ndim; d++) {
        fits = d == dim || index->shape[d] <= t->shape[d];
    }
    if (!fits) {
        cnn__call_fail(call, CNN_ERROR_SHAPE,
                       "the index is %s, operand %d is %s, expected one rank and no larger sizes%s",
                       cnn__shape_text(given, index->ndim, index->shape), i, cnn__shape_text(limit, t->ndim, t->shape),
                       dim < t->ndim ? " in all other dimensions" : "");
    }
    return fits;
}

bool cnn__indices_check(cnn__call *call, int i, int dim, int64_t n)
{
    const cnn_tensor *index = call->x[i];
    const cnn_lookup_parameters p = { .index_dtype = index->dtype, .n = n, .width = 1, .count = index->numel };
    cnn_launch l = CNN__LAUNCH(INDEX_CHECK, index->dtype, CNN__PARAMETERS(p), .in = { cnn__data(index) });
    cnn_backend_failure failure;
    bool good = !index->numel || cnn__run_checked(call->tape, call->op->name, &l, &failure);
    if (!good && failure.status != CNN_OK) {
        char text[CNN__SHAPE_TEXT];
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "the index at %s is %lld, dimension %d has %lld elements",
                       cnn__position_text(text, index, failure.position), (long long)failure.value, dim, (long long)n);
    }
    return good;
}

/* t as it is read over `shape`: with a stride of 0 along `dim`, where the index says where, or as a scalar
 * everywhere. */
static cnn_tensor indexing_view(const cnn_tensor *t, int ndim, const int64_t *shape, int dim)
{
    cnn_tensor view = *t;
    view.ndim = ndim;
    for (int d = 0; d < ndim; d++) {
        view.shape[d] = shape[d];
        view.stride[d] = t->ndim && d != dim ? t->stride[d] : 0;
    }
    return view;
}

static cnn_tensor indexing_without(const cnn_tensor *t, int dim)
{
    cnn_tensor rest = *t;
    rest.ndim--;
    for (int d = dim; d < rest.ndim; d++) {
        rest.shape[d] = t->shape[d + 1];
        rest.stride[d] = t->stride[d + 1];
    }
    return rest;
}

/* The nest over the elements that the index names in `pointed`, for operands in the kernel's order; a scatter's last
 * loop is along `dim`. */
static void indexing_nest(cnn_nest *nest, cnn_tensor *const *views, int dim, bool scatters)
{
    const cnn_tensor *shape = views[2];
    if (!scatters) {
        cnn__nest_make(nest, shape->ndim, shape->shape, 3, (const cnn_tensor *const *)views);
        return;
    }
    const cnn_tensor y = indexing_without(views[0], dim), x = indexing_without(views[1], dim),
                     index = indexing_without(views[2], dim);
    cnn__nest_make(nest, index.ndim, index.shape, 3, (const cnn_tensor *const[]){ &y, &x, &index });
    for (int k = 0; k < 3; k++) {
        nest->stride[k][nest->ndim] = views[k]->stride[dim];
    }
    nest->shape[nest->ndim++] = shape->shape[dim];
}

static bool indexing_launch(cnn_tape *tape, const char *call, cnn_kernel kernel, const cnn_tensor *y,
                            const cnn_tensor *x, const cnn_tensor *index, int dim)
{
    const bool scatters = kernel != CNN_KERNEL_GATHER, list = index->ndim != (scatters ? y : x)->ndim;
    const cnn_tensor *pointed = scatters ? y : x;
    int64_t shape[CNN_MAX_DIMS];
    for (int d = 0; d < pointed->ndim; d++) {
        shape[d] = !list ? index->shape[d] : d == dim ? index->numel : pointed->shape[d];
    }
    cnn_tensor views[3] = { indexing_view(y, pointed->ndim, shape, scatters ? dim : -1),
                            indexing_view(x, pointed->ndim, shape, scatters ? -1 : dim),
                            indexing_view(index, pointed->ndim, shape, -1) };
    for (int d = 0; d < pointed->ndim && list; d++) {
        views[2].stride[d] = d == dim;
    }
    cnn_index_parameters p = { .index_dtype = index->dtype, .n = pointed->shape[dim], .step = pointed->stride[dim] };
    indexing_nest(&p.nest, (cnn_tensor *const[]){ &views[0], &views[1], &views[2] }, dim, scatters);
    cnn_launch l = CNN__LAUNCH(GATHER, y->dtype, CNN__PARAMETERS(p), .in = { cnn__data(x), cnn__data(index) },
                               .out = { cnn__data(y) });
    l.kernel = kernel;
    return !index->numel || !y->numel || !x->numel || cnn__run(tape, call, &l);
}

bool cnn__run_gather(cnn_tape *tape, const char *call, const cnn_tensor *y, const cnn_tensor *x,
                     const cnn_tensor *index, int dim)
{
    return indexing_launch(tape, call, CNN_KERNEL_GATHER, y, x, index, dim);
}

bool cnn__run_scatter(cnn_tape *tape, const char *call, cnn_kernel kernel, const cnn_tensor *y, const cnn_tensor *x,
                      const cnn_tensor *index, int dim)
{
    return indexing_launch(tape, call, kernel, y, x, index, dim);
}
