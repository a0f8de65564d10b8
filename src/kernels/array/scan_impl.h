/* A scan over neighbouring lines, as FN(scan_lines): X is the element type, A that of the running values. No include
 * guard: one inclusion, one dtype. */
#define SCAN_ALONG(join) \
    for (int64_t i = 0; i < n; i++) { \
        const A one = (A)x[i * stride]; \
        value = value join one; \
        y[i * stride] = (X)value; \
    }
#define SCAN_ACROSS(join) \
    for (int64_t i = 0; i < n; i++, x += stride, y += stride) { \
        CNN__IVDEP \
        for (int64_t l = 0; l < lines; l++) { \
            const A next = sum[l] join(A) x[l]; \
            sum[l] = next; \
            y[l] = (X)next; \
        } \
    }

/* SCAN_ROWS lines that are rows, `step` elements from one to the next: products wait for each other, but not for
 * those of another row. y may be x. */
#define SCAN_TOGETHER(join) \
    for (int64_t i = 0; i < n; i++, x += stride, y += stride) { \
        _Pragma("GCC unroll 4") for (int r = 0; r < SCAN_ROWS; r++) \
        { \
            value[r] = value[r] join(A) x[r * step]; \
            y[r * step] = (X)value[r]; \
        } \
    }

static void FN(scan_rows)(bool product, int64_t n, int64_t stride, int64_t step, const void *from, void *to)
{
    const X *x = from;
    X *y = to;
    A value[SCAN_ROWS];
    for (int r = 0; r < SCAN_ROWS; r++) {
        value[r] = product;
    }
    if (product) {
        SCAN_TOGETHER(*)
        return;
    }
    SCAN_TOGETHER(+)
}
#undef SCAN_TOGETHER

/* `lines` lines that lie side by side, `stride` elements from one element of a line to the next, which may be
 * negative. y may be x. */
static void FN(scan_lines)(bool product, int64_t lines, int64_t n, int64_t stride, const void *from, void *to)
{
    const X *x = from;
    X *y = to;
    A sum[SCAN_LINES], value = product;
    if (lines == 1 && product) {
        SCAN_ALONG(*)
        return;
    }
    if (lines == 1) {
        SCAN_ALONG(+)
        return;
    }
    for (int64_t l = 0; l < lines; l++) {
        sum[l] = value;
    }
    if (product) {
        SCAN_ACROSS(*)
        return;
    }
    SCAN_ACROSS(+)
}
#undef SCAN_ALONG
#undef SCAN_ACROSS
