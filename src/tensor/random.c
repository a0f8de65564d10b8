/* Tensors of numbers by rule: sequences and random draws. An element is a pure function of the key and its place, so
 * tasks may draw them in any order. Each random tensor of the caller's takes one stream of the context, so what it
 * gets depends on the order of the calls alone. */
#include "tensor/tensor.h"

#include "base/random.h"
#include "kernels/array/convert.h"

#include <math.h>

/* A stored dtype gets the numbers of the one that is computed in, rounded. */
static cnn_status draw_rounded(cnn_tensor *t, const char *call, const uint64_t key[2], cnn_distribution distribution,
                               double p)
{
    cnn_tensor *drawn = cnn__tensor_new(t->ctx, call, cnn__dtypes[t->dtype].compute, t->ndim, t->shape);
    cnn_status status = drawn ? cnn__draw(drawn, call, key, distribution, p) : cnn__failure_status();
    if (status == CNN_OK) {
        status = cnn__tensor_copy(t, drawn, call);
    }
    cnn__tensor_release(drawn);
    return status;
}

cnn_status cnn__draw(cnn_tensor *t, const char *call, const uint64_t key[2], cnn_distribution distribution, double p)
{
    if (cnn__dtype_is_stored(t->dtype)) {
        return draw_rounded(t, call, key, distribution, p);
    }
    const cnn_draw_parameters tensor_random_draw = { distribution, p, { key[0], key[1] } };
    cnn_launch l =
        CNN__LAUNCH(DRAW, t->dtype, CNN__PARAMETERS(tensor_random_draw), .count = t->numel, .out = { cnn__data(t) });
    return cnn__launch(t->ctx, call, &l);
}

/* ---- tensors of the caller's ---- */

static cnn_tensor *tensor_random_draw(cnn_context *ctx, const char *call, cnn_distribution distribution,
                                      cnn_dtype dtype, int ndim, const int64_t *shape)
{
    if (ctx && cnn__dtype_valid(dtype) && !cnn__dtype_is_full(dtype)) {
        cnn__fail(ctx, CNN_ERROR_DTYPE, "%s: dtype is %s, expected float32 or float64", call, cnn_dtype_name(dtype));
        return NULL;
    }
    cnn_tensor *t = cnn__tensor_new(ctx, call, dtype, ndim, shape);
    if (!t) {
        return NULL;
    }
    uint64_t key[2];
    CNN__KNOWN(ctx != NULL);
    cnn__context_next_stream(ctx, key);
    if (cnn__draw(t, call, key, distribution, 0) != CNN_OK) {
        cnn__tensor_release(t);
        t = NULL;
    }
    return t;
}

cnn_tensor *cnn_tensor_rand(cnn_context *ctx, cnn_dtype dtype, int ndim, const int64_t *shape)
{
    return tensor_random_draw(ctx, "tensor_rand", CNN_DRAW_UNIFORM, dtype, ndim, shape);
}

cnn_tensor *cnn_tensor_randn(cnn_context *ctx, cnn_dtype dtype, int ndim, const int64_t *shape)
{
    return tensor_random_draw(ctx, "tensor_randn", CNN_DRAW_NORMAL, dtype, ndim, shape);
}

/* Element i is start + i · step, computed from i, so that errors do not accumulate, and converted like a cast. */
cnn_tensor *cnn_tensor_arange(cnn_context *ctx, cnn_dtype dtype, double start, double end, double step)
{
    double count = ceil((end - start) / step);
    bool finite = isfinite(start) && isfinite(end) && isfinite(step);
    if (!finite || step == 0 || !(count >= 0) || count > 0x1p62 || dtype == CNN_BOOL) {
        cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "tensor_arange: from %s to %s by %s as %s is no sequence",
                  CNN__G(start), CNN__G(end), CNN__G(step), cnn_dtype_name(dtype));
        return NULL;
    }
    int64_t n = (int64_t)count;
    cnn_tensor *t = cnn__tensor_new_on_host(ctx, "tensor_arange", dtype, 1, &n);
    for (int64_t i = 0; t && i < n; i++) {
        double value = start + (double)i * step;
        void *data = cnn__data(t);
        switch (dtype) {
        case CNN_F32: ((float *)data)[i] = (float)value; break;
        case CNN_F64: ((double *)data)[i] = value; break;
        case CNN_I64: ((int64_t *)data)[i] = cnn__i64_of_real(value); break;
        case CNN_I32: ((int32_t *)data)[i] = cnn__i32_of_real(value); break;
        case CNN_BF16: ((uint16_t *)data)[i] = cnn__bf16_of_real((float)value); break;
        default: ((uint8_t *)data)[i] = cnn__u8_of_real(value); break;
        }
    }
    return cnn__tensor_off_host(t, "tensor_arange");
}
