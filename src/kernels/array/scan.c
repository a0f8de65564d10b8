/* Sums and products of all elements up to each one along a dimension: torch.cumsum and cumprod. Each line is made by
 * one task, in double, from its beginning or from its end; lines that lie side by side are made together. */
#include "kernels/array/nest.h"
#include "kernels/launch.h"

enum { SCAN_LINES = 64, SCAN_ROWS = 4, SCAN_TASK = 16384 };

#define X float
#define A double
#define FN(name) CNN__JOIN(name, f32)
#include "kernels/array/scan_impl.h"
#define ATTRIBUTE
#include "kernels/array/cumprod_impl.h"
#undef X
#undef A
#undef FN

#define X double
#define A double
#define FN(name) CNN__JOIN(name, f64)
#include "kernels/array/scan_impl.h"
#define ATTRIBUTE __attribute__((cold)) /* for gradient checks: kept small */
#include "kernels/array/cumprod_impl.h"
#undef X
#undef A
#undef FN

/* Integers wrap. */
#define X uint64_t
#define A uint64_t
#define FN(name) CNN__JOIN(name, i64)
#include "kernels/array/scan_impl.h"
#undef X
#undef A
#undef FN

/* Blocks of lines: `width` beside each other. */
typedef struct scan_job {
    const cnn_scan_parameters *p;
    cnn_dtype dtype;
    int64_t width, blocks, group; /* lines of a block; blocks per matrix [n,after], and of a task */
    const char *x, *dy;           /* dy: of the gradient */
    char *y;
} scan_job;

/* One block of one matrix, or SCAN_ROWS rows, `step` elements from one to the next where it is not 1; `at` is where it
 * begins, in elements. */
static void scan_block(const scan_job *j, int64_t lines, int64_t step, int64_t at)
{
    const cnn_along *g = &j->p->along;
    const int64_t size = (int64_t)cnn__array_size(j->dtype), n = g->n, first = j->p->reverse ? (n - 1) * g->after : 0;
    const int64_t stride = j->p->reverse ? -g->after : g->after;
    const bool f32 = j->dtype == CNN_F32, f64 = j->dtype == CNN_F64, product = j->p->product;
    if (j->dy) {
        (f64 ? cumprod_lines_f64 : cumprod_lines_f32)(lines, step, n, g->after, j->x + at * size, j->dy + at * size,
                                                      j->y + at * size);
        return;
    }
    const char *x = j->x + (at + first) * size;
    char *y = j->y + (at + first) * size;
    if (step != 1) {
        (f32 ? scan_rows_f32 : f64 ? scan_rows_f64 : scan_rows_i64)(product, n, stride, step, x, y);
    } else {
        (f32 ? scan_lines_f32 : f64 ? scan_lines_f64 : scan_lines_i64)(product, lines, n, stride, x, y);
    }
}

static void scan_task(void *arg, int64_t task, int worker)
{
    (void)worker;
    const scan_job *j = arg;
    const cnn_along *g = &j->p->along;
    int64_t i = task * j->group, end = cnn__min(g->before * j->blocks, (task + 1) * j->group);
    for (; g->after == 1 && g->n > 1 && i + SCAN_ROWS <= end; i += SCAN_ROWS) {
        scan_block(j, SCAN_ROWS, g->n, i * g->n);
    }
    for (; i < end; i++) {
        int64_t line = i % j->blocks * j->width;
        scan_block(j, cnn__min(j->width, g->after - line), 1, i / j->blocks * g->n * g->after + line);
    }
}

static bool scan_run(const cnn__cpu_call *c, scan_job j)
{
    const cnn_along *g = &j.p->along;
    j.dtype = c->l->dtype;
    j.x = c->l->in[0];
    j.y = c->l->out[0];
    j.width = cnn__max(1, cnn__min(SCAN_LINES, g->after));
    j.blocks = cnn__ceil_div(g->after, j.width);
    j.group = cnn__max(1, SCAN_TASK / cnn__max(1, g->n * j.width));
    if (g->n) {
        cnn__pool_run(c->pool, cnn__ceil_div(g->before * j.blocks, j.group),
                      (double)g->before * (double)g->n * (double)g->after * 2, scan_task, &j);
    }
    return true;
}

static bool run_scan(cnn__cpu_call *c)
{
    return scan_run(c, (scan_job){ .p = c->l->parameters });
}

static int64_t scan_measure(const cnn_launch *launch, char letter, bool *updates)
{
    const cnn_along *g = launch->parameters; /* the first member of cnn_scan_parameters, too */
    (void)letter, (void)updates;
    return g->before * g->n * g->after;
}

const cnn__cpu_kernel cnn__cpu_scan = { .run = run_scan, .measure = scan_measure, .in = "x", .out = "x" };

static bool run_cumprod_backward(cnn__cpu_call *c)
{
    const cnn_scan_parameters p = { .along = *(const cnn_along *)c->l->parameters };
    return scan_run(c, (scan_job){ .p = &p, .dy = c->l->in[1] });
}

const cnn__cpu_kernel cnn__cpu_cumprod_backward = {
    .run = run_cumprod_backward, .measure = scan_measure, .in = "xx", .out = "x"
};
