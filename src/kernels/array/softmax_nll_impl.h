/* The loops over the exponentials of the cross-entropy kernel, compiled for f64 (softmax_nll_f64.c) and for f32 once
 * for each instruction set (simd/map/nll.c), with X and FN(name) defined.
 *
 * A run is up to CNN__NLL_RUN neighbouring samples, of one batch entry if it has several: the classes are the outer
 * loop and the samples the inner one, so that memory is walked forwards for [N,C,H,W]. Rows of few classes are
 * transposed first; a sample of many classes is a run, or a few are where statistics are made. Sums over classes are
 * made in double. With FAST_ROWS some losses and gradients of rows have loops of their own. */

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
    X block[CNN__NLL_LONG_BLOCK], largest[CNN__NLL_RUN];
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
    for (int64_t c = 0; c < g->classes;) { /* exponentials of several classes in one call */
        int n = count;
        X *to = block, *end;
        for (; c < g->classes && to <= block + CNN__NLL_LONG_BLOCK - CNN__NLL_RUN; c++, to += n) {
            n = count;
            const X *from = FN(whole_steps)(&n, x + c * step, to);
            CNN__IVDEP
            for (int i = 0; i < WHOLE_STEPS(n); i++) {
                to[i] = from[i] - largest[i];
            }
        }
        FN(exponentials)(g, (int)(to - block), block);
        for (end = to, to = block; to < end; to += n) {
            for (int i = 0; i < WHOLE_STEPS(n); i++) {
                sum[i] += (double)to[i];
            }
        }
    }
    memcpy(largest_of, largest, (size_t)count * sizeof *largest);
}

/* Short rows are brought beside each other: to[j · to_step + i] = from[i · from_step + j]. */
static __attribute__((noinline)) void FN(turn_rows)(const cnn__softmax_nll *g, int64_t n, int64_t m, const X *from,
                                                    int64_t from_step, X *to, int64_t to_step)
{
    const int64_t whole = g->transpose ? m & -CNN__MAP_STEP : 0;
    if (whole > 0) {
        g->transpose((const void *)from, from_step, whole, n, (void *)to, to_step);
    }
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = whole; j < m; j++) {
            to[j * to_step + i] = from[i * from_step + j];
        }
    }
}

static void FN(statistics)(const cnn__softmax_nll *g, cnn__nll_run r)
{
    const X *x = (const X *)g->logits + r.first;
    X *largest = (X *)g->stats + r.sample, *log_sum = largest + g->batch * g->inner, room[CNN__NLL_RUN * CNN__NLL_RUN];
    double sum[CNN__NLL_RUN];
    if (cnn__nll_short(g)) {
        FN(turn_rows)(g, r.count, g->classes, x, g->classes, room, CNN__NLL_RUN);
        FN(run_sums)(g, r.count, room, CNN__NLL_RUN, largest, sum);
    } else if (g->inner > 1) {
        FN(run_sums)(g, r.count, x, g->inner, largest, sum);
    } else {
        for (int i = 0; i < CNN__NLL_LONG_ROWS; i++) {
            sum[i] = i < r.count ? FN(row_sum)(g, x + i * g->classes, largest + i) : 1;
        }
    }
    for (int i = 0; i < ((r.count + CNN__NLL_LONG_ROWS - 1) & -CNN__NLL_LONG_ROWS); i++) {
        room[i] = (X)cnn__log_f64(sum[i]);
    }
    memcpy(log_sum, room, (size_t)r.count * sizeof *room);
}

/* What the gradients of a run's elements are made of. A block is one class of all samples (across), or up to
 * CNN__NLL_RUN classes of one sample. */
#define NLL_BLOCK FN(nll_block)
typedef struct NLL_BLOCK {
    X largest[CNN__NLL_RUN], log_sum[CNN__NLL_RUN];
    double scale[CNN__NLL_RUN], total[CNN__NLL_RUN], factor[CNN__NLL_RUN];
    int64_t target[CNN__NLL_RUN]; /* 0 where it is ignored */
    bool across;
    bool factors; /* whether other classes than the target have any but 0 */
    int room;     /* elements that are set, whole steps */
} NLL_BLOCK;

/* CNN__NLL_RUN elements, of which those from n on are 0: where they lie, or in `block`. */
static __attribute__((noinline)) const X *FN(block_of)(int n, const X *from, int64_t step, X *block)
{
    if (step == 1 && n == CNN__NLL_RUN) {
        return from;
    }
    for (int i = 0; i < CNN__NLL_RUN; i++) {
        block[i] = i < n ? from[i * step] : 0;
    }
    return block;
}

/* The factors of logp in the losses, where targets are probabilities; `at` is the place of the block's first
 * element. */
static __attribute__((noinline)) void FN(block_factors)(const cnn__softmax_nll *g, int n, int64_t at, int64_t class,
                                                        NLL_BLOCK *b)
{
    const X *weight = g->weight;
    const int64_t step = !b->across ? g->inner : cnn__nll_short(g) ? g->classes : 1;
    const double part = 1 - g->smoothing, share = g->share, one = weight && b->across ? (double)weight[class] : 1;
    X block[CNN__NLL_RUN];
    const X *from = FN(block_of)(n, (const X *)g->target + at, step, block);
    for (int i = 0; i < CNN__NLL_RUN; i++) {
        b->factor[i] = one * (part * (double)from[i] + share);
    }
    for (int i = 0; i < n && weight && !b->across; i++) {
        b->factor[i] *= (double)weight[class + i];
    }
    for (int i = n; i < CNN__NLL_RUN; i++) {
        b->factor[i] = 0;
    }
}

/* The same of indices. */
static __attribute__((noinline)) void FN(block_shares)(const cnn__softmax_nll *g, int n, int64_t class, NLL_BLOCK *b)
{
    const X *weight = g->weight;
    const double one = weight ? (double)weight[class] : 1, miss = g->share * one, own = (1 - g->smoothing) * one;
    const int64_t place = b->target[0] - class;
    for (int i = 0; i < WHOLE_STEPS(b->room); i++) {
        b->factor[i] = b->across && b->target[i] == class ? miss + own : miss;
    }
    for (int i = 0; i < n && weight && !b->across; i++) {
        b->factor[i] = g->share * (double)weight[class + i];
    }
    if (!b->across && place >= 0 && place < n) {
        b->factor[place] += (1 - g->smoothing) * (weight ? (double)weight[b->target[0]] : 1);
    }
    for (int i = n; i < CNN__NLL_RUN && !b->across; i++) {
        b->factor[i] = 0;
    }
}

static inline double FN(sum_of_lanes)(const double lane[8])
{
    return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

/* x[0] + x[1] + …, in eight lanes; n is a multiple of CNN__MAP_STEP. */
static double FN(sum_of_doubles)(int n, const double *x)
{
    double lane[8] = { 0 };
    for (int i = 0; i < n; i += 8) {
#pragma GCC unroll 8
        for (int k = 0; k < 8; k++) {
            lane[k] += x[i + k];
        }
    }
    return FN(sum_of_lanes)(lane);
}

static void FN(block_totals)(NLL_BLOCK *b)
{
    if (b->across) {
        for (int i = 0; i < WHOLE_STEPS(b->room); i++) {
            b->total[i] += b->factor[i];
        }
    } else {
        b->total[0] += FN(sum_of_doubles)(WHOLE_STEPS(b->room), b->factor);
    }
}

#ifdef FAST_ROWS
#include "kernels/array/softmax_nll_rows_impl.h"
#endif

/* The cross-entropy of one sample whose classes all have factors. */
static double FN(dense_loss)(const cnn__softmax_nll *g, int64_t sample, int64_t first)
{
    const X *x = (const X *)g->logits + first, *stats = (const X *)g->stats + sample, largest = *stats;
    const double log_sum = (double)stats[g->batch * g->inner];
    const bool indexed = cnn__nll_indexed(g);
#ifdef FAST_ROWS
    if (FN(plain_rows)(g)) {
        return FN(row_loss)(g, x, (const X *)g->target + first, largest, log_sum);
    }
#endif
    double loss = 0, term[CNN__NLL_RUN];
    X block[CNN__NLL_RUN];
    NLL_BLOCK b;
    b.across = false;
    b.room = CNN__NLL_RUN;
    b.target[0] = indexed ? cnn__nll_index(g, sample) : 0;
    for (int64_t class = 0; class < g->classes; class += CNN__NLL_RUN) {
        const int n = (int)cnn__min(g->classes - class, CNN__NLL_RUN);
        if (indexed) {
            FN(block_shares)(g, n, class, &b);
        } else {
            FN(block_factors)(g, n, first + class * g->inner, class, &b);
        }
        const X *from = FN(block_of)(n, x + class * g->inner, g->inner, block);
        for (int i = 0; i < CNN__NLL_RUN; i++) {
            term[i] = b.factor[i] * ((double)(from[i] - largest) - log_sum);
        }
        loss -= FN(sum_of_doubles)(CNN__NLL_RUN, term);
    }
    return loss;
}

static void FN(block_slopes)(const cnn__softmax_nll *g, int n, const X *x, X *dx, const NLL_BLOCK *b)
{
    X block[CNN__NLL_RUN];
    const int count = n;
    const X *from = FN(whole_steps)(&n, x, block);
    X *to = n == count ? dx : block;
    CNN__IVDEP
    for (int i = 0; i < WHOLE_STEPS(n); i++) {
        block[i] = from[i] - b->largest[i] - b->log_sum[i];
    }
    FN(exponentials)(g, n, block);
    if (b->factors) {
        CNN__IVDEP
        for (int i = 0; i < WHOLE_STEPS(n); i++) {
            to[i] = (X)(b->scale[i] * ((double)block[i] * b->total[i] - b->factor[i]));
        }
    } else {
        CNN__IVDEP
        for (int i = 0; i < WHOLE_STEPS(n); i++) {
            to[i] = (X)(b->scale[i] * (double)block[i]);
        }
    }
    if (to == block) {
        memcpy(dx, block, (size_t)count * sizeof *block);
    }
}

/* The block of a run, but for its factors. The total of factors of indices is known: (1 − ε) · w[t] + ε/C · Σ w. */
static void FN(begin_block)(const cnn__softmax_nll *g, cnn__nll_run r, const double *dy, NLL_BLOCK *b)
{
    const bool indexed = cnn__nll_indexed(g);
    const X *weight = g->weight, *largest = (const X *)g->stats + r.sample;
    const X *log_sum = largest + g->batch * g->inner;
    double weights = weight ? 0 : (double)g->classes;
    for (int64_t c = 0; c < g->classes && weight && g->share != 0; c++) {
        weights += (double)weight[c];
    }
    b->factors = !indexed || g->smoothing != 0;
    b->across = cnn__nll_short(g) || g->inner > 1;
    b->room = WHOLE_STEPS((int)cnn__min(b->across ? r.count : g->classes, CNN__NLL_RUN) + CNN__MAP_STEP - 1);
    for (int i = 0; i < b->room; i++) {
        const int k = i < r.count ? i : 0;
        const int64_t target = indexed ? cnn__nll_index(g, r.sample + k) : 0;
        b->largest[i] = largest[k];
        b->log_sum[i] = log_sum[k];
        b->target[i] = target == g->ignore_index ? 0 : target;
        const double own = weight ? (double)weight[b->target[i]] : 1;
        b->total[i] = indexed ? (1 - g->smoothing) * own + weights * g->share : 0;
        b->scale[i] = b->factors ? dy[k] : dy[k] * b->total[i];
    }
}

/* d loss / d logit = softmax · Σ q − q */
static void FN(logits_gradient)(const cnn__softmax_nll *g, cnn__nll_run r, const double *dy, void *dlogits)
{
    const bool indexed = cnn__nll_indexed(g), beside = cnn__nll_short(g);
#ifdef FAST_ROWS
    if (g->inner == 1 && indexed && g->smoothing == 0 && (!beside || r.count < CNN__MAP_STEP)) {
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
    if (FN(plain_rows)(g) && !beside) {
        FN(row_slopes)(g, r.sample, r.first, dy[0], dlogits);
        return;
    }
#endif
    if (g->classes == 0) {
        return;
    }
    const X *x = (const X *)g->logits + r.first;
    const int64_t step = beside ? CNN__NLL_RUN : g->inner;
    X *to = dlogits, *dx = to + r.first, room[CNN__NLL_RUN * CNN__NLL_RUN], of_target[CNN__NLL_RUN];
    NLL_BLOCK b;
    FN(begin_block)(g, r, dy, &b);
    if (beside) {
        FN(turn_rows)(g, r.count, g->classes, x, g->classes, room, CNN__NLL_RUN);
        x = dx = room;
    }
    for (int i = 0; i < WHOLE_STEPS(b.room) && !b.factors; i++) {
        const int k = i < r.count ? i : 0;
        of_target[i] = x[b.target[i] * step + k] - b.largest[i] - b.log_sum[i];
    }
    if (!b.factors) {
        FN(exponentials)(g, b.across ? b.room : CNN__MAP_STEP, of_target);
    }
    for (int pass = indexed; pass < 2; pass++) { /* the totals of the factors, then the slopes */
        for (int64_t class = 0; class < g->classes; class += b.across ? 1 : CNN__NLL_RUN) {
            const int n = b.across ? r.count : (int)cnn__min(g->classes - class, CNN__NLL_RUN);
            if (!indexed) {
                FN(block_factors)(g, n, r.first + class * g->inner, class, &b);
            } else if (b.factors) {
                FN(block_shares)(g, n, class, &b);
            }
            if (pass == 0) {
                FN(block_totals)(&b);
            } else {
                FN(block_slopes)(g, n, x + class * step, dx + class * step, &b);
            }
        }
        for (int i = 1; i < WHOLE_STEPS(b.room) && pass == 0 && !b.across; i++) {
            b.total[i] = b.total[0];
        }
    }
    for (int i = 0; i < r.count && !b.factors; i++) {
        dx[b.target[i] * step + i] = (X)(b.scale[i] * ((double)of_target[i] - 1));
    }
    if (beside) {
        FN(turn_rows)(g, g->classes, r.count, room, CNN__NLL_RUN, to + r.first, g->classes);
    }
    for (int i = 0; i < r.count && indexed; i++) {
        for (int64_t c = 0; c < g->classes && cnn__nll_index(g, r.sample + i) == g->ignore_index; c++) {
            to[cnn__nll_first(g, r, i) + c * g->inner] = 0;
        }
    }
}

#undef X
#undef FN
#undef WHOLE_STEPS
#undef NLL_BLOCK
