/* The loop of a copy, as a function NAME: Y and X are the element types, F(x) the conversion, ATTRIBUTE the
 * function's. No include guard: one inclusion, one function. */
static ATTRIBUTE void NAME(const cnn__nest_run *run)
{
    Y *y = run->at[0];
    const X *x = run->at[1];
    int64_t n = run->n, sy = run->stride[0], sx = run->stride[1];
    if (sy == 1 && sx == 1) {
        CNN__IVDEP
        for (int64_t i = 0; i < n; i++) {
            y[i] = F(x[i]);
        }
    } else if (sy == 1 && sx == 0) {
        const Y y0 = F(x[0]);
        for (int64_t i = 0; i < n; i++) {
            y[i] = y0;
        }
    } else {
        for (int64_t i = 0; i < n; i++) {
            y[i * sy] = F(x[i * sx]);
        }
    }
}
#undef NAME
#undef F
#undef ATTRIBUTE
#undef Y
