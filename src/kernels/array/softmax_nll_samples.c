/* The losses of single samples and what is rare of their gradients, for every dtype: numbers are read into double. */
#include "kernels/array/softmax_nll_loops.h"

static double nll_real(const cnn__softmax_nll *g, const void *x, int64_t i)
{
    return g->dtype == CNN_F32 ? (double)((const float *)x)[i] : ((const double *)x)[i];
}

static void nll_store(const cnn__softmax_nll *g, void *y, int64_t i, double value)
{
    if (g->dtype == CNN_F32) {
        ((float *)y)[i] = (float)value;
    } else {
        ((double *)y)[i] = value;
    }
}

/* The weight of the sample's class, by which the loss of an index is multiplied. */
static double weight_of(const cnn__softmax_nll *g, int64_t target)
{
    return g->weight ? nll_real(g, g->weight, target) : 1;
}

/* The difference to the largest is one of the dtype. */
static double nll_log_p(const cnn__softmax_nll *g, int64_t sample, int64_t at)
{
    double difference = nll_real(g, g->logits, at) - nll_real(g, g->stats, sample);
    difference = g->dtype == CNN_F32 ? (double)(float)difference : difference;
    return difference - nll_real(g, g->stats, g->batch * g->inner + sample);
}

/* What class c adds to a loss with a margin before it is raised to its power; 0 for the target itself. */
static double excess(const cnn__softmax_nll *g, int64_t first, int64_t target, int64_t class)
{
    double z = g->margin - nll_real(g, g->logits, first + target * g->inner) +
               nll_real(g, g->logits, first + class * g->inner);
    return class != target && z > 0 ? z : 0; /* a NaN adds nothing, as in PyTorch */
}

static double multi_margin(const cnn__softmax_nll *g, int64_t first, int64_t target)
{
    double sum = 0;
    for (int64_t c = 0; c < g->classes; c++) {
        double z = excess(g, first, target, c);
        sum += g->power == 1 ? z : z * z;
    }
    return weight_of(g, target) * sum / (double)g->classes;
}

/* The loss of an index with smoothing and without weights in f32, which is common enough to be fast:
 * −(1 − ε) · logp[t] − ε/C · Σ logp. */
static double smoothed_f32(const cnn__softmax_nll *g, int64_t sample, int64_t first, int64_t target)
{
    const float *x = (const float *)g->logits + first, *stats = (const float *)g->stats + sample;
    const double classes = (double)g->classes, both = (double)stats[0] + (double)stats[g->batch * g->inner];
    double sum = 0;
    g->total->part(x, g->classes, g->inner, &sum);
    return -((1 - g->smoothing) * nll_log_p(g, sample, first + target * g->inner) + g->share * (sum - classes * both));
}

static double nll_loss(const cnn__softmax_nll *g, int64_t sample, int64_t first, double *divisor)
{
    int64_t target = 0;
    *divisor = 1;
    if (g->function == CNN_LOSS_MULTI_MARGIN) {
        return multi_margin(g, first, cnn__nll_index(g, sample));
    }
    if (cnn__nll_indexed(g)) {
        target = cnn__nll_index(g, sample);
        if (target == g->ignore_index) {
            return *divisor = 0;
        }
        *divisor = weight_of(g, target);
        if (g->function == CNN_LOSS_NLL) {
            return -*divisor * nll_real(g, g->logits, first + target * g->inner);
        }
        if (g->smoothing == 0) { /* an infinite logit of another class must not become 0 · infinity */
            return -*divisor * nll_log_p(g, sample, first + target * g->inner);
        }
    }
    if (cnn__nll_indexed(g) && !g->weight && g->dtype == CNN_F32) {
        return smoothed_f32(g, sample, first, target);
    }
    return g->loops->loss(g, sample, first);
}

void cnn__nll_forward(const cnn__softmax_nll *g, cnn__nll_run r, void *losses, double sums[2])
{
    if (g->function == CNN_LOSS_CROSS_ENTROPY) {
        g->loops->statistics(g, r);
    }
    double total = sums[0], divisors = sums[1]; /* a sum in memory would wait for the one before to be stored */
    for (int i = 0; i < r.count; i++) {
        double divisor, loss = nll_loss(g, r.sample + i, cnn__nll_first(g, r, i), &divisor);
        if (losses) {
            nll_store(g, losses, r.sample + i, loss);
        }
        total += loss;
        divisors += divisor;
    }
    sums[0] = total;
    sums[1] = divisors;
}

/* The slopes of CNN_LOSS_NLL are −w at the target and 0 elsewhere. */
static void nll_gradient(const cnn__softmax_nll *g, int64_t sample, int64_t first, double dy, void *dx)
{
    int64_t target = cnn__nll_index(g, sample);
    for (int64_t c = 0; c < g->classes; c++) {
        bool counts = c == target && target != g->ignore_index;
        nll_store(g, dx, first + c * g->inner, counts ? -dy * weight_of(g, target) : 0);
    }
}

static void multi_margin_gradient(const cnn__softmax_nll *g, int64_t sample, int64_t first, double dy, void *dx)
{
    int64_t target = cnn__nll_index(g, sample);
    double factor = dy * weight_of(g, target) / (double)g->classes, total = 0;
    for (int64_t c = 0; c < g->classes; c++) {
        double z = excess(g, first, target, c);
        double slope = factor * (g->power == 1 ? (double)(z != 0) : 2 * z);
        nll_store(g, dx, first + c * g->inner, slope);
        total += slope;
    }
    nll_store(g, dx, first + target * g->inner, -total);
}

/* d loss / d probability = −w · (1 − ε) · logp */
static void target_gradient(const cnn__softmax_nll *g, int64_t sample, int64_t first, double dy, void *dt)
{
    for (int64_t c = 0; c < g->classes; c++) {
        int64_t at = first + c * g->inner;
        nll_store(g, dt, at, -dy * weight_of(g, c) * (1 - g->smoothing) * nll_log_p(g, sample, at));
    }
}

void cnn__nll_backward(const cnn__softmax_nll *g, cnn__nll_run r, const cnn__nll_gradients *out)
{
    double dy[CNN__NLL_RUN];
    for (int i = 0; i < r.count; i++) {
        const int64_t sample = r.sample + i, first = cnn__nll_first(g, r, i);
        dy[i] = out->scale * nll_real(g, out->dy, out->each ? sample : 0);
        if (out->dlogits && g->function == CNN_LOSS_NLL) {
            nll_gradient(g, sample, first, dy[i], out->dlogits);
        } else if (out->dlogits && g->function == CNN_LOSS_MULTI_MARGIN) {
            multi_margin_gradient(g, sample, first, dy[i], out->dlogits);
        }
        if (out->dtarget) {
            target_gradient(g, sample, first, dy[i], out->dtarget);
        }
    }
    if (out->dlogits && g->function == CNN_LOSS_CROSS_ENTROPY) {
        g->loops->gradient(g, r, dy, out->dlogits);
    }
}
