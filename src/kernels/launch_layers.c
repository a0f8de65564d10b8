/* Runners of normalisation, lookups, losses and recurrence. */
#include "base/dtype.h"
#include "kernels/array/batch_norm.h"
#include "kernels/array/lstm.h"
#include "kernels/array/rows.h"
#include "kernels/array/softmax_nll.h"
#include "kernels/launch.h"

static cnn__batch_norm norm_of(const cnn__cpu_call *j, const void *x, const void *weight, const void *bias,
                               const void *statistics)
{
    const cnn_batch_norm_parameters *p = j->l->parameters;
    double *mean = (double *)(uintptr_t)statistics;
    return (cnn__batch_norm){ .dtype = j->l->dtype,
                              .batch = p->batch,
                              .channels = p->channels,
                              .inner = p->inner,
                              .batch_statistics = p->batch_statistics,
                              .x = x,
                              .weight = weight,
                              .bias = bias,
                              .mean = mean,
                              .scale = mean + p->channels };
}

static bool run_norm_statistics(cnn__cpu_call *j)
{
    cnn__batch_norm g = norm_of(j, j->l->in[0], NULL, NULL, j->l->out[0]);
    cnn__batch_norm_statistics(&g, g.scale, j->pool);
    return true;
}

const cnn__cpu_kernel cnn__cpu_batch_norm_statistics = {
    .run = run_norm_statistics, .measure = cnn__measure_normalisation, .in = "x", .out = ""
};

static bool run_norm_move(cnn__cpu_call *j)
{
    cnn__batch_norm_move(j->l->parameters, j->l->dtype, j->l->in[0], j->l->out[0], j->l->out[1]);
    return true;
}

const cnn__cpu_kernel cnn__cpu_batch_norm_move = {
    .run = run_norm_move, .measure = cnn__measure_normalisation, .in = "", .out = "cc"
};

static bool run_norm_scale(cnn__cpu_call *j)
{
    cnn__batch_norm_scale(j->l->parameters, j->l->dtype, j->l->in[0], j->l->in[1], j->l->out[0]);
    return true;
}

const cnn__cpu_kernel cnn__cpu_batch_norm_scale = {
    .run = run_norm_scale, .measure = cnn__measure_normalisation, .in = "cc", .out = ""
};

static bool run_norm_fold(cnn__cpu_call *j)
{
    cnn__batch_norm_fold(j->l->parameters, j->l->dtype, j->l->in, j->l->out[0], j->l->out[1]);
    return true;
}

const cnn__cpu_kernel cnn__cpu_batch_norm_fold = {
    .run = run_norm_fold, .measure = cnn__measure_normalisation, .in = "ccccc", .out = "cc"
};

static bool run_norm_forward(cnn__cpu_call *j)
{
    cnn__batch_norm g = norm_of(j, j->l->in[0], j->l->in[1], j->l->in[2], j->l->in[3]);
    cnn__batch_norm_forward(&g, j->l->out[0], j->pool);
    return true;
}

const cnn__cpu_kernel cnn__cpu_batch_norm_forward = {
    .run = run_norm_forward, .measure = cnn__measure_normalisation, .in = "xcc", .out = "x"
};

static bool run_norm_backward(cnn__cpu_call *j)
{
    cnn__batch_norm g = norm_of(j, j->l->in[0], j->l->in[1], NULL, j->l->in[2]);
    cnn__batch_norm_backward(&g, j->l->in[3], j->l->out[0], j->l->out[1], j->l->out[2], j->pool);
    return true;
}

const cnn__cpu_kernel cnn__cpu_batch_norm_backward = {
    .run = run_norm_backward, .measure = cnn__measure_normalisation, .in = "xc-x", .out = "xcc"
};

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

const cnn__cpu_kernel cnn__cpu_index_check = { .run = run_index_check };

static bool run_lookup(cnn__cpu_call *j)
{
    cnn__rows g = lookup_rows(j, j->l->in[1]);
    cnn__rows_take(&g, j->l->in[0], j->l->out[0], j->pool);
    return true;
}

const cnn__cpu_kernel cnn__cpu_lookup = { .run = run_lookup, .measure = cnn__measure_lookup, .in = "x", .out = "y" };

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
                                                   .workspace = lookup_backward_workspace,
                                                   .measure = cnn__measure_lookup,
                                                   .in = "y",
                                                   .out = "x" };

static cnn__softmax_nll loss_of(const cnn__cpu_call *j, const void *statistics)
{
    const cnn_cross_entropy_parameters *p = j->l->parameters;
    return (cnn__softmax_nll){ .dtype = j->l->dtype,
                               .batch = p->batch,
                               .classes = p->classes,
                               .inner = p->inner,
                               .target_dtype = cnn__dtypes[p->target_dtype].compute,
                               .ignore_index = p->ignore_index,
                               .smoothing = p->smoothing,
                               .logits = j->l->in[0],
                               .target = j->l->in[1],
                               .weight = j->l->in[2],
                               .stats = (void *)(uintptr_t)statistics,
                               .function = (cnn_class_loss)p->function,
                               .power = p->power,
                               .margin = p->margin };
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

const cnn__cpu_kernel cnn__cpu_cross_entropy_backward = {
    .run = run_cross_entropy_backward, .measure = cnn__measure_loss, .in = "ltc--y", .out = "lt"
};

static bool run_lstm_forward(cnn__cpu_call *j)
{
    const cnn_lstm_parameters *p = j->l->parameters;
    cnn__lstm_step s = { j->l->dtype,  p->rows,      p->hidden,    j->l->in[0],      j->l->in[1],
                         j->l->out[0], j->l->out[1], j->l->out[2], j->kernels->array };
    cnn__lstm_forward(&s, j->pool);
    return true;
}

const cnn__cpu_kernel cnn__cpu_lstm_forward = {
    .run = run_lstm_forward, .measure = cnn__measure_recurrence, .in = "bh", .out = "ghh"
};

static bool run_lstm_backward(cnn__cpu_call *j)
{
    const cnn_lstm_parameters *p = j->l->parameters;
    const cnn__lstm_step s = { .dtype = j->l->dtype,
                               .rows = p->rows,
                               .hidden = p->hidden,
                               .c_before = j->l->in[5],
                               .gates = (void *)(uintptr_t)j->l->in[3],
                               .c = (void *)(uintptr_t)j->l->in[4],
                               .array = j->kernels->array };
    const cnn__lstm_grad g = { { j->l->in[0], j->l->in[1] }, j->l->in[2], j->l->out[0], j->l->out[1] };
    cnn__lstm_backward(&s, &g, j->pool);
    return true;
}

const cnn__cpu_kernel cnn__cpu_lstm_backward = {
    .run = run_lstm_backward, .measure = cnn__measure_recurrence, .in = "hhhghh", .out = "gh"
};
