/* Instance normalisation: each channel of each sample is a row of its own. The running statistics move towards the
 * mean of all samples' statistics. In evaluation, where there are running statistics, it is batch normalisation. */
#include "ops/norms.h"

static bool instance_norm_infer(cnn__call *call, void *attributes)
{
    cnn__norm *n = attributes;
    const cnn_tensor *x = call->in[CNN__NORM_INPUT];
    char given[CNN__SHAPE_TEXT];
    if (!cnn__norm_check(call, n)) {
        return false;
    }
    if (x->ndim < 3) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "input is %s, expected [N,C,...]",
                       cnn__shape_text(given, x->ndim, x->shape));
        return false;
    }
    if (n->training && n->inner == 1) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "there is one value per channel, expected two or more");
        return false;
    }
    n->instances = (cnn_group_norm_parameters){
        .batch = n->batch, .groups = n->channels, .channels = 1, .inner = n->inner, .eps = n->eps
    };
    if (n->training) {
        cnn__group_norm_outputs(call, &n->instances);
        return true;
    }
    call->op = &cnn__batch_norm_op;
    cnn__out_like(call, 0, CNN__NORM_INPUT);
    cnn__out(call, CNN__NORM_STATISTICS, CNN_F64, 2, (const int64_t[]){ 2, n->channels });
    return true;
}

static bool instance_norm_forward(cnn__call *call, void *attributes)
{
    const cnn__norm *n = attributes;
    return cnn__group_norm_forward(call, attributes) &&
           (!n->moves || call->out[0]->numel == 0 || cnn__norm_move(call, n, n->batch));
}

static const cnn__reads instance_norm_reads[CNN__NORM_INPUTS + 2] = {
    [CNN__NORM_INPUT] = { "the input", 1u << CNN__NORM_INPUT | 1u << CNN__NORM_WEIGHT },
    [CNN__NORM_WEIGHT] = { "weight", 1u << CNN__NORM_INPUT },
    [CNN__NORM_INPUTS + CNN__NORM_STATISTICS] = { "statistics", 1u << CNN__NORM_INPUT | 1u << CNN__NORM_WEIGHT },
};

static const cnn__op instance_norm_op = {
    .name = "instance_norm",
    .extras = 1,
    .optional = 1u << CNN__NORM_WEIGHT | 1u << CNN__NORM_BIAS | 1u << CNN__NORM_MEAN | 1u << CNN__NORM_VAR,
    .dense = (1u << CNN__NORM_INPUTS) - 1,
    .saves = 1u << CNN__NORM_INPUT | 1u << CNN__NORM_WEIGHT | CNN__OUTPUT(CNN__NORM_STATISTICS),
    .size = sizeof(cnn__norm),
    .attributes = cnn__norm_attributes,
    .infer = instance_norm_infer,
    .forward = instance_norm_forward,
    .backward = cnn__group_norm_backward,
    .reads = instance_norm_reads,
};

cnn_tensor *cnn_instance_norm(cnn_tensor *x, cnn_tensor *weight, cnn_tensor *bias, cnn_tensor *running_mean,
                              cnn_tensor *running_var, const cnn_batch_norm_options *options)
{
    cnn__norm n = { .momentum = 0 };
    n.status = CNN__OPTIONS_READ(NULL, "instance_norm", &n.options, options);
    return cnn__apply(&instance_norm_op, (cnn_tensor *const[]){ x, weight, bias, running_mean, running_var },
                      CNN__NORM_INPUTS, &n);
}
