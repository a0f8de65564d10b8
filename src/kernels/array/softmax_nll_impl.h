/* The loops of the cross-entropy kernel, compiled once for each dtype with X, OWN(name), its function of
 * array/math.h, and FN(name) defined.
 *
 * A run is up to CNN__NLL_RUN neighbouring samples of one batch entry: the classes are the outer loop and the samples
 * the inner one, so that memory is walked forwards for [N,C] and for [N,C,H,W]. Sums over classes are made in
 * double. */

/* The factor of logp in the loss of one sample. */
static double FN(factor)(const cnn__softmax_nll *g, int64_t class, int64_t target, int64_t at)
{
    const X *weight = g->weight;
    double w = weight ? (double)weight[class] : 1, share = g->smoothing / (double)g->classes;
    double p = cnn__nll_indexed(g) ? (class == target ? 1 : 0) : (double)((const X *)g->target)[at];
    return w * ((1 - g->smoothing) * p + share);
}

/* Exponentials of a block in place, by the map of the instruction set, which gives the bits of OWN(exp). The block has
 * room for whole steps. */
static void FN(exponentials)(const cnn__softmax_nll *g, int n, X *block)
{
    static const cnn__map map = { .inputs = 1, .size = sizeof(X), .y_size = sizeof(X) };
    const void *from = block;
    for (; n % CNN__MAP_STEP; n++) {
        block[n] = 0;
    }
    g->exp(n, block, &from, &map);
}

/* The statistics of one sample whose classes are neighbours, few of them. */
static void FN(row_statistics)(const cnn__softmax_nll *g, const X *x, X *largest_of, X *log_sum)
{
    const int classes = (int)g->classes;
    X largest = (X)-INFINITY, block[CNN__NLL_RUN];
    double sum = 0;
    for (int i = 0; i < classes; i++) {
        largest = x[i] > largest ? x[i] : largest;
    }
    for (int i = 0; i < classes; i++) {
        block[i] = x[i] - largest;
    }
    FN(exponentials)(g, classes, block);
    for (int i = 0; i < classes; i++) {
        sum += (double)block[i];
    }
    *largest_of = largest;
    *log_sum = (X)cnn__log_f64(sum);
}

/* Those of many. */
static void FN(long_row_statistics)(const cnn__softmax_nll *g, const X *x, X *largest_of, X *log_sum)
{
    double largest, part, sum = 0;
    X block[CNN__NLL_LONG_BLOCK];
    cnn__nest row;
    row.ndim = 0;
    g->largest(x, &row, 0, g->classes, 1, &largest);
    for (int64_t first = 0; first < g->classes; first += CNN__NLL_LONG_BLOCK) {
        int count = (int)cnn__min(g->classes - first, CNN__NLL_LONG_BLOCK);
        for (int i = 0; i < count; i++) {
            block[i] = x[first + i] - (X)largest;
        }
        FN(exponentials)(g, count, block);
        g->total(block, &row, 0, count, 1, &part);
        sum += part;
    }
    *largest_of = (X)largest;
    *log_sum = (X)cnn__log_f64(sum);
}

static void FN(statistics)(const cnn__softmax_nll *g, cnn__nll_run r)
{
    const X *x = (const X *)g->logits + r.first;
    X *largest = (X *)g->stats + r.sample, *log_sum = largest + g->batch * g->inner;
    double sum[CNN__NLL_RUN];
    X block[CNN__NLL_RUN];
    if (g->inner == 1) {
        (g->classes < CNN__NLL_RUN ? FN(row_statistics) : FN(long_row_statistics))(g, x, largest, log_sum);
        return;
    }
    for (int i = 0; i < r.count; i++) {
        largest[i] = (X)-INFINITY;
        sum[i] = 0;
    }
    for (int64_t c = 0; c < g->classes; c++) {
        for (int i = 0; i < r.count; i++) {
            X v = x[c * g->inner + i];
            largest[i] = v > largest[i] ? v : largest[i];
        }
    }
    for (int64_t c = 0; c < g->classes; c++) {
        for (int i = 0; i < r.count; i++) {
            block[i] = x[c * g->inner + i] - largest[i];
        }
        FN(exponentials)(g, r.count, block);
        for (int i = 0; i < r.count; i++) {
            sum[i] += (double)block[i];
        }
    }
    for (int i = 0; i < r.count; i++) {
        log_sum[i] = (X)cnn__log_f64(sum[i]);
    }
}

static double FN(log_p)(const cnn__softmax_nll *g, int64_t sample, int64_t at)
{
    const X *stats = g->stats;
    return (double)(((const X *)g->logits)[at] - stats[sample]) - (double)stats[g->batch * g->inner + sample];
}

/* The weight of the sample's class, by which the loss of an index is multiplied. */
static double FN(weight_of)(const cnn__softmax_nll *g, int64_t target)
{
    const X *weight = g->weight;
    return weight ? (double)weight[target] : 1;
}

/* What class c adds to a loss with a margin before it is raised to its power; 0 for the target itself. Losses that few
 * use are cold, which keeps them small. */
static double FN(excess)(const cnn__softmax_nll *g, int64_t first, int64_t target, int64_t class)
{
    const X *x = (const X *)g->logits + first;
    double z = g->margin - (double)x[target * g->inner] + (double)x[class * g->inner];
    return class != target && z > 0 ? z : 0; /* a NaN adds nothing, as in PyTorch */
}

static __attribute__((cold)) double FN(multi_margin)(const cnn__softmax_nll *g, int64_t first, int64_t target)
{
    double sum = 0;
    for (int64_t c = 0; c < g->classes; c++) {
        double z = FN(excess)(g, first, target, c);
        sum += g->power == 1 ? z : z * z;
    }
    return FN(weight_of)(g, target) * sum / (double)g->classes;
}

static double FN(loss)(const cnn__softmax_nll *g, int64_t sample, int64_t first, double *divisor)
{
    double loss = 0;
    int64_t target = 0;
    *divisor = 1;
    if (g->function == CNN_LOSS_MULTI_MARGIN) {
        return FN(multi_margin)(g, first, cnn__nll_index(g, sample));
    }
    if (cnn__nll_indexed(g)) {
        target = cnn__nll_index(g, sample);
        if (target == g->ignore_index) {
            return *divisor = 0;
        }
        *divisor = FN(weight_of)(g, target);
        if (g->function == CNN_LOSS_NLL) {
            return -*divisor * (double)((const X *)g->logits)[first + target * g->inner];
        }
        if (g->smoothing == 0) { /* an infinite logit of another class must not become 0 · infinity */
            return -*divisor * FN(log_p)(g, sample, first + target * g->inner);
        }
    }
    for (int64_t c = 0; c < g->classes; c++) {
        int64_t at = first + c * g->inner;
        loss -= FN(factor)(g, c, target, at) * FN(log_p)(g, sample, at);
    }
    return loss;
}

static void FN(forward)(const cnn__softmax_nll *g, cnn__nll_run r, void *losses, double sums[2])
{
    if (g->function == CNN_LOSS_CROSS_ENTROPY) {
        FN(statistics)(g, r);
    }
    for (int i = 0; i < r.count; i++) {
        double divisor, loss = FN(loss)(g, r.sample + i, r.first + i, &divisor);
        if (losses) {
            ((X *)losses)[r.sample + i] = (X)loss;
        }
        sums[0] += loss;
        sums[1] += divisor;
    }
}

/* The gradient of a sample with an index, without weights and smoothing, whose classes are neighbours: q is 1 at the
 * target and 0 elsewhere. */
static void FN(row_gradient)(const cnn__softmax_nll *g, int64_t sample, int64_t first, double dy, X *dx)
{
    const X *x = (const X *)g->logits + first, *stats = g->stats, largest = stats[sample];
    const double log_sum = (double)stats[g->batch * g->inner + sample];
    const int64_t target = cnn__nll_index(g, sample);
    X at_target = 0, block[CNN__NLL_RUN];
    for (int64_t begin = 0; begin < g->classes; begin += CNN__NLL_RUN) {
        int count = (int)(g->classes - begin < CNN__NLL_RUN ? g->classes - begin : CNN__NLL_RUN);
        for (int i = 0; i < count; i++) {
            block[i] = (X)((double)(x[begin + i] - largest) - log_sum);
        }
        FN(exponentials)(g, count, block);
        for (int i = 0; i < count; i++) {
            dx[first + begin + i] = (X)(dy * (double)block[i]);
        }
        at_target = target - begin >= 0 && target - begin < count ? block[target - begin] : at_target;
    }
    dx[first + target] = (X)(dy * ((double)at_target - 1));
}

/* d loss / d logit = softmax · Σ q − q */
static void FN(logits_gradient)(const cnn__softmax_nll *g, int64_t sample, int64_t first, double dy, X *dx)
{
    if (cnn__nll_indexed(g) && g->inner == 1 && !g->weight && g->smoothing == 0 &&
        cnn__nll_index(g, sample) != g->ignore_index) {
        FN(row_gradient)(g, sample, first, dy, dx);
        return;
    }
    int64_t target = cnn__nll_indexed(g) ? cnn__nll_index(g, sample) : 0;
    bool ignored = cnn__nll_indexed(g) && target == g->ignore_index;
    double total = 0;
    for (int64_t c = 0; c < g->classes && !ignored; c++) {
        total += FN(factor)(g, c, target, first + c * g->inner);
    }
    for (int64_t c = 0; c < g->classes; c++) {
        int64_t at = first + c * g->inner;
        double p = ignored ? 0 : (double)OWN(exp)((X)FN(log_p)(g, sample, at));
        dx[at] = ignored ? 0 : (X)(dy * (p * total - FN(factor)(g, c, target, at)));
    }
}

/* The slopes of CNN_LOSS_NLL are −w at the target and 0 elsewhere. */
static void FN(nll_gradient)(const cnn__softmax_nll *g, int64_t sample, int64_t first, double dy, X *dx)
{
    int64_t target = cnn__nll_index(g, sample);
    for (int64_t c = 0; c < g->classes; c++) {
        bool counts = c == target && target != g->ignore_index;
        dx[first + c * g->inner] = counts ? (X)(-dy * FN(weight_of)(g, target)) : 0;
    }
}

static __attribute__((cold)) void FN(multi_margin_gradient)(const cnn__softmax_nll *g, int64_t sample, int64_t first,
                                                            double dy, X *dx)
{
    int64_t target = cnn__nll_index(g, sample);
    double factor = dy * FN(weight_of)(g, target) / (double)g->classes, total = 0;
    for (int64_t c = 0; c < g->classes; c++) {
        double z = FN(excess)(g, first, target, c);
        double slope = factor * (g->power == 1 ? (double)(z != 0) : 2 * z);
        dx[first + c * g->inner] = (X)slope;
        total += slope;
    }
    dx[first + target * g->inner] = (X)-total;
}

/* d loss / d probability = −w · (1 − ε) · logp */
static __attribute__((cold)) void FN(target_gradient)(const cnn__softmax_nll *g, int64_t sample, int64_t first,
                                                      double dy, X *dt)
{
    const X *weight = g->weight;
    for (int64_t c = 0; c < g->classes; c++) {
        int64_t at = first + c * g->inner;
        double w = weight ? (double)weight[c] : 1;
        dt[at] = (X)(-dy * w * (1 - g->smoothing) * FN(log_p)(g, sample, at));
    }
}

static void FN(backward)(const cnn__softmax_nll *g, cnn__nll_run r, const cnn__nll_gradients *out)
{
    void (*gradient)(const cnn__softmax_nll *, int64_t, int64_t, double, X *) =
        g->function == CNN_LOSS_NLL            ? FN(nll_gradient)
        : g->function == CNN_LOSS_MULTI_MARGIN ? FN(multi_margin_gradient)
                                               : FN(logits_gradient);
    for (int i = 0; i < r.count; i++) {
        double dy = out->scale * (double)((const X *)out->dy)[out->each ? r.sample + i : 0];
        if (out->dlogits) {
            gradient(g, r.sample + i, r.first + i, dy, out->dlogits);
        }
        if (out->dtarget) {
            FN(target_gradient)(g, r.sample + i, r.first + i, dy, out->dtarget);
        }
    }
}

#undef X
#undef OWN
#undef FN
