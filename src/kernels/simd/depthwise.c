/* Depthwise convolutions: every channel is a small job of its own, without a matrix product in it.
 *
 * A task owns some planes. The plane's slab (conv_slab.h) lets each tap read consecutive floats, so a line of outputs is a sum
 * of as many scaled lines as there are taps, held in up to four vectors. */
#include "kernels/simd/conv_slab.h"
#include "kernels/simd/table.h"

enum { GROUP = 4, TASK_FLOATS = 1 << 14 };

typedef struct depth_job {
    const conv_plan *plan;
    conv_slab slab;
    const float *x, *weight, *bias, *dy;
    float *y;
    char *scratch;
    size_t scratch_size;
    int64_t planes; /* a task */
} depth_job;

static void measure(depth_job *job, const conv_plan *p)
{
    job->plan = p;
    conv_plan one = *p;
    one.batch = 1;
    job->slab = slab_make(&one, INT64_MAX / 2);
    int64_t line = round_up(p->w.grid, GROUP * LANES);
    job->scratch_size = (size_t)round_up(job->slab.image_step + SLAB_SLACK + line, 16) * sizeof(float);
    int64_t plane = p->h.grid * p->w.grid;
    job->planes = plane > 0 && plane < TASK_FLOATS ? TASK_FLOATS / plane : 1;
}

size_t CNN__SIMD(depthwise_workspace)(const conv_plan *p, int workers)
{
    depth_job job = { 0 };
    measure(&job, p);
    return job.scratch_size * (size_t)workers;
}

/* `vectors` is a constant where this is inlined, so the sums are registers. */
CNN__INLINE void sum_taps(int vectors, const depth_job *job, const float *weight, const float *line, float bias, float *to)
{
    const conv_plan *p = job->plan;
    lanes acc[GROUP];
#pragma GCC unroll 4
    for (int u = 0; u < vectors; u++) {
        acc[u] = splat(bias);
    }
    for (int64_t i = 0; i < p->h.taps; i++) {
        for (int64_t j = 0; j < p->w.taps; j++) {
            lanes w = splat(weight[plan_weight(p, 0, 0, i, j)]);
            const float *from = line + slab_tap(&job->slab, p, i, j);
#pragma GCC unroll 4
            for (int u = 0; u < vectors; u++) {
                acc[u] += w * load(from + u * LANES);
            }
        }
    }
#pragma GCC unroll 4
    for (int u = 0; u < vectors; u++) {
        store(to + u * LANES, acc[u]);
    }
}

static void convolve_line(const depth_job *job, const float *weight, const float *line, float bias, float *to)
{
    for (int64_t q = 0; q < job->plan->w.grid; q += GROUP * LANES) {
        switch ((job->plan->w.grid - q + LANES - 1) / LANES) {
        case 1: sum_taps(1, job, weight, line + q, bias, to + q); break;
        case 2: sum_taps(2, job, weight, line + q, bias, to + q); break;
        case 3: sum_taps(3, job, weight, line + q, bias, to + q); break;
        default: sum_taps(GROUP, job, weight, line + q, bias, to + q); break;
        }
    }
}

static void convolve_plane(const depth_job *job, int64_t plane, float *slab, float *aside)
{
    const conv_plan *p = job->plan;
    const conv_axis *h = &p->h, *w = &p->w;
    int64_t channel = plane % p->groups;
    const float *weight = job->weight + channel * p->weight_group;
    float *y = job->y + plane * h->out * w->out + w->out_first, bias = job->bias ? job->bias[channel] : 0;
    conv_unit all = { .images = 1, .lines = h->grid };
    if (plan_taps(p)) {
        slab_plane(&job->slab, p, &all, job->x + plane * h->in * w->in, slab);
    }
    for (int64_t q = 0; q < h->grid; q++) {
        convolve_line(job, weight, slab + q * h->stride * job->slab.row_step, bias, aside);
        float *to = y + (h->out_first + q * h->out_step) * w->out;
        if (w->out_step == 1) {
            memcpy(to, aside, (size_t)w->grid * sizeof *to);
        }
        for (int64_t k = 0; k < w->grid && w->out_step != 1; k++) {
            to[k * w->out_step] = aside[k];
        }
    }
}

static void convolve_planes(void *arg, int64_t task, int worker)
{
    const depth_job *job = arg;
    float *slab = (float *)(void *)(job->scratch + job->scratch_size * (size_t)worker);
    float *aside = slab + job->slab.image_step + SLAB_SLACK;
    int64_t planes = job->plan->batch * job->plan->groups;
    for (int64_t k = task * job->planes; k < (task + 1) * job->planes && k < planes; k++) {
        convolve_plane(job, k, slab, aside);
    }
}

void CNN__SIMD(depthwise)(const conv_plan *p, const float *x, const float *weight, const float *bias, float *y,
                          void *memory, cnn__pool *pool)
{
    depth_job job = { .x = x, .weight = weight, .bias = bias, .y = y, .scratch = memory };
    measure(&job, p);
    int64_t planes = p->batch * p->groups;
    cnn__pool_run(pool, (planes + job.planes - 1) / job.planes, plan_work(p), convolve_planes, &job);
}

/* ---- the gradient of the weights: a task owns a channel and goes through its images in order ---- */

/* Σ a[k]·b[k] over a line, added to lanes that are summed in the end. */
CNN__INLINE lanes add_products(lanes acc, const float *a, const float *b, int64_t count)
{
    int64_t k = 0;
    for (; k + LANES <= count; k += LANES) {
        acc += load(a + k) * load(b + k);
    }
    if (k < count) {
        float rest[LANES] = { 0 }, other[LANES] = { 0 };
        memcpy(rest, a + k, (size_t)(count - k) * sizeof *rest);
        memcpy(other, b + k, (size_t)(count - k) * sizeof *other);
        acc += load(rest) * load(other);
    }
    return acc;
}

static void add_plane(const depth_job *job, const float *dy, const float *slab, float *sums)
{
    const conv_plan *p = job->plan;
    for (int64_t i = 0; i < p->h.taps; i++) {
        for (int64_t j = 0; j < p->w.taps; j++, sums += LANES) {
            const float *line = slab + slab_tap(&job->slab, p, i, j);
            lanes acc = load(sums);
            for (int64_t q = 0; q < p->h.grid; q++) {
                acc = add_products(acc, dy + q * p->w.grid, line + q * p->h.stride * job->slab.row_step, p->w.grid);
            }
            store(sums, acc);
        }
    }
}

static void weigh_channel(void *arg, int64_t channel, int worker)
{
    const depth_job *job = arg;
    const conv_plan *p = job->plan;
    const conv_axis *h = &p->h, *w = &p->w;
    int64_t taps = plan_taps(p);
    float *slab = (float *)(void *)(job->scratch + job->scratch_size * (size_t)worker);
    float *sums = slab + round_up(job->slab.image_step + SLAB_SLACK, 16);
    conv_unit all = { .images = 1, .lines = h->grid };
    memset(sums, 0, (size_t)(taps * LANES) * sizeof *sums);
    for (int64_t n = 0; n < p->batch; n++) {
        int64_t plane = n * p->groups + channel;
        slab_plane(&job->slab, p, &all, job->x + plane * h->in * w->in, slab);
        add_plane(job, job->dy + plane * h->out * w->out, slab, sums);
    }
    for (int64_t t = 0; t < taps; t++) {
        float sum = 0;
        for (int k = 0; k < LANES; k++) {
            sum += sums[t * LANES + k];
        }
        job->y[channel * taps + t] = sum;
    }
}

static void measure_weight(depth_job *job, const conv_plan *p)
{
    measure(job, p);
    job->scratch_size += (size_t)round_up(plan_taps(p) * LANES + 16, 16) * sizeof(float);
}

size_t CNN__SIMD(depthwise_backward_weight_workspace)(const conv_plan *p, int workers)
{
    depth_job job = { 0 };
    measure_weight(&job, p);
    return job.scratch_size * (size_t)workers;
}

void CNN__SIMD(depthwise_backward_weight)(const conv_plan *p, const float *x, const float *dy, float *dweight,
                                          void *memory, cnn__pool *pool)
{
    depth_job job = { .x = x, .dy = dy, .y = dweight, .scratch = memory };
    measure_weight(&job, p);
    cnn__pool_run(pool, p->groups, plan_work(p), weigh_channel, &job);
}
