/* Recomputation for the fused kernels: see conv_relu_pool/recompute.h. These are plain loops, which most calls never
 * enter. */
#include "kernels/simd/conv_relu_pool/recompute.h"
#include "kernels/simd/conv_relu_pool/pool.h"

#include <math.h>

typedef struct fused_recompute_job {
    const cnn__conv *g;
    conv_plan plan;
    const float *x, *weight, *bias, *dy;
    const uint8_t *index;
    float *y, *dx, *dweight;
    uint8_t *winners; /* index, where it is written */
} fused_recompute_job;

/* ---- forward ---- */

/* A plane of pooled outputs. */
static void fused_recompute_plane(void *arg, int64_t task, int worker)
{
    (void)worker;
    const fused_recompute_job *job = arg;
    const cnn__conv *g = job->g;
    int64_t o = task % g->out_channels, width = g->out_w / 2, windows = g->out_h / 2 * width;
    const float *x = job->x + task / g->out_channels * g->in_channels * g->in_h * g->in_w;
    double bias = job->bias ? (double)job->bias[o] : 0;
    for (int64_t k = 0; k < windows; k++) {
        float *y = job->y + task * windows + k;
        lanes v[4];
        lanes_i32 winner;
        if (*y == *y) {
            continue;
        }
        for (int i = 0; i < 4; i++) {
            double sum = plan_sum(&job->plan, x, job->weight, o, k / width * 2 + i / 2, k % width * 2 + i % 2);
            v[i] = splat((float)(sum + bias));
        }
        *y = pool_window(v[0], v[1], v[2], v[3], &winner)[0];
        if (job->winners) {
            job->winners[task * windows + k] = (uint8_t)winner[0];
        }
    }
}

void conv_relu_pool_recompute(const cnn__conv *g, const float *x, const float *weight, const float *bias, float *y,
                              uint8_t *index, cnn__pool *pool)
{
    fused_recompute_job job = {
        .g = g, .plan = plan_forward(g), .x = x, .weight = weight, .bias = bias, .y = y, .winners = index
    };
    int64_t planes = g->batch * g->out_channels;
    cnn__pool_run(pool, planes, (double)(planes * (g->out_h / 2) * (g->out_w / 2)), fused_recompute_plane, &job);
}

/* ---- backward ---- */

/* Whether position (h, w) of channel o is its window's winner. */
static bool won(const fused_recompute_job *job, int64_t n, int64_t o, int64_t h, int64_t w)
{
    const cnn__conv *g = job->g;
    int64_t height = g->out_h / 2, width = g->out_w / 2;
    return h / 2 < height && w / 2 < width &&
           job->index[((n * g->out_channels + o) * height + h / 2) * width + w / 2] == h % 2 * 2 + w % 2;
}

/* Whether tap (i, j) of channel o, at this place of the input, belongs to a position that did not win. */
static bool lost(const fused_recompute_job *job, int64_t n, int64_t o, int64_t i, int64_t j, int64_t in_h, int64_t in_w)
{
    const cnn__conv *g = job->g;
    int64_t h = in_h + g->pad_top - i, w = in_w + g->pad_left - j;
    return h >= 0 && h < g->out_h && w >= 0 && w < g->out_w && !won(job, n, o, h, w);
}

/* The first of the weights of input channel c, in the order of output channels, that is not finite. */
static int64_t first_weight(const fused_recompute_job *job, int64_t c)
{
    int64_t taps = plan_taps(&job->plan), count = job->g->out_channels * taps, k = 0;
    while (k < count && isfinite(job->weight[(k / taps * job->g->in_channels + c) * taps + k % taps])) {
        k++;
    }
    return k;
}

/* A plane of the gradient of the data. */
static void fused_recompute_dx(void *arg, int64_t task, int worker)
{
    (void)worker;
    const fused_recompute_job *job = arg;
    const cnn__conv *g = job->g;
    int64_t c = task % g->in_channels, taps = plan_taps(&job->plan), count = g->out_channels * taps;
    for (int64_t first = first_weight(job, c), at = 0; first < count && at < g->in_h * g->in_w; at++) {
        bool poisoned = false;
        for (int64_t k = first; k < count && !poisoned; k++) {
            poisoned = !isfinite(job->weight[(k / taps * g->in_channels + c) * taps + k % taps]) &&
                       lost(job, task / g->in_channels, k / taps, k % taps / g->kernel_w, k % g->kernel_w, at / g->in_w,
                            at % g->in_w);
        }
        if (poisoned) {
            job->dx[task * g->in_h * g->in_w + at] = NAN;
        }
    }
}

void conv_relu_pool_recompute_data(const cnn__conv *g, const uint8_t *index, const float *weight, float *dx,
                                   cnn__pool *pool)
{
    fused_recompute_job job = { .g = g, .plan = plan_forward(g), .index = index, .weight = weight, .dx = dx };
    int64_t planes = g->batch * g->in_channels;
    cnn__pool_run(pool, planes, (double)(planes * g->in_h * g->in_w), fused_recompute_dx, &job);
}

/* The first place of input channel c, counted along the images, that is not finite. */
static int64_t first_input(const fused_recompute_job *job, int64_t c)
{
    int64_t plane = job->g->in_h * job->g->in_w, count = job->g->batch * plane, k = 0;
    while (k < count && isfinite(job->x[(k / plane * job->g->in_channels + c) * plane + k % plane])) {
        k++;
    }
    return k;
}

/* Whether a place of input channel c that is not finite belongs, by tap (i, j), to a position that did not win. */
static bool poisoned_tap(const fused_recompute_job *job, int64_t first, int64_t o, int64_t c, int64_t i, int64_t j)
{
    const cnn__conv *g = job->g;
    int64_t plane = g->in_h * g->in_w;
    for (int64_t k = first; k < g->batch * plane; k++) {
        int64_t n = k / plane, at = k % plane;
        if (!isfinite(job->x[(n * g->in_channels + c) * plane + at]) &&
            lost(job, n, o, i, j, at / g->in_w, at % g->in_w)) {
            return true;
        }
    }
    return false;
}

/* The sum over the winners whose tap (i, j) is no padding. */
static double winners_sum(const fused_recompute_job *job, int64_t o, int64_t c, int64_t i, int64_t j)
{
    const cnn__conv *g = job->g;
    int64_t width = g->out_w / 2, windows = g->out_h / 2 * width;
    double sum = 0;
    for (int64_t n = 0; n < g->batch && sum == sum; n++) {
        const float *dy = job->dy + (n * g->out_channels + o) * windows,
                    *x = job->x + (n * g->in_channels + c) * g->in_h * g->in_w;
        const uint8_t *index = job->index + (n * g->out_channels + o) * windows;
        for (int64_t k = 0; k < windows; k++) {
            int64_t h = k / width * 2 + index[k] / 2 + i - g->pad_top,
                    w = k % width * 2 + index[k] % 2 + j - g->pad_left;
            if (index[k] < 4 && h >= 0 && h < g->in_h && w >= 0 && w < g->in_w) {
                sum += (double)dy[k] * (double)x[h * g->in_w + w];
            }
        }
    }
    return sum;
}

/* The weights from an input channel. */
static void fused_recompute_dweight(void *arg, int64_t c, int worker)
{
    (void)worker;
    const fused_recompute_job *job = arg;
    const cnn__conv *g = job->g;
    int64_t taps = plan_taps(&job->plan), first = first_input(job, c);
    for (int64_t o = 0; o < g->out_channels; o++) {
        for (int64_t k = 0; k < taps; k++) {
            float *to = job->dweight + (o * g->in_channels + c) * taps + k;
            if (poisoned_tap(job, first, o, c, k / g->kernel_w, k % g->kernel_w)) {
                *to = NAN;
            } else if (!isfinite(*to)) {
                *to = (float)winners_sum(job, o, c, k / g->kernel_w, k % g->kernel_w);
            }
        }
    }
}

void conv_relu_pool_recompute_weight(const cnn__conv *g, const float *x, const float *dy, const uint8_t *index,
                                     float *dweight, cnn__pool *pool)
{
    fused_recompute_job job = { .g = g, .plan = plan_forward(g), .x = x, .dy = dy, .index = index, .dweight = dweight };
    double work = (double)g->batch * (double)(g->in_channels * g->in_h * g->in_w);
    cnn__pool_run(pool, g->in_channels, work, fused_recompute_dweight, &job);
}
