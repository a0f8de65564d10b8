/* 1 × 1 convolutions without padding but with a stride, forward or backward: the positions of x that are read are
 * gathered, some images at a time, multiplied as without a stride (conv/1x1.c), and spread over y. */
#include "kernels/simd/conv/algorithms.h"
#include "kernels/simd/layout/plan.h"
#include "kernels/simd/vector/copy.h"
#include "kernels/simd/vector/machine.h"

enum { GATHERED = 2 * L2_FLOATS /* floats of x or y, unless one image has more */ };

typedef struct strided_1x1_job {
    const conv_plan *plan;
    conv_plan inner; /* the plan of some images */
    const float *x;
    float *y, *gathered_x, *gathered_y;
    int64_t images, places;
    bool gathers, spreads;
} strided_1x1_job;

static bool axis_fits(const conv_axis *a)
{
    return a->taps == 1 && a->first == 0 && a->grid > 0 && (a->grid - 1) * a->stride < a->in;
}

bool CNN__SIMD(conv_1x1_strided_fits)(const conv_plan *p)
{
    return axis_fits(&p->h) && axis_fits(&p->w) && p->batch > 0 && p->in_channels > 0 &&
           (p->weight_in == 1 || p->weight_out == 1);
}

static void strided_1x1_plan_blocks(strided_1x1_job *job, const conv_plan *p)
{
    job->plan = p;
    job->places = p->h.grid * p->w.grid;
    job->gathers = p->h.stride != 1 || p->w.stride != 1 || p->h.in != p->h.grid || p->w.in != p->w.grid;
    job->spreads = p->h.out_step != 1 || p->w.out_step != 1 || p->h.out != p->h.grid || p->w.out != p->w.grid;
    int64_t channels = p->in_channels > p->out_channels ? p->in_channels : p->out_channels;
    int64_t max = GATHERED / (channels * p->groups * job->places);
    job->images = max < 1 ? 1 : max < p->batch ? max : p->batch;
    conv_axis h = { .in = p->h.grid, .out = p->h.grid, .grid = p->h.grid, .stride = 1, .out_step = 1, .taps = 1 };
    conv_axis w = { .in = p->w.grid, .out = p->w.grid, .grid = p->w.grid, .stride = 1, .out_step = 1, .taps = 1 };
    job->inner = *p;
    job->inner.h = h;
    job->inner.w = w;
    job->inner.batch = job->images;
    job->inner.relu = false; /* places of the inner y are not those of y */
    job->inner.relu_mask = NULL;
    job->inner.finish = NULL;
}

static size_t x_size(const strided_1x1_job *job)
{
    int64_t floats = job->images * job->plan->groups * job->plan->in_channels * job->places;
    return job->gathers ? (size_t)round_up(floats, 16) * sizeof(float) : 0;
}

static size_t y_size(const strided_1x1_job *job)
{
    int64_t floats = job->images * job->plan->groups * job->plan->out_channels * job->places;
    return job->spreads ? (size_t)round_up(floats, 16) * sizeof(float) : 0;
}

size_t CNN__SIMD(conv_1x1_strided_workspace)(const conv_plan *p, int workers)
{
    strided_1x1_job job = { 0 };
    strided_1x1_plan_blocks(&job, p);
    size_t some = CNN__SIMD(conv_1x1_workspace)(&job.inner, workers), last = 0;
    job.inner.batch = p->batch % job.images; /* images that are left may be cut in other ways */
    if (job.inner.batch) {
        last = CNN__SIMD(conv_1x1_workspace)(&job.inner, workers);
    }
    return x_size(&job) + y_size(&job) + (last > some ? last : some);
}

static void gather_plane(void *arg, int64_t plane, int worker)
{
    (void)worker;
    const strided_1x1_job *job = arg;
    const conv_axis *h = &job->plan->h, *w = &job->plan->w;
    const float *from = job->x + plane * h->in * w->in;
    float *to = job->gathered_x + plane * job->places;
    for (int64_t q = 0; q < h->grid; q++) {
        copy_every(from + q * h->stride * w->in, w->stride, to + q * w->grid, w->grid);
    }
}

static void spread_plane(void *arg, int64_t plane, int worker)
{
    (void)worker;
    const strided_1x1_job *job = arg;
    const conv_axis *h = &job->plan->h, *w = &job->plan->w;
    const float *from = job->gathered_y + plane * job->places;
    float *to = job->y + plane * h->out * w->out + h->out_first * w->out + w->out_first;
    for (int64_t q = 0; q < h->grid; q++, from += w->grid, to += h->out_step * w->out) {
        for (int64_t k = 0; k < w->grid; k++) {
            to[k * w->out_step] = from[k];
        }
    }
}

void CNN__SIMD(conv_1x1_strided)(const conv_plan *p, const float *x, const float *weight, const float *bias, float *y,
                                 void *memory, cnn__pool *pool)
{
    strided_1x1_job job = { .x = x, .y = y, .gathered_x = memory };
    strided_1x1_plan_blocks(&job, p);
    job.gathered_y = (float *)(void *)((char *)memory + x_size(&job));
    void *left = (char *)memory + x_size(&job) + y_size(&job);
    for (int64_t image = 0; image < p->batch; image += job.images) {
        job.inner.batch = job.images < p->batch - image ? job.images : p->batch - image;
        int64_t in = job.inner.batch * p->groups * p->in_channels, out = job.inner.batch * p->groups * p->out_channels;
        if (job.gathers) {
            cnn__pool_run(pool, in, (double)(in * job.places) / 4, gather_plane, &job);
        }
        CNN__SIMD(conv_1x1)
        (&job.inner, job.gathers ? job.gathered_x : job.x, weight, bias, job.spreads ? job.gathered_y : job.y, left,
         pool);
        if (job.spreads) {
            cnn__pool_run(pool, out, (double)(out * job.places), spread_plane, &job);
        }
        job.x += in * p->h.in * p->w.in;
        job.y += out * p->h.out * p->w.out;
    }
}
