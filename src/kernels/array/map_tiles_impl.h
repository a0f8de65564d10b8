/* Elements of the size of X gathered into rows of `width`. No include guard: one inclusion, one size. */
static void FN(gather_tile)(int64_t rows, int64_t columns, const void *from, int64_t row_step, int64_t column_step,
                            void *room, int64_t width)
{
    const X *x = from;
    X *to = room;
    for (int64_t i = 0; i < rows; i++) {
        for (int64_t j = 0; j < columns; j++) {
            to[i * width + j] = x[i * row_step + j * column_step];
        }
    }
}
#undef X
#undef FN
