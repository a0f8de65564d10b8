/* Runners of normalisation: batch normalisation, and that of rows and groups. */
#include "base/dtype.h"
#include "kernels/array/batch_norm.h"
#include "kernels/launch.h"

/* ---- batch normalisation ---- */

/* x, and what there is one of for each channel. */
static int64_t batch_norm_measure(const cnn_launch *l, char letter, bool *updates)
{
    const cnn_batch_norm_parameters *p = l->parameters;
    *updates |= l->kernel == CNN_KERNEL_BATCH_NORM_MOVE;
    if (letter == '*') {
        return p->batch * p->channels * p->inner * (p->joined ? 5 : 2); /* with the statistics, or without */
    }
    return letter == 'x' ? p->batch * p->channels * p->inner : p->channels;
}

static cnn__normalise batch_norm_of(const cnn__cpu_call *j)
{
    const cnn_batch_norm_parameters *p = j->l->parameters;
    return (cnn__normalise){ .batch = p->batch,
                             .sets = p->channels,
                             .channels = 1,
                             .inner = p->inner,
                             .groups = p->channels,
                             .own_statistics = p->batch_statistics,
                             .joined = p->joined,
                             .relu = p->relu,
                             .ceiling = p->ceiling,
                             .eps = p->eps };
}

static bool run_batch_norm_statistics(cnn__cpu_call *j)
{
    cnn__normalise g = batch_norm_of(j);
    j->real->normalise_statistics(&g, j->l->in[0], j->l->out[0], j->pool);
    return true;
}

const cnn__cpu_kernel cnn__cpu_batch_norm_statistics = {
    .run = run_batch_norm_statistics, .flops = 3, .measure = batch_norm_measure, .in = "x", .out = ""
};

static bool run_batch_norm_move(cnn__cpu_call *j)
{
    cnn__batch_norm_move(j->l->parameters, j->l->dtype, j->l->in[0], j->l->out[0], j->l->out[1]);
    return true;
}

const cnn__cpu_kernel cnn__cpu_batch_norm_move = {
    .run = run_batch_norm_move, .flops = 3, .measure = batch_norm_measure, .in = "", .out = "cc"
};

static bool run_batch_norm_scale(cnn__cpu_call *j)
{
    cnn__batch_norm_scale(j->l->parameters, j->l->dtype, j->l->in[0], j->l->in[1], j->l->out[0]);
    return true;
}

const cnn__cpu_kernel cnn__cpu_batch_norm_scale = {
    .run = run_batch_norm_scale, .flops = 3, .measure = batch_norm_measure, .in = "cc", .out = ""
};

static bool run_batch_norm_fold(cnn__cpu_call *j)
{
    cnn__batch_norm_fold(j->l->parameters, j->l->dtype, j->l->in, j->l->out[0], j->l->out[1]);
    return true;
}

const cnn__cpu_kernel cnn__cpu_batch_norm_fold = {
    .run = run_batch_norm_fold, .flops = 3, .measure = batch_norm_measure, .in = "ccccc", .out = "cc"
};

static bool run_batch_norm_forward(cnn__cpu_call *j)
{
    cnn__normalise g = batch_norm_of(j);
    double *statistics = g.joined ? j->l->out[1] : (double *)(uintptr_t)j->l->in[3];
    j->real->normalise_forward(&g, j->l->in[0], j->l->in[1], j->l->in[2], statistics, j->l->out[0], j->pool);
    return true;
}

const cnn__cpu_kernel cnn__cpu_batch_norm_forward = {
    .run = run_batch_norm_forward, .unit = '*', .measure = batch_norm_measure, .in = "xcc", .out = "x"
};

static bool run_batch_norm_backward(cnn__cpu_call *j)
{
    cnn__normalise g = batch_norm_of(j);
    j->real->normalise_backward(&g, j->l->in[0], j->l->in[1], j->l->in[4], j->l->in[2], j->l->in[3], j->l->out[0],
                                j->l->out[1], j->l->out[2], j->pool);
    return true;
}

const cnn__cpu_kernel cnn__cpu_batch_norm_backward = {
    .run = run_batch_norm_backward, .flops = 8, .measure = batch_norm_measure, .in = "xc-x", .out = "xcc"
};

/* ---- groups of channels ---- */

/* x, and what there is one of for each channel. */
static int64_t group_norm_measure(const cnn_launch *l, char letter, bool *updates)
{
    const cnn_group_norm_parameters *p = l->parameters;
    (void)updates;
    return p->groups * p->channels * (letter == 'x' ? p->batch * p->inner : 1);
}

static cnn__normalise group_norm_of(const cnn__cpu_call *j)
{
    const cnn_group_norm_parameters *p = j->l->parameters;
    return (cnn__normalise){ .batch = 1,
                             .sets = p->batch * p->groups,
                             .channels = p->channels,
                             .inner = p->inner,
                             .groups = p->groups,
                             .own_statistics = true,
                             .makes_statistics = true,
                             .uncentred = p->uncentred,
                             .eps = p->eps };
}

static bool run_group_norm_forward(cnn__cpu_call *j)
{
    cnn__normalise g = group_norm_of(j);
    j->real->normalise_forward(&g, j->l->in[0], j->l->in[1], j->l->in[2], j->l->out[1], j->l->out[0], j->pool);
    return true;
}

const cnn__cpu_kernel cnn__cpu_group_norm_forward = {
    .run = run_group_norm_forward, .flops = 5, .measure = group_norm_measure, .in = "xcc", .out = "x"
};

static bool run_group_norm_backward(cnn__cpu_call *j)
{
    cnn__normalise g = group_norm_of(j);
    j->real->normalise_backward(&g, j->l->in[0], j->l->in[1], NULL, j->l->in[2], j->l->in[3], j->l->out[0],
                                j->l->out[1], j->l->out[2], j->pool);
    return true;
}

const cnn__cpu_kernel cnn__cpu_group_norm_backward = {
    .run = run_group_norm_backward, .flops = 8, .measure = group_norm_measure, .in = "xc-x", .out = "xcc"
};
