/* The arithmetic of an LSTM's step on a row, behind its activations, for a real dtype: X is its type, FN(name) its
 * name. No include guard: one inclusion, one dtype. */
static void FN(lstm_bias)(const cnn__lstm_step *s, int64_t row)
{
    const X *bias = s->bias;
    X *gates = (X *)s->gates + row * 4 * s->hidden;
    for (int64_t k = 0; k < 4 * s->hidden; k++) {
        gates[k] += bias[k];
    }
}

/* c = i·g + f·before */
static void FN(lstm_cell)(const cnn__lstm_step *s, int64_t row)
{
    const int64_t n = s->hidden;
    const X *i = (const X *)s->gates + row * 4 * n, *f = i + n, *g = f + n;
    const X *before = s->c_before ? (const X *)s->c_before + row * n : NULL;
    X *c = (X *)s->c + row * n;
    for (int64_t k = 0; k < n; k++) {
        c[k] = i[k] * g[k];
    }
    for (int64_t k = 0; before && k < n; k++) {
        c[k] += f[k] * before[k];
    }
}

/* h holds tanh(c). */
static void FN(lstm_output)(const cnn__lstm_step *s, int64_t row)
{
    const int64_t n = s->hidden;
    const X *o = (const X *)s->gates + row * 4 * n + 3 * n;
    X *h = (X *)s->h + row * n;
    for (int64_t k = 0; k < n; k++) {
        h[k] *= o[k];
    }
}

/* Adds a part that may be missing. */
static void FN(lstm_add)(int64_t n, const void *part, int64_t at, X *sum)
{
    for (int64_t k = 0; part && k < n; k++) {
        sum[k] += ((const X *)part)[at + k];
    }
}

/* dg holds tanh(c). dh is summed up where the gradient of o will be, dc where that of i will be. */
static void FN(lstm_gradient)(const cnn__lstm_step *s, const cnn__lstm_grad *grad, int64_t row)
{
    const int64_t n = s->hidden, at = row * n;
    const X *i = (const X *)s->gates + 4 * at, *f = i + n, *g = f + n, *o = g + n;
    const X *before = s->c_before ? (const X *)s->c_before + at : NULL;
    X *di = (X *)grad->dgates + 4 * at, *df = di + n, *dg = df + n, *dout = dg + n, *dc = (X *)grad->dc_before + at;
    memset(dout, 0, (size_t)n * sizeof *dout);
    memset(di, 0, (size_t)n * sizeof *di);
    FN(lstm_add)(n, grad->dh[0], at, dout);
    FN(lstm_add)(n, grad->dh[1], at, dout);
    FN(lstm_add)(n, grad->dc, at, di);
    for (int64_t k = 0; k < n; k++) {
        X t = dg[k], all = di[k] + dout[k] * o[k] * (1 - t * t);
        di[k] = all * g[k] * i[k] * (1 - i[k]);
        df[k] = before ? all * before[k] * f[k] * (1 - f[k]) : 0;
        dg[k] = all * i[k] * (1 - g[k] * g[k]);
        dout[k] = dout[k] * t * o[k] * (1 - o[k]);
        dc[k] = all * f[k];
    }
}
#undef X
#undef FN
