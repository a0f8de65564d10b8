/* One row of the gradient of a table for a real dtype: X is its type, FN(name) its name. The sum of the rows of
 * `dy` that `order` numbers, `width` elements each; of none it is 0. Sums of at most EXACT rows are the same in X,
 * of two floats because they are rounded once. No include guard: one inclusion, one dtype. */
static void FN(sum_row)(int64_t count, const int64_t *order, int64_t width, const void *from, void *to)
{
    double sum[SCATTER_COLUMNS];
    if (count <= EXACT) {
        X *row = to;
        memset(row, 0, (size_t)width * sizeof *row);
        for (int64_t i = 0; i < count; i++) {
            const X *dy = (const X *)from + order[i] * width;
            CNN__IVDEP
            for (int64_t j = 0; j < width; j++) {
                row[j] += dy[j];
            }
        }
        return;
    }
    for (int64_t first = 0; first < width; first += SCATTER_COLUMNS) {
        int64_t columns = cnn__min(SCATTER_COLUMNS, width - first);
        memset(sum, 0, sizeof sum);
        for (int64_t i = 0; i < count; i++) {
            const X *dy = (const X *)from + order[i] * width + first;
            for (int64_t j = 0; j < columns; j++) {
                sum[j] += (double)dy[j];
            }
        }
        for (int64_t j = 0; j < columns; j++) {
            ((X *)to)[first + j] = (X)sum[j];
        }
    }
}
#undef X
#undef FN
#undef EXACT
