/* The arithmetic of attention on a row of n weights, for a real dtype: X is its type, FN(name) its name. No include
 * guard: one inclusion, one dtype. */

/* x = scale · x + mask. Returns how many are −∞. */
static int FN(attention_mask)(const cnn_attention_parameters *p, int64_t n, const void *mask, void *row)
{
    X *x = row;
    const X scale = (X)p->scale;
    int hidden = 0;
    for (int64_t i = 0; i < n; i++) {
        x[i] *= scale;
    }
    for (int64_t i = 0; mask && p->mask_is_bool && i < n; i++) {
        x[i] = ((const bool *)mask)[i * p->mask_column] ? x[i] : -(X)INFINITY;
    }
    for (int64_t i = 0; mask && !p->mask_is_bool && i < n; i++) {
        x[i] += ((const X *)mask)[i * p->mask_column];
    }
    for (int64_t i = 0; i < n; i++) {
        hidden += x[i] == -(X)INFINITY;
    }
    return hidden;
}

/* Drops elements of x as draws say, as dropout does. */
static void FN(attention_drop)(int64_t n, const uint32_t *draws, uint32_t threshold, double factor, void *row)
{
    X *x = row;
    for (int64_t i = 0; i < n; i++) {
        x[i] *= draws[i] >= threshold ? (X)factor : 0;
    }
}

/* The gradient of softmax: d = y · (d − Σ d·y). */
static void FN(attention_slope)(int64_t n, const void *weights, void *gradient)
{
    const X *y = weights;
    X *d = gradient;
    double lane[4] = { 0 };
    int64_t i = 0;
    for (; i + 4 <= n; i += 4) {
        for (int k = 0; k < 4; k++) {
            lane[k] += (double)d[i + k] * (double)y[i + k];
        }
    }
    for (; i < n; i++) {
        lane[i % 4] += (double)d[i] * (double)y[i];
    }
    const X total = (X)((lane[0] + lane[2]) + (lane[1] + lane[3]));
    for (i = 0; i < n; i++) {
        d[i] = y[i] * (d[i] - total);
    }
}

static void FN(attention_add)(int64_t n, const void *more, void *sum)
{
    for (int64_t i = 0; i < n; i++) {
        ((X *)sum)[i] += ((const X *)more)[i];
    }
}

static void FN(attention_scale)(int64_t n, double scale, void *row)
{
    for (int64_t i = 0; i < n; i++) {
        ((X *)row)[i] *= (X)scale;
    }
}
#undef X
#undef FN
