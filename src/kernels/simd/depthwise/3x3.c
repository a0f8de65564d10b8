/* The 3 × 3 depthwise convolution, forward and the gradient of the data (depthwise/3x3.h). A task owns some planes
 * of the result, which may belong to several images. */
#include "kernels/simd/depthwise/3x3.h"
#include "kernels/simd/conv/algorithms.h"
#include "kernels/simd/elementwise/relu.h"
#include "kernels/simd/vector/machine.h"

enum {
    TASK_FLOATS = 1 << 12,    /* floats of x, at least */
    MAX_STREAMED = QUARTER_L2 /* floats of a task's result, which wait in L2 until they are stored past it */
};

typedef struct dw3_job {
    const cnn__conv *g;
    const float *x, *weight, *bias; /* x is dy for the gradient */
    float *y, *scratch, *copies;    /* y may be dx; a worker's scratch is a task's result, its copy a plane of x */
    int64_t height, width, out_height, out_width;
    int64_t planes, task_planes;
    int64_t strip_width;         /* what is cut into strips: the result, or dy where it spreads */
    int64_t first_tap, tap_step; /* the gradient takes the kernel from its end */
    bool spreads;                /* the gradient of stride 2 */
    const cnn__finish *finish;   /* is done before the result leaves the caches; NULL: nothing is */
    bool streamed;               /* y is stored past the caches */
    bool pairs;
    lanes_i32 picks[3];
    dw3_bounds bounds; /* the bounds of x */
} dw3_job;

/* A strip of the result, and that of the pair's other plane. */
typedef struct plane_strip {
    float *at;
    int64_t width, count, other;
} plane_strip;

CNN__INLINE void dw3_put(bool pair, const plane_strip *to, int64_t row, lanes v)
{
    float *at = to->at + row * to->width;
    store_partial(at, pair ? evens(v, v) : v, to->count);
    if (pair) {
        store_partial(at + to->other, odds(v, v), to->count);
    }
}

CNN__INLINE lanes add_three(lanes sum, const lanes w[3], const lanes v[3])
{
    for (int j = 0; j < 3; j++) {
        sum += w[j] * v[j];
    }
    return sum;
}

/* Each row of the input contributes to three rows of the result and completes one of them. */
CNN__INLINE void convolve_same(bool pair, const dw3_strip *s, const lanes w[DW3_TAPS], lanes bias,
                               const plane_strip *to)
{
    lanes above = bias, here = bias;
    for (int64_t row = 0; row < s->rows; row++) {
        lanes v[3];
        dw3_taps(pair, 1, s, row, v);
        lanes done = add_three(above, w + 6, v);
        above = add_three(here, w + 3, v);
        here = add_three(bias, w, v);
        if (row) {
            dw3_put(pair, to, row - 1, done);
        }
    }
    dw3_put(pair, to, s->rows - 1, above);
}

/* An odd row of the input is the last one of a row of the result and the first one of the next. */
CNN__INLINE void convolve_halved(bool pair, const dw3_strip *s, const lanes w[DW3_TAPS], lanes bias,
                                 const plane_strip *to)
{
    lanes sum = bias;
    for (int64_t row = 0; row < s->rows; row += 2) {
        lanes v[3], next = bias;
        dw3_taps(pair, 2, s, row, v);
        sum = add_three(sum, w + 3, v);
        if (row + 1 < s->rows) {
            dw3_taps(pair, 2, s, row + 1, v);
            sum = add_three(sum, w + 6, v);
            next = add_three(bias, w, v);
        }
        dw3_put(pair, to, row / 2, dw3_order(2, sum));
        sum = next;
    }
}

CNN__INLINE lanes splat_both(bool pair, const float *at, int64_t other)
{
    return pair ? zip_low(splat(at[0]), splat(at[other])) : splat(at[0]);
}

/* The value at `at` in all lanes or, for a pair, that of each plane in its own lanes. */
CNN__INLINE lanes load_kernel(bool pair, const dw3_job *job, int64_t plane, int64_t other, lanes w[DW3_TAPS])
{
    int64_t channels = job->g->in_channels, channel = plane % channels;
    other = pair ? other % channels - channel : 0;
    const float *weight = job->weight + channel * DW3_TAPS + job->first_tap;
#pragma GCC unroll 9
    for (int t = 0; t < DW3_TAPS; t++, weight += job->tap_step) {
        w[t] = splat_both(pair, weight, other * DW3_TAPS);
    }
    return job->bias ? splat_both(pair, job->bias + channel, other) : (lanes){ 0 };
}

/* Convolves the same strip of consecutive planes. With pairs, the last plane may be alone. */
CNN__INLINE void convolve_run(bool pair, int stride, const dw3_job *job, int64_t plane, int64_t end, dw3_strip s,
                              plane_strip to, float *copy)
{
    int64_t step = pair ? 2 : 1, size = job->height * job->width, out = job->out_height * job->out_width;
    for (const float *at = s.at; plane < end; plane += step, at += step * size, to.at += step * out) {
        s.at = dw3_strip_at(&job->bounds, at, s.column, copy);
        int64_t two = pair && plane + 1 < end ? 1 : 0;
        lanes w[DW3_TAPS], bias = load_kernel(pair, job, plane, plane + two, w);
        s.other = two * size;
        s.ahead = dw3_ahead(&job->bounds, at + s.other);
        to.other = two * out;
        if (stride == 1) {
            convolve_same(pair, &s, w, bias, &to);
        } else {
            convolve_halved(pair, &s, w, bias, &to);
        }
    }
}

static void dw3_convolve_strip(const dw3_job *job, int64_t plane, int64_t end, int64_t column, float *y, float *copy)
{
    int64_t stride = job->g->stride_w;
    dw3_strip s = dw3_strip_make(job->x + plane * job->height * job->width, job->height, job->width, column * stride);
    plane_strip to = { y + column, job->out_width, lanes_from(job->out_width, column), 0 };
    s.picks = job->picks;
    bool pairs = DW3_PAIRS && job->pairs;
    if (pairs && stride == 1) {
        convolve_run(true, 1, job, plane, end, s, to, copy);
    } else if (pairs) {
        convolve_run(true, 2, job, plane, end, s, to, copy);
    } else if (stride == 1) {
        convolve_run(false, 1, job, plane, end, s, to, copy);
    } else {
        convolve_run(false, 2, job, plane, end, s, to, copy);
    }
}

/* Only the middle of the kernel reaches rows and columns 2k of dx; its first and last taps reach those between. w is
 * the reversed kernel. */
CNN__INLINE void dw3_spread(const dw3_strip *s, const lanes w[DW3_TAPS], float *dx, int64_t height, int64_t width,
                            int64_t column)
{
    int64_t first = lanes_from(width, column), second = lanes_from(width, column + LANES);
    lanes v[3], next[3] = { { 0 } };
    dw3_taps(false, 1, s, 0, v);
    for (int64_t row = 0; row < s->rows; row++, v[1] = next[1], v[2] = next[2]) {
        float *to = dx + 2 * row * width + column;
        lanes even = w[4] * v[1], odd = w[3] * v[1] + w[5] * v[2];
        store_partial(to, zip_low(even, odd), first);
        store_partial(to + LANES, zip_high(even, odd), second);
        next[1] = next[2] = (lanes){ 0 };
        if (row + 1 < s->rows) {
            dw3_taps(false, 1, s, row + 1, next);
        }
        if (2 * row + 1 < height) {
            even = w[1] * v[1] + w[7] * next[1];
            odd = w[0] * v[1] + w[2] * v[2] + w[6] * next[1] + w[8] * next[2];
            store_partial(to + width, zip_low(even, odd), first);
            store_partial(to + width + LANES, zip_high(even, odd), second);
        }
    }
}

static void spread_strip(const dw3_job *job, int64_t plane, int64_t end, int64_t column, float *dx, float *copy)
{
    int64_t size = job->height * job->width, out = job->out_height * job->out_width;
    dw3_strip s = dw3_strip_make(job->x + plane * size, job->height, job->width, column);
    for (const float *at = s.at; plane < end; plane++, at += size, dx += out) {
        lanes w[DW3_TAPS];
        s.at = dw3_strip_at(&job->bounds, at, s.column, copy);
        s.ahead = dw3_ahead(&job->bounds, at);
        load_kernel(false, job, plane, plane, w);
        dw3_spread(&s, w, dx, job->out_height, job->out_width, 2 * column);
    }
}

/* Planes as wide as one strip are taken together. In wider planes the last strip ends where the plane does. */
static void run_planes(const dw3_job *job, int64_t plane, int64_t end, float *y, float *copy)
{
    int64_t width = job->strip_width, run = width > LANES ? 1 : end - plane;
    for (; plane < end; plane += run, y += run * job->out_height * job->out_width) {
        for (int64_t k = 0; k < width; k += LANES) {
            int64_t column = k && k + LANES > width ? width - LANES : k;
            if (job->spreads) {
                spread_strip(job, plane, plane + run, column, y, copy);
            } else {
                dw3_convolve_strip(job, plane, plane + run, column, y, copy);
            }
        }
    }
}

static void stream_out(const float *from, int64_t count, float *to)
{
    int64_t k = 0;
    for (; k + LANES <= count; k += LANES) {
        store_streamed(to + k, load(from + k));
    }
    store_partial(to + k, load_partial(from + k, count - k), count - k);
    stream_end();
}

static void plane_task(void *arg, int64_t task, int worker)
{
    const dw3_job *job = arg;
    int64_t begin = task * job->task_planes, end = begin + job->task_planes, size = job->out_height * job->out_width;
    float *y = job->y + begin * size, *to = job->streamed ? job->scratch + worker * job->task_planes * size : y;
    end = end < job->planes ? end : job->planes;
    run_planes(job, begin, end, to, job->copies + worker * dw3_copy_floats(job->height, job->width));
    if (job->finish) {
        finish_rows(job->finish, to, begin * size, end - begin, size, size);
    }
    if (job->streamed) {
        stream_out(to, (end - begin) * size, y);
    }
}

static dw3_job dw3_make_job(const cnn__conv *g)
{
    int64_t size = g->in_h * g->in_w, together = size < TASK_FLOATS ? round_up(TASK_FLOATS / size, 2) : 1;
    return (dw3_job){ .g = g, .strip_width = g->out_w, .planes = g->batch * g->in_channels, .task_planes = together };
}

/* The floats to compare with the caches, for planes whose results have `size` floats. With AVX2 and an L3 of 32 MB,
 * streamed stores pay from 24 MB of operands and results together; for wider vectors only the results were measured. */
static int64_t cached_floats(const dw3_job *job, int64_t size)
{
    int64_t in = job->g->in_h * job->g->in_w, out = job->g->out_h * job->g->out_w;
    return job->planes * (LANES == 8 ? 2 * (in + out) / 3 : size);
}

/* The scratch floats of a worker, in whole vectors, where the result may be streamed. */
static int64_t dw3_scratch_floats(const dw3_job *job, int64_t size)
{
    int64_t floats = job->task_planes * size;
    return floats <= MAX_STREAMED && streams(NULL, cached_floats(job, size), floats) ? floats : 0;
}

bool CNN__SIMD(depthwise_3x3_fits)(const cnn__conv *g)
{
    return g->groups == g->in_channels && g->groups == g->out_channels && g->kernel_h == 3 && g->kernel_w == 3 &&
           g->dilation_h == 1 && g->dilation_w == 1 && g->pad_top == 1 && g->pad_left == 1 &&
           g->stride_h == g->stride_w && (g->stride_h == 1 || g->stride_h == 2) &&
           g->out_h == (g->in_h - 1) / g->stride_h + 1 && g->out_w == (g->in_w - 1) / g->stride_w + 1;
}

size_t CNN__SIMD(depthwise_3x3_workspace)(const cnn__conv *g, bool backward, int workers)
{
    dw3_job job = dw3_make_job(g);
    int64_t in = g->in_h * g->in_w, out = g->out_h * g->out_w;
    int64_t copy = dw3_copy_floats(1, backward ? out : in);
    return (size_t)((dw3_scratch_floats(&job, backward ? in : out) + copy) * workers) * sizeof(float);
}

void CNN__SIMD(depthwise_3x3)(const cnn__conv *g, bool backward, const float *x, const float *weight, const float *bias,
                              float *y, void *memory, cnn__pool *pool)
{
    dw3_job job = dw3_make_job(g);
    job.x = x;
    job.weight = weight;
    job.bias = bias;
    job.y = y;
    job.scratch = memory;
    job.height = backward ? g->out_h : g->in_h;
    job.width = backward ? g->out_w : g->in_w;
    job.out_height = backward ? g->in_h : g->out_h;
    job.out_width = backward ? g->in_w : g->out_w;
    job.bounds = dw3_bounds_make(x, job.planes, job.height, job.width);
    job.first_tap = backward ? DW3_TAPS - 1 : 0;
    job.tap_step = backward ? -1 : 1;
    job.finish = backward ? NULL : g->finish;
    job.spreads = backward && g->stride_w == 2;
    job.pairs = !job.spreads && dw3_pairs(job.width, job.out_width);
    for (int j = 0; j < 3 && job.pairs; j++) {
        job.picks[j] = dw3_picks(g->stride_w, j, job.width);
    }
    int64_t size = job.out_height * job.out_width;
    job.copies = job.scratch + dw3_scratch_floats(&job, size) * cnn__pool_size(pool);
    job.streamed = dw3_scratch_floats(&job, size) && streams(y, cached_floats(&job, size), job.task_planes * size);
    double work = (double)job.planes * (double)(g->out_h * g->out_w) * 12 / LANES;
    cnn__pool_run(pool, (job.planes + job.task_planes - 1) / job.task_planes, work, plane_task, &job);
}
