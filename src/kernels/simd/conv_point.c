/* Convolutions with one tap and no padding: for each image y = weight · x, a product that needs no slab.
 *
 * Positions are counted along all images. A task owns a unit of them for a block of output channels, takes the input channels
 * in stretches packed into [panel][channel][WIDTH], and lets the tiles add straight into y; tiles that straddle images or
 * end early are made aside. Of the two operands the larger is packed by the task that uses it, while the next is
 * fetched, and the smaller beforehand for all: usually the weights, but x where all positions are a few panels. */
#include "kernels/simd/conv_point.h"
#include "kernels/simd/table.h"

static bool axis_fits(const conv_axis *a)
{
    return a->taps == 1 && a->first == 0 && a->grid > 0 && (a->grid - 1) * a->stride < a->in;
}

bool CNN__SIMD(conv_point_fits)(const conv_plan *p)
{
    return axis_fits(&p->h) && axis_fits(&p->w) && p->batch > 0 && p->in_channels > 0;
}

size_t CNN__SIMD(conv_point_workspace)(const conv_plan *p, int workers)
{
    point_job job = { 0 };
    measure(&job, p);
    return packed_size(&job) + scratch_size(&job) * (size_t)workers;
}

static void pack_panel(void *arg, int64_t task, int worker)
{
    (void)worker;
    const point_job *job = arg;
    int64_t channels = job->plan->in_channels;
    pack_weights(job, task / job->panels, task % job->panels, 0, channels, job->packed + task * channels * ROWS);
}

/* The next stretch's weights, if they are packed. */
static ahead foresee_weights(const point_task *t, int64_t calls)
{
    const point_job *job = t->job;
    int64_t all = job->plan->in_channels, channel = t->channel + t->channels, size = ROWS * (int64_t)sizeof(float);
    if (packs_x(job) || channel >= all) {
        return (ahead){ 0 };
    }
    return ahead_make(job->packed + ((t->group * job->panels + t->panel) * all + channel) * ROWS,
                      least(job->depth, all - channel) * size, t->panels, all * size, calls);
}

/* What of x the next stretch, or the next unit, will read. */
static ahead foresee_x(const point_task *t, int64_t calls)
{
    const point_job *job = t->job;
    const conv_plan *p = job->plan;
    int64_t channel = t->channel + t->channels, begin = t->begin, plane = p->h.in * p->w.in;
    if (channel >= p->in_channels) {
        channel = 0;
        begin += job->unit_panels * WIDTH;
    }
    if (packs_x(job) || begin >= job->positions) {
        return (ahead){ 0 };
    }
    int64_t count = least(job->unit_panels * WIDTH, job->positions - begin), images = (begin + count - 1) / job->places;
    int64_t image = begin / job->places, channels = least(job->depth, p->in_channels - channel);
    int64_t size = (int64_t)sizeof(float);
    const float *x = x_plane(t, image, channel);
    if (images > image) {
        return ahead_make(x, channels * plane * size, images - image + 1, p->groups * p->in_channels * plane * size, calls);
    }
    point_run run = run_at(job, begin, 1, p->h.stride, p->w.stride, p->w.in);
    return ahead_make(x + run.place, count * p->h.stride * p->w.stride * size, channels, plane * size, calls);
}

/* ---- the product ---- */

/* Rows of a tile that was made aside, from or to y, run by run. */
static void exchange(const point_task *t, int64_t position, int64_t count, int64_t channel, int64_t rows, bool out)
{
    const conv_plan *p = t->job->plan;
    int64_t step = p->w.out_step, plane = p->h.out * p->w.out;
    for (int64_t at = 0; at < count;) {
        point_run run = run_at(t->job, position + at, count - at, p->h.out_step, step, p->w.out);
        float *y = y_plane(t, run.image, channel) + run.place, *aside = t->aside + at;
        for (int64_t i = 0; i < rows; i++, y += plane, aside += WIDTH) {
            if (step != 1) {
                for (int64_t k = 0; k < run.count; k++) {
                    *(out ? y + k * step : aside + k) = *(out ? aside + k : y + k * step);
                }
            } else {
                copy_floats(out ? aside : y, out ? y : aside, run.count);
            }
        }
        at += run.count;
    }
}

static void multiply_panel(point_task *t, int64_t position, int64_t panel, const float *weights, const float *columns)
{
    static const float zeros[WIDTH];
    const point_job *job = t->job;
    const conv_plan *p = job->plan;
    int64_t channel = panel * job->panel_rows, rows = least(job->panel_rows, p->out_channels - channel);
    int64_t count = least(WIDTH, t->begin + t->count - position);
    const float *bias = job->bias ? job->bias + t->group * p->out_channels + channel : NULL;
    tile_start start = t->channel ? FROM_C : bias ? FROM_ROWS : FROM_COLUMNS;
    point_run run = run_at(job, position, count, p->h.out_step, p->w.out_step, p->w.out);
    if (run.count == WIDTH && p->w.out_step == 1) {
        float *y = y_plane(t, run.image, channel) + run.place;
        start = job->streamed ? start | STREAMED : start;
        tile_product(rows, t->channels, weights, columns, start, bias ? bias : zeros, y, p->h.out * p->w.out, &t->next);
        return;
    }
    if (start == FROM_C) {
        exchange(t, position, count, channel, rows, false);
    }
    if (count > LANES) {
        tile_product(rows, t->channels, weights, columns, start, bias ? bias : zeros, t->aside, WIDTH, &t->next);
    } else {
        tile_narrow(rows, t->channels, weights, columns, start, bias ? bias : zeros, t->aside, WIDTH, &t->next);
    }
    exchange(t, position, count, channel, rows, true);
}

static void multiply_stretch(point_task *t)
{
    const point_job *job = t->job;
    int64_t all = job->plan->in_channels;
    int64_t calls = divide_up(t->count, WIDTH) * t->panels * divide_up(t->channels, FETCH_STEPS);
    int64_t share = t->channel + t->channels < all ? calls / 2 : calls;
    t->later = foresee_weights(t, share);
    t->next = foresee_x(t, share);
    t->next.then = &t->later;
    for (int64_t at = 0; at < t->count; at += WIDTH) {
        for (int64_t k = 0; k < t->panels; k++) {
            int64_t panel = t->panel + k;
            const float *weights = packs_x(job) ? t->weights + k * t->channels * ROWS
                                 : job->packed + ((t->group * job->panels + panel) * all + t->channel) * ROWS;
            multiply_panel(t, t->begin + at, panel, weights, t->columns + at * t->channels);
        }
    }
}

/* x for all tasks: a stretch of one group. */
static void pack_stretch(void *arg, int64_t task, int worker)
{
    (void)worker;
    const point_job *job = arg;
    point_task t = { .job = job, .group = task / job->stretches, .count = job->positions,
                     .channel = task % job->stretches * job->depth };
    t.channels = least(job->depth, job->plan->in_channels - t.channel);
    t.columns = job->packed + task * (int64_t)job->columns_size;
    pack_unit(&t);
}

/* The operand that is the task's to pack. */
static void pack_own(point_task *t)
{
    const point_job *job = t->job;
    if (!packs_x(job)) {
        pack_unit(t);
        return;
    }
    t->columns = job->packed + (t->group * job->stretches + t->channel / job->depth) * (int64_t)job->columns_size;
    for (int64_t k = 0; k < t->panels; k++) {
        pack_weights(job, t->group, t->panel + k, t->channel, t->channels, t->weights + k * t->channels * ROWS);
    }
}

static void multiply_unit(void *arg, int64_t task, int worker)
{
    const point_job *job = arg;
    point_task t = { .job = job, .panel = task % job->blocks * job->block_panels,
                     .begin = task / job->blocks % job->units * job->unit_panels * WIDTH,
                     .group = task / job->blocks / job->units };
    t.panels = least(job->block_panels, job->panels - t.panel);
    t.count = least(job->unit_panels * WIDTH, job->positions - t.begin);
    t.aside = (float *)(void *)(job->scratch + scratch_size(job) * (size_t)worker);
    t.columns = t.weights = t.aside + ROWS * WIDTH;
    memset(t.aside, 0, ROWS * WIDTH * sizeof(float));
    for (; t.channel < job->plan->in_channels; t.channel += job->depth) {
        t.channels = least(job->depth, job->plan->in_channels - t.channel);
        pack_own(&t);
        multiply_stretch(&t);
    }
    stream_end();
}

void CNN__SIMD(conv_point)(const conv_plan *p, const float *x, const float *weight, const float *bias, float *y,
                           void *memory, cnn__pool *pool)
{
    point_job job = { .x = x, .weight = weight, .bias = bias, .y = y, .packed = memory };
    measure(&job, p);
    job.scratch = (char *)memory + packed_size(&job);
    job.streamed = job.stretches == 1 && p->w.out_step == 1 &&
                   streams(y, job.positions * p->groups * p->out_channels, p->h.out * p->w.out);
    if (packs_x(&job)) {
        double work = (double)(job.positions * p->groups * p->in_channels);
        cnn__pool_run(pool, p->groups * job.stretches, work, pack_stretch, &job);
    } else {
        cnn__pool_run(pool, p->groups * job.panels, (double)(p->groups * p->weight_group), pack_panel, &job);
    }
    cnn__pool_run(pool, job.units * p->groups * job.blocks, plan_work(p), multiply_unit, &job);
}
