/* softmax and log_softmax of contiguous rows of n elements: X is the element type, FN(name) its name, ROW what
 * stands before the functions. FN(softmax_exp)(n, y) is there already, and REDUCE, the reductions of the dtype. The
 * largest element is subtracted first, so that exp() cannot overflow; sums are of doubles, in lanes. No include
 * guard: one inclusion, one dtype. */
#define SOFTMAX_LANES 16

static X FN(largest)(int64_t n, const X *x)
{
    cnn__nest row;
    double most;
    row.ndim = 0;
    REDUCE(CNN_REDUCE_OF_MAX)(x, &row, 0, n, 1, &most);
    return (X)most;
}

static double FN(total)(int64_t n, const X *x)
{
    double lane[SOFTMAX_LANES] = { 0 };
    int64_t i = 0;
    for (; i + SOFTMAX_LANES <= n; i += SOFTMAX_LANES) {
        for (int k = 0; k < SOFTMAX_LANES; k++) {
            lane[k] += (double)x[i + k];
        }
    }
    for (; i < n; i++) {
        lane[i % SOFTMAX_LANES] += (double)x[i];
    }
    for (int half = SOFTMAX_LANES / 2; half > 0; half /= 2) {
        for (int k = 0; k < half; k++) {
            lane[k] += lane[k + half];
        }
    }
    return lane[0];
}

ROW FN(softmax)(int64_t rows, int64_t n, const void *from, void *to)
{
    const X *x = from;
    X *y = to;
    for (int64_t r = 0; r < rows; r++, x += n) {
        const X most = FN(largest)(n, x);
        for (int64_t i = 0; i < n; i++) {
            y[r * n + i] = x[i] - most;
        }
    }
    FN(softmax_exp)(rows * n, y);
    for (int64_t r = 0; r < rows; r++, y += n) {
        const X factor = (X)(1 / FN(total)(n, y));
        for (int64_t i = 0; i < n; i++) {
            y[i] *= factor;
        }
    }
}

/* A block of exponentials at a time, because y may be x: of some rows, or of a part of one. */
ROW FN(log_softmax)(int64_t rows, int64_t n, const void *from, void *to)
{
    enum { SOFTMAX_BLOCK = 1024, SOFTMAX_ROWS = 64 };
    const X *x = from;
    X *y = to, most[SOFTMAX_ROWS], block[SOFTMAX_BLOCK];
    double sum[SOFTMAX_ROWS];
    const int64_t together = cnn__max(1, cnn__min(SOFTMAX_ROWS, SOFTMAX_BLOCK / n));
    for (int64_t count; rows > 0; rows -= count, x += count * n, y += count * n) {
        count = cnn__min(rows, together);
        for (int64_t r = 0; r < count; r++) {
            most[r] = FN(largest)(n, x + r * n);
            sum[r] = 0;
        }
        for (int64_t start = 0; start < n; start += SOFTMAX_BLOCK) {
            const int64_t size = cnn__min(SOFTMAX_BLOCK, n - start);
            for (int64_t r = 0; r < count; r++) {
                for (int64_t i = 0; i < size; i++) {
                    block[r * size + i] = x[r * n + start + i] - most[r];
                }
            }
            FN(softmax_exp)(count * size, block);
            for (int64_t r = 0; r < count; r++) {
                sum[r] += FN(total)(size, block + r * size);
            }
        }
        for (int64_t r = 0; r < count; r++) {
            const X log_sum = (X)cnn__log_f64(sum[r]);
            CNN__IVDEP
            for (int64_t i = r * n; i < (r + 1) * n; i++) {
                y[i] = x[i] - most[r] - log_sum;
            }
        }
    }
}
#undef X
#undef FN
#undef REDUCE
#undef ROW
#undef SOFTMAX_LANES
