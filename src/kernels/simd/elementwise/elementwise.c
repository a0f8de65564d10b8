/* Elementwise kernels and sums over rows. They are bound by memory, so each makes a single pass over its operands, cut
 * into chunks. */
#include "kernels/simd/elementwise/relu.h"
#include "kernels/simd/table.h"
#include "kernels/simd/vector/long_sum.h"
#include "kernels/simd/vector/partial.h"
#include "kernels/simd/vector/philox.h"

#include <math.h>

enum { ELEMENTWISE_CHUNK = 1 << 14 }; /* elements a task */

typedef struct span {
    int64_t begin, end;
} span;

static span elementwise_span_of(int64_t task, int64_t n)
{
    int64_t end = (task + 1) * ELEMENTWISE_CHUNK;
    return (span){ task * ELEMENTWISE_CHUNK, end < n ? end : n };
}

static void elementwise_run(cnn__pool *pool, int64_t n, double cost, cnn__task_fn fn, void *arg)
{
    cnn__pool_run(pool, (n + ELEMENTWISE_CHUNK - 1) / ELEMENTWISE_CHUNK, (double)n * cost, fn, arg);
}

/* ---- relu ---- */

/* y = max(x, 0); a NaN stays one. */
static void relu_floats(const float *x, float *y, int64_t count)
{
    for (; count > 0; count -= LANES, x += LANES, y += LANES) {
        int64_t some = min64(count, LANES);
        store_partial(y, at_least((lanes){ 0 }, load_partial(x, some)), some);
    }
}

void relu_mask_floats(const float *y, const float *dy, float *dx, int64_t count)
{
    for (const lanes zero = { 0 }; count > 0; count -= LANES, y += LANES, dy += LANES, dx += LANES) {
        int64_t some = min64(count, LANES);
        store_partial(dx, blend(load_partial(y, some) <= zero, zero, load_partial(dy, some)), some);
    }
}

typedef struct map_job {
    int64_t n;
    const float *x, *dy;
    float *y;
} map_job;

static void relu_chunk(void *arg, int64_t task, int worker)
{
    (void)worker;
    const map_job *job = arg;
    span s = elementwise_span_of(task, job->n);
    relu_floats(job->x + s.begin, job->y + s.begin, s.end - s.begin);
}

void CNN__SIMD(relu)(int64_t n, const void *x, void *y, cnn__pool *pool)
{
    elementwise_run(pool, n, 0.25, relu_chunk, &(map_job){ .n = n, .x = x, .y = y });
}

static void relu_backward_chunk(void *arg, int64_t task, int worker)
{
    (void)worker;
    const map_job *job = arg;
    span s = elementwise_span_of(task, job->n);
    relu_mask_floats(job->x + s.begin, job->dy + s.begin, job->y + s.begin, s.end - s.begin);
}

void CNN__SIMD(relu_backward)(int64_t n, const void *y, const void *dy, void *dx, cnn__pool *pool)
{
    elementwise_run(pool, n, 0.25, relu_backward_chunk, &(map_job){ .n = n, .x = y, .dy = dy, .y = dx });
}

/* ---- dropout ---- */

typedef struct dropout_job {
    int64_t n;
    const uint64_t *key;
    uint32_t threshold;
    float scale;
    const float *x;
    float *y;
} dropout_job;

/* The scale in the lanes whose draws reach the threshold, 0 in the others. Written with vector types, because
 * compilers would make a branch of it where the instruction set has no masks, and half of those branches would be
 * mispredicted. */
CNN__INLINE lanes keep_drawn(const uint32_t draws[LANES], uint32_t threshold, lanes scale)
{
    typedef uint32_t lanes_u32 __attribute__((vector_size(CNN__VECTOR_BYTES)));
    lanes_u32 drawn;
    memcpy(&drawn, draws, sizeof drawn);
    return blend((lanes_i32)(drawn >= threshold), scale, (lanes){ 0 });
}

/* CHUNK is a multiple of CNN__DRAWS, so every chunk begins with a whole group. */
static void dropout_chunk(void *arg, int64_t task, int worker)
{
    (void)worker;
    const dropout_job *job = arg;
    span s = elementwise_span_of(task, job->n);
    uint32_t draws[CNN__DRAWS];
    for (int64_t i = s.begin; i < s.end; i += CNN__DRAWS) {
        philox_vectors(job->key, (uint64_t)i / 4, draws);
        int64_t count = min64(s.end - i, CNN__DRAWS);
        for (int64_t k = 0; k < count; k += LANES) {
            int64_t some = min64(count - k, LANES);
            lanes factors = keep_drawn(draws + k, job->threshold, splat(job->scale));
            store_partial(job->y + i + k, load_partial(job->x + i + k, some) * factors, some);
        }
    }
}

void CNN__SIMD(dropout)(int64_t n, double p, const uint64_t key[2], const void *x, void *y, cnn__pool *pool)
{
    dropout_job job = { n, key, cnn__dropout_threshold(p), p < 1 ? (float)(1 / (1 - p)) : 0, x, y };
    elementwise_run(pool, n, 4, dropout_chunk, &job);
}

/* ---- sums over rows ---- */

enum { COLUMNS = 64, ELEMENTWISE_CHAINS = 8, ROWS_PART = PART_SUM / 3 /* rows that are added up at once */ };

typedef struct sum_job {
    int64_t m, n;
    const float *x;
    float *out;
} sum_job;

/* Rows [begin, end) are added in order, in CHAINS partial sums, for a stretch of columns. */
static void sum_part(const sum_job *job, int64_t begin, int64_t end, int64_t first, int64_t width, float *out)
{
    float part[ELEMENTWISE_CHAINS][COLUMNS] = { { 0 } };
    for (int64_t i = begin; i < end; i++) {
        const float *row = job->x + i * job->n + first;
        float *sum = part[i % ELEMENTWISE_CHAINS];
        for (int64_t j = 0; j < width; j++) {
            sum[j] += row[j];
        }
    }
    for (int64_t j = 0; j < width; j++) {
        float low = (part[0][j] + part[1][j]) + (part[2][j] + part[3][j]);
        out[j] = low + ((part[4][j] + part[5][j]) + (part[6][j] + part[7][j]));
    }
}

static void sum_chunk(void *arg, int64_t task, int worker)
{
    (void)worker;
    const sum_job *job = arg;
    int64_t first = task * COLUMNS, width = job->n - first < COLUMNS ? job->n - first : COLUMNS;
    int64_t rows = ROWS_PART, done = 0;
    double wide[COLUMNS];
    for (; done + rows < job->m; done += rows) {
        sum_part(job, done, done + rows, first, width, job->out + first);
        wide_add(wide, done == 0, job->out + first, 1, width, 0);
    }
    sum_part(job, done, job->m, first, width, job->out + first);
    if (done > 0) {
        wide_finish(wide, job->out + first, 1, width, 0);
    }
}

void CNN__SIMD(sum_rows)(int64_t m, int64_t n, const void *x, void *out, cnn__pool *pool)
{
    sum_job job = { m, n, x, out };
    cnn__pool_run(pool, (n + COLUMNS - 1) / COLUMNS, (double)m * (double)n / 4, sum_chunk, &job);
}
