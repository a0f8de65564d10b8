/* Walking a nest in parallel, and cursors. */
#include "kernels/array/nest.h"

enum { SHORT_RUN = 8 };

int64_t cnn__nest_count(const cnn__nest *nest)
{
    int64_t count = 1;
    for (int d = 0; d < nest->ndim; d++) {
        count *= nest->shape[d];
    }
    return count;
}

void cnn__cursor_seek(cnn__cursor *cursor, const cnn__nest *nest, int64_t position)
{
    cursor->nest = nest;
    for (int k = 0; k < CNN__NEST_OPERANDS; k++) {
        cursor->offset[k] = 0;
    }
    for (int d = nest->ndim - 1; d >= 0; d--) {
        cursor->index[d] = position % nest->shape[d];
        position /= nest->shape[d];
        for (int k = 0; k < CNN__NEST_OPERANDS; k++) {
            cursor->offset[k] += cursor->index[d] * nest->stride[k][d];
        }
    }
}

int64_t cnn__cursor_run(const cnn__cursor *cursor)
{
    int last = cursor->nest->ndim - 1;
    return last < 0 ? 1 : cursor->nest->shape[last] - cursor->index[last];
}

void cnn__cursor_advance(cnn__cursor *cursor, int64_t n)
{
    const cnn__nest *nest = cursor->nest;
    for (int d = nest->ndim - 1; d >= 0; d--) {
        cursor->index[d] += n;
        for (int k = 0; k < CNN__NEST_OPERANDS; k++) {
            cursor->offset[k] += n * nest->stride[k][d];
        }
        if (cursor->index[d] < nest->shape[d] || d == 0) {
            return;
        }
        for (int k = 0; k < CNN__NEST_OPERANDS; k++) {
            cursor->offset[k] -= cursor->index[d] * nest->stride[k][d];
        }
        cursor->index[d] = 0;
        n = 1;
    }
}

typedef struct nest_job {
    const cnn__walk *walk;
    cnn__nest nest;
    int64_t total;
} nest_job;

/* Makes `rows` whole runs from the cursor on, which it takes behind them. */
static void walk_rows(const nest_job *j, cnn__nest_run *run, cnn__cursor *cursor, int64_t rows)
{
    const cnn__walk *w = j->walk;
    run->rows = w->takes_rows ? rows : 1;
    for (int64_t row = 0; row < rows; row += run->rows) {
        for (int k = 0; k < w->count; k++) {
            run->at[k] = (char *)w->base[k] + (cursor->offset[k] + row * run->step[k]) * (int64_t)w->size[k];
        }
        w->fn(run);
    }
    if (rows > 1) { /* the cursor leaves the last one itself */
        cursor->index[j->nest.ndim - 2] += rows - 1;
        for (int k = 0; k < w->count; k++) {
            cursor->offset[k] += (rows - 1) * run->step[k];
        }
    }
}

static void walk_task(void *arg, int64_t task, int worker)
{
    (void)worker;
    const nest_job *j = arg;
    const cnn__walk *w = j->walk;
    int64_t left = cnn__min(CNN__NEST_TASK, j->total - task * CNN__NEST_TASK);
    int last = j->nest.ndim - 1;
    cnn__nest_run run = { .parameters = w->parameters, .map = w->map, .dtype = w->dtype };
    for (int k = 0; k < w->count; k++) {
        run.stride[k] = last < 0 ? 1 : j->nest.stride[k][last];
        run.step[k] = last < 1 ? 0 : j->nest.stride[k][last - 1];
    }
    cnn__cursor cursor;
    cnn__cursor_seek(&cursor, &j->nest, task * CNN__NEST_TASK);
    for (;;) {
        int64_t rows = 1;
        run.n = cnn__min(left, cnn__cursor_run(&cursor));
        if (last > 0 && run.n == j->nest.shape[last]) { /* whole ones: as many as lie ahead in their dimension */
            rows = cnn__min(left / run.n, j->nest.shape[last - 1] - cursor.index[last - 1]);
        }
        walk_rows(j, &run, &cursor, rows);
        left -= rows * run.n;
        if (left == 0) {
            return;
        }
        cnn__cursor_advance(&cursor, run.n);
    }
}

/* Where dimension `inner` is too short for a loop to be worth its call, the longest one that is not within it takes its
 * place. */
static void lengthen_runs(cnn__nest *nest, int count, int inner)
{
    int longest = inner;
    for (int d = inner - 1; d >= 0; d--) {
        longest = nest->shape[d] > nest->shape[longest] ? d : longest;
    }
    if (inner < 0 || nest->shape[inner] >= SHORT_RUN || longest == inner) {
        return;
    }
    int64_t size = nest->shape[inner];
    nest->shape[inner] = nest->shape[longest];
    nest->shape[longest] = size;
    for (int k = 0; k < count; k++) {
        int64_t stride = nest->stride[k][inner];
        nest->stride[k][inner] = nest->stride[k][longest];
        nest->stride[k][longest] = stride;
    }
}

/* A single run that is too short to be shared out, as most small operations are. */
static void walk_run(const cnn__walk *walk, int64_t n)
{
    cnn__nest_run run = { .n = n, .rows = 1, .parameters = walk->parameters, .map = walk->map, .dtype = walk->dtype };
    for (int k = 0; k < walk->count; k++) {
        run.at[k] = walk->base[k];
        run.stride[k] = walk->nest->ndim ? walk->nest->stride[k][0] : 1;
    }
    walk->fn(&run);
}

void cnn__nest_walk(const cnn__walk *walk, cnn__pool *pool)
{
    nest_job j; /* not cleared: the dimensions that there are get written, and others are not read */
    j.walk = walk;
    j.nest.ndim = walk->nest->ndim;
    j.total = cnn__nest_count(walk->nest);
    if (j.total == 0) {
        return;
    }
    if (j.nest.ndim <= 1 && j.total <= CNN__NEST_TASK) {
        walk_run(walk, j.total);
        return;
    }
    for (int d = 0; d < j.nest.ndim; d++) {
        j.nest.shape[d] = walk->nest->shape[d];
        for (int k = 0; k < CNN__NEST_OPERANDS; k++) {
            j.nest.stride[k][d] = k < walk->count ? walk->nest->stride[k][d] : 0;
        }
    }
    lengthen_runs(&j.nest, walk->count, j.nest.ndim - (walk->takes_rows ? 2 : 1));
    cnn__pool_run(pool, cnn__ceil_div(j.total, CNN__NEST_TASK), (double)j.total * walk->cost, walk_task, &j);
}
