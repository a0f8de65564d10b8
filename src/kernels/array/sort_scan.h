/* A part of sort.c that is compiled for speed. */
#ifndef CNN_KERNELS_ARRAY_SORT_SCAN_H
#define CNN_KERNELS_ARRAY_SORT_SCAN_H

#include "platform/target.h"

#include <stdint.h>

/* The first of n elements that is above the bound (sign 1) or below it (sign −1), or that cannot be compared with it; n
 * where there is none. */
int64_t cnn__sort_scan(const float *x, int64_t n, float bound, float sign);

#endif
