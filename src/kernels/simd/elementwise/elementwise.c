/* Elementwise kernels, sums over rows and optimizer steps. They are bound by memory, so each makes a single pass
 * over its operands, cut into chunks. */
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

void relu_floats(const float *x, float *y, int64_t count)
{
    for (const lanes zero = { 0 }; count > 0; count -= LANES, x += LANES, y += LANES) {
        lanes v = load_partial(x, min64(count, LANES));
        store_partial(y, blend(v < zero, zero, v), min64(count, LANES));
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

/* ---- optimizers ---- */

typedef struct adam_job {
    int64_t n;
    float *param, *m, *v, *vmax;
    const float *grad;
    float sign, decay, l2, keep2, take2, step, root, eps;
    lanes_i32 mostly_new; /* all ones from 1 - beta1 = 0.5 on: the first moment starts from the gradient */
    float toward;         /* and how far it goes from there to the other of the two */
} adam_job;

/* One vector; the moments, the parameters and, with AMSGrad, the largest second moments so far are replaced. */
CNN__INLINE lanes adam_lanes(const adam_job *j, lanes param, lanes grad, lanes *m, lanes *v, lanes *vmax)
{
    lanes g = j->sign * grad + j->l2 * param;
    *m = blend(j->mostly_new, g, *m) + (g - *m) * j->toward;
    *v = j->keep2 * *v + j->take2 * g * g;
    if (vmax) {
        *vmax = blend((*vmax > *v) | (*vmax != *vmax), *vmax, *v);
    }
    return param * j->decay - j->step * (*m / (square_root(vmax ? *vmax : *v) / j->root + j->eps));
}

/* `amsgrad` is a constant where this is inlined. */
CNN__INLINE void adam_span(const adam_job *j, span s, bool amsgrad)
{
    for (int64_t i = s.begin; i < s.end; i += LANES) {
        int64_t some = s.end - i < LANES ? s.end - i : LANES;
        bool all = some == LANES;
        lanes m = all ? load(j->m + i) : load_partial(j->m + i, some),
              v = all ? load(j->v + i) : load_partial(j->v + i, some);
        lanes param = all ? load(j->param + i) : load_partial(j->param + i, some), max = { 0 };
        if (amsgrad) {
            max = load_partial(j->vmax + i, some);
        }
        param = adam_lanes(j, param, all ? load(j->grad + i) : load_partial(j->grad + i, some), &m, &v,
                           amsgrad ? &max : NULL);
        if (all) {
            store(j->param + i, param);
            store(j->m + i, m);
            store(j->v + i, v);
        } else {
            store_partial(j->param + i, param, some);
            store_partial(j->m + i, m, some);
            store_partial(j->v + i, v, some);
        }
        if (amsgrad) {
            store_partial(j->vmax + i, max, some);
        }
    }
}

static void adam_chunk(void *arg, int64_t task, int worker)
{
    (void)worker;
    const adam_job *j = arg;
    adam_span(j, elementwise_span_of(task, j->n), false);
}

static void amsgrad_chunk(void *arg, int64_t task, int worker)
{
    (void)worker;
    const adam_job *j = arg;
    adam_span(j, elementwise_span_of(task, j->n), true);
}

/* A coefficient of 0 or 1 stands for a term that is absent, so that one loop serves all options. */
void CNN__SIMD(adam)(const cnn__adam *s, int64_t n, void *param, const void *grad, void *m, void *v, void *vmax,
                     cnn__pool *pool)
{
    adam_job job = {
        .n = n,
        .param = param,
        .m = m,
        .v = v,
        .vmax = vmax,
        .grad = grad,
        .sign = s->maximize ? -1 : 1,
        .decay = s->decoupled ? (float)(1 - s->lr * s->weight_decay) : 1,
        .l2 = s->decoupled ? 0 : (float)s->weight_decay,
        .keep2 = (float)s->beta2,
        .take2 = (float)(1 - s->beta2),
        .step = (float)(s->lr / s->bias1),
        .root = (float)sqrt(s->bias2),
        .eps = (float)s->eps,
    };
    float take1 = (float)(1 - s->beta1);
    job.toward = take1 >= 0.5f ? -(float)s->beta1 : take1;
    job.mostly_new = (lanes_i32){ 0 } - (take1 >= 0.5f);
    elementwise_run(pool, n, 1, vmax ? amsgrad_chunk : adam_chunk, &job);
}

typedef struct sgd_job {
    int64_t n;
    float *param, *buf;
    const float *grad;
    float sign, l2, keep, take, lr;
    float ahead; /* how much of the buffer is added to the gradient: momentum for Nesterov's */
    float own;   /* and how much of the gradient itself stays */
} sgd_job;

static void sgd_plain_chunk(void *arg, int64_t task, int worker)
{
    (void)worker;
    const sgd_job j = *(const sgd_job *)arg;
    float *restrict param = j.param;
    const float *restrict grad = j.grad;
    span s = elementwise_span_of(task, j.n);
    for (int64_t i = s.begin; i < s.end; i++) {
        param[i] -= j.lr * (j.sign * grad[i] + j.l2 * param[i]);
    }
}

static void sgd_first_chunk(void *arg, int64_t task, int worker)
{
    (void)worker;
    const sgd_job j = *(const sgd_job *)arg;
    float *restrict param = j.param, *restrict buf = j.buf;
    const float *restrict grad = j.grad;
    span s = elementwise_span_of(task, j.n);
    for (int64_t i = s.begin; i < s.end; i++) {
        float g = j.sign * grad[i] + j.l2 * param[i];
        buf[i] = g;
        param[i] -= j.lr * (j.own * g + j.ahead * g);
    }
}

static void sgd_momentum_chunk(void *arg, int64_t task, int worker)
{
    (void)worker;
    const sgd_job j = *(const sgd_job *)arg;
    float *restrict param = j.param, *restrict buf = j.buf;
    const float *restrict grad = j.grad;
    span s = elementwise_span_of(task, j.n);
    for (int64_t i = s.begin; i < s.end; i++) {
        float g = j.sign * grad[i] + j.l2 * param[i];
        buf[i] = j.keep * buf[i] + j.take * g;
        param[i] -= j.lr * (j.own * g + j.ahead * buf[i]);
    }
}

void CNN__SIMD(sgd)(const cnn__sgd *s, int64_t n, void *param, const void *grad, void *buf, cnn__pool *pool)
{
    sgd_job job = {
        .n = n,
        .param = param,
        .buf = buf,
        .grad = grad,
        .sign = s->maximize ? -1 : 1,
        .l2 = (float)s->weight_decay,
        .keep = (float)s->momentum,
        .take = (float)(1 - s->dampening),
        .lr = (float)s->lr,
        .own = s->nesterov ? 1 : 0,
        .ahead = s->nesterov ? (float)s->momentum : 1,
    };
    elementwise_run(pool, n, 0.5, !buf ? sgd_plain_chunk : s->first ? sgd_first_chunk : sgd_momentum_chunk, &job);
}
