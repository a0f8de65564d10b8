/* Max pooling. Planes are independent tasks; within a plane, a stretch of an output line keeps its largest values
 * while the taps of the window pass over it one after the other. */

#include "kernels/simd/table.h"

#include <math.h>

enum { MAXPOOL_STRETCH = 64 }; /* outputs at a time */

typedef struct pool_job {
    const cnn__maxpool *g;
    const float *x; /* forward: the images; backward: dy */
    float *y;       /* forward: the maxima; backward: dx */
    int32_t *index;
    const int32_t *from;
    int64_t planes; /* a task */
} pool_job;

/* The outputs in [begin, end) whose input place w·stride + offset is inside [0, size). */
static void maxpool_clip(int64_t stride, int64_t offset, int64_t size, int64_t *begin, int64_t *end)
{
    int64_t first = cnn__first_inside(offset, stride);
    int64_t past = offset < size ? (size - 1 - offset) / stride + 1 : 0;
    *begin = first > *begin ? first : *begin;
    *end = past < *end ? past : *end;
}

CNN__INLINE void take_tap(const float *line, int64_t stride, int64_t place, int64_t count, float *restrict best,
                          int32_t *restrict which)
{
    for (int64_t w = 0; w < count; w++) {
        float v = line[w * stride];
        int32_t wins = (v > best[w]) | (v != v) | (which[w] < 0);
        best[w] = wins ? v : best[w];
        which[w] = wins ? (int32_t)(place + w * stride) : which[w];
    }
}

static void forward_stretch(const cnn__maxpool *g, const float *x, int64_t h, int64_t from, int64_t to, float *y,
                            int32_t *index)
{
    float best[MAXPOOL_STRETCH];
    int32_t which[MAXPOOL_STRETCH];
    for (int64_t w = 0; w < to - from; w++) {
        best[w] = -INFINITY;
        which[w] = -1;
    }
    for (int64_t i = 0; i < g->kernel_h; i++) {
        int64_t in_h = h * g->stride_h - g->pad_top + i * g->dilation_h;
        if (in_h < 0 || in_h >= g->in_h) {
            continue;
        }
        for (int64_t j = 0; j < g->kernel_w; j++) {
            int64_t offset = j * g->dilation_w - g->pad_left, begin = from, end = to;
            maxpool_clip(g->stride_w, offset, g->in_w, &begin, &end);
            int64_t place = in_h * g->in_w + begin * g->stride_w + offset;
            if (begin >= end) {
                continue;
            }
            if (g->stride_w == 2) {
                take_tap(x + place, 2, place, end - begin, best + (begin - from), which + (begin - from));
            } else {
                take_tap(x + place, g->stride_w, place, end - begin, best + (begin - from), which + (begin - from));
            }
        }
    }
    memcpy(y, best, (size_t)(to - from) * sizeof *best);
    if (index) {
        memcpy(index, which, (size_t)(to - from) * sizeof *which);
    }
}

static void forward_planes(void *arg, int64_t task, int worker)
{
    (void)worker;
    const pool_job *job = arg;
    const cnn__maxpool *g = job->g;
    for (int64_t p = task * job->planes; p < (task + 1) * job->planes && p < g->planes; p++) {
        for (int64_t h = 0; h < g->out_h; h++) {
            for (int64_t w = 0; w < g->out_w; w += MAXPOOL_STRETCH) {
                int64_t at = (p * g->out_h + h) * g->out_w + w,
                        end = w + MAXPOOL_STRETCH < g->out_w ? w + MAXPOOL_STRETCH : g->out_w;
                forward_stretch(g, job->x + p * g->in_h * g->in_w, h, w, end, job->y + at,
                                job->index ? job->index + at : NULL);
            }
        }
    }
}

static void backward_planes(void *arg, int64_t task, int worker)
{
    (void)worker;
    const pool_job *job = arg;
    const cnn__maxpool *g = job->g;
    int64_t in = g->in_h * g->in_w, out = g->out_h * g->out_w;
    for (int64_t p = task * job->planes; p < (task + 1) * job->planes && p < g->planes; p++) {
        const float *dy = job->x + p * out;
        const int32_t *from = job->from + p * out;
        float *dx = job->y + p * in;
        memset(dx, 0, (size_t)in * sizeof *dx);
        for (int64_t i = 0; i < out; i++) {
            dx[from[i]] += dy[i];
        }
    }
}

/* Small planes share a task. */
static void maxpool_run(pool_job *job, double work, cnn__task_fn fn, cnn__pool *pool)
{
    int64_t plane = job->g->in_h * job->g->in_w;
    job->planes = plane < 8192 ? 8192 / plane : 1;
    cnn__pool_run(pool, (job->g->planes + job->planes - 1) / job->planes, work, fn, job);
}

void CNN__SIMD(maxpool_forward)(const cnn__maxpool *g, const void *x, void *y, int32_t *index, cnn__pool *pool)
{
    double taps = (double)(g->out_h * g->out_w) * (double)(g->kernel_h * g->kernel_w);
    maxpool_run(&(pool_job){ .g = g, .x = x, .y = y, .index = index }, (double)g->planes * taps, forward_planes, pool);
}

void CNN__SIMD(maxpool_backward)(const cnn__maxpool *g, const void *dy, const int32_t *index, void *dx, cnn__pool *pool)
{
    double places = (double)(g->in_h * g->in_w) + (double)(g->out_h * g->out_w);
    maxpool_run(&(pool_job){ .g = g, .x = dy, .y = dx, .from = index }, (double)g->planes * places, backward_planes,
                pool);
}
