/* One step of a recurrent network behind its products: X is the type, FN(name) its name, OWN(f) its function. No
 * include guard: one inclusion, one dtype. sizes: cell, rows, hidden, time. */

/* in: (bias), (before), (h before), (lengths); out: gates, c, h, (y). One thread has an element of a state. */
KERNEL(FN(rnn_forward), plain_arguments)
{
    const int64_t cell = a->size[0], n = a->size[2];
    const int64_t parts = cell == CNN_RNN_LSTM ? 4 : cell == CNN_RNN_GRU ? 3 : 1;
    const X *bias = (const X *)a->in[0], *before = (const X *)a->in[1], *h_before = (const X *)a->in[2];
    const int64_t *lengths = (const int64_t *)a->in[3];
    EACH (i, a->size[1] * n) {
        const int64_t row = quotient(i, n), k = i - row * n;
        const bool takes_part = !lengths || lengths[row] > a->size[3];
        X *gate = (X *)a->out[0] + row * parts * n + k, h, c = 0;
        if (cell == CNN_RNN_GRU) {
            X product = 0;
            for (int g = 0; g < 2; g++) {
                X v = gate[g * n] + (bias ? bias[g * n + k] : 0);
                gate[g * n] = OWN(sigmoid)(v + (before ? before[(row * 3 + g) * n + k] : 0));
            }
            product += bias ? bias[2 * n + k] : 0;
            product += before ? before[(row * 3 + 2) * n + k] : 0;
            ((X *)a->out[1])[i] = product;
            gate[2 * n] = OWN(tanh)(gate[2 * n] + gate[0] * product);
            h = gate[2 * n] + gate[n] * ((h_before ? h_before[i] : 0) - gate[2 * n]);
        } else if (cell == CNN_RNN_LSTM) {
            for (int g = 0; g < 4; g++) {
                const X v = gate[g * n] + (bias ? bias[g * n + k] : 0);
                gate[g * n] = g == 2 ? OWN(tanh)(v) : OWN(sigmoid)(v);
            }
            c = gate[0] * gate[2 * n];
            c += before ? gate[n] * before[i] : 0;
            h = OWN(tanh)(c) * gate[3 * n];
            ((X *)a->out[1])[i] = takes_part ? c : before ? before[i] : 0;
        } else {
            const X v = gate[0] + (bias ? bias[k] : 0);
            h = gate[0] = cell == CNN_RNN_TANH ? OWN(tanh)(v) : v < 0 ? 0 : v;
        }
        ((X *)a->out[2])[i] = takes_part ? h : h_before ? h_before[i] : 0;
        if (a->out[3]) {
            ((X *)a->out[3])[i] = takes_part ? h : 0;
        }
    }
}

/* in: (dy), gates, c, (before), (lengths); out: dgates, dh, dc or the gradient of a GRU's product. */
KERNEL(FN(rnn_backward), plain_arguments)
{
    const int64_t cell = a->size[0], n = a->size[2];
    const int64_t parts = cell == CNN_RNN_LSTM ? 4 : cell == CNN_RNN_GRU ? 3 : 1;
    const X *dy = (const X *)a->in[0], *before = (const X *)a->in[3];
    const int64_t *lengths = (const int64_t *)a->in[4];
    EACH (i, a->size[1] * n) {
        const int64_t row = quotient(i, n), k = i - row * n, at = row * parts * n + k;
        const X *gate = (const X *)a->in[1] + at;
        X *d = (X *)a->out[0] + at, *dh = (X *)a->out[1] + i;
        if (lengths && lengths[row] <= a->size[3]) {
            for (int g = 0; g < parts; g++) {
                d[g * n] = 0;
                if (cell == CNN_RNN_GRU) {
                    ((X *)a->out[2])[at + g * n] = 0;
                }
            }
            continue;
        }
        const X all = *dh + (dy ? dy[i] : 0);
        *dh = 0;
        if (cell == CNN_RNN_LSTM) {
            X *dc = (X *)a->out[2] + i;
            const X in = gate[0], f = gate[n], g = gate[2 * n], o = gate[3 * n],
                    t = OWN(tanh)(((const X *)a->in[2])[i]);
            const X both = *dc + all * o * (1 - t * t);
            d[0] = both * g * in * (1 - in);
            d[n] = before ? both * before[i] * f * (1 - f) : 0;
            d[2 * n] = both * in * (1 - g * g);
            d[3 * n] = all * t * o * (1 - o);
            *dc = both * f;
        } else if (cell == CNN_RNN_GRU) {
            X *product = (X *)a->out[2] + at;
            const X r = gate[0], z = gate[n], fresh = gate[2 * n], kept = ((const X *)a->in[2])[i];
            *dh = all * z;
            d[n] = all * ((before ? before[i] : 0) - fresh) * z * (1 - z);
            d[2 * n] = all * (1 - z) * (1 - fresh * fresh);
            d[0] = d[2 * n] * kept * r * (1 - r);
            product[0] = d[0];
            product[n] = d[n];
            product[2 * n] = d[2 * n] * r;
        } else {
            d[0] = all * (cell == CNN_RNN_TANH ? 1 - gate[0] * gate[0] : (X)(gate[0] > 0));
        }
    }
}
