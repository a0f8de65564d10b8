/* The gradient of a convolution's weights from padded inputs: for each output channel o and tap t, Σ
 * dy[o][position]·x[position's tap t].
 *
 * The sum over positions is cut into a fixed number of chunks of units. A task computes the partial sums of one
 * chunk for all output channels by a block of input channels, from slabs (layout/padded.h) that are packed into
 * panels of taps [position][TILE_WIDTH] and from dy packed into [position][TILE_ROWS]. Partial sums are added in the
 * order of the chunks, whichever thread computed them. */
#include "kernels/simd/conv/algorithms.h"
#include "kernels/simd/gemm/tile.h"
#include "kernels/simd/layout/padded.h"
#include "kernels/simd/vector/long_sum.h"
#include "kernels/simd/vector/machine.h"
#include "kernels/simd/vector/prefetch.h"

enum {
    PADDED_WEIGHT_POSITIONS = 8 * TILE_WIDTH, /* positions per unit */
    MIN_TAPS = 256,                           /* taps per block, so that packing dy again for each block is cheap */
    /* They stay in L1 for all panels of dy, since narrow tiles read less then; else a panel of dy stays for all
     * taps. */
    TAPS_STAY = FULL_PANELS
};

typedef struct padded_weight_job {
    conv_plan plan;
    padded_slab slab;
    const float *x, *dy;
    float *dweight, *partial; /* [chunk][group][block][out channel][columns] */
    char *scratch;
    int64_t chunks, chunk_units;
    int64_t blocks, block_channels, columns;
    int64_t panels, panel_rows; /* the panels and panel rows of output channels */
    int64_t positions;          /* positions that are multiplied at once, at most */
    int64_t wide_sums;          /* floats of wide sums per task, where a chunk's sums are long */
    size_t slab_size, dy_size, taps_size;
} padded_weight_job;

/* The state of a task: positions [begin, begin + count) of a unit. */
typedef struct weight_task {
    const padded_weight_job *job;
    padded_range unit;
    int64_t group, channel, channels;
    int64_t begin, count;
    float *slab, *dy, *taps, *partial;
    double *wide;
    int64_t summed, wides; /* positions that are in the partial sums, and how often such sums were put aside */
    prefetch next, later;  /* memory to fetch, one after the other */
} weight_task;

static void padded_weight_plan_blocks(padded_weight_job *job)
{
    const conv_plan *p = &job->plan;
    int64_t taps = plan_taps(p), out = p->out_channels;
    job->slab = padded_make(p, PADDED_WEIGHT_POSITIONS, 1);
    job->block_channels = min64(p->in_channels, divide_up(MIN_TAPS, taps));
    job->blocks = divide_up(p->in_channels, job->block_channels);
    job->block_channels = divide_up(p->in_channels, job->blocks);
    job->blocks = divide_up(p->in_channels, job->block_channels);
    job->columns = round_up(job->block_channels * taps, TILE_WIDTH);
    int64_t whole = p->groups * job->blocks * out * job->columns;
    int64_t chunks = min64(MAX_CHUNKS, divide_up(MIN_WEIGHT_TASKS, p->groups * job->blocks));
    chunks = max64(1, min64(chunks, MAX_PARTIAL_FLOATS / whole));
    job->chunk_units = divide_up(job->slab.units, min64(chunks, job->slab.units));
    job->chunks = divide_up(job->slab.units, job->chunk_units);
    job->panel_rows = panel_rows_of(out);
    job->panels = divide_up(out, job->panel_rows);
    job->positions = min64(job->slab.images * job->slab.lines * p->w.grid, PADDED_WEIGHT_POSITIONS);
    int64_t unit = job->slab.images * job->slab.lines * p->w.grid;
    job->wide_sums = long_sum(job->chunk_units * unit) ? round_up(out * job->columns, 8) : 0;
    job->slab_size = (size_t)round_up(job->block_channels * job->slab.channel_step + PADDED_SLACK, 16);
    job->dy_size = (size_t)round_up((TAPS_STAY ? job->panels : 1) * job->positions * TILE_ROWS, 16);
    job->taps_size = (size_t)((job->positions * job->columns / TILE_WIDTH + LANES) * TILE_WIDTH);
}

static size_t padded_weight_partial_size(const padded_weight_job *job)
{
    const conv_plan *p = &job->plan;
    return (size_t)(job->chunks * p->groups * job->blocks * p->out_channels * job->columns) * sizeof(float);
}

static size_t padded_weight_scratch_size(const padded_weight_job *job)
{
    return (job->slab_size + job->dy_size + job->taps_size) * sizeof(float) + (size_t)job->wide_sums * sizeof(double);
}

/* ---- packing ---- */

/* A panel of output channels of dy: in place if the positions belong to one image, else packed into `to` as
 * [position][TILE_ROWS], image by image. */
static tile_operand panel_dy(const weight_task *t, int64_t panel, float *to)
{
    int64_t o = panel * t->job->panel_rows, rows = min64(t->job->panel_rows, t->job->plan.out_channels - o);
    tile_operand packed = { to, 1, TILE_ROWS, NULL };
    const padded_weight_job *job = t->job;
    const conv_plan *p = &job->plan;
    int64_t plane = p->h.grid * p->w.grid, part = t->unit.lines * p->w.grid;
    for (int64_t at = t->begin; at < t->begin + t->count;) {
        int64_t image = t->unit.image + at / part, offset = at % part;
        int64_t count = min64(part - offset, t->begin + t->count - at);
        const float *from = job->dy + ((image * p->groups + t->group) * p->out_channels + o) * plane +
                            t->unit.line * p->w.grid + offset;
        if (count == t->count && plane % L1_SET_FLOATS) { /* else rows of dy share a set of L1 */
            return (tile_operand){ from, plane, 1, NULL };
        }
        pack_rows(from, plane, rows, count, to);
        to += count * TILE_ROWS;
        at += count;
    }
    return packed;
}

/* Squares of LANES taps by LANES positions are read along the positions and transposed. What a square writes beyond
 * its run is overwritten by the next. */
static void pack_taps(const weight_task *t, int64_t first, const padded_run *runs, int64_t used, float *panel)
{
    const conv_plan *p = &t->job->plan;
    const padded_slab *s = &t->job->slab;
    const float *from[TILE_WIDTH];
    int64_t kernel = plan_taps(p), taps = t->channels * kernel;
    for (int64_t k = 0; k < TILE_WIDTH; k++) {
        int64_t tap = min64(first + k, taps - 1), within = tap % kernel;
        from[k] = t->slab + tap / kernel * s->channel_step + padded_tap(s, p, within / p->w.taps, within % p->w.taps);
    }
    for (int64_t r = 0; r < used; r++) {
        for (int64_t q = 0; q < runs[r].count; q += LANES) {
            for (int64_t half = 0; half < TILE_WIDTH && first + half < taps; half += LANES) {
                float *to = panel + (runs[r].to + q) * TILE_WIDTH + half;
                lanes v[LANES];
#pragma GCC unroll 16
                for (int k = 0; k < LANES; k++) {
                    v[k] = load(from[half + k] + runs[r].from + q);
                }
                transpose(v);
#pragma GCC unroll 16
                for (int k = 0; k < LANES; k++) {
                    store(to + k * TILE_WIDTH, v[k]);
                }
            }
        }
    }
}

/* ---- the product ---- */

/* Taps are packed for all output channels. */
static void padded_weight_multiply(weight_task *t)
{
    const padded_weight_job *job = t->job;
    const conv_plan *p = &job->plan;
    padded_run runs[PADDED_WEIGHT_POSITIONS];
    int64_t used = padded_runs(&job->slab, p, &t->unit, t->begin, t->count, runs), taps = t->channels * plan_taps(p);
    for (int64_t tap = 0; tap < taps; tap += TILE_WIDTH) {
        pack_taps(t, tap, runs, used, t->taps + tap * t->count);
    }
    for (int64_t panel = 0, count; panel < job->panels; panel += count) {
        count = TAPS_STAY ? job->panels : 1;
        tile_operand a = panel_dy(t, panel, t->dy);
        int64_t o = panel * job->panel_rows, rows = min64(count * job->panel_rows, p->out_channels - o);
        int64_t a_step = a.at == t->dy ? TILE_ROWS * t->count : job->panel_rows * a.across;
        for (int64_t k = 1; k < count && a.at == t->dy; k++) {
            panel_dy(t, panel + k, t->dy + k * a_step);
        }
        tile_grid grid = { .rows = rows,
                           .panel_rows = job->panel_rows,
                           .k = t->count,
                           .a = a,
                           .a_step = a_step,
                           .b = { t->taps, 1, TILE_WIDTH, NULL },
                           .b_step = t->count * TILE_WIDTH,
                           .start = t->summed ? FROM_C : FROM_COLUMNS,
                           .c = t->partial + o * job->columns,
                           .step = job->columns };
        tile_multiply_columns(grid, taps, &t->next);
    }
    t->summed += t->count;
}

/* Adds partial sums to the wide sums if the next positions would make them too long. */
static void padded_weight_keep_part(weight_task *t)
{
    const padded_weight_job *job = t->job;
    if (job->wide_sums && t->summed + t->count > PART_SUM) {
        wide_add(t->wide, t->wides++ == 0, t->partial, job->plan.out_channels, job->columns, job->columns);
        t->summed = 0;
    }
}

/* Plans the prefetch of the next unit's dy and x. */
static void padded_weight_prefetch_stretch(const weight_task *t, const padded_range *unit, prefetch *dy, prefetch *x)
{
    const padded_weight_job *job = t->job;
    const conv_plan *p = &job->plan;
    int64_t plane = p->h.grid * p->w.grid, in = p->h.in * p->w.in, size = (int64_t)sizeof(float);
    int64_t calls =
        job->panels * divide_up(t->channels * plan_taps(p), TILE_WIDTH) * divide_up(job->positions, FETCH_STEPS) / 2;
    int64_t row = unit->line * p->h.stride + p->h.first, end = min64(row + job->slab.rows, p->h.in);
    row = max64(row, 0);
    const float *from_dy =
        job->dy + (unit->image * p->groups + t->group) * p->out_channels * plane + unit->line * p->w.grid;
    const float *from_x =
        job->x + ((unit->image * p->groups + t->group) * p->in_channels + t->channel) * in + row * p->w.in;
    if (job->slab.images > 1) {
        *dy = prefetch_make(from_dy, p->out_channels * plane * size, unit->images,
                            p->groups * p->out_channels * plane * size, calls);
        *x =
            prefetch_make(from_x, t->channels * in * size, unit->images, p->groups * p->in_channels * in * size, calls);
    } else {
        *dy = prefetch_make(from_dy, unit->lines * p->w.grid * size, p->out_channels, plane * size, calls);
        *x = prefetch_make(from_x, max64(end - row, 0) * p->w.in * size, t->channels, in * size, calls);
    }
}

static void padded_weight_task_run(void *arg, int64_t task, int worker)
{
    const padded_weight_job *job = arg;
    const conv_plan *p = &job->plan;
    int64_t chunk = task / job->blocks / p->groups;
    weight_task t = { .job = job,
                      .group = task / job->blocks % p->groups,
                      .channel = task % job->blocks * job->block_channels };
    t.channels = min64(job->block_channels, p->in_channels - t.channel);
    t.wide = (double *)(void *)(job->scratch + padded_weight_scratch_size(job) * (size_t)worker);
    t.slab = (float *)(void *)(t.wide + job->wide_sums);
    t.dy = t.slab + job->slab_size;
    t.taps = t.dy + job->dy_size;
    t.partial = job->partial + task * p->out_channels * job->columns;
    int64_t end = min64((chunk + 1) * job->chunk_units, job->slab.units);
    for (int64_t unit = chunk * job->chunk_units; unit < end; unit++) {
        t.unit = padded_unit(&job->slab, p, unit);
        int64_t positions = t.unit.images * t.unit.lines * p->w.grid;
        padded_fill(&job->slab, p, &t.unit, job->x + t.group * p->in_channels * p->h.in * p->w.in, t.channel,
                    t.channels, t.slab);
        if (unit + 1 < end) {
            padded_range next = padded_unit(&job->slab, p, unit + 1);
            padded_weight_prefetch_stretch(&t, &next, &t.next, &t.later);
            t.next.then = &t.later;
        }
        for (t.begin = 0; t.begin < positions; t.begin += job->positions) {
            t.count = min64(job->positions, positions - t.begin);
            padded_weight_keep_part(&t);
            padded_weight_multiply(&t);
        }
    }
    if (t.wides) {
        wide_finish(t.wide, t.partial, p->out_channels, job->columns, job->columns);
    }
}

static void padded_weight_add_chunks(void *arg, int64_t task, int worker)
{
    (void)worker;
    const padded_weight_job *job = arg;
    const conv_plan *p = &job->plan;
    int64_t group = task / p->out_channels, o = task % p->out_channels, taps = plan_taps(p);
    int64_t chunk_step = p->groups * job->blocks * p->out_channels * job->columns;
    for (int64_t block = 0; block < job->blocks; block++) {
        int64_t channel = block * job->block_channels;
        int64_t count = min64(job->block_channels, p->in_channels - channel) * taps;
        const float *from = job->partial + ((group * job->blocks + block) * p->out_channels + o) * job->columns;
        float *to = job->dweight + (task * p->in_channels + channel) * taps;
        memcpy(to, from, (size_t)count * sizeof *to);
        for (int64_t chunk = 1; chunk < job->chunks; chunk++) {
            from += chunk_step;
            for (int64_t k = 0; k < count; k++) {
                to[k] += from[k];
            }
        }
    }
}

size_t CNN__SIMD(conv_padded_weight_workspace)(const conv_plan *p, int workers)
{
    padded_weight_job job = { .plan = *p };
    padded_weight_plan_blocks(&job);
    return padded_weight_partial_size(&job) + padded_weight_scratch_size(&job) * (size_t)workers;
}

void CNN__SIMD(conv_padded_weight)(const conv_plan *p, const float *x, const float *dy, float *dweight, void *memory,
                                   cnn__pool *pool)
{
    padded_weight_job job = { .plan = *p, .x = x, .dy = dy, .dweight = dweight, .partial = memory };
    padded_weight_plan_blocks(&job);
    job.scratch = (char *)memory + padded_weight_partial_size(&job);
    cnn__pool_run(pool, job.chunks * p->groups * job.blocks, plan_work(p), padded_weight_task_run, &job);
    double sums = (double)padded_weight_partial_size(&job) / 4 / LANES;
    cnn__pool_run(pool, p->groups * p->out_channels, sums, padded_weight_add_chunks, &job);
}
