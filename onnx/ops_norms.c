/* Normalisations. */
#include "ops.h"

/* In an options struct 0 means the default. */
static double zero(double value)
{
    return value > 0 ? value : CNN_ZERO;
}

/* The batch's part of running statistics, of which ONNX has the rest: 0.1 and not 1 − 0.9, which is 2^-55 less. */
static double part_of_batch(double momentum)
{
    return cnn__onnx_as_decimal((float)(1 - momentum));
}

/* Makes [C] stand beside x [N,C,…]. */
static cnn_tensor *by_channel(cnn_tensor *weight, const cnn_tensor *x)
{
    return cnn__onnx_with_rank(weight, cnn_tensor_ndim(x) - 1, -1);
}

/* Normalises with the statistics of the batch, which move the running ones that are outputs. */
static bool by_batch(cnn__onnx_run *run, cnn_tensor *x, cnn_tensor *weight, cnn_tensor *bias, double eps,
                     double momentum)
{
    int dims[CNN_MAX_DIMS], count = 0, type = cnn__onnx_type(run, 0);
    for (int d = 0; d < cnn_tensor_ndim(x); d++) {
        if (d != 1) {
            dims[count++] = d;
        }
    }
    cnn_tensor *mean = cnn_mean(x, count, dims, false), *var = cnn_var(x, 0, count, dims, false);
    cnn_tensor *y =
        cnn_batch_norm(x, weight, bias, NULL, NULL,
                       &(cnn_batch_norm_options){ .struct_size = sizeof(cnn_batch_norm_options), .eps = zero(eps) });
    if (!cnn__onnx_out(run, 0, y, type)) {
        return false;
    }
    cnn_tensor *old[2] = { cnn__onnx_in(run, 3), cnn__onnx_in(run, 4) }, *batch[2] = { mean, var };
    for (int i = 0; i < 2 && i + 1 < run->step->out_count; i++) {
        cnn_tensor *moved = cnn_add(cnn_mul_scalar(old[i], momentum),
                                    cnn_mul_scalar(cnn__onnx_to(batch[i], cnn_tensor_dtype(old[i])), 1 - momentum));
        if (!cnn__onnx_out(run, i + 1, moved, cnn__onnx_type(run, i + 3))) {
            return false;
        }
    }
    return true;
}

/* With given statistics that are results of the step. */
static cnn_tensor *by_statistics(cnn__onnx_run *run, cnn_tensor *x, cnn_tensor *weight, cnn_tensor *bias, double eps)
{
    cnn_tensor *mean = cnn__onnx_to(cnn__onnx_in(run, 3), cnn_tensor_dtype(x)),
               *var = cnn__onnx_to(cnn__onnx_in(run, 4), cnn_tensor_dtype(x));
    cnn_tensor *scale = cnn_mul(weight, cnn_rsqrt(cnn_add_scalar(var, eps)));
    return cnn_add(cnn_mul(cnn_sub(x, by_channel(mean, x)), by_channel(scale, x)), by_channel(bias, x));
}

bool cnn__onnx_op_batch_norm(cnn__onnx_run *run)
{
    cnn_tensor *x = cnn__onnx_in(run, 0), *weight = cnn__onnx_in(run, 1), *bias = cnn__onnx_in(run, 2),
               *mean = cnn__onnx_in(run, 3), *var = cnn__onnx_in(run, 4);
    double eps = cnn__onnx_decimal(run, "epsilon", 1e-5), momentum = cnn__onnx_decimal(run, "momentum", 0.9);
    if (!x || !weight || !bias || !mean || !var || cnn_tensor_ndim(x) < 2) {
        return cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "an input of rank %d, expected 2 or more",
                                   x ? cnn_tensor_ndim(x) : 0);
    }
    bool plain = !cnn_tensor_tape(mean) && !cnn_tensor_tape(var), trains = cnn_tape_training(run->tape);
    weight = cnn__onnx_to(weight, cnn_tensor_dtype(x));
    bias = cnn__onnx_to(bias, cnn_tensor_dtype(x));
    bool running = plain && (trains || run->program->running_statistics);
    if (cnn__onnx_int(run, "training_mode", 0) && !running) {
        return by_batch(run, x, weight, bias, eps, momentum);
    }
    if (!plain || cnn_tensor_dtype(mean) != cnn_tensor_dtype(x)) {
        return cnn__onnx_out(run, 0, by_statistics(run, x, weight, bias, eps), cnn__onnx_type(run, 0));
    }
    cnn_tensor *y = cnn_batch_norm(x, weight, bias, mean, var,
                                   &(cnn_batch_norm_options){ .struct_size = sizeof(cnn_batch_norm_options),
                                                              .eps = zero(eps),
                                                              .momentum = zero(part_of_batch(momentum)) });
    for (int i = 1; i < run->step->out_count && i < 3; i++) {
        if (run->step->out[i] >= 0 &&
            !cnn__onnx_out(run, i, cnn_input(run->tape, i == 1 ? mean : var), cnn__onnx_type(run, i + 2))) {
            return false;
        }
    }
    return cnn__onnx_out(run, 0, y, cnn__onnx_type(run, 0));
}

bool cnn__onnx_op_instance_norm(cnn__onnx_run *run)
{
    cnn_tensor *y =
        cnn_instance_norm(cnn__onnx_in(run, 0), cnn__onnx_in(run, 1), cnn__onnx_in(run, 2), NULL, NULL,
                          &(cnn_batch_norm_options){ .struct_size = sizeof(cnn_batch_norm_options),
                                                     .eps = zero(cnn__onnx_decimal(run, "epsilon", 1e-5)) });
    return cnn__onnx_out(run, 0, y, cnn__onnx_type(run, 0));
}

/* Mean and 1 / √(var + eps) over the last dimensions, where the node gives them out. */
static bool moments(cnn__onnx_run *run, cnn_tensor *x, int axis, double eps)
{
    int dims[CNN_MAX_DIMS], count = 0;
    for (int d = axis; d < cnn_tensor_ndim(x); d++) {
        dims[count++] = d;
    }
    if (run->step->out_count > 1 && !cnn__onnx_out(run, 1, cnn_mean(x, count, dims, true), CNN__ONNX_FLOAT)) {
        return false;
    }
    return run->step->out_count < 3 ||
           cnn__onnx_out(run, 2, cnn_rsqrt(cnn_add_scalar(cnn_var(x, 0, count, dims, true), eps)), CNN__ONNX_FLOAT);
}

bool cnn__onnx_op_layer_norm(cnn__onnx_run *run)
{
    int axis = cnn__onnx_axis(run, cnn__onnx_int(run, "axis", -1), cnn__onnx_rank(run, 0)),
        type = cnn__onnx_type(run, 0);
    int64_t shape[CNN_MAX_DIMS];
    double eps = cnn__onnx_decimal(run, "epsilon", 1e-5);
    cnn_tensor *x = cnn__onnx_in(run, 0), *weight = cnn__onnx_in(run, 1),
               *bias = cnn__onnx_has(run, 2) ? cnn__onnx_in(run, 2) : NULL;
    if (axis < 0 || !x || !weight) {
        return false;
    }
    int rank = cnn__onnx_shape_of(x, shape);
    bool same = cnn_tensor_ndim(weight) == rank - axis && (!bias || cnn_tensor_ndim(bias) == rank - axis);
    for (int d = axis; same && d < rank; d++) {
        same = cnn_tensor_size(weight, d - axis) == shape[d] && (!bias || cnn_tensor_size(bias, d - axis) == shape[d]);
    }
    cnn_norm_options options = { .struct_size = sizeof options, .eps = zero(eps) };
    cnn_tensor *y = cnn_layer_norm(x, rank - axis, shape + axis, same ? weight : NULL, same ? bias : NULL, &options);
    y = same ? y : cnn_mul(y, weight);
    y = same || !bias ? y : cnn_add(y, bias);
    return cnn__onnx_out(run, 0, y, type) && moments(run, x, axis, eps);
}

/* A weight and a bias per channel; before opset 21 per group. */
bool cnn__onnx_op_group_norm(cnn__onnx_run *run)
{
    int64_t groups = cnn__onnx_int(run, "num_groups", 1);
    cnn_tensor *x = cnn__onnx_in(run, 0), *weight = cnn__onnx_in(run, 1), *bias = cnn__onnx_in(run, 2);
    int64_t channels = x && cnn_tensor_ndim(x) > 1 ? cnn_tensor_size(x, 1) : 0;
    if (groups < 1 || channels % groups || channels == 0) {
        return cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "%lld channels in %lld groups", (long long)channels,
                                   (long long)groups);
    }
    if (cnn_tensor_numel(weight) == groups && groups != channels) {
        int64_t wide[2] = { groups, channels / groups };
        weight = cnn_reshape(cnn_expand(cnn_unsqueeze(weight, 1), 2, wide), 1, &channels);
        bias = cnn_reshape(cnn_expand(cnn_unsqueeze(bias, 1), 2, wide), 1, &channels);
    }
    cnn_norm_options options = { .struct_size = sizeof options, .eps = zero(cnn__onnx_decimal(run, "epsilon", 1e-5)) };
    return cnn__onnx_out(run, 0, cnn_group_norm(x, groups, weight, bias, &options), cnn__onnx_type(run, 0));
}

bool cnn__onnx_op_lrn(cnn__onnx_run *run)
{
    cnn_local_response_norm_options options = { .struct_size = sizeof options,
                                                .alpha = zero(cnn__onnx_decimal(run, "alpha", 1e-4)),
                                                .beta = zero(cnn__onnx_decimal(run, "beta", 0.75)),
                                                .k = zero(cnn__onnx_decimal(run, "bias", 1)) };
    return cnn__onnx_out(run, 0, cnn_local_response_norm(cnn__onnx_in(run, 0), cnn__onnx_int(run, "size", 1), &options),
                         cnn__onnx_type(run, 0));
}

/* (x − mean) / √(E[x²] − mean²), without an epsilon that matters. */
bool cnn__onnx_op_mean_variance(cnn__onnx_run *run)
{
    int dims[CNN_MAX_DIMS] = { 0, 2, 3 }, rank = cnn__onnx_rank(run, 0), count = 3;
    cnn_tensor *x = cnn__onnx_in(run, 0);
    count = cnn__onnx_attribute_of(run->step, "axes") ? cnn__onnx_axes(run, -1, rank, dims) : count;
    if (!x || count < 0) {
        return false;
    }
    cnn_tensor *std = cnn_std(x, 0, count, dims, true);
    cnn_tensor *y = cnn_div(cnn_sub(x, cnn_mean(x, count, dims, true)), cnn_add_scalar(std, 1e-9));
    return cnn__onnx_out(run, 0, y, cnn__onnx_type(run, 0));
}

bool cnn__onnx_op_rms_norm(cnn__onnx_run *run)
{
    int axis = cnn__onnx_axis(run, cnn__onnx_int(run, "axis", -1), cnn__onnx_rank(run, 0));
    int64_t shape[CNN_MAX_DIMS];
    cnn_norm_options options = { .struct_size = sizeof options, .eps = zero(cnn__onnx_decimal(run, "epsilon", 1e-5)) };
    cnn_tensor *x = cnn__onnx_in(run, 0);
    if (axis < 0 || !x) {
        return false;
    }
    int rank = cnn__onnx_shape_of(x, shape);
    cnn_tensor *y = cnn_mul(cnn_rms_norm(x, rank - axis, shape + axis, NULL, &options),
                            cnn__onnx_to(cnn__onnx_in(run, 1), cnn_tensor_dtype(x)));
    return cnn__onnx_out(run, 0, y, cnn__onnx_type(run, 0));
}
