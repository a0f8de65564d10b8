/* The reference: every kernel of kernels.def as plain loops in f32 and f64. It is the specification of the other tables
 * and the oracle of their tests, and f64's only table. */
#ifndef CNN_KERNELS_REFERENCE_REFERENCE_H
#define CNN_KERNELS_REFERENCE_REFERENCE_H

#include "kernels/kernels.h"

#define CNN__KERNEL(source, result, name, parameters) \
    result cnn__##name##_f32 parameters; \
    result cnn__##name##_f64 parameters;
#include "kernels/kernels.def"
#undef CNN__KERNEL

extern const cnn__real_kernels cnn__reference_f32, cnn__reference_f64;

#endif
