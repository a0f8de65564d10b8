/* softmax and log_softmax of one row of n contiguous elements: X is the element type, MATH(f) its function of <math.h>,
 * FN(name) its name. The largest element is subtracted first, so that exp() cannot overflow; the sum is a double. No
 * include guard: one inclusion, one dtype. */
static X FN(largest)(int64_t n, const X *x)
{
    X most = x[0];
    for (int64_t i = 1; i < n; i++) {
        most = x[i] > most || x[i] != x[i] ? x[i] : most;
    }
    return most;
}

static void FN(softmax)(int64_t n, const void *from, void *to)
{
    const X *x = from;
    X *y = to, most = FN(largest)(n, x);
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
        y[i] = MATH(exp)(x[i] - most);
        sum += (double)y[i];
    }
    const X factor = (X)(1 / sum);
    for (int64_t i = 0; i < n; i++) {
        y[i] *= factor;
    }
}

static void FN(log_softmax)(int64_t n, const void *from, void *to)
{
    const X *x = from;
    X *y = to, most = FN(largest)(n, x);
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
        sum += (double)MATH(exp)(x[i] - most);
    }
    const X log_sum = (X)log(sum);
    for (int64_t i = 0; i < n; i++) {
        y[i] = x[i] - most - log_sum;
    }
}
#undef X
#undef MATH
#undef FN
