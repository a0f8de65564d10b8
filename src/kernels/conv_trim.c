/* Finds dead taps, and moves the weights of the live ones (conv_trim.h). Weights are rows of kernel_h · kernel_w taps,
 * one for each pair of an output and an input channel. */
#include "kernels/conv_trim.h"

enum { TRIM_ROWS = 1 << 12 /* the rows per task */ };

/* Taps [*first, *first + the result) of one axis are live; padding before the input must not become negative. */
static int64_t live_taps(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t dilation, int64_t *pad,
                         int64_t *first)
{
    int64_t begin = 0, end = kernel, reach = (out - 1) * stride - *pad;
    while (begin + 1 < end && reach + begin * dilation < 0 && (begin + 1) * dilation <= *pad) {
        begin++;
    }
    while (begin + 1 < end && (end - 1) * dilation - *pad >= in) {
        end--;
    }
    *first = begin;
    *pad -= begin * dilation;
    return end - begin;
}

static bool trim_taps(const cnn__conv *g, cnn__conv *t, int64_t first[2])
{
    *t = *g;
    t->kernel_h = live_taps(g->in_h, g->out_h, g->kernel_h, g->stride_h, g->dilation_h, &t->pad_top, &first[0]);
    t->kernel_w = live_taps(g->in_w, g->out_w, g->kernel_w, g->stride_w, g->dilation_w, &t->pad_left, &first[1]);
    return t->kernel_h < g->kernel_h || t->kernel_w < g->kernel_w;
}

bool cnn__conv_trim(const cnn__conv *g, cnn__conv *t)
{
    int64_t first[2];
    bool some = g->in_channels > g->groups && g->in_h > 0 && g->in_w > 0 && trim_taps(g, t, first);
    if (some) {
        t->packed = NULL;
        t->packs = false;
    }
    return some;
}

void cnn__conv_trim_key(const cnn__conv *g, int64_t key[2])
{
    cnn__conv t;
    int64_t first[2];
    key[0] = key[1] = 0;
    if (cnn__conv_trim(g, &t)) {
        trim_taps(g, &t, first);
        key[0] = 1 + first[0] * (g->kernel_h + 1) + t.kernel_h;
        key[1] = 1 + first[1] * (g->kernel_w + 1) + t.kernel_w;
    }
}

static int64_t trim_rows(const cnn__conv *g)
{
    return g->out_channels * (g->in_channels / g->groups);
}

size_t cnn__conv_trim_size(const cnn__conv *t)
{
    size_t bytes = (size_t)(trim_rows(t) * t->kernel_h * t->kernel_w) * sizeof(float);
    return (bytes + 63) / 64 * 64;
}

typedef struct trim_job {
    const cnn__conv *g, *t;
    int64_t first; /* live tap of a row */
    const float *from;
    float *to;
} trim_job;

static void run_trim(const cnn__conv *g, const float *from, float *to, cnn__task_fn fn, cnn__pool *pool)
{
    cnn__conv t;
    int64_t first[2], rows = trim_rows(g);
    trim_taps(g, &t, first);
    trim_job job = { g, &t, first[0] * g->kernel_w + first[1], from, to };
    cnn__pool_run(pool, (rows + TRIM_ROWS - 1) / TRIM_ROWS, (double)(rows * g->kernel_h * g->kernel_w) / 4, fn, &job);
}

static void trim_gather_task(void *arg, int64_t task, int worker)
{
    const trim_job *job = arg;
    const cnn__conv *g = job->g, *t = job->t;
    int64_t begin = task * TRIM_ROWS, end = begin + TRIM_ROWS, all = trim_rows(g);
    const float *from = job->from + begin * g->kernel_h * g->kernel_w + job->first;
    float *to = job->to + begin * t->kernel_h * t->kernel_w;
    (void)worker;
    for (int64_t row = begin; row < (end < all ? end : all); row++, from += g->kernel_h * g->kernel_w) {
        for (int64_t i = 0; i < t->kernel_h; i++) {
            for (int64_t j = 0; j < t->kernel_w; j++) {
                *to++ = from[i * g->kernel_w + j];
            }
        }
    }
}

static void trim_scatter_task(void *arg, int64_t task, int worker)
{
    const trim_job *job = arg;
    const cnn__conv *g = job->g, *t = job->t;
    int64_t begin = task * TRIM_ROWS, end = begin + TRIM_ROWS, all = trim_rows(g), taps = g->kernel_h * g->kernel_w;
    const float *from = job->from + begin * t->kernel_h * t->kernel_w;
    float *to = job->to + begin * taps;
    (void)worker;
    for (int64_t row = begin; row < (end < all ? end : all); row++, to += taps) {
        for (int64_t k = 0; k < taps; k++) {
            to[k] = 0;
        }
        for (int64_t i = 0; i < t->kernel_h; i++) {
            for (int64_t j = 0; j < t->kernel_w; j++) {
                to[job->first + i * g->kernel_w + j] = *from++;
            }
        }
    }
}

void cnn__conv_trim_gather(const cnn__conv *g, const float *weight, float *small, cnn__pool *pool)
{
    run_trim(g, weight, small, trim_gather_task, pool);
}

void cnn__conv_trim_scatter(const cnn__conv *g, const float *small, float *dweight, cnn__pool *pool)
{
    run_trim(g, small, dweight, trim_scatter_task, pool);
}
