/* The gradient of a convolution's weights with Winograd's tiles. It is itself a convolution, of the input by the
 * output's gradient: the outputs of a tile are the taps, and a tile of the gradient is the kernel.
 *
 * For each chunk (winograd/tiles.h) the tiles of the input and of the gradient are transformed for all tasks. A task
 * then computes a block of input channels by a block of output channels: the products of each place over the chunk's
 * tiles, and from them the taps, which are added in the order of the chunks. */
#include "kernels/simd/conv/algorithms.h"
#include "kernels/simd/conv/recompute.h"
#include "kernels/simd/vector/long_sum.h"
#include "kernels/simd/vector/machine.h"
#include "kernels/simd/vector/partial.h"
#include "kernels/simd/vector/transpose.h"
#include "kernels/simd/winograd/tiles.h"

#include <math.h>

enum { MAX_VECTORS = 4, WINOGRAD_WEIGHT_MAX_TAPS = 25 };

typedef struct winograd_weight_job {
    const conv_plan *plan;
    winograd_grid grid;
    winograd_chunk chunk;
    winograd_layout in_layout,
        out_layout; /* x is [place][channels / LANES][tile][LANES], dy is [place][block][tile][BLOCK] */
    channels_last out_slab;
    conv_axis out_h, out_w; /* the axes of dy as an input */
    const float *x, *dy;
    float *inputs, *kernels, *dweight;
    float *transposed; /* dweight: [output channels / LANES][input channel][tap][LANES] */
    double *wide;      /* the same in double, or NULL: of many chunks */
    char *scratch;
    int64_t number, group;   /* the number of the chunk, and the group of channels */
    int64_t vectors, blocks; /* vectors of input channels, blocks of output channels */
    int64_t parts, part_vectors,
        part_step; /* parts of the input channels, a task each, and the floats from place to place of their products */
    int64_t scratch_floats;
} winograd_weight_job;

bool CNN__SIMD(conv_winograd_weight_fits)(const conv_plan *p)
{
    return winograd_grid_fits(p);
}

static void winograd_weight_plan_blocks(winograd_weight_job *job, const conv_plan *p)
{
    job->plan = p;
    job->vectors = (p->in_channels + LANES - 1) / LANES;
    job->blocks = (p->out_channels + WINOGRAD_BLOCK - 1) / WINOGRAD_BLOCK;
    job->grid = winograd_grid_make(p, (job->vectors * LANES + job->blocks * WINOGRAD_BLOCK + 1) / 2);
    const winograd_grid *g = &job->grid;
    int64_t in_step = job->vectors * g->tiles * LANES + WINOGRAD_APART,
            out_step = job->blocks * g->tiles * WINOGRAD_BLOCK + WINOGRAD_APART;
    job->in_layout = (winograd_layout){ .group = g->tiles, .tile_step = LANES, .place_step = in_step };
    job->out_layout = (winograd_layout){ .group = g->tiles, .tile_step = WINOGRAD_BLOCK, .place_step = out_step };
    job->out_slab = (channels_last){
        .pitch = g->columns * g->side, .strip = g->slab.strip, .strips = g->slab.strips, .rows = g->slab.strip
    };
    job->out_h = (conv_axis){ .in = p->h.grid, .stride = 1 };
    job->out_w = (conv_axis){ .in = p->w.grid, .stride = 1 };
    int64_t wanted = (MIN_TASKS + job->blocks - 1) / job->blocks, vectors = job->vectors / wanted;
    job->part_vectors = vectors < 1 ? 1 : vectors < MAX_VECTORS ? vectors : MAX_VECTORS;
    job->parts = (job->vectors + job->part_vectors - 1) / job->part_vectors;
    job->part_step = job->part_vectors * LANES * WINOGRAD_BLOCK + WINOGRAD_APART;
    int64_t strip = channels_last_size(&g->slab), products = WINOGRAD_PLACES * job->part_step;
    job->scratch_floats = round_up(strip > products ? strip : products, LANES);
}

static int64_t transposed_floats(const winograd_weight_job *job)
{
    return job->plan->groups * job->blocks * WINOGRAD_BLOCK * job->plan->in_channels * plan_taps(job->plan);
}

static bool many_chunks(const winograd_weight_job *job)
{
    return job->grid.chunks > MANY_PARTS;
}

static int64_t shared_floats(const winograd_weight_job *job)
{
    return (many_chunks(job) ? 3 : 1) * transposed_floats(job) +
           WINOGRAD_PLACES * (job->in_layout.place_step + job->out_layout.place_step);
}

size_t CNN__SIMD(conv_winograd_weight_workspace)(const conv_plan *p, int workers)
{
    winograd_weight_job job = { 0 };
    winograd_weight_plan_blocks(&job, p);
    return (size_t)(shared_floats(&job) + job.scratch_floats * workers) * sizeof(float);
}

static float *winograd_weight_scratch_of(const winograd_weight_job *job, int worker)
{
    return (float *)(void *)job->scratch + job->scratch_floats * worker;
}

/* A strip of LANES channels of x, or of dy: the latter's follow. */
static void winograd_weight_transform_strip(void *arg, int64_t task, int worker)
{
    const winograd_weight_job *job = arg;
    const conv_plan *p = job->plan;
    const winograd_grid *g = &job->grid;
    int64_t all = job->vectors + 2 * job->blocks, strip = job->chunk.strip + task / all, vector = task % all;
    int64_t image = strip / g->slab.strips, channel = vector * LANES, rest = p->in_channels - channel;
    if (vector < job->vectors) {
        const float *x = job->x + ((image * p->groups + job->group) * p->in_channels + channel) * p->h.in * p->w.in;
        winograd_strip(g, &g->slab, &p->h, &p->w, 0, &job->chunk, strip, x, rest < LANES ? rest : LANES,
                       winograd_weight_scratch_of(job, worker), &job->in_layout, job->inputs + channel * g->tiles);
        return;
    }
    channel = (vector - job->vectors) * LANES;
    rest = p->out_channels - channel;
    if (rest <= 0) {
        channel -= LANES; /* a block's second half, which nobody reads, gets what the first has */
        rest = p->out_channels - channel;
    }
    const float *dy = job->dy + ((image * p->groups + job->group) * p->out_channels + channel) * p->h.grid * p->w.grid;
    float *to =
        job->kernels + (vector - job->vectors) / 2 * g->tiles * WINOGRAD_BLOCK + (vector - job->vectors) % 2 * LANES;
    winograd_strip(g, &job->out_slab, &job->out_h, &job->out_w, (int)g->side, &job->chunk, strip, dy,
                   rest < LANES ? rest : LANES, winograd_weight_scratch_of(job, worker), &job->out_layout, to);
}

/* Taps of one input channel for LANES output channels. Returns the sum of those of all chunks so far. */
static lanes winograd_weight_finish_channel(const winograd_weight_job *job, const float *products, float *to)
{
    int side = (int)job->plan->h.taps;
    lanes floor = splat(-INFINITY), total = { 0 };
    if (job->number == 0) {
        return winograd_output(side, products, job->part_step, (lanes){ 0 }, floor, to, side * LANES, LANES);
    }
    float taps[WINOGRAD_WEIGHT_MAX_TAPS * LANES];
    winograd_output(side, products, job->part_step, (lanes){ 0 }, floor, taps, side * LANES, LANES);
    if (job->wide) { /* `to` has the first chunk's, and in the end all */
        double *wide = job->wide + (to - job->transposed);
        wide_add(wide, job->number == 1, taps, 1, side * side * LANES, 0);
        if (job->number + 1 == job->grid.chunks) {
            wide_finish(wide, to, 1, side * side * LANES, 0);
        }
        for (int64_t k = 0; k < side * side; k++) {
            total += load(to + k * LANES);
        }
        return total;
    }
    for (int64_t k = 0; k < side * side; k++) {
        lanes sum = load(to + k * LANES) + load(taps + k * LANES);
        total += sum;
        store(to + k * LANES, sum);
    }
    return total;
}

/* The taps of input channel c in the output channels from `o` on whose lanes are not finite, as sums of their own
 * terms. */
static __attribute__((noinline)) void winograd_weight_recompute_channel(const winograd_weight_job *job, int64_t o,
                                                                        int64_t rows, int64_t c, lanes total, float *to)
{
    const conv_plan *p = job->plan;
    const float *x = job->x + job->group * p->in_channels * p->h.in * p->w.in;
    const float *dy = job->dy + job->group * p->out_channels * p->h.grid * p->w.grid;
    lanes_i32 again = not_finite(total);
    for (int64_t k = 0; k < rows; k++) {
        for (int64_t tap = 0; tap < plan_taps(p) && again[k]; tap++) {
            to[tap * LANES + k] = (float)weight_sum(p, x, dy, o + k, c, tap / p->w.taps, tap % p->w.taps);
        }
    }
}

static void multiply_part(void *arg, int64_t task, int worker)
{
    const winograd_weight_job *job = arg;
    const conv_plan *p = job->plan;
    int64_t part = task % job->parts, block = task / job->parts, first = part * job->part_vectors, taps = plan_taps(p);
    int64_t end = first + job->part_vectors < job->vectors ? first + job->part_vectors : job->vectors;
    float *products = winograd_weight_scratch_of(job, worker);
    for (int64_t place = 0; place < WINOGRAD_PLACES; place++) {
        for (int64_t k = first; k < end; k++) {
            winograd_outer(job->chunk.tiles,
                           job->inputs + place * job->in_layout.place_step + k * job->grid.tiles * LANES,
                           job->kernels + place * job->out_layout.place_step + block * job->grid.tiles * WINOGRAD_BLOCK,
                           products + place * job->part_step + (k - first) * LANES * WINOGRAD_BLOCK);
        }
    }
    int64_t c = first * LANES, count = (end * LANES < p->in_channels ? end * LANES : p->in_channels) - c;
    bool last = job->number + 1 == job->grid.chunks;
    for (int64_t o = block * WINOGRAD_BLOCK; o < (block + 1) * WINOGRAD_BLOCK && o < p->out_channels; o += LANES) {
        int64_t rows = min64(p->out_channels - o, LANES), channel = job->group * p->out_channels + o;
        float *transposed =
            job->transposed + ((job->group * job->blocks * WINOGRAD_BLOCK + o) * p->in_channels + c * LANES) * taps;
        for (int64_t k = 0; k < count; k++) {
            float *to = transposed + k * taps * LANES;
            lanes total = winograd_weight_finish_channel(job, products + k * WINOGRAD_BLOCK + o % WINOGRAD_BLOCK, to);
            if (last && !lanes_finite(total)) {
                winograd_weight_recompute_channel(job, o, rows, c + k, total, to);
            }
        }
        if (last) {
            transpose_in(transposed, LANES, rows, count * taps, job->dweight + (channel * p->in_channels + c) * taps,
                         p->in_channels * taps);
        }
    }
}

void CNN__SIMD(conv_winograd_weight)(const conv_plan *p, const float *x, const float *dy, float *dweight, void *memory,
                                     cnn__pool *pool)
{
    winograd_weight_job job = { .x = x, .dy = dy, .dweight = dweight, .transposed = memory };
    winograd_weight_plan_blocks(&job, p);
    job.inputs = job.transposed + transposed_floats(&job);
    if (many_chunks(&job)) {
        job.wide = (double *)(void *)job.inputs;
        job.inputs += 2 * transposed_floats(&job);
    }
    job.kernels = job.inputs + WINOGRAD_PLACES * job.in_layout.place_step;
    job.scratch = (char *)memory + (size_t)shared_floats(&job) * sizeof(float);
    double pairs = (double)(p->in_channels * p->out_channels) * WINOGRAD_PLACES / LANES;
    for (; job.number < job.grid.chunks; job.number++) {
        job.chunk = winograd_chunk_at(&job.grid, job.number);
        int64_t vectors = job.vectors + 2 * job.blocks;
        double tiles = (double)job.chunk.tiles;
        for (job.group = 0; job.group < p->groups; job.group++) {
            cnn__pool_run(pool, job.chunk.strips * vectors, tiles * (double)(vectors * LANES * WINOGRAD_PLACES) / 4,
                          winograd_weight_transform_strip, &job);
            cnn__pool_run(pool, job.blocks * job.parts, pairs * (tiles + 4), multiply_part, &job);
        }
    }
}
