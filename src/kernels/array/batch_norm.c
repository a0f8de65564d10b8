/* Batch normalisation: a task per channel, so that no sum depends on the number of threads. */
#include "kernels/array/batch_norm.h"

#include <stdbool.h>
#include <stddef.h>

enum { LANES = 8 };

static double total(const double sums[LANES])
{
    double sum = 0;
    for (int i = 0; i < LANES; i++) {
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

typedef struct work {
    const cnn__batch_norm *g;
    double *var;
    const void *dy;
    void *y, *dx, *dweight, *dbias;
} work;

static void statistics_task(void *arg, int64_t c, int worker)
{
    const work *w = arg;
    (void)worker;
    (w->g->dtype == CNN_F64 ? statistics_f64 : statistics_f32)(w->g, c, w->var);
}

static void forward_task(void *arg, int64_t c, int worker)
{
    const work *w = arg;
    (void)worker;
    (w->g->dtype == CNN_F64 ? forward_f64 : forward_f32)(w->g, c, w->y);
}

static void backward_task(void *arg, int64_t c, int worker)
{
    const work *w = arg;
    (void)worker;
    (w->g->dtype == CNN_F64 ? backward_f64 : backward_f32)(w->g, c, w->dy, w->dx, w->dweight, w->dbias);
}

/* `each` is what an element costs, in multiplications. */
static void run(const cnn__batch_norm *g, double each, void (*task)(void *arg, int64_t c, int worker), work *w,
                cnn__pool *pool)
{
    cnn__pool_run(pool, g->channels, each * (double)g->batch * (double)g->channels * (double)g->inner, task, w);
}

void cnn__batch_norm_statistics(const cnn__batch_norm *g, double *var, cnn__pool *pool)
{
    work w = { .g = g, .var = var };
    run(g, 4, statistics_task, &w, pool);
}

void cnn__batch_norm_forward(const cnn__batch_norm *g, void *y, cnn__pool *pool)
{
    work w = { .g = g, .y = y };
    run(g, 2, forward_task, &w, pool);
}

void cnn__batch_norm_backward(const cnn__batch_norm *g, const void *dy, void *dx, void *dweight, void *dbias,
                              cnn__pool *pool)
{
    work w = { .g = g, .dy = dy, .dx = dx, .dweight = dweight, .dbias = dbias };
    run(g, 6, backward_task, &w, pool);
}
