/* condition ? a : b for elements of the size of X. No include guard: one inclusion, one size. */
static void NAME(const cnn__nest_run *run)
{
    X *y = run->at[0];
    const uint8_t *condition = run->at[1];
    const X *a = run->at[2], *b = run->at[3];
    int64_t n = run->n, sy = run->stride[0], sc = run->stride[1], sa = run->stride[2], sb = run->stride[3];
    if (sy == 1 && sc == 1 && sa == 1 && sb == 1) {
        CNN__IVDEP
        for (int64_t i = 0; i < n; i++) {
            X va = a[i], vb = b[i];
            y[i] = condition[i] ? va : vb;
        }
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        y[i * sy] = condition[i * sc] ? a[i * sa] : b[i * sb];
    }
}
#undef X
#undef NAME
