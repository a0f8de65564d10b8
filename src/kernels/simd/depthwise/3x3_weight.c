/* The gradient of the weights of the 3 × 3 depthwise convolution (depthwise/3x3.h). A task owns a block of channels
 * and a chunk of the images, which it goes through in order. The lanes of a sum are kept apart until the task's end,
 * when those of a block are added up together. */
#include "kernels/simd/conv/algorithms.h"
#include "kernels/simd/depthwise/3x3.h"
#include "kernels/simd/vector/long_sum.h"
#include "kernels/simd/vector/machine.h"
#include "kernels/simd/vector/transpose.h"

enum { DW3_WEIGHT_BLOCK = LANES, DW3_WEIGHT_SUMS = DW3_TAPS * LANES };

typedef struct dw3_weight_job {
    const cnn__conv *g;
    const float *x, *dy;
    float *dweight, *partial; /* [chunk][channel][tap], of all chunks but the first */
    /* Scratch per worker: [channel or pair of a block][tap][LANES], then copies of a plane of x and of dy */
    char *scratch;
    int64_t blocks, chunks, chunk_images;
    bool pairs, wide; /* are a chunk's sums long? Then each strip's are put aside in double */
    lanes_i32 picks[3], dy_picks;
    dw3_bounds bounds, dy_bounds;
} dw3_weight_job;

/* A strip of dy, and that of the pair's other plane. */
typedef struct dy_strip {
    const float *at;
    int64_t width, rows, column, count, ahead, other;
    const lanes_i32 *picks; /* which lanes are of its own column */
} dy_strip;

CNN__INLINE lanes dy_row(bool pair, const dy_strip *s, int64_t row)
{
    if (row >= s->rows) {
        return (lanes){ 0 };
    }
    const float *at = s->at + row * s->width;
    dw3_prefetch(at, s->ahead);
    return pair ? permute_lanes(load_partial_half(at, s->count), load_partial_half(at + s->other, s->count), *s->picks)
                : load_partial(at, s->count);
}

CNN__INLINE void add_products(lanes sums[3], lanes g, const lanes v[3])
{
    for (int j = 0; j < 3; j++) {
        sums[j] += g * v[j];
    }
}

CNN__INLINE void load_sums(bool fresh, const float *from, lanes sums[DW3_TAPS])
{
    for (int t = 0; t < DW3_TAPS; t++) {
        sums[t] = fresh ? (lanes){ 0 } : load(from + t * LANES);
    }
}

CNN__INLINE void dw3_weight_store_sums(const lanes sums[DW3_TAPS], float *to)
{
    for (int t = 0; t < DW3_TAPS; t++) {
        store(to + t * LANES, sums[t]);
    }
}

/* Sums stay in registers down a strip; fresh ones begin there. */
CNN__INLINE void dw3_weight_strip(bool pair, int stride, const dw3_strip *x, const dy_strip *dy, bool fresh, float *to)
{
    lanes sums[DW3_TAPS], above = { 0 }, here = dy_row(pair, dy, 0);
    load_sums(fresh, to, sums);
    for (int64_t row = 0; row < dy->rows; row++) {
        lanes v[3], below = dy_row(pair, dy, row + 1);
        dw3_taps(pair, stride, x, row * stride, v);
        add_products(sums + 3, here, v);
        if (stride == 1) {
            add_products(sums + 6, above, v);
            add_products(sums, below, v);
        } else if (2 * row + 1 < x->rows) {
            dw3_taps(pair, stride, x, 2 * row + 1, v);
            add_products(sums + 6, here, v);
            add_products(sums, below, v);
        }
        above = here;
        here = below;
    }
    dw3_weight_store_sums(sums, to);
}

/* Where every tap is loaded, padding and columns beyond the row's end are whatever lies there in memory. They only
 * reach lanes of the sums that are dropped when a strip ends. */
CNN__INLINE void keep_sums(const lanes sums[DW3_TAPS], const lanes_i32 masks[3], bool fresh, float *to)
{
#pragma GCC unroll 9
    for (int t = 0; t < DW3_TAPS; t++, to += LANES) {
        lanes kept = and_mask(sums[t], masks[t % 3]);
        if (!fresh) {
            kept += load(to);
        }
        store(to, kept);
    }
}

/* With stride 1. */
CNN__INLINE void add_columns(bool last, lanes sums[DW3_TAPS], lanes above, lanes here, lanes below, const float *at)
{
#pragma GCC unroll 3
    for (int j = 0; j < 3; j++) {
        lanes v = load(at + j - 1);
        ADD_PRODUCT(sums[6 + j], above, v);
        ADD_PRODUCT(sums[3 + j], here, v);
        if (!last) {
            ADD_PRODUCT(sums[j], below, v);
        }
    }
}

CNN__INLINE void dw3_weight_loaded(const dw3_strip *x, const dy_strip *dy, lanes sums[DW3_TAPS])
{
    lanes above = { 0 }, here = load(dy->at);
    const float *at = x->at, *g = dy->at;
    dw3_prefetch(g, dy->ahead);
    for (int64_t rows = dy->rows; --rows > 0; at += x->width) {
        g += dy->width;
        dw3_prefetch(at, x->ahead);
        dw3_prefetch(g, dy->ahead);
        lanes below = load(g);
        add_columns(false, sums, above, here, below, at);
        above = here;
        here = below;
    }
    dw3_prefetch(at, x->ahead);
    add_columns(true, sums, above, here, here, at);
}

/* With stride 2 the first tap reads the odd columns that are one further left than those of the last tap. Here dy is
 * shifted instead: `next` is dy's row from the next column on. */
typedef struct dy_pair {
    lanes here, next;
} dy_pair;

CNN__INLINE dy_pair dy_pair_load(const dy_strip *s, int64_t row)
{
    const float *at = s->at + row * s->width;
    dw3_prefetch(at, s->ahead);
    return (dy_pair){ dw3_order(2, load(at)), dw3_order(2, load(at + 1)) };
}

CNN__INLINE void add_halved(lanes sums[3], dy_pair g, const lanes v[2])
{
    ADD_PRODUCT(sums[0], g.next, v[1]);
    ADD_PRODUCT(sums[1], g.here, v[0]);
    ADD_PRODUCT(sums[2], g.here, v[1]);
}

CNN__INLINE void x_row(const dw3_strip *x, int64_t row, lanes v[2])
{
    const float *at = x->at + row * x->width;
    dw3_prefetch(at, x->ahead);
    dw3_halve(at, v);
}

CNN__INLINE void dw3_weight_halved(const dw3_strip *x, const dy_strip *dy, lanes sums[DW3_TAPS])
{
    lanes v[2];
    dy_pair g = dy_pair_load(dy, 0);
    int64_t row = 0;
    for (; row + 1 < dy->rows; row++) {
        x_row(x, 2 * row, v);
        add_halved(sums + 3, g, v);
        x_row(x, 2 * row + 1, v);
        add_halved(sums + 6, g, v);
        g = dy_pair_load(dy, row + 1);
        add_halved(sums, g, v);
    }
    x_row(x, 2 * row, v);
    add_halved(sums + 3, g, v);
    if (2 * row + 1 < x->rows) {
        x_row(x, 2 * row + 1, v);
        add_halved(sums + 6, g, v);
    }
}

/* The lanes of each tap's sums to keep: those whose columns of dy and of x are both in their rows. */
CNN__INLINE void strip_masks(int stride, const dw3_strip *x, const dy_strip *dy, lanes_i32 masks[3])
{
    lanes_i32 left = dw3_columns(stride) + (int32_t)(dy->column - dy->width); /* below 0: in the row */
    for (int j = 0; j < 3; j++) {
        masks[j] = (left < 0) & dw3_mask(x, stride, j - 1);
    }
    if (stride == 2) {
        masks[0] = left < -1;
    }
}

/* A strip of the block's planes from `first` to `end`. The planes of a pair are half a block apart, and the later
 * one may be missing. */
CNN__INLINE void dw3_weight_run(bool pair, int stride, const dw3_weight_job *job, int64_t first, int64_t end,
                                int64_t channels, dw3_strip x, dy_strip dy, bool fresh, float *sums, float *copy)
{
    int64_t in = x.rows * x.width, out = dy.rows * dy.width;
    x.picks = job->picks;
    dy.picks = &job->dy_picks;
    lanes_i32 masks[3];
    strip_masks(stride, &x, &dy, masks);
    const float *at = x.at, *dy_at = dy.at;
    for (int64_t k = first; k < end; k++, at += in, dy_at += out) {
        int64_t apart = pair && k + DW3_WEIGHT_BLOCK / 2 < channels ? DW3_WEIGHT_BLOCK / 2 : 0;
        x.at = dw3_strip_at(&job->bounds, at, x.column, copy);
        dy.at = dw3_strip_at(&job->dy_bounds, dy_at, dy.column, copy + dw3_copy_floats(x.rows, x.width));
        x.other = apart * in;
        dy.other = apart * out;
        x.ahead = dw3_ahead(&job->bounds, at + x.other);
        dy.ahead = dw3_ahead(&job->dy_bounds, dy_at + dy.other);
        if (!DW3_LOADS) {
            dw3_weight_strip(pair, stride, &x, &dy, fresh, sums + k * DW3_WEIGHT_SUMS);
            continue;
        }
        lanes of_strip[DW3_TAPS] = { { 0 } };
        if (stride == 1) {
            dw3_weight_loaded(&x, &dy, of_strip);
        } else {
            dw3_weight_halved(&x, &dy, of_strip);
        }
        keep_sums(of_strip, masks, fresh, sums + k * DW3_WEIGHT_SUMS);
    }
}

/* Where sums are long: adds those of planes [first, end) of the block to the wide sums, so that each strip begins
 * with zeros. */
static void keep_strip(const dw3_weight_job *job, int64_t first, int64_t end, bool fresh, float *sums, double *wide)
{
    int64_t count = (end - first) * DW3_WEIGHT_SUMS;
    if (job->wide) {
        wide_add(wide + first * DW3_WEIGHT_SUMS, fresh, sums + first * DW3_WEIGHT_SUMS, 1, count, 0);
        memset(sums + first * DW3_WEIGHT_SUMS, 0, (size_t)count * sizeof *sums);
    }
}

static void dw3_weight_image(const dw3_weight_job *job, int64_t plane, int64_t channels, bool fresh, float *sums,
                             float *copy, double *wide)
{
    const cnn__conv *g = job->g;
    int64_t in = g->in_h * g->in_w, out = g->out_h * g->out_w;
    bool pairs = DW3_PAIRS && job->pairs;
    int64_t count = pairs && channels > DW3_WEIGHT_BLOCK / 2 ? DW3_WEIGHT_BLOCK / 2 : channels,
            run = g->out_w > LANES ? 1 : count;
    for (int64_t k = 0; k < count; k += run) {
        for (int64_t column = 0; column < g->out_w; column += LANES) {
            dw3_strip x = dw3_strip_make(job->x + (plane + k) * in, g->in_h, g->in_w, column * g->stride_w);
            dy_strip dy = { .at = job->dy + (plane + k) * out + column,
                            .width = g->out_w,
                            .rows = g->out_h,
                            .column = column,
                            .count = lanes_from(g->out_w, column) };
            bool begins = fresh && column == 0;
            if (pairs && g->stride_w == 1) {
                dw3_weight_run(true, 1, job, k, k + run, channels, x, dy, begins, sums, copy);
            } else if (pairs) {
                dw3_weight_run(true, 2, job, k, k + run, channels, x, dy, begins, sums, copy);
            } else if (g->stride_w == 1) {
                dw3_weight_run(false, 1, job, k, k + run, channels, x, dy, begins, sums, copy);
            } else {
                dw3_weight_run(false, 2, job, k, k + run, channels, x, dy, begins, sums, copy);
            }
            keep_strip(job, k, k + run, begins, sums, wide);
        }
    }
}

/* Two planes' sums side by side, as those of pairs are. */
static void join_planes(float *sums)
{
    for (int64_t k = 0; k < DW3_WEIGHT_BLOCK / 2 * DW3_WEIGHT_SUMS; k += LANES) {
        store(sums + k, add_halves(load(sums + k), load(sums + k + DW3_WEIGHT_BLOCK / 2 * DW3_WEIGHT_SUMS)));
    }
}

/* Adds up the lanes of LANES / 2 vectors of pairs that are `step` floats apart: the sums of the first planes, then
 * those of the second. */
CNN__INLINE lanes add_lanes(const float *sums, int64_t step)
{
    lanes v[LANES / 2];
#pragma GCC unroll 8
    for (int k = 0; k < LANES / 2; k++) {
        v[k] = load(sums + k * step);
    }
    return add_tree(v, LANES / 2);
}

/* Stores the sums of pairs: vectors of taps of one pair, and a vector of the last tap of all pairs. */
static void store_pairs(int64_t channels, const float *sums, float *to)
{
    enum { HALF = LANES / 2 };
    for (int64_t c = 0; c < HALF && c < channels; c++) {
        for (int64_t t = 0; t < DW3_TAPS - 1; t += HALF) {
            lanes both = add_lanes(sums + c * DW3_WEIGHT_SUMS + t * LANES, LANES);
            memcpy(to + c * DW3_TAPS + t, &both, sizeof both / 2);
            if (c + HALF < channels) {
                memcpy(to + (c + HALF) * DW3_TAPS + t, (const char *)&both + sizeof both / 2, sizeof both / 2);
            }
        }
    }
    lanes last = add_lanes(sums + (DW3_TAPS - 1) * LANES, DW3_WEIGHT_SUMS);
    for (int64_t c = 0; c < channels; c++) {
        to[c * DW3_TAPS + DW3_TAPS - 1] = last[c];
    }
}

/* Stores the sums of planes that are not paired. */
static void store_planes(int64_t channels, const float *sums, float *to)
{
    lanes last[LANES] = { { 0 } };
    for (int64_t c = 0; c < channels; c++, sums += DW3_WEIGHT_SUMS, to += DW3_TAPS) {
        for (int64_t t = 0; t + LANES < DW3_TAPS; t += LANES) {
            lanes taps[LANES];
            for (int k = 0; k < LANES; k++) {
                taps[k] = load(sums + (t + k) * LANES);
            }
            store(to + t, sums_of_lanes(taps));
        }
        last[c] = load(sums + (DW3_TAPS - 1) * LANES);
    }
    lanes ends = sums_of_lanes(last);
    for (int64_t c = 0; c < channels; c++) {
        to[(c - channels) * DW3_TAPS + DW3_TAPS - 1] = ends[c];
    }
}

static int64_t dw3_weight_scratch_floats(const dw3_weight_job *job)
{
    const cnn__conv *g = job->g;
    int64_t copies = dw3_copy_floats(g->in_h, g->in_w) + dw3_copy_floats(g->out_h, g->out_w);
    return (job->wide ? 3 : 1) * DW3_WEIGHT_BLOCK * DW3_WEIGHT_SUMS + copies;
}

static void dw3_weight_block(void *arg, int64_t task, int worker)
{
    const dw3_weight_job *job = arg;
    const cnn__conv *g = job->g;
    int64_t first = task % job->blocks * DW3_WEIGHT_BLOCK, chunk = task / job->blocks;
    int64_t channels = g->groups - first < DW3_WEIGHT_BLOCK ? g->groups - first : DW3_WEIGHT_BLOCK;
    int64_t begin = chunk * job->chunk_images, end = begin + job->chunk_images;
    end = end < g->batch ? end : g->batch;
    float *sums = (float *)(void *)job->scratch + worker * dw3_weight_scratch_floats(job),
          *copy = sums + (job->wide ? 3 : 1) * DW3_WEIGHT_BLOCK * DW3_WEIGHT_SUMS;
    double *wide = (double *)(void *)(sums + DW3_WEIGHT_BLOCK * DW3_WEIGHT_SUMS);
    if (DW3_PAIRS && channels < DW3_WEIGHT_BLOCK) {
        memset(sums, 0, DW3_WEIGHT_BLOCK * DW3_WEIGHT_SUMS * sizeof *sums);
    }
    for (int64_t n = begin; n < end; n++) {
        dw3_weight_image(job, n * g->groups + first, channels, n == begin, sums, copy, wide);
    }
    if (job->wide) {
        int64_t used = DW3_PAIRS && job->pairs && channels > DW3_WEIGHT_BLOCK / 2 ? DW3_WEIGHT_BLOCK / 2 : channels;
        wide_finish(wide, sums, 1, used * DW3_WEIGHT_SUMS, 0);
    }
    float *to = chunk ? job->partial + (chunk - 1) * g->groups * DW3_TAPS : job->dweight;
    if (!DW3_PAIRS) {
        store_planes(channels, sums, to + first * DW3_TAPS);
        return;
    }
    if (!job->pairs) {
        join_planes(sums);
    }
    store_pairs(channels, sums, to + first * DW3_TAPS);
}

static dw3_weight_job dw3_weight_make_job(const cnn__conv *g)
{
    dw3_weight_job job = { .g = g,
                           .blocks = (g->groups + DW3_WEIGHT_BLOCK - 1) / DW3_WEIGHT_BLOCK,
                           .pairs = dw3_pairs(g->in_w, g->out_w) };
    job.chunks = (MIN_WEIGHT_TASKS + job.blocks - 1) / job.blocks;
    job.chunks = job.chunks < g->batch ? job.chunks : g->batch;
    job.chunk_images = (g->batch + job.chunks - 1) / job.chunks;
    job.chunks = (g->batch + job.chunk_images - 1) / job.chunk_images;
    int64_t strips = g->out_w / LANES + 1; /* strips that a lane sums up, of each image */
    job.wide = long_sum(job.chunk_images * g->out_h * strips);
    for (int j = 0; j < 3 && job.pairs; j++) {
        job.picks[j] = dw3_picks(g->stride_w, j, g->in_w);
    }
    job.dy_picks = dw3_picks(1, 1, g->out_w);
    return job;
}

static size_t dw3_weight_partial_size(const dw3_weight_job *job)
{
    return (size_t)round_up((job->chunks - 1) * job->g->groups * DW3_TAPS, 16) * sizeof(float);
}

size_t CNN__SIMD(depthwise_3x3_backward_weight_workspace)(const cnn__conv *g, int workers)
{
    dw3_weight_job job = dw3_weight_make_job(g);
    return dw3_weight_partial_size(&job) + (size_t)(workers * dw3_weight_scratch_floats(&job)) * sizeof(float);
}

static void dw3_weight_add_chunks(const dw3_weight_job *job)
{
    int64_t size = job->g->groups * DW3_TAPS;
    for (int64_t chunk = 1; chunk < job->chunks; chunk++) {
        const float *from = job->partial + (chunk - 1) * size;
        for (int64_t k = 0; k < size; k++) {
            job->dweight[k] += from[k];
        }
    }
}

void CNN__SIMD(depthwise_3x3_backward_weight)(const cnn__conv *g, const float *x, const float *dy, float *dweight,
                                              void *memory, cnn__pool *pool)
{
    dw3_weight_job job = dw3_weight_make_job(g);
    job.x = x;
    job.dy = dy;
    job.dweight = dweight;
    job.partial = memory;
    job.bounds = dw3_bounds_make(x, g->batch * g->groups, g->in_h, g->in_w);
    job.dy_bounds = dw3_bounds_make(dy, g->batch * g->groups, g->out_h, g->out_w);
    job.scratch = (char *)memory + dw3_weight_partial_size(&job);
    double rows = (double)(g->batch * g->groups * g->out_h) * (double)round_up(g->out_w, LANES / 2) / LANES;
    double work =
        12 * rows + 2 * DW3_TAPS * (double)(job.chunks * g->groups); /* adding lanes takes as long as small planes */
    cnn__pool_run(pool, job.chunks * job.blocks, work, dw3_weight_block, &job);
    dw3_weight_add_chunks(&job);
}
