/* Loops over a row, a sample whose classes are neighbours, for the commonest cross-entropies: those of an index and of
 * probabilities, both without smoothing, the latter without weights. They give the bits that blocks of factors give.
 * softmax_nll_impl.h includes this; no include guard: one inclusion, one dtype. */

/* The softmax of n neighbouring classes of a row; the block has room for whole steps. */
static __attribute__((noinline)) void FN(row_softmax)(const cnn__softmax_nll *g, int n, const X *x, X most, X log_sum,
                                                      X *block)
{
    for (int i = 0; i < n; i++) {
        block[i] = x[i] - most - log_sum;
    }
    for (int i = n; i % CNN__MAP_STEP; i++) {
        block[i] = 0;
    }
    FN(exponentials)(g, WHOLE_STEPS(n + CNN__MAP_STEP - 1), block);
}

/* ---- indices ---- */

/* The gradient of a row. */
static void FN(row_gradient)(const cnn__softmax_nll *g, int64_t sample, int64_t first, double dy, X *dx)
{
    const X *x = (const X *)g->logits + first, *stats = g->stats, *weight = g->weight;
    const X largest = stats[sample], log_sum = stats[g->batch * g->inner + sample];
    const int64_t target = cnn__nll_index(g, sample);
    X at_target = 0, block[CNN__NLL_RUN];
    dx += first;
    dy *= weight ? (double)weight[target] : 1;
    for (int64_t begin = 0; begin < g->classes; begin += CNN__NLL_RUN) {
        const int count = (int)cnn__min(g->classes - begin, CNN__NLL_RUN);
        FN(row_softmax)(g, count, x + begin, largest, log_sum, block);
        for (int i = 0; i < count; i++) {
            dx[begin + i] = (X)(dy * (double)block[i]);
        }
        at_target = target - begin >= 0 && target - begin < count ? block[target - begin] : at_target;
    }
    dx[target] = (X)(dy * ((double)at_target - 1));
}

/* ---- probabilities ---- */

/* Whether samples are rows whose factors are the probabilities alone, of which the following are. */
static bool FN(plain_rows)(const cnn__softmax_nll *g)
{
    return g->inner == 1 && !g->weight && g->smoothing == 0 && !cnn__nll_indexed(g);
}

/* Up to CNN__NLL_RUN elements, with zeros behind them: where they lie, or in the room. */
static inline const X *FN(padded)(int64_t n, const X *from, X *room)
{
    if (n >= CNN__NLL_RUN) {
        return from;
    }
    memset(room, 0, CNN__NLL_RUN * sizeof *room);
    return memcpy(room, from, (size_t)n * sizeof *room);
}

/* The cross-entropy of a row. */
static double FN(row_loss)(const cnn__softmax_nll *g, const X *x, const X *target, X most, double log_sum)
{
    X rooms[2][CNN__NLL_RUN];
    double loss = 0;
    for (int64_t class = 0; class < g->classes; class += CNN__NLL_RUN) {
        const X *logits = FN(padded)(g->classes - class, x + class, rooms[0]);
        const X *factors = FN(padded)(g->classes - class, target + class, rooms[1]);
        double lane[8] = { 0 };
        for (int i = 0; i < CNN__NLL_RUN; i += 8) {
#pragma GCC unroll 8
            for (int k = 0; k < 8; k++) {
                lane[k] += (double)factors[i + k] * ((double)(logits[i + k] - most) - log_sum);
            }
        }
        loss -= FN(sum_of_lanes)(lane);
    }
    return loss;
}

/* The sum of its probabilities. */
static double FN(row_total)(const cnn__softmax_nll *g, const X *target)
{
    X room[CNN__NLL_RUN];
    double total = 0;
    for (int64_t class = 0; class < g->classes; class += CNN__NLL_RUN) {
        const X *factors = FN(padded)(g->classes - class, target + class, room);
        double lane[8] = { 0 };
        for (int i = 0; i < CNN__NLL_RUN; i += 8) {
#pragma GCC unroll 8
            for (int k = 0; k < 8; k++) {
                lane[k] += (double)factors[i + k];
            }
        }
        total += FN(sum_of_lanes)(lane);
    }
    return total;
}

/* Its gradient. */
static void FN(row_slopes)(const cnn__softmax_nll *g, int64_t sample, int64_t first, double dy, X *dx)
{
    const X *x = (const X *)g->logits + first, *target = (const X *)g->target + first, *stats = g->stats;
    const X most = stats[sample], log_sum = stats[g->batch * g->inner + sample];
    const double total = FN(row_total)(g, target);
    X block[CNN__NLL_LONG_BLOCK];
    dx += first;
    for (int64_t class = 0; class < g->classes; class += CNN__NLL_LONG_BLOCK) {
        const int n = (int)cnn__min(g->classes - class, CNN__NLL_LONG_BLOCK);
        FN(row_softmax)(g, n, x + class, most, log_sum, block);
        CNN__IVDEP
        for (int i = 0; i < n; i++) { /* a probability of −0 counts as 0 */
            dx[class + i] = (X)(dy * ((double)block[i] * total - ((double)target[class + i] + 0)));
        }
    }
}
