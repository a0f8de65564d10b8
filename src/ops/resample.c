/* What the operations that resample axes share: the launches, and the shape of the result. */
#include "ops/resample.h"

cnn_resample_axis *cnn__resample_axes(const cnn_tensor *x, int axes, cnn_resample_parameters *g)
{
    *g = (cnn_resample_parameters){ .planes = 1 };
    for (int i = 0; i < CNN__RESAMPLE_AXES; i++) {
        int d = x->ndim - CNN__RESAMPLE_AXES + i;
        int64_t size = i < CNN__RESAMPLE_AXES - axes ? 1 : x->shape[d];
        g->axis[i] = (cnn_resample_axis){ .function = CNN_RESAMPLE_REPLICATE, .in = size, .out = size };
    }
    for (int d = 0; d < x->ndim - axes; d++) {
        g->planes *= x->shape[d];
    }
    return g->axis + CNN__RESAMPLE_AXES - axes;
}

void cnn__out_resampled(cnn__call *call, int axes, const cnn_resample_parameters *g)
{
    const cnn_tensor *x = call->in[0];
    int64_t shape[CNN_MAX_DIMS];
    for (int d = 0; d < x->ndim; d++) {
        shape[d] = d < x->ndim - axes ? x->shape[d] : g->axis[d - x->ndim + CNN__RESAMPLE_AXES].out;
    }
    cnn__out(call, 0, x->dtype, x->ndim, shape);
}

/* ---- means of whole planes, which are reductions ---- */

/* The elements of each plane; 0 where the result is something else, and where two kernels would round it twice. */
static int64_t averaged(const cnn_resample_parameters *g, cnn_dtype dtype)
{
    int64_t elements = g->planes && !cnn__dtype_is_stored(dtype) ? 1 : 0;
    for (int i = 0; i < CNN__RESAMPLE_AXES; i++) {
        const cnn_resample_axis *a = &g->axis[i];
        if (a->out != 1 || (a->in != 1 && a->function != CNN_RESAMPLE_MEAN)) {
            return 0;
        }
        elements *= a->in;
    }
    return elements;
}

static bool average(cnn__call *call, int64_t planes, int64_t elements)
{
    const cnn_tensor *x = call->x[0], *y = call->out[0];
    const cnn_reduce_parameters r = { .function = CNN_REDUCE_OF_SUM,
                                      .outer = { 1, { planes }, { { 1 }, { elements } } },
                                      .inner = { 1, { elements }, { { 0 }, { 1 } } } };
    const cnn_elementwise_parameters p = { .function = CNN_UNARY_DIV,
                                           .nest = { 1, { planes }, { { 1 }, { 1 } } },
                                           .value = { (double)elements } };
    cnn_launch sums =
        CNN__LAUNCH(REDUCE, x->dtype, CNN__PARAMETERS(r), .in = { cnn__data(x) }, .out = { cnn__data(y) });
    cnn_launch means =
        CNN__LAUNCH(UNARY, x->dtype, CNN__PARAMETERS(p), .in = { cnn__data(y) }, .out = { cnn__data(y) });
    return cnn__run(call->tape, call->op->name, &sums) && cnn__run(call->tape, call->op->name, &means);
}

static bool spread_average(const cnn__node *node, int64_t planes, int64_t elements, const cnn_tensor *dy,
                           const cnn_tensor *dx)
{
    const cnn_elementwise_parameters p = { .function = CNN_UNARY_DIV,
                                           .nest = { 2, { planes, elements }, { { elements, 1 }, { 1, 0 } } },
                                           .value = { (double)elements } };
    cnn_launch l = CNN__LAUNCH(UNARY, dy->dtype, CNN__PARAMETERS(p), .in = { cnn__data(dy) }, .out = { cnn__data(dx) });
    return cnn__run(node->tape, node->op->name, &l);
}

bool cnn__resample_forward(cnn__call *call, void *attributes)
{
    const cnn_resample_parameters *g = attributes;
    const int64_t elements = averaged(g, call->out[0]->dtype);
    if (elements) {
        return average(call, g->planes, elements);
    }
    cnn_launch l = CNN__LAUNCH(RESAMPLE, call->out[0]->dtype, CNN__PARAMETERS(*g), .in = { cnn__data(call->x[0]) },
                               .out = { cnn__data(call->out[0]) });
    return !g->planes || cnn__run(call->tape, call->op->name, &l);
}

void cnn__resample_backward(cnn__node *node, cnn_tensor *dy)
{
    const cnn_resample_parameters *g = node->attributes;
    cnn_tensor *dx = cnn__grad_empty(node, 0);
    if (!dx) {
        return;
    }
    const int64_t elements = averaged(g, dy->dtype);
    if (elements) {
        if (spread_average(node, g->planes, elements, dy, dx)) {
            cnn__grad_add(node, 0, dx);
        }
        return;
    }
    cnn_launch l = CNN__LAUNCH(RESAMPLE_BACKWARD, dy->dtype, CNN__PARAMETERS(*g), .in = { cnn__data(dy) },
                               .out = { cnn__data(dx) });
    if (!g->planes || cnn__run(node->tape, node->op->name, &l)) {
        cnn__grad_add(node, 0, dx);
    }
}
