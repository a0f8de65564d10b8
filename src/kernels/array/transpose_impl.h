/* Copies of bits between elements of the size of X: SIZED(move) along a run, and SIZED(transposed_tile), rows × columns
 * of which x is contiguous down the columns and y along the rows. No include guard: one inclusion, one size. */
static void SIZED(move)(const cnn__nest_run *run)
{
    X *y = run->at[0];
    const X *x = run->at[1];
    const int64_t n = run->n, sy = run->stride[0], sx = run->stride[1];
    if (sy == 1 && sx == 1) {
        memmove(y, x, (size_t)n * sizeof *y);
    } else if (sy == 1 && sx == 0) {
        const X x0 = x[0];
        for (int64_t i = 0; i < n; i++) {
            y[i] = x0;
        }
    } else if (sy == 1 && sx == -1) {
        x -= n - 1; /* the first in memory */
        for (int64_t i = 0; i < n; i++) {
            y[i] = x[n - 1 - i];
        }
    } else {
        for (int64_t i = 0; i < n; i++) {
            y[i * sy] = x[i * sx];
        }
    }
}

static void SIZED(transposed_tile)(int64_t rows, int64_t columns, void *to, int64_t y_row, const void *from,
                                   int64_t x_column)
{
    X *y = to;
    const X *x = from;
    for (int64_t i = 0; i < rows; i++) {
        for (int64_t j = 0; j < columns; j++) {
            y[i * y_row + j] = x[i + j * x_column];
        }
    }
}
#undef X
#undef SIZED
