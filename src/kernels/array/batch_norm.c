/* Batch normalisation: a task per channel, so that no sum depends on the number of threads. */
#include "kernels/array/batch_norm.h"

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
