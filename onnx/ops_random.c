/* Random tensors, from the step's stream; a node's seed is not used. */
#include "ops.h"

/* With code 0 uniform in [low, high), with code 1 normal. */
static bool draw(cnn__onnx_run *run, int ndim, const int64_t *shape, int type)
{
    cnn_dtype dtype;
    if (!cnn__onnx_is_float(type) || !cnn__onnx_dtype(type, &dtype)) {
        return cnn__onnx_step_fail(run, CNN_ERROR_UNSUPPORTED, "random numbers of type %s", cnn__onnx_type_name(type));
    }
    cnn_dtype drawn = dtype == CNN_F64 ? CNN_F64 : CNN_F32;
    bool normal = run->step->op->code == 1;
    double first = normal ? cnn__onnx_float(run, "mean", 0) : cnn__onnx_float(run, "low", 0);
    double scale = normal ? cnn__onnx_float(run, "scale", 1) : cnn__onnx_float(run, "high", 1) - first;
    cnn_tensor *x =
        normal ? cnn_tape_randn(run->tape, drawn, ndim, shape) : cnn_tape_rand(run->tape, drawn, ndim, shape);
    return cnn__onnx_out(run, 0, cnn__onnx_to(cnn_add_scalar(cnn_mul_scalar(x, scale), first), dtype), type);
}

bool cnn__onnx_op_random(cnn__onnx_run *run)
{
    int count;
    const int64_t *shape = cnn__onnx_ints(run, "shape", &count);
    if (!shape || count > CNN_MAX_DIMS) {
        return cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "a shape of %d dimensions", count);
    }
    return draw(run, count, shape, (int)cnn__onnx_int(run, "dtype", CNN__ONNX_FLOAT));
}

bool cnn__onnx_op_random_like(cnn__onnx_run *run)
{
    int rank;
    int64_t shape[CNN_MAX_DIMS];
    return cnn__onnx_in_shape(run, 0, &rank, shape) &&
           draw(run, rank, shape, (int)cnn__onnx_int(run, "dtype", cnn__onnx_type(run, 0)));
}

/* 1 with the probability that an element is. */
bool cnn__onnx_op_bernoulli(cnn__onnx_run *run)
{
    int64_t shape[CNN_MAX_DIMS];
    int type = (int)cnn__onnx_int(run, "dtype", cnn__onnx_type(run, 0));
    cnn_tensor *p = cnn__onnx_to(cnn__onnx_in(run, 0), CNN_F32);
    cnn_dtype dtype;
    if (!p || !cnn__onnx_dtype(type, &dtype)) {
        return cnn__onnx_step_fail(run, CNN_ERROR_UNSUPPORTED, "elements of type %s", cnn__onnx_type_name(type));
    }
    int rank = cnn__onnx_shape_of(p, shape);
    return cnn__onnx_out(run, 0, cnn_cast(cnn_lt(cnn_tape_rand(run->tape, CNN_F32, rank, shape), p), dtype), type);
}
