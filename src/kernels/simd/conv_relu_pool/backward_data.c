/* The gradient of the input behind ReLU and 2 × 2 max pooling.
 *
 * Each winner of a pooling window adds dy · W[o] to the patch of inputs behind it. The channels of one window that
 * share a winner share the patch: a stretch of it stays in registers while their weights, [kernel row][channel][run]
 * so that one kernel row of all channels fits L1, are added. Patches of one image overlap and are added by one task
 * in a fixed order. */
#include "kernels/conv_relu_pool.h"
#include "kernels/kernels.h"
#include "kernels/simd/conv_relu_pool/patch.h"
#include "kernels/simd/conv_relu_pool/recompute.h"
#include "kernels/simd/table.h"
#include "kernels/simd/vector/partial.h"
#include "kernels/simd/vector/transpose.h"

enum { FUSED_DATA_STRETCH = CNN__VECTOR_BYTES == 16 ? 5 : 10 }; /* vectors of sums in registers */

/* The channels that share a patch: the offsets of their weights within a kernel row, and their gradients. */
typedef struct shares {
    int32_t *weight;
    float *dy;
} shares;

typedef struct data_job {
    const cnn__conv *g;
    patch_layout layout;
    const float *dy, *weight;
    const uint8_t *index;
    float *dx, *packed;
    int64_t windows;
    char *scratch;
    int64_t channels; /* the channels of the output, in whole vectors */
    size_t scratch_size, by_window_at, shares_at, starts_at;
} data_job;

/* Few channels have no expanded form here: gradients of overlapping patches must meet in one image. */
static void fused_data_plan_blocks(data_job *job, const cnn__conv *g)
{
    job->g = g;
    job->layout = (patch_layout){ .rows = g->kernel_h, .channels = round_up(g->in_channels, LANES) };
    patch_layout *p = &job->layout;
    p->run = g->kernel_w * p->channels;
    p->pixel_step = p->channels;
    p->line_step = p->row_step = (g->out_w + g->kernel_w - 1) * p->channels;
    p->image = (g->out_h + g->kernel_h - 1) * p->line_step;
    job->windows = (g->out_h / 2) * (g->out_w / 2);
    job->channels = round_up(g->out_channels, LANES);
    int64_t all = job->windows * job->channels;
    job->by_window_at = (size_t)round_up(p->image, 16) * sizeof(float);
    job->shares_at = job->by_window_at + 2 * (size_t)all * sizeof(float);
    job->starts_at = job->shares_at + 2 * (size_t)(all + LANES) * sizeof(float);
    job->scratch_size = (job->starts_at + (size_t)(4 * job->windows + 1) * sizeof(int32_t) + 63) / 64 * 64;
}

static size_t fused_data_packed_size(const data_job *job)
{
    return (size_t)round_up(job->layout.rows * job->g->out_channels * job->layout.run, 16) * sizeof(float);
}

size_t CNN__SIMD(conv_relu_pool_backward_data_workspace)(const cnn__conv *g, int workers)
{
    data_job job = { 0 };
    fused_data_plan_blocks(&job, g);
    return fused_data_packed_size(&job) + job.scratch_size * (size_t)workers;
}

/* The weights of one output channel, as [kernel row][channel][kernel column][input channel]. */
static void pack_channel(void *arg, int64_t o, int worker)
{
    (void)worker;
    const data_job *job = arg;
    const cnn__conv *g = job->g;
    const patch_layout *p = &job->layout;
    const float *from = job->weight + o * g->in_channels * g->kernel_h * g->kernel_w;
    for (int64_t i = 0; i < g->kernel_h; i++) {
        float *to = job->packed + (i * g->out_channels + o) * p->run;
        for (int64_t j = 0; j < g->kernel_w; j++) {
            for (int64_t c = 0; c < p->channels; c++) {
                *to++ = c < g->in_channels ? from[(c * g->kernel_h + i) * g->kernel_w + j] : 0;
            }
        }
    }
}

/* dy and index with the channels of a window side by side: [window][channels]; channels past the last have no
 * winner. */
static void mirror_windows(const data_job *job, const float *dy, const uint8_t *index, float *by_window,
                           int32_t *winners)
{
    int64_t windows = job->windows, count = job->g->out_channels;
    transpose_out(dy, windows, count, windows, by_window, job->channels);
    for (int64_t o = 0; o < job->channels; o += LANES) {
        for (int64_t window = 0; window < windows; window += LANES) {
            int64_t some = windows - window < LANES ? windows - window : LANES;
            lanes v[LANES];
            for (int64_t i = 0; i < LANES; i++) {
                uint8_t bytes[LANES];
                memset(bytes, CNN__CONV_RELU_POOL_NONE, sizeof bytes);
                if (o + i < count) {
                    memcpy(bytes, index + (o + i) * windows + window, some == LANES ? LANES : (size_t)some);
                }
                v[i] = (lanes)load_bytes(bytes);
            }
            transpose(v);
            for (int64_t i = 0; i < some; i++) {
                memcpy(winners + (window + i) * job->channels + o, &v[i], sizeof v[i]);
            }
        }
    }
}

/* Lists the shares of an image by window and, within one, by winner: starts[4·window + winner] is where each list
 * begins. */
static void list_shares(const data_job *job, const float *by_window, const int32_t *winners, shares to, int32_t *starts)
{
    int64_t count = 0;
    int32_t run = (int32_t)job->layout.run * PLACE;
    lanes_i32 step = count_up() * run;
    for (int64_t list = 0; list < 4 * job->windows; list++) {
        int64_t at = list / 4 * job->channels;
        starts[list] = (int32_t)count;
        for (int64_t o = 0; o < job->channels; o += LANES) {
            lanes_i32 winner;
            memcpy(&winner, winners + at + o, sizeof winner);
            count += compress_lanes(winner == (int32_t)(list % 4), step + (int32_t)o * run, load(by_window + at + o),
                                    to.weight + count, to.dy + count);
        }
    }
    starts[4 * job->windows] = (int32_t)count;
}

/* to[0 .. vectors) += Σ dy · weights; `vectors` is a constant where this is inlined. */
CNN__INLINE void fused_data_accumulate(int vectors, shares from, int64_t count, const float *weights, float *to)
{
    lanes acc[FUSED_DATA_STRETCH];
#pragma GCC unroll 10
    for (int v = 0; v < vectors; v++) {
        acc[v] = load(to + v * LANES);
    }
    for (int64_t n = 0; n < count; n++) {
        lanes dy = splat(from.dy[n]);
        const float *w = patch_at(weights, from.weight[n]);
        __asm__("" : "+r"(w)); /* without it GCC computes an address for every vector */
#pragma GCC unroll 10
        for (int v = 0; v < vectors; v++) {
            acc[v] += dy * load(w + v * LANES);
        }
    }
#pragma GCC unroll 10
    for (int v = 0; v < vectors; v++) {
        store(to + v * LANES, acc[v]);
    }
}

/* Adds all lists to a stretch of `vectors` vectors of one kernel row. The row's weights, of all channels, are read
 * again for each list and stay in L1. */
CNN__INLINE void add_stretch(int vectors, const data_job *job, shares all, const int32_t *starts, int64_t row,
                             int64_t at, float *image)
{
    const patch_layout *p = &job->layout;
    const float *weights = job->packed + row * job->g->out_channels * p->run + at;
    int64_t out_w = job->g->out_w / 2;
    for (int64_t list = 0; list < 4 * job->windows; list++) {
        int64_t window = list / 4, h = 2 * (window / out_w) + list % 4 / 2 + row, w = 2 * (window % out_w) + list % 2;
        int64_t count = starts[list + 1] - starts[list];
        if (count) {
            shares from = { all.weight + starts[list], all.dy + starts[list] };
            fused_data_accumulate(vectors, from, count, weights, image + patch_offset(p, h, w) + at);
        }
    }
}

static void add_stretches(const data_job *job, shares all, const int32_t *starts, int64_t row, float *image)
{
    int64_t at = 0, run = job->layout.run, wide = FUSED_DATA_STRETCH * LANES;
    for (; at + wide <= run; at += wide) {
        add_stretch(FUSED_DATA_STRETCH, job, all, starts, row, at, image);
    }
    for (; at + 2 * LANES <= run; at += 2 * LANES) {
        add_stretch(2, job, all, starts, row, at, image);
    }
    for (; at < run; at += LANES) {
        add_stretch(1, job, all, starts, row, at, image);
    }
}

/* Removes the padding and transposes back to one plane per channel. */
static void write_back(const data_job *job, const float *image, float *dx)
{
    const cnn__conv *g = job->g;
    const patch_layout *p = &job->layout;
    int64_t padded_h = g->out_h + g->kernel_h - 1, capacity = g->out_w + g->kernel_w - 1 - g->pad_left;
    int64_t columns = capacity < 0 ? 0 : capacity < g->in_w ? capacity : g->in_w; /* what any window reaches */
    for (int64_t h = 0; h < g->in_h; h++) {
        int64_t reached = h + g->pad_top < padded_h ? columns : 0;
        transpose_in(image + (h + g->pad_top) * p->line_step + g->pad_left * p->pixel_step, p->pixel_step,
                     g->in_channels, reached, dx + h * g->in_w, g->in_h * g->in_w);
        for (int64_t c = 0; c < g->in_channels && reached < g->in_w; c++) {
            memset(dx + (c * g->in_h + h) * g->in_w + reached, 0, (size_t)(g->in_w - reached) * sizeof(float));
        }
    }
}

static void data_image(void *arg, int64_t n, int worker)
{
    const data_job *job = arg;
    const cnn__conv *g = job->g;
    const patch_layout *p = &job->layout;
    char *scratch = job->scratch + job->scratch_size * (size_t)worker;
    float *image = (float *)(void *)scratch;
    float *by_window = (float *)(void *)(scratch + job->by_window_at);
    int32_t *winners = (int32_t *)(void *)by_window + job->windows * job->channels;
    shares all = { .weight = (int32_t *)(void *)(scratch + job->shares_at) };
    all.dy = (float *)(void *)(all.weight + job->windows * job->channels + LANES);
    int32_t *starts = (int32_t *)(void *)(scratch + job->starts_at);
    int64_t plane = n * g->out_channels * job->windows;
    mirror_windows(job, job->dy + plane, job->index + plane, by_window, winners);
    list_shares(job, by_window, winners, all, starts);
    memset(image, 0, (size_t)p->image * sizeof(float));
    for (int64_t row = 0; row < p->rows; row++) {
        add_stretches(job, all, starts, row, image);
    }
    write_back(job, image, job->dx + n * g->in_channels * g->in_h * g->in_w);
}

void CNN__SIMD(conv_relu_pool_backward_data)(const cnn__conv *g, const void *dy, const uint8_t *index,
                                             const void *weight, void *dx, void *workspace, cnn__pool *pool)
{
    data_job job = { .dy = dy, .index = index, .weight = weight, .dx = dx, .packed = workspace };
    fused_data_plan_blocks(&job, g);
    job.scratch = (char *)workspace + fused_data_packed_size(&job);
    cnn__pool_run(pool, g->out_channels, (double)(g->out_channels * job.layout.rows * job.layout.run), pack_channel,
                  &job);
    double work =
        (double)g->batch * (double)(job.windows * g->out_channels) * (double)(job.layout.rows * job.layout.run);
    cnn__pool_run(pool, g->batch, work / LANES, data_image, &job);
    if (!all_finite(weight, g->out_channels * g->in_channels * g->kernel_h * g->kernel_w, pool)) {
        conv_relu_pool_recompute_data(g, index, weight, dx, pool);
    }
}
