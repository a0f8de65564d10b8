/* Cutting the cross-entropy kernel into tasks. How the samples are cut depends on the problem alone, and the partial
 * sums of the tasks are added in their order, so the loss has the same bits for any number of threads. */
#include "kernels/array/softmax_nll_loops.h"

enum { TASK_ELEMENTS = 16384, TASK_SAMPLES = 1024 };

/* ---- tasks ---- */

typedef struct work {
    const cnn__softmax_nll *g;
    int64_t samples, per_task, tasks;
    void *losses;
    double *partial; /* two sums a task */
    const cnn__nll_gradients *out;
} work;

static work nll_plan(const cnn__softmax_nll *g)
{
    work w = { .g = g, .samples = g->batch * g->inner };
    w.per_task = TASK_ELEMENTS / (g->classes < 1 ? 1 : g->classes);
    w.per_task = w.per_task < 1 ? 1 : w.per_task > TASK_SAMPLES ? TASK_SAMPLES : w.per_task;
    w.tasks = w.samples / w.per_task + (w.samples % w.per_task ? 1 : 0);
    return w;
}

/* The run that begins at `sample` and ends before `end`, with its batch entry if it is no row, and within CNN__NLL_RUN.
 * Long rows are `together`. */
static cnn__nll_run run_at(const cnn__softmax_nll *g, int64_t sample, int64_t end, int64_t together)
{
    int64_t n = sample / g->inner, d = sample % g->inner, count = g->inner > 1 ? g->inner - d : together;
    count = cnn__nll_short(g) ? end - sample : count;
    count = count < end - sample ? count : end - sample;
    return (cnn__nll_run){ sample, n * g->classes * g->inner + d, (int)(count < CNN__NLL_RUN ? count : CNN__NLL_RUN) };
}

static void task(void *arg, int64_t number, int worker)
{
    const work *w = arg;
    const cnn__softmax_nll *g = w->g;
    int64_t begin = number * w->per_task, end = begin + w->per_task;
    double sums[2] = { 0, 0 };
    (void)worker;
    end = end < w->samples ? end : w->samples;
    while (begin < end) {
        cnn__nll_run r = run_at(g, begin, end, w->out ? 1 : CNN__NLL_LONG_ROWS);
        if (w->out) {
            cnn__nll_backward(g, r, w->out);
        } else {
            cnn__nll_forward(g, r, w->losses, sums);
        }
        begin += r.count;
    }
    if (w->partial) {
        w->partial[2 * number] = sums[0];
        w->partial[2 * number + 1] = sums[1];
    }
}

/* An exponential counts as 20 elementary operations. */
static double nll_cost(const work *w)
{
    return 20 * (double)w->samples * (double)w->g->classes;
}

size_t cnn__softmax_nll_workspace(const cnn__softmax_nll *g)
{
    return (size_t)nll_plan(g).tasks * 2 * sizeof(double);
}

void cnn__softmax_nll_forward(const cnn__softmax_nll *g, void *losses, double sums[2], double *workspace,
                              cnn__pool *pool)
{
    work w = nll_plan(g);
    w.losses = losses;
    w.partial = workspace;
    cnn__pool_run(pool, w.tasks, nll_cost(&w), task, &w);
    sums[0] = sums[1] = 0;
    for (int64_t i = 0; i < w.tasks; i++) {
        sums[0] += workspace[2 * i];
        sums[1] += workspace[2 * i + 1];
    }
}

void cnn__softmax_nll_backward(const cnn__softmax_nll *g, const void *dy, bool each, double scale, void *dlogits,
                               void *dtarget, cnn__pool *pool)
{
    cnn__nll_gradients out = { dy, each, scale, dlogits, dtarget };
    work w = nll_plan(g);
    w.out = &out;
    cnn__pool_run(pool, w.tasks, nll_cost(&w), task, &w);
}

/* ---- the loss as one number, or one of each sample ---- */

static void write_real(cnn_dtype dtype, void *y, double value)
{
    if (dtype == CNN_F32) {
        *(float *)y = (float)value;
    } else {
        *(double *)y = value;
    }
}

void cnn__cross_entropy(const cnn__softmax_nll *g, int reduction, void *y, double totals[2], double *workspace,
                        cnn__pool *pool)
{
    bool each = reduction == CNN_REDUCE_NONE;
    cnn__softmax_nll_forward(g, each ? y : NULL, totals, workspace, pool);
    double sum = totals[0];
    totals[1] = reduction != CNN_REDUCE_MEAN ? 1 : g->classes ? totals[1] : 0;
    if (!each) {
        /* The mean over nothing is 0/0, as in PyTorch. */
        write_real(g->dtype, y, totals[1] == 0 && sum == 0 ? (double)NAN : sum / totals[1]);
    }
}

void cnn__cross_entropy_backward(const cnn__softmax_nll *g, int reduction, const void *dy, const double totals[2],
                                 void *dlogits, void *dtarget, cnn__pool *pool)
{
    cnn__softmax_nll_backward(g, dy, reduction == CNN_REDUCE_NONE, 1 / totals[1], dlogits, dtarget, pool);
}
