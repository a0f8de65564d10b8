/* Convolutions of stride 1 by 3 × 3 or 5 × 5 kernels between many channels, forward and the gradient of the data, with
 * Winograd's tiles.
 *
 * For each chunk (winograd/tiles.h) the tiles of the input are transformed for all tasks, or by each worker for itself
 * where they are few: fetching them from another one's caches would take longer. A task then computes a block of
 * output channels for some groups of tiles: the products of each place, and from them the outputs, which are
 * transposed back into planes. If there are fewer blocks than tasks should be, the kernels are transformed beforehand
 * for all tasks, else by the task that uses them.
 *
 * What a caller keeps of the weights are the transformed kernels where all tasks share them. Where each task transforms
 * its own there are few tiles, for which reading 36 places of a kernel from memory takes longer than transforming its
 * taps again: then it keeps the taps, transposed. */
#include "kernels/simd/conv/algorithms.h"
#include "kernels/simd/conv/epilogue.h"
#include "kernels/simd/conv/recompute.h"
#include "kernels/simd/vector/machine.h"
#include "kernels/simd/vector/partial.h"
#include "kernels/simd/vector/transpose.h"
#include "kernels/simd/winograd/tiles.h"

#include <math.h>

enum {
    SET = 4,                  /* groups that go through a place together: its kernels are read once for all of them */
    TRANSPOSED_CHANNELS = 16, /* input channels whose kernels are transposed at once */
    WINOGRAD_CONV_STRETCH =
        CNN__VECTOR_BYTES == 64 ? 32 : 64, /* input channels whose kernels are transposed and transformed at once, where
                                         they serve a single set: they leave most of L2 to the weights */
    FETCH = 6 /* channels ahead, whose kernels are too far apart for the hardware prefetcher */
};

typedef struct winograd_conv_job {
    const conv_plan *plan;
    winograd_grid grid;
    winograd_chunk chunk;
    /* The layout of the inputs: [group][place][channels / LANES][WINOGRAD_TILES][LANES], up to WINOGRAD_TILES tiles per
     * group. */
    winograd_layout layout;
    const float *x, *weight, *bias;
    float *y, *inputs, *kernels; /* kernels for all, if shared: [group][block][place][channel][BLOCK] */
    int64_t inputs_step;         /* from one worker's inputs to those of the next, or 0: they are shared */
    float *taps;                 /* kept, if not shared: [group][block][half][channel][tap][LANES]; NULL: none */
    char *scratch;
    bool shared;
    bool alone;               /* each worker transforms all tiles */
    bool by_shares;           /* tasks of the same tiles lie side by side, or else those of the same kernels */
    int64_t group;            /* the group of channels */
    int64_t channels, groups; /* the input's channels, in whole vectors, and a chunk's groups of tiles */
    int64_t blocks, shares;   /* blocks of output channels, and shares of a chunk's groups of tiles */
    int64_t set;              /* groups that go through a place together, SET or fewer */
    int64_t stretch;          /* input channels whose kernels are in the cache at once */
    int64_t kernel_step, kernel_floats; /* the floats per place, and per block */
    int64_t scratch_floats;
} winograd_conv_job;

bool CNN__SIMD(conv_winograd_fits)(const conv_plan *p)
{
    return winograd_grid_fits(p);
}

static void winograd_conv_plan_blocks(winograd_conv_job *job, const conv_plan *p)
{
    job->plan = p;
    job->channels = round_up(p->in_channels, LANES);
    job->grid = winograd_grid_make(p, job->channels);
    const winograd_grid *g = &job->grid;
    job->groups = (g->tiles + WINOGRAD_TILES - 1) / WINOGRAD_TILES;
    int64_t place_step = WINOGRAD_TILES * job->channels + WINOGRAD_APART;
    job->layout = (winograd_layout){ .group = (g->tiles + job->groups - 1) / job->groups,
                                     .group_step = WINOGRAD_PLACES * place_step,
                                     .tile_step = LANES,
                                     .place_step = place_step };
    job->blocks = (p->out_channels + WINOGRAD_BLOCK - 1) / WINOGRAD_BLOCK;
    job->shares = (MIN_TASKS + job->blocks - 1) / job->blocks;
    int64_t sets = (job->groups + SET - 1) / SET;
    job->shares = job->shares < sets ? job->shares : sets;
    job->shared = job->shares > 1;
    job->alone = job->groups == 1 && job->layout.group_step <= QUARTER_L2;
    job->set = job->groups < SET ? job->groups : SET;
    job->stretch =
        job->shared || sets > 1 || p->in_channels < WINOGRAD_CONV_STRETCH ? p->in_channels : WINOGRAD_CONV_STRETCH;
    job->kernel_step = job->stretch * WINOGRAD_BLOCK + WINOGRAD_APART;
    job->kernel_floats = WINOGRAD_PLACES * job->kernel_step;
    int64_t transposed = plan_taps(p) * TRANSPOSED_CHANNELS * LANES, strip = channels_last_size(&g->slab);
    int64_t outputs = g->side * g->side * job->set * WINOGRAD_TILES * LANES;
    int64_t own =
        (job->shared ? 0 : job->kernel_floats) + job->set * WINOGRAD_GROUP_FLOATS + max64(transposed, outputs);
    job->scratch_floats = round_up(max64(strip, own), LINE_FLOATS);
    if (job->alone) {
        job->inputs_step = job->scratch_floats += LINE_FLOATS + job->layout.group_step;
    }
}

static size_t winograd_conv_shared_size(const winograd_conv_job *job)
{
    int64_t kernels = job->shared && !job->plan->packed ? job->plan->groups * job->blocks * job->kernel_floats : 0;
    return (size_t)(LINE_FLOATS + job->groups * job->layout.group_step + kernels) * sizeof(float);
}

/* The transposed taps of LANES output channels. */
static int64_t winograd_taps_floats(const conv_plan *p)
{
    return plan_taps(p) * p->in_channels * LANES;
}

size_t CNN__SIMD(conv_winograd_packed)(const conv_plan *p)
{
    winograd_conv_job job = { 0 };
    winograd_conv_plan_blocks(&job, p);
    int64_t block = job.shared ? job.kernel_floats : 2 * winograd_taps_floats(p);
    return (size_t)(p->groups * job.blocks * block) * sizeof(float);
}

size_t CNN__SIMD(conv_winograd_workspace)(const conv_plan *p, int workers)
{
    winograd_conv_job job = { 0 };
    winograd_conv_plan_blocks(&job, p);
    return winograd_conv_shared_size(&job) + (size_t)job.scratch_floats * sizeof(float) * (size_t)workers;
}

static float *winograd_conv_scratch_of(const winograd_conv_job *job, int worker)
{
    return (float *)(void *)job->scratch + job->scratch_floats * worker;
}

/* ---- the kernels ---- */

/* LANES output channels from `o` on, `count` input channels from `c` on; output channels past the last get zeros. */
static void winograd_kernels(const winograd_conv_job *job, int64_t group, int64_t o, int64_t c, int64_t count,
                             float *transposed, float *to)
{
    const conv_plan *p = job->plan;
    int64_t taps = plan_taps(p), rest = p->out_channels - o, rows = rest < LANES ? rest : LANES;
    const float *from = job->weight + group * p->weight_group + o * p->weight_out + c * p->weight_in;
    const float *kept = job->taps;
    if (kept) {
        int64_t half = group * job->blocks * 2 + o / LANES;
        transposed = job->taps + half * winograd_taps_floats(p) + c * taps * LANES;
    }
    const float *first = transposed + (p->h.weight_first * p->weight_row + p->w.weight_first) * LANES;
    bool joined = p->weight_in == taps;
    for (int64_t k = 0; k < count; k++, to += WINOGRAD_BLOCK) {
        if (rows <= 0) {
            for (int64_t place = 0; place < WINOGRAD_PLACES; place++) {
                store(to + place * job->kernel_step, (lanes){ 0 });
            }
            continue;
        }
        for (int64_t at = 0; at < rows * taps && !joined && k + FETCH < count; at += WINOGRAD_APART) {
            __builtin_prefetch(from + (k + FETCH) * p->weight_in + at);
        }
        if (!kept && (k % TRANSPOSED_CHANNELS == 0 || !joined)) {
            int64_t channels = !joined ? 1 : count - k < TRANSPOSED_CHANNELS ? count - k : TRANSPOSED_CHANNELS;
            transpose_out(from + k * p->weight_in, p->weight_out, rows, channels * taps, transposed, LANES);
        }
        int64_t which = kept ? k : joined ? k % TRANSPOSED_CHANNELS : 0;
        winograd_kernel((int)p->h.taps, first + which * taps * LANES, p->h.weight_step * p->weight_row * LANES,
                        p->w.weight_step * LANES, to, job->kernel_step);
    }
}

static void transpose_taps(void *arg, int64_t half, int worker)
{
    (void)worker;
    const winograd_conv_job *job = arg;
    const conv_plan *p = job->plan;
    int64_t o = half % (2 * job->blocks) * LANES, rows = min64(p->out_channels - o, LANES);
    if (rows > 0) {
        transpose_out(job->weight + half / (2 * job->blocks) * p->weight_group + o * p->weight_out, p->weight_out, rows,
                      p->in_channels * plan_taps(p), job->taps + half * winograd_taps_floats(p), LANES);
    }
}

static void share_kernels(void *arg, int64_t task, int worker)
{
    const winograd_conv_job *job = arg;
    int64_t block = task / 2 % job->blocks, group = task / 2 / job->blocks, half = task % 2;
    winograd_kernels(job, group, block * WINOGRAD_BLOCK + half * LANES, 0, job->stretch,
                     winograd_conv_scratch_of(job, worker),
                     job->kernels + task / 2 * job->kernel_floats + half * LANES);
}

/* ---- the inputs ---- */

static float *inputs_of(const winograd_conv_job *job, int worker)
{
    return job->inputs + job->inputs_step * worker;
}

/* Whether a worker's inputs are transformed, in the line before them. */
static bool *transformed_of(const winograd_conv_job *job, int worker)
{
    return (bool *)(inputs_of(job, worker) - LINE_FLOATS);
}

static int64_t winograd_conv_transforms(const winograd_conv_job *job)
{
    return job->chunk.strips * job->channels / LANES;
}

static void winograd_conv_transform_strip(void *arg, int64_t task, int worker)
{
    const winograd_conv_job *job = arg;
    const conv_plan *p = job->plan;
    const winograd_grid *g = &job->grid;
    int64_t vectors = job->channels / LANES, strip = job->chunk.strip + task / vectors,
            channel = task % vectors * LANES;
    int64_t image = strip / g->slab.strips, rest = p->in_channels - channel;
    const float *x = job->x + ((image * p->groups + job->group) * p->in_channels + channel) * p->h.in * p->w.in;
    winograd_strip(g, &g->slab, &p->h, &p->w, 0, &job->chunk, strip, x, rest < LANES ? rest : LANES,
                   winograd_conv_scratch_of(job, worker), &job->layout,
                   inputs_of(job, worker) + channel * WINOGRAD_TILES);
}

/* ---- the outputs ---- */

/* Recomputes the outputs of a tile as sums of their own terms, in the channels whose lanes are not finite: a NaN, an
 * infinity or an overflow may come from places of the tile that belong to no window of these outputs. */
static __attribute__((noinline)) void winograd_recompute_tile(const winograd_conv_job *job, int64_t tile, int64_t o,
                                                              int64_t channels, lanes total, float *to, int64_t row)
{
    const conv_plan *p = job->plan;
    const winograd_grid *g = &job->grid;
    int64_t image = tile / g->columns / g->lines, line = tile / g->columns % g->lines * g->side;
    int64_t column = tile % g->columns * g->side, rows = min64(g->side, p->h.grid - line);
    int64_t columns = min64(g->side, p->w.grid - column);
    const float *x = job->x + (image * p->groups + job->group) * p->in_channels * p->h.in * p->w.in;
    const float *weight = job->weight + job->group * p->weight_group;
    lanes_i32 again = not_finite(total);
    for (int64_t k = 0; k < channels; k++) {
        double bias = job->bias ? (double)job->bias[job->group * p->out_channels + o + k] : 0;
        for (int64_t at = 0; at < rows * columns && again[k]; at++) {
            int64_t i = at / columns, j = at % columns;
            float v = (float)(plan_sum(p, x, weight, o + k, line + i, column + j) + bias);
            to[i * row + j * LANES + k] = p->relu && v < 0 ? 0 : v;
        }
    }
}

/* LANES channels from `o` on of tiles [tile, tile + count), which lie side by side; `at` is the first within the
 * set. */
static void winograd_finish_run(const winograd_conv_job *job, const float *products, int64_t at, int64_t tile,
                                int64_t count, int64_t o, float *transposed)
{
    const conv_plan *p = job->plan;
    const winograd_grid *g = &job->grid;
    int64_t rest = p->out_channels - o, channels = rest < LANES ? rest : LANES, side = g->side,
            row = count * side * LANES;
    int64_t channel = job->group * p->out_channels + o, plane = p->h.out * p->w.out;
    lanes floor = splat(p->relu ? 0 : -INFINITY),
          bias = job->bias ? load_partial(job->bias + channel, channels) : (lanes){ 0 };
    for (int64_t i = 0; i < count; i++) {
        const float *from = products + (at + i) / job->layout.group * WINOGRAD_GROUP_FLOATS +
                            (at + i) % job->layout.group * WINOGRAD_BLOCK;
        float *to = transposed + i * side * LANES;
        lanes total = winograd_output((int)side, from, WINOGRAD_TILES * WINOGRAD_BLOCK, bias, floor, to, row, LANES);
        if (!lanes_finite(total)) {
            winograd_recompute_tile(job, tile + i, o, channels, total, to, row);
        }
    }
    int64_t line = tile / g->columns % g->lines * side, column = tile % g->columns * side;
    int64_t columns = p->w.grid - column < count * side ? p->w.grid - column : count * side;
    float *y = job->y + (tile / g->columns / g->lines * p->groups * p->out_channels + channel) * plane +
               (p->h.out_first + line) * p->w.out + p->w.out_first + column;
    for (int64_t i = 0; i < side && line + i < p->h.grid; i++) {
        CNN__SIMD(channels_last_unpack)(transposed + i * row, columns, plane, channels, false, y + i * p->w.out);
        if (p->relu_mask || (p->finish && !(p->relu && !(p->finish->ceiling > 0)))) { /* ReLU alone is done */
            epilogue(p, job->y, y - job->y + i * p->w.out, channels, columns, plane);
        }
    }
}

static void finish_set(const winograd_conv_job *job, const float *products, int64_t first, int64_t tiles, int64_t block,
                       float *transposed)
{
    const winograd_grid *g = &job->grid;
    for (int64_t at = 0, count; at < tiles; at += count) {
        int64_t left = g->columns - (first + at) % g->columns;
        count = left < tiles - at ? left : tiles - at;
        for (int64_t o = block * WINOGRAD_BLOCK; o < (block + 1) * WINOGRAD_BLOCK && o < job->plan->out_channels;
             o += LANES) {
            winograd_finish_run(job, products + o % WINOGRAD_BLOCK, at, first + at, count, o, transposed);
        }
    }
}

/* The products of groups [begin, end) over `count` input channels from `c` on. */
static void multiply_set(const winograd_conv_job *job, int64_t begin, int64_t end, int64_t c, int64_t count,
                         const float *inputs, const float *kernels, float *products)
{
    int64_t group = job->layout.group;
    for (int64_t place = 0; place < WINOGRAD_PLACES; place++) {
        for (int64_t k = begin; k < end; k++) {
            int64_t rest = job->chunk.tiles - k * group, tiles = rest < group ? rest : group;
            const float *in = inputs + k * job->layout.group_step + place * job->layout.place_step + c * WINOGRAD_TILES;
            winograd_product(tiles, count, c > 0, in, kernels + place * job->kernel_step,
                             products + (k - begin) * WINOGRAD_GROUP_FLOATS + place * WINOGRAD_TILES * WINOGRAD_BLOCK);
        }
    }
}

static void multiply_share(void *arg, int64_t task, int worker)
{
    const winograd_conv_job *job = arg;
    int64_t group = job->layout.group, groups = (job->chunk.tiles + group - 1) / group;
    int64_t depth = job->plan->in_channels;
    int64_t block = job->by_shares ? task % job->blocks : task / job->shares,
            share = job->by_shares ? task / job->blocks : task % job->shares;
    float *own = winograd_conv_scratch_of(job, worker), *products = own + (job->shared ? 0 : job->kernel_floats);
    const float *kernels = job->shared ? job->kernels + (job->group * job->blocks + block) * job->kernel_floats : own;
    int64_t begin = share * groups / job->shares, end = (share + 1) * groups / job->shares;
    if (!*transformed_of(job, worker)) {
        for (int64_t k = 0; k < winograd_conv_transforms(job); k++) {
            winograd_conv_transform_strip(arg, k, worker);
        }
        *transformed_of(job, worker) = true;
    }
    for (int64_t set = begin; set < end; set += SET) {
        int64_t last = set + SET < end ? set + SET : end, first = set * group, tiles = (last - set) * group;
        tiles = first + tiles < job->chunk.tiles ? tiles : job->chunk.tiles - first;
        for (int64_t c = 0; c < depth; c += job->stretch) {
            int64_t count = depth - c < job->stretch ? depth - c : job->stretch;
            for (int64_t half = 0; half < 2 && !job->shared && (set == begin || job->stretch < depth); half++) {
                winograd_kernels(job, job->group, block * WINOGRAD_BLOCK + half * LANES, c, count,
                                 products + job->set * WINOGRAD_GROUP_FLOATS, own + half * LANES);
            }
            multiply_set(job, set, last, c, count, inputs_of(job, worker), kernels, products);
        }
        finish_set(job, products, job->chunk.tile + first, tiles, block, products + job->set * WINOGRAD_GROUP_FLOATS);
    }
}

void CNN__SIMD(conv_winograd)(const conv_plan *p, const float *x, const float *weight, const float *bias, float *y,
                              void *memory, cnn__pool *pool)
{
    winograd_conv_job job = { .x = x, .weight = weight, .bias = bias, .y = y, .inputs = (float *)memory + LINE_FLOATS };
    winograd_conv_plan_blocks(&job, p);
    job.kernels = p->packed && job.shared ? p->packed : job.inputs + job.groups * job.layout.group_step;
    job.taps = job.shared ? NULL : p->packed;
    job.by_shares = cnn__pool_size(pool) > 1; /* a thread multiplies the tiles that it has transformed */
    job.scratch = (char *)memory + winograd_conv_shared_size(&job);
    double pairs = (double)(p->in_channels * p->out_channels) * WINOGRAD_PLACES / LANES;
    if (job.shared && (p->packs || !p->packed)) {
        cnn__pool_run(pool, p->groups * job.blocks * 2, 8 * pairs * (double)p->groups, share_kernels, &job);
    } else if (job.taps && p->packs) {
        cnn__pool_run(pool, p->groups * job.blocks * 2, pairs * (double)p->groups, transpose_taps, &job);
    }
    for (int64_t k = 0; k < job.grid.chunks; k++) {
        job.chunk = winograd_chunk_at(&job.grid, k);
        double tiles = (double)job.chunk.tiles;
        for (job.group = 0; job.group < p->groups; job.group++) {
            for (int i = 0; i < cnn__pool_size(pool); i++) {
                *transformed_of(&job, i) = !job.alone;
            }
            if (!job.alone) {
                cnn__pool_run(pool, winograd_conv_transforms(&job),
                              tiles * (double)(job.channels * WINOGRAD_PLACES) / 4, winograd_conv_transform_strip,
                              &job);
            }
            cnn__pool_run(pool, job.blocks * job.shares, pairs * tiles, multiply_share, &job);
        }
    }
}
