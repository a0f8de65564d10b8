/* Operators along axes: reductions, positions of extrema, softmax, running sums. */
#include "ops.h"

#include <math.h>
#include <string.h>

enum { L1, L2, LOG_SUM, LOG_SUM_EXP, MAX, MEAN, MIN, PROD, SUM, SUM_SQUARE };

static cnn_tensor *reduced(cnn__onnx_run *run, cnn_tensor *x, int count, const int *dims, bool keep)
{
    switch (run->step->op->code) {
    case L1: return cnn_sum(cnn_abs(x), count, dims, keep);
    case L2: return cnn_sqrt(cnn_sum(cnn_square(x), count, dims, keep));
    case LOG_SUM: return cnn_log(cnn_sum(x, count, dims, keep));
    case LOG_SUM_EXP: return cnn_logsumexp(x, count, dims, keep);
    case MEAN: return cnn_mean(x, count, dims, keep);
    case PROD: return cnn_prod(x, count, dims, keep);
    case SUM: return cnn_sum(x, count, dims, keep);
    case SUM_SQUARE: return cnn_sum(cnn_mul(x, x), count, dims, keep);
    default: break;
    }
    if (cnn_tensor_dtype(x) == CNN_BOOL) {
        return run->step->op->code == MAX ? cnn_any(x, count, dims, keep) : cnn_all(x, count, dims, keep);
    }
    return run->step->op->code == MAX ? cnn_max(x, count, dims, keep) : cnn_min(x, count, dims, keep);
}

/* The extremum of nothing is the type's other end. */
static cnn_tensor *of_nothing(cnn__onnx_run *run, const cnn_tensor *x, int count, const int *dims, bool keep, bool max,
                              int type)
{
    int64_t shape[CNN_MAX_DIMS];
    int rank = cnn_tensor_ndim(x), left = 0;
    double low = -INFINITY, high = INFINITY;
    for (int d = 0, k = 0; d < rank; d++) {
        bool chosen = count == 0 || (k < count && dims[k] == d);
        k += chosen;
        if (!chosen || keep) {
            shape[left++] = chosen ? 1 : cnn_tensor_size(x, d);
        }
    }
    if (type == CNN__ONNX_BOOL) {
        low = 0, high = 1;
    }
    cnn__onnx_range(type, &low, &high);
    return cnn__onnx_full(run, cnn_tensor_dtype(x), left, shape, max ? low : high);
}

bool cnn__onnx_op_reduce(cnn__onnx_run *run)
{
    int dims[CNN_MAX_DIMS], rank = cnn__onnx_rank(run, 0), type = cnn__onnx_type(run, 0), code = run->step->op->code;
    cnn_tensor *x = cnn__onnx_in(run, 0);
    int count = cnn__onnx_axes(run, 1, rank, dims);
    bool keep = cnn__onnx_int(run, "keepdims", 1) != 0;
    if (!x || count < 0) {
        return false;
    }
    cnn_dtype dtype = cnn_tensor_dtype(x);
    if (count == 0 && cnn__onnx_int(run, "noop_with_empty_axes", 0)) {
        x = code == L1 || code == L2 ? cnn_abs(x)
            : code == LOG_SUM        ? cnn_log(x)
            : code == SUM_SQUARE     ? cnn_mul(x, x)
                                     : x;
        return cnn__onnx_out(run, 0, x, type);
    }
    bool integer = cnn__onnx_is_integer(type),
         real = integer && (code == L2 || code == LOG_SUM || code == LOG_SUM_EXP || code == MEAN);
    cnn_tensor *y;
    if ((code == MAX || code == MIN) && cnn_tensor_numel(x) == 0) {
        y = of_nothing(run, x, count, dims, keep, code == MAX, type);
    } else {
        y = reduced(run, real ? cnn_cast(x, CNN_F64) : x, count, dims, keep);
    }
    return cnn__onnx_out(run, 0, cnn__onnx_wrap(run, cnn__onnx_to(y, dtype), type), type);
}

/* ArgMax and, with code 1, ArgMin. The last of equal ones is the first of the reversed. */
bool cnn__onnx_op_arg(cnn__onnx_run *run)
{
    int dim = cnn__onnx_axis(run, cnn__onnx_int(run, "axis", 0), cnn__onnx_rank(run, 0));
    bool keep = cnn__onnx_int(run, "keepdims", 1) != 0, last = cnn__onnx_int(run, "select_last_index", 0) != 0;
    cnn_tensor *x = cnn__onnx_in(run, 0);
    if (dim < 0) {
        return false;
    }
    x = last ? cnn_flip(x, 1, &dim) : x;
    cnn_tensor *y = run->step->op->code ? cnn_argmin(x, 1, &dim, keep) : cnn_argmax(x, 1, &dim, keep);
    y = last ? cnn_sub(cnn__onnx_scalar(run, y, (double)(cnn_tensor_size(x, dim) - 1)), y) : y;
    return cnn__onnx_out(run, 0, y, CNN__ONNX_INT64);
}

/* Softmax and, with code 1, LogSoftmax. Before opset 13 all dimensions from the axis on are one. */
bool cnn__onnx_op_softmax(cnn__onnx_run *run)
{
    bool old = run->step->version < 13;
    int axis = cnn__onnx_axis(run, cnn__onnx_int(run, "axis", old ? 1 : -1), cnn__onnx_rank(run, 0));
    int64_t shape[CNN_MAX_DIMS];
    cnn_tensor *x = cnn__onnx_in(run, 0);
    if (axis < 0) {
        return false;
    }
    int rank = cnn__onnx_shape_of(x, shape);
    bool matrix = old && axis != rank - 1;
    x = matrix ? cnn__onnx_as_matrix(x, axis) : x;
    cnn_tensor *y = run->step->op->code ? cnn_log_softmax(x, matrix ? 1 : axis) : cnn_softmax(x, matrix ? 1 : axis);
    return cnn__onnx_out(run, 0, matrix ? cnn_reshape(y, rank, shape) : y, cnn__onnx_type(run, 0));
}

/* 1 at the first largest element along the axis, else 0. */
bool cnn__onnx_op_hardmax(cnn__onnx_run *run)
{
    bool old = run->step->version < 13;
    int axis = cnn__onnx_axis(run, cnn__onnx_int(run, "axis", old ? 1 : -1), cnn__onnx_rank(run, 0));
    int64_t shape[CNN_MAX_DIMS];
    cnn_tensor *x = cnn__onnx_in(run, 0);
    if (axis < 0) {
        return false;
    }
    int rank = cnn__onnx_shape_of(x, shape), dim = axis;
    if (old && axis != rank - 1) {
        x = cnn__onnx_as_matrix(x, axis);
        dim = 1;
    }
    cnn_tensor *zero = cnn_mul_scalar(x, 0);
    cnn_tensor *y = cnn_scatter_value(zero, dim, cnn_argmax(x, 1, &dim, true), 1);
    return cnn__onnx_out(run, 0, cnn_reshape(y, rank, shape), cnn__onnx_type(run, 0));
}

/* CumSum and, with code 1, CumProd. `exclusive`: without the element itself; `reverse`: from the end. */
bool cnn__onnx_op_cumsum(cnn__onnx_run *run)
{
    int dim = cnn__onnx_axis(run, cnn__onnx_in_int(run, 1, 0), cnn__onnx_rank(run, 0)), type = cnn__onnx_type(run, 0);
    bool reverse = cnn__onnx_int(run, "reverse", 0) != 0, product = run->step->op->code == 1;
    cnn_tensor *x = cnn__onnx_in(run, 0);
    if (dim < 0) {
        return false;
    }
    cnn_dtype dtype = cnn_tensor_dtype(x);
    x = reverse ? cnn_flip(x, 1, &dim) : x;
    if (cnn__onnx_int(run, "exclusive", 0)) {
        int64_t before[CNN_MAX_DIMS] = { 0 }, after[CNN_MAX_DIMS] = { 0 };
        before[dim] = 1;
        after[dim] = -1;
        x = cnn__onnx_padded(run, x, before, after, CNN_PAD_CONSTANT, product);
    }
    cnn_tensor *y = cnn__onnx_to(product ? cnn_cumprod(x, dim) : cnn_cumsum(x, dim), dtype);
    return cnn__onnx_out(run, 0, cnn__onnx_wrap(run, reverse ? cnn_flip(y, 1, &dim) : y, type), type);
}

/* x / ‖x‖ along an axis; 0 where the norm is. */
bool cnn__onnx_op_norm_lp(cnn__onnx_run *run)
{
    int dim = cnn__onnx_axis(run, cnn__onnx_int(run, "axis", -1), cnn__onnx_rank(run, 0));
    cnn_tensor *x = cnn__onnx_in(run, 0);
    if (dim < 0) {
        return false;
    }
    cnn_tensor *norm = cnn_norm(x, (double)cnn__onnx_int(run, "p", 2), 1, &dim, true),
               *zero = cnn__onnx_scalar(run, x, 0);
    cnn_tensor *safe = cnn_where(cnn_eq(norm, zero), cnn__onnx_scalar(run, x, 1), norm);
    return cnn__onnx_out(run, 0, cnn_div(x, safe), cnn__onnx_type(run, 0));
}
