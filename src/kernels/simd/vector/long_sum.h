/* Sums of many terms. If n terms of one sign are added one after the other in f32, the relative error can reach n ·
 * 2^-25, which is 1e-4 at LONG_SUM terms. Longer sums are therefore computed in parts of at most PART_SUM terms, and
 * the parts are added in double: a buffer of "wide" sums stands beside the floats in which the parts are computed.
 * Which sums are long, and where they are cut, depends on sizes alone. */
#ifndef CNN_KERNELS_SIMD_VECTOR_LONG_SUM_H
#define CNN_KERNELS_SIMD_VECTOR_LONG_SUM_H

#include "kernels/simd/vector/lanes.h"

enum {
    LONG_SUM = 3328,
    PART_SUM = 3072,
    MANY_PARTS = 256 /* parts that may still be added up in f32 */
};

static inline bool long_sum(int64_t terms)
{
    return terms > LONG_SUM;
}

/* wide[rows][columns] += from, whose rows are `step` floats apart. The first part overwrites `wide`. */
void CNN__SIMD(wide_add)(double *wide, bool first, const float *from, int64_t rows, int64_t columns, int64_t step);

/* Completes the sums: to = wide + to, where `to` holds the last part. */
void CNN__SIMD(wide_finish)(const double *wide, float *to, int64_t rows, int64_t columns, int64_t step);

#define wide_add CNN__SIMD(wide_add)
#define wide_finish CNN__SIMD(wide_finish)

#endif
