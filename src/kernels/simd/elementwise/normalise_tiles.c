/* Normalisation where neighbouring elements are not summed up: batch normalisation of [N,C], whose sets are columns,
 * and the gradients of weights of which each element of a set has its own. A *tile* of neighbouring columns is computed
 * at once, row by row. */
#include "kernels/simd/elementwise/normalise.h"

/* A wide tile of the weights of one group's elements: a row of it is long enough for the memory. */
void CNN__SIMD(normalise_weight_tile)(void *arg, int64_t task, int worker)
{
    (void)worker;
    const normalise_job *job = arg;
    const cnn__normalise *g = job->g;
    int64_t tiles = divide_up(g->channels, WEIGHT_TILE), first = task % tiles * WEIGHT_TILE;
    int64_t width = min64(g->channels - first, WEIGHT_TILE);
    wide_lanes plain[WEIGHT_TILE / LANES] = { { { 0 }, { 0 } } }, product[WEIGHT_TILE / LANES] = { { { 0 }, { 0 } } };
    for (int64_t set = task / tiles; set < g->sets; set += g->groups) {
        const float *x = job->x + set * g->channels + first, *dy = job->dy + set * g->channels + first;
        lanes mean = splat((float)job->statistics[set]), scale = splat((float)set_scale(job, set));
        for (int64_t i = 0, k = 0; i < width; i += LANES, k++) {
            int64_t some = min64(width - i, LANES);
            lanes slope = load_partial(dy + i, some);
            plain[k] = add_wide_lanes(plain[k], slope);
            product[k] = add_wide_lanes(product[k], slope * ((load_partial(x + i, some) - mean) * scale));
        }
    }
    double sums[WEIGHT_TILE], products[WEIGHT_TILE];
    memcpy(sums, plain, sizeof sums);
    memcpy(products, product, sizeof products);
    for (int64_t i = 0; i < width; i++) {
        write_weight(job, task / tiles * g->channels + first + i, products[i], sums[i]);
    }
}

/* ---- batch normalisation of single elements: tiles of sets ---- */

typedef struct set_tile {
    int64_t first, width, some[SETS_TILE_VECTORS]; /* how many of its elements are in each vector */
} set_tile;

static set_tile tile_of(const normalise_job *job, int64_t task)
{
    set_tile t = { .first = task * SETS_TILE, .width = min64(job->g->sets - task * SETS_TILE, SETS_TILE) };
    for (int k = 0; k < SETS_TILE_VECTORS; k++) {
        t.some[k] = max64(min64(t.width - k * LANES, LANES), 0);
    }
    return t;
}

static void tile_statistics(const normalise_job *job, set_tile t)
{
    int64_t sets = job->g->sets;
    const float *x = job->x + t.first;
    double n = (double)job->g->batch, means[SETS_TILE], squares[SETS_TILE];
    wide_lanes sum[SETS_TILE_VECTORS] = { { { 0 }, { 0 } } }, mean[SETS_TILE_VECTORS];
    for (int64_t b = 0; b < job->g->batch; b++) {
        for (int k = 0; k < SETS_TILE_VECTORS; k++) {
            sum[k] = add_wide_lanes(sum[k], load_partial(x + b * sets + k * LANES, t.some[k]));
        }
    }
    for (int k = 0; k < SETS_TILE_VECTORS; k++) {
        mean[k] = (wide_lanes){ sum[k].low / n, sum[k].high / n };
        sum[k] = splat_wide(0);
    }
    for (int64_t b = 0; b < job->g->batch; b++) {
        for (int k = 0; k < SETS_TILE_VECTORS; k++) {
            sum[k] = add_squares(sum[k], widen(load_partial(x + b * sets + k * LANES, t.some[k])), mean[k]);
        }
    }
    memcpy(means, mean, sizeof means);
    memcpy(squares, sum, sizeof squares);
    for (int64_t i = 0; i < t.width; i++) {
        job->statistics[t.first + i] = means[i];
        job->statistics[sets + t.first + i] = squares[i] / n;
    }
}

/* What the elements of a tile become, a number for each of its sets. */
typedef struct tile_terms {
    float mean[SETS_TILE], slope[SETS_TILE], shift[SETS_TILE]; /* y = (x − mean) · slope + shift */
    float level[SETS_TILE], tilt[SETS_TILE]; /* dx = (dy − level − (x − mean) · tilt) · slope */
} tile_terms;

static void tile_forward(const normalise_job *job, set_tile t, const tile_terms *terms)
{
    for (int64_t b = 0; b < job->g->batch; b++) {
        int64_t at = b * job->g->sets + t.first;
        for (int k = 0; k < SETS_TILE_VECTORS; k++, at += LANES) {
            lanes d = load_partial(job->x + at, t.some[k]) - load(terms->mean + k * LANES);
            store_partial(job->y + at, d * load(terms->slope + k * LANES) + load(terms->shift + k * LANES), t.some[k]);
        }
    }
}

static void tile_data(const normalise_job *job, set_tile t, const tile_terms *terms)
{
    for (int64_t b = 0; b < job->g->batch; b++) {
        int64_t at = b * job->g->sets + t.first;
        for (int k = 0; k < SETS_TILE_VECTORS; k++, at += LANES) {
            lanes d = load_partial(job->x + at, t.some[k]) - load(terms->mean + k * LANES);
            lanes s = load_partial(job->dy + at, t.some[k]) - load(terms->level + k * LANES);
            store_partial(job->dx + at, (s - d * load(terms->tilt + k * LANES)) * load(terms->slope + k * LANES),
                          t.some[k]);
        }
    }
}

/* Σ dy and Σ dy · (x − mean) of each set. */
static void tile_products(const normalise_job *job, set_tile t, const tile_terms *terms, double sums[2][SETS_TILE])
{
    wide_lanes plain[SETS_TILE_VECTORS] = { { { 0 }, { 0 } } }, product[SETS_TILE_VECTORS] = { { { 0 }, { 0 } } };
    for (int64_t b = 0; b < job->g->batch; b++) {
        int64_t at = b * job->g->sets + t.first;
        for (int k = 0; k < SETS_TILE_VECTORS; k++) {
            lanes dy = load_partial(job->dy + at + k * LANES, t.some[k]);
            plain[k] = add_wide_lanes(plain[k], dy);
            product[k] = add_wide_lanes(
                product[k], dy * (load_partial(job->x + at + k * LANES, t.some[k]) - load(terms->mean + k * LANES)));
        }
    }
    memcpy(sums[0], plain, sizeof sums[0]);
    memcpy(sums[1], product, sizeof sums[1]);
    for (int64_t i = 0; i < t.width; i++) {
        sums[1][i] += ((double)terms->mean[i] - job->statistics[t.first + i]) * sums[0][i];
    }
}

static tile_terms terms_of(const normalise_job *job, set_tile t)
{
    tile_terms terms = { .mean = { 0 } };
    for (int64_t i = 0; i < t.width; i++) {
        int64_t set = t.first + i;
        terms.mean[i] = (float)job->statistics[set];
        terms.slope[i] = (float)(set_scale(job, set) * (job->weight ? (double)job->weight[set] : 1));
        terms.shift[i] = job->bias ? job->bias[set] : 0;
    }
    return terms;
}

static void tile_backward(const normalise_job *job, set_tile t)
{
    tile_terms terms = terms_of(job, t);
    double n = (double)job->g->batch, sums[2][SETS_TILE];
    if (job->g->own_statistics || job->dweight || job->dbias) {
        tile_products(job, t, &terms, sums);
        for (int64_t i = 0; i < t.width; i++) {
            double scale = set_scale(job, t.first + i), share = job->g->own_statistics ? 1 / n : 0;
            terms.level[i] = (float)(sums[0][i] * share);
            terms.tilt[i] = (float)(sums[1][i] * scale * scale * share);
            write_weight(job, t.first + i, sums[1][i] * scale, sums[0][i]);
        }
    }
    if (job->dx) {
        tile_data(job, t, &terms);
    }
}

void CNN__SIMD(normalise_statistics_tile)(void *arg, int64_t task, int worker)
{
    (void)worker;
    tile_statistics(arg, tile_of(arg, task));
}

void CNN__SIMD(normalise_forward_tile)(void *arg, int64_t task, int worker)
{
    (void)worker;
    set_tile t = tile_of(arg, task);
    tile_terms terms = terms_of(arg, t);
    tile_forward(arg, t, &terms);
}

void CNN__SIMD(normalise_backward_tile)(void *arg, int64_t task, int worker)
{
    (void)worker;
    tile_backward(arg, tile_of(arg, task));
}
