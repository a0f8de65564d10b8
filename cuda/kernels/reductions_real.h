/* What reals alone have: softmax, norms, the gradient of running products. Names as in reductions_any.h. No include
 * guard: one inclusion, one dtype. */

/* A block makes a row. sizes: columns, whether the logarithm is wanted. */
KERNEL(FN(softmax), plain_arguments)
{
    SHARED(double, part, 256);
    SHARED(double, row, 2);
    const int64_t n = a->size[0];
    const X *x = (const X *)a->in[0] + BLOCK * n;
    X *y = (X *)a->out[0] + BLOCK * n;
    THREAD (t) {
        double most = (double)-INFINITY;
        for (int64_t i = t; i < n; i += 256) {
            most = larger_real(most, (double)x[i]);
        }
        part[t] = most;
    }
    BARRIER;
    TREE(part, larger_real)
    THREAD (t) {
        if (t == 0) {
            row[0] = part[0];
        }
    }
    BARRIER;
    THREAD (t) {
        double sum = 0;
        for (int64_t i = t; i < n; i += 256) {
            sum += (double)OWN(exp)(x[i] - (X)row[0]);
        }
        part[t] = sum;
    }
    BARRIER;
    TREE(part, SUM_OF)
    THREAD (t) {
        if (t == 0) {
            row[1] = a->size[1] ? cnn__log_f64(part[0]) : 1 / part[0];
        }
    }
    BARRIER;
    THREAD (t) {
        for (int64_t i = t; i < n; i += 256) {
            const X v = x[i] - (X)row[0];
            y[i] = a->size[1] ? v - (X)row[1] : OWN(exp)(v) * (X)row[1];
        }
    }
}

/* sizes: n; values: p, max_norm, eps. */
KERNEL(FN(clip), plain_arguments)
{
    X *x = (X *)a->out[0];
    const double total = *(const double *)a->in[0], p = a->value[0];
    const double norm = p == 2 ? sqrt(total) : p == 1 || p > 1e300 ? total : pow(total, 1 / p);
    const double scale = a->value[1] / (norm + a->value[2]);
    if (!(scale >= 1)) { /* NaN scales, too */
        EACH (i, a->size[0]) {
            x[i] *= (X)scale;
        }
    }
}

/* sizes: before, n, after */
KERNEL(FN(cumprod_backward), plain_arguments)
{
    const int64_t n = a->size[1], after = a->size[2];
    EACH (line, a->size[0] * after) {
        const int64_t first = quotient(line, after) * n * after + line % after;
        const X *x = (const X *)a->in[0] + first, *dy = (const X *)a->in[1] + first;
        X *dx = (X *)a->out[0] + first;
        double value = 1;
        for (int64_t i = 0; i < n; i++) {
            dx[i * after] = (X)value;
            value *= (double)x[i * after];
        }
        value = 0;
        for (int64_t i = n - 1; i >= 0; i--) {
            value += (double)dy[i * after];
            dx[i * after] = (X)((double)dx[i * after] * value);
            value *= (double)x[i * after];
        }
    }
}

/* sizes: rows, n */
KERNEL(FN(prod_backward), plain_arguments)
{
    const int64_t n = a->size[1];
    EACH (row, a->size[0]) {
        const X *x = (const X *)a->in[0] + row * n;
        X *dx = (X *)a->out[0] + row * n;
        double value = (double)((const X *)a->in[1])[row];
        for (int64_t i = 0; i < n; i++) {
            dx[i] = (X)value;
            value *= (double)x[i];
        }
        value = 1;
        for (int64_t i = n - 1; i >= 0; i--) {
            dx[i] = (X)((double)dx[i] * value);
            value *= (double)x[i];
        }
    }
}
#undef X
#undef A
#undef FN
#undef JOIN
#undef FIRST
#undef OWN
