/* Runners of lookups and losses. */
#include "base/dtype.h"
#include "kernels/array/rows.h"
#include "kernels/array/softmax_nll.h"
#include "kernels/launch.h"

static cnn__rows lookup_rows(const cnn__cpu_call *j, const void *index)
{
    const cnn_lookup_parameters *p = j->l->parameters;
    return (cnn__rows){ .dtype = j->l->dtype,
                        .index_dtype = p->index_dtype,
                        .n = p->n,
                        .width = p->width,
                        .count = p->count,
                        .index = index };
}

static bool run_index_check(cnn__cpu_call *j)
{
    const cnn_lookup_parameters *p = j->l->parameters;
    cnn__rows g = lookup_rows(j, j->l->in[0]);
    j->position = cnn__rows_bad_index(&g, p->skips ? &p->skip : NULL, &j->value);
    return j->position < 0;
}

const cnn__cpu_kernel cnn__cpu_index_check = { .run = run_index_check, .flops = CNN__NO_FLOPS };

static bool run_lookup(cnn__cpu_call *j)
{
    cnn__rows g = lookup_rows(j, j->l->in[1]);
    cnn__rows_take(&g, j->l->in[0], j->l->out[0], j->pool);
    return true;
}

const cnn__cpu_kernel cnn__cpu_lookup = {
    .run = run_lookup, .flops = CNN__NO_FLOPS, .measure = cnn__measure_lookup, .in = "x", .out = "y"
};

static bool run_lookup_backward(cnn__cpu_call *j)
{
    const cnn_lookup_parameters *p = j->l->parameters;
    cnn__rows g = lookup_rows(j, j->l->in[1]);
    cnn__rows_sum(&g, p->skips ? p->skip : -1, j->l->in[0], j->l->out[0], j->l->workspace, j->pool);
    return true;
}

static size_t lookup_backward_workspace(cnn__cpu_call *j)
{
    cnn__rows g = lookup_rows(j, NULL);
    return cnn__rows_sum_workspace(&g);
}

const cnn__cpu_kernel cnn__cpu_lookup_backward = { .run = run_lookup_backward,
                                                   .unit = 'y',
                                                   .workspace = lookup_backward_workspace,
                                                   .measure = cnn__measure_lookup,
                                                   .in = "y",
                                                   .out = "x" };

static cnn__softmax_nll loss_of(const cnn__cpu_call *j, const void *statistics)
{
    const cnn_cross_entropy_parameters *p = j->l->parameters;
    const cnn__map_tables *maps = j->kernels->array->maps;
    const bool f32 = j->l->dtype == CNN_F32;
    return (cnn__softmax_nll){
        .dtype = j->l->dtype,
        .loops = f32 ? maps->nll_f32 : &cnn__nll_loops_f64,
        .exp = (f32 ? maps->f32 : maps->f64)->unary[CNN_UNARY_EXP],
        .transpose = f32 ? maps->transpose : NULL,
        .largest = f32 ? &maps->reduce_f32[CNN_REDUCE_OF_MAX] : &cnn__reducers[CNN_REDUCE_OF_MAX][CNN_F64],
        .total = f32 ? &maps->reduce_f32[CNN_REDUCE_OF_SUM] : &cnn__reducers[CNN_REDUCE_OF_SUM][CNN_F64],
        .batch = p->batch,
        .classes = p->classes,
        .inner = p->inner,
        .target_dtype = cnn__dtypes[p->target_dtype].compute,
        .ignore_index = p->ignore_index,
        .smoothing = p->smoothing,
        .share = p->smoothing / (double)p->classes,
        .logits = j->l->in[0],
        .target = j->l->in[1],
        .weight = j->l->in[2],
        .stats = (void *)(uintptr_t)statistics,
        .function = (cnn_class_loss)p->function,
        .power = p->power,
        .margin = p->margin
    };
}

static bool run_cross_entropy(cnn__cpu_call *j)
{
    const cnn_cross_entropy_parameters *p = j->l->parameters;
    cnn__softmax_nll g = loss_of(j, j->l->out[1]);
    cnn__cross_entropy(&g, p->reduction, j->l->out[0], j->l->out[2], j->l->workspace, j->pool);
    return true;
}

static size_t cross_entropy_workspace(cnn__cpu_call *j)
{
    cnn__softmax_nll g = loss_of(j, NULL);
    return cnn__softmax_nll_workspace(&g);
}

const cnn__cpu_kernel cnn__cpu_cross_entropy = { .run = run_cross_entropy,
                                                 .flops = 5,
                                                 .unit = 'l',
                                                 .workspace = cross_entropy_workspace,
                                                 .measure = cnn__measure_loss,
                                                 .in = "ltc",
                                                 .out = "y" };

static bool run_cross_entropy_backward(cnn__cpu_call *j)
{
    const cnn_cross_entropy_parameters *p = j->l->parameters;
    cnn__softmax_nll g = loss_of(j, j->l->in[3]);
    cnn__cross_entropy_backward(&g, p->reduction, j->l->in[5], j->l->in[4], j->l->out[0], j->l->out[1], j->pool);
    return true;
}

const cnn__cpu_kernel cnn__cpu_cross_entropy_backward = { .run = run_cross_entropy_backward,
                                                          .flops = 4,
                                                          .unit = 'l',
                                                          .measure = cnn__measure_loss,
                                                          .in = "ltc--y",
                                                          .out = "lt" };
