/* A row of an LSTM's step for a real dtype: X is its type, OWN(f) its function f, FN(name) its name. No include guard:
 * one inclusion, one dtype. */
static void FN(lstm_forward)(const cnn__lstm_step *s, int64_t row)
{
    const int64_t n = s->hidden;
    X *i = (X *)s->gates + row * 4 * n, *f = i + n, *g = f + n, *o = g + n;
    X *c = (X *)s->c + row * n, *h = (X *)s->h + row * n;
    const X *bias = s->bias, *before = s->c_before ? (const X *)s->c_before + row * n : NULL;
    for (int64_t k = 0; bias && k < 4 * n; k++) {
        i[k] += bias[k];
    }
    for (int64_t k = 0; k < 2 * n; k++) { /* i and f */
        i[k] = OWN(sigmoid)(i[k]);
    }
    for (int64_t k = 0; k < n; k++) {
        o[k] = OWN(sigmoid)(o[k]);
    }
    CNN__IVDEP
    for (int64_t k = 0; k < n; k++) {
        g[k] = OWN(tanh)(g[k]);
        c[k] = i[k] * g[k];
    }
    for (int64_t k = 0; before && k < n; k++) {
        c[k] += f[k] * before[k];
    }
    CNN__IVDEP
    for (int64_t k = 0; k < n; k++) {
        h[k] = o[k] * OWN(tanh)(c[k]);
    }
}

/* to = a + b, of which either may be missing. */
static void FN(lstm_sum)(int64_t n, const X *a, const X *b, X *to)
{
    for (int64_t k = 0; k < n; k++) {
        to[k] = a ? a[k] : 0;
    }
    for (int64_t k = 0; b && k < n; k++) {
        to[k] += b[k];
    }
}

/* dh is summed up where the gradient of o will be, dc where that of c_before will be. */
static void FN(lstm_backward)(const cnn__lstm_step *s, const cnn__lstm_grad *grad, int64_t row)
{
    const int64_t n = s->hidden, at = row * n;
    const X *i = (const X *)s->gates + 4 * at, *f = i + n, *g = f + n, *o = g + n, *c = (const X *)s->c + at;
    const X *before = s->c_before ? (const X *)s->c_before + at : NULL;
    X *di = (X *)grad->dgates + 4 * at, *df = di + n, *dg = df + n, *dout = dg + n, *dc = (X *)grad->dc_before + at;
    FN(lstm_sum)
    (n, grad->dh[0] ? (const X *)grad->dh[0] + at : NULL, grad->dh[1] ? (const X *)grad->dh[1] + at : NULL, dout);
    FN(lstm_sum)(n, grad->dc ? (const X *)grad->dc + at : NULL, NULL, dc);
    CNN__IVDEP
    for (int64_t k = 0; k < n; k++) {
        X t = OWN(tanh)(c[k]), all = dc[k] + dout[k] * o[k] * (1 - t * t);
        di[k] = all * g[k] * i[k] * (1 - i[k]);
        df[k] = before ? all * f[k] * (1 - f[k]) : 0;
        dg[k] = all * i[k] * (1 - g[k] * g[k]);
        dout[k] = dout[k] * t * o[k] * (1 - o[k]);
        dc[k] = all * f[k];
    }
    for (int64_t k = 0; before && k < n; k++) {
        df[k] *= before[k];
    }
}
#undef X
#undef OWN
#undef FN
