/* Depthwise convolutions of any geometry, forward and the gradient of the data, on channels-last copies
 * (layout/channels_last.h). A strided gradient consists of several plans, one for each residue; they share the copy
 * of a strip and write their own positions of the result, which is transposed back as a whole. A task owns a strip
 * of one block of channels of one image. */
#include "kernels/simd/conv/algorithms.h"
#include "kernels/simd/layout/channels_last.h"

enum { GROUP = 4 };

typedef struct dw_job {
    const conv_plan *plans;
    int64_t count; /* the number of plans */
    channels_last slab;
    const float *x, *weight, *bias;
    float *y, *packed; /* weights: [block][plan, tap][LANES] */
    char *scratch;
    int64_t blocks, taps; /* the blocks and taps of all plans */
    bool streamed;        /* y is stored past the caches */
    int64_t slab_size, out_size;
} dw_job;

static void dw_plan_blocks(dw_job *job)
{
    const conv_plan *p = job->plans;
    job->slab = CNN__SIMD(channels_last_make)(p, job->count);
    job->blocks = (p->groups + LANES - 1) / LANES;
    for (int64_t k = 0; k < job->count; k++) {
        job->taps += plan_taps(&p[k]);
    }
    job->slab_size = round_up(channels_last_size(&job->slab), 16);
    job->out_size = round_up(job->slab.strip * p->h.out_step * p->w.out * LANES, 16);
}

static size_t dw_packed_size(const dw_job *job)
{
    return (size_t)round_up(job->blocks * job->taps * LANES, 16) * sizeof(float);
}

static size_t dw_scratch_size(const dw_job *job)
{
    return (size_t)(job->slab_size + job->out_size) * sizeof(float);
}

size_t CNN__SIMD(depthwise_workspace)(const conv_plan *plans, int64_t count, int workers)
{
    dw_job job = { .plans = plans, .count = count };
    dw_plan_blocks(&job);
    return dw_packed_size(&job) + dw_scratch_size(&job) * (size_t)workers;
}

static void dw_pack_block(void *arg, int64_t block, int worker)
{
    (void)worker;
    const dw_job *job = arg;
    int64_t first = block * LANES, channels = job->plans->groups - first < LANES ? job->plans->groups - first : LANES;
    float *to = job->packed + first * job->taps;
    memset(to, 0, (size_t)(job->taps * LANES) * sizeof *to);
    for (int64_t k = 0; k < job->count; k++) {
        const conv_plan *p = &job->plans[k];
        for (int64_t t = 0; t < plan_taps(p); t++, to += LANES) {
            const float *from =
                job->weight + first * p->weight_group + plan_weight(p, 0, 0, t / p->w.taps, t % p->w.taps);
            for (int64_t c = 0; c < channels; c++, from += p->weight_group) {
                to[c] = *from;
            }
        }
    }
}

/* Sums the taps of `group` neighbours in one line. Their number is a constant where this is inlined. */
CNN__INLINE void sum_taps(int group, const conv_plan *p, int64_t row, const float *weights, const float *from,
                          lanes bias, float *to)
{
    lanes acc[GROUP];
    int64_t step = p->w.stride * LANES, column = p->w.step * LANES;
#pragma GCC unroll 4
    for (int u = 0; u < group; u++) {
        acc[u] = bias;
    }
    for (int64_t i = 0; i < p->h.taps; i++, from += row) {
        for (int64_t j = 0; j < p->w.taps; j++, weights += LANES) {
            lanes tap = load(weights);
#pragma GCC unroll 4
            for (int u = 0; u < group; u++) {
                acc[u] += tap * load(from + j * column + u * step);
            }
        }
    }
#pragma GCC unroll 4
    for (int u = 0; u < group; u++) {
        store(to + u * p->w.out_step * LANES, acc[u]);
    }
}

/* Computes the lines of one plan. The last group of a line ends where the line does. */
static void convolve_plan(const dw_job *job, const conv_plan *p, int64_t lines, const float *weights, const float *slab,
                          lanes bias, float *out, prefetch *next)
{
    const channels_last *s = &job->slab;
    int64_t row = p->h.step * s->pitch * LANES, step = p->w.stride * LANES, out_step = p->w.out_step * LANES;
    if (plan_taps(p)) {
        slab += ((p->h.first - s->first_h) * s->pitch + p->w.first - s->first_w) * LANES;
    }
    for (int64_t q = 0; q < lines; q++) {
        prefetch_lines(next);
        const float *from = slab + q * p->h.stride * s->pitch * LANES;
        float *to = out + ((q * p->h.out_step + p->h.out_first) * p->w.out + p->w.out_first) * LANES;
        for (int64_t k = 0; k < p->w.grid && p->w.grid >= GROUP; k += GROUP) {
            int64_t at = k + GROUP > p->w.grid ? p->w.grid - GROUP : k;
            sum_taps(GROUP, p, row, weights, from + at * step, bias, to + at * out_step);
        }
        for (int64_t k = 0; k < p->w.grid && p->w.grid < GROUP; k++) {
            sum_taps(1, p, row, weights, from + k * step, bias, to + k * out_step);
        }
    }
}

static void dw_convolve_strip(void *arg, int64_t task, int worker)
{
    const dw_job *job = arg;
    const conv_plan *all = job->plans;
    const channels_last *s = &job->slab;
    int64_t line = task % s->strips * s->strip, block = task / s->strips % job->blocks,
            image = task / s->strips / job->blocks;
    int64_t first = block * LANES, channels = all->groups - first < LANES ? all->groups - first : LANES;
    int64_t plane = image * all->groups + first, out_plane = all->h.out * all->w.out;
    float *slab = (float *)(void *)(job->scratch + dw_scratch_size(job) * (size_t)worker), *out = slab + job->slab_size;
    float biases[LANES] = { 0 };
    const float *weights = job->packed + block * job->taps * LANES;
    for (int64_t c = 0; c < channels && job->bias; c++) {
        biases[c] = job->bias[first + c];
    }
    CNN__SIMD(channels_last_fill)(s, &all->h, &all->w, line, job->x + plane * all->h.in * all->w.in, channels, slab);
    prefetch next = { 0 };
    int64_t line_next = s->strips > 1 ? (line + s->strip) % (s->strips * s->strip) : 0;
    int64_t plane_next = line_next ? plane : plane + channels, planes = all->batch * all->groups;
    if (plane_next < planes) {
        next = CNN__SIMD(channels_last_prefetch)(
            s, &all->h, &all->w, line_next, job->x + plane_next * all->h.in * all->w.in,
            planes - plane_next < LANES ? planes - plane_next : LANES, s->strip * job->count);
    }
    for (int64_t k = 0; k < job->count; k++) {
        const conv_plan *p = &all[k];
        int64_t lines = p->h.grid - line < s->strip ? p->h.grid - line : s->strip;
        convolve_plan(job, p, lines, weights, slab, load(biases), out, &next);
        weights += plan_taps(p) * LANES;
    }
    int64_t top = line * all->h.out_step, bottom = (line + s->strip) * all->h.out_step;
    bottom = bottom < all->h.out ? bottom : all->h.out;
    CNN__SIMD(channels_last_unpack)
    (out, (bottom - top) * all->w.out, out_plane, channels, job->streamed,
     job->y + plane * out_plane + top * all->w.out);
    stream_end();
}

void CNN__SIMD(depthwise)(const conv_plan *plans, int64_t count, const float *x, const float *weight, const float *bias,
                          float *y, void *memory, cnn__pool *pool)
{
    dw_job job = { .plans = plans, .count = count, .x = x, .weight = weight, .bias = bias, .y = y, .packed = memory };
    dw_plan_blocks(&job);
    job.scratch = (char *)memory + dw_packed_size(&job);
    cnn__pool_run(pool, job.blocks, (double)(plans->groups * job.taps), dw_pack_block, &job);
    int64_t planes = plans->batch * plans->groups, plane = plans->h.out * plans->w.out;
    job.streamed = job.slab.strip * plans->h.out_step * plans->w.out % LANES == 0 && streams(y, planes * plane, plane);
    double work = (double)planes * (double)(plans->h.out * plans->w.out) * 16 / LANES;
    cnn__pool_run(pool, plans->batch * job.blocks * job.slab.strips, work, dw_convolve_strip, &job);
}
