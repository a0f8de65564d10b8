/* Products of f32, and the gradient of a product: dx[i] = dy · the product of all other elements, which divides by
 * nothing and so is right for zeros. Products are made in double, in an order that depends on the sizes alone. */
#include "kernels/array/reduce.h"
#include "kernels/launch.h"

#include <string.h>

enum { PROD_LANES = 16, PROD_TASK = 16384 };

/* Along a run in lanes, which are joined two by two. */
void cnn__part_product_f32(const void *from, int64_t n, int64_t stride, void *accumulator)
{
    const float *x = from;
    double lane[PROD_LANES], *total = accumulator;
    int64_t i = 0;
    for (int l = 0; l < PROD_LANES; l++) {
        lane[l] = 1;
    }
    for (; stride == 1 && i + PROD_LANES <= n; i += PROD_LANES) {
#pragma GCC unroll 16
        for (int l = 0; l < PROD_LANES; l++) {
            lane[l] *= (double)x[i + l];
        }
    }
#pragma GCC unroll 1
    for (; i < n; i++) {
        lane[i % PROD_LANES] *= (double)x[i * stride];
    }
    for (int l = 0; l < 8; l++) {
        lane[l] *= lane[l + 8];
    }
    *total *= ((lane[0] * lane[4]) * (lane[2] * lane[6])) * ((lane[1] * lane[5]) * (lane[3] * lane[7]));
}

/* Down the columns of a run of rows. */
void cnn__rows_product_f32(const void *from, int64_t n, int64_t stride, int64_t width, void *restrict accumulators)
{
    const float *x = from;
    double *a = accumulators;
    for (int64_t i = 0; i < n; i++, x += stride) {
        for (int64_t j = 0; j < width; j++) {
            a[j] *= (double)x[j];
        }
    }
}

#define X float
#define FN(name) CNN__JOIN(name, f32)
#define ATTRIBUTE
#include "kernels/array/prod_impl.h"

#define X double
#define FN(name) CNN__JOIN(name, f64)
#define ATTRIBUTE __attribute__((cold)) /* for gradient checks: kept small */
#include "kernels/array/prod_impl.h"

typedef struct prod_job {
    const cnn_launch *l;
    int64_t rows, n, group; /* rows of a task */
} prod_job;

static void prod_task(void *arg, int64_t task, int worker)
{
    (void)worker;
    const prod_job *j = arg;
    const int64_t first = task * j->group, rows = cnn__min(j->group, j->rows - first);
    (j->l->dtype == CNN_F64 ? prod_slopes_f64 : prod_slopes_f32)(first, rows, j->n, j->l->in[0], j->l->in[1],
                                                                 j->l->out[0]);
}

static bool run_prod_backward(cnn__cpu_call *c)
{
    const cnn_along *g = c->l->parameters;
    prod_job j = { .l = c->l, .rows = g->before, .n = g->n, .group = cnn__max(1, PROD_TASK / cnn__max(1, g->n)) };
    cnn__pool_run(c->pool, cnn__ceil_div(j.rows, j.group), (double)j.rows * (double)j.n * 2, prod_task, &j);
    return true;
}

const cnn__cpu_kernel cnn__cpu_prod_backward = {
    .run = run_prod_backward, .measure = cnn__measure_along, .in = "xy", .out = "x"
};
