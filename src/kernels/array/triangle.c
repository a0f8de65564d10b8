/* Matrices of which one side of a diagonal is kept: torch.tril and triu. Rows are copied in part and cleared in
 * part, by their bytes. */
#include "kernels/array/nest.h"
#include "kernels/launch.h"

#include <string.h>

typedef struct triangle_job {
    const cnn_triangle_parameters *p;
    size_t size;
    int64_t group; /* rows of a task */
    const char *x;
    char *y;
} triangle_job;

static void triangle_task(void *arg, int64_t task, int worker)
{
    (void)worker;
    const triangle_job *j = arg;
    const cnn_triangle_parameters *p = j->p;
    int64_t end = cnn__min(p->matrices * p->rows, (task + 1) * j->group);
    for (int64_t i = task * j->group; i < end; i++) {
        const int64_t row = i % p->rows;
        /* The diagonal's column, and where what is kept ends or begins. */
        int64_t cut = p->diagonal < -row ? -1 : cnn__min(p->columns, p->diagonal + row);
        size_t left = (size_t)(p->upper ? cnn__max(0, cut) : cnn__min(p->columns, cut + 1)) * j->size;
        size_t bytes = (size_t)p->columns * j->size, at = (size_t)i * bytes;
        size_t from = p->upper ? left : 0, kept = p->upper ? bytes - left : left;
        memcpy(j->y + at + from, j->x + at + from, kept);
        memset(j->y + at + (p->upper ? 0 : left), 0, bytes - kept);
    }
}

static bool run_triangle(cnn__cpu_call *c)
{
    const cnn_triangle_parameters *p = c->l->parameters;
    triangle_job j = { .p = p, .size = cnn__array_size(c->l->dtype), .x = c->l->in[0], .y = c->l->out[0] };
    j.group = cnn__max(1, CNN__NEST_TASK / cnn__max(1, p->columns));
    cnn__pool_run(c->pool, cnn__ceil_div(p->matrices * p->rows, j.group),
                  (double)p->matrices * (double)p->rows * (double)p->columns, triangle_task, &j);
    return true;
}

const cnn__cpu_kernel cnn__cpu_triangle = { .run = run_triangle, .flops = CNN__NO_FLOPS, .moves = true };
