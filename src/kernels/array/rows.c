/* Rows of a table taken by their numbers, and the gradient of the table. The numbers are sorted first, so that one task
 * makes the whole sum of a row, in the order in which the row was used: results do not depend on the threads. */
#include "kernels/array/rows.h"
#include "kernels/array/nest.h"

#include <string.h>

enum { SCATTER_COLUMNS = 64 }; /* summed at a time */

#define X float
#define EXACT 2
#define FN(name) CNN__JOIN(name, f32)
#include "kernels/array/rows_impl.h"

#define X double
#define EXACT INT64_MAX
#define FN(name) CNN__JOIN(name, f64)
#include "kernels/array/rows_impl.h"

static int64_t rows_index_at(const cnn__rows *g, int64_t i)
{
    switch (g->index_dtype) {
    case CNN_I64: return ((const int64_t *)g->index)[i];
    case CNN_I32: return ((const int32_t *)g->index)[i];
    default: return ((const uint8_t *)g->index)[i];
    }
}

/* Whether every index names a row, without a branch for each; of four or more int64, which most are. */
static bool all_rows(const cnn__rows *g)
{
    typedef uint64_t two __attribute__((vector_size(16), aligned(8), may_alias));
    const uint64_t *index = g->index, last = (uint64_t)g->n - 1;
    const two end = { last, last };
    /* Negative numbers are or'ed into them: indices; their distances from the last row; n − 1. No two operations on one
     * wait for each other. */
    two low = end, high = end, other_low = end, other_high = end;
    for (int64_t i = 0; i < g->count; i += 4) {
        if (__builtin_expect(i > g->count - 4, 0)) { /* the last ones may be looked at twice */
            i = g->count - 4;
        }
        const two left = *(const two *)(index + i), right = *(const two *)(index + i + 2);
        low |= left;
        other_low |= right;
        high |= end - left;
        other_high |= end - right;
    }
    low |= high | other_low | other_high;
    const uint64_t bad = low[0] | low[1];
    return !(bad >> 63);
}

int64_t cnn__rows_bad_index(const cnn__rows *g, const int64_t *skip, int64_t *value)
{
    if (g->index_dtype == CNN_I64 && g->count >= 4 && all_rows(g)) {
        return -1;
    }
    for (int64_t i = 0; i < g->count; i++) {
        *value = rows_index_at(g, i);
        if (!(skip && *value == *skip) && (*value < 0 || *value >= g->n)) {
            return i;
        }
    }
    return -1;
}

typedef struct rows_work {
    const cnn__rows *g;
    int64_t rows, group; /* in all; of a task */
    size_t bytes;        /* the bytes of a row */
    const char *from;
    char *to;
    /* For the gradient: the uses of row r are order[end[r − 1]] to order[end[r] − 1]. */
    const int64_t *end, *order;
    int64_t skip;
} rows_work;

static void rows_run(rows_work *w, double cost, cnn__task_fn task, cnn__pool *pool)
{
    w->bytes = (size_t)w->g->width * cnn__array_size(w->g->dtype);
    w->group = cnn__max(1, CNN__NEST_TASK / cnn__max(1, w->g->width));
    cnn__pool_run(pool, cnn__ceil_div(w->rows, w->group), cost, task, w);
}

static void take_task(void *arg, int64_t task, int worker)
{
    (void)worker;
    const rows_work *w = arg;
    int64_t end = cnn__min(w->rows, (task + 1) * w->group);
    for (int64_t i = task * w->group; i < end; i++) {
        memcpy(w->to + (size_t)i * w->bytes, w->from + (size_t)rows_index_at(w->g, i) * w->bytes, w->bytes);
    }
}

void cnn__rows_take(const cnn__rows *g, const void *x, void *y, cnn__pool *pool)
{
    rows_work w = { .g = g, .rows = g->count, .from = x, .to = y };
    rows_run(&w, (double)g->count * (double)g->width, take_task, pool);
}

static void sum_task(void *arg, int64_t task, int worker)
{
    (void)worker;
    const rows_work *w = arg;
    int64_t end = cnn__min(w->rows, (task + 1) * w->group);
    for (int64_t r = task * w->group; r < end; r++) {
        int64_t first = r ? w->end[r - 1] : 0, count = r == w->skip ? 0 : w->end[r] - first;
        (w->g->dtype == CNN_F64 ? sum_row_f64 : sum_row_f32)(count, w->order + first, w->g->width, w->from,
                                                             w->to + (size_t)r * w->bytes);
    }
}

size_t cnn__rows_sum_workspace(const cnn__rows *g)
{
    return (size_t)(g->n + 1 + g->count) * sizeof(int64_t);
}

void cnn__rows_sum(const cnn__rows *g, int64_t skip, const void *dy, void *dx, void *workspace, cnn__pool *pool)
{
    int64_t *end = workspace, *order = end + g->n + 1;
    memset(end, 0, (size_t)(g->n + 1) * sizeof *end);
    for (int64_t i = 0; i < g->count; i++) {
        end[rows_index_at(g, i) + 1]++;
    }
    for (int64_t r = 0; r < g->n; r++) { /* now end[r] is where row r begins */
        end[r + 1] += end[r];
    }
    for (int64_t i = 0; i < g->count; i++) {
        order[end[rows_index_at(g, i)]++] = i;
    }
    rows_work w = { .g = g, .rows = g->n, .from = dy, .to = dx, .end = end, .order = order, .skip = skip };
    rows_run(&w, (double)(g->n + g->count) * (double)g->width, sum_task, pool);
}
