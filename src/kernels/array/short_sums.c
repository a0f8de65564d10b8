/* What takes long in reductions of many short rows: storing the results, and sums of floats in double, in which element
 * i of a row is added to lane i % 8, and lanes are joined as in reduce_impl.h. */
#include "kernels/array/reduce.h"

void cnn__store_floats(int64_t n, const double *from, float *to)
{
    CNN__IVDEP
    for (int64_t i = 0; i < n; i++) {
        to[i] = (float)from[i];
    }
}

void cnn__short_sums(int64_t rows, int64_t step, int64_t n, const float *x, double *sums)
{
    for (int64_t r = 0; r < rows; r++, x += step) {
        double lane[8] = { 0 };
        int64_t i = 0;
        for (; i + 8 <= n; i += 8) {
#pragma GCC unroll 8
            for (int k = 0; k < 8; k++) {
                lane[k] += (double)x[i + k];
            }
        }
#pragma GCC unroll 1
        for (; i < n; i++) {
            lane[i % 8] += (double)x[i];
        }
        sums[r] = ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
    }
}
