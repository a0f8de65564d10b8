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

bool cnn__resample_forward(cnn__call *call, void *attributes)
{
    const cnn_resample_parameters *g = attributes;
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
    cnn_launch l = CNN__LAUNCH(RESAMPLE_BACKWARD, dy->dtype, CNN__PARAMETERS(*g), .in = { cnn__data(dy) },
                               .out = { cnn__data(dx) });
    if (!g->planes || cnn__run(node->tape, node->op->name, &l)) {
        cnn__grad_add(node, 0, dx);
    }
}
