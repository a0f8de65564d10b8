/* The usual depthwise convolution forward and the gradient of its data (depthwise_plane.h). A task owns some planes of the result,
 * whichever images they are of. */
#include "kernels/simd/depthwise_plane.h"
#include "kernels/simd/table.h"

enum { TASK_FLOATS = 1 << 12 }; /* of the larger planes, at least */

typedef struct plane_job {
    const cnn__conv *g;
    const float *x, *weight, *bias; /* x is dy for the gradient */
    float *y;                       /* and y is dx */
    int64_t height, width, out_height, out_width;
    int64_t planes, task_planes;
    bool turned; /* the kernel is taken from its end */
    bool pairs;
    lanes_i32 picks[3];
} plane_job;

/* A strip of the result, and of the other plane of a pair. */
typedef struct plane_strip {
    float *at;
    int64_t width, count, other;
} plane_strip;

CNN__INLINE void put(bool pair, const plane_strip *to, int64_t row, lanes v)
{
    float *at = to->at + row * to->width;
    store_some(at, pair ? evens(v, v) : v, to->count);
    if (pair) {
        store_some(at + to->other, odds(v, v), to->count);
    }
}

CNN__INLINE lanes add_three(lanes sum, const lanes w[3], const lanes v[3])
{
    for (int j = 0; j < 3; j++) {
        sum += w[j] * v[j];
    }
    return sum;
}

/* A row of the input is in three rows of the result, of which one is complete then. */
CNN__INLINE void convolve_same(bool pair, const depth_strip *s, const lanes w[DEPTH_TAPS], lanes bias, const plane_strip *to)
{
    lanes above = bias, here = bias;
    for (int64_t row = 0; row < s->rows; row++) {
        lanes v[3];
        depth_taps(pair, 1, s, row, v);
        lanes done = add_three(above, w + 6, v);
        above = add_three(here, w + 3, v);
        here = add_three(bias, w, v);
        if (row) {
            put(pair, to, row - 1, done);
        }
    }
    put(pair, to, s->rows - 1, above);
}

/* An odd row is the last of one row of the result and the first of the next. */
CNN__INLINE void convolve_halved(bool pair, const depth_strip *s, const lanes w[DEPTH_TAPS], lanes bias, const plane_strip *to)
{
    lanes sum = bias;
    for (int64_t row = 0; row < s->rows; row += 2) {
        lanes v[3], next = bias;
        depth_taps(pair, 2, s, row, v);
        sum = add_three(sum, w + 3, v);
        if (row + 1 < s->rows) {
            depth_taps(pair, 2, s, row + 1, v);
            sum = add_three(sum, w + 6, v);
            next = add_three(bias, w, v);
        }
        put(pair, to, row / 2, sum);
        sum = next;
    }
}

static void load_kernel(const plane_job *job, int64_t plane, int64_t other, lanes w[DEPTH_TAPS], lanes *bias)
{
    int64_t channels = job->g->in_channels, a = plane % channels, b = other % channels;
    for (int t = 0; t < DEPTH_TAPS; t++) {
        const float *tap = job->weight + (job->turned ? DEPTH_TAPS - 1 - t : t);
        w[t] = a == b ? splat(tap[a * DEPTH_TAPS]) : zip_low(splat(tap[a * DEPTH_TAPS]), splat(tap[b * DEPTH_TAPS]));
    }
    *bias = job->bias ? zip_low(splat(job->bias[a]), splat(job->bias[b])) : (lanes){ 0 };
}

static void convolve_pair(const plane_job *job, int64_t plane, int64_t other)
{
    int64_t size = job->height * job->width, out = job->out_height * job->out_width;
    depth_strip s = depth_strip_make(job->x + plane * size, job->height, job->width, 0);
    plane_strip to = { job->y + plane * out, job->out_width, job->out_width, (other - plane) * out };
    lanes w[DEPTH_TAPS], bias;
    load_kernel(job, plane, other, w, &bias);
    s.other = (other - plane) * size;
    memcpy(s.picks, job->picks, sizeof s.picks);
    if (job->g->stride_w == 1) {
        convolve_same(true, &s, w, bias, &to);
    } else {
        convolve_halved(true, &s, w, bias, &to);
    }
}

/* The last strip ends where the plane does. */
static void convolve_plane(const plane_job *job, int64_t plane)
{
    const float *x = job->x + plane * job->height * job->width;
    float *y = job->y + plane * job->out_height * job->out_width;
    int64_t width = job->out_width, stride = job->g->stride_w;
    lanes w[DEPTH_TAPS], bias;
    load_kernel(job, plane, plane, w, &bias);
    for (int64_t k = 0; k < width; k += LANES) {
        int64_t column = k && k + LANES > width ? width - LANES : k;
        depth_strip s = depth_strip_make(x, job->height, job->width, column * stride);
        plane_strip to = { y + column, width, lanes_from(width, column), 0 };
        if (stride == 1) {
            convolve_same(false, &s, w, bias, &to);
        } else {
            convolve_halved(false, &s, w, bias, &to);
        }
    }
}

static void convolve_task(void *arg, int64_t task, int worker)
{
    (void)worker;
    const plane_job *job = arg;
    int64_t plane = task * job->task_planes, end = plane + job->task_planes;
    end = end < job->planes ? end : job->planes;
    for (; plane < end && DEPTH_PAIRS && job->pairs; plane += 2) {
        convolve_pair(job, plane, plane + 1 < end ? plane + 1 : plane);
    }
    for (; plane < end; plane++) {
        convolve_plane(job, plane);
    }
}

/* Rows and columns 2k of dx are reached by the middle of the kernel alone, those between by its first and its last; w is from the
 * end of the kernel. */
static void spread_strip(const depth_strip *s, const lanes w[DEPTH_TAPS], float *dx, int64_t height, int64_t width,
                         int64_t column)
{
    int64_t first = lanes_from(width, column), second = lanes_from(width, column + LANES);
    lanes v[3], next[3] = { { 0 } };
    depth_taps(false, 1, s, 0, v);
    for (int64_t row = 0; row < s->rows; row++, v[1] = next[1], v[2] = next[2]) {
        float *to = dx + 2 * row * width + column;
        lanes even = w[4] * v[1], odd = w[3] * v[1] + w[5] * v[2];
        store_some(to, zip_low(even, odd), first);
        store_some(to + LANES, zip_high(even, odd), second);
        next[1] = next[2] = (lanes){ 0 };
        if (row + 1 < s->rows) {
            depth_taps(false, 1, s, row + 1, next);
        }
        if (2 * row + 1 < height) {
            even = w[1] * v[1] + w[7] * next[1];
            odd = w[0] * v[1] + w[2] * v[2] + w[6] * next[1] + w[8] * next[2];
            store_some(to + width, zip_low(even, odd), first);
            store_some(to + width + LANES, zip_high(even, odd), second);
        }
    }
}

static void spread_task(void *arg, int64_t task, int worker)
{
    (void)worker;
    const plane_job *job = arg;
    int64_t plane = task * job->task_planes, end = plane + job->task_planes, width = job->width;
    for (; plane < end && plane < job->planes; plane++) {
        lanes w[DEPTH_TAPS], bias;
        load_kernel(job, plane, plane, w, &bias);
        for (int64_t k = 0; k < width; k += LANES) {
            int64_t column = k && k + LANES > width ? width - LANES : k;
            depth_strip s = depth_strip_make(job->x + plane * job->height * width, job->height, width, column);
            spread_strip(&s, w, job->y + plane * job->out_height * job->out_width, job->out_height, job->out_width, 2 * column);
        }
    }
}

static void run(plane_job *job, void (*task)(void *, int64_t, int), cnn__pool *pool)
{
    int64_t size = job->g->in_h * job->g->in_w;
    job->planes = job->g->batch * job->g->in_channels;
    job->task_planes = round_up(size < TASK_FLOATS ? TASK_FLOATS / size : 1, size < TASK_FLOATS ? 2 : 1);
    cnn__pool_run(pool, (job->planes + job->task_planes - 1) / job->task_planes,
                  (double)job->planes * (double)(job->g->out_h * job->g->out_w) * 12 / LANES, task, job);
}

void CNN__SIMD(depthwise_plane)(const cnn__conv *g, const float *x, const float *weight, const float *bias, float *y,
                                cnn__pool *pool)
{
    plane_job job = { .g = g, .x = x, .weight = weight, .bias = bias, .y = y, .height = g->in_h, .width = g->in_w,
                      .out_height = g->out_h, .out_width = g->out_w,
                      .pairs = g->out_w <= LANES / 2 && g->in_w <= LANES };
    for (int j = 0; j < 3; j++) {
        job.picks[j] = depth_picks(g->stride_w, j, g->in_w);
    }
    run(&job, convolve_task, pool);
}

void CNN__SIMD(depthwise_plane_backward_data)(const cnn__conv *g, const float *dy, const float *weight, float *dx,
                                              cnn__pool *pool)
{
    plane_job job = { .g = g, .x = dy, .weight = weight, .y = dx, .height = g->out_h, .width = g->out_w,
                      .out_height = g->in_h, .out_width = g->in_w, .turned = true,
                      .pairs = g->stride_w == 1 && g->in_w <= LANES / 2 };
    for (int j = 0; j < 3; j++) {
        job.picks[j] = depth_picks(1, j, g->out_w);
    }
    run(&job, g->stride_w == 1 ? convolve_task : spread_task, pool);
}
