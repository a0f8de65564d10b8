/* Max pooling. Planes are independent tasks; within a plane, a stretch of an output line keeps its largest values
 * while the taps of the window pass over it one after the other. */

#include "kernels/simd/table.h"
#include "kernels/simd/vector/copy.h"

#include <math.h>

enum {
    MAXPOOL_STRETCH = 64, /* outputs at a time, in whole pairs of vectors */
    MAXPOOL_TAPS = 32
};

typedef struct pool_job {
    const cnn__maxpool *g;
    const float *x; /* forward: the images; backward: dy */
    float *y;       /* forward: the maxima; backward: dx */
    int32_t *index;
    const int32_t *from;
    int64_t planes; /* a task */
} pool_job;

/* The taps of a window's line for two vectors of outputs, whose chains of comparisons overlap; `place` has those of
 * the first tap. */
CNN__INLINE void take_line(const float *line, int64_t stride, int64_t taps, const lanes_i32 place[2], int32_t offset,
                           lanes best[2], lanes_i32 which[2])
{
    lanes most[2] = { best[0], best[1] };
    lanes_i32 where[2] = { which[0], which[1] }, at[2] = { place[0] + offset, place[1] + offset };
    for (int64_t j = 0; j < taps; j++, line++) {
#pragma GCC unroll 2
        for (int v = 0; v < 2; v++) {
            const float *from = line + v * LANES * stride;
            lanes x = stride == 1 ? load(from) : evens(load(from), load(from + LANES));
            lanes_i32 wins = (lanes_i32)(x > most[v]) | (lanes_i32)(x != x);
            most[v] = blend(wins, x, most[v]);
            where[v] = (wins & at[v]) | (~wins & where[v]);
            at[v] += 1;
        }
    }
    memcpy(best, most, sizeof most);
    memcpy(which, where, sizeof where);
}

/* Dense windows of a stride of 1 or 2, with whole vectors: each line of a window is copied to where -INFINITY stands
 * for its padding, which is never larger than a maximum. Short lines of the result lie side by side, a pitch apart. */
static bool is_dense(const cnn__maxpool *g)
{
    return g->dilation_w == 1 && g->stride_w <= 2 && g->kernel_w <= MAXPOOL_TAPS;
}

static int64_t maxpool_pitch(const cnn__maxpool *g, int64_t width)
{
    return width + (g->kernel_w - 1) / g->stride_w;
}

typedef struct maxpool_block {
    const float *x;
    int64_t h, rows, from, width; /* lines and columns of the result */
    int64_t first, begin, end;    /* pixels that a line of windows reaches, and those of them inside the image */
    float lines[2][2 * MAXPOOL_STRETCH + MAXPOOL_TAPS + LANES];
    lanes best[MAXPOOL_STRETCH / LANES];
    lanes_i32 which[MAXPOOL_STRETCH / LANES], place[MAXPOOL_STRETCH / LANES];
} maxpool_block;

/* Copies line number i of all windows. */
static void copy_lines(const cnn__maxpool *g, maxpool_block *b, int64_t i)
{
    int64_t step = maxpool_pitch(g, b->width) * g->stride_w;
    float *to = b->lines[i & 1] + (b->begin - b->first);
    for (int64_t r = 0; r < b->rows; r++, to += step) {
        int64_t row = (b->h + r) * g->stride_h - g->pad_top + i * g->dilation_h;
        if (row >= 0 && row < g->in_h) {
            copy_floats(b->x + row * g->in_w + b->begin, to, b->end - b->begin);
        } else {
            for (int64_t k = 0; k < b->end - b->begin; k++) {
                to[k] = -INFINITY;
            }
        }
    }
}

/* Where all are -INFINITY, the first place of the window is the maximum's. */
static void begin_block(const cnn__maxpool *g, maxpool_block *b)
{
    int32_t *place = (int32_t *)(void *)b->place, *which = (int32_t *)(void *)b->which;
    int32_t stride = (int32_t)g->stride_w, first = (int32_t)b->first, pitch = (int32_t)maxpool_pitch(g, b->width);
    for (int64_t r = 0; r < b->rows; r++, place += pitch, which += pitch) {
        int64_t top = (b->h + r) * g->stride_h - g->pad_top;
        int64_t inside = top < 0 ? top + (g->dilation_h - 1 - top) / g->dilation_h * g->dilation_h : top;
        int32_t from = (int32_t)(top * g->in_w), beginning = (int32_t)(inside * g->in_w);
        for (int32_t w = 0; w < (int32_t)b->width; w++) {
            int32_t left = first + w * stride;
            place[w] = from + left;
            which[w] = beginning + (left < 0 ? 0 : left);
        }
    }
}

static void dense_block(const cnn__maxpool *g, maxpool_block *b, float *y, int32_t *index)
{
    int64_t pitch = maxpool_pitch(g, b->width), outputs = (b->rows - 1) * pitch + b->width;
    b->first = b->from * g->stride_w - g->pad_left;
    b->begin = b->first < 0 ? 0 : b->first;
    b->end = min64(g->in_w, b->first + (b->width - 1) * g->stride_w + g->kernel_w);
    for (size_t k = 0; k < sizeof b->lines[0] / sizeof(float); k++) {
        b->lines[0][k] = -INFINITY;
        b->lines[1][k] = -INFINITY;
    }
    for (int64_t v = 0; v < MAXPOOL_STRETCH / LANES; v++) {
        b->best[v] = splat(-INFINITY);
    }
    if (index) {
        begin_block(g, b);
    }
    /* A line is copied while the one before it is at work: reading at once what was just stored takes long where the
     * vectors read are not the ones stored. */
    copy_lines(g, b, 0);
    for (int64_t i = 0; i < g->kernel_h; i++) {
        if (i + 1 < g->kernel_h) {
            copy_lines(g, b, i + 1);
        }
        for (int64_t v = 0; v * LANES < outputs; v += 2) {
            const float *line = b->lines[i & 1] + v * LANES * g->stride_w;
            int32_t offset = (int32_t)(i * g->dilation_h * g->in_w);
            if (g->stride_w == 1) {
                take_line(line, 1, g->kernel_w, b->place + v, offset, b->best + v, b->which + v);
            } else {
                take_line(line, 2, g->kernel_w, b->place + v, offset, b->best + v, b->which + v);
            }
        }
    }
    for (int64_t r = 0; r < b->rows; r++) {
        int64_t at = (b->h + r) * g->out_w + b->from;
        copy_floats((const float *)(void *)b->best + r * pitch, y + at, b->width);
        if (index) {
            memcpy(index + at, (const int32_t *)(void *)b->which + r * pitch, (size_t)b->width * sizeof *index);
        }
    }
}

/* Windows of any dilation and stride, an output at a time. */
static void any_block(const cnn__maxpool *g, const maxpool_block *b, float *y, int32_t *index)
{
    for (int64_t k = 0; k < b->rows * b->width; k++) {
        int64_t h = b->h + k / b->width, w = b->from + k % b->width;
        float best = -INFINITY;
        int32_t which = -1;
        for (int64_t tap = 0; tap < g->kernel_h * g->kernel_w; tap++) {
            int64_t in_h = h * g->stride_h - g->pad_top + tap / g->kernel_w * g->dilation_h;
            int64_t in_w = w * g->stride_w - g->pad_left + tap % g->kernel_w * g->dilation_w;
            if (in_h >= 0 && in_h < g->in_h && in_w >= 0 && in_w < g->in_w) {
                int32_t place = (int32_t)(in_h * g->in_w + in_w);
                float v = b->x[place];
                if (v > best || v != v || which < 0) {
                    best = v;
                    which = place;
                }
            }
        }
        y[h * g->out_w + w] = best;
        if (index) {
            index[h * g->out_w + w] = which;
        }
    }
}

static void forward_planes(void *arg, int64_t task, int worker)
{
    (void)worker;
    const pool_job *job = arg;
    const cnn__maxpool *g = job->g;
    maxpool_block block = { .width = min64(g->out_w, MAXPOOL_STRETCH) };
    int64_t rows = 1 + (MAXPOOL_STRETCH - block.width) / maxpool_pitch(g, block.width);
    for (int64_t p = task * job->planes; p < (task + 1) * job->planes && p < g->planes; p++) {
        float *y = job->y + p * g->out_h * g->out_w;
        int32_t *index = job->index ? job->index + p * g->out_h * g->out_w : NULL;
        block.x = job->x + p * g->in_h * g->in_w;
        for (block.h = 0; block.h < g->out_h; block.h += rows) {
            block.rows = min64(rows, g->out_h - block.h);
            for (block.from = 0; block.from < g->out_w; block.from += MAXPOOL_STRETCH) {
                block.width = min64(MAXPOOL_STRETCH, g->out_w - block.from);
                if (is_dense(g)) {
                    dense_block(g, &block, y, index);
                } else {
                    any_block(g, &block, y, index);
                }
            }
        }
    }
}

static void backward_planes(void *arg, int64_t task, int worker)
{
    (void)worker;
    const pool_job *job = arg;
    const cnn__maxpool *g = job->g;
    int64_t in = g->in_h * g->in_w, out = g->out_h * g->out_w;
    for (int64_t p = task * job->planes; p < (task + 1) * job->planes && p < g->planes; p++) {
        const float *dy = job->x + p * out;
        const int32_t *from = job->from + p * out;
        float *dx = job->y + p * in;
        memset(dx, 0, (size_t)in * sizeof *dx);
        for (int64_t i = 0; i < out; i++) {
            dx[from[i]] += dy[i];
        }
    }
}

/* Small planes share a task. */
static void maxpool_run(pool_job *job, double work, cnn__task_fn fn, cnn__pool *pool)
{
    int64_t plane = job->g->in_h * job->g->in_w;
    job->planes = plane < 8192 ? 8192 / plane : 1;
    cnn__pool_run(pool, (job->g->planes + job->planes - 1) / job->planes, work, fn, job);
}

void CNN__SIMD(maxpool_forward)(const cnn__maxpool *g, const void *x, void *y, int32_t *index, cnn__pool *pool)
{
    double taps = (double)(g->out_h * g->out_w) * (double)(g->kernel_h * g->kernel_w);
    maxpool_run(&(pool_job){ .g = g, .x = x, .y = y, .index = index }, (double)g->planes * taps, forward_planes, pool);
}

void CNN__SIMD(maxpool_backward)(const cnn__maxpool *g, const void *dy, const int32_t *index, void *dx, cnn__pool *pool)
{
    double places = (double)(g->in_h * g->in_w) + (double)(g->out_h * g->out_w);
    maxpool_run(&(pool_job){ .g = g, .x = dy, .y = dx, .from = index }, (double)g->planes * places, backward_planes,
                pool);
}
