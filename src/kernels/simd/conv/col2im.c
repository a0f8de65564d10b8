/* The gradient of the data of one image's strided convolution with many weights, as a GEMM followed by col2im.
 *
 * The GEMM computes what every position of dy adds to every tap: c[position][channel, tap] = Σ_o dy[o][position] ·
 * weight[o][channel, tap]. It reads each weight once, whereas the plan of each residue would read all of them for a
 * few taps. Then each task adds up the planes of some channels, in the order of the taps. */
#include "kernels/simd/conv/col2im.h"
#include "kernels/simd/table.h"
#include "kernels/simd/vector/long_sum.h"
#include "kernels/simd/vector/machine.h"

enum {
    MAX_PLACES = 256,
    MIN_WEIGHTS = L2_FLOATS,
    MAX_SUMS = 8 * L2_FLOATS, /* floats of c */
    CHANNELS = 8              /* a task */
};

typedef struct col2im_job {
    const cnn__conv *g;
    const float *sums;
    float *dx;
    const int32_t *from, *to; /* pairs of a place in a channel's sums, and in its plane */
    int64_t pairs;
} col2im_job;

static cnn__gemm col2im_product(const cnn__conv *g)
{
    int64_t places = g->out_h * g->out_w, n = g->in_channels * g->kernel_h * g->kernel_w;
    return (cnn__gemm){ .trans_a = true, .m = places, .n = n, .k = g->out_channels, .lda = places, .ldb = n, .ldc = n };
}

bool CNN__SIMD(conv_col2im_fits)(const cnn__conv *g)
{
    cnn__gemm c = col2im_product(g);
    return g->batch == 1 && g->groups == 1 && g->stride_h * g->stride_w > 1 && g->kernel_h * g->kernel_w > 1 &&
           g->kernel_h * g->kernel_w <= PART_SUM && c.m <= MAX_PLACES && c.m * c.n <= MAX_SUMS &&
           c.n * c.k >= MIN_WEIGHTS && g->in_h * g->in_w <= INT32_MAX;
}

/* In floats, whole lines of the cache. */
static int64_t col2im_sums_size(const cnn__gemm *c)
{
    return round_up(c->m * c->n, 16);
}

static int64_t max_pairs(const cnn__conv *g)
{
    return round_up(g->out_h * g->out_w * g->kernel_h * g->kernel_w, 16);
}

size_t CNN__SIMD(conv_col2im_workspace)(const cnn__conv *g, int workers)
{
    cnn__gemm c = col2im_product(g);
    return (size_t)(col2im_sums_size(&c) + 2 * max_pairs(g)) * sizeof(float) + CNN__SIMD(gemm_workspace)(&c, workers);
}

/* Tap by tap, so that neighbours in the list are added to different places. */
static int64_t list_pairs(const cnn__conv *g, int32_t *from, int32_t *to)
{
    int64_t pairs = 0, taps = g->kernel_h * g->kernel_w, row = g->in_channels * taps;
    for (int64_t t = 0; t < taps; t++) {
        for (int64_t place = 0; place < g->out_h * g->out_w; place++) {
            int64_t h = place / g->out_w * g->stride_h - g->pad_top + t / g->kernel_w * g->dilation_h;
            int64_t w = place % g->out_w * g->stride_w - g->pad_left + t % g->kernel_w * g->dilation_w;
            if (h >= 0 && h < g->in_h && w >= 0 && w < g->in_w) {
                from[pairs] = (int32_t)(place * row + t);
                to[pairs++] = (int32_t)(h * g->in_w + w);
            }
        }
    }
    return pairs;
}

static void scatter_channels(void *arg, int64_t task, int worker)
{
    (void)worker;
    const col2im_job *job = arg;
    const cnn__conv *g = job->g;
    int64_t taps = g->kernel_h * g->kernel_w, plane = g->in_h * g->in_w,
            end = min64((task + 1) * CHANNELS, g->in_channels);
    for (int64_t channel = task * CHANNELS; channel < end; channel++) {
        const float *sums = job->sums + channel * taps;
        float *dx = job->dx + channel * plane;
        memset(dx, 0, (size_t)plane * sizeof *dx);
        for (int64_t k = 0; k < job->pairs; k++) {
            dx[job->to[k]] += sums[job->from[k]];
        }
    }
}

void CNN__SIMD(conv_col2im)(const cnn__conv *g, const float *dy, const float *weight, float *dx, void *memory,
                            cnn__pool *pool)
{
    cnn__gemm c = col2im_product(g);
    float *sums = memory;
    int32_t *from = (int32_t *)memory + col2im_sums_size(&c), *to = from + max_pairs(g);
    CNN__SIMD(gemm)(&c, dy, weight, NULL, sums, to + max_pairs(g), pool);
    col2im_job job = { g, sums, dx, from, to, list_pairs(g, from, to) };
    cnn__pool_run(pool, divide_up(g->in_channels, CHANNELS), (double)(g->in_channels * job.pairs), scatter_channels,
                  &job);
}
