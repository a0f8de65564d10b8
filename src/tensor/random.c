/* Tensors of numbers by rule: sequences and random draws. An element is a pure function of the key and its place, so
 * tasks may draw them in any order. Each random tensor of the caller's takes one stream of the context, so what it
 * gets depends on the order of the calls alone. */
#include "tensor/tensor.h"

#include "base/random.h"
#include "kernels/array/convert.h"

#include <math.h>

enum { CHUNK = 4096 }; /* elements per task: whole groups of Philox */

typedef struct drawing {
    const cnn_tensor *t;
    uint64_t key[2];
    uint64_t threshold; /* Bernoulli: of the 2^32 draws, how many give 1 */
} drawing;

/* ---- one task for each distribution and dtype: elements begin to end ---- */

static void uniform_f32(const drawing *d, int64_t begin, int64_t end)
{
    uint32_t draws[CNN__DRAWS];
    float *x = cnn__data(d->t);
    for (int64_t i = begin; i < end; i += CNN__DRAWS) {
        cnn__philox_group(d->key, (uint64_t)i / 4, draws);
        for (int k = 0; k < CNN__DRAWS && k < end - i; k++) {
            x[i + k] = cnn__uniform_f32(draws[k]);
        }
    }
}

static void uniform_f64(const drawing *d, int64_t begin, int64_t end)
{
    double *x = cnn__data(d->t);
    for (int64_t i = begin; i < end; i++) {
        x[i] = cnn__random_f64(d->key, (uint64_t)i);
    }
}

static void normal_f32(const drawing *d, int64_t begin, int64_t end)
{
    float *x = cnn__data(d->t);
    for (int64_t i = begin; i < end; i++) {
        x[i] = (float)cnn__random_normal(d->key, (uint64_t)i);
    }
}

static void normal_f64(const drawing *d, int64_t begin, int64_t end)
{
    double *x = cnn__data(d->t);
    for (int64_t i = begin; i < end; i++) {
        x[i] = cnn__random_normal(d->key, (uint64_t)i);
    }
}

/* Element i is 1 where draw i is below the threshold, whatever the dtype. */
static void bernoulli(const drawing *d, int64_t begin, int64_t end)
{
    uint32_t draws[CNN__DRAWS];
    void *data = cnn__data(d->t);
    for (int64_t i = begin; i < end; i += CNN__DRAWS) {
        cnn__philox_group(d->key, (uint64_t)i / 4, draws);
        for (int k = 0; k < CNN__DRAWS && k < end - i; k++) {
            bool one = draws[k] < d->threshold;
            switch (d->t->dtype) {
            case CNN_F32: ((float *)data)[i + k] = one; break;
            case CNN_F64: ((double *)data)[i + k] = one; break;
            default: ((unsigned char *)data)[i + k] = one; break;
            }
        }
    }
}

typedef void (*draw_fn)(const drawing *d, int64_t begin, int64_t end);

static draw_fn draw_fn_of(cnn__distribution distribution, cnn_dtype dtype)
{
    if (distribution == CNN__BERNOULLI) {
        return bernoulli;
    }
    if (distribution == CNN__NORMAL) {
        return dtype == CNN_F32 ? normal_f32 : normal_f64;
    }
    return dtype == CNN_F32 ? uniform_f32 : uniform_f64;
}

typedef struct draw_job {
    drawing drawing;
    draw_fn draw;
} draw_job;

static void draw_chunk(void *arg, int64_t task, int worker)
{
    (void)worker;
    const draw_job *job = arg;
    int64_t begin = task * CHUNK, numel = job->drawing.t->numel;
    job->draw(&job->drawing, begin, begin + CHUNK < numel ? begin + CHUNK : numel);
}

void cnn__draw(cnn_tensor *t, const uint64_t key[2], cnn__distribution distribution, double p)
{
    draw_job job = { .drawing = { .t = t, .key = { key[0], key[1] }, .threshold = (uint64_t)(p * 0x1p32) },
                     .draw = draw_fn_of(distribution, t->dtype) };
    cnn__pool_run(t->ctx->pool, (t->numel + CHUNK - 1) / CHUNK, (double)t->numel * 20, draw_chunk, &job);
}

/* ---- tensors of the caller's ---- */

static cnn_tensor *draw(cnn_context *ctx, const char *call, cnn__distribution distribution, cnn_dtype dtype, int ndim,
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
    uint64_t key[2];
    CNN__KNOWN(ctx != NULL);
    cnn__context_next_stream(ctx, key);
    cnn__draw(t, key, distribution, 0);
    return t;
}

cnn_tensor *cnn_tensor_rand(cnn_context *ctx, cnn_dtype dtype, int ndim, const int64_t *shape)
{
    return draw(ctx, "tensor_rand", CNN__UNIFORM, dtype, ndim, shape);
}

cnn_tensor *cnn_tensor_randn(cnn_context *ctx, cnn_dtype dtype, int ndim, const int64_t *shape)
{
    return draw(ctx, "tensor_randn", CNN__NORMAL, dtype, ndim, shape);
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
