/* Launches that go over elements: kernels/elements.cu, kernels/indices.cu. */
#include "planner.h"

#include <cnn/ops.h>

#include <math.h>

void plan_fill(planner *p)
{
    const cnn_fill_parameters *g = p->l->parameters;
    PLAIN(p, ELEMENTS, "fill", p->l->count, plan_each, .out = { p->l->out[0] }, .size = { p->l->dtype, p->l->count },
          .value = { g->value });
}

static bool is_line(const kernel_nest *nest)
{
    return nest->ndim == 0 || (nest->ndim == 1 && nest->stride[0][0] == 1 && nest->stride[1][0] == 1);
}

void plan_copy(planner *p)
{
    const cnn_copy_parameters *g = p->l->parameters;
    const kernel_nest nest = plan_nest(&g->nest, 3);
    const size_t size = plan_size(p->l->dtype);
    if (g->from != p->l->dtype) {
        NESTED(p, ELEMENTS, "cast", nest.count, plan_each, .in = { p->l->in[0] }, .out = { p->l->out[0] },
               .size = { p->l->dtype, g->from }, .nest = nest);
    } else if (is_line(&nest) && !p->measures) {
        p->failed |= !cuda_plan_copy(p->l->out[0], p->l->in[0], (size_t)nest.count * size, p->status, p->emit, p->to);
    } else {
        NESTED(p, ELEMENTS, SIZED(size, "copy"), nest.count, plan_each, .in = { p->l->in[0] }, .out = { p->l->out[0] },
               .nest = nest);
    }
}

/* Kernels of nests that know their function by its number. */
static void elementwise(planner *p, const char *kernel, unsigned operands)
{
    const cnn_elementwise_parameters *g = p->l->parameters;
    const kernel_nest nest = plan_nest(&g->nest, operands);
    NESTED(p, ELEMENTS, kernel, nest.count, plan_each, .in = { p->l->in[0], p->l->in[1], p->l->in[2] },
           .out = { p->l->out[0] }, .size = { g->function }, .value = { g->value[0], g->value[1] }, .nest = nest);
}

void plan_unary(planner *p)
{
    elementwise(p, ANY_OF(p->l->dtype, "unary"), 3);
}

void plan_slope(planner *p)
{
    elementwise(p, REAL_OF(p->l->dtype, "slope"), 7);
}

void plan_binary(planner *p)
{
    elementwise(p, ANY_OF(p->l->dtype, "binary"), 7);
}

void plan_compare(planner *p)
{
    elementwise(p, ANY_OF(p->l->dtype, "compare"), 7);
}

void plan_where(planner *p)
{
    elementwise(p, SIZED(plan_size(p->l->dtype), "where"), 15);
}

void plan_relu(planner *p)
{
    PLAIN(p, ELEMENTS, REAL_OF(p->l->dtype, "relu"), p->l->count, plan_each, .in = { p->l->in[0] },
          .out = { p->l->out[0] }, .size = { p->l->count });
}

void plan_relu_backward(planner *p)
{
    PLAIN(p, ELEMENTS, REAL_OF(p->l->dtype, "relu_backward"), p->l->count, plan_each,
          .in = { p->l->in[0], p->l->in[1] }, .out = { p->l->out[0] }, .size = { p->l->count });
}

/* ---- random numbers ---- */

static int64_t threshold_of(double p)
{
    double scaled = floor(p * 0x1p32);
    return scaled >= 0x1p32 ? UINT32_MAX : (int64_t)scaled;
}

void plan_dropout(planner *p)
{
    const cnn_draw_parameters *g = p->l->parameters;
    PLAIN(p, ELEMENTS, REAL_OF(p->l->dtype, "dropout"), (p->l->count + 3) / 4, plan_each, .in = { p->l->in[0] },
          .out = { p->l->out[0] },
          .size = { p->l->count, (int64_t)g->key[0], (int64_t)g->key[1], threshold_of(g->p), g->p < 1 },
          .value = { g->p < 1 ? 1 / (1 - g->p) : 0 });
}

void plan_drop_blocks(planner *p)
{
    const cnn_drop_blocks_parameters *g = p->l->parameters;
    PLAIN(p, ELEMENTS, REAL_OF(p->l->dtype, "drop_blocks"), p->l->count, plan_each, .in = { p->l->in[0] },
          .out = { p->l->out[0] },
          .size = { p->l->count, (int64_t)g->key[0], (int64_t)g->key[1], threshold_of(g->p), g->p < 1, g->inner },
          .value = { g->scale, g->kept, g->dropped });
}

void plan_draw(planner *p)
{
    const cnn_draw_parameters *g = p->l->parameters;
    const int64_t threshold = g->distribution == CNN_DRAW_BERNOULLI ? (int64_t)(g->p * 0x1p32) : 0;
    PLAIN(p, ELEMENTS, ANY_OF(p->l->dtype, "draw"), p->l->count, plan_each, .out = { p->l->out[0] },
          .size = { p->l->count, (int64_t)g->key[0], (int64_t)g->key[1], g->distribution, threshold },
          .value = { g->p });
}

/* ---- losses of each element ---- */

void plan_element_loss(planner *p)
{
    const cnn_element_loss_parameters *g = p->l->parameters;
    const kernel_nest nest = plan_nest(&g->nest, 15);
    const bool each = g->reduction == (int)CNN_REDUCE_NONE;
    void *losses = each ? p->l->out[0] : plan_take(p, nest.count, plan_size(p->l->dtype));
    NESTED(p, ELEMENTS, REAL_OF(p->l->dtype, "element_loss"), nest.count, plan_each,
           .in = { p->l->in[0], p->l->in[1], p->l->in[2], p->l->in[3] }, .out = { losses }, .size = { g->function },
           .value = { g->value[0], g->value[1] }, .nest = nest);
    if (!each) {
        const cnn_nest one = { .ndim = 0 }, all = { .ndim = 1, .shape = { nest.count }, .stride = { { 0 }, { 1 } } };
        plan_reduction(p, p->l->dtype, CNN_REDUCE_OF_SUM, &one, &all, losses, p->l->out[0], true, g->divisor);
    }
}

void plan_element_loss_backward(planner *p)
{
    const cnn_element_loss_parameters *g = p->l->parameters;
    const kernel_nest nest = plan_nest(&g->nest, 15);
    const bool each = g->reduction == (int)CNN_REDUCE_NONE;
    NESTED(p, ELEMENTS, REAL_OF(p->l->dtype, "element_loss_backward"), nest.count, plan_each,
           .in = { p->l->in[0], p->l->in[1], p->l->in[2], p->l->in[3], p->l->in[4] },
           .out = { p->l->out[0], p->l->out[1], p->l->out[2] }, .size = { g->function, each },
           .value = { g->value[0], g->value[1], each ? 1 : g->divisor }, .nest = nest);
}

/* ---- indices ---- */

void plan_index_check(planner *p)
{
    const cnn_lookup_parameters *g = p->l->parameters;
    const plain_arguments a = { .in = { p->l->in[0] },
                                .size = { g->index_dtype, g->count, g->n, g->skips, g->skip, (int64_t)p->l->number,
                                          p->l->kernel } };
    plan_each(p, INDICES, "index_scan", g->count, &a, sizeof a);
    plan_each(p, INDICES, "index_report", g->count > 0, &a, sizeof a);
}

static void along(planner *p, const char *kernel)
{
    const cnn_along *g = p->l->parameters;
    PLAIN(p, INDICES, kernel, g->before * g->after, plan_each, .in = { p->l->in[0], p->l->in[1] },
          .out = { p->l->out[0] }, .size = { g->before, g->n, g->after });
}

void plan_pick(planner *p)
{
    along(p, SIZED(plan_size(p->l->dtype), "pick"));
}

void plan_place(planner *p)
{
    along(p, SIZED(plan_size(p->l->dtype), "place"));
}

void plan_gather(planner *p)
{
    const cnn_index_parameters *g = p->l->parameters;
    const kernel_nest nest = plan_nest(&g->nest, 7);
    NESTED(p, INDICES, SIZED(plan_size(p->l->dtype), "gather"), nest.count, plan_each,
           .in = { p->l->in[0], p->l->in[1] }, .out = { p->l->out[0] }, .size = { g->index_dtype, g->step },
           .nest = nest);
}

/* One thread carries out the last loop, whose order counts. */
static void scatter(planner *p, const char *kernel)
{
    const cnn_index_parameters *g = p->l->parameters;
    cnn_nest lines = g->nest;
    const int last = --lines.ndim;
    kernel_nest inner = { .ndim = 1, .count = g->nest.shape[last], .shape = { g->nest.shape[last] } };
    for (int k = 0; k < 3; k++) {
        inner.stride[k][0] = g->nest.stride[k][last];
    }
    const kernel_nest nest = plan_nest(&lines, 7);
    NESTED(p, INDICES, kernel, nest.count, plan_each, .in = { p->l->in[0], p->l->in[1] }, .out = { p->l->out[0] },
           .size = { g->index_dtype, g->step }, .nest = nest, .inner = inner);
}

void plan_scatter(planner *p)
{
    scatter(p, SIZED(plan_size(p->l->dtype), "scatter"));
}

void plan_scatter_add(planner *p)
{
    scatter(p, ANY_OF(p->l->dtype, "scatter_add"));
}

void plan_lookup(planner *p)
{
    const cnn_lookup_parameters *g = p->l->parameters;
    PLAIN(p, INDICES, SIZED(plan_size(p->l->dtype), "lookup"), g->count * g->width, plan_each,
          .in = { p->l->in[0], p->l->in[1] }, .out = { p->l->out[0] }, .size = { g->index_dtype, g->count, g->width });
}

void plan_lookup_backward(planner *p)
{
    const cnn_lookup_parameters *g = p->l->parameters;
    int64_t *index = plan_take(p, g->count, sizeof *index);
    const cnn_along all = { 1, g->count, 1 };
    PLAIN(p, INDICES, "index_widen", g->count, plan_each, .in = { p->l->in[1] }, .out = { index },
          .size = { g->index_dtype, g->count });
    const int64_t *order = plan_order(p, CNN_I64, &all, false, index);
    PLAIN(p, INDICES, REAL_OF(p->l->dtype, "lookup_backward"), g->n * g->width, plan_each,
          .in = { p->l->in[0], index, order }, .out = { p->l->out[0] },
          .size = { g->n, g->width, g->count, g->skips ? g->skip : -1 });
}

void plan_triangle(planner *p)
{
    const cnn_triangle_parameters *g = p->l->parameters;
    PLAIN(p, INDICES, SIZED(plan_size(p->l->dtype), "triangle"), g->matrices * g->rows * g->columns, plan_each,
          .in = { p->l->in[0] }, .out = { p->l->out[0] },
          .size = { g->matrices, g->rows, g->columns, g->diagonal, g->upper });
}
