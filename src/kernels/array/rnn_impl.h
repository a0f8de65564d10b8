/* The arithmetic of a recurrent step on a row, around its activations, for a real dtype: X is its type, FN(name) its
 * name. No include guard: one inclusion, one dtype. What a loop writes is restrict, or the loop has no dependencies
 * from element to element: checks of where arrays lie would be larger than the loops. */

/* gates += from + bias for n gates, from `first` on; both may be missing. */
static void FN(rnn_add)(int64_t n, int64_t first, const void *from, const void *bias, void *to)
{
    const void *const terms[2] = { bias, from };
    for (int t = 0; t < 2; t++) {
        const X *restrict more = terms[t];
        X *restrict gates = to;
        for (int64_t k = 0; more && k < n; k++) {
            gates[k] += more[first + k];
        }
    }
}

/* c = i·g + f·before */
static void FN(rnn_lstm_cell)(const cnn__rnn_step *s, int64_t row)
{
    const int64_t n = s->hidden;
    const X *i = (const X *)s->gates + row * s->stride, *f = i + n, *g = f + n;
    const X *before = s->before ? (const X *)s->before + row * n : NULL;
    X *restrict c = (X *)s->kept + row * n;
    for (int64_t k = 0; k < n; k++) {
        c[k] = i[k] * g[k];
    }
    for (int64_t k = 0; before && k < n; k++) {
        c[k] += f[k] * before[k];
    }
}

/* n's part of the recurrent product is kept, and comes to its gate by r. */
static void FN(rnn_gru_reset)(const cnn__rnn_step *s, int64_t row)
{
    const int64_t n = s->hidden;
    X *r = (X *)s->gates + row * s->stride, *gate = r + 2 * n, *kept = (X *)s->kept + row * n;
    memset(kept, 0, (size_t)n * sizeof *kept);
    FN(rnn_add)(n, 2 * n, s->before ? (const X *)s->before + row * s->stride : NULL, s->bias, kept);
    CNN__IVDEP
    for (int64_t k = 0; k < n; k++) {
        gate[k] += r[k] * kept[k];
    }
}

/* h, which holds tanh(c) for an LSTM. */
static void FN(rnn_output)(const cnn__rnn_step *s, int64_t row)
{
    const int64_t n = s->hidden;
    const X *gates = (const X *)s->gates + row * s->stride;
    X *h = (X *)s->h + row * n;
    const X *before = s->h_before ? (const X *)s->h_before + row * n : h;
    if (s->parts == 1) {
        memcpy(h, gates, (size_t)n * sizeof *h);
        return;
    }
    if (s->cell == CNN_RNN_LSTM) {
        CNN__IVDEP
        for (int64_t k = 0; k < n; k++) {
            h[k] *= gates[3 * n + k];
        }
        return;
    }
    if (before == h) {
        memset(h, 0, (size_t)n * sizeof *h);
    }
    CNN__IVDEP
    for (int64_t k = 0; k < n; k++) {
        X z = gates[n + k], new = gates[2 * n + k];
        h[k] = new + z *(before[k] - new);
    }
}

static void FN(rnn_relu)(const cnn__rnn_step *s, int64_t row)
{
    X *gates = (X *)s->gates + row * s->stride;
    for (int64_t k = 0; k < s->hidden; k++) {
        gates[k] = gates[k] < 0 ? 0 : gates[k];
    }
}

/* dg holds tanh(c). dh arrives in dout, dc where it leaves. */
static void FN(rnn_lstm_slopes)(const cnn__rnn_step *s, const cnn__rnn_gradient *grad, int64_t row)
{
    const int64_t n = s->hidden, at = row * n, wide = row * s->stride;
    const X *i = (const X *)s->gates + wide, *f = i + n, *g = f + n, *o = g + n;
    const X *before = s->before ? (const X *)s->before + at : f;
    X *di = (X *)grad->dgates + wide, *df = di + n, *dg = df + n, *dout = dg + n, *dc = (X *)grad->more + at;
    CNN__IVDEP
    for (int64_t k = 0; k < n; k++) {
        X t = dg[k], all = dc[k] + dout[k] * o[k] * (1 - t * t);
        di[k] = all * g[k] * i[k] * (1 - i[k]);
        df[k] = all * before[k] * f[k] * (1 - f[k]);
        dg[k] = all * i[k] * (1 - g[k] * g[k]);
        dout[k] = dout[k] * t * o[k] * (1 - o[k]);
        dc[k] = all * f[k];
    }
    if (!s->before) {
        memset(df, 0, (size_t)n * sizeof *df);
    }
}

/* dh arrives in dn; where it leaves are zeros, which stand for those of a first step's h before. */
static void FN(rnn_gru_slopes)(const cnn__rnn_step *s, const cnn__rnn_gradient *grad, int64_t row)
{
    const int64_t n = s->hidden, at = row * n, wide = row * s->stride;
    const X *r = (const X *)s->gates + wide, *z = r + n, *new = z + n, *kept = (const X *)s->kept + at;
    X *dr = (X *)grad->dgates + wide, *dz = dr + n, *dn = dz + n, *product = (X *)grad->more + wide,
      *dh = (X *)grad->dh + at;
    const X *before = s->before ? (const X *)s->before + at : dh;
    CNN__IVDEP
    for (int64_t k = 0; k < n; k++) {
        X all = dn[k];
        dz[k] = all * (before[k] - new[k]) * z[k] * (1 - z[k]);
        dh[k] = all * z[k];
        dn[k] = all * (1 - z[k]) * (1 - new[k] * new[k]);
        dr[k] = dn[k] * kept[k] * r[k] * (1 - r[k]);
        product[k] = dr[k];
        product[n + k] = dz[k];
        product[2 * n + k] = dn[k] * r[k];
    }
}

/* dh arrives in d. */
static void FN(rnn_simple_slopes)(const cnn__rnn_step *s, const cnn__rnn_gradient *grad, int64_t row)
{
    const int64_t n = s->hidden;
    const X *h = (const X *)s->gates + row * s->stride;
    X *d = (X *)grad->dgates + row * s->stride;
    for (int64_t k = 0; k < n; k++) {
        d[k] *= s->cell == CNN_RNN_TANH ? 1 - h[k] * h[k] : (X)(h[k] > 0);
    }
}

const cnn__rnn_loops FN(rnn_loops) = {
    FN(rnn_add),       FN(rnn_lstm_cell),
    FN(rnn_gru_reset), FN(rnn_relu),
    FN(rnn_output),    { FN(rnn_lstm_slopes), FN(rnn_gru_slopes), FN(rnn_simple_slopes), FN(rnn_simple_slopes) },
};
#undef X
#undef FN
