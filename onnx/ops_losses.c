/* Losses of class numbers. */
#include "ops.h"

/* The negative of what [N,C,…] has at the class of each element, by weight, and reduced. */
static bool give_loss(cnn__onnx_run *run, cnn_tensor *x)
{
    const cnn__onnx_attribute *ignored = cnn__onnx_attribute_of(run->step, "ignore_index");
    cnn__onnx_text how = cnn__onnx_string(run, "reduction", "mean");
    cnn_tensor *target = cnn__onnx_in(run, 1), *weight = cnn__onnx_has(run, 2) ? cnn__onnx_in(run, 2) : NULL;
    int64_t shape[CNN_MAX_DIMS], all = -1;
    if (!x || !target || cnn_tensor_ndim(x) < 2) {
        return cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "scores of rank %d, expected 2 or more",
                                   x ? cnn_tensor_ndim(x) : 0);
    }
    int rank = cnn__onnx_shape_of(target, shape);
    cnn_tensor *valid = ignored ? cnn_ne(target, cnn__onnx_scalar(run, target, (double)ignored->i)) : NULL;
    cnn_tensor *class = valid ? cnn_where(valid, target, cnn__onnx_scalar(run, target, 0)) : target;
    cnn_tensor *loss = cnn_neg(cnn_squeeze(cnn_gather(x, 1, cnn_unsqueeze(class, 1)), 1));
    cnn_tensor *share =
        weight ? cnn_reshape(cnn_index_select(weight, 0, cnn_reshape(class, 1, &all)), rank, shape) : NULL;
    if (valid) {
        share = share ? share : cnn__onnx_full(run, cnn_tensor_dtype(x), rank, shape, 1);
        share = cnn_where(valid, share, cnn__onnx_scalar(run, share, 0));
    }
    loss = share ? cnn_mul(loss, share) : loss;
    if (cnn__onnx_text_is(how, "mean")) {
        loss = share ? cnn_div(cnn_sum(loss, CNN_ALL_DIMS, false), cnn_sum(share, CNN_ALL_DIMS, false))
                     : cnn_mean(loss, CNN_ALL_DIMS, false);
    } else if (cnn__onnx_text_is(how, "sum")) {
        loss = cnn_sum(loss, CNN_ALL_DIMS, false);
    }
    return cnn__onnx_out(run, 0, loss, cnn__onnx_type(run, 0));
}

bool cnn__onnx_op_nll_loss(cnn__onnx_run *run)
{
    return give_loss(run, cnn__onnx_in(run, 0));
}

bool cnn__onnx_op_cross_entropy(cnn__onnx_run *run)
{
    cnn_tensor *log_probabilities = cnn_log_softmax(cnn__onnx_in(run, 0), 1);
    return give_loss(run, log_probabilities) && cnn__onnx_out(run, 1, log_probabilities, cnn__onnx_type(run, 0));
}
