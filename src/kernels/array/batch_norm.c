/* Batch normalisation: a task per channel, so that no sum depends on the number of threads. */
#include "kernels/array/batch_norm.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

enum { BATCH_NORM_LANES = 8 };

static double total(const double sums[BATCH_NORM_LANES])
{
    double sum = 0;
    for (int i = 0; i < BATCH_NORM_LANES; i++) {
        sum += sums[i];
    }
    return sum;
}

#define X float
#define FN(name) name##_f32
#include "kernels/array/batch_norm_impl.h"

#define X double
#define FN(name) name##_f64
#include "kernels/array/batch_norm_impl.h"

typedef struct batch_norm_work {
    const cnn__batch_norm *g;
    double *var;
    const void *dy;
    void *y, *dx, *dweight, *dbias;
} batch_norm_work;

static void statistics_task(void *arg, int64_t c, int worker)
{
    const batch_norm_work *w = arg;
    (void)worker;
    (w->g->dtype == CNN_F64 ? batch_statistics_f64 : batch_statistics_f32)(w->g, c, w->var);
}

static void forward_task(void *arg, int64_t c, int worker)
{
    const batch_norm_work *w = arg;
    (void)worker;
    (w->g->dtype == CNN_F64 ? batch_forward_f64 : batch_forward_f32)(w->g, c, w->y);
}

static void backward_task(void *arg, int64_t c, int worker)
{
    const batch_norm_work *w = arg;
    (void)worker;
    (w->g->dtype == CNN_F64 ? batch_backward_f64 : batch_backward_f32)(w->g, c, w->dy, w->dx, w->dweight, w->dbias);
}

/* `each` is what an element costs, in multiplications. */
static void batch_norm_run(const cnn__batch_norm *g, double each, void (*task)(void *arg, int64_t c, int worker),
                           batch_norm_work *w, cnn__pool *pool)
{
    cnn__pool_run(pool, g->channels, each * (double)g->batch * (double)g->channels * (double)g->inner, task, w);
}

void cnn__batch_norm_statistics(const cnn__batch_norm *g, double *var, cnn__pool *pool)
{
    batch_norm_work w = { .g = g, .var = var };
    batch_norm_run(g, 4, statistics_task, &w, pool);
}

void cnn__batch_norm_forward(const cnn__batch_norm *g, void *y, cnn__pool *pool)
{
    batch_norm_work w = { .g = g, .y = y };
    batch_norm_run(g, 2, forward_task, &w, pool);
}

void cnn__batch_norm_backward(const cnn__batch_norm *g, const void *dy, void *dx, void *dweight, void *dbias,
                              cnn__pool *pool)
{
    batch_norm_work w = { .g = g, .dy = dy, .dx = dx, .dweight = dweight, .dbias = dbias };
    batch_norm_run(g, 6, backward_task, &w, pool);
}

/* ---- running statistics ---- */

static double norm_read(cnn_dtype dtype, const void *x, int64_t i)
{
    return dtype == CNN_F64 ? ((const double *)x)[i] : (double)((const float *)x)[i];
}

static void norm_write(cnn_dtype dtype, void *x, int64_t i, double value)
{
    if (dtype == CNN_F64) {
        ((double *)x)[i] = value;
    } else {
        ((float *)x)[i] = (float)value;
    }
}

static void norm_move(cnn_dtype dtype, void *running, int64_t i, double momentum, double value)
{
    norm_write(dtype, running, i, (1 - momentum) * norm_read(dtype, running, i) + value);
}

void cnn__batch_norm_move(const cnn_batch_norm_parameters *g, cnn_dtype dtype, const double *statistics, void *mean,
                          void *var)
{
    const double *batch_var = statistics + g->channels;
    double count = (double)g->batch * (double)g->inner, unbiased = count / (count - 1);
    for (int64_t c = 0; c < g->channels; c++) {
        norm_move(dtype, mean, c, g->momentum, g->momentum * statistics[c]);
        norm_move(dtype, var, c, g->momentum, g->momentum * batch_var[c] * unbiased);
    }
}

void cnn__batch_norm_scale(const cnn_batch_norm_parameters *g, cnn_dtype dtype, const void *mean, const void *var,
                           double *statistics)
{
    double *scale = statistics + g->channels;
    for (int64_t c = 0; c < g->channels; c++) {
        statistics[c] = mean ? norm_read(dtype, mean, c) : statistics[c];
        scale[c] = 1 / sqrt((var ? norm_read(dtype, var, c) : scale[c]) + g->eps);
    }
}

static double norm_read_or(cnn_dtype dtype, const void *x, int64_t i, double missing)
{
    return x ? norm_read(dtype, x, i) : missing;
}

void cnn__batch_norm_fold(const cnn_batch_norm_parameters *g, cnn_dtype dtype, const void *const in[5], void *scale,
                          void *bias)
{
    for (int64_t c = 0; c < g->channels; c++) {
        double slope = norm_read_or(dtype, in[1], c, 1) / sqrt(norm_read(dtype, in[4], c) + g->eps);
        double centred = norm_read_or(dtype, in[0], c, 0) - norm_read(dtype, in[3], c);
        norm_write(dtype, scale, c, slope);
        norm_write(dtype, bias, c, centred * slope + norm_read_or(dtype, in[2], c, 0));
    }
}
