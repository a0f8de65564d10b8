/* A convolution with one tap, cut into pieces, and how its operands are packed (see conv_point.c). */
#ifndef CNN_KERNELS_SIMD_CONV_POINT_H
#define CNN_KERNELS_SIMD_CONV_POINT_H

#include "kernels/simd/ahead.h"
#include "kernels/simd/conv_plan.h"
#include "kernels/simd/copy.h"
#include "kernels/simd/tile.h"

enum {
    UNIT_PANELS = 8,          /* of positions, usually */
    ONE_UNIT_PANELS = 7,      /* so few make one unit of all */
    LEAST_UNITS = 4,
    STRETCH_FLOATS = 1 << 16, /* of packed input: a quarter of L2 */
    BLOCK_ROWS = 256,         /* output channels of a task whose sums go through several stretches */
    LEAST_TASKS = 8
};

typedef struct point_job {
    const conv_plan *plan;
    const float *x, *weight, *bias;
    float *y, *packed; /* weights: [group][panel][channel][ROWS]; or x: [group][stretch][panel][channel][WIDTH] */
    char *scratch;
    int64_t places, positions;             /* of an image, of all */
    bool streamed;                         /* y is stored past the caches */
    int64_t units, unit_panels;
    int64_t panels, panel_rows;            /* of output channels */
    int64_t blocks, block_panels;
    int64_t stretches, depth;              /* of input channels */
    size_t columns_size, weights_size;     /* of a worker's scratch, in floats */
} point_job;

typedef struct point_task {
    const point_job *job;
    int64_t group, panel, panels;
    int64_t begin, count; /* positions */
    int64_t channel, channels;
    float *columns, *weights, *aside;
    ahead next, later; /* memory to fetch, one after the other */
} point_task;

static inline int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t divide_up(int64_t a, int64_t b)
{
    return b ? (a + b - 1) / b : 0;
}

/* Few positions: x is packed for all tasks, and each packs its weights. */
static inline bool packs_x(const point_job *job)
{
    return job->units == 1;
}

static inline void measure(point_job *job, const conv_plan *p)
{
    job->plan = p;
    job->places = p->h.grid * p->w.grid;
    job->positions = job->places * p->batch;
    int64_t all = divide_up(job->positions, WIDTH);
    job->units = all <= ONE_UNIT_PANELS ? 1 : divide_up(all, UNIT_PANELS);
    job->units = job->units > 1 && job->units < LEAST_UNITS ? LEAST_UNITS : job->units;
    job->unit_panels = divide_up(all, job->units);
    job->units = divide_up(all, job->unit_panels);
    job->depth = STRETCH_FLOATS / (job->unit_panels ? job->unit_panels * WIDTH : WIDTH);
    job->stretches = divide_up(p->in_channels, job->depth < 512 ? job->depth : 512);
    job->depth = divide_up(p->in_channels, job->stretches);
    job->panels = divide_up(p->out_channels, ROWS);
    job->panel_rows = divide_up(p->out_channels, job->panels);
    job->panels = divide_up(p->out_channels, job->panel_rows);
    int64_t blocks = job->stretches > 1 ? divide_up(job->panels, BLOCK_ROWS / ROWS) : 1, tasks = job->units * p->groups;
    blocks = blocks * tasks < LEAST_TASKS ? divide_up(LEAST_TASKS, tasks) : blocks;
    job->block_panels = divide_up(job->panels, blocks);
    job->blocks = divide_up(job->panels, job->block_panels);
    job->columns_size = (size_t)((job->unit_panels * job->depth + 1) * WIDTH);
    job->weights_size = (size_t)round_up((job->block_panels * job->depth + 1) * ROWS, 16);
}

static inline size_t packed_size(const point_job *job)
{
    const conv_plan *p = job->plan;
    int64_t weights = round_up((p->groups * job->panels * p->in_channels + 1) * ROWS, 16);
    int64_t x = p->groups * job->stretches * (int64_t)job->columns_size;
    return (size_t)(packs_x(job) ? x : weights) * sizeof(float);
}

static inline size_t scratch_size(const point_job *job)
{
    return (packs_x(job) ? job->weights_size : job->columns_size) * sizeof(float) + ROWS * WIDTH * sizeof(float);
}

/* ---- weights ---- */

static inline void pack_weights(const point_job *job, int64_t group, int64_t panel, int64_t channel, int64_t channels, float *to)
{
    const conv_plan *p = job->plan;
    int64_t first = panel * job->panel_rows, rows = least(job->panel_rows, p->out_channels - first);
    const float *from = job->weight + group * p->weight_group + plan_weight(p, first, channel, 0, 0);
    if (p->weight_in == 1) {
        pack_rows(from, p->weight_out, rows, channels, to);
        return;
    }
    for (int64_t c = 0; c < channels; c++, from += p->weight_in, to += ROWS) {
        if (p->weight_out == 1) {
            copy_floats(from, to, rows);
        } else {
            copy_every(from, p->weight_out, to, rows);
        }
    }
}

/* ---- positions ---- */

/* Consecutive positions that lie in order in a plane of x or y. */
typedef struct point_run {
    int64_t image, place, count; /* place in the plane */
} point_run;

static inline bool plain(int64_t step_h, int64_t step_w, int64_t width, int64_t grid)
{
    return step_h == 1 && step_w == 1 && width == grid;
}

CNN__INLINE point_run run_at(const point_job *job, int64_t position, int64_t most, int64_t step_h, int64_t step_w,
                             int64_t width)
{
    int64_t grid = job->plan->w.grid, image = position / job->places, at = position % job->places;
    if (plain(step_h, step_w, width, grid)) {
        return (point_run){ image, at, least(most, job->places - at) };
    }
    return (point_run){ image, at / grid * step_h * width + at % grid * step_w, least(most, grid - at % grid) };
}

/* Where a plane of the task's channels begins. */
static const float *x_plane(const point_task *t, int64_t image, int64_t channel)
{
    const conv_plan *p = t->job->plan;
    return t->job->x + ((image * p->groups + t->group) * p->in_channels + channel) * p->h.in * p->w.in;
}

static inline float *y_plane(const point_task *t, int64_t image, int64_t channel)
{
    const conv_plan *p = t->job->plan;
    return t->job->y + ((image * p->groups + t->group) * p->out_channels + channel) * p->h.out * p->w.out +
           p->h.out_first * p->w.out + p->w.out_first;
}

/* A run of all channels of the stretch, which may cross the borders of panels. */
static inline void pack_run(const point_task *t, const point_run *run, int64_t at)
{
    const conv_plan *p = t->job->plan;
    const float *from = x_plane(t, run->image, t->channel) + run->place;
    int64_t plane = p->h.in * p->w.in, panel = t->channels * WIDTH;
    for (int64_t c = 0; c < t->channels; c++, from += plane) {
        float *to = t->columns + at / WIDTH * panel + c * WIDTH;
        const float *source = from;
        int64_t offset = at % WIDTH, left = run->count;
        for (; left > 0; to += panel, offset = 0) {
            int64_t count = least(left, WIDTH - offset);
            if (count == WIDTH && p->w.stride == 1) {
                store(to, load(source));
                store(to + LANES, load(source + LANES));
            } else if (p->w.stride == 1) {
                copy_floats(source, to + offset, count);
            } else {
                copy_every(source, p->w.stride, to + offset, count);
            }
            source += count * p->w.stride;
            left -= count;
        }
    }
}

static inline void pack_unit(const point_task *t)
{
    const conv_plan *p = t->job->plan;
    for (int64_t at = 0; at < t->count;) {
        point_run run = run_at(t->job, t->begin + at, t->count - at, p->h.stride, p->w.stride, p->w.in);
        pack_run(t, &run, at);
        at += run.count;
    }
}

#endif
