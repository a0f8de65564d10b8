/* softmax and log_softmax of contiguous rows of n elements: X is the element type, FN(name) its name, ROW what stands
 * before the functions. With OWN_ROWS the loops over a row are there already, and FN(short_rows), which returns how
 * many of the rows it has done. The largest element is subtracted first, so that exp() cannot overflow; sums are of
 * doubles, in lanes. No include guard: one inclusion, one dtype. */
#define SOFTMAX_LANES 16
#define SOFTMAX_ROWS 64

static void FN(softmax_powers)(const cnn__map *exp, int64_t n, X *y)
{
    cnn__map_rows(exp, n, y, (const void *const[]){ y });
}

#ifdef OWN_ROWS
#define SHORT_ROWS(log) FN(short_rows)(&s->exp, log, rows, n, from, to)
#else
#define SHORT_ROWS(log) 0
/* y[i] = x[i] − a − b */
static void FN(row_minus)(int64_t n, X *y, const X *x, X a, X b)
{
    CNN__IVDEP
    for (int64_t i = 0; i < n; i++) {
        y[i] = x[i] - a - b;
    }
}

static void FN(row_times)(int64_t n, X *y, X factor)
{
    for (int64_t i = 0; i < n; i++) {
        y[i] *= factor;
    }
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
#endif

ROW FN(softmax)(const cnn__softmax *s, int64_t rows, int64_t n, const void *from, void *to)
{
    const X *x = from;
    X *y = to, factor[SOFTMAX_ROWS];
    const int64_t done = SHORT_ROWS(false);
    rows -= done;
    x += done * n;
    y += done * n;
    for (int64_t r = 0; r < rows; r++, x += n) {
        FN(row_minus)(n, y + r * n, x, (X)cnn__reduce_row(s->largest, x, n), 0);
    }
    FN(softmax_powers)(&s->exp, rows * n, y);
    /* A sum would wait for the row before to be stored. */
    for (int64_t count; rows > 0; rows -= count, y += count * n) {
        count = cnn__min(rows, SOFTMAX_ROWS);
        for (int64_t r = 0; r < count; r++) {
            factor[r] = (X)(1 / FN(total)(n, y + r * n));
        }
        for (int64_t r = 0; r < count; r++) {
            FN(row_times)(n, y + r * n, factor[r]);
        }
    }
}

/* A block of exponentials at a time, because y may be x: of some rows, or of a part of one. */
ROW FN(log_softmax)(const cnn__softmax *s, int64_t rows, int64_t n, const void *from, void *to)
{
    enum { SOFTMAX_BLOCK = 1024 };
    const X *x = from;
    X *y = to, most[SOFTMAX_ROWS], block[SOFTMAX_BLOCK];
    double sum[SOFTMAX_ROWS];
    const int64_t done = SHORT_ROWS(true);
    rows -= done;
    x += done * n;
    y += done * n;
    const int64_t together = cnn__max(1, cnn__min(SOFTMAX_ROWS, SOFTMAX_BLOCK / n));
    for (int64_t count; rows > 0; rows -= count, x += count * n, y += count * n) {
        count = cnn__min(rows, together);
        for (int64_t r = 0; r < count; r++) {
            most[r] = (X)cnn__reduce_row(s->largest, x + r * n, n);
            sum[r] = 0;
        }
        for (int64_t start = 0; start < n; start += SOFTMAX_BLOCK) {
            const int64_t size = cnn__min(SOFTMAX_BLOCK, n - start);
            for (int64_t r = 0; r < count; r++) {
                FN(row_minus)(size, block + r * size, x + r * n + start, most[r], 0);
            }
            FN(softmax_powers)(&s->exp, count * size, block);
            for (int64_t r = 0; r < count; r++) {
                sum[r] += FN(total)(size, block + r * size);
            }
        }
        for (int64_t r = 0; r < count; r++) {
            FN(row_minus)(n, y + r * n, x + r * n, most[r], (X)cnn__log_f64(sum[r]));
        }
    }
}
#undef X
#undef FN
#undef ROW
#undef OWN_ROWS
#undef SHORT_ROWS
#undef SOFTMAX_LANES
#undef SOFTMAX_ROWS
