/* The gradient of the weights of a 1 × 1 convolution without padding: Σ dy[o][position] · x[c][position].
 *
 * One of x and dy is packed and transposed, so that a vector holds channels; the rows of the other are read in
 * place. With a stride, x is gathered first. A task owns a block of channels by channels for a chunk of all
 * positions, and goes through it in stretches of an image; the block's sums stay in L2. Which operand is packed, the
 * blocks and the chunks depend on the sizes alone. The chunks' sums are added in order, and transposed where
 * necessary. */
#include "kernels/simd/conv/algorithms.h"
#include "kernels/simd/gemm/tile.h"
#include "kernels/simd/layout/plan.h"
#include "kernels/simd/vector/long_sum.h"
#include "kernels/simd/vector/machine.h"
#include "kernels/simd/vector/partial.h"
#include "kernels/simd/vector/prefetch.h"

enum {
    WEIGHT_1X1_STRETCH = 256,      /* positions */
    BLOCK_PACKED = 4 * TILE_WIDTH, /* channels of a block */
    BLOCK_READ = 36 * TILE_ROWS
};

/* x or dy. */
typedef struct weight_operand {
    const float *at;
    int64_t channels, blocks, block; /* the channels and blocks of a group; the channels of a block */
    int64_t plane;
    bool gathered; /* with a stride */
} weight_operand;

typedef struct weight_1x1_job {
    const conv_plan *plan;
    weight_operand read, packed;
    float *dweight, *partial; /* [chunk][group][read channel][columns] */
    char *scratch;
    int64_t places, stretch, image_stretches, stretches, chunks, chunk_stretches;
    int64_t columns, row_step; /* the columns of the sums, and the distance between their rows */
    int64_t group_step, chunk_step;
    int64_t wide_sums; /* floats of wide sums per task, where a chunk's sums are long */
    bool transposed;   /* dy is packed */
    bool settled;      /* sums are made in dweight */
} weight_1x1_job;

typedef struct weight_1x1_task {
    const weight_1x1_job *job;
    int64_t group, read, reads, packed, packs; /* first channels of the block, and how many */
    int64_t image, begin, count;               /* positions of the stretch */
    float *columns, *gathered; /* [packed channel's panel][position][TILE_WIDTH], [x channel][stretch] */
    double *wide;
    int64_t summed, wides; /* positions that are in the sums, and how often sums were put aside */
    prefetch next, later;
} weight_1x1_task;

/* The cost of packing the operand with `packed` channels, in halves of a vector's product. Transposing a sum back
 * costs three. */
static int64_t weight_1x1_cost(const conv_plan *p, int64_t read, int64_t packed)
{
    int64_t positions = p->batch * p->h.grid * p->w.grid;
    return positions * (read * divide_up(packed, LANES) + packed) + (packed == p->in_channels ? 0 : 3 * read * packed);
}

static void cut_blocks(weight_operand *o, int64_t max, int64_t unit)
{
    o->blocks = divide_up(o->channels, max);
    o->block = round_up(divide_up(o->channels, o->blocks), unit);
    o->blocks = divide_up(o->channels, o->block);
}

static void weight_1x1_plan_blocks(weight_1x1_job *job, const conv_plan *p, const float *x, const float *dy)
{
    job->plan = p;
    job->transposed =
        weight_1x1_cost(p, p->in_channels, p->out_channels) < weight_1x1_cost(p, p->out_channels, p->in_channels);
    weight_operand in = { .at = x, .channels = p->in_channels, .plane = p->h.in * p->w.in };
    weight_operand out = { .at = dy, .channels = p->out_channels, .plane = p->h.grid * p->w.grid };
    in.gathered = p->h.stride != 1 || p->w.stride != 1 || p->h.in != p->h.grid || p->w.in != p->w.grid;
    job->read = job->transposed ? in : out;
    job->packed = job->transposed ? out : in;
    cut_blocks(&job->packed, BLOCK_PACKED, TILE_WIDTH);
    cut_blocks(&job->read, BLOCK_READ, 1);
    job->places = p->h.grid * p->w.grid;
    job->stretch = round_up(divide_up(job->places, divide_up(job->places, WEIGHT_1X1_STRETCH)), LANES);
    job->image_stretches = divide_up(job->places, job->stretch);
    job->stretches = p->batch * job->image_stretches;
    int64_t blocks = p->groups * job->packed.blocks * job->read.blocks;
    job->columns = round_up(job->packed.channels, TILE_WIDTH);
    job->group_step = job->read.channels * job->columns;
    int64_t whole = job->group_step * p->groups, chunks = divide_up(MIN_WEIGHT_TASKS, blocks);
    chunks = min64(min64(chunks, MAX_CHUNKS), min64(job->stretches, MAX_PARTIAL_FLOATS / whole + 1));
    job->chunk_stretches = divide_up(job->stretches, chunks);
    job->chunks = divide_up(job->stretches, job->chunk_stretches);
    job->chunk_step = whole;
    job->settled = job->chunks == 1 && !job->transposed && p->in_channels % LANES == 0;
    job->row_step = job->settled ? p->in_channels : job->columns;
    job->group_step = job->read.channels * job->row_step;
    bool wide = long_sum(job->chunk_stretches * job->stretch);
    job->wide_sums = wide ? round_up(job->read.block * round_up(job->packed.block, TILE_WIDTH), 8) : 0;
}

static size_t weight_1x1_partial_size(const weight_1x1_job *job)
{
    return job->settled ? 0 : (size_t)(job->chunks * job->chunk_step) * sizeof(float);
}

static size_t weight_1x1_columns_size(const weight_1x1_job *job)
{
    return (size_t)((job->stretch + LANES) * min64(BLOCK_PACKED, job->columns));
}

static size_t weight_1x1_scratch_size(const weight_1x1_job *job)
{
    int64_t channels = job->packed.gathered ? job->packed.block : job->read.gathered ? job->read.block : 0;
    size_t floats = weight_1x1_columns_size(job) + (size_t)round_up(channels * job->stretch, 16);
    return floats * sizeof(float) + (size_t)job->wide_sums * sizeof(double);
}

size_t CNN__SIMD(conv_1x1_weight_workspace)(const conv_plan *p, int workers)
{
    weight_1x1_job job = { 0 };
    weight_1x1_plan_blocks(&job, p, NULL, NULL);
    return weight_1x1_partial_size(&job) + weight_1x1_scratch_size(&job) * (size_t)workers;
}

/* ---- the product ---- */

static const float *channel_at(const weight_1x1_task *t, const weight_operand *o, int64_t channel)
{
    return o->at + ((t->image * t->job->plan->groups + t->group) * o->channels + channel) * o->plane;
}

/* Gathers the stretch's positions of some channels of x. */
static void gather(const weight_1x1_task *t, const weight_operand *o, int64_t channel, int64_t channels)
{
    const conv_axis *h = &t->job->plan->h, *w = &t->job->plan->w;
    const float *plane = channel_at(t, o, channel);
    for (int64_t c = 0; c < channels; c++, plane += o->plane) {
        float *to = t->gathered + c * t->job->stretch;
        for (int64_t at = t->begin, count; at < t->begin + t->count; at += count, to += count) {
            count = min64(w->grid - at % w->grid, t->begin + t->count - at);
            copy_every(plane + at / w->grid * h->stride * w->in + at % w->grid * w->stride, w->stride, to, count);
        }
    }
}

/* The block's channels of an operand for the stretch, as rows of positions. */
static tile_operand operand_rows(const weight_1x1_task *t, const weight_operand *o, int64_t channel, int64_t channels)
{
    if (o->gathered) {
        gather(t, o, channel, channels);
        return (tile_operand){ t->gathered, t->job->stretch, 1, NULL };
    }
    return (tile_operand){ channel_at(t, o, channel) + t->begin, o->plane, 1, NULL };
}

static void weight_1x1_multiply_stretch(weight_1x1_task *t, float *sums)
{
    const weight_1x1_job *job = t->job;
    int64_t panel_rows = panel_rows_of(t->reads);
    tile_operand packed = operand_rows(t, &job->packed, t->packed, t->packs),
                 a = operand_rows(t, &job->read, t->read, t->reads);
    for (int64_t k = 0; k < t->packs; k += LANES) {
        pack_transposed(packed.at + k * packed.across, packed.across, min64(LANES, t->packs - k), LANES, t->count,
                        t->columns + k / TILE_WIDTH * TILE_WIDTH * t->count + k % TILE_WIDTH, TILE_WIDTH);
    }
    tile_grid grid = { .rows = t->reads,
                       .panel_rows = panel_rows,
                       .k = t->count,
                       .a = a,
                       .a_step = panel_rows * a.across,
                       .b = { t->columns, 1, TILE_WIDTH, NULL },
                       .b_step = t->count * TILE_WIDTH,
                       .start = t->summed ? FROM_C : FROM_COLUMNS,
                       .c = sums,
                       .step = job->row_step };
    tile_multiply_columns(grid, t->packs, &t->next);
    t->summed += t->count;
}

/* Adds the sums to the wide sums if the next stretch would make them too long. */
static void weight_1x1_keep_part(weight_1x1_task *t, const float *sums)
{
    if (t->job->wide_sums && t->summed + t->count > PART_SUM) {
        wide_add(t->wide, t->wides++ == 0, sums, t->reads, t->packs, t->job->row_step);
        t->summed = 0;
    }
}

static void take_stretch(weight_1x1_task *t, int64_t stretch)
{
    const weight_1x1_job *job = t->job;
    t->image = stretch / job->image_stretches;
    t->begin = stretch % job->image_stretches * job->stretch;
    t->count = min64(job->stretch, job->places - t->begin);
}

static prefetch prefetch_rows(const weight_1x1_task *t, const weight_operand *o, int64_t channel, int64_t channels,
                              int64_t calls)
{
    const weight_1x1_job *job = t->job;
    const conv_axis *h = &job->plan->h, *w = &job->plan->w;
    int64_t begin = t->begin, count = t->count, size = (int64_t)sizeof(float);
    if (o->gathered) {
        begin = begin / w->grid * h->stride * w->in;
        count = min64(divide_up(count, w->grid) * h->stride * w->in, o->plane - begin);
    }
    return prefetch_make(channel_at(t, o, channel) + begin, count * size, channels, o->plane * size, calls);
}

/* Plans the prefetch of both operands of a stretch, for this task's channels. */
static void weight_1x1_prefetch_stretch(weight_1x1_task *t, int64_t stretch)
{
    const weight_1x1_job *job = t->job;
    weight_1x1_task next = *t;
    take_stretch(&next, stretch);
    int64_t calls = divide_up(t->reads, TILE_ROWS) * divide_up(t->packs, TILE_WIDTH);
    calls *= divide_up(t->count, FETCH_STEPS);
    t->later = prefetch_rows(&next, &job->packed, t->packed, t->packs, calls / 2);
    t->next = prefetch_rows(&next, &job->read, t->read, t->reads, calls / 2);
    t->next.then = &t->later;
}

static void weight_1x1_task_run(void *arg, int64_t task, int worker)
{
    const weight_1x1_job *job = arg;
    const conv_plan *p = job->plan;
    int64_t blocks = job->read.blocks * job->packed.blocks, chunk = task / blocks / p->groups;
    weight_1x1_task t = { .job = job,
                          .group = task / blocks % p->groups,
                          .read = task / job->packed.blocks % job->read.blocks * job->read.block,
                          .packed = task % job->packed.blocks * job->packed.block };
    t.reads = min64(job->read.block, job->read.channels - t.read);
    t.packs = min64(job->packed.block, job->packed.channels - t.packed);
    t.wide = (double *)(void *)(job->scratch + weight_1x1_scratch_size(job) * (size_t)worker);
    t.columns = (float *)(void *)(t.wide + job->wide_sums);
    t.gathered = t.columns + weight_1x1_columns_size(job);
    float *sums = (job->settled ? job->dweight : job->partial + chunk * job->chunk_step) + t.group * job->group_step +
                  t.read * job->row_step + t.packed;
    int64_t end = min64((chunk + 1) * job->chunk_stretches, job->stretches);
    for (int64_t stretch = chunk * job->chunk_stretches; stretch < end; stretch++) {
        take_stretch(&t, stretch);
        t.next = (prefetch){ 0 };
        if (stretch + 1 < end) {
            weight_1x1_prefetch_stretch(&t, stretch + 1);
        }
        weight_1x1_keep_part(&t, sums);
        weight_1x1_multiply_stretch(&t, sums);
    }
    if (t.wides) {
        wide_finish(t.wide, sums, t.reads, t.packs, job->row_step);
    }
}

/* Adds all chunks for LANES channels of the sums' rows. */
static void settle(void *arg, int64_t task, int worker)
{
    (void)worker;
    const weight_1x1_job *job = arg;
    const conv_plan *p = job->plan;
    int64_t tasks = divide_up(job->read.channels, LANES), group = task / tasks, row = task % tasks * LANES;
    int64_t rows = min64(LANES, job->read.channels - row);
    for (int64_t column = 0; column < job->packed.channels; column += LANES) {
        const float *from = job->partial + group * job->group_step + row * job->row_step + column;
        int64_t some = min64(LANES, job->packed.channels - column);
        lanes v[LANES];
        for (int64_t i = 0; i < LANES; i++) {
            v[i] = i < rows ? load(from + i * job->row_step) : (lanes){ 0 };
            for (int64_t chunk = 1; chunk < job->chunks && i < rows; chunk++) {
                v[i] += load(from + chunk * job->chunk_step + i * job->row_step);
            }
        }
        if (job->transposed) {
            transpose(v);
        }
        float *to = job->dweight + group * p->weight_group +
                    (job->transposed ? column * p->in_channels + row : row * p->in_channels + column);
        for (int64_t i = 0; i < (job->transposed ? some : rows); i++) {
            store_partial(to + i * p->in_channels, v[i], job->transposed ? rows : some);
        }
    }
}

void CNN__SIMD(conv_1x1_weight)(const conv_plan *p, const float *x, const float *dy, float *dweight, void *memory,
                                cnn__pool *pool)
{
    weight_1x1_job job = { .dweight = dweight, .partial = memory };
    weight_1x1_plan_blocks(&job, p, x, dy);
    job.scratch = (char *)memory + weight_1x1_partial_size(&job);
    cnn__pool_run(pool, job.chunks * p->groups * job.read.blocks * job.packed.blocks, plan_work(p), weight_1x1_task_run,
                  &job);
    if (!job.settled) {
        double sums = (double)(job.chunks * job.chunk_step) / LANES;
        cnn__pool_run(pool, p->groups * divide_up(job.read.channels, LANES), sums, settle, &job);
    }
}
