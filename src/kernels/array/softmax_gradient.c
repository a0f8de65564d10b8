/* The gradients of softmax and log_softmax in one pass over memory: single kernels would store products, differences
 * or exponentials in arrays of their own. A block of rows, or of one long row, stays in the first cache. The bits are
 * those of single kernels. */
#include "kernels/array/reduce_steps.h"
#include "kernels/array/reduction.h"

#include <string.h>

enum {
    GRADIENT_BLOCK = 1024, /* elements of a block, at most */
    GRADIENT_ROWS = 128,   /* rows of a block, at most */
    GRADIENT_TASK = 4096,  /* elements of a task, about */
    EXP_COST = 10
};

typedef struct gradient_job {
    const cnn__softmax_gradient *g;
    cnn__array_reduction r;
    cnn__map product, difference, exp;
    cnn__softmax_slopes_fn slopes; /* for its dtype, or NULL */
    int64_t count;                 /* elements */
    int64_t group;                 /* rows of a task */
} gradient_job;

/* Whether each row has a total of its own; else each element of a row has one. */
typedef enum gradient_totals { TOTAL_OF_ROW, TOTALS_OF_ELEMENTS } gradient_totals;

/* to ← map(x, total), for `rows` rows of n elements; several have a total each. */
static void map_with_totals(const cnn__map *map, int64_t rows, int64_t n, void *to, const void *x, const void *totals,
                            gradient_totals of)
{
    const void *const from[] = { x, totals };
    if (rows == 1) {
        cnn__map one = *map;
        one.same = of == TOTAL_OF_ROW ? CNN__MAP_SECOND : CNN__MAP_NONE;
        cnn__map_rows(&one, n, to, from);
    } else {
        const cnn__nest nest = { .ndim = 2, .shape = { rows, n }, .stride = { { n, 1 }, { n, 1 }, { 1, 0 } } };
        cnn__map_walk(map, &nest, to, from, 1, NULL);
    }
}

/* (dy − total) · y, or dy − exp(y) · total, of neighbouring rows from element `first` on. */
static void gradient_finish(const gradient_job *j, int64_t first, int64_t rows, int64_t n, const void *totals,
                            gradient_totals of)
{
    double room[GRADIENT_BLOCK];
    const int64_t at = first * (int64_t)j->r.x_size;
    const void *dy = (const char *)j->g->dy + at, *y = (const char *)j->g->y + at;
    void *dx = (char *)j->g->dx + at;
    if (j->g->of_log) {
        cnn__map_rows(&j->exp, rows * n, room, &y);
        y = room;
    }
    if (j->slopes && of == TOTAL_OF_ROW) {
        j->slopes(j->g->of_log, rows, n, dy, y, totals, dx);
    } else if (j->g->of_log) {
        map_with_totals(&j->product, rows, n, room, room, totals, of);
        cnn__map_rows(&j->difference, rows * n, dx, (const void *const[]){ dy, room });
    } else {
        map_with_totals(&j->difference, rows, n, room, dy, totals, of);
        cnn__map_rows(&j->product, rows * n, dx, (const void *const[]){ room, y });
    }
}

static void sums_of_rows(const cnn__array_reduction *r, int64_t rows, int64_t n, const char *x, double *sums)
{
    if (r->short_sums) {
        r->short_sums(rows, n, n, (const float *)(const void *)x, sums);
        return;
    }
    for (int64_t i = 0; i < rows; i++) {
        sums[i] = cnn__reduce_row(r->reduce, x + i * n * (int64_t)r->x_size, n);
    }
}

/* The sums of dy · y, or of dy, over rows from element `first` on: of several that a block holds, or of one, whose
 * pieces are those that a reduction joins. Products of short rows are stored, because they are summed faster then. */
static void gradient_sums(const gradient_job *j, int64_t first, int64_t rows, double *sums)
{
    double room[MOST], parts[GRADIENT_ROWS];
    const cnn__array_reduction *r = &j->r;
    const cnn__softmax_gradient *g = j->g;
    memset(sums, 0, (size_t)rows * sizeof *sums);
    for (int64_t start = 0; start < g->n; start += MOST) {
        const int64_t n = cnn__min(g->n - start, MOST), at = (first + start) * (int64_t)r->x_size;
        const void *const x[] = { (const char *)g->dy + at, (const char *)g->y + at };
        if (g->of_log) {
            sums_of_rows(r, rows, n, x[0], parts);
        } else if (r->product_sums && !r->short_sums) {
            r->product_sums(rows, n, x[0], x[1], parts);
        } else {
            cnn__map_rows(&j->product, rows * n, room, x);
            sums_of_rows(r, rows, n, (const char *)room, parts);
        }
        for (int64_t i = 0; i < rows; i++) {
            sums[i] += parts[i];
        }
    }
}

static void gradient_rows_task(void *arg, int64_t task, int worker)
{
    (void)worker;
    const gradient_job *j = arg;
    const int64_t n = j->g->n, end = cnn__min(j->g->outer, (task + 1) * j->group);
    const int64_t most = cnn__max(1, cnn__min(GRADIENT_ROWS, GRADIENT_BLOCK / n));
    double sums[GRADIENT_ROWS];
    float floats[GRADIENT_ROWS];
    for (int64_t row = task * j->group, rows; row < end; row += rows) {
        rows = cnn__min(most, end - row);
        gradient_sums(j, row * n, rows, sums);
        const void *totals = sums;
        if (j->r.x_size == sizeof *floats) {
            cnn__store_floats(rows, sums, floats);
            totals = floats;
        }
        for (int64_t i = 0; i < n; i += GRADIENT_BLOCK) {
            gradient_finish(j, row * n + i, rows, cnn__min(GRADIENT_BLOCK, n - i), totals, TOTAL_OF_ROW);
        }
    }
}

/* With totals that are there already. */
static void gradient_totals_task(void *arg, int64_t task, int worker)
{
    (void)worker;
    const gradient_job *j = arg;
    const cnn__softmax_gradient *g = j->g;
    const bool across = g->beside > 1;
    const int64_t length = across ? g->beside : g->n, end = cnn__min(j->count, (task + 1) * GRADIENT_TASK);
    for (int64_t at = task * GRADIENT_TASK, n; at < end; at += n) {
        const int64_t row = at / length, i = at % length, total = across ? row / g->n * length + i : row;
        n = cnn__min(cnn__min(length - i, GRADIENT_BLOCK), end - at);
        gradient_finish(j, at, 1, n, (const char *)g->totals + total * (int64_t)j->r.x_size,
                        across ? TOTALS_OF_ELEMENTS : TOTAL_OF_ROW);
    }
}

void cnn__map_softmax_gradient(const cnn__map_tables *tables, cnn_dtype dtype, const cnn__softmax_gradient *g,
                               cnn__pool *pool)
{
    const cnn__nest outer = { .ndim = 1, .shape = { g->outer }, .stride = { { 1 }, { g->n } } };
    const cnn__nest inner = { .ndim = 1, .shape = { g->n }, .stride = { { 0 }, { 1 } } };
    gradient_job j;
    j.g = g;
    j.count = g->outer * g->n * g->beside;
    j.group = cnn__max(1, GRADIENT_TASK / g->n);
    cnn__reduction_prepare(&j.r, tables, CNN_REDUCE_OF_SUM, &outer, &inner, dtype);
    j.r.product_sums = dtype == CNN_F32 ? tables->product_sums : NULL;
    j.slopes = dtype == CNN_F32 ? tables->softmax_slopes : NULL;
    cnn__map_of(tables, CNN_KERNEL_BINARY, CNN_BINARY_MUL, dtype, NULL, &j.product);
    cnn__map_of(tables, CNN_KERNEL_BINARY, CNN_BINARY_SUB, dtype, NULL, &j.difference);
    cnn__map_of(tables, CNN_KERNEL_UNARY, CNN_UNARY_EXP, dtype, NULL, &j.exp);
    cnn__pool_run(pool, g->totals ? cnn__ceil_div(j.count, GRADIENT_TASK) : cnn__ceil_div(g->outer, j.group),
                  (4 + (g->of_log ? EXP_COST : 0)) * (double)j.count,
                  g->totals ? gradient_totals_task : gradient_rows_task, &j);
}
