/* The sums of a convolution in double, term by term and without padding: see conv/recompute.h. A sum ends at its
 * first NaN, which no later term can change; where most operands are NaN this is immediate. */
#include "kernels/simd/conv/recompute.h"

#include <math.h>
#include <stdatomic.h>

/* ---- is everything finite? ---- */

enum { PIECE = 1 << 14 }; /* floats of a task */

typedef struct finite_job {
    const float *p;
    int64_t count;
    atomic_bool *found; /* one that is not */
} finite_job;

static void recompute_look(void *arg, int64_t task, int worker)
{
    (void)worker;
    const finite_job *job = arg;
    if (!floats_finite(job->p + task * PIECE, min64(PIECE, job->count - task * PIECE))) {
        atomic_store_explicit(job->found, true, memory_order_relaxed);
    }
}

bool all_finite(const float *p, int64_t count, cnn__pool *pool)
{
    atomic_bool found = false;
    finite_job job = { p, count, &found };
    cnn__pool_run(pool, divide_up(count, PIECE), (double)count / LANES, recompute_look, &job);
    return !found;
}

/* ---- forward, and the gradient of the data ---- */

double plan_sum(const conv_plan *p, const float *x, const float *weight, int64_t o, int64_t row, int64_t column)
{
    double sum = 0;
    int64_t first_h = row * p->h.stride + p->h.first, first_w = column * p->w.stride + p->w.first;
    for (int64_t c = 0; c < p->in_channels && sum == sum; c++, x += p->h.in * p->w.in) {
        for (int64_t i = 0; i < p->h.taps; i++) {
            int64_t h = first_h + i * p->h.step;
            for (int64_t j = 0; j < p->w.taps && h >= 0 && h < p->h.in; j++) {
                int64_t w = first_w + j * p->w.step;
                if (w >= 0 && w < p->w.in) {
                    sum += (double)x[h * p->w.in + w] * (double)weight[plan_weight(p, o, c, i, j)];
                }
            }
        }
    }
    return sum;
}

typedef struct recompute_job {
    const conv_plan *plan;
    const float *x, *weight, *bias, *dy;
    float *to; /* y or dweight */
} recompute_job;

/* A plane of y. */
static void recompute_plane(void *arg, int64_t task, int worker)
{
    (void)worker;
    const recompute_job *job = arg;
    const conv_plan *p = job->plan;
    int64_t channels = p->groups * p->out_channels, channel = task % channels, group = channel / p->out_channels;
    const float *x = job->x + (task / channels * p->groups + group) * p->in_channels * p->h.in * p->w.in;
    const float *weight = job->weight + group * p->weight_group;
    double bias = job->bias ? (double)job->bias[channel] : 0;
    float *plane = job->to + task * p->h.out * p->w.out;
    for (int64_t h = 0; h < p->h.grid; h++) {
        float *row = plane + (p->h.out_first + h * p->h.out_step) * p->w.out + p->w.out_first;
        for (int64_t w = 0; w < p->w.grid; w++, row += p->w.out_step) {
            if (!isfinite(*row)) {
                *row = (float)(plan_sum(p, x, weight, channel % p->out_channels, h, w) + bias);
            }
        }
    }
}

void plan_recompute(const conv_plan *p, const float *x, const float *weight, const float *bias, float *y,
                    cnn__pool *pool)
{
    recompute_job job = { .plan = p, .x = x, .weight = weight, .bias = bias, .to = y };
    int64_t planes = p->batch * p->groups * p->out_channels;
    cnn__pool_run(pool, planes, (double)planes * (double)(p->h.grid * p->w.grid), recompute_plane, &job);
}

/* ---- the gradient of the weights ---- */

/* The positions [begin, end) at which a tap lies inside of the input. */
static void tap_positions(const conv_axis *a, int64_t tap, int64_t *begin, int64_t *end)
{
    int64_t first = a->first + tap * a->step;
    *begin = first < 0 ? divide_up(-first, a->stride) : 0;
    *end = first < a->in ? min64(a->grid, (a->in - 1 - first) / a->stride + 1) : 0;
}

/* Σ x[k · step]·dy[k], in eight parts, which do not wait for each other. */
static double row_sum(const float *x, int64_t step, const float *dy, int64_t count)
{
    double part[8] = { 0 };
    int64_t k = 0;
    for (; k + 8 <= count; k += 8) {
        for (int64_t n = 0; n < 8; n++) {
            part[n] += (double)x[(k + n) * step] * (double)dy[k + n];
        }
    }
    for (; k < count; k++) {
        part[0] += (double)x[k * step] * (double)dy[k];
    }
    return ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]));
}

double weight_sum(const conv_plan *p, const float *x, const float *dy, int64_t o, int64_t c, int64_t i, int64_t j)
{
    double sum = 0;
    int64_t begin[2], end[2], in = p->h.in * p->w.in, grid = p->h.grid * p->w.grid;
    tap_positions(&p->h, i, &begin[0], &end[0]);
    tap_positions(&p->w, j, &begin[1], &end[1]);
    x += c * in;
    dy += o * grid;
    for (int64_t n = 0; n < p->batch;
         n++, x += p->groups * p->in_channels * in, dy += p->groups * p->out_channels * grid) {
        for (int64_t h = begin[0]; h < end[0] && begin[1] < end[1] && sum == sum; h++) {
            const float *row =
                x + (h * p->h.stride + p->h.first + i * p->h.step) * p->w.in + p->w.first + j * p->w.step;
            sum += row_sum(row + begin[1] * p->w.stride, p->w.stride, dy + h * p->w.grid + begin[1], end[1] - begin[1]);
        }
    }
    return sum;
}

/* The weights of an output channel. */
static void recompute_channel(void *arg, int64_t channel, int worker)
{
    (void)worker;
    const recompute_job *job = arg;
    const conv_plan *p = job->plan;
    int64_t group = channel / p->out_channels, o = channel % p->out_channels, taps = plan_taps(p),
            count = p->in_channels * taps;
    const float *x = job->x + group * p->in_channels * p->h.in * p->w.in;
    const float *dy = job->dy + group * p->out_channels * p->h.grid * p->w.grid;
    float *to = job->to + channel * count;
    for (int64_t k = floats_finite(to, count) ? count : 0; k < count; k++) {
        if (!isfinite(to[k])) {
            to[k] = (float)weight_sum(p, x, dy, o, k / taps, k % taps / p->w.taps, k % p->w.taps);
        }
    }
}

void weight_recompute(const conv_plan *p, const float *x, const float *dy, float *dweight, cnn__pool *pool)
{
    recompute_job job = { .plan = p, .x = x, .dy = dy, .to = dweight };
    int64_t channels = p->groups * p->out_channels;
    cnn__pool_run(pool, channels, (double)(channels * p->in_channels * plan_taps(p)) / LANES, recompute_channel, &job);
}
