/* The gradient of the input behind ReLU and 2 × 2 max pooling.
 *
 * Each winner of a pooling window adds dy · W[o] to the patch of inputs behind it. The channels of one window that share a
 * winner share the patch: a stretch of it stays in registers while their weights, [kernel row][channel][run] so that one
 * kernel row of all channels fits L1, are added. Patches of one image overlap and are added by one task in a fixed order. */
#include "kernels/convpool.h"
#include "kernels/kernels.h"
#include "kernels/simd/convpool_patch.h"
#include "kernels/simd/convpool_table.h"

enum { STRETCH = CNN__VECTOR_BYTES == 64 ? 10 : 5 };

/* One channel's share in a patch: where its weights are within a kernel row, and its gradient. */
typedef struct share {
    int32_t weight;
    float dy;
} share;

typedef struct data_job {
    const cnn__conv *g;
    patch_layout layout;
    const float *dy, *weight;
    const uint8_t *index;
    float *dx, *packed;
    int64_t windows;
    char *scratch;
    size_t scratch_size, shares_at, starts_at;
} data_job;

/* Few channels have no expanded form here: gradients of overlapping patches must meet in one image. */
static void measure(data_job *job, const cnn__conv *g)
{
    job->g = g;
    job->layout = (patch_layout){ .rows = g->kernel_h, .channels = round_up(g->in_channels, LANES) };
    patch_layout *p = &job->layout;
    p->run = g->kernel_w * p->channels;
    p->pixel_step = p->channels;
    p->line_step = p->row_step = (g->out_w + g->kernel_w - 1) * p->channels;
    p->image = (g->out_h + g->kernel_h - 1) * p->line_step;
    job->windows = (g->out_h / 2) * (g->out_w / 2);
    job->shares_at = (size_t)round_up(p->image, 16) * sizeof(float);
    job->starts_at = job->shares_at + (size_t)round_up(job->windows * g->out_channels + 1, 8) * sizeof(share);
    job->scratch_size = job->starts_at + (size_t)round_up(8 * job->windows + 3, 16) * sizeof(int32_t);
}

static size_t packed_size(const data_job *job)
{
    return (size_t)round_up(job->layout.rows * job->g->out_channels * job->layout.run, 16) * sizeof(float);
}

size_t CNN__SIMD(convpool_backward_data_workspace)(const cnn__conv *g, int workers)
{
    data_job job = { 0 };
    measure(&job, g);
    return packed_size(&job) + job.scratch_size * (size_t)workers;
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

/* Lists the shares of an image by window and, within one, by winner: starts[4·window + winner] is where each list begins.
 * A counting sort, so that dy and index are read in order; windows that ReLU cut off are counted in a place of their own. */
static void list_shares(const data_job *job, const float *dy, const uint8_t *index, share *shares, int32_t *starts)
{
    int64_t lists = 4 * job->windows;
    int32_t *cursors = starts + lists + 2;
    memset(cursors, 0, (size_t)(lists + 1) * sizeof *cursors);
    for (int64_t o = 0, at = 0; o < job->g->out_channels; o++) {
        for (int64_t window = 0; window < job->windows; window++, at++) {
            cursors[index[at] < 4 ? 4 * window + index[at] : lists]++;
        }
    }
    int32_t count = 0;
    for (int64_t list = 0; list <= lists; list++) {
        starts[list] = count;
        count += cursors[list];
        cursors[list] = starts[list];
    }
    for (int64_t o = 0, at = 0; o < job->g->out_channels; o++) {
        for (int64_t window = 0; window < job->windows; window++, at++) {
            share *to = &shares[cursors[index[at] < 4 ? 4 * window + index[at] : lists]++];
            to->weight = (int32_t)(o * job->layout.run);
            to->dy = dy[at];
        }
    }
}

/* to[0 .. vectors) += Σ dy · weights; `vectors` is a constant where this is inlined. */
CNN__INLINE void accumulate(int vectors, const share *shares, int64_t count, const float *weights, float *to)
{
    lanes acc[STRETCH];
#pragma GCC unroll 10
    for (int v = 0; v < vectors; v++) {
        acc[v] = load(to + v * LANES);
    }
    for (int64_t n = 0; n < count; n++) {
        lanes dy = splat(shares[n].dy);
        const float *w = weights + shares[n].weight;
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

static void add_run(const data_job *job, const share *shares, int64_t count, const float *weights, float *to)
{
    int64_t at = 0, run = job->layout.run, wide = STRETCH * LANES;
    for (; at + wide <= run; at += wide) {
        accumulate(STRETCH, shares, count, weights + at, to + at);
    }
    for (; at + 2 * LANES <= run; at += 2 * LANES) {
        accumulate(2, shares, count, weights + at, to + at);
    }
    for (; at < run; at += LANES) {
        accumulate(1, shares, count, weights + at, to + at);
    }
}

/* Takes the padding off and goes back to one plane a channel. */
static void write_back(const data_job *job, const float *image, float *dx)
{
    const cnn__conv *g = job->g;
    const patch_layout *p = &job->layout;
    int64_t padded_h = g->out_h + g->kernel_h - 1, padded_w = g->out_w + g->kernel_w - 1;
    for (int64_t c = 0; c < g->in_channels; c++) {
        for (int64_t h = 0; h < g->in_h; h++) {
            int64_t line = h + g->pad_top;
            for (int64_t w = 0; w < g->in_w; w++) {
                int64_t column = w + g->pad_left;
                bool used = line < padded_h && column < padded_w; /* else no window reaches it */
                *dx++ = used ? image[line * p->line_step + column * p->pixel_step + c] : 0;
            }
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
    share *shares = (share *)(void *)(scratch + job->shares_at);
    int32_t *starts = (int32_t *)(void *)(scratch + job->starts_at);
    int64_t plane = n * g->out_channels * job->windows, out_w = g->out_w / 2;
    list_shares(job, job->dy + plane, job->index + plane, shares, starts);
    memset(image, 0, (size_t)p->image * sizeof(float));
    for (int64_t row = 0; row < p->rows; row++) {
        const float *weights = job->packed + row * g->out_channels * p->run;
        for (int64_t list = 0; list < 4 * job->windows; list++) {
            int64_t window = list / 4, h = 2 * (window / out_w) + list % 4 / 2 + row, w = 2 * (window % out_w) + list % 2;
            int64_t count = starts[list + 1] - starts[list];
            if (count) {
                add_run(job, shares + starts[list], count, weights, image + patch_offset(p, h, w));
            }
        }
    }
    write_back(job, image, job->dx + n * g->in_channels * g->in_h * g->in_w);
}

void CNN__SIMD(convpool_backward_data)(const cnn__conv *g, const void *dy, const uint8_t *index, const void *weight,
                                       void *dx, void *workspace, cnn__pool *pool)
{
    data_job job = { .dy = dy, .index = index, .weight = weight, .dx = dx, .packed = workspace };
    measure(&job, g);
    job.scratch = (char *)workspace + packed_size(&job);
    cnn__pool_run(pool, g->out_channels, (double)(g->out_channels * job.layout.rows * job.layout.run), pack_channel, &job);
    double work = (double)g->batch * (double)(job.windows * g->out_channels) * (double)(job.layout.rows * job.layout.run);
    cnn__pool_run(pool, g->batch, work / LANES, data_image, &job);
}
