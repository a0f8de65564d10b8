/* Max pooling to a given size, in f32 and f64: the windows are those of a mean (CNN_RESAMPLE_MEAN in both directions).
 * A NaN wins. */
#include "kernels/launch.h"

#include <math.h>

enum { ADAPTIVE_TASK = 1 << 13 /* elements of x */ };

typedef struct adaptive_job {
    const cnn_maxpool *g;
    bool f64;
    const void *x;
    void *y;
    int32_t *index;
    int64_t planes; /* the planes per task */
} adaptive_job;

#define X float
#define FN(name) name##_f32
#include "kernels/array/adaptive_maxpool_impl.h"

#define X double
#define FN(name) name##_f64
#include "kernels/array/adaptive_maxpool_impl.h"

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
            (job->f64 ? adaptive_window_f64 : adaptive_window_f32)(job, plane * g->in_h * g->in_w, h, w,
                                                                   plane * g->out_h * g->out_w + i);
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
