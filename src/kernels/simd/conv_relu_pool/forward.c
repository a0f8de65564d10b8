/* Convolution with bias, ReLU and 2 × 2 max pooling in its epilogue.
 *
 * Each image is copied into zero-padded planes once; then a tile of up to TILE output pixels by two vectors of output
 * channels stays in registers for the whole sum: per tap two vectors of weights (packed, streaming from L2) and one
 * broadcast a pixel, read straight from the padded plane. Two lines of such tiles are pooled while they are in L1. */
#include "kernels/conv_relu_pool.h"
#include "kernels/kernels.h"
#include "kernels/simd/conv/algorithms.h"
#include "kernels/simd/conv_relu_pool/pool.h"
#include "kernels/simd/conv_relu_pool/recompute.h"
#include "kernels/simd/gemm/tile.h"
#include "kernels/simd/table.h"
#include "kernels/simd/vector/long_sum.h"
#include "kernels/simd/vector/machine.h"
#include "kernels/simd/vector/transpose.h"

enum {
    TILE = CNN__VECTOR_BYTES == 64 ? 14 : 6, /* 2 · TILE accumulators and two weights fill the registers */
    FUSED_FORWARD_BLOCK = 2 * LANES          /* output channels of a tile */
};

typedef struct forward_job {
    const cnn__conv *g;
    const float *x, *bias, *packed;
    float *y;
    uint8_t *index;
    char *scratch; /* the scratch of all workers */
    size_t scratch_size;
    const float *weight;
    float *pack_to;
    int64_t blocks, taps;
    int64_t padded_h, padded_w, plane;
    int64_t bands; /* tasks of an image: of few images each is cut into bands of lines */
    int64_t line;  /* pixels of a line of tiles: what pooling needs, even */
    int64_t part;  /* input channels whose products are summed up at once */
} forward_job;

static size_t fused_forward_align(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

static void fused_forward_plan_blocks(forward_job *job, const cnn__conv *g)
{
    job->g = g;
    job->blocks = (g->out_channels + FUSED_FORWARD_BLOCK - 1) / FUSED_FORWARD_BLOCK;
    job->taps = g->in_channels * g->kernel_h * g->kernel_w;
    job->bands = g->batch >= MIN_TASKS || !g->batch ? 1 : (MIN_TASKS + g->batch - 1) / g->batch;
    job->bands = job->bands < g->out_h / 2 ? job->bands : g->out_h / 2;
    job->line = g->out_w / 2 * 2;
    job->part = long_sum(job->taps) ? PART_SUM / (g->kernel_h * g->kernel_w) : g->in_channels;
    job->padded_h = g->out_h + g->kernel_h - 1;
    job->padded_w = g->out_w + g->kernel_w - 1;
    job->plane = job->padded_h * job->padded_w;
    size_t planes = fused_forward_align((size_t)(job->plane * g->in_channels) * sizeof(float));
    size_t lines = fused_forward_align((size_t)(2 * job->line * FUSED_FORWARD_BLOCK) * sizeof(float));
    job->scratch_size = planes + lines;
}

static size_t fused_forward_packed_size(const forward_job *job)
{
    return fused_forward_align((size_t)(job->blocks * job->taps * FUSED_FORWARD_BLOCK) * sizeof(float));
}

size_t CNN__SIMD(conv_relu_pool_forward_workspace)(const cnn__conv *g, int workers)
{
    forward_job job = { 0 };
    if (CNN__SIMD(conv_relu_pool_winograd_fits)(g)) {
        return CNN__SIMD(conv_relu_pool_winograd_workspace)(g, workers);
    }
    if (CNN__SIMD(conv_relu_pool_planes_fits)(g)) {
        return CNN__SIMD(conv_relu_pool_planes_workspace)(g, workers);
    }
    fused_forward_plan_blocks(&job, g);
    return (g->packed ? 0 : fused_forward_packed_size(&job)) + job.scratch_size * (size_t)workers;
}

size_t CNN__SIMD(conv_relu_pool_forward_packed)(const cnn__conv *g, int64_t *algorithm)
{
    forward_job job = { 0 };
    if (CNN__SIMD(conv_relu_pool_winograd_fits)(g)) {
        *algorithm = 1;
        return CNN__SIMD(conv_relu_pool_winograd_packed)(g);
    }
    if (CNN__SIMD(conv_relu_pool_planes_fits)(g)) {
        *algorithm = 2;
        return CNN__SIMD(conv_relu_pool_planes_packed)(g);
    }
    fused_forward_plan_blocks(&job, g);
    return fused_forward_packed_size(&job);
}

/* Weights of one block of output channels: [taps][BLOCK], zeros past the last channel. */
static void fused_forward_pack_block(void *arg, int64_t block, int worker)
{
    (void)worker;
    const forward_job *job = arg;
    float *to = job->pack_to + block * job->taps * FUSED_FORWARD_BLOCK;
    for (int64_t k = 0; k < FUSED_FORWARD_BLOCK; k += LANES) {
        int64_t o = block * FUSED_FORWARD_BLOCK + k, rest = job->g->out_channels - o;
        transpose_out(job->weight + o * job->taps, job->taps, rest < LANES ? rest : LANES, job->taps, to + k,
                      FUSED_FORWARD_BLOCK);
        for (int64_t t = 0; t < job->taps && rest <= 0; t++) {
            store(to + t * FUSED_FORWARD_BLOCK + k, (lanes){ 0 });
        }
    }
}

/* The lines of the padded planes that output lines begin..end need. */
static void pad_lines(const forward_job *job, const float *x, float *planes, int64_t begin, int64_t end)
{
    const cnn__conv *g = job->g;
    int64_t capacity = job->padded_w - g->pad_left, columns = g->in_w < capacity ? g->in_w : capacity;
    for (int64_t c = 0; c < g->in_channels; c++) {
        for (int64_t line = begin; line < end + g->kernel_h - 1; line++) {
            float *to = planes + c * job->plane + line * job->padded_w;
            int64_t h = line - g->pad_top;
            bool inside = h >= 0 && h < g->in_h && columns > 0;
            memset(to, 0, (size_t)job->padded_w * sizeof(float));
            for (int64_t w = 0; w < columns && inside; w += LANES) {
                int64_t some = columns - w < LANES ? columns - w : LANES;
                store_partial(to + g->pad_left + w, load_partial(x + (c * g->in_h + h) * g->in_w + w, some), some);
            }
        }
    }
}

/* Some input channels' share of a line's sums, which is the first or is added to what is there. */
typedef struct line_part {
    const forward_job *job;
    int64_t channels;
    lanes start[2];
    bool more;
} line_part;

/* `pixels` is a constant where this is inlined, so the accumulators are registers. */
CNN__INLINE void fused_forward_tile(int pixels, const line_part *part, const float *x, const float *w, float *out)
{
    const forward_job *job = part->job;
    const cnn__conv *g = job->g;
    lanes acc[TILE][2];
#pragma GCC unroll 16
    for (int q = 0; q < pixels; q++) {
        acc[q][0] = part->start[0];
        acc[q][1] = part->start[1];
    }
    for (int64_t c = 0; c < part->channels; c++) {
        for (int64_t i = 0; i < g->kernel_h; i++) {
            const float *p = x + c * job->plane + i * job->padded_w;
            for (int64_t j = 0; j < g->kernel_w; j++, p++, w += FUSED_FORWARD_BLOCK) {
                lanes w0 = load(w), w1 = load(w + LANES);
                __asm__(""
                        : "+r"(p)); /* without it GCC carries pixels over to the next tap in registers that it lacks */
#pragma GCC unroll 16
                for (int q = 0; q < pixels; q++) {
                    lanes b = splat(p[q]);
                    acc[q][0] += b * w0;
                    acc[q][1] += b * w1;
                }
            }
        }
    }
    if (part->more) {
#pragma GCC unroll 16
        for (int q = 0; q < pixels; q++) {
            acc[q][0] += load(out + q * FUSED_FORWARD_BLOCK);
            acc[q][1] += load(out + q * FUSED_FORWARD_BLOCK + LANES);
        }
    }
#pragma GCC unroll 16
    for (int q = 0; q < pixels; q++) {
        store(out + q * FUSED_FORWARD_BLOCK, acc[q][0]);
        store(out + q * FUSED_FORWARD_BLOCK + LANES, acc[q][1]);
    }
}

static void tile_any(int pixels, const line_part *part, const float *x, const float *w, float *out)
{
    switch (pixels) {
#if CNN__VECTOR_BYTES == 64
    case 14: fused_forward_tile(14, part, x, w, out); break;
    case 13: fused_forward_tile(13, part, x, w, out); break;
    case 12: fused_forward_tile(12, part, x, w, out); break;
    case 11: fused_forward_tile(11, part, x, w, out); break;
    case 10: fused_forward_tile(10, part, x, w, out); break;
    case 9: fused_forward_tile(9, part, x, w, out); break;
    case 8: fused_forward_tile(8, part, x, w, out); break;
    case 7: fused_forward_tile(7, part, x, w, out); break;
#endif
    case 6: fused_forward_tile(6, part, x, w, out); break;
    case 5: fused_forward_tile(5, part, x, w, out); break;
    case 4: fused_forward_tile(4, part, x, w, out); break;
    case 3: fused_forward_tile(3, part, x, w, out); break;
    case 2: fused_forward_tile(2, part, x, w, out); break;
    default: fused_forward_tile(1, part, x, w, out); break;
    }
}

/* The line is cut into tiles of nearly equal width, so that none is left with a pixel or two. */
static void convolve_part(const line_part *part, const float *x, const float *w, float *out)
{
    int64_t line = part->job->line, tiles = (line + TILE - 1) / TILE;
    for (int64_t t = 0, begin = 0; t < tiles; t++) {
        int64_t end = (t + 1) * line / tiles;
        tile_any((int)(end - begin), part, x + begin, w, out + begin * FUSED_FORWARD_BLOCK);
        begin = end;
    }
}

static void convolve_line(const forward_job *job, const float *x, const float *w, lanes bias0, lanes bias1, float *out)
{
    const cnn__conv *g = job->g;
    line_part part = { .job = job, .start = { bias0, bias1 } };
    for (int64_t c = 0; c < g->in_channels; c += part.channels) {
        part.channels = min64(job->part, g->in_channels - c);
        convolve_part(&part, x + c * job->plane, w + c * g->kernel_h * g->kernel_w * FUSED_FORWARD_BLOCK, out);
        part.more = true;
        part.start[0] = part.start[1] = (lanes){ 0 };
    }
}

/* Pools two lines of LANES channels into one line of the planes of y. */
static void pool_lines(const forward_job *job, const float *lines, int64_t place, int64_t count)
{
    int64_t out_w = job->g->out_w / 2, plane = job->g->out_h / 2 * out_w, below = job->line * FUSED_FORWARD_BLOCK;
    for (int64_t w = 0; w < out_w; w += LANES) {
        int64_t some = out_w - w < LANES ? out_w - w : LANES;
        lanes best[LANES], which[LANES];
        for (int64_t i = 0; i < LANES; i++) {
            lanes_i32 winner = { 0 };
            const float *p = lines + 2 * (w + i) * FUSED_FORWARD_BLOCK;
            best[i] = i < some ? pool_window(load(p), load(p + FUSED_FORWARD_BLOCK), load(p + below),
                                             load(p + below + FUSED_FORWARD_BLOCK), &winner)
                               : (lanes){ 0 };
            which[i] = (lanes)winner;
        }
        pool_write(best, which, some, count, plane, job->y + place + w, job->index ? job->index + place + w : NULL);
    }
}

static void pool_block(const forward_job *job, const float *lines, int64_t image, int64_t block, int64_t row)
{
    const cnn__conv *g = job->g;
    for (int64_t k = 0; k < FUSED_FORWARD_BLOCK; k += LANES) {
        int64_t first = block * FUSED_FORWARD_BLOCK + k, rest = g->out_channels - first;
        int64_t place = ((image * g->out_channels + first) * (g->out_h / 2) + row) * (g->out_w / 2);
        if (rest > 0) {
            pool_lines(job, lines + k, place, rest < LANES ? rest : LANES);
        }
    }
}

static void fused_forward_band(void *arg, int64_t task, int worker)
{
    const forward_job *job = arg;
    const cnn__conv *g = job->g;
    int64_t image = task / job->bands, band = task % job->bands, rows = g->out_h / 2;
    int64_t begin = band * rows / job->bands, end = (band + 1) * rows / job->bands;
    float *planes = (float *)(void *)(job->scratch + job->scratch_size * (size_t)worker);
    float *lines = planes + fused_forward_align((size_t)(job->plane * g->in_channels) * sizeof(float)) / sizeof(float);
    pad_lines(job, job->x + image * g->in_channels * g->in_h * g->in_w, planes, 2 * begin, 2 * end);
    for (int64_t block = 0; block < job->blocks; block++) {
        float bias[FUSED_FORWARD_BLOCK] = { 0 };
        for (int64_t k = 0; k < FUSED_FORWARD_BLOCK && block * FUSED_FORWARD_BLOCK + k < g->out_channels && job->bias;
             k++) {
            bias[k] = job->bias[block * FUSED_FORWARD_BLOCK + k];
        }
        lanes bias0 = load(bias), bias1 = load(bias + LANES);
        const float *w = job->packed + block * job->taps * FUSED_FORWARD_BLOCK;
        for (int64_t row = begin; row < end; row++) {
            const float *x = planes + 2 * row * job->padded_w;
            convolve_line(job, x, w, bias0, bias1, lines);
            convolve_line(job, x + job->padded_w, w, bias0, bias1, lines + job->line * FUSED_FORWARD_BLOCK);
            pool_block(job, lines, image, block, row);
        }
    }
}

void CNN__SIMD(conv_relu_pool_forward)(const cnn__conv *g, const void *x, const void *weight, const void *bias, void *y,
                                       uint8_t *index, void *workspace, cnn__pool *pool)
{
    forward_job job = { .x = x, .weight = weight, .bias = bias, .y = y, .index = index };
    if (CNN__SIMD(conv_relu_pool_winograd_fits)(g)) {
        CNN__SIMD(conv_relu_pool_winograd)(g, x, weight, bias, y, index, workspace, pool);
        return;
    }
    if (CNN__SIMD(conv_relu_pool_planes_fits)(g)) {
        CNN__SIMD(conv_relu_pool_planes)(g, x, weight, bias, y, index, workspace, pool);
        return;
    }
    fused_forward_plan_blocks(&job, g);
    job.packed = job.pack_to = g->packed ? g->packed : workspace;
    job.scratch = (char *)workspace + (g->packed ? 0 : fused_forward_packed_size(&job));
    if (g->packs || !g->packed) {
        cnn__pool_run(pool, job.blocks, (double)(job.blocks * job.taps * FUSED_FORWARD_BLOCK), fused_forward_pack_block,
                      &job);
    }
    double work = (double)g->batch * (double)(g->out_h * g->out_w) * (double)(job.taps * g->out_channels) / LANES;
    cnn__pool_run(pool, g->batch * job.bands, work, fused_forward_band, &job);
    int64_t weights = g->out_channels * job.taps,
            windows = g->batch * g->out_channels * (g->out_h / 2) * (g->out_w / 2);
    conv_plan p = plan_forward(g);
    if (plan_pads(&p) && (windows < weights || !all_finite(weight, weights, pool))) {
        conv_relu_pool_recompute(g, x, weight, bias, y, index, pool);
    }
}
