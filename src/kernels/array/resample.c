/* Resampling along three axes, in f32 and f64. An element of an axis of the result is a sum of elements of x's axis
 * with weights that depend on its position alone, so an axis is a sparse matrix and the whole is the product of three.
 * The matrices stand in the workspace, by rows; the gradient is the product with their transposes. Every sum is made in
 * double and in the order of the positions, and lines are cut into tasks by their sizes alone. */
#include "kernels/launch.h"

#include <math.h>
#include <string.h>

enum { RESAMPLE_TASK = 1 << 12 /* elements of the result */, RESAMPLE_AXES = 3, RESAMPLE_TAPS = 4 };

typedef cnn_resample_axis resample_axis;

typedef struct resample_tap {
    int64_t from;
    double weight;
} resample_tap;

/* A sparse matrix: row i has the taps from start[i] to start[i + 1]. */
typedef struct resample_matrix {
    int64_t rows, columns, *start;
    resample_tap *taps;
    bool picks, same; /* every row is one tap of weight 1; that is the row's own number, too */
} resample_matrix;

typedef struct resample_job {
    resample_matrix axis[RESAMPLE_AXES];
    const void *from;
    void *to;
    double *sums; /* a line of x per worker */
    int64_t lines, lines_per_task;
} resample_job;

/* ---- the rules: what an element of the result is made of ---- */

/* `count` elements from `first` on, each moved to the nearest end of the axis if it lies outside. */
typedef struct resample_reach {
    int64_t first, count;
    double weight[RESAMPLE_TAPS]; /* the weights; a mean, whose count has no bound, has the first for all */
} resample_reach;

static int64_t resample_clamp(int64_t i, int64_t size)
{
    return i < 0 ? 0 : i < size ? i : size - 1;
}

/* scale · position − shift, computed in the dtype, as PyTorch does. */
static double source_of(const resample_axis *a, bool f64, double position, double shift)
{
    return f64 ? a->scale * position - shift : (double)((float)a->scale * (float)position - (float)shift);
}

/* Keys's kernel with a = −0.75, up to a distance of 1 and up to 2 (R. Keys, 1981). */
static double cubic_near(double x)
{
    return (1.25 * x - 2.25) * x * x + 1;
}

static double cubic_far(double x)
{
    return ((-0.75 * x + 3.75) * x - 6) * x + 3;
}

static resample_reach reach_between(const resample_axis *a, bool f64, int64_t o)
{
    bool cubic = a->function == CNN_RESAMPLE_CUBIC;
    double at = a->align_corners ? source_of(a, f64, (double)o, 0) : source_of(a, f64, (double)o + 0.5, 0.5);
    at = !cubic && at < 0 ? 0 : at;
    double first = fmin(floor(at), (double)(a->in - 1)), t = fmin(fmax(at - first, 0), 1);
    if (!cubic && a->in == a->out) {
        return (resample_reach){ o, 1, { 1 } };
    }
    if (!cubic) {
        return (resample_reach){ (int64_t)first, 2, { 1 - t, t } };
    }
    return (resample_reach){ (int64_t)first - 1,
                             4,
                             { cubic_far(1 + t), cubic_near(t), cubic_near(1 - t), cubic_far(2 - t) } };
}

static resample_reach resample_reach_of(const resample_axis *a, bool f64, int64_t o)
{
    int64_t in = a->in, at = o - a->before;
    switch ((cnn_resample)a->function) {
    case CNN_RESAMPLE_NEAREST: at = (int64_t)floor(source_of(a, f64, (double)o, 0)); break;
    case CNN_RESAMPLE_NEAREST_EXACT: at = (int64_t)floor(source_of(a, f64, (double)o + 0.5, 0)); break;
    case CNN_RESAMPLE_LINEAR:
    case CNN_RESAMPLE_CUBIC: return reach_between(a, f64, o);
    case CNN_RESAMPLE_MEAN: {
        int64_t begin = o * in / a->out, end = ((o + 1) * in + a->out - 1) / a->out;
        return (resample_reach){ begin, end - begin, { 1 / (double)(end - begin) } };
    }
    case CNN_RESAMPLE_REFLECT: at = at < 0 ? -at : at < in ? at : 2 * (in - 1) - at; break;
    case CNN_RESAMPLE_CIRCULAR: at = at < 0 ? at + in : at < in ? at : at - in; break;
    case CNN_RESAMPLE_REPLICATE: break;
    }
    return (resample_reach){ at, 1, { 1 } };
}

/* ---- the matrices ---- */

/* At most so many taps: the windows of a mean overlap by one element each. */
static int64_t taps_at_most(const resample_axis *a)
{
    switch ((cnn_resample)a->function) {
    case CNN_RESAMPLE_LINEAR: return 2 * a->out;
    case CNN_RESAMPLE_CUBIC: return 4 * a->out;
    case CNN_RESAMPLE_MEAN: return a->in + a->out;
    default: return a->out;
    }
}

/* Exchanges the numbers of taps in the rows for where each row begins, or the other way round. */
static void sum_starts(resample_matrix *m)
{
    int64_t begin = 0;
    for (int64_t i = 0; i <= m->rows; i++) {
        int64_t count = m->start[i];
        m->start[i] = begin;
        begin += count;
    }
}

static void make_matrix(resample_matrix *m, const resample_axis *a, bool f64, bool transposed)
{
    memset(m->start, 0, (size_t)(m->rows + 1) * sizeof *m->start);
    for (int pass = 0; pass < 2; pass++) { /* counts the taps of each row, then puts them there */
        for (int64_t o = 0; o < a->out; o++) {
            resample_reach r = resample_reach_of(a, f64, o);
            for (int64_t k = 0; k < r.count; k++) {
                int64_t i = resample_clamp(r.first + k, a->in), *at = &m->start[transposed ? i : o];
                if (pass) {
                    double weight = r.weight[a->function == CNN_RESAMPLE_MEAN ? 0 : k];
                    m->taps[*at] = (resample_tap){ transposed ? o : i, weight };
                }
                ++*at;
            }
        }
        if (!pass) {
            sum_starts(m);
        }
    }
    memmove(m->start + 1, m->start, (size_t)m->rows * sizeof *m->start); /* each row's start has become its end */
    m->start[0] = 0;
    m->picks = m->same = true;
    for (int64_t i = 0; i < m->rows; i++) {
        const resample_tap *tap = &m->taps[m->start[i]];
        m->picks = m->picks && m->start[i + 1] == i + 1 && m->start[i] == i && tap->weight == 1;
        m->same = m->same && m->picks && tap->from == i;
    }
}

/* ---- lines ---- */

/* Whether a row has the taps of the one before it, as those of a window's gradient have. */
static __attribute__((cold)) bool resample_repeats(const resample_matrix *m, int64_t row)
{
    const int64_t *start = m->start + row, taps = row ? start[1] - start[0] : 0;
    return taps == (row ? start[0] - start[-1] : -1) &&
           memcmp(m->taps + start[0], m->taps + start[-1], (size_t)taps * sizeof *m->taps) == 0;
}

#define X float
#define FN(name) name##_f32
#include "kernels/array/resample_impl.h"

#define X double
#define FN(name) name##_f64
#include "kernels/array/resample_impl.h"

/* ---- launches ---- */

static bool is_transposed(const cnn_launch *l)
{
    return l->kernel == CNN_KERNEL_RESAMPLE_BACKWARD;
}

static int64_t resample_rows(const resample_axis *a, bool transposed)
{
    return transposed ? a->in : a->out;
}

static size_t resample_workspace(cnn__cpu_call *j)
{
    const cnn_resample_parameters *p = j->l->parameters;
    bool transposed = is_transposed(j->l);
    size_t bytes =
        (size_t)j->workers * (size_t)resample_rows(&p->axis[RESAMPLE_AXES - 1], !transposed) * sizeof(double);
    for (int i = 0; i < RESAMPLE_AXES; i++) {
        bytes += (size_t)(resample_rows(&p->axis[i], transposed) + 1) * sizeof(int64_t) +
                 (size_t)taps_at_most(&p->axis[i]) * sizeof(resample_tap);
    }
    return bytes;
}

/* Lays the matrices out in the workspace and returns the work of a line, in additions. */
static double make_matrices(const cnn__cpu_call *j, resample_job *job)
{
    const cnn_resample_parameters *p = j->l->parameters;
    bool transposed = is_transposed(j->l);
    resample_tap *at = j->l->workspace;
    double work = 1;
    for (int i = 0; i < RESAMPLE_AXES; i++) {
        job->axis[i].taps = at;
        at += taps_at_most(&p->axis[i]);
    }
    int64_t *start = (int64_t *)(void *)at;
    for (int i = 0; i < RESAMPLE_AXES; i++) {
        resample_matrix *m = &job->axis[i];
        m->rows = resample_rows(&p->axis[i], transposed);
        m->columns = resample_rows(&p->axis[i], !transposed);
        m->start = start;
        start += m->rows + 1;
        make_matrix(m, &p->axis[i], j->l->dtype == CNN_F64, transposed);
        double taps = (double)m->start[m->rows];
        work = i < RESAMPLE_AXES - 1 ? work * taps / (double)m->rows : work * (double)m->columns + taps;
    }
    job->sums = (double *)(void *)start;
    return work;
}

/* It and what it calls lay out the matrices, whose size is that of two axes: they are kept small. */
static __attribute__((cold)) bool run_resample(cnn__cpu_call *j)
{
    const cnn_resample_parameters *p = j->l->parameters;
    resample_job job = { .from = j->l->in[0], .to = j->l->out[0] };
    double work = make_matrices(j, &job);
    int64_t width = job.axis[RESAMPLE_AXES - 1].rows;
    job.lines = p->planes * job.axis[0].rows * job.axis[1].rows;
    job.lines_per_task = width < RESAMPLE_TASK ? RESAMPLE_TASK / width : 1;
    cnn__pool_run(j->pool, (job.lines + job.lines_per_task - 1) / job.lines_per_task, (double)job.lines * work,
                  j->l->dtype == CNN_F64 ? resample_task_f64 : resample_task_f32, &job);
    return true;
}

/* x and y */
static int64_t resample_measure(const cnn_launch *l, char letter, bool *updates)
{
    const cnn_resample_parameters *p = l->parameters;
    int64_t count = p->planes;
    (void)updates;
    for (int i = 0; i < RESAMPLE_AXES; i++) {
        count *= resample_rows(&p->axis[i], letter == 'x');
    }
    return count;
}

const cnn__cpu_kernel cnn__cpu_resample = {
    .run = run_resample, .flops = 2, .workspace = resample_workspace, .measure = resample_measure, .in = "x", .out = "y"
};
const cnn__cpu_kernel cnn__cpu_resample_backward = {
    .run = run_resample, .flops = 2, .workspace = resample_workspace, .measure = resample_measure, .in = "y", .out = "x"
};
