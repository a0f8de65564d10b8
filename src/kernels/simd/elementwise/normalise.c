/* Normalisation (kernels/normalise.h) in f32, with sums in double, set by set: a stretch is the elements of one sample
 * that have one weight or, where each element has a weight of its own (inner is 1), the whole set. */
#include "kernels/simd/elementwise/normalise.h"
#include "kernels/simd/elementwise/relu.h"

enum { NORMALISE_TASK = 1 << 12 /* elements, at least, of a task of several sets */ };

CNN__INLINE lanes load_or(const float *p, int64_t i, int64_t some, lanes missing)
{
    return p ? load_partial(p + i, some) : missing;
}

/* ---- statistics of a set ---- */

/* Adds Σ (x − centre) and Σ (x − centre)². */
static void stretch_moments(int64_t n, const float *x, double centre, double sum[2])
{
    wide_lanes plain = { { 0 }, { 0 } }, squares = { { 0 }, { 0 } }, centres = splat_wide(centre);
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        wide_lanes v = widen_at(x + i);
        plain.low += v.low - centres.low;
        plain.high += v.high - centres.high;
        squares = add_squares(squares, v, centres);
    }
    sum[0] += wide_total(plain);
    sum[1] += wide_total(squares);
    for (; i < n; i++) {
        double d = (double)x[i] - centre;
        sum[0] += d;
        sum[1] += d * d;
    }
}

/* Both moments in one pass, around one of the elements: if it is far from the mean, so far is the deviation, of whose
 * square at least 1 / n is this element's. The difference below therefore loses a factor of n at most. */
static void set_moments(const normalise_job *job, int64_t set)
{
    const cnn__normalise *g = job->g;
    int64_t size = g->channels * g->inner;
    double sum[2] = { 0 }, count = (double)g->batch * (double)size;
    double first = count > 0 && !g->uncentred ? (double)job->x[cnn__normalise_at(g, 0, set)] : 0;
    double centre = isfinite(first) ? first : 0;
    for (int64_t b = 0; b < g->batch; b++) {
        stretch_moments(size, job->x + cnn__normalise_at(g, b, set), centre, sum);
    }
    double mean = g->uncentred ? 0 : sum[0] / count, variance = sum[1] / count - mean * mean;
    variance = variance < 0 ? 0 : variance;
    write_moments(job, set, centre + mean, variance);
    if (g->makes_statistics) {
        job->statistics[2 * g->sets + set] = 1 / sqrt(variance + g->eps);
    }
}

/* ---- forward of a set ---- */

/* y = (x − mean) · scale · weight + bias, with a weight for each element. */
CNN__APART void forward_each(int64_t n, const float *x, double mean, double scale, const float *weight,
                             const float *bias, float *y)
{
    lanes means = splat((float)mean), scales = splat((float)scale), one = splat(1), zero = { 0 };
    for (int64_t i = 0; i < n; i += LANES) {
        int64_t some = min64(n - i, LANES);
        lanes v = (load_partial(x + i, some) - means) * scales;
        store_partial(y + i, v * load_or(weight, i, some, one) + load_or(bias, i, some, zero), some);
    }
}

/* (x − mean) · slope + shift; ReLU cuts off what lies above the ceiling, if that is not NaN. */
typedef struct normal_terms {
    lanes mean, slope, shift, ceiling;
} normal_terms;

CNN__INLINE lanes normal_of(lanes x, const normal_terms *t)
{
    return (x - t->mean) * t->slope + t->shift;
}

static normal_terms normal_terms_of(const normalise_job *job, int64_t set, int64_t w)
{
    double scale = set_scale(job, set);
    return (normal_terms){ splat((float)job->statistics[set]),
                           splat((float)(job->weight ? scale * (double)job->weight[w] : scale)),
                           splat(job->bias ? job->bias[w] : 0), splat(job->g->ceiling > 0 ? job->g->ceiling : NAN) };
}

CNN__APART void normalise_stretch(int64_t n, const float *x, const normal_terms *of_set, bool relu, float *y)
{
    const normal_terms t = *of_set;
    lanes floor = splat(relu ? 0 : -INFINITY);
    for (int64_t i = 0; i < n; i += LANES) {
        int64_t some = min64(n - i, LANES);
        lanes v = normal_of(load_partial(x + i, some), &t);
        store_partial(y + i, at_most(t.ceiling, at_least(floor, v)), some);
    }
}

void finish_rows(const cnn__finish *f, float *y, int64_t place, int64_t rows, int64_t count, int64_t step)
{
    const lanes floor = splat(f->floor);
    normal_terms t = { .ceiling = splat(f->ceiling) };
    for (int64_t channel = place / f->plane % f->channels; rows > 0; rows--, y += step, place += step) {
        const float *other = f->other ? f->other + place : NULL;
        if (f->terms) {
            const float *terms = f->terms + 3 * channel;
            t.mean = splat(terms[0]);
            t.slope = splat(terms[1]);
            t.shift = splat(terms[2]);
        }
        channel = channel + 1 < f->channels ? channel + 1 : 0;
        int64_t i = 0;
        for (; i + LANES <= count; i += LANES) {
            lanes v = load(y + i);
            if (f->terms) {
                v = normal_of(v, &t);
            }
            if (other) {
                v += load(other + i);
            }
            store(y + i, at_most(t.ceiling, at_least(floor, v)));
        }
        if (i < count) {
            lanes v = load_partial(y + i, count - i);
            if (f->terms) {
                v = normal_of(v, &t);
            }
            if (other) {
                v += load_partial(other + i, count - i);
            }
            store_partial(y + i, at_most(t.ceiling, at_least(floor, v)), count - i);
        }
    }
}

/* The gradient of what ReLU is applied to. */
CNN__INLINE lanes through_relu(lanes dy, lanes x, const normal_terms *t)
{
    lanes v = normal_of(x, t);
    return blend((v <= 0) | (v >= t->ceiling), (lanes){ 0 }, dy);
}

static void forward_set(const normalise_job *job, int64_t set)
{
    const cnn__normalise *g = job->g;
    int64_t w = set % g->groups * g->channels;
    const float *weight = job->weight ? job->weight + w : NULL, *bias = job->bias ? job->bias + w : NULL;
    if (g->makes_statistics || g->joined) {
        set_moments(job, set);
    }
    double mean = job->statistics[set], scale = set_scale(job, set);
    for (int64_t b = 0; b < g->batch; b++) {
        int64_t at = cnn__normalise_at(g, b, set);
        if (g->inner == 1) {
            forward_each(g->channels, job->x + at, mean, scale, weight, bias, job->y + at);
            continue;
        }
        for (int64_t c = 0; c < g->channels; c++, at += g->inner) {
            const normal_terms t = normal_terms_of(job, set, w + c);
            normalise_stretch(g->inner, job->x + at, &t, g->relu, job->y + at);
        }
    }
}

/* ---- backward of a set ---- */

/* Adds Σ s and Σ s · (x − mean), s = weight · dy, with a weight for each element or none. Differences are taken from
 * the mean in float; what that leaves out is made up for at the end. A few terms are added in float before they are
 * added in double. */
static void stretch_products(int64_t n, const float *x, const float *dy, const float *weight, double mean,
                             const normal_terms *relu, double sum[2])
{
    enum { FEW_TERMS = 8 * LANES };
    wide_lanes plain = { { 0 }, { 0 } }, product = { { 0 }, { 0 } };
    lanes means = splat((float)mean), one = splat(1);
    for (int64_t begin = 0; begin < n; begin += FEW_TERMS) {
        lanes few = { 0 }, products = { 0 };
        for (int64_t i = begin, end = min64(n, begin + FEW_TERMS); i < end; i += LANES) {
            int64_t some = min64(n - i, LANES);
            lanes v = load_partial(x + i, some), s = load_partial(dy + i, some) * load_or(weight, i, some, one);
            s = relu ? through_relu(s, v, relu) : s;
            few += s;
            products += s * (v - means);
        }
        plain = add_wide_lanes(plain, few);
        product = add_wide_lanes(product, products);
    }
    double total = wide_total(plain);
    sum[0] += total;
    sum[1] += wide_total(product) + ((double)(float)mean - mean) * total;
}

/* What the gradient of a set's elements is made of: dx = (weight · dy − level − (x − mean) · tilt) · scale. */
typedef struct gradient_terms {
    lanes mean, level, tilt, scale;
} gradient_terms;

/* `factor` is the weight of all elements, unless each has its own. */
CNN__APART void stretch_data(int64_t n, const float *x, const float *dy, const float *weight, double factor,
                             const gradient_terms *of_set, const normal_terms *relu, float *dx)
{
    const gradient_terms t = *of_set;
    lanes factors = splat((float)factor);
    for (int64_t i = 0; i < n; i += LANES) {
        int64_t some = min64(n - i, LANES);
        lanes v = load_partial(x + i, some), s = load_partial(dy + i, some);
        s = (relu ? through_relu(s, v, relu) : s) * load_or(weight, i, some, factors);
        store_partial(dx + i, (s - t.level - (v - t.mean) * t.tilt) * t.scale, some);
    }
}

/* Whether a set's sums are those of its weights, too. */
static bool weights_of_set(const normalise_job *job)
{
    return job->g->sets == job->g->groups && job->g->inner > 1 && (job->dweight || job->dbias);
}

/* Σ s and Σ s · (x − mean) of a set. */
static void set_products(const normalise_job *job, int64_t set, double sum[2])
{
    const cnn__normalise *g = job->g;
    int64_t w = set % g->groups * g->channels;
    double mean = job->statistics[set], scale = set_scale(job, set);
    for (int64_t c = 0; c < (g->inner == 1 ? 1 : g->channels); c++) {
        double part[2] = { 0 };
        const normal_terms t = normal_terms_of(job, set, w + c);
        for (int64_t b = 0; b < g->batch; b++) {
            int64_t at = cnn__normalise_at(g, b, set) + c * g->inner;
            stretch_products(g->inner == 1 ? g->channels : g->inner, job->x + at, job->dy + at,
                             g->inner == 1 && job->weight ? job->weight + w : NULL, mean, g->relu ? &t : NULL, part);
        }
        double factor = g->inner > 1 && job->weight ? (double)job->weight[w + c] : 1;
        sum[0] += part[0] * factor;
        sum[1] += part[1] * factor;
        if (weights_of_set(job)) {
            write_weight(job, w + c, part[1] * scale, part[0]);
        }
    }
}

static void backward_set(const normalise_job *job, int64_t set)
{
    const cnn__normalise *g = job->g;
    const float *weight = job->weight ? job->weight + set % g->groups * g->channels : NULL;
    double n = (double)g->batch * (double)g->channels * (double)g->inner, sum[2] = { 0 };
    if (g->own_statistics || weights_of_set(job)) {
        set_products(job, set, sum);
    }
    double scale = set_scale(job, set), share = g->own_statistics ? 1 / n : 0;
    gradient_terms t = { .mean = splat((float)job->statistics[set]),
                         .level = splat(g->uncentred ? 0 : (float)(sum[0] * share)),
                         .tilt = splat((float)(sum[1] * scale * scale * share)),
                         .scale = splat((float)scale) };
    for (int64_t b = 0; b < g->batch && job->dx; b++) {
        int64_t at = cnn__normalise_at(g, b, set);
        if (g->inner == 1) {
            stretch_data(g->channels, job->x + at, job->dy + at, weight, 1, &t, NULL, job->dx + at);
            continue;
        }
        for (int64_t c = 0; c < g->channels; c++, at += g->inner) {
            const normal_terms relu = normal_terms_of(job, set, set % g->groups * g->channels + c);
            stretch_data(g->inner, job->x + at, job->dy + at, NULL, weight ? (double)weight[c] : 1, &t,
                         g->relu ? &relu : NULL, job->dx + at);
        }
    }
}

/* ---- gradients of weights that several sets share ---- */

/* A weight of stretches. */
static void normalise_weight_task(void *arg, int64_t w, int worker)
{
    (void)worker;
    const normalise_job *job = arg;
    const cnn__normalise *g = job->g;
    double sum[2] = { 0 };
    for (int64_t set = w / g->channels; set < g->sets; set += g->groups) {
        int64_t at = cnn__normalise_at(g, 0, set) + w % g->channels * g->inner;
        double part[2] = { 0 };
        stretch_products(g->inner, job->x + at, job->dy + at, NULL, job->statistics[set], NULL, part);
        sum[0] += part[0];
        sum[1] += part[1] * set_scale(job, set);
    }
    write_weight(job, w, sum[1], sum[0]);
}

/* ---- tasks ---- */

static bool is_tiled(const cnn__normalise *g)
{
    return !g->makes_statistics && g->channels * g->inner == 1;
}

static void run_sets(normalise_job *job, cnn__task_fn sets, cnn__task_fn tile, double cost, cnn__pool *pool)
{
    const cnn__normalise *g = job->g;
    int64_t size = g->batch * g->channels * g->inner;
    job->per_task = size < NORMALISE_TASK ? divide_up(NORMALISE_TASK, max64(size, 1)) : 1;
    cnn__pool_run(pool, divide_up(g->sets, is_tiled(g) ? SETS_TILE : job->per_task),
                  cost * (double)g->sets * (double)size, is_tiled(g) ? tile : sets, job);
}

static void statistics_sets(void *arg, int64_t task, int worker)
{
    (void)worker;
    const normalise_job *job = arg;
    int64_t end = min64((task + 1) * job->per_task, job->g->sets);
    for (int64_t set = task * job->per_task; set < end; set++) {
        set_moments(job, set);
    }
}

void CNN__SIMD(normalise_statistics)(const cnn__normalise *g, const void *x, double *statistics, cnn__pool *pool)
{
    normalise_job job = { .g = g, .x = x, .statistics = statistics };
    run_sets(&job, statistics_sets, CNN__SIMD(normalise_statistics_tile), 1, pool);
}

static void forward_sets(void *arg, int64_t task, int worker)
{
    (void)worker;
    const normalise_job *job = arg;
    int64_t end = min64((task + 1) * job->per_task, job->g->sets);
    for (int64_t set = task * job->per_task; set < end; set++) {
        forward_set(job, set);
    }
}

void CNN__SIMD(normalise_forward)(const cnn__normalise *g, const void *x, const void *weight, const void *bias,
                                  double *statistics, void *y, cnn__pool *pool)
{
    normalise_job job = { .g = g, .x = x, .weight = weight, .bias = bias, .statistics = statistics, .y = y };
    run_sets(&job, forward_sets, CNN__SIMD(normalise_forward_tile), g->makes_statistics || g->joined ? 1.5 : 0.5, pool);
}

static void backward_sets(void *arg, int64_t task, int worker)
{
    (void)worker;
    const normalise_job *job = arg;
    int64_t end = min64((task + 1) * job->per_task, job->g->sets);
    for (int64_t set = task * job->per_task; set < end; set++) {
        backward_set(job, set);
    }
}

void CNN__SIMD(normalise_backward)(const cnn__normalise *g, const void *x, const void *weight, const void *bias,
                                   const double *statistics, const void *dy, void *dx, void *dweight, void *dbias,
                                   cnn__pool *pool)
{
    normalise_job job = { .g = g,
                          .x = x,
                          .weight = weight,
                          .bias = bias,
                          .dy = dy,
                          .statistics = (double *)(uintptr_t)statistics,
                          .dx = dx,
                          .dweight = dweight,
                          .dbias = dbias };
    bool shared = (dweight || dbias) && !is_tiled(g) && !weights_of_set(&job);
    double elements = (double)g->sets * (double)g->channels * (double)g->inner;
    if (dx || !shared) {
        run_sets(&job, backward_sets, CNN__SIMD(normalise_backward_tile), 2, pool);
    }
    if (shared && g->inner == 1) {
        cnn__pool_run(pool, g->groups * divide_up(g->channels, WEIGHT_TILE), elements, CNN__SIMD(normalise_weight_tile),
                      &job);
    } else if (shared) {
        cnn__pool_run(pool, g->groups * g->channels, elements, normalise_weight_task, &job);
    }
}
