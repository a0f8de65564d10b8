/* The loops of batch_norm.c in one dtype: X is the type, FN(name) the name of a function. A channel's sums are kept in
 * BATCH_NORM_LANES partial sums, so that vectors can make them, and these are added at the end. */

static void FN(batch_statistics)(const cnn__batch_norm *g, int64_t c, double *var)
{
    double n = (double)g->batch * (double)g->inner, sums[BATCH_NORM_LANES] = { 0 }, squares[BATCH_NORM_LANES] = { 0 };
    for (int64_t b = 0; b < g->batch; b++) {
        const X *x = (const X *)g->x + (b * g->channels + c) * g->inner;
        for (int64_t i = 0; i < g->inner; i++) {
            sums[i % BATCH_NORM_LANES] += (double)x[i];
        }
    }
    double mean = total(sums) / n;
    for (int64_t b = 0; b < g->batch; b++) {
        const X *x = (const X *)g->x + (b * g->channels + c) * g->inner;
        for (int64_t i = 0; i < g->inner; i++) {
            double d = (double)x[i] - mean;
            squares[i % BATCH_NORM_LANES] += d * d;
        }
    }
    g->mean[c] = mean;
    var[c] = total(squares) / n;
}

static void FN(batch_forward)(const cnn__batch_norm *g, int64_t c, void *result)
{
    const X mean = (X)g->mean[c];
    const X slope = (X)(g->scale[c] * (g->weight ? (double)((const X *)g->weight)[c] : 1));
    const X shift = g->bias ? ((const X *)g->bias)[c] : 0;
    for (int64_t b = 0; b < g->batch; b++) {
        int64_t at = (b * g->channels + c) * g->inner;
        const X *x = (const X *)g->x + at;
        X *y = (X *)result + at;
        for (int64_t i = 0; i < g->inner; i++) {
            y[i] = (x[i] - mean) * slope + shift;
        }
    }
}

/* Σ dy and Σ dy · (x − mean). */
static void FN(sums_of)(const cnn__batch_norm *g, int64_t c, const void *gradient, double sum[2])
{
    double plain[BATCH_NORM_LANES] = { 0 }, weighted[BATCH_NORM_LANES] = { 0 };
    for (int64_t b = 0; b < g->batch; b++) {
        int64_t at = (b * g->channels + c) * g->inner;
        const X *x = (const X *)g->x + at, *dy = (const X *)gradient + at;
        for (int64_t i = 0; i < g->inner; i++) {
            plain[i % BATCH_NORM_LANES] += (double)dy[i];
            weighted[i % BATCH_NORM_LANES] += (double)dy[i] * ((double)x[i] - g->mean[c]);
        }
    }
    sum[0] = total(plain);
    sum[1] = total(weighted);
}

/* dx = slope · (dy − Σdy / n − (x − mean) · scale² · Σ(dy · (x − mean)) / n); slope · dy where the statistics are
 * given. */
static void FN(data)(const cnn__batch_norm *g, int64_t c, const void *gradient, const double sum[2], void *result)
{
    double n = (double)g->batch * (double)g->inner, scale = g->scale[c];
    double own = g->batch_statistics ? 1 / n : 0;
    const X slope = (X)(scale * (g->weight ? (double)((const X *)g->weight)[c] : 1));
    const X mean = (X)g->mean[c], level = (X)(sum[0] * own), tilt = (X)(sum[1] * scale * scale * own);
    for (int64_t b = 0; b < g->batch; b++) {
        int64_t at = (b * g->channels + c) * g->inner;
        const X *x = (const X *)g->x + at, *dy = (const X *)gradient + at;
        X *dx = (X *)result + at;
        for (int64_t i = 0; i < g->inner; i++) {
            dx[i] = (dy[i] - level - (x[i] - mean) * tilt) * slope;
        }
    }
}

static void FN(batch_backward)(const cnn__batch_norm *g, int64_t c, const void *dy, void *dx, void *dweight,
                               void *dbias)
{
    double sum[2] = { 0 };
    if (g->batch_statistics || dweight || dbias) {
        FN(sums_of)(g, c, dy, sum);
    }
    if (dweight) {
        ((X *)dweight)[c] = (X)(sum[1] * g->scale[c]);
    }
    if (dbias) {
        ((X *)dbias)[c] = (X)sum[0];
    }
    if (dx) {
        FN(data)(g, c, dy, sum, dx);
    }
}

#undef X
#undef FN
