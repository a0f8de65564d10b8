/* The gradient of a depthwise convolution's weights, on channels-last copies (layout/channels_last.h). A task owns a
 * block of channels and a chunk of the images, which it goes through in order. Up to nine taps are summed at a time,
 * in registers over a strip. */
#include "kernels/simd/conv/algorithms.h"
#include "kernels/simd/layout/channels_last.h"
#include "kernels/simd/vector/long_sum.h"
#include "kernels/simd/vector/machine.h"

enum { TAPS = 9 };

typedef struct dw_weight_job {
    const conv_plan *plan;
    channels_last slab;
    const float *x, *dy;
    float *dweight, *partial; /* [chunk][block][tap][LANES] */
    char *scratch;
    int64_t taps, blocks, chunks, chunk_images;
    int64_t slab_size, dy_size, wide_sums; /* the last where a chunk's sums are long */
} dw_weight_job;

/* The sums of a task, [tap][LANES], and how many positions of each channel they contain. */
typedef struct dw_weight_sums {
    float *floats;
    double *wide;
    int64_t summed, wides;
} dw_weight_sums;

static dw_weight_job dw_weight_make_job(const conv_plan *p)
{
    dw_weight_job job = { .plan = p, .slab = CNN__SIMD(channels_last_make)(p, 1), .taps = plan_taps(p) };
    job.blocks = (p->groups + LANES - 1) / LANES;
    job.chunks = (MIN_WEIGHT_TASKS + job.blocks - 1) / job.blocks;
    job.chunks = job.chunks < p->batch ? job.chunks : p->batch;
    job.chunk_images = (p->batch + job.chunks - 1) / job.chunks;
    job.chunks = (p->batch + job.chunk_images - 1) / job.chunk_images;
    job.slab_size = round_up(channels_last_size(&job.slab), 16);
    job.dy_size = round_up(job.slab.strip * p->w.grid * LANES, 16);
    job.wide_sums = long_sum(job.chunk_images * p->h.grid * p->w.grid) ? job.taps * LANES : 0;
    return job;
}

static size_t dw_weight_partial_size(const dw_weight_job *job)
{
    return (size_t)round_up(job->chunks * job->blocks * job->taps * LANES, 16) * sizeof(float);
}

static size_t dw_weight_scratch_size(const dw_weight_job *job)
{
    return (size_t)(job->slab_size + job->dy_size + round_up(2 * job->wide_sums, 16)) * sizeof(float);
}

size_t CNN__SIMD(depthwise_backward_weight_workspace)(const conv_plan *p, int workers)
{
    dw_weight_job job = dw_weight_make_job(p);
    return dw_weight_partial_size(&job) + dw_weight_scratch_size(&job) * (size_t)workers;
}

/* Adds the lines of a strip, of `count` positions each. `taps` is a constant where this is inlined, so the sums are
 * registers. */
CNN__INLINE void add_taps(int taps, const dw_weight_job *job, const int64_t *at, int64_t lines, int64_t count,
                          const float *slab, const float *dy, float *sums, prefetch *next)
{
    const conv_plan *p = job->plan;
    int64_t step = p->w.stride * LANES, rest = (p->w.grid - count) * LANES;
    lanes acc[TAPS];
#pragma GCC unroll 9
    for (int t = 0; t < taps; t++) {
        acc[t] = load(sums + t * LANES);
    }
    for (int64_t q = 0; q < lines; q++, dy += rest) {
        prefetch_lines(next);
        const float *from = slab + q * p->h.stride * job->slab.pitch * LANES;
        for (int64_t k = 0; k < count; k++, dy += LANES, from += step) {
            lanes g = load(dy);
#pragma GCC unroll 9
            for (int t = 0; t < taps; t++) {
                acc[t] += g * load(from + at[t]);
            }
        }
    }
#pragma GCC unroll 9
    for (int t = 0; t < taps; t++) {
        store(sums + t * LANES, acc[t]);
    }
}

static void add_lines(const dw_weight_job *job, int64_t lines, int64_t count, const float *slab, const float *dy,
                      float *sums, prefetch *next)
{
    const conv_plan *p = job->plan;
    for (int64_t first = 0; first < job->taps; first += TAPS) {
        int64_t at[TAPS], some = job->taps - first < TAPS ? job->taps - first : TAPS;
        for (int64_t t = 0; t < some; t++) {
            int64_t i = (first + t) / p->w.taps * p->h.step, j = (first + t) % p->w.taps * p->w.step;
            at[t] = (i * job->slab.pitch + j) * LANES;
        }
        if (some == TAPS) {
            add_taps(TAPS, job, at, lines, count, slab, dy, sums + first * LANES, next);
        }
        for (int64_t t = 0; t < some && some < TAPS; t++) {
            add_taps(1, job, at + t, lines, count, slab, dy, sums + (first + t) * LANES, next);
        }
    }
}

/* Adds a strip's lines, or pieces of them where sums are long. */
static void add_strip(const dw_weight_job *job, int64_t lines, const float *slab, const float *dy, dw_weight_sums *sums,
                      prefetch *next)
{
    const conv_plan *p = job->plan;
    if (!job->wide_sums) {
        add_lines(job, lines, p->w.grid, slab, dy, sums->floats, next);
        return;
    }
    int64_t columns = min64(p->w.grid, PART_SUM), most_lines = PART_SUM / columns;
    for (int64_t line = 0, some; line < lines; line += some) {
        some = min64(most_lines, lines - line);
        for (int64_t column = 0, count; column < p->w.grid; column += count) {
            count = min64(columns, p->w.grid - column);
            if (sums->summed + some * count > PART_SUM) {
                wide_add(sums->wide, sums->wides++ == 0, sums->floats, 1, job->wide_sums, 0);
                memset(sums->floats, 0, (size_t)job->wide_sums * sizeof *sums->floats);
                sums->summed = 0;
            }
            add_lines(job, some, count, slab + (line * p->h.stride * job->slab.pitch + column * p->w.stride) * LANES,
                      dy + (line * p->w.grid + column) * LANES, sums->floats, next);
            sums->summed += some * count;
        }
    }
}

static void dw_weight_block(void *arg, int64_t task, int worker)
{
    const dw_weight_job *job = arg;
    const conv_plan *p = job->plan;
    const channels_last *s = &job->slab;
    int64_t block = task % job->blocks, begin = task / job->blocks * job->chunk_images, first = block * LANES;
    int64_t end = begin + job->chunk_images < p->batch ? begin + job->chunk_images : p->batch;
    int64_t channels = p->groups - first < LANES ? p->groups - first : LANES, plane = p->h.grid * p->w.grid;
    float *slab = (float *)(void *)(job->scratch + dw_weight_scratch_size(job) * (size_t)worker),
          *dy = slab + job->slab_size;
    dw_weight_sums sums = { .floats = job->partial + task * job->taps * LANES };
    sums.wide = (double *)(void *)(dy + job->dy_size);
    memset(sums.floats, 0, (size_t)(job->taps * LANES) * sizeof *sums.floats);
    for (int64_t n = begin; n < end; n++) {
        int64_t at = n * p->groups + first;
        for (int64_t line = 0; line < p->h.grid; line += s->strip) {
            int64_t lines = p->h.grid - line < s->strip ? p->h.grid - line : s->strip;
            CNN__SIMD(channels_last_fill)(s, &p->h, &p->w, line, job->x + at * p->h.in * p->w.in, channels, slab);
            CNN__SIMD(channels_last_pack)
            (job->dy + at * plane + line * p->w.grid, plane, channels, lines * p->w.grid, dy);
            bool turn = line + s->strip >= p->h.grid; /* goes on to the next image */
            int64_t line_next = turn ? 0 : line + s->strip, at_next = turn ? at + p->groups : at, calls = lines;
            prefetch next = { 0 }, dy_next = { 0 };
            if (!turn || n + 1 < end) {
                int64_t rest = p->h.grid - line_next < s->strip ? p->h.grid - line_next : s->strip;
                const float *x_next = job->x + at_next * p->h.in * p->w.in;
                next = CNN__SIMD(channels_last_prefetch)(s, &p->h, &p->w, line_next, x_next, channels, calls / 2);
                dy_next = prefetch_make(job->dy + at_next * plane + line_next * p->w.grid,
                                        rest * p->w.grid * (int64_t)sizeof(float), channels,
                                        plane * (int64_t)sizeof(float), calls / 2);
                next.then = &dy_next;
            }
            add_strip(job, lines, slab, dy, &sums, &next);
        }
    }
    if (sums.wides) {
        wide_finish(sums.wide, sums.floats, 1, job->wide_sums, 0);
    }
}

static void dw_weight_add_chunks(void *arg, int64_t block, int worker)
{
    (void)worker;
    const dw_weight_job *job = arg;
    int64_t size = job->taps * LANES, first = block * LANES;
    for (int64_t k = 0; k < size; k++) {
        float sum = 0;
        for (int64_t chunk = 0; chunk < job->chunks; chunk++) {
            sum += job->partial[(chunk * job->blocks + block) * size + k];
        }
        if (first + k % LANES < job->plan->groups) {
            job->dweight[(first + k % LANES) * job->taps + k / LANES] = sum;
        }
    }
}

void CNN__SIMD(depthwise_backward_weight)(const conv_plan *p, const float *x, const float *dy, float *dweight,
                                          void *memory, cnn__pool *pool)
{
    dw_weight_job job = dw_weight_make_job(p);
    job.x = x;
    job.dy = dy;
    job.dweight = dweight;
    job.partial = memory;
    job.scratch = (char *)memory + dw_weight_partial_size(&job);
    cnn__pool_run(pool, job.chunks * job.blocks, plan_work(p), dw_weight_block, &job);
    cnn__pool_run(pool, job.blocks, (double)(job.blocks * job.taps * job.chunks * LANES), dw_weight_add_chunks, &job);
}
