/* Convolutions as products of packed panels that read the image through slabs (conv_slab.h).
 *
 * A unit of positions is computed for a block of output channels, the input channels in stretches: the stretch's slab is filled
 * once, packed panel by panel into [tap][WIDTH], and multiplied with the weights' panels. Sums stay where they end up
 * if a unit lies in one image of y, else in L2 until they are written out. Of many units each is a task, which all weights
 * are packed for beforehand; the few positions of small images make one unit, whose stretches are packed for all tasks, one
 * after the other, while each task packs its weights. All sizes follow from the geometry alone. */
#include "kernels/simd/ahead.h"
#include "kernels/simd/conv_pack.h"
#include "kernels/simd/conv_slab.h"
#include "kernels/simd/table.h"
#include "kernels/simd/tile.h"

enum {
    DEPTH = 256,               /* taps of a stretch */
    POSITIONS = 8 * WIDTH,     /* of a unit of lines */
    IMAGES = 13 * WIDTH,       /* of a unit of images; and so few of all make one unit */
    BLOCK_SUMS = 1 << 16,      /* of a task whose sums go through several stretches: a quarter of L2 */
    LEAST_TASKS = 8
};

typedef struct conv_job {
    conv_plan plan;
    conv_slab slab;
    const float *x, *weight, *bias;
    float *y, *packed;                     /* weights [group][panel][taps][ROWS], or one unit's columns */
    float *sums;                           /* of one unit */
    char *scratch;
    bool one;                              /* unit */
    bool direct;                           /* sums in y */
    bool streamed;                         /* which is stored past the caches */
    int64_t group, channel, channels;      /* of the stretch, with one unit */
    int64_t panels, panel_rows;            /* of output channels */
    int64_t blocks, block_panels;          /* of panels, a task each */
    int64_t stretch_channels;              /* of input channels */
    int64_t positions;                     /* of a unit, in whole panels */
    size_t slab_size, columns_size, weights_size, sums_size; /* in floats */
} conv_job;

typedef struct conv_task {
    const conv_job *job;
    conv_unit unit;
    int64_t group, panel, panels; /* of output channels */
    int64_t channel, channels;    /* the stretch */
    float *slab, *columns, *sums, *aside;
    ahead next, later; /* memory to fetch, one after the other */
} conv_task;

static size_t align(int64_t floats)
{
    return (size_t)(floats + 15) / 16 * 16;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t divide_up(int64_t a, int64_t b)
{
    return b ? (a + b - 1) / b : 0;
}

static void measure(conv_job *job)
{
    const conv_plan *p = &job->plan;
    int64_t taps = plan_taps(p) ? plan_taps(p) : 1, most = DEPTH / taps ? DEPTH / taps : 1;
    int64_t all = p->batch * p->h.grid * p->w.grid;
    int64_t stretches = divide_up(p->in_channels, most);
    job->stretch_channels = divide_up(p->in_channels, stretches);
    job->panels = divide_up(p->out_channels, ROWS);
    job->panel_rows = divide_up(p->out_channels, job->panels);
    job->panels = divide_up(p->out_channels, job->panel_rows);
    job->one = all <= IMAGES && p->groups == 1;
    bool small = p->h.grid * p->w.grid <= IMAGES;
    job->slab = slab_make(p, small ? IMAGES : POSITIONS, job->one ? INT64_MAX / 4 : WIDTH);
    job->one = job->one && job->slab.units == 1;
    job->direct = !job->one && job->slab.images == 1 && p->h.out_step == 1 && p->w.out_step == 1 && p->w.grid == p->w.out;
    int64_t tasks = job->slab.units * p->groups, wanted = divide_up(LEAST_TASKS, tasks);
    job->positions = round_up(job->slab.images * job->slab.lines * p->w.grid, WIDTH);
    int64_t most_rows = BLOCK_SUMS / (job->positions ? job->positions : 1);
    int64_t blocks = stretches > 1 && !job->one ? divide_up(p->out_channels, most_rows) : 1;
    job->block_panels = divide_up(job->panels, blocks > wanted ? blocks : wanted);
    job->blocks = divide_up(job->panels, job->block_panels);
    int64_t depth = job->stretch_channels * taps;
    job->slab_size = align(job->stretch_channels * job->slab.channel_step + SLAB_SLACK);
    job->columns_size = align((depth * WIDTH + LANES) * (job->one ? job->positions / WIDTH : 1) + LANES);
    job->weights_size = job->one ? align(job->block_panels * depth * ROWS) : 0;
    job->sums_size = job->direct ? 0 : align((job->one ? job->panels : job->block_panels) * ROWS * job->positions);
}

/* What all tasks share: one unit's columns, slab and sums, or the weights. */
static size_t shared_size(const conv_job *job)
{
    int64_t taps = job->plan.in_channels * plan_taps(&job->plan);
    return sizeof(float) * (job->one ? job->columns_size + job->sums_size + job->slab_size
                                     : align(job->plan.groups * job->panels * taps * ROWS));
}

static size_t scratch_size(const conv_job *job)
{
    size_t own = job->one ? job->weights_size : job->slab_size + job->columns_size + job->sums_size;
    return (own + ROWS * WIDTH) * sizeof(float);
}

size_t CNN__SIMD(conv_slab_workspace)(const conv_plan *p, int workers)
{
    conv_job job = { .plan = *p };
    measure(&job);
    return shared_size(&job) + scratch_size(&job) * (size_t)workers;
}

/* ---- packing ---- */

static void pack_weights(const conv_job *job, int64_t group, int64_t panel, int64_t channel, int64_t channels, float *to)
{
    const conv_plan *p = &job->plan;
    int64_t first = panel * job->panel_rows, rows = least(job->panel_rows, p->out_channels - first);
    pack_kernels(p, job->weight + group * p->weight_group, first, rows, channel, channels, to);
}

static void pack_panel(void *arg, int64_t task, int worker)
{
    (void)worker;
    const conv_job *job = arg;
    int64_t taps = job->plan.in_channels * plan_taps(&job->plan);
    pack_weights(job, task / job->panels, task % job->panels, 0, job->plan.in_channels,
                 job->packed + task * taps * ROWS);
}

CNN__INLINE void copy_run(const float *from, float *to, int64_t count)
{
    for (int64_t k = 0; k < count; k += LANES) {
        store(to + k, load(from + k));
    }
}

/* A panel of positions: [channel, tap][WIDTH]. Whole vectors are copied; what they spill is overwritten by the next run. */
static void pack_columns(const conv_task *t, int64_t position, int64_t count, float *to)
{
    const conv_plan *p = &t->job->plan;
    const conv_slab *s = &t->job->slab;
    slab_run runs[WIDTH];
    int64_t used = slab_runs(s, p, &t->unit, position, count, runs);
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

/* ---- the product ---- */

static float *y_plane(const conv_task *t, int64_t image, int64_t channel)
{
    const conv_plan *p = &t->job->plan;
    return t->job->y + ((image * p->groups + t->group) * p->out_channels + channel) * p->h.out * p->w.out;
}

/* A tile in y; one that ends early is made aside. */
static void multiply_direct(conv_task *t, int64_t position, int64_t count, int64_t channel, int64_t rows, int64_t depth,
                            const float *weights)
{
    static const float zeros[WIDTH];
    const conv_plan *p = &t->job->plan;
    const float *bias = t->job->bias ? t->job->bias + t->group * p->out_channels + channel : NULL, *from = bias ? bias : zeros;
    tile_start start = t->channel ? FROM_C : bias ? FROM_ROWS : FROM_COLUMNS;
    float *y = y_plane(t, t->unit.image, channel) + t->unit.line * p->w.out + position;
    int64_t step = p->h.out * p->w.out;
    if (count == WIDTH) {
        start = t->job->streamed ? start | STREAMED : start;
        tile_product(rows, depth, weights, t->columns, start, from, y, step, &t->next);
        return;
    }
    for (int64_t i = 0; i < rows && start == FROM_C; i++) {
        copy_floats(y + i * step, t->aside + i * WIDTH, count);
    }
    tile_product(rows, depth, weights, t->columns, start, from, t->aside, WIDTH, &t->next);
    for (int64_t i = 0; i < rows; i++) {
        copy_floats(t->aside + i * WIDTH, y + i * step, count);
    }
}

/* The next stretch's weights. */
static ahead foresee_weights(const conv_task *t, int64_t calls)
{
    const conv_job *job = t->job;
    const conv_plan *p = &job->plan;
    int64_t taps = plan_taps(p), channel = t->channel + t->channels, size = ROWS * (int64_t)sizeof(float);
    if (channel >= p->in_channels) {
        return (ahead){ 0 };
    }
    const float *at = job->packed + ((t->group * job->panels + t->panel) * p->in_channels + channel) * taps * ROWS;
    return ahead_make(at, least(job->stretch_channels, p->in_channels - channel) * taps * size, t->panels,
                      p->in_channels * taps * size, calls);
}

/* What of x the next stretch, or the next unit of this image, will read. */
static ahead foresee_x(const conv_task *t, int64_t calls)
{
    const conv_job *job = t->job;
    const conv_plan *p = &job->plan;
    int64_t channel = t->channel + t->channels, plane = p->h.in * p->w.in, size = (int64_t)sizeof(float);
    int64_t line = t->unit.line;
    if (channel >= p->in_channels) {
        channel = 0;
        line += job->slab.lines;
    }
    int64_t channels = least(job->stretch_channels, p->in_channels - channel);
    int64_t row = line * p->h.stride + p->h.first, end = row + job->slab.rows < p->h.in ? row + job->slab.rows : p->h.in;
    row = row < 0 ? 0 : row;
    if (line >= p->h.grid || row >= end) {
        return (ahead){ 0 };
    }
    const float *x = job->x + ((t->unit.image * p->groups + t->group) * p->in_channels + channel) * plane;
    if (job->slab.images > 1) {
        return ahead_make(x, channels * plane * size, t->unit.images, p->groups * p->in_channels * plane * size, calls);
    }
    return ahead_make(x + row * p->w.in, (end - row) * p->w.in * size, channels, plane * size, calls);
}

static void multiply_stretch(conv_task *t)
{
    static const float zeros[WIDTH];
    const conv_job *job = t->job;
    int64_t taps = plan_taps(&job->plan), depth = t->channels * taps;
    int64_t all = job->plan.in_channels * taps, positions = t->unit.images * t->unit.lines * job->plan.w.grid;
    int64_t calls = t->panels * divide_up(depth, FETCH_STEPS) * divide_up(positions, WIDTH) / 2;
    t->later = foresee_weights(t, calls);
    t->next = foresee_x(t, calls);
    t->next.then = &t->later;
    for (int64_t position = 0; position < positions; position += WIDTH) {
        int64_t count = least(WIDTH, positions - position);
        pack_columns(t, position, count, t->columns);
        for (int64_t k = 0; k < t->panels; k++) {
            int64_t panel = t->panel + k, channel = panel * job->panel_rows;
            int64_t rows = least(job->panel_rows, job->plan.out_channels - channel);
            const float *weights = job->packed + ((t->group * job->panels + panel) * all + t->channel * taps) * ROWS;
            if (job->direct) {
                multiply_direct(t, position, count, channel, rows, depth, weights);
            } else {
                tile_product(rows, depth, weights, t->columns, t->channel ? FROM_C : FROM_COLUMNS, zeros,
                             t->sums + k * job->panel_rows * job->positions + position, job->positions, &t->next);
            }
        }
    }
}

/* ---- sums that were kept aside ---- */

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
    bool whole = h->out_step == 1 && w->out_step == 1 && w->grid == w->out;
    int64_t lines = whole ? 1 : t->unit.lines, count = whole ? t->unit.lines * w->grid : w->grid;
    for (int64_t o = begin; o < end; o++) {
        const float *sums = t->sums + (o - begin) * job->positions;
        float bias = job->bias ? job->bias[t->group * p->out_channels + o] : 0;
        for (int64_t n = t->unit.image; n < t->unit.image + t->unit.images; n++) {
            float *plane = y_plane(t, n, o) + w->out_first;
            for (int64_t q = t->unit.line; q < t->unit.line + lines; q++, sums += count) {
                write_line(sums, bias, count, w->out_step, plane + (h->out_first + q * h->out_step) * w->out);
            }
        }
    }
}

/* ---- many units ---- */

static void convolve_unit(void *arg, int64_t task, int worker)
{
    const conv_job *job = arg;
    const conv_plan *p = &job->plan;
    conv_task t = { .job = job, .group = task / job->blocks % p->groups, .panel = task % job->blocks * job->block_panels };
    t.unit = slab_unit(&job->slab, p, task / job->blocks / p->groups);
    t.panels = least(job->block_panels, job->panels - t.panel);
    t.aside = (float *)(void *)(job->scratch + scratch_size(job) * (size_t)worker);
    t.slab = t.aside + ROWS * WIDTH;
    t.columns = t.slab + job->slab_size;
    t.sums = t.columns + job->columns_size;
    memset(t.aside, 0, ROWS * WIDTH * sizeof(float));
    const float *x = job->x + t.group * p->in_channels * p->h.in * p->w.in;
    for (; t.channel < p->in_channels; t.channel += job->stretch_channels) {
        t.channels = least(job->stretch_channels, p->in_channels - t.channel);
        slab_fill(&job->slab, p, &t.unit, x, t.channel, t.channels, t.slab);
        multiply_stretch(&t);
    }
    if (!job->direct) {
        write_sums(&t);
    }
    stream_end();
}

/* ---- one unit ---- */

static conv_task one_task(const conv_job *job)
{
    conv_task t = { .job = job, .unit = slab_unit(&job->slab, &job->plan, 0), .channel = job->channel, .channels = job->channels };
    t.columns = job->packed;
    t.sums = job->sums;
    t.slab = job->sums + job->sums_size;
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
    slab_fill(&t.job->slab, &t.job->plan, &t.unit, t.job->x, t.channel + channel, 1, t.slab + channel * t.job->slab.channel_step);
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
    static const float zeros[WIDTH];
    conv_task t = one_task(arg);
    const conv_job *job = t.job;
    int64_t depth = t.channels * plan_taps(&job->plan), positions = t.unit.images * t.unit.lines * job->plan.w.grid;
    float *weights = (float *)(void *)(job->scratch + scratch_size(job) * (size_t)worker);
    t.panel = block * job->block_panels;
    t.panels = least(job->block_panels, job->panels - t.panel);
    t.sums += t.panel * job->panel_rows * job->positions;
    for (int64_t k = 0; k < t.panels; k++) {
        pack_weights(job, 0, t.panel + k, t.channel, t.channels, weights + k * depth * ROWS);
    }
    for (int64_t position = 0; position < positions; position += WIDTH) {
        for (int64_t k = 0; k < t.panels; k++) {
            int64_t rows = least(job->panel_rows, job->plan.out_channels - (t.panel + k) * job->panel_rows);
            tile_product(rows, depth, weights + k * depth * ROWS, t.columns + position / WIDTH * panel_step(&t),
                         t.channel ? FROM_C : FROM_COLUMNS, zeros, t.sums + k * job->panel_rows * job->positions + position,
                         job->positions, &t.next);
        }
    }
    if (t.channel + t.channels == job->plan.in_channels) {
        write_sums(&t);
    }
}

static void convolve_one(conv_job *job, cnn__pool *pool)
{
    const conv_plan *p = &job->plan;
    int64_t panels = divide_up(p->batch * p->h.grid * p->w.grid, WIDTH);
    for (; job->channel < p->in_channels; job->channel += job->stretch_channels) {
        job->channels = least(job->stretch_channels, p->in_channels - job->channel);
        double part = (double)job->channels / (double)p->in_channels;
        double columns = (double)(job->channels * plan_taps(p) * job->positions) / LANES;
        cnn__pool_run(pool, job->channels, columns, fill_channel, job);
        cnn__pool_run(pool, panels, columns, fill_panel, job);
        cnn__pool_run(pool, job->blocks, plan_work(p) * part, multiply_block, job);
    }
}

void CNN__SIMD(conv_slab)(const conv_plan *p, const float *x, const float *weight, const float *bias, float *y, void *memory,
                          cnn__pool *pool)
{
    conv_job job = { .plan = *p, .x = x, .weight = weight, .bias = bias, .y = y, .packed = memory };
    measure(&job);
    job.scratch = (char *)memory + shared_size(&job);
    if (job.one) {
        job.sums = job.packed + job.columns_size;
        convolve_one(&job, pool);
        return;
    }
    job.streamed = job.direct && job.stretch_channels == p->in_channels && job.slab.lines * p->w.grid % LANES == 0 &&
                   streams(y, p->batch * p->groups * p->out_channels * p->h.out * p->w.out, p->h.out * p->w.out);
    cnn__pool_run(pool, p->groups * job.panels, (double)(p->groups * p->weight_group), pack_panel, &job);
    cnn__pool_run(pool, job.slab.units * p->groups * job.blocks, plan_work(p), convolve_unit, &job);
}
