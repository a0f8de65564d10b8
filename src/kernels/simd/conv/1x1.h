/* A 1 × 1 convolution, cut into units, and the packing of its operands where it is needed (see conv/1x1.c). */
#ifndef CNN_KERNELS_SIMD_CONV_1X1_H
#define CNN_KERNELS_SIMD_CONV_1X1_H

#include "kernels/simd/conv/epilogue.h"
#include "kernels/simd/gemm/tile.h"
#include "kernels/simd/layout/plan.h"
#include "kernels/simd/vector/copy.h"
#include "kernels/simd/vector/long_sum.h"
#include "kernels/simd/vector/machine.h"
#include "kernels/simd/vector/prefetch.h"

/* Narrow tiles read x more often for the same amount of work. For them a unit's x is packed, and a block of weights
 * that stays in L2 is multiplied by TILE_WIDTH positions at a time, which stay in L1. Wide tiles read x in place,
 * from L2. */
enum {
    PACKS_X = FULL_PANELS,
    UNIT_FLOATS = QUARTER_L2, /* floats of x */
    UNIT_PLACES = 4096,
    CONV_1X1_K_BLOCK = PACKS_X ? K_BLOCK : 2 * K_BLOCK, /* input channels of a stretch */
    CONV_1X1_WEIGHT_FLOATS = EIGHTH_L2,                 /* floats per block */
    FEW_WEIGHTS = QUARTER_L2, /* floats that every task may read from L2: then all tasks have places of their own */
    CONV_1X1_FEW_PANELS = 12, /* panels that the first may leave packed: it reads far less than the others then */
    PACK_PANELS = 4,          /* at once */
    PACK_AHEAD = 8,           /* rows of weights that are fetched before they are packed */
    ROW_VECTORS = CNN__VECTOR_BYTES > 16 ? 1 : 2, /* vectors that hold TILE_ROWS */
    ROW = ROW_VECTORS * LANES,
    ROW_STEP = PACKS_X ? TILE_ROWS : ROW /* the step of packed weights: what tile_panels takes, or whole vectors */
};

typedef struct conv_1x1_job {
    const conv_plan *plan;
    const float *x, *weight, *bias;
    float *y, *packed; /* weights that do not lie along the input channels: [group][panel][channel][ROW_STEP] */
    float *columns;    /* x packed for all, if several tasks share a unit */
    char *scratch;
    int64_t places;                           /* the positions of an image */
    int64_t images, image_units, unit_places; /* a unit is so many images, or so many places of one */
    int64_t units, rest;                      /* places at an image's end */
    int64_t panels, panel_rows;               /* the panels and panel rows of output channels */
    int64_t blocks, block_panels, depth;
    bool along, streamed;
} conv_1x1_job;

typedef struct conv_1x1_task {
    const conv_1x1_job *job;
    int64_t group, panel, panels, first; /* the weights from number `first` on are packed */
    int64_t image, images, begin, end;   /* places of each image */
    int64_t channel, channels;
    bool finishes; /* with this stretch sums are complete, and something is to be done to them */
    double *wide;
    int64_t terms, parts;                    /* in the sums by now, and how many parts were put aside */
    float *weights, *rest, *aside, *columns; /* x packed: [image][TILE_WIDTH places][channel][TILE_WIDTH] */
    tile_operand a;                          /* the panel's weights */
    prefetch next;
} conv_1x1_task;

static inline void plan_units(conv_1x1_job *job)
{
    const conv_plan *p = job->plan;
    int64_t all = p->batch * job->places, places = min64(divide_up(UNIT_FLOATS, job->depth), UNIT_PLACES);
    places = round_up(min64(places, divide_up(all * job->panels * p->groups, MIN_TASKS)), TILE_WIDTH);
    if (p->in_channels * p->out_channels <= FEW_WEIGHTS) {
        int64_t share = divide_up(all * p->groups, MIN_TASKS);
        places = places > share ? max64(TILE_WIDTH, share / TILE_WIDTH * TILE_WIDTH) : places;
    }
    job->images = job->image_units = 1;
    if (job->places > places) {
        job->unit_places = round_up(divide_up(job->places, divide_up(job->places, places)), TILE_WIDTH);
        job->image_units = divide_up(job->places, job->unit_places);
        job->units = p->batch * job->image_units;
    } else {
        job->unit_places = job->places;
        job->units = divide_up(p->batch, places / job->places);
        job->images = divide_up(p->batch, job->units);
        job->units = divide_up(p->batch, job->images);
    }
}

CNN__APART void conv_1x1_plan_blocks(conv_1x1_job *job, const conv_plan *p)
{
    job->plan = p;
    job->places = p->h.grid * p->w.grid;
    job->rest = job->places % LANES;
    job->along = p->weight_in == 1;
    job->depth = divide_up(p->in_channels, divide_up(p->in_channels, CONV_1X1_K_BLOCK));
    /* If the rows of weights share a set of L1, a panel has no more of them than the set holds. */
    bool aliased = !FULL_PANELS && job->along && p->weight_out % L1_SET_FLOATS == 0;
    job->panel_rows = aliased ? divide_up(p->out_channels, divide_up(p->out_channels, min64(L1_WAYS, TILE_ROWS)))
                              : panel_rows_of(p->out_channels);
    job->panels = divide_up(p->out_channels, job->panel_rows);
    plan_units(job);
    int64_t blocks = divide_up(MIN_TASKS, job->units * p->groups);
    job->block_panels = divide_up(job->panels, blocks);
    job->blocks = divide_up(job->panels, job->block_panels);
}

static inline bool packs_before(const conv_1x1_job *job)
{
    return !job->along && job->units > 1;
}

static inline size_t conv_1x1_packed_size(const conv_1x1_job *job)
{
    int64_t floats = job->plan->groups * job->panels * job->plan->in_channels * ROW_STEP;
    return packs_before(job) ? (size_t)round_up(floats + ROW, 16) * sizeof(float) : 0;
}

static inline int64_t tail_size(const conv_1x1_job *job)
{
    return round_up(job->images * job->rest * (job->depth + LANES), 16);
}

/* The number of panels in a block of weights with so many channels. */
static inline int64_t panels_at_once(const conv_1x1_job *job, int64_t channels)
{
    int64_t max = CONV_1X1_WEIGHT_FLOATS / (channels * job->panel_rows);
    return PACKS_X ? min64(job->panels, max < 1 ? 1 : max) : PACK_PANELS;
}

/* The positions of a unit, rounded up to whole panels, over all of its images: the floats of its packed x per
 * channel. */
static inline int64_t unit_columns(const conv_1x1_job *job)
{
    return PACKS_X ? job->images * round_up(job->unit_places, TILE_WIDTH) : 0;
}

static inline bool shares_columns(const conv_1x1_job *job)
{
    return PACKS_X && job->blocks > 1;
}

static inline size_t conv_1x1_columns_size(const conv_1x1_job *job)
{
    int64_t floats =
        shares_columns(job) ? job->units * job->plan->groups * unit_columns(job) * job->plan->in_channels : 0;
    return (size_t)round_up(floats, 16) * sizeof(float);
}

/* A tile, the tail of x, packed weights and packed x. */
static inline int64_t weights_size(const conv_1x1_job *job)
{
    return packs_before(job) || job->along ? 0 : panels_at_once(job, job->depth) * job->depth * ROW_STEP + ROW;
}

/* The wide sums of a task's output channels, where sums are long: [image][channel][position]. */
static inline int64_t wide_sums(const conv_1x1_job *job)
{
    int64_t rows = job->block_panels * job->panel_rows;
    return long_sum(job->plan->in_channels) ? round_up(rows * job->images * job->unit_places, 8) : 0;
}

static inline size_t conv_1x1_scratch_size(const conv_1x1_job *job)
{
    int64_t floats = 2 * wide_sums(job) + TILE_ROWS * TILE_WIDTH + tail_size(job) + weights_size(job);
    floats += shares_columns(job) ? 0 : unit_columns(job) * job->depth;
    return (size_t)round_up(floats, 16) * sizeof(float);
}

static inline const float *x_plane(const conv_1x1_task *t, int64_t image)
{
    const conv_plan *p = t->job->plan;
    return t->job->x + ((image * p->groups + t->group) * p->in_channels + t->channel) * t->job->places;
}

static inline float *conv_1x1_y_plane(const conv_1x1_task *t, int64_t image, int64_t channel)
{
    const conv_plan *p = t->job->plan;
    return t->job->y + ((image * p->groups + t->group) * p->out_channels + channel) * t->job->places;
}

/* An image's packed x. */
static inline float *columns_of(const conv_1x1_task *t, int64_t image)
{
    return t->columns + (image - t->image) * round_up(t->job->unit_places, TILE_WIDTH) * t->channels;
}

/* ---- packing and prefetch ---- */

/* Packs weights that are stored across the output channels: `panels` panels as [panel][channel][ROW_STEP], all rows
 * of a channel together. Whole vectors are written: what lies beyond a row is either unused or written later. */
static inline void conv_1x1_pack_weights(const conv_1x1_job *job, int64_t group, int64_t panel, int64_t panels,
                                         int64_t channel, int64_t channels, float *to, int64_t panel_step)
{
    const conv_plan *p = job->plan;
    int64_t first = panel * job->panel_rows, max = min64(panels * job->panel_rows, p->out_channels - first);
    const float *from = job->weight + group * p->weight_group + first * p->weight_out + channel * p->weight_in;
    int64_t capacity = (p->in_channels - channel) * p->weight_in - first; /* floats that may be read */
    for (int64_t c = 0; c < channels; c++, from += p->weight_in, to += ROW_STEP, capacity -= p->weight_in) {
        float *panel_to = to;
        for (int64_t at = 0; PACKS_X && at < max; at += LINE_FLOATS) { /* blocks are wide then: worth it */
            __builtin_prefetch(from + PACK_AHEAD * p->weight_in + at, 0, 3);
        }
        for (int64_t at = 0; at < max; at += job->panel_rows, panel_to += panel_step) {
            if (capacity - at < ROW || (ROW_STEP < ROW && c + 1 == channels)) {
                copy_floats(from + at, panel_to, min64(job->panel_rows, max - at));
                continue;
            }
            for (int64_t k = 0; k < ROW; k += LANES) {
                store(panel_to + k, load(from + at + k));
            }
        }
    }
}

/* How often the tiles of a panel call prefetch_lines. */
static inline int64_t panel_calls(const conv_1x1_task *t)
{
    return t->images * divide_up(t->end - t->begin, TILE_WIDTH) * divide_up(t->channels, FETCH_STEPS);
}

/* The part of x that the next k-block, or the next unit, will read. Of the tasks that share a unit only the last
 * looks beyond it. */
static inline prefetch conv_1x1_prefetch_x(const conv_1x1_task *t)
{
    const conv_1x1_job *job = t->job;
    const conv_plan *p = job->plan;
    conv_1x1_task next = *t;
    next.channel = t->channel + t->channels;
    if (next.channel >= p->in_channels) {
        next.channel = 0;
        next.begin = t->end < job->places ? t->end : 0;
        next.image = t->end < job->places ? t->image : t->image + t->images;
        if (next.image >= p->batch || t->panel + t->panels < job->panels) {
            return (prefetch){ 0 };
        }
    }
    int64_t size = (int64_t)sizeof(float), channels = min64(job->depth, p->in_channels - next.channel);
    int64_t images = min64(job->images, p->batch - next.image), image = p->groups * p->in_channels * job->places;
    int64_t calls = t->panels * panel_calls(t);
    const float *x = x_plane(&next, next.image) + next.begin;
    if (job->image_units == 1) {
        return prefetch_make(x, channels * job->places * size, images, image * size, calls);
    }
    return prefetch_make(x, min64(job->unit_places, job->places - next.begin) * size, channels, job->places * size,
                         calls);
}

/* The weights of the panels after the next `panels`, [panel, panel + panels). */
static inline prefetch conv_1x1_prefetch_weights(const conv_1x1_task *t, int64_t panel, int64_t panels)
{
    const conv_1x1_job *job = t->job;
    const conv_plan *p = job->plan;
    int64_t calls = panel_calls(t) * panels, size = (int64_t)sizeof(float), first = panel * job->panel_rows;
    if (panel >= t->panel + t->panels) {
        return (prefetch){ 0 };
    }
    int64_t rows = min64(panels * job->panel_rows, p->out_channels - first);
    const float *from = job->weight + t->group * p->weight_group + first * p->weight_out + t->channel * p->weight_in;
    return job->along ? prefetch_make(from, t->channels * size, rows, p->weight_out * size, calls)
                      : prefetch_make(from, rows * size, t->channels, p->weight_in * size, calls);
}

#endif
