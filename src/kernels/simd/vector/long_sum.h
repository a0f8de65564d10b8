/* Sums of many terms. Term after term in f32, a sum of n terms of one sign is off by up to n · 2^-25 of itself,
 * which is 1e-4 at LONG_SUM terms. Longer ones are made in parts of up to PART_SUM terms, which are added up in
 * double: those wide sums stand beside the floats that the parts are made in. Which sums are long and where they are
 * cut follows from sizes alone. */
#ifndef CNN_KERNELS_SIMD_VECTOR_LONG_SUM_H
#define CNN_KERNELS_SIMD_VECTOR_LONG_SUM_H

#include "kernels/simd/vector/lanes.h"

enum {
    LONG_SUM = 3328,
    PART_SUM = 3072,
    MANY_PARTS = 256 /* that may still be added up in f32 */
};

static inline bool long_sum(int64_t terms)
{
    return terms > LONG_SUM;
}

/* wide[rows][columns] += from, of which a row is `step` floats; the first part replaces what is in `wide`. */
void CNN__SIMD(wide_add)(double *wide, bool first, const float *from, int64_t rows, int64_t columns, int64_t step);

/* The whole sums: to = wide + to, where the last part is. */
void CNN__SIMD(wide_finish)(const double *wide, float *to, int64_t rows, int64_t columns, int64_t step);

#define wide_add CNN__SIMD(wide_add)
#define wide_finish CNN__SIMD(wide_finish)

#endif
