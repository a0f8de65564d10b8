/* The reference kernels, and the one function that fills a table with an instruction set's faster ones. */
#ifndef CNN_KERNELS_REFERENCE_REFERENCE_H
#define CNN_KERNELS_REFERENCE_REFERENCE_H

#include "kernels/kernels.h"

extern const cnn__real_kernels cnn__reference_f32, cnn__reference_f64;

#endif
