/* Operators that convert elements: casts, and the affine quantisation of real numbers to integers. */
#include "ops.h"

#include <string.h>

/* The value of a tensor in another type. A half-precision number keeps what an f32 has. */
static cnn_tensor *cast(cnn__onnx_run *run, cnn_tensor *x, int from, int to)
{
    cnn_dtype dtype;
    if (!cnn__onnx_dtype(to, &dtype)) {
        cnn__onnx_step_fail(run, CNN_ERROR_UNSUPPORTED, "elements of type %s", cnn__onnx_type_name(to));
        return NULL;
    }
    if (cnn__onnx_is_float(from) && cnn__onnx_is_integer(to) && to != CNN__ONNX_INT64 && to != CNN__ONNX_INT32) {
        return cnn__onnx_to(cnn__onnx_wrap(run, cnn_cast(x, CNN_I64), to), dtype);
    }
    if (to == CNN__ONNX_UINT8 && cnn__onnx_is_integer(from)) { /* wraps around */
        x = cnn__onnx_to(x, CNN_I64);
        return cnn_cast(cnn_bitwise_and(x, cnn__onnx_scalar(run, x, 255)), CNN_U8);
    }
    if (to == CNN__ONNX_INT32 && cnn_tensor_dtype(x) == CNN_I64) {
        return cnn_cast(cnn__onnx_wrap(run, x, CNN__ONNX_INT32), CNN_I32);
    }
    if (cnn__onnx_is_integer(to) && cnn__onnx_is_integer(from)) {
        return cnn__onnx_to(cnn__onnx_wrap(run, cnn__onnx_to(x, CNN_I64), to), dtype);
    }
    return cnn__onnx_to(x, dtype);
}

bool cnn__onnx_op_cast(cnn__onnx_run *run)
{
    int to = (int)cnn__onnx_int(run, "to", 0);
    return cnn__onnx_out(run, 0, cast(run, cnn__onnx_in(run, 0), cnn__onnx_type(run, 0), to), to);
}

bool cnn__onnx_op_cast_like(cnn__onnx_run *run)
{
    int to = cnn__onnx_type(run, 1);
    return cnn__onnx_out(run, 0, cast(run, cnn__onnx_in(run, 0), cnn__onnx_type(run, 0), to), to);
}

bool cnn__onnx_op_identity(cnn__onnx_run *run)
{
    const cnn__onnx_host *known = cnn__onnx_known(run, 0);
    return known ? cnn__onnx_out_host(run, 0, known)
                 : cnn__onnx_out(run, 0, cnn__onnx_in(run, 0), cnn__onnx_type(run, 0));
}

/* A scale or zero point in the shape that broadcasts along `axis`: one number, one per element of the axis, or one per
 * block of elements along it. */
static cnn_tensor *along(cnn__onnx_run *run, cnn_tensor *scale, const cnn_tensor *x, int axis, int64_t block)
{
    int rank = cnn_tensor_ndim(x);
    int64_t shape[CNN_MAX_DIMS], numel = cnn_tensor_numel(scale);
    if (!scale || (numel == 1 && cnn_tensor_ndim(scale) <= 1)) {
        return cnn_reshape(scale, CNN_SCALAR);
    }
    if (block > 0 && cnn_tensor_ndim(scale) == rank && rank < CNN_MAX_DIMS) {
        cnn__onnx_shape_of(scale, shape);
        cnn_tensor *wide = cnn_unsqueeze(scale, axis + 1);
        int64_t repeats[CNN_MAX_DIMS];
        for (int d = 0; d <= rank; d++) {
            repeats[d] = d == axis + 1 ? block : 1;
        }
        wide = cnn_repeat(wide, rank + 1, repeats);
        shape[axis] *= block;
        return cnn_slice(cnn_reshape(wide, rank, shape), axis, 0, cnn_tensor_size(x, axis), 1);
    }
    if (axis >= rank || numel != cnn_tensor_size(x, axis)) {
        cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "%lld scales for an axis of %lld", (long long)numel,
                            (long long)(axis < rank ? cnn_tensor_size(x, axis) : 0));
        return NULL;
    }
    for (int d = 0; d < rank; d++) {
        shape[d] = d == axis ? numel : 1;
    }
    return cnn_reshape(scale, rank, shape);
}

cnn_tensor *cnn__onnx_quantized(cnn__onnx_run *run, cnn_tensor *x, cnn_tensor *scale, cnn_tensor *zero, int type)
{
    cnn_dtype dtype;
    double low, high;
    if (!cnn__onnx_dtype(type, &dtype) || !cnn__onnx_range(type, &low, &high)) {
        cnn__onnx_step_fail(run, CNN_ERROR_UNSUPPORTED, "quantised to %s", cnn__onnx_type_name(type));
        return NULL;
    }
    x = cnn_round(cnn_div(cnn__onnx_to(x, CNN_F32), cnn__onnx_to(scale, CNN_F32))); /* halves to even */
    x = zero ? cnn_add(cnn__onnx_to(x, CNN_F64), cnn__onnx_to(zero, CNN_F64)) : x;
    return cnn_cast(cnn_clamp(cnn__onnx_to(x, CNN_F64), low, high), dtype);
}

bool cnn__onnx_op_quantize(cnn__onnx_run *run)
{
    int type =
            cnn__onnx_has(run, 2) ? cnn__onnx_type(run, 2) : (int)cnn__onnx_int(run, "output_dtype", CNN__ONNX_UINT8),
        rank = cnn__onnx_rank(run, 0);
    cnn_tensor *x = cnn__onnx_in(run, 0), *scale = cnn__onnx_in(run, 1),
               *zero = cnn__onnx_has(run, 2) ? cnn__onnx_in(run, 2) : NULL;
    bool one = cnn_tensor_numel(scale) == 1;
    int axis = one && rank == 0 ? 0 : cnn__onnx_axis(run, cnn__onnx_int(run, "axis", 1), one && rank < 2 ? 2 : rank);
    int64_t block = cnn__onnx_int(run, "block_size", 0);
    type = type ? type : CNN__ONNX_UINT8;
    if (axis < 0) {
        return false;
    }
    zero = zero ? along(run, zero, x, axis, block) : NULL;
    return cnn__onnx_out(run, 0, cnn__onnx_quantized(run, x, along(run, scale, x, axis, block), zero, type), type);
}

bool cnn__onnx_op_dequantize(cnn__onnx_run *run)
{
    int type = cnn__onnx_type(run, 1), rank = cnn__onnx_rank(run, 0);
    cnn_tensor *x = cnn__onnx_in(run, 0), *scale = cnn__onnx_in(run, 1),
               *zero = cnn__onnx_has(run, 2) ? cnn__onnx_in(run, 2) : NULL;
    bool one = cnn_tensor_numel(scale) == 1;
    int axis = one && rank == 0 ? 0 : cnn__onnx_axis(run, cnn__onnx_int(run, "axis", 1), one && rank < 2 ? 2 : rank);
    int64_t block = cnn__onnx_int(run, "block_size", 0);
    if (axis < 0) {
        return false;
    }
    x = cnn_cast(x, CNN_F64); /* differences of 32-bit integers are exact */
    x = zero ? cnn_sub(x, cnn__onnx_to(along(run, zero, x, axis, block), CNN_F64)) : x;
    cnn_dtype dtype = cnn_tensor_dtype(scale);
    return cnn__onnx_out(run, 0, cnn_mul(cnn__onnx_to(x, dtype), along(run, scale, x, axis, block)), type);
}

/* y_scale = (max(0, x) − min(0, x)) / 255, y_zero_point = round(−min / y_scale), of the whole tensor. */
bool cnn__onnx_op_dynamic_quantize(cnn__onnx_run *run)
{
    cnn_tensor *x = cnn__onnx_in(run, 0);
    cnn_tensor *high = cnn_clamp(cnn_max(x, CNN_ALL_DIMS, false), 0, 3.4e38);
    cnn_tensor *low = cnn_clamp(cnn_min(x, CNN_ALL_DIMS, false), -3.4e38, 0);
    cnn_tensor *scale = cnn_div(cnn_sub(high, low), cnn__onnx_scalar(run, x, 255));
    cnn_tensor *zero = cnn_cast(cnn_clamp(cnn_round(cnn_div(cnn_neg(low), scale)), 0, 255), CNN_U8);
    return cnn__onnx_out(run, 0, cnn__onnx_quantized(run, x, scale, zero, CNN__ONNX_UINT8), CNN__ONNX_UINT8) &&
           cnn__onnx_out(run, 1, scale, CNN__ONNX_FLOAT) && cnn__onnx_out(run, 2, zero, CNN__ONNX_UINT8);
}
