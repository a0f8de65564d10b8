/* Normalisation, with sums in double: X is the type, FN(name) its name. No include guard: one inclusion, one dtype. */

/* Element number i of a set, over all samples. */
DEVICE int64_t FN(norm_at)(const int64_t *s, int64_t set, int64_t i)
{
    const int64_t line = s[CHANNELS] * s[INNER], b = quotient(i, line);
    return (b * s[SETS] + set) * line + i - b * line;
}

/* The weight of an element of a set. */
DEVICE int64_t FN(norm_weight)(const int64_t *s, int64_t set, int64_t within)
{
    return set % s[NORM_GROUPS] * s[CHANNELS] + quotient(within, s[INNER]);
}

/* A block has a set. out: statistics (double): means, biased variances and, if SCALE_ROW is 2, scales; values: eps. */
KERNEL(FN(norm_statistics), plain_arguments)
{
    SHARED(double, part, 256);
    SHARED(double, mean, 1);
    const int64_t *s = a->size, count = s[NORM_BATCH] * s[CHANNELS] * s[INNER];
    const X *x = (const X *)a->in[0];
    THREAD (t) {
        double sum = 0;
        for (int64_t i = t; i < count && !s[UNCENTRED]; i += 256) {
            sum += (double)x[FN(norm_at)(s, BLOCK, i)];
        }
        part[t] = sum;
    }
    BARRIER;
    TREE(part, SUM_OF)
    THREAD (t) {
        if (t == 0) {
            mean[0] = s[UNCENTRED] ? 0 : part[0] / (double)count;
        }
    }
    BARRIER;
    THREAD (t) {
        double sum = 0;
        for (int64_t i = t; i < count; i += 256) {
            const double d = (double)x[FN(norm_at)(s, BLOCK, i)] - mean[0];
            sum += d * d;
        }
        part[t] = sum;
    }
    BARRIER;
    TREE(part, SUM_OF)
    THREAD (t) {
        if (t == 0) {
            double *statistics = (double *)a->out[0] + BLOCK, variance = part[0] / (double)count;
            statistics[0] = mean[0];
            statistics[s[SETS]] = variance;
            if (s[SCALE_ROW] == 2) {
                statistics[2 * s[SETS]] = 1 / sqrt(variance + a->value[0]);
            }
        }
    }
}

/* in: x, (weight), (bias), statistics */
KERNEL(FN(norm_forward), plain_arguments)
{
    const int64_t *s = a->size, line = s[CHANNELS] * s[INNER];
    const X *x = (const X *)a->in[0], *weight = (const X *)a->in[1], *bias = (const X *)a->in[2];
    const double *statistics = (const double *)a->in[3];
    EACH (i, s[NORM_BATCH] * s[SETS] * line) {
        const int64_t sample = quotient(i, line), set = sample % s[SETS],
                      w = FN(norm_weight)(s, set, i - sample * line);
        const double scale = statistics[s[SCALE_ROW] * s[SETS] + set];
        const double slope = weight ? scale * (double)weight[w] : scale, shift = bias ? (double)bias[w] : 0;
        ((X *)a->out[0])[i] = (X)(((double)x[i] - statistics[set]) * slope + shift);
    }
}

/* A block has a set. in: x, (weight), statistics, dy; out: double [2, sets]: Σ s and Σ s · (x − mean), s = dy ·
 * weight. */
KERNEL(FN(norm_products), plain_arguments)
{
    SHARED(double, sums, 256);
    SHARED(double, products, 256);
    const int64_t *s = a->size, line = s[CHANNELS] * s[INNER], count = s[NORM_BATCH] * line;
    const X *x = (const X *)a->in[0], *weight = (const X *)a->in[1], *dy = (const X *)a->in[3];
    const double mean = ((const double *)a->in[2])[BLOCK];
    THREAD (t) {
        double sum = 0, product = 0;
        for (int64_t i = t; i < count; i += 256) {
            const int64_t at = FN(norm_at)(s, BLOCK, i);
            const double slope = (double)dy[at] * (weight ? (double)weight[FN(norm_weight)(s, BLOCK, i % line)] : 1);
            sum += slope;
            product += slope * ((double)x[at] - mean);
        }
        sums[t] = sum;
        products[t] = product;
    }
    BARRIER;
    TREE(sums, SUM_OF)
    TREE(products, SUM_OF)
    THREAD (t) {
        if (t == 0) {
            ((double *)a->out[0])[BLOCK] = sums[0];
            ((double *)a->out[0])[s[SETS] + BLOCK] = products[0];
        }
    }
}

/* in: x, (weight), statistics, dy, those sums; out: dx. */
KERNEL(FN(norm_data), plain_arguments)
{
    const int64_t *s = a->size, line = s[CHANNELS] * s[INNER];
    const X *x = (const X *)a->in[0], *weight = (const X *)a->in[1], *dy = (const X *)a->in[3];
    const double *statistics = (const double *)a->in[2], *sums = (const double *)a->in[4],
                 count = (double)s[NORM_BATCH] * (double)line;
    EACH (i, s[NORM_BATCH] * s[SETS] * line) {
        const int64_t sample = quotient(i, line), set = sample % s[SETS];
        const double scale = statistics[s[SCALE_ROW] * s[SETS] + set];
        double slope = (double)dy[i] * (weight ? (double)weight[FN(norm_weight)(s, set, i - sample * line)] : 1);
        if (s[OWN_STATISTICS]) {
            const double sum = s[UNCENTRED] ? 0 : sums[set] / count,
                         product = sums[s[SETS] + set] * (scale * scale / count);
            slope = slope - sum - ((double)x[i] - statistics[set]) * product;
        }
        ((X *)a->out[0])[i] = (X)(slope * scale);
    }
}

/* A block has a weight. in: x, nothing, statistics, dy; out: (dweight), (dbias). */
KERNEL(FN(norm_weights), plain_arguments)
{
    SHARED(double, sums, 256);
    SHARED(double, products, 256);
    const int64_t *s = a->size, group = BLOCK / s[CHANNELS], c = BLOCK % s[CHANNELS], sets = s[SETS] / s[NORM_GROUPS],
                  count = s[NORM_BATCH] * sets * s[INNER];
    const X *x = (const X *)a->in[0], *dy = (const X *)a->in[3];
    const double *statistics = (const double *)a->in[2];
    THREAD (t) {
        double sum = 0, product = 0;
        for (int64_t i = t; i < count; i += 256) {
            const int64_t row = quotient(i, s[INNER]), b = quotient(row, sets),
                          set = (row - b * sets) * s[NORM_GROUPS] + group,
                          at = ((b * s[SETS] + set) * s[CHANNELS] + c) * s[INNER] + i - row * s[INNER];
            sum += (double)dy[at];
            product += (double)dy[at] * ((double)x[at] - statistics[set]) * statistics[s[SCALE_ROW] * s[SETS] + set];
        }
        sums[t] = sum;
        products[t] = product;
    }
    BARRIER;
    TREE(sums, SUM_OF)
    TREE(products, SUM_OF)
    THREAD (t) {
        if (t == 0 && a->out[0]) {
            ((X *)a->out[0])[BLOCK] = (X)products[0];
        }
        if (t == 0 && a->out[1]) {
            ((X *)a->out[1])[BLOCK] = (X)sums[0];
        }
    }
}

/* ---- statistics of batch normalisation. sizes: channels, instances, samples of a channel; values: momentum, eps
 * ---- */

DEVICE double FN(norm_mean)(const int64_t *s, const double *statistics, int64_t c)
{
    double sum = 0;
    for (int64_t i = 0; i < s[1]; i++) {
        sum += statistics[i * s[0] + c];
    }
    return sum / (double)s[1];
}

KERNEL(FN(batch_norm_move), plain_arguments)
{
    const int64_t *s = a->size;
    const double *means = (const double *)a->in[0], *variances = means + s[0] * s[1], momentum = a->value[0];
    X *mean = (X *)a->out[0], *variance = (X *)a->out[1];
    EACH (c, s[0]) {
        const double count = (double)s[2], unbiased = count / (count - 1);
        mean[c] = (X)((1 - momentum) * (double)mean[c] + momentum * FN(norm_mean)(s, means, c));
        variance[c] = (X)((1 - momentum) * (double)variance[c] + momentum * FN(norm_mean)(s, variances, c) * unbiased);
    }
}

/* in: (mean), (variance); out: means and scales, double. */
KERNEL(FN(batch_norm_scale), plain_arguments)
{
    const X *mean = (const X *)a->in[0], *variance = (const X *)a->in[1];
    double *statistics = (double *)a->out[0], *scale = statistics + a->size[0];
    EACH (c, a->size[0]) {
        statistics[c] = mean ? (double)mean[c] : statistics[c];
        scale[c] = 1 / sqrt((variance ? (double)variance[c] : scale[c]) + a->value[1]);
    }
}

/* in: (bias), (weight), (shift), mean, variance; out: scale, bias. */
KERNEL(FN(batch_norm_fold), plain_arguments)
{
    const X *bias = (const X *)a->in[0], *weight = (const X *)a->in[1], *shift = (const X *)a->in[2],
            *mean = (const X *)a->in[3], *variance = (const X *)a->in[4];
    EACH (c, a->size[0]) {
        const double slope = (weight ? (double)weight[c] : 1) / sqrt((double)variance[c] + a->value[1]);
        const double centred = (bias ? (double)bias[c] : 0) - (double)mean[c];
        ((X *)a->out[0])[c] = (X)slope;
        ((X *)a->out[1])[c] = (X)(centred * slope + (shift ? (double)shift[c] : 0));
    }
}

/* ---- local response normalisation. sizes: batch, channels, inner, size; values: alpha / size, beta, k ---- */

/* d of channel c, `first` being the element of channel 0. */
DEVICE double FN(response)(const plain_arguments *a, const X *first, int64_t c)
{
    double sum = 0;
    for (int64_t k = larger(c - a->size[3] / 2, 0); k <= smaller(c + (a->size[3] - 1) / 2, a->size[1] - 1); k++) {
        const double x = (double)first[k * a->size[2]];
        sum += x * x;
    }
    return a->value[2] + a->value[0] * sum;
}

DEVICE double FN(response_power)(double d, double beta)
{
    const double root = sqrt(d);
    return beta == 0.75 ? 1 / (root * sqrt(root)) : pow(d, -beta);
}

KERNEL(FN(local_response_norm), plain_arguments)
{
    EACH (i, a->size[0] * a->size[1] * a->size[2]) {
        const int64_t row = quotient(i, a->size[2]), c = row % a->size[1];
        const X *x = (const X *)a->in[0] + i;
        ((X *)a->out[0])[i] = (X)((double)*x * FN(response_power)(FN(response)(a, x - c * a->size[2], c), a->value[1]));
    }
}

/* in: x, dy */
KERNEL(FN(local_response_norm_backward), plain_arguments)
{
    const int64_t inner = a->size[2], size = a->size[3];
    EACH (i, a->size[0] * a->size[1] * inner) {
        const int64_t row = quotient(i, inner), c = row % a->size[1];
        const X *x = (const X *)a->in[0] + i - c * inner, *dy = (const X *)a->in[1] + i - c * inner;
        double sum = 0, own = 0;
        for (int64_t k = larger(c - (size - 1) / 2, 0); k <= smaller(c + size / 2, a->size[1] - 1); k++) {
            const double d = FN(response)(a, x, k), power = (double)dy[k * inner] * FN(response_power)(d, a->value[1]);
            sum += power * (double)x[k * inner] / d;
            own = k == c ? power : own;
        }
        ((X *)a->out[0])[i] = (X)(own - 2 * a->value[0] * a->value[1] * (double)x[c * inner] * sum);
    }
}
