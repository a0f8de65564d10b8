/* Convolution forward and the gradient of its data, as products of packed panels that read the image through slabs.
 *
 * A task owns a unit of positions (see conv_slab.h) for a block of output channels. It walks over the input channels in
 * stretches: the stretch's slab is filled once, packed into [tap][WIDTH] panels of positions, and multiplied with the
 * weights' panels into sums that stay in L2 until they are written out with the bias. Weights are packed once for all
 * tasks, or by the task itself where there is only one unit. All sizes follow from the geometry alone. */
#include "kernels/simd/conv_slab.h"
#include "kernels/simd/table.h"
#include "kernels/simd/tile.h"

enum {
    DEPTH = 256,            /* taps of a stretch */
    POSITIONS = 8 * WIDTH,  /* of a unit */
    LEAST_TASKS = 8
};

typedef struct conv_job {
    conv_plan plan;
    conv_slab slab;
    const float *x, *weight, *bias;
    float *y, *packed; /* weights: [group][panel][taps][ROWS] */
    char *scratch;
    int64_t panels, panel_rows;            /* of output channels */
    int64_t blocks, block_panels;          /* of panels, a task each */
    int64_t stretches, stretch_channels;   /* of input channels */
    int64_t positions;                     /* of a unit, in whole panels */
    size_t slab_size, columns_size, weights_size, sums_size; /* of a worker's scratch, in floats */
} conv_job;

static size_t align(int64_t floats)
{
    return (size_t)(floats + 15) / 16 * 16;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void cut_channels(conv_job *job)
{
    const conv_plan *p = &job->plan;
    int64_t taps = plan_taps(p) ? plan_taps(p) : 1, most = DEPTH / taps ? DEPTH / taps : 1;
    job->panels = (p->out_channels + ROWS - 1) / ROWS;
    job->panel_rows = (p->out_channels + job->panels - 1) / job->panels;
    job->panels = (p->out_channels + job->panel_rows - 1) / job->panel_rows;
    job->stretches = (p->in_channels + most - 1) / most;
    job->stretch_channels = (p->in_channels + job->stretches - 1) / job->stretches;
    job->stretches = (p->in_channels + job->stretch_channels - 1) / job->stretch_channels;
}

static bool packs_late(const conv_job *job)
{
    return job->slab.units == 1;
}

static void measure(conv_job *job)
{
    const conv_plan *p = &job->plan;
    cut_channels(job);
    job->slab = slab_make(p, POSITIONS);
    int64_t tasks = job->slab.units * p->groups, wanted = tasks ? (LEAST_TASKS + tasks - 1) / tasks : 1;
    job->block_panels = (job->panels + wanted - 1) / wanted;
    job->blocks = (job->panels + job->block_panels - 1) / job->block_panels;
    job->positions = round_up(job->slab.images * job->slab.lines * p->w.grid, WIDTH);
    int64_t depth = job->stretch_channels * plan_taps(p);
    job->slab_size = align(job->stretch_channels * job->slab.channel_step + SLAB_SLACK);
    job->columns_size = align(depth * WIDTH + 2 * LANES);
    job->weights_size = packs_late(job) ? align(job->block_panels * depth * ROWS) : 0;
    job->sums_size = align(job->block_panels * ROWS * job->positions);
}

static size_t packed_size(const conv_job *job)
{
    int64_t taps = job->plan.in_channels * plan_taps(&job->plan);
    return packs_late(job) ? 0 : align(job->plan.groups * job->panels * taps * ROWS) * sizeof(float);
}

static size_t scratch_size(const conv_job *job)
{
    return (job->slab_size + job->columns_size + job->weights_size + job->sums_size) * sizeof(float);
}

static size_t workspace(conv_job *job, int workers)
{
    measure(job);
    return packed_size(job) + scratch_size(job) * (size_t)workers;
}

/* ---- weights ---- */

/* A panel of output channels by some input channels: [channel, tap][ROWS]. */
static void pack_weights(const conv_job *job, int64_t group, int64_t panel, int64_t channel, int64_t channels, float *to)
{
    const conv_plan *p = &job->plan;
    int64_t first = panel * job->panel_rows, rows = least(job->panel_rows, p->out_channels - first);
    const float *from = job->weight + group * p->weight_group + first * p->weight_out + channel * p->weight_in;
    if (p->h.weight_step == 1 && p->weight_in == plan_taps(p)) { /* forward: along a row they lie in order */
        pack_rows(from, p->weight_out, rows, channels * plan_taps(p), to);
        return;
    }
    for (int64_t c = 0; c < channels; c++) {
        for (int64_t i = 0; i < p->h.taps; i++) {
            for (int64_t j = 0; j < p->w.taps; j++, to += ROWS) {
                const float *tap = from + plan_weight(p, 0, c, i, j);
                for (int64_t o = 0; o < rows; o++) {
                    to[o] = tap[o * p->weight_out];
                }
            }
        }
    }
}

static void pack_panel(void *arg, int64_t task, int worker)
{
    (void)worker;
    const conv_job *job = arg;
    int64_t taps = job->plan.in_channels * plan_taps(&job->plan);
    pack_weights(job, task / job->panels, task % job->panels, 0, job->plan.in_channels,
                 job->packed + task * taps * ROWS);
}

/* ---- the product ---- */

typedef struct conv_task {
    const conv_job *job;
    conv_unit unit;
    int64_t group, panel, panels; /* of output channels */
    int64_t channel, channels;    /* the stretch */
    float *slab, *columns, *weights, *sums;
} conv_task;

CNN__INLINE void copy_run(const float *from, float *to, int64_t count)
{
    for (int64_t k = 0; k < count; k += LANES) {
        store(to + k, load(from + k));
    }
}

/* A panel of positions: [channel, tap][WIDTH]. Whole vectors are copied; what they spill is overwritten by the next run. */
static void pack_columns(const conv_task *t, int64_t position, int64_t count)
{
    const conv_plan *p = &t->job->plan;
    const conv_slab *s = &t->job->slab;
    slab_run runs[WIDTH];
    int64_t used = slab_runs(s, p, &t->unit, position, count, runs);
    float *to = t->columns;
    for (int64_t c = 0; c < t->channels; c++) {
        for (int64_t i = 0; i < p->h.taps; i++) {
            for (int64_t j = 0; j < p->w.taps; j++, to += WIDTH) {
                const float *tap = t->slab + c * s->channel_step + slab_tap(s, p, i, j);
                for (int64_t r = 0; r < used; r++) {
                    copy_run(tap + runs[r].from, to + runs[r].to, runs[r].count);
                }
            }
        }
    }
}

static void multiply_stretch(const conv_task *t, bool first)
{
    static const float zeros[WIDTH];
    const conv_job *job = t->job;
    int64_t taps = plan_taps(&job->plan), depth = t->channels * taps;
    int64_t all = job->plan.in_channels * taps, positions = t->unit.images * t->unit.lines * job->plan.w.grid;
    for (int64_t position = 0; position < positions; position += WIDTH) {
        pack_columns(t, position, least(WIDTH, positions - position));
        for (int64_t k = 0; k < t->panels; k++) {
            int64_t panel = t->panel + k;
            int64_t rows = least(job->panel_rows, job->plan.out_channels - panel * job->panel_rows);
            const float *weights = packs_late(job) ? t->weights + k * depth * ROWS
                                 : job->packed + ((t->group * job->panels + panel) * all + t->channel * taps) * ROWS;
            tile_product(rows, depth, weights, t->columns, first ? FROM_COLUMNS : FROM_C, zeros,
                         t->sums + k * job->panel_rows * job->positions + position, job->positions, &(ahead){ 0 });
        }
    }
}

/* One line of the grid of one channel. */
CNN__INLINE void write_line(const float *sums, float bias, int64_t count, int64_t step, float *y)
{
    if (step == 1) {
        for (int64_t q = 0; q < count; q++) {
            y[q] = sums[q] + bias;
        }
    } else {
        for (int64_t q = 0; q < count; q++) {
            y[q * step] = sums[q] + bias;
        }
    }
}

static void write_sums(const conv_task *t)
{
    const conv_job *job = t->job;
    const conv_plan *p = &job->plan;
    const conv_axis *h = &p->h, *w = &p->w;
    int64_t begin = t->panel * job->panel_rows, end = least(begin + t->panels * job->panel_rows, p->out_channels);
    for (int64_t o = begin; o < end; o++) {
        const float *sums = t->sums + (o - begin) * job->positions;
        int64_t channel = t->group * p->out_channels + o;
        float bias = job->bias ? job->bias[channel] : 0;
        for (int64_t n = t->unit.image; n < t->unit.image + t->unit.images; n++) {
            float *plane = job->y + (n * p->groups * p->out_channels + channel) * h->out * w->out + w->out_first;
            for (int64_t q = t->unit.line; q < t->unit.line + t->unit.lines; q++, sums += w->grid) {
                write_line(sums, bias, w->grid, w->out_step, plane + (h->out_first + q * h->out_step) * w->out);
            }
        }
    }
}

static void convolve(void *arg, int64_t task, int worker)
{
    const conv_job *job = arg;
    const conv_plan *p = &job->plan;
    conv_task t = { .job = job, .group = task / job->blocks % p->groups, .panel = task % job->blocks * job->block_panels };
    t.unit = slab_unit(&job->slab, p, task / job->blocks / p->groups);
    t.panels = least(job->block_panels, job->panels - t.panel);
    t.slab = (float *)(void *)(job->scratch + scratch_size(job) * (size_t)worker);
    t.columns = t.slab + job->slab_size;
    t.weights = t.columns + job->columns_size;
    t.sums = t.weights + job->weights_size;
    const float *x = job->x + t.group * p->in_channels * p->h.in * p->w.in;
    if (plan_taps(p) == 0) {
        memset(t.sums, 0, job->sums_size * sizeof(float));
        write_sums(&t);
        return;
    }
    for (; t.channel < p->in_channels; t.channel += job->stretch_channels) {
        t.channels = least(job->stretch_channels, p->in_channels - t.channel);
        for (int64_t k = 0; k < t.panels && packs_late(job); k++) {
            pack_weights(job, t.group, t.panel + k, t.channel, t.channels,
                         t.weights + k * t.channels * plan_taps(p) * ROWS);
        }
        slab_fill(&job->slab, p, &t.unit, x, t.channel, t.channels, t.slab);
        multiply_stretch(&t, t.channel == 0);
    }
    write_sums(&t);
}

static void run(conv_job *job, char *memory, cnn__pool *pool)
{
    const conv_plan *p = &job->plan;
    measure(job);
    job->packed = (float *)(void *)memory;
    job->scratch = memory + packed_size(job);
    if (!packs_late(job)) {
        double weights = (double)(p->groups * p->weight_group);
        cnn__pool_run(pool, p->groups * job->panels, weights, pack_panel, job);
    }
    cnn__pool_run(pool, job->slab.units * p->groups * job->blocks, plan_work(p), convolve, job);
}

/* ---- the table's slots ---- */

enum { MOST_PLANS = 16 }; /* of a depthwise gradient; a stride with more residues goes the general way */

static bool depthwise(const cnn__conv *g)
{
    return g->groups == g->in_channels && g->groups == g->out_channels;
}

static size_t plan_workspace(const conv_plan *p, int workers)
{
    return CNN__SIMD(conv_point_fits)(p) ? CNN__SIMD(conv_point_workspace)(p, workers)
                                         : workspace(&(conv_job){ .plan = *p }, workers);
}

static void plan_run(const conv_plan *p, const float *x, const float *weight, const float *bias, float *y, void *memory,
                     cnn__pool *pool)
{
    if (CNN__SIMD(conv_point_fits)(p)) {
        CNN__SIMD(conv_point)(p, x, weight, bias, y, memory, pool);
    } else {
        run(&(conv_job){ .plan = *p, .x = x, .weight = weight, .bias = bias, .y = y }, memory, pool);
    }
}

size_t CNN__SIMD(conv_forward_workspace)(const cnn__conv *g, int workers)
{
    conv_plan p = plan_forward(g);
    return depthwise(g) ? CNN__SIMD(depthwise_workspace)(&p, 1, workers) : plan_workspace(&p, workers);
}

void CNN__SIMD(conv_forward)(const cnn__conv *g, const void *x, const void *weight, const void *bias, void *y,
                             void *memory, cnn__pool *pool)
{
    conv_plan p = plan_forward(g);
    if (depthwise(g)) {
        CNN__SIMD(depthwise)(&p, 1, x, weight, bias, y, memory, pool);
    } else {
        plan_run(&p, x, weight, bias, y, memory, pool);
    }
}

/* The gradient's parts: one for each residue of the stride that exists. */
static int64_t residues(int64_t stride, int64_t size)
{
    return least(stride, size);
}

static conv_plan backward_plan(const cnn__conv *g, int64_t number)
{
    int64_t across = residues(g->stride_w, g->in_w);
    return plan_backward(g, number / across, number % across);
}

static int64_t backward_plans(const cnn__conv *g)
{
    return residues(g->stride_h, g->in_h) * residues(g->stride_w, g->in_w);
}

/* Fills in the plans of a depthwise gradient; 0 if it goes the general way. */
static int64_t depthwise_plans(const cnn__conv *g, conv_plan plans[MOST_PLANS])
{
    int64_t count = depthwise(g) && backward_plans(g) <= MOST_PLANS ? backward_plans(g) : 0;
    for (int64_t k = 0; k < count; k++) {
        plans[k] = backward_plan(g, k);
    }
    return count;
}

size_t CNN__SIMD(conv_backward_data_workspace)(const cnn__conv *g, int workers)
{
    conv_plan plans[MOST_PLANS];
    int64_t count = depthwise_plans(g, plans);
    if (count) {
        return CNN__SIMD(depthwise_workspace)(plans, count, workers);
    }
    size_t most = 0;
    for (int64_t k = 0; k < backward_plans(g); k++) {
        conv_plan p = backward_plan(g, k);
        size_t size = plan_workspace(&p, workers);
        most = size > most ? size : most;
    }
    return most;
}

typedef struct clear_job {
    char *at;
    size_t plane;
} clear_job;

static void clear_plane(void *arg, int64_t task, int worker)
{
    (void)worker;
    const clear_job *job = arg;
    memset(job->at + (size_t)task * job->plane, 0, job->plane);
}

/* Parts that no tap reaches are zero: dx is cleared as a whole, which is faster than a part of each line at a time. */
void CNN__SIMD(conv_backward_data)(const cnn__conv *g, const void *dy, const void *weight, void *dx, void *memory,
                                   cnn__pool *pool)
{
    conv_plan plans[MOST_PLANS];
    int64_t count = depthwise_plans(g, plans);
    if (count) {
        CNN__SIMD(depthwise)(plans, count, dy, weight, NULL, dx, memory, pool);
        return;
    }
    bool cleared = false;
    for (int64_t k = 0; k < backward_plans(g); k++) {
        conv_plan p = backward_plan(g, k);
        if (plan_taps(&p) == 0 && !cleared) {
            clear_job job = { dx, (size_t)(g->in_h * g->in_w) * sizeof(float) };
            int64_t planes = g->batch * g->in_channels;
            cnn__pool_run(pool, planes, (double)planes * (double)job.plane / 4 / LANES, clear_plane, &job);
            cleared = true;
        }
    }
    for (int64_t k = 0; k < backward_plans(g); k++) {
        conv_plan p = backward_plan(g, k);
        if (plan_taps(&p)) {
            plan_run(&p, dy, weight, NULL, dx, memory, pool);
        }
    }
}
