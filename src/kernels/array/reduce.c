/* Reductions: which elements are reduced at once, how the work is shared out, how partial results are joined.
 *
 * Where the results lie beside each other in x and the reduced elements do not (a sum over the first dimension), many
 * columns are reduced at once and whole rows are read; else one. Few results over many elements are cut again, into
 * stretches whose results are joined in order. Every cut depends on the sizes alone. */
#include "kernels/array/reduction.h"

#include <string.h>

enum {
    REDUCE_TASK = 16384, /* elements of a task, about */
    LEAST_TASK = 1024,   /* elements of a task of short rows, at least */
    PARTIALS = 4096,     /* accumulators of all stretches together */
    MOST_STRETCHES = 64,
    FEW_TASKS = 16,                         /* from here on there are tasks enough to keep all threads busy */
    UNCUT = REDUCE_TASK / CNN__REDUCE_WIDTH /* no more rows than these make one stretch */
};

typedef cnn__array_reduction reduction;

/* The bits of an accumulator of either kind. */
typedef int64_t __attribute__((may_alias)) accumulator;

/* Room for accumulators, one array used of the two. */
typedef struct accumulators {
    double real[CNN__REDUCE_WIDTH];
    int64_t integer[CNN__REDUCE_WIDTH];
} accumulators;

static void *reduce_choose(const reduction *r, void *real, void *integer)
{
    return r->accumulator == CNN_F64 ? real : integer;
}

static void reduce_store(const reduction *r, int64_t n, int64_t y, const void *from)
{
    if (r->result == CNN_F32) {
        const double *sums = from;
        float *to = (float *)(void *)r->y + y;
        if (r->y_step == 1) {
            cnn__store_floats(n, sums, to);
            return;
        }
        for (int64_t i = 0; i < n; i++) {
            to[i * r->y_step] = (float)sums[i];
        }
        return;
    }
    cnn__nest nest = { .ndim = 1, .shape = { n }, .stride = { { r->y_step }, { 1 } } };
    cnn__array_copy(&nest, r->result, r->y + y * (int64_t)r->y_size, r->accumulator, from, NULL);
}

/* `width` columns from x on, whose results lie from y on, over a stretch of the inner nest; each accumulator has 8
 * bytes. */
static void reduce_stretch(const reduction *r, int64_t y, int64_t x, int64_t first, int64_t count, int64_t width,
                           void *at)
{
    if (r->products) {
        cnn__reduce_products(r, y, x, first, count, width, at);
    } else {
        cnn__reduce_tile(r->reduce, r->x + x * (int64_t)r->x_size, &r->inner, first, count, width, at);
    }
}

void cnn__reduce_tile(const cnn__reducer *reducer, const void *x, const cnn__nest *nest, int64_t first, int64_t count,
                      int64_t width, void *to)
{
    const int64_t stride = nest->ndim ? cnn__last_stride(nest, 1) : 1; /* no loop: elements side by side */
    cnn__cursor cursor;
    const int64_t start = reducer->start.integer;
    if (start == 0) {
        memset(to, 0, (size_t)width * 8);
    }
    for (int64_t j = 0; j < width && start != 0; j++) {
        ((accumulator *)to)[j] = start;
    }
    cursor.offset[1] = first * stride;
    if (nest->ndim > 1 && count > 0) {
        cnn__cursor_seek(&cursor, nest, first);
    }
    while (count > 0) {
        const int64_t n = nest->ndim > 1 ? cnn__min(count, cnn__cursor_run(&cursor)) : count;
        const char *from = (const char *)x + cursor.offset[1] * reducer->size;
        if (width == 1) {
            reducer->part(from, n, stride, to);
        } else {
            reducer->rows(from, n, stride, width, to);
        }
        count -= n;
        if (count > 0) {
            cnn__cursor_advance(&cursor, n);
        }
    }
}

/* ---- runs of results ---- */

/* n results along the last outer dimension. */
static void reduce_run(const reduction *r, int64_t n, int64_t y, int64_t x)
{
    accumulators results;
    char *at = reduce_choose(r, results.real, results.integer);
    if (r->sum_columns && !r->products && n >= CNN__SUM_COLUMNS) {
        r->sum_columns((const float *)(const void *)r->x + x, r->inner_count, cnn__last_stride(&r->inner, 1), n,
                       (float *)(void *)r->y + y);
        return;
    }
    if (r->columns) {
        reduce_stretch(r, y, x, 0, r->inner_count, n, at);
    } else if (r->products && r->product_rows) {
        const cnn__product_gradients *g = r->products;
        r->product_sums(n, r->inner_count, (const float *)g->dy + x, (const float *)g->a + x, results.real);
    } else if (r->short_sums && !r->products) {
        r->short_sums(n, r->x_step, r->inner_count, (const float *)(const void *)r->x + x, results.real);
    } else {
        for (int64_t i = 0; i < n; i++) {
            const char *row = r->x + (x + i * r->x_step) * (int64_t)r->x_size;
            if (r->inner.ndim == 1 && !r->products) {
                memcpy(at + i * 8, &r->reduce->start, 8);
                r->reduce->part(row, r->inner_count, r->inner.stride[1][0], at + i * 8);
            } else {
                reduce_stretch(r, y + i * r->y_step, x + i * r->x_step, 0, r->inner_count, 1, at + i * 8);
            }
        }
    }
    reduce_store(r, n, y, at);
}

static void reduce_task(void *arg, int64_t task, int worker)
{
    (void)worker;
    const reduction *r = arg;
    int64_t left = cnn__min(r->group, r->outer_count - task * r->group);
    cnn__cursor cursor;
    cnn__cursor_seek(&cursor, &r->outer, task * r->group);
    for (;;) {
        int64_t n = cnn__min(cnn__min(left, CNN__REDUCE_WIDTH), cnn__cursor_run(&cursor));
        reduce_run(r, n, cursor.offset[0], cursor.offset[1]);
        left -= n;
        if (left == 0) {
            return;
        }
        cnn__cursor_advance(&cursor, n);
    }
}

/* The stretches of one run of results. */
typedef struct cut {
    const reduction *r;
    int64_t width, stretch, y, x;
    char *partials;
} cut;

static void cut_task(void *arg, int64_t task, int worker)
{
    (void)worker;
    const cut *c = arg;
    int64_t first = task * c->stretch;
    reduce_stretch(c->r, c->y, c->x, first, cnn__min(c->stretch, c->r->inner_count - first), c->width,
                   c->partials + task * c->width * 8);
}

static void reduce_cut(const reduction *r, int64_t n, int64_t y, int64_t x, cnn__pool *pool)
{
    double real[PARTIALS];
    int64_t integer[PARTIALS];
    accumulators results;
    void *joined = reduce_choose(r, results.real, results.integer);
    int64_t most = cnn__min(MOST_STRETCHES, PARTIALS / n);
    int64_t stretches = cnn__max(1, cnn__min(most, cnn__ceil_div(r->inner_count * n, REDUCE_TASK)));
    cut c = { .r = r,
              .width = n,
              .stretch = cnn__max(1, cnn__ceil_div(r->inner_count, stretches)),
              .y = y,
              .x = x,
              .partials = reduce_choose(r, real, integer) };
    stretches = cnn__ceil_div(r->inner_count, c.stretch);
    cnn__pool_run(pool, stretches, (double)(r->inner_count * n), cut_task, &c);
    cnn__nest rows = { .ndim = 1, .shape = { stretches }, .stride = { { 0 }, { n } } };
    cnn__reduce_tile(r->join, c.partials, &rows, 0, stretches, n, joined);
    reduce_store(r, n, y, joined);
}

static void reduce_few(const reduction *r, cnn__pool *pool)
{
    cnn__cursor cursor;
    cnn__cursor_seek(&cursor, &r->outer, 0);
    for (int64_t left = r->outer_count;;) {
        int64_t n = r->columns ? cnn__min(CNN__REDUCE_WIDTH, cnn__cursor_run(&cursor)) : 1;
        reduce_cut(r, n, cursor.offset[0], cursor.offset[1], pool);
        left -= n;
        if (left == 0) {
            return;
        }
        cnn__cursor_advance(&cursor, n);
    }
}

static bool is_real(cnn_dtype dtype)
{
    return dtype == CNN_F32 || dtype == CNN_F64;
}

/* Appends a dimension, or lengthens the last one where the new one continues it. */
static void reduce_append(cnn__nest *nest, int64_t size, int64_t y_stride, int64_t x_stride)
{
    int last = nest->ndim - 1;
    if (size == 1) {
        return;
    }
    if (last >= 0 && nest->stride[0][last] == y_stride * size && nest->stride[1][last] == x_stride * size) {
        nest->shape[last] *= size;
    } else {
        nest->shape[++last] = size;
        nest->ndim++;
        for (int k = 2; k < CNN__NEST_OPERANDS; k++) { /* cursors step along all operands */
            nest->stride[k][last] = 0;
        }
    }
    nest->stride[0][last] = y_stride;
    nest->stride[1][last] = x_stride;
}

/* The same loops, as few as they can be. */
static void reduce_join(cnn__nest *result, const cnn__nest *nest)
{
    result->ndim = 0;
    for (int d = 0; d < nest->ndim; d++) {
        reduce_append(result, nest->shape[d], nest->stride[0][d], nest->stride[1][d]);
    }
}

/* The reduced elements in the order in which they lie in memory: the largest stride outermost. */
static void reduce_sort(cnn__nest *result, const cnn__nest *nest)
{
    int order[CNN_MAX_DIMS];
    for (int d = 0; d < nest->ndim; d++) {
        int place = d;
        for (; place > 0 && nest->stride[1][order[place - 1]] < nest->stride[1][d]; place--) {
            order[place] = order[place - 1];
        }
        order[place] = d;
    }
    result->ndim = 0;
    for (int i = 0; i < nest->ndim; i++) {
        reduce_append(result, nest->shape[order[i]], 0, nest->stride[1][order[i]]);
    }
}

/* Whether few results are reduced from many elements, `group` of them by a task. */
static bool reduces_few(int64_t results, int64_t n, int64_t group)
{
    return results <= (FEW_TASKS - 1) * group && n > 1 && results > 4 * REDUCE_TASK / n;
}

bool cnn__reduces_rows(int64_t rows, int64_t n)
{
    return !reduces_few(rows, n, 1); /* where a task has several rows, none is cut */
}

void cnn__reduction_prepare(reduction *r, const cnn__map_tables *tables, cnn__reduce op, const cnn__nest *outer,
                            const cnn__nest *inner, cnn_dtype dtype)
{
    reduce_join(&r->outer, outer);
    reduce_sort(&r->inner, inner);
    r->outer_count = cnn__nest_count(outer);
    r->inner_count = cnn__nest_count(inner);
    r->y_step = cnn__last_stride(&r->outer, 0);
    r->x_step = cnn__last_stride(&r->outer, 1);
    r->columns = r->x_step == 1 && cnn__last_stride(&r->inner, 1) != 1;
    r->accumulator = is_real(dtype) ? CNN_F64 : CNN_I64;
    r->result = op == CNN_REDUCE_OF_SUM && !is_real(dtype) ? CNN_I64 : dtype;
    r->x_size = cnn__array_size(dtype);
    r->y_size = cnn__array_size(r->result);
    r->reduce = dtype == CNN_F32 ? &tables->reduce_f32[op] : &cnn__reducers[op][dtype];
    r->sum_columns = NULL;
    r->short_sums = NULL;
    if (op == CNN_REDUCE_OF_SUM && dtype == CNN_F32 && r->inner.ndim == 1 && r->inner.stride[1][0] == 1 &&
        r->inner_count <= CNN__SHORT_ROW && r->outer_count > 1) {
        r->short_sums = tables->short_sums;
    }
    r->join = &cnn__reducers[op][r->accumulator];
    r->group = cnn__max(r->columns ? CNN__REDUCE_WIDTH : 1, REDUCE_TASK / cnn__max(1, r->inner_count));
    if (!r->columns && r->inner_count <= REDUCE_TASK) { /* runs are not cut here: rather more tasks of fewer results */
        r->group = cnn__max(
            1, cnn__max(LEAST_TASK / cnn__max(1, r->inner_count), cnn__min(r->group, r->outer_count / FEW_TASKS)));
    }
    r->few = reduces_few(r->outer_count, r->inner_count, r->group);
    if (r->columns && r->inner_count <= UNCUT) {
        if (r->few) { /* whole runs, whose width decides how they are summed */
            const int64_t unit = r->outer.ndim > 1 ? r->outer.shape[r->outer.ndim - 1] : CNN__REDUCE_WIDTH;
            r->group = cnn__max(1, r->group / unit) * unit;
            r->few = false;
        }
        if (op == CNN_REDUCE_OF_SUM && dtype == CNN_F32 && r->inner.ndim <= 1 && r->y_step == 1) {
            r->sum_columns = tables->sum_columns;
        }
    }
}

void cnn__reduction_run(const reduction *r, cnn__pool *pool)
{
    if (r->few) {
        reduce_few(r, pool);
    } else {
        cnn__pool_run(pool, cnn__ceil_div(r->outer_count, r->group),
                      (double)r->outer_count * (double)cnn__max(1, r->inner_count), reduce_task, (void *)(uintptr_t)r);
    }
}

void cnn__map_reduce(const cnn__map_tables *tables, cnn__reduce op, const cnn__nest *outer, const cnn__nest *inner,
                     cnn_dtype dtype, void *y, const void *x, cnn__pool *pool)
{
    reduction r; /* whose nests are long: what is not used of them is not cleared */
    cnn__reduction_prepare(&r, tables, op, outer, inner, dtype);
    r.y = y;
    r.x = x;
    r.products = NULL;
    if (r.outer_count) {
        cnn__reduction_run(&r, pool);
    }
}
