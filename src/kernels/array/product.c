/* Gradients in one pass. Those of a product a · b in one over dy, which single launches would read once for each of
 * them: dy · b is stored, and so is dy · a, unless b was broadcast; then its products are summed where they are made,
 * in the order in which a reduction of them would add, which norms ask for alone. And those that pass several steps. */
#include "kernels/array/reduce_steps.h"
#include "kernels/array/reduction.h"

#include <string.h>

enum {
    PRODUCT_RUN = 128, /* neighbours that are worth a call */
    PRODUCT_BLOCK = 1024
};

static void product_row(const cnn__map *product, int64_t n, void *to, const void *a, const void *b, cnn__map_same same)
{
    cnn__map map = *product;
    map.same = same;
    cnn__map_rows(&map, n, to, (const void *const[]){ a, b });
}

/* A room of products at a time: at most MOST neighbours, which r->reduce joins before they meet the total, or four
 * rows, which it joins as well. A room's sum begins with 0, which changes no bit, because no sum is −0. */
void cnn__reduce_products(const cnn__array_reduction *r, int64_t y, int64_t x, int64_t first, int64_t count,
                          int64_t width, double *results)
{
    double room[MOST], parts[CNN__REDUCE_WIDTH], sum;
    const cnn__product_gradients *g = r->products;
    const int64_t size = (int64_t)r->x_size, step = cnn__last_stride(&r->inner, 1);
    const bool one = width == 1;
    const cnn__product_sums_fn sums = one ? r->product_sums : NULL;
    const char *b = g->da ? (const char *)g->b + y * size : NULL;
    double *total = one ? &sum : results;
    cnn__nest rows = { .ndim = 1 };
    cnn__cursor cursor;
    cnn__cursor_seek(&cursor, &r->inner, first);
    memset(results, 0, (size_t)width * sizeof *results);
    while (count > 0) {
        const int64_t run = cnn__min(count, cnn__cursor_run(&cursor));
        sum = 0;
        for (int64_t i = 0, n; i < run; i += n) {
            n = one ? cnn__min(run - i, MOST) : run - i < 4 ? 1 : 4;
            for (int64_t row = 0; row < (one ? 1 : n); row++) {
                const int64_t at = (x + cursor.offset[1] + (i + row) * step) * size, length = one ? n : width;
                const char *dy = (const char *)g->dy + at, *a = (const char *)g->a + at;
                if (sums) {
                    sums(1, n, (const void *)dy, (const void *)a, parts);
                } else {
                    product_row(&r->product, length, (char *)room + row * width * size, dy, a, CNN__MAP_NONE);
                }
                if (g->da) {
                    product_row(&r->product, length, (char *)g->da + at, dy, b, one ? CNN__MAP_SECOND : CNN__MAP_NONE);
                }
            }
            if (!sums) {
                rows.shape[0] = n;
                rows.stride[1][0] = width;
                cnn__reduce_tile(r->reduce, room, &rows, 0, n, width, parts);
            }
            for (int64_t j = 0; j < width; j++) {
                total[j] += parts[j];
            }
        }
        if (one) {
            results[0] += sum;
        }
        count -= run;
        if (count > 0) {
            cnn__cursor_advance(&cursor, run);
        }
    }
}

/* Whether runs of neighbours are long enough, and no column is reduced alone, for which reductions have an order of
 * their own. */
static bool fits_products(const cnn__array_reduction *r)
{
    if (r->product_rows) {
        return true;
    }
    const cnn__nest *runs = r->columns ? &r->outer : &r->inner;
    const bool whole = !r->columns || (r->outer.ndim == 1 && r->group % CNN__REDUCE_WIDTH == 0 &&
                                       r->outer_count % CNN__REDUCE_WIDTH != 1);
    return whole && cnn__last_stride(runs, 1) == 1 && runs->shape[runs->ndim - 1] >= PRODUCT_RUN;
}

static void product_block_task(void *arg, int64_t task, int worker)
{
    (void)worker;
    const cnn__array_reduction *r = arg;
    const cnn__product_gradients *g = r->products;
    const int64_t end = cnn__min(g->count, (task + 1) * CNN__NEST_TASK);
    for (int64_t i = task * CNN__NEST_TASK; i < end; i += PRODUCT_BLOCK) {
        const int64_t n = cnn__min(end - i, PRODUCT_BLOCK), at = i * (int64_t)r->x_size;
        const char *dy = (const char *)g->dy + at;
        product_row(&r->product, n, (char *)g->da + at, dy, (const char *)g->b + at, CNN__MAP_NONE);
        product_row(&r->product, n, (char *)g->db + at, dy, (const char *)g->a + at, CNN__MAP_NONE);
    }
}

bool cnn__map_product_gradients(const cnn__map_tables *tables, cnn_dtype dtype, const cnn__product_gradients *g,
                                cnn__pool *pool)
{
    cnn__array_reduction r;
    const cnn__maps *maps = dtype == CNN_F32 ? tables->f32 : tables->f64;
    r.product_sums = dtype == CNN_F32 ? tables->product_sums : NULL;
    if (g->sums) {
        cnn__reduction_prepare(&r, tables, CNN_REDUCE_OF_SUM, &g->sums->outer, &g->sums->inner, dtype);
        r.product_rows = r.product_sums && !g->da && !r.columns && r.inner.ndim == 1 && r.inner.stride[1][0] == 1 &&
                         r.inner_count > CNN__SHORT_ROW && r.inner_count <= MOST && r.x_step == r.inner_count;
        if (!fits_products(&r)) {
            return false;
        }
    }
    r.y = g->db;
    r.products = g;
    r.x_size = cnn__array_size(dtype);
    r.product = (cnn__map){
        .fn = maps->binary[CNN_BINARY_MUL], .inputs = 2, .takes_same = true, .size = r.x_size, .y_size = r.x_size
    };
    if (g->sums) {
        cnn__reduction_run(&r, pool);
    } else {
        cnn__pool_run(pool, cnn__ceil_div(g->count, CNN__NEST_TASK), (double)(2 * g->count), product_block_task, &r);
    }
    return true;
}

/* ---- gradients that pass several steps ---- */

typedef struct product_steps {
    const cnn__gradient_step *steps;
    int step_count;
    int64_t count, size;
    char *dx;
    const char *dy;
    cnn__map product;
} product_steps;

/* The steps take turns with dx and a room, because no slope is computed where its gradient lies. */
static void product_steps_task(void *arg, int64_t task, int worker)
{
    (void)worker;
    const product_steps *p = arg;
    double room[PRODUCT_BLOCK];
    const int64_t end = cnn__min(p->count, (task + 1) * CNN__NEST_TASK);
    for (int64_t first = task * CNN__NEST_TASK; first < end; first += PRODUCT_BLOCK) {
        const int64_t n = cnn__min(end - first, PRODUCT_BLOCK), at = first * p->size;
        const void *dy = p->dy + at;
        for (int i = 0; i < p->step_count; i++) {
            const cnn__gradient_step *s = &p->steps[i];
            const void *x[] = { dy, s->other ? (const char *)s->other + at : NULL }, *swapped[] = { x[1], dy };
            void *y = (p->step_count - i) % 2 ? (void *)(p->dx + at) : room;
            if (s->side) {
                product_row(&p->product, n, (char *)s->side + at, dy, (const char *)s->with + at, CNN__MAP_NONE);
            }
            cnn__map_rows(&s->map, n, y, s->second ? swapped : x);
            dy = y;
        }
    }
}

void cnn__map_gradient_steps(const cnn__map_tables *tables, cnn_dtype dtype, int64_t count, void *dx, const void *dy,
                             const cnn__gradient_step *steps, int step_count, cnn__pool *pool)
{
    product_steps p = { .steps = steps,
                        .step_count = step_count,
                        .count = count,
                        .size = (int64_t)cnn__array_size(dtype),
                        .dx = dx,
                        .dy = dy };
    cnn__map_of(tables, CNN_KERNEL_BINARY, CNN_BINARY_MUL, dtype, NULL, &p.product);
    cnn__pool_run(pool, cnn__ceil_div(count, CNN__NEST_TASK), (double)(2 * count), product_steps_task, &p);
}
