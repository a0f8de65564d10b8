/* Windows of images as columns (im2col) and the sum of such columns over their pixels (col2im), in f32 and f64. Lines
 * of what is written are independent, so that they are cut into tasks by their sizes alone; a line is summed in the
 * order of the window's rows and columns. */
#include "kernels/launch.h"

#include <string.h>

enum { FOLD_TASK = 1 << 13 /* elements that are read or written */ };

typedef struct fold_job {
    const cnn_maxpool *g;
    const void *from;
    void *to;
    int64_t lines, lines_per_task;
} fold_job;

/* The positions o of a direction, from `begin` to `end` − 1, at which `offset` + o · stride lies within [0, size). */
static void fold_inside(int64_t offset, int64_t stride, int64_t size, int64_t count, int64_t *begin, int64_t *end)
{
    int64_t first = cnn__first_inside(offset, stride), past = offset < size ? (size - 1 - offset) / stride + 1 : 0;
    *end = past < count ? past : count;
    *begin = first < *end ? first : *end;
}

#define X float
#define FN(name) name##_f32
#include "kernels/array/fold_impl.h"

#define X double
#define FN(name) name##_f64
#include "kernels/array/fold_impl.h"

static bool fold_run(const cnn__cpu_call *j, int64_t lines, double line, cnn__task_fn fn)
{
    fold_job job = { .g = j->l->parameters, .from = j->l->in[0], .to = j->l->out[0], .lines = lines };
    job.lines_per_task = line < FOLD_TASK ? (int64_t)(FOLD_TASK / line) : 1;
    cnn__pool_run(j->pool, (lines + job.lines_per_task - 1) / job.lines_per_task, (double)lines * line, fn, &job);
    return true;
}

static bool run_unfold(cnn__cpu_call *j)
{
    const cnn_maxpool *g = j->l->parameters;
    return fold_run(j, g->planes * g->kernel_h * g->kernel_w * g->out_h, (double)g->out_w,
                    j->l->dtype == CNN_F64 ? unfold_task_f64 : unfold_task_f32);
}

static bool run_fold(cnn__cpu_call *j)
{
    const cnn_maxpool *g = j->l->parameters;
    double columns = (double)(g->kernel_h * g->kernel_w) * (double)(g->out_h * g->out_w);
    return fold_run(j, g->planes * g->in_h, (double)g->in_w + columns / (double)g->in_h,
                    j->l->dtype == CNN_F64 ? fold_task_f64 : fold_task_f32);
}

/* x, the images, and y, the columns. */
static int64_t fold_measure(const cnn_launch *l, char letter, bool *updates)
{
    const cnn_maxpool *g = l->parameters;
    (void)updates;
    return g->planes * (letter == 'x' ? g->in_h * g->in_w : g->kernel_h * g->kernel_w * g->out_h * g->out_w);
}

const cnn__cpu_kernel cnn__cpu_unfold = {
    .run = run_unfold, .flops = CNN__NO_FLOPS, .measure = fold_measure, .in = "x", .out = "y"
};
const cnn__cpu_kernel cnn__cpu_fold = { .run = run_fold, .unit = 'y', .measure = fold_measure, .in = "y", .out = "x" };
