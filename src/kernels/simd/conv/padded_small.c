/* Padded convolutions whose positions form one unit, as in small images, where the weights are the larger operand.
 *
 * For each stretch of input channels the input is packed for all tasks, which share out the output channels. Each
 * task packs its own weights right before it uses them and adds to sums that all stretches share. */
#include "kernels/simd/conv/padded_job.h"

static padded_task one_task(const padded_job *job)
{
    padded_task t = {
        .job = job, .unit = padded_unit(&job->slab, &job->plan, 0), .channel = job->channel, .channels = job->channels
    };
    t.columns = job->packed;
    t.sums = job->sums;
    t.slab = job->sums + job->sums_size;
    t.wide = (double *)(void *)(t.slab + job->slab_size);
    return t;
}

/* The distance from one packed panel of positions to the next, with a gap for what the last run writes beyond its
 * end. */
static int64_t panel_step(const padded_task *t)
{
    return t->channels * plan_taps(&t->job->plan) * TILE_WIDTH + LANES;
}

static void fill_channel(void *arg, int64_t channel, int worker)
{
    (void)worker;
    padded_task t = one_task(arg);
    padded_fill(&t.job->slab, &t.job->plan, &t.unit, t.job->x, t.channel + channel, 1,
                t.slab + channel * t.job->slab.channel_step);
}

static void fill_panel(void *arg, int64_t panel, int worker)
{
    (void)worker;
    padded_task t = one_task(arg);
    int64_t positions = t.unit.images * t.unit.lines * t.job->plan.w.grid;
    padded_pack_columns(&t, panel * TILE_WIDTH, min64(TILE_WIDTH, positions - panel * TILE_WIDTH),
                        t.columns + panel * panel_step(&t));
}

static void padded_small_multiply_block(void *arg, int64_t block, int worker)
{
    padded_task t = one_task(arg);
    const padded_job *job = t.job;
    int64_t depth = t.channels * plan_taps(&job->plan), positions = t.unit.images * t.unit.lines * job->plan.w.grid;
    float *weights = (float *)(void *)(job->scratch + padded_scratch_size(job) * (size_t)worker);
    t.panel = block * job->block_panels;
    t.panels = min64(job->block_panels, job->panels - t.panel);
    t.sums += t.panel * job->panel_rows * job->positions;
    t.wide += t.panel * job->panel_rows * job->positions;
    if (job->keeps) {
        wide_add(t.wide, job->parts == 1, t.sums, task_rows(&t), job->positions, job->positions);
    }
    for (int64_t k = 0; k < t.panels && !job->along; k++) {
        padded_pack_weights(job, 0, t.panel + k, t.channel, t.channels, weights + k * depth * TILE_ROWS);
    }
    tile_operand packed = { weights, 1, TILE_ROWS, NULL }, a = job->along ? weights_along(&t, t.panel) : packed;
    tile_grid grid = { .rows = task_rows(&t),
                       .panel_rows = job->panel_rows,
                       .columns = divide_up(positions, TILE_WIDTH),
                       .vectors = 2,
                       .k = depth,
                       .a = a,
                       .a_step = job->along ? job->panel_rows * a.across : depth * TILE_ROWS,
                       .b = { t.columns, 1, TILE_WIDTH, NULL },
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

void CNN__SIMD(conv_padded_small)(padded_job *job, cnn__pool *pool)
{
    const conv_plan *p = &job->plan;
    int64_t panels = divide_up(p->batch * p->h.grid * p->w.grid, TILE_WIDTH);
    for (; job->channel < p->in_channels; job->channel += job->stretch_channels) {
        job->channels = min64(job->stretch_channels, p->in_channels - job->channel);
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
        cnn__pool_run(pool, job->blocks, plan_work(p) * part, padded_small_multiply_block, job);
        job->terms += terms;
    }
}
