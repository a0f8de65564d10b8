/* Losses of logits or scores: X is the type, FN(name) its name, OWN(f) its function. Samples are (n, d), number n ·
 * inner + d. The formulas are those of the CPU (src/kernels/array/softmax_nll.h). No include guard: one inclusion,
 * one dtype. */

DEVICE int64_t FN(first_logit)(const int64_t *s, int64_t number)
{
    const int64_t batch = quotient(number, s[INNER]);
    return batch * s[CLASSES] * s[INNER] + number - batch * s[INNER];
}

DEVICE double FN(class_weight)(const plain_arguments *a, int64_t c)
{
    return a->in[2] ? (double)((const X *)a->in[2])[c] : 1;
}

/* The factor of the logarithm of class c's probability; `at` is where its logit is. */
DEVICE double FN(factor)(const plain_arguments *a, int64_t c, int64_t target, int64_t at)
{
    const double smoothing = a->value[SMOOTHING];
    const double p = a->size[OF_INDICES] ? (double)(c == target) : (double)((const X *)a->in[1])[at];
    return FN(class_weight)(a, c) * ((1 - smoothing) * p + smoothing / (double)a->size[CLASSES]);
}

DEVICE double FN(log_p)(X x, X largest, double log_sum)
{
    return (double)(x - largest) - log_sum;
}

/* What class c adds to a loss with a margin before it is raised to its power. */
DEVICE double FN(excess)(const plain_arguments *a, const X *x, int64_t target, int64_t c)
{
    const double z = a->value[MARGIN] - (double)x[target * a->size[INNER]] + (double)x[c * a->size[INNER]];
    return c != target && z > 0 ? z : 0; /* a NaN adds nothing */
}

/* The loss of a sample of indices or probabilities, from its statistics. */
DEVICE double FN(entropy)(const plain_arguments *a, int64_t first, int64_t target, X largest, double log_sum)
{
    const int64_t *s = a->size;
    const X *x = (const X *)a->in[0];
    double loss = 0;
    if (s[OF_INDICES] && a->value[SMOOTHING] == 0) { /* an infinite logit of another class must not become 0 · ∞ */
        return -FN(class_weight)(a, target) * FN(log_p)(x[first + target * s[INNER]], largest, log_sum);
    }
    for (int64_t c = 0; c < s[CLASSES]; c++) {
        const int64_t at = first + c * s[INNER];
        loss -= FN(factor)(a, c, target, at) * FN(log_p)(x[at], largest, log_sum);
    }
    return loss;
}

/* in: logits, target, (weight); out: (statistics), (losses of the samples), loss and divisor of each sample, double
 * [2, samples]. One thread has a sample. */
KERNEL(FN(class_loss), plain_arguments)
{
    const int64_t *s = a->size;
    EACH (i, s[SAMPLES]) {
        const int64_t first = FN(first_logit)(s, i),
                      target = s[OF_INDICES] ? load_integer(s[TARGET_DTYPE], a->in[1], i) : 0;
        const X *x = (const X *)a->in[0] + first;
        const bool ignored = s[OF_INDICES] && s[FUNCTION] != CNN_LOSS_MULTI_MARGIN && target == s[IGNORED];
        double loss = 0, divisor = ignored                                                 ? 0
                                   : s[OF_INDICES] && s[FUNCTION] != CNN_LOSS_MULTI_MARGIN ? FN(class_weight)(a, target)
                                                                                           : 1;
        if (s[FUNCTION] == CNN_LOSS_CROSS_ENTROPY) {
            X largest = (X)-INFINITY;
            double sum = 0;
            for (int64_t c = 0; c < s[CLASSES]; c++) {
                largest = x[c * s[INNER]] > largest ? x[c * s[INNER]] : largest;
            }
            for (int64_t c = 0; c < s[CLASSES]; c++) {
                sum += (double)OWN(exp)(x[c * s[INNER]] - largest);
            }
            const X log_sum = (X)cnn__log_f64(sum);
            if (a->out[0]) {
                ((X *)a->out[0])[i] = largest;
                ((X *)a->out[0])[s[SAMPLES] + i] = log_sum;
            }
            loss = ignored ? 0 : FN(entropy)(a, first, target, largest, (double)log_sum);
        } else if (s[FUNCTION] == CNN_LOSS_NLL) {
            loss = ignored ? 0 : -divisor * (double)x[target * s[INNER]];
        } else {
            for (int64_t c = 0; c < s[CLASSES]; c++) {
                const double z = FN(excess)(a, x, target, c);
                loss += s[POWER] == 1 ? z : z * z;
            }
            loss = FN(class_weight)(a, target) * loss / (double)s[CLASSES];
        }
        if (a->out[1]) {
            ((X *)a->out[1])[i] = (X)loss;
        }
        ((double *)a->out[2])[i] = loss;
        ((double *)a->out[2])[s[SAMPLES] + i] = divisor;
    }
}

/* One block. in: loss and divisor of each sample; out: the loss (or NULL), totals. */
KERNEL(FN(class_loss_total), plain_arguments)
{
    SHARED(double, losses, 256);
    SHARED(double, divisors, 256);
    const int64_t *s = a->size;
    const double *from = (const double *)a->in[0];
    THREAD (t) {
        double loss = 0, divisor = 0;
        for (int64_t i = t; i < s[SAMPLES]; i += 256) {
            loss += from[i];
            divisor += from[s[SAMPLES] + i];
        }
        losses[t] = loss;
        divisors[t] = divisor;
    }
    BARRIER;
    TREE(losses, SUM_OF)
    TREE(divisors, SUM_OF)
    THREAD (t) {
        if (t == 0 && BLOCK == 0) {
            double *totals = (double *)a->out[1];
            const double sum = losses[0], divisor = !s[MEAN] ? 1 : s[CLASSES] ? divisors[0] : 0;
            totals[0] = sum;
            totals[1] = divisor;
            if (a->out[0]) { /* the mean of nothing is a NaN */
                ((X *)a->out[0])[0] = (X)(divisor == 0 && sum == 0 ? (double)NAN : sum / divisor);
            }
        }
    }
}

/* The slope of a logit. */
DEVICE X FN(logit_slope)(const plain_arguments *a, int64_t i, int64_t first, int64_t c, double dy)
{
    const int64_t *s = a->size, samples = s[SAMPLES], at = first + c * s[INNER];
    const int64_t target = s[OF_INDICES] ? load_integer(s[TARGET_DTYPE], a->in[1], i) : 0;
    const X *x = (const X *)a->in[0] + first, *statistics = (const X *)a->in[3];
    if (s[FUNCTION] == CNN_LOSS_MULTI_MARGIN) {
        const double factor = dy * FN(class_weight)(a, target) / (double)s[CLASSES];
        double total = 0;
        for (int64_t k = c == target ? 0 : c; k < (c == target ? s[CLASSES] : c + 1); k++) {
            const double z = FN(excess)(a, x, target, k);
            total += factor * (s[POWER] == 1 ? (double)(z != 0) : 2 * z);
        }
        return (X)(c == target ? -total : total);
    }
    if (s[OF_INDICES] && target == s[IGNORED]) {
        return 0;
    }
    if (s[FUNCTION] == CNN_LOSS_NLL) {
        return c == target ? (X)(-dy * FN(class_weight)(a, target)) : 0;
    }
    double total = 0;
    if (s[OF_INDICES] && a->value[SMOOTHING] == 0) {
        total = FN(class_weight)(a, target);
    } else {
        for (int64_t k = 0; k < s[CLASSES]; k++) {
            total += FN(factor)(a, k, target, first + k * s[INNER]);
        }
    }
    const double p = (double)OWN(exp)((X)FN(log_p)(x[c * s[INNER]], statistics[i], (double)statistics[samples + i]));
    return (X)(dy * (p * total - FN(factor)(a, c, target, at)));
}

/* in: logits, target, (weight), (statistics), totals, dy; out: (dlogits), (dtarget). One thread has a logit. */
KERNEL(FN(class_loss_backward), plain_arguments)
{
    const int64_t *s = a->size;
    const double divisor = ((const double *)a->in[4])[1];
    EACH (number, s[SAMPLES] * s[CLASSES]) {
        const int64_t row = quotient(number, s[INNER]), batch = quotient(row, s[CLASSES]), c = row - batch * s[CLASSES],
                      i = batch * s[INNER] + number - row * s[INNER];
        const double dy = 1 / divisor * (double)((const X *)a->in[5])[s[EACH_SAMPLE] ? i : 0];
        if (a->out[0]) {
            ((X *)a->out[0])[number] = FN(logit_slope)(a, i, FN(first_logit)(s, i), c, dy);
        }
        if (a->out[1]) {
            const X *statistics = (const X *)a->in[3];
            ((X *)a->out[1])[number] =
                (X)(-dy * FN(class_weight)(a, c) * (1 - a->value[SMOOTHING]) *
                    FN(log_p)(((const X *)a->in[0])[number], statistics[i], (double)statistics[s[SAMPLES] + i]));
        }
    }
}
