/* A batch normalisation with given statistics, folded into the convolution before it: weight · scale for each output
 * channel and (bias − mean) · scale + shift, where scale is weight / √(var + eps) of the normalisation. */
#include "ops/geometry.h"

#include <math.h>

enum { SLOPES = 2 }; /* the extra: the scale of each channel, [O,1,1,1] */

typedef struct folding {
    double eps;
} folding;

static bool infer(cnn__call *call, void *attributes)
{
    const int64_t channels[4] = { call->in[CNN__FOLD_WEIGHT]->shape[0], 1, 1, 1 };
    cnn_dtype dtype = call->in[CNN__FOLD_WEIGHT]->dtype;
    (void)attributes;
    cnn__out_like(call, 0, CNN__FOLD_WEIGHT);
    cnn__out(call, 1, dtype, 1, channels);
    cnn__out(call, SLOPES, dtype, 4, channels);
    return true;
}

static double read(const cnn_tensor *t, int64_t i, double missing)
{
    if (!t) {
        return missing;
    }
    return t->dtype == CNN_F64 ? ((const double *)cnn__data(t))[i] : (double)((const float *)cnn__data(t))[i];
}

static void write(const cnn_tensor *t, int64_t i, double value)
{
    if (t->dtype == CNN_F64) {
        ((double *)cnn__data(t))[i] = value;
    } else {
        ((float *)cnn__data(t))[i] = (float)value;
    }
}

static bool forward(cnn__call *call, void *attributes)
{
    const folding *f = attributes;
    cnn_tensor *const *x = call->x, *weight = call->out[0], *bias = call->out[1], *slopes = call->out[SLOPES];
    for (int64_t c = 0; c < bias->numel; c++) {
        double slope = read(x[CNN__FOLD_SCALE], c, 1) / sqrt(read(x[CNN__FOLD_VAR], c, 0) + f->eps);
        double centred = read(x[CNN__FOLD_BIAS], c, 0) - read(x[CNN__FOLD_MEAN], c, 0);
        write(slopes, c, slope);
        write(bias, c, centred * slope + read(x[CNN__FOLD_SHIFT], c, 0));
    }
    cnn__nest nest;
    cnn__nest_make(&nest, 4, weight->shape, 3, (const cnn_tensor *const[]){ weight, x[CNN__FOLD_WEIGHT], slopes });
    call->ctx->kernels->array->binary(CNN__MUL, &nest, weight->dtype, cnn__data(weight), cnn__data(x[CNN__FOLD_WEIGHT]),
                                      cnn__data(slopes), call->ctx->pool);
    return true;
}

static const cnn__op fold_op = {
    .name = "conv2d",
    .outputs = 2,
    .extras = 1,
    .optional = 1u << CNN__FOLD_BIAS | 1u << CNN__FOLD_SCALE | 1u << CNN__FOLD_SHIFT,
    .dense = (1u << CNN__FOLDS) - 1,
    .size = sizeof(folding),
    .infer = infer,
    .forward = forward,
};

bool cnn__fold_batch_norm(cnn_tensor *const inputs[CNN__FOLDS], double eps, cnn_tensor *folded[2])
{
    folding f = { eps };
    return cnn__apply_all(&fold_op, inputs, CNN__FOLDS, &f, folded);
}
