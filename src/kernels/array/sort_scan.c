/* What a search for the largest floats, or the smallest, looks at. It runs over nearly every element, and is therefore
 * not in sort.c, which is compiled for size. */
#include "kernels/array/sort_scan.h"

enum { SCAN_BLOCK = 16 };

int64_t cnn__sort_scan(const float *x, int64_t n, float bound, float sign)
{
    const float limit = sign * bound;
    int64_t i = 0;
    for (; i + SCAN_BLOCK <= n; i += SCAN_BLOCK) {
        int32_t found = 0;
        for (int k = 0; k < SCAN_BLOCK; k++) {
            found |= !(sign * x[i + k] <= limit);
        }
        if (found) {
            break;
        }
    }
    while (i < n && sign * x[i] <= limit) {
        i++;
    }
    return i;
}
