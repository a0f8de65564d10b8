/* Pooling, resampling and columns of windows: X is the type, FN(name) its name. No include guard: one inclusion, one
 * dtype. */

/* out: y, (index). A NaN in the window wins. */
KERNEL(FN(maxpool), plain_arguments)
{
    const int64_t *s = a->size;
    EACH (i, s[PLANES] * s[OUT_H] * s[OUT_W]) {
        const int64_t line = quotient(i, s[OUT_W]), w = i - line * s[OUT_W], plane = quotient(line, s[OUT_H]),
                      h = line - plane * s[OUT_H];
        const X *x = (const X *)a->in[0] + plane * s[IN_H] * s[IN_W];
        X best = (X)-INFINITY;
        int64_t winner = -1;
        for (int64_t k = 0; k < s[KERNEL_H]; k++) {
            const int64_t row = h * s[STRIDE_H] - s[PAD_TOP] + k * s[DILATION_H];
            for (int64_t j = 0; j < s[KERNEL_W] && row >= 0 && row < s[IN_H]; j++) {
                const int64_t column = w * s[STRIDE_W] - s[PAD_LEFT] + j * s[DILATION_W];
                if (column >= 0 && column < s[IN_W]) {
                    const X v = x[row * s[IN_W] + column];
                    if (winner < 0 || v > best || v != v) {
                        best = v;
                        winner = row * s[IN_W] + column;
                    }
                }
            }
        }
        ((X *)a->out[0])[i] = best;
        if (a->out[1]) {
            ((int32_t *)a->out[1])[i] = (int32_t)winner;
        }
    }
}

/* The same with windows that share the image out among the results. */
KERNEL(FN(adaptive_maxpool), plain_arguments)
{
    const int64_t *s = a->size;
    EACH (i, s[PLANES] * s[OUT_H] * s[OUT_W]) {
        const int64_t line = quotient(i, s[OUT_W]), w = i - line * s[OUT_W], plane = quotient(line, s[OUT_H]),
                      h = line - plane * s[OUT_H], top = h * s[IN_H] / s[OUT_H], left = w * s[IN_W] / s[OUT_W],
                      bottom = ((h + 1) * s[IN_H] + s[OUT_H] - 1) / s[OUT_H],
                      right = ((w + 1) * s[IN_W] + s[OUT_W] - 1) / s[OUT_W];
        const X *x = (const X *)a->in[0] + plane * s[IN_H] * s[IN_W];
        X best = (X)-INFINITY;
        int64_t winner = top * s[IN_W] + left;
        for (int64_t row = top; row < bottom; row++) {
            for (int64_t column = left; column < right; column++) {
                const X v = x[row * s[IN_W] + column];
                if (v > best || v != v) {
                    best = v;
                    winner = row * s[IN_W] + column;
                }
            }
        }
        ((X *)a->out[0])[i] = best;
        if (a->out[1]) {
            ((int32_t *)a->out[1])[i] = (int32_t)winner;
        }
    }
}

/* in: dy, index. One thread has an element of dx, which asks the windows that may have it; without a stride they are
 * those of adaptive_maxpool. */
KERNEL(FN(maxpool_backward), plain_arguments)
{
    const int64_t *s = a->size;
    EACH (i, s[PLANES] * s[IN_H] * s[IN_W]) {
        const int64_t line = quotient(i, s[IN_W]), w = i - line * s[IN_W], plane = quotient(line, s[IN_H]),
                      h = line - plane * s[IN_H];
        const X *dy = (const X *)a->in[0] + plane * s[OUT_H] * s[OUT_W];
        const int32_t *index = (const int32_t *)a->in[1] + plane * s[OUT_H] * s[OUT_W],
                      own = (int32_t)(h * s[IN_W] + w);
        X sum = 0;
        if (s[STRIDE_H] == 0) {
            for (int64_t out_h = h * s[OUT_H] / s[IN_H]; out_h <= ((h + 1) * s[OUT_H] - 1) / s[IN_H]; out_h++) {
                for (int64_t out_w = w * s[OUT_W] / s[IN_W]; out_w <= ((w + 1) * s[OUT_W] - 1) / s[IN_W]; out_w++) {
                    sum += index[out_h * s[OUT_W] + out_w] == own ? dy[out_h * s[OUT_W] + out_w] : 0;
                }
            }
        }
        for (int64_t k = s[STRIDE_H] ? s[KERNEL_H] - 1 : -1; k >= 0; k--) {
            const int64_t down = h + s[PAD_TOP] - k * s[DILATION_H],
                          out_h = down >= 0 ? quotient(down, s[STRIDE_H]) : -1;
            if (out_h < 0 || out_h * s[STRIDE_H] != down || out_h >= s[OUT_H]) {
                continue;
            }
            for (int64_t j = s[KERNEL_W] - 1; j >= 0; j--) {
                const int64_t across = w + s[PAD_LEFT] - j * s[DILATION_W],
                              out_w = across >= 0 ? quotient(across, s[STRIDE_W]) : -1;
                if (out_w >= 0 && out_w * s[STRIDE_W] == across && out_w < s[OUT_W]) {
                    sum += index[out_h * s[OUT_W] + out_w] == own ? dy[out_h * s[OUT_W] + out_w] : 0;
                }
            }
        }
        ((X *)a->out[0])[i] = sum;
    }
}

/* ---- averages. sizes: as for pooling, but size[9] is the divisor and size[10] whether padding is excluded ---- */

enum { FN(DIVISOR) = 9, FN(EXCLUDES) = 10 };

DEVICE double FN(average_divisor)(const int64_t *s, int64_t h, int64_t w)
{
    if (s[FN(DIVISOR)]) {
        return (double)s[FN(DIVISOR)];
    }
    const int64_t top = h * s[STRIDE_H] - s[PAD_TOP], left = w * s[STRIDE_W] - s[PAD_LEFT],
                  bottom = top + smaller(s[KERNEL_H], s[IN_H] + s[PAD_TOP] - top),
                  right = left + smaller(s[KERNEL_W], s[IN_W] + s[PAD_LEFT] - left);
    return s[FN(EXCLUDES)] ? (double)(smaller(bottom, s[IN_H]) - larger(top, 0)) *
                                 (double)(smaller(right, s[IN_W]) - larger(left, 0))
                           : (double)(bottom - top) * (double)(right - left);
}

KERNEL(FN(avg_pool), plain_arguments)
{
    const int64_t *s = a->size;
    EACH (i, s[PLANES] * s[OUT_H] * s[OUT_W]) {
        const int64_t line = quotient(i, s[OUT_W]), w = i - line * s[OUT_W], plane = quotient(line, s[OUT_H]),
                      h = line - plane * s[OUT_H], top = h * s[STRIDE_H] - s[PAD_TOP],
                      left = w * s[STRIDE_W] - s[PAD_LEFT];
        const X *x = (const X *)a->in[0] + plane * s[IN_H] * s[IN_W];
        double sum = 0;
        for (int64_t row = larger(top, 0); row < smaller(top + s[KERNEL_H], s[IN_H]); row++) {
            for (int64_t column = larger(left, 0); column < smaller(left + s[KERNEL_W], s[IN_W]); column++) {
                sum += (double)x[row * s[IN_W] + column];
            }
        }
        ((X *)a->out[0])[i] = (X)(sum / FN(average_divisor)(s, h, w));
    }
}

KERNEL(FN(avg_pool_backward), plain_arguments)
{
    const int64_t *s = a->size;
    EACH (i, s[PLANES] * s[IN_H] * s[IN_W]) {
        const int64_t line = quotient(i, s[IN_W]), w = i - line * s[IN_W], plane = quotient(line, s[IN_H]),
                      h = line - plane * s[IN_H];
        const X *dy = (const X *)a->in[0] + plane * s[OUT_H] * s[OUT_W];
        const int64_t above = h + s[PAD_TOP] - s[KERNEL_H], before = w + s[PAD_LEFT] - s[KERNEL_W];
        double sum = 0;
        for (int64_t out_h = above < 0 ? 0 : above / s[STRIDE_H] + 1;
             out_h < smaller((h + s[PAD_TOP]) / s[STRIDE_H] + 1, s[OUT_H]); out_h++) {
            for (int64_t out_w = before < 0 ? 0 : before / s[STRIDE_W] + 1;
                 out_w < smaller((w + s[PAD_LEFT]) / s[STRIDE_W] + 1, s[OUT_W]); out_w++) {
                sum += (double)dy[out_h * s[OUT_W] + out_w] / FN(average_divisor)(s, out_h, out_w);
            }
        }
        ((X *)a->out[0])[i] = (X)sum;
    }
}

/* ---- resampling: one thread has a result ---- */

KERNEL(FN(resample), plain_arguments)
{
    const bool transposed = a->size[RESAMPLE_TRANSPOSED] != 0;
    const int64_t *d = a->size, *h = d + AXIS_SIZES, *w = h + AXIS_SIZES;
    const int rows = transposed ? AXIS_IN : AXIS_OUT, columns = transposed ? AXIS_OUT : AXIS_IN;
    const char *memory = (const char *)a->workspace;
    const int64_t *starts[3];
    const resample_tap *taps[3];
    for (int k = 0; k < 3; k++) {
        starts[k] = (const int64_t *)(memory + d[AXIS_SIZES * k + AXIS_STARTS_AT]);
        taps[k] = (const resample_tap *)(memory + d[AXIS_SIZES * k + AXIS_TAPS_AT]);
    }
    EACH (i, a->size[RESAMPLE_PLANES] * d[rows] * h[rows] * w[rows]) {
        const int64_t line = quotient(i, w[rows]), column = i - line * w[rows], slice = quotient(line, h[rows]),
                      row = line - slice * h[rows], plane = quotient(slice, d[rows]), depth = slice - plane * d[rows];
        const X *x = (const X *)a->in[0] + plane * d[columns] * h[columns] * w[columns];
        double total = 0;
        for (int64_t c = starts[2][column]; c < starts[2][column + 1]; c++) {
            double sum = 0;
            for (int64_t b = starts[0][depth]; b < starts[0][depth + 1]; b++) {
                for (int64_t k = starts[1][row]; k < starts[1][row + 1]; k++) {
                    sum += taps[0][b].weight * taps[1][k].weight *
                           (double)x[(taps[0][b].from * h[columns] + taps[1][k].from) * w[columns] + taps[2][c].from];
                }
            }
            total += taps[2][c].weight * sum;
        }
        ((X *)a->out[0])[i] = (X)total;
    }
}

/* ---- columns of windows: [planes, kernel_h, kernel_w, out_h, out_w] ---- */

KERNEL(FN(unfold), plain_arguments)
{
    const int64_t *s = a->size;
    EACH (i, s[PLANES] * s[KERNEL_H] * s[KERNEL_W] * s[OUT_H] * s[OUT_W]) {
        const int64_t line = quotient(i, s[OUT_W]), out_w = i - line * s[OUT_W], tap = quotient(line, s[OUT_H]),
                      out_h = line - tap * s[OUT_H], k = quotient(tap, s[KERNEL_W]), j = tap - k * s[KERNEL_W],
                      plane = quotient(k, s[KERNEL_H]),
                      h = out_h * s[STRIDE_H] + (k - plane * s[KERNEL_H]) * s[DILATION_H] - s[PAD_TOP],
                      w = out_w * s[STRIDE_W] + j * s[DILATION_W] - s[PAD_LEFT];
        const bool inside = h >= 0 && h < s[IN_H] && w >= 0 && w < s[IN_W];
        ((X *)a->out[0])[i] = inside ? ((const X *)a->in[0])[(plane * s[IN_H] + h) * s[IN_W] + w] : 0;
    }
}

KERNEL(FN(fold), plain_arguments)
{
    const int64_t *s = a->size;
    EACH (i, s[PLANES] * s[IN_H] * s[IN_W]) {
        const int64_t line = quotient(i, s[IN_W]), w = i - line * s[IN_W], plane = quotient(line, s[IN_H]),
                      h = line - plane * s[IN_H];
        const X *y = (const X *)a->in[0] + plane * s[KERNEL_H] * s[KERNEL_W] * s[OUT_H] * s[OUT_W];
        X sum = 0;
        for (int64_t k = 0; k < s[KERNEL_H]; k++) {
            const int64_t down = h + s[PAD_TOP] - k * s[DILATION_H],
                          out_h = down >= 0 ? quotient(down, s[STRIDE_H]) : -1;
            if (out_h < 0 || out_h * s[STRIDE_H] != down || out_h >= s[OUT_H]) {
                continue;
            }
            for (int64_t j = 0; j < s[KERNEL_W]; j++) {
                const int64_t across = w + s[PAD_LEFT] - j * s[DILATION_W],
                              out_w = across >= 0 ? quotient(across, s[STRIDE_W]) : -1;
                if (out_w >= 0 && out_w * s[STRIDE_W] == across && out_w < s[OUT_W]) {
                    sum += y[((k * s[KERNEL_W] + j) * s[OUT_H] + out_h) * s[OUT_W] + out_w];
                }
            }
        }
        ((X *)a->out[0])[i] = sum;
    }
}
