/* 2-D average pooling, in f32 and f64. Lines of the result are independent, so that they are cut into tasks by their
 * sizes alone; a stretch of a line at a time is added up in double, in the order of the window's pixels. */
#include "kernels/launch.h"

enum { AVG_POOL_STRETCH = 128, AVG_POOL_TASK = 1 << 12 /* elements of the result */ };

typedef cnn_avg_pool_parameters avg_pool;

/* How the lines of a result are made. */
typedef struct avg_pool_job {
    const avg_pool *g;
    bool f64;
    const void *from;
    void *to;
    int64_t lines, lines_per_task, width;
    /* Adds what line number `line` is made of to sum[0 … end − begin). */
    void (*add)(const struct avg_pool_job *job, int64_t line, int64_t begin, int64_t end, double *sum);
} avg_pool_job;

/* One direction of the window: pixels [begin, end) of the image, and how many count with the padding. */
typedef struct avg_pool_reach {
    int64_t begin, end, padded;
} avg_pool_reach;

static int64_t avg_pool_min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t avg_pool_max(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static avg_pool_reach reach_of(int64_t place, int64_t stride, int64_t pad, int64_t kernel, int64_t size)
{
    int64_t begin = place * stride - pad, end = begin + avg_pool_min(kernel, size + pad - begin);
    return (avg_pool_reach){ avg_pool_max(begin, 0), avg_pool_min(end, size), end - begin };
}

static avg_pool_reach reach_h(const avg_pool *g, int64_t h)
{
    return reach_of(h, g->stride_h, g->pad_top, g->kernel_h, g->in_h);
}

static avg_pool_reach reach_w(const avg_pool *g, int64_t w)
{
    return reach_of(w, g->stride_w, g->pad_left, g->kernel_w, g->in_w);
}

static double avg_pool_divisor(const avg_pool *g, avg_pool_reach h, avg_pool_reach w)
{
    return g->divisor           ? (double)g->divisor
           : g->exclude_padding ? (double)(h.end - h.begin) * (double)(w.end - w.begin)
                                : (double)h.padded * (double)w.padded;
}

/* The places whose windows reach into pixels [begin, end): the first and the one past the last. */
static void places_of(int64_t begin, int64_t end, int64_t stride, int64_t pad, int64_t kernel, int64_t count,
                      int64_t places[2])
{
    int64_t before = begin + pad - kernel; /* a window that begins here ends where the pixels begin */
    places[0] = before < 0 ? 0 : before / stride + 1;
    places[1] = avg_pool_min((end - 1 + pad) / stride + 1, count);
}

/* sum[i] += from[at + i · stride] */
static void add_strided(const avg_pool_job *job, int64_t at, int64_t stride, int64_t count, double *restrict sum)
{
    const float *f32 = (const float *)job->from + at;
    const double *f64 = (const double *)job->from + at;
    if (job->f64) {
        for (int64_t i = 0; i < count; i++) {
            sum[i] += f64[i * stride];
        }
    } else if (stride == 1) {
        for (int64_t i = 0; i < count; i++) {
            sum[i] += (double)f32[i];
        }
    } else {
        for (int64_t i = 0; i < count; i++) {
            sum[i] += (double)f32[i * stride];
        }
    }
}

/* ---- forward: lines of the result ---- */

static void average_windows(const avg_pool_job *job, int64_t line, int64_t begin, int64_t end, double *sum)
{
    const avg_pool *g = job->g;
    const int64_t plane = line / g->out_h, stride = g->stride_w;
    const avg_pool_reach rows = reach_h(g, line % g->out_h);
    /* Column j of the windows lies at pixel w · stride + j − pad. */
    const int64_t first = avg_pool_max(0, g->pad_left - (end - 1) * stride),
                  past = avg_pool_min(g->kernel_w, g->in_w + g->pad_left - begin * stride);
    for (int64_t h = rows.begin; h < rows.end; h++) {
        for (int64_t j = first; j < past; j++) {
            int64_t offset = j - g->pad_left, from = cnn__first_inside(offset, stride),
                    to = offset < g->in_w ? (g->in_w - 1 - offset) / stride + 1 : 0;
            from = avg_pool_max(from, begin);
            to = avg_pool_min(to, end);
            if (from < to) {
                add_strided(job, (plane * g->in_h + h) * g->in_w + from * stride + offset, stride, to - from,
                            sum + (from - begin));
            }
        }
    }
    for (int64_t w = begin; w < end; w++) {
        sum[w - begin] /= avg_pool_divisor(g, rows, reach_w(g, w));
    }
}

/* ---- backward: lines of the gradient, to which each window gives its own gradient, divided ---- */

static void add_gradients(const avg_pool_job *job, int64_t line, int64_t begin, int64_t end, double *sum)
{
    const avg_pool *g = job->g;
    const int64_t plane = line / g->in_h, h = line % g->in_h;
    int64_t rows[2], columns[2];
    places_of(h, h + 1, g->stride_h, g->pad_top, g->kernel_h, g->out_h, rows);
    places_of(begin, end, g->stride_w, g->pad_left, g->kernel_w, g->out_w, columns);
    for (int64_t out_h = rows[0]; out_h < rows[1]; out_h++) {
        for (int64_t out_w = columns[0]; out_w < columns[1]; out_w++) {
            int64_t at = (plane * g->out_h + out_h) * g->out_w + out_w;
            avg_pool_reach w = reach_w(g, out_w);
            double dy = job->f64 ? ((const double *)job->from)[at] : (double)((const float *)job->from)[at];
            double share = dy / avg_pool_divisor(g, reach_h(g, out_h), w);
            int64_t to = avg_pool_min(w.end, end);
            for (int64_t i = avg_pool_max(w.begin, begin); i < to; i++) {
                sum[i - begin] += share;
            }
        }
    }
}

/* ---- both ---- */

static void avg_pool_task(void *arg, int64_t task, int worker)
{
    (void)worker;
    const avg_pool_job *job = arg;
    int64_t past = avg_pool_min(job->lines, (task + 1) * job->lines_per_task);
    for (int64_t line = task * job->lines_per_task; line < past; line++) {
        for (int64_t begin = 0; begin < job->width; begin += AVG_POOL_STRETCH) {
            int64_t count = avg_pool_min(AVG_POOL_STRETCH, job->width - begin), at = line * job->width + begin;
            double sum[AVG_POOL_STRETCH] = { 0 };
            job->add(job, line, begin, begin + count, sum);
            for (int64_t i = 0; i < count && job->f64; i++) {
                ((double *)job->to)[at + i] = sum[i];
            }
            for (int64_t i = 0; i < count && !job->f64; i++) {
                ((float *)job->to)[at + i] = (float)sum[i];
            }
        }
    }
}

static void avg_pool_run(const cnn__cpu_call *j, avg_pool_job *job)
{
    const avg_pool *g = job->g;
    double area = (double)avg_pool_min(g->kernel_h, g->in_h) * (double)avg_pool_min(g->kernel_w, g->in_w);
    job->f64 = j->l->dtype == CNN_F64;
    job->from = j->l->in[0];
    job->to = j->l->out[0];
    job->lines_per_task = job->width < AVG_POOL_TASK ? AVG_POOL_TASK / job->width : 1;
    cnn__pool_run(j->pool, (job->lines + job->lines_per_task - 1) / job->lines_per_task,
                  (double)g->planes * (double)(g->out_h * g->out_w) * area, avg_pool_task, job);
}

static bool run_avg_pool_forward(cnn__cpu_call *j)
{
    const avg_pool *g = j->l->parameters;
    avg_pool_run(j,
                 &(avg_pool_job){ .g = g, .lines = g->planes * g->out_h, .width = g->out_w, .add = average_windows });
    return true;
}

static bool run_avg_pool_backward(cnn__cpu_call *j)
{
    const avg_pool *g = j->l->parameters;
    avg_pool_run(j, &(avg_pool_job){ .g = g, .lines = g->planes * g->in_h, .width = g->in_w, .add = add_gradients });
    return true;
}

/* x and y */
static int64_t averaging(const cnn_launch *l, char letter, bool *updates)
{
    const avg_pool *g = l->parameters;
    (void)updates;
    int64_t window = letter == '*' ? g->kernel_h * g->kernel_w : 1;
    return g->planes * window * (letter == 'x' ? g->in_h * g->in_w : g->out_h * g->out_w);
}

const cnn__cpu_kernel cnn__cpu_avg_pool_forward = {
    .run = run_avg_pool_forward, .unit = '*', .measure = averaging, .in = "x", .out = "y"
};
const cnn__cpu_kernel cnn__cpu_avg_pool_backward = {
    .run = run_avg_pool_backward, .unit = '*', .measure = averaging, .in = "y", .out = "x"
};
