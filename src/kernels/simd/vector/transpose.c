#include "kernels/simd/vector/transpose.h"

#include "kernels/simd/vector/partial.h"

void transpose_out(const float *from, int64_t from_step, int64_t rows, int64_t columns, float *to, int64_t to_step)
{
    for (int64_t row = 0; row < rows; row += LANES) {
        for (int64_t column = 0; column < columns; column += LANES) {
            int64_t some = columns - column < LANES ? columns - column : LANES;
            lanes v[LANES];
            for (int i = 0; i < LANES; i++) {
                v[i] = row + i < rows ? load_partial(from + (row + i) * from_step + column, some) : (lanes){ 0 };
            }
            transpose(v);
            for (int64_t i = 0; i < some; i++) {
                store(to + (column + i) * to_step + row, v[i]);
            }
        }
    }
}

void transpose_in(const float *from, int64_t from_step, int64_t rows, int64_t columns, float *to, int64_t to_step)
{
    for (int64_t row = 0; row < rows && from_step == 0; row++) { /* equal columns */
        for (int64_t column = 0; column < columns; column += LANES) {
            store_partial(to + row * to_step + column, splat(from[row]), min64(columns - column, LANES));
        }
    }
    for (int64_t row = 0; row < rows && from_step != 0; row += LANES) {
        for (int64_t column = 0; column < columns; column += LANES) {
            int64_t some = columns - column < LANES ? columns - column : LANES;
            lanes v[LANES];
            for (int i = 0; i < LANES; i++) {
                v[i] = i < some ? load(from + (column + i) * from_step + row) : (lanes){ 0 };
            }
            transpose(v);
            for (int64_t i = 0; i < LANES && row + i < rows; i++) {
                store_partial(to + (row + i) * to_step + column, v[i], some);
            }
        }
    }
}
