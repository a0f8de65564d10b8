/* The gradient of the weights of a convolution with few input channels, as in a network's first layer: for each output
 * channel o and tap t, Σ dy[o][position] · x[position's tap t].
 *
 * Both operands are read along the positions: dy in its tensor, x in a slab (layout/padded.h), whose lines have the
 * order of the positions for any stride. A tile holds a vector of sums for each pair of some output channels and
 * taps and advances along the positions. Nothing is transposed, which for few taps would cost more than the
 * products. A task computes the sums of a block of output channels over a chunk of the positions, unit by unit, and
 * adds up their lanes at the end; the chunks' sums are added in order. */
#include "kernels/simd/conv/algorithms.h"
#include "kernels/simd/layout/padded.h"
#include "kernels/simd/vector/long_sum.h"
#include "kernels/simd/vector/machine.h"
#include "kernels/simd/vector/partial.h"

enum {
    FEW = 4, /* input channels of a group */
    TILE_OUTS = CNN__VECTOR_BYTES == 64
                    ? 3
                    : 4, /* output channels; with the taps, their sums and operands fill the registers */
    TILE_TAPS = CNN__VECTOR_BYTES == 64 ? 9 : 3,
    FIRST_LAYER_SUMS = TILE_OUTS * TILE_TAPS,
    SQUARES = (FIRST_LAYER_SUMS + LANES - 1) / LANES,
    FIRST_LAYER_MAX_TAPS = 64,             /* taps of all channels: with more of them a transposition pays */
    FIRST_LAYER_POSITIONS = 1024,          /* positions per unit: TILE_OUTS rows of dy stay in L1 */
    SEPARATE_ENDS = CNN__VECTOR_BYTES < 64 /* whether lines end on their own: masks cost as much as a product there */
};

typedef struct first_layer_job {
    conv_plan plan;
    padded_slab slab;
    const float *x, *dy;
    float *dweight, *partial; /* [chunk][group][out channel][channel, tap], of all chunks but the first */
    int64_t *offsets;         /* in the slab, of what a tap of a channel sees at its first position */
    char *scratch;            /* scratch per worker: a block's vectors of sums, a slab */
    int64_t chunks, chunk_units;
    int64_t tiles, blocks; /* the tiles and blocks of output channels */
    int64_t tap_tiles;
    int64_t unit_terms; /* terms that a unit adds to a lane's sum, at most */
    bool wide;          /* are a chunk's sums long? */
    size_t slab_size;   /* in floats */
} first_layer_job;

/* The operands of a tile: lines of dy, with `out_step` floats from one output channel to the next, and what the
 * tile's taps read for the first position. */
typedef struct first_layer_tile {
    const float *dy, *at[TILE_TAPS];
    int64_t out_step, lines, count; /* positions of a line */
    int64_t dy_step, x_step;        /* floats from line to line */
    int64_t ahead;                  /* how far on dy is fetched, by the first that reads it */
} first_layer_tile;

/* Whether lines fill most of their vectors, and are short enough to be summed by lanes. */
bool CNN__SIMD(conv_first_layer_weight_fits)(const conv_plan *p)
{
    return p->in_channels > 0 && p->in_channels <= FEW && p->in_channels * plan_taps(p) <= FIRST_LAYER_MAX_TAPS &&
           plan_taps(p) > 1 && p->batch > 0 && p->h.grid > 0 && p->w.grid <= PART_SUM * LANES &&
           p->w.grid * 8 >= round_up(p->w.grid, LANES) * 7;
}

static void first_layer_plan_blocks(first_layer_job *job)
{
    const conv_plan *p = &job->plan;
    int64_t positions = p->batch * p->h.grid * p->w.grid,
            chunks = min64(divide_up(positions, FIRST_LAYER_POSITIONS), MIN_WEIGHT_TASKS);
    job->tiles =
        p->out_channels / TILE_OUTS + p->out_channels % TILE_OUTS; /* those that are left have tiles of their own */
    job->blocks = min64(divide_up(MIN_WEIGHT_TASKS, chunks * p->groups), job->tiles); /* each fills slabs of its own */
    job->tap_tiles = divide_up(p->in_channels * plan_taps(p), TILE_TAPS);
    job->slab = padded_make(p, min64(divide_up(positions, chunks), FIRST_LAYER_POSITIONS), 1);
    job->chunk_units = divide_up(job->slab.units, chunks);
    job->chunks = divide_up(job->slab.units, job->chunk_units);
    job->slab_size = (size_t)round_up(p->in_channels * job->slab.channel_step + PADDED_SLACK, 16);
    job->unit_terms = job->slab.images * job->slab.lines * divide_up(p->w.grid, LANES);
    job->wide = long_sum(job->chunk_units * job->unit_terms);
}

/* Floats of a block's sums, lane by lane. */
static size_t first_layer_sums_size(const first_layer_job *job)
{
    return (size_t)(divide_up(job->tiles, job->blocks) * job->tap_tiles * SQUARES) * LANES * LANES;
}

static size_t first_layer_scratch_size(const first_layer_job *job)
{
    return (first_layer_sums_size(job) + job->slab_size) * sizeof(float) +
           (job->wide ? first_layer_sums_size(job) * sizeof(double) : 0);
}

static int64_t chunk_floats(const first_layer_job *job)
{
    return job->plan.groups * job->plan.weight_group;
}

static size_t first_layer_partial_size(const first_layer_job *job)
{
    return (size_t)round_up((job->chunks - 1) * chunk_floats(job), 16) * sizeof(float);
}

static size_t offsets_size(const first_layer_job *job)
{
    return (size_t)round_up(job->plan.in_channels * plan_taps(&job->plan), 8) * sizeof *job->offsets;
}

static void make_offsets(first_layer_job *job)
{
    const conv_plan *p = &job->plan;
    int64_t *to = job->offsets;
    for (int64_t c = 0; c < p->in_channels; c++) {
        for (int64_t i = 0; i < p->h.taps; i++) {
            for (int64_t j = 0; j < p->w.taps; j++) {
                *to++ = c * job->slab.channel_step + padded_tap(&job->slab, p, i, j);
            }
        }
    }
}

/* ---- the product ---- */

/* Keeps a value that several products read in a register; compilers would load it as an operand of each of them. */
#if defined __x86_64__
#define IN_REGISTER(v) __asm__("" : "+v"(v))
#else
#define IN_REGISTER(v)
#endif

/* The first `count` floats, or, if there is a mask, a whole vector with the mask applied. */
CNN__INLINE lanes load_counted(const float *p, int64_t count, const lanes_i32 *mask)
{
    return mask ? and_mask(load(p), *mask) : count == LANES ? load(p) : load_partial(p, count);
}

/* sums[out][tap] += a vector of dy by a vector of x for each output channel and tap. Whichever are fewer stay in
 * registers. */
CNN__INLINE void first_layer_add_vectors(int outs, const float *dy, int64_t out_step, const float *const at[TILE_TAPS],
                                         int64_t q, int64_t count, const lanes_i32 *mask,
                                         lanes sums[TILE_OUTS][TILE_TAPS])
{
    lanes kept[TILE_OUTS < TILE_TAPS ? TILE_OUTS : TILE_TAPS];
    if (TILE_OUTS < TILE_TAPS) {
#pragma GCC unroll 4
        for (int o = 0; o < outs; o++) {
            kept[o] = load_partial(dy + o * out_step + q, count);
        }
#pragma GCC unroll 9
        for (int k = 0; k < TILE_TAPS; k++) {
            lanes x = load_partial(at[k] + q, count);
            IN_REGISTER(x);
#pragma GCC unroll 4
            for (int o = 0; o < outs; o++) {
                sums[o][k] += kept[o] * x;
            }
        }
        return;
    }
#pragma GCC unroll 9
    for (int k = 0; k < TILE_TAPS; k++) {
        kept[k] = load_counted(at[k] + q, count, mask);
    }
#pragma GCC unroll 4
    for (int o = 0; o < outs; o++) {
        lanes g = load_counted(dy + o * out_step + q, count, mask);
        IN_REGISTER(g);
#pragma GCC unroll 9
        for (int k = 0; k < TILE_TAPS; k++) {
            sums[o][k] += g * kept[k];
        }
    }
}

/* to[out][tap] += what the tile sums up; `outs` is a constant. The end of a line is a vector of which some lanes
 * count: its first where masked loads are cheap, else the last of one that overlaps the vector before. */
CNN__INLINE void add_tile(int outs, const first_layer_tile *t, lanes (*to)[TILE_TAPS])
{
    lanes sums[TILE_OUTS][TILE_TAPS];
    const float *at[TILE_TAPS], *dy = t->dy;
    int64_t out_step = t->out_step;
    lanes_i32 last = count_up() >= (int32_t)(LANES - t->count % LANES);
#pragma GCC unroll 27
    for (int k = 0; k < outs * TILE_TAPS; k++) {
        sums[k / TILE_TAPS][k % TILE_TAPS] = to[k / TILE_TAPS][k % TILE_TAPS];
    }
#pragma GCC unroll 9
    for (int k = 0; k < TILE_TAPS; k++) {
        at[k] = t->at[k];
    }
    for (int64_t line = t->lines; line > 0; line--) {
        int64_t q = 0;
        for (; q + LANES <= t->count && SEPARATE_ENDS; q += LANES) {
            if (t->ahead && q % LINE_FLOATS == 0) {
#pragma GCC unroll 4
                for (int o = 0; o < outs; o++) {
                    __builtin_prefetch(dy + o * out_step + q + t->ahead, 0, 2);
                }
            }
            first_layer_add_vectors(outs, dy, out_step, at, q, LANES, NULL, sums);
        }
        if (SEPARATE_ENDS && q < t->count && t->count >= LANES) {
            first_layer_add_vectors(outs, dy, out_step, at, t->count - LANES, LANES, &last, sums);
            q = t->count;
        }
        for (; q < t->count; q += LANES) {
            first_layer_add_vectors(outs, dy, out_step, at, q, min64(t->count - q, LANES), NULL, sums);
        }
        dy += t->dy_step;
#pragma GCC unroll 9
        for (int k = 0; k < TILE_TAPS; k++) {
            at[k] += t->x_step;
        }
    }
#pragma GCC unroll 27
    for (int k = 0; k < outs * TILE_TAPS; k++) {
        to[k / TILE_TAPS][k % TILE_TAPS] = sums[k / TILE_TAPS][k % TILE_TAPS];
    }
}

CNN__APART void add_outs(int64_t outs, const first_layer_tile *t, lanes (*to)[TILE_TAPS])
{
    if (outs == TILE_OUTS) {
        add_tile(TILE_OUTS, t, to);
    } else {
        add_tile(1, t, to);
    }
}

/* The state of a task: some output channels by some taps, which are counted through the input channels. */
typedef struct first_layer_part {
    int64_t out, outs, tap, taps;
} first_layer_part;

static first_layer_part first_layer_part_of(const first_layer_job *job, int64_t tile, int64_t tap_tile)
{
    const conv_plan *p = &job->plan;
    int64_t depth = p->in_channels * plan_taps(p);
    int64_t whole = p->out_channels / TILE_OUTS;
    first_layer_part part = { .out = tile < whole ? tile * TILE_OUTS : p->out_channels - job->tiles + tile,
                              .outs = tile < whole ? TILE_OUTS : 1,
                              .tap = tap_tile * depth / job->tap_tiles };
    part.taps = (tap_tile + 1) * depth / job->tap_tiles - part.tap;
    return part;
}

/* A unit's share of a part's sums. */
static void add_unit(const first_layer_job *job, const padded_range *u, int64_t group, const first_layer_part *part,
                     const float *slab, lanes *sums)
{
    const conv_plan *p = &job->plan;
    int64_t plane = p->h.grid * p->w.grid;
    for (int64_t n = 0; n < u->images; n++) {
        first_layer_tile t = { .dy = job->dy +
                                     (((u->image + n) * p->groups + group) * p->out_channels + part->out) * plane +
                                     u->line * p->w.grid,
                               .out_step = plane,
                               .lines = u->lines,
                               .count = p->w.grid,
                               .dy_step = p->w.grid,
                               .x_step = p->h.stride * job->slab.row_step,
                               .ahead = part->tap ? 0 : u->lines * p->w.grid };
        for (int64_t k = 0; k < TILE_TAPS; k++) {
            t.at[k] = slab + n * job->slab.image_step + job->offsets[part->tap + min64(k, part->taps - 1)];
        }
        add_outs(part->outs, &t, (lanes(*)[TILE_TAPS])sums);
    }
}

static void first_layer_store_sums(const first_layer_part *part, const lanes *sums, int64_t depth, float *to)
{
    float all[SQUARES * LANES];
    for (int k = 0; k < SQUARES; k++) {
        store(all + k * LANES, sums_of_lanes(sums + k * LANES));
    }
    for (int64_t o = 0; o < part->outs; o++) {
        memcpy(to + (part->out + o) * depth + part->tap, all + o * TILE_TAPS, (size_t)part->taps * sizeof *to);
    }
}

static void first_layer_task_run(void *arg, int64_t task, int worker)
{
    const first_layer_job *job = arg;
    const conv_plan *p = &job->plan;
    int64_t block = task % job->blocks, group = task / job->blocks % p->groups, chunk = task / job->blocks / p->groups;
    int64_t begin = block * job->tiles / job->blocks, end = (block + 1) * job->tiles / job->blocks;
    int64_t parts = (end - begin) * job->tap_tiles;
    int64_t unit = chunk * job->chunk_units, last = min64(unit + job->chunk_units, job->slab.units),
            count = parts * SQUARES * LANES;
    lanes *sums = (lanes *)(void *)(job->scratch + (size_t)worker * first_layer_scratch_size(job));
    float *slab = (float *)sums + first_layer_sums_size(job);
    double *wide = (double *)(void *)(slab + job->slab_size);
    int64_t terms = 0, wides = 0;
    memset(sums, 0, (size_t)count * sizeof *sums);
    for (; unit < last; unit++, terms += job->unit_terms) {
        if (job->wide && terms + job->unit_terms > PART_SUM) {
            wide_add(wide, wides++ == 0, (const float *)sums, 1, count * LANES, 0);
            memset(sums, 0, (size_t)count * sizeof *sums);
            terms = 0;
        }
        padded_range u = padded_unit(&job->slab, p, unit);
        padded_fill(&job->slab, p, &u, job->x + group * p->in_channels * p->h.in * p->w.in, 0, p->in_channels, slab);
        for (int64_t k = 0; k < parts; k++) {
            first_layer_part part = first_layer_part_of(job, begin + k / job->tap_tiles, k % job->tap_tiles);
            add_unit(job, &u, group, &part, slab, sums + k * SQUARES * LANES);
        }
    }
    if (wides) {
        wide_finish(wide, (float *)sums, 1, count * LANES, 0);
    }
    float *to = (chunk ? job->partial + (chunk - 1) * chunk_floats(job) : job->dweight) + group * p->weight_group;
    for (int64_t k = 0; k < parts; k++) {
        first_layer_part part = first_layer_part_of(job, begin + k / job->tap_tiles, k % job->tap_tiles);
        first_layer_store_sums(&part, sums + k * SQUARES * LANES, p->in_channels * plan_taps(p), to);
    }
}

size_t CNN__SIMD(conv_first_layer_weight_workspace)(const conv_plan *p, int workers)
{
    first_layer_job job = { .plan = *p };
    first_layer_plan_blocks(&job);
    return offsets_size(&job) + first_layer_partial_size(&job) + (size_t)workers * first_layer_scratch_size(&job);
}

void CNN__SIMD(conv_first_layer_weight)(const conv_plan *p, const float *x, const float *dy, float *dweight,
                                        void *memory, cnn__pool *pool)
{
    first_layer_job job = { .plan = *p, .x = x, .dy = dy, .dweight = dweight, .offsets = memory };
    first_layer_plan_blocks(&job);
    make_offsets(&job);
    job.partial = (float *)(void *)((char *)memory + offsets_size(&job));
    job.scratch = (char *)job.partial + first_layer_partial_size(&job);
    cnn__pool_run(pool, job.chunks * p->groups * job.blocks, plan_work(p), first_layer_task_run, &job);
    for (int64_t chunk = 1; chunk < job.chunks; chunk++) {
        const float *from = job.partial + (chunk - 1) * chunk_floats(&job);
        for (int64_t k = 0; k < chunk_floats(&job); k++) {
            dweight[k] += from[k];
        }
    }
}
