/* Convolutions whose positions make one unit, as in small images: weights are the larger operand then.
 *
 * Stretch by stretch the input is packed for all tasks, which split the output channels; each packs its own weights
 * right before it uses them, and adds to sums that all stretches share. */
#include "kernels/simd/conv/padded_job.h"
#include "kernels/simd/table.h"

static conv_task one_task(const conv_job *job)
{
    conv_task t = {
        .job = job, .unit = slab_unit(&job->slab, &job->plan, 0), .channel = job->channel, .channels = job->channels
    };
    t.columns = job->packed;
    t.sums = job->sums;
    t.slab = job->sums + job->sums_size;
    t.wide = (double *)(void *)(t.slab + job->slab_size);
    return t;
}

/* From one packed panel of positions to the next: what the last run spills falls between them. */
static int64_t panel_step(const conv_task *t)
{
    return t->channels * plan_taps(&t->job->plan) * WIDTH + LANES;
}

static void fill_channel(void *arg, int64_t channel, int worker)
{
    (void)worker;
    conv_task t = one_task(arg);
    slab_fill(&t.job->slab, &t.job->plan, &t.unit, t.job->x, t.channel + channel, 1,
              t.slab + channel * t.job->slab.channel_step);
}

static void fill_panel(void *arg, int64_t panel, int worker)
{
    (void)worker;
    conv_task t = one_task(arg);
    int64_t positions = t.unit.images * t.unit.lines * t.job->plan.w.grid;
    pack_columns(&t, panel * WIDTH, least(WIDTH, positions - panel * WIDTH), t.columns + panel * panel_step(&t));
}

static void multiply_block(void *arg, int64_t block, int worker)
{
    conv_task t = one_task(arg);
    const conv_job *job = t.job;
    int64_t depth = t.channels * plan_taps(&job->plan), positions = t.unit.images * t.unit.lines * job->plan.w.grid;
    float *weights = (float *)(void *)(job->scratch + scratch_size(job) * (size_t)worker);
    t.panel = block * job->block_panels;
    t.panels = least(job->block_panels, job->panels - t.panel);
    t.sums += t.panel * job->panel_rows * job->positions;
    t.wide += t.panel * job->panel_rows * job->positions;
    if (job->keeps) {
        wide_add(t.wide, job->parts == 1, t.sums, task_rows(&t), job->positions, job->positions);
    }
    for (int64_t k = 0; k < t.panels && !job->along; k++) {
        pack_weights(job, 0, t.panel + k, t.channel, t.channels, weights + k * depth * ROWS);
    }
    tile_operand packed = { weights, 1, ROWS, NULL }, a = job->along ? weights_along(&t, t.panel) : packed;
    tile_grid grid = { .rows = task_rows(&t),
                       .panel_rows = job->panel_rows,
                       .columns = divide_up(positions, WIDTH),
                       .vectors = 2,
                       .k = depth,
                       .a = a,
                       .a_step = job->along ? job->panel_rows * a.across : depth * ROWS,
                       .b = { t.columns, 1, WIDTH, NULL },
                       .b_step = panel_step(&t),
                       .start = job->terms ? FROM_C : FROM_COLUMNS,
                       .c = t.sums,
                       .step = job->positions };
    tile_multiply(&grid, &t.next);
    if (t.channel + t.channels == job->plan.in_channels) {
        if (job->parts) {
            wide_finish(t.wide, t.sums, task_rows(&t), job->positions, job->positions);
        }
        write_sums(&t);
    }
}

void CNN__SIMD(convolve_one)(conv_job *job, cnn__pool *pool)
{
    const conv_plan *p = &job->plan;
    int64_t panels = divide_up(p->batch * p->h.grid * p->w.grid, WIDTH);
    for (; job->channel < p->in_channels; job->channel += job->stretch_channels) {
        job->channels = least(job->stretch_channels, p->in_channels - job->channel);
        int64_t terms = job->channels * plan_taps(p);
        job->keeps = part_ends(job, job->terms, terms);
        if (job->keeps) {
            job->parts++;
            job->terms = 0;
        }
        double part = (double)job->channels / (double)p->in_channels;
        double columns = (double)(job->channels * plan_taps(p) * job->positions) / LANES;
        cnn__pool_run(pool, job->channels, columns, fill_channel, job);
        cnn__pool_run(pool, panels, columns, fill_panel, job);
        cnn__pool_run(pool, job->blocks, plan_work(p) * part, multiply_block, job);
        job->terms += terms;
    }
}
