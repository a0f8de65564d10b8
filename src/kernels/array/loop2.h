/* The loop of an elementwise operation with two operands, as a function NAME: Y and X are the element types, F(a, b)
 * the operation. A broadcast operand is read once a run. No include guard: one inclusion, one function. */
static __attribute__((noinline)) void NAME(const cnn__nest_run *run)
{
    Y *y = run->at[0];
    const X *a = run->at[1], *b = run->at[2];
    int64_t n = run->n, sy = run->stride[0], sa = run->stride[1], sb = run->stride[2];
    if (sy == 1 && sa == 1 && sb == 1) {
        CNN__IVDEP
        for (int64_t i = 0; i < n; i++) {
            y[i] = F(a[i], b[i]);
        }
    } else if (sy == 1 && sa == 1 && sb == 0) {
        const X b0 = b[0];
        CNN__IVDEP
        for (int64_t i = 0; i < n; i++) {
            y[i] = F(a[i], b0);
        }
    } else if (sy == 1 && sa == 0 && sb == 1) {
        const X a0 = a[0];
        CNN__IVDEP
        for (int64_t i = 0; i < n; i++) {
            y[i] = F(a0, b[i]);
        }
    } else {
        for (int64_t i = 0; i < n; i++) {
            y[i * sy] = F(a[i * sa], b[i * sb]);
        }
    }
}
#undef NAME
#undef F
