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

void cnn__folding_make(cnn__folding *l, cnn_tensor *const inputs[CNN__FOLDS], double eps,
                       cnn_tensor *const made[CNN__FOLDED])
{
    cnn_tensor *const *x = inputs, *weight = made[0], *bias = made[1], *slopes = made[SLOPES];
    l->channels = (cnn_batch_norm_parameters){ .channels = bias->numel, .eps = eps };
    l->fold = (cnn_launch)CNN__LAUNCH(
        BATCH_NORM_FOLD, weight->dtype, CNN__PARAMETERS(l->channels),
        .in = { cnn__data_or_null(x[CNN__FOLD_BIAS]), cnn__data_or_null(x[CNN__FOLD_SCALE]),
                cnn__data_or_null(x[CNN__FOLD_SHIFT]), cnn__data(x[CNN__FOLD_MEAN]), cnn__data(x[CNN__FOLD_VAR]) },
        .out = { cnn__data(slopes), cnn__data(bias) });
    l->product = (cnn_elementwise_parameters){ .function = CNN_BINARY_MUL };
    cnn__nest_make(&l->product.nest, 4, weight->shape, 3,
                   (const cnn_tensor *const[]){ weight, x[CNN__FOLD_WEIGHT], slopes });
    l->multiply = (cnn_launch)CNN__LAUNCH(BINARY, weight->dtype, CNN__PARAMETERS(l->product),
                                          .in = { cnn__data(x[CNN__FOLD_WEIGHT]), cnn__data(slopes) },
                                          .out = { cnn__data(weight) });
}

static bool fold_batch_norm_forward(cnn__call *call, void *attributes)
{
    const folding *f = attributes;
    cnn__folding l;
    cnn__folding_make(&l, call->x, f->eps, call->out);
    return cnn__run(call->tape, call->op->name, &l.fold) && cnn__run(call->tape, call->op->name, &l.multiply);
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
