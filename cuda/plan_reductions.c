/* Launches that make one of many: kernels/reductions.cu. How sums are cut follows from the sizes alone. */
#include "planner.h"

#include <stddef.h>
#include <string.h>

enum {
    FEW_TERMS = 64,         /* so many terms of a result are summed by one thread */
    MANY_RESULTS = 1 << 14, /* so many keep a device busy with a thread each */
    PART_TERMS = 1 << 13,   /* the fewest of a block where a result has several blocks */
    MOST_PARTS = 256,
    BUSY_BLOCKS = 512 /* with as many no result is cut into parts */
};

static int64_t parts_of(int64_t results, int64_t terms)
{
    int64_t parts = (terms + PART_TERMS - 1) / PART_TERMS,
            wanted = (BUSY_BLOCKS + results - 1) / (results ? results : 1);
    parts = parts < wanted ? parts : wanted;
    return parts < 1 ? 1 : parts < MOST_PARTS ? parts : MOST_PARTS;
}

void plan_reduction(planner *p, cnn_dtype dtype, int function, const cnn_nest *outer, const cnn_nest *inner,
                    const void *x, void *y, bool divides, double divisor)
{
    nested_arguments a = {
        .in = { x }, .out = { y }, .value = { divisor }, .nest = plan_nest(outer, 3), .inner = plan_nest(inner, 2)
    };
    const int64_t results = a.nest.count, terms = a.inner.count;
    if (terms <= FEW_TERMS || (results >= MANY_RESULTS && terms <= PART_TERMS)) {
        a.size[0] = function;
        a.size[3] = divides;
        plan_each(p, REDUCTIONS, ANY_OF(dtype, "reduce_threads"), results, &a, sizeof a);
        return;
    }
    const int64_t parts = parts_of(results, terms);
    a.size[0] = function;
    a.size[1] = parts;
    a.size[2] = (terms + parts - 1) / parts;
    a.size[3] = divides;
    a.workspace = parts > 1 ? plan_take(p, results * parts, sizeof(double)) : NULL;
    plan_blocks(p, REDUCTIONS, ANY_OF(dtype, "reduce_blocks"), results * parts, &a, sizeof a);
    if (parts > 1) {
        plan_each(p, REDUCTIONS, ANY_OF(dtype, "reduce_join"), results, &a, sizeof a);
    }
}

void plan_reduce(planner *p)
{
    const cnn_reduce_parameters *g = p->l->parameters;
    plan_reduction(p, p->l->dtype, g->function, &g->outer, &g->inner, p->l->in[0], p->l->out[0], false, 0);
}

void plan_sum_rows(planner *p)
{
    const cnn_matrix *g = p->l->parameters;
    const cnn_nest outer = { .ndim = 1, .shape = { g->columns }, .stride = { { 1 }, { 1 } } },
                   inner = { .ndim = 1, .shape = { g->rows }, .stride = { { 0 }, { g->columns } } };
    plan_reduction(p, p->l->dtype, CNN_REDUCE_OF_SUM, &outer, &inner, p->l->in[0], p->l->out[0], false, 0);
}

void plan_argmax(planner *p)
{
    const cnn_reduce_parameters *g = p->l->parameters;
    const nested_arguments a = { .in = { p->l->in[0] },
                                 .out = { p->l->out[0] },
                                 .size = { g->function },
                                 .nest = plan_nest(&g->outer, 3),
                                 .inner = plan_nest(&g->inner, 2) };
    if (a.inner.count <= FEW_TERMS || a.nest.count >= MANY_RESULTS) {
        plan_each(p, REDUCTIONS, ANY_OF(p->l->dtype, "argmax_threads"), a.nest.count, &a, sizeof a);
    } else {
        plan_blocks(p, REDUCTIONS, ANY_OF(p->l->dtype, "argmax_blocks"), a.nest.count, &a, sizeof a);
    }
}

void plan_softmax(planner *p)
{
    const cnn_matrix *g = p->l->parameters;
    PLAIN(p, REDUCTIONS, REAL_OF(p->l->dtype, "softmax"), g->columns ? g->rows : 0, plan_blocks, .in = { p->l->in[0] },
          .out = { p->l->out[0] }, .size = { g->columns, p->l->kernel == CNN_KERNEL_LOG_SOFTMAX });
}

void plan_log_softmax(planner *p)
{
    plan_softmax(p);
}

void plan_norm(planner *p)
{
    const cnn_norm_parameters *g = p->l->parameters;
    const int64_t n = p->l->count, parts = parts_of(1, n);
    void *partial = plan_take(p, parts, sizeof(double));
    table_arguments a;
    memset(&a, 0, offsetof(table_arguments, row));
    a.element = (int64_t)plan_size(p->l->dtype);
    a.doubles = 1;
    a.value[0] = g->p;
    a.row[0] = (table_row){ .in = { p->l->in[0] }, .out = { partial }, .n = n };
    plan_table_blocks(p, REAL_OF(p->l->dtype, "norm_parts"), &a, parts);
    a.element = sizeof(double);
    a.flag = g->first;
    a.row[0] = (table_row){ .in = { partial }, .out = { p->l->out[0] }, .n = parts };
    plan_table_blocks(p, REAL_OF(p->l->dtype, "norm_join"), &a, 1);
}

void plan_clip(planner *p)
{
    const cnn_clip_parameters *g = p->l->parameters;
    PLAIN(p, REDUCTIONS, REAL_OF(p->l->dtype, "clip"), p->l->count, plan_each, .in = { p->l->in[0] },
          .out = { p->l->out[0] }, .size = { p->l->count }, .value = { g->p, g->max_norm, g->eps });
}

void plan_scan(planner *p)
{
    const cnn_scan_parameters *g = p->l->parameters;
    PLAIN(p, REDUCTIONS, ANY_OF(p->l->dtype, "scan"), g->along.n ? g->along.before * g->along.after : 0, plan_each,
          .in = { p->l->in[0] }, .out = { p->l->out[0] },
          .size = { g->along.before, g->along.n, g->along.after, g->product, g->reverse });
}

void plan_cumprod_backward(planner *p)
{
    const cnn_along *g = p->l->parameters;
    PLAIN(p, REDUCTIONS, REAL_OF(p->l->dtype, "cumprod_backward"), g->n ? g->before * g->after : 0, plan_each,
          .in = { p->l->in[0], p->l->in[1] }, .out = { p->l->out[0] }, .size = { g->before, g->n, g->after });
}

void plan_prod_backward(planner *p)
{
    const cnn_along *g = p->l->parameters;
    PLAIN(p, REDUCTIONS, REAL_OF(p->l->dtype, "prod_backward"), g->n ? g->before : 0, plan_each,
          .in = { p->l->in[0], p->l->in[1] }, .out = { p->l->out[0] }, .size = { g->before, g->n });
}

const int64_t *plan_order(planner *p, cnn_dtype dtype, const cnn_along *g, bool descending, const void *x)
{
    const int64_t count = g->before * g->n * g->after;
    int64_t *order[2] = { plan_take(p, count, sizeof **order), plan_take(p, count, sizeof **order) };
    int now = 0;
    PLAIN(p, REDUCTIONS, ANY_OF(dtype, "sort_runs"), count, plan_each, .in = { x }, .out = { order[0] },
          .size = { g->before, g->n, g->after, descending });
    for (int64_t length = 32; length < g->n; length *= 2, now = !now) {
        PLAIN(p, REDUCTIONS, ANY_OF(dtype, "sort_merge"), count, plan_each, .in = { x, order[now] },
              .out = { order[!now] }, .size = { g->before, g->n, g->after, descending, length });
    }
    return order[now];
}

void plan_sort(planner *p)
{
    const cnn_sort_parameters *g = p->l->parameters;
    const int64_t *order = plan_order(p, p->l->dtype, &g->along, g->descending, p->l->in[0]);
    PLAIN(p, REDUCTIONS, ANY_OF(p->l->dtype, "sort_take"), g->along.before * g->k * g->along.after, plan_each,
          .in = { p->l->in[0], order }, .out = { p->l->out[0], p->l->out[1] },
          .size = { g->along.before, g->along.n, g->along.after, g->k });
}
