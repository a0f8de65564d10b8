/* Normalisation (kernels/normalise.h) as plain loops over the type REAL. A line is the `inner` elements of one sample
 * that share a weight. */

/* A loop over the lines of a set: `at` is where one begins, w the number of its weight. */
#define NORMALISE_LINES(g, set, at, w) \
    for (int64_t b = 0; b < (g)->batch; b++) \
        for (int64_t c = 0, at = cnn__normalise_at(g, b, set), w = (set) % (g)->groups * (g)->channels; \
             c < (g)->channels; c++, at += (g)->inner, w++)

static void NAME(normalise_moments)(const cnn__normalise *g, const REAL *x, int64_t set, double *statistics)
{
    double sum = 0, squares = 0, count = (double)g->batch * (double)g->channels * (double)g->inner;
    NORMALISE_LINES(g, set, at, w)
    {
        for (int64_t i = 0; i < g->inner; i++) {
            sum += (double)x[at + i];
        }
    }
    double mean = g->uncentred ? 0 : sum / count;
    NORMALISE_LINES(g, set, at, w)
    {
        for (int64_t i = 0; i < g->inner; i++) {
            double d = (double)x[at + i] - mean;
            squares += d * d;
        }
    }
    double *rows = statistics + set + (g->joined ? 2 * g->sets : 0);
    rows[0] = statistics[set] = mean;
    rows[g->sets] = squares / count;
    if (g->joined) {
        statistics[g->sets + set] = 1 / sqrt(squares / count + g->eps);
    }
    if (g->makes_statistics) {
        statistics[2 * g->sets + set] = 1 / sqrt(squares / count + g->eps);
    }
}

void NAME(normalise_statistics)(const cnn__normalise *g, const void *x, double *statistics, cnn__pool *pool)
{
    (void)pool;
    for (int64_t set = 0; set < g->sets; set++) {
        NAME(normalise_moments)(g, x, set, statistics);
    }
}

void NAME(normalise_forward)(const cnn__normalise *g, const void *x_, const void *weight_, const void *bias_,
                             double *statistics, void *y_, cnn__pool *pool)
{
    (void)pool;
    const REAL *x = x_, *weight = weight_, *bias = bias_;
    REAL *y = y_;
    for (int64_t set = 0; set < g->sets; set++) {
        if (g->makes_statistics || g->joined) {
            NAME(normalise_moments)(g, x, set, statistics);
        }
        double mean = statistics[set], scale = normalise_scale(g, statistics, set);
        NORMALISE_LINES(g, set, at, w)
        {
            double slope = weight ? scale * (double)weight[w] : scale, shift = bias ? (double)bias[w] : 0;
            for (int64_t i = 0; i < g->inner; i++) {
                REAL v = (REAL)(((double)x[at + i] - mean) * slope + shift);
                v = g->relu && v < 0 ? 0 : v;
                y[at + i] = g->ceiling > 0 && v > (REAL)g->ceiling ? (REAL)g->ceiling : v;
            }
        }
    }
}

/* dy, or 0 where ReLU makes y 0 or the ceiling cuts it off. */
static double NAME(normalise_slope)(const cnn__normalise *g, double x, double slope, double shift, double dy)
{
    REAL v = (REAL)(x * slope + shift);
    return g->relu && (v <= 0 || (g->ceiling > 0 && v >= (REAL)g->ceiling)) ? 0 : dy;
}

/* dx = scale · (s − Σs / n − (x − mean) · scale² · Σ(s · (x − mean)) / n) with s = weight · dy; scale · s where the
 * statistics do not depend on x. */
static void NAME(normalise_data)(const cnn__normalise *g, const REAL *x, const REAL *weight, const REAL *bias,
                                 const double *statistics, const REAL *dy, int64_t set, REAL *dx)
{
    double n = (double)g->batch * (double)g->channels * (double)g->inner;
    double mean = statistics[set], scale = normalise_scale(g, statistics, set), sum = 0, product = 0;
    NORMALISE_LINES(g, set, at, w)
    {
        double factor = weight ? (double)weight[w] : 1, shift = bias ? (double)bias[w] : 0;
        for (int64_t i = 0; i < g->inner && g->own_statistics; i++) {
            double d = (double)x[at + i] - mean;
            double slope = NAME(normalise_slope)(g, d, scale * factor, shift, (double)dy[at + i]) * factor;
            sum += slope;
            product += slope * ((double)x[at + i] - mean);
        }
    }
    sum = g->uncentred ? 0 : sum / n;
    product *= scale * scale / n;
    NORMALISE_LINES(g, set, at, w)
    {
        double factor = weight ? (double)weight[w] : 1, shift = bias ? (double)bias[w] : 0;
        for (int64_t i = 0; i < g->inner; i++) {
            double d = (double)x[at + i] - mean;
            double slope = NAME(normalise_slope)(g, d, scale * factor, shift, (double)dy[at + i]) * factor;
            dx[at + i] = (REAL)((slope - sum - ((double)x[at + i] - mean) * product) * scale);
        }
    }
}

/* The gradients of weight number w: Σ dy · (x − mean) · scale and Σ dy. */
static void NAME(normalise_sums)(const cnn__normalise *g, const REAL *x, const REAL *weight, const REAL *bias,
                                 const double *statistics, const REAL *dy, int64_t w, double sum[2])
{
    double factor = weight ? (double)weight[w] : 1, shift = bias ? (double)bias[w] : 0;
    sum[0] = sum[1] = 0;
    for (int64_t set = w / g->channels; set < g->sets; set += g->groups) {
        double mean = statistics[set], scale = normalise_scale(g, statistics, set);
        for (int64_t b = 0; b < g->batch; b++) {
            int64_t at = cnn__normalise_at(g, b, set) + w % g->channels * g->inner;
            for (int64_t i = at; i < at + g->inner; i++) {
                double d = (double)x[i] - mean;
                double slope = NAME(normalise_slope)(g, d, scale * factor, shift, (double)dy[i]);
                sum[0] += slope * d * scale;
                sum[1] += slope;
            }
        }
    }
}

void NAME(normalise_backward)(const cnn__normalise *g, const void *x, const void *weight, const void *bias,
                              const double *statistics, const void *dy, void *dx, void *dweight, void *dbias,
                              cnn__pool *pool)
{
    (void)pool;
    for (int64_t set = 0; dx && set < g->sets; set++) {
        NAME(normalise_data)(g, x, weight, bias, statistics, dy, set, dx);
    }
    for (int64_t w = 0; (dweight || dbias) && w < g->groups * g->channels; w++) {
        double sum[2];
        NAME(normalise_sums)(g, x, weight, bias, statistics, dy, w, sum);
        if (dweight) {
            ((REAL *)dweight)[w] = (REAL)sum[0];
        }
        if (dbias) {
            ((REAL *)dbias)[w] = (REAL)sum[1];
        }
    }
}

#undef NORMALISE_LINES
