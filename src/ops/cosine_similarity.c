/* The cosine of the angle between two tensors along a dimension, each divided by its norm: a composition. */
#include "ops/operation.h"

#include <math.h>

static const cnn__op cosine_similarity_op = CNN__COMPOSITION(cosine_similarity, .optional = 0);

static bool cosine_check(cnn__call *call, double eps, int *dim, int *ndim, int64_t *shape)
{
    if (!cnn__call_real(call, 0) || !cnn__call_same_dtype(call, 2) || !cnn__call_broadcast(call, 0, 1, ndim, shape) ||
        (*dim = cnn__call_dim(call, *dim, *ndim)) < 0) {
        return false;
    }
    if (!(eps >= 0 && eps < INFINITY)) {
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "eps is %s, expected a finite number of at least 0",
                       CNN__G(eps));
        return false;
    }
    return true;
}

/* x / max(‖x‖, eps) along a dimension; bfloat16 is widened, so that the composition rounds its result once. */
static cnn_tensor *cosine_unit(cnn_tensor *x, int dim, double eps, int ndim, const int64_t *shape)
{
    x = cnn_expand(x->dtype == CNN_BF16 ? cnn_cast(x, CNN_F32) : x, ndim, shape);
    return cnn_div(x, cnn_clamp(cnn_norm(x, 2, 1, &dim, true), eps, INFINITY));
}

cnn_tensor *cnn_cosine_similarity(cnn_tensor *x1, cnn_tensor *x2, int dim, double eps)
{
    cnn__call call;
    int ndim;
    int64_t shape[CNN_MAX_DIMS];
    if (!cnn__call_begin(&call, &cosine_similarity_op, 2, (cnn_tensor *const[]){ x1, x2 }) ||
        !cosine_check(&call, eps, &dim, &ndim, shape)) {
        return call.nil;
    }
    const cnn_dtype dtype = call.in[0]->dtype;
    cnn_tensor *product =
        cnn_mul(cosine_unit(call.in[0], dim, eps, ndim, shape), cosine_unit(call.in[1], dim, eps, ndim, shape));
    return cnn_cast(cnn_sum(product, 1, &dim, false), dtype);
}
