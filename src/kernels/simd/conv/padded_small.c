/* Padded convolutions whose positions form one unit, as in small images, where the weights are the larger operand.
 *
 * For each stretch of input channels a worker packs the input for itself, which takes less time than fetching it from
 * another one's caches. The tasks share out the output channels, and halves of the lines where that makes them more
 * equal. Each packs its own weights right before it uses them and adds to sums that all stretches share. */
#include "kernels/simd/conv/padded_job.h"

/* The distance from one packed panel of positions to the next, with a gap for what the last run writes beyond its
 * end. */
static int64_t panel_step(const padded_task *t)
{
    return t->channels * plan_taps(&t->job->plan) * TILE_WIDTH + LANES;
}

/* A worker's memory: up to which channel it has packed the input, the packed input, the slab, weights. */
static int64_t *packed_of(const padded_job *job, int worker)
{
    return (int64_t *)(void *)(job->scratch + padded_scratch_size(job) * (size_t)worker);
}

static padded_task one_task(const padded_job *job, int worker)
{
    padded_task t = {
        .job = job, .unit = padded_unit(&job->slab, &job->plan, 0), .channel = job->channel, .channels = job->channels
    };
    t.columns = (float *)(void *)packed_of(job, worker) + LINE_FLOATS;
    t.slab = t.columns + job->columns_size;
    t.sums = job->sums;
    t.wide = (double *)(void *)(t.sums + job->sums_size);
    return t;
}

static void pack_positions(const padded_task *t)
{
    int64_t positions = t->unit.images * t->unit.lines * t->job->plan.w.grid;
    padded_fill(&t->job->slab, &t->job->plan, &t->unit, t->job->x, t->channel, t->channels, t->slab);
    for (int64_t at = 0; at < positions; at += TILE_WIDTH) {
        padded_pack_columns(t, at, min64(TILE_WIDTH, positions - at), t->columns + at / TILE_WIDTH * panel_step(t));
    }
}

static void padded_small_multiply_block(void *arg, int64_t task, int worker)
{
    const padded_job *job = arg;
    padded_task t = one_task(job, worker);
    int64_t *until = packed_of(job, worker), depth = t.channels * plan_taps(&job->plan);
    float *weights = t.slab + job->slab_size;
    if (*until < t.channel + t.channels) {
        pack_positions(&t);
        *until = t.channel + t.channels;
    }
    t.unit.lines /= job->halves;
    t.unit.line = task % job->halves * t.unit.lines;
    int64_t positions = t.unit.images * t.unit.lines * job->plan.w.grid, first = t.unit.line * job->plan.w.grid;
    t.columns += first / TILE_WIDTH * panel_step(&t);
    t.panel = task / job->halves * job->block_panels;
    t.panels = min64(job->block_panels, job->panels - t.panel);
    t.sums += t.panel * job->panel_rows * job->positions + first;
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
    for (int i = 0; i < cnn__pool_size(pool); i++) {
        *packed_of(job, i) = 0;
    }
    for (; job->channel < p->in_channels; job->channel += job->stretch_channels) {
        job->channels = min64(job->stretch_channels, p->in_channels - job->channel);
        int64_t terms = job->channels * plan_taps(p);
        job->keeps = part_ends(job, job->terms, terms);
        if (job->keeps) {
            job->parts++;
            job->terms = 0;
        }
        double part = (double)job->channels / (double)p->in_channels;
        cnn__pool_run(pool, job->blocks * job->halves, plan_work(p) * part, padded_small_multiply_block, job);
        job->terms += terms;
    }
}
