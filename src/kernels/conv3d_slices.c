/* Copies of slices (conv3d_slices.h): whole planes at a time. */
#include "kernels/conv3d_slices.h"

#include <string.h>

enum { SUM_TASK = 1 << 14 /* elements */ };

/* The plane of the volume that a tap of slice s reads; NULL: padding. */
static char *plane_at(const cnn__depth_view *v, int64_t s, int64_t channel, int64_t tap)
{
    int64_t d = s % v->slices * v->stride + tap * v->dilation - v->pad, image = s / v->slices * v->channels + channel;
    return d >= 0 && d < v->depth ? v->volume + (size_t)(image * v->depth + d) * cnn__plane_size(v) : NULL;
}

/* ---- volume to copies: a task per slice and channel ---- */

static void gather_task(void *arg, int64_t task, int worker)
{
    (void)worker;
    const cnn__depth_view *v = arg;
    char *to = v->copies + (size_t)(task * v->taps) * cnn__plane_size(v);
    for (int64_t tap = 0; tap < v->taps; tap++, to += cnn__plane_size(v)) {
        const char *from = plane_at(v, v->first + task / v->channels, task % v->channels, tap);
        if (from) {
            memcpy(to, from, cnn__plane_size(v));
        } else {
            memset(to, 0, cnn__plane_size(v));
        }
    }
}

void cnn__slices_gather(cnn__depth_view *v, cnn__pool *pool)
{
    int64_t tasks = v->count * v->channels;
    cnn__pool_run(pool, tasks, (double)tasks * (double)v->taps * (double)v->plane / 4, gather_task, v);
}

/* ---- copies to volume ---- */

static void add_elements(size_t size, int64_t n, const void *from, void *to)
{
    if (size == sizeof(double)) {
        for (int64_t i = 0; i < n; i++) {
            ((double *)to)[i] += ((const double *)from)[i];
        }
    } else {
        for (int64_t i = 0; i < n; i++) {
            ((float *)to)[i] += ((const float *)from)[i];
        }
    }
}

static void scatter_task(void *arg, int64_t task, int worker)
{
    (void)worker;
    const cnn__depth_view *v = arg;
    const char *from = v->copies + (size_t)task * cnn__plane_size(v);
    memcpy(plane_at(v, v->first + task / v->channels, task % v->channels, 0), from, cnn__plane_size(v));
}

void cnn__slices_scatter(cnn__depth_view *v, cnn__pool *pool)
{
    int64_t tasks = v->count * v->channels;
    cnn__pool_run(pool, tasks, (double)tasks * (double)v->plane / 4, scatter_task, v);
}

/* A task per channel adds the slices in their order. */
static void scatter_add_task(void *arg, int64_t channel, int worker)
{
    (void)worker;
    const cnn__depth_view *v = arg;
    for (int64_t s = 0; s < v->count; s++) {
        const char *from = v->copies + (size_t)((s * v->channels + channel) * v->taps) * cnn__plane_size(v);
        for (int64_t tap = 0; tap < v->taps; tap++, from += cnn__plane_size(v)) {
            char *to = plane_at(v, v->first + s, channel, tap);
            if (to) {
                add_elements(v->size, v->plane, from, to);
            }
        }
    }
}

void cnn__slices_add(cnn__depth_view *v, cnn__pool *pool)
{
    double work = (double)(v->count * v->channels) * (double)v->taps * (double)v->plane / 4;
    cnn__pool_run(pool, v->channels, work, scatter_add_task, v);
}

static void fill_elements(size_t size, int64_t n, const void *value, void *to)
{
    if (size == sizeof(double)) {
        const double wide = *(const double *)value;
        for (int64_t i = 0; i < n; i++) {
            ((double *)to)[i] = wide;
        }
    } else {
        const float narrow = *(const float *)value;
        for (int64_t i = 0; i < n; i++) {
            ((float *)to)[i] = narrow;
        }
    }
}

/* What the sums of a channel of a volume begin with: the bias or zero. */
static void start_task(void *arg, int64_t task, int worker)
{
    (void)worker;
    const cnn__depth_view *v = arg;
    const double zero = 0; /* zero of either type */
    const char *bias = v->bias;
    fill_elements(v->size, v->depth * v->plane,
                  bias ? bias + (size_t)(task % v->channels) * v->size : (const char *)&zero,
                  v->volume + (size_t)task * (size_t)v->depth * cnn__plane_size(v));
}

void cnn__slices_start(cnn__depth_view *v, int64_t volumes, cnn__pool *pool)
{
    int64_t planes = volumes * v->channels;
    cnn__pool_run(pool, planes, (double)planes * (double)(v->depth * v->plane) / 4, start_task, v);
}

/* ---- elements ---- */

typedef struct slices_job {
    size_t size;
    int64_t n;
    const char *from;
    char *to;
} slices_job;

static void slices_task(void *arg, int64_t task, int worker)
{
    (void)worker;
    const slices_job *s = arg;
    int64_t begin = task * SUM_TASK, left = s->n - begin;
    add_elements(s->size, left < SUM_TASK ? left : SUM_TASK, s->from + (size_t)begin * s->size,
                 s->to + (size_t)begin * s->size);
}

void cnn__elements_add(size_t size, int64_t n, const void *from, void *to, cnn__pool *pool)
{
    slices_job job = { size, n, from, to };
    cnn__pool_run(pool, (n + SUM_TASK - 1) / SUM_TASK, (double)n / 4, slices_task, &job);
}
