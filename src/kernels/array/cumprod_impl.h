/* The gradient of products along lines, as FN(cumprod_lines): X is the element type, A that of the running values,
 * ATTRIBUTE the function's. dx[i] = P[i] · S[i] with P[i] = x[0] ⋯ x[i − 1] and S[i] = dy[i] + x[i + 1] · S[i + 1],
 * which divides by nothing and so is right for zeros. P waits in dx. No include guard: one inclusion, one dtype. */
static inline __attribute__((always_inline)) void FN(cumprod_some)(int64_t lines, int64_t step, int64_t n,
                                                                   int64_t stride, const X *x, const X *dy, X *dx)
{
    A value[SCAN_LINES];
    for (int64_t l = 0; l < lines; l++) {
        value[l] = 1;
    }
    for (int64_t i = 0; i < n; i++) {
        for (int64_t l = 0; l < lines; l++) {
            dx[i * stride + l * step] = (X)value[l];
            value[l] *= (A)x[i * stride + l * step];
        }
    }
    for (int64_t l = 0; l < lines; l++) {
        value[l] = 0;
    }
    for (int64_t i = n - 1; i >= 0; i--) {
        for (int64_t l = 0; l < lines; l++) {
            value[l] += (A)dy[i * stride + l * step];
            dx[i * stride + l * step] = (X)((A)dx[i * stride + l * step] * value[l]);
            value[l] *= (A)x[i * stride + l * step];
        }
    }
}

/* Lines that lie side by side, or SCAN_ROWS rows that are `step` apart. */
static ATTRIBUTE void FN(cumprod_lines)(int64_t lines, int64_t step, int64_t n, int64_t stride, const void *x,
                                        const void *dy, void *dx)
{
    if (step != 1) {
        FN(cumprod_some)(SCAN_ROWS, step, n, stride, x, dy, dx);
    } else {
        FN(cumprod_some)(lines, 1, n, stride, x, dy, dx);
    }
}
#undef ATTRIBUTE
