/* Max pooling to a given size, in f32 and f64: the windows are those of a mean (CNN_RESAMPLE_MEAN in both directions).
 * Elements are compared as doubles, which is exact. A NaN wins. */
#include "kernels/launch.h"

#include <math.h>

enum { ADAPTIVE_TASK = 1 << 13 /* elements of x */ };

typedef struct adaptive_job {
    const cnn_maxpool *g;
    bool f64;
    const void *x;
    void *y;
    int32_t *index;
    int64_t planes; /* of a task */
} adaptive_job;

static inline double adaptive_element(const adaptive_job *job, int64_t i)
{
    return job->f64 ? ((const double *)job->x)[i] : (double)((const float *)job->x)[i];
}

/* The largest element of rows h[0] … h[1] − 1 and columns w[0] … w[1] − 1 of the plane that begins at x, written to
 * result number `at`. */
static void adaptive_window(const adaptive_job *job, int64_t x, const int64_t h[2], const int64_t w[2], int64_t at)
{
    double best = -INFINITY;
    int64_t winner = h[0] * job->g->in_w + w[0];
    for (int64_t row = h[0]; row < h[1]; row++) {
        for (int64_t i = row * job->g->in_w + w[0]; i < row * job->g->in_w + w[1]; i++) {
            double v = adaptive_element(job, x + i);
            if (v > best || v != v) {
                best = v;
                winner = i;
            }
        }
    }
    if (job->f64) {
        ((double *)job->y)[at] = best;
    } else {
        ((float *)job->y)[at] = (float)best;
    }
    if (job->index) {
        job->index[at] = (int32_t)winner;
    }
}

static void adaptive_bounds(int64_t o, int64_t in, int64_t out, int64_t bounds[2])
{
    bounds[0] = o * in / out;
    bounds[1] = ((o + 1) * in + out - 1) / out;
}

static void adaptive_task(void *arg, int64_t task, int worker)
{
    (void)worker;
    const adaptive_job *job = arg;
    const cnn_maxpool *g = job->g;
    const int64_t past = (task + 1) * job->planes < g->planes ? (task + 1) * job->planes : g->planes;
    for (int64_t plane = task * job->planes; plane < past; plane++) {
        for (int64_t i = 0; i < g->out_h * g->out_w; i++) {
            int64_t h[2], w[2];
            adaptive_bounds(i / g->out_w, g->in_h, g->out_h, h);
            adaptive_bounds(i % g->out_w, g->in_w, g->out_w, w);
            adaptive_window(job, plane * g->in_h * g->in_w, h, w, plane * g->out_h * g->out_w + i);
        }
    }
}

static bool run_adaptive_maxpool(cnn__cpu_call *j)
{
    const cnn_maxpool *g = j->l->parameters;
    const int64_t in = g->in_h * g->in_w, out = g->out_h * g->out_w;
    adaptive_job job = { g, j->l->dtype == CNN_F64, j->l->in[0], j->l->out[0], j->l->out[1], 1 };
    job.planes = in < ADAPTIVE_TASK ? ADAPTIVE_TASK / in : 1;
    cnn__pool_run(j->pool, (g->planes + job.planes - 1) / job.planes,
                  (double)g->planes * ((double)in + 4 * (double)out), adaptive_task, &job);
    return true;
}

const cnn__cpu_kernel cnn__cpu_adaptive_maxpool = {
    .run = run_adaptive_maxpool, .measure = cnn__measure_pooling, .in = "x", .out = "y"
};
