/* The position of the first largest or smallest element of a nest (operand 1), as a function NAME; X is the element
 * type, LARGER(a, b) the comparison, FLIP(x, FLIPS(smallest)) the element in the order that is searched. No include
 * guard: one inclusion, one dtype. */
static int64_t NAME(bool smallest, const void *from, const cnn__nest *nest, int64_t count)
{
    const X *x = from, *run = x;
    const X flip = (X)FLIPS(smallest);
    X best = (X)FLIP(x[0], flip);
    int64_t at = 0, position = 0;
    int64_t stride = nest->ndim ? nest->stride[1][nest->ndim - 1] : 0;
    cnn__cursor cursor;
    if (nest->ndim > 1) {
        cnn__cursor_seek(&cursor, nest, 0);
    }
    for (;;) {
        int64_t n = nest->ndim > 1 ? cnn__cursor_run(&cursor) : count;
        for (int64_t i = 0; i < n; i++) {
            X v = (X)FLIP(run[i * stride], flip);
            if (LARGER(v, best)) {
                best = v;
                at = position + i;
            }
        }
        position += n;
        if (position == count) {
            return at;
        }
        cnn__cursor_advance(&cursor, n);
        run = x + cursor.offset[1];
    }
}
#undef X
#undef NAME
