/* Parts of long sums, added up in double (vector/long_sum.h). */
#include "kernels/simd/vector/long_sum.h"

void wide_add(double *wide, bool first, const float *from, int64_t rows, int64_t columns, int64_t step)
{
    if (first) {
        memset(wide, 0, (size_t)(rows * columns) * sizeof *wide);
    }
    for (int64_t i = 0; i < rows; i++, wide += columns, from += step) {
        for (int64_t j = 0; j < columns; j++) {
            wide[j] += (double)from[j];
        }
    }
}

void wide_finish(const double *wide, float *to, int64_t rows, int64_t columns, int64_t step)
{
    for (int64_t i = 0; i < rows; i++, wide += columns, to += step) {
        for (int64_t j = 0; j < columns; j++) {
            to[j] = (float)(wide[j] + (double)to[j]);
        }
    }
}
