/* The loop of an elementwise operation with one operand, as a function NAME: Y and X are the element types, F(x, p) the
 * operation, PARAMETER(v) converts its parameters. No include guard: one inclusion, one function. */
static void NAME(const cnn__nest_run *run)
{
    Y *y = run->at[0];
    const X *x = run->at[1];
    const X p[2] = { PARAMETER(run->parameters[0]), PARAMETER(run->parameters[1]) };
    int64_t n = run->n, sy = run->stride[0], sx = run->stride[1];
    if (sy == 1 && sx == 1) {
        CNN__IVDEP
        for (int64_t i = 0; i < n; i++) {
            y[i] = F(x[i], p);
        }
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        y[i * sy] = F(x[i * sx], p);
    }
}
#undef NAME
#undef F
