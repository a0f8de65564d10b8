/* A scan over neighbouring lines, as FN(scan_lines): X is the element type, A that of the running values. No include
 * guard: one inclusion, one dtype. */

/* `lines` lines that lie side by side, `stride` elements from one element of a line to the next, which may be
 * negative. */
static void FN(scan_lines)(bool product, int64_t lines, int64_t n, int64_t stride, const void *from, void *to)
{
    const X *x = from;
    X *y = to;
    A sum[SCAN_LINES];
    if (lines == 1) {
        A value = product;
        for (int64_t i = 0; i < n; i++) {
            value = product ? value * (A)x[i * stride] : value + (A)x[i * stride];
            y[i * stride] = (X)value;
        }
        return;
    }
    for (int64_t l = 0; l < lines; l++) {
        sum[l] = product;
    }
    for (int64_t i = 0; i < n; i++) {
        for (int64_t l = 0; l < lines; l++) {
            A value = (A)x[i * stride + l];
            sum[l] = product ? sum[l] * value : sum[l] + value;
            y[i * stride + l] = (X)sum[l];
        }
    }
}
