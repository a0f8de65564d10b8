/* A batch normalisation with given statistics, folded into the convolution before it: weight · scale for each output
 * channel and (bias − mean) · scale + shift, where scale is weight / √(var + eps) of the normalisation. */
#include "ops/geometry.h"

enum { SLOPES = 2 }; /* the extra: the scale of each channel, [O,1,1,1] */

typedef struct folding {
    double eps;
} folding;

static bool fold_batch_norm_infer(cnn__call *call, void *attributes)
{
    const int64_t channels[4] = { call->in[CNN__FOLD_WEIGHT]->shape[0], 1, 1, 1 };
    cnn_dtype dtype = call->in[CNN__FOLD_WEIGHT]->dtype;
    (void)attributes;
    cnn__out_like(call, 0, CNN__FOLD_WEIGHT);
    cnn__out(call, 1, dtype, 1, channels);
    cnn__out(call, SLOPES, dtype, 4, channels);
    return true;
}

static bool fold_batch_norm_forward(cnn__call *call, void *attributes)
{
    const folding *f = attributes;
    cnn_tensor *const *x = call->x, *weight = call->out[0], *bias = call->out[1], *slopes = call->out[SLOPES];
    const cnn_batch_norm_parameters channels = { .channels = bias->numel, .eps = f->eps };
    cnn_launch fold = CNN__LAUNCH(BATCH_NORM_FOLD, weight->dtype, CNN__PARAMETERS(channels),
                                  .in = { cnn__data_or_null(x[CNN__FOLD_BIAS]), cnn__data_or_null(x[CNN__FOLD_SCALE]),
                                          cnn__data_or_null(x[CNN__FOLD_SHIFT]), cnn__data(x[CNN__FOLD_MEAN]),
                                          cnn__data(x[CNN__FOLD_VAR]) },
                                  .out = { cnn__data(slopes), cnn__data(bias) });
    cnn_elementwise_parameters p = { .function = CNN_BINARY_MUL };
    cnn__nest_make(&p.nest, 4, weight->shape, 3, (const cnn_tensor *const[]){ weight, x[CNN__FOLD_WEIGHT], slopes });
    cnn_launch multiply =
        CNN__LAUNCH(BINARY, weight->dtype, CNN__PARAMETERS(p),
                    .in = { cnn__data(x[CNN__FOLD_WEIGHT]), cnn__data(slopes) }, .out = { cnn__data(weight) });
    return cnn__run(call->tape, call->op->name, &fold) && cnn__run(call->tape, call->op->name, &multiply);
}

static const cnn__op fold_op = {
    .name = "conv2d",
    .outputs = 2,
    .extras = 1,
    .optional = 1u << CNN__FOLD_BIAS | 1u << CNN__FOLD_SCALE | 1u << CNN__FOLD_SHIFT,
    .dense = (1u << CNN__FOLDS) - 1,
    .size = sizeof(folding),
    .infer = fold_batch_norm_infer,
    .forward = fold_batch_norm_forward,
};

bool cnn__fold_batch_norm(cnn_tensor *const inputs[CNN__FOLDS], double eps, cnn_tensor *folded[2])
{
    folding f = { eps };
    return cnn__apply_all(&fold_op, inputs, CNN__FOLDS, &f, folded);
}
