/* How a padded convolution is cut into units, stretches and tasks: shared by conv/padded_conv.c, for many units of
 * positions, and conv/padded_small.c, for one. All sizes depend on the geometry alone. */
#ifndef CNN_KERNELS_SIMD_CONV_PADDED_JOB_H
#define CNN_KERNELS_SIMD_CONV_PADDED_JOB_H

#include "kernels/simd/conv/pack_weights.h"
#include "kernels/simd/gemm/tile.h"
#include "kernels/simd/layout/padded.h"
#include "kernels/simd/vector/long_sum.h"
#include "kernels/simd/vector/machine.h"
#include "kernels/simd/vector/prefetch.h"

enum {
    PADDED_FEW_PANELS = 2,
    PADDED_POSITIONS = 8 * TILE_WIDTH, /* positions per unit of lines */
    IMAGES = 13 * TILE_WIDTH,          /* positions per unit of images; fewer of all images make one unit */
    BLOCK_SUMS = QUARTER_L2,           /* sums of a task whose sums go through several stretches */
    SLAB_FLOATS =
        EIGHTH_L2 / 2 /* floats that few channels may take for more lines at once, so that fewer are read twice */
};

typedef struct padded_job {
    conv_plan plan;
    padded_slab slab;
    const float *x, *weight, *bias;
    float *y, *packed; /* weights [group][panel][taps][TILE_ROWS] unless they are read where they lie */
    int64_t *steps;    /* in the slab from each tap of a stretch to the next, in bytes */
    float *sums;       /* the sums of one unit */
    char *scratch;
    bool one;      /* unit */
    bool direct;   /* sums in y */
    bool along;    /* weights lie as the taps do, and are not packed */
    bool lined;    /* tiles stay in a line, and read the slab itself: packing it for few panels costs
                                              as much as they do */
    bool shallow;  /* a unit's columns are packed and multiplied together */
    bool streamed; /* whether y is stored past the caches */
    int64_t line;  /* places of a line among the sums: what its last vector has too much, nobody reads */
    int64_t group, channel, channels; /* where the stretch begins, and its channels, with one unit */
    int64_t panels, panel_rows;       /* the panels and panel rows of output channels */
    int64_t blocks, block_panels;     /* blocks of panels, a task each, and the panels per block */
    int64_t halves;                   /* with one unit: 2 where the lines of a block are two tasks, else 1 */
    int64_t stretch_channels;         /* the input channels per stretch */
    int64_t positions;                /* the positions per unit, in whole panels */
    int64_t wide_sums;                /* floats of wide sums per task, or of one unit, where sums are long */
    int64_t terms, parts;             /* with one unit: in the sums by now, and how many parts were put aside */
    bool keeps;                       /* the sums are put aside before the stretch */
    size_t steps_size, slab_size, columns_size, weights_size, sums_size; /* in floats */
} padded_job;

typedef struct padded_task {
    const padded_job *job;
    padded_range unit;
    int64_t group, panel, panels; /* the group and the panels of output channels */
    int64_t channel, channels;    /* the stretch */
    float *slab, *columns, *sums, *aside;
    double *wide;
    int64_t terms, parts; /* in the sums by now, and how many parts were put aside */
    prefetch next, later; /* memory to fetch, one after the other */
} padded_task;

/* Output channels of a task. */
static inline int64_t task_rows(const padded_task *t)
{
    return min64(t->panels * t->job->panel_rows, t->job->plan.out_channels - t->panel * t->job->panel_rows);
}

static inline size_t padded_align(int64_t floats)
{
    return (size_t)(floats + 15) / 16 * 16;
}

/* The largest number of positions in a unit of lines. */
static inline int64_t max_positions(const padded_job *job)
{
    const conv_plan *p = &job->plan;
    int64_t all = p->batch * p->h.grid * p->w.grid, share = divide_up(all, MIN_TASKS);
    if (job->shallow) {
        int64_t fit = tile_columns(max64(1, job->stretch_channels * plan_taps(p))) * TILE_WIDTH;
        return min64(max64(PADDED_POSITIONS, min64(fit, share)), p->h.grid * p->w.grid);
    }
    int64_t read = job->stretch_channels * p->h.stride * p->w.stride, fit = read > 0 ? SLAB_FLOATS / read : 0;
    fit = min64(fit, share);
    return p->w.grid % LANES == 0 && fit > PADDED_POSITIONS ? fit : PADDED_POSITIONS;
}

CNN__APART void padded_plan_blocks(padded_job *job)
{
    const conv_plan *p = &job->plan;
    int64_t taps = plan_taps(p) ? plan_taps(p) : 1, max = K_BLOCK / taps ? K_BLOCK / taps : 1;
    int64_t all = p->batch * p->h.grid * p->w.grid;
    int64_t stretches = divide_up(p->in_channels, max);
    job->stretch_channels = divide_up(p->in_channels, stretches);
    job->panel_rows = panel_rows_of(p->out_channels);
    job->panels = divide_up(p->out_channels, job->panel_rows);
    job->one = all <= IMAGES && p->groups == 1;
    job->shallow = !job->one && stretches == 1 && p->w.grid % LANES && p->in_channels * taps <= SHALLOW;
    bool small = p->h.grid * p->w.grid <= IMAGES;
    job->slab = padded_make(p, small ? IMAGES : max_positions(job), job->one ? INT64_MAX / 4 : TILE_WIDTH);
    job->one = job->one && job->slab.units == 1;
    job->direct =
        !job->one && job->slab.images == 1 && p->h.out_step == 1 && p->w.out_step == 1 && p->w.grid == p->w.out;
    int64_t line = round_up(p->w.grid, LANES);
    bool few = !job->one && job->panels <= PADDED_FEW_PANELS && 4 * p->w.grid >= 3 * line;
    job->lined = job->direct ? p->w.grid == line : few;
    job->line = job->lined ? line : p->w.grid;
    /* Rows of weights that would share a set of L1 are packed. */
    job->along = p->h.weight_step == 1 && p->weight_in == taps && p->weight_out % L1_SET_FLOATS;
    int64_t tasks = job->slab.units * p->groups, wanted = divide_up(MIN_TASKS, tasks);
    job->positions = round_up(job->slab.images * job->slab.lines * job->line, TILE_WIDTH);
    int64_t max_rows = BLOCK_SUMS / (job->positions ? job->positions : 1);
    int64_t blocks = stretches > 1 && !job->one ? divide_up(p->out_channels, max_rows) : 1;
    job->block_panels = divide_up(job->panels, blocks > wanted ? blocks : wanted);
    job->blocks = divide_up(job->panels, job->block_panels);
    int64_t depth = job->stretch_channels * taps, panels = job->one || job->shallow ? job->positions / TILE_WIDTH : 1;
    job->slab_size = padded_align(job->stretch_channels * job->slab.channel_step + PADDED_SLACK);
    job->steps_size = padded_align(depth * (int64_t)(sizeof *job->steps / sizeof(float)));
    job->columns_size = padded_align((depth * TILE_WIDTH + LANES) * panels + LANES);
    job->weights_size = job->one ? padded_align(job->block_panels * depth * TILE_ROWS) : 0;
    int64_t sums = (job->one ? job->panels : job->block_panels) * TILE_ROWS * job->positions;
    job->sums_size = job->direct ? 0 : padded_align(sums);
    job->wide_sums = long_sum(p->in_channels * taps) ? round_up(sums, 8) : 0;
    /* Halves read the weights twice, which are therefore the smaller operand. */
    int64_t plane = p->h.grid * p->w.grid;
    bool halves = p->batch == 1 && p->h.grid % 2 == 0 && plane % (2 * TILE_WIDTH) == 0 && p->out_channels <= plane;
    job->halves = halves && job->along && !job->wide_sums ? 2 : 1;
}

/* The bytes that all tasks share: the sums of a single unit, or the packed weights. */
static inline size_t padded_shared_size(const padded_job *job)
{
    int64_t taps = job->plan.in_channels * plan_taps(&job->plan);
    size_t weights = job->along ? 0 : padded_align(job->plan.groups * job->panels * taps * TILE_ROWS);
    size_t one = job->sums_size + 2 * (size_t)job->wide_sums;
    return sizeof(float) * (job->steps_size + (job->one ? one : weights));
}

/* Fills in the steps, which are the first part of the memory. */
static inline void make_steps(padded_job *job, void *memory)
{
    const conv_plan *p = &job->plan;
    int64_t taps = plan_taps(p), last = 0;
    job->steps = memory;
    job->packed = (float *)memory + job->steps_size;
    for (int64_t k = 0; k < job->stretch_channels * taps; k++) {
        int64_t next = (k + 1) % taps, at = (k + 1) / taps * job->slab.channel_step +
                                            padded_tap(&job->slab, p, next / p->w.taps, next % p->w.taps);
        job->steps[k] = (at - last) * (int64_t)sizeof(float);
        last = at;
    }
}

static inline size_t padded_scratch_size(const padded_job *job)
{
    size_t sums = job->sums_size + 2 * (size_t)job->wide_sums;
    size_t more = job->one ? LINE_FLOATS + job->weights_size : TILE_ROWS * TILE_WIDTH + sums;
    return (job->slab_size + job->columns_size + more) * sizeof(float);
}

/* ---- packing ---- */

/* A panel's weights for the stretch, in place. */
static inline tile_operand weights_along(const padded_task *t, int64_t panel)
{
    const conv_plan *p = &t->job->plan;
    return (tile_operand){ t->job->weight + t->group * p->weight_group + panel * t->job->panel_rows * p->weight_out +
                               t->channel * p->weight_in,
                           p->weight_out, 1, NULL };
}

static inline void padded_pack_weights(const padded_job *job, int64_t group, int64_t panel, int64_t channel,
                                       int64_t channels, float *to)
{
    const conv_plan *p = &job->plan;
    int64_t first = panel * job->panel_rows, rows = min64(job->panel_rows, p->out_channels - first);
    pack_kernels(p, job->weight + group * p->weight_group, first, rows, channel, channels, to);
}

CNN__INLINE void copy_run(const float *from, float *to, int64_t count)
{
    for (int64_t k = 0; k < count; k += LANES) {
        store(to + k, load(from + k));
    }
}

/* Packs a panel of positions: [channel, tap][TILE_WIDTH]. Whole vectors are copied; what they write beyond a run is
 * overwritten by the next. */
static inline void padded_pack_columns(const padded_task *t, int64_t position, int64_t count, float *to)
{
    const conv_plan *p = &t->job->plan;
    const padded_slab *s = &t->job->slab;
    padded_run runs[TILE_WIDTH];
    int64_t used = padded_runs(s, p, &t->unit, position, count, runs);
    const float *tap = t->slab;
    for (int64_t k = 0; k < t->channels * plan_taps(p); k++, to += TILE_WIDTH) {
        for (int64_t r = 0; r < used; r++) {
            copy_run(tap + runs[r].from, to + runs[r].to, runs[r].count);
        }
        tap += t->job->steps[k] / (int64_t)sizeof *tap;
    }
}

static inline float *padded_y_plane(const padded_task *t, int64_t image, int64_t channel)
{
    const conv_plan *p = &t->job->plan;
    return t->job->y + ((image * p->groups + t->group) * p->out_channels + channel) * p->h.out * p->w.out;
}

/* ---- sums that were kept aside ---- */

/* Whether `more` terms would make a sum of `terms` terms too long. */
static inline bool part_ends(const padded_job *job, int64_t terms, int64_t more)
{
    return job->wide_sums && terms && terms + more > PART_SUM;
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

static inline void write_sums(const padded_task *t)
{
    const padded_job *job = t->job;
    const conv_plan *p = &job->plan;
    const conv_axis *h = &p->h, *w = &p->w;
    int64_t begin = t->panel * job->panel_rows, end = min64(begin + t->panels * job->panel_rows, p->out_channels);
    bool whole = h->out_step == 1 && w->out_step == 1 && w->grid == w->out && job->line == w->grid;
    int64_t lines = whole ? 1 : t->unit.lines, count = whole ? t->unit.lines * w->grid : w->grid;
    for (int64_t o = begin; o < end; o++) {
        const float *sums = t->sums + (o - begin) * job->positions;
        float bias = job->bias ? job->bias[t->group * p->out_channels + o] : 0;
        for (int64_t n = t->unit.image; n < t->unit.image + t->unit.images; n++) {
            float *plane = padded_y_plane(t, n, o) + w->out_first;
            for (int64_t q = t->unit.line; q < t->unit.line + lines; q++, sums += whole ? count : job->line) {
                write_line(sums, bias, count, w->out_step, plane + (h->out_first + q * h->out_step) * w->out);
            }
        }
    }
}

/* Computes a job whose positions are one unit (conv/padded_small.c). */
void CNN__SIMD(conv_padded_small)(padded_job *job, cnn__pool *pool);

#endif
