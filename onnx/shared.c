/* What several groups of operators need. */
#include "ops.h"

cnn_tensor *cnn__onnx_to(cnn_tensor *x, cnn_dtype dtype)
{
    return !x || cnn_tensor_dtype(x) == dtype ? x : cnn_cast(x, dtype);
}

int cnn__onnx_axes(cnn__onnx_run *run, int input, int rank, int *dims)
{
    bool chosen[CNN_MAX_DIMS] = { false };
    int count = 0, named = 0;
    const int64_t *axes = cnn__onnx_ints(run, "axes", &named);
    if (input >= 0 && cnn__onnx_has(run, input)) {
        const cnn__onnx_host *host = cnn__onnx_in_host(run, input);
        if (!host || !host->i || host->numel > INT32_MAX) {
            cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "input %d are no axes", input);
            return -1;
        }
        axes = host->i;
        named = (int)host->numel;
    }
    for (int i = 0; i < named; i++) {
        int axis = cnn__onnx_axis(run, axes[i], rank);
        if (axis < 0) {
            return -1;
        }
        chosen[axis] = true;
    }
    for (int d = 0; d < rank; d++) {
        if (chosen[d]) {
            dims[count++] = d;
        }
    }
    return count;
}

int cnn__onnx_shape_of(const cnn_tensor *x, int64_t *shape)
{
    int ndim = cnn_tensor_ndim(x);
    const int64_t *sizes = cnn_tensor_shape(x);
    for (int d = 0; d < ndim; d++) {
        shape[d] = sizes[d];
    }
    return ndim;
}

cnn_tensor *cnn__onnx_with_rank(cnn_tensor *x, int rank, int at)
{
    for (int ndim = cnn_tensor_ndim(x); ndim < rank; ndim++) {
        x = cnn_unsqueeze(x, at);
    }
    return x;
}

bool cnn__onnx_is_integer(int type)
{
    return type != 0 && !cnn__onnx_is_float(type) && type != CNN__ONNX_BOOL;
}

bool cnn__onnx_def_number(cnn__onnx_run *run, const cnn__onnx_tensor_def *def, double *number)
{
    cnn__onnx_file_bytes none = { .ctx = run->ctx, .call = "onnx", .path = "the model", .node_number = -1 };
    unsigned char element[8];
    cnn_dtype dtype;
    if (def->numel != 1 || def->is_external || !cnn__onnx_dtype(def->type, &dtype)) {
        return cnn__onnx_step_fail(run, CNN_ERROR_UNSUPPORTED, "a value of %lld elements of type %s",
                                   (long long)def->numel, cnn__onnx_type_name(def->type));
    }
    if (!cnn__onnx_tensor_def_elements(&none, def, element, false)) {
        run->status = none.status;
        return false;
    }
    cnn__onnx_host host = { .type = def->type, .numel = 1 };
    int64_t i = 0;
    host.f = cnn__onnx_is_float(def->type) ? number : NULL;
    host.i = host.f ? NULL : &i;
    cnn__onnx_widen(dtype, element, &host);
    if (host.i) {
        *number = (double)i;
    }
    return true;
}
