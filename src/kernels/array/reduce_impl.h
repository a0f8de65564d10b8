/* One reduction of one dtype, as functions NAME(part) and NAME(rows): X is the element type, A the accumulator's, L
 * that of neighbouring elements before they meet the accumulator, STEP(a, b) the operation, START its neutral element,
 * PART what stands before the functions. The order of operations depends on the sizes alone. No include guard: one
 * inclusion, one operation and dtype. */

/* Along a run in eight lanes, which are joined two by two. */
static A NAME(run)(const X *x, int64_t n, int64_t stride)
{
    L lane[8] = { START, START, START, START, START, START, START, START };
    int64_t i = 0;
#ifdef LONG_RUN
    if (stride == 1 && n >= LONG_RUN) {
        i = NAME(whole)(x, n, lane);
    }
    if (i > n) {
        return (A)lane[0];
    }
#endif
    if (stride == 1) {
        for (; i + 8 <= n; i += 8) {
#pragma GCC unroll 1
            for (int k = 0; k < 8; k++) {
                lane[k] = STEP(lane[k], (L)x[i + k]);
            }
        }
    }
    for (; i < n; i++) {
        lane[i % 8] = STEP(lane[i % 8], (L)x[i * stride]);
    }
    for (int half = 4; half > 0; half /= 2) {
        for (int k = 0; k < half; k++) {
            lane[k] = STEP(lane[k], lane[k + half]);
        }
    }
    return (A)lane[0];
}

#ifndef OWN_ROWS
/* Down the columns of a run of rows, four rows at a time. */
PART void NAME(rows)(const void *from, int64_t n, int64_t stride, int64_t width, void *restrict accumulators)
{
    const X *x = from;
    A *a = accumulators;
    int64_t i = 0;
    for (; i + 4 <= n; i += 4) {
        const X *x0 = x + i * stride, *x1 = x0 + stride, *x2 = x1 + stride, *x3 = x2 + stride;
        for (int64_t j = 0; j < width; j++) {
            L left = STEP((L)x0[j], (L)x1[j]), right = STEP((L)x2[j], (L)x3[j]);
            A four = (A)STEP(left, right);
            a[j] = STEP(a[j], four);
        }
    }
    for (; i < n; i++) {
        const X *x0 = x + i * stride;
        for (int64_t j = 0; j < width; j++) {
            A one = (A)x0[j];
            a[j] = STEP(a[j], one);
        }
    }
}
#endif

/* A run of any length; MOST elements are joined before they meet the total, which keeps the error of long sums
 * small. */
static A NAME(long_run)(const X *x, int64_t n, int64_t stride)
{
    A total = NAME(run)(x, cnn__min(n, MOST), stride);
    for (int64_t i = MOST; i < n; i += MOST) {
        A part = NAME(run)(x + i * stride, cnn__min(n - i, MOST), stride);
        total = STEP(total, part);
    }
    return total;
}

PART void NAME(part)(const void *x, int64_t n, int64_t stride, void *accumulator)
{
    A *total = accumulator, part = NAME(long_run)(x, n, stride);
    *total = STEP(*total, part);
}
#undef X
#undef NAME
