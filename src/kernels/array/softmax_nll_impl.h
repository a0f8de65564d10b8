/* The loops over the exponentials of the cross-entropy kernel, compiled for f64 (softmax_nll_f64.c) and for f32 once
 * for each instruction set (simd/map/nll.c), with X and FN(name) defined.
 *
 * A run is up to CNN__NLL_RUN neighbouring samples, of one batch entry if it has several: the classes are the outer
 * loop and the samples the inner one, so that memory is walked forwards for [N,C,H,W]. Rows of few classes are
 * transposed first; a sample of many classes is a run. Sums over classes are made in double. */

/* n elements with zeros behind them up to whole steps, in the room if there are not whole steps of them at x. */
static __attribute__((noinline)) const X *FN(whole_steps)(int *n, const X *x, X *room)
{
    if (*n % CNN__MAP_STEP == 0) {
        return x;
    }
    memcpy(room, x, (size_t)*n * sizeof *x);
    for (; *n % CNN__MAP_STEP; ++*n) {
        room[*n] = 0;
    }
    return room;
}

/* Exponentials of whole steps in place, by the map of the instruction set. */
static __attribute__((noinline)) void FN(exponentials)(const cnn__softmax_nll *g, int n, X *block)
{
    static const cnn__map map = { .inputs = 1, .size = sizeof(X), .y_size = sizeof(X) };
    const void *from = block;
    g->exp(n, block, &from, &map);
}

/* The compiler sees that nothing is left over. */
#define WHOLE_STEPS(n) ((n) & -(int)CNN__MAP_STEP)

/* The largest logit of one sample whose classes are neighbours, and the sum of the exponentials. */
static double FN(row_sum)(const cnn__softmax_nll *g, const X *x, X *largest_of)
{
    X block[CNN__NLL_LONG_BLOCK];
    const X most = (X)cnn__reduce_row(g->largest, x, g->classes);
    double sum = 0;
    for (int64_t first = 0; first < g->classes; first += CNN__NLL_LONG_BLOCK) {
        int count = (int)cnn__min(g->classes - first, CNN__NLL_LONG_BLOCK), n = count;
        const X *from = FN(whole_steps)(&n, x + first, block);
        CNN__IVDEP
        for (int i = 0; i < WHOLE_STEPS(n); i++) {
            block[i] = from[i] - most;
        }
        FN(exponentials)(g, n, block);
        sum += cnn__reduce_row(g->total, block, count);
    }
    *largest_of = most;
    return sum;
}

/* Those of up to CNN__NLL_RUN samples beside each other; the elements of a class are `step` behind those of the one
 * before. */
static void FN(run_sums)(const cnn__softmax_nll *g, int count, const X *x, int64_t step, X *largest_of, double *sum)
{
    X block[CNN__NLL_RUN], largest[CNN__NLL_RUN];
    for (int i = 0; i < CNN__NLL_RUN; i++) {
        largest[i] = (X)-INFINITY;
        sum[i] = 0;
    }
    for (int64_t c = 0; c < g->classes; c++) {
        int n = count;
        const X *from = FN(whole_steps)(&n, x + c * step, block);
        for (int i = 0; i < WHOLE_STEPS(n); i++) {
            largest[i] = from[i] > largest[i] ? from[i] : largest[i];
        }
    }
    for (int64_t c = 0; c < g->classes; c++) {
        int n = count;
        const X *from = FN(whole_steps)(&n, x + c * step, block);
        CNN__IVDEP
        for (int i = 0; i < WHOLE_STEPS(n); i++) {
            block[i] = from[i] - largest[i];
        }
        FN(exponentials)(g, n, block);
        for (int i = 0; i < WHOLE_STEPS(n); i++) {
            sum[i] += (double)block[i];
        }
    }
    memcpy(largest_of, largest, (size_t)count * sizeof *largest);
}

/* Short rows are brought beside each other: to[j · to_step + i] = from[i · from_step + j]. */
static __attribute__((noinline)) void FN(turn_rows)(int64_t n, int64_t m, const X *from, int64_t from_step, X *to,
                                                    int64_t to_step)
{
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < m; j++) {
            to[j * to_step + i] = from[i * from_step + j];
        }
    }
}

static void FN(statistics)(const cnn__softmax_nll *g, cnn__nll_run r)
{
    enum { TOGETHER = 8 }; /* logarithms */
    const X *x = (const X *)g->logits + r.first;
    X *largest = (X *)g->stats + r.sample, *log_sum = largest + g->batch * g->inner, room[CNN__NLL_RUN * CNN__NLL_RUN];
    double sum[CNN__NLL_RUN];
    if (cnn__nll_short(g)) {
        FN(turn_rows)(r.count, g->classes, x, g->classes, room, CNN__NLL_RUN);
        FN(run_sums)(g, r.count, room, CNN__NLL_RUN, largest, sum);
    } else if (g->inner > 1) {
        FN(run_sums)(g, r.count, x, g->inner, largest, sum);
    } else {
        sum[0] = FN(row_sum)(g, x, largest);
        for (int i = 1; i < TOGETHER; i++) {
            sum[i] = 1;
        }
    }
    for (int i = 0; i < ((r.count + TOGETHER - 1) & -TOGETHER); i++) {
        room[i] = (X)cnn__log_f64(sum[i]);
    }
    memcpy(log_sum, room, (size_t)r.count * sizeof *room);
}

/* What the gradients of a run's elements are made of. A block is one class of all samples (across), or up to
 * CNN__NLL_RUN classes of one sample. */
#define NLL_BLOCK FN(nll_block)
typedef struct NLL_BLOCK {
    X largest[CNN__NLL_RUN];
    double log_sum[CNN__NLL_RUN], scale[CNN__NLL_RUN], total[CNN__NLL_RUN], factor[CNN__NLL_RUN];
    int64_t target[CNN__NLL_RUN];
    bool across;
    int room; /* elements that are set, whole steps */
} NLL_BLOCK;

/* The factors of logp in the losses, where there are weights or probabilities; `at` is the place of the block's first
 * element. */
static __attribute__((cold)) void FN(block_factors)(const cnn__softmax_nll *g, int n, int64_t at, int64_t class,
                                                    NLL_BLOCK *b)
{
    const int64_t step = cnn__nll_short(g) ? g->classes : 1;
    for (int i = 0; i < n; i++) {
        b->factor[i] = cnn__nll_factor(g, b->across ? class : class + i, b->target[b->across ? i : 0], at + i * step);
    }
}

/* The same of indices without weights. */
static void FN(block_shares)(const cnn__softmax_nll *g, int64_t class, NLL_BLOCK *b)
{
    const double hit = 1 - g->smoothing + g->share, miss = g->share;
    const int64_t place = b->target[0] - class;
    for (int i = 0; i < WHOLE_STEPS(b->room); i++) {
        b->factor[i] = b->across && b->target[i] == class ? hit : miss;
    }
    if (!b->across && place >= 0 && place < b->room) {
        b->factor[place] = hit;
    }
}

static void FN(block_totals)(int n, NLL_BLOCK *b)
{
    if (b->across) {
        for (int i = 0; i < WHOLE_STEPS(b->room); i++) {
            b->total[i] += b->factor[i];
        }
    } else {
        double sum = b->total[0];
        for (int i = 0; i < n; i++) {
            sum += b->factor[i];
        }
        b->total[0] = sum;
    }
}

static void FN(block_slopes)(const cnn__softmax_nll *g, int n, const X *x, X *dx, const NLL_BLOCK *b)
{
    X block[CNN__NLL_RUN];
    const int count = n;
    const X *from = FN(whole_steps)(&n, x, block);
    X *to = n == count ? dx : block;
    CNN__IVDEP
    for (int i = 0; i < WHOLE_STEPS(n); i++) {
        block[i] = (X)((double)(from[i] - b->largest[i]) - b->log_sum[i]);
    }
    FN(exponentials)(g, n, block);
    CNN__IVDEP
    for (int i = 0; i < WHOLE_STEPS(n); i++) {
        to[i] = (X)(b->scale[i] * ((double)block[i] * b->total[i] - b->factor[i]));
    }
    if (to == block) {
        memcpy(dx, block, (size_t)count * sizeof *block);
    }
}

/* The gradient of a plain sample whose classes are neighbours. */
static void FN(row_gradient)(const cnn__softmax_nll *g, int64_t sample, int64_t first, double dy, X *dx)
{
    const X *x = (const X *)g->logits + first, *stats = g->stats, largest = stats[sample];
    const double log_sum = (double)stats[g->batch * g->inner + sample];
    const int64_t target = cnn__nll_index(g, sample);
    X at_target = 0, block[CNN__NLL_RUN];
    dx += first;
    for (int64_t begin = 0; begin < g->classes; begin += CNN__NLL_RUN) {
        const int count = (int)cnn__min(g->classes - begin, CNN__NLL_RUN), n = WHOLE_STEPS(count + CNN__MAP_STEP - 1);
        for (int i = 0; i < count; i++) {
            block[i] = (X)((double)(x[begin + i] - largest) - log_sum);
        }
        for (int i = count; i < n; i++) {
            block[i] = 0;
        }
        FN(exponentials)(g, n, block);
        for (int i = 0; i < count; i++) {
            dx[begin + i] = (X)(dy * (double)block[i]);
        }
        at_target = target - begin >= 0 && target - begin < count ? block[target - begin] : at_target;
    }
    dx[target] = (X)(dy * ((double)at_target - 1));
}

/* d loss / d logit = softmax · Σ q − q */
static void FN(logits_gradient)(const cnn__softmax_nll *g, cnn__nll_run r, const double *dy, const double *total,
                                void *dlogits)
{
    if (g->inner == 1 && cnn__nll_plain(g)) {
        for (int i = 0; i < r.count; i++) {
            const int64_t first = cnn__nll_first(g, r, i);
            if (cnn__nll_index(g, r.sample + i) == g->ignore_index) {
                memset((X *)dlogits + first, 0, (size_t)g->classes * sizeof(X));
            } else {
                FN(row_gradient)(g, r.sample + i, first, dy[i], dlogits);
            }
        }
        return;
    }
    const bool indexed = cnn__nll_indexed(g), beside = cnn__nll_short(g);
    const bool plain = cnn__nll_plain(g); /* the total is 1 */
    const X *x = (const X *)g->logits + r.first, *largest = (const X *)g->stats + r.sample;
    const X *log_sum = largest + g->batch * g->inner;
    const int64_t step = beside ? CNN__NLL_RUN : g->inner;
    X *to = dlogits, *dx = to + r.first, room[CNN__NLL_RUN * CNN__NLL_RUN];
    NLL_BLOCK b;
    b.across = beside || g->inner > 1;
    b.room = WHOLE_STEPS((int)cnn__min(b.across ? r.count : g->classes, CNN__NLL_RUN) + CNN__MAP_STEP - 1);
    for (int i = 0; i < b.room; i++) {
        const int k = i < r.count ? i : 0;
        b.largest[i] = largest[k];
        b.log_sum[i] = (double)log_sum[k];
        b.scale[i] = dy[k];
        b.total[i] = total ? *total : plain;
        b.target[i] = indexed ? cnn__nll_index(g, r.sample + k) : 0;
    }
    if (beside) {
        FN(turn_rows)(r.count, g->classes, x, g->classes, room, CNN__NLL_RUN);
        x = dx = room;
    }
    for (int pass = plain || total; pass < 2; pass++) { /* the totals of the factors, then the slopes */
        for (int64_t class = 0; class < g->classes; class += b.across ? 1 : CNN__NLL_RUN) {
            const int n = b.across ? r.count : (int)cnn__min(g->classes - class, CNN__NLL_RUN);
            if (g->weight || !indexed) {
                FN(block_factors)(g, n, r.first + class * g->inner, class, &b);
            } else {
                FN(block_shares)(g, class, &b);
            }
            if (pass == 0) {
                FN(block_totals)(n, &b);
            } else {
                FN(block_slopes)(g, n, x + class * step, dx + class * step, &b);
            }
        }
        for (int i = 1; i < WHOLE_STEPS(b.room) && pass == 0 && !b.across; i++) {
            b.total[i] = b.total[0];
        }
    }
    if (beside) {
        FN(turn_rows)(g->classes, r.count, room, CNN__NLL_RUN, to + r.first, g->classes);
    }
    for (int i = 0; i < r.count && indexed; i++) {
        for (int64_t c = 0; c < g->classes && b.target[i] == g->ignore_index; c++) {
            to[cnn__nll_first(g, r, i) + c * g->inner] = 0;
        }
    }
}

#undef X
#undef FN
#undef WHOLE_STEPS
#undef NLL_BLOCK
