/* Convolutions of any geometry, as products of packed panels that read a padded copy of the image, the slab
 * (layout/padded.h).
 *
 * A unit of positions is computed for a block of output channels, with the input channels in stretches. The slab of
 * a stretch is filled once, packed panel by panel into [tap][TILE_WIDTH], and multiplied by the panels of weights,
 * which are packed beforehand for all tasks. The sums are kept in y if a unit lies in one image of it, else in L2
 * until they are complete. The few positions of small images form a single unit, which conv/padded_small.c computes. */
#include "kernels/simd/conv/algorithms.h"
#include "kernels/simd/conv/padded_job.h"

size_t CNN__SIMD(conv_padded_workspace)(const conv_plan *p, int workers)
{
    padded_job job = { .plan = *p };
    padded_plan_blocks(&job);
    return padded_shared_size(&job) + padded_scratch_size(&job) * (size_t)workers;
}

static void pack_panel(void *arg, int64_t task, int worker)
{
    (void)worker;
    const padded_job *job = arg;
    int64_t taps = job->plan.in_channels * plan_taps(&job->plan);
    padded_pack_weights(job, task / job->panels, task % job->panels, 0, job->plan.in_channels,
                        job->packed + task * taps * TILE_ROWS);
}

/* ---- the product ---- */

/* The grid of the task's output channels for the stretch, without its columns. */
static tile_grid stretch_grid(const padded_task *t)
{
    const padded_job *job = t->job;
    const conv_plan *p = &job->plan;
    int64_t taps = plan_taps(p), all = p->in_channels * taps;
    const float *weights = job->packed + ((t->group * job->panels + t->panel) * all + t->channel * taps) * TILE_ROWS;
    const float *bias = job->bias && job->direct && !t->parts
                            ? job->bias + t->group * p->out_channels + t->panel * job->panel_rows
                            : NULL;
    tile_operand packed = { weights, 1, TILE_ROWS, NULL }, a = job->along ? weights_along(t, t->panel) : packed;
    return (tile_grid){ .rows = task_rows(t),
                        .panel_rows = job->panel_rows,
                        .columns = 1,
                        .vectors = 2,
                        .k = t->channels * taps,
                        .a = a,
                        .a_step = job->along ? job->panel_rows * a.across : all * TILE_ROWS,
                        .b = { t->columns, 1, TILE_WIDTH, NULL },
                        .b_step = t->channels * taps * TILE_WIDTH,
                        .start = t->terms ? FROM_C
                                 : bias   ? FROM_ROWS
                                          : FROM_COLUMNS,
                        .from = t->terms ? NULL : bias,
                        .streamed = job->streamed,
                        .step = job->direct ? p->h.out * p->w.out : job->positions };
}

/* Tiles that do not fill their place in y are computed in a buffer and copied. */
static void multiply_aside(padded_task *t, int64_t count, const tile_grid *g)
{
    static const float zeros[TILE_WIDTH];
    const float *from = g->from ? g->from : zeros;
    tile_operand panel = g->a;
    float *y = g->c;
    for (int64_t left = g->rows, some; left > 0; left -= some, panel.at += g->a_step, y += some * g->step) {
        some = min64(left, g->panel_rows);
        for (int64_t i = 0; i < some && g->start == FROM_C; i++) {
            copy_floats(y + i * g->step, t->aside + i * TILE_WIDTH, count);
        }
        tile_direct(some, 2, g->k, &panel, &g->b, g->start, false, from, t->aside, TILE_WIDTH, &t->next);
        for (int64_t i = 0; i < some; i++) {
            copy_floats(t->aside + i * TILE_WIDTH, y + i * g->step, count);
        }
        from += g->start == FROM_ROWS ? some : 0;
    }
}

/* Multiplies a line of the unit, which is whole vectors, reading the slab unpacked. */
static void multiply_line(padded_task *t, int64_t line, tile_grid g)
{
    const conv_plan *p = &t->job->plan;
    padded_run run;
    padded_runs(&t->job->slab, p, &t->unit, line * p->w.grid, 1, &run);
    g.b = (tile_operand){ t->slab + run.from, 1, 0, t->job->steps };
    g.b_step = TILE_WIDTH;
    g.c = t->sums + line * t->job->line;
    if (t->job->direct) {
        g.c = padded_y_plane(t, t->unit.image, t->panel * t->job->panel_rows) + (t->unit.line + line) * p->w.out;
    }
    tile_multiply_columns(g, t->job->line, &t->next);
}

/* The next stretch's weights. */
static prefetch padded_conv_prefetch_weights(const padded_task *t, int64_t calls)
{
    const padded_job *job = t->job;
    const conv_plan *p = &job->plan;
    int64_t taps = plan_taps(p), channel = t->channel + t->channels, size = TILE_ROWS * (int64_t)sizeof(float);
    if (channel >= p->in_channels || job->along) {
        return (prefetch){ 0 };
    }
    const float *at = job->packed + ((t->group * job->panels + t->panel) * p->in_channels + channel) * taps * TILE_ROWS;
    return prefetch_make(at, min64(job->stretch_channels, p->in_channels - channel) * taps * size, t->panels,
                         p->in_channels * taps * size, calls);
}

/* What of x the next stretch, or the next unit of this image, will read. */
static prefetch padded_conv_prefetch_x(const padded_task *t, int64_t calls)
{
    const padded_job *job = t->job;
    const conv_plan *p = &job->plan;
    int64_t channel = t->channel + t->channels, plane = p->h.in * p->w.in, size = (int64_t)sizeof(float);
    int64_t line = t->unit.line;
    if (channel >= p->in_channels) {
        channel = 0;
        line += job->slab.lines;
    }
    int64_t channels = min64(job->stretch_channels, p->in_channels - channel);
    int64_t row = line * p->h.stride + p->h.first,
            end = row + job->slab.rows < p->h.in ? row + job->slab.rows : p->h.in;
    row = row < 0 ? 0 : row;
    if (line >= p->h.grid || row >= end) {
        return (prefetch){ 0 };
    }
    const float *x = job->x + ((t->unit.image * p->groups + t->group) * p->in_channels + channel) * plane;
    if (job->slab.images > 1) {
        return prefetch_make(x, channels * plane * size, t->unit.images, p->groups * p->in_channels * plane * size,
                             calls);
    }
    return prefetch_make(x + row * p->w.in, (end - row) * p->w.in * size, channels, plane * size, calls);
}

static void padded_conv_multiply_stretch(padded_task *t)
{
    const padded_job *job = t->job;
    int64_t depth = t->channels * plan_taps(&job->plan);
    int64_t positions = t->unit.images * t->unit.lines * job->plan.w.grid;
    int64_t calls = t->panels * divide_up(depth, FETCH_STEPS) * divide_up(positions, TILE_WIDTH) / 2;
    t->later = padded_conv_prefetch_weights(t, calls);
    t->next = padded_conv_prefetch_x(t, calls);
    t->next.then = &t->later;
    tile_grid g = stretch_grid(t);
    for (int64_t line = 0; line < t->unit.images * t->unit.lines && job->lined; line++) {
        multiply_line(t, line, g);
    }
    int64_t together = job->shallow ? divide_up(positions, TILE_WIDTH) : 1;
    for (int64_t position = 0; position < positions && !job->lined; position += together * TILE_WIDTH) {
        int64_t count = min64(together * TILE_WIDTH, positions - position);
        for (int64_t k = 0; k < count; k += TILE_WIDTH) {
            padded_pack_columns(t, position + k, min64(TILE_WIDTH, count - k), t->columns + k * depth);
        }
        g.c = t->sums + position;
        if (job->direct) {
            g.c = padded_y_plane(t, t->unit.image, t->panel * job->panel_rows) + t->unit.line * job->plan.w.out +
                  position;
        }
        int64_t rest = job->direct ? count % TILE_WIDTH : 0;
        g.columns = divide_up(count - rest, TILE_WIDTH);
        tile_multiply(&g, &t->next);
        if (rest) {
            tile_grid last = g;
            last.b.at += g.columns * g.b_step;
            last.c += g.columns * TILE_WIDTH;
            multiply_aside(t, rest, &last);
        }
    }
}

/* ---- long sums ---- */

/* The task's sums: rows of `columns`, `step` floats apart. */
static float *padded_conv_sums_of(const padded_task *t, int64_t *columns, int64_t *step)
{
    const padded_job *job = t->job;
    const conv_axis *h = &job->plan.h, *w = &job->plan.w;
    *columns = job->direct ? t->unit.lines * w->grid : job->positions;
    *step = job->direct ? h->out * w->out : job->positions;
    return job->direct ? padded_y_plane(t, t->unit.image, t->panel * job->panel_rows) + t->unit.line * w->out : t->sums;
}

/* Adds the part that ends before the stretch to the wide sums. */
static void padded_conv_keep_part(padded_task *t)
{
    int64_t columns, step;
    float *sums = padded_conv_sums_of(t, &columns, &step);
    wide_add(t->wide, t->parts++ == 0, sums, task_rows(t), columns, step);
    t->terms = 0;
}

static void padded_conv_finish_parts(const padded_task *t)
{
    int64_t columns, step;
    float *sums = padded_conv_sums_of(t, &columns, &step);
    wide_finish(t->wide, sums, task_rows(t), columns, step);
}

/* ---- tasks ---- */

static void convolve_unit(void *arg, int64_t task, int worker)
{
    const padded_job *job = arg;
    const conv_plan *p = &job->plan;
    padded_task t = { .job = job,
                      .group = task / job->blocks % p->groups,
                      .panel = task % job->blocks * job->block_panels };
    t.unit = padded_unit(&job->slab, p, task / job->blocks / p->groups);
    t.panels = min64(job->block_panels, job->panels - t.panel);
    t.wide = (double *)(void *)(job->scratch + padded_scratch_size(job) * (size_t)worker);
    t.aside = (float *)(void *)(t.wide + job->wide_sums);
    t.slab = t.aside + TILE_ROWS * TILE_WIDTH;
    t.columns = t.slab + job->slab_size;
    t.sums = t.columns + job->columns_size;
    memset(t.aside, 0, TILE_ROWS * TILE_WIDTH * sizeof(float));
    const float *x = job->x + t.group * p->in_channels * p->h.in * p->w.in;
    int64_t taps = plan_taps(p);
    for (; t.channel < p->in_channels; t.channel += job->stretch_channels) {
        t.channels = min64(job->stretch_channels, p->in_channels - t.channel);
        padded_fill(&job->slab, p, &t.unit, x, t.channel, t.channels, t.slab);
        if (part_ends(job, t.terms, t.channels * taps)) {
            padded_conv_keep_part(&t);
        }
        padded_conv_multiply_stretch(&t);
        t.terms += t.channels * taps;
    }
    if (t.parts) {
        padded_conv_finish_parts(&t);
    }
    if (!job->direct) {
        write_sums(&t);
    }
    stream_end();
}

void CNN__SIMD(conv_padded)(const conv_plan *p, const float *x, const float *weight, const float *bias, float *y,
                            void *memory, cnn__pool *pool)
{
    padded_job job = { .plan = *p, .x = x, .weight = weight, .bias = bias, .y = y };
    padded_plan_blocks(&job);
    make_steps(&job, memory);
    job.scratch = (char *)memory + padded_shared_size(&job);
    if (job.one) {
        job.sums = job.packed;
        CNN__SIMD(conv_padded_small)(&job, pool);
        return;
    }
    job.streamed = !FULL_PANELS && job.direct && job.stretch_channels == p->in_channels &&
                   job.slab.lines * p->w.grid % LANES == 0 &&
                   streams(y, p->batch * p->groups * p->out_channels * p->h.out * p->w.out, p->h.out * p->w.out);
    if (!job.along) {
        cnn__pool_run(pool, p->groups * job.panels, (double)(p->groups * p->weight_group), pack_panel, &job);
    }
    cnn__pool_run(pool, job.slab.units * p->groups * job.blocks, plan_work(p), convolve_unit, &job);
}
