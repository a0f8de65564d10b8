/* The loops of one loss, as a function NAME: F(x, t, c, v) returns the loss and its slopes, of which one is written;
 * the compiler drops the rest. No include guard: one inclusion, one loss and dtype. */
static void NAME(const loss_block *b, loss_part part, void *to)
{
    const X *x = b->at[0], *t = b->at[1], *c = b->at[2], v[2] = { (X)b->value[0], (X)b->value[1] };
    X *y = to;
    int n = b->n;
    switch (part) {
    case PART_LOSS:
        CNN__IVDEP
        for (int i = 0; i < n; i++) {
            y[i] = F(x[i], t[i], c[i], v).loss;
        }
        break;
    case PART_DX:
        CNN__IVDEP
        for (int i = 0; i < n; i++) {
            y[i] = F(x[i], t[i], c[i], v).dx;
        }
        break;
    case PART_DT:
        CNN__IVDEP
        for (int i = 0; i < n; i++) {
            y[i] = F(x[i], t[i], c[i], v).dt;
        }
        break;
    case PART_DC:
        CNN__IVDEP
        for (int i = 0; i < n; i++) {
            y[i] = F(x[i], t[i], c[i], v).dc;
        }
        break;
    }
}
#undef NAME
#undef F
