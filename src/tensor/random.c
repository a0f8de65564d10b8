/* Tensors of computed values: sequences and random draws. Each random tensor takes one stream of the context, so its
 * values depend only on the order of the calls. */
#include "tensor/tensor.h"

#include "base/random.h"
#include "kernels/array/convert.h"

#include <math.h>

enum { CHUNK = 4096 }; /* elements per task: whole groups of Philox */

typedef struct drawing {
    cnn_tensor *t;
    uint64_t key[2];
    bool normal;
} drawing;

static void uniform_f32(const drawing *d, float *x, int64_t begin, int64_t end)
{
    uint32_t draws[CNN__DRAWS];
    for (int64_t i = begin; i < end; i += CNN__DRAWS) {
        cnn__philox_group(d->key, (uint64_t)i / 4, draws);
        for (int k = 0; k < CNN__DRAWS && k < end - i; k++) {
            x[i + k] = cnn__uniform_f32(draws[k]);
        }
    }
}

static void draw_chunk(void *arg, int64_t task, int worker)
{
    (void)worker;
    const drawing *d = arg;
    int64_t begin = task * CHUNK, end = begin + CHUNK < d->t->numel ? begin + CHUNK : d->t->numel;
    float *f32 = cnn__data(d->t);
    double *f64 = cnn__data(d->t);
    if (d->t->dtype == CNN_F32 && !d->normal) {
        uniform_f32(d, f32, begin, end);
        return;
    }
    for (int64_t i = begin; i < end; i++) {
        uint64_t place = (uint64_t)i;
        if (d->t->dtype == CNN_F32) {
            f32[i] = (float)cnn__random_normal(d->key, place);
        } else {
            f64[i] = d->normal ? cnn__random_normal(d->key, place) : cnn__random_f64(d->key, place);
        }
    }
}

static cnn_tensor *draw(cnn_context *ctx, const char *call, bool normal, cnn_dtype dtype, int ndim,
                        const int64_t *shape)
{
    if (ctx && cnn__dtype_valid(dtype) && !cnn__dtype_is_real(dtype)) {
        cnn__fail(ctx, CNN_ERROR_DTYPE, "%s: dtype is %s, expected float32 or float64", call, cnn_dtype_name(dtype));
        return NULL;
    }
    cnn_tensor *t = cnn__tensor_new(ctx, call, dtype, ndim, shape);
    if (!t) {
        return NULL;
    }
    drawing d = { .t = t, .normal = normal };
    CNN__KNOWN(ctx != NULL);
    cnn__context_next_stream(ctx, d.key);
    cnn__pool_run(ctx->pool, (t->numel + CHUNK - 1) / CHUNK, (double)t->numel * 20, draw_chunk, &d);
    return t;
}

cnn_tensor *cnn_tensor_rand(cnn_context *ctx, cnn_dtype dtype, int ndim, const int64_t *shape)
{
    return draw(ctx, "tensor_rand", false, dtype, ndim, shape);
}

cnn_tensor *cnn_tensor_randn(cnn_context *ctx, cnn_dtype dtype, int ndim, const int64_t *shape)
{
    return draw(ctx, "tensor_randn", true, dtype, ndim, shape);
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
    cnn_tensor *t = cnn__tensor_new(ctx, "tensor_arange", dtype, 1, &n);
    for (int64_t i = 0; t && i < n; i++) {
        double value = start + (double)i * step;
        void *data = cnn__data(t);
        switch (dtype) {
        case CNN_F32: ((float *)data)[i] = (float)value; break;
        case CNN_F64: ((double *)data)[i] = value; break;
        case CNN_I64: ((int64_t *)data)[i] = cnn__i64_of_real(value); break;
        case CNN_I32: ((int32_t *)data)[i] = cnn__i32_of_real(value); break;
        default: ((uint8_t *)data)[i] = cnn__u8_of_real(value); break;
        }
    }
    return t;
}
