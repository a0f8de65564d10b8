/* softmax and log_softmax of one row of n contiguous elements: X is the element type, OWN(f) its function of
 * array/math.h, FN(name) its name. The largest element is subtracted first, so that exp() cannot overflow; sums are
 * of doubles, in four lanes. No include guard: one inclusion, one dtype. */
static X FN(largest)(int64_t n, const X *x)
{
    X most = x[0];
    for (int64_t i = 1; i < n; i++) {
        most = x[i] > most || x[i] != x[i] ? x[i] : most;
    }
    return most;
}

static double FN(total)(int64_t n, const X *x)
{
    double lane[4] = { 0 };
    int64_t i = 0;
    for (; i + 4 <= n; i += 4) {
        for (int k = 0; k < 4; k++) {
            lane[k] += (double)x[i + k];
        }
    }
    for (; i < n; i++) {
        lane[i % 4] += (double)x[i];
    }
    return (lane[0] + lane[2]) + (lane[1] + lane[3]);
}

static void FN(softmax)(int64_t n, const void *from, void *to)
{
    const X *x = from;
    X *y = to, most = FN(largest)(n, x);
    CNN__IVDEP
    for (int64_t i = 0; i < n; i++) {
        y[i] = OWN(exp)(x[i] - most);
    }
    const X factor = (X)(1 / FN(total)(n, y));
    for (int64_t i = 0; i < n; i++) {
        y[i] *= factor;
    }
}

/* A block of exponentials at a time, because y may be x. */
static void FN(log_softmax)(int64_t n, const void *from, void *to)
{
    enum { SOFTMAX_BLOCK = 128 };
    const X *x = from;
    X *y = to, most = FN(largest)(n, x), block[SOFTMAX_BLOCK];
    double sum = 0;
    for (int64_t start = 0; start < n; start += SOFTMAX_BLOCK) {
        int64_t size = cnn__min(SOFTMAX_BLOCK, n - start);
        for (int64_t i = 0; i < size; i++) {
            block[i] = OWN(exp)(x[start + i] - most);
        }
        sum += FN(total)(size, block);
    }
    const X log_sum = (X)cnn__log_f64(sum);
    CNN__IVDEP
    for (int64_t i = 0; i < n; i++) {
        y[i] = x[i] - most - log_sum;
    }
}
#undef X
#undef OWN
#undef FN
